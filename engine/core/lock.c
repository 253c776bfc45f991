#include "core/lock.h"

/* The calls cannot fail on a default mutex that is used correctly, so that nothing is returned. */
void vt__lock_init(vt__lock *lock) { pthread_mutex_init(&lock->mutex, NULL); }
void vt__lock_destroy(vt__lock *lock) { pthread_mutex_destroy(&lock->mutex); }
void vt__lock_take(vt__lock *lock) { pthread_mutex_lock(&lock->mutex); }
void vt__lock_give(vt__lock *lock) { pthread_mutex_unlock(&lock->mutex); }
