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

const struct vtk_flash vtk_flash_ref = {VTK_FLASH_REF(f32), VTK_FLASH_REF(f64)};
