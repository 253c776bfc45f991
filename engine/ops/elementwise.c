/* Extents and types of elementwise operations. */
#include "core/error.h"
#include "ops/ops.h"

static enum vt__kind kind_of(const struct vt__infer *call, int32_t i) { return vt__dtype_kind(call->in[i]->dtype); }

/* Arithmetic makes bools numbers. */
static int32_t number_type(int32_t dtype) { return dtype == VT_DTYPE_BOOL ? VT_DTYPE_I64 : dtype; }

static vt_status refuse_complex(const struct vt__infer *call) {
    for (int32_t i = 0; i < call->n_in; i++)
        if (kind_of(call, i) == VT__KIND_COMPLEX) return vt__infer_fail(call, VT_ERR_DTYPE, "not for complex numbers");
    return VT_OK;
}

vt_status vt__infer_same(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    return VT_OK;
}

vt_status vt__infer_real_same(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    return refuse_complex(call);
}

vt_status vt__infer_arithmetic(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = number_type(call->out[0].dtype);
    return VT_OK;
}

vt_status vt__infer_real_arithmetic(struct vt__infer *call) {
    (void)vt__infer_arithmetic(call);
    return refuse_complex(call);
}

vt_status vt__infer_float(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = vt__dtype_float(call->out[0].dtype);
    return VT_OK;
}

vt_status vt__infer_real_float(struct vt__infer *call) {
    (void)vt__infer_float(call);
    return refuse_complex(call);
}

vt_status vt__infer_magnitude(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = vt__dtype_real(number_type(call->out[0].dtype));
    return VT_OK;
}

vt_status vt__infer_part(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = vt__dtype_real(call->out[0].dtype);
    return VT_OK;
}

vt_status vt__infer_angle(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = vt__dtype_real(vt__dtype_float(call->out[0].dtype));
    return VT_OK;
}

vt_status vt__infer_test(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = VT_DTYPE_BOOL;
    return VT_OK;
}

vt_status vt__infer_real_test(struct vt__infer *call) {
    (void)vt__infer_test(call);
    return refuse_complex(call);
}

vt_status vt__infer_cast(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = (int32_t)call->attrs->a[0].i[0];
    enum vt__kind to = vt__dtype_kind(call->out[0].dtype);
    if (to == VT__KIND_NONE) return vt__infer_fail(call, VT_ERR_DTYPE, "not a type of tensors");
    if (kind_of(call, 0) == VT__KIND_COMPLEX && to != VT__KIND_COMPLEX && to != VT__KIND_BOOL)
        return vt__infer_fail(call, VT_ERR_DTYPE, "a complex number is no real one; take real or abs");
    return VT_OK;
}

/* Extents of all inputs together, and the type that inputs first, first + 1, ... promote to. */
static vt_status join(struct vt__infer *call, int32_t first) {
    call->out[0] = vt__in_desc(call, 0);
    for (int32_t i = 1; i < call->n_in; i++) {
        struct vt__desc desc = vt__in_desc(call, i);
        if (!vt__broadcast(&call->out[0], &desc)) return vt__infer_fail(call, VT_ERR_SHAPE, "extents do not broadcast");
    }
    call->out[0].dtype = call->in[first]->dtype;
    for (int32_t i = first + 1; i < call->n_in; i++) call->out[0].dtype = vt__dtype_promote(call->out[0].dtype, call->in[i]->dtype);
    return VT_OK;
}

vt_status vt__infer_binary(struct vt__infer *call) {
    vt_status st = join(call, 0);
    call->out[0].dtype = number_type(call->out[0].dtype);
    return st;
}

vt_status vt__infer_divide(struct vt__infer *call) {
    vt_status st = join(call, 0);
    call->out[0].dtype = vt__dtype_float(call->out[0].dtype);
    return st;
}

vt_status vt__infer_real_binary(struct vt__infer *call) {
    vt_status st = refuse_complex(call);
    return st != VT_OK ? st : join(call, 0);
}

vt_status vt__infer_real_arithmetic_binary(struct vt__infer *call) {
    vt_status st = refuse_complex(call);
    return st != VT_OK ? st : vt__infer_binary(call);
}

vt_status vt__infer_real_float_binary(struct vt__infer *call) {
    vt_status st = refuse_complex(call);
    return st != VT_OK ? st : vt__infer_divide(call);
}

vt_status vt__infer_compare(struct vt__infer *call) {
    vt_status st = join(call, 0);
    call->out[0].dtype = VT_DTYPE_BOOL;
    return st;
}

vt_status vt__infer_real_compare(struct vt__infer *call) {
    vt_status st = refuse_complex(call);
    return st != VT_OK ? st : vt__infer_compare(call);
}

vt_status vt__infer_bits(struct vt__infer *call) {
    vt_status st = join(call, 0);
    if (st == VT_OK && vt__dtype_kind(call->out[0].dtype) > VT__KIND_INT) return vt__infer_fail(call, VT_ERR_DTYPE, "only integers and bools have bits");
    return st;
}

vt_status vt__infer_where(struct vt__infer *call) { return join(call, 1); }

vt_status vt__infer_masked_fill(struct vt__infer *call) {
    vt_status st = join(call, 0);
    call->out[0].dtype = call->in[0]->dtype;
    return st;
}

vt_status vt__infer_ternary(struct vt__infer *call) {
    vt_status st = refuse_complex(call);
    if (st == VT_OK) st = join(call, 0);
    call->out[0].dtype = vt__dtype_float(call->out[0].dtype);
    return st;
}

vt_status vt__infer_complex(struct vt__infer *call) {
    vt_status st = refuse_complex(call);
    if (st == VT_OK) st = join(call, 0);
    call->out[0].dtype = vt__dtype_complex(call->out[0].dtype);
    return st;
}
