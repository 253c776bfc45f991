/* Kernels of discrete Fourier transforms: several transforms of one length side by side, one a lane. All bodies agree bit for bit. */
#ifndef VENTURI_VTK_FFT_H
#define VENTURI_VTK_FFT_H

#include <stdint.h>

/* Elements of VTK_FFT_LANES(type) transforms lie side by side: element i is the real parts of all, then their imaginary parts. 64 bytes each. */
enum { VTK_FFT_LANES_F32 = 16, VTK_FFT_LANES_F64 = 8, VTK_FFT_MOST_FACTORS = 64, VTK_FFT_MOST_RADIX = 31 };

/* A transform of n = the product of factors (2, 3, 4, 5 and primes up to VTK_FFT_MOST_RADIX). roots: exp(-2 pi i k / n) for k < n, real and imaginary parts
 * in turn, float32 or float64 as the kernel. */
typedef struct vtk_fft_plan {
    int64_t n;
    int32_t n_factors, factors[VTK_FFT_MOST_FACTORS];
    const void *roots;
    int (*is_left)(void); /* asked before each factor: not 0 leaves the transform, and its result is undefined. NULL: never */
} vtk_fft_plan;

struct vtk_fft {
    /* X[k] = sum over j of x[j] exp(-+2 pi i j k / n), minus forwards, plus where inverse is not 0; not scaled. a holds the elements [n] on entry; a and b are
     * written. Answers the one with the result. Both aligned to 64 bytes. Self-sorting: Stockham's order of stages. */
    float *(*f32)(const vtk_fft_plan *plan, float *a, float *b, int inverse);
    double *(*f64)(const vtk_fft_plan *plan, double *a, double *b, int inverse);
};
extern const struct vtk_fft vtk_fft_ref;
#if defined(__x86_64__)
extern const struct vtk_fft vtk_fft_avx2, vtk_fft_avx512;
#endif

#endif
