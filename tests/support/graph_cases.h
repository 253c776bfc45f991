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

#endif
