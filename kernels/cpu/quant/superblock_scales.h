/* Q3_K and Q6_K: x = a * q with codes -half..half - 1, for each sub-block. */
#ifndef VENTURI_KERNELS_SUPERBLOCK_SCALES_H
#define VENTURI_KERNELS_SUPERBLOCK_SCALES_H

#include "cpu/quant/superblock_fit.h"

/* The scale of one sub-block, of either sign: the negative end has one code more. */
FIT_INLINE float fit_scale(const float *x, int n, float half, int steps) {
    float peak = peak_of(x, n), q[32], best = 0.0f, best_gain = 0.0f;
    if (peak == 0.0f) return 0.0f;
    for (int step = 0; step < 2 * steps; step++) {
        float reach = half + 0.7f - 0.1f * (float)(step / 2), a = (step % 2 ? peak : -peak) / reach;
        for (int round = 0; round < 2; round++) {
            lanes sxq = {{0}}, sqq = {{0}};
            to_codes(q, x, n, inverse(a), 0.0f, -half, half - 1.0f);
            for (int i = 0, p = 0; i < n; i += WIDTH, p = (p + 1) % PARTS) {
                sxq[p] += *at(x + i) * *at(q + i);
                sqq[p] += *at(q + i) * *at(q + i);
            }
            float xq = add_lanes(sxq), qq = add_lanes(sqq);
            if (!(qq > 0.0f)) break;
            a = xq / qq;
            if (xq * a <= best_gain) continue; /* what the scale takes off the sum of squares */
            best_gain = xq * a;
            best = a;
        }
    }
    return best;
}

FIT_INLINE float choose_scale(superblock *s, int j, int n, float fit, float half, float max_scale) {
    const float *x = s->x + j * n;
    float scale = nearest(fit * inverse(s->d), -max_scale, max_scale - 1.0f), q[32], best = -1.0f;

    for (float u = scale - 1.0f; u <= scale + 1.0f; u++) {
        if (u < -max_scale || u > max_scale - 1.0f) continue;
        to_codes(q, x, n, inverse(s->d * u), 0.0f, -half, half - 1.0f);
        float error = squared_error(x, q, n, s->d * u, 0.0f);
        if (best >= 0.0f && !(error < best)) continue;
        best = error;
        s->scale[j] = u;
        memcpy(s->q + j * n, q, (size_t)n * sizeof *q);
    }
    return best;
}

FIT_INLINE void refit_scales(superblock *s, int n) {
    double ss = 0, sx = 0;
    for (int j = 0; j < VTK_K_BLOCK / n; j++) {
        lanes qq = {{0}}, qx = {{0}};
        for (int i = j * n, p = 0; i < (j + 1) * n; i += WIDTH, p = (p + 1) % PARTS) {
            qq[p] += *at(s->q + i) * *at(s->q + i);
            qx[p] += *at(s->q + i) * *at(s->x + i);
        }
        ss += (double)s->scale[j] * (double)s->scale[j] * (double)add_lanes(qq);
        sx += (double)s->scale[j] * (double)add_lanes(qx);
    }
    if (ss > 0.0) s->d = round_scale(s, (float)(sx / ss));
}

FIT_INLINE void fit_scales(superblock *s, int n, float half, float max_scale, int steps) {
    float fit[MAX_SUBS], peak;
    superblock best;

    for (int j = 0; j < VTK_K_BLOCK / n; j++) fit[j] = fit_scale(s->x + j * n, n, half, steps);
    peak = peak_of(fit, VTK_K_BLOCK / n);
    s->d = round_scale(s, peak / -max_scale); /* the largest takes the end that reaches one further */
    for (int round = 0; round < ROUNDS; round++) {
        s->error = 0.0f;
        for (int j = 0; j < VTK_K_BLOCK / n; j++) s->error += choose_scale(s, j, n, fit[j], half, max_scale);
        if (round > 0 && !(s->error < best.error)) break;
        best = *s;
        refit_scales(s, n);
    }
    *s = best;
}

#endif
