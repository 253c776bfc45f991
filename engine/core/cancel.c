#include "core/cancel.h"

#include <stdatomic.h>
#include <time.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

struct vt_cancel {
    atomic_int refs;
    atomic_int raised; /* lock-free, so that a signal handler may store it */
    atomic_llong deadline_ns;
    vt_cancel *parent; /* retained, may be NULL; never changes */
    vt_context *ctx;
};
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "vt_cancel_raise is called from signal handlers");

vt_status vt__cancel_create_within(vt_context *ctx, vt_cancel *parent, vt_cancel **out) {
    vt_cancel *c = *out = vt__calloc(ctx, sizeof *c);
    if (!c) return vt__fail_nomem("cancel", sizeof *c);
    atomic_init(&c->refs, 1);
    atomic_init(&c->deadline_ns, INT64_MAX);
    c->parent = vt__cancel_retain(parent);
    c->ctx = vt__context_retain(ctx);
    return VT_OK;
}

vt_status vt__cancel_create(vt_context *ctx, vt_cancel **out) { return vt__cancel_create_within(ctx, NULL, out); }

vt_cancel *vt__cancel_retain(vt_cancel *cancel) {
    if (cancel) atomic_fetch_add(&cancel->refs, 1);
    return cancel;
}

void vt__cancel_release(vt_cancel *cancel) {
    if (!cancel || atomic_fetch_sub(&cancel->refs, 1) != 1) return;
    vt_context *ctx = cancel->ctx;
    vt__cancel_release(cancel->parent);
    vt__free(ctx, cancel);
    vt__context_release(ctx);
}

void vt__cancel_raise(vt_cancel *cancel) {
    if (cancel) atomic_store(&cancel->raised, 1);
}

void vt__cancel_reset(vt_cancel *cancel) {
    if (cancel) atomic_store(&cancel->raised, 0);
}

void vt__cancel_set_deadline(vt_cancel *cancel, int64_t deadline_ns) { atomic_store(&cancel->deadline_ns, deadline_ns); }

static int is_late(const vt_cancel *cancel) {
    struct timespec t;
    long long deadline = atomic_load_explicit(&cancel->deadline_ns, memory_order_relaxed);
    if (deadline == INT64_MAX) return 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec >= deadline;
}

int32_t vt__cancel_is_raised(const vt_cancel *cancel) {
    for (; cancel; cancel = cancel->parent)
        if (atomic_load_explicit(&cancel->raised, memory_order_relaxed) || is_late(cancel)) return 1;
    return 0;
}

static _Thread_local vt__cancel_scope *scope_here;

vt__cancel_scope *vt__cancel_scope_set(vt__cancel_scope *scope) {
    vt__cancel_scope *before = scope_here;
    scope_here = scope;
    return before;
}

vt__cancel_scope *vt__cancel_scope_get(void) { return scope_here; }

int vt__cancel_is_left(void) {
    vt__cancel_scope *scope = scope_here;
    if (!scope) return 0;
    if (!atomic_load_explicit(&scope->is_left, memory_order_relaxed) && vt__cancel_is_raised(scope->cancel))
        atomic_store_explicit(&scope->is_left, 1, memory_order_relaxed);
    return atomic_load_explicit(&scope->is_left, memory_order_relaxed);
}

vt_status vt__cancel_poll(const vt_cancel *cancel, const char *what) {
    return vt__cancel_is_raised(cancel) ? vt__fail(VT_ERR_CANCELLED, "%s: cancelled", what) : VT_OK;
}
