/* The walk of a swap search: candidates are visited in order, and either the first swap that improves is taken at once (eager: FasterPAM, FasterMSC)
 * or the best of a pass (FastPAM1, FastMSC). What a swap is worth and what it changes is the method's business. */
#ifndef VENTURI_CLUSTER_EAGER_H
#define VENTURI_CLUSTER_EAGER_H

#include <math.h>

#include "core/watch.h"
#include "distance/distance.h"

/* A sum over objects: float64 for float distances, int64 for integer ones. */
typedef union vt__sum {
    double real;
    int64_t whole;
} vt__sum;

/* Whether a is the smaller: a number before one that weights made NaN. */
static inline int vt__sum_less(int is_whole, vt__sum a, vt__sum b) {
    return is_whole ? a.whole < b.whole : a.real < b.real || (isnan(b.real) && !isnan(a.real));
}

/* What a candidate would bring: the slot whose medoid it had better replace, the lowest of equals, and the change of the loss, < 0 if it improves. */
typedef struct vt__move {
    int32_t slot;
    vt__sum change;
} vt__move;

/* Candidates are judged side by side; each judgement has a lane of its own, so that a method keeps scratch for so many. */
enum { VT__SEARCH_LANES = 16 };

typedef void (*vt__judge_fn)(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out);

typedef struct vt__search {
    vt_context *ctx;
    const vt_distance *distance;
    vt__watch *watch;
    int64_t n, k;
    int64_t *medoids;     /* [k]: kept up to date */
    const int64_t *order; /* [n] permutation in which candidates are visited; NULL: 0..n-1 */
    int64_t max_iter;
    int is_whole; /* sums are int64 */
    int slot_first; /* vt__search_best: of equals the lowest slot comes before the first candidate */

    void *user;
    /* Judges candidate j, whose column is D(:, j). next: the column that the lane is asked for next, to be fetched meanwhile; NULL: not known. Called
     * from several threads, at one time once a lane; must change nothing but its lane's scratch, and its answer must be a function of j and the state
     * alone. */
    vt__judge_fn judge;
    /* The lane will judge candidate j next: what it needs may be fetched. NULL: nothing to do. */
    void (*fetch)(void *user, int64_t lane, int64_t j);
    /* Called once a lane before anything of a block is judged in it, side by side too: brings the lane's scratch up to date. NULL: there is nothing to do. */
    void (*prepare)(void *user, int64_t lane);
    /* Called before each pass but the first, with the swaps of the one before; outside of parallel work. NULL: there is nothing to do. */
    void (*begin_pass)(void *user, int64_t n_swap);
    /* j has become the medoid of move->slot (medoids[] says so already): brings the state up to date, or leaves that to prepare. Outside of
     * parallel work. */
    vt_status (*take)(void *user, const vt__move *move, int64_t j, const void *column);
    /* The loss, summed freshly: passes end when it stops falling, whatever the changes promised. */
    vt__sum (*loss)(void *user);

    int64_t n_iter, n_swap; /* out: added to */
} vt__search;

/* Judges n >= 1 candidates side by side: the index of the first that improves, or n; not eager: of the best, the first of equals. out: its move. */
int64_t vt__search_judge(const vt__search *search, const int64_t *candidates, const void *const *columns, int64_t n, int is_eager, vt__move *out);
/* Takes each improving swap when it is met and goes on behind it. Ends after a pass without a swap or without a lower loss; the pass in which nothing
 * more is found ends at the candidate of the last swap. The result is that of visiting one candidate at a time. */
vt_status vt__search_eager(vt__search *search);
/* Takes the best swap of each pass (of equals the first candidate in order) until none improves. */
vt_status vt__search_best(vt__search *search);

#endif
