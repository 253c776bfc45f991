#include "cpu/distance/distance.h"
#include "cpu/vector_avx512.h"

typedef float real;
typedef __m512 vec;
enum { LANES = 16, PANELS = 4, CENTRES = 4 };

VTK_INLINE vec load(const real *x) { return _mm512_loadu_ps(x); }
VTK_INLINE vec spread(real x) { return _mm512_set1_ps(x); }
VTK_INLINE vec subtract(vec a, vec b) { return _mm512_sub_ps(a, b); }
VTK_INLINE vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
VTK_INLINE vec square_add(vec d, vec s) { return _mm512_fmadd_ps(d, d, s); }
VTK_INLINE vec magnitude(vec d) { return _mm512_andnot_ps(_mm512_set1_ps((real)-0.0), d); }
VTK_INLINE vec halve(vec a) { return _mm512_mul_ps(a, _mm512_set1_ps((real)0.5)); }
VTK_INLINE vec root(vec a) { return _mm512_sqrt_ps(a); }
VTK_INLINE void store(real *x, vec a) { _mm512_storeu_ps(x, a); }

#include "cpu/distance/tile.h" /* walks panels and centres with the vectors of this file */

void vtk_l2_f32_avx512(const vtk_distance *p) { distances(p, VTK_L2); }
void vtk_l2_squared_f32_avx512(const vtk_distance *p) { distances(p, VTK_L2_SQUARED); }
void vtk_l1_f32_avx512(const vtk_distance *p) { distances(p, VTK_L1); }
void vtk_cosine_f32_avx512(const vtk_distance *p) { distances(p, VTK_COSINE); }
