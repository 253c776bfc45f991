/* Runners of cross entropy over class ids: one pass for the logarithm of the sum, one for the gradient, no array of probabilities between. */
#include <math.h>
#include <stdatomic.h>

#include "core/error.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"
#include "device/fold.h"
#include "vtk.h"

enum { CHUNK = 16384 /* elements */ };

struct job {
    const struct vt__run *run;
    const struct vtk_fold *kernels;
    const struct vt__view *x, *ids; /* x NULL: labels alone */
    int64_t n, classes, per, ignored;
    double smoothing;
    int32_t wide;
    atomic_llong bad; /* first row with an id that is no class, and one more; 0: none */
};

static const char *row_of(const struct vt__view *v, int64_t row, int64_t n) {
    return (const char *)v->data + (size_t)(row * n) * vt__dtype_size(v->dtype);
}

static double element(const struct job *job, const void *x, int64_t i) { return job->wide ? ((const double *)x)[i] : (double)((const float *)x)[i]; }

/* Logarithm of the sum of exp, and the sum, of a row. */
static void fold_row(const struct job *job, const void *x, double *lse, double *sum) {
    int32_t type = job->wide ? VTK_FOLD_F64 : VTK_FOLD_F32;
    const struct vt__fold by_lse = {.kind = VTK_FOLD_LSE, .type = type};
    double a = 0, b = 0, s[2], state[2];
    *sum = 0;
    for (int64_t at = 0, n; at < job->classes; at += n) {
        const void *p = (const char *)x + (size_t)at * (job->wide ? 8 : 4);
        n = job->classes - at < VTK_FOLD_BLOCK ? job->classes - at : VTK_FOLD_BLOCK;
        job->kernels->row[type][VTK_FOLD_LSE](state, p, n);
        vt__fold_merge(&by_lse, &a, &b, at, &state[0], &state[1], n, 1);
        if (job->smoothing > 0) {
            job->kernels->row[type][VTK_FOLD_SUM](s, p, n);
            *sum += s[0];
        }
    }
    *lse = (isinf(a) ? 0 : a) + log(b);
}

static void put(const struct job *job, int64_t i, double x) {
    if (job->wide) ((double *)job->run->out[0].data)[i] = x;
    else ((float *)job->run->out[0].data)[i] = (float)x;
}

static void loss_row(const struct job *job, int64_t r, int64_t id) {
    double lse, sum, rest = job->smoothing;
    if (id == job->ignored) {
        put(job, r, 0);
        return;
    }
    const void *x = row_of(job->x, r, job->classes);
    fold_row(job, x, &lse, &sum);
    double loss = (1 - rest) * (lse - element(job, x, id));
    if (rest > 0) loss += rest * (lse - sum / (double)job->classes);
    put(job, r, loss);
}

/* g (exp(x - lse) - labels) */
static void grad_row(const struct job *job, int64_t r, int64_t id) {
    double lse, sum, rest = job->smoothing, g = id == job->ignored ? 0 : element(job, job->run->in[0].data, r), add = -g * rest / (double)job->classes;
    int64_t first = r * job->classes;
    if (id == job->ignored) {
        for (int64_t i = 0; i < job->classes; i++) put(job, first + i, 0);
        return;
    }
    const void *x = row_of(job->x, r, job->classes);
    fold_row(job, x, &lse, &sum);
    if (job->wide) job->kernels->exp_shift_f64((double *)job->run->out[0].data + first, x, job->classes, lse, g, add);
    else job->kernels->exp_shift_f32((float *)job->run->out[0].data + first, x, job->classes, lse, g, add);
    put(job, first + id, g * (exp(element(job, x, id) - lse) - (1 - rest)) + add);
}

static void labels_row(const struct job *job, int64_t r, int64_t id) {
    double rest = job->smoothing / (double)job->classes;
    for (int64_t i = 0; i < job->classes; i++) put(job, r * job->classes + i, id == job->ignored ? 0 : i == id ? 1 - job->smoothing + rest : rest);
}

static void work(void *user, int64_t chunk) {
    struct job *job = user;
    int64_t first = chunk * job->per, end = first + job->per < job->n ? first + job->per : job->n;
    for (int64_t r = first; r < end; r++) {
        int64_t buffer;
        int64_t id = *(const int64_t *)vt__block_load(job->ids, r, 1, VT_DTYPE_I64, &buffer);
        if (id != job->ignored && (id < 0 || id >= job->classes)) {
            long long was = atomic_load(&job->bad);
            while ((was == 0 || was > r + 1) && !atomic_compare_exchange_weak(&job->bad, &was, (long long)r + 1)) continue;
            continue;
        }
        if (!job->x) labels_row(job, r, id);
        else if (job->run->op->id == VT__OP_cross_entropy_rows) loss_row(job, r, id);
        else grad_row(job, r, id);
    }
}

static vt_status run_rows(struct job *job) {
    job->kernels = vtk_get()->fold;
    job->wide = job->run->out[0].dtype == VT_DTYPE_F64;
    job->n = job->ids->shape[0];
    job->per = 1 + CHUNK / (job->classes + 1);
    vt__parallel(job->run->ctx, (job->n + job->per - 1) / job->per, work, job);
    long long bad = atomic_load(&job->bad);
    if (!bad) return VT_OK;
    int64_t buffer, id = *(const int64_t *)vt__block_load(job->ids, (int64_t)bad - 1, 1, VT_DTYPE_I64, &buffer);
    return vt__fail(VT_ERR_INVALID, "%s: class id %lld in row %lld, there are %lld classes (ignored: %lld)", job->run->op->name, (long long)id, bad - 1,
                    (long long)job->classes, (long long)job->ignored);
}

vt_status vt__cpu_cross_entropy(const struct vt__run *run) {
    int32_t first = run->op->id == VT__OP_cross_entropy_grad;
    struct job job = {.run = run, .x = &run->in[first], .ids = &run->in[first + 1], .classes = run->in[first].shape[1], .smoothing = run->attrs->a[0].f,
                      .ignored = run->attrs->a[1].i[0]};
    return run_rows(&job);
}

vt_status vt__cpu_soft_labels(const struct vt__run *run) {
    struct job job = {.run = run, .ids = &run->in[0], .classes = run->attrs->a[0].i[0], .smoothing = run->attrs->a[1].f, .ignored = run->attrs->a[2].i[0]};
    return run_rows(&job);
}
