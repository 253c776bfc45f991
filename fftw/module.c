/* libventuri_fftw.so: transforms by FFTW 3 for contexts that ask for it (vt_fft_select). This file is MIT like the rest; the object that it is linked into is
 * FFTW's work too, and comes under FFTW's licence, the GNU GPL. */
#include "device/fftw_module.h"

#include <fftw3.h>
#include <pthread.h>

/* Plans of short rows are measured; of long ones that would take seconds. */
enum { MOST_MEASURED = 16384 };

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER; /* FFTW's is one for the process, and no thread's friend */

static void *plan_f32(int n, int sign, unsigned flags) {
    fftwf_complex *x = fftwf_alloc_complex((size_t)n), *y = fftwf_alloc_complex((size_t)n);
    void *plan = x && y ? fftwf_plan_dft_1d(n, x, y, sign, flags) : NULL;
    fftwf_free(x);
    fftwf_free(y);
    return plan;
}

static void *plan_f64(int n, int sign, unsigned flags) {
    fftw_complex *x = fftw_alloc_complex((size_t)n), *y = fftw_alloc_complex((size_t)n);
    void *plan = x && y ? fftw_plan_dft_1d(n, x, y, sign, flags) : NULL;
    fftw_free(x);
    fftw_free(y);
    return plan;
}

static void *make_plan(int32_t is_f64, int32_t n, int32_t inverse) {
    int sign = inverse ? FFTW_BACKWARD : FFTW_FORWARD;
    unsigned flags = (n <= MOST_MEASURED ? FFTW_MEASURE : FFTW_ESTIMATE) | FFTW_PRESERVE_INPUT;
    pthread_mutex_lock(&planner);
    void *plan = is_f64 ? plan_f64(n, sign, flags) : plan_f32(n, sign, flags);
    pthread_mutex_unlock(&planner);
    return plan;
}

static void run_plan(int32_t is_f64, const void *plan, void *x, void *y) {
    if (is_f64) fftw_execute_dft((fftw_plan)(uintptr_t)plan, x, y);
    else fftwf_execute_dft((fftwf_plan)(uintptr_t)plan, x, y);
}

static void free_plan(int32_t is_f64, void *plan) {
    pthread_mutex_lock(&planner);
    if (is_f64) fftw_destroy_plan(plan);
    else fftwf_destroy_plan(plan);
    pthread_mutex_unlock(&planner);
}

extern const vt__fftw_module vt_fftw_module;
__attribute__((visibility("default"))) const vt__fftw_module vt_fftw_module = {VT__FFTW_MODULE_VERSION, make_plan, run_plan, free_plan};
