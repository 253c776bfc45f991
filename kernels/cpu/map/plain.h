/* Bodies in plain C that the compiler turns into vectors of the instruction set whose file includes this. No element depends on another and nothing
 * is contracted, so all of them agree to the bit. Everything static.
 *
 * ivdep: an output that is an input is read and written element by element; more overlap there is none (vtk_map.h). */
#ifndef VENTURI_KERNELS_MAP_PLAIN_H
#define VENTURI_KERNELS_MAP_PLAIN_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cpu/map/map.h"

#define LOOP _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++)

#define UNARY(name, T, R, EXPR) \
    static void name(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const T *x = in[0]; \
        R *z = out; \
        (void)step, (void)p; \
        LOOP { \
            T a = x[i]; \
            z[i] = (R)(EXPR); \
        } \
    }

/* The same of a function with numbers of its own, which are converted outside of the loop: within, a choice between them would not become a vector. */
#define UNARY_OF(name, T, P, Q, EXPR) \
    static void name(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const T *x = in[0]; \
        T *z = out, p0 = (T)(P), p1 = (T)(Q); \
        (void)step, (void)p1; \
        LOOP { \
            T a = x[i]; \
            z[i] = EXPR; \
        } \
    }

/* One loop for each way to broadcast. */
#define BINARY_LOOP(A, B, T, R, EXPR) \
    LOOP { \
        T a = A, b = B; \
        z[i] = (R)(EXPR); \
    }
#define BINARY(name, T, R, EXPR) \
    static void name(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const T *x = in[0], *y = in[1]; \
        R *z = out; \
        (void)p; \
        if (n <= 0) return; \
        T x0 = x[0], y0 = y[0]; \
        if (step[0] && step[1]) BINARY_LOOP(x[i], y[i], T, R, EXPR) \
        else if (step[0]) BINARY_LOOP(x[i], y0, T, R, EXPR) \
        else if (step[1]) BINARY_LOOP(x0, y[i], T, R, EXPR) \
        else BINARY_LOOP(x0, y0, T, R, EXPR) \
    }

#define TERNARY_LOOP(A, B, C, T, EXPR) \
    LOOP { \
        T a = A, b = B, c = C; \
        z[i] = (T)(EXPR); \
    }
#define TERNARY(name, T, EXPR) \
    static void name(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const T *x = in[0], *y = in[1], *w = in[2]; \
        T *z = out; \
        T value = (T)p[0]; \
        (void)value; \
        if (n <= 0) return; \
        T w0 = w[0]; \
        if (step[0] && step[1] && step[2]) TERNARY_LOOP(x[i], y[i], w[i], T, EXPR) \
        else if (step[0] && step[1]) TERNARY_LOOP(x[i], y[i], w0, T, EXPR) \
        else TERNARY_LOOP(x[i * step[0]], y[i * step[1]], w[i * step[2]], T, EXPR) \
    }

/* F: suffix of the C library's functions; ONE: a literal of the type. */
#define PLAIN(T, t, F) \
    UNARY(neg_##t, T, T, -a) \
    UNARY(abs_##t, T, T, fabs##F(a)) \
    UNARY(sqrt_##t, T, T, sqrt##F(a)) \
    UNARY(rsqrt_##t, T, T, (T)1 / sqrt##F(a)) \
    UNARY(reciprocal_##t, T, T, (T)1 / a) \
    UNARY(square_##t, T, T, a *a) \
    UNARY(floor_##t, T, T, floor##F(a)) \
    UNARY(ceil_##t, T, T, ceil##F(a)) \
    UNARY(round_##t, T, T, rint##F(a)) \
    UNARY(trunc_##t, T, T, trunc##F(a)) \
    UNARY(sign_##t, T, T, a > 0 ? (T)1 : a < 0 ? (T)-1 : a) \
    UNARY(relu_##t, T, T, a < 0 ? (T)0 : a) /* NaN stays */ \
    UNARY_OF(leaky_relu_##t, T, p[0], 0, a < 0 ? a * p0 : a) \
    UNARY(hardsigmoid_##t, T, T, a < -3 ? (T)0 : a > 3 ? (T)1 : (a + 3) / 6) \
    UNARY(hardswish_##t, T, T, a < -3 ? (T)0 : a > 3 ? a : a * (a + 3) / 6) \
    UNARY_OF(clamp_##t, T, p[0], p[1], a < p0 ? p0 : a > p1 ? p1 : a) \
    BINARY(add_##t, T, T, a + b) \
    BINARY(sub_##t, T, T, a - b) \
    BINARY(mul_##t, T, T, a *b) \
    BINARY(div_##t, T, T, a / b) \
    BINARY(maximum_##t, T, T, a >= b || a != a ? a : b) \
    BINARY(minimum_##t, T, T, a <= b || a != a ? a : b) \
    BINARY(relu_grad_##t, T, T, b > 0 ? a : (T)0) \
    BINARY(tanh_grad_##t, T, T, a *((T)1 - b * b)) \
    BINARY(sigmoid_grad_##t, T, T, a *b *((T)1 - b)) \
    UNARY(isnan_##t, T, uint8_t, a != a) \
    UNARY(isinf_##t, T, uint8_t, fabs##F(a) == (T)INFINITY) \
    UNARY(isfinite_##t, T, uint8_t, fabs##F(a) < (T)INFINITY) \
    UNARY(logical_not_##t, T, uint8_t, a == 0) \
    COMPARE(T, t) \
    TERNARY(lerp_##t, T, c < (T)0.5 ? a + c * (b - a) : b - (b - a) * ((T)1 - c)) \
    TERNARY(addcmul_##t, T, a + value * (b * c))

#define COMPARE(T, t) \
    BINARY(eq_##t, T, uint8_t, a == b) \
    BINARY(ne_##t, T, uint8_t, a != b) \
    BINARY(lt_##t, T, uint8_t, a < b) \
    BINARY(le_##t, T, uint8_t, a <= b) \
    BINARY(gt_##t, T, uint8_t, a > b) \
    BINARY(ge_##t, T, uint8_t, a >= b) \
    BINARY(logical_and_##t, T, uint8_t, (a != 0) & (b != 0)) \
    BINARY(logical_or_##t, T, uint8_t, (a != 0) | (b != 0)) \
    BINARY(logical_xor_##t, T, uint8_t, (a != 0) ^ (b != 0))

PLAIN(float, f32, f)
PLAIN(double, f64, )

/* Unsigned where it may wrap around. */
#define BITS(x) ((uint64_t)(x))
UNARY(neg_i64, int64_t, int64_t, -BITS(a))
UNARY(abs_i64, int64_t, int64_t, a < 0 ? -BITS(a) : BITS(a))
UNARY(square_i64, int64_t, int64_t, BITS(a) * BITS(a))
UNARY(floor_i64, int64_t, int64_t, a)
UNARY(ceil_i64, int64_t, int64_t, a)
UNARY(round_i64, int64_t, int64_t, a)
UNARY(trunc_i64, int64_t, int64_t, a)
UNARY(sign_i64, int64_t, int64_t, (a > 0) - (a < 0))
UNARY(relu_i64, int64_t, int64_t, a < 0 ? 0 : a)
UNARY(isnan_i64, int64_t, uint8_t, a != a)
UNARY(isinf_i64, int64_t, uint8_t, a != a)
UNARY(isfinite_i64, int64_t, uint8_t, a == a)
UNARY(logical_not_i64, int64_t, uint8_t, a == 0)
BINARY(add_i64, int64_t, int64_t, BITS(a) + BITS(b))
BINARY(sub_i64, int64_t, int64_t, BITS(a) - BITS(b))
BINARY(mul_i64, int64_t, int64_t, BITS(a) * BITS(b))
BINARY(maximum_i64, int64_t, int64_t, a >= b ? a : b)
BINARY(minimum_i64, int64_t, int64_t, a <= b ? a : b)
BINARY(bitwise_and_i64, int64_t, int64_t, a &b)
BINARY(bitwise_or_i64, int64_t, int64_t, a | b)
BINARY(bitwise_xor_i64, int64_t, int64_t, a ^ b)
COMPARE(int64_t, i64)

/* Complex numbers of two floats, for what is arithmetic; the rest is done in float64. */
typedef struct vtk_pair {
    float re, im;
} vtk_pair;
#define PAIR(re, im) ((vtk_pair){re, im})
#define PAIR_UNARY(name, R, EXPR) \
    static void name(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const vtk_pair *x = in[0]; \
        R *z = out; \
        (void)step, (void)p; \
        LOOP { \
            vtk_pair a = x[i]; \
            z[i] = EXPR; \
        } \
    }
#define PAIR_LOOP(A, B, EXPR) \
    LOOP { \
        vtk_pair a = A, b = B; \
        z[i] = EXPR; \
    }
#define PAIR_BINARY(name, EXPR) \
    static void name(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const vtk_pair *x = in[0], *y = in[1]; \
        vtk_pair *z = out; \
        (void)p; \
        if (n <= 0) return; \
        vtk_pair x0 = x[0], y0 = y[0]; \
        if (step[0] && step[1]) PAIR_LOOP(x[i], y[i], EXPR) \
        else if (step[0]) PAIR_LOOP(x[i], y0, EXPR) \
        else if (step[1]) PAIR_LOOP(x0, y[i], EXPR) \
        else PAIR_LOOP(x0, y0, EXPR) \
    }
PAIR_UNARY(neg_c64, vtk_pair, PAIR(-a.re, -a.im))
PAIR_UNARY(conj_c64, vtk_pair, PAIR(a.re, -a.im))
PAIR_UNARY(real_c64, float, a.re)
PAIR_UNARY(imag_c64, float, a.im)
PAIR_BINARY(add_c64, PAIR(a.re + b.re, a.im + b.im))
PAIR_BINARY(sub_c64, PAIR(a.re - b.re, a.im - b.im))

static void complex_f32(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) {
    const float *x = in[0], *y = in[1];
    vtk_pair *z = out;
    (void)p;
    if (step[0] && step[1]) LOOP z[i] = PAIR(x[i], y[i]);
    else LOOP z[i] = PAIR(x[i * step[0]], y[i * step[1]]);
}

/* The choice is made of bits: what is not taken may be anything. By all ones and zeros where that is possible: the compiler would make loads of
 * masks of a branch, and those are slow. */
#define BY_BITS(T, A, B) \
    LOOP { \
        T take = (T)-(T)(mask[i] != 0), a = A, b = B; \
        z[i] = (T)((a & take) | (b & (T)~take)); \
    }
#define BY_BRANCH(T, A, B) LOOP z[i] = mask[i] ? A : B;
#define SELECT(name, T, BY) \
    static void name(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p) { \
        const uint8_t *mask = in[0]; \
        const T *x = in[1], *y = in[2]; \
        T *z = out; \
        (void)p; \
        if (n <= 0) return; \
        T x0 = x[0], y0 = y[0]; \
        if (!step[0]) LOOP z[i] = mask[0] ? x[i * step[1]] : y[i * step[2]]; \
        else if (step[1] && step[2]) BY(T, x[i], y[i]) \
        else if (step[1]) BY(T, x[i], y0) \
        else if (step[2]) BY(T, x0, y[i]) \
        else BY(T, x0, y0) \
    }
typedef struct vtk_16_bytes {
    uint64_t low, high;
} vtk_16_bytes;
SELECT(select_1, uint8_t, BY_BITS)
SELECT(select_2, uint16_t, BY_BITS)
SELECT(select_4, uint32_t, BY_BITS)
SELECT(select_8, uint64_t, BY_BITS)
SELECT(select_16, vtk_16_bytes, BY_BRANCH)

#define MOVES(size, T) \
    static void fill_##size(void *out, const void *value, int64_t n) { \
        T v, *z = out; \
        memcpy(&v, value, sizeof v); \
        for (int64_t i = 0; i < n; i++) z[i] = v; \
    } \
    static void gather_##size(void *row, const void *from, int64_t step, int64_t n) { \
        const T *x = from; \
        T *z = row; \
        LOOP z[i] = x[i * step]; \
    } \
    static void scatter_##size(void *to, int64_t step, const void *row, int64_t n) { \
        const T *x = row; \
        T *z = to; \
        LOOP z[i * step] = x[i]; \
    }
MOVES(1, uint8_t)
MOVES(2, uint16_t)
MOVES(4, uint32_t)
MOVES(8, uint64_t)
MOVES(16, vtk_16_bytes)

/* Slots of struct vtk_map. */
#define F32_SLOT(name) [VTK_MAP_##name] = name##_f32,
#define F64_SLOT(name) [VTK_MAP_##name] = name##_f64,
#define I64_SLOT(name) [VTK_MAP_##name] = name##_i64,
#define PLAIN_SLOTS(SLOT) VTK_MAP_PLAIN_UNARY(SLOT) VTK_MAP_PLAIN_BINARY(SLOT) VTK_MAP_PLAIN_TEST(SLOT) VTK_MAP_PLAIN_COMPARE(SLOT) VTK_MAP_PLAIN_TERNARY(SLOT)
#define I64_SLOTS \
    VTK_MAP_INTEGER_PLAIN(I64_SLOT) VTK_MAP_PLAIN_TEST(I64_SLOT) VTK_MAP_PLAIN_COMPARE(I64_SLOT)
#define C64_SLOT(name) [VTK_MAP_##name] = name##_c64,
#define C64_SLOTS C64_SLOT(neg) C64_SLOT(conj) C64_SLOT(real) C64_SLOT(imag) C64_SLOT(add) C64_SLOT(sub) [VTK_MAP_mul] = vtk_mul_c64_ref,
#define SIZE_SLOTS(what) {what##_1, what##_2, what##_4, what##_8, what##_16}

#endif
