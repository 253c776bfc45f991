/* Speed of operations that memory bounds, beside copying:   map_speed [t1|t2|t4...] [size=MIB] [into|new] [CASE...]
 *
 * A line a case: `name tT   ms   GB/s   share`, where the bytes counted are those of all inputs and outputs, once each, and the share is that of the
 * rate of copying. Copies and the case take turns and the fastest of each counts, so that what else happens on the machine meets both. Copying is
 * memcpy, each thread a part, into memory that is there. size: of one array. new: results are tensors of their own (the default for chains, which are what
 * a program writes); into: they go to tensors that are there. Names with "64 KiB" are of arrays that stay in a core's caches, those with "1k" of a
 * thousand elements, where what counts is the time of a call. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "venturi.h"

enum { MOST_IN = 6, ROW = 1024, ROUNDS = 15, MOST_THREADS = 64 };
static const double LEAST_S = 2e-3; /* of a measurement: short cases are repeated */

/* in: a letter each: x g y z arrays [n / ROW, ROW] (v: of positive numbers); m the same of bool, h of bf16; w b [ROW]; c column [n / ROW, 1]; r [n / ROW]; t x across; i ids [n / ROW];
 * a x [n / (64 * ROW), 64, ROW] (channels); k weights [64]; l x [n / 32768, 32768]. bytes: read and written, an element of x. */
struct item {
    const char *name, *op, *in, *attr;
    double value;
    const char *attr2;
    double value2;
    double bytes;
};

static const struct item items[] = {
    {"copy", "copy", "x", 0, 0, 0, 0, 8},
    {"add", "add", "xg", 0, 0, 0, 0, 12},
    {"add row", "add", "xw", 0, 0, 0, 0, 8},
    {"add column", "add", "xc", 0, 0, 0, 0, 8},
    {"add across", "add", "xt", 0, 0, 0, 0, 12},
    {"relu", "relu", "x", 0, 0, 0, 0, 8},
    {"where", "where", "mxg", 0, 0, 0, 0, 13},
    {"lt", "lt", "xg", 0, 0, 0, 0, 9},
    {"exp", "exp", "x", 0, 0, 0, 0, 8},
    {"log", "log", "v", 0, 0, 0, 0, 8},
    {"log1p", "log1p", "v", 0, 0, 0, 0, 8},
    {"expm1", "expm1", "x", 0, 0, 0, 0, 8},
    {"sin", "sin", "x", 0, 0, 0, 0, 8},
    {"cos", "cos", "x", 0, 0, 0, 0, 8},
    {"tan", "tan", "x", 0, 0, 0, 0, 8},
    {"tanh", "tanh", "x", 0, 0, 0, 0, 8},
    {"sigmoid", "sigmoid", "x", 0, 0, 0, 0, 8},
    {"silu", "silu", "x", 0, 0, 0, 0, 8},
    {"gelu", "gelu", "x", 0, 0, 0, 0, 8},
    {"gelu tanh", "gelu", "x", "approximate", -1, 0, 0, 8},
    {"erf", "erf", "x", 0, 0, 0, 0, 8},
    {"softplus", "softplus", "x", 0, 0, 0, 0, 8},
    {"mish", "mish", "x", 0, 0, 0, 0, 8},
    {"pow", "pow", "vg", 0, 0, 0, 0, 12},
    {"atan2", "atan2", "xg", 0, 0, 0, 0, 12},
    {"gelu_grad", "gelu_grad", "gx", 0, 0, 0, 0, 12},
    {"silu_grad", "silu_grad", "gx", 0, 0, 0, 0, 12},
    {"f32 to bf16", "cast", "x", "dtype", VT_DTYPE_BF16, 0, 0, 6},
    {"f32 to f16", "cast", "x", "dtype", VT_DTYPE_F16, 0, 0, 6},
    {"bf16 to f32", "cast", "h", "dtype", VT_DTYPE_F32, 0, 0, 6},
    {"softmax", "softmax", "x", 0, 0, 0, 0, 8},
    {"softmax 32768", "softmax", "l", 0, 0, 0, 0, 8},
    {"softmax columns", "softmax", "a", "dim", 1, 0, 0, 8},
    {"log_softmax", "log_softmax", "x", 0, 0, 0, 0, 8},
    {"softmax_grad", "softmax_grad", "gx", 0, 0, 0, 0, 12},
    {"log_softmax_grad", "log_softmax_grad", "gx", 0, 0, 0, 0, 12},
    {"cross_entropy", "cross_entropy_rows", "xi", 0, 0, 0, 0, 4},
    {"cross_entropy_grad", "cross_entropy_grad", "rxi", 0, 0, 0, 0, 8},
    {"layer_norm", "layer_norm", "xwb", 0, 0, 0, 0, 8},
    {"layer_norm_grad", "layer_norm_grad", "gxw", 0, 0, 0, 0, 12},
    {"rms_norm", "rms_norm", "xw", 0, 0, 0, 0, 8},
    {"rms_norm_grad", "layer_norm_grad", "gxw", "rms", 1, 0, 0, 12},
    {"group_norm", "group_norm", "akk", "groups", 8, 0, 0, 8},
    {"group_norm_grad", "group_norm_grad", "aak", "groups", 8, 0, 0, 12},
    {"batch_norm_train", "batch_norm_train", "akk", 0, 0, 0, 0, 12},
    {"sum", "sum", "x", 0, 0, 0, 0, 4},
    {"sum rows", "sum", "x", "dims", 1, 0, 0, 4},
    {"sum columns", "sum", "x", "dims", 0, 0, 0, 4},
    {"amax rows", "amax", "x", "dims", 1, 0, 0, 4},
    {"var rows", "var", "x", "dims", 1, 0, 0, 4},
    {"argmax rows", "argmax", "x", "dim", 1, 0, 0, 4},
    {"cumsum", "cumsum", "x", 0, 0, 0, 0, 8},
    {"cumsum columns", "cumsum", "x", "dim", 0, 0, 0, 8},
    {"adam_step", "adam_step", "xgyv", "step", 10, 0, 0, 28},
    {"adamw_step", "adam_step", "xgyv", "step", 10, "decoupled", 1, 28},
    {"sgd_step", "sgd_step", "xgy", "lr", 0.1, 0, 0, 20},
};

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(vt_status st, const char *what) {
    if (st == VT_OK) return;
    fprintf(stderr, "map_speed: %s: %s\n", what, vt_error_message());
    exit(1);
}

/* ---- copying ---- */

struct copy {
    float *to;
    const float *from;
    size_t bytes;
};

static void *copy_part(void *user) {
    const struct copy *c = user;
    memcpy(c->to, c->from, c->bytes);
    return NULL;
}

/* In as many parts as threads. */
static void copy_all(float *to, const float *from, int64_t n, int threads) {
    pthread_t id[MOST_THREADS];
    struct copy part[MOST_THREADS];
    int64_t each = n / threads;
    for (int i = 0; i < threads; i++) {
        part[i] = (struct copy){to + i * each, from + i * each, (size_t)(i + 1 < threads ? each : n - i * each) * sizeof(float)};
        if (i && pthread_create(&id[i], NULL, copy_part, &part[i]) != 0) exit(1);
    }
    (void)copy_part(&part[0]);
    for (int i = 1; i < threads; i++) pthread_join(id[i], NULL);
}

/* ---- a case ---- */

struct bench {
    vt_context *ctx;
    int threads, into;
    int64_t n;
    float *copy_from, *copy_to;
};

static vt_tensor *make(vt_context *ctx, int32_t dtype, int32_t n_dims, int64_t a, int64_t b, int64_t c) {
    const int64_t shape[] = {a, b, c};
    vt_tensor *t;
    must(vt_tensor_create(ctx, dtype, shape, n_dims, VT_DEVICE_CPU, &t), "tensor");
    return t;
}

static vt_tensor *input(const struct bench *b, char letter) {
    int64_t rows = b->n / ROW, group = b->n < 64 * ROW ? b->n / 64 : ROW;
    int is_row = letter == 'w' || letter == 'b' || letter == 'k';
    vt_tensor *t = letter == 'c' ? make(b->ctx, VT_DTYPE_F32, 2, rows, 1, 0)
                 : letter == 'r' ? make(b->ctx, VT_DTYPE_F32, 1, rows, 0, 0)
                 : letter == 'i' ? make(b->ctx, VT_DTYPE_I64, 1, rows, 0, 0)
                 : letter == 'm' ? make(b->ctx, VT_DTYPE_BOOL, 2, rows, ROW, 0)
                 : letter == 'h' ? make(b->ctx, VT_DTYPE_BF16, 2, rows, ROW, 0)
                 : letter == 't' ? make(b->ctx, VT_DTYPE_F32, 2, ROW, rows, 0)
                 : letter == 'a' ? make(b->ctx, VT_DTYPE_F32, 3, b->n / (64 * group), 64, group)
                 : letter == 'l' ? make(b->ctx, VT_DTYPE_F32, 2, b->n / 32768, 32768, 0)
                 : is_row ? make(b->ctx, VT_DTYPE_F32, 1, letter == 'k' ? 64 : ROW, 0, 0) : make(b->ctx, VT_DTYPE_F32, 2, rows, ROW, 0);
    int64_t count = vt_tensor_count(t);
    uint32_t state = 12345u + (uint32_t)letter;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        double u = (double)(state >> 8) / (double)(1 << 24);
        if (letter == 'm') ((uint8_t *)vt_tensor_data(t))[i] = u > 0.5;
        else if (letter == 'i') ((int64_t *)vt_tensor_data(t))[i] = (int64_t)(u * ROW);
        else if (letter == 'h') ((uint16_t *)vt_tensor_data(t))[i] = (uint16_t)(0x3f00 + (state >> 26));
        else ((float *)vt_tensor_data(t))[i] = (float)(letter == 'v' ? u * 4 + 0.01 : u * 8 - 4);
    }
    if (letter != 't') return t;
    int32_t op;
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    must(vt_op_find("transpose", &op), "transpose");
    must(vt_op_run(b->ctx, op, &t, 1, NULL, 0, out), "transpose");
    vt_tensor_release(t);
    return out[0];
}

struct call {
    const struct bench *b;
    int32_t op;
    vt_tensor *in[MOST_IN], *out[VT_OP_MAX_OUTPUTS];
    int n_in, n_out, n_attrs, into;
    vt_attr attrs[2];
};

static void run_call(void *user) {
    struct call *c = user;
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    if (c->into) {
        must(vt_op_run_into(c->b->ctx, c->op, c->in, c->n_in, c->attrs, c->n_attrs, c->out, c->n_out), "run");
        return;
    }
    must(vt_op_run(c->b->ctx, c->op, c->in, c->n_in, c->attrs, c->n_attrs, out), "run");
    for (int i = 0; i < VT_OP_MAX_OUTPUTS; i++) vt_tensor_release(out[i]);
}

static double time_of(void (*fn)(void *), void *user, int repeat) {
    double t = seconds();
    for (int i = 0; i < repeat; i++) fn(user);
    return (seconds() - t) / repeat;
}

struct copying {
    const struct bench *b;
    int64_t n;
    int threads;
};

static void run_copy(void *user) {
    const struct copying *c = user;
    copy_all(c->b->copy_to, c->b->copy_from, c->n, c->threads);
}

/* The fastest of several, copy and case in turn. */
static void report(const struct bench *b, const char *name, void (*fn)(void *), void *user, int64_t n, double bytes) {
    struct copying copy = {b, n, n * 8 < 4 << 20 ? 1 : b->threads};
    fn(user);
    double once = time_of(fn, user, 1), best = 1e30, best_copy = 1e30;
    int repeat = once > LEAST_S ? 1 : (int)(LEAST_S / (once + 1e-9)) + 1;
    int copies = (int)((double)repeat * bytes / 8) + 1;
    if (repeat == 1) copies = 1;
    for (int r = 0; r < ROUNDS; r++) {
        double t = time_of(run_copy, &copy, copies);
        best_copy = t < best_copy ? t : best_copy;
        t = time_of(fn, user, repeat);
        best = t < best ? t : best;
    }
    double rate = (double)n * bytes / best, copy_rate = (double)n * 8 / best_copy;
    if (n > 4096) printf("%-28s t%d %10.4f ms %7.1f GB/s %6.2f\n", name, b->threads, best * 1e3, rate * 1e-9, rate / copy_rate);
    else printf("%-28s t%d %10.0f ns\n", name, b->threads, best * 1e9);
    fflush(stdout);
}

static void run_item(const struct bench *b, const struct item *item, const char *name) {
    struct call c = {.b = b, .into = b->into};
    vt_op_info info = VT_STRUCT_INIT(vt_op_info);
    must(vt_op_find(item->op, &c.op), item->op);
    must(vt_op_describe(c.op, &info), item->op);
    for (const char *s = item->in; *s; s++) c.in[c.n_in++] = input(b, *s);
    c.n_out = info.n_outputs;
    if (item->attr) c.attrs[c.n_attrs++] = (vt_attr){.name = item->attr, .i = (int64_t)item->value, .f = item->value, .text = item->value < 0 ? "tanh" : NULL};
    if (item->attr2) c.attrs[c.n_attrs++] = (vt_attr){.name = item->attr2, .i = (int64_t)item->value2};
    if (strchr(item->op, '_') && strstr(item->op, "_step")) { /* in place, as optimizers do */
        c.into = 1;
        c.out[0] = vt_tensor_retain(c.in[0]);
        for (int i = 1; i < c.n_out; i++) c.out[i] = vt_tensor_retain(c.in[i + 1]);
    } else if (c.into) {
        must(vt_op_run(b->ctx, c.op, c.in, c.n_in, c.attrs, c.n_attrs, c.out), item->op);
    }
    report(b, name, run_call, &c, b->n, item->bytes);
    for (int i = 0; i < c.n_in; i++) vt_tensor_release(c.in[i]);
    for (int i = 0; i < VT_OP_MAX_OUTPUTS; i++) vt_tensor_release(c.out[i]);
}

/* ---- chains: (x w + b) through a function, times g, results as a program makes them ---- */

struct chain {
    const struct bench *b;
    vt_tensor *x, *w, *bias, *g;
    int32_t mul, add, function;
};

static vt_tensor *step(const struct chain *c, int32_t op, vt_tensor *x, vt_tensor *y) {
    vt_tensor *in[] = {x, y}, *out[VT_OP_MAX_OUTPUTS];
    must(vt_op_run(c->b->ctx, op, in, y ? 2 : 1, NULL, 0, out), "chain");
    if (x != c->x) vt_tensor_release(x);
    return out[0];
}

static void run_chain(void *user) {
    const struct chain *c = user;
    vt_tensor *t = step(c, c->mul, c->x, c->w);
    t = step(c, c->add, t, c->bias);
    t = step(c, c->function, t, NULL);
    vt_tensor_release(step(c, c->mul, t, c->g));
}

static void chain(const struct bench *b, const char *function, const char *name) {
    struct chain c = {.b = b, .x = input(b, 'x'), .w = input(b, 'w'), .bias = input(b, 'b'), .g = input(b, 'g')};
    must(vt_op_find("mul", &c.mul), "mul");
    must(vt_op_find("add", &c.add), "add");
    must(vt_op_find(function, &c.function), function);
    report(b, name, run_chain, &c, b->n, 36);
    vt_tensor_release(c.x), vt_tensor_release(c.w), vt_tensor_release(c.bias), vt_tensor_release(c.g);
}

static int is_wanted(const char *name, int n, char **names) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return 1;
    return n == 0;
}

/* All cases of one size, under names with `suffix`. */
static void run_all(const struct bench *b, const char *suffix, int n_names, char **names) {
    char name[64];
    static const char *const chains[][2] = {{"elementwise chain", "tanh"}, {"elementwise chain gelu", "gelu"}};
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", chains[i][0], suffix);
        if (is_wanted(name, n_names, names)) chain(b, chains[i][1], name);
    }
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", items[i].name, suffix);
        if (b->n < 32768 && strchr(items[i].in, 'l')) continue;
        if (is_wanted(name, n_names, names)) run_item(b, &items[i], name);
    }
}

static void run_threads(int threads, int64_t mib, int into, int n_names, char **names) {
    struct bench b = {.threads = threads, .into = into, .n = mib << 18};
    vt_context_options options = VT_STRUCT_INIT(vt_context_options);
    options.n_threads = threads;
    must(vt_context_create(&options, &b.ctx), "context");
    size_t bytes = (size_t)b.n * sizeof(float);
    b.copy_from = malloc(bytes), b.copy_to = malloc(bytes);
    if (!b.copy_from || !b.copy_to) exit(1);
    memset(b.copy_from, 1, bytes), memset(b.copy_to, 1, bytes);
    run_all(&b, "", n_names, names);
    b.n = 16384;
    run_all(&b, " 64 KiB", n_names, names);
    b.n = 1024;
    run_all(&b, " 1k", n_names, names);
    free(b.copy_from), free(b.copy_to);
    vt_context_release(b.ctx);
}

int main(int argc, char **argv) {
    int threads = 0, into = 1, first = 1;
    int64_t mib = 64;
    for (; first < argc; first++) {
        const char *s = argv[first];
        if (s[0] == 't' && s[1] >= '1' && s[1] <= '9') threads = atoi(s + 1);
        else if (strncmp(s, "size=", 5) == 0) mib = atoll(s + 5);
        else if (strcmp(s, "into") == 0 || strcmp(s, "new") == 0) into = s[0] == 'i';
        else break;
    }
    if (threads > MOST_THREADS || mib < 1 || mib > 4096) return 2;
    for (int t = threads ? threads : 1; t <= (threads ? threads : 2); t++) run_threads(t, mib, into, argc - first, argv + first);
    return 0;
}
