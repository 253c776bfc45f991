/* Public calls of venturi/cluster.h: check, normalise options, forward. */
#define VT_EXPERIMENTAL
#include "venturi/cluster.h"

#include <math.h>

#include "cluster/cluster.h"
#include "cluster/clustering.h"
#include "core/error.h"
#include "core/options.h"
#include "kmeans/kmeans.h"
#include "venturi_experimental.h"

_Static_assert((int)VT_CLUSTER_FASTERPAM == (int)VT__CLUSTER_FASTERPAM && (int)VT_CLUSTER_INIT_ONLY == (int)VT__CLUSTER_INIT_ONLY &&
                   (int)VT_CLUSTER_FASTERCLARA == (int)VT__CLUSTER_FASTERCLARA && (int)VT_CLUSTER_FASTERMSC == (int)VT__CLUSTER_FASTERMSC &&
                   (int)VT_CLUSTER_PAMSIL == (int)VT__CLUSTER_PAMSIL && (int)VT_INIT_LAB == (int)VT__INIT_LAB && (int)VT_INIT_BUILD == (int)VT__INIT_BUILD,
               "one numbering");

static const double LARGEST_WHOLE_WEIGHT = 2147483648.0;

static int is_clara(int32_t method) { return method == VT_CLUSTER_FASTERCLARA; }
static int is_clarans(int32_t method) { return method == VT_CLUSTER_FASTCLARANS || method == VT_CLUSTER_FASTERCLARANS; }
static int is_eager(int32_t method) {
    return method == VT_CLUSTER_FASTERPAM || method == VT_CLUSTER_FASTERMSC || method == VT_CLUSTER_DYNMSC || is_clara(method);
}
static int is_silhouette(int32_t method) { return method >= VT_CLUSTER_FASTERMSC && method <= VT_CLUSTER_PAMSIL; }

/* Options that belong to some methods only are refused elsewhere: none is silently ignored. */
static vt_status check_fit(const vt_cluster_options *o) {
    const char *stray = NULL;
    if ((o->flags & VT_CLUSTER_SHUFFLE) && !is_eager(o->method)) stray = "shuffle";
    if ((o->flags & VT_CLUSTER_PUBLISHED) && o->method != VT_CLUSTER_DYNMSC) stray = "published";
    if (o->k_min && o->method != VT_CLUSTER_DYNMSC) stray = "k_min";
    if (o->max_iter && (is_clarans(o->method) || o->method == VT_CLUSTER_INIT_ONLY)) stray = "max_iter";
    if (o->sample_size && !is_clara(o->method)) stray = "sample_size";
    if (o->n_samples && !is_clara(o->method)) stray = "n_samples";
    if (o->n_local && !is_clarans(o->method)) stray = "n_local";
    if (o->rate != 0 && !is_clarans(o->method)) stray = "rate"; /* NaN too */
    if (o->weights && is_silhouette(o->method)) stray = "weights";
    if (is_clarans(o->method) && (o->medoids || (o->init != VT_INIT_DEFAULT && o->init != VT_INIT_RANDOM))) stray = o->medoids ? "medoids" : "init";
    return stray ? vt__fail(VT_ERR_INVALID, "cluster: method %d does not use '%s'", o->method, stray) : VT_OK;
}

static vt_status check_ranges(const vt_cluster_options *o) {
    if (o->flags & ~(uint32_t)(VT_CLUSTER_SHUFFLE | VT_CLUSTER_PUBLISHED)) return vt__fail(VT_ERR_INVALID, "cluster: unknown flags 0x%x", o->flags);
    if (o->method < 0 || o->method > VT_CLUSTER_PAMSIL) return vt__fail(VT_ERR_INVALID, "cluster: method %d, need 0 to %d", o->method, VT_CLUSTER_PAMSIL);
    if (o->init < 0 || o->init > VT_INIT_BUILD) return vt__fail(VT_ERR_INVALID, "cluster: init %d, need 0 to %d", o->init, VT_INIT_BUILD);
    if (o->max_iter < 0 || o->sample_size < 0 || o->n_samples < 0 || o->n_local < 0 || o->n_medoids < 0)
        return vt__fail(VT_ERR_INVALID, "cluster: max_iter=%lld sample_size=%lld n_samples=%lld n_local=%lld n_medoids=%lld, need 0 or more", (long long)o->max_iter,
                        (long long)o->sample_size, (long long)o->n_samples, (long long)o->n_local, (long long)o->n_medoids);
    if (!(o->rate >= 0 && o->rate <= 1)) return vt__fail(VT_ERR_INVALID, "cluster: rate=%g, need 0 to 1", o->rate);
    if (!o->medoids != !o->n_medoids) return vt__fail(VT_ERR_INVALID, "cluster: %lld medoids at %s", (long long)o->n_medoids, o->medoids ? "a list" : "NULL");
    if (o->medoids && o->init != VT_INIT_DEFAULT) return vt__fail(VT_ERR_INVALID, "cluster: medoids are given, and init %d asks for others", o->init);
    return VT_OK;
}

static vt_status check_k(const vt_cluster_options *o, int64_t k, int64_t n) {
    if (o->medoids && o->n_medoids != k) return vt__fail(VT_ERR_SHAPE, "cluster: k=%lld but %lld medoids", (long long)k, (long long)o->n_medoids);
    if (k < 1 || k > n) return vt__fail(VT_ERR_SHAPE, "cluster: k=%lld, need 1 to %lld objects", (long long)k, (long long)n);
    if (is_silhouette(o->method) && k < 2) return vt__fail(VT_ERR_SHAPE, "cluster: k=%lld, silhouettes need 2 or more", (long long)k);
    if (o->k_min < 0 || o->k_min == 1 || o->k_min > k) return vt__fail(VT_ERR_SHAPE, "cluster: k_min=%lld, need 2 to k=%lld", (long long)o->k_min, (long long)k);
    if (o->sample_size && o->sample_size <= k) return vt__fail(VT_ERR_SHAPE, "cluster: samples of %lld for k=%lld", (long long)o->sample_size, (long long)k);
    return VT_OK;
}

static vt_status check_weights(const double *weights, int64_t n, int whole) {
    double sum = 0;
    for (int64_t i = 0; weights && i < n; i++) {
        double w = weights[i];
        if (!(w >= 0 && w <= 1.7976931348623157e308)) return vt__fail(VT_ERR_INVALID, "cluster: weight %g of object %lld, need a finite number >= 0", w, (long long)i);
        if (whole && (w > LARGEST_WHOLE_WEIGHT || w != floor(w)))
            return vt__fail(VT_ERR_INVALID, "cluster: weight %g of object %lld, integer distances need whole numbers up to 2^31", w, (long long)i);
        sum += w;
    }
    if (weights && !(sum > 0 && isfinite(sum))) return vt__fail(VT_ERR_INVALID, "cluster: the weights' sum is %g, need a finite number above 0", sum);
    return VT_OK;
}

static int64_t or_default(int64_t value, int64_t dflt) { return value ? value : dflt; }

vt_status vt_cluster_kmedoids(vt_distance *distance, const vt_cluster_options *opt, vt_clustering **out) {
    enum { FIRST_SIZE = 128, MAX_ITER = 100, N_SAMPLES = 5, N_LOCAL = 2 };
    vt_cluster_options o;
    if (out) *out = NULL;
    if (!distance || !out || !opt) return vt__fail(VT_ERR_INVALID, "cluster: needs a distance, options (at least k) and out");
    vt_status st = vt__options_read("cluster", &o, sizeof o, FIRST_SIZE, opt);
    const int64_t n = vt__distance_count(distance), k = or_default(o.k, o.n_medoids);
    const int whole = vt__distance_is_whole(distance);
    if (st == VT_OK) st = check_ranges(&o);
    if (st == VT_OK) st = check_fit(&o);
    if (st == VT_OK) st = check_k(&o, k, n);
    if (st == VT_OK) st = check_weights(o.weights, n, whole);
    if (st != VT_OK) return st;
    vt__cluster_params p = {.method = o.method, .shuffle = (o.flags & VT_CLUSTER_SHUFFLE) != 0,
                            .published = (o.flags & VT_CLUSTER_PUBLISHED) != 0, .k = k, .k_min = or_default(o.k_min, 2),
                            .max_iter = or_default(o.max_iter, MAX_ITER), .seed = o.seed, .medoids = o.medoids, .weights = o.weights,
                            .sample_size = or_default(o.sample_size, 80 + 4 * k), .n_samples = or_default(o.n_samples, N_SAMPLES),
                            .n_local = or_default(o.n_local, N_LOCAL), .rate = o.rate > 0 ? o.rate : 0.025, .watch = {"cluster", o.cancel, o.progress, o.progress_user, 0}};
    p.init = o.medoids ? VT__INIT_GIVEN : o.init == VT_INIT_DEFAULT ? VT__INIT_LAB : o.init;
    return vt__cluster_kmedoids(distance, &p, out);
}

static vt_status check_kmeans(const vt_kmeans_options *o, int64_t n) {
    if (o->flags) return vt__fail(VT_ERR_INVALID, "kmeans: unknown flags 0x%x", o->flags);
    if (o->method < 0 || o->method > VT_KMEANS_MINI_BATCH) return vt__fail(VT_ERR_INVALID, "kmeans: method %d, need 0 or 1", o->method);
    if (o->init < 0 || o->init > VT_KMEANS_INIT_RANDOM) return vt__fail(VT_ERR_INVALID, "kmeans: init %d, need 0 to %d", o->init, VT_KMEANS_INIT_RANDOM);
    if (o->centroids && o->init) return vt__fail(VT_ERR_INVALID, "kmeans: centroids are given, and init %d asks for others", o->init);
    if (o->centroids && o->n_init > 1) return vt__fail(VT_ERR_INVALID, "kmeans: %lld starts from the same centroids", (long long)o->n_init);
    if (o->k < 1 || o->k > n) return vt__fail(VT_ERR_SHAPE, "kmeans: k=%lld, need 1 to %lld rows", (long long)o->k, (long long)n);
    if (o->max_iter < 0 || o->n_init < 0 || o->batch_size < 0)
        return vt__fail(VT_ERR_INVALID, "kmeans: max_iter=%lld n_init=%lld batch_size=%lld, need 0 or more", (long long)o->max_iter, (long long)o->n_init, (long long)o->batch_size);
    if (o->batch_size && o->method != VT_KMEANS_MINI_BATCH) return vt__fail(VT_ERR_INVALID, "kmeans: batch_size belongs to mini-batches");
    if (isnan(o->tolerance)) return vt__fail(VT_ERR_INVALID, "kmeans: tolerance is NaN");
    return check_weights(o->weights, n, 0);
}

vt_status vt_cluster_kmeans(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, const vt_kmeans_options *opt, vt_clustering **out) {
    enum { FIRST_SIZE = 104, MAX_ITER = 300, MAX_PASSES = 100, BATCH = 1024 };
    vt_kmeans_options o;
    if (out) *out = NULL;
    if (!ctx || !data || !out || !opt) return vt__fail(VT_ERR_INVALID, "kmeans: needs a context, rows, options (at least k) and out");
    if (n < 1 || n > VT_DISTANCE_MAX_OBJECTS) return vt__fail(VT_ERR_SHAPE, "kmeans: %lld rows, need 1 to %d", (long long)n, VT_DISTANCE_MAX_OBJECTS);
    vt_status st = vt__check_extent("kmeans", n, dim, stride);
    if (st == VT_OK) st = vt__options_read("kmeans", &o, sizeof o, FIRST_SIZE, opt);
    if (st == VT_OK) st = check_kmeans(&o, n);
    if (st != VT_OK) return st;
    vt__kmeans_params p = {.mini_batch = o.method == VT_KMEANS_MINI_BATCH, .random_init = o.init == VT_KMEANS_INIT_RANDOM, .k = o.k,
                           .max_iter = or_default(o.max_iter, o.method == VT_KMEANS_MINI_BATCH ? MAX_PASSES : MAX_ITER), .n_init = or_default(o.n_init, 1),
                           .batch_size = or_default(o.batch_size, BATCH), .tolerance = o.tolerance == 0 ? 1e-4 : o.tolerance, .seed = o.seed,
                           .centroids = o.centroids, .weights = o.weights, .watch = {"kmeans", o.cancel, o.progress, o.progress_user, 0}};
    return vt__cluster_kmeans(ctx, data, dtype, n, dim, stride ? stride : dim, &p, out);
}

vt_clustering *vt_clustering_retain(vt_clustering *clustering) { return vt__clustering_retain(clustering); }
void vt_clustering_release(vt_clustering *clustering) { vt__clustering_release(clustering); }

vt_status vt_clustering_get_info(const vt_clustering *clustering, vt_clustering_info *out) {
    enum { FIRST_SIZE = 72 };
    if (!clustering || !out) return vt__fail(VT_ERR_INVALID, "clustering: info needs a clustering and out");
    const vt__clustering_parts *p = vt__clustering_parts_of(clustering);
    vt_clustering_info info = {sizeof info, p->dtype, p->n, p->k, p->n_iter, p->n_swap, p->loss, p->integer_loss, p->silhouette, p->dim};
    return vt__result_write("clustering", out, &info, sizeof info, FIRST_SIZE);
}

const int64_t *vt_clustering_medoids(const vt_clustering *clustering) { return clustering ? vt__clustering_parts_of(clustering)->medoids : NULL; }
const int32_t *vt_clustering_labels(const vt_clustering *clustering) { return clustering ? vt__clustering_parts_of(clustering)->labels : NULL; }
const double *vt_clustering_nearest(const vt_clustering *clustering) { return clustering ? vt__clustering_parts_of(clustering)->nearest : NULL; }
const double *vt_clustering_second(const vt_clustering *clustering) { return clustering ? vt__clustering_parts_of(clustering)->second : NULL; }
const void *vt_clustering_centroids(const vt_clustering *clustering) { return clustering ? vt__clustering_parts_of(clustering)->centroids : NULL; }

const double *vt_clustering_curve(const vt_clustering *clustering, int64_t *k_min, int64_t *n) {
    const vt__clustering_parts *p = clustering ? vt__clustering_parts_of(clustering) : NULL;
    if (k_min) *k_min = p && p->curve ? p->k_min : 0;
    if (n) *n = p && p->curve ? p->n_curve : 0;
    return p ? p->curve : NULL;
}

vt_status vt_clustering_predict(const vt_clustering *clustering, const void *data, int32_t dtype, int64_t m, int64_t dim, int64_t stride, vt_cancel *cancel,
                                int32_t *out_labels, double *out_distances) {
    if (!clustering || m < 0 || (m > 0 && (!data || !out_labels))) return vt__fail(VT_ERR_INVALID, "clustering: predict needs a clustering, rows and labels");
    vt_status st = vt__check_extent("clustering", m, dim, stride);
    if (st != VT_OK) return st;
    vt__watch watch = {.what = "clustering", .cancel = cancel};
    vt__rows_view rows = {data, dtype, m, dim, stride ? stride : dim};
    return vt__clustering_predict(clustering, &rows, &watch, out_labels, out_distances);
}

vt_status vt_silhouette(vt_distance *distance, const int32_t *labels, int64_t k, vt_cancel *cancel, double *out_samples, double *out_mean) {
    if (!distance || !labels || !out_mean || k < 1 || k > INT32_MAX) return vt__fail(VT_ERR_INVALID, "silhouette: needs a distance, labels, k >= 1 and out_mean");
    vt__watch watch = {.what = "silhouette", .cancel = cancel};
    return vt__silhouette(distance, labels, k, &watch, out_samples, out_mean);
}

vt_status vt_medoid_silhouette(vt_distance *distance, const int64_t *medoids, int64_t k, vt_cancel *cancel, double *out_samples, double *out_mean) {
    if (!distance || !medoids || !out_mean) return vt__fail(VT_ERR_INVALID, "medoid silhouette: needs a distance, medoids and out_mean");
    if (k < 2 || k > vt__distance_count(distance)) return vt__fail(VT_ERR_SHAPE, "medoid silhouette: k=%lld, need 2 to n", (long long)k);
    vt__watch watch = {.what = "silhouette", .cancel = cancel};
    return vt__medoid_silhouette(distance, medoids, k, &watch, out_samples, out_mean);
}
