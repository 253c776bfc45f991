#define _GNU_SOURCE
#include "core/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

static int sys_open_at(void *user, int dir, const char *path, int flags, mode_t mode) {
    (void)user;
    return openat(dir, path, flags | O_CLOEXEC, mode);
}
static int sys_close(void *user, int fd) {
    (void)user;
    return close(fd);
}
static int sys_stat(void *user, int fd, struct stat *out) {
    (void)user;
    return fstat(fd, out);
}
static ssize_t sys_read(void *user, int fd, void *data, size_t size) {
    (void)user;
    return read(fd, data, size);
}
static ssize_t sys_write(void *user, int fd, const void *data, size_t size) {
    (void)user;
    return write(fd, data, size);
}
static int sys_sync(void *user, int fd) {
    (void)user;
    return fsync(fd);
}
static int sys_rename(void *user, const char *from, const char *to) {
    (void)user;
    return rename(from, to);
}
static int sys_unlink(void *user, const char *path) {
    (void)user;
    return unlink(path);
}
static void *sys_map(void *user, int fd, size_t size) {
    (void)user;
    return mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
}
static int sys_unmap(void *user, void *data, size_t size) {
    (void)user;
    return munmap(data, size);
}
static int sys_stat_at(void *user, int dir, const char *name, struct stat *out) {
    (void)user;
    return fstatat(dir, name, out, AT_SYMLINK_NOFOLLOW);
}
static ssize_t sys_read_folder(void *user, int fd, void *data, size_t size) {
    (void)user;
    return getdents64(fd, data, size);
}
static int sys_chmod(void *user, int fd, mode_t mode) {
    (void)user;
    return fchmod(fd, mode);
}
static int sys_advise(void *user, void *data, size_t size, int advice) {
    (void)user;
    return madvise(data, size, advice);
}
static char *sys_resolve(void *user, const char *path, char *out) {
    (void)user;
    return realpath(path, out);
}

int vt__io_open_by_steps(int dir, const char *path, int flags) {
    char name[NAME_MAX + 1];
    int at = dir;
    for (;;) {
        size_t len = strcspn(path, "/");
        int last = path[len] == '\0';
        if (len > NAME_MAX) {
            errno = ENAMETOOLONG;
        } else {
            memcpy(name, path, len);
            name[len] = '\0';
        }
        int next = len > NAME_MAX ? -1 : openat(at, name, (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        int err = errno;
        if (at != dir) (void)close(at);
        errno = err == ELOOP ? EXDEV : err;
        if (next < 0 || last) return next;
        at = next;
        path += len + 1;
    }
}

static int sys_open_beneath(void *user, int dir, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    (void)user;
    for (int tries = 0; tries < 16; tries++) { /* EAGAIN: a rename came between; it may be no escape at all */
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (fd >= 0) return (int)fd;
        if (errno == ENOSYS || errno == EPERM) return vt__io_open_by_steps(dir, path, flags);
        if (errno != EAGAIN && errno != EINTR) return -1;
    }
    errno = EXDEV;
    return -1;
}

const vt__io *vt__io_system(void) {
    static const vt__io table = {.open_at = sys_open_at, .close = sys_close, .stat = sys_stat, .read = sys_read, .write = sys_write,
                                 .sync = sys_sync, .rename = sys_rename, .unlink = sys_unlink, .map = sys_map, .unmap = sys_unmap,
                                 .open_beneath = sys_open_beneath, .stat_at = sys_stat_at, .read_folder = sys_read_folder,
                                 .chmod = sys_chmod, .advise = sys_advise, .resolve = sys_resolve};
    return &table;
}

vt_status vt__fail_errno(const char *op, const char *path) {
    char text[128];
    int err = errno;
    const char *why = strerror_r(err, text, sizeof text); /* GNU form: returns the text */
    int missing = err == ENOENT || err == ENOTDIR;
    return vt__fail(missing ? VT_ERR_NOT_FOUND : err == ENOMEM ? VT_ERR_NOMEM : VT_ERR_IO, "%s: %s: %s", op, path, why);
}

static int open_retry(const vt__io *io, int dir, const char *path, int flags, mode_t mode) {
    int fd;
    do fd = io->open_at(io->user, dir, path, flags, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Opens a regular file for reading. The caller closes *fd, which is -1 on failure. */
static vt_status open_regular(const vt__io *io, const char *path, int *fd, struct stat *st) {
    vt_status status = VT_OK;
    *fd = open_retry(io, AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0); /* a pipe without a writer must not hold us */
    if (*fd < 0) return vt__fail_errno("open", path);
    if (io->stat(io->user, *fd, st) != 0) status = vt__fail_errno("stat", path);
    else if (!S_ISREG(st->st_mode)) status = vt__fail(VT_ERR_IO, "open: %s: not a regular file", path);
    if (status == VT_OK) return VT_OK;
    (void)io->close(io->user, *fd);
    *fd = -1;
    return status;
}

vt_status vt__map_file(vt_context *ctx, const char *path, vt__mapping *out) {
    const vt__io *io = vt__context_io(ctx);
    struct stat st;
    int fd;

    memset(out, 0, sizeof *out);
    vt_status status = open_regular(io, path, &fd, &st);
    if (status != VT_OK) return status;
    void *p = st.st_size > 0 ? io->map(io->user, fd, (size_t)st.st_size) : NULL;
    if (p == MAP_FAILED) status = vt__fail_errno("map", path);
    else
        *out = (vt__mapping){.data = p, .size = (size_t)st.st_size, .device = st.st_dev, .inode = st.st_ino,
                             .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
    (void)io->close(io->user, fd);
    return status;
}

void vt__unmap_file(vt_context *ctx, vt__mapping *map) {
    const vt__io *io = vt__context_io(ctx);
    if (map->data) (void)io->unmap(io->user, (void *)(uintptr_t)map->data, map->size);
    memset(map, 0, sizeof *map);
}

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/* Advice may be refused: nothing but speed and memory depends on it. */
void vt__mapping_forget(vt_context *ctx, const vt__mapping *map, size_t offset, size_t size) {
    const vt__io *io = vt__context_io(ctx);
    if (!map->data || offset >= map->size || size == 0) return;
    size_t page = page_size(), first = offset / page * page;
    size_t end = size < map->size - offset ? offset + size : map->size;
    (void)io->advise(io->user, (void *)(uintptr_t)(map->data + first), (end - first + page - 1) / page * page, MADV_DONTNEED);
}

void vt__prefer_large_pages(vt_context *ctx, void *data, size_t size) {
    const vt__io *io = vt__context_io(ctx);
    uintptr_t page = page_size(), first = ((uintptr_t)data + page - 1) / page * page, end = ((uintptr_t)data + size) / page * page;
    if (first < end) (void)io->advise(io->user, (void *)first, end - first, MADV_HUGEPAGE);
}

vt_status vt__read_all(vt_context *ctx, int fd, const char *name, uint64_t max_size, char **out, size_t *out_size) {
    const vt__io *io = vt__context_io(ctx);
    struct stat st;
    size_t len = 0;

    *out = NULL;
    if (io->stat(io->user, fd, &st) != 0) return vt__fail_errno("stat", name);
    if (st.st_size < 0 || (uint64_t)st.st_size > max_size)
        return vt__fail(VT_ERR_LIMIT, "read: %s has %lld bytes, at most %llu are taken", name, (long long)st.st_size, (unsigned long long)max_size);
    size_t size = (size_t)st.st_size;
    char *data = vt__alloc(ctx, size + 1);
    if (!data) return vt__fail_nomem(name, size + 1);
    while (len < size) { /* a file that shrank meanwhile just ends earlier */
        ssize_t n = io->read(io->user, fd, data + len, size - len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            vt__free(ctx, data);
            return vt__fail_errno("read", name);
        }
        if (n == 0) break;
        len += (size_t)n;
    }
    data[len] = '\0';
    *out = data;
    *out_size = len;
    return VT_OK;
}

vt_status vt__read_file(vt_context *ctx, const char *path, uint64_t max_size, char **out, size_t *out_size) {
    const vt__io *io = vt__context_io(ctx);
    struct stat st;
    int fd;

    *out = NULL;
    vt_status status = open_regular(io, path, &fd, &st);
    if (status != VT_OK) return status;
    status = vt__read_all(ctx, fd, path, max_size, out, out_size);
    (void)io->close(io->user, fd);
    return status;
}

static vt_status write_all(const vt__io *io, int fd, const char *path, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = io->write(io->user, fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        if (n <= 0) return vt__fail_errno("write", path);
        data += n;
        size -= (size_t)n;
    }
    return VT_OK;
}

static vt_status sync_folder(const vt__io *io, const char *folder) {
    int fd = open_retry(io, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return vt__fail_errno("open", folder);
    vt_status st = io->sync(io->user, fd) == 0 ? VT_OK : vt__fail_errno("fsync", folder);
    (void)io->close(io->user, fd);
    return st;
}

/* Opens a file that was not there before: path with a number behind, room for which the caller has left. A name that a crash or another
 * thread left is passed over, never written through. */
static int open_new(const vt__io *io, char *path, size_t room, mode_t mode) {
    enum { TRIES = 1000 };
    size_t len = strlen(path);
    int fd = -1;
    for (int i = 0; i < TRIES; i++) {
        (void)snprintf(path + len, room - len, ".tmp-%ld-%d", (long)getpid(), i);
        fd = open_retry(io, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, mode);
        if (fd >= 0 || errno != EEXIST) break;
    }
    return fd;
}

/* The file that a replacement of path stands for: path, or in `room` where a link there leads to. old->st_mode: 0 when there is none yet. */
static vt_status find_old(const vt__io *io, const char **path, char *room, struct stat *old) {
    int r = io->stat_at(io->user, AT_FDCWD, *path, old);
    if (r == 0 && S_ISLNK(old->st_mode)) {
        const char *target = io->resolve(io->user, *path, room);
        r = target ? io->stat_at(io->user, AT_FDCWD, target, old) : -1;
        if (r == 0) *path = target;
    }
    if (r != 0 && errno != ENOENT) return vt__fail_errno("stat", *path);
    if (r != 0) *old = (struct stat){0};
    return VT_OK;
}

/* Gives a new, still empty file the permissions of the one whose place it takes. */
static vt_status keep_mode(const vt__io *io, int fd, const char *path, const struct stat *old) {
    struct stat st;
    mode_t mode = old->st_mode & 0777;
    if (io->stat(io->user, fd, &st) != 0) return vt__fail_errno("stat", path);
    /* Another group than the one that these bits were meant for. */
    if (st.st_gid != old->st_gid) mode &= ~(mode_t)070 | (mode & 07) << 3;
    return io->chmod(io->user, fd, mode) == 0 ? VT_OK : vt__fail_errno("chmod", path);
}

static void end_replacement(vt__replacement *r) {
    vt__free(r->ctx, r->path);
    vt__free(r->ctx, r->temp);
    *r = (vt__replacement){.fd = -1};
}

/* Names of what is replaced and, in the same folder, of the new file, whose number is still missing. */
static vt_status name_files(vt__replacement *r, const char *path, size_t room) {
    size_t len = strlen(path);
    r->path = vt__alloc(r->ctx, len + 1);
    r->temp = vt__alloc(r->ctx, room);
    if (!r->path || !r->temp) return vt__fail_nomem("replace", room);
    memcpy(r->path, path, len + 1);
    memcpy(r->temp, path, len + 1);
    return VT_OK;
}

vt_status vt__replacement_begin(vt__replacement *r, vt_context *ctx, const char *path) {
    const vt__io *io = vt__context_io(ctx);
    char resolved[PATH_MAX];
    struct stat old;

    *r = (vt__replacement){.ctx = ctx, .fd = -1};
    vt_status st = find_old(io, &path, resolved, &old);
    size_t room = strlen(path) + 48;
    if (st == VT_OK) st = name_files(r, path, room);
    if (st == VT_OK) {
        r->fd = open_new(io, r->temp, room, old.st_mode ? 0600 : 0666);
        if (r->fd < 0) st = vt__fail_errno("create", r->temp);
    }
    if (st != VT_OK) {
        end_replacement(r);
        return st;
    }
    if (old.st_mode) st = keep_mode(io, r->fd, r->temp, &old);
    if (st != VT_OK) vt__replacement_drop(r);
    return st;
}

vt_status vt__replacement_write(vt__replacement *r, const void *data, size_t size) {
    return write_all(vt__context_io(r->ctx), r->fd, r->temp, data, size);
}

void vt__replacement_drop(vt__replacement *r) {
    if (!r->path) return;
    const vt__io *io = vt__context_io(r->ctx);
    if (r->fd >= 0) (void)io->close(io->user, r->fd);
    (void)io->unlink(io->user, r->temp);
    end_replacement(r);
}

vt_status vt__replacement_commit(vt__replacement *r) {
    const vt__io *io = vt__context_io(r->ctx);
    vt_status st = io->sync(io->user, r->fd) == 0 ? VT_OK : vt__fail_errno("fsync", r->temp);
    if (io->close(io->user, r->fd) != 0 && st == VT_OK) st = vt__fail_errno("close", r->temp);
    r->fd = -1;
    if (st == VT_OK && io->rename(io->user, r->temp, r->path) != 0) st = vt__fail_errno("rename", r->path);
    if (st != VT_OK) {
        vt__replacement_drop(r);
        return st;
    }
    /* From here on the new content is in place; only its name's durability is still open. */
    const char *slash = strrchr(r->path, '/');
    size_t folder = slash ? (size_t)(slash - r->path) : 0;
    r->temp[folder] = '\0';
    st = sync_folder(io, folder ? r->temp : slash ? "/" : ".");
    end_replacement(r);
    return st;
}

vt_status vt__replace_file(vt_context *ctx, const char *path, const void *data, size_t size) {
    vt__replacement r;
    vt_status st = vt__replacement_begin(&r, ctx, path);
    if (st == VT_OK) st = vt__replacement_write(&r, data, size);
    if (st == VT_OK) return vt__replacement_commit(&r);
    vt__replacement_drop(&r);
    return st;
}
