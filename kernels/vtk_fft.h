/* Kernels of discrete Fourier transforms,
 *
 *     X[k] = sum over j of x[j] exp(-+2 pi i j k / n), minus forwards, plus for an inverse
 *
 * Complex numbers are pairs: real part, imaginary part. A plan is of one of two forms:
 *
 *     rows      one transform a call, its points side by side in memory; vectors run along the row. n must be a multiple of lanes * first.
 *     columns   `lanes` transforms a call, whose points lie side by side: point j of them all is `lanes` pairs at x + j * x_step pairs. Any n without a
 *               prime factor above VTK_FFT_MOST_RADIX. */
#ifndef VENTURI_VTK_FFT_H
#define VENTURI_VTK_FFT_H

#include <stdint.h>

enum { VTK_FFT_MOST_STAGES = 64, VTK_FFT_MOST_RADIX = 31 };
enum { VTK_FFT_F32, VTK_FFT_F64, VTK_FFT_N_TYPES };

typedef struct vtk_fft_plan {
    int64_t n;
    int32_t is_rows, n_stages, radix[VTK_FFT_MOST_STAGES];
    int64_t n_roots;   /* complex numbers in the table */
    const void *table; /* roots of unity in the order in which stages read them, aligned to 64 bytes */
} vtk_fft_plan;

typedef struct vtk_fft_call {
    const void *x;
    void *y;                /* does not overlap x */
    int64_t x_step, y_step; /* pairs from point to point; columns only */
    int64_t x_ahead, y_ahead; /* pairs from here to where the next call will read and write; anything, they are only fetched early */
    void *scratch;          /* 64-aligned pairs: n for rows, 2 n lanes for columns */
    double scale;           /* what results are multiplied by */
    int32_t inverse;
    int (*is_left)(void);   /* asked before each stage: not 0 leaves the transform, and its result is undefined. NULL: never */
} vtk_fft_call;

struct vtk_fft {
    int32_t lanes[VTK_FFT_N_TYPES];
    int32_t first, most; /* radix of the first stage of rows; the largest of any power of 2 */
    void (*run[VTK_FFT_N_TYPES])(const vtk_fft_plan *plan, const vtk_fft_call *call);
};
extern const struct vtk_fft vtk_fft_ref;
#if defined(__x86_64__)
extern const struct vtk_fft vtk_fft_avx2, vtk_fft_avx512;
#endif

/* A plan without its table. 0: this form has none for n. */
int vtk_fft_plan_init(const struct vtk_fft *f, int type, int is_rows, int64_t n, vtk_fft_plan *plan);
/* The table of plan, [n_roots] pairs of the type's numbers, of roots[k] = exp(-2 pi i k / n), [n] pairs. */
void vtk_fft_plan_fill(const struct vtk_fft *f, int type, vtk_fft_plan *plan, const double *roots, void *table);

#endif
