/* What the searches for the scales of a superblock share: superblock_lines.h and superblock_scales.h, each to the least sum of squared errors. Each
 * sub-block is fitted alone first: a candidate scale gives codes, codes give the best scale for them by least squares. Then the scales are rounded to
 * multiples of the superblock's, codes are chosen anew with the rounded ones and their neighbours, and the superblock's own scale is fitted to all codes.
 * One text for every instruction set, in vectors of the compiler's: sums run in 16 lanes that are added in one order, so all bodies make the
 * same bytes. Everything static. */
#ifndef VENTURI_KERNELS_SUPERBLOCK_FIT_H
#define VENTURI_KERNELS_SUPERBLOCK_FIT_H

#include <stdint.h>
#include <string.h>

#include "cpu/quant/half.h"
#include "vtk.h"

#define FIT_INLINE static inline __attribute__((always_inline))

enum { ROUNDS = 4 /* of choosing codes and fitting the superblock's scales to them */ };
enum { FIT_LANES = 16, MAX_SUBS = VTK_K_BLOCK / FIT_LANES };

/* FIT_VECTOR: bytes of the machine's vectors, said by the file that includes this. */
enum { WIDTH = FIT_VECTOR / 4, PARTS = FIT_LANES / WIDTH };
typedef float vector __attribute__((vector_size(FIT_VECTOR), aligned(4), may_alias)); /* of an array of floats, anywhere */
typedef int32_t vector_bits __attribute__((vector_size(FIT_VECTOR)));
typedef vector lanes[PARTS];

FIT_INLINE const vector *at(const float *p) { return (const vector *)(const void *)p; }

typedef struct superblock {
    float x[VTK_K_BLOCK];        /* the input over `unit`: the largest magnitude is about 1, so that no square over- or underflows */
    float q[VTK_K_BLOCK];        /* codes; whole numbers, like scale and min */
    float scale[MAX_SUBS], min[MAX_SUBS];
    float d, dmin;               /* over `unit`; times it they are halves */
    float unit;                  /* a power of two */
    float error;                 /* sum of squares */
} superblock;

/* The nearest integer (ties to even) within lo..hi; NaN gives lo. The sum has no bits left for a fraction. */
FIT_INLINE float nearest(float v, float lo, float hi) {
    v = v > lo ? v : lo;
    v = v < hi ? v : hi;
    return v + 0x1.8p23f - 0x1.8p23f;
}

FIT_INLINE float inverse(float d) { return d != 0.0f ? 1.0f / d : 0.0f; }

FIT_INLINE float add_lanes(const vector *sum) {
    float s[FIT_LANES];
    memcpy(s, sum, sizeof s);
    for (int w = FIT_LANES / 2; w > 0; w /= 2) {
        for (int l = 0; l < w; l++) s[l] += s[l + w];
    }
    return s[0];
}

/* Sum of (a * q - b - x)^2. */
FIT_INLINE float squared_error(const float *x, const float *q, int n, float a, float b) {
    lanes sum = {{0}};
    for (int i = 0; i < n; i += WIDTH) {
        vector e = a * *at(q + i) - b - *at(x + i);
        sum[i / WIDTH % PARTS] += e * e;
    }
    return add_lanes(sum);
}

/* As nearest(), of (x + b) * inverse_scale. */
FIT_INLINE void to_codes(float *q, const float *x, int n, float inverse_scale, float b, float lo, float hi) {
    const vector zero = {0}, bottom = zero + lo, top = zero + hi;
    for (int i = 0; i < n; i += WIDTH) {
        vector v = (*at(x + i) + b) * inverse_scale;
        vector_bits is_inside = v > bottom;
        v = (vector)(((vector_bits)v & is_inside) | ((vector_bits)bottom & ~is_inside));
        is_inside = v < top;
        v = (vector)(((vector_bits)v & is_inside) | ((vector_bits)top & ~is_inside));
        v = v + 0x1.8p23f - 0x1.8p23f;
        memcpy(q + i, &v, sizeof v);
    }
}

FIT_INLINE float peak_of(const float *x, int n) {
    float peak = 0.0f;
    for (int i = 0; i < n; i++) {
        float a = x[i] < 0.0f ? -x[i] : x[i], b = peak < 0.0f ? -peak : peak;
        if (a > b) peak = x[i];
    }
    return peak;
}

/* 0: nothing to fit, all elements are zero (*bad = 0) or one is not finite (*bad = 1). */
FIT_INLINE int begin(superblock *s, const float *x, int *bad) {
    uint32_t top = 0;
    for (int i = 0; i < VTK_K_BLOCK; i++) {
        uint32_t a = vtk_float_bits(x[i]) & 0x7fffffffu;
        top = a > top ? a : top;
    }
    *bad = top >= 0x7f800000u;
    if (*bad || top == 0) return 0;
    uint32_t exponent = top >> 23;
    exponent = exponent < 1 ? 1 : exponent > 253 ? 253 : exponent; /* so that the inverse is a normal number too */
    s->unit = vtk_float_of_bits(exponent << 23);
    float scale = vtk_float_of_bits((254 - exponent) << 23);
    for (int i = 0; i < VTK_K_BLOCK; i++) s->x[i] = x[i] * scale;
    return 1;
}

/* The multiple of unit that a half can hold. */
FIT_INLINE float round_scale(const superblock *s, float d) { return vtk_half_to_float(vtk_float_to_half(d * s->unit)) * inverse(s->unit); }

#endif
