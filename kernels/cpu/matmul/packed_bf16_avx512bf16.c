#include <immintrin.h>

#include "cpu/matmul/packed_float.h"
#include "cpu/vector_avx512.h"

#define HAS_WIDE 0
enum { STEP = PACKED_BF16_STEP };

VTK_INLINE __m512i load(const unsigned char *w, int is_wide) {
    (void)is_wide;
    return _mm512_loadu_si512(w);
}

VTK_INLINE __m512 add_product(__m512 sum, const unsigned char *x, __m512i w) {
    int32_t pair;
    __builtin_memcpy(&pair, x, sizeof pair);
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(pair), (__m512bh)w);
}

#include "cpu/matmul/packed_float_avx512.h"

void vtk_matmul_bf16_packed_avx512bf16(const vtk_matmul *p, int64_t row0, int64_t row1) { all_rows(p, row0, row1, p->k / 2); }
