/* One body for both types and all instruction sets: vectors of 64 bytes, of which the compiler makes what there is. Included twice a file, with
 *
 *     REAL   float or double          NAME(x)   the functions' names
 *
 * A stage of radix r takes n = r m (transforms of this length, s of them interleaved) to transforms of length m: with w = exp(-2 pi i / n)
 *
 *     y[q + s (r p + j)] = w^(p j) sum over k of x[q + s (p + m k)] exp(-2 pi i j k / r),   p < m, q < s, j < r
 *
 * Source: Stockham's autosort algorithm, Van Loan 1992, section 1.7. Inverse transforms are those with real and imaginary parts exchanged on both sides,
 * which is a matter of where they are read and written. */
typedef REAL NAME(lanes) __attribute__((vector_size(64)));
#define V NAME(lanes)

typedef struct NAME(stage) {
    const V *x;
    V *y;
    const REAL *roots;
    int64_t n, s, m; /* n = r m of this stage, the stride, m */
    int64_t step;    /* of roots: the whole length / n */
    int re, im;      /* which of an element's two vectors is which */
} NAME(stage);

/* y[at] = (re + i im) (wr + i wi) */
static inline void NAME(put)(const NAME(stage) *t, int64_t at, V re, V im, REAL wr, REAL wi) {
    t->y[2 * at + t->re] = re * wr - im * wi;
    t->y[2 * at + t->im] = re * wi + im * wr;
}

static void NAME(radix2)(const NAME(stage) *t) {
    for (int64_t p = 0; p < t->m; p++) {
        const REAL *w = t->roots + 2 * p * t->step;
        for (int64_t q = 0; q < t->s; q++) {
            const V *a = t->x + 2 * (q + t->s * p), *b = a + 2 * t->s * t->m;
            int64_t at = q + t->s * 2 * p;
            t->y[2 * at + t->re] = a[t->re] + b[t->re];
            t->y[2 * at + t->im] = a[t->im] + b[t->im];
            NAME(put)(t, at + t->s, a[t->re] - b[t->re], a[t->im] - b[t->im], w[0], w[1]);
        }
    }
}

static void NAME(radix3)(const NAME(stage) *t) {
    const REAL half = (REAL)0.5, sine = (REAL)0.86602540378443864676;
    for (int64_t p = 0; p < t->m; p++) {
        const REAL *w1 = t->roots + 2 * p * t->step, *w2 = t->roots + 4 * p * t->step;
        for (int64_t q = 0; q < t->s; q++) {
            const V *a = t->x + 2 * (q + t->s * p), *b = a + 2 * t->s * t->m, *c = b + 2 * t->s * t->m;
            int64_t at = q + t->s * 3 * p;
            V sum_re = b[t->re] + c[t->re], sum_im = b[t->im] + c[t->im], dif_re = (b[t->im] - c[t->im]) * sine, dif_im = (c[t->re] - b[t->re]) * sine;
            V mid_re = a[t->re] - sum_re * half, mid_im = a[t->im] - sum_im * half;
            t->y[2 * at + t->re] = a[t->re] + sum_re;
            t->y[2 * at + t->im] = a[t->im] + sum_im;
            NAME(put)(t, at + t->s, mid_re + dif_re, mid_im + dif_im, w1[0], w1[1]);
            NAME(put)(t, at + 2 * t->s, mid_re - dif_re, mid_im - dif_im, w2[0], w2[1]);
        }
    }
}

static void NAME(radix4)(const NAME(stage) *t) {
    for (int64_t p = 0; p < t->m; p++) {
        const REAL *w1 = t->roots + 2 * p * t->step, *w2 = t->roots + 4 * p * t->step, *w3 = t->roots + 6 * p * t->step;
        for (int64_t q = 0; q < t->s; q++) {
            const V *a = t->x + 2 * (q + t->s * p), *b = a + 2 * t->s * t->m, *c = b + 2 * t->s * t->m, *d = c + 2 * t->s * t->m;
            int64_t at = q + t->s * 4 * p;
            V ac_re = a[t->re] + c[t->re], ac_im = a[t->im] + c[t->im], am_re = a[t->re] - c[t->re], am_im = a[t->im] - c[t->im];
            V bd_re = b[t->re] + d[t->re], bd_im = b[t->im] + d[t->im], bm_re = b[t->re] - d[t->re], bm_im = b[t->im] - d[t->im];
            t->y[2 * at + t->re] = ac_re + bd_re;
            t->y[2 * at + t->im] = ac_im + bd_im;
            NAME(put)(t, at + t->s, am_re + bm_im, am_im - bm_re, w1[0], w1[1]);
            NAME(put)(t, at + 2 * t->s, ac_re - bd_re, ac_im - bd_im, w2[0], w2[1]);
            NAME(put)(t, at + 3 * t->s, am_re - bm_im, am_im + bm_re, w3[0], w3[1]);
        }
    }
}

/* Any other radix: the sums as they stand. */
static void NAME(radix)(const NAME(stage) *t, int64_t r) {
    int64_t turn = t->m * t->step; /* of roots, for a turn of 1 / r */
    for (int64_t p = 0; p < t->m; p++)
        for (int64_t q = 0; q < t->s; q++)
            for (int64_t j = 0; j < r; j++) {
                const V *x = t->x + 2 * (q + t->s * p);
                V re = x[t->re], im = x[t->im];
                for (int64_t k = 1; k < r; k++) {
                    const REAL *w = t->roots + 2 * (j * k % r) * turn;
                    x += 2 * t->s * t->m;
                    re += x[t->re] * w[0] - x[t->im] * w[1];
                    im += x[t->re] * w[1] + x[t->im] * w[0];
                }
                const REAL *w = t->roots + 2 * p * j * t->step;
                NAME(put)(t, q + t->s * (r * p + j), re, im, w[0], w[1]);
            }
}

static REAL *NAME(transform)(const vtk_fft_plan *plan, REAL *a, REAL *b, int inverse) {
    NAME(stage) t = {.roots = plan->roots, .n = plan->n, .s = 1, .re = inverse != 0, .im = !inverse};
    for (int32_t i = 0; i < plan->n_factors && !(plan->is_left && plan->is_left()); i++) {
        int64_t r = plan->factors[i];
        t.m = t.n / r;
        t.step = plan->n / t.n;
        t.x = (const V *)(const void *)a;
        t.y = (V *)(void *)b;
        if (r == 4) NAME(radix4)(&t);
        else if (r == 2) NAME(radix2)(&t);
        else if (r == 3) NAME(radix3)(&t);
        else NAME(radix)(&t, r);
        t.n = t.m;
        t.s *= r;
        REAL *other = a;
        a = b;
        b = other;
    }
    return a;
}
#undef V
