/* Packing of 16-bit weights, for all instruction sets, and the products as packed_float.h defines them, one weight at a time. */
#include "cpu/matmul/packed_float.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/quant/half.h"

enum { PAIRS = 64 };

/* Sixteen pairs of halves side by side into the first of all, then the second. */
static void part_pairs(unsigned char *out, const uint32_t *pairs) {
    uint32_t first[VTK_PANEL_ROWS / 2], second[VTK_PANEL_ROWS / 2];
    for (int i = 0; i < VTK_PANEL_ROWS / 2; i++) {
        uint32_t a = pairs[2 * i], b = pairs[2 * i + 1];
        first[i] = (a & 0xffffu) | b << 16;
        second[i] = a >> 16 | (b & 0xffff0000u);
    }
    memcpy(out, first, sizeof first);
    memcpy(out + sizeof first, second, sizeof second);
}

/* n pairs of columns of each row, lane by lane. */
static void turn(void *out, const unsigned char *w, size_t w_stride, int64_t n_rows, int64_t n) {
    const vtk_table *t = vtk_get();
    if (w_stride % 4 == 0) {
        t->transpose_32(out, VTK_PANEL_ROWS, w, (int64_t)(w_stride / 4), n_rows, n);
        return;
    }
    for (int64_t r = 0; r < n_rows; r++) t->transpose_32((unsigned char *)out + 4 * r, VTK_PANEL_ROWS, w + (size_t)r * w_stride, n, 1, n);
}

/* Pairs of columns are elements of 4 bytes, which the table transposes. */
void vtk_pack_half_panel(int type, void *out, const void *w, size_t w_stride, int64_t n_rows, int64_t k) {
    unsigned char *to = out;
    const unsigned char *row = w;
    if (n_rows < VTK_PANEL_ROWS) memset(out, 0, (size_t)k * PACKED_F16_STEP);
    if (type == VTK_BF16) {
        turn(out, row, w_stride, n_rows, k / 2);
        return;
    }
    for (int64_t c = 0; c < k / 2; c += PAIRS) {
        uint32_t pairs[PAIRS][VTK_PANEL_ROWS] = {{0}};
        int64_t n = k / 2 - c < PAIRS ? k / 2 - c : PAIRS;
        turn(pairs, row + 4 * c, w_stride, n_rows, n);
        for (int64_t i = 0; i < n; i++) part_pairs(to + (size_t)(c + i) * 2 * PACKED_F16_STEP, pairs[i]);
    }
}

static float flush(float x) { return fabsf(x) < FLT_MIN ? copysignf(0.0f, x) : x; }

static float number_at(const unsigned char *p) { return flush(vtk_bf16_to_float(vtk_load_u16(p))); }

static const unsigned char *panel_of(const vtk_matmul *p, int64_t r) { return (const unsigned char *)p->w + (size_t)(r / VTK_PANEL_ROWS) * p->w_stride; }

void vtk_matmul_f16_packed_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    for (int64_t r = row0; r < row1; r++)
        for (int64_t i = 0; i < p->m; i++) {
            const unsigned char *w = panel_of(p, r) + 2 * (r % VTK_PANEL_ROWS), *x = (const unsigned char *)p->x + (size_t)i * p->x_stride;
            float sum = 0.0f;
            for (int64_t c = 0; c < p->k; c++) sum = fmaf(vtk_load_f32(x + 4 * c), vtk_half_to_float(vtk_load_u16(w + c * PACKED_F16_STEP)), sum);
            p->out[i * p->ld_out + r] = sum;
        }
}

void vtk_matmul_bf16_packed_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    for (int64_t r = row0; r < row1; r++)
        for (int64_t i = 0; i < p->m; i++) {
            const unsigned char *w = panel_of(p, r) + 4 * (r % VTK_PANEL_ROWS), *x = (const unsigned char *)p->x + (size_t)i * p->x_stride;
            float sum = 0.0f;
            for (int64_t c = 0; c < p->k / 2; c++, x += 4, w += PACKED_BF16_STEP) {
                sum = flush(fmaf(number_at(x + 2), number_at(w + 2), sum));
                sum = flush(fmaf(number_at(x), number_at(w), sum));
            }
            p->out[i * p->ld_out + r] = sum;
        }
}
