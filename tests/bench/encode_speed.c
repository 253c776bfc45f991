/* One encoding case for tests/bench/encode.lua:   encode_speed MODEL IDS OUT N_TEXTS N_TOKENS THREADS f32|int8
 * IDS: int32 [N_TEXTS, N_TOKENS]; OUT gets the vectors, float32. Prints a line of JSON: the median time of a call in ms. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "venturi.h"

enum { MOST_RUNS = 30, FEWEST_RUNS = 3 };
static const double ENOUGH_S = 1.0;

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(vt_status st) {
    if (st == VT_OK) return;
    (void)fprintf(stderr, "encode_speed: %s\n", vt_error_message());
    exit(1);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void *read_file(const char *path, size_t size) {
    FILE *f = fopen(path, "rb");
    void *data = malloc(size);
    if (!f || !data || fread(data, 1, size, f) != size) {
        (void)fprintf(stderr, "encode_speed: %s: cannot read %zu bytes\n", path, size);
        exit(1);
    }
    (void)fclose(f);
    return data;
}

static void write_file(const char *path, const vt_buffer *values) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(vt_buffer_data(values), 1, vt_buffer_size(values), f) != vt_buffer_size(values) || fclose(f) != 0) exit(1);
}

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    int64_t n = atoll(argv[4]), n_tokens = atoll(argv[5]), *offsets = calloc((size_t)n + 1, sizeof *offsets);
    const int32_t *ids = read_file(argv[2], (size_t)(n * n_tokens) * sizeof *ids);
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_encoder_options eo = VT_STRUCT_INIT(vt_encoder_options);
    vt_context *ctx;
    vt_encoder *enc;
    double ms[MOST_RUNS], start = 0;
    int runs = 0;
    co.n_threads = atoi(argv[6]);
    eo.numerics = strcmp(argv[7], "int8") == 0 ? VT_ENCODER_INT8 : VT_ENCODER_F32;
    must(vt_context_create(&co, &ctx));
    must(vt_encoder_open(ctx, argv[1], &eo, &enc));
    for (int64_t i = 0; offsets && i <= n; i++) offsets[i] = i * n_tokens;
    for (int run = -1; run < MOST_RUNS && (run < FEWEST_RUNS || now() - start < ENOUGH_S); run++) { /* the first one warms up */
        vt_buffer *values;
        double begin = now();
        if (run == 0) start = begin;
        must(vt_encode_ids(enc, ids, offsets, n, NULL, &values, NULL));
        if (run >= 0) ms[runs++] = (now() - begin) * 1e3;
        if (run == 0) write_file(argv[3], values);
        vt_buffer_release(values);
    }
    qsort(ms, (size_t)runs, sizeof *ms, ascending);
    (void)printf("{\"ms\": %.4f, \"runs\": %d}\n", ms[runs / 2], runs);
    vt_encoder_release(enc);
    vt_context_release(ctx);
    return 0;
}
