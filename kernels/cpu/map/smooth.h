/* Functions of float32 in vectors, the same text for each instruction set. Before it an instruction set's file says what a vector V, its bits I and a mask M
 * are, and what can be done with them (v_*); exp_ps, exp2_ps and tanh_ps come from the headers that all kernels share. Everything static.
 *
 * Bounds come first in v_min and v_max: where the second argument is NaN it is the result. */
#ifndef VENTURI_KERNELS_MAP_SMOOTH_H
#define VENTURI_KERNELS_MAP_SMOOTH_H

VTK_INLINE V clamped(V x, float low, float high) { return v_max(v_set1(low), v_min(v_set1(high), x)); }
VTK_INLINE V exp2_of(V x) { return exp2_ps(v_min(v_set1(129.0f), x)); }

/* exp(x) - 1 = 2^n (expm1(r) + 1) - 1 with the parts of exp_ps; the power is halved because 2^128 is no float. */
VTK_INLINE V expm1_of(V x) {
    V y = clamped(x, -20.0f, 89.0f);
    V n = v_round(y * v_set1(0x1.715476p+0f));
    V r = v_fma(n, v_set1(-0x1.62e430p-1f), y);
    r = v_fma(n, v_set1(0x1.05c610p-29f), r);
    V e = v_set1(1.0f / 5040.0f);
    e = v_fma(e, r, v_set1(1.0f / 720.0f));
    e = v_fma(e, r, v_set1(1.0f / 120.0f));
    e = v_fma(e, r, v_set1(1.0f / 24.0f));
    e = v_fma(e, r, v_set1(1.0f / 6.0f));
    e = v_fma(e, r, v_set1(0.5f));
    e = v_fma(e * r, r, r);
    V half_power = v_power_of_2(n - v_set1(1.0f));
    V half = v_fma(e, half_power, half_power - v_set1(0.5f));
    return v_select(v_eq(x, v_set1(0)), x, half + half); /* -0 stays */
}

/* x = 2^k (1 + f), 1 + f between the roots of 1/2 and 2. log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f), R = 2/3 s^2 + 2/5 s^4 + ...: f is
 * exact and carries most of it. extra: what is added to x behind its last place, divided by x. */
typedef struct parts {
    V k, f, rest; /* logarithm of 1 + f: f - rest */
} parts;

VTK_INLINE parts log_parts(V x, V extra) {
    M is_tiny = v_lt(x, v_set1(0x1p-126f));
    I u = v_bits(v_select(is_tiny, x * v_set1(0x1p23f), x));
    I k = i_shift_right_23(i_sub(u, i_set1(0x3f3504f3)));
    parts p;
    p.f = v_of_bits(i_sub(u, i_shift_left_23(k))) - v_set1(1.0f);
    p.k = v_of_int(k) - v_select(is_tiny, v_set1(23.0f), v_set1(0));
    V s = p.f / (p.f + v_set1(2.0f)), z = s * s, half_square = v_set1(0.5f) * p.f * p.f;
    V r = v_set1(2.0f / 9.0f);
    r = v_fma(r, z, v_set1(2.0f / 7.0f));
    r = v_fma(r, z, v_set1(2.0f / 5.0f));
    r = v_fma(r, z, v_set1(2.0f / 3.0f));
    p.rest = half_square - v_fma(s, v_fma(r, z, half_square), extra);
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

/* sin and cos of r in [-pi/4, pi/4] by Taylor's series, whose next terms are below 4e-9. */
VTK_INLINE V sin_part(V r) {
    V z = r * r, y = v_set1(1.0f / 362880.0f);
    y = v_fma(y, z, v_set1(-1.0f / 5040.0f));
    y = v_fma(y, z, v_set1(1.0f / 120.0f));
    y = v_fma(y, z, v_set1(-1.0f / 6.0f));
    return v_fma(y * z, r, r);
}

VTK_INLINE V cos_part(V r) {
    V z = r * r, y = v_set1(-1.0f / 3628800.0f);
    y = v_fma(y, z, v_set1(1.0f / 40320.0f));
    y = v_fma(y, z, v_set1(-1.0f / 720.0f));
    y = v_fma(y, z, v_set1(1.0f / 24.0f));
    y = v_fma(y, z, v_set1(-0.5f));
    return v_fma(y, z, v_set1(1.0f));
}

/* x = q pi/2 + r, reduced in float64 (v_quadrant): right up to 2^30; whole vectors with a larger number go to the C library. */
VTK_INLINE V sin_of_quadrant(V x, int shift) {
    V r;
    I q = i_add(v_quadrant(x, &r), i_set1(shift));
    V y = v_select(i_has_bit_0(q), cos_part(r), sin_part(r));
    y = v_select(i_has_bit_1(q), v_set1(0) - y, y);
    return shift ? y : v_select(v_eq(x, v_set1(0)), x, y);
}
VTK_INLINE V sin_of(V x) { return sin_of_quadrant(x, 0); }
VTK_INLINE V cos_of(V x) { return sin_of_quadrant(x, 1); }

VTK_INLINE V tan_of(V x) {
    V r;
    M is_odd = i_has_bit_0(v_quadrant(x, &r));
    V s = sin_part(r), c = cos_part(r);
    V y = v_select(is_odd, v_set1(0) - c, s) / v_select(is_odd, s, c);
    return v_select(v_eq(x, v_set1(0)), x, y);
}

/* With e = exp(-|x|), which cannot overflow, the sigmoid is 1 / (1 + e) for x >= 0 and e / (1 + e) below; *other that of -x. */
VTK_INLINE V sigmoid_both(V x, V *other) {
    V e = exp_ps(v_set1(0) - v_abs(x)), big = v_set1(1.0f) / (v_set1(1.0f) + e), small = e / (v_set1(1.0f) + e);
    M is_negative = v_lt(x, v_set1(0));
    *other = v_select(is_negative, big, small);
    return v_select(is_negative, small, big);
}
VTK_INLINE V sigmoid_of(V x) {
    V e = exp_ps(v_set1(0) - v_abs(x));
    return v_select(v_lt(x, v_set1(0)), e, v_set1(1.0f)) / (v_set1(1.0f) + e);
}
VTK_INLINE V logsigmoid_of(V x) { return v_min(v_set1(0), x) - log1p_of(exp_ps(v_set1(0) - v_abs(x))); }
VTK_INLINE V softplus_of(V x, float beta) {
    V y = v_set1(beta) * x;
    return (v_max(v_set1(0), y) + log1p_of(exp_ps(v_set1(0) - v_abs(y)))) / v_set1(beta);
}
/* Far below 0 the weights of these are 0, which an infinite x must not meet. */
VTK_INLINE V finite_below(V x) { return v_max(v_set1(-200.0f), x); }
VTK_INLINE V silu_of(V x) {
    V y = finite_below(x), e = exp_ps(v_set1(0) - v_abs(y));
    return y * v_select(v_lt(y, v_set1(0)), e, v_set1(1.0f)) / (v_set1(1.0f) + e);
}
VTK_INLINE V mish_of(V x) {
    V y = finite_below(x), e = exp_ps(v_min(v_set1(20.0f), y)), n = e * (e + v_set1(2.0f));
    return y * (n / (n + v_set1(2.0f)));
}
VTK_INLINE V elu_of(V x, float alpha) { return v_select(v_lt(x, v_set1(0)), v_set1(alpha) * expm1_of(x), x); }

/* erf(x) = 1 - 2 h(sqrt(2) x) with the tail h of the normal distribution (cpu/gemm/gemm.h); near 0 the series. */
VTK_INLINE V erf_of(V x) {
    static const float term[] = VTK_GELU_TERMS;
    V t = v_abs(x), z = x * x;
    V u = v_set1(1.0f) / v_fma(t, v_set1(1.41421356f * VTK_GELU_SLOPE), v_set1(1.0f));
    V h = v_set1(2 * term[8]);
    for (int i = 7; i >= 0; i--) h = v_fma(h, u, v_set1(2 * term[i]));
    V far = v_set1(1.0f) - h * u * exp_ps(v_set1(0) - z);
    V y = v_set1(1.12837917f / 9360.0f);
    y = v_fma(y, z, v_set1(-1.12837917f / 1320.0f));
    y = v_fma(y, z, v_set1(1.12837917f / 216.0f));
    y = v_fma(y, z, v_set1(-1.12837917f / 42.0f));
    y = v_fma(y, z, v_set1(1.12837917f / 10.0f));
    y = v_fma(y, z, v_set1(-1.12837917f / 3.0f));
    y = v_fma(y * z, x, v_set1(0x1.20dd76p+0f) * x);
    far = v_select(v_lt(x, v_set1(0)), v_set1(0) - far, far);
    return v_select(v_lt(t, v_set1(0.5f)), y, far);
}

VTK_INLINE V silu_slope(V x) {
    V y = clamped(x, -200.0f, 200.0f), other, s = sigmoid_both(y, &other);
    return s * v_fma(y, other, v_set1(1.0f));
}
VTK_INLINE V gelu_slope(V x) {
    static const float term[] = VTK_GELU_TERMS;
    V y = clamped(x, -40.0f, 40.0f), t = v_abs(y), e = exp_ps(v_set1(-0.5f) * t * t);
    V u = v_set1(1.0f) / v_fma(t, v_set1(VTK_GELU_SLOPE), v_set1(1.0f));
    V h = v_set1(term[8]);
    for (int i = 7; i >= 0; i--) h = v_fma(h, u, v_set1(term[i]));
    h = h * u * e;
    V share = v_select(v_lt(y, v_set1(0)), h, v_set1(1.0f) - h);
    return v_fma(y * v_set1(0x1.988454p-2f), e, share);
}
VTK_INLINE V gelu_tanh_slope(V x) {
    V y = clamped(x, -40.0f, 40.0f), z = y * y, other;
    V s = sigmoid_both(y * v_fma(z, v_set1(VTK_GELU_TANH_B), v_set1(VTK_GELU_TANH_A)), &other);
    V bend = y * v_fma(z, v_set1(3 * VTK_GELU_TANH_B), v_set1(VTK_GELU_TANH_A));
    return s * v_fma(bend, other, v_set1(1.0f));
}

#define SMOOTH(name, EXPR) \
    static void name##_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const float *from = in[0]; \
        float *to = out, p0 = (float)p[0]; \
        (void)step, (void)p0; \
        for (int64_t i = 0; i < n; i += LANES) { \
            V x = v_load_n(from + i, n - i); \
            v_store_n(to + i, EXPR, n - i); \
        } \
    }
SMOOTH(exp, exp_ps(x))
SMOOTH(exp2, exp2_of(x))
SMOOTH(expm1, expm1_of(x))
SMOOTH(log, log_of(x))
SMOOTH(log2, log2_of(x))
SMOOTH(log10, log10_of(x))
SMOOTH(log1p, log1p_of(x))
SMOOTH(tanh, tanh_ps(x))
SMOOTH(sigmoid, sigmoid_of(x))
SMOOTH(logsigmoid, logsigmoid_of(x))
SMOOTH(erf, erf_of(x))
SMOOTH(gelu, gelu(finite_below(x)))
SMOOTH(gelu_tanh, gelu_tanh(finite_below(x)))
SMOOTH(silu, silu_of(x))
SMOOTH(elu, elu_of(x, p0))
SMOOTH(softplus, softplus_of(x, p0))
SMOOTH(mish, mish_of(x))

#define SMOOTH_ANGLE(name, EXPR, FAR) \
    static void name##_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const float *from = in[0]; \
        float *to = out; \
        (void)step, (void)p; \
        for (int64_t i = 0; i < n; i += LANES) { \
            V x = v_load_n(from + i, n - i); \
            if (v_any(v_lt(v_set1(0x1p30f), v_abs(x)))) \
                for (int64_t k = i; k < n && k < i + LANES; k++) to[k] = FAR(from[k]); \
            else v_store_n(to + i, EXPR, n - i); \
        } \
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
        for (int64_t i = 0; i < n; i += LANES) { \
            V x = step[1] ? v_load_n(from + i, n - i) : x0; \
            v_store_n(to + i, (step[0] ? v_load_n(g + i, n - i) : g0) * SLOPE(x), n - i); \
        } \
    }
SMOOTH_GRAD(gelu_grad, gelu_slope)
SMOOTH_GRAD(gelu_tanh_grad, gelu_tanh_slope)
SMOOTH_GRAD(silu_grad, silu_slope)

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
