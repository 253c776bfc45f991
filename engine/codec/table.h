/* Tables of frequencies for entropy coders. Symbols 0..n-1 share 2^16: symbol k has cum[k]..cum[k+1]-1, so that cum[0] = 0, cum[n] = 65536, and every
 * symbol can be coded. The same tables serve the arithmetic coder as they are and the rANS coder in 12 bits. */
#ifndef VENTURI_CODEC_TABLE_H
#define VENTURI_CODEC_TABLE_H

#include "venturi/types.h"

enum { VT__CUM_ALL = 1 << 16, VT__CUM_MOST_SYMBOLS = 256 };

/* 1: cum [n + 1] is a table, 2 to 256 symbols. Whatever comes from outside is asked this before a coder sees it. */
int vt__cum_check(const uint32_t *cum, int64_t n);

/* cum [n + 1] from counts, which are not all 0 and whose sum is below 2^47: one in 65536 for each symbol, the rest by counts, rounded down from below. */
void vt__cum_from_counts(uint32_t *cum, const uint64_t *counts, int64_t n);

/* Lines that a rANS table of n symbols takes (vtk_entropy.h), and the table of a cum that is one; the longest symbols pay for those that 12 bits make longer. */
static inline int64_t vt__rans_lines(int64_t n) { return (n + 31) / 32; }
void vt__rans_table(uint16_t *table, int64_t lines, const uint32_t *cum, int64_t n);

/* 1: begins are what a rANS table of n symbols holds, first 0, growing, below 4096; the rest of the lines is not looked at. */
int vt__rans_check(const uint16_t *table, int64_t n);

#endif
