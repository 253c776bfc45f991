#include "device/fold.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "device/block.h"
#include "device/device.h"

typedef double _Complex c128;

/* Attribute of norm: which power. */
static void choose_norm(double p, struct vt__fold *out) {
    out->kind = p == 2 ? VTK_FOLD_SQUARES : p == 1 ? VTK_FOLD_ABS : p == 0 ? VTK_FOLD_NONZERO : VTK_FOLD_SUM;
    if (isinf(p)) out->kind = p > 0 ? VTK_FOLD_MAX : VTK_FOLD_MIN;
    out->changes = out->kind == VTK_FOLD_SUM || isinf(p);
    out->power = p;
}

vt_status vt__fold_choose(const struct vt__run *run, struct vt__fold *out) {
    int32_t from = run->in[0].dtype, wants_float = 0;
    *out = (struct vt__fold){0};
    switch (run->op->id) {
    case VT__OP_sum: out->kind = VTK_FOLD_SUM; break;
    case VT__OP_mean: out->kind = VTK_FOLD_SUM, wants_float = 1; break;
    case VT__OP_prod: out->kind = VTK_FOLD_PROD; break;
    case VT__OP_amax:
    case VT__OP_max: out->kind = VTK_FOLD_MAX; break;
    case VT__OP_amin:
    case VT__OP_min: out->kind = VTK_FOLD_MIN; break;
    case VT__OP_argmax: out->kind = VTK_FOLD_ARGMAX; break;
    case VT__OP_argmin: out->kind = VTK_FOLD_ARGMIN; break;
    case VT__OP_var:
    case VT__OP_std: out->kind = VTK_FOLD_MOMENTS, wants_float = 1; break;
    case VT__OP_logsumexp: out->kind = VTK_FOLD_LSE, wants_float = 1; break;
    case VT__OP_norm: choose_norm(run->attrs->a[2].f, out), wants_float = 1; break;
    case VT__OP_best_put:
    case VT__OP_best_take: out->kind = run->attrs->a[2].i[0] ? VTK_FOLD_ARGMIN : VTK_FOLD_ARGMAX; break;
    default: out->kind = VTK_FOLD_NONZERO; break;
    }
    out->compute = vt__compute_type(from);
    if (out->changes || (wants_float && out->compute == VT_DTYPE_I64)) out->compute = VT_DTYPE_F64;
    out->type = out->compute == VT_DTYPE_F32 ? VTK_FOLD_F32 : out->compute == VT_DTYPE_F64 ? VTK_FOLD_F64
              : out->compute == VT_DTYPE_I64 ? VTK_FOLD_I64 : VTK_FOLD_C128;
    if (vtk_fold_ref.row[out->type][out->kind]) return VT_OK;
    return vt__fail(VT_ERR_UNSUPPORTED, "%s: of %s", run->op->name, vt__dtype_name(from));
}

void vt__fold_clear(const struct vt__fold *f, void *a, void *b, int64_t n) {
    double *x = a;
    memset(a, 0, (size_t)n * 8);
    memset(b, 0, (size_t)n * 8);
    if (f->kind == VTK_FOLD_PROD && f->type == VTK_FOLD_I64)
        for (int64_t i = 0; i < n; i++) ((int64_t *)a)[i] = 1;
    else if (f->kind == VTK_FOLD_PROD)
        for (int64_t i = 0; i < n; i++) x[i] = 1;
    else if (f->kind == VTK_FOLD_LSE)
        for (int64_t i = 0; i < n; i++) x[i] = -HUGE_VAL;
}

#define ABOVE(x, s) ((x) > (s) || ((x) != (x) && (s) == (s)))
#define BELOW(x, s) ((x) < (s) || ((x) != (x) && (s) == (s)))

/* The earlier one stays unless it is beaten; positions count from the first element of all. */
static void merge_best(int below, double *a, double *b, int64_t n_a, const double *a2, const double *b2, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (below ? BELOW(a2[i], a[i]) : ABOVE(a2[i], a[i])) a[i] = a2[i], b[i] = b2[i] + (double)n_a;
}

/* Chan, Golub and LeVeque 1979. */
static void merge_moments(double *a, double *b, double n_a, const double *a2, const double *b2, double n_b, int64_t n) {
    double share = n_b / (n_a + n_b);
    for (int64_t i = 0; i < n; i++) {
        double delta = a2[i] - a[i];
        a[i] += delta * share;
        b[i] += b2[i] + delta * delta * n_a * share;
    }
}

static double base_of(double m) { return isinf(m) ? 0 : m; }

static void merge_lse(double *a, double *b, const double *a2, const double *b2, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double m = ABOVE(a2[i], a[i]) ? a2[i] : a[i], s = 0;
        /* what is minus infinity has no weight, and no exponent either */
        if (a[i] != -HUGE_VAL) s += b[i] * exp(base_of(a[i]) - base_of(m));
        if (a2[i] != -HUGE_VAL) s += b2[i] * exp(base_of(a2[i]) - base_of(m));
        a[i] = m;
        b[i] = s;
    }
}

static void merge_ints(int32_t kind, int64_t *a, int64_t *b, int64_t n_a, const int64_t *a2, const int64_t *b2, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (kind == VTK_FOLD_PROD) a[i] = (int64_t)((uint64_t)a[i] * (uint64_t)a2[i]);
        else if (kind == VTK_FOLD_SUM || kind == VTK_FOLD_NONZERO) a[i] = (int64_t)((uint64_t)a[i] + (uint64_t)a2[i]);
        else if (kind == VTK_FOLD_MAX || kind == VTK_FOLD_ARGMAX ? a2[i] > a[i] : a2[i] < a[i]) a[i] = a2[i], b[i] = b2[i] + n_a;
    }
}

/* A complex state is its real part in a and its imaginary part in b. */
static void merge_complex(int32_t kind, double *a, double *b, const double *a2, const double *b2, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double re = kind == VTK_FOLD_PROD ? a[i] * a2[i] - b[i] * b2[i] : a[i] + a2[i];
        b[i] = kind == VTK_FOLD_PROD ? a[i] * b2[i] + b[i] * a2[i] : b[i] + b2[i];
        a[i] = re;
    }
}

static void merge_floats(int32_t kind, double *a, double *b, int64_t n_a, const double *a2, const double *b2, int64_t n_b, int64_t n) {
    switch (kind) {
    case VTK_FOLD_PROD:
        for (int64_t i = 0; i < n; i++) a[i] *= a2[i];
        break;
    case VTK_FOLD_MAX:
    case VTK_FOLD_ARGMAX: merge_best(0, a, b, n_a, a2, b2, n); break;
    case VTK_FOLD_MIN:
    case VTK_FOLD_ARGMIN: merge_best(1, a, b, n_a, a2, b2, n); break;
    case VTK_FOLD_MOMENTS: merge_moments(a, b, (double)n_a, a2, b2, (double)n_b, n); break;
    case VTK_FOLD_LSE: merge_lse(a, b, a2, b2, n); break;
    default:
        for (int64_t i = 0; i < n; i++) a[i] += a2[i];
    }
}

void vt__fold_merge(const struct vt__fold *f, void *a, void *b, int64_t n_a, const void *a2, const void *b2, int64_t n_b, int64_t n) {
    if (n_a == 0) {
        memcpy(a, a2, (size_t)n * 8);
        memcpy(b, b2, (size_t)n * 8);
    } else if (f->type == VTK_FOLD_I64) {
        merge_ints(f->kind, a, b, n_a, a2, b2, n);
    } else if (f->type == VTK_FOLD_C128) {
        merge_complex(f->kind, a, b, a2, b2, n);
    } else {
        merge_floats(f->kind, a, b, n_a, a2, b2, n_b, n);
    }
}

static double finish_float(const struct vt__run *run, const struct vt__fold *f, double a, double b, double n) {
    double p = f->power;
    switch (run->op->id) {
    case VT__OP_mean: return a / n;
    case VT__OP_var:
    case VT__OP_std: {
        double left = n - (double)run->attrs->a[2].i[0];
        double var = b / (left > 0 ? left : 0);
        return run->op->id == VT__OP_std ? sqrt(var) : var;
    }
    case VT__OP_logsumexp: return base_of(a) + log(b);
    case VT__OP_norm: return f->kind == VTK_FOLD_SQUARES ? sqrt(a) : f->changes && !isinf(p) ? pow(a, 1 / p) : a;
    case VT__OP_any: return a != 0;
    case VT__OP_all: return a == n;
    case VT__OP_argmax:
    case VT__OP_argmin: return b;
    default: return a;
    }
}

int32_t vt__fold_finish(const struct vt__run *run, const struct vt__fold *f, const void *a, const void *b, int64_t n_elements, int64_t n, void *values) {
    const double *x = a, *y = b;
    if (f->type == VTK_FOLD_I64) {
        const int64_t *i64 = run->op->id == VT__OP_argmax || run->op->id == VT__OP_argmin ? b : a;
        int64_t *to = values;
        memcpy(to, i64, (size_t)n * 8);
        for (int64_t i = 0; i < n && run->op->id == VT__OP_all; i++) to[i] = to[i] == n_elements;
        return VT_DTYPE_I64;
    }
    if (f->type == VTK_FOLD_C128 && f->kind != VTK_FOLD_NONZERO) {
        double scale = run->op->id == VT__OP_mean ? 1 / (double)n_elements : 1;
        for (int64_t i = 0; i < n; i++) ((c128 *)values)[i] = vt__complex(x[i] * scale, y[i] * scale);
        return VT_DTYPE_C128;
    }
    for (int64_t i = 0; i < n; i++) ((double *)values)[i] = finish_float(run, f, x[i], y[i], (double)n_elements);
    return VT_DTYPE_F64;
}

void vt__fold_change(const struct vt__fold *f, double *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) x[i] = isinf(f->power) ? fabs(x[i]) : pow(fabs(x[i]), f->power);
}
