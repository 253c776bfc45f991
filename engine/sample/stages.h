/* The stages of a sampling chain: what each may be given, the memory it needs, what it does to the candidates. */
#ifndef VENTURI_SAMPLE_STAGES_H
#define VENTURI_SAMPLE_STAGES_H

#include "sample/candidates.h"
#include "sample/history.h"
#include "sample/token.h"

typedef struct vt__stage {
    vt__sampler_stage p; /* its arrays are the stage's own */
    vt__tally tally;     /* penalties, DRY */
    int32_t *scratch;    /* DRY */
} vt__stage;

/* What a stage looks at beside the candidates. */
typedef struct vt__draw {
    const vt__history *history;
    double mu;        /* of mirostat */
    uint64_t seed;
    uint32_t sequence;
    uint64_t n_draws, n_stage; /* a stage draws its own numbers: draw n_draws of stage n_stage */
} vt__draw;

/* Checks and copies; *out may be half built on failure: free it. Errors: INVALID, NOMEM. */
vt_status vt__stage_init(vt_context *ctx, const vt__sampler_stage *params, vt__stage *out);
void vt__stage_free(vt_context *ctx, vt__stage *s);
int64_t vt__stage_window(const vt__stage *s); /* tokens that it looks back on */
/* Leaves at least one candidate. Errors: NUMERIC (a bias bars what is left), NOMEM. */
vt_status vt__stage_apply(const vt__stage *s, const vt__draw *draw, vt__candidates *c);

#endif
