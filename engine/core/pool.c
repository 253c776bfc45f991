#define _GNU_SOURCE /* RUSAGE_THREAD */
#include "core/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/clock.h"
#include "core/context.h"
#include "core/memory.h"

enum {
    SPIN_NS = 50000,
    SPINS_BETWEEN_CLOCK_READS = 64,
    STALL_NS = 200000,       /* a wait from which on a worker has lost its core */
    STALL_SHARE = 4,         /* and so many times what the caller had worked: long regions make up for it by themselves */
    ALONE_STALLS = 8,        /* the caller then works alone for so many times what it has waited, */
    ALONE_MAX_NS = 200000000, /* and for twice as long each time it happens again, up to this */
    ALONE_REGION_NS = 500000, /* of a longer region the others get the rest */
    AWAY_NS = 1000000,        /* from so long a time on it is worth a system call to ask whether the caller was sent away itself */
    LINE = 64
};

/* One job at a time. `ticket` packs the job's number (high 32 bits) and the next chunk (low 32 bits, at least n_chunks when none is left):
 * a worker that wakes late takes a chunk only of the job that it saw, because the number in the same word has moved on otherwise.
 *
 * On a core that others use too, a worker is sent away for milliseconds, now and then in the middle of a chunk, and a region of 30 us waits
 * for it. No chunk can be done twice, so the caller does without the others for a while: alone it keeps more of its speed.
 *
 * A word that another core has written costs 40 to 200 ns, and as much again to write while others look at it: what they wait for, what a job is, and
 * what they report are on lines of their own. */
struct vt__pool {
    int32_t n_threads; /* the caller included */
    int32_t n_started; /* workers alive */
    int started;       /* starting was tried */
    int stop;          /* under lock */
    atomic_int owner;  /* process whose threads these are; 0 until the first parallel work, and no lock is touched before that */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_int busy;      /* 1 while a caller's job runs */
    _Alignas(LINE) atomic_uint_fast64_t ticket;
    _Alignas(LINE) _Atomic(vt__chunk_fn) fn; /* as the next three: written between tickets, see run_together */
    _Atomic(void *) user;
    _Atomic(vt__cancel_scope *) scope; /* the caller's */
    atomic_int_fast64_t base; /* number of the first chunk */
    atomic_uint n_chunks;
    _Alignas(LINE) atomic_uint done; /* chunks finished */
    _Alignas(LINE) atomic_int sleepers; /* workers blocked or about to */
    atomic_int is_awaited; /* the caller is blocked until all chunks are done */
    pthread_cond_t finished;
    int64_t alone_until;  /* ns; while busy, as the next two */
    int64_t alone_for;    /* how long it was or is */
    int64_t alone_end;    /* of the last time */
    pthread_t threads[];  /* [n_threads - 1] */
};

static _Thread_local int inside; /* this thread is in a chunk: a nested call runs alone */

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static uint32_t job_of(uint64_t ticket) { return (uint32_t)(ticket >> 32); }

static uint32_t next_number(uint32_t job) { return job == UINT32_MAX ? 1 : job + 1; } /* 0 means "stop" */

/* Takes chunks of job `job` until none is left. */
static void work(struct vt__pool *pool, uint32_t job) {
    for (;;) {
        uint_fast64_t t = atomic_load(&pool->ticket);
        unsigned n = atomic_load_explicit(&pool->n_chunks, memory_order_acquire);
        vt__chunk_fn fn = atomic_load_explicit(&pool->fn, memory_order_acquire);
        void *user = atomic_load_explicit(&pool->user, memory_order_acquire);
        vt__cancel_scope *scope = atomic_load_explicit(&pool->scope, memory_order_acquire);
        int64_t base = atomic_load_explicit(&pool->base, memory_order_acquire);
        if (job_of(t) != job || (uint32_t)t >= n) return;
        /* Success proves that the job is still this one, so n, fn, user, scope and base were its own. */
        if (!atomic_compare_exchange_weak(&pool->ticket, &t, t + 1)) continue;
        (void)vt__cancel_scope_set(scope);
        if (!vt__cancel_is_left()) fn(user, base + (int64_t)(uint32_t)t);
        if (atomic_fetch_add(&pool->done, 1) + 1 == n && atomic_load(&pool->is_awaited)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_broadcast(&pool->finished);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

/* Waits for a job other than `seen`; 0 when the pool stops. */
static uint32_t wait_for_job(struct vt__pool *pool, uint32_t seen) {
    int64_t until = vt__clock_ns() + SPIN_NS;
    for (;;) {
        for (int i = 0; i < SPINS_BETWEEN_CLOCK_READS; i++) {
            uint32_t job = job_of(atomic_load(&pool->ticket));
            if (job != seen) return job;
            relax();
        }
        if (vt__clock_ns() >= until) break;
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    uint32_t job;
    while ((job = job_of(atomic_load(&pool->ticket))) == seen && !pool->stop) pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    int stop = pool->stop;
    pthread_mutex_unlock(&pool->lock);
    return stop ? 0 : job;
}

static void *worker(void *arg) {
    struct vt__pool *pool = arg;
    uint32_t job = 0;
    inside = 1;
    while ((job = wait_for_job(pool, job)) != 0) work(pool, job);
    return NULL;
}

struct vt__pool *vt__pool_create(vt_context *ctx, int32_t n_threads) {
    const size_t size = sizeof(struct vt__pool) + (size_t)(n_threads - 1) * sizeof(pthread_t);
    struct vt__pool *pool = vt__alloc64(ctx, size);
    if (!pool) return NULL;
    memset(pool, 0, size);
    pool->n_threads = n_threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->finished, NULL);
    return pool;
}

/* A fork copies the pool but none of its threads: in the child there is nobody to join or to wake, and a lock may be held by a thread that
 * is gone. The first process that asks makes the pool its own; 0 when it is another's. */
static int own(struct vt__pool *pool) {
    int owner = 0, me = (int)getpid();
    return atomic_compare_exchange_strong(&pool->owner, &owner, me) || owner == me;
}

void vt__pool_destroy(vt_context *ctx, struct vt__pool *pool) {
    if (!pool) return;
    if (!own(pool)) {
        vt__free(ctx, pool);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stop = 1;
    /* Spinning workers leave their loop, find no chunk, and see the flag when they go to sleep. */
    atomic_store(&pool->ticket, (uint64_t)next_number(job_of(atomic_load(&pool->ticket))) << 32 | UINT32_MAX);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int32_t i = 0; i < pool->n_started; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    vt__free(ctx, pool);
}

/* Workers take no signals: the host's handlers stay on the host's threads. Called while `busy`. */
static void start(struct vt__pool *pool) {
    sigset_t all, old;
    pool->started = 1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (pool->n_started < pool->n_threads - 1 && pthread_create(&pool->threads[pool->n_started], NULL, worker, pool) == 0)
        pool->n_started++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void run_alone(int64_t n_chunks, vt__chunk_fn fn, void *user) {
    for (int64_t i = 0; i < n_chunks && !vt__cancel_is_left(); i++) fn(user, i);
}

/* A thread that shares its core does better to wake up again on one that is free: the system looks for it then, and seldom before. */
static void leave_shared_core(int64_t worked) {
#ifdef RUSAGE_THREAD
    static _Thread_local long sent_away;
    struct rusage usage;
    if (worked < AWAY_NS || getrusage(RUSAGE_THREAD, &usage) != 0) return;
    if (usage.ru_nivcsw > sent_away) (void)nanosleep(&(struct timespec){.tv_nsec = 1}, NULL);
    sent_away = usage.ru_nivcsw;
#else
    (void)worked;
#endif
}

/* Until all chunks are done. Blocked, not in short sleeps: a core that is left idle is where the system puts the worker that waits for one. */
static void wait_for_rest(struct vt__pool *pool, unsigned n, int64_t since) {
    for (int64_t i = 1; atomic_load(&pool->done) != n; i++) {
        relax();
        if (i % SPINS_BETWEEN_CLOCK_READS == 0 && vt__clock_ns() - since >= SPIN_NS) break;
    }
    if (atomic_load(&pool->done) == n) return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->is_awaited, 1);
    while (atomic_load(&pool->done) != n) pthread_cond_wait(&pool->finished, &pool->lock);
    atomic_store(&pool->is_awaited, 0);
    pthread_mutex_unlock(&pool->lock);
}

/* After a region in which the caller worked and then waited. */
static void judge(struct vt__pool *pool, int64_t now, int64_t worked, int64_t waited) {
    if (waited < STALL_NS || waited < STALL_SHARE * worked) return;
    int again = now - pool->alone_end < 2 * pool->alone_for;
    pool->alone_for = again ? 2 * pool->alone_for : ALONE_STALLS * waited;
    if (pool->alone_for > ALONE_MAX_NS) pool->alone_for = ALONE_MAX_NS;
    pool->alone_until = pool->alone_end = now + pool->alone_for;
}

static void run_together(struct vt__pool *pool, int64_t base, int64_t n_chunks, vt__chunk_fn fn, void *user) {
    /* Closed under a number of its own while the job is filled in: a late worker of the last job that has seen any of it (hence release and acquire) finds
     * that its number is gone. */
    uint32_t closed = next_number(job_of(atomic_load(&pool->ticket)));
    uint32_t job = next_number(closed);
    atomic_store_explicit(&pool->ticket, (uint64_t)closed << 32 | UINT32_MAX, memory_order_release);
    atomic_store_explicit(&pool->n_chunks, (unsigned)n_chunks, memory_order_release);
    atomic_store_explicit(&pool->done, 0, memory_order_release);
    atomic_store_explicit(&pool->fn, fn, memory_order_release);
    atomic_store_explicit(&pool->user, user, memory_order_release);
    atomic_store_explicit(&pool->scope, vt__cancel_scope_get(), memory_order_release);
    atomic_store_explicit(&pool->base, base, memory_order_release);
    atomic_store(&pool->ticket, (uint64_t)job << 32);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
    int64_t begin = vt__clock_ns();
    inside = 1;
    work(pool, job);
    inside = 0;
    int64_t worked = vt__clock_ns();
    wait_for_rest(pool, (unsigned)n_chunks, worked);
    int64_t now = vt__clock_ns();
    judge(pool, now, worked - begin, now - worked);
    leave_shared_core(worked - begin);
}

/* How many chunks the caller has done by itself. */
static int64_t alone_for_now(struct vt__pool *pool, int64_t n_chunks, vt__chunk_fn fn, void *user) {
    int64_t i = 0;
    if (!pool->alone_until) return 0;
    int64_t begin = vt__clock_ns(), now = begin;
    inside = 1;
    for (; i < n_chunks && now < pool->alone_until && now - begin < ALONE_REGION_NS; i++) {
        if (!vt__cancel_is_left()) fn(user, i);
        now = vt__clock_ns();
    }
    inside = 0;
    leave_shared_core(now - begin);
    if (now >= pool->alone_until) pool->alone_until = 0;
    return i;
}

void vt__parallel(vt_context *ctx, int64_t n_chunks, vt__chunk_fn fn, void *user) {
    struct vt__pool *pool = vt__context_pool(ctx);
    if (n_chunks <= 1 || n_chunks > UINT32_MAX / 2 || pool->n_threads == 1 || inside || !own(pool) ||
        atomic_exchange(&pool->busy, 1)) {
        run_alone(n_chunks, fn, user);
        return;
    }
    if (!pool->started) start(pool);
    int64_t first = alone_for_now(pool, n_chunks, fn, user);
    if (first < n_chunks) run_together(pool, first, n_chunks - first, fn, user);
    atomic_store(&pool->busy, 0);
}

void vt__chunk_range(int64_t n_items, int64_t grain, int64_t n_chunks, int64_t i, int64_t *first, int64_t *last) {
    int64_t units = (n_items + grain - 1) / grain;
    int64_t base = units / n_chunks, extra = units % n_chunks;
    int64_t a = i * base + (i < extra ? i : extra);
    int64_t b = a + base + (i < extra ? 1 : 0);
    *first = a * grain < n_items ? a * grain : n_items;
    *last = b * grain < n_items ? b * grain : n_items;
}
