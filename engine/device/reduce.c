/* Runner of reductions. The elements of one result are cut into segments whose length depends on extents and strides only, a segment into blocks
 * that a kernel folds into states; states are merged in order: the same bits for any number of threads. Where neighbours in memory belong to
 * different results, rows are read as they lie and as many columns are folded side by side. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"
#include "device/fold.h"
#include "vtk.h"

enum { SEGMENT = 8 * VTK_FOLD_BLOCK /* elements */, SHORT_RUN = 64, RESULTS = 1024 };

struct job {
    const struct vt__run *run;
    const struct vtk_fold *kernels;
    struct vt__fold fold;
    struct vt__view kept, reduced; /* dims of either kind, over the input's memory */
    struct vt__view all;           /* kept, then reduced ones; for columns: the last kept one behind the reduced ones */
    struct vt__view out;           /* the kept dims in the same order, over the results */
    struct vt__view results;       /* the same over the input's memory; `kept` without the columns' */
    int64_t n_kept, n_reduced, segment, n_segments;
    int64_t n_columns, strip, n_strips; /* n_columns: extent of the last kept dim where columns are folded, else 0 */
    int32_t direct;                     /* elements are read where they lie */
    int64_t per, n_items;               /* segments, and how many of them make a chunk of work */
    double *a, *b;                      /* states [n_segments, n_kept] */
};

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/* Elements from v's first to its element number i in row-major order. */
static int64_t offset_of(const struct vt__view *v, int64_t i) {
    int64_t offset = 0;
    for (int32_t d = v->ndim - 1; d >= 0; d--) {
        offset += i % v->shape[d] * v->strides[d];
        i /= v->shape[d];
    }
    return offset;
}

static void append_dim(struct vt__view *v, int64_t extent, int64_t stride) {
    v->shape[v->ndim] = extent;
    v->strides[v->ndim++] = stride;
}

/* The dims of x with mask's bit as `want`, extents of 1 left out, by falling strides unless the order matters, joined where they are one run;
 * `to` (may be NULL) has the same dims of the output. */
static void collect(const struct vt__view *x, const int64_t *to_strides, uint32_t mask, uint32_t want, int in_order, struct vt__view *from, struct vt__view *to) {
    int32_t dims[VT__MAX_DIMS], n = 0;
    for (int32_t d = 0; d < x->ndim; d++) {
        int32_t i = n;
        if ((mask >> d & 1) != want || x->shape[d] == 1) continue;
        for (; i > 0 && !in_order && magnitude(x->strides[dims[i - 1]]) < magnitude(x->strides[d]); i--) dims[i] = dims[i - 1];
        dims[i] = d;
        n++;
    }
    from->ndim = to->ndim = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t d = dims[i], last = from->ndim - 1;
        if (last >= 0 && from->strides[last] == x->strides[d] * x->shape[d] && to->strides[last] == to_strides[d] * x->shape[d]) {
            from->shape[last] *= x->shape[d];
            from->strides[last] = x->strides[d];
            to->shape[last] = from->shape[last];
            to->strides[last] = to_strides[d];
        } else {
            append_dim(from, x->shape[d], x->strides[d]);
            append_dim(to, x->shape[d], to_strides[d]);
        }
    }
}

/* Dims that the op's first attribute names: a list, one, or all. */
static uint32_t reduced_dims(const struct vt__run *run) {
    const struct vt__attr *dims = &run->attrs->a[0];
    int32_t ndim = run->in[0].ndim, one = run->op->id == VT__OP_argmax || run->op->id == VT__OP_argmin;
    uint32_t mask = dims->given ? 0 : (1u << ndim) - 1;
    for (int32_t i = 0; dims->given && i < (one ? 1 : dims->count); i++) mask |= 1u << (dims->i[i] < 0 ? dims->i[i] + ndim : dims->i[i]);
    return mask;
}

static void lay_out(struct job *job) {
    const struct vt__view *x = &job->run->in[0], *out = job->run->op->id == VT__OP_best_put ? &job->run->in[1] : &job->run->out[0];
    uint32_t mask = reduced_dims(job->run);
    int64_t strides[VT__MAX_DIMS] = {0};
    int32_t k = 0, in_order = job->fold.kind == VTK_FOLD_ARGMAX || job->fold.kind == VTK_FOLD_ARGMIN;
    struct vt__view ignored = *x;
    for (int32_t d = 0; d < x->ndim; d++) {
        int gone = mask >> d & 1;
        if (!gone) strides[d] = out->strides[k];
        if (!gone || out->ndim == x->ndim) k++;
    }
    job->kept = job->reduced = job->all = *x;
    job->out = *out;
    collect(x, strides, mask, 0, 0, &job->kept, &job->out);
    memset(strides, 0, sizeof strides);
    for (int32_t d = 0; d < x->ndim; d++) strides[d] = x->strides[d];
    collect(x, strides, mask, 1, in_order, &job->reduced, &ignored);
    job->results = job->kept;
    job->n_kept = vt__view_count(&job->kept);
    job->n_reduced = vt__view_count(&job->reduced);
}

/* Rows or columns, and how long segments are. */
static void plan(struct job *job) {
    const struct vt__view *kept = &job->kept, *reduced = &job->reduced;
    int32_t last = kept->ndim - 1, inner = reduced->ndim - 1;
    int same_type = job->run->in[0].dtype == job->fold.compute && !job->fold.changes;
    int columns = last >= 0 && inner >= 0 && kept->strides[last] == 1 && reduced->strides[inner] != 1 && !job->fold.changes &&
                  job->kernels->columns[job->fold.type][job->fold.kind];
    job->segment = SEGMENT;
    job->all.ndim = 0;
    for (int32_t d = 0; d <= last - columns; d++) append_dim(&job->all, kept->shape[d], kept->strides[d]);
    for (int32_t d = 0; d <= inner; d++) append_dim(&job->all, reduced->shape[d], reduced->strides[d]);
    if (columns) {
        append_dim(&job->all, kept->shape[last], 1);
        job->kept.ndim--; /* what is left are the groups of columns */
        job->n_columns = kept->shape[last];
        job->strip = min64(job->n_columns, VTK_FOLD_STRIP);
        job->n_strips = job->strip ? (job->n_columns + job->strip - 1) / job->strip : 0;
        job->segment = job->strip == 0 ? SEGMENT : (SEGMENT / job->strip + VTK_FOLD_ROWS - 1) / VTK_FOLD_ROWS * VTK_FOLD_ROWS;
        job->direct = same_type;
    } else {
        int long_runs = inner == 0 || (inner > 0 && reduced->shape[inner] >= SHORT_RUN);
        job->direct = same_type && (inner < 0 || (long_runs && reduced->strides[inner] == 1));
    }
    job->n_segments = (job->n_reduced + job->segment - 1) / job->segment;
    job->n_items = columns ? job->n_kept / (job->n_columns ? job->n_columns : 1) * job->n_strips * job->n_segments : job->n_kept * job->n_segments;
    job->per = 1 + SEGMENT / ((columns ? job->strip : 1) * min64(job->segment, job->n_reduced) + 1);
}

static const char *place(const struct job *job, int64_t offset) {
    return (const char *)job->all.data + offset * (int64_t)vt__dtype_size(job->all.dtype);
}

/* Segment s of result i. */
static void fold_row(const struct job *job, int64_t i, int64_t s) {
    const struct vt__view *reduced = &job->reduced;
    int64_t first = s * job->segment, end = min64(first + job->segment, job->n_reduced);
    int64_t run = reduced->ndim ? reduced->shape[reduced->ndim - 1] : 1, origin = offset_of(&job->kept, i);
    int64_t most = job->fold.type == VTK_FOLD_C128 ? VTK_FOLD_BLOCK / 2 : VTK_FOLD_BLOCK;
    _Alignas(64) double buffer[VTK_FOLD_BLOCK];
    double *a = job->a + s * job->n_kept + i, *b = job->b + s * job->n_kept + i, state[2] = {0, 0};
    for (int64_t at = first, n; at < end; at += n) {
        const void *x;
        n = min64(most, end - at);
        if (job->direct) {
            n = min64(n, run - at % run);
            x = place(job, origin + offset_of(reduced, at));
        } else {
            x = vt__block_load(&job->all, i * job->n_reduced + at, n, job->fold.compute, buffer);
        }
        if (job->fold.changes) {
            if (x != buffer) memcpy(buffer, x, (size_t)n * sizeof *buffer);
            vt__fold_change(&job->fold, buffer, n);
            x = buffer;
        }
        job->kernels->row[job->fold.type][job->fold.kind](state, x, n);
        vt__fold_merge(&job->fold, a, b, at - first, &state[0], &state[1], n, 1);
    }
}

static void fold_rows(void *user, int64_t chunk) {
    const struct job *job = user;
    for (int64_t item = chunk * job->per; item < min64((chunk + 1) * job->per, job->n_items); item++) fold_row(job, item / job->n_segments, item % job->n_segments);
}

/* Segment s of a strip of columns of group o. */
static void fold_strip(const struct job *job, int64_t o, int64_t strip, int64_t s) {
    const struct vt__view *reduced = &job->reduced;
    int64_t first = s * job->segment, end = min64(first + job->segment, job->n_reduced);
    int64_t column = strip * job->strip, width = min64(job->strip, job->n_columns - column);
    int64_t run = reduced->shape[reduced->ndim - 1], origin = offset_of(&job->kept, o) + column, i = o * job->n_columns + column;
    _Alignas(64) double buffer[VTK_FOLD_BLOCK], a[VTK_FOLD_STRIP], b[VTK_FOLD_STRIP];
    size_t size = vt__dtype_size(job->fold.compute);
    memset(b, 0, sizeof b);
    for (int64_t at = first, n; at < end; at += n) {
        const void *x = buffer;
        int64_t ld = width;
        n = min64(VTK_FOLD_ROWS, end - at);
        if (job->direct) {
            n = min64(n, run - at % run);
            ld = reduced->strides[reduced->ndim - 1];
            x = place(job, origin + offset_of(reduced, at));
        } else {
            n = min64(n, VTK_FOLD_BLOCK / width);
            for (int64_t r = 0; r < n; r++) {
                char *to = (char *)buffer + (size_t)(r * width) * size;
                const void *row = vt__block_load(&job->all, (o * job->n_reduced + at + r) * job->n_columns + column, width, job->fold.compute, to);
                if (row != to) memcpy(to, row, (size_t)width * size);
            }
        }
        job->kernels->columns[job->fold.type][job->fold.kind](a, b, x, ld, n, width);
        vt__fold_merge(&job->fold, job->a + s * job->n_kept + i, job->b + s * job->n_kept + i, at - first, a, b, n, width);
    }
}

static void fold_columns(void *user, int64_t chunk) {
    const struct job *job = user;
    for (int64_t item = chunk * job->per; item < min64((chunk + 1) * job->per, job->n_items); item++) {
        int64_t at = item / job->n_segments;
        fold_strip(job, at / job->n_strips, at % job->n_strips, item % job->n_segments);
    }
}

/* best_put and best_take: between the results and the places that were found. Input and full-sized operand are dense, so one offset serves both. */
static void move_best(const struct job *job, int64_t first, int64_t n, const void *positions) {
    const struct vt__run *run = job->run;
    size_t size = vt__dtype_size(run->out[0].dtype);
    int put = run->op->id == VT__OP_best_put;
    for (int64_t i = 0; i < n; i++) {
        int64_t p = job->fold.type == VTK_FOLD_I64 ? ((const int64_t *)positions)[i] : (int64_t)((const double *)positions)[i];
        int64_t full = offset_of(&job->results, first + i) + offset_of(&job->reduced, p), one = offset_of(&job->out, first + i);
        char *large = (char *)(put ? run->out[0].data : run->in[1].data) + full * (int64_t)size, *small = (char *)job->out.data + one * (int64_t)size;
        memcpy(put ? large : small, put ? small : large, size);
    }
}

/* Merges the segments of some results and writes them. */
static void finish(void *user, int64_t chunk) {
    const struct job *job = user;
    int64_t first = chunk * RESULTS, n = min64(RESULTS, job->n_kept - first);
    double *a = job->a + first, *b = job->b + first;
    _Alignas(64) double values[2 * RESULTS];
    for (int64_t s = 1; s < job->n_segments; s++) {
        int64_t before = s * job->segment;
        vt__fold_merge(&job->fold, a, b, before, a + s * job->n_kept, b + s * job->n_kept, min64(job->segment, job->n_reduced - before), n);
    }
    if (job->run->op->id == VT__OP_best_put || job->run->op->id == VT__OP_best_take) {
        move_best(job, first, n, b);
        return;
    }
    int32_t type = vt__fold_finish(job->run, &job->fold, a, b, job->n_reduced, n, values);
    vt__block_store(&job->out, first, n, type, values);
}

vt_status vt__cpu_reduce(const struct vt__run *run) {
    struct job job = {.run = run, .kernels = vtk_get()->fold};
    int64_t n_states = 0;
    vt_status st = vt__fold_choose(run, &job.fold);
    if (st != VT_OK) return st;
    lay_out(&job);
    plan(&job);
    if (run->op->id == VT__OP_best_put) memset(run->out[0].data, 0, (size_t)vt__view_count(&run->out[0]) * vt__dtype_size(run->out[0].dtype));
    if (job.n_kept == 0) return VT_OK;
    if (__builtin_mul_overflow(job.n_kept, job.n_segments ? job.n_segments : 1, &n_states))
        return vt__fail(VT_ERR_NOMEM, "%s: %lld results", run->op->name, (long long)job.n_kept);
    job.a = vt__scratch_take2(run->ctx, n_states, 2, sizeof *job.a);
    if (!job.a) return vt__fail_nomem(run->op->name, (size_t)n_states * 2 * sizeof *job.a);
    job.b = job.a + n_states;
    vt__fold_clear(&job.fold, job.a, job.b, job.n_kept);
    if (job.n_items) vt__parallel(run->ctx, (job.n_items + job.per - 1) / job.per, job.n_columns ? fold_columns : fold_rows, &job);
    vt__parallel(run->ctx, (job.n_kept + RESULTS - 1) / RESULTS, finish, &job);
    vt__scratch_give(run->ctx, job.a);
    return VT_OK;
}
