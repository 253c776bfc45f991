/* Entropy coding, for reading. */
#define NAME(x) x##_ref
#include <stdint.h>

static inline uint32_t find(const uint16_t *table, int64_t lines, uint32_t slot) {
    uint32_t n = 0;
    for (int64_t i = 0; i < lines * 32; i++) n += table[i] <= slot;
    return n;
}

#include "entropy_body.h"

const struct vtk_entropy vtk_entropy_ref = {.rans_decode = rans_decode_ref, .dequantise = dequantise_ref};
