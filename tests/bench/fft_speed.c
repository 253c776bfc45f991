/* Speed of complex Fourier transforms, Venturi's and FFTW's side by side:   fft_speed THREADS [CASE...]
 * Prints "WHO CASE MS GFLOPS" lines, WHO venturi or fftw: the best of several calls, taken in turn, counting 5 n log2(n) operations a transform. FFTW plans with
 * FFTW_MEASURE into arrays of its own; it is loaded when it is there, so that nothing of it is needed to build this. */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "venturi.h"

static const struct {
    const char *name;
    int64_t batch, shape[2]; /* rows of shape[1] points, or pictures */
    int wide;                /* of float64 */
} cases[] = {{"64", 16384, {1, 64}, 0},     {"256", 4096, {1, 256}, 0},       {"512", 2048, {1, 512}, 0},       {"1024", 1024, {1, 1024}, 0},
             {"2048", 512, {1, 2048}, 0},   {"4096", 256, {1, 4096}, 0},      {"65536", 16, {1, 65536}, 0},     {"1m", 1, {1, 1048576}, 0},
             {"1000", 1024, {1, 1000}, 0},  {"256x256", 16, {256, 256}, 0},   {"512x512", 16, {512, 512}, 0},   {"c128-256", 4096, {1, 256}, 1},
             {"c128-1024", 1024, {1, 1024}, 1}, {"c128-4096", 256, {1, 4096}, 1}, {"c128-65536", 16, {1, 65536}, 1}, {"c128-1m", 1, {1, 1048576}, 1},
             {"c128-256x256", 16, {256, 256}, 1}};
enum { N_CASES = sizeof cases / sizeof cases[0] };

/* What is used of FFTW, by the names of either precision. */
typedef struct fftw {
    int (*init_threads)(void);
    void (*plan_with_nthreads)(int n);
    void *(*malloc)(size_t size);
    void (*free)(void *p);
    void *(*plan_many_dft)(int rank, const int *n, int howmany, void *in, const int *in_embed, int in_stride, int in_distance, void *out, const int *out_embed,
                           int out_stride, int out_distance, int sign, unsigned flags);
    void (*execute)(const void *plan);
    void (*destroy_plan)(void *plan);
} fftw;

static void check(vt_status st) {
    if (st == VT_OK) return;
    fprintf(stderr, "fft_speed: %s\n", vt_error_message());
    exit(1);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int load_fftw(fftw *f, int wide) {
    static const char *const names[] = {"init_threads", "plan_with_nthreads", "malloc", "free", "plan_many_dft", "execute", "destroy_plan"};
    void *plain = dlopen(wide ? "libfftw3.so.3" : "libfftw3f.so.3", RTLD_NOW | RTLD_GLOBAL);
    void *threads = dlopen(wide ? "libfftw3_threads.so.3" : "libfftw3f_threads.so.3", RTLD_NOW | RTLD_GLOBAL);
    void *found[sizeof names / sizeof names[0]];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "fftw%s_%s", wide ? "" : "f", names[i]);
        if (!plain || !threads || !(found[i] = dlsym(i < 2 ? threads : plain, name))) return 0;
    }
    memcpy(f, found, sizeof found); /* functions by dlsym: the same size on every system that has it */
    return f->init_threads();
}

/* Numbers of one case in both hands. */
typedef struct subject {
    int c, threads, dims, has_fftw;
    vt_context *ctx;
    vt_tensor *x, *y;
    int32_t op;
    fftw f;
    void *in, *out, *plan;
} subject;

static void run_ours(subject *s) {
    vt_tensor *out[VT_OP_MAX_OUTPUTS] = {s->y};
    if (s->dims == 1) {
        check(vt_op_run_into(s->ctx, s->op, &s->x, 1, NULL, 0, out, 1));
    } else {
        check(vt_op_run(s->ctx, s->op, &s->x, 1, NULL, 0, out));
        vt_tensor_release(out[0]);
    }
}

static void prepare(subject *s) {
    int64_t rows = cases[s->c].shape[0], n = cases[s->c].shape[1], count = cases[s->c].batch * rows * n, shape[] = {cases[s->c].batch, rows, n};
    size_t size = (size_t)count * (cases[s->c].wide ? 16 : 8);
    int32_t dtype = cases[s->c].wide ? VT_DTYPE_C128 : VT_DTYPE_C64;
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    o.n_threads = s->threads;
    s->dims = rows > 1 ? 2 : 1;
    check(vt_context_create(&o, &s->ctx));
    check(vt_op_find(s->dims == 2 ? "fft2" : "dft", &s->op));
    check(vt_tensor_create(s->ctx, dtype, shape, 3, 0, &s->x));
    check(vt_tensor_create(s->ctx, dtype, shape, 3, 0, &s->y));
    s->has_fftw = load_fftw(&s->f, cases[s->c].wide);
    void *x = malloc(size);
    if (!x) exit(1);
    for (int64_t i = 0; i < 2 * count; i++) {
        double v = (double)(i * 2654435761 % 1000003) / 500001.5 - 1;
        if (cases[s->c].wide) ((double *)x)[i] = v;
        else ((float *)x)[i] = (float)v;
    }
    check(vt_tensor_write(s->x, x, size));
    if (s->has_fftw) {
        const int n2[] = {(int)rows, (int)n};
        s->in = s->f.malloc(size);
        s->out = s->f.malloc(size);
        s->f.plan_with_nthreads(s->threads);
        s->plan = s->f.plan_many_dft(s->dims, n2 + 2 - s->dims, (int)cases[s->c].batch, s->in, NULL, 1, (int)(rows * n), s->out, NULL, 1, (int)(rows * n), -1, 0);
        memcpy(s->in, x, size); /* planning wrote there */
    }
    free(x);
}

/* The largest difference of the two results over the largest number. */
static double difference(const subject *s) {
    int wide = cases[s->c].wide;
    int64_t count = 2 * vt_tensor_count(s->x);
    vt_tensor *out[VT_OP_MAX_OUTPUTS] = {vt_tensor_retain(s->y)};
    if (s->dims == 2) {
        vt_tensor_release(out[0]);
        check(vt_op_run(s->ctx, s->op, &s->x, 1, NULL, 0, out));
    }
    size_t size = (size_t)count * (wide ? 8 : 4);
    void *ours = malloc(size);
    if (!ours) exit(1);
    check(vt_tensor_read(out[0], ours, size)); /* whatever its strides */
    double worst = 0, most = 0;
    for (int64_t i = 0; i < count; i++) {
        double a = wide ? ((const double *)ours)[i] : (double)((const float *)ours)[i], b = wide ? ((const double *)s->out)[i] : (double)((const float *)s->out)[i];
        worst = fmax(worst, fabs(a - b));
        most = fmax(most, fabs(b));
    }
    vt_tensor_release(out[0]);
    free(ours);
    return worst / most;
}

static void measure(int c, int threads) {
    subject s = {.c = c, .threads = threads};
    double best[2] = {1e9, 1e9}, n = (double)(cases[c].shape[0] * cases[c].shape[1]);
    prepare(&s);
    double flops = 5 * n * log2(n) * (double)cases[c].batch, end = seconds() + 0.6;
    for (int run = 0; run < 6 || seconds() < end; run++) {
        double t0 = seconds();
        run_ours(&s);
        double t1 = seconds();
        if (s.plan) s.f.execute(s.plan);
        double t2 = seconds();
        best[0] = fmin(best[0], t1 - t0);
        best[1] = fmin(best[1], t2 - t1);
    }
    for (int who = 0; who < (s.plan ? 2 : 1); who++)
        printf("%s %s %.4f %.1f\n", who ? "fftw" : "venturi", cases[c].name, best[who] * 1e3, 1e-9 * flops / best[who]);
    if (s.plan && difference(&s) > (cases[c].wide ? 1e-13 : 1e-5)) {
        fprintf(stderr, "fft_speed: %s: the results differ by %g\n", cases[c].name, difference(&s));
        exit(1);
    }
    (void)fflush(stdout);
    if (s.plan) {
        s.f.destroy_plan(s.plan);
        s.f.free(s.in);
        s.f.free(s.out);
    }
    vt_tensor_release(s.x);
    vt_tensor_release(s.y);
    vt_context_release(s.ctx);
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 0;
    if (threads < 1) {
        fprintf(stderr, "usage: fft_speed THREADS [CASE...]\ncases:");
        for (int c = 0; c < N_CASES; c++) fprintf(stderr, " %s", cases[c].name);
        fprintf(stderr, "\n");
        return 2;
    }
    for (int c = 0; c < N_CASES; c++) {
        int wanted = argc == 2;
        for (int i = 2; i < argc; i++) wanted |= strcmp(argv[i], cases[c].name) == 0;
        if (wanted) measure(c, threads);
    }
    return 0;
}
