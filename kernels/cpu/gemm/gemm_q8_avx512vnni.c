/* The tiles of gemm_avx512.c with four products a lane and instruction. That takes unsigned by signed bytes, hence the weights' 128, which the sum of a
 * row undoes. */
#include "cpu/gemm/gemm.h"

#include <string.h>

#include "cpu/gemm/finish_avx512.h"

/* What a row's sums are corrected and scaled by. */
typedef struct row_end {
    float scale;
    int32_t zero, sum;
} row_end;

/* Integers of one vector of columns to numbers. */
VTK_INLINE __m512 to_floats(const vtk_gemm *p, __m512i sum, const row_end *e, const unsigned char *ends, int64_t column, int half) {
    __m512 scales = _mm512_loadu_ps(ends + half * 64);
    __m512i weights = _mm512_loadu_si512(ends + PANEL * 4 + half * 64);
    sum = _mm512_sub_epi32(sum, _mm512_add_epi32(_mm512_set1_epi32(128 * e->sum), _mm512_mullo_epi32(weights, _mm512_set1_epi32(e->zero))));
    __m512 y = _mm512_mul_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(e->scale)), scales);
    return p->bias ? _mm512_add_ps(y, _mm512_maskz_loadu_ps(lanes_at(p->n, column + half * 16), p->bias + column + half * 16)) : y;
}

/* rows is a constant where this is called: the sums live in registers. */
VTK_INLINE void tile(const vtk_gemm *p, int64_t row0, int64_t panel, int rows) {
    __m512i sum[MAX_ROWS][2];
    __m512 y[MAX_ROWS][2];
    int64_t ld = p->ld_x, k4 = VTK_GEMM_Q8_K(p->k), column = panel * PANEL;
    const unsigned char *x = (const unsigned char *)p->x + row0 * ld, *w = (const unsigned char *)p->panels + panel * VTK_GEMM_Q8_PANEL(p->k);

#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = _mm512_setzero_si512();
    for (int64_t c = 0; c < k4; c += 4) {
        __m512i a = _mm512_loadu_si512(w + c * PANEL), b = _mm512_loadu_si512(w + c * PANEL + 64);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, x + i * ld + c, sizeof four);
            __m512i v = _mm512_set1_epi32(four);
            sum[i][0] = _mm512_dpbusd_epi32(sum[i][0], a, v);
            sum[i][1] = _mm512_dpbusd_epi32(sum[i][1], b, v);
        }
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        row_end e;
        memcpy(&e, x + i * ld + k4, sizeof e);
        y[i][0] = to_floats(p, sum[i][0], &e, w + PANEL * k4, column, 0);
        y[i][1] = to_floats(p, sum[i][1], &e, w + PANEL * k4, column, 1);
    }
    end(p, row0, column, rows, y);
}

#define TILE(rows) static void tile_##rows(const vtk_gemm *p, int64_t i, int64_t panel) { tile(p, i, panel, rows); }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14)

typedef void (*tile_fn)(const vtk_gemm *p, int64_t row0, int64_t panel);
static const tile_fn tiles[MAX_ROWS + 1] = {NULL, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6, tile_7, tile_8, tile_9, tile_10, tile_11, tile_12, tile_13, tile_14};

/* Rows go in tiles of even height. */
void vtk_gemm_q8_avx512vnni(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t m = row1 - row0, n_tiles = (m + MAX_ROWS - 1) / MAX_ROWS;
    for (int64_t panel = panel0; panel < panel1; panel++)
        for (int64_t t = 0, at = 0, next; t < n_tiles; t++, at = next) {
            next = (t + 1) * m / n_tiles;
            tiles[next - at](p, row0 + at, panel);
        }
}
