/* Runner of matrix products. */
#include "core/error.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

struct job {
    struct vt__view a, b, out; /* batch dims broadcast, last two the matrices' */
    int64_t m, n, k;
    int32_t compute;
};

static const char *row_of(const struct vt__view *v, int64_t index) {
    int64_t offset = 0;
    for (int32_t d = v->ndim - 2; d >= 0; d--) {
        offset += index % v->shape[d] * v->strides[d];
        index /= v->shape[d];
    }
    return (const char *)v->data + offset * (int64_t)vt__dtype_size(v->dtype);
}

static struct vt__view vector(const void *data, int32_t dtype, int64_t n, int64_t stride) {
    struct vt__view v = {.data = (void *)(uintptr_t)data, .dtype = dtype, .ndim = 1};
    v.shape[0] = n;
    v.strides[0] = stride;
    return v;
}

/* A row of the result, summed in ascending order of k in float64. */
static void work(void *user, int64_t i) {
    const struct job *job = user;
    _Alignas(64) double x[VT__BLOCK], y[VT__BLOCK];
    const struct vt__view *a = &job->a, *b = &job->b;
    size_t width = vt__dtype_size(b->dtype);
    struct vt__view left = vector(row_of(a, i), a->dtype, job->k, a->strides[a->ndim - 1]);
    struct vt__view to = vector(row_of(&job->out, i), job->out.dtype, job->n, job->out.strides[job->out.ndim - 1]);
    const char *matrix = row_of(b, i / job->m * job->k);
    for (int64_t j = 0; j < job->n; j++) {
        struct vt__view right = vector(matrix + j * b->strides[b->ndim - 1] * (int64_t)width, b->dtype, job->k, b->strides[b->ndim - 2]);
        double sum = 0;
        for (int64_t at = 0; at < job->k; at += VT__BLOCK) {
            int64_t n = job->k - at < VT__BLOCK ? job->k - at : VT__BLOCK;
            const double *u = vt__block_load(&left, at, n, VT_DTYPE_F64, x), *v = vt__block_load(&right, at, n, VT_DTYPE_F64, y);
            for (int64_t t = 0; t < n; t++) sum += u[t] * v[t];
        }
        vt__block_store(&to, j, 1, VT_DTYPE_F64, &sum);
    }
}

vt_status vt__cpu_matmul(const struct vt__run *run) {
    const struct vt__view *out = &run->out[0];
    struct job job = {.out = *out, .m = out->shape[out->ndim - 2], .n = out->shape[out->ndim - 1], .k = run->in[0].shape[run->in[0].ndim - 1]};
    struct vt__view a = *out, b = *out;
    if (vt__dtype_kind(out->dtype) == VT__KIND_COMPLEX) return vt__fail(VT_ERR_UNSUPPORTED, "matmul: complex matrices");
    a.shape[a.ndim - 1] = job.k;
    b.shape[b.ndim - 2] = job.k;
    job.a = vt__view_broadcast(&run->in[0], &a);
    job.b = vt__view_broadcast(&run->in[1], &b);
    int64_t rows = 1;
    for (int32_t d = 0; d < out->ndim - 1; d++) rows *= out->shape[d];
    if (rows && job.n) vt__parallel(run->ctx, rows, work, &job);
    return VT_OK;
}
