#include "core/context.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/error.h"
#include "core/io.h"
#include "core/keep_list.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/profile.h"
#include "core/spare.h"

enum { MAX_THREADS = 256 };

struct vt_context {
    atomic_int refs;
    vt__context_params params;
    atomic_uint_fast64_t live, peak; /* bytes asked of the allocator */
    vt__kept_block kept;             /* of core/memory.h */
    struct vt__spares spares;
    vt__keep keep;                   /* of core/keep.h */
    struct vt__pool *pool;           /* owned; exists from the start, its threads from first use */
    const struct vt__io *io;
    vt__profile profile;
};

static void *malloc_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

static int32_t online_cpus(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int32_t)n;
}

vt_status vt__context_create(const vt__context_params *params, vt_context **out) {
    vt__context_params p = *params;
    *out = NULL;
    if (p.n_threads < 0 || p.n_threads > MAX_THREADS)
        return vt__fail(VT_ERR_INVALID, "context: n_threads=%d, need 0 to %d", p.n_threads, (int)MAX_THREADS);
    if (p.log_level < 0 || p.log_level > VT_LOG_DEBUG)
        return vt__fail(VT_ERR_INVALID, "context: log_level=%d, need 0 to %d", p.log_level, (int)VT_LOG_DEBUG);
    if (!p.alloc) p.alloc = malloc_alloc;
    if (p.n_threads == 0) p.n_threads = online_cpus();
    if (p.log_level == 0) p.log_level = VT_LOG_WARN;
    if (p.memory_limit == 0) p.memory_limit = UINT64_MAX;

    vt_context *ctx = p.memory_limit < sizeof *ctx ? NULL : p.alloc(p.alloc_user, NULL, 0, sizeof *ctx);
    if (!ctx) return vt__fail_nomem("context", sizeof *ctx);
    atomic_init(&ctx->refs, 1);
    ctx->params = p;
    atomic_init(&ctx->live, sizeof *ctx);
    atomic_init(&ctx->peak, sizeof *ctx);
    for (int i = 0; i < VT__SCRATCHES; i++) atomic_init(&ctx->kept.block[i], NULL);
    atomic_init(&ctx->kept.size, 0);
    vt__spares_init(&ctx->spares);
    ctx->keep = (vt__keep){0};
    vt__lock_init(&ctx->keep.lock);
    ctx->io = vt__io_system();
    vt__profile_init(&ctx->profile);
    ctx->pool = vt__pool_create(ctx, p.n_threads);
    if (!ctx->pool) {
        vt__context_release(ctx);
        return vt__fail_nomem("context", 0);
    }
    *out = ctx;
    return VT_OK;
}

vt_context *vt__context_retain(vt_context *ctx) {
    if (ctx) atomic_fetch_add(&ctx->refs, 1);
    return ctx;
}

void vt__context_release(vt_context *ctx) {
    if (!ctx || atomic_fetch_sub(&ctx->refs, 1) != 1) return;
    vt__scratch_drop(ctx);
    vt__spare_drop(ctx);
    vt__spares_destroy(&ctx->spares);
    vt__keep_end(ctx);
    vt__lock_destroy(&ctx->keep.lock);
    vt__pool_destroy(ctx, ctx->pool);
    vt__profile_free(ctx, &ctx->profile);
    ctx->params.alloc(ctx->params.alloc_user, ctx, sizeof *ctx, 0);
}

static void raise_peak(vt_context *ctx, uint64_t live) {
    uint_fast64_t peak = atomic_load_explicit(&ctx->peak, memory_order_relaxed);
    while (live > peak && !atomic_compare_exchange_weak_explicit(&ctx->peak, &peak, live, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void *vt__context_alloc(vt_context *ctx, void *ptr, size_t old_size, size_t new_size) {
    const vt__context_params *p = &ctx->params;
    if (new_size == 0) {
        p->alloc(p->alloc_user, ptr, old_size, 0);
        atomic_fetch_sub_explicit(&ctx->live, old_size, memory_order_relaxed);
        return NULL;
    }
    /* The sum is taken before the limit is looked at, so that two threads cannot both slip under it. */
    uint64_t live = atomic_fetch_add_explicit(&ctx->live, new_size, memory_order_relaxed) + new_size;
    if (live < new_size || live - old_size > p->memory_limit) {
        atomic_fetch_sub_explicit(&ctx->live, new_size, memory_order_relaxed);
        return vt__scratch_drop(ctx) | vt__spare_drop(ctx) | vt__keep_drop(ctx) ? vt__context_alloc(ctx, ptr, old_size, new_size) : NULL;
    }
    void *r = p->alloc(p->alloc_user, ptr, old_size, new_size);
    atomic_fetch_sub_explicit(&ctx->live, r ? old_size : new_size, memory_order_relaxed);
    if (r) raise_peak(ctx, vt__context_memory(ctx));
    return r;
}

void vt__context_trim(vt_context *ctx) {
    int any = vt__scratch_drop(ctx) | vt__spare_drop(ctx);
#ifdef __GLIBC__
    /* Below some small block that lives on, free memory stays the process's for good otherwise. */
    if (any && ctx->params.alloc == malloc_alloc) (void)malloc_trim(0);
#else
    (void)any;
#endif
}

uint64_t vt__context_memory(const vt_context *ctx) {
    uint64_t kept = atomic_load(&ctx->kept.size) + atomic_load(&ctx->spares.kept) + atomic_load(&ctx->keep.size), live = atomic_load(&ctx->live);
    return live > kept ? live - kept : live;
}
void vt__context_used(vt_context *ctx) { raise_peak(ctx, vt__context_memory(ctx)); }
struct vt__spares *vt__context_spares(vt_context *ctx) { return &ctx->spares; }
vt__keep *vt__context_keep(vt_context *ctx) { return &ctx->keep; }
vt__kept_block *vt__context_kept(vt_context *ctx) { return &ctx->kept; }
uint64_t vt__context_memory_peak(const vt_context *ctx) { return atomic_load(&ctx->peak); }
int32_t vt__context_threads(const vt_context *ctx) { return ctx->params.n_threads; }
struct vt__pool *vt__context_pool(vt_context *ctx) { return ctx->pool; }
/* Counting is no change of the context that its readers could see. */
struct vt__profile *vt__context_profile(const vt_context *ctx) { return &((vt_context *)(uintptr_t)ctx)->profile; }
const struct vt__io *vt__context_io(const vt_context *ctx) { return ctx->io; }
void vt__context_set_io(vt_context *ctx, const struct vt__io *io) { ctx->io = io; }

void vt__log(const vt_context *ctx, int32_t level, const char *fmt, ...) {
    char line[512];
    va_list args;
    if (!ctx->params.log || level > ctx->params.log_level) return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    ctx->params.log(ctx->params.log_user, level, line);
}
