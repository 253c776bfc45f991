/* What exponential steps multiply, shared by the files of DPM-Solver. */
#ifndef VENTURI_SAMPLE_EXPONENTIAL_H
#define VENTURI_SAMPLE_EXPONENTIAL_H

#include "sample/program.h"

/* x' = keep x + c[0] f + c[1] f' + c[2] f'' + noise z, f the newest prediction, f' and f'' its derivatives times h and h^2. In terms of z = -(1 + eta) h and S = alpha_t
 * for data, z = h and S = -sigma_t for noise, c[k] = S |z| phi_{k+1}(z): exact Taylor coefficients. */
struct vt__exponent {
    double keep, c[3], noise;
};
struct vt__exponent vt__exponent_of(const struct vt__solver_params *o, const struct vt__level *s, const struct vt__level *t);

#endif
