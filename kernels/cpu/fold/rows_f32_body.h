/* Softmax and norms of rows of float32; behind fold_f32_body.h, whose folds they begin with. */

/* Writes f of each element; past the caches where asked for and where vectors lie on their own boundaries. */
#define EACH(y, n, stream, VALUE) \
    do { \
        int64_t i = 0; \
        if (stream) { \
            int64_t head = (int64_t)((0 - (uintptr_t)(y)) / sizeof(float) & (W - 1)); \
            if (head > (n)) head = (n); \
            if (head) { \
                const int64_t left = head; \
                f_store((y), VALUE, left); \
                i = head; \
            } \
            for (; i + W <= (n); i += W) { \
                const int64_t left = W; \
                f_stream((y) + i, VALUE); \
                (void)left; \
            } \
        } \
        for (; i < (n); i += W) { \
            const int64_t left = (n) - i < W ? (n) - i : W; \
            f_store((y) + i, VALUE, left); \
        } \
        if (stream) f_fence(); \
    } while (0)

/* A NaN shows in the sum of exponentials, and so does an infinite largest one. */
void NAME(softmax)(float *y, const float *x, int64_t n) {
    const F share = f_all1((float)(1 / exps_into(y, x, n, f_all1(largest_of(x, n)), 1)));
    EACH(y, n, 0, f_load(y + i, left) * share);
}

/* x - m first: it is exact near the largest, where the results are small. */
void NAME(log_softmax)(float *y, const float *x, int64_t n) {
    const F base = f_all1(largest_of(x, n)), rest = f_all1((float)log(exps_into(NULL, x, n, base, 1)));
    EACH(y, n, 0, f_load(x + i, left) - base - rest);
}

static double product_of(const float *g, const float *y, int64_t n) {
#define PRODUCT(a, b, v, at, left) \
    do { \
        F u = f_load(y + (at), left); \
        a += d_low(v) * d_low(u), b += d_high(v) * d_high(u); \
    } while (0)
    SUM_ROW(g, n, PRODUCT)
    return SUM_OF_ROW;
}

void NAME(softmax_grad)(float *dx, const float *g, const float *y, int64_t n) {
    const F sum = f_all1((float)product_of(g, y, n));
    EACH(dx, n, 0, f_load(y + i, left) * (f_load(g + i, left) - sum));
}

void NAME(log_softmax_grad)(float *dx, const float *g, const float *y, int64_t n) {
    double s;
    sum_row(&s, g, n);
    const F sum = f_all1((float)s);
    EACH(dx, n, 0, f_load(g + i, left) - exp_ps(f_load(y + i, left)) * sum);
}

void NAME(exp_shift)(float *y, const float *x, int64_t n, double shift, double scale, double add) {
    const F high = f_all1((float)shift), low = f_all1(isfinite(shift) ? (float)(shift - (double)(float)shift) : 0), by = f_all1((float)scale), more = f_all1((float)add);
    EACH(y, n, 0, exp_ps(f_load(x + i, left) - high - low) * by + more);
}

void NAME(exp_columns)(float *y, const float *x, int64_t n, const double *shift, const double *scale) {
    for (int64_t i = 0; i < n; i += W) {
        int64_t left = n - i < W ? n - i : W;
        F v = f_load(x + i, left);
        F d = f_of(d_low(v) - d_load(shift + i, left), d_high(v) - d_load(shift + i + W / 2, left - W / 2));
        if (scale) d = exp_ps(d) * f_of(d_load(scale + i, left), d_load(scale + i + W / 2, left - W / 2));
        f_store(y + i, d, left);
    }
}

/* A mean in two parts: x less the first is exact where it matters, near the mean. */
struct centre {
    F high, low;
};
static inline struct centre centre_of(double mean) {
    struct centre c = {f_all1((float)mean), f_all1(isfinite(mean) ? (float)(mean - (double)(float)mean) : 0)};
    return c;
}
#define CENTRED(v, c) ((v) - (c).high - (c).low)

void NAME(layer_norm)(float *y, const float *x, const float *w, const float *b, int64_t n, double eps, int stream) {
    double mean = mean_of(x, n);
    const struct centre c = centre_of(mean);
    const F scale = f_all1((float)(1 / sqrt(deviations_of(x, n, mean) / (double)n + eps)));
    if (w && b) EACH(y, n, stream, CENTRED(f_load(x + i, left), c) * scale * f_load(w + i, left) + f_load(b + i, left));
    else if (w) EACH(y, n, stream, CENTRED(f_load(x + i, left), c) * scale * f_load(w + i, left));
    else if (b) EACH(y, n, stream, CENTRED(f_load(x + i, left), c) * scale + f_load(b + i, left));
    else EACH(y, n, stream, CENTRED(f_load(x + i, left), c) * scale);
}

void NAME(rms_norm)(float *y, const float *x, const float *w, int64_t n, double eps, int stream) {
    const F scale = f_all1((float)(1 / sqrt(squares_of(x, n) / (double)n + eps)));
    if (w) EACH(y, n, stream, f_load(x + i, left) * scale * f_load(w + i, left));
    else EACH(y, n, stream, f_load(x + i, left) * scale);
}

/* With xhat the normalised row and h = g w: dx = (h - mean h - xhat mean(h xhat)) / sigma; without the mean of h for RMS. */
static void norm_grad(float *dx, float *dw, float *db, const float *g, const float *x, const float *w, int64_t n, double mean, double scale, int centred) {
    const struct centre c = centre_of(mean);
    const F by = f_all1((float)scale);
    D s[2] = {d_all1(0), d_all1(0)}, d[2] = {d_all1(0), d_all1(0)};
    for (int64_t i = 0; i < n; i += W) {
        int64_t left = n - i < W ? n - i : W;
        F h = f_load(g + i, left), xhat = CENTRED(f_load(x + i, left), c) * by;
        if (w) h *= f_load(w + i, left);
        s[0] += d_low(h), s[1] += d_high(h);
        h *= xhat; /* lanes behind the end have h = 0 */
        d[0] += d_low(h), d[1] += d_high(h);
    }
    const F sum = f_all1(centred ? (float)(d_sum(s[0] + s[1]) / (double)n) : 0), dot = f_all1((float)(d_sum(d[0] + d[1]) / (double)n));
    for (int64_t i = 0; i < n; i += W) {
        int64_t left = n - i < W ? n - i : W;
        F own = f_load(g + i, left), xhat = CENTRED(f_load(x + i, left), c) * by, h = own;
        if (w) h *= f_load(w + i, left);
        if (dw) f_store(dw + i, f_load(dw + i, left) + own * xhat, left);
        if (db) f_store(db + i, f_load(db + i, left) + own, left);
        if (dx) f_store(dx + i, (h - sum - xhat * dot) * by, left);
    }
}

void NAME(layer_norm_grad)(float *dx, float *dw, float *db, const float *g, const float *x, const float *w, int64_t n, double eps) {
    double mean = mean_of(x, n), scale = 1 / sqrt(deviations_of(x, n, mean) / (double)n + eps);
    norm_grad(dx, dw, db, g, x, w, n, mean, scale, 1);
}

void NAME(rms_norm_grad)(float *dx, float *dw, const float *g, const float *x, const float *w, int64_t n, double eps) {
    norm_grad(dx, dw, NULL, g, x, w, n, 0, 1 / sqrt(squares_of(x, n) / (double)n + eps), 0);
}

void NAME(affine)(float *y, const float *x, int64_t n, double mean, double scale, double shift, int stream) {
    const struct centre c = centre_of(mean);
    const F by = f_all1((float)scale), more = f_all1((float)shift);
    EACH(y, n, stream, CENTRED(f_load(x + i, left), c) * by + more);
}

void NAME(dots)(double sums[2], const float *g, const float *x, int64_t n, double mean) {
    const D m = d_all1(mean);
    D a[2] = {d_all1(0), d_all1(0)}, b[2] = {d_all1(0), d_all1(0)};
    for (int64_t i = 0; i < n; i += W) {
        int64_t left = n - i < W ? n - i : W;
        F h = f_load(g + i, left), v = f_load(x + i, left);
        a[0] += d_low(h), a[1] += d_high(h);
        b[0] += d_low(h) * (d_low(v) - m), b[1] += d_high(h) * (d_high(v) - m);
    }
    sums[0] = d_sum(a[0] + a[1]);
    sums[1] = d_sum(b[0] + b[1]);
}

void NAME(affine_grad)(float *dx, const float *g, const float *x, int64_t n, double a, double mean, double b, double c) {
    const struct centre m = centre_of(mean);
    const F by_g = f_all1((float)a), by_x = f_all1((float)b), more = f_all1((float)c);
    EACH(dx, n, 0, f_load(g + i, left) * by_g + CENTRED(f_load(x + i, left), m) * by_x + more);
}
