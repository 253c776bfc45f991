#include <immintrin.h>

#include "cpu/fft/shuffle.h"
#include "vtk_fft.h"

#define FIRST 8
#define MOST 8
#define REAL float
#define LANES 8
#define NAME(x) x##_f32
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define FNMA(a, b, c) _mm256_fnmadd_ps(a, b, c)
#include "cpu/fft/fft_body.h"
#undef REAL
#undef LANES
#undef NAME
#undef FMA
#undef FNMA
#define REAL double
#define LANES 4
#define NAME(x) x##_f64
#define FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define FNMA(a, b, c) _mm256_fnmadd_pd(a, b, c)
#include "cpu/fft/fft_body.h"

const struct vtk_fft vtk_fft_avx2 = {{8, 4}, FIRST, MOST, {run_f32, run_f64}};
