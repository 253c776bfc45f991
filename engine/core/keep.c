#include "core/keep.h"

#include "core/keep_list.h"
#include "core/memory.h"

enum { MOST_OBJECTS = 64 };
static const size_t most_bytes = (size_t)64 << 20;

/* With the lock held, like the two below. */
static struct vt__kept *look(vt__keep *keep, const void *owner, int64_t a, int64_t b) {
    struct vt__kept *k = keep->first;
    while (k && (k->owner != owner || k->key[0] != a || k->key[1] != b)) k = k->next;
    if (k) {
        k->refs++;
        k->used = ++keep->clock;
    }
    return k;
}

struct vt__kept *vt__keep_find(vt_context *ctx, const void *owner, int64_t a, int64_t b) {
    vt__keep *keep = vt__context_keep(ctx);
    vt__lock_take(&keep->lock);
    struct vt__kept *k = look(keep, owner, a, b);
    vt__lock_give(&keep->lock);
    return k;
}

/* Takes the object off the list; the caller frees it without the lock. */
static struct vt__kept *unlist(vt__keep *keep, struct vt__kept **at) {
    struct vt__kept *k = *at;
    *at = k->next;
    k->is_listed = 0;
    keep->count--;
    atomic_fetch_sub(&keep->size, k->size);
    return k;
}

/* The unused one that was found least recently. NULL: all are in use. */
static struct vt__kept *oldest(vt__keep *keep) {
    struct vt__kept **at = NULL;
    for (struct vt__kept **i = &keep->first; *i; i = &(*i)->next)
        if ((*i)->refs == 0 && !(*i)->is_pinned && (!at || (*i)->used < (*at)->used)) at = i;
    return at ? unlist(keep, at) : NULL;
}

static void list(vt__keep *keep, struct vt__kept *kept) {
    kept->is_listed = 1;
    kept->used = ++keep->clock;
    kept->next = keep->first;
    keep->first = kept;
    keep->count++;
    atomic_fetch_add(&keep->size, kept->size);
}

struct vt__kept *vt__keep_put(vt_context *ctx, struct vt__kept *kept) {
    vt__keep *keep = vt__context_keep(ctx);
    struct vt__kept *old = NULL, *there = NULL;
    kept->refs = 1;
    kept->is_listed = 0;
    kept->size = vt__block_size(kept);
    if (kept->size > most_bytes) return kept; /* goes when it is given back */
    do { /* one at a time, and freed without the lock: others may look for theirs in between */
        vt__lock_take(&keep->lock);
        there = look(keep, kept->owner, kept->key[0], kept->key[1]);
        int full = keep->count >= MOST_OBJECTS || atomic_load(&keep->size) + kept->size > most_bytes;
        old = full && !there ? oldest(keep) : NULL;
        if (!full && !there) list(keep, kept);
        vt__lock_give(&keep->lock);
        if (old) old->free(ctx, old);
    } while (old);
    if (there) kept->free(ctx, kept);
    return there ? there : kept;
}

void vt__keep_give(vt_context *ctx, struct vt__kept *kept) {
    if (!kept) return;
    vt__keep *keep = vt__context_keep(ctx);
    vt__lock_take(&keep->lock);
    int gone = --kept->refs == 0 && !kept->is_listed;
    vt__lock_give(&keep->lock);
    if (gone) kept->free(ctx, kept);
}

void vt__keep_end(vt_context *ctx) {
    vt__keep *keep = vt__context_keep(ctx);
    while (keep->first) {
        struct vt__kept *k = unlist(keep, &keep->first);
        k->free(ctx, k);
    }
}

int vt__keep_drop(vt_context *ctx) {
    vt__keep *keep = vt__context_keep(ctx);
    int dropped = 0;
    for (;; dropped = 1) {
        vt__lock_take(&keep->lock);
        struct vt__kept *old = oldest(keep);
        vt__lock_give(&keep->lock);
        if (!old) return dropped;
        old->free(ctx, old);
    }
}
