/* Cancel tokens and progress: what long work polls. */
#ifndef VENTURI_CORE_CANCEL_H
#define VENTURI_CORE_CANCEL_H

#include <stdatomic.h>

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

/* Work that is left where it is once a token is up. While a thread has a scope, vt__parallel does no more chunks of it, on whatever thread they are; what
 * was to be computed is undefined then, and whoever set the scope looks at `is_left` and says so. A scope that has been left once stays left, so that
 * nothing is done with what is missing: between two calls of vt__parallel no such numbers may be used as places or counts. */
typedef struct vt__cancel_scope {
    const vt_cancel *cancel;
    atomic_int is_left;
} vt__cancel_scope;
/* This thread's scope from now on, NULL: none; answers the one before. */
vt__cancel_scope *vt__cancel_scope_set(vt__cancel_scope *scope);
vt__cancel_scope *vt__cancel_scope_get(void);
/* For loops inside of a chunk: is there no use in going on? A clock's reading or less. */
int vt__cancel_is_left(void);

#endif
