#include <immintrin.h>

#include "cpu/fft/shuffle.h"
#include "vtk_fft.h"

#define FIRST 16
#define MOST 16
#define REAL float
#define LANES 16
#define NAME(x) x##_f32
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define FNMA(a, b, c) _mm512_fnmadd_ps(a, b, c)
#include "cpu/fft/fft_body.h"
#undef REAL
#undef LANES
#undef NAME
#undef FMA
#undef FNMA
#define REAL double
#define LANES 8
#define NAME(x) x##_f64
#define FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define FNMA(a, b, c) _mm512_fnmadd_pd(a, b, c)
#include "cpu/fft/fft_body.h"

const struct vtk_fft vtk_fft_avx512 = {{16, 8}, FIRST, MOST, {run_f32, run_f64}};
