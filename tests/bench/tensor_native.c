/* One case of tensors by the system's libraries, for tests/bench/tensor.lua:   tensor_native openblas|fftw|copy KIND VARIANT SIZE THREADS
 * OpenBLAS for `gemm f32|f64`, FFTW (MEASURE plans, out of place) for `fft`, the C library's memcpy on each thread's part for `stream copy`: the yardstick of what
 * goes through memory. Libraries are opened at run time: a missing one is said on stderr, with status 3. Prints a line of JSON. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <pthread.h>

#include "tensor_case.h"

enum { MISSING = 3, ROW_MAJOR = 101, NO_TRANSPOSE = 111, FORWARD = -1, MEASURE = 0 };

static void *need_library(const char *name) {
    void *library = dlopen(name, RTLD_NOW | RTLD_GLOBAL);
    if (library) return library;
    (void)fprintf(stderr, "tensor_native: %s\n", dlerror());
    exit(MISSING);
}

/* Sets a pointer to a function; ISO C has no other way from an object's address. */
static void find(void *library, const char *name, void *fn, size_t size) {
    void *address = dlsym(library, name);
    if (!address) {
        (void)fprintf(stderr, "tensor_native: no %s\n", name);
        exit(MISSING);
    }
    memcpy(fn, &address, size);
}

static void *room(size_t size) {
    void *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!p) exit(1);
    memset(p, 0, size);
    return p;
}

/* ---- OpenBLAS ---- */

struct gemm {
    void (*f32)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
    void (*f64)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);
    void *a, *b, *c;
    int n, is_double;
};

static void run_gemm(void *user) {
    const struct gemm *g = user;
    int n = g->n;
    if (g->is_double) g->f64(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, n, n, n, 1, g->a, n, g->b, n, 0, g->c, n);
    else g->f32(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, n, n, n, 1, g->a, n, g->b, n, 0, g->c, n);
}

static void fill(void *data, int64_t count, int is_double, uint64_t seed) {
    for (int64_t i = 0; i < count; i++) {
        float x = bench_number((uint64_t)i, seed);
        if (is_double) ((double *)data)[i] = (double)x;
        else ((float *)data)[i] = x;
    }
}

static int measure_gemm(const bench_case *c) {
    void *library = need_library("libopenblas.so.0");
    void (*set_threads)(int);
    char *(*config)(void), *(*core)(void), more[256];
    struct gemm g = {.n = (int)c->size, .is_double = strcmp(c->variant, "f64") == 0};
    int64_t count = c->size * c->size;
    size_t size = (size_t)count * (g.is_double ? 8 : 4);
    double probes[N_PROBES];
    int n_runs;
    find(library, "openblas_set_num_threads", &set_threads, sizeof set_threads);
    find(library, "openblas_get_config", &config, sizeof config);
    find(library, "openblas_get_corename", &core, sizeof core);
    find(library, "cblas_sgemm", &g.f32, sizeof g.f32);
    find(library, "cblas_dgemm", &g.f64, sizeof g.f64);
    set_threads(c->threads);
    g.a = room(size), g.b = room(size), g.c = room(size);
    fill(g.a, count, g.is_double, 0);
    fill(g.b, count, g.is_double, 1);
    double ms = bench_median(run_gemm, &g, &n_runs);
    for (int i = 0; i < N_PROBES; i++) {
        int64_t at = bench_probe_at(count, i);
        probes[i] = g.is_double ? ((double *)g.c)[at] : (double)((float *)g.c)[at];
    }
    (void)snprintf(more, sizeof more, ", \"version\": \"%.80s, %.40s kernels\"", config(), core());
    bench_print(ms, n_runs, probes, N_PROBES, more);
    return 0;
}

/* ---- FFTW ---- */

struct fft {
    void (*execute)(void *plan);
    void *plan;
};

static void run_fft(void *user) {
    const struct fft *f = user;
    f->execute(f->plan);
}

static int measure_fft(const bench_case *c) {
    void *library = need_library("libfftw3f.so.3"), *threads = need_library("libfftw3f_threads.so.3");
    int (*init)(void);
    void (*use)(int);
    void *(*plan)(int, const int *, int, void *, const int *, int, int, void *, const int *, int, int, int, unsigned);
    struct fft f;
    int is_2d = strcmp(c->variant, "2d") == 0, n = (int)c->size, each = is_2d ? n * n : n, extents[2] = {n, n};
    float *in = room((size_t)ALL_POINTS * 8), *out = room((size_t)ALL_POINTS * 8);
    double probes[N_PROBES];
    int n_runs;
    find(threads, "fftwf_init_threads", &init, sizeof init);
    find(threads, "fftwf_plan_with_nthreads", &use, sizeof use);
    find(library, "fftwf_plan_many_dft", &plan, sizeof plan);
    find(library, "fftwf_execute", &f.execute, sizeof f.execute);
    if (!init()) return 1;
    use(c->threads);
    f.plan = plan(is_2d ? 2 : 1, extents, ALL_POINTS / each, in, NULL, 1, each, out, NULL, 1, each, FORWARD, MEASURE);
    if (!f.plan) return 1;
    fill(in, 2 * ALL_POINTS, 0, 0); /* planning overwrites */
    double ms = bench_median(run_fft, &f, &n_runs);
    for (int i = 0; i < N_PROBES; i++) probes[i] = (double)out[bench_probe_at(2 * ALL_POINTS, i)];
    char more[128];
    const char *version = dlsym(library, "fftwf_version");
    (void)snprintf(more, sizeof more, ", \"version\": \"%.100s\"", version ? version : "?");
    bench_print(ms, n_runs, probes, N_PROBES, more);
    return 0;
}

/* ---- memory ---- */

struct part {
    char *to;
    const char *from;
    size_t size;
};

struct copy {
    struct part *parts;
    int n;
};

static void *copy_part(void *user) {
    const struct part *p = user;
    memcpy(p->to, p->from, p->size);
    return NULL;
}

static void run_copy(void *user) {
    const struct copy *c = user;
    pthread_t threads[64];
    for (int i = 1; i < c->n; i++)
        if (pthread_create(&threads[i], NULL, copy_part, &c->parts[i])) exit(1);
    (void)copy_part(&c->parts[0]);
    for (int i = 1; i < c->n; i++) (void)pthread_join(threads[i], NULL);
}

static int measure_copy(const bench_case *c) {
    size_t size = (size_t)c->size * ROW * sizeof(float), each = size / (size_t)c->threads;
    struct part parts[64];
    struct copy all = {parts, c->threads < 64 ? c->threads : 64};
    char *from = room(size), *to = room(size);
    int n_runs;
    for (int i = 0; i < all.n; i++) parts[i] = (struct part){to + (size_t)i * each, from + (size_t)i * each, each};
    double ms = bench_median(run_copy, &all, &n_runs);
    bench_print(ms, n_runs, NULL, 0, NULL);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    bench_case c = bench_read(argc - 1, argv + 1);
    if (strcmp(what, "openblas") == 0) return measure_gemm(&c);
    if (strcmp(what, "fftw") == 0) return measure_fft(&c);
    if (strcmp(what, "copy") == 0) return measure_copy(&c);
    return 2;
}
