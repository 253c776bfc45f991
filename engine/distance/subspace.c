#include "distance/subspace.h"

#include <math.h>
#include <string.h>

enum { B = VT__SUBSPACE_MAX, MAX_SWEEPS = 50 };

/* A column that keeps less than this of its length was a combination of the others, to rounding. */
static const double SPANNED = 1e-13;

static double dot(const double *v, int64_t n, int b, int i, int j) {
    double sum = 0.0;
    for (int64_t k = 0; k < n; k++) sum += v[k * b + i] * v[k * b + j];
    return sum;
}

static void scale(double *v, int64_t n, int b, int j, double factor) {
    for (int64_t k = 0; k < n; k++) v[k * b + j] = factor == 0.0 ? 0.0 : v[k * b + j] * factor;
}

void vt__subspace_orthonormalise(double *v, int64_t n, int b) {
    for (int j = 0; j < b; j++) {
        double before = sqrt(dot(v, n, b, j, j)), after;
        for (int round = 0; round < 2; round++)
            for (int i = 0; i < j; i++) {
                double share = dot(v, n, b, i, j);
                for (int64_t k = 0; k < n; k++) v[k * b + j] -= share * v[k * b + i];
            }
        after = sqrt(dot(v, n, b, j, j));
        scale(v, n, b, j, after > before * SPANNED && after > 0.0 ? 1.0 / after : 0.0);
    }
}

/* Turns rows and columns i and j of the symmetric h so that h[i][j] becomes 0, and the columns of q alike. */
static void turn_pair(double h[B][B], double q[B][B], int b, int i, int j) {
    double angle = (h[j][j] - h[i][i]) / (2.0 * h[i][j]);
    double t = (angle >= 0.0 ? 1.0 : -1.0) / (fabs(angle) + sqrt(angle * angle + 1.0));
    double c = 1.0 / sqrt(t * t + 1.0), s = t * c;

    for (int k = 0; k < b; k++) {
        double x = h[k][i], y = h[k][j];
        h[k][i] = c * x - s * y;
        h[k][j] = s * x + c * y;
    }
    for (int k = 0; k < b; k++) {
        double x = h[i][k], y = h[j][k];
        h[i][k] = c * x - s * y;
        h[j][k] = s * x + c * y;
        x = q[k][i], y = q[k][j];
        q[k][i] = c * x - s * y;
        q[k][j] = s * x + c * y;
    }
}

/* Eigenvectors of h into the columns of q, eigenvalues onto h's diagonal: cyclic Jacobi. */
static void diagonalise(double h[B][B], double q[B][B], int b) {
    double size = 0.0;
    for (int i = 0; i < b; i++) {
        size = fmax(size, fabs(h[i][i]));
        for (int j = 0; j < b; j++) q[i][j] = i == j;
    }
    for (int sweep = 0, turned = 1; turned && sweep < MAX_SWEEPS; sweep++) {
        turned = 0;
        for (int i = 0; i < b; i++)
            for (int j = i + 1; j < b; j++) {
                if (fabs(h[i][j]) <= 1e-17 * size) continue;
                turn_pair(h, q, b, i, j);
                turned = 1;
            }
    }
}

/* v becomes v * q with q's columns in the order given. */
static void multiply(double *v, int64_t n, int b, double q[B][B], const int *order) {
    for (int64_t k = 0; k < n; k++) {
        double row[B];
        memcpy(row, v + k * b, (size_t)b * sizeof *row);
        for (int j = 0; j < b; j++) {
            double sum = 0.0;
            for (int i = 0; i < b; i++) sum += row[i] * q[i][order[j]];
            v[k * b + j] = sum;
        }
    }
}

void vt__subspace_turn(double *v, double *z, int64_t n, int b, double *values) {
    double h[B][B], q[B][B];
    int order[B];

    memset(h, 0, sizeof h);
    for (int64_t k = 0; k < n; k++)
        for (int i = 0; i < b; i++)
            for (int j = 0; j <= i; j++) h[i][j] += (v[k * b + i] * z[k * b + j] + v[k * b + j] * z[k * b + i]) / 2.0;
    for (int i = 0; i < b; i++)
        for (int j = i + 1; j < b; j++) h[i][j] = h[j][i];
    diagonalise(h, q, b);
    for (int i = 0; i < b; i++) { /* insertion by value: the larger first, equal ones as they come */
        int at = i;
        for (; at > 0 && h[order[at - 1]][order[at - 1]] < h[i][i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (int i = 0; i < b; i++) values[i] = h[order[i]][order[i]];
    multiply(v, n, b, q, order);
    multiply(z, n, b, q, order);
}
