/* Weights for integer products: 16 rows' blocks, read and transposed so that a vector lane is a row. See q8_tile_avx512.h. */
#ifndef VENTURI_KERNELS_Q8_PACK_AVX512_H
#define VENTURI_KERNELS_Q8_PACK_AVX512_H

#include <immintrin.h>

#include "cpu/quant/q8_row.h"
#include "cpu/quant/quant.h"
#include "cpu/vector_avx512.h"
#include "vtk.h"

#ifdef __AVX512VNNI__
enum { PLANES = 1 }; /* weights as unsigned bytes: nibbles, or int8 + 128 */
#else
enum { PLANES = 2 }; /* weights as nibbles: sums of eight products of a nibble and an int8 fit 16 bits; an int8 + 128 is two of them */
#endif
enum { LANES = 16, WORDS = 8, CHUNK = 18 };

/* 16 rows by at most CHUNK blocks. Word t of a block: 4 weights of each row. */
typedef struct tile {
    uint8_t q[CHUNK][WORDS * PLANES][64];
    float d[CHUNK][LANES];
    float m[CHUNK][LANES]; /* Q4_1 only */
} tile;

/* Bytes of a block before its quants. */
VTK_INLINE size_t head_size(int type) { return type == VTK_Q4_1 ? 4 : 2; }
VTK_INLINE size_t block_size(int type) { return type == VTK_Q8_0 ? VTK_Q8_0_SIZE : type == VTK_Q4_0 ? VTK_Q4_0_SIZE : VTK_Q4_1_SIZE; }

VTK_INLINE __m128i load_16(const unsigned char *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }

/* 16 bytes of each of 16 rows; out[t] gets word t of every row, in lane order. */
VTK_INLINE void transpose(__m512i out[4], const unsigned char *rows, size_t stride, size_t at) {
    __m512i z[4];
    const unsigned char *p[4];
    for (size_t j = 0; j < 4; j++) p[j] = rows + 4 * j * stride + at;
    for (size_t j = 0; j < 4; j++) { /* lane 4 i + j of the result is row 4 i + j */
        z[j] = _mm512_castsi128_si512(load_16(p[0] + j * stride));
        z[j] = _mm512_inserti32x4(z[j], load_16(p[1] + j * stride), 1);
        z[j] = _mm512_inserti32x4(z[j], load_16(p[2] + j * stride), 2);
        z[j] = _mm512_inserti32x4(z[j], load_16(p[3] + j * stride), 3);
    }
    __m512i a = _mm512_unpacklo_epi32(z[0], z[1]), b = _mm512_unpackhi_epi32(z[0], z[1]);
    __m512i c = _mm512_unpacklo_epi32(z[2], z[3]), d = _mm512_unpackhi_epi32(z[2], z[3]);
    out[0] = _mm512_unpacklo_epi64(a, c);
    out[1] = _mm512_unpackhi_epi64(a, c);
    out[2] = _mm512_unpacklo_epi64(b, d);
    out[3] = _mm512_unpackhi_epi64(b, d);
}

/* Scales go through memory as they are: a scalar copy a row beats any gather. */
VTK_INLINE void copy_scales(uint32_t raw[CHUNK][LANES], const unsigned char *rows, size_t stride, int64_t n_blocks, int type) {
    for (int64_t b = 0; b < n_blocks; b++, rows += block_size(type)) {
        for (size_t i = 0; i < 4; i++) {
            const unsigned char *p = rows + 4 * i * stride;
            for (size_t j = 0; j < 4; j++) memcpy(&raw[b][4 * i + j], p + j * stride, 4); /* d, and m or two quants */
        }
    }
}

VTK_INLINE __m512 scale_of(const uint32_t raw[LANES]) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_load_si512(raw))); }
VTK_INLINE __m512 minimum_of(const uint32_t raw[LANES]) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_load_si512(raw), 16)));
}

/* One block of 16 rows as words of unsigned weights. Q4: low nibbles are the first 16 elements. Q8_0 in nibbles: the second plane counts
 * 16-fold. */
VTK_INLINE void unpack(__m512i w[WORDS * PLANES], const unsigned char *rows, size_t stride, size_t at, int type) {
    const __m512i low = _mm512_set1_epi8(15), offset = _mm512_set1_epi8((char)0x80);
    int second = type == VTK_Q8_0 ? WORDS * (PLANES - 1) : 4;
    __m512i v[4];

    for (int half = 0; half < (type == VTK_Q8_0 ? 2 : 1); half++) {
        transpose(v, rows, stride, at + head_size(type) + 16 * (size_t)half);
        for (int j = 0; j < 4; j++) {
            __m512i u = type == VTK_Q8_0 ? _mm512_xor_si512(v[j], offset) : v[j];
            if (type == VTK_Q8_0 && PLANES == 1) {
                w[4 * half + j] = u;
            } else {
                w[4 * half + j] = _mm512_and_si512(u, low);
                w[second + 4 * half + j] = _mm512_and_si512(_mm512_srli_epi16(u, 4), low);
            }
        }
    }
}

/* Sixteen rows at a time are too many streams for the hardware to foresee: while one lot is worked on, the next is fetched in the order in
 * which it lies in memory. at: the offset in the rows that are worked on. */
VTK_INLINE void fetch(const unsigned char *next, size_t at, int type) {
    if (!next) return;
    for (size_t i = 0; i < LANES * block_size(type); i += 64) _mm_prefetch((const char *)next + LANES * at + i, _MM_HINT_T0);
}

VTK_INLINE void pack(tile *t, const unsigned char *rows, size_t stride, int64_t n_blocks, const unsigned char *next, int type) {
    _Alignas(64) uint32_t raw[CHUNK][LANES];

    copy_scales(raw, rows, stride, n_blocks, type);
    for (int64_t b = 0; b < n_blocks; b++) {
        __m512i w[WORDS * PLANES];
        size_t at = (size_t)b * block_size(type);
        fetch(next, at, type);
        unpack(w, rows, stride, at, type);
        for (int j = 0; j < WORDS * (type == VTK_Q8_0 ? PLANES : 1); j++) _mm512_store_si512(t->q[b][j], w[j]);
        _mm512_store_ps(t->d[b], scale_of(raw[b]));
        if (type == VTK_Q4_1) _mm512_store_ps(t->m[b], minimum_of(raw[b]));
    }
}

/* Room for a chunk of rows that have to be repeated. */
typedef struct row_copy {
    unsigned char bytes[LANES][CHUNK * VTK_Q8_0_SIZE];
} row_copy;

/* A chunk of 16 rows; lanes without a row repeat the last. Which lanes count goes to keep. */
VTK_INLINE const unsigned char *find_rows(const vtk_matmul *p, int64_t row, int64_t row1, int64_t b0, int64_t n_blocks, row_copy *copy, size_t *stride,
                                          __mmask16 *keep, int type) {
    size_t at = (size_t)b0 * block_size(type);

    *keep = first_lanes(row1 - row);
    *stride = p->w_stride;
    if (row + LANES <= row1) return (const unsigned char *)p->w + (size_t)row * p->w_stride + at;
    for (int64_t j = 0; j < LANES; j++) {
        int64_t r = row + j < row1 ? row + j : row1 - 1;
        memcpy(copy->bytes[j], (const unsigned char *)p->w + (size_t)r * p->w_stride + at, (size_t)n_blocks * block_size(type));
    }
    *stride = sizeof copy->bytes[0];
    return copy->bytes[0];
}

/* Where to fetch ahead from while rows before `row` are worked on, at block b0. */
VTK_INLINE const unsigned char *find_next(const vtk_matmul *p, int64_t row, int64_t row1, int64_t b0, int type) {
    return row < row1 ? (const unsigned char *)p->w + (size_t)row * p->w_stride + LANES * (size_t)b0 * block_size(type) : NULL;
}

#endif
