#include <string.h>

#include "core/account.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "tensor/node.h"

/* One more than the highest number of the nodes below: a node comes after all that it is made of. */
static uint64_t order_after(vt_tensor *const *in, int32_t n_in) {
    uint64_t order = 0;
    for (int32_t i = 0; i < n_in; i++)
        if (in[i] && in[i]->node && in[i]->node->order >= order) order = in[i]->node->order + 1;
    return order;
}

void vt__hooks_release(vt_context *ctx, struct vt__hook *hooks) {
    while (hooks) {
        struct vt__hook *next = hooks->next;
        if (hooks->release) hooks->release(hooks->user);
        vt__free(ctx, hooks);
        hooks = next;
    }
}

void vt__node_drop_kept(struct vt__node *node) {
    node->spent = 1;
    for (int32_t i = 0; node->in && i < node->n_in; i++) vt__tensor_release(node->in[i].tensor), node->in[i].tensor = NULL;
    for (int32_t i = 0; i < node->n_out; i++) vt__tensor_release(node->out[i].tensor), node->out[i].tensor = NULL;
}

static size_t own_bytes(int32_t n_in) { return sizeof(struct vt__node) + (size_t)n_in * (sizeof(struct vt__edge) + sizeof(struct vt__kept)); }

static int drop(struct vt__node *node) { return node && atomic_fetch_sub(&node->refs, 1) == 1; }

/* Frees what a dead node holds; nodes that die with it go to the list instead of onto the stack. Kept tensors have no node of their own
 * (they are views without history), so releasing them goes no deeper. */
static void bury(struct vt__node *node, struct vt__node **dead) {
    vt_context *ctx = node->ctx;
    vt__node_drop_kept(node);
    for (int32_t i = 0; node->edges && i < node->n_in; i++) {
        vt__tensor_release(node->edges[i].leaf);
        if (drop(node->edges[i].node)) {
            node->edges[i].node->next_dead = *dead;
            *dead = node->edges[i].node;
        }
    }
    if (node->release) node->release(node->user);
    vt__hooks_release(ctx, node->hooks);
    vt__account_give(node->account, own_bytes(node->n_in));
    vt__free(ctx, node->edges);
    vt__free(ctx, node->in);
    vt__free(ctx, node);
    vt__context_release(ctx);
}

void vt__node_release(struct vt__node *node) {
    if (!drop(node)) return;
    struct vt__node *dead = node;
    node->next_dead = NULL;
    while (dead) {
        node = dead;
        dead = node->next_dead;
        bury(node, &dead);
    }
}

static vt_status create_node(vt_context *ctx, const char *name, int32_t n_in, int32_t n_out, struct vt__node **out) {
    struct vt__node *node = *out = vt__calloc(ctx, sizeof *node);
    if (!node) return vt__fail_nomem(name, sizeof *node);
    atomic_init(&node->refs, 1);
    node->ctx = vt__context_retain(ctx);
    node->name = name;
    node->n_in = n_in;
    node->n_out = n_out;
    vt_status st = vt__account_take(name, own_bytes(n_in), &node->account);
    if (st == VT_OK) {
        node->edges = vt__calloc2(ctx, n_in, 1, sizeof *node->edges);
        node->in = vt__calloc2(ctx, n_in, 1, sizeof *node->in);
        if (!node->edges || !node->in) st = vt__fail_nomem(name, own_bytes(n_in));
    }
    if (st != VT_OK) vt__node_release(node), *out = NULL;
    return st;
}

/* A tensor of the same place without history (so that nothing keeps itself alive), with numbers or without. */
static vt_status keep(struct vt__kept *kept, vt_tensor *t, int with_numbers) {
    struct vt__desc desc = vt__tensor_desc(t);
    if (!with_numbers) return vt__tensor_ghost(t->ctx, &desc, &kept->tensor);
    kept->version = t->storage->version;
    return vt__tensor_view(t, &desc, t->strides, t->offset, &kept->tensor);
}

static int wants_gradient(vt_tensor *const *in, int32_t n_in) {
    int any = 0;
    for (int32_t i = 0; i < n_in; i++) any |= in[i] && in[i]->requires_grad;
    return any;
}

static void link_inputs(struct vt__node *node, vt_tensor *const *in) {
    for (int32_t i = 0; i < node->n_in; i++) {
        if (!in[i] || !in[i]->requires_grad) continue;
        node->edges[i].output = in[i]->output;
        if (in[i]->node) {
            node->edges[i].node = in[i]->node;
            atomic_fetch_add(&in[i]->node->refs, 1);
        } else {
            node->edges[i].leaf = vt__tensor_retain(in[i]);
        }
    }
    node->order = order_after(in, node->n_in);
}

static void link_outputs(struct vt__node *node, vt_tensor *const *out) {
    for (int32_t i = 0; i < node->n_out; i++) {
        if (!out[i] || !vt__dtype_has_grad(out[i]->dtype)) continue;
        out[i]->requires_grad = 1;
        out[i]->output = i;
        out[i]->node = node;
        atomic_fetch_add(&node->refs, 1);
    }
}

vt_status vt__tape_record(const struct vt__op_def *op, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs, vt_tensor *const *out, int32_t n_out) {
    if (!wants_gradient(in, n_in)) return VT_OK;
    struct vt__node *node;
    vt_status st = create_node(out[0]->ctx, op->name, n_in, n_out, &node);
    if (st != VT_OK) return st;
    node->op = op;
    node->attrs = *attrs;
    for (int32_t i = 0; st == VT_OK && i < n_in; i++)
        if (in[i]) st = keep(&node->in[i], in[i], (op->keep & VT__KEEP_IN & (1 << (i < 7 ? i : 7))) != 0);
    for (int32_t i = 0; st == VT_OK && i < n_out; i++) st = keep(&node->out[i], out[i], (op->keep & VT__KEEP_OUT) != 0);
    if (st == VT_OK) {
        link_inputs(node, in);
        link_outputs(node, out);
    }
    vt__node_release(node);
    return st;
}

vt_status vt__tape_custom(vt_context *ctx, const char *name, vt_tensor *const *in, int32_t n_in, vt_tensor *const *out, int32_t n_out, vt__custom_fn fn,
                          void (*release)(void *user), void *user) {
    vt_status st = VT_OK;
    struct vt__node *node = NULL;
    if (n_out < 1 || n_out > VT__MAX_OUT) st = vt__fail(VT_ERR_INVALID, "%s: %d results, 1 to %d are possible", name, n_out, VT__MAX_OUT);
    for (int32_t i = 0; st == VT_OK && i < n_out; i++)
        if (out[i]->requires_grad) st = vt__fail(VT_ERR_STATE, "%s: result %d has a history already", name, i + 1);
    if (st == VT_OK && wants_gradient(in, n_in) && vt__grad_mode()) st = create_node(ctx, name, n_in, n_out, &node);
    for (int32_t i = 0; node && st == VT_OK && i < n_in; i++)
        if (in[i]) st = keep(&node->in[i], in[i], 0);
    for (int32_t i = 0; node && st == VT_OK && i < n_out; i++) st = keep(&node->out[i], out[i], 0);
    if (!node || st != VT_OK) {
        vt__node_release(node);
        if (release) release(user);
        return st;
    }
    node->name = "custom function";
    node->custom = fn;
    node->release = release;
    node->user = user;
    link_inputs(node, in);
    link_outputs(node, out);
    vt__node_release(node);
    return VT_OK;
}

vt_status vt__tensor_add_hook(vt_tensor *t, vt__hook_fn fn, void (*release)(void *user), void *user) {
    struct vt__hook *hook = t->requires_grad ? vt__calloc(t->ctx, sizeof *hook) : NULL;
    if (!hook) {
        if (release) release(user);
        return t->requires_grad ? vt__fail_nomem("hook", sizeof *hook) : vt__fail(VT_ERR_STATE, "hook: the tensor requires no gradient");
    }
    struct vt__hook **end = t->node ? &t->node->hooks : &t->hooks;
    hook->fn = fn;
    hook->release = release;
    hook->user = user;
    hook->output = t->output;
    while (*end) end = &(*end)->next;
    *end = hook;
    return VT_OK;
}
