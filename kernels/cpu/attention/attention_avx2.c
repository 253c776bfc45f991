/* Three passes over up to two queries at a time: scores four keys at once, softmax, values with lanes along the head dimension. Keys are
 * taken in increasing order and each sum's order depends on the sizes only. */
#include "cpu/attention/attention.h"

#include <math.h>

#include "cpu/matmul/dot_avx2.h"

enum { ROWS = 2, VECTORS = 4 };

/* Scores of n_rows queries q with all keys, into w: rows of p->last - p->first. */
VTK_INLINE void scores(const vtk_attention *p, const float *const *q, float *w, int n_rows, int f16) {
    int64_t n = p->last - p->first;
    size_t key_size = (size_t)p->dim * (f16 ? 2 : 4);
    const unsigned char *key[4];
    __m128 v[ROWS];

    for (int64_t t = p->first; t < p->last; t += 4) {
        int64_t left = p->last - t;
        for (int64_t j = 0; j < 4; j++) { /* keys that are not there repeat the last */
            int64_t at = j < left ? t + j : p->last - 1;
            key[j] = p->blocks[at / VTK_KV_BLOCK] + p->k_offset + (size_t)(at % VTK_KV_BLOCK) * key_size;
        }
        dot_4_rows(v, key, q, p->dim, n_rows, f16);
        for (int r = 0; r < n_rows; r++) {
            __m128 scaled = _mm_mul_ps(v[r], _mm_set1_ps(p->scale));
            _mm_maskstore_ps(w + r * n + (t - p->first), _mm256_castsi256_si128(first_lanes(left)), scaled);
        }
    }
}

static void cap(float *w, int64_t n, float softcap) {
    __m256 c = _mm256_set1_ps(softcap);
    for (int64_t i = 0; i < n; i += 8) store_floats(w + i, _mm256_mul_ps(c, tanh_ps(_mm256_div_ps(load_floats(w + i, n - i), c))), n - i);
}

/* Softmax weights before the division by their sum, which is returned. */
static float weights(float *w, int64_t n) {
    __m256 high = _mm256_set1_ps(-INFINITY), sum = _mm256_setzero_ps();

    for (int64_t i = 0; i < n; i += 8) {
        __m256 real = _mm256_castsi256_ps(first_lanes(n - i));
        __m256 v = _mm256_blendv_ps(high, load_floats(w + i, n - i), real);
        high = _mm256_max_ps(v, high);
    }
    __m256 max = _mm256_set1_ps(max_lanes(high));
    for (int64_t i = 0; i < n; i += 8) {
        __m256 e = exp_ps(_mm256_sub_ps(load_floats(w + i, n - i), max));
        store_floats(w + i, e, n - i);
        sum = _mm256_add_ps(sum, _mm256_and_ps(e, _mm256_castsi256_ps(first_lanes(n - i))));
    }
    return sum_lanes(sum);
}

/* Elements j0.. of the output: n_vectors vectors of n_rows queries, or one vector of n_lanes. */
VTK_INLINE void values(const vtk_attention *p, const float *w, const float *sum, float *out, int64_t j0, int64_t n_lanes, int n_rows,
                       int n_vectors, int f16) {
    int64_t n = p->last - p->first;
    int size = f16 ? 2 : 4;
    __m256 acc[ROWS][VECTORS];

    for (int r = 0; r < n_rows; r++) {
        for (int d = 0; d < n_vectors; d++) acc[r][d] = _mm256_setzero_ps();
    }
    for (int64_t t = p->first; t < p->last; t++) {
        const unsigned char *v = p->blocks[t / VTK_KV_BLOCK] + p->v_offset + (size_t)((t % VTK_KV_BLOCK * p->dim + j0) * size);
        __m256 x[VECTORS];
        for (int d = 0; d < n_vectors; d++)
            x[d] = f16 ? load_halves(v + 16 * d, n_lanes) : load_floats((const float *)(const void *)(v + 32 * d), n_lanes);
        for (int r = 0; r < n_rows; r++) {
            __m256 weight = _mm256_set1_ps(w[r * n + (t - p->first)]);
            for (int d = 0; d < n_vectors; d++) acc[r][d] = _mm256_fmadd_ps(weight, x[d], acc[r][d]);
        }
    }
    for (int r = 0; r < n_rows; r++) {
        for (int d = 0; d < n_vectors; d++)
            store_floats(out + r * p->ld + j0 + 8 * d, _mm256_div_ps(acc[r][d], _mm256_set1_ps(sum[r])), n_lanes);
    }
}

VTK_INLINE void some_rows(const vtk_attention *p, int64_t row, int n_rows, int f16) {
    int64_t n = p->last - p->first, j = 0;
    float *w = p->scratch + row * n, *out = p->out + row * p->ld, sum[ROWS];
    const float *q[ROWS];

    for (int r = 0; r < n_rows; r++) q[r] = p->q + (row + r) * p->ld;
    scores(p, q, w, n_rows, f16);
    for (int r = 0; r < n_rows; r++) {
        if (p->softcap > 0) cap(w + r * n, n, p->softcap);
        sum[r] = weights(w + r * n, n);
    }
    for (; j + 8 * VECTORS <= p->dim; j += 8 * VECTORS) values(p, w, sum, out, j, 8, n_rows, VECTORS, f16);
    for (; j < p->dim; j += 8) values(p, w, sum, out, j, p->dim - j, n_rows, 1, f16);
}

VTK_INLINE void all_rows(const vtk_attention *p, int f16) {
    for (int64_t r = 0; r < p->n_rows; r += ROWS) {
        if (p->n_rows - r >= ROWS) some_rows(p, r, ROWS, f16);
        else some_rows(p, r, 1, f16);
    }
}

void vtk_attention_avx2(const vtk_attention *p) {
    if (p->f16) all_rows(p, 1);
    else all_rows(p, 0);
}
