/* Q2_K, Q4_K and Q5_K: x = a * q - b with codes 0..max and b >= 0, for each sub-block. */
#ifndef VENTURI_KERNELS_SUPERBLOCK_LINES_H
#define VENTURI_KERNELS_SUPERBLOCK_LINES_H

#include "cpu/quant/superblock_fit.h"

typedef struct line {
    float a, b, error;
} line;

/* The best line for given codes. */
FIT_INLINE line solve_line(const float *x, const float *q, int n) {
    lanes sx = {{0}}, sq = {{0}}, sqq = {{0}}, sxq = {{0}};
    for (int i = 0, p = 0; i < n; i += WIDTH, p = (p + 1) % PARTS) {
        vector v = *at(x + i), c = *at(q + i);
        sx[p] += v;
        sq[p] += c;
        sqq[p] += c * c;
        sxq[p] += v * c;
    }
    float x1 = add_lanes(sx), q1 = add_lanes(sq), qq = add_lanes(sqq), xq = add_lanes(sxq);
    float det = (float)n * qq - q1 * q1;
    line r = {0.0f, 0.0f, 0.0f};
    if (det > 0.0f) {
        r.a = ((float)n * xq - x1 * q1) / det;
        r.b = (q1 * xq - qq * x1) / det;
    }
    if (r.b <= 0.0f) r = (line){qq > 0.0f ? xq / qq : 0.0f, 0.0f, 0.0f};
    r.error = squared_error(x, q, n, r.a, r.b);
    return r;
}

/* Steps around the plain scale, which spreads the codes over the range: a finer one clips the ends. */
enum { LINE_STEPS = 22 };

FIT_INLINE line fit_line(const float *x, int n, float max) {
    float lo = x[0], hi = x[0], q[32];
    for (int i = 1; i < n; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    if (lo > 0.0f) lo = 0.0f;
    for (int i = 0; i < n; i++) q[i] = 0.0f;
    line best = {0.0f, -lo, squared_error(x, q, n, 0.0f, -lo)};
    if (!(hi > lo)) return best;
    for (int step = 0; step < LINE_STEPS; step++) {
        line r = {(hi - lo) / (max - 0.8f + 0.1f * (float)step), -lo, 0.0f};
        for (int round = 0; round < 2; round++) {
            to_codes(q, x, n, inverse(r.a), r.b, 0.0f, max);
            r = solve_line(x, q, n);
            if (!(r.a > 0.0f)) break;
            if (r.error < best.error) best = r;
        }
    }
    return best;
}

/* Whole multiples of d and dmin near the line, and the codes for them. Returns the error. */
FIT_INLINE float choose_line(superblock *s, int j, int n, const line *fit, float max_code, float max_scale) {
    const float *x = s->x + j * n;
    float scale = nearest(fit->a * inverse(s->d), 0.0f, max_scale), min = nearest(fit->b * inverse(s->dmin), 0.0f, max_scale);
    float q[32], best = -1.0f;

    for (float u = scale - 1.0f; u <= scale + 1.0f; u++) {
        for (float v = min - 1.0f; v <= min + 1.0f; v++) {
            if (u < 0.0f || v < 0.0f || u > max_scale || v > max_scale) continue;
            float a = s->d * u, b = s->dmin * v;
            to_codes(q, x, n, inverse(a), b, 0.0f, max_code);
            float error = squared_error(x, q, n, a, b);
            if (best >= 0.0f && !(error < best)) continue;
            best = error;
            s->scale[j] = u;
            s->min[j] = v;
            memcpy(s->q + j * n, q, (size_t)n * sizeof *q);
        }
    }
    return best;
}

/* d and dmin that are best for all codes; the old ones where there are none. */
FIT_INLINE void refit_lines(superblock *s, int n) {
    double ss = 0, sm = 0, mm = 0, sx = 0, mx = 0;
    for (int j = 0; j < VTK_K_BLOCK / n; j++) {
        lanes qq = {{0}}, q1 = {{0}}, qx = {{0}}, x1 = {{0}};
        double scale = (double)s->scale[j], min = (double)s->min[j];
        for (int i = j * n, p = 0; i < (j + 1) * n; i += WIDTH, p = (p + 1) % PARTS) {
            vector v = *at(s->x + i), c = *at(s->q + i);
            qq[p] += c * c;
            q1[p] += c;
            qx[p] += c * v;
            x1[p] += v;
        }
        ss += scale * scale * (double)add_lanes(qq);
        sm += scale * min * (double)add_lanes(q1);
        mm += min * min * n;
        sx += scale * (double)add_lanes(qx);
        mx += min * (double)add_lanes(x1);
    }
    double det = ss * mm - sm * sm;
    float d = det > 0.0 ? (float)((sx * mm - mx * sm) / det) : ss > 0.0 ? (float)(sx / ss) : 0.0f;
    float dmin = det > 0.0 ? (float)((sx * sm - mx * ss) / det) : s->dmin;
    if (d > 0.0f) s->d = round_scale(s, d);
    if (dmin > 0.0f) s->dmin = round_scale(s, dmin);
}

FIT_INLINE void fit_lines(superblock *s, int n, float max_code, float max_scale) {
    line fit[MAX_SUBS];
    float a = 0.0f, b = 0.0f;
    superblock best;

    for (int j = 0; j < VTK_K_BLOCK / n; j++) {
        fit[j] = fit_line(s->x + j * n, n, max_code);
        a = fit[j].a > a ? fit[j].a : a;
        b = fit[j].b > b ? fit[j].b : b;
    }
    s->d = round_scale(s, a / max_scale);
    s->dmin = round_scale(s, b / max_scale);
    for (int round = 0; round < ROUNDS; round++) {
        s->error = 0.0f;
        for (int j = 0; j < VTK_K_BLOCK / n; j++) s->error += choose_line(s, j, n, &fit[j], max_code, max_scale);
        if (round > 0 && !(s->error < best.error)) break;
        best = *s;
        refit_lines(s, n);
    }
    *s = best;
}

#endif
