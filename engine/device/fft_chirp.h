/* Products with the chirp; included once a type (T, NAME) by fft_plan.c. An inverse transform exchanges real and imaginary parts on both sides. */

/* a = x c, and zeros up to the length of the convolution. */
static void NAME(chirp_in)(const struct vt__fft *fft, const T *x, int inverse, T *a) {
    const T *c = fft->chirp;
    for (int64_t k = 0; k < fft->n; k++) {
        T re = x[2 * k + (inverse != 0)], im = x[2 * k + !inverse];
        a[2 * k] = re * c[2 * k] - im * c[2 * k + 1];
        a[2 * k + 1] = re * c[2 * k + 1] + im * c[2 * k];
    }
    memset(a + 2 * fft->n, 0, (size_t)(fft->plan.n - fft->n) * 2 * sizeof *a);
}

/* y = a c */
static void NAME(chirp_out)(const struct vt__fft *fft, const T *a, int inverse, T *y) {
    const T *c = fft->chirp;
    for (int64_t k = 0; k < fft->n; k++) {
        T re = a[2 * k], im = a[2 * k + 1];
        y[2 * k + (inverse != 0)] = re * c[2 * k] - im * c[2 * k + 1];
        y[2 * k + !inverse] = re * c[2 * k + 1] + im * c[2 * k];
    }
}

static void NAME(multiply)(T *a, const T *w, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        T re = a[2 * k], im = a[2 * k + 1];
        a[2 * k] = re * w[2 * k] - im * w[2 * k + 1];
        a[2 * k + 1] = re * w[2 * k + 1] + im * w[2 * k];
    }
}

static void NAME(scale)(T *y, int64_t n, double factor) {
    for (int64_t k = 0; k < 2 * n; k++) y[k] *= (T)factor;
}
