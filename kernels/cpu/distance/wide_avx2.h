/* Vectors of four float64 for sums over rows, whatever the rows' type. */
#ifndef VENTURI_KERNELS_WIDE_AVX2_H
#define VENTURI_KERNELS_WIDE_AVX2_H

#include "cpu/vector_avx2.h"

typedef __m256d wide;
enum { WIDE = 4 };

/* All ones in the first n lanes of float64. */
VTK_INLINE __m256i first_wide(int64_t n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }

VTK_INLINE wide spread_wide(double x) { return _mm256_set1_pd(x); }
VTK_INLINE wide subtract_wide(wide a, wide b) { return _mm256_sub_pd(a, b); }
VTK_INLINE wide multiply_add_wide(wide a, wide b, wide s) { return _mm256_fmadd_pd(a, b, s); }
VTK_INLINE wide load_sums(const double *x) { return _mm256_loadu_pd(x); }
VTK_INLINE wide load_sums_tail(const double *x, int64_t n) { return _mm256_maskload_pd(x, first_wide(n)); }
VTK_INLINE void store_sums(double *x, wide a) { _mm256_storeu_pd(x, a); }
VTK_INLINE void store_sums_tail(double *x, wide a, int64_t n) { _mm256_maskstore_pd(x, first_wide(n), a); }

#endif
