/* Packed weights of 16 rows on their way into products: a block's scales, and its planes as words of unsigned bytes. See packed.h, and
 * packed_avx512.h, which includes this. */
#ifndef VENTURI_KERNELS_PACKED_WEIGHTS_AVX512_H
#define VENTURI_KERNELS_PACKED_WEIGHTS_AVX512_H

#include "cpu/matmul/packed.h"
#include "cpu/quant/q8_row.h"
#include "cpu/vector_avx512.h"

#ifdef __AVX512VNNI__
enum { PLANES = 1 };
#else
enum { PLANES = 2 }; /* sums of products of two bytes fit 16 bits for nibbles only: Q8_0 is two planes of them */
#endif
enum { LANES = VTK_PANEL_ROWS };

/* Of one block of a panel. m is taken with the sum of activations, or with c[2], c[3] and the sums of halves. */
typedef struct scales {
    __m512 d, m, c[4];
} scales;

VTK_INLINE int n_factors(int type) { return type == VTK_Q2_K ? 4 : packed_is_halved(type) ? 2 : 0; } /* used of c */

VTK_INLINE __m512i load_plane(const unsigned char *p, int vector) { return _mm512_loadu_si512(p + PACKED_VECTOR * vector); }
VTK_INLINE __m512 halves_at(const unsigned char *p) { return load_16_halves(p); }
VTK_INLINE __m512 bytes_at(const unsigned char *p) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p))); }
VTK_INLINE __m512 signed_bytes_at(const unsigned char *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

/* Scale of Q2_K: the low nibble, and the minimum in the high one. */
VTK_INLINE void nibbles_at(const unsigned char *p, __m512 *low, __m512 *high) {
    __m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    *low = _mm512_cvtepi32_ps(_mm512_and_si512(v, _mm512_set1_epi32(15)));
    *high = _mm512_cvtepi32_ps(_mm512_srli_epi32(v, 4));
}

VTK_INLINE void load_scales(scales *s, const unsigned char *unit, int64_t b, int type) {
    const unsigned char *at = unit + packed_scales_at(type) + 32 * b;

    s->d = halves_at(unit);
    if (packed_has_min(type)) s->m = halves_at(unit + 32);
    if (type == VTK_Q2_K) {
        s->m = _mm512_sub_ps(_mm512_setzero_ps(), s->m);
        nibbles_at(at, &s->c[0], &s->c[2]);
        nibbles_at(at + 16, &s->c[1], &s->c[3]);
    } else if (packed_is_halved(type)) {
        s->c[0] = signed_bytes_at(at);
        s->c[1] = signed_bytes_at(at + 16);
    } else if (packed_is_super(type)) {
        s->d = _mm512_mul_ps(s->d, bytes_at(at));
        s->m = _mm512_mul_ps(s->m, _mm512_sub_ps(_mm512_setzero_ps(), bytes_at(at + 16)));
    }
}

/* Words of unsigned weights. Shifts are of 32 bits: the mask takes away what comes over from the neighbouring byte. */
VTK_INLINE __m512i low_bits(const unsigned char *planes, int t, int type) {
    int bits = packed_low_bits(type), n = bits; /* as many vectors as bits */
    if (bits == 8) return load_plane(planes, t);
    return _mm512_and_si512(_mm512_srli_epi32(load_plane(planes, t % n), (unsigned)(t / n * bits)), _mm512_set1_epi8((char)((1 << bits) - 1)));
}

/* The bits at position t * bits of v's bytes, moved to position `to`. */
VTK_INLINE __m512i high_bits(__m512i v, int from, int to, int bits) {
    __m512i moved = from < to ? _mm512_slli_epi32(v, (unsigned)(to - from)) : _mm512_srli_epi32(v, (unsigned)(from - to));
    return _mm512_and_si512(moved, _mm512_set1_epi8((char)(((1 << bits) - 1) << to)));
}

VTK_INLINE void unpack(__m512i w[PACKED_WORDS * PLANES], const unsigned char *planes, int type) {
    int low = packed_low_bits(type), high = packed_high_bits(type);
    const __m512i nibble = _mm512_set1_epi8(15);

    for (int t = 0; t < PACKED_WORDS; t++) {
        w[t] = low_bits(planes, t, type);
        if (high == 1) w[t] = _mm512_or_si512(w[t], high_bits(load_plane(planes, low), t, low, 1));
        if (high == 2) w[t] = _mm512_or_si512(w[t], high_bits(load_plane(planes, low + t % 2), t / 2 * 2, low, 2));
        if (low == 8 && PLANES == 2) {
            w[PACKED_WORDS + t] = _mm512_and_si512(_mm512_srli_epi32(w[t], 4), nibble);
            w[t] = _mm512_and_si512(w[t], nibble);
        }
    }
}

#endif
