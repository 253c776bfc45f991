/* One case of tensors, ours, for tests/bench/tensor.lua:   tensor_speed KIND VARIANT SIZE THREADS        (tests/bench/tensor_case.h says which)
 * Prints a line of JSON: the median time of a call in ms, some numbers of the result, for `attention memory` and `memorybwd` the bytes that the call needed on top.
 * Results go into tensors that are there wherever an operation can. */
#define _POSIX_C_SOURCE 200809L
#include "tensor_case.h"
#include "venturi.h"

enum { MOST_INPUTS = 4, MOST_ATTRS = 5, MOST_STEPS = 3 };

typedef struct step {
    int32_t op, n_in, n_attrs;
    vt_tensor *in[MOST_INPUTS], *into; /* into NULL: a new tensor */
    vt_attr attrs[MOST_ATTRS];
} step;

typedef struct work {
    vt_context *ctx;
    step steps[MOST_STEPS];
    int n_steps;
    vt_tensor *last;                            /* result of the last step; with wrt, the first gradient */
    vt_tensor *wrt[MOST_INPUTS], *grad_out;     /* gradients wanted; none: only forward */
    int32_t n_wrt;
} work;

static void must(vt_status st) {
    if (st == VT_OK) return;
    (void)fprintf(stderr, "tensor_speed: %s\n", vt_error_message());
    exit(1);
}

static void *room(size_t size) {
    void *p = malloc(size ? size : 1);
    if (!p) exit(1);
    return p;
}

/* ---- inputs ---- */

static vt_tensor *empty(vt_context *ctx, int32_t dtype, const int64_t *shape, int32_t n) {
    vt_tensor *t;
    must(vt_tensor_create(ctx, dtype, shape, n, VT_DEVICE_CPU, &t));
    return t;
}

/* Of type f32 or f64, or pairs of f32 as complex numbers. */
static vt_tensor *numbers(vt_context *ctx, int32_t dtype, const int64_t *shape, int32_t n, uint64_t seed) {
    vt_tensor *t = empty(ctx, dtype, shape, n);
    int64_t count = vt_tensor_count(t) * (dtype == VT_DTYPE_C64 ? 2 : 1);
    float *f = vt_tensor_data(t);
    double *d = vt_tensor_data(t);
    for (int64_t i = 0; i < count; i++) {
        if (dtype == VT_DTYPE_F64) d[i] = (double)bench_number((uint64_t)i, seed);
        else f[i] = bench_number((uint64_t)i, seed);
    }
    return t;
}

static int32_t op(const char *name) {
    int32_t number;
    must(vt_op_find(name, &number));
    return number;
}

static vt_tensor *as_bf16(vt_context *ctx, vt_tensor *t) {
    vt_attr to = {.name = "dtype", .i = VT_DTYPE_BF16};
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    must(vt_op_run(ctx, op("cast"), &t, 1, &to, 1, out));
    vt_tensor_release(t);
    return out[0];
}

/* ---- running ---- */

static void run(void *user) {
    work *w = user;
    vt_tensor_release(w->last);
    w->last = NULL;
    for (int i = 0; i < w->n_steps; i++) {
        step *s = &w->steps[i];
        vt_tensor *out[VT_OP_MAX_OUTPUTS] = {NULL};
        if (s->into) {
            must(vt_op_run_into(w->ctx, s->op, s->in, s->n_in, s->attrs, s->n_attrs, &s->into, 1));
            out[0] = vt_tensor_retain(s->into);
        } else {
            must(vt_op_run(w->ctx, s->op, s->in, s->n_in, s->attrs, s->n_attrs, out));
        }
        for (int k = 1; k < VT_OP_MAX_OUTPUTS; k++) vt_tensor_release(out[k]);
        vt_tensor_release(w->last);
        w->last = out[0];
    }
    if (!w->n_wrt) return;
    vt_tensor *grads[MOST_INPUTS];
    must(vt_gradients(w->ctx, &w->last, &w->grad_out, 1, w->wrt, w->n_wrt, 0, grads));
    vt_tensor_release(w->last);
    w->last = grads[0];
    for (int k = 1; k < w->n_wrt; k++) vt_tensor_release(grads[k]);
}

/* ---- the cases ---- */

static void set_gemm(work *w, const bench_case *c) {
    int32_t dtype = strcmp(c->variant, "f64") == 0 ? VT_DTYPE_F64 : VT_DTYPE_F32, is_half = strcmp(c->variant, "bf16") == 0;
    const int64_t shape[2] = {c->size, c->size};
    step *s = &w->steps[w->n_steps++];
    *s = (step){.op = op("matmul"), .n_in = 2, .into = empty(w->ctx, is_half ? VT_DTYPE_BF16 : dtype, shape, 2)};
    for (uint64_t i = 0; i < 2; i++) {
        s->in[i] = numbers(w->ctx, dtype, shape, 2, i);
        if (is_half) s->in[i] = as_bf16(w->ctx, s->in[i]);
    }
}

static void want_gradients(work *w, int32_t n) {
    step *s = &w->steps[0];
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    must(vt_op_run(w->ctx, s->op, s->in, s->n_in, s->attrs, s->n_attrs, out));
    w->grad_out = numbers(w->ctx, VT_DTYPE_F32, vt_tensor_shape(out[0]), 4, 7);
    for (int k = 0; k < VT_OP_MAX_OUTPUTS; k++) vt_tensor_release(out[k]);
    w->n_wrt = n;
    for (int32_t i = 0; i < n; i++) {
        w->wrt[i] = s->in[i];
        must(vt_tensor_set_requires_grad(s->in[i], 1));
    }
}

static void set_attention(work *w, const bench_case *c) {
    const int64_t shape[4] = {1, HEADS, c->size, HEAD_DIM};
    step *s = &w->steps[w->n_steps++];
    *s = (step){.op = op("attention"), .n_in = 3, .n_attrs = 1, .attrs = {{.name = "causal", .i = strcmp(c->variant, "causal") == 0}}};
    for (uint64_t i = 0; i < 3; i++) s->in[i] = numbers(w->ctx, VT_DTYPE_F32, shape, 4, i);
    if (strcmp(c->variant, "fwdbwd") == 0 || strcmp(c->variant, "memorybwd") == 0) want_gradients(w, 3);
}

static void set_conv(work *w, const bench_case *c) {
    int is_depthwise = strcmp(c->variant, "depthwise") == 0;
    const int64_t x[4] = {IMAGES, c->size, IMAGE, IMAGE}, filters[4] = {c->size, is_depthwise ? 1 : c->size, 3, 3};
    step *s = &w->steps[w->n_steps++];
    *s = (step){.op = op("conv2d"), .n_in = 2, .n_attrs = 2, .attrs = {{.name = "padding", .i = 1}, {.name = "groups", .i = is_depthwise ? c->size : 1}}};
    s->in[0] = numbers(w->ctx, VT_DTYPE_F32, x, 4, 0);
    s->in[1] = numbers(w->ctx, VT_DTYPE_F32, filters, 4, 1);
    if (strcmp(c->variant, "bwd") == 0) want_gradients(w, 2);
}

static void set_fft(work *w, const bench_case *c) {
    int is_2d = strcmp(c->variant, "2d") == 0;
    const int64_t shape[3] = {ALL_POINTS / c->size / (is_2d ? c->size : 1), c->size, c->size};
    step *s = &w->steps[w->n_steps++];
    *s = (step){.op = op(is_2d ? "fft2" : "fft"), .n_in = 1};
    s->in[0] = numbers(w->ctx, VT_DTYPE_C64, shape, is_2d ? 3 : 2, 0);
}

/* A chain is max(0, a + b c) in three operations, each from memory to memory. */
static void set_stream(work *w, const bench_case *c) {
    const int64_t shape[2] = {c->size, ROW};
    vt_tensor *x = numbers(w->ctx, VT_DTYPE_F32, shape, 2, 0), *y = empty(w->ctx, VT_DTYPE_F32, shape, 2);
    memset(vt_tensor_data(y), 0, (size_t)vt_tensor_count(y) * sizeof(float));
    if (strcmp(c->variant, "chain") == 0) {
        vt_tensor *b = numbers(w->ctx, VT_DTYPE_F32, shape, 2, 1);
        w->steps[w->n_steps++] = (step){.op = op("mul"), .n_in = 2, .in = {x, b}, .into = y};
        w->steps[w->n_steps++] = (step){.op = op("add"), .n_in = 2, .in = {y, x}, .into = y};
        w->steps[w->n_steps++] = (step){.op = op("relu"), .n_in = 1, .in = {y}, .into = y};
        return;
    }
    w->steps[w->n_steps++] = (step){.op = op(c->variant), .n_in = 1, .in = {x}, .into = y};
}

/* Bytes alive at most during a call, above those before it. */
static void print_memory(work *w) {
    uint64_t before = vt_context_memory(w->ctx), peak;
    run(w);
    peak = vt_context_memory_peak(w->ctx);
    (void)printf("{\"bytes\": %llu}\n", (unsigned long long)(peak - before));
}

static void print_result(const work *w, double ms, int n_runs) {
    double probes[N_PROBES];
    vt_tensor *t = w->last, *out[VT_OP_MAX_OUTPUTS] = {NULL};
    int64_t count = vt_tensor_count(t), parts = vt_tensor_dtype(t) == VT_DTYPE_C64 ? 2 : 1;
    size_t size = (size_t)count * vt_dtype_size(vt_tensor_dtype(t));
    if (vt_tensor_dtype(t) == VT_DTYPE_BF16) {
        must(vt_op_run(w->ctx, op("cast"), &t, 1, &(vt_attr){.name = "dtype", .i = VT_DTYPE_F32}, 1, out));
        t = out[0];
        size *= 2;
    }
    void *data = room(size);
    must(vt_tensor_read(t, data, size));
    for (int i = 0; i < N_PROBES; i++) {
        int64_t at = bench_probe_at(count * parts, i);
        probes[i] = vt_tensor_dtype(t) == VT_DTYPE_F64 ? ((double *)data)[at] : (double)((float *)data)[at];
    }
    bench_print(ms, n_runs, probes, N_PROBES, NULL);
    vt_tensor_release(out[0]);
    free(data);
}

int main(int argc, char **argv) {
    static const struct { const char *kind; void (*set)(work *w, const bench_case *c); } kinds[] = {
        {"gemm", set_gemm}, {"attention", set_attention}, {"conv", set_conv}, {"fft", set_fft}, {"stream", set_stream}};
    bench_case c = bench_read(argc, argv);
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    work w = {.n_steps = 0};
    co.n_threads = c.threads;
    must(vt_context_create(&co, &w.ctx));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].kind, c.kind) == 0) kinds[i].set(&w, &c);
    if (!w.n_steps) return 2;
    if (strncmp(c.variant, "memory", 6) == 0) {
        print_memory(&w);
    } else {
        int n_runs;
        double ms = bench_median(run, &w, &n_runs);
        print_result(&w, ms, n_runs);
    }
    return 0; /* the process ends: nothing is given back */
}
