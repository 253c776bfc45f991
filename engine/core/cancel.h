/* Cancel tokens and progress: what long work polls. */
#ifndef VENTURI_CORE_CANCEL_H
#define VENTURI_CORE_CANCEL_H

#include "venturi/types.h"

vt_status vt__cancel_create(vt_context *ctx, vt_cancel **out);
/* For work inside other work: raised also when `parent` is (NULL: none; retained otherwise), and once a deadline has passed. */
vt_status vt__cancel_create_within(vt_context *ctx, vt_cancel *parent, vt_cancel **out);
/* Nanoseconds of the monotonic clock; INT64_MAX, as at first: none. May be moved at any time. */
void vt__cancel_set_deadline(vt_cancel *cancel, int64_t deadline_ns);
vt_cancel *vt__cancel_retain(vt_cancel *cancel);
void vt__cancel_release(vt_cancel *cancel);
void vt__cancel_raise(vt_cancel *cancel);
void vt__cancel_reset(vt_cancel *cancel);
int32_t vt__cancel_is_raised(const vt_cancel *cancel); /* 0 for NULL */

/* OK, or CANCELLED with "WHAT: cancelled". */
vt_status vt__cancel_poll(const vt_cancel *cancel, const char *what);

#endif
