#include "llm/pack.h"

#include "core/context.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "core/pool.h"
#include "llm/model_internal.h"
#include "vtk.h"

enum {
    LINE = 64,
    CHUNK_BYTES = 1 << 18, /* of the file: what a thread packs at a time */
    WAVE_BYTES = 1 << 23   /* packed between two reports and two lots of pages that are given back; bounds what memory holds twice */
};

typedef struct packing {
    vt_model *model;
    vt__matrix **matrices;
    int64_t n;
    size_t total; /* bytes of all panels */
} packing;

static int64_t panels_of(const vt__matrix *w) { return (w->rows + VTK_PANEL_ROWS - 1) / VTK_PANEL_ROWS; }
static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* Bytes of a matrix' panels, rounded up so that the next begins on a line; 0: it has none. 1 on overflow. */
static int packed_size(const vt__matrix *w, size_t *out) {
    size_t size;
    if (__builtin_mul_overflow(vtk_panel_size(w->kernel, w->cols), (size_t)panels_of(w), &size) || size > SIZE_MAX - LINE) return 1;
    *out = (size + LINE - 1) / LINE * LINE;
    return 0;
}

static vt_status list_matrices(packing *p) {
    vt_model *m = p->model;
    p->n = m->arch->products(m, NULL);
    p->matrices = vt__calloc2(m->ctx, p->n, 1, sizeof *p->matrices);
    if (!p->matrices) return vt__fail_nomem("model", (size_t)p->n * sizeof *p->matrices);
    (void)m->arch->products(m, p->matrices);
    for (int64_t i = 0; i < p->n; i++) {
        size_t size;
        if (packed_size(p->matrices[i], &size) || __builtin_add_overflow(p->total, size, &p->total)) return vt__fail_nomem("model", SIZE_MAX);
    }
    return VT_OK;
}

typedef struct wave {
    const vt__matrix *w;
    unsigned char *out;
    int64_t first, last, n_chunks; /* panels */
} wave;

static void pack_chunk(void *user, int64_t chunk) {
    const wave *v = user;
    const vt__matrix *w = v->w;
    int64_t first, last;
    vt__chunk_range(v->last - v->first, 1, v->n_chunks, chunk, &first, &last);
    for (int64_t i = v->first + first; i < v->first + last; i++) {
        int64_t row = i * VTK_PANEL_ROWS;
        vtk_pack_panel(w->kernel, v->out + (size_t)i * w->panel, (const unsigned char *)w->data + (size_t)row * w->stride, w->stride,
                       min_of(VTK_PANEL_ROWS, w->rows - row), w->cols);
    }
}

/* One matrix into the block at out; done: bytes packed before it. */
static vt_status pack_matrix(const packing *p, vt__matrix *w, unsigned char *out, size_t done, vt__watch *watch, double from) {
    vt_model *m = p->model;
    w->panel = vtk_panel_size(w->kernel, w->cols);
    int64_t a_wave = max_of(1, WAVE_BYTES / (int64_t)w->panel), a_chunk = max_of(1, CHUNK_BYTES / (int64_t)w->panel);
    for (int64_t first = 0; first < panels_of(w); first += a_wave) {
        wave v = {w, out, first, min_of(first + a_wave, panels_of(w)), 0};
        v.n_chunks = (v.last - first + a_chunk - 1) / a_chunk;
        vt__parallel(m->ctx, v.n_chunks, pack_chunk, &v);
        size_t row0 = (size_t)first * VTK_PANEL_ROWS, row1 = (size_t)min_of(v.last * VTK_PANEL_ROWS, w->rows);
        vt__gguf_forget(m->gguf, (const unsigned char *)w->data + row0 * w->stride, (row1 - row0) * w->stride);
        done += (size_t)(v.last - first) * w->panel;
        vt_status st = vt__watch_poll(watch, from + (1.0 - from) * (double)done / (double)p->total, "packing weights");
        if (st != VT_OK) return st;
    }
    w->packed = out;
    if (w->kernel == VTK_BF16) m->hp.bf16_cols = max_of(m->hp.bf16_cols, w->cols);
    return VT_OK;
}

static vt_status pack_all(packing *p, vt__watch *watch, double from) {
    vt_model *m = p->model;
    vt_status st = VT_OK;
    size_t at = 0, size = 0;
    if (p->total == 0) return VT_OK;
    m->packed = vt__alloc64(m->ctx, p->total);
    if (!m->packed) return vt__fail_nomem("model", p->total);
    vt__prefer_large_pages(m->ctx, m->packed, p->total);
    vt__gguf_forget(m->gguf, NULL, 0);
    for (int64_t i = 0; i < p->n && st == VT_OK; i++, at += size) {
        (void)packed_size(p->matrices[i], &size); /* checked when they were listed */
        if (size > 0) st = pack_matrix(p, p->matrices[i], (unsigned char *)m->packed + at, at, watch, from);
    }
    vt__gguf_forget(m->gguf, NULL, 0); /* the system maps more around a page than was asked for */
    return st;
}

vt_status vt__pack_weights(vt_model *m, vt__watch *watch, double from) {
    packing p = {.model = m};
    vt_status st = list_matrices(&p);
    if (st == VT_OK) st = pack_all(&p, watch, from);
    vt__free(m->ctx, p.matrices);
    return st;
}
