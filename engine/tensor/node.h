/* A node of the tape. Only tape.c and backward.c look inside. */
#ifndef VENTURI_TENSOR_NODE_H
#define VENTURI_TENSOR_NODE_H

#include "tensor/tape.h"

struct vt__hook {
    struct vt__hook *next;
    int32_t output; /* of a node */
    vt__hook_fn fn;
    void (*release)(void *user);
    void *user;
};

/* Where the gradient of an input goes: to an output of the node that made it, or to a leaf. Neither: nowhere. */
struct vt__edge {
    struct vt__node *node; /* retained */
    vt_tensor *leaf;       /* retained */
    int32_t output;
};

/* A tensor that the gradient function reads, and the version of its storage when it was kept. */
struct vt__kept {
    vt_tensor *tensor;
    uint64_t version;
};

struct vt__node {
    atomic_int refs;
    vt_context *ctx; /* retained */
    struct vt__account *account; /* where its own bytes are booked, NULL: nowhere */
    const struct vt__op_def *op; /* NULL: custom */
    const char *name;
    vt__custom_fn custom;
    void (*release)(void *user);
    void *user;
    struct vt__attrs attrs;
    struct vt__edge *edges; /* [n_in] */
    struct vt__kept *in;    /* [n_in] */
    struct vt__kept out[VT__MAX_OUT];
    struct vt__hook *hooks;
    int32_t n_in, n_out, spent; /* spent: its kept tensors are gone */
    uint64_t order;             /* later nodes have higher numbers */
    vt_tensor *grad_out[VT__MAX_OUT]; /* during a walk back */
    const void *walk; /* that has it in its list now; NULL: none */
    struct vt__node *next_dead;
};

void vt__node_drop_kept(struct vt__node *node);

#endif
