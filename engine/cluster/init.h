/* The best single medoid to add: what BUILD asks again and again, and FasterPAM once if k is 1. */
#ifndef VENTURI_CLUSTER_INIT_H
#define VENTURI_CLUSTER_INIT_H

#include "cluster/eager.h"
#include "cluster/method.h"

typedef struct vt__centre {
    int64_t object; /* -1: none */
    vt__sum sum;
} vt__centre;

/* The object j with the smallest weighted sum over o of D(o, j) or, with limits, of min(D(o, j) - limits[o], 0); limits are of the distance's type.
 * is_taken: objects left out, or NULL. Of equals `preferred` wins (-1: nobody), else the first. */
vt_status vt__best_centre(const vt__cluster_work *work, const void *limits, const unsigned char *is_taken, int64_t preferred, vt__centre *out);

#endif
