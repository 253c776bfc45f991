/* Walk of the float products over rows and pieces of k, the same for every instruction set: each includes it behind its own ROWS, PIECE,
 * decode_fn and multiply(p, w, row, n_rows, k0, n, ahead, kind), which takes ROWS rows of a kind. Static, so that no code is shared between the sets. */
#ifndef VENTURI_MATMUL_FLOAT_ROWS_H
#define VENTURI_MATMUL_FLOAT_ROWS_H

/* bytes: of a whole piece; decode NULL: the weights are floats already. Few activation rows take halves and bfloats (their kind; blocks have
 * VTK_F32) as they are: the same numbers, and one pass over the memory that everything waits for. */
static void float_rows(const vtk_matmul *p, int64_t row0, int64_t row1, decode_fn decode, size_t bytes, int kind) {
    int plain = !decode || (kind != VTK_F32 && p->m <= ACTS);
    float tile[ROWS][PIECE];
    const unsigned char *w[ROWS];

    for (int64_t row = row0; row < row1; row += ROWS) {
        int64_t n_rows = row1 - row < ROWS ? row1 - row : ROWS;
        for (int64_t k0 = 0; k0 == 0 || k0 < p->k; k0 += PIECE) {
            int64_t n = p->k - k0 < PIECE ? p->k - k0 : PIECE;
            for (int64_t r = 0; r < ROWS; r++) {
                int64_t at = r < n_rows ? row + r : row1 - 1; /* rows that are not there repeat the last */
                w[r] = (const unsigned char *)p->w + (size_t)at * p->w_stride + (size_t)(k0 / PIECE) * bytes;
                if (plain) continue;
                if (r < n_rows) decode(tile[r], w[r], n);
                w[r] = (const unsigned char *)(const void *)tile[r < n_rows ? r : n_rows - 1];
            }
            size_t ahead = plain && p->m <= ACTS && row + 2 * ROWS <= row1 ? ROWS * p->w_stride : 0;
            multiply(p, w, row, n_rows, k0, n, ahead, plain ? kind : VTK_F32);
        }
    }
}

#endif
