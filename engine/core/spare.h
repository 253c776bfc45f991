/* Large blocks that come and go, such as the numbers of tensors. A page that is new to a process costs more than filling it, so a context keeps blocks
 * that have been given back, for the next of about their size: at most a number of them and a number of bytes, none that has not been asked for in a
 * long while, and none any more when the last block is back or when a limit would be hit. What is kept is not counted in vt__context_memory. */
#ifndef VENTURI_CORE_SPARE_H
#define VENTURI_CORE_SPARE_H

#include <stdatomic.h>

#include "core/lock.h"
#include "venturi/types.h"

enum { VT__SPARES = 128 };

struct vt__spares {
    vt__lock lock; /* of all but kept and n_out */
    int32_t n;
    uint64_t now; /* blocks kept so far */
    struct {
        void *block;
        size_t size;   /* as the allocator was asked for */
        uint64_t since; /* what `now` was */
    } spare[VT__SPARES];
    atomic_size_t kept;        /* bytes */
    atomic_int_fast64_t n_out; /* blocks taken and not given back */
};

void vt__spares_init(struct vt__spares *spares);
void vt__spares_destroy(struct vt__spares *spares); /* dropped before */

/* Aligned to 64 bytes, contents undefined; NULL when out of memory. */
void *vt__spare_take(vt_context *ctx, size_t bytes);
void vt__spare_give(vt_context *ctx, void *block); /* of vt__spare_take; NULL is fine */
int vt__spare_drop(vt_context *ctx);               /* frees what is kept; 0: nothing was */

#endif
