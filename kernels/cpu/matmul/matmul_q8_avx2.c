/* Integer products for 8 weight rows at once, as q8_tile_avx512.h does it for 16: a lane is a weight row, blocks are transposed into a tile
 * on the stack, an element's arithmetic is the block's exact integer dot product and then float32 per block in increasing order.
 *
 * Weights lie in the tile as nibbles: sums of eight products of a nibble and an int8 fit 16 bits. An int8 + 128 is two nibbles. */
#include "cpu/matmul/matmul.h"
#include "cpu/quant/q8_row.h"
#include "cpu/quant/quant.h"
#include "cpu/vector_avx2.h"

enum { LANES = 8, WORDS = 8, CHUNK = 18, ACTS = 4 };

/* 8 rows by at most CHUNK blocks. Word t of a block: 4 weights of each row. */
typedef struct tile {
    uint8_t q[CHUNK][2 * WORDS][32]; /* the second plane: high nibbles of Q8_0 */
    float d[CHUNK][LANES];
    float m[CHUNK][LANES]; /* Q4_1 only */
} tile;

/* Where one activation row's share of a chunk lies. */
typedef struct act {
    const unsigned char *q, *d, *sum;
    uint32_t wide; /* which of the chunk's blocks are */
    float *out;
} act;

VTK_INLINE size_t head_size(int type) { return type == VTK_Q4_1 ? 4 : 2; } /* bytes of a block before its quants */
VTK_INLINE size_t block_size(int type) { return type == VTK_Q8_0 ? VTK_Q8_0_SIZE : type == VTK_Q4_0 ? VTK_Q4_0_SIZE : VTK_Q4_1_SIZE; }

VTK_INLINE __m128i load_16(const unsigned char *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
VTK_INLINE __m256i load_tile(const uint8_t *p) { return _mm256_load_si256((const __m256i *)(const void *)p); }
VTK_INLINE void store_tile(uint8_t *p, __m256i v) { _mm256_store_si256((__m256i *)(void *)p, v); }

/* 16 bytes of each of 8 rows; out[t] gets word t of every row, in lane order. */
VTK_INLINE void transpose(__m256i out[4], const unsigned char *rows, size_t stride, size_t at) {
    __m256i z[4];
    const unsigned char *p = rows + at, *p4 = p + 4 * stride;
    for (size_t j = 0; j < 4; j++)
        z[j] = _mm256_inserti128_si256(_mm256_castsi128_si256(load_16(p + j * stride)), load_16(p4 + j * stride), 1);
    __m256i a = _mm256_unpacklo_epi32(z[0], z[1]), b = _mm256_unpackhi_epi32(z[0], z[1]);
    __m256i c = _mm256_unpacklo_epi32(z[2], z[3]), d = _mm256_unpackhi_epi32(z[2], z[3]);
    out[0] = _mm256_unpacklo_epi64(a, c);
    out[1] = _mm256_unpackhi_epi64(a, c);
    out[2] = _mm256_unpacklo_epi64(b, d);
    out[3] = _mm256_unpackhi_epi64(b, d);
}

/* The halves in the low 16 bits of each lane. */
VTK_INLINE __m256 low_halves(__m256i v) {
    v = _mm256_and_si256(v, _mm256_set1_epi32(0xffff));
    return _mm256_cvtph_ps(_mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}

/* Scales go through memory as they are: a scalar copy a row beats any gather. */
VTK_INLINE void pack_scales(tile *t, const unsigned char *rows, size_t stride, int64_t n_blocks, int type) {
    _Alignas(32) uint32_t raw[CHUNK][LANES];

    for (int64_t b = 0; b < n_blocks; b++, rows += block_size(type)) {
        const unsigned char *p4 = rows + 4 * stride;
        for (size_t j = 0; j < 4; j++) { /* d, and m or two quants */
            memcpy(&raw[b][j], rows + j * stride, 4);
            memcpy(&raw[b][4 + j], p4 + j * stride, 4);
        }
    }
    for (int64_t b = 0; b < n_blocks; b++) {
        __m256i dm = _mm256_load_si256((const __m256i *)(const void *)raw[b]);
        _mm256_store_ps(t->d[b], low_halves(dm));
        if (type == VTK_Q4_1) _mm256_store_ps(t->m[b], low_halves(_mm256_srli_epi32(dm, 16)));
    }
}

/* Eight rows at a time are too many streams for the hardware to foresee: while one lot is worked on, the next is fetched in the order in
 * which it lies in memory. at: the offset in the rows that are worked on. */
VTK_INLINE void fetch(const unsigned char *next, size_t at, int type) {
    if (!next) return;
    for (size_t i = 0; i < LANES * block_size(type); i += 64) _mm_prefetch((const char *)next + LANES * at + i, _MM_HINT_T0);
}

VTK_INLINE void pack(tile *t, const unsigned char *rows, size_t stride, int64_t n_blocks, const unsigned char *next, int type) {
    const __m256i low = _mm256_set1_epi8(15);
    int halves = type == VTK_Q8_0 ? 2 : 1, second = type == VTK_Q8_0 ? WORDS : 4; /* where the high nibbles go */
    __m256i v[4];

    pack_scales(t, rows, stride, n_blocks, type);
    for (int64_t b = 0; b < n_blocks; b++) {
        size_t at = (size_t)b * block_size(type);
        fetch(next, at, type);
        for (int half = 0; half < halves; half++) {
            transpose(v, rows, stride, at + head_size(type) + 16 * (size_t)half);
            for (int j = 0; j < 4; j++) {
                if (type == VTK_Q8_0) v[j] = _mm256_xor_si256(v[j], _mm256_set1_epi8((char)0x80));
                store_tile(t->q[b][4 * half + j], _mm256_and_si256(v[j], low));
                store_tile(t->q[b][second + 4 * half + j], _mm256_and_si256(_mm256_srli_epi16(v[j], 4), low));
            }
        }
    }
}

VTK_INLINE __m256i broadcast(const unsigned char *p) {
    int32_t v;
    memcpy(&v, p, 4);
    return _mm256_set1_epi32(v);
}

/* The compiler would turn a chain of sums into a tree, whose many live values do not fit the registers. */
VTK_INLINE __m256i in_order(__m256i v) {
    __asm__("" : "+x"(v));
    return v;
}

/* dot[a] (+= if go_on) block b of the weights times the bytes that lie `at` bytes from where activation row a begins, in integers. */
VTK_INLINE void add_plane(__m256i dot[ACTS], const tile *t, const act *x, int64_t b, int64_t at, int go_on, int n_acts, int type) {
    int planes = type == VTK_Q8_0 ? 2 : 1;
    __m256i part[2][ACTS];

    for (int j = 0; j < WORDS; j++) {
        for (int a = 0; a < n_acts; a++) {
            __m256i xa = broadcast(x[a].q + at + 4 * j);
            for (int i = 0; i < planes; i++) {
                __m256i two = _mm256_maddubs_epi16(load_tile(t->q[b][WORDS * i + j]), xa);
                part[i][a] = in_order(j ? _mm256_add_epi16(part[i][a], two) : two);
            }
        }
    }
    for (int a = 0; a < n_acts; a++) {
        __m256i sum = _mm256_madd_epi16(part[0][a], _mm256_set1_epi16(1));
        if (planes == 2) sum = _mm256_add_epi32(sum, _mm256_madd_epi16(part[1][a], _mm256_set1_epi16(16)));
        dot[a] = go_on ? _mm256_add_epi32(dot[a], sum) : sum;
    }
}

/* The same of block b. A row that is not wide has low bytes of 0. */
VTK_INLINE void dots(__m256i dot[ACTS], const tile *t, const act *x, int64_t low, int64_t b, int n_acts, int type) {
    uint32_t any = 0;
    for (int a = 0; a < n_acts; a++) any |= x[a].wide >> b & 1u;
    add_plane(dot, t, x, b, b * VTK_BLOCK, 0, n_acts, type);
    if (!any) return;
    for (int a = 0; a < n_acts; a++) dot[a] = _mm256_sll_epi32(dot[a], _mm_cvtsi32_si128((int)(x[a].wide >> b & 1u) * 8));
    add_plane(dot, t, x, b, low + b * VTK_BLOCK, 1, n_acts, type);
}

/* One chunk of 8 weight rows times n_acts activation rows; the first chunk starts the sums, the others go on with them. */
VTK_INLINE void multiply(const tile *t, const act *x, int64_t low, int64_t n_blocks, int64_t keep, int go_on, int n_acts, int type) {
    __m256 sum[ACTS];

    for (int a = 0; a < n_acts; a++) sum[a] = go_on ? load_floats(x[a].out, keep) : _mm256_setzero_ps();
    for (int64_t b = 0; b < n_blocks; b++) {
        __m256i dot[ACTS];
        __m256 dw = _mm256_load_ps(t->d[b]);
        dots(dot, t, x, low, b, n_acts, type);
        for (int a = 0; a < n_acts; a++) {
            __m256 dx = _mm256_set1_ps(vtk_load_f32(x[a].d + 4 * b)), sx = _mm256_set1_ps(vtk_load_f32(x[a].sum + 4 * b));
            __m256 v = _mm256_cvtepi32_ps(dot[a]);
            if (type == VTK_Q8_0) v = _mm256_fmadd_ps(sx, _mm256_set1_ps(-128.0f), v);
            if (type == VTK_Q4_0) v = _mm256_fmadd_ps(sx, _mm256_set1_ps(-8.0f), v);
            v = _mm256_mul_ps(v, dw);
            if (type == VTK_Q4_1) v = _mm256_fmadd_ps(_mm256_load_ps(t->m[b]), sx, v);
            sum[a] = _mm256_fmadd_ps(v, dx, sum[a]);
        }
    }
    for (int a = 0; a < n_acts; a++) store_floats(x[a].out, sum[a], keep);
}

VTK_INLINE void multiply_all(const tile *t, const vtk_matmul *p, int64_t row, int64_t b0, int64_t n_blocks, int64_t keep, int type) {
    act x[ACTS];
    int go_on = b0 > 0;
    int64_t low = (int64_t)vtk_q8_low_at(p->k);

    for (int64_t i = 0; i < p->m; i += ACTS) {
        int64_t n = p->m - i < ACTS ? p->m - i : ACTS;
        for (int64_t a = 0; a < n; a++) {
            x[a].q = (const unsigned char *)p->x + (size_t)(i + a) * p->x_stride + b0 * VTK_BLOCK;
            x[a].d = (const unsigned char *)p->x + (size_t)(i + a) * p->x_stride + p->k + 4 * b0;
            x[a].sum = x[a].d + p->k / VTK_BLOCK * 4;
            x[a].wide = vtk_q8_wide_blocks((const unsigned char *)p->x + (size_t)(i + a) * p->x_stride + vtk_q8_wide_at(p->k), b0);
            x[a].out = p->out + (i + a) * p->ld_out + row;
        }
        if (n == 4) multiply(t, x, low, n_blocks, keep, go_on, 4, type);
        else if (n == 3) multiply(t, x, low, n_blocks, keep, go_on, 3, type);
        else if (n == 2) multiply(t, x, low, n_blocks, keep, go_on, 2, type);
        else multiply(t, x, low, n_blocks, keep, go_on, 1, type);
    }
}

/* Room for a chunk of rows that have to be repeated. */
typedef struct row_copy {
    unsigned char bytes[LANES][CHUNK * VTK_Q8_0_SIZE];
} row_copy;

/* A chunk of 8 rows; lanes without a row repeat the last. */
VTK_INLINE const unsigned char *find_rows(const vtk_matmul *p, int64_t row, int64_t row1, int64_t b0, int64_t n_blocks, row_copy *copy, size_t *stride,
                                          int type) {
    size_t at = (size_t)b0 * block_size(type);

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

VTK_INLINE void q8_rows(const vtk_matmul *p, int64_t row0, int64_t row1, int type) {
    _Alignas(32) tile t;
    row_copy copy;
    size_t stride;
    int64_t n_blocks = p->k / VTK_BLOCK;

    for (int64_t row = row0; row < row1; row += LANES) {
        for (int64_t b0 = 0; b0 == 0 || b0 < n_blocks; b0 += CHUNK) {
            int64_t n = n_blocks - b0 < CHUNK ? n_blocks - b0 : CHUNK;
            const unsigned char *rows = find_rows(p, row, row1, b0, n, &copy, &stride, type);
            pack(&t, rows, stride, n, find_next(p, row + LANES, row1, b0, type), type);
            multiply_all(&t, p, row, b0, n, row1 - row, type);
        }
    }
}

void vtk_matmul_q8_0_q8_avx2(const vtk_matmul *p, int64_t row0, int64_t row1) { q8_rows(p, row0, row1, VTK_Q8_0); }
void vtk_matmul_q4_0_q8_avx2(const vtk_matmul *p, int64_t row0, int64_t row1) { q8_rows(p, row0, row1, VTK_Q4_0); }
void vtk_matmul_q4_1_q8_avx2(const vtk_matmul *p, int64_t row0, int64_t row1) { q8_rows(p, row0, row1, VTK_Q4_1); }
