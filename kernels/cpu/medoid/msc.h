/* Slots msc_* of vtk_table: one body (msc_body.h) for four types of distances and three instruction sets. Those list the objects that a column comes
 * close to, and work out the ratios of several at once; sums are taken object after object, so that all bodies agree bit for bit. */
#ifndef VENTURI_KERNELS_MSC_H
#define VENTURI_KERNELS_MSC_H

#include "vtk.h"

#define VTK_MSC_DECLARE(name)                                                                                                                          \
    void vtk_msc_judge_##name(double *gain, int32_t *slot, double *scratch, const vtk_msc *m, const double *removal, const void *column,               \
                                const void *next, int64_t own);                                                                                         \
    void vtk_msc_judge_two_##name(double *losses, const vtk_msc *m, const void *column, int64_t own);                                                   \
    void vtk_msc_third_##name(vtk_near3 *object, void *row, int64_t k, double far)

#define VTK_MSC_DECLARE_ISA(isa) \
    VTK_MSC_DECLARE(f32_##isa);  \
    VTK_MSC_DECLARE(f64_##isa);  \
    VTK_MSC_DECLARE(i32_##isa);  \
    VTK_MSC_DECLARE(i64_##isa)

VTK_MSC_DECLARE_ISA(ref);
#if defined(__x86_64__)
VTK_MSC_DECLARE_ISA(avx2);
VTK_MSC_DECLARE_ISA(avx512);
#endif

/* Sets the slots. */
#define VTK_MSC_FILL_TYPE(t, type, name)                  \
    ((t)->msc_judge[type] = vtk_msc_judge_##name,         \
     (t)->msc_judge_two[type] = vtk_msc_judge_two_##name, \
     (t)->msc_third[type] = vtk_msc_third_##name)
#define VTK_MSC_FILL(t, isa)                               \
    (VTK_MSC_FILL_TYPE(t, VTK_DISTANCE_F32, f32_##isa),    \
     VTK_MSC_FILL_TYPE(t, VTK_DISTANCE_F64, f64_##isa),    \
     VTK_MSC_FILL_TYPE(t, VTK_DISTANCE_I32, i32_##isa),    \
     VTK_MSC_FILL_TYPE(t, VTK_DISTANCE_I64, i64_##isa))

#endif
