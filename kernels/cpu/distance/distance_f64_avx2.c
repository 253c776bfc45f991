#include "cpu/distance/distance.h"
#include "cpu/vector_avx2.h"

typedef double real;
typedef __m256d vec;
enum { LANES = 4, PANELS = 1, CENTRES = 2 };

VTK_INLINE vec load(const real *x) { return _mm256_loadu_pd(x); }
VTK_INLINE vec spread(real x) { return _mm256_set1_pd(x); }
VTK_INLINE vec subtract(vec a, vec b) { return _mm256_sub_pd(a, b); }
VTK_INLINE vec add(vec a, vec b) { return _mm256_add_pd(a, b); }
VTK_INLINE vec square_add(vec d, vec s) { return _mm256_fmadd_pd(d, d, s); }
VTK_INLINE vec magnitude(vec d) { return _mm256_andnot_pd(_mm256_set1_pd((real)-0.0), d); }
VTK_INLINE vec halve(vec a) { return _mm256_mul_pd(a, _mm256_set1_pd((real)0.5)); }
VTK_INLINE vec root(vec a) { return _mm256_sqrt_pd(a); }
VTK_INLINE void store(real *x, vec a) { _mm256_storeu_pd(x, a); }

#include "cpu/distance/tile.h" /* walks panels and centres with the vectors of this file */

void vtk_l2_f64_avx2(const vtk_distance *p) { distances(p, VTK_L2); }
void vtk_l2_squared_f64_avx2(const vtk_distance *p) { distances(p, VTK_L2_SQUARED); }
void vtk_l1_f64_avx2(const vtk_distance *p) { distances(p, VTK_L1); }
void vtk_cosine_f64_avx2(const vtk_distance *p) { distances(p, VTK_COSINE); }
