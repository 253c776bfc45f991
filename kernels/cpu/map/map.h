/* The functions that every table takes from the reference: float64 by the C library, integers that divide, complex numbers. */
#ifndef VENTURI_KERNELS_MAP_H
#define VENTURI_KERNELS_MAP_H

#include "vtk_map.h"

#define VTK_MAP_FN(name) void name(void *out, const void *const *in, const int64_t *step, int64_t n, const double *p);
#define VTK_MAP_F64_REF(name) VTK_MAP_FN(vtk_##name##_f64_ref)
#define VTK_MAP_F32_REF(name) VTK_MAP_FN(vtk_##name##_f32_ref)
#define VTK_MAP_C128_REF(name) VTK_MAP_FN(vtk_##name##_c128_ref)
VTK_MAP_SMOOTH(VTK_MAP_F64_REF)
VTK_MAP_SMOOTH(VTK_MAP_F32_REF)
VTK_MAP_COMPLEX_UNARY(VTK_MAP_C128_REF)
VTK_MAP_COMPLEX_REAL(VTK_MAP_C128_REF)
VTK_MAP_COMPLEX_BINARY(VTK_MAP_C128_REF)
VTK_MAP_C128_REF(eq)
VTK_MAP_C128_REF(ne)
VTK_MAP_C128_REF(logical_not)
VTK_MAP_FN(vtk_complex_f64_ref)
VTK_MAP_FN(vtk_mul_c64_ref)
#define VTK_MAP_I64_REF(name) VTK_MAP_FN(vtk_##name##_i64_ref)
VTK_MAP_INTEGER_DIVISION(VTK_MAP_I64_REF)

#define VTK_MAP_F64_REF_SLOT(name) [VTK_MAP_##name] = vtk_##name##_f64_ref,
#define VTK_MAP_F32_REF_SLOT(name) [VTK_MAP_##name] = vtk_##name##_f32_ref,
#define VTK_MAP_C128_REF_SLOT(name) [VTK_MAP_##name] = vtk_##name##_c128_ref,
#define VTK_MAP_COMPLEX_SLOTS \
    VTK_MAP_COMPLEX_UNARY(VTK_MAP_C128_REF_SLOT) VTK_MAP_COMPLEX_REAL(VTK_MAP_C128_REF_SLOT) VTK_MAP_COMPLEX_BINARY(VTK_MAP_C128_REF_SLOT) \
    VTK_MAP_C128_REF_SLOT(eq) VTK_MAP_C128_REF_SLOT(ne) VTK_MAP_C128_REF_SLOT(logical_not)
#define VTK_MAP_I64_REF_SLOT(name) [VTK_MAP_##name] = vtk_##name##_i64_ref,
#define VTK_MAP_DIVISION_SLOTS VTK_MAP_INTEGER_DIVISION(VTK_MAP_I64_REF_SLOT)

#endif
