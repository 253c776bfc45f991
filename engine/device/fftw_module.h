/* Private contract between the library and libventuri_fftw.so, which is FFTW (GNU GPL, version 2 or later) behind a table: a program that loads it has that
 * licence's terms to keep. Not installed. The module exports one symbol, `vt_fftw_module`, of type vt__fftw_module. */
#ifndef VENTURI_DEVICE_FFTW_MODULE_H
#define VENTURI_DEVICE_FFTW_MODULE_H

#include <stdint.h>

enum { VT__FFTW_MODULE_VERSION = 1 };

typedef struct vt__fftw_module {
    uint32_t version;
    /* A plan of one row of n complex numbers, out of place, not scaled; NULL: out of memory. Any thread, one at a time inside. */
    void *(*plan)(int32_t is_f64, int32_t n, int32_t inverse);
    /* Any thread. x and y aligned to 16 bytes; x keeps its numbers. */
    void (*run)(int32_t is_f64, const void *plan, void *x, void *y);
    void (*free)(int32_t is_f64, void *plan);
} vt__fftw_module;

#endif
