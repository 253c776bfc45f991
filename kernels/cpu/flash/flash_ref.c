#include <math.h>

#include "cpu/flash/flash.h"

static const double LN2 = 0x1.62e42fefa39efp-1;

#define REAL float
#define NAME(x) x##_f32_ref
#include "cpu/flash/flash_type.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(x) x##_f64_ref
#include "cpu/flash/flash_type.h"

#define TYPE(type) \
    {vtk_flash_adjust_##type##_ref, vtk_flash_weigh_##type##_ref, vtk_flash_slopes_##type##_ref, vtk_flash_shrink_##type##_ref, vtk_flash_multiply_##type##_ref, \
     vtk_flash_dot_##type##_ref, vtk_flash_sum_rows_##type##_ref, vtk_flash_finish_##type##_ref}
static const struct vtk_flash_type f32 = TYPE(f32), f64 = TYPE(f64);
const struct vtk_flash vtk_flash_ref = {&f32, &f64};
