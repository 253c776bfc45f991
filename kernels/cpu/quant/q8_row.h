/* Where the parts of a row of activations lie. Only static inline functions, since files of every instruction set include this.
 *
 *     int8 q[n]; float32 d[n/32], s[n/32], h[n/32]; int8 low[n]; a bit for each block, in whole words and one of padding
 *
 * A block without its bit has the integers q, and low is 0; one with it has 256 q + low, and its d is 1/256 of what 8 bits would take. s and h are sums
 * of these integers: below 2^24, so they are exact. */
#ifndef VENTURI_KERNELS_Q8_ROW_H
#define VENTURI_KERNELS_Q8_ROW_H

#include <stdint.h>
#include <string.h>

#include "cpu/quant/half.h"
#include "vtk.h"

static inline size_t vtk_q8_low_at(int64_t n) { return (size_t)n + (size_t)n / 8 * 3; }
static inline size_t vtk_q8_wide_at(int64_t n) { return 2 * (size_t)n + (size_t)n / 8 * 3; }
static inline int vtk_q8_is_wide(const unsigned char *wide, int64_t b) { return wide[b / 8] >> b % 8 & 1; }

/* Element i of a row of n, less its scale. */
static inline int32_t vtk_q8_integer(const unsigned char *row, int64_t n, int64_t i) {
    int wide = vtk_q8_is_wide(row + vtk_q8_wide_at(n), i / VTK_BLOCK);
    return wide ? 256 * (int8_t)row[i] + (int8_t)row[(int64_t)vtk_q8_low_at(n) + i] : (int8_t)row[i];
}

/* The bits of the 25 blocks from b on at least; those behind the last are 0. */
static inline uint32_t vtk_q8_wide_blocks(const unsigned char *wide, int64_t b) { return vtk_load_u32(wide + b / 8) >> b % 8; }

#endif
