/* Thread-local message of the last failure. */
#ifndef VENTURI_CORE_ERROR_H
#define VENTURI_CORE_ERROR_H

#include "venturi/types.h"

/* Stores the message, returns code, so that "return vt__fail(...)" is one line. */
vt_status vt__fail(vt_status code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "prefix: " before the message that stands; returns code. One wrap a call chain is enough. */
vt_status vt__fail_within(vt_status code, const char *prefix);
/* "WHAT: out of memory" with the bytes asked for; bytes 0: unknown. */
vt_status vt__fail_nomem(const char *what, size_t bytes);
const char *vt__error_message(void);
const char *vt__status_name(vt_status status);

#endif
