#include "llm/linear.h"

#include "core/context.h"
#include "core/pool.h"
#include "vtk.h"

enum {
    GRAIN = VTK_PANEL_ROWS, /* rows of weights that stay together: kernels work on tiles of them */
    CHUNKS_A_THREAD = 4,    /* more than one, so that a thread that lost its core for a while holds up little */
    CHUNK_WEIGHTS = 1 << 14 /* products a chunk at least: below, handing it over costs more than doing it */
};

static int form_of(const vt__matrix *w) {
    if (w->packed && w->kernel == VTK_BF16) return VT__FORM_BF16;
    if (w->packed && w->kernel == VTK_F16) return VT__FORM_FLOATS;
    return w->packed || vtk_get()->matmul_q8[w->kernel] ? VT__FORM_Q8 : VT__FORM_FLOATS;
}

int vt__linear_forms(const vt__linear *l) {
    int forms = 0;
    for (int32_t i = 0; i < l->n_parts; i++) forms |= form_of(l->parts[i].w);
    return forms;
}

typedef struct job {
    const vt__linear *l;
    const vtk_table *k;
    int64_t n_panels, n_chunks; /* panels of GRAIN rows to share out: those of all parts, or of one if they are gated */
} job;

static int64_t panels_of(const vt__matrix *w) { return (w->rows + GRAIN - 1) / GRAIN; }
static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

static void multiply(const vtk_table *k, const vt__activations *in, const vt__product *part, int64_t row0, int64_t row1) {
    const vt__matrix *w = part->w;
    int packed = in->is_fast && w->packed, form = in->is_fast ? form_of(w) : VT__FORM_FLOATS;
    vtk_matmul m = {
        .out = part->out,
        .ld_out = part->ld,
        .w = packed ? (const void *)w->packed : w->data,
        .w_stride = packed ? w->panel : w->stride,
        .x = form == VT__FORM_Q8 ? (const void *)in->q8 : form == VT__FORM_BF16 ? (const void *)in->bf16 : (const void *)in->x,
        .x_stride = form == VT__FORM_Q8 ? in->q8_stride : form == VT__FORM_BF16 ? in->bf16_stride : (size_t)in->ld * sizeof(float),
        .m = in->n,
        .k = w->cols,
    };
    (packed ? k->matmul_packed : form == VT__FORM_Q8 ? k->matmul_q8 : k->matmul_f32)[w->kernel](&m, row0, row1);
}

vt__matrix vt__matrix_rows(const vt__matrix *w, int64_t first, int64_t n) {
    vt__matrix part = *w;
    part.data = (const unsigned char *)w->data + (size_t)first * w->stride;
    if (w->packed) part.packed = w->packed + (size_t)(first / GRAIN) * w->panel;
    part.rows = n;
    return part;
}

void vt__linear_multiply(const vt__activations *in, const vt__product *part) { multiply(vtk_get(), in, part, 0, part->w->rows); }

static void finish(const job *j, const vt__product *part, int64_t row0, int64_t row1) {
    const vt__linear *l = j->l;
    for (int64_t i = 0; i < l->in.n; i++) {
        float *y = part->out + i * part->ld + row0;
        if (l->gated) l->gated(y, y, l->parts[1].out + i * l->parts[1].ld + row0, row1 - row0);
        if (l->add_to) j->k->add(l->add_to + i * part->ld + row0, y, row1 - row0);
    }
}

/* Panels first..last-1 of a part. */
static void run_part(const job *j, int32_t i, int64_t first, int64_t last) {
    const vt__linear *l = j->l;
    const vt__product *part = &l->parts[i];
    int64_t row0 = first * GRAIN, row1 = min_of(last * GRAIN, part->w->rows);
    if (row0 >= row1) return;
    multiply(j->k, &l->in, part, row0, row1);
    if (l->gated) multiply(j->k, &l->in, &l->parts[1], row0, row1);
    if (l->gated || l->add_to) finish(j, part, row0, row1);
}

static void run_chunk(void *user, int64_t chunk) {
    const job *j = user;
    const vt__linear *l = j->l;
    int64_t first, last, at = 0;
    vt__chunk_range(j->n_panels, 1, j->n_chunks, chunk, &first, &last);
    for (int32_t i = 0; i < (l->gated ? 1 : l->n_parts); i++) {
        int64_t n = panels_of(l->parts[i].w);
        run_part(j, i, first > at ? first - at : 0, min_of(last - at, n));
        at += n;
    }
}

void vt__linear_run(vt_context *ctx, const vt__linear *l) {
    int64_t n_threads = vt__context_threads(ctx), n_weights = 0;
    job j = {.l = l, .k = vtk_get()};
    for (int32_t i = 0; i < l->n_parts; i++) {
        if (!l->gated || i == 0) j.n_panels += panels_of(l->parts[i].w);
        n_weights += l->parts[i].w->rows * l->parts[i].w->cols;
    }
    j.n_chunks = n_threads == 1 ? 1 : min_of(n_threads * CHUNKS_A_THREAD, 1 + n_weights / CHUNK_WEIGHTS * l->in.n);
    j.n_chunks = min_of(j.n_chunks, j.n_panels);
    vt__parallel(ctx, j.n_chunks, run_chunk, &j);
}

/* ---- work by rows ---- */

enum { ROWS_A_CHUNK = 4 };

typedef struct row_job {
    vt__range_fn fn;
    void *user;
    int64_t n, n_chunks;
} row_job;

static void run_rows(void *user, int64_t chunk) {
    const row_job *j = user;
    int64_t first, last;
    vt__chunk_range(j->n, 1, j->n_chunks, chunk, &first, &last);
    j->fn(j->user, first, last);
}

void vt__over_rows(vt_context *ctx, int64_t n, vt__range_fn fn, void *user) {
    int64_t n_threads = vt__context_threads(ctx);
    row_job j = {fn, user, n, n_threads == 1 || n < (int64_t)2 * ROWS_A_CHUNK ? 1 : min_of(n / ROWS_A_CHUNK, 2 * n_threads)};
    vt__parallel(ctx, j.n_chunks, run_rows, &j);
}
