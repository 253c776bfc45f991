/* Slot flash of vtk_table. */
#ifndef VENTURI_KERNELS_FLASH_H
#define VENTURI_KERNELS_FLASH_H

#include "vtk_flash.h"

/* The reference. */
#define VTK_FLASH_TYPE(type) \
    void vtk_flash_adjust_##type##_ref(const vtk_flash_adjust *p); \
    void vtk_flash_weigh_##type##_ref(const vtk_flash_weigh *p); \
    void vtk_flash_slopes_##type##_ref(const vtk_flash_slopes *p); \
    void vtk_flash_shrink_##type##_ref(void *o, int64_t ld, int64_t n_rows, int64_t n, const void *by); \
    void vtk_flash_multiply_##type##_ref(void *x, int64_t ld, int64_t n_rows, int64_t n, double scale, const void *by); \
    void vtk_flash_dot_##type##_ref(void *out, const void *a, int64_t ld_a, const void *b, int64_t ld_b, int64_t n_rows, int64_t n); \
    void vtk_flash_sum_rows_##type##_ref(void *out, const void *w, const void *x, int64_t ld, int64_t n_rows, int64_t n); \
    void vtk_flash_finish_##type##_ref(void *o, int64_t ld, int64_t n_rows, int64_t n, void *lse, const void *max, const void *sum);
VTK_FLASH_TYPE(f32)
VTK_FLASH_TYPE(f64)

#if defined(__x86_64__)
extern const struct vtk_flash_type vtk_flash_f64_avx2, vtk_flash_f64_avx512;
#endif

#endif
