/* One block of packed weights times one of activations, for a few panels and rows that share registers: packed.h has the arithmetic. packed_avx512.h
 * includes this. */
#ifndef VENTURI_KERNELS_PACKED_BLOCK_AVX512_H
#define VENTURI_KERNELS_PACKED_BLOCK_AVX512_H

#include <string.h>

#include "cpu/matmul/packed_weights_avx512.h"

/* Activation rows that share registers: FEW with one panel straight from memory, ACTS with GROUPS panels of a tile. Types with two scales a
 * block need twice the sums. */
#ifdef __AVX512VNNI__
enum { FEW = 8, ACTS = 6 };
#else
enum { FEW = 4, ACTS = 4 };
#endif
enum { GROUPS = 2 };

VTK_INLINE int few(int type) { return packed_is_halved(type) && FEW > 4 ? 4 : FEW; }
VTK_INLINE int acts(int type) { return packed_is_halved(type) && ACTS > 4 ? 4 : ACTS; }

/* Where an activation row's share begins. */
typedef struct act {
    const unsigned char *q, *d, *sum, *half, *wide;
    uint32_t bits; /* which of the blocks at hand are wide */
    float *out;
} act;

VTK_INLINE __m512i broadcast(const unsigned char *p) {
    int32_t v;
    memcpy(&v, p, 4);
    return _mm512_set1_epi32(v);
}

VTK_INLINE __m512 spread(const unsigned char *p) { return _mm512_set1_ps(vtk_load_f32(p)); }

#ifdef __AVX512VNNI__
/* dot[g][a] (+= if go_on) words j0..j0+n-1 of the weights w[g] of a block times those that lie `at` bytes from where activation row a begins. */
VTK_INLINE void add_words(__m512i dot[GROUPS][FEW], const __m512i *const w[GROUPS], const act *x, int64_t at, int go_on, int j0, int n, int n_groups,
                          int n_acts, int type) {
    (void)type;
    for (int g = 0; g < n_groups && !go_on; g++) {
        for (int a = 0; a < n_acts; a++) dot[g][a] = _mm512_setzero_si512();
    }
    for (int j = j0; j < j0 + n; j++) {
        for (int a = 0; a < n_acts; a++) {
            __m512i xa = broadcast(x[a].q + at + 4 * j);
            for (int g = 0; g < n_groups; g++) dot[g][a] = _mm512_dpbusd_epi32(dot[g][a], w[g][j], xa);
        }
    }
}
#else
/* The compiler would turn a chain of sums into a tree, whose many live values do not fit the registers. */
VTK_INLINE __m512i in_order(__m512i v) {
#ifndef __clang__ /* which keeps the chain anyway, but spills at every such barrier */
    __asm__("" : "+v"(v));
#endif
    return v;
}

/* How many words' products, of two bytes each, can be summed up in 16 bits. */
VTK_INLINE int run_length(int type) {
    int bits = packed_low_bits(type) + packed_high_bits(type);
    return bits == 6 ? 2 : bits == 5 ? 4 : 8;
}

VTK_INLINE void add_words(__m512i dot[GROUPS][FEW], const __m512i *const w[GROUPS], const act *x, int64_t at, int go_on, int j0, int n, int n_groups,
                          int n_acts, int type) {
    int planes = type == VTK_Q8_0 ? 2 : 1, run = run_length(type) < n ? run_length(type) : n;
    for (int from = j0; from < j0 + n; from += run) {
        __m512i part[2][GROUPS][FEW];
        for (int j = from; j < from + run; j++) {
            for (int a = 0; a < n_acts; a++) {
                __m512i xa = broadcast(x[a].q + at + 4 * j);
                for (int g = 0; g < n_groups; g++) {
                    for (int i = 0; i < planes; i++) {
                        __m512i two = _mm512_maddubs_epi16(w[g][PACKED_WORDS * i + j], xa);
                        part[i][g][a] = in_order(j > from ? _mm512_add_epi16(part[i][g][a], two) : two);
                    }
                }
            }
        }
        for (int g = 0; g < n_groups; g++) {
            for (int a = 0; a < n_acts; a++) {
                __m512i sum = _mm512_madd_epi16(part[0][g][a], _mm512_set1_epi16(1));
                if (planes == 2) sum = _mm512_add_epi32(sum, _mm512_madd_epi16(part[1][g][a], _mm512_set1_epi16(16)));
                dot[g][a] = from == j0 && !go_on ? sum : _mm512_add_epi32(dot[g][a], sum);
            }
        }
    }
}
#endif

/* What the products need to know of a block of activations: its number, its bit in act.bits, whether one of the rows is wide there, and where the
 * low bytes lie. */
typedef struct place {
    int64_t b, low;
    int bit, any_wide;
} place;

/* dot[g][a] = words j0..j0+n-1 of the weights w[g] of a block times those of block b of activation row a. A row that is not wide has low bytes of 0. */
VTK_INLINE void dots(__m512i dot[GROUPS][FEW], const __m512i *const w[GROUPS], const act *x, const place *at, int j0, int n, int n_groups, int n_acts,
                     int type) {
    add_words(dot, w, x, at->b * VTK_BLOCK, 0, j0, n, n_groups, n_acts, type);
    if (!at->any_wide) return;
    for (int a = 0; a < n_acts; a++) {
        __m128i shift = _mm_cvtsi32_si128((int)(x[a].bits >> at->bit & 1u) * 8);
        for (int g = 0; g < n_groups; g++) dot[g][a] = _mm512_sll_epi32(dot[g][a], shift);
    }
    add_words(dot, w, x, at->low + at->b * VTK_BLOCK, 1, j0, n, n_groups, n_acts, type);
}

/* sum + block b's share of the product, of types with one scale a block. */
VTK_INLINE __m512 add_block(__m512 sum, __m512i dot, const scales *w, const act *x, int64_t b, int type) {
    __m512 s = spread(x->sum + 4 * b), v = _mm512_cvtepi32_ps(dot);

    if (packed_offset(type)) v = _mm512_fmadd_ps(s, _mm512_set1_ps(-(float)packed_offset(type)), v);
    v = _mm512_mul_ps(v, w->d);
    if (packed_has_min(type)) v = _mm512_fmadd_ps(w->m, s, v);
    return _mm512_fmadd_ps(v, spread(x->d + 4 * b), sum);
}

/* Of types with two: what the first half gives, and the sum with the second. */
VTK_INLINE __m512 first_half(__m512i dot, const scales *w, const act *x, int64_t b, int type) {
    __m512 v = _mm512_cvtepi32_ps(dot);
    if (packed_offset(type)) v = _mm512_fmadd_ps(spread(x->half + 4 * b), _mm512_set1_ps(-(float)packed_offset(type)), v);
    return _mm512_mul_ps(v, w->c[0]);
}

VTK_INLINE __m512 add_halves(__m512 sum, __m512 first, __m512i dot, const scales *w, const act *x, int64_t b, int type) {
    __m512 h = spread(x->half + 4 * b), rest = _mm512_sub_ps(spread(x->sum + 4 * b), h), v = _mm512_cvtepi32_ps(dot);

    if (packed_offset(type)) v = _mm512_fmadd_ps(rest, _mm512_set1_ps(-(float)packed_offset(type)), v);
    v = _mm512_mul_ps(_mm512_fmadd_ps(v, w->c[1], first), w->d);
    if (packed_has_min(type)) v = _mm512_fmadd_ps(w->m, _mm512_fmadd_ps(h, w->c[2], _mm512_mul_ps(rest, w->c[3])), v);
    return _mm512_fmadd_ps(v, spread(x->d + 4 * b), sum);
}

/* One block of n_groups panels by n_acts activation rows. Halves come one after the other: together they would not fit the registers. */
VTK_INLINE void multiply_block(__m512 sum[GROUPS][FEW], const __m512i *const w[GROUPS], const scales s[GROUPS], const act *x, const place *at, int n_groups,
                               int n_acts, int type) {
    int64_t b = at->b;
    __m512i dot[GROUPS][FEW];
    __m512 first[GROUPS][FEW];

    if (!packed_is_halved(type)) {
        dots(dot, w, x, at, 0, PACKED_WORDS, n_groups, n_acts, type);
        for (int a = 0; a < n_acts; a++) {
            for (int g = 0; g < n_groups; g++) sum[g][a] = add_block(sum[g][a], dot[g][a], &s[g], &x[a], b, type);
        }
        return;
    }
    dots(dot, w, x, at, 0, PACKED_WORDS / 2, n_groups, n_acts, type);
    for (int a = 0; a < n_acts; a++) {
        for (int g = 0; g < n_groups; g++) first[g][a] = first_half(dot[g][a], &s[g], &x[a], b, type);
    }
    dots(dot, w, x, at, PACKED_WORDS / 2, PACKED_WORDS / 2, n_groups, n_acts, type);
    for (int a = 0; a < n_acts; a++) {
        for (int g = 0; g < n_groups; g++) sum[g][a] = add_halves(sum[g][a], first[g][a], dot[g][a], &s[g], &x[a], b, type);
    }
}

/* The bits of blocks b.. of all rows into bits, and those that one of them has. */
VTK_INLINE uint32_t find_wide(act *x, int64_t b, int n_acts) {
    uint32_t any = 0;
    for (int a = 0; a < n_acts; a++) any |= x[a].bits = vtk_q8_wide_blocks(x[a].wide, b);
    return any;
}

#endif
