/* Transforms of one length, ready to run: roots of unity, how rows are taken, and the chirp of lengths with a large prime. Kept in the context (core/keep.h). */
#ifndef VENTURI_DEVICE_FFT_PLAN_H
#define VENTURI_DEVICE_FFT_PLAN_H

#include "core/keep.h"
#include "device/fft_library.h"
#include "vtk_fft.h"

/* ROWS: points side by side. COLUMNS: the points of several transforms side by side. HALF: rows, with what makes half a spectrum of twice as many reals. */
enum vt__fft_form { VT__FFT_ROWS, VT__FFT_COLUMNS, VT__FFT_HALF };

struct vt__fft {
    struct vt__kept kept;
    int64_t n;
    int32_t type;        /* VTK_FFT_F32 or F64 */
    vtk_fft_plan plan;   /* of n points; of plan.n >= 2 n - 1, by rows, where there is a chirp */
    const void *chirp;   /* [n] exp(-i pi k^2 / n); NULL: none */
    const void *spectrum; /* [plan.n] of the conjugate chirp, wrapped around, over plan.n */
    const vt__fftw_module *fftw; /* whose plans these are, forwards and inverse; NULL: none, and the plan above counts */
    void *theirs[2];
    const void *half;    /* [n + 1] exp(-i pi k / n) of HALF */
};

/* To be given back by vt__keep_give(ctx, &fft->kept). Errors: NOMEM, LIMIT. */
vt_status vt__fft_get(vt_context *ctx, int64_t n, int32_t type, enum vt__fft_form form, const struct vt__fft **out);

/* Bytes of scratch, aligned to 64, that a call of the two below needs; -1: more than there can be. */
int64_t vt__fft_scratch(const struct vt__fft *fft);

/* Bytes of a complex number. */
static inline int64_t vt__fft_pair(int32_t type) { return type == VTK_FFT_F64 ? 16 : 8; }

/* Complex numbers [rows][n]; x, y and their pitches in pairs. */
struct vt__fft_rows {
    const void *x;
    void *y;
    int64_t rows, x_pitch, y_pitch;
    double scale;
    int32_t inverse;
    void *scratch;
};
void vt__fft_run(const struct vt__fft *fft, const struct vt__fft_rows *call);
/* The same for a plan of COLUMNS: as many as there are lanes at most, points x_pitch and y_pitch apart; rows is how many. */
void vt__fft_run_columns(const struct vt__fft *fft, const struct vt__fft_rows *call);

#endif
