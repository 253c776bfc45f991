/* Functions by the C library: the truth for the float32 bodies, which are computed in float64 and rounded here, and what every instruction set uses for
 * float64, complex numbers and integers that divide. */
#include <complex.h>

#include "cpu/map/blend.h"
#include "cpu/map/convert.h"
#include "cpu/map/plain.h"
#include "cpu/map/steps.h"

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double logsigmoid(double x) { return (x < 0 ? x : 0) - log1p(exp(-fabs(x))); }
static double phi(double x) { return 0.5 * erfc(-x * 0.7071067811865476); } /* the normal distribution's share below x */
static double density(double x) { return 0.3989422804014327 * exp(-0.5 * x * x); }
/* An infinite x has a finite product with 0. */
static double share_of(double x, double share) { return share == 0 ? 0 : x * share; }
static double gelu(double x) { return share_of(x, phi(x)); }
static const double gelu_a = 1.5957691216057308, gelu_b = 0.07135481627260025; /* 2 sqrt(2 / pi), times 0.044715 */
static double gelu_tanh(double x) { return share_of(x, sigmoid(x * (gelu_a + gelu_b * x * x))); }
static double silu(double x) { return share_of(x, sigmoid(x)); }
static double softplus(double x, double beta) { return beta * x > 40 ? x : log1p(exp(beta * x)) / beta; }
static double mish(double x) {
    double e = exp(x), n = e * (e + 2);
    return x > 40 ? x : share_of(x, n / (n + 2));
}
static double gelu_slope(double x) { return phi(x) + share_of(x, density(x)); }
static double gelu_tanh_slope(double x) {
    x = x < -1e3 ? -1e3 : x > 1e3 ? 1e3 : x; /* the slope is 0 or 1 out there, infinity times 0 is not */
    double s = sigmoid(x * (gelu_a + gelu_b * x * x));
    return s + share_of(x, s * (1 - s) * (gelu_a + 3 * gelu_b * x * x));
}
static double silu_slope(double x) {
    double s = sigmoid(x);
    return s + share_of(x, s * (1 - s));
}
/* Sign of the divisor. */
static double modulo(double a, double b) {
    double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r == 0 ? copysign(r, b) : r;
}
static double floor_quotient(double a, double b) {
    if (b == 0 || isinf(a) || isnan(b)) return a / b;
    double q = (a - modulo(a, b)) / b;
    return rint(q);
}

#define EXTERN_UNARY(name, T, t, EXPR) \
    UNARY(name##_##t, T, T, EXPR) \
    void vtk_##name##_##t##_ref(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { name##_##t(out, in, step, n, p); }
#define EXTERN_BINARY(name, T, t, R, EXPR) \
    BINARY(name##_##t, T, R, EXPR) \
    void vtk_##name##_##t##_ref(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { name##_##t(out, in, step, n, p); }
#define FUNCTIONS(T, t) \
    EXTERN_UNARY(exp, T, t, exp(a)) \
    EXTERN_UNARY(exp2, T, t, exp2(a)) \
    EXTERN_UNARY(expm1, T, t, expm1(a)) \
    EXTERN_UNARY(log, T, t, log(a)) \
    EXTERN_UNARY(log2, T, t, log2(a)) \
    EXTERN_UNARY(log10, T, t, log10(a)) \
    EXTERN_UNARY(log1p, T, t, log1p(a)) \
    EXTERN_UNARY(sin, T, t, sin(a)) \
    EXTERN_UNARY(cos, T, t, cos(a)) \
    EXTERN_UNARY(tan, T, t, tan(a)) \
    EXTERN_UNARY(asin, T, t, asin(a)) \
    EXTERN_UNARY(acos, T, t, acos(a)) \
    EXTERN_UNARY(atan, T, t, atan(a)) \
    EXTERN_UNARY(sinh, T, t, sinh(a)) \
    EXTERN_UNARY(cosh, T, t, cosh(a)) \
    EXTERN_UNARY(tanh, T, t, tanh(a)) \
    EXTERN_UNARY(sigmoid, T, t, sigmoid(a)) \
    EXTERN_UNARY(logsigmoid, T, t, logsigmoid(a)) \
    EXTERN_UNARY(erf, T, t, erf(a)) \
    EXTERN_UNARY(gelu, T, t, gelu(a)) \
    EXTERN_UNARY(gelu_tanh, T, t, gelu_tanh(a)) \
    EXTERN_UNARY(silu, T, t, silu(a)) \
    EXTERN_UNARY(elu, T, t, a < 0 ? p[0] * expm1(a) : (double)a) \
    EXTERN_UNARY(softplus, T, t, softplus(a, p[0])) \
    EXTERN_UNARY(mish, T, t, mish(a)) \
    EXTERN_BINARY(pow, T, t, T, pow(a, b)) \
    EXTERN_BINARY(atan2, T, t, T, atan2(a, b)) \
    EXTERN_BINARY(fmod, T, t, T, fmod(a, b)) \
    EXTERN_BINARY(remainder, T, t, T, modulo(a, b)) \
    EXTERN_BINARY(floor_divide, T, t, T, floor_quotient(a, b)) \
    EXTERN_BINARY(gelu_grad, T, t, T, (double)a * gelu_slope((double)b)) \
    EXTERN_BINARY(gelu_tanh_grad, T, t, T, (double)a * gelu_tanh_slope((double)b)) \
    EXTERN_BINARY(silu_grad, T, t, T, (double)a * silu_slope((double)b))
FUNCTIONS(float, f32)
FUNCTIONS(double, f64)

/* ---- integers ---- */

static int64_t floor_int(int64_t a, int64_t b) {
    if (b == 0) return 0;
    if (b == -1) return (int64_t)-BITS(a); /* the least number has no opposite */
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
static int64_t modulo_int(int64_t a, int64_t b) { return (int64_t)(BITS(a) - BITS(b) * BITS(floor_int(a, b))); }
static int64_t fmod_int(int64_t a, int64_t b) { return b == 0 ? a : b == -1 ? 0 : a % b; }

static int64_t power(int64_t a, int64_t b) {
    uint64_t r = 1, base = BITS(a);
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
    for (; b; b >>= 1, base *= base)
        if (b & 1) r *= base;
    return (int64_t)r;
}

EXTERN_BINARY(pow, int64_t, i64, int64_t, power(a, b))
EXTERN_BINARY(fmod, int64_t, i64, int64_t, fmod_int(a, b))
EXTERN_BINARY(remainder, int64_t, i64, int64_t, modulo_int(a, b))
EXTERN_BINARY(floor_divide, int64_t, i64, int64_t, floor_int(a, b))

/* The whole numbers between the bounds. */
void vtk_clamp_i64_ref(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) {
    const int64_t *x = in[0];
    int64_t *z = out, least, greatest;
    double bounds[2] = {ceil(p[0]), floor(p[1])};
    (void)step;
    f64_to_i64(&least, &bounds[0], 1);
    f64_to_i64(&greatest, &bounds[1], 1);
    for (int64_t i = 0; i < n; i++) z[i] = x[i] < least ? least : x[i] > greatest ? greatest : x[i];
}

/* ---- complex numbers ---- */

typedef double _Complex complex128;

static complex128 make(double re, double im) {
    vtk_c128 v = {re, im};
    complex128 z;
    memcpy(&z, &v, sizeof z);
    return z;
}

/* The plain formulas: infinities are not recovered from NaN. */
static complex128 product(complex128 a, complex128 b) {
    return make(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
}

/* By the larger part of the divisor, so that nothing overflows that need not. */
static complex128 quotient(complex128 a, complex128 b) {
    double re = creal(b), im = cimag(b);
    if (fabs(re) >= fabs(im)) {
        double r = re == 0 ? 0 : im / re, d = re + im * r;
        return make((creal(a) + cimag(a) * r) / d, (cimag(a) - creal(a) * r) / d);
    }
    double r = re / im, d = re * r + im;
    return make((creal(a) * r + cimag(a)) / d, (cimag(a) * r - creal(a)) / d);
}

EXTERN_UNARY(neg, complex128, c128, -a)
EXTERN_UNARY(conj, complex128, c128, conj(a))
EXTERN_UNARY(square, complex128, c128, product(a, a))
EXTERN_UNARY(reciprocal, complex128, c128, quotient(1, a))
EXTERN_UNARY(sqrt, complex128, c128, csqrt(a))
EXTERN_UNARY(exp, complex128, c128, cexp(a))
EXTERN_UNARY(log, complex128, c128, clog(a))
EXTERN_UNARY(sin, complex128, c128, csin(a))
EXTERN_UNARY(cos, complex128, c128, ccos(a))
EXTERN_UNARY(tanh, complex128, c128, ctanh(a))
EXTERN_UNARY(sigmoid, complex128, c128, quotient(1, 1 + cexp(-a)))
EXTERN_BINARY(add, complex128, c128, complex128, a + b)
EXTERN_BINARY(sub, complex128, c128, complex128, a - b)
EXTERN_BINARY(mul, complex128, c128, complex128, product(a, b))
EXTERN_BINARY(div, complex128, c128, complex128, quotient(a, b))
EXTERN_BINARY(pow, complex128, c128, complex128, cpow(a, b))
EXTERN_BINARY(eq, complex128, c128, uint8_t, creal(a) == creal(b) && cimag(a) == cimag(b))
EXTERN_BINARY(ne, complex128, c128, uint8_t, creal(a) != creal(b) || cimag(a) != cimag(b))

#define OF_COMPLEX(name, R, EXPR) \
    UNARY(name##_c128, complex128, R, EXPR) \
    void vtk_##name##_c128_ref(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { name##_c128(out, in, step, n, p); }
OF_COMPLEX(real, double, creal(a))
OF_COMPLEX(imag, double, cimag(a))
OF_COMPLEX(abs, double, cabs(a))
OF_COMPLEX(angle, double, carg(a))
OF_COMPLEX(logical_not, uint8_t, creal(a) == 0 && cimag(a) == 0)

void vtk_complex_f64_ref(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) {
    const double *re = in[0], *im = in[1];
    vtk_c128 *z = out;
    (void)p;
    for (int64_t i = 0; i < n; i++) z[i] = (vtk_c128){re[i * step[0]], im[i * step[1]]};
}

/* Here and not with the other arithmetic: where there is an instruction for it the compiler fuses these products whatever it is told. */
PAIR_BINARY(mul_c64, PAIR(a.re *b.re - a.im * b.im, a.re *b.im + a.im * b.re))
void vtk_mul_c64_ref(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { mul_c64(out, in, step, n, p); }

/* ---- the table ---- */

CONVERT(f16, f32, uint16_t, float, vtk_half_to_float(a))
CONVERT(f32, f16, float, uint16_t, vtk_float_to_half(a))

static void stream(void *out, const void *in, size_t bytes) { memcpy(out, in, bytes); }
static void fence(void) {}

const struct vtk_map vtk_map_ref = {
    .f32 = {PLAIN_SLOTS(F32_SLOT) F32_SLOT(complex) VTK_MAP_SMOOTH(F32_SLOT)},
    .f64 = {PLAIN_SLOTS(F64_SLOT) VTK_MAP_SMOOTH(F64_SLOT) VTK_MAP_F64_REF_SLOT(complex)},
    .i64 = {I64_SLOTS VTK_MAP_DIVISION_SLOTS},
    .c64 = {C64_SLOTS},
    .c128 = {VTK_MAP_COMPLEX_SLOTS},
    .select = SIZE_SLOTS(select),
    .fill = SIZE_SLOTS(fill),
    .convert = CONVERSIONS,
    .gather = SIZE_SLOTS(gather),
    .scatter = SIZE_SLOTS(scatter),
    .stream = stream,
    .fence = fence,
    .step = STEP_SLOTS,
    .blend = BLEND_SLOTS,
};
