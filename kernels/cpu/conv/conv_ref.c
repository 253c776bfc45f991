/* Convolutions, written out. Sums are those of fused multiplications and additions, as the vectors' are. */
#include <math.h>

#include "vtk_conv.h"

#define REAL float
#define NAME(x) x##_f32
#define FMA fmaf
#include "cpu/conv/conv_ref.h"
#undef REAL
#undef NAME
#undef FMA
#define REAL double
#define NAME(x) x##_f64
#define FMA fma
#include "cpu/conv/conv_ref.h"

const struct vtk_conv vtk_conv_ref = {gather_f32, gather_f64, direct_f32, direct_f64, dots_f32, dots_f64};
