#include "cpu/matmul/packed_float.h"
#include "cpu/vector_avx2.h"

enum { STEP = PACKED_F16_STEP };

VTK_INLINE __m256 add_product(__m256 sum, const unsigned char *x, const unsigned char *w) {
    float v;
    memcpy(&v, x, sizeof v);
    return _mm256_fmadd_ps(_mm256_set1_ps(v), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)w)), sum);
}

#include "cpu/matmul/packed_float_avx2.h"

void vtk_matmul_f16_packed_avx2(const vtk_matmul *p, int64_t row0, int64_t row1) { all_rows(p, row0, row1, p->k); }
