/* A matrix of weights packed for products with many rows, and the product itself, spread over the threads of the context. */
#ifndef VENTURI_ENCODE_DENSE_H
#define VENTURI_ENCODE_DENSE_H

#include "venturi/types.h"

typedef struct vt__dense {
    int64_t n, k;  /* rows of weights: outputs; columns: inputs */
    float *panels;       /* float32, or */
    unsigned char *q8;   /* 8-bit integers */
    float *bias;   /* [n] or NULL */
} vt__dense;

/* Takes the weights [n, k] and bias [n] (NULL: none); copies both, the weights as integers if is_q8. Errors: NOMEM. */
vt_status vt__dense_create(vt_context *ctx, const float *w, const float *bias, int64_t n, int64_t k, int is_q8, vt__dense *out);
void vt__dense_free(vt_context *ctx, vt__dense *d);

typedef struct vt__product_of {
    const float *x;    /* [n_rows, k] */
    int64_t n_rows;
    float *out;        /* [n_rows, n]; VTK_GEMM_MAX: [n] */
    const float *add;  /* [n_rows, n] or NULL; may be out */
    int32_t finish;    /* VTK_GEMM_* */
    unsigned char *rows; /* room for n_rows rows of 8-bit activations; not used in float32 */
} vt__product_of;

void vt__dense_run(vt_context *ctx, const vt__dense *d, const vt__product_of *p);

#endif
