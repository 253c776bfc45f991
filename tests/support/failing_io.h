/* File operations that fail on command and count what is open: the file side of torture.h. Operation number `fail_at` (1-based, 0: never)
 * fails with `error`, every later one too if sticky. A failing close or unmap still gives the thing back, as the system's do. */
#ifndef VENTURI_FAILING_IO_H
#define VENTURI_FAILING_IO_H

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "core/io.h"

typedef struct failing_io {
    vt__io table; /* give &table to vt__context_set_io; its user is this struct */
    long calls;   /* operations asked for */
    long fail_at;
    int sticky;
    int error;       /* errno of the failure; 0: EIO */
    size_t short_by; /* reads and writes move at most so many bytes; 0: all */
    long open_files, live_maps;
    const char *failed; /* name of the operation that failed first, NULL if none did */
} failing_io;

static inline int failing_io_now(failing_io *f, const char *name) {
    long call = ++f->calls;
    if (!f->fail_at || call < f->fail_at || (call > f->fail_at && !f->sticky)) return 0;
    if (!f->failed) f->failed = name;
    errno = f->error ? f->error : EIO;
    return 1;
}

static inline size_t failing_io_size(const failing_io *f, size_t size) { return f->short_by && size > f->short_by ? f->short_by : size; }

static inline int failing_io_open_at(void *user, int dir, const char *path, int flags, mode_t mode) {
    failing_io *f = user;
    if (failing_io_now(f, "open")) return -1;
    int fd = vt__io_system()->open_at(NULL, dir, path, flags, mode);
    if (fd >= 0) f->open_files++;
    return fd;
}

static inline int failing_io_close(void *user, int fd) {
    failing_io *f = user;
    int fails = failing_io_now(f, "close");
    int error = errno;
    f->open_files--;
    int r = vt__io_system()->close(NULL, fd);
    if (fails) errno = error;
    return fails ? -1 : r;
}

static inline int failing_io_stat(void *user, int fd, struct stat *out) {
    return failing_io_now(user, "stat") ? -1 : vt__io_system()->stat(NULL, fd, out);
}

static inline ssize_t failing_io_read(void *user, int fd, void *data, size_t size) {
    return failing_io_now(user, "read") ? -1 : vt__io_system()->read(NULL, fd, data, failing_io_size(user, size));
}

static inline ssize_t failing_io_write(void *user, int fd, const void *data, size_t size) {
    return failing_io_now(user, "write") ? -1 : vt__io_system()->write(NULL, fd, data, failing_io_size(user, size));
}

static inline int failing_io_sync(void *user, int fd) { return failing_io_now(user, "sync") ? -1 : vt__io_system()->sync(NULL, fd); }

static inline int failing_io_rename(void *user, const char *from, const char *to) {
    return failing_io_now(user, "rename") ? -1 : vt__io_system()->rename(NULL, from, to);
}

static inline int failing_io_unlink(void *user, const char *path) {
    return failing_io_now(user, "unlink") ? -1 : vt__io_system()->unlink(NULL, path);
}

static inline void *failing_io_map(void *user, int fd, size_t size) {
    failing_io *f = user;
    if (failing_io_now(f, "map")) return MAP_FAILED;
    void *p = vt__io_system()->map(NULL, fd, size);
    if (p != MAP_FAILED) f->live_maps++;
    return p;
}

static inline int failing_io_unmap(void *user, void *data, size_t size) {
    failing_io *f = user;
    int fails = failing_io_now(f, "unmap");
    f->live_maps--;
    int r = vt__io_system()->unmap(NULL, data, size);
    return fails ? -1 : r;
}

static inline int failing_io_open_beneath(void *user, int dir, const char *path, int flags) {
    failing_io *f = user;
    if (failing_io_now(f, "open")) return -1;
    int fd = vt__io_system()->open_beneath(NULL, dir, path, flags);
    if (fd >= 0) f->open_files++;
    return fd;
}

static inline int failing_io_stat_at(void *user, int dir, const char *name, struct stat *out) {
    return failing_io_now(user, "stat") ? -1 : vt__io_system()->stat_at(NULL, dir, name, out);
}

static inline ssize_t failing_io_read_folder(void *user, int fd, void *data, size_t size) {
    return failing_io_now(user, "read") ? -1 : vt__io_system()->read_folder(NULL, fd, data, size);
}

static inline int failing_io_chmod(void *user, int fd, mode_t mode) {
    return failing_io_now(user, "chmod") ? -1 : vt__io_system()->chmod(NULL, fd, mode);
}

/* A hint: refused always, and not counted, since that is nobody's fault. */
static inline int failing_io_advise(void *user, void *data, size_t size, int advice) {
    (void)user;
    (void)data;
    (void)size;
    (void)advice;
    return -1;
}

static inline char *failing_io_resolve(void *user, const char *path, char *out) {
    return failing_io_now(user, "resolve") ? NULL : vt__io_system()->resolve(NULL, path, out);
}

/* A table that does not fail yet. Operations added to vt__io later go to the system until they get a line here. */
static inline void failing_io_init(failing_io *f) {
    *f = (failing_io){.table = *vt__io_system()};
    f->table.user = f;
    f->table.open_at = failing_io_open_at;
    f->table.close = failing_io_close;
    f->table.stat = failing_io_stat;
    f->table.read = failing_io_read;
    f->table.write = failing_io_write;
    f->table.sync = failing_io_sync;
    f->table.rename = failing_io_rename;
    f->table.unlink = failing_io_unlink;
    f->table.map = failing_io_map;
    f->table.unmap = failing_io_unmap;
    f->table.open_beneath = failing_io_open_beneath;
    f->table.stat_at = failing_io_stat_at;
    f->table.read_folder = failing_io_read_folder;
    f->table.chmod = failing_io_chmod;
    f->table.advise = failing_io_advise;
    f->table.resolve = failing_io_resolve;
}

#endif
