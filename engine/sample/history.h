/* The tokens that were accepted last, and what penalties make of them. */
#ifndef VENTURI_SAMPLE_HISTORY_H
#define VENTURI_SAMPLE_HISTORY_H

#include "sample/candidates.h"

enum { VT__MAX_WINDOW = 1 << 20 }; /* tokens looked back on, at most */

/* The last `window` tokens stand in ids[len - n .. len) one behind the other; room for twice as many, so that they move only now and then. */
typedef struct vt__history {
    int32_t *ids;
    int64_t window, len;
} vt__history;

/* Makes room for looking back so far. Errors: NOMEM. */
vt_status vt__history_widen(vt_context *ctx, vt__history *h, int64_t window);
void vt__history_add(vt__history *h, int32_t id); /* never fails */

/* A number for each of some token ids: open addressing, at most half full. */
typedef struct vt__tally {
    struct vt__tally_slot {
        int32_t id; /* -1: free */
        int32_t value;
    } *slots;
    int64_t n_slots; /* power of two */
} vt__tally;

vt_status vt__tally_init(vt_context *ctx, vt__tally *t, int64_t most); /* zeroed before; most ids at once */

/* Penalties of the tokens of a window. A logit that is not minus infinity stays finite. c is owned. */
typedef struct vt__penalties {
    double repeat, frequency, presence;
} vt__penalties;
void vt__history_penalise(const vt__history *h, int64_t last_n, const vt__penalties *p, vt__tally *tally, vt__candidates *c);

/* Don't repeat yourself: a token that would make the end of the text repeat at least allowed_length tokens of the window, and so many more as
 * L in all, costs multiplier * base^(L - allowed_length). A repetition does not reach beyond a breaker. */
typedef struct vt__dry {
    double multiplier, base;
    int64_t allowed_length;
    const int32_t *breakers;
    int64_t n_breakers;
    int32_t *z; /* [last_n] scratch */
} vt__dry;
void vt__history_dry(const vt__history *h, int64_t last_n, const vt__dry *dry, vt__tally *tally, vt__candidates *c);

#endif
