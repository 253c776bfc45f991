/* Matrices of weights as they lie in the file and as pack.h repacks them, and their products with rows of activations, spread over the threads of the context.
 * Not here: what a product is for (arch_*.c). */
#ifndef VENTURI_LLM_LINEAR_H
#define VENTURI_LLM_LINEAR_H

#include "venturi/types.h"

/* A view of rows * cols weights; the file stays mapped as long as the model lives. */
typedef struct vt__matrix {
    const void *data;
    size_t stride; /* bytes from row to row */
    int64_t rows, cols;
    int32_t dtype;  /* VT_DTYPE_* */
    int32_t kernel; /* VTK_*: always one that the kernel table knows */
    const unsigned char *packed; /* panels, owned by the model; NULL: there are none */
    size_t panel;                /* bytes from panel to panel */
} vt__matrix;

/* Rows of activations in the forms that kernels read: x by those of floats and of packed F16, q8 by those of integers, bf16 by that of packed BF16. */
typedef struct vt__activations {
    const float *x; /* n rows, ld elements apart */
    int64_t ld, n;
    int is_fast; /* 0: weights are taken from the file, by kernels of floats */
    const unsigned char *q8; /* rows of encode_q8_row, q8_stride bytes apart; NULL: not made */
    size_t q8_stride;
    const unsigned char *bf16; /* rows of bfloat16, bf16_stride bytes apart; NULL: not made */
    size_t bf16_stride;
} vt__activations;

typedef struct vt__product {
    const vt__matrix *w;
    float *out; /* [n, w->rows], rows ld elements apart */
    int64_t ld;
} vt__product;

/* Up to three products with the same activations in one parallel region, and what is done with each finished piece. */
typedef struct vt__linear {
    vt__activations in;
    vt__product parts[3];
    int32_t n_parts;
    float *add_to; /* each output is added to this, laid out like the output; NULL: it is not */
    /* y = f(gate) * up: parts[0] is the gate and becomes the result, parts[1] is up, of the same size; NULL: none */
    void (*gated)(float *y, const float *gate, const float *up, int64_t n);
} vt__linear;

/* The forms of activations that the fast kernels of the parts read. */
enum { VT__FORM_FLOATS = 1, VT__FORM_Q8 = 2, VT__FORM_BF16 = 4 };
int vt__linear_forms(const vt__linear *l);
/* in has the forms that its parts ask for. The numbers do not depend on the threads. */
void vt__linear_run(vt_context *ctx, const vt__linear *l);

/* Rows first..first+n-1 as a matrix of their own; first is a multiple of VTK_PANEL_ROWS. */
vt__matrix vt__matrix_rows(const vt__matrix *w, int64_t first, int64_t n);
/* One product on the calling thread; the numbers are those of vt__linear_run. */
void vt__linear_multiply(const vt__activations *in, const vt__product *part);

/* Calls fn(user, first, last) on ranges that cover 0..n-1, in parallel where there are enough rows to pay for it. */
typedef void (*vt__range_fn)(void *user, int64_t first, int64_t last);
void vt__over_rows(vt_context *ctx, int64_t n, vt__range_fn fn, void *user);

#endif
