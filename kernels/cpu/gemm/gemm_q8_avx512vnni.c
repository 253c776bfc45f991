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

typedef int32_t integers[MAX_ROWS * PANEL] __attribute__((aligned(64)));

/* Integers of a tile to numbers, and out. */
static __attribute__((noinline)) void scale_tile(const vtk_gemm *p, int64_t row0, int64_t column, int rows, const int32_t *sums, const unsigned char *ends) {
    int64_t k4 = VTK_GEMM_Q8_K(p->k);
    for (int half = 0; half < 2 && column < p->n; half++, column += 16) {
        __mmask16 lanes = lanes_at(p->n, column);
        __m512 scales = _mm512_loadu_ps(ends + half * 64), bias = p->bias ? _mm512_maskz_loadu_ps(lanes, p->bias + column) : _mm512_setzero_ps();
        __m512i weights = _mm512_loadu_si512(ends + PANEL * 4 + half * 64);
        for (int i = 0; i < rows; i++) {
            row_end e;
            memcpy(&e, (const unsigned char *)p->x + (row0 + i) * p->ld_x + k4, sizeof e);
            __m512i sum = _mm512_load_si512(sums + i * PANEL + half * 16);
            sum = _mm512_sub_epi32(sum, _mm512_add_epi32(_mm512_set1_epi32(128 * e.sum), _mm512_mullo_epi32(weights, _mm512_set1_epi32(e.zero))));
            __m512 y = _mm512_mul_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(e.scale)), scales);
            if (p->bias) y = _mm512_add_ps(y, bias);
            finish(p, row0 + i, column, lanes, y);
        }
    }
}

/* Sums by name: in an array the compiler (GCC 12) stores them at every step. */
#define EACH_ROW(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11) do(12) do(13)
#define BEGIN(i) __m512i low##i = _mm512_setzero_si512(), high##i = low##i;
#define STEP(i)                                        \
    if (i < rows) {                                    \
        __m512i v = four_bytes(x + i * ld + c);        \
        low##i = _mm512_dpbusd_epi32(low##i, a, v);    \
        high##i = _mm512_dpbusd_epi32(high##i, b, v);  \
    }
#define STORE(i)                                             \
    if (i < rows) {                                          \
        _mm512_store_si512(sums + i * PANEL, low##i);        \
        _mm512_store_si512(sums + i * PANEL + 16, high##i);  \
    }

VTK_INLINE __m512i four_bytes(const unsigned char *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

/* rows is a constant where this is called. */
VTK_INLINE void tile(const vtk_gemm *p, int64_t row0, int64_t panel, int rows) {
    integers sums;
    int64_t ld = p->ld_x, k4 = VTK_GEMM_Q8_K(p->k);
    const unsigned char *x = (const unsigned char *)p->x + row0 * ld, *w = (const unsigned char *)p->panels + panel * VTK_GEMM_Q8_PANEL(p->k);

    EACH_ROW(BEGIN)
    for (int64_t c = 0; c < k4; c += 4) {
        __m512i a = _mm512_loadu_si512(w + c * PANEL), b = _mm512_loadu_si512(w + c * PANEL + 64);
        EACH_ROW(STEP)
    }
    EACH_ROW(STORE)
    scale_tile(p, row0, panel * PANEL, rows, sums, w + PANEL * k4);
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
