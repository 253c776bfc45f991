/* Batches of pictures that are made ahead of their use, by threads of their own: read, decoded, made to one size, augmented. The order is the caller's:
 * it submits lists of indices and gets tensors back in the same order. Not here: labels, epochs. */
#ifndef VENTURI_MEDIA_LOADER_H
#define VENTURI_MEDIA_LOADER_H

#include "media/augment.h"
#include "media/image.h"

typedef struct vt__loader_params {
    vt__target target;
    vt__augment augment;
    int32_t is_augmented;
    int32_t n_threads, depth; /* depth: batches that may be under way or waiting */
    vt__image_limits limits;  /* of files; with `least` so that photographs are not decoded much larger than they are needed */
} vt__loader_params;

/* pictures: [n, channels, height, width] uint8 or float32, dense, on the CPU; held, not to be changed meanwhile. NULL: files are added. */
vt_status vt__loader_create(vt_context *ctx, const vt__loader_params *params, vt_tensor *pictures, vt_loader **out);
vt_loader *vt__loader_retain(vt_loader *loader);
/* The last one ends the threads, after the pictures that they are at. */
void vt__loader_release(vt_loader *loader);
/* One more picture. Errors: STATE (made of a tensor, or batches were submitted already), NOMEM. */
vt_status vt__loader_add_file(vt_loader *loader, const char *path);
int64_t vt__loader_count(const vt_loader *loader);
/* Errors: INVALID (an index), STATE (depth batches are there), NOMEM. */
vt_status vt__loader_submit(vt_loader *loader, const int64_t *indices, int64_t n, uint32_t round);
/* The oldest batch, once it is done: [n, channels, height, width]. A failed batch is taken away by its error, which names the file; those behind it
 * come as if nothing had been. Errors: STATE (none submitted), CANCELLED (it stays), and what reading pictures may give. */
vt_status vt__loader_next(vt_loader *loader, const vt_cancel *cancel, vt_tensor **out);

#endif
