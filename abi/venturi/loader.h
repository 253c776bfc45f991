/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Batches of pictures for training, made ahead of their use by threads of their own: read and decoded, or taken from a tensor, made to one size, augmented.
 * An example depends on the loader's options, its index and the round alone, not on its batch or thread. The caller decides the order: it submits lists of
 * indices and takes tensors. Not here: labels, epochs, orders (venturi.data in Lua). */
#ifndef VENTURI_LOADER_H
#define VENTURI_LOADER_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a picture fits a place of other proportions: it covers it and what stands out is cut off; it is all there, on the background; it is stretched. */
enum { VT_FIT_COVER = 0, VT_FIT_CONTAIN = 1, VT_FIT_STRETCH = 2 };

enum {
    VT_AUGMENT_FLIP_X = 1,    /* mirrored left to right, one time in two */
    VT_AUGMENT_FLIP_Y = 2,    /* upside down, one time in two */
    VT_AUGMENT_FREE_PLACE = 4, /* a picture scaled down lies anywhere in its place; of one scaled up any part is seen */
    VT_LOADER_UPRIGHT = 8     /* files are turned as their Exif orientation says */
};

typedef struct vt_loader_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_AUGMENT_* and VT_LOADER_* */
    int64_t width;        /* of the result, 1 to 4096; 0: the tensor's */
    int64_t height;       /* likewise */
    int32_t channels;     /* of pictures from files: 3, or 1 for grey (Rec. 601); 0: 3. A tensor's are kept */
    int32_t dtype;        /* VT_DTYPE_F32: in [0, 1]; VT_DTYPE_U8 */
    int32_t fit;          /* VT_FIT_* */
    uint32_t background;  /* beside and behind pictures: 0xffRRGGBB; 0: white */
    int32_t n_threads;    /* 0: one; at most 64 */
    int32_t depth;        /* batches that may be under way or waiting, at most; 0: 2; at most 1024 */
    int64_t max_pixels;   /* of a file; 0: 2^26 */
    uint64_t seed;        /* of augmentation */
    double share;         /* of the examples that are augmented; 0: all of them */
    double scale_min;     /* of pictures against their place, 0.05 to 20; both 0: 1 */
    double scale_max;
    int64_t shift;        /* at most so many pixels each way, 0 to 4096 */
    double brightness;    /* factors between 1 - x and 1 + x, x from 0 to 1; applied in this order */
    double contrast;      /* about the picture's mean */
    double saturation;    /* of three channels */
} vt_loader_options;

/**
 * A loader of a tensor's pictures, or of files.
 *
 * pictures  [n, channels 1 to 4, height, width] uint8 or float32 in [0, 1], held until the loader is released and not to be changed before; or NULL: files
 *           are added by vt_loader_add_file.
 * Errors:  VT_ERR_INVALID, VT_ERR_SHAPE, VT_ERR_DTYPE, VT_ERR_NOMEM.
 * Threads: one user at a time.
 */
VT_API VT_MUST_USE vt_status vt_loader_create(vt_context *ctx, const vt_loader_options *opt, vt_tensor *pictures, vt_loader **out);
VT_API vt_loader *vt_loader_retain(vt_loader *loader);
/** The last one ends the loader's threads: it waits for the pictures that they are at. */
VT_API void vt_loader_release(vt_loader *loader);

/** One more picture, a PNG or JPEG file that is read when it is needed. JPEG files four times as large as their place, or more, are decoded at a half, a
 * quarter or an eighth of their size, which is less work. Errors: VT_ERR_STATE (after the first batch; made of a tensor), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_loader_add_file(vt_loader *loader, const char *path);
/** Number of pictures; 0 for NULL. */
VT_API int64_t vt_loader_count(const vt_loader *loader);

/**
 * Asks for a batch; work on it begins at once.
 *
 * indices  [n] of pictures, from 0, in any order, some may come twice; n >= 1.
 * round    the epoch: another one gives other augmentations.
 * Errors:  VT_ERR_INVALID (an index), VT_ERR_STATE (as many batches as the loader's depth are there), VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_loader_submit(vt_loader *loader, const int64_t *indices, int64_t n, uint32_t round);

/**
 * The oldest batch that was asked for; waits for it.
 *
 * cancel  polled while waiting, may be NULL; the batch is still there afterwards.
 * out     [n, channels, height, width].
 * Errors:  VT_ERR_STATE (none was asked for), VT_ERR_CANCELLED, and those of reading a picture (VT_ERR_NOT_FOUND, IO, FORMAT, LIMIT, UNSUPPORTED, NOMEM),
 *          with the file's name; that batch is gone then, and those behind it are as they would have been.
 */
VT_API VT_MUST_USE vt_status vt_loader_next(vt_loader *loader, const vt_cancel *cancel, vt_tensor **out);

#ifdef __cplusplus
}
#endif
#endif
