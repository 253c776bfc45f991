/* One step of a solver without its model.   solver_speed SOLVER THREADS:   dpm++2m, ddim, euler; prints a line of JSON: microseconds of a step at 8 x 4 x 64 x 64 float32, of
 * copying the tensors that it must touch, and probes of the result. The model is a prediction that lies there: element i of input s is number(i, s). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "venturi.h"

enum { STEPS = 20, RUNS = 40, ROWS = 8, N_PROBES = 4, MOST_TENSORS = 5 };
static const int64_t shape[] = {ROWS, 4, 64, 64};
static const int64_t count = ROWS * 4 * 64 * 64;

static float number(uint64_t i, uint64_t seed) {
    uint32_t bits = (uint32_t)((i + 1) * 2654435761u + seed * 40503u);
    bits ^= bits >> 15;
    bits *= 2246822519u;
    return (float)(bits >> 8) * 0x1p-24f - 0.5f;
}

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void need(vt_status st) {
    if (st == VT_OK) return;
    fprintf(stderr, "solver_speed: %s\n", vt_error_message());
    exit(1);
}

static int by_size(const void *a, const void *b) {
    const double d = *(const double *)a - *(const double *)b;
    return d < 0 ? -1 : d > 0;
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_size);
    return v[n / 2];
}

static vt_tensor *filled(vt_context *ctx, uint64_t seed) {
    vt_tensor *t = NULL;
    need(vt_tensor_create(ctx, VT_DTYPE_F32, shape, 4, VT_DEVICE_CPU, &t));
    for (int64_t i = 0; i < count; i++) ((float *)vt_tensor_data(t))[i] = number((uint64_t)i, seed);
    return t;
}

/* Seconds of a step, the median over all but each run's first two. */
static double time_steps(vt_solver *solver, vt_tensor *x, vt_tensor *prediction) {
    static double seconds[RUNS * STEPS];
    int n = 0;
    for (int run = 0; run < RUNS; run++) {
        need(vt_solver_begin(solver, x, NULL));
        for (int step = 0; step < STEPS; step++) {
            const double from = now();
            need(vt_solver_step(solver, &prediction, 1));
            if (step >= 2 && step < STEPS - 1) seconds[n++] = now() - from;
        }
    }
    return median(seconds, n);
}

/* Seconds of copying n tensors to others. */
static double time_copies(vt_context *ctx, int n) {
    vt_tensor *from[MOST_TENSORS], *to[MOST_TENSORS];
    double seconds[RUNS * STEPS];
    for (int k = 0; k < n; k++) from[k] = filled(ctx, (uint64_t)k), to[k] = filled(ctx, 9);
    for (int run = 0; run < RUNS * STEPS; run++) {
        const double start = now();
        for (int k = 0; k < n; k++) memcpy(vt_tensor_data(to[k]), vt_tensor_data(from[k]), (size_t)count * sizeof(float));
        seconds[run] = now() - start;
    }
    for (int k = 0; k < n; k++) vt_tensor_release(from[k]), vt_tensor_release(to[k]);
    return median(seconds, RUNS * STEPS);
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "dpm++2m";
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_solver_options o = VT_STRUCT_INIT(vt_solver_options);
    vt_context *ctx = NULL;
    vt_schedule *schedule = NULL;
    vt_solver *solver = NULL;
    int n_tensors = 4; /* x, prediction, its data, the new x */
    co.n_threads = argc > 2 ? atoi(argv[2]) : 1;
    o.n_steps = STEPS;
    o.spacing = VT_SPACING_LINSPACE;
    if (strcmp(name, "dpm++2m") == 0) o.kind = VT_SOLVER_DPM, n_tensors = 5; /* and the data before */
    else if (strcmp(name, "euler") == 0) o.kind = VT_SOLVER_EULER;
    else o.kind = VT_SOLVER_DDIM;
    need(vt_context_create(&co, &ctx));
    need(vt_schedule_create(ctx, NULL, &schedule));
    need(vt_solver_create(ctx, schedule, &o, &solver));
    vt_tensor *x = filled(ctx, 1), *prediction = filled(ctx, 2);
    const double step = time_steps(solver, x, prediction), copy = time_copies(ctx, n_tensors);
    printf("{\"us\": %.3f, \"copy_us\": %.3f, \"probes\": [", step * 1e6, copy * 1e6);
    for (int k = 0; k < N_PROBES; k++) printf("%s%.6f", k ? ", " : "", (double)((const float *)vt_tensor_data(vt_solver_state(solver)))[k * 30011]);
    printf("]}\n");
    vt_tensor_release(x);
    vt_tensor_release(prediction);
    vt_solver_release(solver);
    vt_schedule_release(schedule);
    vt_context_release(ctx);
    return 0;
}
