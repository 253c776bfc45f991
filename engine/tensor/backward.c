/* The walk back over the tape. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "tensor/node.h"
#include "tensor/record.h"

struct walk {
    vt_context *ctx;
    struct vt__node **nodes; /* all that the roots depend on */
    int64_t n_nodes, cap;
    int32_t keep, create;
    /* Gradients that are wanted besides or instead of the leaves' own. */
    vt_tensor *const *wanted;
    vt_tensor **found;
    int32_t n_wanted; /* 0: add to the leaves' .grad */
};

static vt_status push(struct walk *w, struct vt__node *node) {
    if (!node || node->walk == w) return VT_OK;
    if (node->walk) return vt__fail(VT_ERR_STATE, "backward: %s: its tape is being walked by a call that this one comes from", node->name);
    if (vt__reserve(w->ctx, (void **)&w->nodes, &w->cap, w->n_nodes + 1, sizeof *w->nodes)) return vt__fail_nomem("backward", sizeof *w->nodes);
    node->walk = w;
    atomic_fetch_add(&node->refs, 1);
    w->nodes[w->n_nodes++] = node;
    return VT_OK;
}

/* What was made last comes first; among equals what was found first. */
static int is_later(const void *user, int64_t a, int64_t b) {
    struct vt__node *const *nodes = user;
    return nodes[a]->order != nodes[b]->order ? nodes[a]->order > nodes[b]->order : a < b;
}

/* a += b, where a may be shared: the first gradient to arrive is taken as it is. */
static vt_status accumulate(vt_tensor **a, vt_tensor *b) {
    if (!*a) return *a = vt__tensor_retain(b), VT_OK;
    vt_tensor *in[] = {*a, b}, *sum = NULL;
    vt_status st = vt__op_run(b->ctx, VT__OP_add, in, 2, NULL, &sum);
    if (st != VT_OK) return st;
    vt__tensor_release(*a);
    *a = sum;
    return VT_OK;
}

/* Runs the hooks of one output; *g may be replaced (retained either way). */
static vt_status run_hooks(const struct vt__hook *hooks, int32_t output, vt_tensor **g) {
    for (; hooks; hooks = hooks->next) {
        vt_tensor *other = NULL;
        if (hooks->output != output) continue;
        vt_status st = hooks->fn(hooks->user, *g, &other);
        if (st != VT_OK) return vt__tensor_release(other), st;
        if (!other) continue;
        vt__tensor_release(*g);
        *g = other;
    }
    return VT_OK;
}

static int wants_leaf(const struct walk *w, const vt_tensor *leaf) {
    if (!w->n_wanted) return 1;
    for (int32_t i = 0; i < w->n_wanted; i++)
        if (w->wanted[i] == leaf) return 1;
    return 0;
}

/* The first gradient of a leaf. Somebody may write to it later, so it must be nobody else's: what more than this walk (one reference in a step, one
 * here) holds on to, or other tensors are views of, is copied; so is what is spread out, or a part of something. */
static vt_status keep_own(vt_tensor **to, vt_tensor *g) {
    int is_whole = vt__tensor_is_dense(g) && (size_t)vt__tensor_count(g) * vt__dtype_size(g->dtype) == g->storage->size;
    int is_ours = atomic_load(&g->refs) <= 2 && atomic_load(&g->storage->refs) == 1 && !g->storage->borrowed && is_whole;
    if (is_ours) return *to = vt__tensor_retain(g), VT_OK;
    return vt__op_run(g->ctx, VT__OP_copy, &g, 1, NULL, to);
}

/* Adds to the gradient that a leaf has. One from before a recording is written over: replays add to that again, where a new one would be made of what it
 * was when it was recorded. */
static vt_status add_to_leaf(vt_tensor *leaf, vt_tensor *g) {
    struct vt__recorder *recorder = vt__recorder_get();
    vt_tensor *in[] = {leaf->grad, g};
    if (!recorder || leaf->grad->storage->recorder == recorder) return accumulate(&leaf->grad, g);
    return vt__op_run_into(g->ctx, VT__OP_add, in, 2, NULL, &leaf->grad);
}

static vt_status give_leaf(struct walk *w, vt_tensor *leaf, vt_tensor *g) {
    vt_status st = VT_OK;
    vt_tensor *mine = vt__tensor_retain(g);
    if (wants_leaf(w, leaf)) st = run_hooks(leaf->hooks, leaf->output, &mine);
    if (st == VT_OK && !w->n_wanted) st = leaf->grad ? add_to_leaf(leaf, mine) : keep_own(&leaf->grad, mine);
    for (int32_t i = 0; st == VT_OK && i < w->n_wanted; i++)
        if (w->wanted[i] == leaf) st = accumulate(&w->found[i], mine);
    vt__tensor_release(mine);
    return st;
}

/* The gradient as the input has it: extents that broadcasting added are summed, the type is the input's, of which a real one takes the real part. */
static vt_tensor *fit(struct vt__expr *e, vt_tensor *g, const vt_tensor *in) {
    if (g && !vt__dtype_has_grad(in->dtype)) return NULL;
    if (g && vt__dtype_kind(g->dtype) == VT__KIND_COMPLEX && vt__dtype_kind(in->dtype) != VT__KIND_COMPLEX) g = vt__e1(e, VT__OP_real, g);
    g = vt__e_sum_to(e, g, in->shape, in->ndim);
    return g ? vt__e_cast(e, g, in->dtype) : NULL;
}

static vt_status give(struct walk *w, const struct vt__edge *edge, vt_tensor *g) {
    if (edge->leaf) return give_leaf(w, edge->leaf, g);
    return edge->node ? accumulate(&edge->node->grad_out[edge->output], g) : VT_OK;
}

/* A kept tensor as the gradient function sees it. While gradients are recorded themselves it is tied to the tape again: to what made the
 * input, or, for an output, to the node. */
static vt_tensor *recall(struct vt__expr *e, struct vt__node *node, const struct vt__kept *kept, struct vt__node *maker, vt_tensor *leaf, int32_t output) {
    struct vt__desc desc;
    vt_tensor *t = NULL;
    if (!kept->tensor || !kept->tensor->storage || e->status != VT_OK) return kept->tensor;
    if (kept->tensor->storage->version != kept->version) {
        e->status = vt__fail(VT_ERR_STATE, "%s: a tensor that its gradient needs has been written to since", node->name);
        return NULL;
    }
    if (!vt__grad_mode() || (!maker && !leaf)) return kept->tensor;
    if (leaf) return leaf;
    desc = vt__tensor_desc(kept->tensor);
    e->status = vt__tensor_view(kept->tensor, &desc, kept->tensor->strides, kept->tensor->offset, &t);
    if (!t) return NULL;
    t->requires_grad = 1;
    t->output = output;
    t->node = maker;
    atomic_fetch_add(&maker->refs, 1);
    return vt__expr_take(e, t);
}

/* What the node's own gradient function gives, into grad_in (in expr). */
static vt_status differentiate(struct vt__node *node, struct vt__expr *e, vt_tensor **grad_in, int32_t *need) {
    vt_tensor *small[VT__MAX_IN], **in = small, *out[VT__MAX_OUT];
    vt_status st = VT_OK;
    if (node->spent) return vt__fail(VT_ERR_STATE, "%s: its tape has been walked already; ask to keep it the first time", node->name);
    for (int32_t i = 0; i < node->n_in; i++) need[i] = node->edges[i].node || node->edges[i].leaf;
    if (node->custom) {
        st = node->custom(node->user, node->grad_out, node->n_out, grad_in, node->n_in);
        for (int32_t i = 0; i < node->n_in; i++) grad_in[i] = vt__expr_take(e, grad_in[i]);
        return st;
    }
    if (node->n_in > VT__MAX_IN) in = vt__calloc2(node->ctx, node->n_in, 1, sizeof *in);
    if (!in) return vt__fail_nomem("backward", sizeof *in);
    for (int32_t i = 0; i < node->n_in; i++) in[i] = recall(e, node, &node->in[i], node->edges[i].node, node->edges[i].leaf, node->edges[i].output);
    for (int32_t i = 0; i < node->n_out; i++) out[i] = recall(e, node, &node->out[i], node, NULL, i);
    st = e->status;
    if (st == VT_OK) {
        struct vt__grad g = {e, node->op, &node->attrs, in, out, node->grad_out, grad_in, need, node->n_in, node->n_out};
        st = node->op->grad(&g);
    }
    if (in != small) vt__free(node->ctx, in);
    return st;
}

/* A gradient function given to the host may hand back anything. */
static vt_status check_custom(const struct vt__node *node, int32_t i, const vt_tensor *g) {
    struct vt__desc have = vt__tensor_desc(g), want = vt__tensor_desc(node->in[i].tensor);
    char a[VT__SHAPE_TEXT], b[VT__SHAPE_TEXT];
    struct vt__desc both = have;
    int fits = vt__broadcast(&both, &want) && both.ndim == have.ndim;
    for (int32_t d = 0; fits && d < have.ndim; d++) fits = both.shape[d] == have.shape[d];
    if (fits) return VT_OK;
    return vt__fail(VT_ERR_SHAPE, "%s: gradient %d is %s, its input %s", node->name, i + 1, vt__desc_text(&have, a), vt__desc_text(&want, b));
}

static vt_status step(struct walk *w, struct vt__node *node) {
    vt_tensor *few[VT__MAX_IN] = {0}, **grad_in = few;
    int32_t few_need[VT__MAX_IN], *need = few_need, any = 0;
    struct vt__expr e;
    vt_status st = VT_OK;

    for (int32_t i = 0; st == VT_OK && i < node->n_out; i++)
        if (node->grad_out[i]) any = 1, st = run_hooks(node->hooks, i, &node->grad_out[i]);
    for (int32_t i = 0; st == VT_OK && i < w->n_wanted; i++)
        if (w->wanted[i]->node == node && node->grad_out[w->wanted[i]->output])
            st = accumulate(&w->found[i], node->grad_out[w->wanted[i]->output]);
    if (st != VT_OK || !any) return st;

    if (node->n_in > VT__MAX_IN) {
        grad_in = vt__calloc2(w->ctx, node->n_in, 1, sizeof *grad_in);
        need = vt__calloc2(w->ctx, node->n_in, 1, sizeof *need);
    }
    vt__expr_begin(&e, w->ctx);
    for (int32_t i = 0; i < node->n_out; i++)
        if (node->grad_out[i]) e.backend = node->grad_out[i]->storage->backend;
    st = grad_in && need ? differentiate(node, &e, grad_in, need) : vt__fail_nomem("backward", sizeof *need);
    if (st == VT_OK) st = e.status;
    for (int32_t i = 0; i < node->n_in; i++) {
        vt_tensor *g = st == VT_OK && need[i] ? grad_in[i] : NULL;
        if (g && node->custom) st = check_custom(node, i, g);
        if (g && st == VT_OK) g = fit(&e, g, node->in[i].tensor), st = e.status;
        if (grad_in) grad_in[i] = g && st == VT_OK ? vt__tensor_retain(g) : NULL;
    }
    if (st != VT_OK) e.status = st;
    st = vt__expr_end(&e);
    /* What the gradients were made of goes first: then a leaf sees that nobody else holds its own. */
    for (int32_t i = 0; i < node->n_out; i++) vt__tensor_release(node->grad_out[i]), node->grad_out[i] = NULL;
    for (int32_t i = 0; grad_in && i < node->n_in; i++) {
        if (grad_in[i] && st == VT_OK) st = give(w, &node->edges[i], grad_in[i]);
        vt__tensor_release(grad_in[i]);
    }
    if (grad_in != few) vt__free(w->ctx, grad_in);
    if (need != few_need) vt__free(w->ctx, need);
    if (st == VT_OK && !w->keep) vt__node_drop_kept(node);
    return st;
}

static vt_status start(struct walk *w, vt_tensor *root, vt_tensor *grad) {
    struct vt__expr e;
    if (!root->requires_grad) return vt__fail(VT_ERR_STATE, "backward: the tensor does not depend on anything that requires a gradient");
    vt__expr_begin(&e, w->ctx);
    if (!grad) {
        if (vt__tensor_count(root) != 1)
            e.status = vt__fail(VT_ERR_SHAPE, "backward: a tensor of %lld elements needs a gradient to start from", (long long)vt__tensor_count(root));
        else
            grad = vt__e_reshape_like(&e, vt__e_cast(&e, vt__e_scalar(&e, root, 1), root->dtype), root);
    } else {
        int same = grad->ndim == root->ndim;
        for (int32_t i = 0; same && i < root->ndim; i++) same = grad->shape[i] == root->shape[i];
        if (!same) e.status = vt__fail(VT_ERR_SHAPE, "backward: the gradient to start from must have the tensor's extents");
        grad = same ? vt__e_cast(&e, grad, root->dtype) : NULL;
        if (!root->node) grad = vt__e1(&e, VT__OP_copy, grad); /* a leaf keeps it; the caller's stays the caller's */
    }
    if (e.status == VT_OK) {
        struct vt__edge edge = {root->node, root->node ? NULL : root, root->output};
        e.status = give(w, &edge, grad);
    }
    return vt__expr_end(&e);
}

static vt_status sort(const struct walk *w, int64_t **order) {
    *order = vt__calloc2(w->ctx, w->n_nodes, 1, sizeof **order);
    for (int64_t i = 0; *order && i < w->n_nodes; i++) (*order)[i] = i;
    if (!*order || vt__sort(w->ctx, *order, w->n_nodes, is_later, w->nodes)) return vt__fail_nomem("backward", (size_t)w->n_nodes * sizeof **order);
    return VT_OK;
}

static vt_status run(struct walk *w, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n) {
    vt_status st = VT_OK;
    int64_t *order = NULL;
    for (int32_t i = 0; st == VT_OK && i < n; i++) st = push(w, roots[i]->node);
    for (int64_t i = 0; st == VT_OK && i < w->n_nodes; i++)
        for (int32_t j = 0; st == VT_OK && j < w->nodes[i]->n_in; j++) st = push(w, w->nodes[i]->edges[j].node);
    if (st == VT_OK) st = sort(w, &order);
    int32_t mode = vt__grad_mode_set(w->create);
    for (int32_t i = 0; st == VT_OK && i < n; i++) st = start(w, roots[i], grads ? grads[i] : NULL);
    for (int64_t i = 0; st == VT_OK && i < w->n_nodes; i++) st = step(w, w->nodes[order[i]]);
    (void)vt__grad_mode_set(mode);
    for (int64_t i = 0; i < w->n_nodes; i++) {
        struct vt__node *node = w->nodes[i];
        node->walk = NULL;
        for (int32_t j = 0; j < node->n_out; j++) vt__tensor_release(node->grad_out[j]), node->grad_out[j] = NULL;
        vt__node_release(node);
    }
    vt__free(w->ctx, w->nodes);
    vt__free(w->ctx, order);
    return st;
}

vt_status vt__backward(vt_context *ctx, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n, int32_t keep, int32_t create) {
    struct walk w = {.ctx = ctx, .keep = keep || create, .create = create};
    return run(&w, roots, grads, n);
}

vt_status vt__gradients(vt_context *ctx, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n, vt_tensor *const *in, int32_t n_in, int32_t keep,
                        int32_t create, vt_tensor **out) {
    struct walk w = {.ctx = ctx, .keep = keep || create, .create = create, .wanted = in, .found = out, .n_wanted = n_in};
    for (int32_t i = 0; i < n_in; i++) out[i] = NULL;
    vt_status st = run(&w, roots, grads, n);
    for (int32_t i = 0; st != VT_OK && i < n_in; i++) vt__tensor_release(out[i]), out[i] = NULL;
    return st;
}
