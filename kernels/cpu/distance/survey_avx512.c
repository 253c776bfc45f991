#include "cpu/distance/survey.h"

#include "cpu/distance/distance.h"

/* What this instruction set adds is the maximum of 64-bit integers. */
SURVEY(avx512)
