/* Columns D(:, j), or rows D(j, :), of some objects at a time: what searches over candidates walk along. */
#ifndef VENTURI_DISTANCE_WINDOW_H
#define VENTURI_DISTANCE_WINDOW_H

#include "distance/distance.h"

typedef struct vt__window {
    const vt_distance *distance;
    int64_t capacity;     /* objects at a time */
    const void **columns; /* [capacity] of the loaded ones: n distances each, contiguous */
    void *buffer;         /* NULL where columns point into the matrix */
    void *scratch;        /* what the kind of distance needs to compute columns */
} vt__window;

/* capacity 0: as many as fit the caches well, at least 1, at most 64. After a failure vt__window_free is still fine. */
vt_status vt__window_init(vt__window *w, const vt_distance *distance, int64_t capacity);
void vt__window_free(vt__window *w);
/* w->columns[i][o] = D(o, objects[i]), 0 for an object and itself, i < n <= capacity; good until the next load. Parallel inside: to be called outside of parallel work. */
vt_status vt__window_load(vt__window *w, const int64_t *objects, int64_t n);
/* The same with w->columns[i][o] = D(objects[i], o). */
vt_status vt__window_load_rows(vt__window *w, const int64_t *objects, int64_t n);
/* 1 where loading columns costs nothing: they are rows of a symmetric matrix. A window of any capacity takes no more memory than its pointers then. */
int vt__window_is_view(const vt__window *w);
int vt__window_would_be_view(const vt_distance *distance);
/* The column of one object, where columns are such views. */
const void *vt__window_view(const vt_distance *distance, int64_t object);

#endif
