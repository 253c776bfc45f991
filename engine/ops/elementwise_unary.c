/* Gradients of elementwise operations of one input. Where an operation takes complex numbers, the slope is conjugated. */
#include "ops/elementwise_terms.h"

/* Most gradients are g times the slope. */
static vt_status slope(struct vt__grad *c, vt_tensor *slope) {
    c->grad_in[0] = mul(c->expr, vt__g(c), conjugate(c->expr, slope));
    return VT_OK;
}

static vt_status divisor(struct vt__grad *c, vt_tensor *divisor) {
    c->grad_in[0] = over(c->expr, vt__g(c), conjugate(c->expr, divisor));
    return VT_OK;
}

static vt_status gradient(struct vt__grad *c, vt_tensor *g) {
    c->grad_in[0] = g;
    return VT_OK;
}

vt_status vt__grad_neg(struct vt__grad *c) { return gradient(c, neg(c->expr, vt__g(c))); }

/* The caller turns the type back. */
vt_status vt__grad_cast(struct vt__grad *c) { return gradient(c, vt__g(c)); }
vt_status vt__grad_copy(struct vt__grad *c) { return gradient(c, vt__g(c)); }

vt_status vt__grad_zero(struct vt__grad *c) {
    for (int32_t i = 0; i < c->n_in; i++)
        if (c->need[i]) c->grad_in[i] = vt__e_zeros_like(c->expr, c->in[i]);
    return VT_OK;
}

vt_status vt__grad_square(struct vt__grad *c) { return slope(c, vt__e_scale(c->expr, c->in[0], 2)); }
vt_status vt__grad_sqrt(struct vt__grad *c) { return divisor(c, vt__e_scale(c->expr, c->out[0], 2)); }

vt_status vt__grad_rsqrt(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    return slope(c, vt__e_scale(e, mul(e, c->out[0], square(e, c->out[0])), -0.5));
}

vt_status vt__grad_reciprocal(struct vt__grad *c) { return slope(c, neg(c->expr, square(c->expr, c->out[0]))); }
vt_status vt__grad_exp(struct vt__grad *c) { return slope(c, c->out[0]); }
vt_status vt__grad_exp2(struct vt__grad *c) { return slope(c, vt__e_scale(c->expr, c->out[0], 0.6931471805599453)); }
vt_status vt__grad_expm1(struct vt__grad *c) { return slope(c, vt__e_add_scalar(c->expr, c->out[0], 1)); }
vt_status vt__grad_log(struct vt__grad *c) { return divisor(c, c->in[0]); }
vt_status vt__grad_log2(struct vt__grad *c) { return divisor(c, vt__e_scale(c->expr, c->in[0], 0.6931471805599453)); }
vt_status vt__grad_log10(struct vt__grad *c) { return divisor(c, vt__e_scale(c->expr, c->in[0], 2.302585092994046)); }
vt_status vt__grad_log1p(struct vt__grad *c) { return divisor(c, vt__e_add_scalar(c->expr, c->in[0], 1)); }
vt_status vt__grad_sin(struct vt__grad *c) { return slope(c, vt__e1(c->expr, VT__OP_cos, c->in[0])); }
vt_status vt__grad_cos(struct vt__grad *c) { return slope(c, neg(c->expr, vt__e1(c->expr, VT__OP_sin, c->in[0]))); }
vt_status vt__grad_tan(struct vt__grad *c) { return slope(c, vt__e_add_scalar(c->expr, square(c->expr, c->out[0]), 1)); }

static vt_tensor *arc_slope(struct vt__grad *c) { return vt__e1(c->expr, VT__OP_rsqrt, one_plus(c->expr, -1, square(c->expr, c->in[0]))); }
vt_status vt__grad_asin(struct vt__grad *c) { return slope(c, arc_slope(c)); }
vt_status vt__grad_acos(struct vt__grad *c) { return slope(c, neg(c->expr, arc_slope(c))); }
vt_status vt__grad_atan(struct vt__grad *c) { return divisor(c, vt__e_add_scalar(c->expr, square(c->expr, c->in[0]), 1)); }
vt_status vt__grad_sinh(struct vt__grad *c) { return slope(c, vt__e1(c->expr, VT__OP_cosh, c->in[0])); }
vt_status vt__grad_cosh(struct vt__grad *c) { return slope(c, vt__e1(c->expr, VT__OP_sinh, c->in[0])); }

vt_status vt__grad_tanh(struct vt__grad *c) {
    if (is_complex(c->out[0])) return slope(c, one_plus(c->expr, -1, square(c->expr, c->out[0])));
    return gradient(c, vt__e2(c->expr, VT__OP_tanh_grad, vt__g(c), c->out[0]));
}

vt_status vt__grad_sigmoid(struct vt__grad *c) {
    if (is_complex(c->out[0])) return slope(c, mul(c->expr, c->out[0], one_plus(c->expr, -1, c->out[0])));
    return gradient(c, vt__e2(c->expr, VT__OP_sigmoid_grad, vt__g(c), c->out[0]));
}

vt_status vt__grad_logsigmoid(struct vt__grad *c) { return slope(c, vt__e1(c->expr, VT__OP_sigmoid, neg(c->expr, c->in[0]))); }

vt_status vt__grad_erf(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    return slope(c, vt__e_scale(e, vt__e1(e, VT__OP_exp, neg(e, square(e, c->in[0]))), 1.1283791670955126));
}

/* ---- activations ---- */

static vt_tensor *with_choice(struct vt__grad *c, int32_t op, vt_tensor *g, vt_tensor *x) {
    vt_tensor *in[] = {g, x};
    return vt__expr_op(c->expr, op, in, 2, c->attrs);
}

vt_status vt__grad_relu(struct vt__grad *c) { return gradient(c, vt__e2(c->expr, VT__OP_relu_grad, vt__g(c), c->out[0])); }
vt_status vt__grad_gelu(struct vt__grad *c) { return gradient(c, with_choice(c, VT__OP_gelu_grad, vt__g(c), c->in[0])); }
vt_status vt__grad_silu(struct vt__grad *c) { return gradient(c, vt__e2(c->expr, VT__OP_silu_grad, vt__g(c), c->in[0])); }

vt_status vt__grad_leaky_relu(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *g = vt__g(c);
    return gradient(c, vt__e3(e, VT__OP_where, compare(e, VT__OP_gt, c->in[0], 0), g, vt__e_scale(e, g, c->attrs->a[0].f)));
}

/* exp of the negative part only: an overflow that is not chosen would make the next derivative NaN. */
vt_status vt__grad_elu(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *g = vt__g(c), *x = c->in[0];
    vt_tensor *falling = vt__e_scale(e, vt__e1(e, VT__OP_exp, vt__e2(e, VT__OP_minimum, x, vt__e_scalar(e, x, 0))), c->attrs->a[0].f);
    return gradient(c, vt__e3(e, VT__OP_where, compare(e, VT__OP_gt, x, 0), g, mul(e, g, falling)));
}

vt_status vt__grad_softplus(struct vt__grad *c) { return slope(c, vt__e1(c->expr, VT__OP_sigmoid, vt__e_scale(c->expr, c->in[0], c->attrs->a[0].f))); }

/* x t with t = tanh(softplus(x)): t + x (1 - t^2) sigmoid(x) */
vt_status vt__grad_mish(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *x = c->in[0], *t = vt__e1(e, VT__OP_tanh, vt__e1(e, VT__OP_softplus, x));
    return slope(c, add(e, t, mul(e, mul(e, x, one_plus(e, -1, square(e, t))), vt__e1(e, VT__OP_sigmoid, x))));
}

vt_status vt__grad_hardswish(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *x = c->in[0], *g = vt__g(c);
    vt_tensor *between = vt__e_add_scalar(e, vt__e_scale(e, x, 1.0 / 3), 0.5);
    vt_tensor *low = keep(e, compare(e, VT__OP_ge, x, -3), mul(e, g, between));
    return gradient(c, vt__e3(e, VT__OP_where, compare(e, VT__OP_gt, x, 3), g, low));
}

vt_status vt__grad_hardsigmoid(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *inside = vt__e2(e, VT__OP_logical_and, compare(e, VT__OP_gt, c->in[0], -3), compare(e, VT__OP_lt, c->in[0], 3));
    return gradient(c, keep(e, inside, vt__e_scale(e, vt__g(c), 1.0 / 6)));
}

vt_status vt__grad_clamp(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *g = vt__g(c);
    if (c->attrs->a[0].given) g = keep(e, compare(e, VT__OP_ge, c->in[0], c->attrs->a[0].f), g);
    if (c->attrs->a[1].given) g = keep(e, compare(e, VT__OP_le, c->in[0], c->attrs->a[1].f), g);
    return gradient(c, g);
}

/* ---- gradients of gradients: inputs g and y, or g and x ---- */

vt_status vt__grad_relu_grad(struct vt__grad *c) {
    c->grad_in[0] = vt__e2(c->expr, VT__OP_relu_grad, vt__g(c), c->in[1]);
    if (c->need[1]) c->grad_in[1] = vt__e_zeros_like(c->expr, c->in[1]);
    return VT_OK;
}

vt_status vt__grad_tanh_grad(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    if (c->need[0]) c->grad_in[0] = vt__e2(e, VT__OP_tanh_grad, vt__g(c), c->in[1]);
    if (c->need[1]) c->grad_in[1] = mul(e, vt__g(c), vt__e_scale(e, mul(e, c->in[0], c->in[1]), -2));
    return VT_OK;
}

vt_status vt__grad_sigmoid_grad(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    if (c->need[0]) c->grad_in[0] = vt__e2(e, VT__OP_sigmoid_grad, vt__g(c), c->in[1]);
    if (c->need[1]) c->grad_in[1] = mul(e, vt__g(c), mul(e, c->in[0], one_plus(e, -2, c->in[1])));
    return VT_OK;
}

/* With the density d(x): the slope Phi + x d has the slope d (2 - x^2). */
static vt_tensor *gelu_second(struct vt__expr *e, vt_tensor *x) {
    vt_tensor *xx = square(e, x);
    vt_tensor *density = vt__e_scale(e, vt__e1(e, VT__OP_exp, vt__e_scale(e, xx, -0.5)), 0.3989422804014327);
    return mul(e, density, vt__e_add_scalar(e, neg(e, xx), 2));
}

/* x s(u), u = x (A + B x^2): 2 s' u' + x (s'' u'^2 + s' u'') with s' = s (1 - s), s'' = s' (1 - 2 s). */
static vt_tensor *gelu_tanh_second(struct vt__expr *e, vt_tensor *x) {
    const double A = 1.5957691216057308, B = 0.07135481627260025;
    vt_tensor *xx = square(e, x);
    vt_tensor *s = vt__e1(e, VT__OP_sigmoid, mul(e, x, vt__e_add_scalar(e, vt__e_scale(e, xx, B), A)));
    vt_tensor *s1 = mul(e, s, one_plus(e, -1, s)), *u1 = vt__e_add_scalar(e, vt__e_scale(e, xx, 3 * B), A);
    vt_tensor *bend = add(e, mul(e, one_plus(e, -2, s), square(e, u1)), vt__e_scale(e, x, 6 * B));
    return mul(e, s1, add(e, vt__e_scale(e, u1, 2), mul(e, x, bend)));
}

vt_status vt__grad_gelu_grad(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    if (c->need[0]) c->grad_in[0] = with_choice(c, VT__OP_gelu_grad, vt__g(c), c->in[1]);
    if (!c->need[1]) return VT_OK;
    vt_tensor *second = c->attrs->a[0].i[0] == 1 ? gelu_tanh_second(e, c->in[1]) : gelu_second(e, c->in[1]);
    c->grad_in[1] = mul(e, vt__g(c), mul(e, c->in[0], second));
    return VT_OK;
}

/* s' (2 + x (1 - 2 s)), s' = s (1 - s) */
vt_status vt__grad_silu_grad(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *x = c->in[1];
    if (c->need[0]) c->grad_in[0] = vt__e2(e, VT__OP_silu_grad, vt__g(c), x);
    if (!c->need[1]) return VT_OK;
    vt_tensor *s = vt__e1(e, VT__OP_sigmoid, x), *second = vt__e_add_scalar(e, mul(e, x, one_plus(e, -2, s)), 2);
    c->grad_in[1] = mul(e, vt__g(c), mul(e, c->in[0], mul(e, mul(e, s, one_plus(e, -1, s)), second)));
    return VT_OK;
}
