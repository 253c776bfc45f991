/* Search of the scales of a superblock, to the least sum of squared errors. Each sub-block is fitted alone first: a candidate scale gives codes,
 * codes give the best scale for them by least squares. Then the scales are rounded to multiples of the superblock's, codes are chosen anew with
 * the rounded ones and their neighbours, and the superblock's own scale is fitted to all codes.
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

/* ---- x = a * q - b with codes 0..max and b >= 0: Q2_K, Q4_K, Q5_K ---- */

typedef struct line {
    float a, b, error;
} line;

/* The best line for given codes. */
FIT_INLINE line solve_line(const float *x, const float *q, int n) {
    lanes sx = {{0}}, sq = {{0}}, sqq = {{0}}, sxq = {{0}};
    for (int i = 0, p = 0; i < n; i += WIDTH, p = (p + 1) % PARTS) {
        vector v = *at(x + i), c = *at(q + i);
        sx[p] += v;
        sq[p] += c;
        sqq[p] += c * c;
        sxq[p] += v * c;
    }
    float x1 = add_lanes(sx), q1 = add_lanes(sq), qq = add_lanes(sqq), xq = add_lanes(sxq);
    float det = (float)n * qq - q1 * q1;
    line r = {0.0f, 0.0f, 0.0f};
    if (det > 0.0f) {
        r.a = ((float)n * xq - x1 * q1) / det;
        r.b = (q1 * xq - qq * x1) / det;
    }
    if (r.b <= 0.0f) r = (line){qq > 0.0f ? xq / qq : 0.0f, 0.0f, 0.0f};
    r.error = squared_error(x, q, n, r.a, r.b);
    return r;
}

/* Steps around the plain scale, which spreads the codes over the range: a finer one clips the ends. */
enum { LINE_STEPS = 22 };

FIT_INLINE line fit_line(const float *x, int n, float max) {
    float lo = x[0], hi = x[0], q[32];
    for (int i = 1; i < n; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    if (lo > 0.0f) lo = 0.0f;
    for (int i = 0; i < n; i++) q[i] = 0.0f;
    line best = {0.0f, -lo, squared_error(x, q, n, 0.0f, -lo)};
    if (!(hi > lo)) return best;
    for (int step = 0; step < LINE_STEPS; step++) {
        line r = {(hi - lo) / (max - 0.8f + 0.1f * (float)step), -lo, 0.0f};
        for (int round = 0; round < 2; round++) {
            to_codes(q, x, n, inverse(r.a), r.b, 0.0f, max);
            r = solve_line(x, q, n);
            if (!(r.a > 0.0f)) break;
            if (r.error < best.error) best = r;
        }
    }
    return best;
}

/* Whole multiples of d and dmin near the line, and the codes for them. Returns the error. */
FIT_INLINE float choose_line(superblock *s, int j, int n, const line *fit, float max_code, float max_scale) {
    const float *x = s->x + j * n;
    float scale = nearest(fit->a * inverse(s->d), 0.0f, max_scale), min = nearest(fit->b * inverse(s->dmin), 0.0f, max_scale);
    float q[32], best = -1.0f;

    for (float u = scale - 1.0f; u <= scale + 1.0f; u++) {
        for (float v = min - 1.0f; v <= min + 1.0f; v++) {
            if (u < 0.0f || v < 0.0f || u > max_scale || v > max_scale) continue;
            float a = s->d * u, b = s->dmin * v;
            to_codes(q, x, n, inverse(a), b, 0.0f, max_code);
            float error = squared_error(x, q, n, a, b);
            if (best >= 0.0f && !(error < best)) continue;
            best = error;
            s->scale[j] = u;
            s->min[j] = v;
            memcpy(s->q + j * n, q, (size_t)n * sizeof *q);
        }
    }
    return best;
}

/* d and dmin that are best for all codes; the old ones where there are none. */
FIT_INLINE void refit_lines(superblock *s, int n) {
    double ss = 0, sm = 0, mm = 0, sx = 0, mx = 0;
    for (int j = 0; j < VTK_K_BLOCK / n; j++) {
        lanes qq = {{0}}, q1 = {{0}}, qx = {{0}}, x1 = {{0}};
        double scale = (double)s->scale[j], min = (double)s->min[j];
        for (int i = j * n, p = 0; i < (j + 1) * n; i += WIDTH, p = (p + 1) % PARTS) {
            vector v = *at(s->x + i), c = *at(s->q + i);
            qq[p] += c * c;
            q1[p] += c;
            qx[p] += c * v;
            x1[p] += v;
        }
        ss += scale * scale * (double)add_lanes(qq);
        sm += scale * min * (double)add_lanes(q1);
        mm += min * min * n;
        sx += scale * (double)add_lanes(qx);
        mx += min * (double)add_lanes(x1);
    }
    double det = ss * mm - sm * sm;
    float d = det > 0.0 ? (float)((sx * mm - mx * sm) / det) : ss > 0.0 ? (float)(sx / ss) : 0.0f;
    float dmin = det > 0.0 ? (float)((sx * sm - mx * ss) / det) : s->dmin;
    if (d > 0.0f) s->d = round_scale(s, d);
    if (dmin > 0.0f) s->dmin = round_scale(s, dmin);
}

FIT_INLINE void fit_lines(superblock *s, int n, float max_code, float max_scale) {
    line fit[MAX_SUBS];
    float a = 0.0f, b = 0.0f;
    superblock best;

    for (int j = 0; j < VTK_K_BLOCK / n; j++) {
        fit[j] = fit_line(s->x + j * n, n, max_code);
        a = fit[j].a > a ? fit[j].a : a;
        b = fit[j].b > b ? fit[j].b : b;
    }
    s->d = round_scale(s, a / max_scale);
    s->dmin = round_scale(s, b / max_scale);
    for (int round = 0; round < ROUNDS; round++) {
        s->error = 0.0f;
        for (int j = 0; j < VTK_K_BLOCK / n; j++) s->error += choose_line(s, j, n, &fit[j], max_code, max_scale);
        if (round > 0 && !(s->error < best.error)) break;
        best = *s;
        refit_lines(s, n);
    }
    *s = best;
}

/* ---- x = a * q with codes -half..half - 1: Q3_K, Q6_K ---- */

/* The scale of one sub-block, of either sign: the negative end has one code more. */
FIT_INLINE float fit_scale(const float *x, int n, float half, int steps) {
    float peak = peak_of(x, n), q[32], best = 0.0f, best_gain = 0.0f;
    if (peak == 0.0f) return 0.0f;
    for (int step = 0; step < 2 * steps; step++) {
        float reach = half + 0.7f - 0.1f * (float)(step / 2), a = (step % 2 ? peak : -peak) / reach;
        for (int round = 0; round < 2; round++) {
            lanes sxq = {{0}}, sqq = {{0}};
            to_codes(q, x, n, inverse(a), 0.0f, -half, half - 1.0f);
            for (int i = 0, p = 0; i < n; i += WIDTH, p = (p + 1) % PARTS) {
                sxq[p] += *at(x + i) * *at(q + i);
                sqq[p] += *at(q + i) * *at(q + i);
            }
            float xq = add_lanes(sxq), qq = add_lanes(sqq);
            if (!(qq > 0.0f)) break;
            a = xq / qq;
            if (xq * a <= best_gain) continue; /* what the scale takes off the sum of squares */
            best_gain = xq * a;
            best = a;
        }
    }
    return best;
}

FIT_INLINE float choose_scale(superblock *s, int j, int n, float fit, float half, float max_scale) {
    const float *x = s->x + j * n;
    float scale = nearest(fit * inverse(s->d), -max_scale, max_scale - 1.0f), q[32], best = -1.0f;

    for (float u = scale - 1.0f; u <= scale + 1.0f; u++) {
        if (u < -max_scale || u > max_scale - 1.0f) continue;
        to_codes(q, x, n, inverse(s->d * u), 0.0f, -half, half - 1.0f);
        float error = squared_error(x, q, n, s->d * u, 0.0f);
        if (best >= 0.0f && !(error < best)) continue;
        best = error;
        s->scale[j] = u;
        memcpy(s->q + j * n, q, (size_t)n * sizeof *q);
    }
    return best;
}

FIT_INLINE void refit_scales(superblock *s, int n) {
    double ss = 0, sx = 0;
    for (int j = 0; j < VTK_K_BLOCK / n; j++) {
        lanes qq = {{0}}, qx = {{0}};
        for (int i = j * n, p = 0; i < (j + 1) * n; i += WIDTH, p = (p + 1) % PARTS) {
            qq[p] += *at(s->q + i) * *at(s->q + i);
            qx[p] += *at(s->q + i) * *at(s->x + i);
        }
        ss += (double)s->scale[j] * (double)s->scale[j] * (double)add_lanes(qq);
        sx += (double)s->scale[j] * (double)add_lanes(qx);
    }
    if (ss > 0.0) s->d = round_scale(s, (float)(sx / ss));
}

FIT_INLINE void fit_scales(superblock *s, int n, float half, float max_scale, int steps) {
    float fit[MAX_SUBS], peak;
    superblock best;

    for (int j = 0; j < VTK_K_BLOCK / n; j++) fit[j] = fit_scale(s->x + j * n, n, half, steps);
    peak = peak_of(fit, VTK_K_BLOCK / n);
    s->d = round_scale(s, peak / -max_scale); /* the largest takes the end that reaches one further */
    for (int round = 0; round < ROUNDS; round++) {
        s->error = 0.0f;
        for (int j = 0; j < VTK_K_BLOCK / n; j++) s->error += choose_scale(s, j, n, fit[j], half, max_scale);
        if (round > 0 && !(s->error < best.error)) break;
        best = *s;
        refit_scales(s, n);
    }
    *s = best;
}

#endif
