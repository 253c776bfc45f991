/* Distances of every kind, every method on them, and all that is asked of a clustering. */
#include "cluster_cases.h"
#include "faults.h"

enum { N = 45, K = 4 };

/* Opens the kind and uses it: a window's worth of distances is read. */
static vt_status use_distance(world *w, objects *o, int kind) {
    static const int64_t rows[] = {3, 44, 0}, columns[] = {44, 7};
    vt_distance *d = NULL;
    double out[6] = {0}, coordinates[N * 2], share[2];
    vt_status st = open_kind(w->ctx, o, kind, &d);
    if (st == VT_OK) st = vt_distance_compute(d, rows, 3, columns, 2, NULL, out);
    torture_note(w, "%016llx ", (unsigned long long)vt_hash(out, sizeof out));
    if (st == VT_OK && (kind == ROWS_L2 || kind == ROWS64_L2 || kind == CSR_L2)) {
        st = vt_distance_project(d, 2, NULL, coordinates, share);
        torture_note(w, "%.6f ", st == VT_OK ? share[0] : 0.0);
    }
    vt_distance_release(d);
    return st;
}

static vt_status distances(world *w) {
    objects o = objects_make(1, N, 1000, 1);
    vt_status st = VT_OK;
    for (int kind = 0; st == VT_OK && kind < N_KINDS; kind++) st = use_distance(w, &o, kind);
    objects_free(&o);
    return st;
}

static vt_status note_clustering(world *w, const vt_clustering *c) {
    vt_clustering_info info = VT_STRUCT_INIT(vt_clustering_info);
    vt_status st = vt_clustering_get_info(c, &info);
    if (st == VT_OK) torture_note(w, "%lld %lld %lld %.9g %.9g\n", (long long)info.k, (long long)info.n_iter, (long long)info.n_swap, info.loss, info.silhouette);
    return st;
}

static vt_status use_method(world *w, objects *o, int kind, vt_cluster_options *opt) {
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    vt_status st = open_kind(w->ctx, o, kind, &d);
    if (st == VT_OK) st = vt_cluster_kmedoids(d, opt, &c);
    vt_distance_release(d); /* the clustering keeps it alive */
    if (st == VT_OK) st = note_clustering(w, c);
    vt_clustering_release(c);
    return st;
}

static vt_status methods_on(world *w, int kind, int symmetric) {
    objects o = objects_make(2, N, 1000, symmetric);
    vt_status st = VT_OK;
    for (int32_t method = 0; st == VT_OK && method <= VT_CLUSTER_PAMSIL; method++) {
        vt_cluster_options opt = VT_STRUCT_INIT(vt_cluster_options);
        opt.method = method;
        opt.k = K;
        if (method == VT_CLUSTER_FASTERCLARA) opt.sample_size = N / 2;
        if (method != VT_CLUSTER_INIT_ONLY && method != VT_CLUSTER_FASTCLARANS && method != VT_CLUSTER_FASTERCLARANS) opt.max_iter = 2;
        st = use_method(w, &o, kind, &opt);
    }
    objects_free(&o);
    return st;
}

static vt_status methods_on_matrices(world *w) { return methods_on(w, MATRIX_F32, 1); }
static vt_status methods_on_skew_integers(world *w) { return methods_on(w, MATRIX_I32, 0); }
static vt_status methods_on_rows(world *w) { return methods_on(w, ROWS_L2, 1); }
static vt_status methods_on_callbacks(world *w) { return methods_on(w, CALLBACK, 0); }

static vt_status initialisations(world *w) {
    static const int64_t given[K] = {9, 2, 40, 13};
    objects o = objects_make(3, N, 10, 1);
    double weights[N];
    vt_status st = VT_OK;
    for (int i = 0; i < N; i++) weights[i] = i % 3;
    for (int32_t init = VT_INIT_DEFAULT; st == VT_OK && init <= VT_INIT_BUILD; init++) {
        vt_cluster_options opt = VT_STRUCT_INIT(vt_cluster_options);
        opt.k = K;
        opt.init = init;
        opt.flags = VT_CLUSTER_SHUFFLE;
        opt.weights = weights;
        opt.medoids = init == VT_INIT_DEFAULT ? given : NULL;
        opt.n_medoids = opt.medoids ? K : 0;
        st = use_method(w, &o, init % 2 ? TRIANGLE_I64 : CSR_L1, &opt);
    }
    objects_free(&o);
    return st;
}

static vt_status ask_clustering(world *w, objects *o, const vt_clustering *c) {
    int32_t labels[N];
    double distances_out[N];
    vt_status st = note_clustering(w, c);
    if (st == VT_OK) st = vt_clustering_predict(c, o->rows32, VT_DTYPE_F32, N, CASE_DIM, 0, NULL, labels, distances_out);
    if (st == VT_OK) torture_note(w, "%016llx\n", (unsigned long long)vt_hash(labels, sizeof labels));
    return st;
}

static vt_status kmeans(world *w) {
    objects o = objects_make(4, N, 100, 1);
    vt_status st = VT_OK;
    for (int32_t method = VT_KMEANS_LLOYD; st == VT_OK && method <= VT_KMEANS_MINI_BATCH; method++)
        for (int32_t init = VT_KMEANS_INIT_PLUS_PLUS; st == VT_OK && init <= VT_KMEANS_INIT_RANDOM; init++) {
            vt_kmeans_options opt = VT_STRUCT_INIT(vt_kmeans_options);
            vt_clustering *c = NULL;
            opt.method = method;
            opt.init = init;
            opt.k = K;
            opt.n_init = 2;
            opt.max_iter = 3;
            st = vt_cluster_kmeans(w->ctx, o.rows32, VT_DTYPE_F32, N, CASE_DIM, 0, &opt, &c);
            if (st == VT_OK) st = ask_clustering(w, &o, c);
            vt_clustering_release(c);
        }
    objects_free(&o);
    return st;
}

static vt_status silhouettes(world *w, vt_distance *d, const vt_clustering *c) {
    double samples[N], mean = 0;
    vt_status st = vt_silhouette(d, vt_clustering_labels(c), K, NULL, samples, &mean);
    if (st == VT_OK) torture_note(w, "%.9g ", mean);
    if (st == VT_OK) st = vt_medoid_silhouette(d, vt_clustering_medoids(c), K, NULL, samples, &mean);
    if (st == VT_OK) torture_note(w, "%.9g\n", mean);
    return st;
}

static vt_status questions(world *w) {
    objects o = objects_make(5, N, 100, 1);
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    vt_cluster_options opt = VT_STRUCT_INIT(vt_cluster_options);
    opt.k = K;
    vt_status st = open_kind(w->ctx, &o, ROWS_L2, &d);
    if (st == VT_OK) st = vt_cluster_kmedoids(d, &opt, &c);
    if (st == VT_OK) st = ask_clustering(w, &o, c);
    if (st == VT_OK) st = silhouettes(w, d, c);
    vt_clustering_release(c);
    vt_distance_release(d);
    objects_free(&o);
    return st;
}

int main(void) {
    static const torture_case cases[] = {
        {.name = "distances", .run = distances, .faults = FAULT_MEMORY},
        {.name = "methods_on_matrices", .run = methods_on_matrices, .faults = FAULT_MEMORY},
        {.name = "methods_on_skew_integers", .run = methods_on_skew_integers, .faults = FAULT_MEMORY},
        {.name = "methods_on_rows", .run = methods_on_rows, .faults = FAULT_MEMORY},
        {.name = "methods_on_callbacks", .run = methods_on_callbacks, .faults = FAULT_MEMORY},
        {.name = "initialisations", .run = initialisations, .faults = FAULT_MEMORY},
        {.name = "kmeans", .run = kmeans, .faults = FAULT_MEMORY},
        {.name = "questions", .run = questions, .faults = FAULT_MEMORY},
    };
    return torture_main(cases, sizeof cases / sizeof *cases);
}
