/* Weights as fast products read them: 16 rows side by side (kernels/cpu/matmul/packed.h, packed_float.h). Made once, when a model is
 * opened, from the mapped file, whose pages are given back piece by piece. What reads single rows (embeddings) or floats (exact sessions) goes
 * on reading the file, whose pages come back as they are touched. */
#ifndef VENTURI_LLM_PACK_H
#define VENTURI_LLM_PACK_H

#include "core/watch.h"
#include "venturi/types.h"

/* Packs the matrices of all products of a model whose tensors are bound; from: the fraction of its opening that is done. Errors: NOMEM,
 * CANCELLED; what was packed is then freed with the model. */
vt_status vt__pack_weights(vt_model *m, vt__watch *watch, double from);

#endif
