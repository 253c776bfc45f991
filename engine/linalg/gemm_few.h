/* Products of a few rows with a factor whose rows lie in one piece: it is read where it is, once, since packing would take longer than the product. */
#ifndef VENTURI_LINALG_GEMM_FEW_H
#define VENTURI_LINALG_GEMM_FEW_H

#include "linalg/gemm.h"

/* Is this such a product? float32 or float64, alpha 1 and beta 0. */
int vt__gemm_is_few(const vt__gemm_problem *p);
/* C = A B, the same bits as by packed factors. Takes no memory, cannot fail. */
void vt__gemm_few(vt_context *ctx, const vt__gemm_problem *p);

#endif
