/* Softmax and norms of rows of float32; behind fold_f32_body.h, whose folds they begin with. */

/* Elements before the first vector that lies on its own boundary. */
#define LANES_BEFORE(y) (int64_t)((0 - (uintptr_t)(y)) / sizeof(float) & (W - 1))

/* Writes f of each element; past the caches where asked for and where vectors lie on their own boundaries. */
#define EACH(y, n, stream, VALUE) \
    do { \
        int64_t i = 0; \
        if (stream) { \
            int64_t head = LANES_BEFORE(y); \
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
    } while (0)

/* What fits here is computed in the cache before it goes past it. */
enum { ROOM = 16384 };
static void softmax_past(float *y, const float *x, int64_t n) {
    _Alignas(64) float room[ROOM];
    const F share = f_all1((float)(1 / exps_into(room, x, n, f_all1(largest_of(x, n)), 1)));
    EACH(y, n, 1, f_load(room + i, left) * share);
}

/* A NaN shows in the sum of exponentials, and so does an infinite largest one. */
void NAME(softmax)(float *y, const float *x, int64_t n, int stream) {
    if (stream && n <= ROOM) {
        softmax_past(y, x, n);
        return;
    }
    const F share = f_all1((float)(1 / exps_into(y, x, n, f_all1(largest_of(x, n)), 1)));
    EACH(y, n, 0, f_load(y + i, left) * share);
}

/* x - m first: it is exact near the largest, where the results are small. */
void NAME(log_softmax)(float *y, const float *x, int64_t n, int stream) {
    const F base = f_all1(largest_of(x, n)), rest = f_all1((float)log(exps_into(NULL, x, n, base, 1)));
    EACH(y, n, stream, f_load(x + i, left) - base - rest);
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

void NAME(softmax_grad)(float *dx, const float *g, const float *y, int64_t n, int stream) {
    const F sum = f_all1((float)product_of(g, y, n));
    EACH(dx, n, stream, f_load(y + i, left) * (f_load(g + i, left) - sum));
}

void NAME(log_softmax_grad)(float *dx, const float *g, const float *y, int64_t n, int stream) {
    double s;
    sum_row(&s, g, n);
    const F sum = f_all1((float)s);
    EACH(dx, n, stream, f_load(g + i, left) - exp_ps(f_load(y + i, left)) * sum);
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

/* Sum of x - pivot, or of its square: in float32 for 8 vectors, then in float64. */
VTK_INLINE double near_sum(const float *x, int64_t n, struct centre c, const int squares) {
    D s = d_all1(0), t = s;
    int64_t i = 0, far = FAR(n), next = squares ? NEXT_ROW(n) : 0;
    for (; i + 8 * W <= n; i += 8 * W) {
        F a = f_all1(0), b = a;
        for (int64_t k = 0; k < 8; k += 2) {
            const float *p = x + i + k * W;
            F u = f_load(p, W), v = f_load(p + W, W);
            u = squares ? CENTRED(u, c) : u - c.high, v = squares ? CENTRED(v, c) : v - c.high;
            if (squares) AHEAD(x + next + (i + k * W) / 2);
            else AHEAD(p + far), AHEAD(p + W + far);
            if (squares) a = f_fma(u, u, a), b = f_fma(v, v, b);
            else a += u, b += v;
        }
        a += b;
        s += d_low(a), t += d_high(a);
    }
    for (; i < n; i += W) {
        int64_t left = n - i < W ? n - i : W;
        F u = CENTRED(f_load(x + i, left), c);
        if (left < W) u = f_and(u, f_first(left));
        if (squares) u *= u;
        s += d_low(u), t += d_high(u);
    }
    return d_sum(s + t);
}

/* Squares that float32 cannot hold, or not well, are summed in float64. */
static int is_safe(double sum, int64_t n) { return sum > 1e-30 * (double)n && sum < 1e37; }

/* The first element as a pivot: what is left is of the size of the deviations, and of a mean far from 0 nothing is lost. */
static double near_mean(const float *x, int64_t n) {
    double sum = near_sum(x, n, centre_of((double)x[0]), 0);
    return isfinite(sum) ? (double)x[0] + sum / (double)n : mean_of(x, n);
}

static double near_deviations(const float *x, int64_t n, double mean) {
    double sum = near_sum(x, n, centre_of(mean), 1);
    return is_safe(sum, n) ? sum : deviations_of(x, n, mean);
}

static double near_squares(const float *x, int64_t n) {
    double sum = near_sum(x, n, centre_of(0), 1);
    return is_safe(sum, n) ? sum : squares_of(x, n);
}

void NAME(moments)(double state[2], const float *x, int64_t n) {
    state[0] = near_mean(x, n);
    state[1] = near_deviations(x, n, state[0]);
}

void NAME(layer_norm)(float *y, const float *x, const float *w, const float *b, int64_t n, double eps, int stream) {
    const float *behind = x + NEXT_ROW(n) + n / 2;
    double mean = near_mean(x, n);
    const struct centre c = centre_of(mean);
    const F scale = f_all1((float)(1 / sqrt(near_deviations(x, n, mean) / (double)n + eps)));
    if (w && b) EACH(y, n, stream, (AHEAD(behind + i / 2), CENTRED(f_load(x + i, left), c) * scale * f_load(w + i, left) + f_load(b + i, left)));
    else if (w) EACH(y, n, stream, (AHEAD(behind + i / 2), CENTRED(f_load(x + i, left), c) * scale * f_load(w + i, left)));
    else if (b) EACH(y, n, stream, (AHEAD(behind + i / 2), CENTRED(f_load(x + i, left), c) * scale + f_load(b + i, left)));
    else EACH(y, n, stream, (AHEAD(behind + i / 2), CENTRED(f_load(x + i, left), c) * scale));
}

void NAME(rms_norm)(float *y, const float *x, const float *w, int64_t n, double eps, int stream) {
    const float *behind = x + NEXT_ROW(n) + n / 2;
    const F scale = f_all1((float)(1 / sqrt(near_squares(x, n) / (double)n + eps)));
    if (w) EACH(y, n, stream, (AHEAD(behind + i / 2), f_load(x + i, left) * scale * f_load(w + i, left)));
    else EACH(y, n, stream, (AHEAD(behind + i / 2), f_load(x + i, left) * scale));
}

VTK_INLINE F xhat_of(F v, struct centre c, const int centred) {
    if (centred) v = CENTRED(v, c);
    return v;
}
VTK_INLINE F times(F v, const float *w, int64_t i, int64_t left) {
    if (w) v *= f_load(w + i, left);
    return v;
}

/* With xhat the normalised row and h = g w: dx = (h - mean h - xhat mean(h xhat)) / sigma; without the mean of h for RMS. */
VTK_INLINE void norm_grad(float *dx, float *dw, float *db, const float *g, const float *x, const float *w, int64_t n, double mean, double scale, const int centred, int stream) {
    const struct centre c = centre_of(mean);
    const F by = f_all1((float)scale);
    const int64_t next = NEXT_ROW(n);
    D s[2] = {d_all1(0), d_all1(0)}, d[2] = {d_all1(0), d_all1(0)};
    for (int64_t i = 0; i < n; i += 8 * W) {
        F a = f_all1(0), b = a;
        for (int64_t j = i, end = i + 8 * W < n ? i + 8 * W : n; j < end; j += W) {
            int64_t left = n - j < W ? n - j : W;
            F h = f_load(g + j, left), xhat = xhat_of(f_load(x + j, left), c, centred) * by;
            h = times(h, w, j, left);
            AHEAD(g + j + next);
            if (centred) a += h;
            b = f_fma(h, xhat, b); /* lanes behind the end have h = 0 */
        }
        if (centred) s[0] += d_low(a), s[1] += d_high(a);
        d[0] += d_low(b), d[1] += d_high(b);
    }
    const F sum = f_all1(centred ? (float)(d_sum(s[0] + s[1]) / (double)n) : 0), dot = f_all1((float)(d_sum(d[0] + d[1]) / (double)n));
    const int64_t head = stream ? LANES_BEFORE(dx) : 0;
    for (int64_t i = 0, left; i < n; i += left) {
        left = i < head ? head : W;
        if (left > n - i) left = n - i;
        F own = f_load(g + i, left), xhat = xhat_of(f_load(x + i, left), c, centred) * by;
        AHEAD(x + i + next);
        if (dw) f_store(dw + i, f_load(dw + i, left) + own * xhat, left);
        if (db) f_store(db + i, f_load(db + i, left) + own, left);
        if (!dx) continue;
        own = (times(own, w, i, left) - sum - xhat * dot) * by;
        if (stream && left == W) f_stream(dx + i, own);
        else f_store(dx + i, own, left);
    }
}

void NAME(layer_norm_grad)(float *dx, float *dw, float *db, const float *g, const float *x, const float *w, int64_t n, double eps, int stream) {
    double mean = near_mean(x, n), scale = 1 / sqrt(near_deviations(x, n, mean) / (double)n + eps);
    norm_grad(dx, dw, db, g, x, w, n, mean, scale, 1, stream);
}

void NAME(rms_norm_grad)(float *dx, float *dw, const float *g, const float *x, const float *w, int64_t n, double eps, int stream) {
    norm_grad(dx, dw, NULL, g, x, w, n, 0, 1 / sqrt(near_squares(x, n) / (double)n + eps), 0, stream);
}

void NAME(affine)(float *y, const float *x, int64_t n, double mean, double scale, double shift, int stream) {
    const struct centre c = centre_of(mean);
    const F by = f_all1((float)scale), more = f_all1((float)shift);
    EACH(y, n, stream, CENTRED(f_load(x + i, left), c) * by + more);
}

void NAME(dots)(double sums[2], const float *g, const float *x, int64_t n, double mean) {
    const struct centre c = centre_of(mean);
    const int64_t next = NEXT_ROW(n);
    D s[2] = {d_all1(0), d_all1(0)}, d[2] = {d_all1(0), d_all1(0)};
    for (int64_t i = 0; i < n; i += 8 * W) {
        F a = f_all1(0), b = a;
        for (int64_t j = i, end = i + 8 * W < n ? i + 8 * W : n; j < end; j += W) {
            int64_t left = n - j < W ? n - j : W;
            F h = f_load(g + j, left);
            AHEAD(g + j + next);
            a += h, b = f_fma(h, CENTRED(f_load(x + j, left), c), b);
        }
        s[0] += d_low(a), s[1] += d_high(a);
        d[0] += d_low(b), d[1] += d_high(b);
    }
    sums[0] = d_sum(s[0] + s[1]);
    sums[1] = d_sum(d[0] + d[1]);
}

void NAME(affine_grad)(float *dx, const float *g, const float *x, int64_t n, double a, double mean, double b, double c, int stream) {
    const struct centre m = centre_of(mean);
    const F by_g = f_all1((float)a), by_x = f_all1((float)b), more = f_all1((float)c);
    EACH(dx, n, stream, f_load(g + i, left) * by_g + CENTRED(f_load(x + i, left), m) * by_x + more);
}
