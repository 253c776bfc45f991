/* malloc of the whole process: fails on command for the thread that asks, which is how libraries without hooks of their own are tortured
 * (jansson, msgpack-c, the C library), and remembers the blocks given out while armed. The names with __libc_ are glibc's own allocator. */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void __libc_free(void *ptr);

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *ptr, size_t size);
void free(void *ptr);

_Thread_local library_faults torture_libraries;

/* Blocks alive that were given out while armed; open addressing, a tombstone is (void *)1. */
enum { SLOTS = 1 << 16 };
static void *blocks[SLOTS];
static long live;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t slot_of(const void *p) { return (size_t)(((uintptr_t)p >> 4) * 2654435761u) % SLOTS; }

static void remember(void *p) {
    pthread_mutex_lock(&lock);
    for (size_t i = slot_of(p), n = 0; n < SLOTS; i = (i + 1) % SLOTS, n++)
        if ((uintptr_t)blocks[i] <= 1) {
            blocks[i] = p;
            live++;
            break;
        }
    pthread_mutex_unlock(&lock);
}

static void forget(const void *p) {
    if (!p) return;
    pthread_mutex_lock(&lock);
    for (size_t i = slot_of(p), n = 0; live > 0 && n < SLOTS && blocks[i]; i = (i + 1) % SLOTS, n++)
        if (blocks[i] == p) {
            blocks[i] = (void *)1;
            live--;
            break;
        }
    pthread_mutex_unlock(&lock);
}

long torture_libraries_live(void) { return live; }

static int fails(void) {
    library_faults *f = &torture_libraries;
    if (!f->armed) return 0;
    long call = ++f->calls;
    if (!f->fail_at || call < f->fail_at || (call > f->fail_at && !f->sticky)) return 0;
    errno = ENOMEM;
    return 1;
}

static void *given(void *p) {
    if (p && torture_libraries.armed) remember(p);
    return p;
}

void *malloc(size_t size) { return fails() ? NULL : given(__libc_malloc(size)); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : given(__libc_calloc(n, size)); }

void *realloc(void *ptr, size_t size) {
    if (fails()) return NULL;
    forget(ptr);
    return given(__libc_realloc(ptr, size));
}

void free(void *ptr) {
    forget(ptr);
    __libc_free(ptr);
}
