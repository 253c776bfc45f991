/* Rows in the order that the kernels read, whatever they hold: panels of VTK_PANEL objects, lanes are objects. rows.c fills them with
 * floats or with words of bits; the rest of their work is the same and is here. */
#ifndef VENTURI_DISTANCE_PANELS_H
#define VENTURI_DISTANCE_PANELS_H

#include "distance/distance_internal.h"
#include "vtk.h"

typedef struct vt__panels {
    vt_distance base;
    int32_t metric;
    int64_t dim;                             /* elements of the caller's rows */
    int64_t depth;                           /* elements of a row here */
    size_t size;                             /* bytes of an element here */
    void *data;                              /* [n / VTK_PANEL rounded up, depth, VTK_PANEL] */
    void (*kernel)(const vtk_distance *p);
    /* Row i of the caller's data as `depth` elements. */
    void (*import)(const struct vt__panels *p, const void *data, int64_t stride, int64_t i, void *out);
    /* OK, or what is wrong with one of the caller's rows. */
    vt_status (*check)(const struct vt__panels *p, const void *data, int64_t n, int64_t stride);
} vt__panels;

/* A handle with everything set but data; NULL: out of memory, and the message is set. */
vt__panels *vt__panels_new(vt_context *ctx, int type, int64_t n, int64_t dim, int64_t depth, size_t size, int32_t metric);
/* Makes the panels of the caller's rows, which have been checked. */
vt_status vt__panels_fill(vt__panels *p, const void *data, int64_t stride);
/* The handle in panels, or NULL. */
const vt__panels *vt__panels_of(const vt_distance *distance);

#endif
