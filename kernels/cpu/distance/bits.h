/* Walk of the distances of bits over panels and centres, the same for every instruction set. Each file includes it behind its own
 *   vec, LANES                                      a vector of 64-bit words, and how many it has
 *   load spread zero differ either add add_bytes   of vectors
 *   bytes sums                                      bits of each byte; sum of the bytes of each word
 *   put_i32 put_quotient                            of a vector's words
 * Lanes are objects, as in tile.h. */
#ifndef VENTURI_KERNELS_DISTANCE_BITS_H
#define VENTURI_KERNELS_DISTANCE_BITS_H

enum { PANEL_VECS = VTK_PANEL / LANES, STEP = 31 }; /* STEP: a byte counts 31 times 8 bits and does not wrap */

typedef struct counts {
    vec differ[PANEL_VECS], either[PANEL_VECS]; /* either: of Jaccard only */
} counts;

VTK_INLINE counts count(const vtk_distance *p, int64_t panel, int64_t centre, int with_either) {
    const uint64_t *x = (const uint64_t *)p->panels + panel * p->dim * VTK_PANEL, *y = (const uint64_t *)p->centres + centre * p->dim;
    counts n;

    for (int v = 0; v < PANEL_VECS; v++) n.differ[v] = n.either[v] = zero();
    for (int64_t k0 = 0; k0 < p->dim; k0 += STEP) {
        int64_t k1 = p->dim - k0 < STEP ? p->dim : k0 + STEP;
        vec d[PANEL_VECS], e[PANEL_VECS];
        for (int v = 0; v < PANEL_VECS; v++) d[v] = e[v] = zero();
        for (int64_t k = k0; k < k1; k++) {
            const vec b = spread(y[k]);
            for (int v = 0; v < PANEL_VECS; v++) {
                const vec a = load(x + k * VTK_PANEL + v * LANES);
                d[v] = add_bytes(d[v], bytes(differ(a, b)));
                if (with_either) e[v] = add_bytes(e[v], bytes(either(a, b)));
            }
        }
        for (int v = 0; v < PANEL_VECS; v++) {
            n.differ[v] = add(n.differ[v], sums(d[v]));
            if (with_either) n.either[v] = add(n.either[v], sums(e[v]));
        }
    }
    return n;
}

VTK_INLINE void hamming(const vtk_distance *p) {
    for (int64_t panel = 0; panel < p->n_panels; panel++)
        for (int64_t c = 0; c < p->n_centres; c++) {
            counts n = count(p, panel, c, 0);
            for (int v = 0; v < PANEL_VECS; v++) put_i32((int32_t *)p->out + c * p->ld + panel * VTK_PANEL + v * LANES, n.differ[v]);
        }
}

VTK_INLINE void jaccard(const vtk_distance *p) {
    for (int64_t panel = 0; panel < p->n_panels; panel++)
        for (int64_t c = 0; c < p->n_centres; c++) {
            counts n = count(p, panel, c, 1);
            for (int v = 0; v < PANEL_VECS; v++) put_quotient((float *)p->out + c * p->ld + panel * VTK_PANEL + v * LANES, n.differ[v], n.either[v]);
        }
}

#endif
