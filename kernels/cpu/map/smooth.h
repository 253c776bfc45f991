/* Functions of float32 in vectors, the same text for each instruction set. Before it an instruction set's file says what a vector V, its bits I and a mask M
 * are, and what can be done with them (v_*). Everything static.
 *
 * Polynomials are added up in halves rather than term by term: these loops wait for chains of dependent products, more than for their number.
 *
 * Bounds come first in v_min and v_max: where the second argument is NaN it is the result. */
#ifndef VENTURI_KERNELS_MAP_SMOOTH_H
#define VENTURI_KERNELS_MAP_SMOOTH_H

VTK_INLINE V clamped(V x, float low, float high) { return v_max(v_set1(low), v_min(v_set1(high), x)); }

#include "cpu/map/exponential.h"

/* x = 2^k (1 + f), 1 + f in [3/4, 3/2). log(1 + f) = f - (f^2/2 - f^3 R(f)), R interpolated at Chebyshev's nodes, relative error 5e-9: f is exact and carries
 * most of it. extra: what is added to x behind its last place, divided by x. */
typedef struct parts {
    V k, f, rest; /* logarithm of 1 + f: f - rest */
} parts;

VTK_INLINE parts log_parts(V x, V extra) {
    parts p;
    p.f = v_split(x, &p.k) - v_set1(1.0f);
    V z = p.f * p.f;
    V w = z * z;
    V low = v_fma(v_fma(p.f, v_set1(-0x1.5536aap-3f), v_set1(0x1.999a56p-3f)), z, v_fma(p.f, v_set1(-0x1.000026p-2f), v_set1(0x1.555556p-2f)));
    V high = v_fma(v_fma(p.f, v_set1(-0x1.87a1eap-4f), v_set1(0x1.de70d4p-4f)), z, v_fma(p.f, v_set1(-0x1.02da64p-3f), v_set1(0x1.243704p-3f)));
    V r = v_fma(v_fma(w, v_set1(0x1.5f35p-5f), high), w, low);
    p.rest = v_fma(z, v_set1(0.5f), v_set1(0) - v_fma(z * p.f, r, extra));
    return p;
}

/* What the parts say nothing of: below 0, 0, infinity, NaN. */
VTK_INLINE V log_ends(V x, V y) {
    const V infinite = v_set1(__builtin_inff());
    y = v_select(v_eq(x, v_set1(0)), v_set1(0) - infinite, y);
    y = v_select(v_lt(x, infinite), y, x);
    return v_select(v_lt(x, v_set1(0)), v_set1(__builtin_nanf("")), y);
}

VTK_INLINE V log_of_parts(parts p) {
    V low = v_fma(p.k, v_set1(-0x1.7f7d1cp-20f), p.rest) - p.f; /* ln 2 in two parts, the first short enough for exact products */
    return v_fma(p.k, v_set1(0x1.62e4p-1f), v_set1(0) - low);
}

VTK_INLINE V log_of(V x) { return log_ends(x, log_of_parts(log_parts(x, v_set1(0)))); }

VTK_INLINE V log2_of(V x) {
    parts p = log_parts(x, v_set1(0));
    V y = p.f - p.rest;
    return log_ends(x, v_fma(y, v_set1(0x1.715476p+0f), v_fma(y, v_set1(0x1.4ae0cp-26f), p.k)));
}

VTK_INLINE V log10_of(V x) {
    parts p = log_parts(x, v_set1(0));
    V y = p.f - p.rest;
    V low = v_fma(y, v_set1(0x1.bcb7b2p-2f), v_fma(p.k, v_set1(0x1.3509f8p-18f), y * v_set1(-0x1.5b235ep-27f)));
    return log_ends(x, v_fma(p.k, v_set1(0x1.344p-2f), low));
}

VTK_INLINE V log1p_of(V x) {
    V u = x + v_set1(1.0f);
    V lost = v_select(v_lt(x, v_set1(1.0f)), x - (u - v_set1(1.0f)), v_set1(1.0f) - (u - x));
    V y = log_ends(u, log_of_parts(log_parts(u, lost / u)));
    return v_select(v_eq(x, v_set1(0)), x, y);
}

/* log(1 + e) of e in [0, 1], as it comes from exponentials of what is not positive: e + e^2 R(e), R interpolated at Chebyshev's nodes, relative
 * error 4e-9. */
VTK_INLINE V log1p_unit(V e) {
    V cube = e * e * e;
    V low = v_fma(v_fma(e, v_set1(-0x1.ffef04p-3f), v_set1(0x1.555514p-2f)), e, v_set1(-0.5f));
    V middle = v_fma(v_fma(e, v_set1(0x1.0aec5ep-3f), v_set1(-0x1.4f2888p-3f)), e, v_set1(0x1.98b6a0p-3f));
    V high = v_fma(v_fma(e, v_set1(-0x1.198c0ap-6f), v_set1(0x1.93f282p-5f)), e, v_set1(-0x1.7659b4p-4f));
    V r = v_fma(v_fma(v_fma(cube, v_set1(0x1.6f3782p-9f), high), cube, middle), cube, low);
    return v_fma(r * e, e, e);
}

#include "cpu/map/angle.h"

/* With e = exp(-|x|), which cannot overflow, the sigmoid is 1 / (1 + e) for x >= 0 and e / (1 + e) below; *other that of -x. */
VTK_INLINE V sigmoid_both(V x, V *other) {
    V e = exp_below(v_set1(0) - v_abs(x)), big = v_set1(1.0f) / (v_set1(1.0f) + e), small = e / (v_set1(1.0f) + e);
    M is_negative = v_lt(x, v_set1(0));
    *other = v_select(is_negative, big, small);
    return v_select(is_negative, small, big);
}
VTK_INLINE V sigmoid_of(V x) {
    V e = exp_below(v_set1(0) - v_abs(x));
    return v_select(v_lt(x, v_set1(0)), e, v_set1(1.0f)) / (v_set1(1.0f) + e);
}
VTK_INLINE V logsigmoid_of(V x) { return v_min(v_set1(0), x) - log1p_unit(exp_below(v_set1(0) - v_abs(x))); }
VTK_INLINE V softplus_of(V x, float beta) {
    V y = v_set1(beta) * x;
    return (v_max(v_set1(0), y) + log1p_unit(exp_below(v_set1(0) - v_abs(y)))) * v_set1(1.0f / beta);
}
/* Far below 0 the weights of these are 0, which an infinite x must not meet. */
VTK_INLINE V finite_below(V x) { return v_max(v_set1(-200.0f), x); }
VTK_INLINE V silu_of(V x) {
    V y = finite_below(x), e = exp_below(v_set1(0) - v_abs(y));
    return y * v_select(v_lt(y, v_set1(0)), e, v_set1(1.0f)) / (v_set1(1.0f) + e);
}
VTK_INLINE V mish_of(V x) {
    V y = finite_below(x), e = exp_of(v_min(v_set1(20.0f), y)), n = e * (e + v_set1(2.0f));
    return y * (n / (n + v_set1(2.0f)));
}
VTK_INLINE V elu_of(V x, float alpha) { return v_select(v_lt(x, v_set1(0)), v_set1(alpha) * expm1_of(x), x); }

#include "cpu/map/normal.h"

VTK_INLINE V silu_slope(V x) {
    V y = clamped(x, -200.0f, 200.0f), other, s = sigmoid_both(y, &other);
    return s * v_fma(y, other, v_set1(1.0f));
}
/* x / (1 + exp(-x (a + b x^2))) */
VTK_INLINE V gelu_tanh_of(V x) {
    V y = finite_below(x), slope = v_fma(y * y, v_set1(VTK_GELU_TANH_B), v_set1(VTK_GELU_TANH_A));
    return y / (exp_of((v_set1(0) - y) * slope) + v_set1(1.0f));
}
VTK_INLINE V gelu_tanh_slope(V x) {
    V y = clamped(x, -40.0f, 40.0f), z = y * y, other;
    V s = sigmoid_both(y * v_fma(z, v_set1(VTK_GELU_TANH_B), v_set1(VTK_GELU_TANH_A)), &other);
    V bend = y * v_fma(z, v_set1(3 * VTK_GELU_TANH_B), v_set1(VTK_GELU_TANH_A));
    return s * v_fma(bend, other, v_set1(1.0f));
}

/* Long rows come from memory: what lies so many elements ahead is fetched, across the ends of pages, which the processor does not do by itself. */
enum { LONG = 4096, AHEAD = 1024 };
#define SMOOTH(name, EXPR) \
    static void name##_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const float *from = in[0]; \
        float *to = out, p0 = (float)p[0]; \
        (void)step, (void)p0; \
        const int64_t ahead = n >= LONG ? AHEAD : 0; \
        for (int64_t i = 0; i < n; i += LANES) { \
            V x = v_load_n(from + i, n - i); \
            __builtin_prefetch(from + i + ahead); \
            v_store_n(to + i, EXPR, n - i); \
        } \
    } \
    static void past_##name##_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const float *from = in[0]; \
        float *to = out, p0 = (float)p[0]; \
        (void)p0; \
        PAST_ENDS(name, 1) \
        for (; i < end; i += LANES) { \
            V x = v_load_n(from + i, LANES); \
            __builtin_prefetch(from + i + AHEAD); \
            v_stream(to + i, EXPR); \
        } \
    }
/* What is not whole vectors of an output that goes past the caches, by the other kernel; i, end: what is. */
#define PAST_ENDS(name, n_in) \
    int64_t i = (int64_t)((0 - (uintptr_t)to) / sizeof *to & (LANES - 1)), end = i + (n - i) / LANES * LANES; \
    if (i > n) i = end = n; \
    const void *const rest[] = {(const float *)in[0] + end * step[0], (const float *)in[n_in - 1] + end * step[n_in - 1]}; \
    name##_f32(out, in, step, i, p), name##_f32(to + end, rest, step, n - end, p);
SMOOTH(exp, exp_of(x))
SMOOTH(exp2, exp2_of(x))
SMOOTH(expm1, expm1_of(x))
SMOOTH(log, log_of(x))
SMOOTH(log2, log2_of(x))
SMOOTH(log10, log10_of(x))
SMOOTH(log1p, log1p_of(x))
SMOOTH(tanh, tanh_of(x))
SMOOTH(sigmoid, sigmoid_of(x))
SMOOTH(logsigmoid, logsigmoid_of(x))
SMOOTH(erf, erf_of(x))
SMOOTH(gelu, gelu_of(x))
SMOOTH(gelu_tanh, gelu_tanh_of(x))
SMOOTH(silu, silu_of(x))
SMOOTH(elu, elu_of(x, p0))
SMOOTH(softplus, softplus_of(x, p0))
SMOOTH(mish, mish_of(x))

#define SMOOTH_ANGLE(name, EXPR, FAR) \
    static void name##_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const float *from = in[0]; \
        float *to = out; \
        (void)step, (void)p; \
        const int64_t ahead = n >= LONG ? AHEAD : 0; \
        for (int64_t i = 0; i < n; i += LANES) { \
            V x = v_load_n(from + i, n - i), y = EXPR; \
            __builtin_prefetch(from + i + ahead); \
            if (__builtin_expect(v_any(v_lt(v_set1(0x1p30f), v_abs(x))), 0)) y = far_lanes(x, y, FAR); \
            v_store_n(to + i, y, n - i); \
        } \
    }
VTK_INLINE V far_lanes(V x, V y, float (*fn)(float)) {
    float from[LANES], to[LANES];
    v_store_n(from, x, LANES);
    v_store_n(to, y, LANES);
    for (int k = 0; k < LANES; k++)
        if (fabsf(from[k]) > 0x1p30f) to[k] = fn(from[k]);
    return v_load_n(to, LANES);
}
SMOOTH_ANGLE(sin, sin_of(x), sinf)
SMOOTH_ANGLE(cos, cos_of(x), cosf)
SMOOTH_ANGLE(tan, tan_of(x), tanf)

/* g times a slope. */
#define SMOOTH_GRAD(name, SLOPE) \
    static void name##_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const float *g = in[0], *from = in[1]; \
        float *to = out; \
        (void)p; \
        if (n <= 0) return; \
        V g0 = v_set1(g[0]), x0 = v_set1(from[0]); \
        const int64_t ahead = n >= LONG ? AHEAD : 0; \
        for (int64_t i = 0; i < n; i += LANES) { \
            V x = step[1] ? v_load_n(from + i, n - i) : x0; \
            __builtin_prefetch(from + i + ahead * step[1]), __builtin_prefetch(g + i + ahead * step[0]); \
            v_store_n(to + i, (step[0] ? v_load_n(g + i, n - i) : g0) * SLOPE(x), n - i); \
        } \
    } \
    static void past_##name##_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const float *g = in[0], *from = in[1]; \
        float *to = out; \
        PAST_ENDS(name, 2) \
        for (; i < end; i += LANES) { \
            V x = v_load_n(from + i, LANES); \
            __builtin_prefetch(from + i + AHEAD), __builtin_prefetch(g + i + AHEAD); \
            v_stream(to + i, v_load_n(g + i, LANES) * SLOPE(x)); \
        } \
    }
SMOOTH_GRAD(gelu_grad, gelu_slope)
SMOOTH_GRAD(gelu_tanh_grad, gelu_tanh_slope)
SMOOTH_GRAD(silu_grad, silu_slope)

#define PAST_SLOT(name) [VTK_MAP_##name] = past_##name##_f32,
#define PAST_SLOTS \
    PAST_SLOT(exp) PAST_SLOT(exp2) PAST_SLOT(expm1) PAST_SLOT(log) PAST_SLOT(log2) PAST_SLOT(log10) PAST_SLOT(log1p) PAST_SLOT(tanh) PAST_SLOT(sigmoid) \
    PAST_SLOT(logsigmoid) PAST_SLOT(erf) PAST_SLOT(gelu) PAST_SLOT(gelu_tanh) PAST_SLOT(silu) PAST_SLOT(elu) PAST_SLOT(softplus) PAST_SLOT(mish) \
    PAST_SLOT(gelu_grad) PAST_SLOT(gelu_tanh_grad) PAST_SLOT(silu_grad)

/* Seldom in the way: the C library's float functions, element by element. */
UNARY(asin_f32, float, float, asinf(a))
UNARY(acos_f32, float, float, acosf(a))
UNARY(atan_f32, float, float, atanf(a))
UNARY(sinh_f32, float, float, sinhf(a))
UNARY(cosh_f32, float, float, coshf(a))
BINARY(any_pow, float, float, powf(a, b))
BINARY(atan2_f32, float, float, atan2f(a, b))
BINARY(fmod_f32, float, float, fmodf(a, b))

/* The exponents that are one number most often. */
static void pow_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) {
    const float *x = in[0], *exponent = in[1];
    float *z = out;
    float b = n > 0 && !step[1] && step[0] ? *exponent : 0;
    if (b == 2) LOOP z[i] = x[i] * x[i];
    else if (b == 1) LOOP z[i] = x[i];
    else if (b == -1) LOOP z[i] = 1 / x[i];
    else any_pow(out, in, step, n, p);
}

#endif
