#include "cpu/distance/distance.h"

/* Bits of object and centre: in one of the two, in both, in either. */
typedef struct overlap {
    int64_t differ, both, either;
} overlap;

static overlap compare(const vtk_distance *p, int64_t object, int64_t centre) {
    overlap n = {0};
    for (int64_t k = 0; k < p->dim; k++) {
        uint64_t a = ((const uint64_t *)p->panels)[(object / VTK_PANEL * p->dim + k) * VTK_PANEL + object % VTK_PANEL];
        uint64_t b = ((const uint64_t *)p->centres)[centre * p->dim + k];
        n.differ += __builtin_popcountll(a ^ b);
        n.both += __builtin_popcountll(a & b);
        n.either += __builtin_popcountll(a | b);
    }
    return n;
}

void vtk_hamming_ref(const vtk_distance *p) {
    for (int64_t c = 0; c < p->n_centres; c++)
        for (int64_t o = 0; o < p->n_panels * VTK_PANEL; o++) ((int32_t *)p->out)[c * p->ld + o] = (int32_t)compare(p, o, c).differ;
}

/* The number of bits that differ is exact in a double, and so the quotient has one rounding before the last. */
void vtk_jaccard_ref(const vtk_distance *p) {
    for (int64_t c = 0; c < p->n_centres; c++)
        for (int64_t o = 0; o < p->n_panels * VTK_PANEL; o++) {
            overlap n = compare(p, o, c);
            ((float *)p->out)[c * p->ld + o] = n.either ? (float)((double)n.differ / (double)n.either) : 0.0f;
        }
}
