/* Packing, for all instruction sets, and the products as packed.h defines them, one weight at a time. Packing moves four weights at once in
 * ordinary 32-bit words: the masks below keep each byte to itself. */
#include "cpu/matmul/packed.h"
#include "cpu/matmul/packed_float.h"

#include <math.h>
#include <string.h>

#include "cpu/quant/half.h"
#include "cpu/quant/q8_row.h"
#include "cpu/quant/quant.h"

enum { TILE = 16 }; /* activation rows that share unpacked weights */

size_t vtk_panel_size(int type, int64_t k) {
    switch (type) {
    case VTK_Q8_0: case VTK_Q4_0: case VTK_Q4_1: case VTK_Q5_0: case VTK_Q5_1:
    case VTK_Q2_K: case VTK_Q3_K: case VTK_Q4_K: case VTK_Q5_K: case VTK_Q6_K:
        return (size_t)(k / (VTK_BLOCK * packed_blocks(type))) * packed_unit_size(type);
    case VTK_F16: case VTK_BF16: return k % 2 ? 0 : (size_t)k * PACKED_F16_STEP;
    default: return 0;
    }
}

/* ---- packing: one unit of one row; out points to the unit's first byte, of lane 0 ---- */

static uint32_t load_word(const unsigned char *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static void put_word(unsigned char *plane, int vector, int lane, uint32_t v) { memcpy(plane + PACKED_VECTOR * vector + 4 * lane, &v, 4); }
static void put_half(unsigned char *head, int lane, const unsigned char *p) { memcpy(head + 2 * lane, p, 2); }

/* Vectors of nibbles from the low four bits of 8 words. */
static void put_nibbles(unsigned char *plane, int lane, const uint32_t w[PACKED_WORDS]) {
    for (int t = 0; t < 4; t++) put_word(plane, t, lane, w[t] | w[t + 4] << 4);
}

/* Vectors of pairs of bits from the low two bits. */
static void put_pairs(unsigned char *plane, int lane, const uint32_t w[PACKED_WORDS]) {
    for (int u = 0; u < 2; u++) put_word(plane, u, lane, w[u] | w[u + 2] << 2 | w[u + 4] << 4 | w[u + 6] << 6);
}

/* The vector of single bits from the lowest bit. */
static void put_bits(unsigned char *plane, int lane, const uint32_t w[PACKED_WORDS]) {
    uint32_t v = 0;
    for (int t = 0; t < PACKED_WORDS; t++) v |= w[t] << t;
    put_word(plane, 0, lane, v);
}

static void pack_q8_0(unsigned char *out, int lane, const unsigned char *p) {
    put_half(out, lane, p);
    for (int t = 0; t < PACKED_WORDS; t++) put_word(out + 32, t, lane, load_word(p + 2 + 4 * t) ^ 0x80808080u);
}

/* The file has the nibbles of columns i and i + 16 in one byte: words t and t + 4, as they are wanted. */
static void copy_nibbles(unsigned char *plane, int lane, const unsigned char *p) {
    for (int t = 0; t < 4; t++) put_word(plane, t, lane, load_word(p + 4 * t));
}

static void pack_q4_0(unsigned char *out, int lane, const unsigned char *p) {
    put_half(out, lane, p);
    copy_nibbles(out + 32, lane, p + 2);
}

static void pack_q4_1(unsigned char *out, int lane, const unsigned char *p) {
    put_half(out, lane, p);
    put_half(out + 32, lane, p + 2);
    copy_nibbles(out + 64, lane, p + 4);
}

/* Bit i of bits is column i's. */
static void put_fifth(unsigned char *plane, int lane, uint32_t bits) {
    uint32_t w[PACKED_WORDS];
    for (int t = 0; t < PACKED_WORDS; t++) w[t] = (bits >> 4 * t & 15u) * 0x00204081u & 0x01010101u; /* bit i to the lowest of byte i */
    put_bits(plane, lane, w);
}

static void pack_q5_0(unsigned char *out, int lane, const unsigned char *p) {
    put_half(out, lane, p);
    copy_nibbles(out + 32, lane, p + 6);
    put_fifth(out + 32 + 4 * PACKED_VECTOR, lane, load_word(p + 2));
}

static void pack_q5_1(unsigned char *out, int lane, const unsigned char *p) {
    put_half(out, lane, p);
    put_half(out + 32, lane, p + 2);
    copy_nibbles(out + 64, lane, p + 8);
    put_fifth(out + 64 + 4 * PACKED_VECTOR, lane, load_word(p + 4));
}

/* The words of 32 bytes, shifted right, and what a mask of bytes leaves of them. */
static void load_words(uint32_t w[PACKED_WORDS], const unsigned char *p, int shift, uint32_t mask) {
    for (int t = 0; t < PACKED_WORDS; t++) w[t] = load_word(p + 4 * t) >> shift & mask;
}

static const uint32_t ones = 0x01010101u, pairs = 0x03030303u, nibbles = 0x0f0f0f0fu;

static void pack_q45_k(unsigned char *out, int lane, const unsigned char *p, int type) {
    const unsigned char *r = p + 4, *qh = p + 16, *qs = type == VTK_Q5_K ? p + 48 : p + 16;
    uint32_t w[PACKED_WORDS];

    put_half(out, lane, p);
    put_half(out + 32, lane, p + 2);
    for (int j = 0; j < 8; j++) {
        unsigned char *plane = out + packed_head_size(type) + (size_t)j * packed_block_size(type), *sc = out + 64 + 32 * j + lane;
        sc[0] = (unsigned char)(j < 4 ? r[j] & 63 : (r[j + 4] & 15) | r[j - 4] >> 6 << 4);
        sc[16] = (unsigned char)(j < 4 ? r[j + 4] & 63 : r[j + 4] >> 4 | r[j] >> 6 << 4);
        load_words(w, qs + 32 * (j / 2), 4 * (j % 2), nibbles);
        put_nibbles(plane, lane, w);
        if (type != VTK_Q5_K) continue;
        load_words(w, qh, j, ones);
        put_bits(plane + 4 * PACKED_VECTOR, lane, w);
    }
}

static void pack_q4_k(unsigned char *out, int lane, const unsigned char *p) { pack_q45_k(out, lane, p, VTK_Q4_K); }
static void pack_q5_k(unsigned char *out, int lane, const unsigned char *p) { pack_q45_k(out, lane, p, VTK_Q5_K); }

static void pack_q6_k(unsigned char *out, int lane, const unsigned char *p) {
    uint32_t w[PACKED_WORDS];

    put_half(out, lane, p + 208);
    for (int j = 0; j < 8; j++) {
        unsigned char *plane = out + packed_head_size(VTK_Q6_K) + (size_t)j * packed_block_size(VTK_Q6_K), *sc = out + 32 + 32 * j + lane;
        sc[0] = p[192 + 2 * j];
        sc[16] = p[193 + 2 * j];
        load_words(w, p + 64 * (j / 4) + 32 * (j % 2), j % 4 / 2 * 4, nibbles);
        put_nibbles(plane, lane, w);
        load_words(w, p + 128 + 32 * (j / 4), j % 4 * 2, pairs);
        put_pairs(plane + 4 * PACKED_VECTOR, lane, w);
    }
}

/* Scale i of 16: six bits less 32. */
static unsigned char scale_q3_k(const unsigned char *r, int i) {
    int low = i < 8 ? r[i] & 15 : r[i - 8] >> 4, high = r[8 + i % 4] >> i / 4 * 2 & 3;
    return (unsigned char)((low | high << 4) - 32);
}

static void pack_q3_k(unsigned char *out, int lane, const unsigned char *p) {
    uint32_t w[PACKED_WORDS];

    put_half(out, lane, p + 108);
    for (int j = 0; j < 8; j++) {
        unsigned char *plane = out + packed_head_size(VTK_Q3_K) + (size_t)j * packed_block_size(VTK_Q3_K), *sc = out + 32 + 32 * j + lane;
        sc[0] = scale_q3_k(p + 96, 2 * j);
        sc[16] = scale_q3_k(p + 96, 2 * j + 1);
        load_words(w, p + 32 + 32 * (j / 4), j % 4 * 2, pairs);
        put_pairs(plane, lane, w);
        load_words(w, p, j, ones);
        put_bits(plane + 2 * PACKED_VECTOR, lane, w);
    }
}

static void pack_q2_k(unsigned char *out, int lane, const unsigned char *p) {
    uint32_t w[PACKED_WORDS];

    put_half(out, lane, p + 80);
    put_half(out + 32, lane, p + 82);
    for (int j = 0; j < 8; j++) {
        unsigned char *plane = out + packed_head_size(VTK_Q2_K) + (size_t)j * packed_block_size(VTK_Q2_K), *sc = out + 64 + 32 * j + lane;
        sc[0] = p[2 * j];
        sc[16] = p[2 * j + 1];
        load_words(w, p + 16 + 32 * (j / 4), j % 4 * 2, pairs);
        put_pairs(plane, lane, w);
    }
}

/* Lanes without a row are zero. */
static void pack_panel(unsigned char *out, const void *w, size_t w_stride, int64_t n_rows, int64_t k, int type, size_t block,
                       void (*pack)(unsigned char *out, int lane, const unsigned char *p)) {
    int64_t n_units = k / (VTK_BLOCK * packed_blocks(type));

    if (n_rows < VTK_PANEL_ROWS) memset(out, 0, (size_t)n_units * packed_unit_size(type));
    for (int64_t u = 0; u < n_units; u++) {
        const unsigned char *p = (const unsigned char *)w + (size_t)u * block;
        for (int lane = 0; lane < n_rows; lane++) pack(out + (size_t)u * packed_unit_size(type), lane, p + (size_t)lane * w_stride);
    }
}

void vtk_pack_panel(int type, void *out, const void *w, size_t w_stride, int64_t n_rows, int64_t k) {
    switch (type) {
    case VTK_Q8_0: pack_panel(out, w, w_stride, n_rows, k, VTK_Q8_0, VTK_Q8_0_SIZE, pack_q8_0); break;
    case VTK_Q4_0: pack_panel(out, w, w_stride, n_rows, k, VTK_Q4_0, VTK_Q4_0_SIZE, pack_q4_0); break;
    case VTK_Q4_1: pack_panel(out, w, w_stride, n_rows, k, VTK_Q4_1, VTK_Q4_1_SIZE, pack_q4_1); break;
    case VTK_Q5_0: pack_panel(out, w, w_stride, n_rows, k, VTK_Q5_0, VTK_Q5_0_SIZE, pack_q5_0); break;
    case VTK_Q5_1: pack_panel(out, w, w_stride, n_rows, k, VTK_Q5_1, VTK_Q5_1_SIZE, pack_q5_1); break;
    case VTK_Q2_K: pack_panel(out, w, w_stride, n_rows, k, VTK_Q2_K, VTK_Q2_K_SIZE, pack_q2_k); break;
    case VTK_Q3_K: pack_panel(out, w, w_stride, n_rows, k, VTK_Q3_K, VTK_Q3_K_SIZE, pack_q3_k); break;
    case VTK_Q4_K: pack_panel(out, w, w_stride, n_rows, k, VTK_Q4_K, VTK_Q4_K_SIZE, pack_q4_k); break;
    case VTK_Q5_K: pack_panel(out, w, w_stride, n_rows, k, VTK_Q5_K, VTK_Q5_K_SIZE, pack_q5_k); break;
    case VTK_Q6_K: pack_panel(out, w, w_stride, n_rows, k, VTK_Q6_K, VTK_Q6_K_SIZE, pack_q6_k); break;
    case VTK_F16: case VTK_BF16: vtk_pack_half_panel(type, out, w, w_stride, n_rows, k); break;
    default: break;
    }
}

/* ---- products ---- */

/* One block of one row. c and mn: scale and minimum of each half, or of the block in c[0]; d and m as packed.h says. */
typedef struct block {
    int q[VTK_BLOCK];
    float d, m, c[2], mn[2];
} block;

/* Word t of a block, four columns. */
static uint32_t word_at(const unsigned char *plane, int lane, int t, int type) {
    const unsigned char *p = plane + 4 * lane, *high = p + packed_low_bits(type) * PACKED_VECTOR;
    uint32_t w;
    switch (packed_low_bits(type)) {
    case 8: w = load_word(p + PACKED_VECTOR * t); break;
    case 4: w = load_word(p + PACKED_VECTOR * (t % 4)) >> t / 4 * 4 & nibbles; break;
    default: w = load_word(p + PACKED_VECTOR * (t % 2)) >> t / 2 * 2 & pairs; break;
    }
    if (packed_high_bits(type) == 1) w |= (load_word(high) >> t & ones) << packed_low_bits(type);
    if (packed_high_bits(type) == 2) w |= (load_word(high + PACKED_VECTOR * (t % 2)) >> t / 2 * 2 & pairs) << packed_low_bits(type);
    return w;
}

static void unpack(block *out, const unsigned char *unit, int64_t b, int lane, int type) {
    const unsigned char *plane = unit + packed_head_size(type) + (size_t)b * packed_block_size(type);
    const unsigned char *sc = unit + packed_scales_at(type) + 32 * b + lane;

    for (int t = 0; t < PACKED_WORDS; t++) {
        uint32_t w = word_at(plane, lane, t, type);
        for (int i = 0; i < 4; i++) out->q[4 * t + i] = (int)(w >> 8 * i & 255u);
    }
    out->d = vtk_half_to_float(vtk_load_u16(unit + 2 * lane));
    out->m = packed_has_min(type) ? vtk_half_to_float(vtk_load_u16(unit + 32 + 2 * lane)) : 0.0f;
    if (packed_is_halved(type)) {
        for (int i = 0; i < 2; i++) {
            out->c[i] = type == VTK_Q2_K ? (float)(sc[16 * i] & 15) : (float)(int8_t)sc[16 * i];
            out->mn[i] = (float)(sc[16 * i] >> 4);
        }
    } else if (packed_is_super(type)) {
        out->d *= (float)sc[0];
        out->m *= -(float)sc[16];
    }
}

static float add_block(float sum, const block *w, const unsigned char *x, int64_t k, int64_t b, int type) {
    const unsigned char *d = x + k + 4 * b;
    float offset = -(float)packed_offset(type), s = vtk_load_f32(d + k / VTK_BLOCK * 4), h = vtk_load_f32(d + k / VTK_BLOCK * 8), v;
    int32_t dot[2] = {0};

    for (int i = 0; i < VTK_BLOCK; i++) dot[i / 16] += w->q[i] * vtk_q8_integer(x, k, b * VTK_BLOCK + i);
    if (packed_is_halved(type)) {
        v = fmaf(fmaf(s - h, offset, (float)dot[1]), w->c[1], fmaf(h, offset, (float)dot[0]) * w->c[0]) * w->d;
        if (type == VTK_Q2_K) v = fmaf(-w->m, fmaf(h, w->mn[0], (s - h) * w->mn[1]), v);
    } else {
        v = fmaf(s, offset, (float)(dot[0] + dot[1])) * w->d;
        if (packed_has_min(type)) v = fmaf(w->m, s, v);
    }
    return fmaf(v, vtk_load_f32(d), sum);
}

static void packed_rows(const vtk_matmul *p, int64_t row0, int64_t row1, int type) {
    int64_t n_blocks = p->k / VTK_BLOCK, of_unit = packed_blocks(type);
    block w;

    for (int64_t r = row0; r < row1; r++) {
        const unsigned char *panel = (const unsigned char *)p->w + (size_t)(r / VTK_PANEL_ROWS) * p->w_stride;
        for (int64_t i0 = 0; i0 < p->m; i0 += TILE) {
            int64_t rows = p->m - i0 < TILE ? p->m - i0 : TILE;
            float sum[TILE] = {0};
            for (int64_t b = 0; b < n_blocks; b++) {
                unpack(&w, panel + (size_t)(b / of_unit) * packed_unit_size(type), b % of_unit, (int)(r % VTK_PANEL_ROWS), type);
                for (int64_t i = 0; i < rows; i++)
                    sum[i] = add_block(sum[i], &w, (const unsigned char *)p->x + (size_t)(i0 + i) * p->x_stride, p->k, b, type);
            }
            for (int64_t i = 0; i < rows; i++) p->out[(i0 + i) * p->ld_out + r] = sum[i];
        }
    }
}

VTK_PACKED_DEFINE(ref, packed_rows)

/* ---- rows as they were ---- */

/* The order of operations is the decoders', so that the bits are. */
static void decode_block(float *out, const block *w, int type) {
    for (int half = 0; half < 2; half++) {
        float d = packed_is_halved(type) ? w->d * w->c[half] : w->d, m = type == VTK_Q2_K ? -(w->m * w->mn[half]) : w->m;
        for (int i = 16 * half; i < 16 * half + 16; i++) {
            out[i] = d * (float)(w->q[i] - packed_offset(type));
            if (packed_has_min(type)) out[i] += m;
        }
    }
}

void vtk_unpack_row(int type, float *out, const void *panel, int64_t lane, int64_t k) {
    const unsigned char *p = panel;
    if (type == VTK_F16) {
        for (int64_t c = 0; c < k; c++) out[c] = vtk_half_to_float(vtk_load_u16(p + (size_t)c * PACKED_F16_STEP + 2 * lane));
    } else if (type == VTK_BF16) {
        for (int64_t c = 0; c < k; c++) out[c] = vtk_bf16_to_float(vtk_load_u16(p + (size_t)(c / 2) * PACKED_BF16_STEP + 4 * lane + 2 * (c % 2)));
    } else if (vtk_panel_size(type, k) > 0) {
        for (int64_t b = 0; b < k / VTK_BLOCK; b++) {
            block w;
            unpack(&w, p + (size_t)(b / packed_blocks(type)) * packed_unit_size(type), b % packed_blocks(type), (int)lane, type);
            decode_block(out + b * VTK_BLOCK, &w, type);
        }
    }
}
