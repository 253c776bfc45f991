/* What the files of convolutions share. A convolution is a product of matrices
 *
 *     y[f, p] = sum over k of W[f, k] X[k, p],   k = (channel, tap), p = a place of the result
 *
 * for each picture and group. A transposed one is made of phases, one for each remainder of a place of the result by the stride: a phase's places see a part of
 * the taps and every pixel, so that it is a convolution of stride 1. */
#ifndef VENTURI_DEVICE_CONV_H
#define VENTURI_DEVICE_CONV_H

#include <stdatomic.h>

#include "device/device.h"
#include "vtk.h"
#include "vtk_conv.h"

struct vt__conv {
    const vtk_table *kernels;
    int64_t n, groups, channels, filters; /* pictures, groups, channels and filters of a group */
    int64_t in[2], out[2], kernel[2];     /* extents of x, of the result, of a filter */
    int64_t stride[2], padding[2], dilation[2];
    int64_t up[2];     /* the stride of a transposed convolution, else 1: place j of phase i is place j * up + i of the result */
    int64_t phases[2]; /* that the result has */
    int64_t grid[2];   /* places of a phase; those of the last may lie outside of the result */
    int transposed;
    int32_t dtype;
    size_t size;       /* of an element: 4 or 8 */
    const char *x, *weights, *bias; /* weights: of a phase [groups, filters, channels, its taps], phase after phase */
    char *y;
};

/* Reads extents and attributes; x and y are the two pictures of the convolution, whatever is computed. */
struct vt__conv vt__conv_of(const struct vt__run *run, const struct vt__view *x, const struct vt__view *y, const int64_t *kernel, const struct vt__attr *stride,
    const struct vt__attr *padding, const struct vt__attr *dilation, int64_t groups, int transposed);

/* Tap k of dimension d belongs to this phase and begins this far from place 0. */
int64_t vt__conv_phase(const struct vt__conv *c, int d, int64_t k);
int64_t vt__conv_offset(const struct vt__conv *c, int d, int64_t k);
/* Taps of a phase, and of all phases before it. */
int64_t vt__conv_taps(const struct vt__conv *c, int d, int64_t phase);
int64_t vt__conv_taps_before(const struct vt__conv *c, int d, int64_t phase);
/* Taps of a channel of a filter in all phases before this. */
int64_t vt__conv_weights_at(const struct vt__conv *c, const int64_t *phase);
/* The filters of a phase: those of all groups. */
const char *vt__conv_weights(const struct vt__conv *c, const int64_t *phase);

/* Rows k0 to k1-1 of a phase's X, n places from first on: place i of row k goes to to[i / 16 * ld_vector + (k - k0) * ld_row + i % 16], elements. Whole vectors of
 * 16 are written, with zeros behind the last place. */
struct vt__conv_block {
    int64_t phase[2];
    int64_t k0, k1, first, n;
    int64_t ld_row, ld_vector;
    int paired; /* vectors 2 i and 2 i + 1 lie side by side, pairs of them ld_vector apart */
};
void vt__conv_gather(const struct vt__conv *c, const char *x, const struct vt__conv_block *b, char *to);

/* Places of a phase, rows of a tile ld apart, to their places in the planes of the result. */
void vt__conv_scatter(const struct vt__conv *c, const struct vt__conv_block *b, int64_t rows, const char *tile, int64_t ld, char *out);

/* Items of work over the threads, each of which has scratch of its own. */
typedef void (*vt__conv_item_fn)(const void *job, int64_t i, char *scratch);
vt_status vt__conv_run(const struct vt__run *run, const void *job, int64_t items, int64_t scratch, vt__conv_item_fn item);

/* Few filters, among them one for each channel: without a product of matrices. is_direct: so it is done for these extents. */
int vt__conv_is_direct(const struct vt__conv *c);
vt_status vt__conv_direct(const struct vt__run *run, const struct vt__conv *c);
int vt__conv_weight_is_direct(const struct vt__conv *c);
vt_status vt__conv_weight_direct(const struct vt__run *run, const struct vt__conv *c);

#endif
