#include "sample/row.h"

#include <math.h>

static double get(const void *x, int32_t dtype, int64_t i) {
    return dtype == VT_DTYPE_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void set(void *x, int32_t dtype, int64_t i, double v) {
    if (dtype == VT_DTYPE_F32) ((float *)x)[i] = (float)v;
    else ((double *)x)[i] = v;
}

/* Value k in rising order; those before it are not greater, those behind not smaller. */
static double order_statistic(double *v, int64_t n, int64_t k) {
    int64_t low = 0, high = n - 1;
    while (low < high) {
        const double pivot = v[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i > j) break;
            const double held = v[i];
            v[i++] = v[j];
            v[j--] = held;
        }
        if (k <= j) high = j;
        else if (k >= i) low = i;
        else break;
    }
    return v[k];
}

double vt__quantile(double *v, int64_t n, double q) {
    const double at = q * (double)(n - 1), whole = floor(at);
    const int64_t k = (int64_t)whole;
    const double low = order_statistic(v, n, k);
    if (k + 1 >= n || at == whole) return low;
    double high = v[k + 1];
    for (int64_t i = k + 2; i < n; i++) high = fmin(high, v[i]);
    return low + (at - whole) * (high - low);
}

void vt__row_threshold(void *x, int32_t dtype, int64_t n, double quantile, double floor_value, double top, double *magnitudes) {
    for (int64_t i = 0; i < n; i++) {
        magnitudes[i] = fabs(get(x, dtype, i));
        if (!isfinite(magnitudes[i])) return; /* the caller finds out */
    }
    double s = fmax(vt__quantile(magnitudes, n, quantile), floor_value);
    if (top > 0) s = fmin(s, top);
    for (int64_t i = 0; i < n; i++) set(x, dtype, i, fmax(-s, fmin(s, get(x, dtype, i))) / s);
}

static double deviation(const void *x, int32_t dtype, int64_t n) {
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) mean += get(x, dtype, i);
    mean /= (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double d = get(x, dtype, i) - mean;
        sum += d * d;
    }
    return sqrt(sum / (double)(n > 1 ? n - 1 : 1));
}

void vt__row_rescale(void *x, const void *like, int32_t dtype, int64_t n, double share) {
    const double own = deviation(x, dtype, n);
    if (!(own > 0)) return;
    const double factor = share * deviation(like, dtype, n) / own + 1 - share;
    for (int64_t i = 0; i < n; i++) set(x, dtype, i, get(x, dtype, i) * factor);
}
