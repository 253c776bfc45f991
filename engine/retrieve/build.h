/* A new image out of an old one and the changes since. */
#ifndef VENTURI_RETRIEVE_BUILD_H
#define VENTURI_RETRIEVE_BUILD_H

#include "retrieve/changes.h"
#include "retrieve/image.h"

typedef struct vt__index_params {
    int32_t weighting; /* VT__WEIGHTING_* */
    double k1, b;
} vt__index_params;

/* Passages that stay come first, in their old order, then the new ones in the order of their coming. old may be NULL.
 * Errors: LIMIT, NOMEM. Cost: linear in both, and a sort of the new terms. */
vt_status vt__image_build(vt_context *ctx, const vt__image *old, const vt__changes *changes, const vt__index_params *params, vt__image *out);

#endif
