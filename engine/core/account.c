#include "core/account.h"

#include <stdatomic.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

/* Every booking holds a reference: what a thread made may outlive whoever made the account. */
struct vt__account {
    atomic_int refs;
    vt_context *ctx; /* retained */
    atomic_uint_fast64_t used;
    vt__account_fits_fn fits;
    void *user;
};

static _Thread_local vt__account *account_here;

vt_status vt__account_create(vt_context *ctx, vt__account_fits_fn fits, void *user, vt__account **out) {
    vt__account *a = *out = vt__calloc(ctx, sizeof *a);
    if (!a) return vt__fail_nomem("account", sizeof *a);
    atomic_init(&a->refs, 1);
    a->ctx = vt__context_retain(ctx);
    a->fits = fits;
    a->user = user;
    return VT_OK;
}

void vt__account_release(vt__account *account) {
    if (!account || atomic_fetch_sub(&account->refs, 1) != 1) return;
    vt_context *ctx = account->ctx;
    vt__free(ctx, account);
    vt__context_release(ctx);
}

uint64_t vt__account_used(const vt__account *account) { return atomic_load_explicit(&account->used, memory_order_relaxed); }

vt__account *vt__account_set(vt__account *account) {
    vt__account *before = account_here;
    account_here = account;
    return before;
}

vt_status vt__account_take(const char *what, size_t bytes, vt__account **out) {
    vt__account *a = account_here;
    *out = NULL;
    if (!a) return VT_OK;
    if (!a->fits(a->user, bytes))
        return vt__fail(VT_ERR_NOMEM, "%s: %zu bytes more would be over the memory limit, with %llu bytes of tensors alive", what, bytes,
                        (unsigned long long)vt__account_used(a));
    atomic_fetch_add(&a->refs, 1);
    atomic_fetch_add(&a->used, bytes);
    *out = a;
    return VT_OK;
}

void vt__account_give(vt__account *account, size_t bytes) {
    if (!account) return;
    atomic_fetch_sub(&account->used, bytes);
    vt__account_release(account);
}
