/* Integer products with packed weights for 8 rows at once, half a panel: packed.h has the layout and the arithmetic, packed_avx512.h the same with
 * 16. Few activation rows take the weights from memory straight into the products; for many, a chunk of columns is unpacked into a tile on the
 * stack.
 *
 * Sums of products of two bytes must fit 16 bits: as many as a type's weights allow (run_length), and Q8_0 is two planes of nibbles. */
#include <string.h>

#include "cpu/matmul/packed.h"
#include "cpu/quant/q8_row.h"
#include "cpu/vector_avx2.h"

enum { LANES = 8, CHUNK = 18, ACTS = 4, HALVES = 2, PLANES = 2, TOGETHER = 16 /* blocks of a panel whose bits are looked up together */ };

/* Of one block of half a panel. m is taken with the sum of activations, or with c[2], c[3] and the sums of halves. */
typedef struct scales {
    __m256 d, m, c[4];
} scales;

/* Half a panel by at most CHUNK blocks. */
typedef struct tile {
    uint8_t q[CHUNK][PACKED_WORDS * PLANES][PACKED_VECTOR / 2];
    float s[CHUNK][6][LANES];
} tile;

/* Where an activation row's share begins. */
typedef struct act {
    const unsigned char *q, *d, *sum, *half, *wide;
    uint32_t bits; /* which of the blocks at hand are wide */
    float *out;
} act;

VTK_INLINE int acts(int type) { return packed_is_halved(type) ? 2 : ACTS; }
VTK_INLINE int64_t chunk(int type) { return packed_is_super(type) ? CHUNK / 8 * 8 : CHUNK; } /* whole units */
VTK_INLINE int n_factors(int type) { return type == VTK_Q2_K ? 4 : packed_is_halved(type) ? 2 : 0; }

/* ---- weights from a panel; `lane` is 0 or 8: which half of it ---- */

VTK_INLINE __m256i load_plane(const unsigned char *p, int vector) { return _mm256_loadu_si256((const __m256i *)(const void *)(p + PACKED_VECTOR * vector)); }
VTK_INLINE __m256 halves_at(const unsigned char *p, int lane) { return load_halves(p + 2 * lane, LANES); }
VTK_INLINE __m128i eight_bytes(const unsigned char *p) { return _mm_loadl_epi64((const __m128i *)(const void *)p); }
VTK_INLINE __m256 bytes_at(const unsigned char *p) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight_bytes(p))); }
VTK_INLINE __m256 signed_bytes_at(const unsigned char *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight_bytes(p))); }

/* Scale of Q2_K: the low nibble, and the minimum in the high one. */
VTK_INLINE void nibbles_at(const unsigned char *p, __m256 *low, __m256 *high) {
    __m256i v = _mm256_cvtepu8_epi32(eight_bytes(p));
    *low = _mm256_cvtepi32_ps(_mm256_and_si256(v, _mm256_set1_epi32(15)));
    *high = _mm256_cvtepi32_ps(_mm256_srli_epi32(v, 4));
}

VTK_INLINE void load_scales(scales *s, const unsigned char *unit, int64_t b, int lane, int type) {
    const unsigned char *at = unit + packed_scales_at(type) + 32 * b + lane;

    s->d = halves_at(unit, lane);
    if (packed_has_min(type)) s->m = halves_at(unit + 32, lane);
    if (type == VTK_Q2_K) {
        s->m = _mm256_sub_ps(_mm256_setzero_ps(), s->m);
        nibbles_at(at, &s->c[0], &s->c[2]);
        nibbles_at(at + 16, &s->c[1], &s->c[3]);
    } else if (packed_is_halved(type)) {
        s->c[0] = signed_bytes_at(at);
        s->c[1] = signed_bytes_at(at + 16);
    } else if (packed_is_super(type)) {
        s->d = _mm256_mul_ps(s->d, bytes_at(at));
        s->m = _mm256_mul_ps(s->m, _mm256_sub_ps(_mm256_setzero_ps(), bytes_at(at + 16)));
    }
}

/* The bits from position `from` of v's bytes on, moved to position `to`. Shifts are of 16 bits: the mask takes away what comes over from the
 * neighbouring byte. */
VTK_INLINE __m256i move_bits(__m256i v, int from, int to, int bits) {
    __m256i moved = from < to ? _mm256_slli_epi16(v, to - from) : _mm256_srli_epi16(v, from - to);
    return _mm256_and_si256(moved, _mm256_set1_epi8((char)(((1 << bits) - 1) << to)));
}

/* Word t of a block as unsigned weights, of Q8_0 the low nibbles and in high the others. */
VTK_INLINE __m256i unpack(const unsigned char *planes, int t, __m256i *high, int type) {
    int low = packed_low_bits(type), n = low; /* as many vectors as bits */
    __m256i w;

    if (low == 8) {
        w = load_plane(planes, t);
        *high = move_bits(w, 4, 0, 4);
        return move_bits(w, 0, 0, 4);
    }
    w = move_bits(load_plane(planes, t % n), t / n * low, 0, low);
    if (packed_high_bits(type) == 1) w = _mm256_or_si256(w, move_bits(load_plane(planes, low), t, low, 1));
    if (packed_high_bits(type) == 2) w = _mm256_or_si256(w, move_bits(load_plane(planes, low + t % 2), t / 2 * 2, low, 2));
    return w;
}

/* ---- one block ---- */

VTK_INLINE __m256i broadcast(const unsigned char *p) {
    int32_t v;
    memcpy(&v, p, 4);
    return _mm256_set1_epi32(v);
}

VTK_INLINE __m256 spread(const unsigned char *p) { return _mm256_set1_ps(vtk_load_f32(p)); }

/* The compiler would turn a chain of sums into a tree, whose many live values do not fit the registers. */
VTK_INLINE __m256i in_order(__m256i v) {
    __asm__("" : "+x"(v));
    return v;
}

/* How many words' products can be summed up in 16 bits. */
VTK_INLINE int run_length(int type) {
    int bits = packed_low_bits(type) + packed_high_bits(type), most = bits == 6 ? 2 : bits == 5 ? 4 : 8;
    return packed_is_halved(type) && most > 4 ? 4 : most;
}

/* dot[h][a] (+= if go_on) a block's weights, or half h of them, times the words that lie `at` bytes from where activation row a begins. The weights
 * come from a tile, or if that is NULL from the panel's planes. */
VTK_INLINE void add_words(__m256i dot[HALVES][ACTS], const unsigned char *planes, const uint8_t (*q)[PACKED_VECTOR / 2], const act *x, int64_t at, int go_on,
                          int n_acts, int type) {
    int run = run_length(type), halves = packed_is_halved(type) ? 2 : 1, two_planes = type == VTK_Q8_0;
    for (int j0 = 0; j0 < PACKED_WORDS; j0 += run) {
        __m256i part[PLANES][ACTS];
        int h = j0 * halves / PACKED_WORDS, begins = j0 % (PACKED_WORDS / halves) == 0;
        for (int j = j0; j < j0 + run; j++) {
            __m256i w[PLANES];
            if (q) {
                w[0] = _mm256_load_si256((const __m256i *)(const void *)q[j]);
                if (two_planes) w[1] = _mm256_load_si256((const __m256i *)(const void *)q[PACKED_WORDS + j]);
            } else {
                w[0] = unpack(planes, j, &w[1], type);
            }
            for (int a = 0; a < n_acts; a++) {
                __m256i xa = broadcast(x[a].q + at + 4 * j);
                for (int i = 0; i < (two_planes ? 2 : 1); i++) {
                    __m256i two = _mm256_maddubs_epi16(w[i], xa);
                    part[i][a] = in_order(j > j0 ? _mm256_add_epi16(part[i][a], two) : two);
                }
            }
        }
        for (int a = 0; a < n_acts; a++) {
            __m256i sum = _mm256_madd_epi16(part[0][a], _mm256_set1_epi16(1));
            if (two_planes) sum = _mm256_add_epi32(sum, _mm256_madd_epi16(part[1][a], _mm256_set1_epi16(16)));
            dot[h][a] = begins && !go_on ? sum : _mm256_add_epi32(dot[h][a], sum);
        }
    }
}

/* What the products need to know of a block of activations: its number, its bit in act.bits, whether one of the rows is wide there, and where the
 * low bytes lie. */
typedef struct place {
    int64_t b, low;
    int bit, any_wide;
} place;

/* The same of block b. A row that is not wide has low bytes of 0. */
VTK_INLINE void dots(__m256i dot[HALVES][ACTS], const unsigned char *planes, const uint8_t (*q)[PACKED_VECTOR / 2], const act *x, const place *at, int n_acts,
                     int type) {
    add_words(dot, planes, q, x, at->b * VTK_BLOCK, 0, n_acts, type);
    if (!at->any_wide) return;
    for (int a = 0; a < n_acts; a++) {
        __m128i shift = _mm_cvtsi32_si128((int)(x[a].bits >> at->bit & 1u) * 8);
        for (int h = 0; h < (packed_is_halved(type) ? 2 : 1); h++) dot[h][a] = _mm256_sll_epi32(dot[h][a], shift);
    }
    add_words(dot, planes, q, x, at->low + at->b * VTK_BLOCK, 1, n_acts, type);
}

/* The bits of blocks b.. of all rows into bits, and those that one of them has. */
VTK_INLINE uint32_t find_wide(act *x, int64_t b, int n_acts) {
    uint32_t any = 0;
    for (int a = 0; a < n_acts; a++) any |= x[a].bits = vtk_q8_wide_blocks(x[a].wide, b);
    return any;
}

/* sum + block b's share of the product. dot1: of the second half of a block with two scales. */
VTK_INLINE __m256 add_block(__m256 sum, __m256i dot0, __m256i dot1, const scales *w, const act *x, int64_t b, int type) {
    const __m256 offset = _mm256_set1_ps(-(float)packed_offset(type));
    __m256 s = spread(x->sum + 4 * b), v = _mm256_cvtepi32_ps(dot0);

    if (packed_is_halved(type)) {
        __m256 h = spread(x->half + 4 * b), rest = _mm256_sub_ps(s, h), v1 = _mm256_cvtepi32_ps(dot1);
        if (packed_offset(type)) {
            v = _mm256_fmadd_ps(h, offset, v);
            v1 = _mm256_fmadd_ps(rest, offset, v1);
        }
        v = _mm256_mul_ps(_mm256_fmadd_ps(v1, w->c[1], _mm256_mul_ps(v, w->c[0])), w->d);
        if (packed_has_min(type)) v = _mm256_fmadd_ps(w->m, _mm256_fmadd_ps(h, w->c[2], _mm256_mul_ps(rest, w->c[3])), v);
    } else {
        if (packed_offset(type)) v = _mm256_fmadd_ps(s, offset, v);
        v = _mm256_mul_ps(v, w->d);
        if (packed_has_min(type)) v = _mm256_fmadd_ps(w->m, s, v);
    }
    return _mm256_fmadd_ps(v, spread(x->d + 4 * b), sum);
}

/* ---- few activation rows ---- */

VTK_INLINE void multiply_panel(const unsigned char *panel, act *x, int64_t n_blocks, int lane, int64_t keep, int n_acts, int type) {
    int64_t of_unit = packed_blocks(type), low = (int64_t)vtk_q8_low_at(n_blocks * VTK_BLOCK);
    uint32_t any = 0;
    __m256 sum[ACTS];

    for (int a = 0; a < n_acts; a++) sum[a] = _mm256_setzero_ps();
    for (int64_t b0 = 0; b0 < n_blocks; b0 += of_unit, panel += packed_unit_size(type)) {
        if (b0 % TOGETHER == 0) any = find_wide(x, b0, n_acts);
        for (int64_t b = 0; b < of_unit; b++) {
            const int bit = (int)((b0 + b) % TOGETHER);
            const place at = {b0 + b, low, bit, (int)(any >> bit & 1u)};
            __m256i dot[HALVES][ACTS];
            scales s;
            load_scales(&s, panel, b, lane, type);
            dots(dot, panel + packed_head_size(type) + (size_t)b * packed_block_size(type) + 4 * lane, NULL, x, &at, n_acts, type);
            for (int a = 0; a < n_acts; a++) sum[a] = add_block(sum[a], dot[0][a], dot[1][a], &s, &x[a], b0 + b, type);
        }
    }
    for (int a = 0; a < n_acts; a++) store_floats(x[a].out, sum[a], keep);
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

/* ---- many ---- */

VTK_INLINE void fill_tile(tile *t, const unsigned char *panel, int64_t n_blocks, int lane, int type) {
    int64_t of_unit = packed_blocks(type);
    for (int64_t b = 0; b < n_blocks; b++) {
        const unsigned char *unit = panel + (size_t)(b / of_unit) * packed_unit_size(type);
        const unsigned char *planes = unit + packed_head_size(type) + (size_t)(b % of_unit) * packed_block_size(type) + 4 * lane;
        scales s;
        load_scales(&s, unit, b % of_unit, lane, type);
        for (int j = 0; j < PACKED_WORDS; j++) {
            __m256i high;
            _mm256_store_si256((__m256i *)(void *)t->q[b][j], unpack(planes, j, &high, type));
            if (type == VTK_Q8_0) _mm256_store_si256((__m256i *)(void *)t->q[b][PACKED_WORDS + j], high);
        }
        _mm256_store_ps(t->s[b][0], s.d);
        if (packed_has_min(type)) _mm256_store_ps(t->s[b][1], s.m);
        for (int i = 0; i < n_factors(type); i++) _mm256_store_ps(t->s[b][2 + i], s.c[i]);
    }
}

/* The first chunk of columns starts the sums, the others go on with them. */
VTK_INLINE void multiply_tile(const tile *t, const act *x, int64_t low, uint32_t any, int64_t n_blocks, int64_t keep, int go_on, int n_acts, int type) {
    __m256 sum[ACTS];

    for (int a = 0; a < n_acts; a++) sum[a] = go_on ? load_floats(x[a].out, keep) : _mm256_setzero_ps();
    for (int64_t b = 0; b < n_blocks; b++) {
        __m256i dot[HALVES][ACTS];
        scales s;
        dots(dot, NULL, t->q[b], x, &(place){b, low, (int)b, (int)(any >> b & 1u)}, n_acts, type);
        s.d = _mm256_load_ps(t->s[b][0]);
        if (packed_has_min(type)) s.m = _mm256_load_ps(t->s[b][1]);
        for (int i = 0; i < n_factors(type); i++) s.c[i] = _mm256_load_ps(t->s[b][2 + i]);
        for (int a = 0; a < n_acts; a++) sum[a] = add_block(sum[a], dot[0][a], dot[1][a], &s, &x[a], b, type);
    }
    for (int a = 0; a < n_acts; a++) store_floats(x[a].out, sum[a], keep);
}

VTK_INLINE void many_acts(const vtk_matmul *p, const unsigned char *panel, int64_t row, int64_t row1, int lane, int type) {
    _Alignas(32) tile t;
    int64_t n_blocks = p->k / VTK_BLOCK, low = (int64_t)vtk_q8_low_at(p->k);
    act x[ACTS];

    for (int64_t b0 = 0; b0 < n_blocks; b0 += chunk(type)) {
        int64_t n = n_blocks - b0 < chunk(type) ? n_blocks - b0 : chunk(type);
        fill_tile(&t, panel + (size_t)(b0 / packed_blocks(type)) * packed_unit_size(type), n, lane, type);
        for (int64_t i = 0; i < p->m; i += acts(type)) {
            find_acts(x, p, i, acts(type), row, b0);
            uint32_t any = find_wide(x, b0, acts(type));
            if (p->m - i == 1) multiply_tile(&t, x, low, any, n, row1 - row, b0 > 0, 1, type);
            else if (p->m - i == 2 && acts(type) > 2) multiply_tile(&t, x, low, any, n, row1 - row, b0 > 0, 2, type);
            else multiply_tile(&t, x, low, any, n, row1 - row, b0 > 0, acts(type), type);
        }
    }
}

VTK_INLINE void packed_rows(const vtk_matmul *p, int64_t row0, int64_t row1, int type) {
    act x[ACTS];
    for (int64_t row = row0; row < row1; row += LANES) {
        const unsigned char *panel = (const unsigned char *)p->w + (size_t)(row / VTK_PANEL_ROWS) * p->w_stride;
        int lane = (int)(row % VTK_PANEL_ROWS);
        if (p->m > 2) {
            many_acts(p, panel, row, row1, lane, type);
        } else {
            find_acts(x, p, 0, 2, row, 0);
            if (p->m == 1) multiply_panel(panel, x, p->k / VTK_BLOCK, lane, row1 - row, 1, type);
            else multiply_panel(panel, x, p->k / VTK_BLOCK, lane, row1 - row, 2, type);
        }
    }
}

VTK_PACKED_DEFINE(avx2, packed_rows)
