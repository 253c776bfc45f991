/* The loops around finding a symbol, which instruction sets do differently: the file that includes this has defined
 *     static inline uint32_t find(const uint16_t *table, int64_t lines, uint32_t slot)     numbers not above slot, at least 1
 * and NAME(x), which puts its suffix behind x. */
#include <string.h>

#include "vtk_entropy.h"

#define ENTROPY_INLINE static inline __attribute__((always_inline))

/* The first number of the next table stands where the end of a full table's last symbol would: 0 and 4096 are the same in 12 bits. */
ENTROPY_INLINE uint32_t take(uint8_t *out, uint32_t x, const uint16_t *table, int64_t lines) {
    enum { MASK = (1 << VTK_RANS_BITS) - 1 };
    uint32_t slot = x & MASK, s = find(table, lines, slot) - 1, pair;
    memcpy(&pair, table + s, sizeof pair);
    uint32_t begin = pair & 0xffff, frequency = ((pair >> 16) - begin) & MASK;
    *out = (uint8_t)s;
    return frequency * (x >> VTK_RANS_BITS) + slot - begin;
}

/* Whole rounds while there are words for all lanes, without asking: most of a stream. */
ENTROPY_INLINE int64_t take_rounds(uint8_t *out, vtk_rans *r, const uint16_t *tables, int64_t lines, int64_t n) {
    uint32_t x[VTK_RANS_LANES];
    const uint16_t *in = r->in;
    const int64_t table = lines * VTK_RANS_LINE;
    int64_t i = 0;
    memcpy(x, r->state, sizeof x);
    for (; i + VTK_RANS_LANES <= n && r->end - in >= VTK_RANS_LANES; i += VTK_RANS_LANES) {
#pragma GCC unroll 8
        for (int lane = 0; lane < VTK_RANS_LANES; lane++) {
            /* A jump here would go wrong every fifth time: no compiler is to make one. */
            uint32_t y = take(out + i + lane, x[lane], tables + (i + lane) * table, lines), few = (uint32_t)(((int64_t)y - VTK_RANS_LOW) >> 63);
            x[lane] = y << (few & 16) | (*in & few);
            in += few & 1;
        }
    }
    memcpy(r->state, x, sizeof x);
    r->in = in;
    return i;
}

static int NAME(rans_decode)(uint8_t *out, vtk_rans *r, const uint16_t *tables, int64_t lines, int64_t n) {
    int64_t i = lines == 1 ? take_rounds(out, r, tables, 1, n) : take_rounds(out, r, tables, lines, n);
    for (; i < n; i++) {
        uint32_t *x = &r->state[i % VTK_RANS_LANES];
        *x = take(out + i, *x, tables + i * lines * VTK_RANS_LINE, lines);
        if (*x >= VTK_RANS_LOW) continue;
        if (r->in == r->end) return 0;
        *x = *x << 16 | *r->in++;
    }
    return 1;
}

static void NAME(dequantise)(float *restrict y, const uint8_t *restrict q, const float *restrict base, const float *restrict step, int32_t centre,
                             float scale, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = base[i] + (float)((int32_t)q[i] - centre) * (step[i] * scale);
}
