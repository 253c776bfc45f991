/* Log-probabilities of given tokens straight from the product with the output matrix: its rows go by in tiles, each row of activations keeps
 * the largest logit and the sum of exponentials of every tile, and no row of logits is ever whole. The tiles do not depend on the threads,
 * nor does the order in which their sums are added. */
#ifndef VENTURI_LLM_SCORE_H
#define VENTURI_LLM_SCORE_H

#include "llm/linear.h"

typedef struct vt__tile_sum {
    float max;
    double sum; /* of exp(logit - max) */
} vt__tile_sum;

/* Memory for rows of activations, at most max_rows at a time. */
typedef struct vt__scorer {
    vt_context *ctx; /* NULL: not made */
    int64_t max_rows, n_chunks;
    float *logits;      /* [n_chunks, max_rows, tile] */
    vt__tile_sum *sums; /* [max_rows, n_tiles] */
    float *targets;     /* [max_rows] logits of the tokens asked for */
} vt__scorer;

/* Errors: NOMEM; the scorer is then as not made. */
vt_status vt__scorer_init(vt__scorer *s, vt_context *ctx, int64_t n_vocab, int64_t max_rows);
void vt__scorer_free(vt__scorer *s);

/* out[i] = log-probability (natural) of ids[i] after row i of in; logits are capped as c tanh(logit / c) if cap > 0. NaN where a logit is
 * NaN or plus infinity. */
void vt__scorer_run(vt__scorer *s, const vt__activations *in, const vt__matrix *output, float cap, const int32_t *ids, double *out);
/* The same number from a whole row of logits. */
double vt__log_probability(const float *logits, int64_t n, int32_t id);

#endif
