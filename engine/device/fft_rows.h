/* A batch of rows into lanes, through the transform, and out again; included once a type (T, NAME) by fft.c. Element i of lane l is at [2 i lanes + l], its
 * imaginary part lanes further. */

/* Complex rows are [n] pairs: as floats a matrix [rows, 2 n], whose transpose is what the kernels read. */
static void NAME(load_complex)(const struct job *job, const T *x, int64_t rows, T *a) {
    const vtk_table *t = vtk_get();
    if (rows < job->lanes) memset(a, 0, (size_t)(2 * job->n * job->lanes) * sizeof *a);
    if (sizeof *a == 4) t->transpose_32(a, job->lanes, x, 2 * job->n, rows, 2 * job->n);
    else t->transpose_64(a, job->lanes, x, 2 * job->n, rows, 2 * job->n);
}

static void NAME(store_complex)(const struct job *job, const T *a, int64_t rows, T *y) {
    const vtk_table *t = vtk_get();
    if (sizeof *a == 4) t->transpose_32(y, 2 * job->n, a, job->lanes, 2 * job->n, rows);
    else t->transpose_64(y, 2 * job->n, a, job->lanes, 2 * job->n, rows);
}

/* Rows 2 l and 2 l + 1 are the real and the imaginary part of lane l. */
static void NAME(load_real)(const struct job *job, const T *x, int64_t rows, T *a) {
    if (rows < job->rows_a_batch) memset(a, 0, (size_t)(2 * job->n * job->lanes) * sizeof *a);
    for (int64_t r = 0; r < rows; r++) {
        T *to = a + r / 2 + r % 2 * job->lanes;
        for (int64_t i = 0; i < job->n; i++) to[2 * i * job->lanes] = x[r * job->n + i];
    }
}

static void NAME(store_real)(const struct job *job, const T *a, int64_t rows, T *y) {
    for (int64_t r = 0; r < rows; r++) {
        const T *from = a + r / 2 + r % 2 * job->lanes;
        for (int64_t i = 0; i < job->n; i++) y[r * job->n + i] = from[2 * i * job->lanes];
    }
}

/* With Z the transform of u + i v: U[k] = (Z[k] + conj Z[n - k]) / 2, V[k] = (Z[k] - conj Z[n - k]) / 2i. */
static void NAME(store_halves)(const struct job *job, const T *a, int64_t rows, T *y) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < job->bins; k++) {
            const T *z = a + 2 * k * job->lanes + r / 2, *w = a + 2 * (k ? job->n - k : 0) * job->lanes + r / 2;
            T re = z[0], im = z[job->lanes], re2 = w[0], im2 = -w[job->lanes], *to = y + 2 * (r * job->bins + k);
            to[0] = (r % 2 ? im - im2 : re + re2) * (T)0.5;
            to[1] = (r % 2 ? re2 - re : im + im2) * (T)0.5;
        }
}

/* U + i V of whole spectra, the other half of each being the conjugate; what has no counterpart is real. */
static void NAME(load_halves)(const struct job *job, const T *x, int64_t rows, T *a) {
    memset(a, 0, (size_t)(2 * job->n * job->lanes) * sizeof *a);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < job->bins; k++) {
            const T *from = x + 2 * (r * job->bins + k);
            int alone = k == 0 || 2 * k == job->n;
            T re = from[0], im = alone ? 0 : from[1];
            for (int other = 0; other < (alone ? 1 : 2); other++, im = -im) {
                T *to = a + 2 * (other ? job->n - k : k) * job->lanes + r / 2;
                to[0] += r % 2 ? -im : re;
                to[job->lanes] += r % 2 ? re : im;
            }
        }
}

static T *NAME(kernel)(const struct length *l, T *a, T *b, int inverse) {
    return sizeof *a == 4 ? (T *)(void *)vtk_get()->fft->f32(&l->plan, (float *)(void *)a, (float *)(void *)b, inverse)
                          : (T *)(void *)vtk_get()->fft->f64(&l->plan, (double *)(void *)a, (double *)(void *)b, inverse);
}

/* a[i] *= w[i], elements of all lanes by one complex number. */
static void NAME(multiply)(T *a, const T *w, int64_t n, int64_t lanes) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t l = 0; l < lanes; l++) {
            T *z = a + 2 * i * lanes + l, re = z[0], im = z[lanes];
            z[0] = re * w[2 * i] - im * w[2 * i + 1];
            z[lanes] = re * w[2 * i + 1] + im * w[2 * i];
        }
}

static void NAME(exchange)(T *a, int64_t n, int64_t lanes) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t l = 0; l < lanes; l++) {
            T *z = a + 2 * i * lanes + l, re = z[0];
            z[0] = z[lanes];
            z[lanes] = re;
        }
}

/* X[k] = c[k] sum over j of (x[j] c[j]) conj c[k - j], c[k] = exp(-i pi k^2 / n): a circular convolution of a length that has no large prime. */
static T *NAME(transform)(const struct job *job, T *a, T *b) {
    const struct length *l = &job->length;
    const T *chirp = (const T *)(const void *)l->chirp;
    if (!chirp) return NAME(kernel)(l, a, b, job->inverse);
    if (job->inverse) NAME(exchange)(a, l->n, job->lanes);
    NAME(multiply)(a, chirp, l->n, job->lanes);
    memset(a + 2 * l->n * job->lanes, 0, (size_t)(2 * (l->plan.n - l->n) * job->lanes) * sizeof *a);
    T *spectrum = NAME(kernel)(l, a, b, 0);
    NAME(multiply)(spectrum, (const T *)(const void *)l->spectrum, l->plan.n, job->lanes);
    T *result = NAME(kernel)(l, spectrum, spectrum == a ? b : a, 1);
    NAME(multiply)(result, chirp, l->n, job->lanes);
    if (job->inverse) NAME(exchange)(result, l->n, job->lanes);
    return result;
}

static void NAME(batch)(const struct job *job, int64_t first, int64_t rows, char *room) {
    T *a = (T *)(void *)room, *b = a + 2 * job->length.plan.n * job->lanes;
    const T *x = job->run->in[0].data;
    T *y = job->run->out[0].data;
    switch (job->kind) {
    case COMPLEX:
        NAME(load_complex)(job, x + 2 * first * job->n, rows, a);
        NAME(store_complex)(job, NAME(transform)(job, a, b), rows, y + 2 * first * job->n);
        break;
    case REAL_TO_HALF:
        NAME(load_real)(job, x + first * job->n, rows, a);
        NAME(store_halves)(job, NAME(transform)(job, a, b), rows, y + 2 * first * job->bins);
        break;
    default:
        NAME(load_halves)(job, x + 2 * first * job->bins, rows, a);
        NAME(store_real)(job, NAME(transform)(job, a, b), rows, y + first * job->n);
        break;
    }
}
