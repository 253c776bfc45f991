/* Where its loops begin within a line decides a tenth of the time of a pass over a matrix. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("align-loops=64")
#endif
#include "cpu/distance/survey.h"

#include "cpu/distance/distance.h"

/* What this instruction set adds is the maximum of 64-bit integers. */
SURVEY(avx512)
