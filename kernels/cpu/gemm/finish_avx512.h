/* What is done with the finished sums of a tile of up to 14 rows and 32 columns: residual, activation, maximum, storing. Everything static. */
#ifndef VENTURI_KERNELS_GEMM_FINISH_AVX512_H
#define VENTURI_KERNELS_GEMM_FINISH_AVX512_H

#include "cpu/gemm/gelu_avx512.h"
#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx512.h"

enum { PANEL = VTK_GEMM_PANEL, MAX_ROWS = 14 };

/* One vector of sums: row i, columns c..c+15 of the result. */
VTK_INLINE void finish(const vtk_gemm *p, int64_t i, int64_t c, __mmask16 lanes, __m512 y) {
    float *out = (float *)p->out + i * p->ld_out + c;
    if (p->add) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(lanes, p->add + i * p->ld_out + c));
    if (p->finish == VTK_GEMM_MAX) {
        out = (float *)p->out + c;
        y = _mm512_max_ps(y, _mm512_maskz_loadu_ps(lanes, out));
    }
    if (p->finish == VTK_GEMM_GELU) y = gelu(y);
    if (p->finish == VTK_GEMM_GELU_TANH) y = gelu_tanh(y);
    _mm512_mask_storeu_ps(out, lanes, y);
}

/* A tile's sums, PANEL a row: kept out of the tiles, of which there are many. */
static __attribute__((noinline)) void finish_tile(const vtk_gemm *p, int64_t row0, int rows, int64_t column, const float *sums) {
    for (int64_t c = column; c < column + PANEL && c < p->n; c += 16)
        for (int i = 0; i < rows; i++) finish(p, row0 + i, c, first_lanes(p->n - c), _mm512_load_ps(sums + i * PANEL + (c - column)));
}

/* What is left of n columns in a vector that begins at column c. */
VTK_INLINE __mmask16 lanes_at(int64_t n, int64_t c) { return c < n ? first_lanes(n - c) : 0; }

/* alpha sum + beta out. */
VTK_INLINE void scale(const vtk_gemm *p, float *out, int64_t ld, int rows, __mmask16 low, __mmask16 high, __m512 (*sum)[2]) {
    __m512 alpha = _mm512_set1_ps((float)p->alpha), beta = _mm512_set1_ps((float)p->beta);
    int reads = p->beta != 0;
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, out += ld) {
        __m512 y = _mm512_mul_ps(sum[i][0], alpha), z = _mm512_mul_ps(sum[i][1], alpha);
        if (reads) y = _mm512_fmadd_ps(beta, _mm512_maskz_loadu_ps(low, out), y), z = _mm512_fmadd_ps(beta, _mm512_maskz_loadu_ps(high, out + 16), z);
        _mm512_mask_storeu_ps(out, low, y);
        _mm512_mask_storeu_ps(out + 16, high, z);
    }
}

/* Where the sums of a tile will go: fetched while they are made. */
VTK_INLINE void expect(const vtk_gemm *p, int64_t row0, int64_t column, int rows) {
    const float *out = (const float *)p->out + row0 * p->ld_out + column;
    if (p->finish == VTK_GEMM_MAX) return;
    for (int i = 0; i < rows; i++) {
        _mm_prefetch((const char *)(out + i * p->ld_out), _MM_HINT_ET0);
        _mm_prefetch((const char *)(out + i * p->ld_out + 16), _MM_HINT_ET0);
    }
}

/* sum has the bias in it. */
VTK_INLINE void end(const vtk_gemm *p, int64_t row0, int64_t column, int rows, __m512 (*sum)[2]) {
    float sums[MAX_ROWS * PANEL] __attribute__((aligned(64)));
    int is_plain = p->finish == VTK_GEMM_STORE && !p->add;
    float *out = (float *)p->out + row0 * p->ld_out + column, *to = is_plain ? out : sums;
    int64_t ld = is_plain ? p->ld_out : PANEL;
    __mmask16 low = lanes_at(p->n, column), high = lanes_at(p->n, column + 16);
    if (p->finish == VTK_GEMM_SCALE) {
        scale(p, out, p->ld_out, rows, low, high, sum);
        return;
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        _mm512_mask_storeu_ps(to + i * ld, low, sum[i][0]);
        _mm512_mask_storeu_ps(to + i * ld + 16, high, sum[i][1]);
    }
    if (!is_plain) finish_tile(p, row0, rows, column, sums);
}

#endif
