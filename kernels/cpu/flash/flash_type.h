/* The reference for elements of one type: the file that includes this defines REAL and NAME(x). Arithmetic is float64's. */

static double NAME(at)(const void *p, int64_t i) { return (double)((const REAL *)p)[i]; }

void NAME(vtk_flash_adjust)(const vtk_flash_adjust *p) {
    for (int64_t r = 0; r < p->n_rows; r++)
        for (int64_t c = 0; c < p->n; c++) {
            int64_t i = r * p->ld + c, far = p->diagonal + r - c;
            double s = p->scale * NAME(at)(p->s, i), t = p->softcap != 0 ? tanh(s / p->softcap) : 0;
            if (p->softcap != 0) s = p->softcap * t;
            if (p->slope != 0) s -= p->slope * (double)(far < 0 ? -far : far);
            if (p->bias) s += NAME(at)(p->bias, i);
            if (p->bend) ((REAL *)p->bend)[i] = (REAL)(1 - t * t);
            ((REAL *)p->s)[i] = (REAL)s;
        }
}

void NAME(vtk_flash_weigh)(const vtk_flash_weigh *p) {
    for (int64_t r = 0; r < p->n_rows; r++) {
        REAL *s = (REAL *)p->s + r * p->ld, *max = (REAL *)p->max + r, *sum = (REAL *)p->sum + r, *shrink = (REAL *)p->shrink + r;
        int64_t first = p->first ? p->first[r] : 0, last = p->last ? p->last[r] : p->n;
        REAL m = *max;
        for (int64_t c = first; c < last; c++) {
            REAL t = (REAL)(p->factor * (double)s[c]);
            if (t > m) m = t;
        }
        double base = m == -(REAL)INFINITY ? 0 : (double)m, all = 0;
        for (int64_t c = 0; c < p->n; c++) {
            s[c] = c >= first && c < last ? (REAL)exp2((double)(REAL)(p->factor * (double)s[c]) - base) : 0;
            all += (double)s[c];
        }
        *shrink = (REAL)exp2((double)*max - base);
        *sum = (REAL)((double)*shrink * (double)*sum + all);
        *max = m;
    }
}

void NAME(vtk_flash_slopes)(const vtk_flash_slopes *p) {
    for (int64_t r = 0; r < p->n_rows; r++) {
        REAL *s = (REAL *)p->s + r * p->ld, *dp = (REAL *)p->dp + r * p->ld;
        int64_t first = p->first ? p->first[r] : 0, last = p->last ? p->last[r] : p->n;
        for (int64_t c = 0; c < p->n; c++) {
            int seen = c >= first && c < last;
            s[c] = seen ? (REAL)exp2(p->factor * (double)s[c] - NAME(at)(p->lse, c)) : 0;
            dp[c] = seen ? (REAL)((double)s[c] * ((double)dp[c] - NAME(at)(p->delta, c))) : 0;
        }
    }
}

void NAME(vtk_flash_shrink)(void *o, int64_t ld, int64_t n_rows, int64_t n, const void *by) {
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t c = 0; c < n; c++) ((REAL *)o)[r * ld + c] *= ((const REAL *)by)[r];
}

void NAME(vtk_flash_multiply)(void *x, int64_t ld, int64_t n_rows, int64_t n, double scale, const void *by) {
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t i = r * ld; i < r * ld + n; i++) ((REAL *)x)[i] = (REAL)(NAME(at)(x, i) * scale * (by ? NAME(at)(by, i) : 1));
}

void NAME(vtk_flash_dot)(void *out, const void *a, int64_t ld_a, const void *b, int64_t ld_b, int64_t n_rows, int64_t n) {
    for (int64_t r = 0; r < n_rows; r++) {
        double sum = 0;
        for (int64_t c = 0; c < n; c++) sum += NAME(at)(a, r * ld_a + c) * NAME(at)(b, r * ld_b + c);
        ((REAL *)out)[r] = (REAL)sum;
    }
}

void NAME(vtk_flash_sum_rows)(void *out, const void *w, const void *x, int64_t ld, int64_t n_rows, int64_t n) {
    for (int64_t c = 0; c < n; c++) {
        double sum = NAME(at)(out, c);
        for (int64_t r = 0; r < n_rows; r++) sum += NAME(at)(w, r) * NAME(at)(x, r * ld + c);
        ((REAL *)out)[c] = (REAL)sum;
    }
}

void NAME(vtk_flash_finish)(void *o, int64_t ld, int64_t n_rows, int64_t n, void *lse, const void *max, const void *sum) {
    for (int64_t r = 0; r < n_rows; r++) {
        double total = NAME(at)(sum, r), m = NAME(at)(max, r);
        REAL *row = (REAL *)o + r * ld;
        for (int64_t c = 0; c < n; c++) row[c] = total == 0 ? 0 : (REAL)((double)row[c] / total);
        ((REAL *)lse)[r] = total == 0 ? -(REAL)INFINITY : (REAL)(m * LN2 + log(total));
    }
}
