#include "core/cancel.h"

#include <stdatomic.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

struct vt_cancel {
    atomic_int refs;
    atomic_int raised; /* lock-free, so that a signal handler may store it */
    vt_context *ctx;
};
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "vt_cancel_raise is called from signal handlers");

vt_status vt__cancel_create(vt_context *ctx, vt_cancel **out) {
    vt_cancel *c = *out = vt__calloc(ctx, sizeof *c);
    if (!c) return vt__fail_nomem("cancel", sizeof *c);
    atomic_init(&c->refs, 1);
    c->ctx = vt__context_retain(ctx);
    return VT_OK;
}

vt_cancel *vt__cancel_retain(vt_cancel *cancel) {
    if (cancel) atomic_fetch_add(&cancel->refs, 1);
    return cancel;
}

void vt__cancel_release(vt_cancel *cancel) {
    if (!cancel || atomic_fetch_sub(&cancel->refs, 1) != 1) return;
    vt_context *ctx = cancel->ctx;
    vt__free(ctx, cancel);
    vt__context_release(ctx);
}

void vt__cancel_raise(vt_cancel *cancel) {
    if (cancel) atomic_store(&cancel->raised, 1);
}

void vt__cancel_reset(vt_cancel *cancel) {
    if (cancel) atomic_store(&cancel->raised, 0);
}

int32_t vt__cancel_is_raised(const vt_cancel *cancel) { return cancel ? atomic_load_explicit(&cancel->raised, memory_order_relaxed) : 0; }

vt_status vt__cancel_poll(const vt_cancel *cancel, const char *what) {
    return vt__cancel_is_raised(cancel) ? vt__fail(VT_ERR_CANCELLED, "%s: cancelled", what) : VT_OK;
}
