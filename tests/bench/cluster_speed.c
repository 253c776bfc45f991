/* One clustering case of ours, through the public calls alone:   cluster_speed KEY=VALUE...
 *
 *   method   fasterpam fastpam1 pam alternating fasterclara fastclarans fastermsc fastmsc dynmsc kmeans minibatch silhouette, or read: the data are
 *            read once, each thread its part from end to end, and nothing else is done
 *   kind     matrix [n, n] or rows [n, dim] (Euclidean)        dtype    f32 f64
 *   data     file of raw numbers        n dim k threads max_iter seed
 *   init     file of k int64 medoids, of [k, dim] centroids for k-means, of n int32 labels for silhouette; none: our own choice
 *
 * Repeats the run until three are done or half a second is over, each on fresh handles: the clock covers everything from the pointer to the
 * numbers to the result. Prints one line of JSON. cluster_peer.py takes the same arguments and prints the same keys. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "venturi.h"

enum { MOST_RUNS = 3 };
static const double ENOUGH_MS = 500.0;

typedef struct job {
    const char *method, *init_path;
    int is_rows, is_f64;
    int64_t n, dim, k, threads, max_iter;
    uint64_t seed;
    void *data, *init;
} job;

typedef struct outcome {
    double ms[MOST_RUNS], cpu[MOST_RUNS], loss, loss64, silhouette;
    int n_runs;
    int64_t k, n_iter, n_swap;
    uint64_t medoids; /* their hash: FNV-1a of the numbers' bytes, in order of slots */
    uint64_t memory;  /* bytes that the library had at most */
} outcome;

static double now_ms(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static const struct {
    const char *name;
    int32_t method;
} METHODS[] = {
    {"fasterpam", VT_CLUSTER_FASTERPAM},     {"fastpam1", VT_CLUSTER_FASTPAM1},       {"pam", VT_CLUSTER_PAM},
    {"alternating", VT_CLUSTER_ALTERNATING}, {"fasterclara", VT_CLUSTER_FASTERCLARA}, {"fastclarans", VT_CLUSTER_FASTCLARANS},
    {"fastermsc", VT_CLUSTER_FASTERMSC},     {"fastmsc", VT_CLUSTER_FASTMSC},         {"dynmsc", VT_CLUSTER_DYNMSC},
};

static int is(const job *j, const char *method) { return strcmp(j->method, method) == 0; }
static int is_kmeans(const job *j) { return is(j, "kmeans") || is(j, "minibatch"); }
static int32_t dtype(const job *j) { return j->is_f64 ? VT_DTYPE_F64 : VT_DTYPE_F32; }
static size_t element(const job *j) { return j->is_f64 ? sizeof(double) : sizeof(float); }

/* ---- runs ---- */

static vt_status open_distance(vt_context *ctx, const job *j, vt_distance **out) {
    if (j->is_rows) return vt_distance_from_rows(ctx, j->data, dtype(j), j->n, j->dim, 0, VT_METRIC_L2, 0, out);
    return vt_distance_from_matrix(ctx, j->data, dtype(j), j->n, 0, 0, out);
}

static vt_status run_kmedoids(vt_context *ctx, const job *j, vt_clustering **out) {
    vt_cluster_options o = VT_STRUCT_INIT(vt_cluster_options);
    vt_distance *d = NULL;
    o.method = -1;
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (is(j, METHODS[i].name)) o.method = METHODS[i].method;
    o.k = j->k;
    o.max_iter = j->max_iter;
    o.seed = j->seed;
    o.medoids = j->init;
    o.n_medoids = j->init ? j->k : 0;
    vt_status st = open_distance(ctx, j, &d);
    if (st == VT_OK) st = vt_cluster_kmedoids(d, &o, out);
    vt_distance_release(d);
    return st;
}

static vt_status run_kmeans(vt_context *ctx, const job *j, vt_clustering **out) {
    vt_kmeans_options o = VT_STRUCT_INIT(vt_kmeans_options);
    o.method = is(j, "minibatch") ? VT_KMEANS_MINI_BATCH : VT_KMEANS_LLOYD;
    o.k = j->k;
    o.max_iter = j->max_iter;
    o.seed = j->seed;
    o.centroids = j->init;
    if (is(j, "minibatch")) o.tolerance = -1; /* both sides do all their batches */
    return vt_cluster_kmeans(ctx, j->data, dtype(j), j->n, j->dim, 0, &o, out);
}

static vt_status run_silhouette(vt_context *ctx, const job *j, double *mean) {
    vt_distance *d = NULL;
    vt_status st = open_distance(ctx, j, &d);
    if (st == VT_OK) st = vt_silhouette(d, j->init, j->k, NULL, NULL, mean);
    vt_distance_release(d);
    return st;
}

/* ---- what the machine gives ---- */

/* A part of the data, in words; its sum keeps the compiler from leaving the reading out. */
typedef struct part {
    const uint64_t *words;
    size_t n;
    uint64_t sum;
    pthread_t thread;
} part;

static void *read_part(void *arg) {
    enum { LANES = 32 };
    part *p = arg;
    uint64_t lanes[LANES] = {0};
    for (size_t i = 0; i + LANES <= p->n; i += LANES)
        for (size_t l = 0; l < LANES; l++) lanes[l] += p->words[i + l];
    for (size_t l = 0; l < LANES; l++) p->sum += lanes[l];
    return NULL;
}

static vt_status read_all(const job *j, outcome *o) {
    enum { MOST_THREADS = 64 };
    const size_t n_threads = j->threads < MOST_THREADS ? (size_t)j->threads : MOST_THREADS;
    const size_t n = (size_t)j->n * (size_t)(j->is_rows ? j->dim : j->n) * element(j) / sizeof(uint64_t);
    part parts[MOST_THREADS];
    size_t n_started = 1;
    for (size_t i = 0; i < n_threads; i++) parts[i] = (part){.words = (const uint64_t *)j->data + n * i / n_threads, .n = n * (i + 1) / n_threads - n * i / n_threads};
    while (n_started < n_threads && pthread_create(&parts[n_started].thread, NULL, read_part, &parts[n_started]) == 0) n_started++;
    (void)read_part(&parts[0]);
    for (size_t i = 1; i < n_started; i++) pthread_join(parts[i].thread, NULL);
    for (size_t i = 0; i < n_threads; i++) o->loss += (double)(parts[i].sum & 1);
    return n_started == n_threads ? VT_OK : VT_ERR_NOMEM;
}

/* ---- what came out ---- */

static double at(const job *j, int64_t i) { return j->is_f64 ? ((const double *)j->data)[i] : (double)((const float *)j->data)[i]; }

static double distance64(const job *j, int64_t o, int64_t m) {
    double sum = 0;
    if (!j->is_rows) return at(j, o * j->n + m);
    for (int64_t c = 0; c < j->dim; c++) {
        const double d = at(j, o * j->dim + c) - at(j, m * j->dim + c);
        sum += d * d;
    }
    return sqrt(sum);
}

/* The loss in float64, whatever the search summed in. */
static double recompute(const job *j, const int64_t *medoids, int64_t k) {
    double loss = 0;
    for (int64_t o = 0; o < j->n; o++) {
        double nearest = (double)INFINITY;
        for (int64_t i = 0; i < k; i++) nearest = fmin(nearest, distance64(j, o, medoids[i]));
        loss += nearest;
    }
    return loss;
}

static vt_status keep(const job *j, const vt_clustering *c, outcome *o) {
    vt_clustering_info info = VT_STRUCT_INIT(vt_clustering_info);
    const int64_t *medoids = vt_clustering_medoids(c);
    vt_status st = vt_clustering_get_info(c, &info);
    if (st != VT_OK) return st;
    o->loss = o->loss64 = info.loss;
    o->silhouette = info.silhouette;
    o->k = info.k;
    o->n_iter = info.n_iter;
    o->n_swap = info.n_swap;
    if (!medoids) return VT_OK;
    o->loss64 = recompute(j, medoids, info.k);
    o->medoids = 14695981039346656037u;
    for (int64_t i = 0; i < info.k; i++)
        for (int byte = 0; byte < 64; byte += 8) o->medoids = (o->medoids ^ ((uint64_t)medoids[i] >> byte & 255)) * 1099511628211u;
    return VT_OK;
}

static vt_status run_once(const job *j, outcome *o) {
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_clustering *c = NULL;
    co.n_threads = (int32_t)j->threads;
    vt_status st = vt_context_create(&co, &ctx);
    if (st != VT_OK) return st;
    const double t0 = now_ms(CLOCK_MONOTONIC), cpu0 = now_ms(CLOCK_PROCESS_CPUTIME_ID);
    if (is(j, "silhouette")) st = run_silhouette(ctx, j, &o->silhouette);
    else if (is(j, "read")) st = read_all(j, o);
    else st = is_kmeans(j) ? run_kmeans(ctx, j, &c) : run_kmedoids(ctx, j, &c);
    o->cpu[o->n_runs] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu0;
    o->ms[o->n_runs++] = now_ms(CLOCK_MONOTONIC) - t0;
    if (st == VT_OK && c) st = keep(j, c, o);
    o->memory = vt_context_memory_peak(ctx);
    vt_clustering_release(c);
    vt_context_release(ctx);
    return st;
}

static vt_status measure(const job *j, outcome *o) {
    const double t0 = now_ms(CLOCK_MONOTONIC);
    vt_status st = VT_OK;
    while (st == VT_OK && o->n_runs < MOST_RUNS && (o->n_runs == 0 || now_ms(CLOCK_MONOTONIC) - t0 < ENOUGH_MS)) st = run_once(j, o);
    return st;
}

/* ---- arguments and files ---- */

static void *read_file(const char *path, size_t size) {
    FILE *f = fopen(path, "rb");
    void *data = f ? malloc(size) : NULL;
    if (data && fread(data, 1, size, f) != size) {
        free(data);
        data = NULL;
    }
    if (f) fclose(f);
    if (!data) fprintf(stderr, "cluster_speed: %s: no %zu bytes to be had\n", path, size);
    return data;
}

static int64_t number(const char *text) { return strtoll(text, NULL, 10); }

/* The path of the data, or NULL when an argument is not understood. */
static const char *parse(int argc, char **argv, job *j) {
    const char *data = NULL;
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value) return NULL;
        *value++ = '\0';
        const char *key = argv[i];
        if (!strcmp(key, "method")) j->method = value;
        else if (!strcmp(key, "data")) data = value;
        else if (!strcmp(key, "init")) j->init_path = value;
        else if (!strcmp(key, "kind")) j->is_rows = !strcmp(value, "rows");
        else if (!strcmp(key, "dtype")) j->is_f64 = !strcmp(value, "f64");
        else if (!strcmp(key, "n")) j->n = number(value);
        else if (!strcmp(key, "dim")) j->dim = number(value);
        else if (!strcmp(key, "k")) j->k = number(value);
        else if (!strcmp(key, "threads")) j->threads = number(value);
        else if (!strcmp(key, "max_iter")) j->max_iter = number(value);
        else if (!strcmp(key, "seed")) j->seed = (uint64_t)number(value);
        else return NULL;
    }
    return j->method && j->n > 0 && j->k > 0 && (!j->is_rows || j->dim > 0) ? data : NULL;
}

static int load(job *j, const char *path) {
    const size_t n = (size_t)j->n, k = (size_t)j->k;
    const size_t init_size = is(j, "silhouette") ? n * sizeof(int32_t) : is_kmeans(j) ? k * (size_t)j->dim * element(j) : k * sizeof(int64_t);
    j->data = read_file(path, n * (size_t)(j->is_rows ? j->dim : j->n) * element(j));
    if (j->data && j->init_path) j->init = read_file(j->init_path, init_size);
    return j->data && (j->init || !j->init_path);
}

static void print_list(const char *key, const double *values, int n) {
    printf("\"%s\":[", key);
    for (int i = 0; i < n; i++) printf("%s%.3f", i ? "," : "", values[i]);
    printf("],");
}

static void print(const outcome *o) {
    printf("{");
    print_list("ms", o->ms, o->n_runs);
    print_list("cpu", o->cpu, o->n_runs);
    printf("\"loss\":%.17g,\"loss64\":%.17g,\"silhouette\":%.17g,\"k\":%lld,\"n_iter\":%lld,\"n_swap\":%lld,\"medoids\":\"%016llx\",\"memory\":%llu,\"isa\":\"%s\"}\n",
           o->loss, o->loss64, o->silhouette, (long long)o->k, (long long)o->n_iter, (long long)o->n_swap, (unsigned long long)o->medoids,
           (unsigned long long)o->memory, vt_isa());
}

int main(int argc, char **argv) {
    job j = {.threads = 1};
    outcome o = {0};
    const char *path = parse(argc, argv, &j);
    if (!path) {
        fprintf(stderr, "usage: cluster_speed method=NAME kind=matrix|rows dtype=f32|f64 data=FILE n=N k=K [KEY=VALUE...]\n");
        return 2;
    }
    vt_status st = load(&j, path) ? measure(&j, &o) : VT_ERR_IO;
    if (st == VT_OK) print(&o);
    else fprintf(stderr, "cluster_speed: %s: %s\n", vt_status_name(st), vt_error_message());
    free(j.data);
    free(j.init);
    return st != VT_OK;
}
