/* File operations of the engine behind one table, so that tests can fail each of them; read-only mapping; durable replacement.
 * No other room opens a file. Functions of the table keep errno as the system calls do. */
#ifndef VENTURI_CORE_IO_H
#define VENTURI_CORE_IO_H

#include <sys/stat.h>
#include <sys/types.h>

#include "venturi/types.h"

typedef struct vt__io {
    void *user;
    int (*open_at)(void *user, int dir, const char *path, int flags, mode_t mode); /* dir: AT_FDCWD or an open folder */
    int (*close)(void *user, int fd);
    int (*stat)(void *user, int fd, struct stat *out);
    ssize_t (*read)(void *user, int fd, void *data, size_t size);
    ssize_t (*write)(void *user, int fd, const void *data, size_t size);
    int (*sync)(void *user, int fd);
    int (*rename)(void *user, const char *from, const char *to);
    int (*unlink)(void *user, const char *path);
    void *(*map)(void *user, int fd, size_t size); /* whole file, read only, private; MAP_FAILED */
    int (*unmap)(void *user, void *data, size_t size);
    /* As open_at for reading, but EXDEV when the path or a link on it leads out of dir, at any moment of the look-up. */
    int (*open_beneath)(void *user, int dir, const char *path, int flags);
    int (*stat_at)(void *user, int dir, const char *name, struct stat *out); /* of a link: the link itself */
    /* The next entries of an open folder as the system packs them (struct dirent64); 0 at the end. */
    ssize_t (*read_folder)(void *user, int fd, void *data, size_t size);
    int (*chmod)(void *user, int fd, mode_t mode);
    int (*advise)(void *user, void *data, size_t size, int advice); /* madvise: whole pages */
    char *(*resolve)(void *user, const char *path, char *out); /* absolute and without links; out: PATH_MAX bytes; NULL */
} vt__io;

/* The operating system's. */
const vt__io *vt__io_system(void);

/* open_beneath one level at a time, following no link at all: what is left where the kernel (before 5.6) or a sandbox has no openat2. */
int vt__io_open_by_steps(int dir, const char *path, int flags);

/* A whole file, mapped. Size 0 is a valid mapping with data == NULL. Device, inode and time change when the file is replaced or rewritten.
 * For files that stay as they are while they are open: one that is shortened meanwhile ends the process (SIGBUS) where it is touched. What
 * others may write at any time, pictures and settings, is read by vt__read_file instead. */
typedef struct vt__mapping {
    const unsigned char *data;
    size_t size;
    uint64_t device, inode;
    int64_t mtime_ns;
} vt__mapping;

/* Errors: NOT_FOUND, IO (also: not a regular file). *out is zeroed on failure. */
vt_status vt__map_file(vt_context *ctx, const char *path, vt__mapping *out);
void vt__unmap_file(vt_context *ctx, vt__mapping *map);
/* These bytes are not needed for now: the pages that hold them leave our memory, and come back from the file when they are touched. */
void vt__mapping_forget(vt_context *ctx, const vt__mapping *map, size_t offset, size_t size);
/* Wishes for large pages where the block, of ours, is long enough for some; best before it is first written. */
void vt__prefer_large_pages(vt_context *ctx, void *data, size_t size);

/* Whole file into a new block (vt__free) with a NUL behind. fd: open for reading. LIMIT when larger than max_size. */
vt_status vt__read_all(vt_context *ctx, int fd, const char *name, uint64_t max_size, char **out, size_t *out_size);
/* The same of a regular file by its path. Errors: NOT_FOUND, IO (also: not a regular file), LIMIT, NOMEM. */
vt_status vt__read_file(vt_context *ctx, const char *path, uint64_t max_size, char **out, size_t *out_size);

/* Replaces path by these bytes so that a crash at any point leaves the old content or the new: new file in the same folder, write, fsync,
 * rename, fsync of the folder. A link at path stays and its target is replaced; one without a target is replaced itself. The new file has
 * the old one's permissions (not its owner; where the group differs, the new one gets no more than everybody), a first one what the umask
 * leaves of 0666. Errors: IO, NOT_FOUND (no such folder), NOMEM; the old content is left then, or the new where just the folder's fsync
 * failed. */
vt_status vt__replace_file(vt_context *ctx, const char *path, const void *data, size_t size);

/* The same with bytes that come piece by piece. begin makes the new file; then any number of writes; commit puts it in place, drop takes it away
 * again (also after a failure; after commit, or of a zeroed struct, it does nothing). */
typedef struct vt__replacement {
    vt_context *ctx; /* borrowed */
    char *path;      /* what is replaced, links resolved; NULL: not under way */
    char *temp;      /* the new file */
    int fd;
} vt__replacement;

vt_status vt__replacement_begin(vt__replacement *r, vt_context *ctx, const char *path);
vt_status vt__replacement_write(vt__replacement *r, const void *data, size_t size);
vt_status vt__replacement_commit(vt__replacement *r);
void vt__replacement_drop(vt__replacement *r);

/* IO or NOT_FOUND with the operation, the path and the system's words for errno. */
vt_status vt__fail_errno(const char *op, const char *path);

#endif
