/* Products of 16-bit weights, 16 rows to a vector (packed_float.h). Few activation rows take four panels at once from memory: enough chains of sums to hide the
 * latency of an addition. Others take two, 14 rows at a time, many of them by pieces of columns that stay in the caches.
 *
 * Included behind STEP (bytes of a panel that a step takes), load(w, is_wide), add_product(sum, x, weights) and, where HAS_WIDE, widen(out, w, n): what many
 * rows take the weights from is then floats. Everything static: the same code for different types and flags. */
#ifndef VENTURI_KERNELS_PACKED_FLOAT_AVX512_H
#define VENTURI_KERNELS_PACKED_FLOAT_AVX512_H

#include <string.h>

#include "cpu/matmul/packed_float.h"
#include "cpu/vector_avx512.h"

enum { LANES = VTK_PANEL_ROWS, FEW = 6, MANY = 14, PIECE = HAS_WIDE ? 256 : 512, WIDE_STEP = 64, AHEAD = 1024 };

/* What a tile is of: `rows` activation rows from i on, panels from weight row `row` on, n steps from c on. w: where each panel's begin. */
typedef struct place {
    const vtk_matmul *p;
    int64_t i, row, row1, c, n;
    const unsigned char *w[4];
    size_t next; /* from where these panels end, to the next that will be read */
} place;

/* rows and n_panels are constants where this is called: the sums live in registers. The chain goes on from what an earlier piece left in out.
 * fetches: the weights come from memory, once. */
VTK_INLINE void tile(const place *t, int rows, int n_panels, int is_wide, int fetches) {
    const vtk_matmul *p = t->p;
    __m512 sum[MANY][4];
    __mmask16 keep[4];
    float *out = p->out + t->i * p->ld_out + t->row;
    const unsigned char *x = (const unsigned char *)p->x + (size_t)t->i * p->x_stride + 4 * t->c;
    size_t step = is_wide ? WIDE_STEP : STEP;

    for (int g = 0; g < n_panels; g++) keep[g] = t->row1 > t->row + LANES * g ? first_lanes(t->row1 - t->row - LANES * g) : 0;
#pragma GCC unroll 14
    for (int a = 0; a < rows; a++)
#pragma GCC unroll 4
        for (int g = 0; g < n_panels; g++) sum[a][g] = t->c > 0 ? _mm512_maskz_loadu_ps(keep[g], out + a * p->ld_out + LANES * g) : _mm512_setzero_ps();
    for (int64_t c = 0; c < t->n; c++) {
        __m512i w[4];
        size_t at = (size_t)c * step, ahead = at + AHEAD + ((size_t)(t->n - c) * step > AHEAD ? 0 : t->next);
#pragma GCC unroll 4
        for (int g = 0; g < n_panels; g++) {
            if (fetches && (STEP == 64 || c % 2 == 0)) _mm_prefetch((const char *)t->w[g] + ahead, _MM_HINT_T0);
            w[g] = load(t->w[g] + at, is_wide);
        }
#pragma GCC unroll 14
        for (int a = 0; a < rows; a++)
#pragma GCC unroll 4
            for (int g = 0; g < n_panels; g++) sum[a][g] = add_product(sum[a][g], x + (size_t)a * p->x_stride + 4 * c, w[g]);
    }
#pragma GCC unroll 14
    for (int a = 0; a < rows; a++)
#pragma GCC unroll 4
        for (int g = 0; g < n_panels; g++) _mm512_mask_storeu_ps(out + a * p->ld_out + LANES * g, keep[g], sum[a][g]);
}

#define TILE(rows, n_panels) static void tile_##rows##_##n_panels(const place *t) { tile(t, rows, n_panels, HAS_WIDE && n_panels == 2, n_panels == 4); }
#define ONCE(rows) static void once_##rows(const place *t) { tile(t, rows, 2, 0, 1); }
TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4) TILE(5, 4) TILE(6, 4)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2) TILE(7, 2)
TILE(8, 2) TILE(9, 2) TILE(10, 2) TILE(11, 2) TILE(12, 2) TILE(13, 2) TILE(14, 2)

ONCE(7) ONCE(8) ONCE(9) ONCE(10) ONCE(11) ONCE(12) ONCE(13) ONCE(14)

typedef void (*tile_fn)(const place *t);
static const tile_fn few_rows[FEW + 1] = {NULL, tile_1_4, tile_2_4, tile_3_4, tile_4_4, tile_5_4, tile_6_4};
static const tile_fn many_rows[MANY + 1] = {NULL,     tile_1_2, tile_2_2, tile_3_2,  tile_4_2,  tile_5_2,  tile_6_2, tile_7_2,
                                            tile_8_2, tile_9_2, tile_10_2, tile_11_2, tile_12_2, tile_13_2, tile_14_2};
static const tile_fn once[MANY + 1] = {NULL, NULL, NULL, NULL, NULL, NULL, NULL, once_7, once_8, once_9, once_10, once_11, once_12, once_13, once_14};

/* Where panel g from `row` on begins; panels that are not there repeat the first, and nothing of them is stored. */
VTK_INLINE const unsigned char *panel_at(const vtk_matmul *p, int64_t row, int64_t row1, int64_t g) {
    return (const unsigned char *)p->w + (size_t)(row / LANES + (row + g * LANES < row1 ? g : 0)) * p->w_stride;
}

static void four_panels(const vtk_matmul *p, int64_t row, int64_t row1, int64_t n) {
    place t = {.p = p, .row = row, .row1 = row1, .n = n, .next = row + 4 * LANES < row1 ? 3 * p->w_stride : 0};
    for (int64_t g = 0; g < 4; g++) t.w[g] = panel_at(p, row, row1, g);
    few_rows[p->m](&t);
}

/* More rows than share four panels, but no more than one tile has: nothing is worth widening ahead. */
static void one_tile(const vtk_matmul *p, int64_t row, int64_t row1, int64_t n) {
    place t = {.p = p, .row = row, .row1 = row1, .n = n, .next = row + 2 * LANES < row1 ? p->w_stride : 0};
    for (int64_t g = 0; g < 2; g++) t.w[g] = panel_at(p, row, row1, g);
    once[p->m](&t);
}

static void two_panels(const vtk_matmul *p, int64_t row, int64_t row1, int64_t n) {
#if HAS_WIDE
    _Alignas(64) float wide[2][PIECE][LANES];
#endif
    int64_t n_tiles = (p->m + MANY - 1) / MANY;
    for (int64_t c = 0; c == 0 || c < n; c += PIECE) {
        place t = {.p = p, .row = row, .row1 = row1, .c = c, .n = n - c < PIECE ? n - c : PIECE};
        for (int64_t g = 0; g < 2; g++) {
            t.w[g] = panel_at(p, row, row1, g) + (size_t)c * STEP;
#if HAS_WIDE
            widen(wide[g], t.w[g], t.n);
            t.w[g] = (const unsigned char *)(const void *)wide[g];
#endif
        }
        for (int64_t j = 0, next; j < n_tiles; j++, t.i = next) { /* of even height */
            next = (j + 1) * p->m / n_tiles;
            many_rows[next - t.i](&t);
        }
    }
}

/* n: steps of a row */
VTK_INLINE void all_rows(const vtk_matmul *p, int64_t row0, int64_t row1, int64_t n) {
    if (p->m <= 0) return;
    for (int64_t row = row0; row < row1; row += p->m <= FEW ? 4 * LANES : 2 * LANES) {
        if (p->m <= FEW) four_panels(p, row, row1, n);
        else if (p->m <= MANY) one_tile(p, row, row1, n);
        else two_panels(p, row, row1, n);
    }
}

#endif
