/* Every object to its nearest and second nearest medoid. */
#include <math.h>
#include <string.h>

#include "cluster/state.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/window.h"

_Static_assert((int)VT__DISTANCE_F32 == (int)VTK_DISTANCE_F32 && (int)VT__DISTANCE_F64 == (int)VTK_DISTANCE_F64 && (int)VT__DISTANCE_I32 == (int)VTK_DISTANCE_I32 &&
                   (int)VT__DISTANCE_I64 == (int)VTK_DISTANCE_I64,
               "one numbering of types");

/* Objects a chunk of parallel work: small, so that threads end together. */
enum { CHUNK = 512 };

vt_status vt__nearest_init(vt__nearest_two *near, const vt__cluster_work *work) {
    size_t size = vt__distance_size(work->distance);
    *near = (vt__nearest_two){.ctx = work->ctx, .distance = work->distance, .vtk = vtk_get(), .type = vt__distance_type(work->distance),
                              .m = {.n = work->n, .weights = work->weights}};
    near->m.slot1 = vt__alloc64_2(work->ctx, work->n, 1, sizeof *near->m.slot1);
    near->m.slot2 = vt__alloc64_2(work->ctx, work->n, 1, sizeof *near->m.slot2);
    near->m.d1 = vt__alloc64_2(work->ctx, work->n, 1, size);
    near->m.d2 = vt__alloc64_2(work->ctx, work->n, 1, size);
    if (near->m.slot1 && near->m.slot2 && near->m.d1 && near->m.d2) return VT_OK;
    return vt__fail_nomem("cluster", (size_t)work->n * 2 * (size + sizeof *near->m.slot1));
}

void vt__nearest_free(vt__nearest_two *near) {
    vt__free(near->ctx, near->m.slot1);
    vt__free(near->ctx, near->m.slot2);
    vt__free(near->ctx, near->m.d1);
    vt__free(near->ctx, near->m.d2);
}

/* Columns of medoids that become the slots k, k + 1, ... */
typedef struct additions {
    vt__nearest_two *near;
    const int64_t *own;
    const void *const *columns;
    int64_t n;
} additions;

static void add_chunk(void *user, int64_t chunk) {
    const additions *a = user;
    const vt__nearest_two *near = a->near;
    const vtk_medoids *m = &near->m;
    int64_t first = chunk * CHUNK, last = first + CHUNK < m->n ? first + CHUNK : m->n;
    for (int64_t i = 0; i < a->n; i++) {
        int32_t slot = (int32_t)(m->k + i);
        if (slot == 0) near->vtk->medoid_start[near->type](m, a->columns[i], first, last);
        else near->vtk->medoid_add[near->type](m, slot, a->own[i], a->columns[i], first, last);
    }
}

static void add(vt__nearest_two *near, const int64_t *own, const void *const *columns, int64_t n) {
    additions a = {near, own, columns, n};
    vt__parallel(near->ctx, (near->m.n + CHUNK - 1) / CHUNK, add_chunk, &a);
    near->m.k += n;
}

void vt__nearest_add(vt__nearest_two *near, int64_t own, const void *column) { add(near, &own, &column, 1); }

/* A medoid is at 0 of itself whatever the diagonal says, and in its own cluster even where another medoid is at less: of duplicates in distances that
 * rounding has made a little negative, say. */
static void pin(const vt__nearest_two *near, const int64_t *medoids) {
    const size_t size = vt__distance_size(near->distance);
    const vtk_medoids *m = &near->m;
    for (int32_t slot = 0; slot < m->k; slot++) {
        const int64_t o = medoids[slot];
        char *d1 = (char *)m->d1 + (size_t)o * size;
        if (m->slot1[o] != slot) {
            m->slot2[o] = m->slot1[o];
            memcpy((char *)m->d2 + (size_t)o * size, d1, size);
            m->slot1[o] = slot;
        }
        memset(d1, 0, size);
    }
}

vt_status vt__nearest_assign(vt__nearest_two *near, const int64_t *medoids, int64_t k, vt__watch *watch) {
    vt__window window;
    vt_status st = vt__window_init(&window, near->distance, 0);
    near->m.k = 0;
    while (st == VT_OK && near->m.k < k) {
        const int64_t *own = medoids + near->m.k;
        int64_t n = k - near->m.k < window.capacity ? k - near->m.k : window.capacity;
        st = vt__watch_poll(watch, -1, "assignment");
        if (st == VT_OK) st = vt__window_load(&window, own, n);
        if (st == VT_OK) add(near, own, window.columns, n);
    }
    if (st == VT_OK) pin(near, medoids);
    vt__window_free(&window);
    return st;
}

vt__sum vt__nearest_loss(const vt__nearest_two *near) {
    vt__sum loss;
    near->vtk->medoid_total[near->type](&loss, near->m.d1, NULL, near->m.weights, near->m.n);
    return loss;
}

/* An object of weight 0 is nobody's loss, wherever it is. */
static int counts(const vt__nearest_two *near, int64_t o) {
    if (!near->m.weights) return 1;
    return vt__distance_is_whole(near->distance) ? ((const int64_t *)near->m.weights)[o] != 0 : ((const double *)near->m.weights)[o] != 0.0;
}

void vt__nearest_report(const vt__nearest_two *near, vt__cluster_work *work) {
    const vtk_medoids *m = &near->m;
    const double far = vt__distance_far(near->distance) > 0 ? vt__distance_far(near->distance) : (double)INFINITY;
    pin(near, work->medoids);
    vt__sum loss = vt__nearest_loss(near);
    int is_whole = vt__distance_is_whole(near->distance);
    work->integer_loss = is_whole ? loss.whole : 0;
    work->loss = is_whole ? (double)loss.whole : loss.real;
    for (int64_t o = 0; o < m->n; o++) {
        double d1 = vt__distance_value(near->type, m->d1, o), d2 = m->slot2[o] == VTK_NO_SLOT ? (double)INFINITY : vt__distance_value(near->type, m->d2, o);
        work->labels[o] = m->slot1[o];
        work->nearest[o] = d1 < far ? d1 : (double)INFINITY;
        work->second[o] = d2 < far ? d2 : (double)INFINITY;
        if (!(d1 < far) && counts(near, o)) work->loss = (double)INFINITY;
    }
    work->assigned = 1;
}

vt_status vt__assign(vt__cluster_work *work) {
    vt__nearest_two near;
    vt_status st = vt__nearest_init(&near, work);
    if (st == VT_OK) st = vt__nearest_assign(&near, work->medoids, work->k, work->watch);
    if (st == VT_OK) vt__nearest_report(&near, work);
    vt__nearest_free(&near);
    return st;
}
