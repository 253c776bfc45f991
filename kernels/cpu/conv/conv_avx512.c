#include "cpu/vector_avx512.h"
#include "vtk_conv.h"

/* Lanes at every second element are two loads; other distances are gathered. bits' lane i is bit 2 i of the elements. */
VTK_INLINE __m512 steps_ps(const float *p, int64_t step, uint32_t bits) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    if (step == 2) {
        uint32_t spread = bits; /* bit i goes to bit 2 i */
        spread = (spread | spread << 8) & 0x00ff00ff;
        spread = (spread | spread << 4) & 0x0f0f0f0f;
        spread = (spread | spread << 2) & 0x33333333;
        spread = (spread | spread << 1) & 0x55555555;
        return _mm512_permutex2var_ps(_mm512_maskz_loadu_ps((__mmask16)spread, p), even, _mm512_maskz_loadu_ps((__mmask16)(spread >> 16), p + 16));
    }
    float lanes[16] __attribute__((aligned(64)));
    for (int i = 0; i < 16; i++) lanes[i] = bits >> i & 1 ? p[i * step] : 0;
    return _mm512_load_ps(lanes);
}

VTK_INLINE __m512d steps_pd(const double *p, int64_t step, uint32_t bits) {
    double lanes[8] __attribute__((aligned(64)));
    for (int i = 0; i < 8; i++) lanes[i] = bits >> i & 1 ? p[i * step] : 0;
    return _mm512_load_pd(lanes);
}

VTK_INLINE __mmask8 first_8(int64_t n) { return (__mmask8)(n > 0 ? first_lanes(n) : 0); }

#define STEPS(p, step, bits) NAME_STEPS(p, step, bits)
#define ONE 8
#define FEW 4
#define TAPS 12

#define REAL float
#define NAME(x) x##_f32
#define V __m512
#define W 16
#define ZERO _mm512_setzero_ps()
#define SET1(a) _mm512_set1_ps(a)
#define LOADU(p) _mm512_loadu_ps(p)
#define STOREU(p, v) _mm512_storeu_ps(p, v)
#define OR(a, b) _mm512_or_ps(a, b)
#define FMADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#define FIRST(p, n) _mm512_maskz_loadu_ps(first_lanes(n), p)
#define STORE_FIRST(p, n, v) _mm512_mask_storeu_ps(p, first_lanes(n), v)
#define PICK(v, p, bits) _mm512_mask_loadu_ps(v, (__mmask16)(bits), p)
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

#define REAL double
#define NAME(x) x##_f64
#define V __m512d
#define W 8
#define ZERO _mm512_setzero_pd()
#define SET1(a) _mm512_set1_pd(a)
#define LOADU(p) _mm512_loadu_pd(p)
#define STOREU(p, v) _mm512_storeu_pd(p, v)
#define OR(a, b) _mm512_or_pd(a, b)
#define FMADD(a, b, c) _mm512_fmadd_pd(a, b, c)
#define FIRST(p, n) _mm512_maskz_loadu_pd(first_8(n), p)
#define STORE_FIRST(p, n, v) _mm512_mask_storeu_pd(p, first_8(n), v)
#define PICK(v, p, bits) _mm512_mask_loadu_pd(v, (__mmask8)(bits), p)
#define NAME_STEPS steps_pd
#include "cpu/conv/conv_body.h"

const struct vtk_conv vtk_conv_avx512 = {gather_f32, gather_f64, direct_f32, direct_f64, dots_f32, dots_f64};
