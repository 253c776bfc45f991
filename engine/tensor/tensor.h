/* Tensors: strided views of reference-counted storage on a device, with their place on the tape. */
#ifndef VENTURI_TENSOR_TENSOR_H
#define VENTURI_TENSOR_TENSOR_H

#include <stdatomic.h>

#include "tensor/backend.h"
#include "tensor/dtype.h"
#include "tensor/op.h"
#include "venturi/types.h"

struct vt__recorder;

/* Bytes on a device. `version` counts writes: the tape refuses numbers that have changed since it kept them. */
struct vt__storage {
    atomic_int refs;
    vt_context *ctx; /* retained */
    const struct vt__backend *backend;
    void *data;
    size_t size;
    struct vt__account *account; /* where size is booked; NULL: nowhere */
    uint64_t version;
    int32_t borrowed;            /* the bytes are not ours to free */
    int32_t read_only;           /* borrowed bytes that may not be written, a mapped file's for instance */
    void (*release)(void *user); /* of borrowed bytes; NULL: nobody waits for them */
    void *user;
    struct vt__recorder *recorder; /* whose recording it belongs to: made in it, or its input; NULL: none */
    int64_t recorded;              /* its number there */
};

struct vt__node;
struct vt__hook;

struct vt_tensor {
    atomic_int refs;
    vt_context *ctx;             /* retained */
    struct vt__account *account; /* where its own bytes are booked, NULL: nowhere */
    struct vt__storage *storage; /* NULL: no numbers, shape and type only */
    int64_t offset;              /* of element [0, ..., 0], elements */
    int32_t dtype, ndim;
    int64_t shape[VT__MAX_DIMS], strides[VT__MAX_DIMS]; /* elements */
    int32_t requires_grad;       /* a leaf's wish, or: made of something that has it */
    int32_t output;              /* which output of node */
    struct vt__node *node;       /* what made it; NULL: a leaf. retained */
    vt_tensor *grad;             /* of leaves: accumulated */
    struct vt__hook *hooks;      /* of leaves; others keep them at the node */
};

/* Type and extents of something that is not there yet. */
struct vt__desc {
    int32_t dtype, ndim;
    int64_t shape[VT__MAX_DIMS];
};

/* Checks extents and counts: SHAPE for a negative extent or too many of them, for a size that overflows. */
vt_status vt__desc_check(const char *what, const struct vt__desc *desc, int64_t *count);

/* Dense, contents undefined. */
vt_status vt__tensor_create(vt_context *ctx, const struct vt__backend *backend, const struct vt__desc *desc, vt_tensor **out);
/* Zeros on a device by number. */
vt_status vt__tensor_zeros(vt_context *ctx, int32_t device, const struct vt__desc *desc, vt_tensor **out);
/* The same extents and type as desc, without storage. */
vt_status vt__tensor_ghost(vt_context *ctx, const struct vt__desc *desc, vt_tensor **out);
/* Over a caller's bytes on the backend, `size` of them; release(user) when the last view is gone, not on failure. strides NULL: dense. */
vt_status vt__tensor_borrow(vt_context *ctx, const struct vt__backend *backend, void *data, size_t size, const struct vt__desc *desc,
                            const int64_t *strides, int32_t read_only, void (*release)(void *user), void *user, vt_tensor **out);
/* Another place in the storage of base; extents, strides and offset are checked against it. No history. */
vt_status vt__tensor_view(vt_tensor *base, const struct vt__desc *desc, const int64_t *strides, int64_t offset, vt_tensor **out);
struct vt__storage *vt__storage_retain(struct vt__storage *s);
void vt__storage_release(struct vt__storage *s);
/* Bytes on the backend, contents undefined; not told to a recorder. */
vt_status vt__storage_create(vt_context *ctx, const struct vt__backend *backend, size_t size, struct vt__storage **out);
/* A tensor over all or part of a storage; extents, strides and offset are checked against it. */
vt_status vt__tensor_of_storage(struct vt__storage *s, const struct vt__desc *desc, const int64_t *strides, int64_t offset, vt_tensor **out);
vt_tensor *vt__tensor_retain(vt_tensor *t);
void vt__tensor_release(vt_tensor *t); /* however long the history, without recursion */

static inline int64_t vt__tensor_count(const vt_tensor *t) { return vt__extents_count(t->shape, t->ndim); }
static inline int vt__tensor_is_dense(const vt_tensor *t) { return vt__extents_are_dense(t->shape, t->strides, t->ndim); }
struct vt__desc vt__tensor_desc(const vt_tensor *t);
struct vt__view vt__tensor_to_view(const vt_tensor *t);
/* First and last element that the extents and strides reach, from element [0, ..., 0] on; last < first: none. SHAPE on overflow. */
vt_status vt__strides_reach(const struct vt__desc *desc, const int64_t *strides, int64_t *first, int64_t *last);
void vt__strides_dense(const struct vt__desc *desc, int64_t *strides);
/* The same place without history. */
vt_status vt__tensor_detach(vt_tensor *t, vt_tensor **out);
/* The numbers on another device; t itself, retained, if it is there. */
vt_status vt__tensor_to_device(vt_tensor *t, int32_t device, vt_tensor **out);
vt_status vt__tensor_set_requires_grad(vt_tensor *t, int32_t on); /* STATE: not a leaf; DTYPE */
vt_status vt__tensor_set_grad(vt_tensor *t, vt_tensor *grad);     /* NULL: none; SHAPE, DTYPE, STATE */
/* "f32[2,3]" into text [VT__SHAPE_TEXT], for messages; returns text. */
enum { VT__SHAPE_TEXT = 200 };
const char *vt__shape_text(const vt_tensor *t, char *text);
const char *vt__desc_text(const struct vt__desc *desc, char *text);

/* Broadcast b's extents into a's (NumPy: aligned at the right, 1 fits all); 0 if they do not fit. */
int vt__broadcast(struct vt__desc *a, const struct vt__desc *b);

/* All elements in row-major order, `size` bytes of them; SHAPE if that is not the size. */
vt_status vt__tensor_read(vt_tensor *t, void *host, size_t size); /* STATE within a recording, of what belongs to it */
vt_status vt__tensor_write(vt_tensor *t, const void *host, size_t size);

#endif
