/* Thread pool of a context. A call cuts work into numbered chunks; which thread takes which chunk is left open, so a chunk's
 * result must depend on its number alone. Between calls the workers spin for at most 50 us and then block: on a shared core a
 * spinning peer costs more than a wake-up. When a worker has lost its core in the middle of a short region, the caller works alone for
 * some milliseconds. */
#ifndef VENTURI_CORE_POOL_H
#define VENTURI_CORE_POOL_H

#include "venturi/types.h"

struct vt__pool;

typedef void (*vt__chunk_fn)(void *user, int64_t chunk);

/* NULL when out of memory. Starts no thread. */
struct vt__pool *vt__pool_create(vt_context *ctx, int32_t n_threads);
/* Joins the threads; in a forked child, which has none of them, only the memory is given back. */
void vt__pool_destroy(vt_context *ctx, struct vt__pool *pool);

/* Runs fn(user, 0..n_chunks-1), each once, and returns when all are done; the caller works too. A second caller at the same time, and a
 * chunk that calls in turn, do their chunks alone; so does a child forked after the first parallel work. Never fails: with no thread to be had the caller does everything.
 * Chunks that are left because the caller's scope is (core/cancel.h) are not run. */
void vt__parallel(vt_context *ctx, int64_t n_chunks, vt__chunk_fn fn, void *user);

/* First and one past the last of the items that chunk i of n_chunks has: even shares in multiples of `grain`, a function of its arguments only. */
void vt__chunk_range(int64_t n_items, int64_t grain, int64_t n_chunks, int64_t i, int64_t *first, int64_t *last);

#endif
