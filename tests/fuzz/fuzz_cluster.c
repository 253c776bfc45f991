/* Distances made of hostile bytes, and every method on them. The first bytes choose the form, the sizes and the method; the numbers are what follows,
 * as it is: NaN, infinities, INT64_MIN, offsets that point anywhere. What is taken must give a clustering that makes sense. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "venturi.h"

enum { HEAD = 16, MOST_OBJECTS = 24 };

static void need(int holds) {
    if (!holds) abort();
}

typedef struct input {
    uint8_t form, n, extent, k, method, init, metric, flags;
    uint8_t dtype, stride, seed, weights, max_iter, reserved[3];
    const uint8_t *bytes;
    size_t size;
    void *copy; /* of bytes, aligned */
} input;

static int32_t pick_dtype(uint8_t byte) {
    static const int32_t dtypes[] = {VT_DTYPE_F32, VT_DTYPE_F64, VT_DTYPE_I32, VT_DTYPE_I64, VT_DTYPE_U8, VT_DTYPE_F16, -1, 99};
    return dtypes[byte % 8];
}

static size_t dtype_size(int32_t dtype) {
    return dtype == VT_DTYPE_F64 || dtype == VT_DTYPE_I64 ? 8 : dtype == VT_DTYPE_U8 ? 1 : 4;
}

/* An aligned block of so many bytes: the input's, over and over again, so that a short one fills a matrix too. */
static void *fill(input *in, size_t size) {
    free(in->copy);
    uint8_t *copy = in->copy = malloc(size ? size : 1);
    need(copy != NULL);
    for (size_t i = 0; i < size; i++) copy[i] = in->size ? in->bytes[i % in->size] : 0;
    return copy;
}

static vt_status open_csr(vt_context *ctx, input *in, int64_t n, vt_distance **out) {
    /* Offsets as they come would promise elements that are not there: the first n + 1 words, the last of which the caller must get right. */
    const int64_t n_values = in->size / 4 < 64 ? (int64_t)in->size / 4 : 64;
    int64_t offsets[MOST_OBJECTS + 1] = {0};
    int32_t columns[64] = {0};
    float values[64] = {0};
    for (int64_t i = 1; i <= n; i++) {
        offsets[i] = in->seed & 1 ? n_values * i / n : in->size ? (int8_t)in->bytes[(size_t)i % in->size] : 0;
        if (offsets[i] > n_values || (i == n && !(in->seed & 1))) offsets[i] = n_values;
    }
    for (int64_t i = 0; i < n_values; i++) {
        memcpy(&values[i], in->bytes + 4 * i, 4);
        columns[i] = in->flags & 4 ? (int8_t)in->bytes[4 * i] : (int32_t)(i % (n_values / n + 1));
    }
    return vt_distance_from_csr(ctx, offsets, columns, values, n, in->extent, in->metric, in->flags & 3u, out);
}

static vt_status answer(void *user, int64_t i, int64_t j, double *out) {
    const input *in = user;
    const size_t at = (size_t)(i * 31 + j) * 8;
    if (in->size < 8) return VT_ERR_NOT_FOUND;
    memcpy(out, in->bytes + at % (in->size - 7), 8);
    return *out > 1e300 && in->flags & 8 ? VT_ERR_STATE : VT_OK;
}

static vt_status open_distance(vt_context *ctx, input *in, vt_distance **out) {
    const int32_t dtype = pick_dtype(in->dtype);
    const int64_t n = in->n % (MOST_OBJECTS + 1), extent = in->extent % 40, stride = in->stride % 64;
    const size_t size = dtype_size(dtype);
    const uint32_t flags = in->flags & 7u;
    switch (in->form % 5) {
    case 0: {
        const int64_t row = stride > n ? stride : n;
        return vt_distance_from_matrix(ctx, fill(in, (size_t)(row * n) * size), dtype, n, stride, flags & ~2u, out);
    }
    case 1: return vt_distance_from_triangle(ctx, fill(in, (size_t)(n * (n - 1) / 2) * size), dtype, n, flags & 4, out);
    case 2: {
        const int64_t row = stride > extent ? stride : extent;
        return vt_distance_from_rows(ctx, fill(in, (size_t)(row * n) * size), dtype, n, extent, stride, (int8_t)in->metric % 8, flags & ~1u, out);
    }
    case 3: return n > 0 ? open_csr(ctx, in, n, out) : VT_ERR_SHAPE;
    default: return vt_distance_from_callback(ctx, n, answer, in, flags, out);
    }
}

static void check(const vt_clustering *c) {
    vt_clustering_info info = VT_STRUCT_INIT(vt_clustering_info);
    need(vt_clustering_get_info(c, &info) == VT_OK);
    need(info.k >= 1 && info.k <= info.n && !isnan(info.loss) && !isnan(info.silhouette));
    for (int64_t o = 0; o < info.n; o++) {
        const int32_t label = vt_clustering_labels(c)[o];
        need(label >= 0 && label < info.k);
        need(!isnan(vt_clustering_nearest(c)[o]));
    }
    const int64_t *medoids = vt_clustering_medoids(c);
    for (int64_t i = 0; medoids && i < info.k; i++) {
        need(medoids[i] >= 0 && medoids[i] < info.n);
        need(vt_clustering_labels(c)[medoids[i]] == i);
    }
}

static void cluster(vt_distance *d, const input *in) {
    double weights[MOST_OBJECTS], mean;
    vt_cluster_options o = VT_STRUCT_INIT(vt_cluster_options);
    vt_clustering *c = NULL;
    for (int i = 0; i < MOST_OBJECTS; i++) weights[i] = in->size ? in->bytes[(size_t)i % in->size] : 1;
    o.method = in->method % 14;
    o.init = in->init % 6;
    o.k = in->k % (MOST_OBJECTS + 2);
    o.flags = in->flags >> 4 & 1;
    o.max_iter = o.method == VT_CLUSTER_INIT_ONLY || (o.method >= VT_CLUSTER_FASTCLARANS && o.method <= VT_CLUSTER_FASTERCLARANS) ? 0 : in->max_iter % 5;
    o.seed = in->seed;
    o.weights = in->weights & 1 ? weights : NULL;
    if (vt_cluster_kmedoids(d, &o, &c) != VT_OK) {
        need(c == NULL);
        return;
    }
    check(c);
    if (vt_silhouette(d, vt_clustering_labels(c), o.k, NULL, NULL, &mean) == VT_OK) need(!isnan(mean));
    vt_clustering_release(c);
}

static void kmeans(vt_context *ctx, input *in) {
    const int32_t dtype = pick_dtype(in->dtype);
    const int64_t n = in->n % (MOST_OBJECTS + 1), dim = in->extent % 20, stride = in->stride % 32, row = stride > dim ? stride : dim;
    vt_kmeans_options o = VT_STRUCT_INIT(vt_kmeans_options);
    vt_clustering *c = NULL;
    o.k = in->k % (MOST_OBJECTS + 2);
    o.method = in->method % 2;
    o.init = in->init % 3;
    o.max_iter = 1 + in->max_iter % 4;
    o.n_init = in->flags % 3;
    o.seed = in->seed;
    if (vt_cluster_kmeans(ctx, fill(in, (size_t)(row * n) * dtype_size(dtype)), dtype, n, dim, stride, &o, &c) != VT_OK) return;
    check(c);
    vt_clustering_release(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_distance *d = NULL;
    input in = {0};
    if (size < HEAD) return 0;
    memcpy(&in, data, HEAD);
    in.bytes = data + HEAD;
    in.size = size - HEAD;
    co.n_threads = 1;
    co.memory_limit = 1u << 26;
    if (vt_context_create(&co, &ctx) != VT_OK) return 0;
    const uint64_t empty = vt_context_memory(ctx);
    if (in.form % 6 == 5) {
        kmeans(ctx, &in);
    } else if (open_distance(ctx, &in, &d) == VT_OK) {
        cluster(d, &in);
        vt_distance_release(d);
    } else {
        need(d == NULL);
    }
    need(vt_context_memory(ctx) == empty);
    vt_context_release(ctx);
    free(in.copy);
    return 0;
}
