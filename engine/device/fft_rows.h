/* Real rows: what is done before and after a complex transform; included once a type (T, NAME) by fft.c. Complex numbers are pairs. */

/* With Z the transform of z[j] = x[2 j] + i x[2 j + 1], m = n / 2 points, and w[k] = exp(-i pi k / m):
 *
 *     X[k] = (Z[k] + conj Z[m - k]) / 2 - i w[k] (Z[k] - conj Z[m - k]) / 2,   k = 0..m, Z[m] = Z[0]
 *
 * In place: y has Z and room for one more. */
static void NAME(split_half)(T *y, const T *w, int64_t m) {
    const T half = (T)0.5;
    T re = y[0], im = y[1];
    y[0] = re + im, y[1] = 0;
    y[2 * m] = re - im, y[2 * m + 1] = 0;
    for (int64_t k = 1; 2 * k <= m; k++) {
        T *a = y + 2 * k, *b = y + 2 * (m - k);
        T sum_re = (a[0] + b[0]) * half, sum_im = (a[1] - b[1]) * half, dif_re = (a[0] - b[0]) * half, dif_im = (a[1] + b[1]) * half;
        T turn_re = w[2 * k] * dif_im + w[2 * k + 1] * dif_re, turn_im = w[2 * k + 1] * dif_im - w[2 * k] * dif_re; /* -i w times the difference */
        a[0] = sum_re + turn_re, a[1] = sum_im + turn_im;
        b[0] = sum_re - turn_re, b[1] = turn_im - sum_im;
    }
}

/* The way back, twice as large: Z[k] = (X[k] + conj X[m - k]) + i conj w[k] (X[k] - conj X[m - k]). Imaginary parts of the first and the last bin do not
 * count. */
static void NAME(join_half)(T *z, const T *x, const T *w, int64_t m) {
    z[0] = x[0] + x[2 * m], z[1] = x[0] - x[2 * m];
    for (int64_t k = 1; 2 * k <= m; k++) {
        const T *a = x + 2 * k, *b = x + 2 * (m - k);
        T sum_re = a[0] + b[0], sum_im = a[1] - b[1], dif_re = a[0] - b[0], dif_im = a[1] + b[1];
        T turn_re = w[2 * k + 1] * dif_re - w[2 * k] * dif_im, turn_im = w[2 * k] * dif_re + w[2 * k + 1] * dif_im; /* i conj w times the difference */
        z[2 * k] = sum_re + turn_re, z[2 * k + 1] = sum_im + turn_im;
        z[2 * (m - k)] = sum_re - turn_re, z[2 * (m - k) + 1] = turn_im - sum_im;
    }
}

/* Two rows of odd length as one complex row; v may be NULL. */
static void NAME(pack_two)(T *z, const T *u, const T *v, int64_t n) {
    for (int64_t i = 0; i < n; i++) z[2 * i] = u[i], z[2 * i + 1] = v ? v[i] : 0;
}

static void NAME(unpack_two)(const T *z, T *u, T *v, int64_t n) {
    for (int64_t i = 0; i < n; i++) u[i] = z[2 * i];
    for (int64_t i = 0; v && i < n; i++) v[i] = z[2 * i + 1];
}

/* With Z the transform of u + i v: U[k] = (Z[k] + conj Z[n - k]) / 2, V[k] = (Z[k] - conj Z[n - k]) / 2i. */
static void NAME(split_two)(const T *z, T *u, T *v, int64_t n) {
    for (int64_t k = 0; k <= n / 2; k++) {
        const T *a = z + 2 * k, *b = z + 2 * (k ? n - k : 0);
        u[2 * k] = (a[0] + b[0]) * (T)0.5, u[2 * k + 1] = (a[1] - b[1]) * (T)0.5;
        if (v) v[2 * k] = (a[1] + b[1]) * (T)0.5, v[2 * k + 1] = (b[0] - a[0]) * (T)0.5;
    }
}

/* U + i V of whole spectra of odd length, the other half of each being the conjugate; the first bin is real. */
static void NAME(join_two)(T *z, const T *u, const T *v, int64_t n) {
    z[0] = u[0], z[1] = v ? v[0] : 0;
    for (int64_t k = 1; k <= n / 2; k++) {
        T c = u[2 * k], d = u[2 * k + 1], e = v ? v[2 * k] : 0, f = v ? v[2 * k + 1] : 0;
        z[2 * k] = c - f, z[2 * k + 1] = d + e;
        z[2 * (n - k)] = c + f, z[2 * (n - k) + 1] = e - d;
    }
}

/* Rows [first, first + rows) of a job whose transforms are of all n real numbers, two at a time. room: two complex rows. */
static void NAME(odd_rows)(const struct job *job, int64_t first, int64_t rows, T *room, void *scratch) {
    const T *x = job->run->in[0].data;
    T *y = job->run->out[0].data, *other = room + 2 * job->n;
    int64_t n = job->n, in = job->kind == REAL_TO_HALF ? n : 2 * job->bins, out = job->kind == REAL_TO_HALF ? 2 * job->bins : n;
    for (int64_t r = first; r < first + rows; r += 2) {
        int two = r + 1 < first + rows;
        const T *u = x + r * in, *v = two ? u + in : NULL;
        T *p = y + r * out, *q = two ? p + out : NULL;
        if (job->kind == REAL_TO_HALF) NAME(pack_two)(room, u, v, n);
        else NAME(join_two)(room, u, v, n);
        vt__fft_run(job->fft, &(struct vt__fft_rows){.x = room, .y = other, .rows = 1, .scale = 1, .inverse = job->kind != REAL_TO_HALF, .scratch = scratch});
        if (job->kind == REAL_TO_HALF) NAME(split_two)(other, p, q, n);
        else NAME(unpack_two)(other, p, q, n);
    }
}

/* The same where n is even: transforms of half as many complex numbers. room: LANES_MOST complex rows. */
static void NAME(even_rows)(const struct job *job, int64_t first, int64_t rows, T *room, void *scratch) {
    int64_t n = job->n, m = n / 2, bins = job->bins;
    const T *x = job->run->in[0].data, *w = job->fft->half;
    T *y = job->run->out[0].data;
    for (int64_t r = first; r < first + rows; r += LANES_MOST) {
        int64_t some = min_of(LANES_MOST, first + rows - r);
        struct vt__fft_rows call = {.rows = some, .scale = 1, .scratch = scratch};
        if (job->kind == REAL_TO_HALF) {
            call.x = x + r * n, call.x_pitch = m;
            call.y = y + 2 * r * bins, call.y_pitch = bins;
            vt__fft_run(job->fft, &call);
            for (int64_t i = r; i < r + some; i++) NAME(split_half)(y + 2 * i * bins, w, m);
        } else {
            for (int64_t i = 0; i < some; i++) NAME(join_half)(room + 2 * i * m, x + 2 * (r + i) * bins, w, m);
            call.x = room, call.x_pitch = m;
            call.y = y + r * n, call.y_pitch = m;
            call.inverse = 1;
            vt__fft_run(job->fft, &call);
        }
    }
}
