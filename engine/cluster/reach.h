/* What candidates reach: of each, the objects that it is nearer to than a limit a little above their second nearest medoid. Objects beyond it do not count
 * in a judgement, so that a candidate that has been judged once is judged again by a list of some dozen objects instead of its whole column, while few
 * swaps are taken. The result is the same to the bit. For distances whose columns lie in memory; without room for lists there are none. */
#ifndef VENTURI_CLUSTER_REACH_H
#define VENTURI_CLUSTER_REACH_H

#include <stdatomic.h>

#include "distance/distance.h"
#include "vtk.h"

/* Of one candidate: objects and distances, n of them. */
typedef struct vt__reach_list {
    int32_t *objects; /* [capacity], behind them the distances; NULL: none yet */
    int32_t n, capacity; /* n = -1: it reaches so many that no list is kept */
    int64_t stamp;    /* widenings that are in it */
} vt__reach_list;

/* Of one lane: limits, and how they have grown. The same in all lanes that have taken over the same swaps. */
typedef struct vt__reach_lane {
    void *limits;         /* [n] */
    vtk_widening widened; /* [n_widened] of the widenings base..base+n_widened-1, room for n and as many again */
    const void **columns; /* of their objects */
    int64_t base, n_widened;
    int32_t *objects;     /* [n + 16] of a list in the making */
    void *distances;      /* [n] likewise */
    char *at, *end;       /* room for lists */
    char *memory;
} vt__reach_lane;

typedef struct vt__reach {
    vt_context *ctx;
    const vt_distance *distance;
    const vtk_table *vtk;
    int type, shift; /* limits are d2 + |d2| / 2^shift */
    int64_t n, n_lanes;
    vt__reach_list *lists; /* [n]; NULL: there are none */
    vt__reach_lane *lanes;
    char *room;
    size_t room_size;
    _Alignas(64) atomic_size_t used; /* of the room, by blocks */
} vt__reach;

/* Begins to keep lists for lanes whose objects are as m has them, if that looks worth it. */
void vt__reach_begin(vt__reach *r, vt_context *ctx, const vt_distance *distance, const vtk_medoids *m, int64_t n_lanes);
void vt__reach_free(vt__reach *r);
/* A lane has taken over a swap after which the objects of a list had to look for their second medoid. */
void vt__reach_widen(vt__reach *r, int64_t lane, const vtk_medoids *m, const int32_t *lost, int64_t n_lost);
/* A lane will ask for the list of candidate j next: another core may have made it. */
void vt__reach_fetch(const vt__reach *r, int64_t j);
/* The list of candidate j, brought up to date or made from its column; its length, or -1: judge by the column. Lanes may ask side by side, of different
 * candidates. */
int64_t vt__reach_find(vt__reach *r, int64_t lane, int64_t j, const void *column, const void *next, const int32_t **objects, const void **distances);

#endif
