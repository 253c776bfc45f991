/* Vectors of eight float64 for sums over rows, whatever the rows' type. */
#ifndef VENTURI_KERNELS_WIDE_AVX512_H
#define VENTURI_KERNELS_WIDE_AVX512_H

#include "cpu/vector_avx512.h"

typedef __m512d wide;
enum { WIDE = 8 };

VTK_INLINE wide spread_wide(double x) { return _mm512_set1_pd(x); }
VTK_INLINE wide subtract_wide(wide a, wide b) { return _mm512_sub_pd(a, b); }
VTK_INLINE wide multiply_add_wide(wide a, wide b, wide s) { return _mm512_fmadd_pd(a, b, s); }
VTK_INLINE wide load_sums(const double *x) { return _mm512_loadu_pd(x); }
VTK_INLINE wide load_sums_tail(const double *x, int64_t n) { return _mm512_maskz_loadu_pd((__mmask8)first_lanes(n), x); }
VTK_INLINE void store_sums(double *x, wide a) { _mm512_storeu_pd(x, a); }
VTK_INLINE void store_sums_tail(double *x, wide a, int64_t n) { _mm512_mask_storeu_pd(x, (__mmask8)first_lanes(n), a); }

#endif
