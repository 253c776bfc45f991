#include "vtk_fft.h"

#define REAL float
#define NAME(x) x##_f32
#include "cpu/fft/fft_body.h"
#undef REAL
#undef NAME
#define REAL double
#define NAME(x) x##_f64
#include "cpu/fft/fft_body.h"

const struct vtk_fft vtk_fft_avx2 = {transform_f32, transform_f64};
