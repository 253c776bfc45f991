/* Three passes over up to four queries at a time: scores four keys at once, softmax, values with lanes along the head dimension. Keys are
 * taken in increasing order and each sum's order depends on the sizes only. */
#include "cpu/attention/attention.h"

#include <math.h>

#include "cpu/matmul/dot_avx512.h"

enum { ROWS = 4, VECTORS = 4 };

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
            _mm_mask_storeu_ps(w + r * n + (t - p->first), (__mmask8)first_lanes(left < 4 ? left : 4), scaled);
        }
    }
}

static void cap(float *w, int64_t n, float softcap) {
    __m512 c = _mm512_set1_ps(softcap);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        _mm512_mask_storeu_ps(w + i, lanes, _mm512_mul_ps(c, tanh_ps(_mm512_div_ps(_mm512_maskz_loadu_ps(lanes, w + i), c))));
    }
}

/* Softmax weights before the division by their sum, which is returned. */
static float weights(float *w, int64_t n) {
    __m512 high = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();

    for (int64_t i = 0; i < n; i += 16)
        high = _mm512_mask_max_ps(high, first_lanes(n - i), _mm512_maskz_loadu_ps(first_lanes(n - i), w + i), high);
    __m512 max = _mm512_set1_ps(max_lanes(high));
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512 e = exp_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, w + i), max));
        _mm512_mask_storeu_ps(w + i, lanes, e);
        sum = _mm512_mask_add_ps(sum, lanes, sum, e);
    }
    return sum_lanes(sum);
}

VTK_INLINE __m512 load_value(const unsigned char *p, int part, __mmask16 lanes, int f16) {
    if (f16) return part ? load_halves(lanes, p) : load_16_halves(p);
    return part ? _mm512_maskz_loadu_ps(lanes, p) : _mm512_loadu_ps(p);
}

/* Elements j0.. of the output: n_vectors vectors of n_rows queries, or part of one vector. */
VTK_INLINE void values(const vtk_attention *p, const float *w, const float *sum, float *out, int64_t j0, int part, __mmask16 lanes, int n_rows,
                       int n_vectors, int f16) {
    int64_t n = p->last - p->first;
    int size = f16 ? 2 : 4;
    __m512 acc[ROWS][VECTORS];

    for (int r = 0; r < n_rows; r++) {
        for (int d = 0; d < n_vectors; d++) acc[r][d] = _mm512_setzero_ps();
    }
    for (int64_t t = p->first; t < p->last; t++) {
        const unsigned char *v = p->blocks[t / VTK_KV_BLOCK] + p->v_offset + (size_t)((t % VTK_KV_BLOCK * p->dim + j0) * size);
        __m512 x[VECTORS];
        for (int d = 0; d < n_vectors; d++) x[d] = load_value(v + 16 * size * d, part, lanes, f16);
        for (int r = 0; r < n_rows; r++) {
            __m512 weight = _mm512_set1_ps(w[r * n + (t - p->first)]);
            for (int d = 0; d < n_vectors; d++) acc[r][d] = _mm512_fmadd_ps(weight, x[d], acc[r][d]);
        }
    }
    for (int r = 0; r < n_rows; r++) {
        for (int d = 0; d < n_vectors; d++)
            _mm512_mask_storeu_ps(out + r * p->ld + j0 + 16 * d, lanes, _mm512_div_ps(acc[r][d], _mm512_set1_ps(sum[r])));
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
    for (; j + 16 * VECTORS <= p->dim; j += 16 * VECTORS) values(p, w, sum, out, j, 0, 0xffff, n_rows, VECTORS, f16);
    for (; j < p->dim; j += 16) values(p, w, sum, out, j, 1, first_lanes(p->dim - j), n_rows, 1, f16);
}

VTK_INLINE void all_rows(const vtk_attention *p, int f16) {
    for (int64_t r = 0; r < p->n_rows; r += ROWS) {
        int64_t left = p->n_rows - r;
        if (left >= 4) some_rows(p, r, 4, f16);
        else if (left == 3) some_rows(p, r, 3, f16);
        else if (left == 2) some_rows(p, r, 2, f16);
        else some_rows(p, r, 1, f16);
    }
}

void vtk_attention_avx512(const vtk_attention *p) {
    if (p->f16) all_rows(p, 1);
    else all_rows(p, 0);
}
