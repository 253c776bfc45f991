/* The monotonic clock. */
#ifndef VENTURI_CORE_CLOCK_H
#define VENTURI_CORE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some moment; never 0. */
int64_t vt__clock_ns(void);

#endif
