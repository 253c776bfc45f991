/* Float products: pieces of four weight rows are decoded into a tile on the stack, once for all activation rows. */
#include "cpu/matmul/dot_avx512.h"
#include "cpu/matmul/matmul.h"
#include "cpu/quant/quant.h"

enum { ROWS = 4, ACTS = 4, PIECE = 1024 };

typedef void (*decode_fn)(float *y, const void *x, int64_t n);

VTK_INLINE void dots(__m128 *v, const unsigned char *const w[ROWS], const float *const *x, int64_t n, size_t ahead, int n_acts, int kind) {
    switch (n_acts) {
    case 1: dot_4_rows(v, w, x, n, ahead, 1, kind); break;
    case 2: dot_4_rows(v, w, x, n, ahead, 2, kind); break;
    case 3: dot_4_rows(v, w, x, n, ahead, 3, kind); break;
    default: dot_4_rows(v, w, x, n, ahead, ACTS, kind); break;
    }
}

/* Columns k0..k0+n-1 of ROWS rows from w; out gets n_rows of them, added to what is there after the first piece. kind: what w holds; ahead:
 * bytes to where more of it is wanted soon. */
static void multiply(const vtk_matmul *p, const unsigned char *const w[ROWS], int64_t row, int64_t n_rows, int64_t k0, int64_t n, size_t ahead,
                     int kind) {
    __mmask8 keep = (__mmask8)first_lanes(n_rows);
    const float *x[ACTS];
    __m128 v[ACTS];

    for (int64_t i = 0; i < p->m; i += ACTS) {
        int n_acts = p->m - i < ACTS ? (int)(p->m - i) : ACTS;
        for (int a = 0; a < n_acts; a++) x[a] = (const float *)(const void *)((const unsigned char *)p->x + (size_t)(i + a) * p->x_stride) + k0;
        if (kind == VTK_F32) dots(v, w, x, n, ahead, n_acts, VTK_F32);
        else if (kind == VTK_F16) dots(v, w, x, n, ahead, n_acts, VTK_F16);
        else dots(v, w, x, n, ahead, n_acts, VTK_BF16);
        for (int a = 0; a < n_acts; a++) {
            float *out = p->out + (i + a) * p->ld_out + row;
            if (k0 > 0) v[a] = _mm_add_ps(_mm_maskz_loadu_ps(keep, out), v[a]);
            _mm_mask_storeu_ps(out, keep, v[a]);
        }
    }
}

#include "cpu/matmul/float_rows.h" /* walks rows and pieces with the multiply of this file */

enum { BLOCKS = PIECE / VTK_BLOCK, SUPERBLOCKS = PIECE / VTK_K_BLOCK };

void vtk_matmul_f32_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) { float_rows(p, row0, row1, NULL, 4 * PIECE, VTK_F32); }

void vtk_matmul_f16_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_f16_avx512, 2 * PIECE, VTK_F16);
}

void vtk_matmul_bf16_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_bf16_avx512, 2 * PIECE, VTK_BF16);
}

void vtk_matmul_q8_0_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q8_0_avx512, BLOCKS * VTK_Q8_0_SIZE, VTK_F32);
}

void vtk_matmul_q4_0_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q4_0_avx512, BLOCKS * VTK_Q4_0_SIZE, VTK_F32);
}

void vtk_matmul_q4_1_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q4_1_avx512, BLOCKS * VTK_Q4_1_SIZE, VTK_F32);
}

void vtk_matmul_q5_0_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q5_0_avx512, BLOCKS * VTK_Q5_0_SIZE, VTK_F32);
}

void vtk_matmul_q5_1_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q5_1_avx512, BLOCKS * VTK_Q5_1_SIZE, VTK_F32);
}

void vtk_matmul_q2_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q2_k_avx512, SUPERBLOCKS * VTK_Q2_K_SIZE, VTK_F32);
}

void vtk_matmul_q3_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q3_k_avx512, SUPERBLOCKS * VTK_Q3_K_SIZE, VTK_F32);
}

void vtk_matmul_q4_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q4_k_avx512, SUPERBLOCKS * VTK_Q4_K_SIZE, VTK_F32);
}

void vtk_matmul_q5_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q5_k_avx512, SUPERBLOCKS * VTK_Q5_K_SIZE, VTK_F32);
}

void vtk_matmul_q6_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q6_k_avx512, SUPERBLOCKS * VTK_Q6_K_SIZE, VTK_F32);
}

void vtk_matmul_q8_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) {
    float_rows(p, row0, row1, vtk_decode_q8_k_avx512, SUPERBLOCKS * VTK_Q8_K_SIZE, VTK_F32);
}
