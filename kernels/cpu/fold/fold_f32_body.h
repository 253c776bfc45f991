/* Folds of float32, for one instruction set: the file that includes this says what a vector is. Rows are read once from memory: a block lies in the
 * first cache when it is gone over again.
 *
 *   F, D            vectors of W floats and of W / 2 doubles
 *   f_load(p, n)    n <= W floats, the rest 0; f_store(p, v, n); f_stream(p, v), p aligned
 *   d_low, d_high   halves of a vector as doubles; f_of(low, high) back
 *   f_first(n)      all bits set in the first n lanes; f_pick(mask, a, b): a where set
 *   f_max(v, a)     a where v is NaN; f_nan, f_infinite, f_beats masks; f_any(mask), f_largest(v), d_sum(v)
 *   f_fma(a, b, c); f_power(t): 2^n of t = 1.5 2^23 + 127 + n, 0 for n = -127
 *   f_all1, d_all1  all lanes one number; d_first, d_load, d_store like those of floats; exp_ps
 */
#include <math.h>
#include <stddef.h>

#include "cpu/fold/fold.h"

#define NAME(x) NAME_(x, ISA)
#define NAME_(x, isa) NAME__(x, isa)
#define NAME__(x, isa) vtk_fold_##x##_f32_##isa

enum { LANES = 4 }; /* vectors of doubles that run beside one another */

/* What comes behind a row is most often the next one: it is fetched while this one is computed. A long row's own elements are, some way ahead. */
enum { NEAR_ROW = 8192, FAR_AHEAD = 1024 };
#define NEXT_ROW(n) ((n) <= NEAR_ROW ? (n) : 0)
#define FAR(n) ((n) <= NEAR_ROW ? 0 : FAR_AHEAD)
#define AHEAD(p) __builtin_prefetch(p)

/* Adds what f makes of the lanes low and high to four running sums. */
#define SUM_ROW(x, n, EACH) \
    D s[LANES]; \
    for (int k = 0; k < LANES; k++) s[k] = d_all1(0); \
    int64_t i = 0; \
    for (; i + 2 * W <= (n); i += 2 * W) { \
        EACH(s[0], s[1], f_load((x) + i, W), i, W); \
        EACH(s[2], s[3], f_load((x) + i + W, W), i + W, W); \
    } \
    for (; i < (n); i += W) EACH(s[0], s[1], f_load((x) + i, (n) - i), i, (n) - i);
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
    SUM_ROW(x, n, DEVIATION)
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

/* The largest of those that are numbers; minus infinity where none is. */
static float largest_of(const float *x, int64_t n) {
    const F none = f_all1(-INFINITY);
    F a[4] = {none, none, none, none};
    int64_t i = 0, far = FAR(n);
    for (; i + 4 * W <= n; i += 4 * W)
        for (int k = 0; k < 4; k++) a[k] = f_max(f_load(x + i + k * W, W), a[k]), AHEAD(x + i + k * W + far);
    for (; i < n; i += W) a[0] = f_max(f_pick(f_first(n - i), f_load(x + i, n - i), none), a[0]);
    return f_largest(f_max(f_max(a[0], a[1]), f_max(a[2], a[3])));
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

/* exp of x <= 0 within 3 ulp, NaN stays NaN; 0 from n = -127 on, where the power's bits are those of 0. x = n ln 2 + r, exp(r) = 1 + r + r^2 q(r) with q of
 * degree 3, the relative error levelled out: 1.1e-7. The float ln 2 is off by 1.9e-9 n. Few instructions: they are what these loops wait for. */
VTK_INLINE F exp_below(F x) {
    const F magic = f_all1(0x1.8p23f + 127);
    F y = f_max(f_all1(-88.0f), x), t = f_fma(y, f_all1(0x1.715476p+0f), magic), r = f_fma(t - magic, f_all1(-0x1.62e430p-1f), y);
    F q = f_fma(f_fma(f_fma(r, f_all1(0x1.106250p-7f), f_all1(0x1.572a64p-5f)), r, f_all1(0x1.5557b0p-3f)), r, f_all1(0x1.fffdfcp-2f));
    return f_fma(f_fma(q, r, f_all1(1.0f)), r, f_all1(1.0f)) * f_power(t);
}

/* Sum of exp(x - base), each within 3 ulp; base a largest element where `below`; the exponentials into y too (NULL: nowhere). Eight vectors are
 * added in float32 before float64 takes over: a relative error of 2^-21 at most, as all are positive. */
VTK_INLINE double exps_into(float *y, const float *x, int64_t n, F base, const int below) {
#define EXP(v) (below ? exp_below(v) : exp_ps(v))
    D s = d_all1(0), t = s;
    int64_t i = 0, next = NEXT_ROW(n);
    for (; i + 8 * W <= n; i += 8 * W) {
        F a = f_all1(0), b = a;
        for (int64_t k = 0; k < 8; k += 2) {
            const float *p = x + i + k * W;
            F u = EXP(f_load(p, W) - base), v = EXP(f_load(p + W, W) - base);
            AHEAD(p + next), AHEAD(p + next + W);
            if (y) f_store(y + i + k * W, u, W), f_store(y + i + (k + 1) * W, v, W);
            a += u, b += v;
        }
        a += b;
        s += d_low(a), t += d_high(a);
    }
    for (; i < n; i += W) {
        int64_t left = n - i < W ? n - i : W;
        F e = EXP(f_load(x + i, left) - base);
        if (y) f_store(y + i, e, left);
        if (left < W) e = f_and(e, f_first(left));
        s += d_low(e), t += d_high(e);
    }
    return d_sum(s + t);
}

/* A NaN shows in the sum. */
static void lse_row(void *state, const void *p, int64_t n) {
    float m = largest_of(p, n);
    double sum = isinf(m) ? exps_into(NULL, p, n, f_all1(0), 0) : exps_into(NULL, p, n, f_all1(m), 1);
    ((double *)state)[0] = isnan(sum) ? sum : (double)m;
    ((double *)state)[1] = sum;
}

/* ---- columns: the states of up to four vectors of them run in registers, a row a step ---- */

/* START and STEP are about vector k of V: its numbers v, its state s[k] and t[k] (doubles), f[k] and g[k] (floats); FINISH writes the state of column
 * j + k * W on, of which there are `left`. */
#define COLUMNS(name, START, STEP, FINISH) \
    static inline __attribute__((always_inline)) void name##_some(double *a, double *b, const float *x, int64_t ld, int64_t n_rows, int64_t n, const int V) { \
        D s[4], t[4]; \
        F f[4], g[4]; \
        (void)b, (void)s, (void)t, (void)f, (void)g; \
        for (int k = 0; k < V; k++) { \
            const int64_t left = V > 1 ? W : n; \
            F v = f_load(x + k * W, left); \
            (void)v; \
            START; \
        } \
        for (int64_t r = 0; r < n_rows; r++) \
            for (int k = 0; k < V; k++) { \
                F v = f_load(x + r * ld + k * W, V > 1 ? W : n); \
                STEP; \
            } \
        for (int k = 0; k < V; k++) { \
            const int64_t left = V > 1 ? W : n, j = k * W; \
            FINISH; \
        } \
    } \
    static void name(void *pa, void *pb, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        const float *x = p; \
        double *a = pa, *b = pb; \
        int64_t i = 0; \
        for (; i + 4 * W <= n; i += 4 * W) name##_some(a + i, b + i, x + i, ld, n_rows, 4 * W, 4); \
        for (; i < n; i += W) name##_some(a + i, b + i, x + i, ld, n_rows, n - i < W ? n - i : W, 1); \
    }
#define PUT_TWO(to, low, high) d_store((to) + j, low, left), d_store((to) + j + W / 2, high, left - W / 2)
#define FROM(x) s[k] = t[k] = d_all1(x)

COLUMNS(sum_columns, FROM(0), (s[k] += d_low(v), t[k] += d_high(v)), PUT_TWO(a, s[k], t[k]))
COLUMNS(abs_columns, FROM(0), (s[k] += d_low(f_abs(v)), t[k] += d_high(f_abs(v))), PUT_TWO(a, s[k], t[k]))
COLUMNS(squares_columns, FROM(0), (s[k] += d_low(v) * d_low(v), t[k] += d_high(v) * d_high(v)), PUT_TWO(a, s[k], t[k]))
COLUMNS(prod_columns, FROM(1), (s[k] *= d_low(v), t[k] *= d_high(v)), PUT_TWO(a, s[k], t[k]))
/* f: the largest number, g: has a NaN been seen */
COLUMNS(max_columns, (f[k] = v, g[k] = f_nan(v)), (f[k] = f_max(v, f[k]), g[k] = f_or(g[k], f_nan(v))), f[k] = f_pick(g[k], f_all1(NAN), f[k]);
        PUT_TWO(a, d_low(f[k]), d_high(f[k])))
COLUMNS(min_columns, (f[k] = -v, g[k] = f_nan(v)), (f[k] = f_max(-v, f[k]), g[k] = f_or(g[k], f_nan(v))), f[k] = f_pick(g[k], f_all1(NAN), -f[k]);
        PUT_TWO(a, d_low(f[k]), d_high(f[k])))

/* f: the best, g: its row, a number of float32 exactly */
#define BEST_STEP(u) \
    do { \
        F better = f_beats(u, f[k]); \
        f[k] = f_pick(better, u, f[k]); \
        g[k] = f_pick(better, f_all1((float)r), g[k]); \
    } while (0)
COLUMNS(argmax_columns, (f[k] = v, g[k] = f_all1(0)), BEST_STEP(v), PUT_TWO(a, d_low(f[k]), d_high(f[k])); PUT_TWO(b, d_low(g[k]), d_high(g[k])))
COLUMNS(argmin_columns, (f[k] = -v, g[k] = f_all1(0)), BEST_STEP(-v), PUT_TWO(a, d_low(-f[k]), d_high(-f[k])); PUT_TWO(b, d_low(g[k]), d_high(g[k])))

/* The means are there already, in a. */
#define MEAN_LOW d_load(a + k * W, V > 1 ? W : n)
#define MEAN_HIGH d_load(a + k * W + W / 2, (V > 1 ? W : n) - W / 2)
COLUMNS(deviations, FROM(0), D u = d_low(v) - MEAN_LOW; D w = d_high(v) - MEAN_HIGH; s[k] += u * u; t[k] += w * w, PUT_TWO(b, s[k], t[k]))

static void moments_columns(void *pa, void *pb, const void *p, int64_t ld, int64_t n_rows, int64_t n) {
    double *mean = pa;
    sum_columns(pa, pb, p, ld, n_rows, n);
    for (int64_t j = 0; j < n; j++) mean[j] /= (double)n_rows;
    deviations(pa, pb, p, ld, n_rows, n);
}

/* The largest are there already, in a; f: what is subtracted. */
COLUMNS(exponentials, FROM(0); f[k] = f_of(MEAN_LOW, MEAN_HIGH); f[k] = f_pick(f_infinite(f[k]), f_all1(0), f[k]), F e = exp_ps(v - f[k]); s[k] += d_low(e);
        t[k] += d_high(e), PUT_TWO(b, s[k], t[k]))

static void lse_columns(void *pa, void *pb, const void *p, int64_t ld, int64_t n_rows, int64_t n) {
    max_columns(pa, pb, p, ld, n_rows, n);
    exponentials(pa, pb, p, ld, n_rows, n);
}
