/* Gradients of elementwise operations of two and three inputs. */
#include "ops/elementwise_terms.h"

vt_status vt__grad_add(struct vt__grad *c) {
    c->grad_in[0] = c->grad_in[1] = vt__g(c);
    return VT_OK;
}

vt_status vt__grad_sub(struct vt__grad *c) {
    c->grad_in[0] = vt__g(c);
    if (c->need[1]) c->grad_in[1] = neg(c->expr, vt__g(c));
    return VT_OK;
}

vt_status vt__grad_mul(struct vt__grad *c) {
    if (c->need[0]) c->grad_in[0] = mul(c->expr, vt__g(c), conjugate(c->expr, c->in[1]));
    if (c->need[1]) c->grad_in[1] = mul(c->expr, vt__g(c), conjugate(c->expr, c->in[0]));
    return VT_OK;
}

/* (a / b)' = a' / b - a / b^2 b' */
vt_status vt__grad_div(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *over_b = over(e, vt__g(c), conjugate(e, c->in[1]));
    c->grad_in[0] = over_b;
    if (c->need[1]) c->grad_in[1] = neg(e, mul(e, over_b, conjugate(e, over(e, c->in[0], c->in[1]))));
    return VT_OK;
}

/* b a^(b-1) a', 0 where b is 0 whatever a is; and a^b ln a b', 0 where a is 0 and the power is defined (NaN for a < 0, as for every power of a negative
 * number that is no integer). */
vt_status vt__grad_pow(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *a = c->in[0], *b = c->in[1], *g = vt__g(c);
    if (c->need[0]) {
        vt_tensor *slope = mul(e, b, vt__e2(e, VT__OP_pow, a, vt__e_add_scalar(e, b, -1)));
        c->grad_in[0] = drop(e, compare(e, VT__OP_eq, b, 0), mul(e, g, conjugate(e, slope)));
    }
    if (c->need[1]) {
        vt_tensor *slope = mul(e, c->out[0], vt__e1(e, VT__OP_log, a)), *is_zero = compare(e, VT__OP_eq, a, 0);
        if (!is_complex(b)) is_zero = vt__e2(e, VT__OP_logical_and, is_zero, compare(e, VT__OP_ge, b, 0));
        c->grad_in[1] = drop(e, is_zero, mul(e, g, conjugate(e, slope)));
    }
    return VT_OK;
}

static vt_status by_winner(struct vt__grad *c, int32_t compare_op) {
    vt_tensor *first = vt__e2(c->expr, compare_op, c->in[0], c->in[1]);
    if (c->need[0]) c->grad_in[0] = keep(c->expr, first, vt__g(c));
    if (c->need[1]) c->grad_in[1] = drop(c->expr, first, vt__g(c));
    return VT_OK;
}

vt_status vt__grad_maximum(struct vt__grad *c) { return by_winner(c, VT__OP_ge); }
vt_status vt__grad_minimum(struct vt__grad *c) { return by_winner(c, VT__OP_le); }

vt_status vt__grad_atan2(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *scaled = over(e, vt__g(c), add(e, square(e, c->in[0]), square(e, c->in[1])));
    if (c->need[0]) c->grad_in[0] = mul(e, scaled, c->in[1]);
    if (c->need[1]) c->grad_in[1] = neg(e, mul(e, scaled, c->in[0]));
    return VT_OK;
}

/* a - b q with a whole number q that does not change. */
static vt_status of_remainder(struct vt__grad *c, int32_t rounding) {
    c->grad_in[0] = vt__g(c);
    if (c->need[1]) c->grad_in[1] = neg(c->expr, mul(c->expr, vt__g(c), vt__e1(c->expr, rounding, over(c->expr, c->in[0], c->in[1]))));
    return VT_OK;
}

vt_status vt__grad_fmod(struct vt__grad *c) { return of_remainder(c, VT__OP_trunc); }
vt_status vt__grad_remainder(struct vt__grad *c) { return of_remainder(c, VT__OP_floor); }

vt_status vt__grad_where(struct vt__grad *c) {
    if (c->need[1]) c->grad_in[1] = keep(c->expr, c->in[0], vt__g(c));
    if (c->need[2]) c->grad_in[2] = drop(c->expr, c->in[0], vt__g(c));
    return VT_OK;
}

vt_status vt__grad_masked_fill(struct vt__grad *c) {
    if (c->need[0]) c->grad_in[0] = drop(c->expr, c->in[1], vt__g(c));
    return VT_OK;
}

vt_status vt__grad_lerp(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *g = vt__g(c), *share = mul(e, g, c->in[2]);
    if (c->need[0]) c->grad_in[0] = sub(e, g, share);
    c->grad_in[1] = share;
    if (c->need[2]) c->grad_in[2] = mul(e, g, sub(e, c->in[1], c->in[0]));
    return VT_OK;
}

vt_status vt__grad_addcmul(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    double value = c->attrs->a[0].f;
    c->grad_in[0] = vt__g(c);
    if (c->need[1]) c->grad_in[1] = vt__e_scale(e, mul(e, vt__g(c), c->in[2]), value);
    if (c->need[2]) c->grad_in[2] = vt__e_scale(e, mul(e, vt__g(c), c->in[1]), value);
    return VT_OK;
}

/* ---- complex numbers: a gradient is that of the real part plus i times that of the imaginary part ---- */

vt_status vt__grad_complex(struct vt__grad *c) {
    if (c->need[0]) c->grad_in[0] = vt__e1(c->expr, VT__OP_real, vt__g(c));
    if (c->need[1]) c->grad_in[1] = vt__e1(c->expr, VT__OP_imag, vt__g(c));
    return VT_OK;
}

/* The walk gives a real gradient the input's type. */
vt_status vt__grad_real(struct vt__grad *c) {
    c->grad_in[0] = vt__g(c);
    return VT_OK;
}

static vt_tensor *times_i(struct vt__expr *e, vt_tensor *g) { return vt__e2(e, VT__OP_complex, vt__e_scalar(e, g, 0), g); }

vt_status vt__grad_imag(struct vt__grad *c) {
    c->grad_in[0] = is_complex(c->in[0]) ? times_i(c->expr, vt__g(c)) : vt__e_zeros_like(c->expr, c->in[0]);
    return VT_OK;
}

vt_status vt__grad_conj(struct vt__grad *c) {
    c->grad_in[0] = conjugate(c->expr, vt__g(c));
    return VT_OK;
}

/* |z|^2, and 1 where that is 0. */
static vt_tensor *squared_length(struct vt__expr *e, vt_tensor *z) {
    vt_tensor *n = add(e, square(e, vt__e1(e, VT__OP_real, z)), square(e, vt__e1(e, VT__OP_imag, z)));
    return vt__e3(e, VT__OP_where, compare(e, VT__OP_eq, n, 0), vt__e_scalar(e, n, 1), n);
}

/* z / |z|, 0 at 0. */
vt_status vt__grad_abs(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *z = c->in[0];
    vt_tensor *direction = is_complex(z) ? over(e, z, vt__e1(e, VT__OP_sqrt, squared_length(e, z))) : vt__e1(e, VT__OP_sign, z);
    c->grad_in[0] = mul(e, vt__g(c), direction);
    return VT_OK;
}

/* i z / |z|^2, 0 at 0; the angle of real numbers jumps, but has no slope. */
vt_status vt__grad_angle(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *z = c->in[0];
    if (is_complex(z)) c->grad_in[0] = mul(e, times_i(e, over(e, vt__g(c), squared_length(e, z))), z);
    else c->grad_in[0] = vt__e_zeros_like(e, z);
    return VT_OK;
}
