/* Both of a pair become floats, and the control register flushes what is below the normal numbers, as the instruction that does all this at once has it. */
#include "cpu/matmul/packed_float.h"
#include "cpu/vector_avx2.h"

enum { STEP = PACKED_BF16_STEP, NEAREST_AND_FLUSH = 0x9fc0 }; /* all exceptions masked */

VTK_INLINE __m256 first_of(__m256i pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }
VTK_INLINE __m256 second_of(__m256i pairs) { return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-0x10000))); }

VTK_INLINE __m256 add_product(__m256 sum, const unsigned char *x, const unsigned char *w) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    __m256i v = _mm256_set1_epi32(pair), u = _mm256_loadu_si256((const __m256i *)(const void *)w);
    sum = _mm256_fmadd_ps(second_of(v), second_of(u), sum);
    return _mm256_fmadd_ps(first_of(v), first_of(u), sum);
}

#include "cpu/matmul/packed_float_avx2.h"

/* Calls, not inlined code, stand between the changes of the control register. */
void vtk_matmul_bf16_packed_avx2(const vtk_matmul *p, int64_t row0, int64_t row1) {
    unsigned control = _mm_getcsr();
    _mm_setcsr(NEAREST_AND_FLUSH);
    all_rows(p, row0, row1, p->k / 2);
    _mm_setcsr(control);
}
