#include "core/crew.h"

#include <signal.h>
#include <time.h>

#include "core/error.h"
#include "core/memory.h"

void vt__monitor_init(vt__monitor *m) {
    pthread_condattr_t attr;
    pthread_mutex_init(&m->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &attr);
    pthread_condattr_destroy(&attr);
}

void vt__monitor_destroy(vt__monitor *m) {
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->mutex);
}

void vt__monitor_enter(vt__monitor *m) { pthread_mutex_lock(&m->mutex); }
void vt__monitor_leave(vt__monitor *m) { pthread_mutex_unlock(&m->mutex); }
void vt__monitor_wake_all(vt__monitor *m) { pthread_cond_broadcast(&m->changed); }

void vt__monitor_wait(vt__monitor *m, int64_t ms) {
    enum { MS_A_SECOND = 1000, NS_A_MS = 1000000, NS_A_SECOND = 1000000000 };
    struct timespec until;
    if (ms == 0) {
        pthread_cond_wait(&m->changed, &m->mutex);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / MS_A_SECOND;
    until.tv_nsec += ms % MS_A_SECOND * NS_A_MS;
    if (until.tv_nsec >= NS_A_SECOND) {
        until.tv_nsec -= NS_A_SECOND;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&m->changed, &m->mutex, &until);
}

/* What a new thread is told; it lives until the thread has read it. */
typedef struct order {
    vt_context *ctx;
    void (*fn)(void *user);
    void *user;
} order;

static void *begin(void *arg) {
    order o = *(order *)arg;
    vt__free(o.ctx, arg);
    o.fn(o.user);
    return NULL;
}

static int start_one(vt_context *ctx, vt__crew *crew, void (*fn)(void *user), void *user) {
    order *o = vt__alloc(ctx, sizeof *o);
    if (!o) return 0;
    *o = (order){ctx, fn, user};
    if (pthread_create(&crew->threads[crew->n], NULL, begin, o) == 0) return 1;
    vt__free(ctx, o);
    return 0;
}

vt_status vt__crew_start(vt_context *ctx, vt__crew *crew, int32_t n, void (*fn)(void *user), void *user) {
    sigset_t all, old;
    *crew = (vt__crew){.threads = vt__calloc2(ctx, n, 1, sizeof *crew->threads)};
    if (!crew->threads) return vt__fail_nomem("threads", (size_t)n * sizeof *crew->threads);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (crew->n < n && start_one(ctx, crew, fn, user)) crew->n++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return VT_OK;
}

void vt__crew_join(vt_context *ctx, vt__crew *crew) {
    for (int32_t i = 0; i < crew->n; i++) pthread_join(crew->threads[i], NULL);
    vt__free(ctx, crew->threads);
    *crew = (vt__crew){0};
}
