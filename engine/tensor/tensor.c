#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

#include "core/account.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "tensor/dispatch.h"
#include "tensor/record.h"
#include "tensor/tape.h"

const char *vt__desc_text(const struct vt__desc *desc, char *text) {
    int n = snprintf(text, VT__SHAPE_TEXT, "%s[", vt__dtype_name(desc->dtype));
    for (int32_t i = 0; i < desc->ndim; i++) n += snprintf(text + n, VT__SHAPE_TEXT - (size_t)n, i ? ",%lld" : "%lld", (long long)desc->shape[i]);
    (void)snprintf(text + n, VT__SHAPE_TEXT - (size_t)n, "]");
    return text;
}

const char *vt__shape_text(const vt_tensor *t, char *text) {
    struct vt__desc d = vt__tensor_desc(t);
    return vt__desc_text(&d, text);
}

vt_status vt__desc_check(const char *what, const struct vt__desc *desc, int64_t *count) {
    size_t size = vt__dtype_size(desc->dtype), bytes = size;
    char text[VT__SHAPE_TEXT];
    if (!size) return vt__fail(VT_ERR_DTYPE, "%s: %d is no element type of tensors", what, desc->dtype);
    if (desc->ndim < 0 || desc->ndim > VT__MAX_DIMS) return vt__fail(VT_ERR_SHAPE, "%s: %d dimensions, 0 to %d are possible", what, desc->ndim, VT__MAX_DIMS);
    int empty = 0;
    for (int32_t i = 0; i < desc->ndim; i++) {
        if (desc->shape[i] < 0) return vt__fail(VT_ERR_SHAPE, "%s: extent %lld of dimension %d is negative", what, (long long)desc->shape[i], i);
        empty |= desc->shape[i] == 0;
    }
    /* Extents beside a 0 must multiply to something too: strides are made of them. */
    for (int32_t i = 0; i < desc->ndim; i++)
        if (desc->shape[i] && (vt__mul_size((int64_t)bytes, desc->shape[i], &bytes) || bytes > INT64_MAX / 2))
            return vt__fail(VT_ERR_SHAPE, "%s: %s has too many elements", what, vt__desc_text(desc, text));
    if (count) *count = empty ? 0 : (int64_t)(bytes / size);
    return VT_OK;
}

void vt__strides_dense(const struct vt__desc *desc, int64_t *strides) {
    int64_t stride = 1;
    for (int32_t i = desc->ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        if (desc->shape[i] > 1) stride *= desc->shape[i];
    }
}

struct vt__desc vt__tensor_desc(const vt_tensor *t) {
    struct vt__desc d = {.dtype = t->dtype, .ndim = t->ndim};
    memcpy(d.shape, t->shape, sizeof d.shape);
    return d;
}

int64_t vt__extents_count(const int64_t *shape, int32_t ndim) {
    int64_t n = 1;
    for (int32_t i = 0; i < ndim; i++) n *= shape[i];
    return n;
}

int vt__extents_are_dense(const int64_t *shape, const int64_t *strides, int32_t ndim) {
    int64_t stride = 1;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        if (shape[i] == 0) return 1;
        if (shape[i] == 1) continue;
        if (strides[i] != stride) return 0;
        stride *= shape[i];
    }
    return 1;
}

struct vt__view vt__tensor_to_view(const vt_tensor *t) {
    struct vt__view v = {.dtype = t->dtype, .ndim = t->ndim};
    memcpy(v.shape, t->shape, sizeof v.shape);
    memcpy(v.strides, t->strides, sizeof v.strides);
    v.data = t->storage ? (char *)t->storage->data + t->offset * (int64_t)vt__dtype_size(t->dtype) : NULL;
    return v;
}

int vt__broadcast(struct vt__desc *a, const struct vt__desc *b) {
    struct vt__desc r = a->ndim >= b->ndim ? *a : *b;
    const struct vt__desc *other = a->ndim >= b->ndim ? b : a;
    for (int32_t i = 1; i <= other->ndim; i++) {
        int64_t *x = &r.shape[r.ndim - i], y = other->shape[other->ndim - i];
        if (*x == 1) *x = y;
        else if (y != 1 && y != *x) return 0;
    }
    r.dtype = a->dtype;
    *a = r;
    return 1;
}

struct vt__storage *vt__storage_retain(struct vt__storage *s) {
    if (s) atomic_fetch_add(&s->refs, 1);
    return s;
}

void vt__storage_release(struct vt__storage *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    vt_context *ctx = s->ctx;
    if (s->recorder) s->recorder->gone(s->recorder, s);
    if (s->release) s->release(s->user);
    if (s->data && !s->borrowed) s->backend->free(ctx, s->data);
    vt__account_give(s->account, s->size);
    vt__free(ctx, s);
    vt__context_release(ctx);
}

static struct vt__storage *create_storage(vt_context *ctx, const struct vt__backend *backend) {
    struct vt__storage *s = vt__calloc(ctx, sizeof *s);
    if (!s) return NULL;
    atomic_init(&s->refs, 1);
    s->ctx = vt__context_retain(ctx);
    s->backend = backend;
    return s;
}

vt_status vt__storage_create(vt_context *ctx, const struct vt__backend *backend, size_t size, struct vt__storage **out) {
    struct vt__storage *s = create_storage(ctx, backend);
    *out = NULL;
    if (!s) return vt__fail_nomem("tensor", sizeof *s);
    s->size = size;
    vt_status st = vt__account_take("tensor", size, &s->account);
    if (st == VT_OK) st = backend->alloc(ctx, size, &s->data);
    if (st == VT_OK) *out = s;
    else vt__storage_release(s);
    return st;
}

vt_status vt__tensor_ghost(vt_context *ctx, const struct vt__desc *desc, vt_tensor **out) {
    struct vt__account *account;
    vt_status st = vt__account_take("tensor", sizeof(vt_tensor) + sizeof(struct vt__storage), &account);
    vt_tensor *t = *out = st == VT_OK ? vt__calloc(ctx, sizeof *t) : NULL;
    if (!t) {
        vt__account_give(account, sizeof(vt_tensor) + sizeof(struct vt__storage));
        return st == VT_OK ? vt__fail_nomem("tensor", sizeof *t) : st;
    }
    atomic_init(&t->refs, 1);
    t->account = account;
    t->ctx = vt__context_retain(ctx);
    t->dtype = desc->dtype;
    t->ndim = desc->ndim;
    for (int32_t i = 0; i < desc->ndim; i++) t->shape[i] = desc->shape[i];
    vt__strides_dense(desc, t->strides);
    return VT_OK;
}

vt_status vt__tensor_create(vt_context *ctx, const struct vt__backend *backend, const struct vt__desc *desc, vt_tensor **out) {
    int64_t n = 0;
    *out = NULL;
    vt_status st = vt__desc_check("tensor", desc, &n);
    if (st == VT_OK) st = vt__tensor_ghost(ctx, desc, out);
    if (st != VT_OK) return st;
    vt_tensor *t = *out;
    st = vt__storage_create(ctx, backend, (size_t)n * vt__dtype_size(desc->dtype), &t->storage);
    struct vt__recorder *recorder = vt__recorder_get();
    if (st == VT_OK && recorder) st = recorder->made(recorder, t->storage);
    if (st != VT_OK) vt__tensor_release(t), *out = NULL;
    return st;
}

vt_status vt__tensor_zeros(vt_context *ctx, int32_t device, const struct vt__desc *desc, vt_tensor **out) {
    const struct vt__backend *backend = vt__backend_get(device);
    *out = NULL;
    if (!backend) return vt__fail(VT_ERR_DEVICE, "tensor: there is no device %d", device);
    vt_status st = vt__tensor_create(ctx, backend, desc, out);
    if (st == VT_OK && (*out)->storage->size) st = vt__op_run_into(ctx, VT__OP_fill, out, 1, NULL, out);
    if (st != VT_OK) vt__tensor_release(*out), *out = NULL;
    return st;
}

vt_status vt__strides_reach(const struct vt__desc *desc, const int64_t *strides, int64_t *first, int64_t *last) {
    *first = *last = 0;
    for (int32_t i = 0; i < desc->ndim; i++) {
        int64_t span, *end = strides[i] < 0 ? first : last;
        if (desc->shape[i] == 0) {
            *first = 0, *last = -1;
            return VT_OK;
        }
        if (__builtin_mul_overflow(desc->shape[i] - 1, strides[i], &span) || __builtin_add_overflow(*end, span, end))
            return vt__fail(VT_ERR_SHAPE, "tensor: stride %lld of dimension %d is too large", (long long)strides[i], i);
    }
    return VT_OK;
}

/* The places lie in n elements of storage. */
static vt_status check_reach(const struct vt__desc *desc, const int64_t *strides, int64_t offset, int64_t n) {
    int64_t first, last;
    vt_status st = vt__strides_reach(desc, strides, &first, &last);
    if (st != VT_OK) return st;
    if (last >= first && (offset < 0 || offset > n || first < -offset || last >= n - offset))
        return vt__fail(VT_ERR_SHAPE, "tensor: elements %lld to %lld of a storage of %lld are needed", (long long)(offset + first), (long long)(offset + last),
                        (long long)n);
    return VT_OK;
}

vt_status vt__tensor_borrow(vt_context *ctx, const struct vt__backend *backend, void *data, size_t size, const struct vt__desc *desc,
                            const int64_t *strides, int32_t read_only, void (*release)(void *user), void *user, vt_tensor **out) {
    int64_t dense[VT__MAX_DIMS] = {0};
    *out = NULL;
    vt_status st = vt__desc_check("tensor", desc, NULL);
    if (st != VT_OK) return st;
    size_t width = vt__dtype_size(desc->dtype), align = vt__dtype_kind(desc->dtype) == VT__KIND_COMPLEX ? width / 2 : width;
    if ((uintptr_t)data % align) return vt__fail(VT_ERR_INVALID, "tensor: %s elements at an address that is no multiple of %zu", vt__dtype_name(desc->dtype), align);
    if (!strides) vt__strides_dense(desc, dense), strides = dense;
    st = check_reach(desc, strides, 0, (int64_t)(size / vt__dtype_size(desc->dtype)));
    if (st == VT_OK) st = vt__tensor_ghost(ctx, desc, out);
    if (st != VT_OK) return st;
    vt_tensor *t = *out;
    t->storage = create_storage(ctx, backend);
    if (!t->storage) {
        vt__tensor_release(t), *out = NULL;
        return vt__fail_nomem("tensor", sizeof *t->storage);
    }
    for (int32_t i = 0; i < desc->ndim; i++) t->strides[i] = strides[i];
    t->storage->data = data;
    t->storage->size = size;
    t->storage->read_only = read_only;
    t->storage->borrowed = 1;
    t->storage->release = release;
    t->storage->user = user;
    return VT_OK;
}

/* s NULL: extents and type only. */
static vt_status view_of(vt_context *ctx, struct vt__storage *s, const struct vt__desc *desc, const int64_t *strides, int64_t offset, vt_tensor **out) {
    *out = NULL;
    vt_status st = vt__desc_check("view", desc, NULL);
    if (st == VT_OK && s) st = check_reach(desc, strides, offset, (int64_t)(s->size / vt__dtype_size(desc->dtype)));
    if (st == VT_OK) st = vt__tensor_ghost(ctx, desc, out);
    if (st != VT_OK) return st;
    vt_tensor *t = *out;
    for (int32_t i = 0; i < desc->ndim; i++) t->strides[i] = strides[i];
    t->offset = offset;
    t->storage = vt__storage_retain(s);
    return VT_OK;
}

vt_status vt__tensor_view(vt_tensor *base, const struct vt__desc *desc, const int64_t *strides, int64_t offset, vt_tensor **out) {
    return view_of(base->ctx, base->storage, desc, strides, offset, out);
}

vt_status vt__tensor_of_storage(struct vt__storage *s, const struct vt__desc *desc, const int64_t *strides, int64_t offset, vt_tensor **out) {
    return view_of(s->ctx, s, desc, strides, offset, out);
}

vt_tensor *vt__tensor_retain(vt_tensor *t) {
    if (t) atomic_fetch_add(&t->refs, 1);
    return t;
}

void vt__tensor_release(vt_tensor *t) {
    if (!t || atomic_fetch_sub(&t->refs, 1) != 1) return;
    vt_context *ctx = t->ctx;
    vt__storage_release(t->storage);
    vt__tensor_release(t->grad);
    vt__hooks_release(ctx, t->hooks);
    vt__node_release(t->node);
    vt__account_give(t->account, sizeof(vt_tensor) + sizeof(struct vt__storage));
    vt__free(ctx, t);
    vt__context_release(ctx);
}

static vt_status check_size(const vt_tensor *t, const char *what, size_t size) {
    char text[VT__SHAPE_TEXT];
    size_t have = (size_t)vt__tensor_count(t) * vt__dtype_size(t->dtype);
    if (size == have) return VT_OK;
    return vt__fail(VT_ERR_SHAPE, "%s: %zu bytes given, %s has %zu", what, size, vt__shape_text(t, text), have);
}

/* t itself (retained) if dense, else a dense copy. */
static vt_status make_dense(vt_tensor *t, vt_tensor **out) {
    if (vt__tensor_is_dense(t)) return *out = vt__tensor_retain(t), VT_OK;
    int32_t mode = vt__grad_mode_set(0);
    vt_status st = vt__op_run(t->ctx, VT__OP_copy, &t, 1, NULL, out);
    (void)vt__grad_mode_set(mode);
    return st;
}

vt_status vt__tensor_read(vt_tensor *t, void *host, size_t size) {
    vt_tensor *dense = NULL;
    vt_status st = vt__recorder_check_read("read", t);
    if (st == VT_OK) st = check_size(t, "read", size);
    if (st == VT_OK) st = make_dense(t, &dense);
    if (st == VT_OK && size) st = dense->storage->backend->read(t->ctx, host, vt__tensor_to_view(dense).data, size);
    vt__tensor_release(dense);
    return st;
}

/* All bytes of t, which is dense. */
static vt_status write_dense(vt_tensor *t, const void *host, size_t size) {
    struct vt__recorder *recorder = vt__recorder_get();
    t->storage->version++;
    vt_status st = t->storage->backend->write(t->ctx, vt__tensor_to_view(t).data, host, size);
    return st == VT_OK && recorder ? recorder->written(recorder, t, host, size) : st;
}

vt_status vt__tensor_write(vt_tensor *t, const void *host, size_t size) {
    vt_status st = vt__recorder_check("write", t);
    if (st == VT_OK) st = check_size(t, "write", size);
    if (st != VT_OK || !size) return st;
    if (t->storage->read_only) return vt__fail(VT_ERR_STATE, "write: the tensor's bytes are read-only");
    if (vt__tensor_is_dense(t)) return write_dense(t, host, size);
    struct vt__desc desc = vt__tensor_desc(t);
    vt_tensor *dense = NULL;
    st = vt__tensor_create(t->ctx, t->storage->backend, &desc, &dense);
    if (st == VT_OK) st = write_dense(dense, host, size);
    int32_t mode = vt__grad_mode_set(0);
    if (st == VT_OK) st = vt__op_run_into(t->ctx, VT__OP_copy, &dense, 1, NULL, &t);
    (void)vt__grad_mode_set(mode);
    vt__tensor_release(dense);
    return st;
}

vt_status vt__tensor_detach(vt_tensor *t, vt_tensor **out) {
    struct vt__desc desc = vt__tensor_desc(t);
    return vt__tensor_view(t, &desc, t->strides, t->offset, out);
}

vt_status vt__tensor_to_device(vt_tensor *t, int32_t device, vt_tensor **out) {
    const struct vt__backend *backend = vt__backend_get(device);
    struct vt__desc desc = vt__tensor_desc(t);
    size_t size = (size_t)vt__tensor_count(t) * vt__dtype_size(t->dtype);
    *out = NULL;
    if (!backend) return vt__fail(VT_ERR_DEVICE, "tensor: there is no device %d", device);
    if (backend == t->storage->backend) return *out = vt__tensor_retain(t), VT_OK;
    void *host = vt__alloc(t->ctx, size);
    vt_status st = host ? vt__tensor_read(t, host, size) : vt__fail_nomem("tensor", size);
    if (st == VT_OK) st = vt__tensor_create(t->ctx, backend, &desc, out);
    if (st == VT_OK) st = vt__tensor_write(*out, host, size);
    if (st != VT_OK) vt__tensor_release(*out), *out = NULL;
    vt__free(t->ctx, host);
    return st;
}

vt_status vt__tensor_set_requires_grad(vt_tensor *t, int32_t on) {
    if (t->node) return vt__fail(VT_ERR_STATE, "requires_grad: the tensor is the result of a recorded operation; detach it first");
    if (on && !vt__dtype_has_grad(t->dtype)) return vt__fail(VT_ERR_DTYPE, "requires_grad: %s numbers have no gradient", vt__dtype_name(t->dtype));
    t->requires_grad = on != 0;
    return VT_OK;
}

vt_status vt__tensor_set_grad(vt_tensor *t, vt_tensor *grad) {
    char a[VT__SHAPE_TEXT], b[VT__SHAPE_TEXT];
    int same = !grad || (grad->ndim == t->ndim && grad->dtype == t->dtype);
    if (t->node) return vt__fail(VT_ERR_STATE, "grad: the tensor is no leaf");
    for (int32_t i = 0; same && grad && i < t->ndim; i++) same = grad->shape[i] == t->shape[i];
    if (!same) return vt__fail(VT_ERR_SHAPE, "grad: %s for a tensor %s", vt__shape_text(grad, a), vt__shape_text(t, b));
    (void)vt__tensor_retain(grad);
    vt__tensor_release(t->grad);
    t->grad = grad;
    return VT_OK;
}
