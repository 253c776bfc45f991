/* Kernels of entropy coding: interleaved rANS, each symbol with a table of its own.
 *
 * There are VTK_RANS_LANES states of 32 bits that share one stream of 16-bit words; symbol i of a call is lane i % VTK_RANS_LANES's. A state x lies in
 * [2^16, 2^32). A symbol with frequency f of 2^VTK_RANS_BITS that begins at c is taken off by
 *
 *     slot = x % 4096,  c <= slot < c + f,  x = f * (x / 4096) + slot - c,  and x < 2^16 takes a word:  x = x * 65536 + word
 *
 * A table is the symbols' begins in lines of VTK_RANS_LINE 16-bit numbers, 4096 where there is no symbol: a line is one vector of comparisons, their
 * number is the symbol. So tables of many channels stay in the first caches, which tables of 4096 slots do not. */
#ifndef VENTURI_VTK_ENTROPY_H
#define VENTURI_VTK_ENTROPY_H

#include <stdint.h>

enum { VTK_RANS_LANES = 8, VTK_RANS_BITS = 12, VTK_RANS_LINE = 32, VTK_RANS_LOW = 1 << 16 };

typedef struct vtk_rans {
    uint32_t state[VTK_RANS_LANES];
    const uint16_t *in, *end; /* words that are left; nothing behind end is read */
} vtk_rans;

struct vtk_entropy {
    /* n symbols into out, symbol i by table i of `lines` lines each; one number more, 0 or 4096, follows the last table. In each table the first number is 0,
     * the others grow up to the 4096s, and there are at least two symbols. 0: the words ended before the symbols; out and r are undefined then. */
    int (*rans_decode)(uint8_t *out, vtk_rans *r, const uint16_t *tables, int64_t lines, int64_t n);
    /* y[i] = base[i] + (q[i] - centre) * (step[i] * scale). All bodies agree to the bit. */
    void (*dequantise)(float *y, const uint8_t *q, const float *base, const float *step, int32_t centre, float scale, int64_t n);
};

extern const struct vtk_entropy vtk_entropy_ref;
#if defined(__x86_64__)
extern const struct vtk_entropy vtk_entropy_avx2, vtk_entropy_avx512;
#endif

#endif
