/* Kernels of convolutions: columns of the product of matrices that a convolution is, gathered from pictures; and convolutions of few filters, among them
 * those of a channel each, without such a product. All bodies agree bit for bit. */
#ifndef VENTURI_VTK_CONV_H
#define VENTURI_VTK_CONV_H

#include <stdint.h>

enum { VTK_CONV_LANES = 16, VTK_CONV_FILTERS = 4 };

/* Lane i is element at + i * step of a plane where bit i of lanes is set; those not set are not read. */
typedef struct vtk_conv_piece {
    int64_t at;
    uint32_t lanes;
} vtk_conv_piece;

typedef struct vtk_conv_gather {
    void *to;
    int64_t ld, ld_tap;
    const void *x;
    int64_t plane, n, step;
    const vtk_conv_piece *pieces;
    const int32_t *counts; /* [n_taps] */
    int64_t n_taps;
} vtk_conv_gather;

/* out[f, y, x] = bias[f] + sum over taps t of weights[f, t] * in[at[t] + y * in_row + x], a chain in the order of the taps. Elements are of the kernel's type. Up to
 * VTK_CONV_LANES elements behind those that are needed are read, and go nowhere. */
typedef struct vtk_conv_direct {
    void *out;
    int64_t out_plane, out_row; /* from filter to filter, from row to row */
    const void *in;
    int64_t in_row;
    const int64_t *at;      /* [n_taps] */
    const void *weights;    /* [n_filters], ld_weights apart */
    int64_t ld_weights;
    const void *bias;       /* [n_filters]; NULL: 0 */
    int64_t n_filters;      /* 1 to VTK_CONV_FILTERS */
    int64_t n_taps, n_rows, n_columns;
} vtk_conv_direct;

/* sums[t, x % VTK_CONV_LANES] += g[y, x] * in[at[t] + y * in_row + x], rows after rows. */
typedef struct vtk_conv_dots {
    void *sums; /* [n_taps, VTK_CONV_LANES] */
    const void *g;
    int64_t g_row;
    const void *in;
    int64_t in_row;
    const int64_t *at; /* [n_taps] */
    int64_t n_taps, n_rows, n_columns;
} vtk_conv_dots;

struct vtk_conv {
    /* For each of n planes and n_taps: VTK_CONV_LANES elements to + i * ld + t * ld_tap from the plane x + i * plane, what the counts[t] pieces of the tap say, no lane
     * twice, and 0 elsewhere. The taps' pieces follow one another. */
    void (*gather_f32)(const vtk_conv_gather *p);
    void (*gather_f64)(const vtk_conv_gather *p);
    void (*direct_f32)(const vtk_conv_direct *p);
    void (*direct_f64)(const vtk_conv_direct *p);
    void (*dots_f32)(const vtk_conv_dots *p);
    void (*dots_f64)(const vtk_conv_dots *p);
};
extern const struct vtk_conv vtk_conv_ref;
#if defined(__x86_64__)
extern const struct vtk_conv vtk_conv_avx2, vtk_conv_avx512;
#endif

#endif
