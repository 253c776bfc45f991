/* Whose transforms a context runs: our own, or those of a module that is loaded for it. */
#ifndef VENTURI_DEVICE_FFT_LIBRARY_H
#define VENTURI_DEVICE_FFT_LIBRARY_H

#include "device/fftw_module.h"
#include "venturi/types.h"

enum vt__fft_library { VT__FFT_OWN, VT__FFT_FFTW };

/* From the next transform on. Errors: INVALID (no such library), UNSUPPORTED (its module does not load), NOMEM. */
vt_status vt__fft_select(vt_context *ctx, int32_t library);
/* NULL: our own. */
const vt__fftw_module *vt__fft_module(vt_context *ctx);

#endif
