/* Small nets for tests of captured runs: parameters, layers and steps written with the public calls. Everything returns a status, so that the same nets
 * serve tests whose allocations fail. */
#ifndef VENTURI_TESTS_GRAPH_CASES_H
#define VENTURI_TESTS_GRAPH_CASES_H

#include <stdint.h>
#include <string.h>

#include "venturi.h"

enum { NET_MOST = 32 };

/* Parameters with the states of AdamW. Filled by a rule, so that every copy of a net begins the same. */
typedef struct net {
    vt_context *ctx;
    int32_t device;
    vt_tensor *param[NET_MOST], *mean[NET_MOST], *square[NET_MOST];
    int32_t n;
    double lr;
    int64_t step, seed;
    vt_status st; /* sticky: after a failure nothing more is done */
    vt_tensor *made[512]; /* results of net_op, released by net_forget */
    int32_t n_made;
} net;

static inline vt_tensor *net_keep(net *m, vt_tensor *t) {
    if (t && m->n_made == 512) m->st = VT_ERR_LIMIT, vt_tensor_release(t), t = NULL;
    if (t) m->made[m->n_made++] = t;
    return t;
}

static inline void net_forget(net *m) {
    while (m->n_made) vt_tensor_release(m->made[--m->n_made]);
}

/* An operation with up to three inputs (NULL: fewer) and attributes; the first result, the others are released. */
static inline vt_tensor *net_op(net *m, const char *name, vt_tensor *a, vt_tensor *b, vt_tensor *c, const vt_attr *attrs, int32_t n_attrs) {
    vt_tensor *in[] = {a, b, c}, *out[VT_OP_MAX_OUTPUTS] = {0};
    int32_t op = -1, n_in = c ? 3 : b ? 2 : 1;
    if (m->st == VT_OK) m->st = vt_op_find(name, &op);
    if (m->st == VT_OK) m->st = vt_op_run(m->ctx, op, in, n_in, attrs, n_attrs, out);
    for (int i = 1; i < VT_OP_MAX_OUTPUTS; i++) vt_tensor_release(out[i]);
    return net_keep(m, out[0]);
}

static inline vt_tensor *net_tensor(net *m, const int64_t *shape, int32_t n_dims, int32_t dtype, double scale, uint32_t rule) {
    vt_tensor *t = NULL, *out[VT_OP_MAX_OUTPUTS] = {0};
    int32_t op = -1;
    if (m->st == VT_OK) m->st = vt_tensor_create(m->ctx, dtype, shape, n_dims, m->device, &t);
    if (m->st == VT_OK) m->st = vt_op_find(dtype == VT_DTYPE_I64 ? "randint" : "normal", &op);
    vt_attr attrs[] = {{.name = dtype == VT_DTYPE_I64 ? "high" : "std", .i = (int64_t)scale, .f = scale}, {.name = "seed", .i = (int64_t)rule + 1}};
    int32_t mode = vt_grad_mode_set(0);
    if (m->st == VT_OK) m->st = vt_op_run(m->ctx, op, &t, 1, attrs, 2, out);
    (void)vt_grad_mode_set(mode);
    vt_tensor_release(t);
    return out[0];
}

static inline void net_param(net *m, const int64_t *shape, int32_t n_dims, int32_t dtype, double scale) {
    int32_t i = m->n++;
    m->param[i] = net_tensor(m, shape, n_dims, dtype, scale, (uint32_t)i);
    if (m->st == VT_OK) m->st = vt_tensor_set_requires_grad(m->param[i], 1);
    if (m->st == VT_OK) m->st = vt_tensor_create(m->ctx, dtype, shape, n_dims, m->device, &m->mean[i]);
    if (m->st == VT_OK) m->st = vt_tensor_create(m->ctx, dtype, shape, n_dims, m->device, &m->square[i]);
}

static inline void net_free(net *m) {
    net_forget(m);
    for (int32_t i = 0; i < m->n; i++) {
        vt_tensor_release(m->param[i]);
        vt_tensor_release(m->mean[i]);
        vt_tensor_release(m->square[i]);
    }
}

/* Gradients of loss, and one step of AdamW whose rate and step are variables. */
static inline void net_learn(net *m, vt_tensor *loss) {
    int32_t op = -1;
    if (m->st == VT_OK) m->st = vt_backward(m->ctx, &loss, NULL, 1, 0);
    if (m->st == VT_OK) m->st = vt_op_find("adam_step", &op);
    int32_t mode = vt_grad_mode_set(0);
    for (int32_t i = 0; m->st == VT_OK && i < m->n; i++) {
        vt_tensor *grad = vt_tensor_grad(m->param[i]);
        vt_tensor *in[] = {m->param[i], grad, m->mean[i], m->square[i]}, *out[] = {m->param[i], m->mean[i], m->square[i]};
        vt_attr attrs[] = {{.name = "lr", .f = m->lr, .text = "lr"}, {.name = "weight_decay", .f = 0.01}, {.name = "decoupled", .i = 1},
            {.name = "step", .i = m->step, .text = "step"}};
        if (grad) m->st = vt_op_run_into(m->ctx, op, in, 4, attrs, 4, out, 3);
        vt_tensor_release(grad);
        if (m->st == VT_OK) m->st = vt_tensor_set_grad(m->param[i], NULL);
    }
    (void)vt_grad_mode_set(mode);
}

/* The function of a capture is this with a net as user, and it runs eagerly by net_eager. */
typedef vt_tensor *(*net_fn)(net *m, vt_tensor *const *in);
typedef struct net_call {
    net *m;
    net_fn fn;
} net_call;

static inline vt_status net_capture_body(void *user, vt_tensor *const *in, int32_t n_in, vt_tensor **out, int32_t *n_out) {
    net_call *c = user;
    (void)n_in;
    vt_tensor *t = c->fn(c->m, in);
    if (c->m->st == VT_OK) out[0] = vt_tensor_retain(t), *n_out = 1;
    net_forget(c->m);
    return c->m->st;
}

#define SHAPE(...) (const int64_t[]){__VA_ARGS__}, (int32_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* ---- nets ---- */

static inline void mlp_params(net *m) {
    net_param(m, SHAPE(40, 17), VT_DTYPE_F32, 0.2);
    net_param(m, SHAPE(40), VT_DTYPE_F32, 0.1);
    net_param(m, SHAPE(5, 40), VT_DTYPE_F32, 0.2);
    net_param(m, SHAPE(5), VT_DTYPE_F32, 0.1);
}

static inline vt_tensor *mlp_forward(net *m, vt_tensor *x) {
    vt_tensor *h = net_op(m, "gelu", net_op(m, "linear", x, m->param[0], m->param[1], NULL, 0), NULL, NULL, NULL, 0);
    vt_attr drop[] = {{.name = "p", .f = 0.25}, {.name = "seed", .i = m->seed, .text = "seed"}};
    return net_op(m, "linear", net_op(m, "dropout", h, NULL, NULL, drop, 2), m->param[2], m->param[3], NULL, 0);
}

static inline vt_tensor *mlp_step(net *m, vt_tensor *const *in) {
    vt_tensor *loss = net_op(m, "cross_entropy", mlp_forward(m, in[0]), in[1], NULL, NULL, 0);
    net_learn(m, loss);
    return loss;
}

static inline void conv_params(net *m) {
    /* So many filters that the convolution is a product of matrices. */
    net_param(m, SHAPE(30, 2, 3, 3), VT_DTYPE_F32, 0.3);
    net_param(m, SHAPE(30), VT_DTYPE_F32, 0.1);
    net_param(m, SHAPE(5, 30), VT_DTYPE_F32, 0.3);
    net_param(m, SHAPE(30), VT_DTYPE_F32, 0.5);
}

static inline vt_tensor *conv_step(net *m, vt_tensor *const *in) {
    vt_attr pad[] = {{.name = "padding", .i = 1}}, pool[] = {{.name = "kernel", .i = 2}}, groups[] = {{.name = "groups", .i = 3}};
    vt_attr dims[] = {{.name = "dims", .list = (const int64_t[]){2, 3}, .n_list = 2}};
    vt_tensor *h = net_op(m, "conv2d", in[0], m->param[0], m->param[1], pad, 1);
    h = net_op(m, "group_norm", h, m->param[3], NULL, groups, 1);
    h = net_op(m, "max_pool2d", net_op(m, "silu", h, NULL, NULL, NULL, 0), NULL, NULL, pool, 1);
    h = net_op(m, "linear", net_op(m, "mean", h, NULL, NULL, dims, 1), m->param[2], NULL, NULL, 0);
    vt_tensor *loss = net_op(m, "cross_entropy", h, in[1], NULL, NULL, 0);
    net_learn(m, loss);
    return loss;
}

enum { HEADS = 2, WIDTH = 8, ROWS = 12 };

static inline void block_params(net *m) {
    for (int i = 0; i < 4; i++) net_param(m, SHAPE(HEADS * WIDTH, HEADS * WIDTH), VT_DTYPE_F32, 0.3);
    net_param(m, SHAPE(HEADS * WIDTH), VT_DTYPE_F32, 0.5);
    net_param(m, SHAPE(5, HEADS * WIDTH), VT_DTYPE_F32, 0.3);
}

static inline vt_tensor *heads_of(net *m, vt_tensor *h, int32_t weight) {
    vt_attr shape[] = {{.name = "shape", .list = (const int64_t[]){-1, ROWS, HEADS, WIDTH}, .n_list = 4}};
    vt_attr dims[] = {{.name = "dim0", .i = 1}, {.name = "dim1", .i = 2}};
    vt_tensor *t = net_op(m, "linear", h, m->param[weight], NULL, NULL, 0);
    return net_op(m, "transpose", net_op(m, "reshape", t, NULL, NULL, shape, 1), NULL, NULL, dims, 2);
}

/* Pre-norm attention with dropout, and a residual. */
static inline vt_tensor *block_step(net *m, vt_tensor *const *in) {
    vt_attr how[] = {{.name = "causal", .i = 1}, {.name = "dropout", .f = 0.1}, {.name = "seed", .i = m->seed, .text = "seed"}};
    vt_attr dims[] = {{.name = "dim0", .i = 1}, {.name = "dim1", .i = 2}}, shape[] = {{.name = "shape", .list = (const int64_t[]){-1, ROWS, HEADS * WIDTH}, .n_list = 3}};
    vt_attr last[] = {{.name = "dim", .i = 1}, {.name = "index", .i = -1}};
    vt_tensor *h = net_op(m, "layer_norm", in[0], m->param[4], NULL, NULL, 0);
    vt_tensor *q = heads_of(m, h, 0), *k = heads_of(m, h, 1), *v = heads_of(m, h, 2);
    vt_tensor *o = net_op(m, "transpose", net_op(m, "attention", q, k, v, how, 3), NULL, NULL, dims, 2);
    o = net_op(m, "linear", net_op(m, "reshape", o, NULL, NULL, shape, 1), m->param[3], NULL, NULL, 0);
    o = net_op(m, "select", net_op(m, "add", in[0], o, NULL, NULL, 0), NULL, NULL, last, 2);
    vt_tensor *loss = net_op(m, "cross_entropy", net_op(m, "linear", o, m->param[5], NULL, NULL, 0), in[1], NULL, NULL, 0);
    net_learn(m, loss);
    return loss;
}

/* Three slices that make up a whole, one of an even and one of an odd half. */
static inline vt_tensor *slices_step(net *m, vt_tensor *const *in) {
    vt_attr shape[] = {{.name = "shape", .list = (const int64_t[]){-1, 10, 4}, .n_list = 3}};
    vt_attr even[] = {{.name = "dim", .i = 1}, {.name = "stop", .i = 8}, {.name = "step", .i = 2}};
    vt_attr odd[] = {{.name = "dim", .i = 1}, {.name = "start", .i = 1}, {.name = "stop", .i = 8}, {.name = "step", .i = 2}};
    vt_attr rest[] = {{.name = "dim", .i = 1}, {.name = "start", .i = 8}};
    vt_tensor *h = net_op(m, "reshape", net_op(m, "linear", in[0], m->param[0], m->param[1], NULL, 0), NULL, NULL, shape, 1);
    vt_tensor *a = net_op(m, "slice", h, NULL, NULL, even, 3), *b = net_op(m, "relu", net_op(m, "slice", h, NULL, NULL, odd, 4), NULL, NULL, NULL, 0);
    vt_tensor *c = net_op(m, "mean", net_op(m, "square", net_op(m, "slice", h, NULL, NULL, rest, 2), NULL, NULL, NULL, 0), NULL, NULL, NULL, 0);
    vt_tensor *loss = net_op(m, "add", net_op(m, "mean", net_op(m, "mul", a, b, NULL, NULL, 0), NULL, NULL, NULL, 0), c, NULL, NULL, 0);
    net_learn(m, loss);
    return loss;
}

static const struct {
    const char *name;
    void (*params)(net *m);
    net_fn step;
    int64_t shape[4];
    int32_t n_dims;
} nets[] = {
    {"mlp", mlp_params, mlp_step, {9, 17}, 2},
    {"conv", conv_params, conv_step, {3, 2, 10, 10}, 4},
    {"slices", mlp_params, slices_step, {9, 17}, 2},
    {"attention", block_params, block_step, {4, ROWS, HEADS * WIDTH}, 3},
};
enum { N_NETS = sizeof nets / sizeof nets[0], STEPS = 20 };

/* ---- numbers ---- */

static inline void make_inputs(net *m, int which, int64_t round, vt_tensor **in) {
    in[0] = net_tensor(m, nets[which].shape, nets[which].n_dims, VT_DTYPE_F32, 1, 1000 + 2 * (uint32_t)round);
    in[1] = net_tensor(m, nets[which].shape, 1, VT_DTYPE_I64, 5, 1001 + 2 * (uint32_t)round);
}

static inline void set_round(net *m, int64_t round) {
    m->lr = 0.01 / (double)(1 + round);
    m->step = round + 1;
    m->seed = 77 + round;
}

#endif
