/* Inside of core/keep.h, for the context that holds it. */
#ifndef VENTURI_CORE_KEEP_LIST_H
#define VENTURI_CORE_KEEP_LIST_H

#include <stdatomic.h>

#include "core/keep.h"
#include "core/lock.h"

struct vt__keep {
    vt__lock lock;
    struct vt__kept *first;
    uint64_t clock;
    int32_t count;
    atomic_size_t size; /* of all that are listed */
};

#endif
