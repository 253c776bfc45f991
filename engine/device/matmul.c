/* Runner of matrix products: floats by the packed products of engine/linalg, integers and complex numbers by plain loops. */
#include <complex.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"
#include "linalg/gemm.h"

struct job {
    struct vt__view a, b, out; /* batch dims broadcast, last two the matrices' */
    int64_t m, n, k, batch;
};

/* Offset of matrix `index` of v. */
static int64_t matrix_at(const struct vt__view *v, int64_t index) {
    int64_t offset = 0;
    for (int32_t d = v->ndim - 3; d >= 0; d--) {
        offset += index % v->shape[d] * v->strides[d];
        index /= v->shape[d];
    }
    return offset;
}

/* Where one matrix is multiplied from the right by all of a batch, and the batch's rows lie evenly apart, the batch is one tall matrix. */
static void merge_batch(struct job *j) {
    const struct vt__view *a = &j->a;
    for (int32_t d = 0; d < a->ndim - 2; d++)
        if (a->shape[d] != 1 && (j->b.strides[d] != 0 || a->strides[d] != a->shape[d + 1] * a->strides[d + 1])) return;
    j->m *= j->batch;
    j->batch = 1;
}

static vt_status multiply_floats(const struct vt__run *run, struct job *j) {
    int32_t last = j->out.ndim - 1;
    merge_batch(j);
    vt__gemm_problem p = {.dtype = j->a.dtype, .out_dtype = j->out.dtype, .m = j->m, .n = j->n, .k = j->k, .c = j->out.data, .ld_c = j->n ? j->n : 1, .alpha = 1};
    p.a = (vt__gemm_factor){j->a.data, j->a.strides[last - 1], j->a.strides[last]};
    p.b = (vt__gemm_factor){j->b.data, j->b.strides[last - 1], j->b.strides[last]};
    if (j->batch == 1) return vt__gemm(run->ctx, &p);
    int64_t *at = vt__scratch_zero2(run->ctx, j->batch, 3, sizeof *at);
    if (!at) return vt__fail_nomem("matmul", (size_t)j->batch * 3 * sizeof *at);
    for (int64_t i = 0; i < j->batch; i++) {
        at[i] = matrix_at(&j->a, i);
        at[j->batch + i] = matrix_at(&j->b, i);
        at[2 * j->batch + i] = i * j->m * j->n;
    }
    vt_status st = vt__gemm_batch(run->ctx, &p, j->batch, at, at + j->batch, at + 2 * j->batch);
    vt__scratch_give(run->ctx, at);
    return st;
}

static struct vt__view line(const struct vt__view *v, int64_t offset, int64_t n, int64_t stride) {
    struct vt__view r = {.data = (char *)v->data + offset * (int64_t)vt__dtype_size(v->dtype), .dtype = v->dtype, .ndim = 1};
    r.shape[0] = n;
    r.strides[0] = stride;
    return r;
}

/* A row of the result, in ascending order of k; integers wrap around. */
static void plain_row(void *user, int64_t i) {
    const struct job *j = user;
    int32_t last = j->out.ndim - 1, compute = vt__compute_type(j->out.dtype);
    _Alignas(64) double _Complex x[VT__BLOCK], y[VT__BLOCK];
    struct vt__view left = line(&j->a, matrix_at(&j->a, i / j->m) + i % j->m * j->a.strides[last - 1], j->k, j->a.strides[last]);
    struct vt__view to = line(&j->out, i * j->n, j->n, 1);
    for (int64_t col = 0; col < j->n && !vt__cancel_is_left(); col++) {
        struct vt__view right = line(&j->b, matrix_at(&j->b, i / j->m) + col * j->b.strides[last], j->k, j->b.strides[last - 1]);
        double _Complex z = 0;
        uint64_t sum = 0;
        for (int64_t at = 0; at < j->k; at += VT__BLOCK) {
            int64_t n = j->k - at < VT__BLOCK ? j->k - at : VT__BLOCK;
            const void *u = vt__block_load(&left, at, n, compute, x), *v = vt__block_load(&right, at, n, compute, y);
            for (int64_t t = 0; t < n; t++) {
                if (compute == VT_DTYPE_I64) sum += ((const uint64_t *)u)[t] * ((const uint64_t *)v)[t];
                else z += ((const double _Complex *)u)[t] * ((const double _Complex *)v)[t];
            }
        }
        vt__block_store(&to, col, 1, compute, compute == VT_DTYPE_I64 ? (const void *)&sum : (const void *)&z);
    }
}

vt_status vt__cpu_matmul(const struct vt__run *run) {
    const struct vt__view *out = &run->out[0];
    struct vt__view a = *out, b = *out;
    struct job job = {.out = *out, .m = out->shape[out->ndim - 2], .n = out->shape[out->ndim - 1], .k = run->in[0].shape[run->in[0].ndim - 1], .batch = 1};
    for (int32_t d = 0; d < out->ndim - 2; d++) job.batch *= out->shape[d];
    a.shape[a.ndim - 1] = b.shape[b.ndim - 2] = job.k;
    job.a = vt__view_broadcast(&run->in[0], &a);
    job.b = vt__view_broadcast(&run->in[1], &b);
    if (!job.batch || !job.m || !job.n) return VT_OK;
    if (vt__dtype_is_float(out->dtype)) return multiply_floats(run, &job);
    vt__parallel(run->ctx, job.batch * job.m, plain_row, &job);
    return VT_OK;
}
