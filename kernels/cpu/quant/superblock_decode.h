/* Decoders of superblocks and of Q5_0 and Q5_1 on 32 codes at a time, for AVX2 and for AVX-512: the file that includes this has put_16, which
 * turns 16 codes into floats, and writes VTK_SUPERBLOCK_DECODERS(isa). The order of operations is that of superblock.h, so that all bodies agree
 * bit for bit. */
#ifndef VENTURI_KERNELS_SUPERBLOCK_DECODE_H
#define VENTURI_KERNELS_SUPERBLOCK_DECODE_H

#include "cpu/quant/half.h"
#include "cpu/quant/quant.h"
#include "cpu/quant/superblock.h"
#include "vtk.h"

VTK_INLINE __m256i load_32(const unsigned char *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
VTK_INLINE float half_at(const unsigned char *p) { return _cvtsh_ss(vtk_load_u16(p)); }

/* Bits at..at+n-1 of each byte, n ones in `mask`. */
VTK_INLINE __m256i bits_at(__m256i bytes, int at, int8_t mask) { return _mm256_and_si256(_mm256_srli_epi16(bytes, at), _mm256_set1_epi8(mask)); }

/* `value` in the bytes whose bit `at` is set. */
VTK_INLINE __m256i where_bit(__m256i bytes, int at, int8_t value) {
    const __m256i bit = _mm256_set1_epi8((int8_t)(1u << at));
    return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit), _mm256_set1_epi8(value));
}

/* y = a * code - b, with a and b for each half. */
VTK_INLINE void put_lines(float *y, __m256i codes, float a0, float b0, float a1, float b1) {
    put_16(y, _mm256_castsi256_si128(codes), a0, b0, 1);
    put_16(y + 16, _mm256_extracti128_si256(codes, 1), a1, b1, 1);
}

/* y = a * code. */
VTK_INLINE void put_scaled(float *y, __m256i codes, float a0, float a1) {
    put_16(y, _mm256_castsi256_si128(codes), a0, 0.0f, 0);
    put_16(y + 16, _mm256_extracti128_si256(codes, 1), a1, 0.0f, 0);
}

VTK_INLINE void decode_q2_k(float *y, const unsigned char *p) {
    float d = half_at(p + VTK_Q2_K_D), dmin = half_at(p + VTK_Q2_K_DMIN);
    const unsigned char *s = p + VTK_Q2_K_SCALES;
    for (int h = 0; h < 2; h++) {
        __m256i qs = load_32(p + VTK_Q2_K_QS + 32 * h);
        for (int k = 0; k < 4; k++, s += 2, y += 32)
            put_lines(y, bits_at(qs, 2 * k, 3), d * (float)(s[0] & 15), dmin * (float)(s[0] >> 4), d * (float)(s[1] & 15), dmin * (float)(s[1] >> 4));
    }
}

VTK_INLINE void decode_q3_k(float *y, const unsigned char *p) {
    float d = half_at(p + VTK_Q3_K_D);
    __m256i high = load_32(p + VTK_Q3_K_HMASK);
    for (int h = 0, j = 0; h < 2; h++) {
        __m256i qs = load_32(p + VTK_Q3_K_QS + 32 * h);
        for (int k = 0; k < 4; k++, j += 2, y += 32) {
            __m256i codes = _mm256_or_si256(bits_at(qs, 2 * k, 3), where_bit(high, 4 * h + k, 4));
            put_scaled(y, _mm256_sub_epi8(codes, _mm256_set1_epi8(4)), d * (float)vtk_q3_k_scale(p + VTK_Q3_K_SCALES, j),
                       d * (float)vtk_q3_k_scale(p + VTK_Q3_K_SCALES, j + 1));
        }
    }
}

/* Q4_K, or with the fifth bits Q5_K. */
VTK_INLINE void decode_lines(float *y, const unsigned char *p, const unsigned char *qs, int has_fifth) {
    float d = half_at(p + VTK_Q4_K_D), dmin = half_at(p + VTK_Q4_K_DMIN);
    __m256i fifth = has_fifth ? load_32(p + VTK_Q5_K_QH) : _mm256_setzero_si256();
    for (int j = 0; j < 8; j++, y += 32) {
        unsigned scale, min;
        vtk_q4_k_scale(p + VTK_Q4_K_SCALES, j, &scale, &min);
        float a = d * (float)scale, b = dmin * (float)min;
        __m256i codes = bits_at(load_32(qs + 32 * (j / 2)), 4 * (j % 2), 15);
        if (has_fifth) codes = _mm256_or_si256(codes, where_bit(fifth, j, 16));
        put_lines(y, codes, a, b, a, b);
    }
}

VTK_INLINE void decode_q4_k(float *y, const unsigned char *p) { decode_lines(y, p, p + VTK_Q4_K_QS, 0); }
VTK_INLINE void decode_q5_k(float *y, const unsigned char *p) { decode_lines(y, p, p + VTK_Q5_K_QS, 1); }

VTK_INLINE void decode_q6_k(float *y, const unsigned char *p) {
    float d = half_at(p + VTK_Q6_K_D);
    const unsigned char *s = p + VTK_Q6_K_SCALES;
    for (int h = 0; h < 2; h++) {
        __m256i qh = load_32(p + VTK_Q6_K_QH + 32 * h);
        for (int k = 0; k < 4; k++, s += 2, y += 32) {
            __m256i low = bits_at(load_32(p + VTK_Q6_K_QL + 64 * h + 32 * (k % 2)), 4 * (k / 2), 15);
            __m256i codes = _mm256_or_si256(low, _mm256_slli_epi16(bits_at(qh, 2 * k, 3), 4));
            put_scaled(y, _mm256_sub_epi8(codes, _mm256_set1_epi8(32)), d * (float)(int8_t)s[0], d * (float)(int8_t)s[1]);
        }
    }
}

VTK_INLINE void decode_q8_k(float *y, const unsigned char *p) {
    float d = vtk_load_f32(p + VTK_Q8_K_D);
    for (int i = 0; i < VTK_K_BLOCK; i += 32) put_scaled(y + i, load_32(p + VTK_Q8_K_QS + i), d, d);
}

/* Nibbles of 16 bytes in the order of their elements, with bit i of a word as the fifth of element i. */
VTK_INLINE __m256i five_bits(const unsigned char *nibbles, const unsigned char *word) {
    const __m256i byte_of = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)nibbles);
    __m256i low = bits_at(_mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes), 0, 15);
    __m256i spread = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int32_t)vtk_load_u32(word)), byte_of), bit);
    return _mm256_or_si256(low, _mm256_and_si256(_mm256_cmpeq_epi8(spread, bit), _mm256_set1_epi8(16)));
}

VTK_INLINE void decode_q5_0(float *y, const unsigned char *p) {
    float d = half_at(p);
    put_scaled(y, _mm256_sub_epi8(five_bits(p + 6, p + 2), _mm256_set1_epi8(16)), d, d);
}

/* Plus m is minus -m, to the bit. */
VTK_INLINE void decode_q5_1(float *y, const unsigned char *p) {
    float d = half_at(p), m = -half_at(p + 2);
    put_lines(y, five_bits(p + 8, p + 4), d, m, d, m);
}

#define VTK_DECODER(isa, type, elems, size)                                                               \
    void vtk_decode_##type##_##isa(float *y, const void *x, int64_t n) {                                  \
        const unsigned char *p = x;                                                                       \
        for (int64_t b = 0; b < n / (elems); b++, p += (size), y += (elems)) decode_##type(y, p);         \
    }

#define VTK_SUPERBLOCK_DECODERS(isa)                       \
    VTK_DECODER(isa, q5_0, VTK_BLOCK, VTK_Q5_0_SIZE)       \
    VTK_DECODER(isa, q5_1, VTK_BLOCK, VTK_Q5_1_SIZE)       \
    VTK_DECODER(isa, q2_k, VTK_K_BLOCK, VTK_Q2_K_SIZE)     \
    VTK_DECODER(isa, q3_k, VTK_K_BLOCK, VTK_Q3_K_SIZE)     \
    VTK_DECODER(isa, q4_k, VTK_K_BLOCK, VTK_Q4_K_SIZE)     \
    VTK_DECODER(isa, q5_k, VTK_K_BLOCK, VTK_Q5_K_SIZE)     \
    VTK_DECODER(isa, q6_k, VTK_K_BLOCK, VTK_Q6_K_SIZE)     \
    VTK_DECODER(isa, q8_k, VTK_K_BLOCK, VTK_Q8_K_SIZE)

#endif
