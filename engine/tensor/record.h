/* Watching what a thread does to tensors: whoever records a run of operations (engine/plan) is told of every step that a device makes, of the memory that is made
 * and given back meanwhile, and of numbers that come from the host. Nothing is told of views: they are how a step sees memory. */
#ifndef VENTURI_TENSOR_RECORD_H
#define VENTURI_TENSOR_RECORD_H

#include "tensor/tensor.h"

/* One a recording, alive from vt__recorder_set to the same with what it answered. Storages that it has marked (s->recorder) are of this recording:
 * nobody else may use them, and their numbers cannot be read before it ends, since a replay would not stop there. */
struct vt__recorder {
    /* run has just been done; in and out are the tensors behind its views. */
    vt_status (*step)(struct vt__recorder *r, const struct vt__run *run, vt_tensor *const *in, vt_tensor *const *out);
    /* New memory, and memory of this recording that is about to be freed. */
    vt_status (*made)(struct vt__recorder *r, struct vt__storage *s);
    void (*gone)(struct vt__recorder *r, struct vt__storage *s);
    /* The host has written size bytes to all of t, which is dense. */
    vt_status (*written)(struct vt__recorder *r, vt_tensor *t, const void *host, size_t size);
    /* Number of the variable with this name, above 0: what vt__attr.var says. */
    vt_status (*variable)(struct vt__recorder *r, const char *name, int32_t *out);
};

/* This thread's; NULL: nobody records. set answers what it was. */
struct vt__recorder *vt__recorder_get(void);
struct vt__recorder *vt__recorder_set(struct vt__recorder *r);

/* STATE where t belongs to the recording of another thread, or one that is over. */
vt_status vt__recorder_check(const char *what, const vt_tensor *t);
/* STATE where the host may not see t's numbers now. */
vt_status vt__recorder_check_read(const char *what, const vt_tensor *t);

#endif
