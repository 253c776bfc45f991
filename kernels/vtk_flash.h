/* Arguments of the kernels of attention over dense arrays: what happens to a tile of scores between two products of matrices (those are vtk_table's gemm_f32
 * and gemm_f64). A tile has a query or a key a row; elements of a row lie together. Everything of a call is of one type, float32 or float64, and each
 * type has a table of its own.
 *
 * Scores are in units of ln 2 inside: weights are powers of 2. */
#ifndef VENTURI_VTK_FLASH_H
#define VENTURI_VTK_FLASH_H

#include <stdint.h>

/* Scores that are more than products: s = softcap tanh(scale s / softcap) - slope |diagonal + row - column| + bias, without the tanh where softcap is 0. */
typedef struct vtk_flash_adjust {
    void *s; /* [n_rows, n], rows ld apart */
    int64_t ld, n_rows, n;
    double scale, softcap, slope;
    int64_t diagonal;
    const void *bias; /* [n_rows, n], rows ld apart; NULL: none */
    void *bend;       /* the same: filled with 1 - tanh^2. NULL: not wanted */
} vtk_flash_adjust;

/* A step of the softmax over the keys of a row: with m = max(max, factor s), weights 2^(factor s - m) in place of s, 0 for keys that are not seen;
 * shrink = 2^(max - m), what earlier sums and values shrink by; sum = shrink sum + the weights; max = m. Where m is minus infinity 0 stands for it. */
typedef struct vtk_flash_weigh {
    void *s;
    int64_t ld, n_rows, n;
    const int64_t *first, *last; /* [n_rows]: columns first <= c < last are seen, 0 <= first <= last <= n. NULL: all are */
    double factor;
    void *max, *sum, *shrink; /* [n_rows] */
} vtk_flash_weigh;

/* The way back: weights p = 2^(factor s - lse) in place of s, and slopes p (dp - delta) in place of dp; both 0 where nothing is seen. lse and delta belong to
 * columns: a tile of this kind has a key a row. */
typedef struct vtk_flash_slopes {
    void *s, *dp;
    int64_t ld, n_rows, n;
    const int64_t *first, *last;
    double factor;
    const void *lse, *delta; /* [n]; lse in units of ln 2, plus infinity for a query that sees nothing */
} vtk_flash_slopes;

struct vtk_flash_type {
    void (*adjust)(const vtk_flash_adjust *p);
    void (*weigh)(const vtk_flash_weigh *p);
    void (*slopes)(const vtk_flash_slopes *p);
    void (*shrink)(void *o, int64_t ld, int64_t n_rows, int64_t n, const void *by);          /* row i of o times by[i] */
    void (*multiply)(void *x, int64_t ld, int64_t n_rows, int64_t n, double scale, const void *by); /* x scale by; by [n_rows, n], rows ld apart; NULL: 1 */
    void (*dot)(void *out, const void *a, int64_t ld_a, const void *b, int64_t ld_b, int64_t n_rows, int64_t n); /* out[i] = a[i, :] . b[i, :] */
    void (*sum_rows)(void *out, const void *w, const void *x, int64_t ld, int64_t n_rows, int64_t n); /* out[c] += sum over r of w[r] x[r, c] */
    /* o / sum and lse = max ln 2 + ln sum; 0 and minus infinity where the sum is 0 */
    void (*finish)(void *o, int64_t ld, int64_t n_rows, int64_t n, void *lse, const void *max, const void *sum);
};

struct vtk_flash {
    const struct vtk_flash_type *f32, *f64;
};

extern const struct vtk_flash vtk_flash_ref;
#if defined(__x86_64__)
extern const struct vtk_flash vtk_flash_avx2, vtk_flash_avx512;
#endif

#endif
