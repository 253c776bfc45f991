/* Plain loops, one sum in double an output, k in increasing order. Several outputs share one decoded piece of a weight row, which changes
 * no sum. */
#include "cpu/matmul/matmul.h"

#include "cpu/quant/half.h"
#include "cpu/quant/q8_row.h"
#include "cpu/quant/quant.h"

enum { TILE = 16 }; /* activation rows that share a decoded piece */

typedef void (*decode_fn)(float *y, const void *x, int64_t n);

/* bytes: of `piece` weights, which are whole blocks. */
static void by_decoding(const vtk_matmul *p, int64_t row0, int64_t row1, decode_fn decode, int64_t piece, size_t bytes) {
    float w[VTK_K_BLOCK];

    for (int64_t r = row0; r < row1; r++) {
        const unsigned char *row = (const unsigned char *)p->w + (size_t)r * p->w_stride;
        for (int64_t i0 = 0; i0 < p->m; i0 += TILE) {
            int64_t rows = p->m - i0 < TILE ? p->m - i0 : TILE;
            double sum[TILE] = {0};
            for (int64_t k = 0; k < p->k; k += piece) {
                int64_t n = p->k - k < piece ? p->k - k : piece;
                decode(w, row + (size_t)(k / piece) * bytes, n);
                for (int64_t i = 0; i < rows; i++) {
                    const float *x = (const float *)(const void *)((const unsigned char *)p->x + (size_t)(i0 + i) * p->x_stride) + k;
                    for (int64_t j = 0; j < n; j++) sum[i] += (double)w[j] * (double)x[j];
                }
            }
            for (int64_t i = 0; i < rows; i++) p->out[(i0 + i) * p->ld_out + r] = (float)sum[i];
        }
    }
}

void vtk_matmul_f32_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_f32_ref, VTK_BLOCK, 4 * VTK_BLOCK);
}

void vtk_matmul_f16_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_f16_ref, VTK_BLOCK, 2 * VTK_BLOCK);
}

void vtk_matmul_bf16_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_bf16_ref, VTK_BLOCK, 2 * VTK_BLOCK);
}

void vtk_matmul_q8_0_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q8_0_ref, VTK_BLOCK, VTK_Q8_0_SIZE);
}

void vtk_matmul_q4_0_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q4_0_ref, VTK_BLOCK, VTK_Q4_0_SIZE);
}

void vtk_matmul_q4_1_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q4_1_ref, VTK_BLOCK, VTK_Q4_1_SIZE);
}

void vtk_matmul_q5_0_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q5_0_ref, VTK_BLOCK, VTK_Q5_0_SIZE);
}

void vtk_matmul_q5_1_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q5_1_ref, VTK_BLOCK, VTK_Q5_1_SIZE);
}

void vtk_matmul_q2_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q2_k_ref, VTK_K_BLOCK, VTK_Q2_K_SIZE);
}

void vtk_matmul_q3_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q3_k_ref, VTK_K_BLOCK, VTK_Q3_K_SIZE);
}

void vtk_matmul_q4_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q4_k_ref, VTK_K_BLOCK, VTK_Q4_K_SIZE);
}

void vtk_matmul_q5_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q5_k_ref, VTK_K_BLOCK, VTK_Q5_K_SIZE);
}

void vtk_matmul_q6_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q6_k_ref, VTK_K_BLOCK, VTK_Q6_K_SIZE);
}

void vtk_matmul_q8_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1) {
    by_decoding(p, row0, row1, vtk_decode_q8_k_ref, VTK_K_BLOCK, VTK_Q8_K_SIZE);
}

/* One block of weights as small integers: value = d * q + m. */
typedef struct block {
    int q[VTK_BLOCK];
    double d, m;
} block;

typedef void (*unpack_fn)(block *out, const unsigned char *p);

static void unpack_q8_0(block *out, const unsigned char *p) {
    out->d = (double)vtk_half_to_float(vtk_load_u16(p));
    out->m = 0.0;
    for (int i = 0; i < VTK_BLOCK; i++) out->q[i] = (int8_t)p[2 + i];
}

static void unpack_q4_0(block *out, const unsigned char *p) {
    out->d = (double)vtk_half_to_float(vtk_load_u16(p));
    out->m = 0.0;
    for (int i = 0; i < VTK_BLOCK; i++) out->q[i] = (i < 16 ? p[2 + i] & 15 : p[2 + i - 16] >> 4) - 8;
}

static void unpack_q4_1(block *out, const unsigned char *p) {
    out->d = (double)vtk_half_to_float(vtk_load_u16(p));
    out->m = (double)vtk_half_to_float(vtk_load_u16(p + 2));
    for (int i = 0; i < VTK_BLOCK; i++) out->q[i] = i < 16 ? p[4 + i] & 15 : p[4 + i - 16] >> 4;
}

static double block_dot(const block *w, const unsigned char *x, int64_t k, int64_t b) {
    const unsigned char *d = x + k + 4 * b, *sum = d + k / VTK_BLOCK * 4;
    int32_t dot = 0;
    for (int i = 0; i < VTK_BLOCK; i++) dot += w->q[i] * vtk_q8_integer(x, k, b * VTK_BLOCK + i);
    return (double)vtk_load_f32(d) * (w->d * dot + w->m * (double)vtk_load_f32(sum));
}

static void by_integers(const vtk_matmul *p, int64_t row0, int64_t row1, unpack_fn unpack, size_t bytes) {
    block w;

    for (int64_t r = row0; r < row1; r++) {
        const unsigned char *row = (const unsigned char *)p->w + (size_t)r * p->w_stride;
        for (int64_t i0 = 0; i0 < p->m; i0 += TILE) {
            int64_t rows = p->m - i0 < TILE ? p->m - i0 : TILE;
            double sum[TILE] = {0};
            for (int64_t b = 0; b < p->k / VTK_BLOCK; b++) {
                unpack(&w, row + (size_t)b * bytes);
                for (int64_t i = 0; i < rows; i++)
                    sum[i] += block_dot(&w, (const unsigned char *)p->x + (size_t)(i0 + i) * p->x_stride, p->k, b);
            }
            for (int64_t i = 0; i < rows; i++) p->out[(i0 + i) * p->ld_out + r] = (float)sum[i];
        }
    }
}

void vtk_matmul_q8_0_q8_ref(const vtk_matmul *p, int64_t row0, int64_t row1) { by_integers(p, row0, row1, unpack_q8_0, VTK_Q8_0_SIZE); }
void vtk_matmul_q4_0_q8_ref(const vtk_matmul *p, int64_t row0, int64_t row1) { by_integers(p, row0, row1, unpack_q4_0, VTK_Q4_0_SIZE); }
void vtk_matmul_q4_1_q8_ref(const vtk_matmul *p, int64_t row0, int64_t row1) { by_integers(p, row0, row1, unpack_q4_1, VTK_Q4_1_SIZE); }
