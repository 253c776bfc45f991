/* Gradients of convolutions for their filters, as a product of matrices whose sums go over places of the result, picture after picture:
 *
 *     dW[k, f] = sum over p of X[k, p] G[f, p]
 *
 * G's columns go into the panels of the gemm kernels, X's rows are gathered as in the convolution. Sums are cut every PLACES places, in the same way whatever the
 * number of threads. */
#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/conv.h"

enum {
    PLACES = 256, /* of a sum at a time */
    TAPS = 112    /* rows of X at a time: with PLACES they stay in a second-level cache */
};

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

struct job {
    struct vt__conv c; /* y is G */
    char *sums;        /* [groups, taps, filters] */
    int64_t taps, places, splits, panel, n_panels;
    int64_t ld_rows;
    int64_t panels_size; /* of scratch before the rows, bytes */
};

/* Places at to at+n-1, counted through all pictures: which picture, where in it, and how many of them are its. */
struct part {
    int64_t picture, first, n;
};

static struct part part_of(const struct job *job, int64_t at, int64_t n) {
    struct part part = {at / job->places, at % job->places, 0};
    part.n = min_of(job->places - part.first, n);
    return part;
}

/* n columns of G from place `at` on into panels, k wide. */
static void pack_filters(const struct job *job, int64_t group, int64_t at, int64_t n, char *panels) {
    const struct vt__conv *c = &job->c;
    for (int64_t done = 0; done < n;) {
        struct part part = part_of(job, at + done, n - done);
        for (int64_t p = 0; p < job->n_panels; p++) {
            int64_t filter = (part.picture * c->groups + group) * c->filters + p * job->panel, rows = min_of(job->panel, c->filters - p * job->panel);
            char *to = panels + (size_t)((p * n + done) * job->panel) * c->size;
            const char *from = c->y + (size_t)(filter * job->places + part.first) * c->size;
            if (c->size == 4) c->kernels->transpose_32(to, job->panel, from, job->places, rows, part.n);
            else c->kernels->transpose_64(to, job->panel, from, job->places, rows, part.n);
        }
        done += part.n;
    }
}

/* Rows k0 to k1-1 of X for the same places. */
static void gather_rows(const struct job *job, int64_t group, int64_t k0, int64_t k1, int64_t at, int64_t n, char *rows) {
    const struct vt__conv *c = &job->c;
    for (int64_t done = 0; done < n;) {
        struct part part = part_of(job, at + done, n - done);
        struct vt__conv_block b = {.k0 = k0, .k1 = k1, .first = part.first, .n = part.n, .ld_row = job->ld_rows, .ld_vector = VTK_CONV_LANES};
        const char *x = c->x + (size_t)((part.picture * c->groups + group) * c->channels * c->in[0] * c->in[1]) * c->size;
        vt__conv_gather(c, x, &b, rows + (size_t)done * c->size);
        done += part.n;
    }
}

/* A part of the taps of a group. */
static void weight_item(const void *user, int64_t i, char *scratch) {
    const struct job *job = user;
    const struct vt__conv *c = &job->c;
    int64_t group = i / job->splits, first, end, total = c->n * job->places;
    char *rows = scratch + job->panels_size, *sums = job->sums + (size_t)(group * job->taps * c->filters) * c->size;
    vt__chunk_range(job->taps, 14, job->splits, i % job->splits, &first, &end);
    memset(scratch, 0, (size_t)job->panels_size);
    for (int64_t at = 0; at < total && first < end && !vt__cancel_is_left(); at += PLACES) {
        int64_t n = min_of(PLACES, total - at);
        pack_filters(job, group, at, n, scratch);
        for (int64_t k0 = first; k0 < end; k0 += TAPS) {
            int64_t k1 = min_of(k0 + TAPS, end);
            gather_rows(job, group, k0, k1, at, n, rows);
            vtk_gemm p = {.out = sums + (size_t)(k0 * c->filters) * c->size, .ld_out = c->filters, .x = rows, .ld_x = job->ld_rows, .panels = scratch, .n = c->filters, .k = n,
                .finish = at ? VTK_GEMM_SCALE : VTK_GEMM_STORE, .alpha = 1, .beta = at ? 1 : 0};
            if (c->size == 4) c->kernels->gemm_f32(&p, 0, k1 - k0, 0, job->n_panels);
            else c->kernels->gemm_f64(&p, 0, k1 - k0, 0, job->n_panels);
        }
    }
}

vt_status vt__cpu_conv2d_weight(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0], *g = &run->in[1], *out = &run->out[0];
    const struct vt__attr *a = run->attrs->a;

    if (vt__view_count(out) == 0) return VT_OK;
    if (vt__view_count(x) == 0 || vt__view_count(g) == 0) return vt__cpu_call(run->ctx, VT__OP_fill, out, out, 1, 0);
    struct job job = {.c = vt__conv_of(run, x, g, out->shape + 2, &a[1], &a[2], &a[3], a[4].i[0], 0)};
    const struct vt__conv *c = &job.c;
    size_t size;
    if (vt__conv_weight_is_direct(c)) return vt__conv_weight_direct(run, c);
    job.taps = c->channels * c->kernel[0] * c->kernel[1];
    job.places = c->out[0] * c->out[1];
    job.panel = c->size == 4 ? VTK_GEMM_PANEL : VTK_GEMM_PANEL_F64;
    job.n_panels = (c->filters + job.panel - 1) / job.panel;
    job.ld_rows = min_of(PLACES, c->n * job.places) + VTK_CONV_LANES;
    int64_t threads = vt__context_threads(run->ctx);
    job.splits = threads == 1 || c->groups >= 4 * threads ? 1 : min_of(2 * threads, (job.taps + 13) / 14);
    if (vt__mul_size(job.n_panels * job.panel, (int64_t)(PLACES * c->size), &size) || size > (size_t)INT64_MAX / 2) return vt__fail_nomem(run->op->name, 0);
    job.panels_size = (int64_t)size;
    job.sums = vt__scratch_take2(run->ctx, vt__view_count(out), 1, c->size);
    if (!job.sums) return vt__fail_nomem(run->op->name, (size_t)vt__view_count(out) * c->size);
    vt_status st = vt__conv_run(run, &job, c->groups * job.splits, job.panels_size + min_of(TAPS, job.taps) * job.ld_rows * (int64_t)c->size, weight_item);
    for (int64_t group = 0; group < c->groups && st == VT_OK; group++) {
        size_t at = (size_t)(group * job.taps * c->filters) * c->size;
        char *to = (char *)out->data + at;
        if (c->size == 4) c->kernels->transpose_32(to, job.taps, job.sums + at, c->filters, job.taps, c->filters);
        else c->kernels->transpose_64(to, job.taps, job.sums + at, c->filters, job.taps, c->filters);
    }
    vt__scratch_give(run->ctx, job.sums);
    return st;
}
