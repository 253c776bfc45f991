/* One body for both types and all instruction sets. Included twice a file, with
 *
 *     REAL, LANES     the type and how many of it a vector has     NAME(x)   the functions' names
 *     FMA(a, b, c)    a b + c                                      FNMA(a, b, c)   c - a b
 *     FIRST, MOST     as in vtk_fft.h
 *
 * A stage of radix r takes transforms of length n = r m, s of them interleaved, to transforms of length m: with w = exp(-2 pi i / n)
 *
 *     y[q + s (r p + j)] = w^(p j) sum over k of x[q + s (p + m k)] exp(-2 pi i j k / r),   p < m, q < s, j < r
 *
 * Source: Stockham's autosort algorithm, Van Loan 1992, section 1.7. An element x[] is a vector of columns, and the same goes for rows behind their first
 * stage: there s = r is a multiple of the lanes, so q runs along vectors. In that first stage s = 1; vectors are values of p, and a transposition in registers
 * puts j where p was. Between stages real and imaginary parts lie in vectors of their own. An inverse is the conjugate of the transform of the conjugate. */
typedef REAL NAME(lanes) __attribute__((vector_size(LANES * sizeof(REAL))));
typedef REAL NAME(unaligned) __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
#define V NAME(lanes)
#define LOAD(p) ((V) * (const NAME(unaligned) *)(const void *)(p))
#define STORE(p, v) (*(NAME(unaligned) *)(void *)(p) = (v))
#define SPLAT(x) ((x) - (V){0})
#define FFT_INLINE static inline __attribute__((always_inline))

#include "cpu/fft/butterfly.h"

/* Elements between stages, or pairs as callers have them. */
enum NAME(form) { NAME(SPLIT), NAME(PAIRS) };

typedef struct NAME(stage) {
    const REAL *x;
    REAL *y;
    const REAL *roots;
    int64_t m, s;           /* as above, in elements */
    int64_t x_step, y_step; /* numbers from element to element */
    int64_t x_ahead;        /* numbers to what the next call reads, and */
    const REAL *y_ahead;    /* where it writes to: fetched while there is work to hide it behind */
    REAL re, im;            /* what parts of pairs are multiplied by on their way in */
    REAL conjugate;         /* -1: imaginary parts change sign on their way out */
} NAME(stage);

FFT_INLINE void NAME(load)(const NAME(stage) *t, enum NAME(form) form, const REAL *x, V *re, V *im) {
    V a = LOAD(x), b = LOAD(x + LANES);
    *re = form == NAME(PAIRS) ? PICK(EVENS, LANES)(a, b) * t->re : a;
    *im = form == NAME(PAIRS) ? PICK(ODDS, LANES)(a, b) * t->im : b;
}

FFT_INLINE void NAME(store)(const NAME(stage) *t, enum NAME(form) form, REAL *y, V re, V im) {
    if (form == NAME(PAIRS)) {
        im *= t->conjugate;
        STORE(y, PICK(ZIP_LO, LANES)(re, im));
        STORE(y + LANES, PICK(ZIP_HI, LANES)(re, im));
    } else {
        STORE(y, re);
        STORE(y + LANES, im);
    }
}

/* A pair of vectors on their way to the second cache. */
FFT_INLINE void NAME(fetch)(const REAL *p) {
    __builtin_prefetch(p, 0, 2);
    if (LANES * sizeof(REAL) == 64) __builtin_prefetch(p + LANES, 0, 2);
}

FFT_INLINE void NAME(times)(V *re, V *im, V c, V s) {
    V r = FNMA(*im, s, *re * c);
    *im = FMA(*re, s, *im * c);
    *re = r;
}

/* radix, in and out are constants where this is called. The last stage, m = 1, has nothing to multiply by. */
FFT_INLINE void NAME(stage_of)(const NAME(stage) *t, int radix, enum NAME(form) in, enum NAME(form) out) {
    for (int64_t p = 0; p < t->m; p++) {
        const REAL *w = t->roots + 2 * p * (radix - 1);
        for (int64_t q = 0; q < t->s; q++) {
            V re[16], im[16];
            const REAL *x = t->x + (q + t->s * p) * t->x_step;
            REAL *y = t->y + (q + t->s * radix * p) * t->y_step;
#pragma GCC unroll 16
            for (int k = 0; k < radix; k++) {
                NAME(load)(t, in, x + k * t->s * t->m * t->x_step, &re[k], &im[k]);
                if (in == NAME(PAIRS)) NAME(fetch)(x + k * t->s * t->m * t->x_step + t->x_ahead);
            }
            NAME(dft)(radix, re, im);
            if (out != NAME(PAIRS)) {
#pragma GCC unroll 16
                for (int j = 1; j < radix; j++) NAME(times)(&re[j], &im[j], SPLAT(w[2 * j - 2]), SPLAT(w[2 * j - 1]));
            }
#pragma GCC unroll 16
            for (int j = 0; j < radix; j++) NAME(store)(t, out, y + j * t->s * t->y_step, re[j], im[j]);
        }
    }
}

/* Any other radix: the sums as they stand. */
FFT_INLINE void NAME(stage_by_sums)(const NAME(stage) *t, int64_t radix, enum NAME(form) in, enum NAME(form) out) {
    const REAL *turns = t->roots + (out == NAME(PAIRS) ? 0 : 2 * t->m * (radix - 1));
    V re[VTK_FFT_MOST_RADIX], im[VTK_FFT_MOST_RADIX];
    for (int64_t p = 0; p < t->m; p++)
        for (int64_t q = 0; q < t->s; q++) {
            for (int64_t k = 0; k < radix; k++) NAME(load)(t, in, t->x + (q + t->s * (p + t->m * k)) * t->x_step, &re[k], &im[k]);
            for (int64_t j = 0; j < radix; j++) {
                V a = re[0], b = im[0];
                for (int64_t k = 1; k < radix; k++) {
                    const REAL *w = turns + 2 * (j * k % radix);
                    V c = SPLAT(w[0]), s = SPLAT(w[1]);
                    a = FNMA(im[k], s, FMA(re[k], c, a));
                    b = FMA(re[k], s, FMA(im[k], c, b));
                }
                if (j && out != NAME(PAIRS)) {
                    const REAL *w = t->roots + 2 * (p * (radix - 1) + j - 1);
                    NAME(times)(&a, &b, SPLAT(w[0]), SPLAT(w[1]));
                }
                NAME(store)(t, out, t->y + (q + t->s * (radix * p + j)) * t->y_step, a, b);
            }
        }
}

#define FORMS(stage) \
    switch (in * 2 + out) { \
    case NAME(SPLIT) * 2 + NAME(SPLIT): stage(NAME(SPLIT), NAME(SPLIT)); break; \
    case NAME(SPLIT) * 2 + NAME(PAIRS): stage(NAME(SPLIT), NAME(PAIRS)); break; \
    case NAME(PAIRS) * 2 + NAME(SPLIT): stage(NAME(PAIRS), NAME(SPLIT)); break; \
    default: stage(NAME(PAIRS), NAME(PAIRS)); break; \
    }
#define STAGE(radix) \
    static void NAME(stage_of_##radix)(const NAME(stage) *t, int in, int out) { FORMS(STAGE_OF_##radix) }
#define STAGE_OF_1(in, out) NAME(stage_of)(t, 1, in, out)
#define STAGE_OF_2(in, out) NAME(stage_of)(t, 2, in, out)
#define STAGE_OF_3(in, out) NAME(stage_of)(t, 3, in, out)
#define STAGE_OF_4(in, out) NAME(stage_of)(t, 4, in, out)
#define STAGE_OF_5(in, out) NAME(stage_of)(t, 5, in, out)
#define STAGE_OF_8(in, out) NAME(stage_of)(t, 8, in, out)
#define STAGE_OF_16(in, out) NAME(stage_of)(t, 16, in, out)
#define STAGE_BY_SUMS(in, out) NAME(stage_by_sums)(t, radix, in, out)
STAGE(1)
STAGE(2)
STAGE(3)
STAGE(4)
STAGE(5)
STAGE(8)
#if MOST >= 16
STAGE(16)
#endif
static void NAME(stage_of_any)(const NAME(stage) *t, int64_t radix, int in, int out) { FORMS(STAGE_BY_SUMS) }

static void NAME(run_stage)(const NAME(stage) *t, int32_t radix, int in, int out) {
    switch (radix) {
    case 1: NAME(stage_of_1)(t, in, out); break;
    case 2: NAME(stage_of_2)(t, in, out); break;
    case 3: NAME(stage_of_3)(t, in, out); break;
    case 4: NAME(stage_of_4)(t, in, out); break;
    case 5: NAME(stage_of_5)(t, in, out); break;
    case 8: NAME(stage_of_8)(t, in, out); break;
#if MOST >= 16
    case 16: NAME(stage_of_16)(t, in, out); break;
#endif
    default: NAME(stage_of_any)(t, radix, in, out); break;
    }
}

/* A matrix of LANES vectors to its transpose: each round is a perfect shuffle of all rows. */
FFT_INLINE void NAME(transpose)(V *v) {
#pragma GCC unroll 4
    for (int round = 1; round < LANES; round *= 2) {
        V t[LANES];
#pragma GCC unroll 8
        for (int i = 0; i < LANES / 2; i++) {
            t[2 * i] = PICK(ZIP_LO, LANES)(v[i], v[i + LANES / 2]);
            t[2 * i + 1] = PICK(ZIP_HI, LANES)(v[i], v[i + LANES / 2]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) v[i] = t[i];
    }
}

/* The first stage of a row. */
static void NAME(first_stage)(const NAME(stage) *t) {
    const REAL *w = t->roots;
    for (int64_t p = 0; p < t->m; p += LANES, w += 2 * LANES * (FIRST - 1)) {
        V re[FIRST], im[FIRST];
        REAL *y = t->y + 2 * FIRST * p;
#pragma GCC unroll 16
        for (int k = 0; k < FIRST; k++) {
            int64_t at = 2 * (p + k * t->m);
            NAME(load)(t, NAME(PAIRS), t->x + at, &re[k], &im[k]);
            NAME(fetch)(t->x + at + t->x_ahead);
            NAME(fetch)(t->y_ahead + at);
        }
        NAME(dft)(FIRST, re, im);
#pragma GCC unroll 16
        for (int j = 1; j < FIRST; j++) NAME(times)(&re[j], &im[j], LOAD(w + 2 * LANES * (j - 1)), LOAD(w + 2 * LANES * (j - 1) + LANES));
#pragma GCC unroll 4
        for (int g = 0; g < FIRST; g += LANES) {
            NAME(transpose)(re + g);
#pragma GCC unroll 16
            for (int l = 0; l < LANES; l++) STORE(y + 2 * (FIRST * l + g), re[g + l]);
            NAME(transpose)(im + g);
#pragma GCC unroll 16
            for (int l = 0; l < LANES; l++) STORE(y + 2 * (FIRST * l + g) + LANES, im[g + l]);
        }
    }
}

static void NAME(run)(const vtk_fft_plan *plan, const vtk_fft_call *call) {
    REAL *scratch = call->scratch, *y = call->y, *other = plan->is_rows ? y : scratch + 2 * LANES * plan->n;
    int64_t n = plan->n;
    NAME(stage) t = {.x = call->x, .roots = plan->table, .s = 1, .x_step = 2 * call->x_step, .x_ahead = 2 * call->x_ahead,
                     .y_ahead = y + 2 * call->y_ahead, .re = (REAL)call->scale,
                     .im = (REAL)(call->inverse ? -call->scale : call->scale), .conjugate = call->inverse ? -1 : 1};
    for (int32_t i = 0; i < plan->n_stages && !(call->is_left && call->is_left()); i++) {
        int32_t radix = plan->radix[i], left = plan->n_stages - 1 - i;
        t.m = n / radix;
        t.y = left == 0 ? y : left % 2 ? scratch : other;
        t.y_step = left || plan->is_rows ? 2 * LANES : 2 * call->y_step;
        if (plan->is_rows && i == 0) {
            NAME(first_stage)(&t);
            t.s = radix / LANES;
        } else {
            NAME(run_stage)(&t, radix, i == 0 ? NAME(PAIRS) : NAME(SPLIT), left ? NAME(SPLIT) : NAME(PAIRS));
            t.s *= radix;
        }
        t.roots += 2 * ((t.m > 1 ? t.m * (radix - 1) : 0) + (radix > 5 && radix % 2 ? radix : 0));
        t.x = t.y;
        t.x_step = t.y_step;
        n = t.m;
    }
}
#undef V
#undef LOAD
#undef STORE
#undef SPLAT
#undef FFT_INLINE
#undef FORMS
#undef STAGE
