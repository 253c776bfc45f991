/* Sorting of item numbers by an order that the caller knows. Stable, at most n log2 n comparisons on any input; scratch from the context,
 * where the C library's qsort takes it behind the host's back. */
#ifndef VENTURI_CORE_SORT_H
#define VENTURI_CORE_SORT_H

#include "venturi/types.h"

/* Non-zero when item a belongs before item b. */
typedef int (*vt__before_fn)(const void *user, int64_t a, int64_t b);

/* Sorts items[0..n). 0 on success, 1 when out of memory (items are untouched then). */
int vt__sort(vt_context *ctx, int64_t *items, int64_t n, vt__before_fn before, const void *user);

#endif
