/* Which blocks of a row of activations have 16 bits: for the bodies that make rows (q8_row.h). Only static inline functions, since files of every
 * instruction set include this. */
#ifndef VENTURI_KERNELS_Q8_WIDE_H
#define VENTURI_KERNELS_Q8_WIDE_H

#include "cpu/quant/q8_row.h"

/* A block whose d is above this many times the row's mean is wide. The error of a block grows with the square of d, so the few that hold outliers make
 * most of a row's: with an eighth of the blocks wide a quarter of the error is left. Twice as many would leave little less of what a text's likelihood
 * loses, and cost more. */
#define VTK_WIDE_FROM 2.0f
enum { VTK_WIDE_MOST = 32639 }; /* the largest integer: both of its bytes are at most 127 */

/* Marks the wide blocks of a row whose blocks all have 8 bits so far; they are to be put again. A row with a NaN or an infinity has none, nor do those
 * whose scales would lose bits. */
static inline void vtk_q8_choose_wide(unsigned char *row, int64_t n) {
    const unsigned char *d = row + n;
    unsigned char *wide = row + vtk_q8_wide_at(n);
    int64_t n_blocks = n / VTK_BLOCK;
    float sum = 0.0f;
    memset(row + vtk_q8_low_at(n), 0, VTK_Q8_ROW_SIZE(n) - vtk_q8_low_at(n));
    for (int64_t b = 0; b < n_blocks; b++) sum += vtk_load_f32(d + 4 * b);
    float limit = n_blocks ? sum * (VTK_WIDE_FROM / (float)n_blocks) : 0.0f;
    if (!(limit - limit == 0.0f)) return;
    if (limit < 0x1p-100f) limit = 0x1p-100f;
    for (int64_t b = 0; b < n_blocks; b++) {
        if (vtk_load_f32(d + 4 * b) > limit) wide[b / 8] = (unsigned char)(wide[b / 8] | 1 << b % 8);
    }
}

#endif
