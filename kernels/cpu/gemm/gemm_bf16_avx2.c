/* Tiles of pairs of bfloat16, as vtk_gemm.h defines them: both of a pair become floats, and the control register flushes what is below the normal
 * numbers, as the instruction that does all this at once has it. */
#include "cpu/gemm/finish_avx2.h"
#include "cpu/gemm/gemm.h"

enum { NEAREST = 0x1f80, NEAREST_AND_FLUSH = 0x9fc0 }; /* all exceptions masked; denormals are 0 in and out */

typedef uint32_t step;
typedef __m256 vector;

VTK_INLINE vector begin(const vtk_gemm *p, int64_t c) {
    (void)p, (void)c;
    return _mm256_setzero_ps();
}

VTK_INLINE __m256 first_of(__m256i pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)); }
VTK_INLINE __m256 second_of(__m256i pairs) { return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-0x10000))); }

VTK_INLINE vector add_product(vector sum, const step *x, const void *w) {
    int32_t pair;
    memcpy(&pair, x, sizeof pair); /* rows may begin at any element */
    __m256i v = _mm256_set1_epi32(pair), u = _mm256_loadu_si256(w);
    sum = _mm256_fmadd_ps(second_of(v), second_of(u), sum);
    return _mm256_fmadd_ps(first_of(v), first_of(u), sum);
}

/* What is done with finished sums is ordinary arithmetic. Calls, not inlined code, stand between changes of the control register. */
static __attribute__((noinline)) void scale(const vtk_gemm *p, int64_t i, int64_t c, vector y) { finish(p, i, c, y); }

VTK_INLINE void end(const vtk_gemm *p, int64_t i, int64_t c, vector y) {
    if (p->finish == VTK_GEMM_STORE) {
        finish(p, i, c, y);
        return;
    }
    _mm_setcsr(NEAREST);
    scale(p, i, c, y);
    _mm_setcsr(NEAREST_AND_FLUSH);
}

#include "cpu/gemm/tiles_avx2.h"

void vtk_gemm_bf16_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    unsigned control = _mm_getcsr();
    _mm_setcsr(NEAREST_AND_FLUSH);
    all_tiles(p, p->ld_x / 2, (p->k + 1) / 2, row0, row1, panel0, panel1);
    _mm_setcsr(control);
}
