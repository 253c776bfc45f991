/* Arguments of the kernels that multiply many rows by packed weights, or by the packed second factor of any product of matrices (engine/linalg): the
 * gemm slots of vtk_table. */
#ifndef VENTURI_VTK_GEMM_H
#define VENTURI_VTK_GEMM_H

#include <stdint.h>

/* Products with packed weights: y[i, r] = sum over c of X[i, c] * W[r, c] (+ bias[r]) (+ add[i, r]) for the n rows of W, which lie in panels of
 * VTK_GEMM_PANEL rows: element (r, c) is panels[(r / 32 * k + c) * 32 + r % 32], and rows that only fill up the last panel are 0. A sum begins with the bias
 * and goes through c in ascending order in one chain, so that it is the same number in every tile and for every set of neighbours. */
enum { VTK_GEMM_PANEL = 32 };
enum {
    VTK_GEMM_STORE,     /* out[i, r] = y */
    VTK_GEMM_GELU,      /* out[i, r] = y Phi(y), by the error function */
    VTK_GEMM_GELU_TANH, /* the same by the tanh formula */
    VTK_GEMM_MAX,       /* out[r] = max(out[r], y) over all rows of X: one row of n */
    VTK_GEMM_SCALE      /* out[i, r] = alpha y + beta out[i, r]; beta 0: what is there is not read, so that a NaN in it is gone */
};
typedef struct vtk_gemm {
    void *out;      /* float32; gemm_f64: float64 */
    int64_t ld_out; /* elements from row to row */
    const void *x; /* m rows: k float32 (gemm_f32), k float64 (gemm_f64), pairs of bfloat16 (gemm_bf16), or rows of gemm_q8_row */
    int64_t ld_x;  /* from row to row: elements, gemm_q8: bytes */
    const void *panels; /* of gemm_pack, gemm_q8_pack, or in the layouts of gemm_f64 and gemm_bf16 */
    int64_t n, k;
    const float *bias; /* [n]; NULL: none. These two in gemm_f32 and gemm_q8 only */
    const float *add;  /* rows ld_out apart, may be out; NULL: none */
    int32_t finish;    /* VTK_GEMM_*; gemm_f64, gemm_bf16: STORE, SCALE; gemm_q8: not SCALE */
    double alpha, beta; /* SCALE: fma(beta, out, alpha y), in the type of out */
} vtk_gemm;

/* gemm_f64: panels of VTK_GEMM_PANEL_F64 rows, otherwise as float32. gemm_bf16: columns go in pairs, and of an odd k the last has a 0 beside it in X as
 * well as in W. Element (r, c) of W is panels[((r / 32 * k2 + c / 2) * 32 + r % 32) * 2 + c % 2], k2 = (k + 1) / 2. A step of the chain of sums takes
 * the pair's second product, then its first, each added with one rounding to float32 (to nearest); numbers below FLT_MIN are 0, in and out. */
enum { VTK_GEMM_PANEL_F64 = 16 };

/* The same with 8-bit integers. A row x of k floats becomes int8 q[k4], k4 the next multiple of 4 (zeros behind k), then a float32 scale, an int32 zero
 * and the int32 sum of q: x = scale (q - zero). A panel of W: for each four columns 32 rows of four bytes w + 128, w in -127..127, then the 32 rows'
 * float32 scales and their int32 sums of w. Sums are exact: y = (float(sum of (q - zero) w) scale of X) scale of W + bias, in this order. */
#define VTK_GEMM_Q8_K(k) (((k) + 3) / 4 * 4)
#define VTK_GEMM_Q8_ROW(k) (VTK_GEMM_Q8_K(k) + 12)
#define VTK_GEMM_Q8_PANEL(k) (VTK_GEMM_PANEL * (VTK_GEMM_Q8_K(k) + 8))

#endif
