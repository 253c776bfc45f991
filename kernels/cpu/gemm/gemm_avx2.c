/* Tiles of float32, and transposing. */
#include "cpu/gemm/finish_avx2.h"
#include "cpu/gemm/gemm.h"

typedef float step;
typedef __m256 vector;

/* The sums of a tile begin with the bias. */
VTK_INLINE vector begin(const vtk_gemm *p, int64_t c) {
    return p->bias && c < p->n ? load_floats(p->bias + c, p->n - c) : _mm256_setzero_ps();
}

VTK_INLINE vector add_product(vector sum, const step *x, const void *w) { return _mm256_fmadd_ps(_mm256_set1_ps(*x), _mm256_loadu_ps(w), sum); }

VTK_INLINE void end(const vtk_gemm *p, int64_t i, int64_t c, vector y) { finish(p, i, c, y); }

#include "cpu/gemm/tiles_avx2.h"

void vtk_gemm_f32_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    all_tiles(p, p->ld_x, p->k, row0, row1, panel0, panel1);
}

/* ---- transposing ---- */

/* Eight columns of eight rows. */
VTK_INLINE void transpose_8(float *out, int64_t ld_out, const float *in, int64_t ld) {
    __m256 v[8], t[8];
    for (int i = 0; i < 8; i++) v[i] = _mm256_loadu_ps(in + i * ld);
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        v[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        v[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        v[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        v[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) { /* v[i] and v[i + 4] have columns i and i + 4 of rows 0.. and 4.. */
        _mm256_storeu_ps(out + i * ld_out, _mm256_permute2f128_ps(v[i], v[i + 4], 0x20));
        _mm256_storeu_ps(out + (i + 4) * ld_out, _mm256_permute2f128_ps(v[i], v[i + 4], 0x31));
    }
}

void vtk_transpose_32_avx2(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns) {
    int64_t rows = n_rows / 8 * 8, columns = n_columns / 8 * 8;
    for (int64_t r = 0; r < rows; r += 8)
        for (int64_t c = 0; c < columns; c += 8) transpose_8((float *)out + c * ld_out + r, ld_out, (const float *)in + r * ld_in + c, ld_in);
    vtk_transpose_32_ref((float *)out + columns * ld_out, ld_out, (const float *)in + columns, ld_in, rows, n_columns - columns);
    vtk_transpose_32_ref((float *)out + rows, ld_out, (const float *)in + rows * ld_in, ld_in, n_rows - rows, n_columns);
}

void vtk_zip_16_avx2(void *out, const void *a, const void *b, int64_t n) {
    const uint16_t *x = a, *y = b;
    uint16_t *z = out;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(x + i)), w = _mm256_loadu_si256((const __m256i *)(const void *)(y + i));
        __m256i low = _mm256_unpacklo_epi16(v, w), high = _mm256_unpackhi_epi16(v, w);
        _mm256_storeu_si256((__m256i *)(void *)(z + 2 * i), _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256((__m256i *)(void *)(z + 2 * i + 16), _mm256_permute2x128_si256(low, high, 0x31));
    }
    vtk_zip_16_ref(z + 2 * i, x + i, y + i, n - i);
}
