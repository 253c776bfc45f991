/* Integer products with packed weights, 16 rows at a time: a vector lane is a row of weights. packed.h has the layout and the arithmetic. Few
 * activation rows take the weights from memory into registers, once for all of them. For many, 32 rows of weights by a chunk of columns are
 * unpacked into a tile on the stack, so that prompts pay for it once.
 *
 * Included by packed_avx512.c and packed_avx512vnni.c, which are compiled with different flags: everything is static. */
#ifndef VENTURI_KERNELS_PACKED_AVX512_H
#define VENTURI_KERNELS_PACKED_AVX512_H

#include "cpu/matmul/packed_block_avx512.h"

enum { CHUNK = 18, AHEAD = 1024, TOGETHER = 16 /* blocks of a panel whose bits are looked up together */ };

VTK_INLINE int64_t chunk(int type) { return packed_is_super(type) ? CHUNK / 8 * 8 : CHUNK; } /* whole units */

/* A panel by at most CHUNK blocks. */
typedef struct tile {
    uint8_t q[CHUNK][PACKED_WORDS * PLANES][PACKED_VECTOR];
    float s[CHUNK][6][LANES];
} tile;

/* To be read soon, by the same thread. */
VTK_INLINE void fetch(const unsigned char *p, size_t size) {
    for (size_t i = 0; i < size; i += 64) _mm_prefetch((const char *)p + i, _MM_HINT_T0);
}

/* ---- few activation rows ---- */

VTK_INLINE void multiply_panel(const unsigned char *panel, act *x, int64_t n_blocks, __mmask16 keep, int n_acts, int type) {
    int64_t of_unit = packed_blocks(type), low = (int64_t)vtk_q8_low_at(n_blocks * VTK_BLOCK);
    uint32_t any = 0;
    __m512 sum[GROUPS][FEW];

    for (int a = 0; a < n_acts; a++) sum[0][a] = _mm512_setzero_ps();
    for (int64_t b0 = 0; b0 < n_blocks; b0 += of_unit, panel += packed_unit_size(type)) {
        if (b0 % TOGETHER == 0) any = find_wide(x, b0, n_acts);
        for (int64_t b = 0; b < of_unit; b++) {
            const int bit = (int)((b0 + b) % TOGETHER);
            const place at = {b0 + b, low, bit, (int)(any >> bit & 1u)};
            const unsigned char *planes = panel + packed_head_size(type) + (size_t)b * packed_block_size(type);
            __m512i w[PACKED_WORDS * PLANES];
            const __m512i *const only[GROUPS] = {w};
            scales s[GROUPS];
            /* the hardware loses a stream now and then whose blocks are no whole lines */
            if (packed_unit_size(type) % 64) fetch(planes + AHEAD, packed_block_size(type));
            load_scales(&s[0], panel, b, type);
            unpack(w, planes, type);
            multiply_block(sum, only, s, x, &at, 1, n_acts, type);
        }
    }
    for (int a = 0; a < n_acts; a++) _mm512_mask_storeu_ps(x[a].out, keep, sum[0][a]);
}

/* Activation rows i.., n_acts of them, from block b0 on. Those beyond the last repeat it: the same sums, stored twice. */
VTK_INLINE void find_acts(act *x, const vtk_matmul *p, int64_t i, int64_t n_acts, int64_t row, int64_t b0) {
    int64_t n_blocks = p->k / VTK_BLOCK;
    for (int64_t a = 0; a < n_acts; a++) {
        int64_t at = i + a < p->m ? i + a : p->m - 1;
        const unsigned char *base = (const unsigned char *)p->x + (size_t)at * p->x_stride;
        x[a].q = base + b0 * VTK_BLOCK;
        x[a].d = base + p->k + 4 * b0;
        x[a].sum = x[a].d + 4 * n_blocks;
        x[a].half = x[a].d + 8 * n_blocks;
        x[a].wide = base + vtk_q8_wide_at(p->k);
        x[a].bits = 0;
        x[a].out = p->out + at * p->ld_out + row;
    }
}

/* One panel and all activation rows; while there are more than `few` of them, the panel comes from the cache again. */
VTK_INLINE void one_panel(const vtk_matmul *p, int64_t row, int64_t row1, int type) {
    const unsigned char *panel = (const unsigned char *)p->w + (size_t)(row / LANES) * p->w_stride;
    __mmask16 keep = first_lanes(row1 - row);
    int64_t n_blocks = p->k / VTK_BLOCK;
    act x[FEW];

    for (int64_t i = 0; i < p->m; i += few(type)) {
        int64_t n = p->m - i;
        find_acts(x, p, i, few(type), row, 0);
        if (n == 1) multiply_panel(panel, x, n_blocks, keep, 1, type);
        else if (n == 2) multiply_panel(panel, x, n_blocks, keep, 2, type);
        else if (n <= 4 && few(type) > 4) multiply_panel(panel, x, n_blocks, keep, 4, type);
        else if (n <= 6 && few(type) > 6) multiply_panel(panel, x, n_blocks, keep, 6, type);
        else multiply_panel(panel, x, n_blocks, keep, few(type), type);
    }
}

/* ---- many ---- */

VTK_INLINE void fill_tile(tile *t, const unsigned char *panel, int64_t n_blocks, int type) {
    int64_t of_unit = packed_blocks(type);
    for (int64_t b = 0; b < n_blocks; b++) {
        const unsigned char *unit = panel + (size_t)(b / of_unit) * packed_unit_size(type);
        __m512i w[PACKED_WORDS * PLANES];
        scales s;
        load_scales(&s, unit, b % of_unit, type);
        unpack(w, unit + packed_head_size(type) + (size_t)(b % of_unit) * packed_block_size(type), type);
        for (int j = 0; j < PACKED_WORDS * (type == VTK_Q8_0 ? PLANES : 1); j++) _mm512_store_si512(t->q[b][j], w[j]);
        _mm512_store_ps(t->s[b][0], s.d);
        if (packed_has_min(type)) _mm512_store_ps(t->s[b][1], s.m);
        for (int i = 0; i < n_factors(type); i++) _mm512_store_ps(t->s[b][2 + i], s.c[i]);
    }
}

VTK_INLINE void tile_scales(scales *s, const tile *t, int64_t b, int type) {
    s->d = _mm512_load_ps(t->s[b][0]);
    if (packed_has_min(type)) s->m = _mm512_load_ps(t->s[b][1]);
    for (int i = 0; i < n_factors(type); i++) s->c[i] = _mm512_load_ps(t->s[b][2 + i]);
}

/* The first chunk of columns starts the sums, the others go on with them. next: what the tile is to be filled with then, if it is not under way. */
VTK_INLINE void multiply_tile(const tile *t, const act *x, int64_t low, uint32_t any, int64_t n_blocks, __mmask16 last, int go_on, const unsigned char *const next[GROUPS],
                              int n_acts, int type) {
    size_t share = packed_unit_size(type) / (size_t)packed_blocks(type);
    const __mmask16 keep[GROUPS] = {0xffff, last};
    __m512 sum[GROUPS][FEW];

    for (int g = 0; g < GROUPS; g++) {
        for (int a = 0; a < n_acts; a++) sum[g][a] = go_on ? _mm512_maskz_loadu_ps(keep[g], x[a].out + LANES * g) : _mm512_setzero_ps();
    }
    for (int64_t b = 0; b < n_blocks; b++) {
        const __m512i *const w[GROUPS] = {(const __m512i *)(const void *)t[0].q[b], (const __m512i *)(const void *)t[1].q[b]};
        scales s[GROUPS];
        for (int g = 0; g < GROUPS; g++) {
            if (next[g]) fetch(next[g] + (size_t)b * share, share);
            tile_scales(&s[g], &t[g], b, type);
        }
        multiply_block(sum, w, s, x, &(place){b, low, (int)b, (int)(any >> b & 1u)}, GROUPS, n_acts, type);
    }
    for (int g = 0; g < GROUPS; g++) {
        for (int a = 0; a < n_acts; a++) _mm512_mask_storeu_ps(x[a].out + LANES * g, keep[g], sum[g][a]);
    }
}

/* Where the tile after this one comes from: the same panels' next columns, or the next panels; NULL: it is another thread's. */
VTK_INLINE void find_next(const unsigned char *next[GROUPS], const vtk_matmul *p, int64_t row, int64_t row1, int64_t b0, int type) {
    int64_t b1 = b0 + chunk(type) < p->k / VTK_BLOCK ? b0 + chunk(type) : 0;
    for (int g = 0; g < GROUPS; g++) {
        int64_t r = row + (b1 > 0 ? g : GROUPS + g) * LANES;
        const unsigned char *panel = (const unsigned char *)p->w + (size_t)(r / LANES) * p->w_stride;
        next[g] = r < row1 ? panel + (size_t)(b1 / packed_blocks(type)) * packed_unit_size(type) : NULL;
    }
}

VTK_INLINE void two_panels(const vtk_matmul *p, int64_t row, int64_t row1, int type) {
    _Alignas(64) tile t[GROUPS];
    __mmask16 last = first_lanes(row1 - row - LANES);
    const unsigned char *panel = (const unsigned char *)p->w + (size_t)(row / LANES) * p->w_stride, *next[GROUPS];
    int64_t n_blocks = p->k / VTK_BLOCK, low = (int64_t)vtk_q8_low_at(p->k);
    act x[ACTS];

    for (int64_t b0 = 0; b0 < n_blocks; b0 += chunk(type)) {
        int64_t n = n_blocks - b0 < chunk(type) ? n_blocks - b0 : chunk(type);
        size_t at = (size_t)(b0 / packed_blocks(type)) * packed_unit_size(type);
        for (int g = 0; g < GROUPS; g++) fill_tile(&t[g], panel + (size_t)g * p->w_stride + at, n, type);
        find_next(next, p, row, row1, b0, type);
        for (int64_t i = 0; i < p->m; i += acts(type)) {
            find_acts(x, p, i, acts(type), row, b0);
            uint32_t any = find_wide(x, b0, acts(type));
            if (p->m - i <= 2) multiply_tile(t, x, low, any, n, last, b0 > 0, next, 2, type);
            else if (p->m - i <= 4 && acts(type) > 4) multiply_tile(t, x, low, any, n, last, b0 > 0, next, 4, type);
            else multiply_tile(t, x, low, any, n, last, b0 > 0, next, acts(type), type);
            for (int g = 0; g < GROUPS; g++) next[g] = NULL;
        }
    }
}

VTK_INLINE void packed_rows(const vtk_matmul *p, int64_t row0, int64_t row1, int type) {
    int64_t row = row0;
    if (p->m > few(type)) {
        for (; row + LANES < row1; row += GROUPS * LANES) two_panels(p, row, row1, type);
    }
    for (; row < row1; row += LANES) one_panel(p, row, row1, type);
}

#endif
