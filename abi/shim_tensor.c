/* Public calls of venturi/tensor.h: check, translate attributes, forward. */
#include "venturi/tensor.h"

#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "device/fft_library.h"
#include "tensor/attr.h"
#include "tensor/dlpack.h"
#include "tensor/tape.h"

_Static_assert((int)VT_MAX_DIMS == (int)VT__MAX_DIMS && (int)VT_OP_MAX_OUTPUTS == (int)VT__MAX_OUT, "the public constants are the engine's");

static vt_status describe(int32_t dtype, const int64_t *shape, int32_t n_dims, struct vt__desc *out) {
    if (n_dims < 0 || n_dims > VT_MAX_DIMS || (n_dims && !shape)) return vt__fail(VT_ERR_SHAPE, "tensor: %d dimensions, 0 to 8 are possible", n_dims);
    *out = (struct vt__desc){.dtype = dtype, .ndim = n_dims};
    if (n_dims) memcpy(out->shape, shape, (size_t)n_dims * sizeof *shape);
    return VT_OK;
}

vt_status vt_tensor_create(vt_context *ctx, int32_t dtype, const int64_t *shape, int32_t n_dims, int32_t device, vt_tensor **out) {
    struct vt__desc desc;
    if (out) *out = NULL;
    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "tensor: ctx or out is NULL");
    vt_status st = describe(dtype, shape, n_dims, &desc);
    return st == VT_OK ? vt__tensor_zeros(ctx, device, &desc, out) : st;
}

vt_status vt_tensor_create_view(vt_context *ctx, int32_t dtype, const int64_t *shape, int32_t n_dims, const int64_t *strides, void *data, size_t size,
                                uint32_t flags, vt_release_fn release, void *user, vt_tensor **out) {
    struct vt__desc desc;
    if (out) *out = NULL;
    if (!ctx || !out || (!data && size)) return vt__fail(VT_ERR_INVALID, "tensor: ctx, data or out is NULL");
    if (flags & ~(uint32_t)VT_TENSOR_READ_ONLY) return vt__fail(VT_ERR_INVALID, "tensor: unknown flags 0x%x", flags);
    vt_status st = describe(dtype, shape, n_dims, &desc);
    if (st != VT_OK) return st;
    return vt__tensor_borrow(ctx, &vt__backend_cpu, data, size, &desc, strides, (int32_t)flags & VT_TENSOR_READ_ONLY, release, user, out);
}

vt_tensor *vt_tensor_retain(vt_tensor *tensor) { return vt__tensor_retain(tensor); }
void vt_tensor_release(vt_tensor *tensor) { vt__tensor_release(tensor); }
int32_t vt_tensor_dtype(const vt_tensor *t) { return t ? t->dtype : -1; }
int32_t vt_tensor_n_dims(const vt_tensor *t) { return t ? t->ndim : 0; }
const int64_t *vt_tensor_shape(const vt_tensor *t) { return t ? t->shape : NULL; }
const int64_t *vt_tensor_strides(const vt_tensor *t) { return t ? t->strides : NULL; }
int64_t vt_tensor_count(const vt_tensor *t) { return t ? vt__tensor_count(t) : 0; }
int32_t vt_tensor_device(const vt_tensor *t) { return t ? vt__backend_device(t->storage->backend) : -1; }
void *vt_tensor_data(const vt_tensor *t) { return t && t->storage->backend->host_readable && !t->storage->recorder ? vt__tensor_to_view(t).data : NULL; }
size_t vt_tensor_storage_size(const vt_tensor *t) { return t ? t->storage->size : 0; }
size_t vt_dtype_size(int32_t dtype) { return vt__dtype_size(dtype); }
const char *vt_dtype_name(int32_t dtype) { return vt__dtype_name(dtype); }

vt_status vt_dtype_find(const char *name, int32_t *out) {
    if (!name || !out) return vt__fail(VT_ERR_INVALID, "dtype: name or out is NULL");
    return vt__dtype_find(name, out) ? VT_OK : vt__fail(VT_ERR_NOT_FOUND, "dtype: there is no type \"%.20s\"", name);
}

vt_status vt_tensor_read(vt_tensor *t, void *data, size_t size) {
    if (!t || (!data && size)) return vt__fail(VT_ERR_INVALID, "tensor: tensor or data is NULL");
    return vt__tensor_read(t, data, size);
}

vt_status vt_tensor_write(vt_tensor *t, const void *data, size_t size) {
    if (!t || (!data && size)) return vt__fail(VT_ERR_INVALID, "tensor: tensor or data is NULL");
    return vt__tensor_write(t, data, size);
}

vt_status vt_tensor_to_device(vt_tensor *t, int32_t device, vt_tensor **out) {
    if (out) *out = NULL;
    if (!t || !out) return vt__fail(VT_ERR_INVALID, "tensor: tensor or out is NULL");
    return vt__tensor_to_device(t, device, out);
}

vt_status vt_tensor_to_dlpack(vt_tensor *t, int32_t versioned, void **out) {
    struct vt__dl_managed *legacy = NULL;
    struct vt__dl_versioned *current = NULL;
    if (out) *out = NULL;
    if (!t || !out) return vt__fail(VT_ERR_INVALID, "dlpack: tensor or out is NULL");
    vt_status st = vt__dlpack_export(t, versioned ? NULL : &legacy, versioned ? &current : NULL);
    *out = versioned ? (void *)current : (void *)legacy;
    return st;
}

vt_status vt_tensor_from_dlpack(vt_context *ctx, void *managed, int32_t versioned, vt_tensor **out) {
    if (out) *out = NULL;
    if (!ctx || !managed || !out) return vt__fail(VT_ERR_INVALID, "dlpack: ctx, managed or out is NULL");
    return vt__dlpack_import(ctx, versioned ? NULL : managed, versioned ? managed : NULL, out);
}

vt_status vt_op_find(const char *name, int32_t *out) {
    const struct vt__op_def *op = name ? vt__op_find(name) : NULL;
    if (!name || !out) return vt__fail(VT_ERR_INVALID, "op: name or out is NULL");
    if (!op) return vt__fail(VT_ERR_NOT_FOUND, "op: there is no operation \"%.40s\"", name);
    *out = op->id;
    return VT_OK;
}

int32_t vt_op_count(void) { return VT__OP_COUNT; }

static vt_status check_op(int32_t op) {
    return op >= 0 && op < VT__OP_COUNT ? VT_OK : vt__fail(VT_ERR_INVALID, "op: number %d, 0 to %d exist", op, VT__OP_COUNT - 1);
}

static vt_status read_attrs(int32_t op, const vt_attr *attrs, int32_t n, struct vt__attrs *out) {
    vt_status st = check_op(op);
    if (st == VT_OK && (n < 0 || (n && !attrs))) st = vt__fail(VT_ERR_INVALID, "op: attrs is NULL, or their number %d negative", n);
    if (st == VT_OK) vt__attrs_default(&vt__op_table[op], out);
    for (int32_t i = 0; st == VT_OK && i < n; i++) {
        struct vt__attr_value value = {attrs[i].name, attrs[i].i, attrs[i].f, attrs[i].list, attrs[i].n_list, attrs[i].text};
        st = vt__attrs_set(&vt__op_table[op], out, &value);
    }
    return st;
}

vt_status vt_op_describe(int32_t op, vt_op_info *out) {
    enum { FIRST_SIZE = 48 }; /* sizeof in the first release */
    if (!out) return vt__fail(VT_ERR_INVALID, "op: out is NULL");
    vt_status st = check_op(op);
    if (st != VT_OK) return st;
    const struct vt__op_def *def = &vt__op_table[op];
    vt_op_info info = {.n_outputs = def->n_out, .name = def->name, .inputs = def->inputs, .attrs = def->attrs, .doc = def->doc};
    info.has_gradient = vt__op_has_gradient(def);
    info.is_view = def->flags & VT__OP_VIEW;
    return vt__result_write("op", out, &info, sizeof info, FIRST_SIZE);
}

vt_status vt_op_run(vt_context *ctx, int32_t op, vt_tensor *const *in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs, vt_tensor **out) {
    struct vt__attrs a;
    if (out) memset(out, 0, VT_OP_MAX_OUTPUTS * sizeof *out);
    if (!ctx || !out || n_in < 0 || (n_in && !in)) return vt__fail(VT_ERR_INVALID, "op: ctx, in or out is NULL");
    vt_status st = read_attrs(op, attrs, n_attrs, &a);
    return st == VT_OK ? vt__op_run(ctx, op, in, n_in, &a, out) : st;
}

vt_status vt_op_run_into(vt_context *ctx, int32_t op, vt_tensor *const *in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs, vt_tensor *const *out,
                         int32_t n_out) {
    struct vt__attrs a;
    if (!ctx || !out || n_in < 0 || (n_in && !in)) return vt__fail(VT_ERR_INVALID, "op: ctx, in or out is NULL");
    vt_status st = read_attrs(op, attrs, n_attrs, &a);
    if (st == VT_OK) st = vt__op_check_outputs(&vt__op_table[op], out, n_out);
    return st == VT_OK ? vt__op_run_into(ctx, op, in, n_in, &a, out) : st;
}

const vt_cancel *vt_op_cancel_set(const vt_cancel *cancel) { return vt__op_cancel_set(cancel); }

int32_t vt_grad_mode(void) { return vt__grad_mode(); }
int32_t vt_grad_mode_set(int32_t on) { return vt__grad_mode_set(on); }

vt_status vt_tensor_set_requires_grad(vt_tensor *t, int32_t on) {
    return t ? vt__tensor_set_requires_grad(t, on) : vt__fail(VT_ERR_INVALID, "tensor: tensor is NULL");
}

int32_t vt_tensor_requires_grad(const vt_tensor *t) { return t && t->requires_grad; }
int32_t vt_tensor_is_leaf(const vt_tensor *t) { return t && !t->node; }
vt_tensor *vt_tensor_grad(vt_tensor *t) { return t ? vt__tensor_retain(t->grad) : NULL; }

vt_status vt_tensor_set_grad(vt_tensor *t, vt_tensor *grad) {
    return t ? vt__tensor_set_grad(t, grad) : vt__fail(VT_ERR_INVALID, "tensor: tensor is NULL");
}

vt_status vt_tensor_detach(vt_tensor *t, vt_tensor **out) {
    if (out) *out = NULL;
    if (!t || !out) return vt__fail(VT_ERR_INVALID, "tensor: tensor or out is NULL");
    return vt__tensor_detach(t, out);
}

static vt_status check_walk(const vt_context *ctx, vt_tensor *const *roots, int32_t n, uint32_t flags) {
    if (!ctx || !roots || n < 1) return vt__fail(VT_ERR_INVALID, "backward: ctx or roots is NULL, or there are none");
    for (int32_t i = 0; i < n; i++)
        if (!roots[i]) return vt__fail(VT_ERR_INVALID, "backward: root %d is NULL", i);
    if (flags & ~(uint32_t)(VT_BACKWARD_KEEP | VT_BACKWARD_CREATE)) return vt__fail(VT_ERR_INVALID, "backward: unknown flags 0x%x", flags);
    return VT_OK;
}

vt_status vt_backward(vt_context *ctx, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n, uint32_t flags) {
    vt_status st = check_walk(ctx, roots, n, flags);
    return st == VT_OK ? vt__backward(ctx, roots, grads, n, (flags & VT_BACKWARD_KEEP) != 0, (flags & VT_BACKWARD_CREATE) != 0) : st;
}

vt_status vt_gradients(vt_context *ctx, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n, vt_tensor *const *in, int32_t n_in, uint32_t flags,
                       vt_tensor **out) {
    vt_status st = check_walk(ctx, roots, n, flags);
    if (st == VT_OK && (!in || !out || n_in < 1)) st = vt__fail(VT_ERR_INVALID, "backward: in or out is NULL, or there are none");
    for (int32_t i = 0; st == VT_OK && i < n_in; i++)
        if (!in[i]) st = vt__fail(VT_ERR_INVALID, "backward: input %d is NULL", i);
    if (st != VT_OK) return st;
    return vt__gradients(ctx, roots, grads, n, in, n_in, (flags & VT_BACKWARD_KEEP) != 0, (flags & VT_BACKWARD_CREATE) != 0, out);
}

vt_status vt_tensor_attach(vt_context *ctx, const char *name, vt_tensor *const *in, int32_t n_in, vt_tensor *const *out, int32_t n_out, vt_custom_grad_fn fn,
                           vt_release_fn release, void *user) {
    if (ctx && name && in && out && fn && n_in > 0) return vt__tape_custom(ctx, name, in, n_in, out, n_out, fn, release, user);
    if (release) release(user);
    return vt__fail(VT_ERR_INVALID, "attach: ctx, name, in, out or fn is NULL, or there is no input");
}

vt_status vt_tensor_add_hook(vt_tensor *t, vt_hook_fn fn, vt_release_fn release, void *user) {
    if (t && fn) return vt__tensor_add_hook(t, fn, release, user);
    if (release) release(user);
    return vt__fail(VT_ERR_INVALID, "hook: tensor or fn is NULL");
}

vt_status vt_fft_select(vt_context *ctx, int32_t library) {
    if (!ctx) return vt__fail(VT_ERR_INVALID, "fft: ctx is NULL");
    return vt__fft_select(ctx, library);
}
