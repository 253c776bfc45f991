/* Short names for the terms that gradients of elementwise operations are made of. */
#ifndef VENTURI_OPS_ELEMENTWISE_TERMS_H
#define VENTURI_OPS_ELEMENTWISE_TERMS_H

#include "ops/ops.h"

static inline vt_tensor *add(struct vt__expr *e, vt_tensor *a, vt_tensor *b) { return vt__e2(e, VT__OP_add, a, b); }
static inline vt_tensor *sub(struct vt__expr *e, vt_tensor *a, vt_tensor *b) { return vt__e2(e, VT__OP_sub, a, b); }
static inline vt_tensor *mul(struct vt__expr *e, vt_tensor *a, vt_tensor *b) { return vt__e2(e, VT__OP_mul, a, b); }
static inline vt_tensor *over(struct vt__expr *e, vt_tensor *a, vt_tensor *b) { return vt__e2(e, VT__OP_div, a, b); }
static inline vt_tensor *neg(struct vt__expr *e, vt_tensor *a) { return vt__e1(e, VT__OP_neg, a); }
static inline vt_tensor *square(struct vt__expr *e, vt_tensor *a) { return vt__e1(e, VT__OP_square, a); }
/* 1 + s a */
static inline vt_tensor *one_plus(struct vt__expr *e, double s, vt_tensor *a) { return vt__e_add_scalar(e, vt__e_scale(e, a, s), 1); }
/* Comparison with one number. */
static inline vt_tensor *compare(struct vt__expr *e, int32_t op, vt_tensor *a, double s) { return vt__e2(e, op, a, vt__e_scalar(e, a, s)); }
/* a where the condition holds, else 0; and the other way round. */
static inline vt_tensor *keep(struct vt__expr *e, vt_tensor *condition, vt_tensor *a) { return vt__e3(e, VT__OP_where, condition, a, vt__e_scalar(e, a, 0)); }
static inline vt_tensor *drop(struct vt__expr *e, vt_tensor *condition, vt_tensor *a) { return vt__e3(e, VT__OP_where, condition, vt__e_scalar(e, a, 0), a); }
static inline int is_complex(const vt_tensor *a) { return a && vt__dtype_kind(a->dtype) == VT__KIND_COMPLEX; }
static inline vt_tensor *conjugate(struct vt__expr *e, vt_tensor *a) { return is_complex(a) ? vt__e1(e, VT__OP_conj, a) : a; }

#endif
