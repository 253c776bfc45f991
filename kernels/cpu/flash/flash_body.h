/* Tiles of attention, one body for all instruction sets and for float32 and float64. The file that includes this gives it REAL, LOWEST (the least finite one) and
 * vectors V of LANES elements, a multiple of four:
 *
 *     v_load_n v_store_n (n lanes, nothing behind them is touched; n may be larger) v_set1 v_add v_sub v_mul v_div v_fma v_max v_exp2
 *     v_sum_4 v_max_4 (the sums or maxima of four vectors over their lanes)
 *     v_keep(v, other, first, last): lanes first..last-1 of v, the rest of other; any first and last */
#include <math.h>

/* Over its lanes the largest of max and the scores that the row sees. */
VTK_INLINE V row_max(const REAL *s, int64_t n, int64_t first, int64_t last, V factor, REAL max) {
    const V none = v_set1(-(REAL)INFINITY);
    V m = v_set1(max), m2 = m;
    int64_t c = 0;
    if (first == 0)
        for (; c + 2 * LANES <= last; c += 2 * LANES) { /* this order of arguments passes over NaN */
            m = v_max(v_mul(factor, v_load_n(s + c, LANES)), m);
            m2 = v_max(v_mul(factor, v_load_n(s + c + LANES, LANES)), m2);
        }
    for (; c < last; c += LANES) m = v_max(v_keep(v_mul(factor, v_load_n(s + c, n - c)), none, first - c, last - c), m);
    return v_max(m, m2);
}

/* Weights in place of scores; over lanes their sum. */
VTK_INLINE V row_weights(REAL *s, int64_t n, int64_t first, int64_t last, V factor, REAL max) {
    const V zero = v_set1((REAL)0), base = v_set1(max);
    V sum = zero, sum2 = zero;
    int64_t c = 0;
    if (first == 0)
        for (; c + 2 * LANES <= last; c += 2 * LANES) {
            V w = v_exp2(v_sub(v_mul(factor, v_load_n(s + c, LANES)), base)), w2 = v_exp2(v_sub(v_mul(factor, v_load_n(s + c + LANES, LANES)), base));
            sum = v_add(sum, w);
            sum2 = v_add(sum2, w2);
            v_store_n(s + c, w, LANES);
            v_store_n(s + c + LANES, w2, LANES);
        }
    for (; c < n; c += LANES) {
        if (c >= last) { /* nothing is seen any more */
            v_store_n(s + c, zero, n - c);
            continue;
        }
        V w = v_keep(v_exp2(v_sub(v_mul(factor, v_load_n(s + c, n - c)), base)), zero, first - c, last - c);
        sum = v_add(sum, w);
        v_store_n(s + c, w, n - c);
    }
    return v_add(sum, sum2);
}

/* Rows go in fours, whose maxima and sums are taken over the lanes together; what a vector of rows shrinks by is one power of 2. */
static void weigh(const vtk_flash_weigh *p) {
    const V factor = v_set1((REAL)p->factor), none = v_set1(-(REAL)INFINITY), lowest = v_set1(LOWEST);
    REAL *max = p->max, *sum = p->sum, *shrink = p->shrink, m[LANES] = {0}, all[LANES] = {0};
    for (int64_t r0 = 0; r0 < p->n_rows; r0 += LANES) {
        int64_t n = p->n_rows - r0 < LANES ? p->n_rows - r0 : LANES;
        for (int64_t r = 0; r < n; r += 4) {
            V four[4];
#pragma GCC unroll 4
            for (int64_t i = 0; i < 4; i++) {
                int64_t at = r0 + r + i;
                four[i] = r + i < n ? row_max((const REAL *)p->s + at * p->ld, p->n, p->first ? p->first[at] : 0, p->last ? p->last[at] : p->n, factor, max[at]) : none;
            }
            v_max_4(m + r, four);
#pragma GCC unroll 4
            for (int64_t i = 0; i < 4; i++) {
                int64_t at = r0 + r + i;
                REAL base = m[r + i] == -(REAL)INFINITY ? (REAL)0 : m[r + i];
                four[i] = r + i < n ? row_weights((REAL *)p->s + at * p->ld, p->n, p->first ? p->first[at] : 0, p->last ? p->last[at] : p->n, factor, base) : none;
            }
            v_sum_4(all + r, four);
        }
        V now = v_load_n(m, LANES), by = v_exp2(v_sub(v_load_n(max + r0, n), v_max(lowest, now)));
        v_store_n(shrink + r0, by, n);
        v_store_n(sum + r0, v_fma(by, v_load_n(sum + r0, n), v_load_n(all, LANES)), n);
        v_store_n(max + r0, now, n);
    }
}

static void slopes(const vtk_flash_slopes *p) {
    const V zero = v_set1((REAL)0), factor = v_set1((REAL)p->factor);
    const REAL *lse = p->lse, *delta = p->delta;
    for (int64_t r = 0; r < p->n_rows; r++) {
        REAL *s = (REAL *)p->s + r * p->ld, *dp = (REAL *)p->dp + r * p->ld;
        int64_t first = p->first ? p->first[r] : 0, last = p->last ? p->last[r] : p->n;
        int all = first == 0 && last == p->n;
        for (int64_t c = 0; c < p->n; c += LANES) {
            int64_t n = p->n - c;
            V w = v_exp2(v_sub(v_mul(factor, v_load_n(s + c, n)), v_load_n(lse + c, n)));
            V d = v_mul(w, v_sub(v_load_n(dp + c, n), v_load_n(delta + c, n)));
            if (!all) w = v_keep(w, zero, first - c, last - c), d = v_keep(d, zero, first - c, last - c);
            v_store_n(s + c, w, n);
            v_store_n(dp + c, d, n);
        }
    }
}

static void shrink(void *o, int64_t ld, int64_t n_rows, int64_t n, const void *by) {
    for (int64_t r = 0; r < n_rows; r++) {
        REAL *row = (REAL *)o + r * ld, factor = ((const REAL *)by)[r];
        if (factor == (REAL)1) continue;
        for (int64_t c = 0; c < n; c += LANES) v_store_n(row + c, v_mul(v_set1(factor), v_load_n(row + c, n - c)), n - c);
    }
}

static void multiply(void *x, int64_t ld, int64_t n_rows, int64_t n, double scale, const void *by) {
    V factor = v_set1((REAL)scale);
    for (int64_t r = 0; r < n_rows; r++) {
        REAL *row = (REAL *)x + r * ld;
        for (int64_t c = 0; c < n; c += LANES) {
            V v = v_mul(factor, v_load_n(row + c, n - c));
            if (by) v = v_mul(v, v_load_n((const REAL *)by + r * ld + c, n - c));
            v_store_n(row + c, v, n - c);
        }
    }
}

/* Four rows at a time: one sum across lanes for them all. */
static void dot(void *out, const void *a, int64_t ld_a, const void *b, int64_t ld_b, int64_t n_rows, int64_t n) {
    for (int64_t r = 0; r < n_rows; r += 4) {
        V sum[4] = {v_set1((REAL)0), v_set1((REAL)0), v_set1((REAL)0), v_set1((REAL)0)};
        int64_t rows = n_rows - r < 4 ? n_rows - r : 4;
        const REAL *x = (const REAL *)a + r * ld_a, *y = (const REAL *)b + r * ld_b;
        for (int64_t c = 0; c < n; c += LANES) {
#pragma GCC unroll 4
            for (int64_t i = 0; i < 4; i++)
                if (i < rows) sum[i] = v_fma(v_load_n(x + i * ld_a + c, n - c), v_load_n(y + i * ld_b + c, n - c), sum[i]);
        }
        REAL four[4];
        v_sum_4(four, sum);
        for (int64_t i = 0; i < rows; i++) ((REAL *)out)[r + i] = four[i];
    }
}

/* Eight vectors of columns wait in registers for all rows: enough chains to hide the latency of an addition. */
static void sum_rows(void *out, const void *w, const void *x, int64_t ld, int64_t n_rows, int64_t n) {
    enum { MANY = 8 };
    int64_t c = 0;
    for (; c + MANY * LANES <= n; c += MANY * LANES) {
        V sum[MANY];
#pragma GCC unroll 8
        for (int i = 0; i < MANY; i++) sum[i] = v_load_n((const REAL *)out + c + i * LANES, LANES);
        for (int64_t r = 0; r < n_rows; r++) {
            V weight = v_set1(((const REAL *)w)[r]);
#pragma GCC unroll 8
            for (int i = 0; i < MANY; i++) sum[i] = v_fma(weight, v_load_n((const REAL *)x + r * ld + c + i * LANES, LANES), sum[i]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < MANY; i++) v_store_n((REAL *)out + c + i * LANES, sum[i], LANES);
    }
    for (; c < n; c += 4 * LANES) {
        V sum[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) sum[i] = c + i * LANES < n ? v_load_n((const REAL *)out + c + i * LANES, n - c - i * LANES) : v_set1((REAL)0);
        for (int64_t r = 0; r < n_rows; r++) {
            V weight = v_set1(((const REAL *)w)[r]);
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                if (c + i * LANES < n) sum[i] = v_fma(weight, v_load_n((const REAL *)x + r * ld + c + i * LANES, n - c - i * LANES), sum[i]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            if (c + i * LANES < n) v_store_n((REAL *)out + c + i * LANES, sum[i], n - c - i * LANES);
    }
}

static void finish(void *o, int64_t ld, int64_t n_rows, int64_t n, void *lse, const void *max, const void *sum) {
    for (int64_t r = 0; r < n_rows; r++) {
        REAL total = ((const REAL *)sum)[r], *row = (REAL *)o + r * ld;
        for (int64_t c = 0; c < n; c += LANES) v_store_n(row + c, total == (REAL)0 ? v_set1((REAL)0) : v_div(v_load_n(row + c, n - c), v_set1(total)), n - c);
        ((REAL *)lse)[r] = total == (REAL)0 ? -(REAL)INFINITY : (REAL)((double)((const REAL *)max)[r] * 0x1.62e42fefa39efp-1 + log((double)total));
    }
}
