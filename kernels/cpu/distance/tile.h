/* Walk of the distances over panels and centres, the same for every instruction set and type. Each file includes it behind its own
 *   real, vec, LANES                      an element, a vector of them, and how many it has
 *   load spread subtract add square_add magnitude halve root store    of vectors; square_add(d, s) is d * d + s with one rounding
 *   PANELS, CENTRES                       a register tile: PANELS * 16 / LANES * CENTRES sums stay in registers
 * Lanes are objects and the centre's elements are broadcast: no sum is taken across lanes, and each runs over the elements in order, so that
 * a distance is the same number in every tile, alone or with others, and with its two rows exchanged. */
#ifndef VENTURI_KERNELS_DISTANCE_TILE_H
#define VENTURI_KERNELS_DISTANCE_TILE_H

enum { PANEL_VECS = VTK_PANEL / LANES };

VTK_INLINE vec finish(vec sum, int metric) { return metric == VTK_L2 ? root(sum) : metric == VTK_COSINE ? halve(sum) : sum; }

/* n_panels * n_centres are constants wherever this is put in. */
VTK_INLINE void tile(const vtk_distance *p, int metric, int64_t panel, int n_panels, int64_t centre, int n_centres) {
    const real *x = (const real *)p->panels + panel * p->dim * VTK_PANEL, *y = (const real *)p->centres + centre * p->dim;
    real *out = (real *)p->out + centre * p->ld + panel * VTK_PANEL;
    const int n_vecs = n_panels * PANEL_VECS;
    vec sum[CENTRES][PANELS * PANEL_VECS], a[PANELS * PANEL_VECS];

#pragma GCC unroll 8
    for (int c = 0; c < n_centres; c++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++) sum[c][v] = spread((real)0);
    for (int64_t k = 0; k < p->dim; k++) {
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++) a[v] = load(x + (v / PANEL_VECS * p->dim + k) * VTK_PANEL + v % PANEL_VECS * LANES);
#pragma GCC unroll 8
        for (int c = 0; c < n_centres; c++) {
            const vec b = spread(y[c * p->dim + k]);
#pragma GCC unroll 8
            for (int v = 0; v < n_vecs; v++) {
                const vec d = subtract(a[v], b);
                sum[c][v] = metric == VTK_L1 ? add(sum[c][v], magnitude(d)) : square_add(d, sum[c][v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < n_centres; c++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++) store(out + c * p->ld + v * LANES, finish(sum[c][v], metric));
}

VTK_INLINE void tiles(const vtk_distance *p, int metric, int64_t panel, int n_panels) {
    int64_t c = 0;
    for (; c + CENTRES <= p->n_centres; c += CENTRES) tile(p, metric, panel, n_panels, c, CENTRES);
    for (; c < p->n_centres; c++) tile(p, metric, panel, n_panels, c, 1);
}

/* A group of panels stays in the nearest cache while all centres go over it. */
VTK_INLINE void distances(const vtk_distance *p, int metric) {
    int64_t panel = 0;
    for (; panel + PANELS <= p->n_panels; panel += PANELS) tiles(p, metric, panel, PANELS);
    for (; panel < p->n_panels; panel++) tiles(p, metric, panel, 1);
}

#endif
