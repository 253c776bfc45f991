/* Bytes widened to 16 bits: pairs of products then fit into 32 bits whatever they are. A tile is up to 3 rows of X times half a panel. */
#include "cpu/gemm/gemm.h"

#include <string.h>

#include "cpu/gemm/finish_avx2.h"

enum { MAX_ROWS = 3, HALF = PANEL / 2 };

VTK_INLINE int32_t sum_integers(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

void vtk_gemm_q8_row_avx2(unsigned char *row, const float *x, int64_t k) {
    int64_t k4 = VTK_GEMM_Q8_K(k);
    __m256 least = _mm256_setzero_ps(), most = least;
    __m256i sums = _mm256_setzero_si256();

    for (int64_t c = 0; c < k; c += 8) {
        __m256 v = load_floats(x + c, k - c);
        least = _mm256_min_ps(v, least);
        most = _mm256_max_ps(v, most);
    }
    float low = -max_lanes(_mm256_sub_ps(_mm256_setzero_ps(), least)), range = max_lanes(most) - low;
    float scale = range * (1.0f / 255.0f), inverse = range > 0 ? 255.0f / range : 0.0f;
    /* A row of no numbers makes this wrap. */
    int32_t zero = _mm_cvtsi128_si32(_mm_sub_epi32(_mm_cvtps_epi32(_mm_set_ss(-low * inverse)), _mm_set1_epi32(128)));
    for (int64_t c = 0; c < k4; c += 8) {
        __m256i q = _mm256_cvtps_epi32(_mm256_mul_ps(load_floats(x + c, k - c), _mm256_set1_ps(inverse)));
        q = _mm256_add_epi32(q, _mm256_set1_epi32(zero));
        q = _mm256_min_epi32(_mm256_max_epi32(q, _mm256_set1_epi32(-128)), _mm256_set1_epi32(127));
        q = _mm256_and_si256(q, first_lanes(k - c));
        sums = _mm256_add_epi32(sums, q);
        __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
        __m128i bytes = _mm_packs_epi16(words, words);
        memcpy(row + c, &bytes, k4 - c >= 8 ? 8 : 4);
    }
    int32_t sum = sum_integers(sums);
    memcpy(row + k4, &scale, sizeof scale);
    memcpy(row + k4 + 4, &zero, sizeof zero);
    memcpy(row + k4 + 8, &sum, sizeof sum);
}

/* What a row's sums are corrected and scaled by. */
typedef struct row_end {
    float scale;
    int32_t zero, sum;
} row_end;

/* Eight columns: their integers to numbers, and out. */
VTK_INLINE void put(const vtk_gemm *p, int64_t i, int64_t column, __m256i sum, const row_end *e, const unsigned char *ends) {
    if (column >= p->n) return;
    __m256 scales = _mm256_loadu_ps((const float *)(const void *)ends);
    __m256i weights = _mm256_loadu_si256((const __m256i *)(const void *)(ends + PANEL * 4));
    sum = _mm256_sub_epi32(sum, _mm256_add_epi32(_mm256_set1_epi32(128 * e->sum), _mm256_mullo_epi32(weights, _mm256_set1_epi32(e->zero))));
    __m256 y = _mm256_mul_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(e->scale)), scales);
    if (p->bias) y = _mm256_add_ps(y, load_floats(p->bias + column, p->n - column));
    finish(p, i, column, y);
}

/* rows is a constant where this is called. sum[i][j] has columns 4 j .. 4 j + 3, two partial sums each. */
VTK_INLINE void tile(const vtk_gemm *p, int64_t row0, int64_t column, int rows) {
    __m256i sum[MAX_ROWS][4];
    int64_t ld = p->ld_x, k4 = VTK_GEMM_Q8_K(p->k), at = column % PANEL;
    const unsigned char *x = (const unsigned char *)p->x + row0 * ld, *w = (const unsigned char *)p->panels + column / PANEL * VTK_GEMM_Q8_PANEL(p->k);

#pragma GCC unroll 3
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = sum[i][2] = sum[i][3] = _mm256_setzero_si256();
    for (int64_t c = 0; c < k4; c += 4) {
        __m256i v[MAX_ROWS];
#pragma GCC unroll 3
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, x + i * ld + c, sizeof four);
            v[i] = _mm256_broadcastq_epi64(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(four)));
        }
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(w + c * PANEL + at * 4 + j * 16)));
#pragma GCC unroll 3
            for (int i = 0; i < rows; i++) sum[i][j] = _mm256_add_epi32(sum[i][j], _mm256_madd_epi16(a, v[i]));
        }
    }
#pragma GCC unroll 3
    for (int i = 0; i < rows; i++) {
        row_end e;
        memcpy(&e, x + i * ld + k4, sizeof e);
        for (int h = 0; h < 2; h++) {
            __m256i both = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[i][2 * h], sum[i][2 * h + 1]), 0xd8);
            put(p, row0 + i, column + 8 * h, both, &e, w + PANEL * k4 + (at + 8 * h) * 4);
        }
    }
}

void vtk_gemm_q8_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    for (int64_t column = panel0 * PANEL; column < panel1 * PANEL; column += HALF) {
        int64_t i = row0;
        for (; i + 3 <= row1; i += 3) tile(p, i, column, 3);
        if (row1 - i == 2) tile(p, i, column, 2);
        if (row1 - i == 1) tile(p, i, column, 1);
    }
}
