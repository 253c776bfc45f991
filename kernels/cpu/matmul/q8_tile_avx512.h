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

#include "cpu/matmul/q8_pack_avx512.h"

/* ACTS activation rows by GROUPS * LANES weight rows share the registers. */
#ifdef __AVX512VNNI__
#define ACTS 6
#else
#define ACTS 4
#endif
enum { GROUPS = 2 };

/* Where one activation row's share of a chunk lies. */
typedef struct act {
    const unsigned char *q, *d, *sum;
    uint32_t wide; /* which of the chunk's blocks are */
    float *out;
} act;

VTK_INLINE __m512i broadcast(const unsigned char *p) {
    int32_t v;
    memcpy(&v, p, 4);
    return _mm512_set1_epi32(v);
}

/* The compiler would turn a chain of sums into a tree, whose many live values do not fit the registers. */
VTK_INLINE __m512i in_order(__m512i v) {
#ifndef __clang__ /* which keeps the chain anyway, but spills at every such barrier */
    __asm__("" : "+v"(v));
#endif
    return v;
}

/* dot[g][a] (+= if go_on) the weights w[g] of a block times the bytes that lie `at` bytes from where activation row a begins, in integers. */
VTK_INLINE void add_plane(__m512i dot[GROUPS][ACTS], const __m512i *const w[GROUPS], const act *x, int64_t at, int go_on, int n_groups, int n_acts,
                          int type) {
#ifdef __AVX512VNNI__
    (void)type;
    for (int g = 0; g < n_groups && !go_on; g++) {
        for (int a = 0; a < n_acts; a++) dot[g][a] = _mm512_setzero_si512();
    }
    for (int j = 0; j < WORDS; j++) {
        for (int a = 0; a < n_acts; a++) {
            __m512i xa = broadcast(x[a].q + at + 4 * j);
            for (int g = 0; g < n_groups; g++) dot[g][a] = _mm512_dpbusd_epi32(dot[g][a], w[g][j], xa);
        }
    }
#else
    int planes = type == VTK_Q8_0 ? 2 : 1;
    __m512i part[2][GROUPS][ACTS];

    for (int j = 0; j < WORDS; j++) {
        for (int a = 0; a < n_acts; a++) {
            __m512i xa = broadcast(x[a].q + at + 4 * j);
            for (int g = 0; g < n_groups; g++) {
                for (int i = 0; i < planes; i++) {
                    __m512i two = _mm512_maddubs_epi16(w[g][WORDS * i + j], xa);
                    part[i][g][a] = in_order(j ? _mm512_add_epi16(part[i][g][a], two) : two);
                }
            }
        }
    }
    for (int g = 0; g < n_groups; g++) {
        for (int a = 0; a < n_acts; a++) {
            __m512i sum = _mm512_madd_epi16(part[0][g][a], _mm512_set1_epi16(1));
            if (planes == 2) sum = _mm512_add_epi32(sum, _mm512_madd_epi16(part[1][g][a], _mm512_set1_epi16(16)));
            dot[g][a] = go_on ? _mm512_add_epi32(dot[g][a], sum) : sum;
        }
    }
#endif
}

/* The same of block b. A row that is not wide has low bytes of 0. */
VTK_INLINE void dots(__m512i dot[GROUPS][ACTS], const __m512i *const w[GROUPS], const act *x, int64_t low, int64_t b, int n_groups, int n_acts, int type) {
    uint32_t any = 0;
    for (int a = 0; a < n_acts; a++) any |= x[a].wide >> b & 1u;
    add_plane(dot, w, x, b * VTK_BLOCK, 0, n_groups, n_acts, type);
    if (!any) return;
    for (int a = 0; a < n_acts; a++) {
        __m128i shift = _mm_cvtsi32_si128((int)(x[a].wide >> b & 1u) * 8);
        for (int g = 0; g < n_groups; g++) dot[g][a] = _mm512_sll_epi32(dot[g][a], shift);
    }
    add_plane(dot, w, x, low + b * VTK_BLOCK, 1, n_groups, n_acts, type);
}

/* sum + the block's share of the product, for weights of scale d (and minimum m) and activations of scale dx and plain sum sx. */
VTK_INLINE __m512 add_block(__m512 sum, __m512i dot, __m512 d, __m512 m, __m512 dx, __m512 sx, int type) {
    __m512 v = _mm512_cvtepi32_ps(dot);
    if (type == VTK_Q8_0) v = _mm512_fmadd_ps(sx, _mm512_set1_ps(-128.0f), v);
    if (type == VTK_Q4_0) v = _mm512_fmadd_ps(sx, _mm512_set1_ps(-8.0f), v);
    v = _mm512_mul_ps(v, d);
    if (type == VTK_Q4_1) v = _mm512_fmadd_ps(m, sx, v);
    return _mm512_fmadd_ps(v, dx, sum);
}

VTK_INLINE __m512 spread(const unsigned char *p) { return _mm512_set1_ps(vtk_load_f32(p)); }

/* One chunk of 16 * n_groups weight rows times n_acts activation rows; the first chunk starts the sums, the others go on with them. */
VTK_INLINE void multiply(const tile *t, const act *x, int64_t low, int64_t n_blocks, const __mmask16 *keep, int go_on, int n_groups, int n_acts, int type) {
    __m512 sum[GROUPS][ACTS];

    for (int g = 0; g < n_groups; g++) {
        for (int a = 0; a < n_acts; a++) sum[g][a] = go_on ? _mm512_maskz_loadu_ps(keep[g], x[a].out + LANES * g) : _mm512_setzero_ps();
    }
    for (int64_t b = 0; b < n_blocks; b++) {
        __m512i dot[GROUPS][ACTS];
        const __m512i *w[GROUPS];
        for (int g = 0; g < n_groups; g++) w[g] = (const __m512i *)(const void *)t[g].q[b];
        dots(dot, w, x, low, b, n_groups, n_acts, type);
        for (int a = 0; a < n_acts; a++) {
            __m512 dx = spread(x[a].d + 4 * b), sx = spread(x[a].sum + 4 * b);
            for (int g = 0; g < n_groups; g++)
                sum[g][a] = add_block(sum[g][a], dot[g][a], _mm512_load_ps(t[g].d[b]), _mm512_load_ps(t[g].m[b]), dx, sx, type);
        }
    }
    for (int g = 0; g < n_groups; g++) {
        for (int a = 0; a < n_acts; a++) _mm512_mask_storeu_ps(x[a].out + LANES * g, keep[g], sum[g][a]);
    }
}

/* 16 rows for up to four activation rows: the weights go from the transposition straight into the products, without a tile. */
VTK_INLINE void multiply_few(const unsigned char *rows, size_t stride, const act *x, int64_t low, int64_t n_blocks, __mmask16 keep, int go_on,
                             const unsigned char *next, int n_acts, int type) {
    _Alignas(64) uint32_t raw[CHUNK][LANES];
    __m512 sum[ACTS];

    copy_scales(raw, rows, stride, n_blocks, type);
    for (int a = 0; a < n_acts; a++) sum[a] = go_on ? _mm512_maskz_loadu_ps(keep, x[a].out) : _mm512_setzero_ps();
    for (int64_t b = 0; b < n_blocks; b++) {
        __m512i dot[GROUPS][ACTS], w[WORDS * PLANES];
        size_t at = (size_t)b * block_size(type);
        const __m512i *const only[GROUPS] = {w};
        fetch(next, at, type);
        unpack(w, rows, stride, at, type);
        dots(dot, only, x, low, b, 1, n_acts, type);
        for (int a = 0; a < n_acts; a++) {
            __m512 dx = spread(x[a].d + 4 * b), sx = spread(x[a].sum + 4 * b);
            sum[a] = add_block(sum[a], dot[0][a], scale_of(raw[b]), minimum_of(raw[b]), dx, sx, type);
        }
    }
    for (int a = 0; a < n_acts; a++) _mm512_mask_storeu_ps(x[a].out, keep, sum[a]);
}

VTK_INLINE void find_acts(act *x, const vtk_matmul *p, int64_t i, int64_t n_acts, int64_t row, int64_t b0) {
    for (int64_t a = 0; a < n_acts; a++) {
        x[a].q = (const unsigned char *)p->x + (size_t)(i + a) * p->x_stride + b0 * VTK_BLOCK;
        x[a].d = (const unsigned char *)p->x + (size_t)(i + a) * p->x_stride + p->k + 4 * b0;
        x[a].sum = x[a].d + p->k / VTK_BLOCK * 4;
        x[a].wide = vtk_q8_wide_blocks((const unsigned char *)p->x + (size_t)(i + a) * p->x_stride + vtk_q8_wide_at(p->k), b0);
        x[a].out = p->out + (i + a) * p->ld_out + row;
    }
}

VTK_INLINE void few_acts(const vtk_matmul *p, int64_t row0, int64_t row1, int n_acts, int type) {
    const unsigned char *rows;
    size_t stride;
    row_copy copy;
    __mmask16 keep;
    int64_t n_blocks = p->k / VTK_BLOCK;
    act x[ACTS];

    for (int64_t row = row0; row < row1; row += LANES) {
        for (int64_t b0 = 0; b0 == 0 || b0 < n_blocks; b0 += CHUNK) {
            int64_t n = n_blocks - b0 < CHUNK ? n_blocks - b0 : CHUNK;
            rows = find_rows(p, row, row1, b0, n, &copy, &stride, &keep, type);
            find_acts(x, p, 0, n_acts, row, b0);
            multiply_few(rows, stride, x, (int64_t)vtk_q8_low_at(p->k), n, keep, b0 > 0, find_next(p, row + LANES, row1, b0, type), n_acts, type);
        }
    }
}

VTK_INLINE void multiply_all(const tile *t, const vtk_matmul *p, int64_t row, int64_t b0, int64_t n_blocks, const __mmask16 *keep, int n_groups,
                             int type) {
    act x[ACTS];
    int go_on = b0 > 0;
    int64_t low = (int64_t)vtk_q8_low_at(p->k);

    for (int64_t i = 0; i < p->m; i += ACTS) {
        int64_t n = p->m - i < ACTS ? p->m - i : ACTS;
        find_acts(x, p, i, n, row, b0);
        switch (n) {
        case 1: multiply(t, x, low, n_blocks, keep, go_on, n_groups, 1, type); break;
        case 2: multiply(t, x, low, n_blocks, keep, go_on, n_groups, 2, type); break;
        case 3: multiply(t, x, low, n_blocks, keep, go_on, n_groups, 3, type); break;
#if ACTS > 4
        case 4: multiply(t, x, low, n_blocks, keep, go_on, n_groups, 4, type); break;
        case 5: multiply(t, x, low, n_blocks, keep, go_on, n_groups, 5, type); break;
#endif
        default: multiply(t, x, low, n_blocks, keep, go_on, n_groups, ACTS, type); break;
        }
    }
}

VTK_INLINE void many_acts(const vtk_matmul *p, int64_t row0, int64_t row1, int type) {
    _Alignas(64) tile t[GROUPS];
    const unsigned char *rows;
    size_t stride;
    row_copy copy;
    __mmask16 keep[GROUPS];
    int64_t n_blocks = p->k / VTK_BLOCK;

    for (int64_t row = row0; row < row1; row += GROUPS * LANES) {
        int n_groups = row1 - row > LANES ? GROUPS : 1;
        for (int64_t b0 = 0; b0 == 0 || b0 < n_blocks; b0 += CHUNK) {
            int64_t n = n_blocks - b0 < CHUNK ? n_blocks - b0 : CHUNK;
            for (int g = 0; g < n_groups; g++) {
                rows = find_rows(p, row + g * LANES, row1, b0, n, &copy, &stride, &keep[g], type);
                pack(&t[g], rows, stride, n, find_next(p, row + (g + GROUPS) * LANES, row1, b0, type), type);
            }
            if (n_groups == GROUPS) multiply_all(t, p, row, b0, n, keep, GROUPS, type);
            else multiply_all(t, p, row, b0, n, keep, 1, type);
        }
    }
}

VTK_INLINE void q8_rows(const vtk_matmul *p, int64_t row0, int64_t row1, int type) {
    switch (p->m) {
    case 1: few_acts(p, row0, row1, 1, type); break;
    case 2: few_acts(p, row0, row1, 2, type); break;
    case 3: few_acts(p, row0, row1, 3, type); break;
    case 4: few_acts(p, row0, row1, 4, type); break;
    default: many_acts(p, row0, row1, type); break;
    }
}

#endif
