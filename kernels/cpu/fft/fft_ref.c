#include "cpu/fft/shuffle.h"
#include "vtk_fft.h"

#define FIRST 8
#define MOST 8
#define REAL float
#define LANES 4
#define NAME(x) x##_f32
#define FMA(a, b, c) ((a) * (b) + (c))
#define FNMA(a, b, c) ((c) - (a) * (b))
#include "cpu/fft/fft_body.h"
#undef REAL
#undef LANES
#undef NAME
#undef FMA
#undef FNMA
#define REAL double
#define LANES 2
#define NAME(x) x##_f64
#define FMA(a, b, c) ((a) * (b) + (c))
#define FNMA(a, b, c) ((c) - (a) * (b))
#include "cpu/fft/fft_body.h"

const struct vtk_fft vtk_fft_ref = {{4, 2}, FIRST, MOST, {run_f32, run_f64}};
