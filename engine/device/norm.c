/* Runners of norms over dense arrays of float32 or float64: rows (layer, RMS) and channels (group, batch). */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/device.h"
#include "device/fold.h"
#include "vtk.h"
#include "vtk_map.h"

enum {
    CHUNK = 16384,        /* elements */
    STREAM_CHUNK = 65536, /* the same of results that go past the caches: their end is waited for */
    GRAD_ROWS = 64,
    COLUMNS = 1024,
    WHOLE = 16 /* statistics, from which on there is one for every thread */
};

struct rows {
    const struct vt__run *run;
    const struct vtk_fold *kernels;
    int64_t n, rows, per;
    double eps;
    int32_t wide, rms, stream;
    char *parts; /* gradients of weight and bias by each chunk [chunks, 2, n] */
    size_t size;
};

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static void *data_of(const struct vt__run *run, int32_t i) { return i < run->n_in ? run->in[i].data : NULL; }

static void norm_rows(void *user, int64_t chunk) {
    const struct rows *job = user;
    const struct vtk_fold *k = job->kernels;
    const void *w = data_of(job->run, 1), *b = data_of(job->run, 2);
    for (int64_t r = chunk * job->per; r < min64((chunk + 1) * job->per, job->rows); r++) {
        size_t at = (size_t)(r * job->n) * job->size;
        const void *x = (const char *)job->run->in[0].data + at;
        void *y = (char *)job->run->out[0].data + at;
        if (job->wide && job->rms) k->rms_norm_f64(y, x, w, job->n, job->eps, job->stream);
        else if (job->wide) k->layer_norm_f64(y, x, w, b, job->n, job->eps, job->stream);
        else if (job->rms) k->rms_norm_f32(y, x, w, job->n, job->eps, job->stream);
        else k->layer_norm_f32(y, x, w, b, job->n, job->eps, job->stream);
    }
    if (job->stream) vtk_get()->map->fence();
}

static struct rows rows_of(const struct vt__run *run, const struct vt__view *x) {
    struct rows job = {.run = run, .kernels = vtk_get()->fold, .n = 1, .eps = run->attrs->a[1].f, .wide = x->dtype == VT_DTYPE_F64};
    int64_t count = vt__view_count(x), n_dims = run->attrs->a[0].i[0];
    for (int32_t d = x->ndim - (int32_t)n_dims; d < x->ndim; d++) job.n *= x->shape[d];
    job.size = job.wide ? 8 : 4;
    job.rows = count ? count / job.n : 0;
    job.stream = vt__streams(run);
    return job;
}

vt_status vt__cpu_layer_norm(const struct vt__run *run) {
    struct rows job = rows_of(run, &run->in[0]);
    job.rms = run->op->id == VT__OP_rms_norm;
    if (job.rows == 0) return VT_OK;
    job.per = 1 + (job.stream ? STREAM_CHUNK : CHUNK) / job.n;
    vt__parallel(run->ctx, (job.rows + job.per - 1) / job.per, norm_rows, &job);
    return VT_OK;
}

static void grad_rows(void *user, int64_t chunk) {
    const struct rows *job = user;
    const struct vtk_fold *k = job->kernels;
    const void *w = data_of(job->run, 2);
    size_t part = (size_t)job->n * job->size;
    char *dw = job->parts + (size_t)chunk * 2 * part, *db = dw + part;
    memset(dw, 0, 2 * part);
    for (int64_t r = chunk * GRAD_ROWS; r < min64((chunk + 1) * GRAD_ROWS, job->rows); r++) {
        size_t at = (size_t)r * part;
        const void *g = (const char *)job->run->in[0].data + at, *x = (const char *)job->run->in[1].data + at;
        void *dx = (char *)job->run->out[0].data + at;
        if (job->wide && job->rms) k->rms_norm_grad_f64(dx, (double *)(void *)dw, g, x, w, job->n, job->eps, job->stream);
        else if (job->wide) k->layer_norm_grad_f64(dx, (double *)(void *)dw, (double *)(void *)db, g, x, w, job->n, job->eps, job->stream);
        else if (job->rms) k->rms_norm_grad_f32(dx, (float *)(void *)dw, g, x, w, job->n, job->eps, job->stream);
        else k->layer_norm_grad_f32(dx, (float *)(void *)dw, (float *)(void *)db, g, x, w, job->n, job->eps, job->stream);
    }
    if (job->stream) vtk_get()->map->fence();
}

/* Adds up the chunks' parts of some columns, in order. */
static void sum_parts(void *user, int64_t chunk) {
    const struct rows *job = user;
    int64_t n_parts = (job->rows + GRAD_ROWS - 1) / GRAD_ROWS, first = chunk * COLUMNS, n = min64(COLUMNS, job->n - first);
    for (int32_t which = 0; which < 2; which++) {
        double sum[COLUMNS] = {0};
        for (int64_t p = 0; p < n_parts; p++) {
            const char *from = job->parts + (size_t)((2 * p + which) * job->n + first) * job->size;
            for (int64_t i = 0; i < n; i++) sum[i] += job->wide ? ((const double *)(const void *)from)[i] : (double)((const float *)(const void *)from)[i];
        }
        char *to = (char *)job->run->out[1 + which].data + (size_t)first * job->size;
        for (int64_t i = 0; i < n; i++) {
            if (job->wide) ((double *)(void *)to)[i] = sum[i];
            else ((float *)(void *)to)[i] = (float)sum[i];
        }
    }
}

vt_status vt__cpu_layer_norm_grad(const struct vt__run *run) {
    struct rows job = rows_of(run, &run->in[1]);
    int64_t n_parts = (job.rows + GRAD_ROWS - 1) / GRAD_ROWS, all = 0;
    job.rms = run->attrs->a[2].i[0] != 0;
    if (__builtin_mul_overflow(n_parts * 2, job.n, &all)) return vt__fail_nomem(run->op->name, job.size);
    job.parts = vt__scratch_take2(run->ctx, all, 1, job.size);
    if (!job.parts) return vt__fail_nomem(run->op->name, (size_t)all * job.size);
    if (n_parts) vt__parallel(run->ctx, n_parts, grad_rows, &job);
    vt__parallel(run->ctx, (job.n + COLUMNS - 1) / COLUMNS, sum_parts, &job);
    vt__scratch_give(run->ctx, job.parts);
    return VT_OK;
}

/* x as [samples, channels, rest]. Runs are the rests of a channel of a sample; a statistic belongs to a group of channels of a sample, or to a channel. */
struct channels {
    const struct vt__run *run;
    const struct vtk_fold *kernels;
    const struct vt__view *x;
    int64_t n_samples, n_channels, rest, groups, n_stats, n_members; /* groups 0: batch; members: runs of a statistic */
    double eps;
    int32_t wide, stream;
    size_t size;
    double *mean, *scale;  /* [n_stats]; scale: 1 / sqrt(variance + eps) */
    double *var;           /* [n_stats] */
    double *sums, *dots;   /* gradients: of g and of g (x - mean) by each run */
    double *by_x, *by_one; /* gradients: what dx has of (x - mean) and of 1, [n_stats] */
};

/* Run number i of statistic s. */
static int64_t member(const struct channels *job, int64_t s, int64_t i) {
    return job->groups ? s * job->n_members + i : i * job->n_channels + s;
}

static int64_t stat_of(const struct channels *job, int64_t run) { return job->groups ? run / job->n_members : run % job->n_channels; }

static double weight(const struct channels *job, int32_t input, int64_t run, double otherwise) {
    const void *w = data_of(job->run, input);
    int64_t c = run % job->n_channels;
    return !w ? otherwise : job->wide ? ((const double *)w)[c] : (double)((const float *)w)[c];
}

static void find_stats(void *user, int64_t s) {
    const struct channels *job = user;
    const struct vt__fold fold = {.kind = VTK_FOLD_MOMENTS};
    double mean = 0, squares = 0;
    int64_t done = 0;
    for (int64_t i = 0; i < job->n_members; i++)
        for (int64_t at = 0, n; at < job->rest; at += n, done += n) {
            double state[2];
            n = min64(VTK_FOLD_BLOCK, job->rest - at);
            const void *x = (const char *)job->x->data + (size_t)(member(job, s, i) * job->rest + at) * job->size;
            if (job->wide) job->kernels->moments_f64(state, x, n);
            else job->kernels->moments_f32(state, x, n);
            vt__fold_merge(&fold, &mean, &squares, done, &state[0], &state[1], n, 1);
        }
    job->mean[s] = mean;
    job->var[s] = squares / (double)done;
    job->scale[s] = 1 / sqrt(job->var[s] + job->eps);
}

static void norm_run(void *user, int64_t run) {
    const struct channels *job = user;
    int64_t s = stat_of(job, run);
    size_t at = (size_t)(run * job->rest) * job->size;
    const void *x = (const char *)job->x->data + at;
    void *y = (char *)job->run->out[0].data + at;
    double scale = job->scale[s] * weight(job, 1, run, 1), shift = weight(job, 2, run, 0);
    if (job->wide) job->kernels->affine_f64(y, x, job->rest, job->mean[s], scale, shift, job->stream);
    else job->kernels->affine_f32(y, x, job->rest, job->mean[s], scale, shift, job->stream);
}

static void wait_for(const struct channels *job) {
    if (job->stream) vtk_get()->map->fence();
}

static void norm_one(void *user, int64_t run) {
    norm_run(user, run);
    wait_for(user);
}

/* A statistic, and what it belongs to while that is in a cache. */
static void norm_whole(void *user, int64_t s) {
    const struct channels *job = user;
    find_stats(user, s);
    for (int64_t i = 0; job->rest && i < job->n_members; i++) norm_run(user, member(job, s, i));
    wait_for(job);
}

static vt_status channels_of(const struct vt__run *run, const struct vt__view *x, struct channels *job) {
    int batch = run->op->id == VT__OP_batch_norm_train;
    *job = (struct channels){.run = run, .kernels = vtk_get()->fold, .x = x, .n_samples = x->shape[0], .n_channels = x->shape[1], .rest = 1,
                             .groups = batch ? 0 : run->attrs->a[0].i[0], .eps = run->attrs->a[batch ? 0 : 1].f, .wide = x->dtype == VT_DTYPE_F64};
    for (int32_t d = 2; d < x->ndim; d++) job->rest *= x->shape[d];
    job->size = job->wide ? 8 : 4;
    job->n_stats = job->groups ? job->n_samples * job->groups : job->n_channels;
    job->n_members = job->groups ? job->n_channels / job->groups : job->n_samples;
    job->stream = vt__streams(run);
    int64_t n_runs = job->n_samples * job->n_channels;
    job->mean = vt__scratch_zero2(run->ctx, 5 * job->n_stats + 2 * n_runs, 1, sizeof *job->mean);
    if (!job->mean) return vt__fail_nomem(run->op->name, (size_t)(5 * job->n_stats + 2 * n_runs) * sizeof *job->mean);
    job->scale = job->mean + job->n_stats;
    job->var = job->scale + job->n_stats;
    job->by_x = job->var + job->n_stats;
    job->by_one = job->by_x + job->n_stats;
    job->sums = job->by_one + job->n_stats;
    job->dots = job->sums + n_runs;
    return VT_OK;
}

static void put(const struct vt__view *v, int64_t i, double x) {
    if (v->dtype == VT_DTYPE_F64) ((double *)v->data)[i] = x;
    else ((float *)v->data)[i] = (float)x;
}

/* Group norm, and batch norm with its statistics; the variance with correction 1, as running averages take it. */
vt_status vt__cpu_group_norm(const struct vt__run *run) {
    struct channels job;
    vt_status st = channels_of(run, &run->in[0], &job);
    if (st != VT_OK) return st;
    vt__parallel(run->ctx, job.n_stats, job.n_stats >= WHOLE ? norm_whole : find_stats, &job); /* of no elements: NaN */
    if (job.rest && job.n_stats < WHOLE) vt__parallel(run->ctx, job.n_samples * job.n_channels, norm_one, &job);
    for (int64_t c = 0; run->n_out > 1 && c < job.n_channels; c++) {
        double n = (double)(job.n_samples * job.rest);
        put(&run->out[1], c, job.mean[c]);
        put(&run->out[2], c, job.var[c] * (n / (n - 1)));
    }
    vt__scratch_give(run->ctx, job.mean);
    return VT_OK;
}

static void find_sums(void *user, int64_t run) {
    const struct channels *job = user;
    size_t at = (size_t)(run * job->rest) * job->size;
    const void *g = (const char *)job->run->in[0].data + at, *x = (const char *)job->x->data + at;
    double sums[2], mean = job->mean[stat_of(job, run)];
    if (job->wide) job->kernels->dots_f64(sums, g, x, job->rest, mean);
    else job->kernels->dots_f32(sums, g, x, job->rest, mean);
    job->sums[run] = sums[0];
    job->dots[run] = sums[1];
}

/* With h = g w: by_one = -r mean h, by_x = -r^3 mean(h (x - mean)). */
static void find_parts(void *user, int64_t s) {
    const struct channels *job = user;
    double sum = 0, dot = 0, r = job->scale[s], n = (double)(job->n_members * job->rest);
    for (int64_t i = 0; i < job->n_members; i++) {
        int64_t run = member(job, s, i);
        sum += job->sums[run] * weight(job, 2, run, 1);
        dot += job->dots[run] * weight(job, 2, run, 1);
    }
    job->by_one[s] = -r * sum / n;
    job->by_x[s] = -r * r * r * dot / n;
}

static void grad_run(void *user, int64_t run) {
    const struct channels *job = user;
    int64_t s = stat_of(job, run);
    size_t at = (size_t)(run * job->rest) * job->size;
    const void *g = (const char *)job->run->in[0].data + at, *x = (const char *)job->x->data + at;
    void *dx = (char *)job->run->out[0].data + at;
    double a = job->scale[s] * weight(job, 2, run, 1);
    if (job->wide) job->kernels->affine_grad_f64(dx, g, x, job->rest, a, job->mean[s], job->by_x[s], job->by_one[s], job->stream);
    else job->kernels->affine_grad_f32(dx, g, x, job->rest, a, job->mean[s], job->by_x[s], job->by_one[s], job->stream);
}

static void grad_one(void *user, int64_t run) {
    grad_run(user, run);
    wait_for(user);
}

static void grad_whole(void *user, int64_t s) {
    const struct channels *job = user;
    find_stats(user, s);
    for (int64_t i = 0; job->rest && i < job->n_members; i++) find_sums(user, member(job, s, i));
    find_parts(user, s);
    for (int64_t i = 0; job->rest && i < job->n_members; i++) grad_run(user, member(job, s, i));
    wait_for(job);
}

vt_status vt__cpu_group_norm_grad(const struct vt__run *run) {
    struct channels job;
    vt_status st = channels_of(run, &run->in[1], &job);
    if (st != VT_OK) return st;
    int64_t n_runs = job.n_samples * job.n_channels;
    if (job.n_stats >= WHOLE) {
        vt__parallel(run->ctx, job.n_stats, grad_whole, &job);
    } else {
        vt__parallel(run->ctx, job.n_stats, find_stats, &job);
        if (job.rest) vt__parallel(run->ctx, n_runs, find_sums, &job);
        vt__parallel(run->ctx, job.n_stats, find_parts, &job);
        if (job.rest) vt__parallel(run->ctx, n_runs, grad_one, &job);
    }
    for (int64_t c = 0; c < job.n_channels; c++) {
        double dw = 0, db = 0;
        for (int64_t n = 0; n < job.n_samples; n++) {
            int64_t i = n * job.n_channels + c;
            if (job.rest) dw += job.dots[i] * job.scale[stat_of(&job, i)]; /* of nothing there is no scale */
            db += job.sums[i];
        }
        put(&run->out[1], c, dw);
        put(&run->out[2], c, db);
    }
    vt__scratch_give(run->ctx, job.mean);
    return VT_OK;
}
