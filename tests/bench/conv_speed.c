/* Speed of convolutions through the public interface, f32:   conv_speed THREADS [PART OF A NAME]
 * A line each: name, milliseconds (the best of several), GFLOP/s counting two operations a product; for those bound by memory GB/s of what is read and written
 * once. With one thread the clock is the processor's, so that time which others take does not count. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "venturi/context.h"
#include "venturi/tensor.h"

enum { FORWARD = 1, INPUT = 2, WEIGHT = 4, ALL = 7 };

static const struct {
    const char *name;
    int64_t n, c, h, w, out, kh, kw, stride, padding, dilation, groups;
    int parts;
} cases[] = {
    {"3x3 64-64 56x56 n8", 8, 64, 56, 56, 64, 3, 3, 1, 1, 1, 1, ALL},
    {"3x3 3-64 32x32 n32", 32, 3, 32, 32, 64, 3, 3, 1, 1, 1, 1, ALL},
    {"3x3 64-64 32x32 n16", 16, 64, 32, 32, 64, 3, 3, 1, 1, 1, 1, ALL},
    {"3x3 64-128 32x32 stride 2 n16", 16, 64, 32, 32, 128, 3, 3, 2, 1, 1, 1, ALL},
    {"3x3 128-128 16x16 n16", 16, 128, 16, 16, 128, 3, 3, 1, 1, 1, 1, ALL},
    {"3x3 192-192 8x8 n16", 16, 192, 8, 8, 192, 3, 3, 1, 1, 1, 1, ALL},
    {"3x3 64-3 32x32 n32", 32, 64, 32, 32, 3, 3, 3, 1, 1, 1, 1, ALL},
    {"1x1 64-64 32x32 n16", 16, 64, 32, 32, 64, 1, 1, 1, 0, 1, 1, ALL},
    {"1x1 192-64 16x16 n16", 16, 192, 16, 16, 64, 1, 1, 1, 0, 1, 1, ALL},
    {"1d 9 128-128 1024 n8", 8, 128, 1, 1024, 128, 1, 9, 1, 0, 1, 1, ALL},
    {"3x3 64-64 32x32 dilation 2 n16", 16, 64, 32, 32, 64, 3, 3, 1, 2, 2, 1, ALL},
    {"3x3 64-64 32x32 groups 4 n16", 16, 64, 32, 32, 64, 3, 3, 1, 1, 1, 4, ALL},
    {"3x3 64-64 32x32 groups 16 n16", 16, 64, 32, 32, 64, 3, 3, 1, 1, 1, 16, ALL},
    {"depthwise 3x3 64 56x56 n8", 8, 64, 56, 56, 64, 3, 3, 1, 1, 1, 64, ALL},
    {"depthwise 3x3 128 32x32 stride 2 n16", 16, 128, 32, 32, 128, 3, 3, 2, 1, 1, 128, ALL},
    {"depthwise 5x5 256 14x14 n16", 16, 256, 14, 14, 256, 5, 5, 1, 2, 1, 256, ALL},
    {"depthwise 7x7 96 56x56 n2", 2, 96, 56, 56, 96, 7, 7, 1, 3, 1, 96, ALL},
};

static clockid_t clock_used = CLOCK_PROCESS_CPUTIME_ID;
static int64_t n_threads;

static double seconds(void) {
    struct timespec t;
    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(vt_status st) {
    if (st == VT_OK) return;
    fprintf(stderr, "%s\n", vt_error_message());
    exit(1);
}

static vt_tensor *numbers(vt_context *ctx, const int64_t *shape, int32_t n_dims) {
    vt_tensor *t;
    must(vt_tensor_create(ctx, VT_DTYPE_F32, shape, n_dims, VT_DEVICE_CPU, &t));
    float *x = vt_tensor_data(t);
    for (int64_t i = 0; i < vt_tensor_count(t); i++) x[i] = (float)(i * 29 % 64) / 32 - 1;
    return t;
}

static double best_time(vt_context *ctx, const char *name, vt_tensor **in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs) {
    double best = 1e9, begin = seconds();
    int32_t op;
    must(vt_op_find(name, &op));
    for (int run = 0; run < 5 || seconds() - begin < 0.25; run++) {
        vt_tensor *out[VT_OP_MAX_OUTPUTS];
        double t = seconds();
        must(vt_op_run(ctx, op, in, n_in, attrs, n_attrs, out));
        t = seconds() - t;
        vt_tensor_release(out[0]);
        best = t < best ? t : best;
    }
    return best;
}

static void report(size_t k, const char *part, double best, int64_t numbers_moved, int64_t products) {
    printf("conv %s %s t%lld %.4f %.1f", cases[k].name, part, (long long)n_threads, best * 1e3, 2e-9 * (double)products / best);
    if (cases[k].groups == cases[k].c) printf(" %.1f GB/s", 4e-9 * (double)numbers_moved / best);
    putchar('\n');
    fflush(stdout);
}

static void measure(vt_context *ctx, size_t k) {
    int64_t oh = (cases[k].h + 2 * cases[k].padding * (cases[k].h > 1) - cases[k].dilation * (cases[k].kh - 1) - 1) / cases[k].stride + 1;
    int64_t ow = (cases[k].w + 2 * cases[k].padding - cases[k].dilation * (cases[k].kw - 1) - 1) / cases[k].stride + 1;
    const int64_t xs[] = {cases[k].n, cases[k].c, cases[k].h, cases[k].w}, ws[] = {cases[k].out, cases[k].c / cases[k].groups, cases[k].kh, cases[k].kw};
    const int64_t ys[] = {cases[k].n, cases[k].out, oh, ow}, kernel[] = {cases[k].kh, cases[k].kw}, stride[] = {cases[k].h > 1 ? cases[k].stride : 1, cases[k].stride};
    int64_t more[2];
    vt_tensor *x = numbers(ctx, xs, 4), *w = numbers(ctx, ws, 4), *b = numbers(ctx, ws, 1), *y = numbers(ctx, ys, 4);
    vt_tensor *forward[] = {x, w, b}, *input[] = {y, w}, *weight[] = {x, y};
    for (int d = 0; d < 2; d++) more[d] = xs[2 + d] - ((ys[2 + d] - 1) * stride[d] - 2 * cases[k].padding + cases[k].dilation * (kernel[d] - 1) + 1);
    const vt_attr attrs[] = {{.name = "stride", .list = stride, .n_list = 2}, {.name = "padding", .i = cases[k].padding}, {.name = "dilation", .i = cases[k].dilation},
        {.name = "groups", .i = cases[k].groups}, {.name = "kernel", .list = kernel, .n_list = 2}};
    const vt_attr back[] = {attrs[0], attrs[1], attrs[2], attrs[3], {.name = "output_padding", .list = more, .n_list = 2}};
    int64_t moved = vt_tensor_count(x) + vt_tensor_count(y), products = vt_tensor_count(y) * ws[1] * ws[2] * ws[3];
    if (cases[k].parts & FORWARD) report(k, "forward", best_time(ctx, "conv2d", forward, 3, attrs, 4), moved, products);
    if (cases[k].parts & INPUT) report(k, "input", best_time(ctx, "conv_transpose2d", input, 2, back, 5), moved, products);
    if (cases[k].parts & WEIGHT) report(k, "weight", best_time(ctx, "conv2d_weight", weight, 2, attrs, 5), moved, products);
    vt_tensor_release(x), vt_tensor_release(w), vt_tensor_release(b), vt_tensor_release(y);
}

int main(int argc, char **argv) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx;
    if (argc < 2) {
        fprintf(stderr, "usage: conv_speed THREADS [PART OF A NAME]\n");
        return 2;
    }
    n_threads = strtol(argv[1], NULL, 10);
    if (n_threads > 1) clock_used = CLOCK_MONOTONIC;
    o.n_threads = (int32_t)n_threads;
    must(vt_context_create(&o, &ctx));
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        if (argc < 3 || strstr(cases[k].name, argv[2])) measure(ctx, k);
    vt_context_release(ctx);
    return 0;
}
