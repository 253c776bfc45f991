/* Numbers that solvers' coefficients are made of, in float64: exponential integrals without loss at small steps, integrals of Lagrange polynomials, small
 * dense systems. Not here: what a solver does with them (exponential.c, multistep.c). */
#ifndef VENTURI_SAMPLE_COEFFICIENT_H
#define VENTURI_SAMPLE_COEFFICIENT_H

#include "venturi/types.h"

/* phi_k(z): phi_0 = e^z, phi_{k+1}(z) = (phi_k(z) - 1/k!) / z, phi_k(0) = 1/k!; k from 0 to 8. The recursion loses a digit for each digit that |z| is below
 * 1, so small z are summed as a series: full precision for every z. */
double vt__phi(int32_t k, double z);

/* out [n]: integrals from a to b of w(s) L_j(s) ds, L_j the Lagrange polynomial that is 1 at node[j] and 0 at the others [n, at most VT__MOST_NODES], by
 * composite Gauss-Legendre quadrature of 64 points. w NULL: 1. Nodes must differ. */
enum { VT__MOST_NODES = 8 };
typedef double (*vt__weight_fn)(void *user, double s);
void vt__lagrange_integrals(const double *node, int32_t n, double a, double b, vt__weight_fn w, void *user, double *out);

/* Solves a x = b, a [n, n] row-major, n at most VT__MOST_NODES, by elimination with row exchange; a is overwritten, x may be b. 0 when a is singular. */
int vt__solve_small(double *a, const double *b, int32_t n, double *x);

/* Positive half of the 16 points of Gauss-Legendre on [-1, 1], and their weights. */
extern const double vt__gauss_point[8], vt__gauss_weight[8];

#endif
