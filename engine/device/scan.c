/* Runners along one dimension. Elements one place further may lie far off, so a whole strip of neighbouring lines goes on together, in float64
 * (or i64, c128): running sums of float32 lose nothing but the last rounding. */
#include <complex.h>
#include <string.h>

#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

enum { STRIP = 64, STEPS = 64 };

typedef double _Complex c128;

struct job {
    const struct vt__run *run;
    struct vt__view in[2], out; /* dims: others, the dim, the one line that is kept together */
    int64_t n_steps, n_lines, width, n_outer; /* width: lines that are neighbours */
    int32_t compute, reverse;
    size_t size;
};

/* v with dim moved behind the others but the last. */
static struct vt__view turned(const struct vt__view *v, int32_t dim, int32_t side_by_side) {
    struct vt__view r = *v;
    int32_t last = v->ndim - 1, n = 0;
    for (int32_t d = 0; d <= last; d++) {
        if (d == dim || (side_by_side && d == last)) continue;
        r.shape[n] = v->shape[d];
        r.strides[n++] = v->strides[d];
    }
    r.shape[n] = v->shape[dim];
    r.strides[n++] = v->strides[dim];
    if (side_by_side) r.shape[n] = v->shape[last], r.strides[n] = v->strides[last];
    return r;
}

#define TIMES_REAL(a, b) ((a) * (b))
#define TIMES_COMPLEX(a, b) vt__complex(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b))

/* A step of a line: h is what has been reached, z what is written. A recurrence's first step has no step before it. */
#define SUM_STEP(TIMES) was + x[at]
#define PRODUCT_STEP(TIMES) TIMES(was, x[at])
#define LINEAR_STEP(TIMES) TIMES(x[at], was) + y[at]
#define LATE_STEP(TIMES) TIMES(late, was) + y[at]
/* n_steps steps of n_lines lines in `job`'s direction. A single line stays in a register. */
#define WALK(T, TIMES, NEXT) \
    do { \
        T *h = state, *held = before, *z = out; \
        const T *x = a, *y = b; \
        (void)y; \
        for (int64_t i = 0; i < n_lines; i++) { \
            T was = h[i], late = held[i]; \
            for (int64_t k = 0; k < n_steps; k++) { \
                int64_t at = (job->reverse ? n_steps - 1 - k : k) * n_lines + i; \
                T now = NEXT(TIMES); \
                late = x[at]; \
                z[at] = exclusive ? was : now; \
                was = now; \
            } \
            h[i] = was; \
            held[i] = late; \
            (void)late; \
        } \
    } while (0)
#define WALK_ALL(NEXT) \
    do { \
        if (job->compute == VT_DTYPE_F64) WALK(double, TIMES_REAL, NEXT); \
        else if (job->compute == VT_DTYPE_I64) WALK(uint64_t, TIMES_REAL, NEXT); \
        else WALK(c128, TIMES_COMPLEX, NEXT); \
    } while (0)

static void walk(const struct job *job, void *state, void *before, const void *a, const void *b, void *out, int64_t n_steps, int64_t n_lines) {
    int32_t id = job->run->op->id, flag = job->run->attrs->a[2].i[0] != 0, exclusive = id != VT__OP_linear_scan && flag;
    if (id == VT__OP_cumsum) WALK_ALL(SUM_STEP);
    else if (id == VT__OP_cumprod) WALK_ALL(PRODUCT_STEP);
    else if (flag) WALK_ALL(LATE_STEP);
    else WALK_ALL(LINEAR_STEP);
}

static void start(const struct job *job, void *state, void *before, int64_t n) {
    int one = job->run->op->id == VT__OP_cumprod;
    memset(before, 0, (size_t)n * job->size);
    memset(state, 0, (size_t)n * job->size);
    for (int64_t i = 0; one && i < n; i++) {
        if (job->compute == VT_DTYPE_F64) ((double *)state)[i] = 1;
        else if (job->compute == VT_DTYPE_I64) ((int64_t *)state)[i] = 1;
        else ((c128 *)state)[i] = 1;
    }
}

/* A block of steps first..first+n-1 of some lines, row after row or, for a single line, in one go. */
static void load(const struct job *job, int32_t i, int64_t outer, int64_t line, int64_t n_lines, int64_t first, int64_t n, char *rows) {
    if (job->width == 1) {
        const void *x = vt__block_load(&job->in[i], outer * job->n_steps + first, n, job->compute, rows);
        if (x != rows) memcpy(rows, x, (size_t)n * job->size);
        return;
    }
    for (int64_t s = 0; s < n; s++) {
        char *to = rows + (size_t)(s * n_lines) * job->size;
        const void *x = vt__block_load(&job->in[i], (outer * job->n_steps + first + s) * job->width + line, n_lines, job->compute, to);
        if (x != to) memcpy(to, x, (size_t)n_lines * job->size);
    }
}

static void work(void *user, int64_t chunk) {
    const struct job *job = user;
    _Alignas(64) char rows[3][STEPS * STRIP * sizeof(c128)], state[STRIP * sizeof(c128)], before[STRIP * sizeof(c128)];
    int64_t strips = (job->width + STRIP - 1) / STRIP, outer = chunk / strips, line = chunk % strips * STRIP;
    int64_t n_lines = job->width - line < STRIP ? job->width - line : STRIP, steps = STEPS * STRIP / n_lines;
    start(job, state, before, n_lines);
    for (int64_t done = 0, n; done < job->n_steps; done += n) {
        n = job->n_steps - done < steps ? job->n_steps - done : steps;
        int64_t first = job->reverse ? job->n_steps - done - n : done;
        for (int32_t i = 0; i < job->run->n_in; i++) load(job, i, outer, line, n_lines, first, n, rows[i]);
        walk(job, state, before, rows[0], rows[1], rows[2], n, n_lines);
        if (job->width == 1) vt__block_store(&job->out, outer * job->n_steps + first, n, job->compute, rows[2]);
        for (int64_t s = 0; s < n && job->width > 1; s++)
            vt__block_store(&job->out, (outer * job->n_steps + first + s) * job->width + line, n_lines, job->compute, rows[2] + (size_t)(s * n_lines) * job->size);
    }
}

/* The elements of a group lie behind one another step by step, so moving by steps is moving by elements; what comes from outside is 0. */
static void move(void *user, int64_t chunk) {
    const struct job *job = user;
    int64_t by = job->run->attrs->a[1].i[0], all = job->n_steps * job->width, first = chunk * all;
    _Alignas(64) char row[VT__BLOCK * sizeof(c128)];
    by = (by > job->n_steps ? job->n_steps : by < -job->n_steps ? -job->n_steps : by) * job->width;
    for (int64_t at = 0, n; at < all; at += n) {
        int64_t from = at - by, end = from < 0 ? by : from < all ? all + by : all; /* up to where the answer stays the same */
        const void *x = row;
        n = end < all ? end - at : all - at;
        if (n > VT__BLOCK) n = VT__BLOCK;
        if (from < 0 || from >= all) memset(row, 0, (size_t)n * job->size);
        else x = vt__block_load(&job->in[0], first + from, n, job->compute, row);
        vt__block_store(&job->out, first + at, n, job->compute, x);
    }
}

vt_status vt__cpu_scan(const struct vt__run *run) {
    const struct vt__view *out = &run->out[0];
    struct job job = {.run = run, .n_outer = 1, .width = 1, .compute = vt__compute_type(out->dtype), .reverse = run->attrs->a[1].i[0] != 0};
    int64_t dim = run->attrs->a[0].i[0];
    if (dim < 0) dim += out->ndim;
    int32_t side_by_side = dim != out->ndim - 1, count = vt__view_count(out) != 0;
    if (!count) return VT_OK;
    if (job.compute == VT_DTYPE_F32) job.compute = VT_DTYPE_F64;
    job.size = vt__dtype_size(job.compute);
    job.out = turned(out, (int32_t)dim, side_by_side);
    for (int32_t i = 0; i < run->n_in; i++) {
        struct vt__view in = vt__view_broadcast(&run->in[i], out);
        job.in[i] = turned(&in, (int32_t)dim, side_by_side);
    }
    job.n_steps = out->shape[dim];
    if (side_by_side) job.width = out->shape[out->ndim - 1];
    job.n_outer = vt__view_count(out) / job.n_steps / job.width;
    if (run->op->id == VT__OP_shift) vt__parallel(run->ctx, job.n_outer, move, &job);
    else vt__parallel(run->ctx, job.n_outer * ((job.width + STRIP - 1) / STRIP), work, &job);
    return VT_OK;
}
