/* Runners of reductions. */
#include <complex.h>

#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

struct job {
    const struct vt__run *run;
    struct vt__view in; /* dims in the order kept ones, then reduced ones */
    int64_t n_kept, n_reduced;
    int32_t compute;
};

/* One output: sums by blocks of VT__BLOCK, each in order, then over the blocks in order. */
static void work(void *user, int64_t i) {
    const struct job *job = user;
    _Alignas(64) char row[VT__BLOCK * 16];
    double _Complex c = 0;
    double d = 0;
    uint64_t k = 0;
    for (int64_t at = 0; at < job->n_reduced; at += VT__BLOCK) {
        int64_t n = job->n_reduced - at < VT__BLOCK ? job->n_reduced - at : VT__BLOCK;
        const void *x = vt__block_load(&job->in, i * job->n_reduced + at, n, job->compute, row);
        double part = 0;
        double _Complex cpart = 0;
        for (int64_t j = 0; j < n; j++) {
            if (job->compute == VT_DTYPE_F32) part += (double)((const float *)x)[j];
            else if (job->compute == VT_DTYPE_F64) part += ((const double *)x)[j];
            else if (job->compute == VT_DTYPE_I64) k += ((const uint64_t *)x)[j];
            else cpart += ((const double _Complex *)x)[j];
        }
        d += part;
        c += cpart;
    }
    float f = (float)d;
    const void *value = job->compute == VT_DTYPE_F32 ? (const void *)&f : job->compute == VT_DTYPE_F64 ? (const void *)&d
                      : job->compute == VT_DTYPE_I64 ? (const void *)&k : (const void *)&c;
    vt__block_store(&job->run->out[0], i, 1, job->compute, value);
}

vt_status vt__cpu_reduce(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    const struct vt__attr *dims = &run->attrs->a[0];
    struct job job = {.run = run, .n_kept = 1, .n_reduced = 1, .compute = vt__compute_type(x->dtype)};
    uint32_t mask = dims->given ? 0 : (1u << x->ndim) - 1;
    for (int32_t i = 0; dims->given && i < dims->count; i++) mask |= 1u << (dims->i[i] < 0 ? dims->i[i] + x->ndim : dims->i[i]);
    job.in = *x;
    job.in.ndim = 0;
    for (int32_t reduced = 0; reduced < 2; reduced++)
        for (int32_t d = 0; d < x->ndim; d++) {
            if ((int32_t)(mask >> d & 1) != reduced) continue;
            job.in.shape[job.in.ndim] = x->shape[d];
            job.in.strides[job.in.ndim++] = x->strides[d];
            *(reduced ? &job.n_reduced : &job.n_kept) *= x->shape[d];
        }
    if (job.n_kept) vt__parallel(run->ctx, job.n_kept, work, &job);
    return VT_OK;
}
