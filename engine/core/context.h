/* The context: allocator, log, thread pool, file operations. Everything that allocates, logs or runs in parallel holds one. */
#ifndef VENTURI_CORE_CONTEXT_H
#define VENTURI_CORE_CONTEXT_H

#include "venturi/types.h"

typedef struct vt__context_params {
    vt_alloc_fn alloc; /* NULL: malloc */
    void *alloc_user;
    vt_log_fn log; /* NULL: silent */
    void *log_user;
    int32_t log_level;
    int32_t n_threads;     /* 0: online CPUs */
    uint64_t memory_limit; /* 0: none */
} vt__context_params;

struct vt__io;
struct vt__pool;
struct vt__profile;

vt_status vt__context_create(const vt__context_params *params, vt_context **out);
vt_context *vt__context_retain(vt_context *ctx);
void vt__context_release(vt_context *ctx);

/* The host's allocator with our accounting; the contract of vt_alloc_fn. Call core/memory.h instead. */
void *vt__context_alloc(vt_context *ctx, void *ptr, size_t old_size, size_t new_size);
uint64_t vt__context_memory(const vt_context *ctx); /* without what is kept for later calls, as the peak */
uint64_t vt__context_memory_peak(const vt_context *ctx);

/* Where core/memory.h keeps scratch, and core/spare.h blocks. */
struct vt__kept_block *vt__context_kept(vt_context *ctx);
struct vt__spares *vt__context_spares(vt_context *ctx);
void vt__context_used(vt_context *ctx); /* something that was kept is in use again: the peak may have moved */

/* Frees scratch and blocks that are kept for the next call, and asks malloc to hand free pages back to the system: between two kinds of work that each
 * need much memory of their own. Takes milliseconds. */
void vt__context_trim(vt_context *ctx);

int32_t vt__context_threads(const vt_context *ctx);
/* Starts the pool's threads on first use; fewer than asked for if the system has no more: work is still done. */
struct vt__pool *vt__context_pool(vt_context *ctx);

struct vt__profile *vt__context_profile(const vt_context *ctx);

/* File operations in use; tests put in a table that fails. Set it before anything else uses the context. */
const struct vt__io *vt__context_io(const vt_context *ctx);
void vt__context_set_io(vt_context *ctx, const struct vt__io *io);

/* One line to the host's log if it wants the level. */
void vt__log(const vt_context *ctx, int32_t level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
