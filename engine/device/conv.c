/* Runners of convolutions as products of matrices whose second factor exists a few columns at a time (implicit GEMM): columns are gathered from the picture
 * straight into the panels of the gemm kernels. Every sum over k is cut in the same pieces whatever the number of threads. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/conv.h"

enum {
    PIXELS = 128,    /* places of the result that an item of work makes */
    TILE = PIXELS + 16, /* from row to row of results that do not go where they belong at once */
    ALIAS = 2048,    /* bytes: rows of results so far apart share lines of the first-level cache */
    MOST_TAPS = 576, /* of a sum at a time: with PIXELS they stay in a second-level cache */
    ROWS = 28        /* filters that an item has at least where there are few items */
};

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

struct job {
    struct vt__conv c;
    int64_t chunks, splits; /* items: pictures x groups x rows of phases x chunks of places x splits of the filters */
    int64_t panel;          /* columns of a panel */
    int64_t tile_size;      /* bytes of scratch for results, 0: none */
    int64_t bias_first;     /* 1: filters begin with their bias, and columns with a 1 */
    char one[8];
};

/* ---- filters of a transposed convolution ---- */

struct turn {
    const struct vt__conv *c;
    const char *w;
    char *to;
};

#define COPY_TAPS(T) \
    for (int64_t channel = 0; channel < c->channels; channel++) { \
        const T *from = (const T *)turn->w + ((group * c->channels + channel) * c->filters + f) * c->kernel[0] * c->kernel[1]; \
        T *to = (T *)turn->to + (at + i * taps) * c->channels + channel * taps; \
        for (int64_t ky = 0; ky < c->kernel[0]; ky++) { \
            if (vt__conv_phase(c, 0, ky) != phase[0]) continue; \
            for (int64_t kx = 0; kx < c->kernel[1]; kx++) \
                if (vt__conv_phase(c, 1, kx) == phase[1]) *to++ = from[ky * c->kernel[1] + kx]; \
        } \
    }

/* Filters [in, out / groups, kh, kw] as [phases][groups, out / groups, in / groups, taps]: one filter. */
static void turn_filter(void *user, int64_t i) {
    const struct turn *turn = user;
    const struct vt__conv *c = turn->c;
    int64_t group = i / c->filters, f = i % c->filters, at = 0, phase[2];
    for (phase[0] = 0; phase[0] < c->phases[0]; phase[0]++)
        for (phase[1] = 0; phase[1] < c->phases[1]; phase[1]++) {
            int64_t taps = vt__conv_taps(c, 0, phase[0]) * vt__conv_taps(c, 1, phase[1]);
            if (!taps) continue;
            if (c->size == 4) {
                COPY_TAPS(float)
            } else {
                COPY_TAPS(double)
            }
            at += taps * c->groups * c->filters;
        }
}

/* ---- the product ---- */

/* n copies of a number, 0 for NULL. */
static void fill_row(const struct vt__conv *c, char *row, const char *value, int64_t n) {
    char block[64] = {0};
    for (size_t at = 0; value && at < sizeof block; at += c->size) memcpy(block + at, value, c->size);
    size_t bytes = (size_t)n * c->size, at = 0;
    for (; at + sizeof block <= bytes; at += sizeof block) memcpy(row + at, block, sizeof block);
    memcpy(row + at, block, bytes - at);
}

/* Places first to first+n-1 of a phase, filters row0 to row1-1 of one picture and group, into out. */
static void multiply(const struct job *job, int64_t plane, const struct vt__conv_block *where, int64_t row0, int64_t row1, char *out, int64_t ld_out, char *panels) {
    const struct vt__conv *c = &job->c;
    int64_t k = c->channels * vt__conv_taps(c, 0, where->phase[0]) * vt__conv_taps(c, 1, where->phase[1]), filter = plane % c->groups * c->filters + row0;
    int64_t pieces = (k + MOST_TAPS - 1) / MOST_TAPS, n_panels = (where->n + job->panel - 1) / job->panel, ld = k + job->bias_first;
    int fills = c->bias && !job->bias_first;
    const char *x = c->x + (size_t)(plane * c->channels * c->in[0] * c->in[1]) * c->size, *weights = vt__conv_weights(c, where->phase);
    struct vt__conv_block b = *where;

    for (int64_t r = row0; r < row1 && (fills || !k); r++)
        fill_row(c, out + (size_t)((r - row0) * ld_out) * c->size, c->bias ? c->bias + (size_t)(filter + r - row0) * c->size : NULL, where->n);
    for (int64_t i = 0; i < pieces; i++) {
        int64_t first = i == 0 && job->bias_first, adds = i > 0 || fills, n;
        b.k0 = i * k / pieces;
        b.k1 = (i + 1) * k / pieces;
        n = b.k1 - b.k0 + first;
        b.paired = job->panel == 2 * VTK_CONV_LANES;
        b.ld_row = job->panel;
        b.ld_vector = job->panel * n;
        for (int64_t p = 0; p < n_panels && first; p++) fill_row(c, panels + (size_t)(p * b.ld_vector) * c->size, job->one, job->panel);
        vt__conv_gather(c, x, &b, panels + (size_t)(first * job->panel) * c->size);
        vtk_gemm p = {.out = out, .ld_out = ld_out, .x = weights + (size_t)(filter * ld + (i ? ld - k + b.k0 : 0)) * c->size, .ld_x = ld, .panels = panels, .n = b.n, .k = n,
            .finish = adds ? VTK_GEMM_SCALE : VTK_GEMM_STORE, .alpha = 1, .beta = adds ? 1 : 0};
        if (c->size == 4) c->kernels->gemm_f32(&p, 0, row1 - row0, 0, n_panels);
        else c->kernels->gemm_f64(&p, 0, row1 - row0, 0, n_panels);
    }
}

static void forward_item(const void *user, int64_t i, char *scratch) {
    const struct job *job = user;
    const struct vt__conv *c = &job->c;
    int64_t split = i % job->splits, chunk = i / job->splits % job->chunks, phase = i / job->splits / job->chunks % c->phases[0], plane = i / job->splits / job->chunks / c->phases[0];
    int64_t row0, row1, pixels = c->out[0] * c->out[1];
    struct vt__conv_block b = {.phase = {phase, 0}, .first = chunk * PIXELS, .n = min_of(PIXELS, c->grid[0] * c->grid[1] - chunk * PIXELS)};
    vt__chunk_range(c->filters, 1, job->splits, split, &row0, &row1);
    if (row0 >= row1) return;
    char *out = c->y + (size_t)((plane * c->filters + row0) * pixels) * c->size;
    char *panels = scratch + job->tile_size, *to = out + (size_t)b.first * c->size;
    if (c->up[0] == 1 && c->up[1] == 1) {
        multiply(job, plane, &b, row0, row1, job->tile_size ? scratch : to, job->tile_size ? TILE : pixels, panels);
        for (int64_t r = 0; r < row1 - row0 && job->tile_size; r++) memcpy(to + (size_t)(r * pixels) * c->size, scratch + (size_t)(r * TILE) * c->size, (size_t)b.n * c->size);
        return;
    }
    for (b.phase[1] = 0; b.phase[1] < c->phases[1]; b.phase[1]++) {
        multiply(job, plane, &b, row0, row1, scratch, TILE, panels);
        vt__conv_scatter(c, &b, row1 - row0, scratch, TILE, out);
    }
}

/* Filters with their bias before them, [groups, filters, 1 + k]. */
static void put_bias_first(const struct vt__conv *c, int64_t k, char *to) {
    for (int64_t f = 0; f < c->groups * c->filters; f++, to += (size_t)(k + 1) * c->size) {
        memcpy(to, c->bias + (size_t)f * c->size, c->size);
        memcpy(to + c->size, c->weights + (size_t)(f * k) * c->size, (size_t)k * c->size);
    }
}

static vt_status forward(const struct vt__run *run, const struct vt__conv *c) {
    struct job job = {.c = *c, .panel = c->size == 4 ? VTK_GEMM_PANEL : VTK_GEMM_PANEL_F64};
    int64_t k = c->channels * c->kernel[0] * c->kernel[1], wanted = 4 * vt__context_threads(run->ctx), is_split = c->up[0] > 1 || c->up[1] > 1;
    const float one = 1;
    const double wide_one = 1;
    char *filters = NULL;

    job.chunks = (c->grid[0] * c->grid[1] + PIXELS - 1) / PIXELS;
    int64_t base = c->n * c->groups * c->phases[0] * job.chunks;
    job.splits = base >= wanted ? 1 : min_of((wanted + base - 1) / base, (c->filters + ROWS - 1) / ROWS);
    job.bias_first = c->bias && !is_split && k <= c->n * c->grid[0] * c->grid[1]; /* else copying filters costs more than adding to what is there */
    if (job.bias_first) {
        filters = vt__scratch_take2(run->ctx, c->groups * c->filters, k + 1, c->size);
        if (!filters) return vt__fail_nomem(run->op->name, (size_t)(c->groups * c->filters * (k + 1)) * c->size);
        put_bias_first(c, k, filters);
        job.c.weights = filters;
        memcpy(job.one, c->size == 4 ? (const void *)&one : (const void *)&wide_one, c->size);
    }
    if (is_split || (k > MOST_TAPS && c->out[0] * c->out[1] * (int64_t)c->size % ALIAS == 0)) job.tile_size = c->filters * TILE * (int64_t)c->size;
    vt_status st = vt__conv_run(run, &job, base * job.splits, job.tile_size + (min_of(k, MOST_TAPS) + 1) * PIXELS * (int64_t)c->size, forward_item);
    vt__scratch_give(run->ctx, filters);
    return st;
}

/* The bias alone, broadcast over pictures and pixels. */
static vt_status only_bias(const struct vt__run *run) {
    const struct vt__view *out = &run->out[0];
    if (run->n_in < 3 || !run->in[2].data) return vt__cpu_call(run->ctx, VT__OP_fill, out, out, 1, 0);
    struct vt__view b = run->in[2];
    b.ndim = 3;
    b.shape[1] = b.shape[2] = 1;
    b.strides[1] = b.strides[2] = 0;
    return vt__cpu_call(run->ctx, VT__OP_copy, out, &b, 1, 0);
}

vt_status vt__cpu_conv2d(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0], *w = &run->in[1], *out = &run->out[0];
    int transposed = run->op->id == VT__OP_conv_transpose2d;
    const struct vt__attr *a = run->attrs->a;
    char *turned = NULL;

    if (vt__view_count(out) == 0) return VT_OK;
    if (vt__view_count(w) == 0 || vt__view_count(x) == 0) return only_bias(run);
    struct vt__conv c = vt__conv_of(run, x, out, w->shape + 2, &a[0], &a[1], &a[transposed ? 3 : 2], a[transposed ? 4 : 3].i[0], transposed);
    c.weights = w->data;
    c.bias = run->n_in > 2 ? run->in[2].data : NULL;
    if (transposed) {
        struct turn turn = {&c, w->data, vt__scratch_take2(run->ctx, vt__view_count(w), 1, c.size)};
        if (!turn.to) return vt__fail_nomem(run->op->name, (size_t)vt__view_count(w) * c.size);
        vt__parallel(run->ctx, c.groups * c.filters, turn_filter, &turn);
        c.weights = turned = turn.to;
    }
    vt_status st = vt__conv_is_direct(&c) ? vt__conv_direct(run, &c) : forward(run, &c);
    vt__scratch_give(run->ctx, turned);
    return st;
}
