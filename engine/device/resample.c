/* Runners of pooling and resampling. A linear resampling is two short lists of weights, one for rows and one for columns; its transpose adds along the same
 * lists. A plane of the result is one thread's, in a fixed order. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

enum { NEAREST, BILINEAR, BICUBIC, BILINEAR_CORNERS, BICUBIC_CORNERS, ADAPTIVE, AVERAGE, AVERAGE_INSIDE };

static int64_t clamp(int64_t i, int64_t n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

/* Place o of the result is the sum of weight[t] * source[index[t]] for t from start[o] to before start[o + 1]. */
struct taps {
    int64_t *start, *index;
    double *weight;
    int64_t n, most; /* places, and taps of one at most */
};

static void add_tap(struct taps *t, int64_t index, double weight) {
    int64_t at = t->start[t->n]++;
    t->index[at] = index;
    t->weight[at] = weight;
}

/* Keys' kernel with a = -3/4, as the field's libraries have it. */
static double cubic(double x) {
    const double a = -0.75;
    x = fabs(x);
    return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

/* Taps of place o. n: extent of the source, m of the result. */
static void place_taps(struct taps *t, int64_t kind, int64_t o, int64_t n, int64_t m, int64_t kernel, int64_t stride, int64_t padding) {
    int corners = kind == BILINEAR_CORNERS || kind == BICUBIC_CORNERS;
    double x = corners ? (m > 1 ? (double)o * (double)(n - 1) / (double)(m - 1) : 0) : ((double)o + 0.5) * (double)n / (double)m - 0.5;
    if (kind == NEAREST) {
        add_tap(t, clamp((int64_t)((double)o * ((double)n / (double)m)), n), 1);
    } else if (kind == BILINEAR || kind == BILINEAR_CORNERS) {
        if (x < 0) x = 0;
        int64_t i = clamp((int64_t)x, n);
        double f = x - (double)i;
        add_tap(t, i, 1 - f);
        if (f > 0) add_tap(t, clamp(i + 1, n), f);
    } else if (kind == BICUBIC || kind == BICUBIC_CORNERS) {
        int64_t i = (int64_t)floor(x);
        for (int64_t k = -1; k <= 2; k++) add_tap(t, clamp(i + k, n), cubic(x - (double)(i + k)));
    } else if (kind == ADAPTIVE) {
        int64_t first = o * n / m, last = ((o + 1) * n + m - 1) / m;
        for (int64_t i = first; i < last; i++) add_tap(t, i, 1 / (double)(last - first));
    } else {
        int64_t first = o * stride - padding, last = first + kernel, inside = 0;
        for (int64_t i = first; i < last; i++) inside += i >= 0 && i < n;
        for (int64_t i = first; i < last; i++)
            if (i >= 0 && i < n) add_tap(t, i, 1 / (double)(kind == AVERAGE ? kernel : inside));
    }
}

static int64_t most_taps(int64_t kind, int64_t n, int64_t m, int64_t kernel) {
    return kind == NEAREST ? 1 : kind <= BICUBIC_CORNERS ? 4 : kind == ADAPTIVE ? n / m + 2 : kernel < n ? kernel : n;
}

static vt_status make_taps(const struct vt__run *run, int32_t d, int64_t n, int64_t m, struct taps *t) {
    const struct vt__attr *a = run->attrs->a;
    int64_t kind = a[0].i[0], kernel = vt__attr_pair(&a[2], d);
    *t = (struct taps){.most = most_taps(kind, n, m, kernel)};
    t->start = vt__scratch_zero2(run->ctx, m + 1, 1, sizeof *t->start);
    t->index = vt__scratch_zero2(run->ctx, m, t->most, sizeof *t->index);
    t->weight = vt__scratch_zero2(run->ctx, m, t->most, sizeof *t->weight);
    if (!t->start || !t->index || !t->weight) return vt__fail_nomem(run->op->name, (size_t)m * 16);
    for (t->n = 0; t->n < m; ) {
        /* start[n] counts up while place n is made, and is where the next one begins */
        place_taps(t, kind, t->n, n, m, kernel, vt__attr_pair(&a[3], d), vt__attr_pair(&a[4], d));
        t->n++;
        t->start[t->n] = t->start[t->n - 1];
    }
    for (int64_t o = m; o > 0; o--) t->start[o] = t->start[o - 1];
    t->start[0] = 0;
    return VT_OK;
}

static void free_taps(const struct vt__run *run, struct taps *t) {
    vt__scratch_give(run->ctx, t->start);
    vt__scratch_give(run->ctx, t->index);
    vt__scratch_give(run->ctx, t->weight);
}

struct job {
    const struct vt__run *run;
    struct taps rows, columns;
    int64_t h, w, oh, ow; /* of x, and of what it is resampled to */
    atomic_int failed;
};

#define PLANE(T, NAME) \
    /* Rows are combined into one, which is then combined along itself; in float64, rounded once. */ \
    static void NAME(const struct job *j, const T *x, T *y, double *row) { \
        for (int64_t o = 0; o < j->oh; o++) { \
            memset(row, 0, (size_t)j->w * sizeof *row); \
            for (int64_t t = j->rows.start[o]; t < j->rows.start[o + 1]; t++) { \
                const T *from = x + j->rows.index[t] * j->w; \
                double f = j->rows.weight[t]; \
                for (int64_t i = 0; i < j->w; i++) row[i] += f * (double)from[i]; \
            } \
            for (int64_t p = 0; p < j->ow; p++) { \
                double sum = 0; \
                for (int64_t t = j->columns.start[p]; t < j->columns.start[p + 1]; t++) sum += j->columns.weight[t] * row[j->columns.index[t]]; \
                y[o * j->ow + p] = (T)sum; \
            } \
        } \
    } \
    /* The same backwards: g [oh, ow] into sums [h, w], which begin as 0. */ \
    static void NAME##_back(const struct job *j, const T *g, T *x, double *sums) { \
        double *row = sums + j->h * j->w; \
        memset(sums, 0, (size_t)(j->h * j->w) * sizeof *sums); \
        for (int64_t o = 0; o < j->oh; o++) { \
            memset(row, 0, (size_t)j->w * sizeof *row); \
            for (int64_t p = 0; p < j->ow; p++) \
                for (int64_t t = j->columns.start[p]; t < j->columns.start[p + 1]; t++) row[j->columns.index[t]] += j->columns.weight[t] * (double)g[o * j->ow + p]; \
            for (int64_t t = j->rows.start[o]; t < j->rows.start[o + 1]; t++) { \
                double *to = sums + j->rows.index[t] * j->w, f = j->rows.weight[t]; \
                for (int64_t i = 0; i < j->w; i++) to[i] += f * row[i]; \
            } \
        } \
        for (int64_t i = 0; i < j->h * j->w; i++) x[i] = (T)sums[i]; \
    }
PLANE(float, plane_f32)
PLANE(double, plane_f64)

static void work(void *user, int64_t plane) {
    struct job *j = user;
    const struct vt__run *run = j->run;
    int back = run->op->id == VT__OP_resample2d_grad;
    double *room = vt__scratch_take2(run->ctx, back ? j->h + 1 : 1, j->w, sizeof *room);
    const char *in = run->in[0].data;
    char *out = run->out[0].data;
    size_t size = vt__dtype_size(run->out[0].dtype), x_size = (size_t)(j->h * j->w) * size, y_size = (size_t)(j->oh * j->ow) * size;
    if (!room) {
        atomic_store(&j->failed, 1);
        return;
    }
    in += (size_t)plane * (back ? y_size : x_size);
    out += (size_t)plane * (back ? x_size : y_size);
    if (size == 4 && back) plane_f32_back(j, (const float *)(const void *)in, (float *)(void *)out, room);
    else if (size == 4) plane_f32(j, (const float *)(const void *)in, (float *)(void *)out, room);
    else if (back) plane_f64_back(j, (const double *)(const void *)in, (double *)(void *)out, room);
    else plane_f64(j, (const double *)(const void *)in, (double *)(void *)out, room);
    vt__scratch_give(run->ctx, room);
}

static vt_status resample(const struct vt__run *run, const struct vt__view *x, const struct vt__view *y) {
    struct job job = {.run = run, .h = x->shape[2], .w = x->shape[3], .oh = y->shape[2], .ow = y->shape[3]};
    vt_status st = make_taps(run, 0, job.h, job.oh, &job.rows);
    if (st == VT_OK) st = make_taps(run, 1, job.w, job.ow, &job.columns);
    if (st == VT_OK) vt__parallel(run->ctx, x->shape[0] * x->shape[1], work, &job);
    if (atomic_load(&job.failed)) st = vt__fail_nomem(run->op->name, (size_t)(job.h * job.w) * sizeof(double));
    free_taps(run, &job.rows);
    free_taps(run, &job.columns);
    return st;
}

vt_status vt__cpu_resample2d(const struct vt__run *run) { return resample(run, &run->in[0], &run->out[0]); }
vt_status vt__cpu_resample2d_grad(const struct vt__run *run) { return resample(run, &run->out[0], &run->in[0]); }

/* ---- maxima of windows ---- */

static void max_row(void *user, int64_t r) {
    const struct vt__run *run = user;
    const struct vt__attr *a = run->attrs->a, *stride = a[1].given ? &a[1] : &a[0];
    const struct vt__view *x = &run->in[0], *y = &run->out[0];
    int64_t h = x->shape[2], w = x->shape[3], oh = y->shape[2], ow = y->shape[3], plane = r / oh, top = r % oh * vt__attr_pair(stride, 0) - vt__attr_pair(&a[2], 0);
    size_t size = vt__dtype_size(x->dtype);
    int integer = vt__compute_type(x->dtype) == VT_DTYPE_I64;
    for (int64_t o = 0; o < ow; o++) {
        int64_t left = o * vt__attr_pair(stride, 1) - vt__attr_pair(&a[2], 1), best = -1, best_int = 0;
        double best_value = 0;
        for (int64_t ky = 0; ky < vt__attr_pair(&a[0], 0); ky++)
            for (int64_t kx = 0; kx < vt__attr_pair(&a[0], 1); kx++) {
                int64_t iy = top + ky * vt__attr_pair(&a[3], 0), ix = left + kx * vt__attr_pair(&a[3], 1), value_int = 0;
                double value = 0;
                if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
                int64_t at = iy * w + ix;
                const void *p = integer ? vt__block_load(x, plane * h * w + at, 1, VT_DTYPE_I64, &value_int) : vt__block_load(x, plane * h * w + at, 1, VT_DTYPE_F64, &value);
                if (integer) memcpy(&value_int, p, sizeof value_int);
                else memcpy(&value, p, sizeof value);
                int wins = best < 0 || (integer ? value_int > best_int : value > best_value || (value != value && best_value == best_value));
                if (wins) best = at, best_int = value_int, best_value = value;
            }
        if (best < 0) best = clamp(top, h) * w + clamp(left, w); /* a dilated window that meets padding only */
        memcpy((char *)y->data + (size_t)(r * ow + o) * size, (const char *)x->data + (size_t)(plane * h * w + best) * size, size);
        ((int64_t *)run->out[1].data)[r * ow + o] = best;
    }
}

vt_status vt__cpu_max_pool2d(const struct vt__run *run) {
    const struct vt__view *y = &run->out[0];
    if (vt__view_count(y)) vt__parallel(run->ctx, y->shape[0] * y->shape[1] * y->shape[2], max_row, (void *)(uintptr_t)run);
    return VT_OK;
}
