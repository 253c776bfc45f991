/* Attention of every position to all positions of its sequence. One head of one sequence at a time: its keys and values are packed as weights are,
 * and a few rows of scores stay in the first-level cache from the product with the keys to that with the values. */
#include "core/pool.h"
#include "encode/encoder_internal.h"
#include "linalg/gemm_pack.h"
#include "vtk.h"

#include <math.h>

enum { ROWS = 28, PANEL = VTK_GEMM_PANEL };

static int64_t padded(int64_t n) { return (n + PANEL - 1) / PANEL * PANEL; }

int64_t vt__attend_slot_size(const vt_encoder *enc, int64_t longest) {
    int64_t keys = padded(longest) * enc->head_dim, values = padded(enc->head_dim) * longest;
    return padded(keys) + padded(values) + ROWS * padded(longest);
}

/* Values as panels: dimension by dimension of a panel, position after position. */
static void pack_values(float *panels, const float *v, int64_t ld, int64_t n, int64_t dim) {
    const vt__gemm_kind *kind = vt__gemm_kind_of(VT_DTYPE_F32);
    for (int64_t p = 0; p < dim; p += PANEL)
        vt__gemm_pack_panel(kind, panels + p * n, &(vt__gemm_factor){v, ld, 1}, 0, p, n, dim - p < PANEL ? dim - p : PANEL);
}

static void attend_head(const vt__encoding *pass, int64_t seq, int64_t head, float *scratch) {
    const vtk_table *k = vtk_get();
    int64_t width = pass->enc->facts.n_embd, dim = pass->enc->head_dim, ld = 3 * width;
    int64_t row0 = pass->starts[seq], n = pass->starts[seq + 1] - row0;
    const float *q = pass->qkv + row0 * ld + head * dim;
    float *keys = scratch, *values = keys + padded(padded(n) * dim), *scores = values + padded(padded(dim) * n);
    float scale = (float)(1.0 / sqrt((double)dim));

    k->gemm_pack(keys, q + width, ld, n, dim);
    pack_values(values, q + 2 * width, ld, n, dim);
    for (int64_t i = 0; i < n; i += ROWS) {
        int64_t rows = n - i < ROWS ? n - i : ROWS;
        vtk_gemm to_keys = {.out = scores, .ld_out = padded(n), .x = q + i * ld, .ld_x = ld, .panels = keys, .n = n, .k = dim};
        vtk_gemm to_values = {.out = pass->mixed + (row0 + i) * width + head * dim, .ld_out = width, .x = scores, .ld_x = padded(n), .panels = values, .n = dim, .k = n};
        k->gemm_f32(&to_keys, 0, rows, 0, padded(n) / PANEL);
        for (int64_t r = 0; r < rows; r++) k->softmax(scores + r * padded(n), n, scale);
        k->gemm_f32(&to_values, 0, rows, 0, padded(dim) / PANEL);
    }
}

static void run_slot(void *user, int64_t slot) {
    const vt__encoding *pass = user;
    int64_t first, last, n_heads = pass->enc->facts.n_heads;
    vt__chunk_range(pass->n_seqs * n_heads, 1, pass->n_slots, slot, &first, &last);
    for (int64_t i = first; i < last; i++) attend_head(pass, i / n_heads, i % n_heads, pass->scratch + slot * pass->slot_size);
}

void vt__encoding_attend(vt__encoding *pass) { vt__parallel(pass->enc->ctx, pass->n_slots, run_slot, pass); }
