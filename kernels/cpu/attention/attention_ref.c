/* Scores, softmax, weighted sum of values: three passes, each sum in double, keys in increasing order. */
#include "cpu/attention/attention.h"

#include <math.h>

#include "cpu/quant/half.h"

/* Element j of token t's key (offset = k_offset) or value (v_offset). */
static double cached(const vtk_attention *p, size_t offset, int64_t t, int64_t j) {
    const unsigned char *base = p->blocks[t / VTK_KV_BLOCK] + offset;
    size_t at = (size_t)((t % VTK_KV_BLOCK) * p->dim + j);
    return (double)(p->f16 ? vtk_half_to_float(vtk_load_u16(base + 2 * at)) : vtk_load_f32(base + 4 * at));
}

/* Softmax weights of one query into w, before the division by their sum, which is returned. */
static double weights(const vtk_attention *p, const float *q, float *w) {
    int64_t n = p->last - p->first;
    double max = -(double)INFINITY, sum = 0.0;

    for (int64_t i = 0; i < n; i++) {
        double dot = 0.0;
        for (int64_t j = 0; j < p->dim; j++) dot += (double)q[j] * cached(p, p->k_offset, p->first + i, j);
        dot *= (double)p->scale;
        if (p->softcap > 0) dot = (double)p->softcap * tanh(dot / (double)p->softcap);
        w[i] = (float)dot;
        if ((double)w[i] > max) max = (double)w[i];
    }
    for (int64_t i = 0; i < n; i++) {
        w[i] = (float)exp((double)w[i] - max);
        sum += (double)w[i];
    }
    return sum;
}

void vtk_attention_ref(const vtk_attention *p) {
    int64_t n = p->last - p->first;

    for (int64_t r = 0; r < p->n_rows; r++) {
        float *w = p->scratch + r * n;
        double sum = weights(p, p->q + r * p->ld, w);
        for (int64_t j = 0; j < p->dim; j++) {
            double value = 0.0;
            for (int64_t i = 0; i < n; i++) value += (double)w[i] * cached(p, p->v_offset, p->first + i, j);
            p->out[r * p->ld + j] = (float)(value / sum);
        }
    }
}
