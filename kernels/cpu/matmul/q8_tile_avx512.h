/* Integer products for 16 weight rows at once: a vector lane is a weight row. The rows' blocks are transposed into a tile on the stack, once
 * for all activation rows, so that prompts pay for unpacking once and the inner loop needs no sums across lanes. One activation row goes the
 * same way: even then the transposition costs less than the memory it waits for.
 *
 * An element's arithmetic: the block's dot product in integers, exact; then float32 per block, blocks in increasing order. It depends on
 * nothing else, and every instruction set does the same, so they all agree bit for bit.
 *
 * Included by matmul_q8_avx512.c and matmul_q8_avx512vnni.c, which are compiled with different flags: everything is static. */
#ifndef VENTURI_KERNELS_Q8_TILE_AVX512_H
#define VENTURI_KERNELS_Q8_TILE_AVX512_H

#include <immintrin.h>

#include "cpu/quant/half.h"
#include "cpu/quant/quant.h"
#include "cpu/vector_avx512.h"
#include "vtk.h"

#ifdef __AVX512VNNI__
enum { PLANES = 1 }; /* weights as unsigned bytes: nibbles, or int8 + 128 */
#else
enum { PLANES = 2 }; /* weights as nibbles: sums of eight products of a nibble and an int8 fit 16 bits; an int8 + 128 is two of them */
#endif
enum { LANES = 16, WORDS = 8, CHUNK = 18, GROUPS = 2, ACTS = 4 };

/* 16 rows by at most CHUNK blocks. Word t of a block: 4 weights of each row. */
typedef struct tile {
    uint8_t q[CHUNK][WORDS * PLANES][64];
    float d[CHUNK][LANES];
    float m[CHUNK][LANES]; /* Q4_1 only */
} tile;

/* Where one activation row's share of a chunk lies. */
typedef struct act {
    const unsigned char *q, *d, *sum;
    float *out;
} act;

/* Bytes of a block before its quants. */
VTK_INLINE size_t head_size(int type) { return type == VTK_Q4_1 ? 4 : 2; }
VTK_INLINE size_t block_size(int type) { return type == VTK_Q8_0 ? VTK_Q8_0_SIZE : type == VTK_Q4_0 ? VTK_Q4_0_SIZE : VTK_Q4_1_SIZE; }

/* 16 bytes of each of 16 rows; out[t] gets word t of every row, in lane order. */
VTK_INLINE void transpose(__m512i out[4], const unsigned char *const rows[LANES], size_t at) {
    __m512i z[4];
    for (int j = 0; j < 4; j++) {
        z[j] = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)(rows[j] + at)));
        z[j] = _mm512_inserti32x4(z[j], _mm_loadu_si128((const __m128i *)(const void *)(rows[j + 4] + at)), 1);
        z[j] = _mm512_inserti32x4(z[j], _mm_loadu_si128((const __m128i *)(const void *)(rows[j + 8] + at)), 2);
        z[j] = _mm512_inserti32x4(z[j], _mm_loadu_si128((const __m128i *)(const void *)(rows[j + 12] + at)), 3);
    }
    __m512i a = _mm512_unpacklo_epi32(z[0], z[1]), b = _mm512_unpackhi_epi32(z[0], z[1]);
    __m512i c = _mm512_unpacklo_epi32(z[2], z[3]), d = _mm512_unpackhi_epi32(z[2], z[3]);
    out[0] = _mm512_unpacklo_epi64(a, c);
    out[1] = _mm512_unpackhi_epi64(a, c);
    out[2] = _mm512_unpacklo_epi64(b, d);
    out[3] = _mm512_unpackhi_epi64(b, d);
}

/* Scales go through memory as they are: a scalar copy a row beats any gather. */
VTK_INLINE void pack_scales(tile *t, const unsigned char *const rows[LANES], int64_t n_blocks, int type) {
    uint32_t raw[CHUNK][LANES];

    for (int r = 0; r < LANES; r++) {
        const unsigned char *p = rows[r];
        for (int64_t b = 0; b < n_blocks; b++, p += block_size(type)) memcpy(&raw[b][r], p, 4); /* d, and m or two quants */
    }
    for (int64_t b = 0; b < n_blocks; b++) {
        __m512i dm = _mm512_loadu_si512(raw[b]);
        _mm512_store_ps(t->d[b], _mm512_cvtph_ps(_mm512_cvtepi32_epi16(dm)));
        if (type == VTK_Q4_1) _mm512_store_ps(t->m[b], _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(dm, 16))));
    }
}

VTK_INLINE void pack(tile *t, const unsigned char *const rows[LANES], int64_t n_blocks, int type) {
    const __m512i low = _mm512_set1_epi8(15);
    __m512i v[4];

    pack_scales(t, rows, n_blocks, type);
    for (int64_t b = 0; b < n_blocks; b++) {
        size_t at = (size_t)b * block_size(type) + head_size(type);
        for (int half = 0; half < (type == VTK_Q8_0 ? 2 : 1); half++) {
            transpose(v, rows, at + 16 * (size_t)half);
            for (int j = 0; j < 4; j++) {
                if (type == VTK_Q8_0) v[j] = _mm512_xor_si512(v[j], _mm512_set1_epi8((char)0x80));
                if (type == VTK_Q8_0 && PLANES == 1) {
                    _mm512_store_si512(t->q[b][4 * half + j], v[j]);
                } else { /* Q4: low nibbles are the first 16 elements; Q8_0: the second plane counts 16-fold */
                    int second = type == VTK_Q8_0 ? WORDS * (PLANES - 1) : 4;
                    _mm512_store_si512(t->q[b][4 * half + j], _mm512_and_si512(v[j], low));
                    _mm512_store_si512(t->q[b][second + 4 * half + j], _mm512_and_si512(_mm512_srli_epi16(v[j], 4), low));
                }
            }
        }
    }
}

VTK_INLINE __m512i broadcast(const unsigned char *p) {
    int32_t v;
    memcpy(&v, p, 4);
    return _mm512_set1_epi32(v);
}

/* dot[g][a] = block b of the weights of group g times block b of activation row a, in integers. */
VTK_INLINE void dots(__m512i dot[GROUPS][ACTS], const tile *t, const act *x, int64_t b, int n_groups, int n_acts, int type) {
#ifdef __AVX512VNNI__
    (void)type;
    for (int g = 0; g < n_groups; g++) {
        for (int a = 0; a < n_acts; a++) dot[g][a] = _mm512_setzero_si512();
    }
    for (int j = 0; j < WORDS; j++) {
        __m512i w[GROUPS];
        for (int g = 0; g < n_groups; g++) w[g] = _mm512_load_si512(t[g].q[b][j]);
        for (int a = 0; a < n_acts; a++) {
            __m512i xa = broadcast(x[a].q + b * VTK_BLOCK + 4 * j);
            for (int g = 0; g < n_groups; g++) dot[g][a] = _mm512_dpbusd_epi32(dot[g][a], w[g], xa);
        }
    }
#else
    for (int plane = 0; plane < (type == VTK_Q8_0 ? 2 : 1); plane++) {
        __m512i part[GROUPS][ACTS];
        for (int j = 0; j < WORDS; j++) {
            __m512i w[GROUPS];
            for (int g = 0; g < n_groups; g++) w[g] = _mm512_load_si512(t[g].q[b][WORDS * plane + j]);
            for (int a = 0; a < n_acts; a++) {
                __m512i xa = broadcast(x[a].q + b * VTK_BLOCK + 4 * j);
                for (int g = 0; g < n_groups; g++) {
                    __m512i two = _mm512_maddubs_epi16(w[g], xa);
                    part[g][a] = j ? _mm512_add_epi16(part[g][a], two) : two;
                }
            }
        }
        for (int g = 0; g < n_groups; g++) {
            for (int a = 0; a < n_acts; a++) {
                __m512i sum = _mm512_madd_epi16(part[g][a], _mm512_set1_epi16(plane ? 16 : 1));
                dot[g][a] = plane ? _mm512_add_epi32(dot[g][a], sum) : sum;
            }
        }
    }
#endif
}

/* One chunk of 16 * n_groups weight rows times n_acts activation rows; the first chunk starts the sums, the others go on with them. */
VTK_INLINE void multiply(const tile *t, const act *x, int64_t n_blocks, const __mmask16 *keep, int go_on, int n_groups, int n_acts, int type) {
    __m512 sum[GROUPS][ACTS];

    for (int g = 0; g < n_groups; g++) {
        for (int a = 0; a < n_acts; a++) sum[g][a] = go_on ? _mm512_maskz_loadu_ps(keep[g], x[a].out + LANES * g) : _mm512_setzero_ps();
    }
    for (int64_t b = 0; b < n_blocks; b++) {
        __m512i dot[GROUPS][ACTS];
        dots(dot, t, x, b, n_groups, n_acts, type);
        for (int a = 0; a < n_acts; a++) {
            __m512 dx = _mm512_set1_ps(vtk_load_f32(x[a].d + 4 * b)), sx = _mm512_set1_ps(vtk_load_f32(x[a].sum + 4 * b));
            for (int g = 0; g < n_groups; g++) {
                __m512 v = _mm512_cvtepi32_ps(dot[g][a]), dw = _mm512_load_ps(t[g].d[b]);
                /* the offset of unsigned weights comes off exactly: all of these are integers below 2^24 */
                if (type == VTK_Q8_0) v = _mm512_fmadd_ps(sx, _mm512_set1_ps(-128.0f), v);
                if (type == VTK_Q4_0) v = _mm512_fmadd_ps(sx, _mm512_set1_ps(-8.0f), v);
                v = _mm512_mul_ps(v, dw);
                if (type == VTK_Q4_1) v = _mm512_fmadd_ps(_mm512_load_ps(t[g].m[b]), sx, v);
                sum[g][a] = _mm512_fmadd_ps(v, dx, sum[g][a]);
            }
        }
    }
    for (int g = 0; g < n_groups; g++) {
        for (int a = 0; a < n_acts; a++) _mm512_mask_storeu_ps(x[a].out + LANES * g, keep[g], sum[g][a]);
    }
}

VTK_INLINE void multiply_all(const tile *t, const vtk_matmul *p, int64_t row, int64_t b0, int64_t n_blocks, const __mmask16 *keep, int n_groups,
                                int type) {
    act x[ACTS];
    int go_on = b0 > 0;

    for (int64_t i = 0; i < p->m; i += ACTS) {
        int64_t n = p->m - i < ACTS ? p->m - i : ACTS;
        for (int64_t a = 0; a < n; a++) {
            x[a].q = (const unsigned char *)p->x + (size_t)(i + a) * p->x_stride + b0 * VTK_BLOCK;
            x[a].d = (const unsigned char *)p->x + (size_t)(i + a) * p->x_stride + p->k + 4 * b0;
            x[a].sum = x[a].d + p->k / VTK_BLOCK * 4;
            x[a].out = p->out + (i + a) * p->ld_out + row;
        }
        if (n == 4) multiply(t, x, n_blocks, keep, go_on, n_groups, 4, type);
        else if (n == 3) multiply(t, x, n_blocks, keep, go_on, n_groups, 3, type);
        else if (n == 2) multiply(t, x, n_blocks, keep, go_on, n_groups, 2, type);
        else multiply(t, x, n_blocks, keep, go_on, n_groups, 1, type);
    }
}

VTK_INLINE void q8_rows(const vtk_matmul *p, int64_t row0, int64_t row1, int type) {
    _Alignas(64) tile t[GROUPS];
    const unsigned char *rows[LANES];
    __mmask16 keep[GROUPS];
    int64_t n_blocks = p->k / VTK_BLOCK;

    for (int64_t row = row0; row < row1; row += GROUPS * LANES) {
        int n_groups = row1 - row > LANES ? 2 : 1;
        for (int64_t b0 = 0; b0 == 0 || b0 < n_blocks; b0 += CHUNK) {
            int64_t n = n_blocks - b0 < CHUNK ? n_blocks - b0 : CHUNK;
            for (int g = 0; g < n_groups; g++) {
                int64_t first = row + g * LANES, left = row1 - first;
                keep[g] = first_lanes(left);
                for (int64_t j = 0; j < LANES; j++) { /* lanes without a row repeat the last */
                    int64_t r = j < left ? first + j : row1 - 1;
                    rows[j] = (const unsigned char *)p->w + (size_t)r * p->w_stride + (size_t)b0 * block_size(type);
                }
                pack(&t[g], rows, n, type);
            }
            if (n_groups == 2) multiply_all(t, p, row, b0, n, keep, 2, type);
            else multiply_all(t, p, row, b0, n, keep, 1, type);
        }
    }
}

#endif
