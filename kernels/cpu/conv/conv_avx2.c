#include "cpu/vector_avx2.h"
#include "vtk_conv.h"

VTK_INLINE __m256i lanes_of_bits(uint32_t bits) {
    const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int32_t)bits), lane), lane);
}

VTK_INLINE __m256i doubles_of_bits(uint32_t bits) {
    const __m256i lane = _mm256_setr_epi64x(1, 2, 4, 8);
    return _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x((int64_t)bits), lane), lane);
}

VTK_INLINE __m256i first_doubles(int64_t n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }

VTK_INLINE __m256 steps_ps(const float *p, int64_t step, uint32_t bits) {
    float lanes[8] __attribute__((aligned(32)));
    for (int i = 0; i < 8; i++) lanes[i] = bits >> i & 1 ? p[i * step] : 0;
    return _mm256_load_ps(lanes);
}

VTK_INLINE __m256d steps_pd(const double *p, int64_t step, uint32_t bits) {
    double lanes[4] __attribute__((aligned(32)));
    for (int i = 0; i < 4; i++) lanes[i] = bits >> i & 1 ? p[i * step] : 0;
    return _mm256_load_pd(lanes);
}

#define STEPS(p, step, bits) NAME_STEPS(p, step, bits)
#define ONE 4
#define FEW 2

#define TAPS 4
#define REAL float
#define NAME(x) x##_f32
#define V __m256
#define W 8
#define ZERO _mm256_setzero_ps()
#define SET1(a) _mm256_set1_ps(a)
#define LOADU(p) _mm256_loadu_ps(p)
#define STOREU(p, v) _mm256_storeu_ps(p, v)
#define OR(a, b) _mm256_or_ps(a, b)
#define FMADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define FIRST(p, n) load_floats(p, n)
#define STORE_FIRST(p, n, v) store_floats(p, v, n)
#define PICK(v, p, bits) _mm256_or_ps(v, _mm256_maskload_ps(p, lanes_of_bits(bits)))
#define NAME_STEPS steps_ps
#include "cpu/conv/conv_body.h"
#undef REAL
#undef NAME
#undef V
#undef W
#undef ZERO
#undef SET1
#undef LOADU
#undef STOREU
#undef OR
#undef FMADD
#undef FIRST
#undef STORE_FIRST
#undef PICK
#undef NAME_STEPS

#undef TAPS
#define TAPS 2
#define REAL double
#define NAME(x) x##_f64
#define V __m256d
#define W 4
#define ZERO _mm256_setzero_pd()
#define SET1(a) _mm256_set1_pd(a)
#define LOADU(p) _mm256_loadu_pd(p)
#define STOREU(p, v) _mm256_storeu_pd(p, v)
#define OR(a, b) _mm256_or_pd(a, b)
#define FMADD(a, b, c) _mm256_fmadd_pd(a, b, c)
#define FIRST(p, n) _mm256_maskload_pd(p, first_doubles(n))
#define STORE_FIRST(p, n, v) _mm256_maskstore_pd(p, first_doubles(n), v)
#define PICK(v, p, bits) _mm256_or_pd(v, _mm256_maskload_pd(p, doubles_of_bits(bits)))
#define NAME_STEPS steps_pd
#include "cpu/conv/conv_body.h"

const struct vtk_conv vtk_conv_avx2 = {gather_f32, gather_f64, direct_f32, direct_f64, dots_f32, dots_f64};
