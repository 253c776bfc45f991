/* Stop strings: finds the first of them in a text that comes piece by piece, and says how much of the text none of them can begin in. */
#ifndef VENTURI_TEXT_STOPS_H
#define VENTURI_TEXT_STOPS_H

#include "venturi/types.h"

enum { VT__STOPS = 64, VT__STOP_SIZE = 1024 }; /* texts, and bytes of one, at most */

typedef struct vt__stops {
    char *texts; /* one behind the other */
    size_t start[VT__STOPS + 1];
    int64_t n;
} vt__stops;

/* Copies n NUL-terminated texts in place of those there are; on failure these stay. Errors: INVALID (empty, too long or many, no UTF-8), NOMEM. */
vt_status vt__stops_set(vt_context *ctx, vt__stops *s, const char *const *texts, int64_t n);
/* Number of the text that stands first in text[0..len), of several there the longest, or -1; *out_size: bytes before it, or before what may be the
 * beginning of one. */
int64_t vt__stops_find(const vt__stops *s, const char *text, size_t len, size_t *out_size);

#endif
