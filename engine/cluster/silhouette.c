/* Silhouettes of a partition and of medoids. Distances below 0 count as 0; one that is infinite makes its mean infinite.
 *
 * The distances of a row are put in the order of clusters first, so that those to one cluster are one sum over neighbours: no table of sums per
 * cluster, clusters without objects cost nothing, and the row itself is read from end to end. */
#include <math.h>

#include "cluster/cluster.h"
#include "cluster/partition.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/window.h"

/* A row's distances in the order of clusters. next: the row that comes after it, whose lines are fetched meanwhile. */
#define DEFINE_SORT(NAME, TYPE)                                                                         \
    static void NAME(void *to, const void *row, const void *next, const int32_t *places, int64_t n) {  \
        enum { A_LINE = 64 / sizeof(TYPE) };                                                            \
        const TYPE *d = row, *ahead = next;                                                             \
        TYPE *sorted = to;                                                                              \
        int64_t i = 0;                                                                                  \
        for (; i + A_LINE <= n; i += A_LINE) {                                                          \
            __builtin_prefetch(ahead + i);                                                              \
            for (int64_t l = 0; l < A_LINE; l++) sorted[places[i + l]] = d[i + l];                      \
        }                                                                                               \
        for (; i < n; i++) sorted[places[i]] = d[i];                                                    \
    }
DEFINE_SORT(sort_f32, float)
DEFINE_SORT(sort_f64, double)
DEFINE_SORT(sort_i32, int32_t)
DEFINE_SORT(sort_i64, int64_t)

static inline double at_least_0(double v) { return v > 0.0 ? v : 0.0; }
static inline double limited(double v, double far) { return v < far ? at_least_0(v) : (double)INFINITY; }

/* Sum of d[first..last) in four interleaved parts; far: from where on a distance is infinite. */
#define DEFINE_SUM(NAME, TYPE)                                                                          \
    static double NAME(const void *sorted, int64_t first, int64_t last, double far) {                  \
        const TYPE *d = sorted;                                                                         \
        double part[4] = {0, 0, 0, 0};                                                                  \
        int64_t i = first;                                                                              \
        for (; isinf(far) && i + 4 <= last; i += 4)                                                     \
            for (int l = 0; l < 4; l++) part[l] += at_least_0((double)d[i + l]);                        \
        for (; i < last; i++) part[(i - first) & 3] += limited((double)d[i], far);                      \
        return (part[0] + part[1]) + (part[2] + part[3]);                                               \
    }
DEFINE_SUM(sum_f32, float)
DEFINE_SUM(sum_f64, double)

/* Exact: n distances fit int64 wherever the distance was accepted. */
#define DEFINE_WHOLE_SUM(NAME, TYPE)                                                                    \
    static double NAME(const void *sorted, int64_t first, int64_t last, double far) {                  \
        const TYPE *d = sorted;                                                                         \
        int64_t sum = 0;                                                                                \
        (void)far;                                                                                      \
        for (int64_t i = first; i < last; i++) sum += d[i] > 0 ? (int64_t)d[i] : 0;                     \
        return (double)sum;                                                                             \
    }
DEFINE_WHOLE_SUM(sum_i32, int32_t)
DEFINE_WHOLE_SUM(sum_i64, int64_t)

static const struct {
    void (*sort)(void *to, const void *row, const void *next, const int32_t *places, int64_t n);
    double (*sum)(const void *sorted, int64_t first, int64_t last, double far);
} TYPES[VT__N_DISTANCE_TYPES] = {
    [VT__DISTANCE_F32] = {sort_f32, sum_f32},
    [VT__DISTANCE_F64] = {sort_f64, sum_f64},
    [VT__DISTANCE_I32] = {sort_i32, sum_i32},
    [VT__DISTANCE_I64] = {sort_i64, sum_i64},
};

vt_status vt__partition_init(vt__partition *p, vt_context *ctx, int64_t n, int64_t k) {
    *p = (vt__partition){.n = n};
    if (n > INT32_MAX) return vt__fail(VT_ERR_SHAPE, "silhouette: %lld objects, at most %d", (long long)n, INT32_MAX);
    p->begin = vt__calloc2(ctx, k + 1, 1, sizeof *p->begin);
    p->members = vt__calloc2(ctx, n, 1, sizeof *p->members);
    p->places = vt__calloc2(ctx, n, 1, sizeof *p->places);
    return p->begin && p->members && p->places ? VT_OK : vt__fail_nomem("silhouette", (size_t)n * sizeof *p->members);
}

void vt__partition_free(vt__partition *p, vt_context *ctx) {
    vt__free(ctx, p->begin);
    vt__free(ctx, p->members);
    vt__free(ctx, p->places);
}

void vt__partition_fill(vt__partition *p, const int32_t *labels, int64_t k) {
    int64_t end = 0;
    for (int64_t c = 0; c < k; c++) p->begin[c] = 0;
    for (int64_t i = 0; i < p->n; i++) p->begin[labels[i]]++;
    for (int64_t c = 0; c < k; c++) p->begin[c] = end += p->begin[c]; /* ends, which become begins below */
    p->begin[k] = p->n;
    for (int64_t i = p->n - 1; i >= 0; i--) {
        p->places[i] = (int32_t)--p->begin[labels[i]];
        p->members[p->places[i]] = i;
    }
    p->k = 0;
    for (int64_t c = 0; c < k; c++)
        if (p->begin[c] < p->begin[c + 1]) p->begin[p->k++] = p->begin[c];
    p->begin[p->k] = p->n;
}

double vt__silhouette_sample(const vt__partition *p, int64_t place, int type, const void *row, const void *next, double far, void *scratch) {
    double a = 0, b = 0, larger;
    int has_a = 0, has_b = 0;

    TYPES[type].sort(scratch, row, next, p->places, p->n);
    for (int64_t c = 0; c < p->k; c++) {
        const int64_t begin = p->begin[c], end = p->begin[c + 1];
        if (begin <= place && place < end) { /* its own, without itself */
            has_a = end - begin > 1;
            if (has_a) a = TYPES[type].sum(scratch, begin, place, far) + TYPES[type].sum(scratch, place + 1, end, far);
            if (has_a) a /= (double)(end - begin - 1);
        } else {
            double mean = TYPES[type].sum(scratch, begin, end, far) / (double)(end - begin);
            if (!has_b || mean < b) b = mean;
            has_b = 1;
        }
    }
    if (!has_a || !has_b || a == b) return 0; /* equal: both infinite, or 0 / 0, too */
    larger = a > b ? a : b;
    return isinf(larger) ? (a < b ? 1.0 : -1.0) : (b - a) / larger;
}

typedef struct job {
    const vt__partition *parts;
    vt__window window;
    int type;
    double far;
    int64_t first, n_rows; /* places in members of the window's rows */
    int64_t n_lanes;
    size_t size;   /* of an element */
    char *scratch; /* [n_lanes, n] elements */
    double *samples;
} job;

static void some_samples(void *user, int64_t lane) {
    const job *j = user;
    char *scratch = j->scratch + (size_t)(lane * j->parts->n) * j->size;
    int64_t first, last;
    vt__chunk_range(j->n_rows, 1, j->n_lanes, lane, &first, &last);
    for (int64_t i = first; i < last; i++) {
        const int64_t place = j->first + i;
        const void *row = j->window.columns[i], *next = i + 1 < last ? j->window.columns[i + 1] : row;
        j->samples[j->parts->members[place]] = vt__silhouette_sample(j->parts, place, j->type, row, next, j->far, scratch);
    }
}

static vt_status all_samples(job *j, const vt_distance *distance, vt__watch *watch) {
    vt_context *ctx = vt__distance_context(distance);
    const int64_t n = j->parts->n;
    vt_status st = vt__window_init(&j->window, distance, 0);
    j->n_lanes = vt__context_threads(ctx) < n ? vt__context_threads(ctx) : n;
    j->size = vt__distance_size(distance);
    j->scratch = vt__alloc64_2(ctx, j->n_lanes, n, j->size);
    if (st == VT_OK && !j->scratch) st = vt__fail_nomem("silhouette", (size_t)(j->n_lanes * n) * j->size);
    for (int64_t i = 0; st == VT_OK && i < n; i += j->window.capacity) {
        j->first = i;
        j->n_rows = n - i < j->window.capacity ? n - i : j->window.capacity;
        st = vt__watch_poll(watch, (double)i / (double)n, "silhouette");
        if (st == VT_OK) st = vt__window_load_rows(&j->window, j->parts->members + i, j->n_rows);
        if (st == VT_OK) vt__parallel(ctx, j->n_lanes, some_samples, j);
    }
    vt__free(ctx, j->scratch);
    vt__window_free(&j->window);
    return st;
}

static double mean_of(const double *samples, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += samples[i];
    return sum / (double)n;
}

static vt_status check_labels(const int32_t *labels, int64_t n, int64_t k) {
    for (int64_t i = 0; i < n; i++)
        if (labels[i] < 0 || labels[i] >= k)
            return vt__fail(VT_ERR_INVALID, "silhouette: label %d of object %lld, need 0 to %lld", labels[i], (long long)i, (long long)(k - 1));
    return VT_OK;
}

vt_status vt__silhouette(const vt_distance *distance, const int32_t *labels, int64_t k, vt__watch *watch, double *out_samples, double *out_mean) {
    vt_context *ctx = vt__distance_context(distance);
    const int64_t n = vt__distance_count(distance);
    const double far = vt__distance_far(distance);
    vt__partition parts = {0};
    vt_status st = check_labels(labels, n, k);
    if (st == VT_OK) st = vt__partition_init(&parts, ctx, n, k);
    double *samples = out_samples ? out_samples : vt__calloc2(ctx, n, 1, sizeof *samples);
    job j = {.parts = &parts, .type = vt__distance_type(distance), .far = far > 0 ? far : (double)INFINITY, .samples = samples};

    if (st == VT_OK && !samples) st = vt__fail_nomem("silhouette", (size_t)n * sizeof *samples);
    if (st == VT_OK) {
        vt__partition_fill(&parts, labels, k);
        st = all_samples(&j, distance, watch);
    }
    if (st == VT_OK) *out_mean = mean_of(samples, n);
    if (samples != out_samples) vt__free(ctx, samples);
    vt__partition_free(&parts, ctx);
    return st;
}

/* ---- of medoids ---- */

/* 1 - d1/d2 of the k >= 2 distances that begin at element `first` of the block. */
static double medoid_sample(int type, const void *block, int64_t first, int64_t k) {
    double d1 = (double)INFINITY, d2 = (double)INFINITY;
    for (int64_t i = 0; i < k; i++) {
        double d = vt__distance_value(type, block, first + i);
        if (d < d1) {
            d2 = d1;
            d1 = d;
        } else if (d < d2) {
            d2 = d;
        }
    }
    if (d1 <= 0) return 1.0;
    return isinf(d1) ? 0.0 : 1.0 - d1 / d2;
}

static vt_status mark_medoids(unsigned char *is_medoid, const int64_t *medoids, int64_t k, int64_t n) {
    for (int64_t i = 0; i < k; i++) {
        if (medoids[i] < 0 || medoids[i] >= n)
            return vt__fail(VT_ERR_INVALID, "medoid silhouette: medoid %lld, need 0 to %lld", (long long)medoids[i], (long long)(n - 1));
        if (is_medoid[medoids[i]]) return vt__fail(VT_ERR_INVALID, "medoid silhouette: object %lld is a medoid twice", (long long)medoids[i]);
        is_medoid[medoids[i]] = 1;
    }
    return VT_OK;
}

enum { BLOCK_BYTES = 1 << 18 }; /* distances at a time */

vt_status vt__medoid_silhouette(const vt_distance *distance, const int64_t *medoids, int64_t k, vt__watch *watch, double *out_samples, double *out_mean) {
    vt_context *ctx = vt__distance_context(distance);
    const int64_t n = vt__distance_count(distance);
    const int type = vt__distance_type(distance);
    const size_t size = vt__distance_size(distance);
    int64_t n_rows = BLOCK_BYTES / (int64_t)size / k;
    n_rows = n_rows < 1 ? 1 : n_rows < n ? n_rows : n;
    unsigned char *is_medoid = vt__calloc2(ctx, n, 1, 1);
    int64_t *rows = vt__calloc2(ctx, n_rows, 1, sizeof *rows);
    void *block = vt__alloc64_2(ctx, n_rows, k, size);
    vt_status st = is_medoid && rows && block ? mark_medoids(is_medoid, medoids, k, n) : vt__fail_nomem("medoid silhouette", 0);
    double sum = 0;

    for (int64_t first = 0; st == VT_OK && first < n; first += n_rows) {
        const int64_t m = n - first < n_rows ? n - first : n_rows;
        for (int64_t i = 0; i < m; i++) rows[i] = first + i;
        st = vt__distance_compute(distance, rows, m, medoids, k, watch, block);
        for (int64_t i = 0; st == VT_OK && i < m; i++) {
            double s = is_medoid[first + i] ? 1.0 : medoid_sample(type, block, i * k, k);
            if (out_samples) out_samples[first + i] = s;
            sum += s;
        }
    }
    if (st == VT_OK) *out_mean = sum / (double)n;
    vt__free(ctx, is_medoid);
    vt__free(ctx, rows);
    vt__free(ctx, block);
    return st;
}
