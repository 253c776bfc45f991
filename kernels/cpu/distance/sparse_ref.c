#include "cpu/distance/distance.h"

#include <math.h>

void vtk_sparse_dot_ref(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n) {
    for (int64_t c = 0; c < VTK_SPARSE; c++) {
        double sum = 0.0;
        for (int64_t i = 0; i < n; i++) sum += (double)values[i] * (double)dense[(int64_t)columns[i] * VTK_SPARSE + c];
        sums[c] = sum;
    }
}

void vtk_sparse_shared_ref(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n) {
    for (int64_t c = 0; c < VTK_SPARSE; c++) {
        double sum = 0.0;
        for (int64_t i = 0; i < n; i++) {
            double a = (double)values[i], b = (double)dense[(int64_t)columns[i] * VTK_SPARSE + c];
            if (a * b > 0.0) sum += fmin(fabs(a), fabs(b));
        }
        sums[c] = sum;
    }
}
