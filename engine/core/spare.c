#include "core/spare.h"

#include "core/context.h"
#include "core/memory.h"

enum {
    LEAST = 1 << 15,    /* smaller blocks are the allocator's own business */
    MOST = 1 << 30,     /* bytes kept */
    SLACK = 8,          /* a block serves for what is smaller by this share of it */
    PATIENCE = 4096     /* blocks given back until one that nobody takes goes */
};

void vt__spares_init(struct vt__spares *spares) {
    vt__lock_init(&spares->lock);
    spares->n = 0;
    spares->now = 0;
    atomic_init(&spares->kept, 0);
    atomic_init(&spares->n_out, 0);
}

void vt__spares_destroy(struct vt__spares *spares) { vt__lock_destroy(&spares->lock); }

/* Takes number i out of the list, whose order is that of coming. */
static void *pick(struct vt__spares *s, int32_t i) {
    void *block = s->spare[i].block;
    atomic_fetch_sub(&s->kept, s->spare[i].size);
    s->n--;
    for (; i < s->n; i++) s->spare[i] = s->spare[i + 1];
    return block;
}

void *vt__spare_take(vt_context *ctx, size_t bytes) {
    struct vt__spares *s = vt__context_spares(ctx);
    void *block = NULL;
    int32_t best = -1;
    if (bytes >= LEAST && atomic_load_explicit(&s->kept, memory_order_relaxed)) {
        vt__lock_take(&s->lock);
        for (int32_t i = 0; i < s->n; i++) {
            size_t room = vt__alloc_room(s->spare[i].block);
            if (room < bytes || room - bytes > room / SLACK) continue;
            if (best < 0 || s->spare[i].size <= s->spare[best].size) best = i; /* of equals the latest, which may be in a cache */
        }
        if (best >= 0) block = pick(s, best);
        vt__lock_give(&s->lock);
    }
    if (block) vt__context_used(ctx);
    else block = vt__alloc64(ctx, bytes);
    if (block) atomic_fetch_add(&s->n_out, 1);
    return block;
}

/* What is to go for a block of this size: too old, or in its way. Called until it answers NULL. */
static void *surplus(struct vt__spares *s, size_t size) {
    void *block = NULL;
    vt__lock_take(&s->lock);
    if (s->n && (s->n == VT__SPARES || atomic_load(&s->kept) + size > MOST || s->now - s->spare[0].since > PATIENCE)) block = pick(s, 0);
    vt__lock_give(&s->lock);
    return block;
}

void vt__spare_give(vt_context *ctx, void *block) {
    struct vt__spares *s = vt__context_spares(ctx);
    if (!block) return;
    size_t size = vt__alloc_size(block);
    int is_last = atomic_fetch_sub(&s->n_out, 1) == 1;
    if (is_last || vt__alloc_room(block) < LEAST || size > MOST) {
        vt__free(ctx, block);
        if (is_last) (void)vt__spare_drop(ctx);
        return;
    }
    for (void *old; (old = surplus(s, size)) != NULL;) vt__free(ctx, old);
    vt__lock_take(&s->lock);
    if (s->n < VT__SPARES) {
        s->spare[s->n].block = block;
        s->spare[s->n].size = size;
        s->spare[s->n++].since = s->now++;
        atomic_fetch_add(&s->kept, size);
        block = NULL;
    }
    vt__lock_give(&s->lock);
    vt__free(ctx, block); /* another thread's has taken the place */
}

int vt__spare_drop(vt_context *ctx) {
    struct vt__spares *s = vt__context_spares(ctx);
    int any = 0;
    for (;; any = 1) {
        vt__lock_take(&s->lock);
        void *block = s->n ? pick(s, s->n - 1) : NULL;
        vt__lock_give(&s->lock);
        if (!block) return any;
        vt__free(ctx, block);
    }
}
