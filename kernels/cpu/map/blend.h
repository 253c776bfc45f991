/* Linear combinations of several arrays, compiled for each instruction set: one pass, terms in their order, so that all of them agree to the bit. Everything static. */
#ifndef VENTURI_KERNELS_MAP_BLEND_H
#define VENTURI_KERNELS_MAP_BLEND_H

#include <float.h>

#include "cpu/map/plain.h"

/* One loop for each number of terms: TERMS is their sum. An array is read where it is written at most, element by element. */
#define BLEND_LOOP(T, F, TERMS) \
    LOOP { \
        T sum = TERMS; \
        z[i] = sum; \
        bad += fabs##F(sum) <= most ? 0 : 1; \
    }

#define BLEND(T, t, F, COUNT, MOST) \
    static int blend_##t(void *out, const void *const *in, const double *c, int32_t n_in, int64_t n) { \
        T *z = out, c0 = n_in > 0 ? (T)c[0] : 0, c1 = n_in > 1 ? (T)c[1] : 0, c2 = n_in > 2 ? (T)c[2] : 0, c3 = n_in > 3 ? (T)c[3] : 0; \
        const T *a = n_in > 0 ? in[0] : out, *b = n_in > 1 ? in[1] : a, *d = n_in > 2 ? in[2] : a, *e = n_in > 3 ? in[3] : a; \
        const T most = MOST; \
        COUNT bad = 0; \
        switch (n_in) { \
        case 0: LOOP z[i] = 0; break; \
        case 1: BLEND_LOOP(T, F, c0 * a[i]) break; \
        case 2: BLEND_LOOP(T, F, c0 * a[i] + c1 * b[i]) break; \
        case 3: BLEND_LOOP(T, F, c0 * a[i] + c1 * b[i] + c2 * d[i]) break; \
        default: BLEND_LOOP(T, F, c0 * a[i] + c1 * b[i] + c2 * d[i] + c3 * e[i]) \
        } \
        for (int32_t k = 4; k < n_in; k++) { /* in[k], k > 0, is not out */ \
            const T *next = in[k], ck = (T)c[k]; \
            bad = 0; \
            BLEND_LOOP(T, F, z[i] + ck * next[i]) \
        } \
        return bad != 0; \
    }
BLEND(float, f32, f, int32_t, FLT_MAX)
BLEND(double, f64, , int64_t, DBL_MAX)
#define BLEND_SLOTS {blend_f32, blend_f64}

#endif
