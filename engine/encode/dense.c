#include "encode/dense.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "vtk.h"

enum {
    ROWS_A_CHUNK = 128,   /* rows of activations that stay in the second-level cache while all panels go by */
    CHUNKS_A_THREAD = 4,  /* more than one, so that a thread that lost its core for a while holds up little */
    CHUNK_PRODUCTS = 1 << 18 /* products a chunk at least: below, handing it over costs more than doing it */
};

static int64_t panels_of(int64_t n) { return (n + VTK_GEMM_PANEL - 1) / VTK_GEMM_PANEL; }

/* ---- weights ---- */

typedef struct packing {
    const float *w;
    const vt__dense *d;
} packing;

static void pack_panel(void *user, int64_t panel) {
    const packing *p = user;
    int64_t k = p->d->k, row = panel * VTK_GEMM_PANEL, left = p->d->n - row, n = left < VTK_GEMM_PANEL ? left : VTK_GEMM_PANEL;
    if (p->d->q8) vtk_get()->gemm_q8_pack(p->d->q8 + panel * VTK_GEMM_Q8_PANEL(k), p->w + row * k, k, n, k);
    else vtk_get()->gemm_pack(p->d->panels + row * k, p->w + row * k, k, n, k);
}

vt_status vt__dense_create(vt_context *ctx, const float *w, const float *bias, int64_t n, int64_t k, int is_q8, vt__dense *out) {
    *out = (vt__dense){.n = n, .k = k};
    if (is_q8) out->q8 = vt__alloc64_2(ctx, panels_of(n), VTK_GEMM_Q8_PANEL(k), 1);
    else out->panels = vt__alloc64_2(ctx, panels_of(n) * VTK_GEMM_PANEL, k, sizeof *out->panels);
    if (bias) out->bias = vt__calloc2(ctx, n, 1, sizeof *out->bias);
    if ((!out->panels && !out->q8) || (bias && !out->bias)) {
        vt__dense_free(ctx, out);
        return vt__fail_nomem("encoder", (size_t)n * (size_t)k * sizeof *w);
    }
    if (bias) memcpy(out->bias, bias, (size_t)n * sizeof *bias);
    vt__parallel(ctx, panels_of(n), pack_panel, &(packing){w, out});
    return VT_OK;
}

void vt__dense_free(vt_context *ctx, vt__dense *d) {
    vt__free(ctx, d->panels);
    vt__free(ctx, d->q8);
    vt__free(ctx, d->bias);
    *d = (vt__dense){0};
}

/* ---- products ---- */

typedef struct job {
    vtk_gemm g;
    void (*gemm)(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
    int64_t n_rows, n_panels, row_chunks, panel_chunks;
} job;

static void run_chunk(void *user, int64_t chunk) {
    const job *j = user;
    int64_t row0, row1, panel0, panel1;
    vt__chunk_range(j->n_rows, 1, j->row_chunks, chunk / j->panel_chunks, &row0, &row1);
    vt__chunk_range(j->n_panels, 1, j->panel_chunks, chunk % j->panel_chunks, &panel0, &panel1);
    if (row0 < row1 && panel0 < panel1) j->gemm(&j->g, row0, row1, panel0, panel1);
}

/* Activations to integers. */
typedef struct rows_job {
    const vt__product_of *p;
    int64_t k, n_chunks;
} rows_job;

enum { ROWS_TO_INTEGERS = 16 };

static void encode_rows(void *user, int64_t chunk) {
    const rows_job *j = user;
    int64_t first, last;
    vt__chunk_range(j->p->n_rows, 1, j->n_chunks, chunk, &first, &last);
    for (int64_t i = first; i < last; i++) vtk_get()->gemm_q8_row(j->p->rows + i * VTK_GEMM_Q8_ROW(j->k), j->p->x + i * j->k, j->k);
}

static void use_integers(vt_context *ctx, const vt__dense *d, const vt__product_of *p, job *j) {
    rows_job r = {p, d->k, (p->n_rows + ROWS_TO_INTEGERS - 1) / ROWS_TO_INTEGERS};
    vt__parallel(ctx, r.n_chunks, encode_rows, &r);
    j->g.x = p->rows;
    j->g.ld_x = VTK_GEMM_Q8_ROW(d->k);
    j->g.panels = d->q8;
    j->gemm = vtk_get()->gemm_q8;
}

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

void vt__dense_run(vt_context *ctx, const vt__dense *d, const vt__product_of *p) {
    int64_t n_threads = vt__context_threads(ctx);
    job j = {
        .g = {.out = p->out, .ld_out = d->n, .x = p->x, .ld_x = d->k, .panels = d->panels, .n = d->n, .k = d->k, .bias = d->bias, .add = p->add, .finish = p->finish},
        .gemm = vtk_get()->gemm_f32,
        .n_rows = p->n_rows,
        .n_panels = panels_of(d->n),
        .row_chunks = (p->n_rows + ROWS_A_CHUNK - 1) / ROWS_A_CHUNK,
        .panel_chunks = 1,
    };
    if (d->q8) use_integers(ctx, d, p, &j);
    if (p->finish == VTK_GEMM_MAX) j.row_chunks = 1; /* all rows meet in one output */
    if (n_threads > 1) {
        int64_t wanted = n_threads * CHUNKS_A_THREAD / j.row_chunks, worth = 1 + d->n * d->k / CHUNK_PRODUCTS * p->n_rows / j.row_chunks;
        j.panel_chunks = min_of(min_of(wanted < 1 ? 1 : wanted, worth), j.n_panels);
    }
    vt__parallel(ctx, j.row_chunks * j.panel_chunks, run_chunk, &j);
}
