/* Runners of the softmax family over dense arrays [outer, n, inner]: rows where inner is 1, else strips of columns. */
#include <math.h>
#include <string.h>

#include "core/pool.h"
#include "device/device.h"
#include "device/fold.h"
#include "vtk.h"
#include "vtk_map.h"

enum { CHUNK = 16384, STREAM_CHUNK = 65536 /* elements; past the caches, as the end of it is waited for */ };

struct job {
    const struct vt__run *run;
    const struct vtk_fold *kernels;
    int64_t n, inner, rows, per, n_strips;
    int32_t wide, logs, stream;
};

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static void rows(void *user, int64_t chunk) {
    const struct job *job = user;
    const struct vtk_fold *k = job->kernels;
    for (int64_t r = chunk * job->per; r < min64((chunk + 1) * job->per, job->rows); r++) {
        int64_t at = r * job->n;
        if (job->wide) (job->logs ? k->log_softmax_f64 : k->softmax_f64)((double *)job->run->out[0].data + at, (const double *)job->run->in[0].data + at, job->n, job->stream);
        else (job->logs ? k->log_softmax_f32 : k->softmax_f32)((float *)job->run->out[0].data + at, (const float *)job->run->in[0].data + at, job->n, job->stream);
    }
    if (job->stream) vtk_get()->map->fence();
}

/* A strip of neighbouring columns of one group: their states, then row after row. */
static void strip(void *user, int64_t chunk) {
    const struct job *job = user;
    const struct vtk_fold *k = job->kernels;
    const struct vt__fold fold = {.kind = VTK_FOLD_LSE, .type = job->wide ? VTK_FOLD_F64 : VTK_FOLD_F32};
    int64_t column = chunk % job->n_strips * VTK_FOLD_STRIP, width = min64(VTK_FOLD_STRIP, job->inner - column);
    int64_t first = chunk / job->n_strips * job->n * job->inner + column;
    size_t size = job->wide ? 8 : 4;
    const char *x = (const char *)job->run->in[0].data + (size_t)first * size;
    char *y = (char *)job->run->out[0].data + (size_t)first * size;
    _Alignas(64) double a[VTK_FOLD_STRIP], b[VTK_FOLD_STRIP], m[VTK_FOLD_STRIP], s[VTK_FOLD_STRIP];
    for (int64_t r = 0; r < job->n; r += VTK_FOLD_ROWS) {
        int64_t n = min64(VTK_FOLD_ROWS, job->n - r);
        k->columns[fold.type][VTK_FOLD_LSE](a, b, x + (size_t)(r * job->inner) * size, job->inner, n, width);
        vt__fold_merge(&fold, m, s, r, a, b, n, width);
    }
    for (int64_t j = 0; j < width; j++) {
        if (job->logs) m[j] = isinf(m[j]) ? (double)NAN : m[j] + log(s[j]);
        else s[j] = isinf(m[j]) ? (double)NAN : 1 / s[j];
    }
    for (int64_t r = 0; r < job->n; r++) {
        size_t at = (size_t)(r * job->inner) * size;
        const double *scale = job->logs ? NULL : s;
        if (job->wide) k->exp_columns_f64((double *)(void *)(y + at), (const double *)(const void *)(x + at), width, m, scale);
        else k->exp_columns_f32((float *)(void *)(y + at), (const float *)(const void *)(x + at), width, m, scale);
    }
}

vt_status vt__cpu_softmax(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    struct job job = {.run = run, .kernels = vtk_get()->fold, .inner = 1, .wide = x->dtype == VT_DTYPE_F64, .logs = run->op->id == VT__OP_log_softmax};
    int64_t dim = run->attrs->a[0].i[0] < 0 ? run->attrs->a[0].i[0] + x->ndim : run->attrs->a[0].i[0], count = vt__view_count(x);
    if (count == 0) return VT_OK;
    job.n = x->shape[dim];
    for (int32_t d = (int32_t)dim + 1; d < x->ndim; d++) job.inner *= x->shape[d];
    job.rows = count / job.n;
    job.stream = vt__streams(run);
    job.per = 1 + (job.stream ? STREAM_CHUNK : CHUNK) / job.n;
    job.n_strips = (job.inner + VTK_FOLD_STRIP - 1) / VTK_FOLD_STRIP;
    if (job.inner == 1) vt__parallel(run->ctx, (job.rows + job.per - 1) / job.per, rows, &job);
    else vt__parallel(run->ctx, job.rows / job.inner * job.n_strips, strip, &job);
    return VT_OK;
}

static void grad_rows(void *user, int64_t chunk) {
    const struct job *job = user;
    const struct vtk_fold *k = job->kernels;
    const void *g = job->run->in[0].data, *y = job->run->in[1].data;
    void *dx = job->run->out[0].data;
    for (int64_t r = chunk * job->per; r < min64((chunk + 1) * job->per, job->rows); r++) {
        int64_t at = r * job->n;
        if (job->wide) (job->logs ? k->log_softmax_grad_f64 : k->softmax_grad_f64)((double *)dx + at, (const double *)g + at, (const double *)y + at, job->n, job->stream);
        else (job->logs ? k->log_softmax_grad_f32 : k->softmax_grad_f32)((float *)dx + at, (const float *)g + at, (const float *)y + at, job->n, job->stream);
    }
    if (job->stream) vtk_get()->map->fence();
}

vt_status vt__cpu_softmax_grad(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    struct job job = {.run = run, .kernels = vtk_get()->fold, .wide = x->dtype == VT_DTYPE_F64, .logs = run->op->id == VT__OP_log_softmax_grad};
    int64_t count = vt__view_count(x);
    if (count == 0) return VT_OK;
    job.n = x->shape[x->ndim - 1];
    job.rows = count / job.n;
    job.stream = vt__streams(run);
    job.per = 1 + (job.stream ? STREAM_CHUNK : CHUNK) / job.n;
    vt__parallel(run->ctx, (job.rows + job.per - 1) / job.per, grad_rows, &job);
    return VT_OK;
}
