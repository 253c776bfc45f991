/* Reads a caller's size-tagged options struct of any release into ours, and writes results into a caller's struct of any release. */
#ifndef VENTURI_CORE_OPTIONS_H
#define VENTURI_CORE_OPTIONS_H

#include "venturi/types.h"

/* dst [now] bytes: zeroed, then filled from src (NULL: all defaults). Every options struct begins with its uint32_t struct_size.
 * Refuses a size below the first release's, and a larger one whose unknown tail is not zero: silently dropping an option is a bug. */
vt_status vt__options_read(const char *what, void *dst, size_t now, size_t first, const void *src);

/* dst's struct_size says how much the caller knows: so many bytes of src [now] are written, what lies behind is zeroed. */
vt_status vt__result_write(const char *what, void *dst, const void *src, size_t now, size_t first);

#endif
