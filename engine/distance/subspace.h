/* Linear algebra of a few vectors, each as a column of [n, b] with b small: making them orthonormal, turning them to the axes of a symmetric
 * operator inside the space they span. Sequential and in one order: results are the same everywhere. */
#ifndef VENTURI_DISTANCE_SUBSPACE_H
#define VENTURI_DISTANCE_SUBSPACE_H

#include <stdint.h>

enum { VT__SUBSPACE_MAX = 24 }; /* columns */

/* Gram-Schmidt, twice. A column that the others span already becomes zero. */
void vt__subspace_orthonormalise(double *v, int64_t n, int b);
/* v orthonormal, z = C v: turns both so that v' C v is diagonal, largest first, and gives the diagonal. */
void vt__subspace_turn(double *v, double *z, int64_t n, int b, double *values);

#endif
