/* Elementwise kernels of dense arrays, in the types that arithmetic is done in: float32, float64, int64 and pairs of floats (complex numbers; those of
 * float32 have only what is plain arithmetic).
 *
 * Integers wrap around. a / 0 is 0 for integers and a % 0 is a, so that a = b (a / b) + a % b always holds. A power with a negative integer exponent is
 * the exact value with its fraction cut off (0 unless the base is 1 or -1). Rounding to whole numbers takes ties to the even one. Tests and
 * comparisons give bytes 0 and 1; a NaN is equal to nothing and not zero. maximum and minimum give a NaN where either is one.
 *
 * Plain arithmetic is the same to the bit in all bodies. Functions (exp, sin, ...) are within 2 ulp of the truth in float32, denormals apart, whatever the
 * argument; but for tan, erf, silu: 3 ulp; tanh, mish: 4 ulp; gelu, gelu_tanh and softplus of a negative x, whose exponent is rounded: 4e-7 (1 + x^2), and
 * 2e-7 (1 + |beta x|), of the value; the gradients: 4e-7 g. Vector bodies agree to the bit with each other. float64 is the C library's.
 */
#ifndef VENTURI_VTK_MAP_H
#define VENTURI_VTK_MAP_H

#include <stddef.h>
#include <stdint.h>

/* Arithmetic: one IEEE operation or a few, compiled for each instruction set from one text. */
#define VTK_MAP_PLAIN_UNARY(X) \
    X(neg) X(abs) X(sqrt) X(rsqrt) X(reciprocal) X(square) X(floor) X(ceil) X(round) X(trunc) X(sign) X(relu) X(leaky_relu) X(hardswish) X(hardsigmoid) X(clamp)
#define VTK_MAP_PLAIN_BINARY(X) X(add) X(sub) X(mul) X(div) X(maximum) X(minimum) X(relu_grad) X(tanh_grad) X(sigmoid_grad)
#define VTK_MAP_PLAIN_TEST(X) X(isnan) X(isinf) X(isfinite) X(logical_not)
#define VTK_MAP_PLAIN_COMPARE(X) X(eq) X(ne) X(lt) X(le) X(gt) X(ge) X(logical_and) X(logical_or) X(logical_xor)
#define VTK_MAP_PLAIN_TERNARY(X) X(lerp) X(addcmul)
/* Functions. */
#define VTK_MAP_SMOOTH_UNARY(X) \
    X(exp) X(exp2) X(expm1) X(log) X(log2) X(log10) X(log1p) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(sigmoid) X(logsigmoid) \
    X(erf) X(gelu) X(silu) X(elu) X(softplus) X(mish)
#define VTK_MAP_SMOOTH_BINARY(X) X(pow) X(atan2) X(fmod) X(remainder) X(floor_divide) X(gelu_grad) X(silu_grad)
#define VTK_MAP_SMOOTH(X) VTK_MAP_SMOOTH_UNARY(X) VTK_MAP_SMOOTH_BINARY(X) X(gelu_tanh) X(gelu_tanh_grad)
/* Integers: those of the above that have a place in i64, and the bitwise ones. */
#define VTK_MAP_INTEGER_PLAIN(X) \
    X(neg) X(abs) X(square) X(floor) X(ceil) X(round) X(trunc) X(sign) X(relu) X(add) X(sub) X(mul) X(maximum) X(minimum) X(bitwise_and) X(bitwise_or) \
    X(bitwise_xor)
#define VTK_MAP_INTEGER_DIVISION(X) X(clamp) X(pow) X(fmod) X(remainder) X(floor_divide)
/* Complex numbers. real, imag, abs and angle give floats of the parts' type; `complex` makes a number of two. */
#define VTK_MAP_COMPLEX_UNARY(X) X(neg) X(conj) X(square) X(reciprocal) X(sqrt) X(exp) X(log) X(sin) X(cos) X(tanh) X(sigmoid)
#define VTK_MAP_COMPLEX_REAL(X) X(real) X(imag) X(abs) X(angle)
#define VTK_MAP_COMPLEX_BINARY(X) X(add) X(sub) X(mul) X(div) X(pow)

#define VTK_MAP_ID(name) VTK_MAP_##name,
enum vtk_map_id {
    VTK_MAP_PLAIN_UNARY(VTK_MAP_ID) VTK_MAP_PLAIN_BINARY(VTK_MAP_ID) VTK_MAP_PLAIN_TEST(VTK_MAP_ID) VTK_MAP_PLAIN_COMPARE(VTK_MAP_ID)
    VTK_MAP_PLAIN_TERNARY(VTK_MAP_ID) VTK_MAP_SMOOTH(VTK_MAP_ID)
    VTK_MAP_ID(bitwise_and) VTK_MAP_ID(bitwise_or) VTK_MAP_ID(bitwise_xor) VTK_MAP_ID(conj) VTK_MAP_ID(real) VTK_MAP_ID(imag) VTK_MAP_ID(angle)
    VTK_MAP_ID(complex)
    VTK_N_MAP
};

/* out[i] = f(in[0][i * step[0]], ...) for i in [0, n). Steps are 0 or 1; with several inputs any of them may be 0, one input has step 1. p: parameters (slope,
 * alpha, beta, value; lowest and highest). out may be an input of step 1 with elements of the same size. */
typedef void (*vtk_map_fn)(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p);

/* Element types of memory. Halves are only converted to and from f32. */
enum vtk_map_type { VTK_T_BOOL, VTK_T_U8, VTK_T_I8, VTK_T_I32, VTK_T_I64, VTK_T_F32, VTK_T_F64, VTK_T_C64, VTK_T_C128, VTK_T_F16, VTK_T_BF16, VTK_N_T };

/* Steps of optimizers: in: parameters, gradient, states; out: parameters, states, which may be the same arrays. sgd has a velocity, adam a mean and a
 * mean square, amsgrad the greatest mean square besides, rmsprop a mean square. */
enum { VTK_SGD, VTK_ADAM, VTK_AMSGRAD, VTK_RMSPROP, VTK_N_STEPS };
typedef struct vtk_step {
    double lr;    /* adam: over 1 - beta1^t */
    double beta1; /* what is kept of the velocity, the mean; rmsprop: of the mean square */
    double beta2; /* of the mean square; sgd: the share of the gradient that goes into the velocity */
    double eps;
    double decay; /* share of the parameters that is added to the gradient */
    double keep;  /* factor of the parameters */
    double scale; /* 1 / sqrt(1 - beta2^t) */
    double ahead; /* 1: Nesterov's look ahead, else 0 */
} vtk_step;

struct vtk_map {
    /* NULL where a type has no such function. */
    vtk_map_fn f32[VTK_N_MAP], f64[VTK_N_MAP], i64[VTK_N_MAP], c64[VTK_N_MAP], c128[VTK_N_MAP];
    /* Some of f32 for outputs that are large and not read soon: they write past the caches (fence below), and all steps are 1. */
    vtk_map_fn past_f32[VTK_N_MAP];
    /* in: bytes that choose, taken where they are not 0, taken otherwise; for elements of 1, 2, 4, 8 and 16 bytes. */
    vtk_map_fn select[5];
    /* One element n times: the same sizes. */
    void (*fill[5])(void *out, const void *value, int64_t n);
    /* Elements of one type as another. Integers are cut to their low bits; floats lose their fraction, and beyond a type's range become its least or
     * greatest number, NaN 0; whatever is not zero is true; the imaginary part of what is real is 0. NULL: complex to real, and halves but to f32. */
    void (*convert[VTK_N_T][VTK_N_T])(void *out, const void *in, int64_t n);
    /* Every `step`th element to and from a dense row, same sizes. */
    void (*gather[5])(void *row, const void *from, int64_t step, int64_t n);
    void (*scatter[5])(void *to, int64_t step, const void *row, int64_t n);
    /* A copy past the caches, of what is large and not read soon; nothing overlaps. fence: what this thread has written so far in that way others may read. */
    void (*stream)(void *out, const void *in, size_t bytes);
    void (*fence)(void);
    /* [0]: float32, [1]: float64; all bodies agree to the bit. */
    void (*step[2][VTK_N_STEPS])(void *const *out, const void *const *in, int64_t n, const vtk_step *s);
    /* out[i] = c[0] in[0][i] + c[1] in[1][i] + ..., in float32 and float64, terms in their order; all bodies agree to the bit. 1 if an element of the result is
     * not finite. out may be one of the first four inputs. No inputs: zeros. */
    int (*blend[2])(void *out, const void *const *in, const double *c, int32_t n_in, int64_t n);
};

extern const struct vtk_map vtk_map_ref;
#if defined(__x86_64__)
extern const struct vtk_map vtk_map_avx2, vtk_map_avx512;
#endif

#endif
