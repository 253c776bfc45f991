/* Ids to states: embeddings, then the blocks. All rows of all sequences of a batch go through each product together; only attention looks at
 * sequences. A row's numbers depend on its own sequence alone. */
#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "encode/encoder_internal.h"
#include "vtk.h"

enum { SLOTS_A_THREAD = 4 };

vt_status vt__encoding_create(const vt_encoder *enc, int64_t most_rows, int64_t longest, vt__encoding *out) {
    const vt__encoder_facts *f = &enc->facts;
    vt_context *ctx = enc->ctx;
    int64_t n_threads = vt__context_threads(ctx), wide = 3 * f->n_embd > f->n_ff ? 3 * f->n_embd : f->n_ff;

    *out = (vt__encoding){.enc = enc, .most_rows = most_rows, .longest = longest, .n_slots = n_threads == 1 ? 1 : n_threads * SLOTS_A_THREAD};
    out->slot_size = vt__attend_slot_size(enc, longest);
    out->x = vt__alloc64_2(ctx, most_rows, f->n_embd, sizeof(float));
    out->mixed = vt__alloc64_2(ctx, most_rows, f->n_embd, sizeof(float));
    out->qkv = vt__alloc64_2(ctx, most_rows, wide, sizeof(float));
    out->hidden = out->qkv; /* neither is needed while the other is */
    if (f->numerics == VT__ENCODER_INT8) out->q8 = vt__alloc64_2(ctx, most_rows, VTK_GEMM_Q8_ROW(f->n_ff > f->n_embd ? f->n_ff : f->n_embd), 1);
    out->scratch = vt__alloc64_2(ctx, out->n_slots, out->slot_size, sizeof(float));
    if (out->x && out->mixed && out->qkv && out->scratch && (out->q8 || f->numerics != VT__ENCODER_INT8)) return VT_OK;
    vt__encoding_free(out);
    return vt__fail_nomem("encode", 0);
}

void vt__encoding_free(vt__encoding *pass) {
    if (!pass->enc) return;
    vt_context *ctx = pass->enc->ctx;
    vt__free(ctx, pass->x);
    vt__free(ctx, pass->mixed);
    vt__free(ctx, pass->qkv);
    vt__free(ctx, pass->q8);
    vt__free(ctx, pass->scratch);
    *pass = (vt__encoding){0};
}

/* ---- what is done row by row ---- */

typedef struct row_job {
    const vt__encoding *pass;
    float *y;
    const float *x, *norm;
    int64_t n_rows, n_chunks;
} row_job;

enum { ROWS_A_CHUNK = 32 };

static int64_t chunks_of(int64_t n_rows) { return (n_rows + ROWS_A_CHUNK - 1) / ROWS_A_CHUNK; }

static void norm_rows(void *user, int64_t chunk) {
    const row_job *j = user;
    int64_t dim = j->pass->enc->facts.n_embd, first, last;
    vt__chunk_range(j->n_rows, 1, j->n_chunks, chunk, &first, &last);
    for (int64_t i = first; i < last; i++) vtk_get()->layer_norm(j->y + i * dim, j->x + i * dim, j->norm, j->norm + dim, dim, j->pass->enc->eps);
}

static void normalise(const vt__encoding *pass, float *y, const float *x, const float *norm) {
    row_job j = {.pass = pass, .y = y, .x = x, .norm = norm, .n_rows = pass->n_rows, .n_chunks = chunks_of(pass->n_rows)};
    vt__parallel(pass->enc->ctx, j.n_chunks, norm_rows, &j);
}

static void embed_sequence(void *user, int64_t seq) {
    const vt__encoding *pass = user;
    const vt_encoder *enc = pass->enc;
    int64_t dim = enc->facts.n_embd, n = pass->starts[seq + 1] - pass->starts[seq];
    float *x = pass->x + pass->starts[seq] * dim;
    for (int64_t t = 0; t < n; t++, x += dim) {
        (void)vt__rows_read(&enc->words, pass->ids[seq][t], 1, x); /* type and length were checked when the encoder was made */
        vtk_get()->add(x, enc->positions + t * dim, dim);
        vtk_get()->layer_norm(x, x, enc->embd_norm, enc->embd_norm + dim, dim, enc->eps);
    }
}

/* ---- blocks ---- */

static void run_block(vt__encoding *pass, const vt__encoder_block *b) {
    vt_context *ctx = pass->enc->ctx;
    int64_t n = pass->n_rows;
    vt__dense_run(ctx, &b->qkv, &(vt__product_of){.rows = pass->q8, .x = pass->x, .n_rows = n, .out = pass->qkv, .finish = VTK_GEMM_STORE});
    vt__encoding_attend(pass);
    vt__dense_run(ctx, &b->out, &(vt__product_of){.rows = pass->q8, .x = pass->mixed, .n_rows = n, .out = pass->x, .add = pass->x, .finish = VTK_GEMM_STORE});
    normalise(pass, pass->x, pass->x, b->norm1);
    vt__dense_run(ctx, &b->up, &(vt__product_of){.rows = pass->q8, .x = pass->x, .n_rows = n, .out = pass->hidden, .finish = pass->enc->activation});
    vt__dense_run(ctx, &b->down, &(vt__product_of){.rows = pass->q8, .x = pass->hidden, .n_rows = n, .out = pass->x, .add = pass->x, .finish = VTK_GEMM_STORE});
    normalise(pass, pass->x, pass->x, b->norm2);
}

vt_status vt__encoding_run(vt__encoding *pass) {
    const vt_encoder *enc = pass->enc;
    vt_status st = VT_OK;
    vt__parallel(enc->ctx, pass->n_seqs, embed_sequence, pass);
    for (int32_t i = 0; i < enc->facts.n_layers && st == VT_OK; i++) {
        run_block(pass, &enc->blocks[i]);
        st = vt__cancel_poll(pass->watch->cancel, pass->watch->what);
    }
    return st;
}

void vt__encoding_transform(vt__encoding *pass) {
    const vt_encoder *enc = pass->enc;
    vt__dense_run(enc->ctx, &enc->transform, &(vt__product_of){.rows = pass->q8, .x = pass->x, .n_rows = pass->n_rows, .out = pass->mixed, .finish = enc->activation});
    normalise(pass, pass->mixed, pass->mixed, enc->transform_norm);
}
