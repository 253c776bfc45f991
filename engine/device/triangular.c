/* Runners of Cholesky's factorisation and of triangular systems: a matrix of the batch is one thread's, sums are float64. */
#include <math.h>
#include <stdatomic.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/device.h"

struct job {
    const struct vt__run *run;
    int64_t n, m; /* of a matrix, and columns of b */
    int upper, transpose, unit;
    double *rows;        /* [batch, m] sums of a row */
    atomic_llong failed; /* batch * n + row of a matrix that is not positive definite; -1: none. The first in order */
};

static double get(const struct vt__view *v, int64_t at) { return v->dtype == VT_DTYPE_F64 ? ((const double *)v->data)[at] : (double)((const float *)v->data)[at]; }

static void set(const struct vt__view *v, int64_t at, double value) {
    if (v->dtype == VT_DTYPE_F64) ((double *)v->data)[at] = value;
    else ((float *)v->data)[at] = (float)value;
}

static void remember_first(atomic_llong *where, long long at) {
    long long have = atomic_load(where);
    while ((have < 0 || at < have) && !atomic_compare_exchange_weak(where, &have, at)) continue;
}

/* Row by row: L[i, j] = (A[i, j] - sum over k < j of L[i, k] L[j, k]) / L[j, j]. */
static void factorise(void *user, int64_t matrix) {
    struct job *job = user;
    const struct vt__view *a = &job->run->in[0], *l = &job->run->out[0];
    int64_t n = job->n, base = matrix * n * n;
    for (int64_t i = 0; i < n && !vt__cancel_is_left(); i++) {
        for (int64_t j = 0; j <= i; j++) {
            double sum = get(a, base + i * n + j);
            for (int64_t k = 0; k < j; k++) sum -= get(l, base + i * n + k) * get(l, base + j * n + k);
            if (i == j && !(sum > 0)) {
                remember_first(&job->failed, matrix * n + i);
                return;
            }
            set(l, base + i * n + j, i == j ? sqrt(sum) : sum / get(l, base + j * n + j));
        }
        for (int64_t j = i + 1; j < n; j++) set(l, base + i * n + j, 0);
    }
}

vt_status vt__cpu_cholesky(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    struct job job = {.run = run, .n = x->shape[x->ndim - 1]};
    atomic_init(&job.failed, -1);
    int64_t count = vt__view_count(x);
    if (!count) return VT_OK;
    vt__parallel(run->ctx, count / (job.n * job.n), factorise, &job);
    long long failed = atomic_load(&job.failed);
    if (failed < 0) return VT_OK;
    return vt__fail(VT_ERR_NUMERIC, "cholesky: matrix %lld is not positive definite, seen in row %lld (both from 0)", failed / job.n, failed % job.n);
}

/* Rows in the order in which they depend on each other; a row less the rows before it times its elements of a. */
static void substitute(void *user, int64_t matrix) {
    const struct job *job = user;
    const struct vt__view *a = &job->run->in[0], *b = &job->run->in[1], *x = &job->run->out[0];
    int64_t n = job->n, m = job->m, at_a = matrix * n * n, at_b = matrix * n * m;
    int backwards = job->upper != job->transpose;
    double *row = job->rows + matrix * m;
    for (int64_t step = 0; step < n && !vt__cancel_is_left(); step++) {
        int64_t i = backwards ? n - 1 - step : step;
        for (int64_t c = 0; c < m; c++) row[c] = get(b, at_b + i * m + c);
        for (int64_t done = 0; done < step; done++) {
            int64_t k = backwards ? n - 1 - done : done;
            double f = get(a, at_a + (job->transpose ? k * n + i : i * n + k));
            for (int64_t c = 0; c < m; c++) row[c] -= f * get(x, at_b + k * m + c);
        }
        double pivot = job->unit ? 1 : get(a, at_a + i * n + i);
        for (int64_t c = 0; c < m; c++) set(x, at_b + i * m + c, row[c] / pivot);
    }
}

vt_status vt__cpu_solve_triangular(const struct vt__run *run) {
    const struct vt__attr *attrs = run->attrs->a;
    const struct vt__view *x = &run->out[0];
    struct job job = {.run = run, .n = x->shape[x->ndim - 2], .m = x->shape[x->ndim - 1], .upper = attrs[0].i[0] != 0, .transpose = attrs[1].i[0] != 0,
        .unit = attrs[2].i[0] != 0};
    int64_t count = vt__view_count(x);
    if (!count) return VT_OK;
    int64_t batch = count / (job.n * job.m);
    job.rows = vt__scratch_take2(run->ctx, batch, job.m, sizeof *job.rows);
    if (!job.rows) return vt__fail_nomem(run->op->name, (size_t)(batch * job.m) * sizeof *job.rows);
    vt__parallel(run->ctx, batch, substitute, &job);
    vt__scratch_give(run->ctx, job.rows);
    return VT_OK;
}
