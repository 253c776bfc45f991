/* What the speed programs of tensors share: a case in words, the numbers that all fill their inputs with, the clock, and the line of JSON at the end.
 *
 * A case is KIND VARIANT SIZE: gemm f32|f64|bf16 N; attention fwd|causal|fwdbwd LENGTH (8 heads of 64); attention memory|memorybwd LENGTH; conv fwd|bwd|depthwise
 * CHANNELS (3x3 over 56x56, 8 images); fft 1d|2d POINTS (2^20 in all); stream copy|chain|softmax|layer_norm ROWS (of 4096 float32).
 * Element i of input number s is bench_number(i, s), so that every program's results can be compared by a few of them. */
#ifndef VENTURI_BENCH_TENSOR_CASE_H
#define VENTURI_BENCH_TENSOR_CASE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RUNS = 200, FEWEST_RUNS = 3, N_PROBES = 8, HEADS = 8, HEAD_DIM = 64, IMAGES = 8, IMAGE = 56, ALL_POINTS = 1 << 20, ROW = 4096 };
static const double ENOUGH_S = 0.5;

typedef struct bench_case {
    const char *kind, *variant;
    int64_t size;
    int threads;
} bench_case;

/* In [-0.5, 0.5), by the high bits of a product. */
static inline float bench_number(uint64_t i, uint64_t seed) {
    uint32_t bits = (uint32_t)((i + 1) * 2654435761u + seed * 40503u);
    bits ^= bits >> 15;
    bits *= 2246822519u;
    return (float)(bits >> 8) * 0x1p-24f - 0.5f;
}

static inline double bench_now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* KIND VARIANT SIZE THREADS */
static inline bench_case bench_read(int argc, char **argv) {
    if (argc < 5) {
        (void)fprintf(stderr, "usage: %s KIND VARIANT SIZE THREADS\n", argv[0]);
        exit(2);
    }
    return (bench_case){argv[1], argv[2], atoll(argv[3]), atoi(argv[4])};
}

static inline int bench_ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Runs once to warm up, then until it is enough; the median in ms. */
static inline double bench_median(void (*run)(void *user), void *user, int *n_runs) {
    double ms[MOST_RUNS], start = 0;
    int n = 0;
    for (int i = -1; i < MOST_RUNS && (i < FEWEST_RUNS || bench_now() - start < ENOUGH_S); i++) {
        double begin = bench_now();
        if (i == 0) start = begin;
        run(user);
        if (i >= 0) ms[n++] = (bench_now() - begin) * 1e3;
    }
    qsort(ms, (size_t)n, sizeof *ms, bench_ascending);
    *n_runs = n;
    return ms[n / 2];
}

/* Elements of the result at N_PROBES places that lie evenly. */
static inline void bench_print(double ms, int n_runs, const double *probes, int n_probes, const char *more) {
    (void)printf("{\"ms\": %.5f, \"runs\": %d, \"probes\": [", ms, n_runs);
    for (int i = 0; i < n_probes; i++) (void)printf("%s%.9g", i ? ", " : "", probes[i]);
    (void)printf("]%s}\n", more ? more : "");
}

static inline int64_t bench_probe_at(int64_t count, int i) { return i * (count - 1) / (N_PROBES - 1); }

#endif
