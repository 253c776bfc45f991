/* Runners of convolutions as products of matrices whose second factor exists a few columns at a time (implicit GEMM):
 *
 *     y[co, p] = sum over k of W[co, k] X[k, p],   k = (channel, tap), p = a pixel of the result
 *
 * Columns of X are gathered from the picture straight into the panels of the gemm kernels. A transposed convolution is one over a picture with zeros
 * between its pixels, with the filters turned round. Every sum over k is cut in the same pieces whatever the number of threads. */
#include <stdatomic.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/device.h"
#include "vtk.h"

enum {
    PIXELS = 128,     /* of the result that an item of work makes */
    MOST_TAPS = 768,  /* of a sum at a time: with PIXELS they stay in a second-level cache */
    PIXELS_DW = 512   /* of a piece of the sums over pixels */
};

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

/* Where a tap reads: row oy * stride + ky * dilation - padding of a picture whose rows are `up` apart. */
struct geometry {
    int64_t channels, h, w;  /* of the picture, a group's */
    int64_t kh, kw, oh, ow;
    int64_t stride[2], padding[2], dilation[2], up[2];
};

struct job {
    const vtk_table *kernels;
    struct geometry g;
    const char *x, *weights, *bias;
    char *out;
    int64_t n, groups, n_out;      /* pictures, groups, filters of a group */
    int64_t taps, pixels;          /* length of a sum, pixels of a result */
    int64_t chunks, splits;        /* items: pictures x groups x chunks of pixels x splits of the filters */
    int64_t piece;                 /* taps at a time */
    size_t size;                   /* of an element: 4 or 8 */
    int64_t panel;                 /* columns of a panel */
    atomic_llong next;
    int64_t items;
    char *scratch;
    size_t scratch_size;           /* a worker's */
    void (*item)(const struct job *job, int64_t i, char *scratch);
};

static void multiply(const struct job *job, const vtk_gemm *g, int64_t rows) {
    int64_t panels = (g->n + job->panel - 1) / job->panel;
    if (job->size == 4) job->kernels->gemm_f32(g, 0, rows, 0, panels);
    else job->kernels->gemm_f64(g, 0, rows, 0, panels);
}

/* One row of pixels of a tap: places ox to ox+n-1 of a result row, ix of the first in steps of stride. */
static void gather_row(const struct geometry *g, const char *row, int64_t ix, int64_t n, char *to, size_t size) {
    if (g->stride[1] == 1 && g->up[1] == 1) {
        int64_t skip = ix < 0 ? min_of(-ix, n) : 0, have = min_of(g->w - ix, n) - skip;
        if (have < 0) have = 0;
        memset(to, 0, (size_t)skip * size);
        memcpy(to + (size_t)skip * size, row + (ix + skip) * (int64_t)size, (size_t)have * size);
        memset(to + (size_t)(skip + have) * size, 0, (size_t)(n - skip - have) * size);
        return;
    }
    for (int64_t i = 0; i < n; i++, ix += g->stride[1]) {
        int inside = ix >= 0 && ix % g->up[1] == 0 && ix / g->up[1] < g->w;
        if (inside) memcpy(to + (size_t)i * size, row + (size_t)(ix / g->up[1]) * size, size);
        else memset(to + (size_t)i * size, 0, size);
    }
}

/* Pixels first to first+n-1 of X's row k. */
static void gather(const struct job *job, const char *x, int64_t k, int64_t first, int64_t n, char *to) {
    const struct geometry *g = &job->g;
    int64_t kx = k % g->kw, ky = k / g->kw % g->kh, channel = k / (g->kw * g->kh), oy = first / g->ow, ox = first % g->ow;
    const char *plane = x + (size_t)(channel * g->h * g->w) * job->size;
    while (n > 0) {
        int64_t take = min_of(g->ow - ox, n), iy = oy * g->stride[0] + ky * g->dilation[0] - g->padding[0];
        if (iy < 0 || iy % g->up[0] || iy / g->up[0] >= g->h) memset(to, 0, (size_t)take * job->size);
        else gather_row(g, plane + (size_t)(iy / g->up[0] * g->w) * job->size, ox * g->stride[1] + kx * g->dilation[1] - g->padding[1], take, to, job->size);
        to += (size_t)take * job->size;
        n -= take;
        ox = 0;
        oy++;
    }
}

/* X's rows k0 to k1-1 for n pixels from first on, as panels; what fills up the last panel is 0. */
static void pack_pixels(const struct job *job, const char *x, int64_t k0, int64_t k1, int64_t first, int64_t n, char *panels) {
    for (int64_t at = 0; at < n; at += job->panel) {
        int64_t have = min_of(job->panel, n - at);
        char *to = panels + (size_t)(at * (k1 - k0)) * job->size;
        for (int64_t k = k0; k < k1; k++, to += (size_t)job->panel * job->size) {
            gather(job, x, k, first + at, have, to);
            if (have < job->panel) memset(to + (size_t)have * job->size, 0, (size_t)(job->panel - have) * job->size);
        }
    }
}

static void fill_bias(const struct job *job, char *out, const char *bias, int64_t rows, int64_t n) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t p = 0; p < n; p++) memcpy(out + (size_t)(r * job->pixels + p) * job->size, bias + (size_t)r * job->size, job->size);
}

/* A part of the filters over a chunk of pixels of one picture and group. */
static void forward_item(const struct job *job, int64_t i, char *panels) {
    int64_t split = i % job->splits, chunk = i / job->splits % job->chunks, plane = i / job->splits / job->chunks, group = plane % job->groups, row0, row1;
    int64_t first = chunk * PIXELS, n = min_of(PIXELS, job->pixels - first);
    const struct geometry *g = &job->g;
    const char *x = job->x + (size_t)(plane * g->channels * g->h * g->w) * job->size;
    vt__chunk_range(job->n_out, 1, job->splits, split, &row0, &row1);
    if (row0 >= row1) return;
    int64_t filter = group * job->n_out + row0;
    char *out = job->out + (size_t)(((plane / job->groups * job->groups * job->n_out) + filter) * job->pixels + first) * job->size;
    if (job->bias) fill_bias(job, out, job->bias + (size_t)filter * job->size, row1 - row0, n);
    for (int64_t k = 0; k < job->taps; k += job->piece) {
        int64_t end = min_of(k + job->piece, job->taps), adds = k > 0 || job->bias;
        pack_pixels(job, x, k, end, first, n, panels);
        vtk_gemm p = {.out = out, .ld_out = job->pixels, .x = job->weights + (size_t)(filter * job->taps + k) * job->size, .ld_x = job->taps, .panels = panels,
            .n = n, .k = end - k, .finish = adds ? VTK_GEMM_SCALE : VTK_GEMM_STORE, .alpha = 1, .beta = adds ? 1 : 0};
        multiply(job, &p, row1 - row0);
    }
}

/* A panel of taps of one group's filters: sums over all pictures and pixels, in order. Gathered rows are turned into columns of the panel. */
static void weight_item(const struct job *job, int64_t i, char *scratch) {
    const struct geometry *g = &job->g;
    int64_t n_panels = (job->taps + job->panel - 1) / job->panel, group = i / n_panels, k0 = i % n_panels * job->panel, n = min_of(job->panel, job->taps - k0);
    char *panel = scratch, *rows = scratch + (size_t)(job->panel * PIXELS_DW) * job->size;
    char *out = job->out + (size_t)(group * job->n_out * job->taps + k0) * job->size;
    memset(rows, 0, (size_t)(job->panel * PIXELS_DW) * job->size);
    for (int64_t picture = 0; picture < job->n; picture++)
        for (int64_t first = 0; first < job->pixels; first += PIXELS_DW) {
            int64_t len = min_of(PIXELS_DW, job->pixels - first), plane = picture * job->groups + group, adds = picture > 0 || first > 0;
            const char *x = job->x + (size_t)(plane * g->channels * g->h * g->w) * job->size;
            for (int64_t k = 0; k < n; k++) gather(job, x, k0 + k, first, len, rows + (size_t)(k * PIXELS_DW) * job->size);
            if (job->size == 4) job->kernels->transpose_32(panel, job->panel, rows, PIXELS_DW, job->panel, len);
            else job->kernels->transpose_64(panel, job->panel, rows, PIXELS_DW, job->panel, len);
            vtk_gemm p = {.out = out, .ld_out = job->taps, .x = job->weights + (size_t)(plane * job->n_out * job->pixels + first) * job->size, .ld_x = job->pixels,
                .panels = panel, .n = n, .k = len, .finish = adds ? VTK_GEMM_SCALE : VTK_GEMM_STORE, .alpha = 1, .beta = adds ? 1 : 0};
            multiply(job, &p, job->n_out);
        }
}

static void work(void *user, int64_t worker) {
    struct job *job = user;
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (i >= job->items) return;
        job->item(job, i, job->scratch + (size_t)worker * job->scratch_size);
    }
}

static vt_status run_items(const struct vt__run *run, struct job *job) {
    int64_t workers = min_of(vt__context_threads(run->ctx), job->items);
    size_t bytes;
    if (!workers) return VT_OK;
    job->scratch_size = (job->scratch_size + 63) / 64 * 64;
    if (vt__mul_size(workers, (int64_t)job->scratch_size, &bytes)) return vt__fail_nomem(run->op->name, 0);
    job->scratch = vt__scratch_take(run->ctx, bytes);
    if (!job->scratch) return vt__fail_nomem(run->op->name, bytes);
    vt__parallel(run->ctx, workers, work, job);
    vt__scratch_give(run->ctx, job->scratch);
    return VT_OK;
}

static struct job start(const struct vt__run *run) {
    struct job job = {.kernels = vtk_get(), .x = run->in[0].data, .out = run->out[0].data, .n = run->in[0].shape[0]};
    job.size = vt__dtype_size(run->out[0].dtype);
    job.panel = job.size == 4 ? VTK_GEMM_PANEL : VTK_GEMM_PANEL_F64;
    return job;
}

/* Filters [in, out / groups, kh, kw] of a transposed convolution as [out, in / groups, kh, kw], turned round. */
static void turn_filters(const struct job *job, const char *w, char *to) {
    const struct geometry *g = &job->g;
    int64_t taps = g->kh * g->kw;
    for (int64_t group = 0; group < job->groups; group++)
        for (int64_t o = 0; o < job->n_out; o++)
            for (int64_t c = 0; c < g->channels; c++) {
                const char *from = w + (size_t)(((group * g->channels + c) * job->n_out + o) * taps) * job->size;
                for (int64_t t = taps - 1; t >= 0; t--, to += job->size) memcpy(to, from + (size_t)t * job->size, job->size);
            }
}

vt_status vt__cpu_conv2d(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0], *w = &run->in[1], *out = &run->out[0];
    int transposed = run->op->id == VT__OP_conv_transpose2d;
    const struct vt__attr *a = run->attrs->a;
    struct job job = start(run);
    struct geometry *g = &job.g;
    char *turned = NULL;

    job.groups = a[transposed ? 4 : 3].i[0];
    job.n_out = out->shape[1] / job.groups;
    *g = (struct geometry){.channels = x->shape[1] / job.groups, .h = x->shape[2], .w = x->shape[3], .kh = w->shape[2], .kw = w->shape[3],
        .oh = out->shape[2], .ow = out->shape[3]};
    for (int32_t d = 0; d < 2; d++) {
        int64_t stride = vt__attr_pair(&a[0], d), padding = vt__attr_pair(&a[1], d), dilation = vt__attr_pair(&a[transposed ? 3 : 2], d);
        g->stride[d] = transposed ? 1 : stride;
        g->up[d] = transposed ? stride : 1;
        g->dilation[d] = dilation;
        g->padding[d] = transposed ? dilation * (w->shape[2 + d] - 1) - padding : padding;
    }
    job.taps = g->channels * g->kh * g->kw;
    job.pixels = g->oh * g->ow;
    if (vt__view_count(out) == 0) return VT_OK;
    if (job.taps == 0 || run->in[0].shape[1] == 0) {
        if (run->n_in < 3 || !run->in[2].data) return vt__cpu_call(run->ctx, VT__OP_fill, out, out, 1, 0);
        struct vt__view b = run->in[2]; /* the bias alone, broadcast over pictures and pixels */
        b.ndim = 3;
        b.shape[1] = b.shape[2] = 1;
        b.strides[1] = b.strides[2] = 0;
        return vt__cpu_call(run->ctx, VT__OP_copy, out, &b, 1, 0);
    }
    job.weights = w->data;
    job.bias = run->n_in > 2 ? run->in[2].data : NULL;
    if (transposed) {
        turned = vt__alloc64(run->ctx, (size_t)vt__view_count(w) * job.size);
        if (!turned) return vt__fail_nomem(run->op->name, (size_t)vt__view_count(w) * job.size);
        turn_filters(&job, w->data, turned);
        job.weights = turned;
    }
    job.chunks = (job.pixels + PIXELS - 1) / PIXELS;
    int64_t pieces = (job.taps + MOST_TAPS - 1) / MOST_TAPS, base = job.n * job.groups * job.chunks, wanted = 4 * vt__context_threads(run->ctx);
    job.piece = (job.taps + pieces - 1) / pieces;
    job.splits = base >= wanted ? 1 : min_of((wanted + base - 1) / base, (job.n_out + 27) / 28);
    job.items = base * job.splits;
    job.scratch_size = (size_t)(job.piece * (PIXELS + job.panel)) * job.size;
    job.item = forward_item;
    vt_status st = run_items(run, &job);
    vt__free(run->ctx, turned);
    return st;
}

vt_status vt__cpu_conv2d_weight(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0], *g_out = &run->in[1], *out = &run->out[0];
    const struct vt__attr *a = run->attrs->a;
    struct job job = start(run);
    struct geometry *g = &job.g;

    job.groups = a[4].i[0];
    job.n_out = out->shape[0] / job.groups;
    *g = (struct geometry){.channels = x->shape[1] / job.groups, .h = x->shape[2], .w = x->shape[3], .kh = out->shape[2], .kw = out->shape[3],
        .oh = g_out->shape[2], .ow = g_out->shape[3], .up = {1, 1}};
    for (int32_t d = 0; d < 2; d++) {
        g->stride[d] = vt__attr_pair(&a[1], d);
        g->padding[d] = vt__attr_pair(&a[2], d);
        g->dilation[d] = vt__attr_pair(&a[3], d);
    }
    job.taps = g->channels * g->kh * g->kw;
    job.pixels = g->oh * g->ow;
    if (vt__view_count(out) == 0) return VT_OK;
    if (job.n * job.pixels == 0) return vt__cpu_call(run->ctx, VT__OP_fill, out, out, 1, 0);
    job.weights = g_out->data;
    job.items = job.groups * ((job.taps + job.panel - 1) / job.panel);
    job.scratch_size = (size_t)(2 * job.panel * PIXELS_DW) * job.size;
    job.item = weight_item;
    return run_items(run, &job);
}
