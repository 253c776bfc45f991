/* A tile is up to 14 rows of X times 32 rows of W: 28 chains of sums in registers, two loads of weights and 14 broadcasts for 28 multiplications a
 * step. Fewer rows take two panels at once, so that there are always enough chains to hide the latency of an addition. The panel is the outer loop:
 * it stays in the caches while the tiles of the rows go by. */
#include "cpu/gemm/finish_avx512.h"
#include "cpu/gemm/gemm.h"

enum { WIDE_ROWS = 7 };

/* ---- tiles ---- */

/* The sums of a tile begin with the bias. */
VTK_INLINE __m512 begin(const vtk_gemm *p, int64_t c) {
    return p->bias ? _mm512_maskz_loadu_ps(lanes_at(p->n, c), p->bias + c) : _mm512_setzero_ps();
}

/* rows and n_panels are constants where this is called: the sums live in registers. */
VTK_INLINE void tile(const vtk_gemm *p, int64_t row0, int64_t panel, int rows, int n_panels) {
    __m512 sum[MAX_ROWS][2], sum2[WIDE_ROWS][2];
    const float *x = (const float *)p->x + row0 * p->ld_x, *w = (const float *)p->panels + panel * PANEL * p->k, *w2 = w + PANEL * p->k;
    int64_t ld = p->ld_x, k = p->k, column = panel * PANEL;
    __m512 low = begin(p, column), high = begin(p, column + 16), low2 = low, high2 = high;

    if (n_panels == 2) low2 = begin(p, column + PANEL), high2 = begin(p, column + PANEL + 16);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        sum[i][0] = low, sum[i][1] = high;
        if (n_panels == 2) sum2[i][0] = low2, sum2[i][1] = high2;
    }
    for (int64_t c = 0; c < k; c++) {
        __m512 a = _mm512_loadu_ps(w + c * PANEL), b = _mm512_loadu_ps(w + c * PANEL + 16), a2 = a, b2 = b;
        if (n_panels == 2) a2 = _mm512_loadu_ps(w2 + c * PANEL), b2 = _mm512_loadu_ps(w2 + c * PANEL + 16);
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            __m512 v = _mm512_set1_ps(x[i * ld + c]);
            sum[i][0] = _mm512_fmadd_ps(v, a, sum[i][0]);
            sum[i][1] = _mm512_fmadd_ps(v, b, sum[i][1]);
            if (n_panels == 2) {
                sum2[i][0] = _mm512_fmadd_ps(v, a2, sum2[i][0]);
                sum2[i][1] = _mm512_fmadd_ps(v, b2, sum2[i][1]);
            }
        }
    }
    end(p, row0, column, rows, sum);
    if (n_panels == 2) end(p, row0, column + PANEL, rows, sum2);
}

#define TILE(rows, n_panels) static void tile_##rows##_##n_panels(const vtk_gemm *p, int64_t i, int64_t panel) { tile(p, i, panel, rows, n_panels); }
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1)
TILE(8, 1) TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1) TILE(13, 1) TILE(14, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2) TILE(7, 2)

typedef void (*tile_fn)(const vtk_gemm *p, int64_t row0, int64_t panel);
static const tile_fn narrow[MAX_ROWS + 1] = {NULL,     tile_1_1, tile_2_1, tile_3_1,  tile_4_1,  tile_5_1,  tile_6_1, tile_7_1,
                                             tile_8_1, tile_9_1, tile_10_1, tile_11_1, tile_12_1, tile_13_1, tile_14_1};
static const tile_fn wide[WIDE_ROWS + 1] = {NULL, tile_1_2, tile_2_2, tile_3_2, tile_4_2, tile_5_2, tile_6_2, tile_7_2};

/* Rows go in tiles of even height: 128 rows are ten tiles of 12 or 13, not nine of 14 and a slow one of 2. */
void vtk_gemm_f32_avx512(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t m = row1 - row0, n_tiles = (m + MAX_ROWS - 1) / MAX_ROWS, panel = panel0;
    if (m <= WIDE_ROWS && m > 0)
        for (; panel + 2 <= panel1; panel += 2) wide[m](p, row0, panel);
    for (; panel < panel1; panel++)
        for (int64_t t = 0, at = 0, next; t < n_tiles; t++, at = next) {
            next = (t + 1) * m / n_tiles;
            narrow[next - at](p, row0 + at, panel);
        }
}

/* ---- packing ---- */

/* 16 columns (fewer: 0 behind them) of 16 rows, transposed: out[c * PANEL + r]. */
VTK_INLINE void transpose_16(float *out, const float *w, int64_t ld, int64_t n, int64_t k) {
    __m512 v[16], t[16];
    __mmask16 lanes = first_lanes(k);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) v[i] = i < n ? _mm512_maskz_loadu_ps(lanes, w + i * ld) : _mm512_setzero_ps();
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        v[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        v[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        v[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        v[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    /* v[4 j + q] has in its quarter s column 4 s + q of rows 4 j .. 4 j + 3 */
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        __m512 a = _mm512_shuffle_f32x4(v[q], v[4 + q], 0x88), b = _mm512_shuffle_f32x4(v[q], v[4 + q], 0xdd);
        __m512 c = _mm512_shuffle_f32x4(v[8 + q], v[12 + q], 0x88), d = _mm512_shuffle_f32x4(v[8 + q], v[12 + q], 0xdd);
        t[q] = _mm512_shuffle_f32x4(a, c, 0x88);
        t[4 + q] = _mm512_shuffle_f32x4(b, d, 0x88);
        t[8 + q] = _mm512_shuffle_f32x4(a, c, 0xdd);
        t[12 + q] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
#pragma GCC unroll 16
    for (int c = 0; c < 16; c++)
        if (c < k) _mm512_storeu_ps(out + c * PANEL, t[c]);
}

void vtk_gemm_pack_avx512(float *panels, const float *w, int64_t ld, int64_t n, int64_t k) {
    for (int64_t r = 0; r < n; r += PANEL)
        for (int64_t half = 0; half < PANEL; half += 16)
            for (int64_t c = 0; c < k; c += 16) {
                int64_t row = r + half < n ? r + half : n - 1; /* none left: no row is read */
                transpose_16(panels + (r * k + c * PANEL + half), w + row * ld + c, ld, n - r - half, k - c);
            }
}
