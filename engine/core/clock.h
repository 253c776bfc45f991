/* Time, for limits on work. */
#ifndef VENTURI_CORE_CLOCK_H
#define VENTURI_CORE_CLOCK_H

#include "venturi/types.h"

/* Nanoseconds that the calling thread has computed; the zero point is anywhere. */
int64_t vt__clock_thread_cpu(void);

#endif
