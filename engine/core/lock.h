/* Mutual exclusion for the few objects that several threads change. Held for a handful of instructions, never across a callback. */
#ifndef VENTURI_CORE_LOCK_H
#define VENTURI_CORE_LOCK_H

#include <pthread.h>

typedef struct vt__lock {
    pthread_mutex_t mutex;
} vt__lock;

void vt__lock_init(vt__lock *lock);
void vt__lock_destroy(vt__lock *lock);
void vt__lock_take(vt__lock *lock);
void vt__lock_give(vt__lock *lock);

#endif
