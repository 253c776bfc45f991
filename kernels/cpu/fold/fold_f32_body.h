/* Folds of float32, for one instruction set: the file that includes this says what a vector is. Rows are read once from memory: a block lies in the
 * first cache when it is gone over again.
 *
 *   F, D            vectors of W floats and of W / 2 doubles
 *   f_load(p, n)    n <= W floats, the rest 0; f_store(p, v, n); f_stream(p, v), p aligned
 *   d_low, d_high   halves of a vector as doubles; f_of(low, high) back
 *   f_first(n)      all bits set in the first n lanes, as F; f_pick(mask, a, b) a where set
 *   f_max, f_and, f_abs, f_nan(v) mask, f_any(mask), f_all1, d_all1, exp_ps, d_sum, f_largest
 */
#include <math.h>
#include <stddef.h>

#include "cpu/fold/fold.h"

#define NAME(x) NAME_(x, ISA)
#define NAME_(x, isa) NAME__(x, isa)
#define NAME__(x, isa) vtk_fold_##x##_f32_##isa

enum { LANES = 4 }; /* vectors of doubles that run beside one another */

/* Adds what f makes of the lanes low and high to four running sums. */
#define SUM_ROW(x, n, EACH) \
    D s[LANES]; \
    for (int k = 0; k < LANES; k++) s[k] = d_all1(0); \
    int64_t i = 0; \
    for (; i + 2 * W <= (n); i += 2 * W) { \
        EACH(s[0], s[1], f_load((x) + i, W), i, W); \
        EACH(s[2], s[3], f_load((x) + i + W, W), i + W, W); \
        NEXT((x) + i); \
    } \
    for (; i < (n); i += W) EACH(s[0], s[1], f_load((x) + i, (n) - i), i, (n) - i);
#define NEXT(p) (void)0
#define SUM_OF_ROW d_sum((s[0] + s[2]) + (s[1] + s[3]))

#define PLAIN(a, b, v, at, left) a += d_low(v), b += d_high(v)
#define MAGNITUDE(a, b, v, at, left) a += d_low(f_abs(v)), b += d_high(f_abs(v))
#define SQUARED(a, b, v, at, left) a += d_low(v) * d_low(v), b += d_high(v) * d_high(v)

static void sum_row(void *state, const void *p, int64_t n) {
    SUM_ROW((const float *)p, n, PLAIN)
    *(double *)state = SUM_OF_ROW;
}

static void abs_row(void *state, const void *p, int64_t n) {
    SUM_ROW((const float *)p, n, MAGNITUDE)
    *(double *)state = SUM_OF_ROW;
}

static double squares_of(const float *x, int64_t n) {
    SUM_ROW(x, n, SQUARED)
    return SUM_OF_ROW;
}

static void squares_row(void *state, const void *p, int64_t n) { *(double *)state = squares_of(p, n); }

/* Sum of squared deviations; lanes behind the end hold nothing. */
static double deviations_of(const float *x, int64_t n, double mean) {
    const D m = d_all1(mean);
#define DEVIATION(a, b, v, at, left) \
    do { \
        D low = d_low(v) - m, high = d_high(v) - m; \
        if ((left) < W) low = d_first(low, left), high = d_first(high, (left) - W / 2); \
        a += low * low, b += high * high; \
    } while (0)
#undef NEXT
#define NEXT(p) __builtin_prefetch((p) + n), __builtin_prefetch((p) + n + W) /* most often the next row */
    SUM_ROW(x, n, DEVIATION)
#undef NEXT
#define NEXT(p) (void)0
    return SUM_OF_ROW;
}

static double mean_of(const float *x, int64_t n) {
    SUM_ROW(x, n, PLAIN)
    return SUM_OF_ROW / (double)n;
}

static void moments_row(void *state, const void *p, int64_t n) {
    double *to = state;
    to[0] = mean_of(p, n);
    to[1] = deviations_of(p, n, to[0]);
}

/* The largest of sign * x, times sign; NaN if there is one. */
static float best_of(const float *x, int64_t n, float sign) {
    const F by = f_all1(sign), none = f_all1(-INFINITY);
    F a = none, b = none, bad = f_all1(0);
    int64_t i = 0;
    for (; i + 2 * W <= n; i += 2 * W) {
        F u = f_load(x + i, W) * by, v = f_load(x + i + W, W) * by;
        a = f_max(u, a), b = f_max(v, b);
        bad = f_or(bad, f_or(f_nan(u), f_nan(v)));
    }
    for (; i < n; i += W) {
        F u = f_pick(f_first(n - i), f_load(x + i, n - i) * by, none);
        a = f_max(u, a);
        bad = f_or(bad, f_nan(u));
    }
    return f_any(bad) ? NAN : f_largest(f_max(a, b)) * sign;
}

static int64_t first_like(const float *x, int64_t n, float best) {
    for (int64_t i = 0; i < n; i++)
        if (x[i] == best || (isnan(best) && isnan(x[i]))) return i;
    return 0;
}

static void max_row(void *state, const void *p, int64_t n) { *(double *)state = (double)best_of(p, n, 1); }
static void min_row(void *state, const void *p, int64_t n) { *(double *)state = (double)best_of(p, n, -1); }

static void argmax_row(void *state, const void *p, int64_t n) {
    float best = best_of(p, n, 1);
    ((double *)state)[0] = (double)best;
    ((double *)state)[1] = (double)first_like(p, n, best);
}

static void argmin_row(void *state, const void *p, int64_t n) {
    float best = best_of(p, n, -1);
    ((double *)state)[0] = (double)best;
    ((double *)state)[1] = (double)first_like(p, n, best);
}

/* Sum of exp(x - base), each within 2 ulp. */
static double exps_of(const float *x, int64_t n, float base) {
    const F m = f_all1(base);
#define EXPONENTIAL(a, b, v, at, left) \
    do { \
        F e = exp_ps((v) - m); \
        if ((left) < W) e = f_and(e, f_first(left)); \
        a += d_low(e), b += d_high(e); \
    } while (0)
    SUM_ROW(x, n, EXPONENTIAL)
    return SUM_OF_ROW;
}

static void lse_row(void *state, const void *p, int64_t n) {
    float m = best_of(p, n, 1);
    ((double *)state)[0] = (double)m;
    ((double *)state)[1] = exps_of(p, n, isinf(m) ? 0 : m);
}

/* ---- columns: the states of W of them run in registers, a row a step ---- */

#define COLUMNS(name, START, STEP, FINISH) \
    static void name(void *pa, void *pb, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        const float *x = p; \
        double *a = pa, *b = pb; \
        (void)b; \
        for (int64_t j = 0; j < n; j += W) { \
            int64_t left = n - j < W ? n - j : W; \
            START; \
            for (int64_t r = 0; r < n_rows; r++) { \
                F v = f_load(x + r * ld + j, left); \
                STEP; \
            } \
            FINISH; \
        } \
    }
#define PUT_TWO(to, low, high) d_store((to) + j, low, left), d_store((to) + j + W / 2, high, left - W / 2)

COLUMNS(sum_columns, D s = d_all1(0); D t = s, (s += d_low(v), t += d_high(v)), PUT_TWO(a, s, t))
COLUMNS(abs_columns, D s = d_all1(0); D t = s, (s += d_low(f_abs(v)), t += d_high(f_abs(v))), PUT_TWO(a, s, t))
COLUMNS(squares_columns, D s = d_all1(0); D t = s, (s += d_low(v) * d_low(v), t += d_high(v) * d_high(v)), PUT_TWO(a, s, t))
COLUMNS(prod_columns, D s = d_all1(1); D t = s, (s *= d_low(v), t *= d_high(v)), PUT_TWO(a, s, t))
COLUMNS(max_columns, F s = f_load(x + j, left); F bad = f_nan(s), (s = f_max(v, s), bad = f_or(bad, f_nan(v))), s = f_pick(bad, f_all1(NAN), s); PUT_TWO(a, d_low(s), d_high(s)))
COLUMNS(min_columns, F s = -f_load(x + j, left); F bad = f_nan(s), (s = f_max(-v, s), bad = f_or(bad, f_nan(v))), s = f_pick(bad, f_all1(NAN), -s); PUT_TWO(a, d_low(s), d_high(s)))

static void moments_columns(void *pa, void *pb, const void *p, int64_t ld, int64_t n_rows, int64_t n) {
    const float *x = p;
    sum_columns(pa, pb, p, ld, n_rows, n);
    for (int64_t j = 0; j < n; j += W) {
        int64_t left = n - j < W ? n - j : W;
        double *mean = (double *)pa + j, *squares = (double *)pb + j;
        D low = d_load(mean, left) / d_all1((double)n_rows), high = d_load(mean + W / 2, left - W / 2) / d_all1((double)n_rows), s = d_all1(0), t = s;
        for (int64_t r = 0; r < n_rows; r++) {
            F v = f_load(x + r * ld + j, left);
            D u = d_low(v) - low, w = d_high(v) - high;
            s += u * u, t += w * w;
        }
        d_store(mean, low, left), d_store(mean + W / 2, high, left - W / 2);
        d_store(squares, s, left), d_store(squares + W / 2, t, left - W / 2);
    }
}

static void lse_columns(void *pa, void *pb, const void *p, int64_t ld, int64_t n_rows, int64_t n) {
    const float *x = p;
    max_columns(pa, pb, p, ld, n_rows, n);
    for (int64_t j = 0; j < n; j += W) {
        int64_t left = n - j < W ? n - j : W;
        double *m = (double *)pa + j, *sum = (double *)pb + j;
        F largest = f_of(d_load(m, left), d_load(m + W / 2, left - W / 2)), base = f_pick(f_infinite(largest), f_all1(0), largest);
        D s = d_all1(0), t = s;
        for (int64_t r = 0; r < n_rows; r++) {
            F e = exp_ps(f_load(x + r * ld + j, left) - base);
            s += d_low(e), t += d_high(e);
        }
        d_store(sum, s, left), d_store(sum + W / 2, t, left - W / 2);
    }
}
