/* Tiles of pairs of bfloat16: the instruction is the definition (vtk_gemm.h). */
#include <string.h>

#include "cpu/gemm/finish_avx512.h"
#include "cpu/gemm/gemm.h"

typedef uint32_t step;
typedef __m512 vector;

VTK_INLINE vector begin(const vtk_gemm *p, int64_t c) {
    (void)p, (void)c;
    return _mm512_setzero_ps();
}

VTK_INLINE vector add_product(vector sum, const step *x, const void *w) {
    uint32_t pair;
    memcpy(&pair, x, sizeof pair); /* rows may begin at any element */
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32((int32_t)pair), (__m512bh)_mm512_loadu_si512(w));
}

#include "cpu/gemm/tiles_avx512.h"

void vtk_gemm_bf16_avx512bf16(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    all_tiles(p, p->ld_x / 2, (p->k + 1) / 2, row0, row1, panel0, panel1);
}
