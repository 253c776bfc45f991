/* Threads that work beside their caller for as long as an object lives, and what they wait on. For work that is cut up and waited for there is
 * vt__parallel; this is for work that goes on meanwhile. */
#ifndef VENTURI_CORE_CREW_H
#define VENTURI_CORE_CREW_H

#include <pthread.h>

#include "venturi/types.h"

/* A lock with a condition that everybody waits on. */
typedef struct vt__monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} vt__monitor;

void vt__monitor_init(vt__monitor *m);
void vt__monitor_destroy(vt__monitor *m);
void vt__monitor_enter(vt__monitor *m);
void vt__monitor_leave(vt__monitor *m);
/* Inside: leaves, sleeps until somebody wakes all or `ms` have passed (0: for ever), enters again. May return early. */
void vt__monitor_wait(vt__monitor *m, int64_t ms);
void vt__monitor_wake_all(vt__monitor *m);

typedef struct vt__crew {
    pthread_t *threads; /* [n], owned */
    int32_t n;
} vt__crew;

/* Starts up to n threads that run fn(user) once each and take no signals. Fewer, or none, where the system has no more: crew->n says. */
vt_status vt__crew_start(vt_context *ctx, vt__crew *crew, int32_t n, void (*fn)(void *user), void *user);
/* Waits until all have returned; their function must be on its way out. A zeroed crew is fine. */
void vt__crew_join(vt_context *ctx, vt__crew *crew);

#endif
