/* Slots medoid_* of vtk_table: one body (medoid_body.h) for four types of distances and three instruction sets, which differ in how they list the
 * objects that a column comes close to. Sums are taken in one fixed order, so that all bodies agree bit for bit. */
#ifndef VENTURI_KERNELS_MEDOID_H
#define VENTURI_KERNELS_MEDOID_H

#include "vtk.h"

#define VTK_MEDOID_DECLARE(name)                                                                                                                     \
    void vtk_medoid_start_##name(const vtk_medoids *m, const void *column, int64_t first, int64_t last);                                             \
    void vtk_medoid_add_##name(const vtk_medoids *m, int32_t slot, int64_t own, const void *column, int64_t first, int64_t last);                    \
    void vtk_medoid_removal_##name(void *sums, const vtk_medoids *m, int64_t first, int64_t last);                                                   \
    void vtk_medoid_total_##name(void *sum, const void *d, const void *limits, const void *weights, int64_t n);                                      \
    void vtk_medoid_judge_##name(void *change, int32_t *slot, void *scratch, const vtk_medoids *m, const void *removal, const void *column,          \
                                   const void *next);                                                                                                \
    int64_t vtk_medoid_reach_##name(int32_t *objects, void *distances, const void *limits, int64_t n, const void *column, const void *next);         \
    void vtk_medoid_judge_reach_##name(void *change, int32_t *slot, void *scratch, const vtk_medoids *m, const void *removal, const int32_t *objects, \
                                       const void *distances, int64_t n);                                                                            \
    void vtk_medoid_limit_##name(void *limits, const vtk_medoids *m, int shift);                                                                     \
    int64_t vtk_medoid_widen_##name(const vtk_widening *to, void *limits, const vtk_medoids *m, int shift, const int32_t *objects, int64_t n_objects); \
    int64_t vtk_medoid_widened_##name(int32_t *found, const vtk_widening *w, const void *const *columns, int64_t n, int64_t j);                      \
    void vtk_medoid_pair_##name(void *change, const vtk_medoids *m, int32_t slot, const void *column);                                               \
    int64_t vtk_medoid_swap_##name(const vtk_medoids *m, int32_t slot, int64_t own, const void *column, int64_t first, int64_t last, int32_t *lost); \
    void vtk_medoid_rescan_##name(const vtk_medoids *m, int32_t slot, const void *column, const int32_t *objects, int64_t n_objects,                 \
                                  const void *const *columns, int64_t row, int64_t first)

#define VTK_MEDOID_DECLARE_ISA(isa) \
    VTK_MEDOID_DECLARE(f32_##isa);  \
    VTK_MEDOID_DECLARE(f64_##isa);  \
    VTK_MEDOID_DECLARE(i32_##isa);  \
    VTK_MEDOID_DECLARE(i64_##isa)

VTK_MEDOID_DECLARE_ISA(ref);
#if defined(__x86_64__)
VTK_MEDOID_DECLARE_ISA(avx2);
VTK_MEDOID_DECLARE_ISA(avx512);
#endif

/* Sets all slots of one type. */
#define VTK_MEDOID_FILL_TYPE(t, type, name)                \
    ((t)->medoid_start[type] = vtk_medoid_start_##name,    \
     (t)->medoid_add[type] = vtk_medoid_add_##name,        \
     (t)->medoid_removal[type] = vtk_medoid_removal_##name, \
     (t)->medoid_total[type] = vtk_medoid_total_##name,    \
     (t)->medoid_judge[type] = vtk_medoid_judge_##name,    \
     (t)->medoid_pair[type] = vtk_medoid_pair_##name,      \
     (t)->medoid_reach[type] = vtk_medoid_reach_##name,    \
     (t)->medoid_judge_reach[type] = vtk_medoid_judge_reach_##name,\
     (t)->medoid_limit[type] = vtk_medoid_limit_##name,    \
     (t)->medoid_widen[type] = vtk_medoid_widen_##name,    \
     (t)->medoid_widened[type] = vtk_medoid_widened_##name,\
     (t)->medoid_swap[type] = vtk_medoid_swap_##name,      \
     (t)->medoid_rescan[type] = vtk_medoid_rescan_##name)

#define VTK_MEDOID_FILL(t, isa)                                \
    (VTK_MEDOID_FILL_TYPE(t, VTK_DISTANCE_F32, f32_##isa),     \
     VTK_MEDOID_FILL_TYPE(t, VTK_DISTANCE_F64, f64_##isa),     \
     VTK_MEDOID_FILL_TYPE(t, VTK_DISTANCE_I32, i32_##isa),     \
     VTK_MEDOID_FILL_TYPE(t, VTK_DISTANCE_I64, i64_##isa))

#endif
