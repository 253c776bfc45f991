#define _GNU_SOURCE
#include "core/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "core/sort.h"

/* Everything is looked up relative to the root's file descriptor, so renaming or replacing the path it was opened by changes nothing, and by
 * openat2's RESOLVE_BENEATH, so a link that is put there while we walk leads nowhere. A walk holds one open folder at a time. */
enum { MAX_DEPTH = 64, MAX_FILES = 1000000, ENTRIES_SIZE = 32768, MAX_TRIES = 3 };

typedef struct found {
    int64_t name; /* offset in names */
    int64_t size; /* bytes */
} found;

typedef struct listing {
    vt__bytes names; /* NUL behind each */
    found *files;
    int64_t n_files, cap_files;
} listing;

struct vt_folder {
    atomic_int refs;
    vt_context *ctx;
    int root;     /* open folder; for a single file the one it lies in */
    char *path;   /* as opened, for messages */
    char *single; /* the only file, or NULL: all of them */
    listing list; /* sorted by name */
};

static void listing_free(vt_context *ctx, listing *l) {
    vt__bytes_free(&l->names);
    vt__free(ctx, l->files);
    *l = (listing){.names.ctx = ctx};
}

static const char *listing_name(const listing *l, int64_t i) { return l->names.data + l->files[i].name; }

static vt_status listing_add(vt_context *ctx, listing *l, const char *name, int64_t size) {
    if (l->n_files == MAX_FILES) return vt__fail(VT_ERR_LIMIT, "folder: more than %d files, the next is %s", (int)MAX_FILES, name);
    if (vt__reserve(ctx, (void **)&l->files, &l->cap_files, l->n_files + 1, sizeof *l->files)) return vt__fail_nomem("folder", 0);
    l->files[l->n_files++] = (found){.name = l->names.len, .size = size};
    vt__bytes_append(&l->names, name, strlen(name) + 1);
    return l->names.failed ? vt__fail_nomem("folder", 0) : VT_OK;
}

static int name_before(const void *user, int64_t a, int64_t b) {
    const listing *l = user;
    return strcmp(listing_name(l, a), listing_name(l, b)) < 0;
}

static vt_status listing_sort(vt_context *ctx, listing *l) {
    int64_t *order = vt__calloc2(ctx, l->n_files, 1, sizeof *order);
    found *sorted = vt__calloc2(ctx, l->n_files, 1, sizeof *sorted);
    int failed = !order || !sorted;
    for (int64_t i = 0; !failed && i < l->n_files; i++) order[i] = i;
    failed = failed || vt__sort(ctx, order, l->n_files, name_before, l);
    for (int64_t i = 0; !failed && i < l->n_files; i++) sorted[i] = l->files[order[i]];
    vt__free(ctx, order);
    if (failed) {
        vt__free(ctx, sorted);
        return vt__fail_nomem("folder", 0);
    }
    vt__free(ctx, l->files);
    l->files = sorted;
    l->cap_files = l->n_files;
    return VT_OK;
}

/* ---- walking: folders yet to be read wait in one list of names, so that depth costs no stack ---- */

typedef struct walk {
    const vt_folder *folder;
    const vt__io *io;
    listing *out;
    vt__bytes waiting; /* relative names, each with a NUL in front; the last is taken first. "" is the root */
    vt__bytes name;    /* scratch: name of the entry at hand */
    char *entries;     /* ENTRIES_SIZE bytes for read_folder */
} walk;

static int depth_of(const char *name) {
    int depth = 1;
    for (; *name; name++) depth += *name == '/';
    return depth;
}

/* What to do about an entry that cannot be looked at: gone meanwhile or not ours to read is no reason to fail the rest. */
static vt_status skip_or_fail(const walk *w, const char *op, const char *name) {
    if (errno == ENOENT || errno == ELOOP || errno == EXDEV || errno == ENOTDIR) return VT_OK;
    if (errno != EACCES) return vt__fail_errno(op, *name ? name : w->folder->path);
    vt__log(w->folder->ctx, VT_LOG_WARN, "folder: %s: no permission, left out", *name ? name : w->folder->path);
    return VT_OK;
}

static vt_status take_link(walk *w, const char *name) {
    struct stat st;
    int fd = w->io->open_beneath(w->io->user, w->folder->root, name, O_PATH);
    if (fd < 0) return skip_or_fail(w, "open", name);
    vt_status status = w->io->stat(w->io->user, fd, &st) == 0 ? VT_OK : vt__fail_errno("stat", name);
    (void)w->io->close(w->io->user, fd);
    /* What became of the link since stat_at does not matter: this is what reading it would open.
     * A link to a folder is not walked: what it shows lies below the root under its own name, and links can form rings. */
    if (status != VT_OK || !S_ISREG(st.st_mode)) return status;
    return listing_add(w->folder->ctx, w->out, name, (int64_t)st.st_size);
}

/* One entry of the folder that fd has open; w->name holds its relative name with NUL. */
static vt_status take_entry(walk *w, int fd, const char *base) {
    struct stat st;
    const char *name = w->name.data;
    if (w->io->stat_at(w->io->user, fd, base, &st) != 0) return skip_or_fail(w, "stat", name);
    if (S_ISREG(st.st_mode)) return listing_add(w->folder->ctx, w->out, name, (int64_t)st.st_size);
    if (S_ISLNK(st.st_mode)) return take_link(w, name);
    if (!S_ISDIR(st.st_mode)) return VT_OK;
    if (depth_of(name) > MAX_DEPTH) return vt__fail(VT_ERR_LIMIT, "folder: more than %d levels below %s", (int)MAX_DEPTH, w->folder->path);
    vt__bytes_append_byte(&w->waiting, '\0');
    vt__bytes_append(&w->waiting, name, strlen(name));
    return w->waiting.failed ? vt__fail_nomem("folder", 0) : VT_OK;
}

static vt_status take_entries(walk *w, int fd, const char *folder, size_t size) {
    vt_status st = VT_OK;
    for (size_t at = 0; st == VT_OK && at + offsetof(struct dirent64, d_name) < size;) {
        uint16_t reclen;
        memcpy(&reclen, w->entries + at + offsetof(struct dirent64, d_reclen), sizeof reclen);
        const char *base = w->entries + at + offsetof(struct dirent64, d_name);
        if (reclen == 0) break; /* never from a kernel; it would be an endless loop */
        at += reclen;
        if (base[0] == '.') continue;
        w->name.len = 0;
        vt__bytes_append(&w->name, folder, strlen(folder));
        if (*folder) vt__bytes_append_byte(&w->name, '/');
        vt__bytes_append(&w->name, base, strlen(base) + 1);
        st = w->name.failed ? vt__fail_nomem("folder", 0) : take_entry(w, fd, base);
    }
    return st;
}

static vt_status walk_folder(walk *w, const char *folder) {
    vt_status st = VT_OK;
    int fd = w->io->open_beneath(w->io->user, w->folder->root, *folder ? folder : ".", O_RDONLY | O_DIRECTORY);
    /* 64 levels of 255 bytes can be more than a path may have. */
    if (fd < 0 && errno == ENAMETOOLONG) return vt__fail(VT_ERR_LIMIT, "folder: a name of %zu bytes is too long for the system", strlen(folder));
    if (fd < 0) return *folder ? skip_or_fail(w, "open", folder) : vt__fail_errno("open", w->folder->path);
    while (st == VT_OK) {
        ssize_t n = w->io->read_folder(w->io->user, fd, w->entries, ENTRIES_SIZE);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) st = *folder ? skip_or_fail(w, "list", folder) : vt__fail_errno("list", w->folder->path);
        if (n <= 0) break;
        st = take_entries(w, fd, folder, (size_t)n);
    }
    (void)w->io->close(w->io->user, fd);
    return st;
}

static vt_status walk_all(walk *w) {
    vt_status st = VT_OK;
    vt__bytes here; /* the folder at hand: its own copy, for `waiting` grows */
    vt__bytes_init(&here, w->folder->ctx);
    vt__bytes_append_byte(&w->waiting, '\0');
    if (w->waiting.failed) return vt__fail_nomem("folder", 0);
    while (st == VT_OK && w->waiting.len > 0) {
        int64_t start = w->waiting.len;
        while (w->waiting.data[start - 1] != '\0') start--;
        here.len = 0;
        vt__bytes_append(&here, w->waiting.data + start, (size_t)(w->waiting.len - start));
        vt__bytes_append_byte(&here, '\0');
        w->waiting.len = start - 1;
        st = here.failed ? vt__fail_nomem("folder", 0) : walk_folder(w, here.data);
    }
    vt__bytes_free(&here);
    return st;
}

static vt_status list_single(const vt_folder *f, listing *out) {
    const vt__io *io = vt__context_io(f->ctx);
    struct stat st;
    int fd = io->open_at(io->user, f->root, f->single, O_PATH, 0);
    if (fd < 0) return vt__fail_errno("open", f->path);
    int failed = io->stat(io->user, fd, &st) != 0;
    vt_status status = failed ? vt__fail_errno("stat", f->path) : VT_OK;
    (void)io->close(io->user, fd);
    if (status == VT_OK && !S_ISREG(st.st_mode)) status = vt__fail(VT_ERR_IO, "open: %s: neither a folder nor a regular file", f->path);
    return status == VT_OK ? listing_add(f->ctx, out, f->single, (int64_t)st.st_size) : status;
}

vt_status vt__folder_refresh(vt_folder *folder) {
    vt_context *ctx = folder->ctx;
    vt_status st;
    listing list = {.names.ctx = ctx};

    if (folder->single) {
        st = list_single(folder, &list);
    } else {
        walk w = {.folder = folder, .io = vt__context_io(ctx), .out = &list, .waiting.ctx = ctx, .name.ctx = ctx};
        w.entries = vt__alloc(ctx, ENTRIES_SIZE);
        st = w.entries ? walk_all(&w) : vt__fail_nomem("folder", ENTRIES_SIZE);
        vt__free(ctx, w.entries);
        vt__bytes_free(&w.waiting);
        vt__bytes_free(&w.name);
        if (st == VT_OK) st = listing_sort(ctx, &list);
    }
    if (st != VT_OK) {
        listing_free(ctx, &list);
        return st;
    }
    listing_free(ctx, &folder->list);
    folder->list = list;
    return VT_OK;
}

/* ---- lifecycle ---- */

static char *copy_text(vt_context *ctx, const char *text, size_t len) {
    char *copy = vt__alloc(ctx, len + 1);
    if (!copy) return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* The root: the folder itself, or for a file the folder around it and the file's name. */
static vt_status open_root(vt_folder *f, const char *path) {
    const vt__io *io = vt__context_io(f->ctx);
    f->root = io->open_at(io->user, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (f->root >= 0) return VT_OK;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    /* O_DIRECTORY has told a file from a folder; "file/" is neither. */
    if (errno != ENOTDIR || !*base) return vt__fail_errno("open", path);
    char *around = slash ? copy_text(f->ctx, path, slash == path ? 1 : (size_t)(slash - path)) : copy_text(f->ctx, ".", 1);
    f->single = copy_text(f->ctx, base, strlen(base));
    vt_status st = around && f->single ? VT_OK : vt__fail_nomem("folder", strlen(path));
    if (st == VT_OK) f->root = io->open_at(io->user, AT_FDCWD, around, O_RDONLY | O_DIRECTORY, 0);
    if (st == VT_OK && f->root < 0) st = vt__fail_errno("open", path);
    vt__free(f->ctx, around);
    return st;
}

vt_status vt__folder_open(vt_context *ctx, const char *path, vt_folder **out) {
    *out = NULL;
    vt_folder *f = vt__calloc(ctx, sizeof *f);
    if (!f) return vt__fail_nomem("folder", sizeof *f);
    atomic_init(&f->refs, 1);
    f->ctx = vt__context_retain(ctx);
    f->root = -1;
    f->list.names.ctx = ctx;
    f->path = copy_text(ctx, path, strlen(path));
    vt_status st = f->path ? open_root(f, path) : vt__fail_nomem("folder", strlen(path));
    if (st == VT_OK) st = vt__folder_refresh(f);
    if (st != VT_OK) {
        vt__folder_release(f);
        return st;
    }
    *out = f;
    return VT_OK;
}

vt_folder *vt__folder_retain(vt_folder *folder) {
    if (folder) atomic_fetch_add(&folder->refs, 1);
    return folder;
}

void vt__folder_release(vt_folder *folder) {
    if (!folder || atomic_fetch_sub(&folder->refs, 1) != 1) return;
    vt_context *ctx = folder->ctx;
    const vt__io *io = vt__context_io(ctx);
    if (folder->root >= 0) (void)io->close(io->user, folder->root);
    listing_free(ctx, &folder->list);
    vt__free(ctx, folder->path);
    vt__free(ctx, folder->single);
    vt__free(ctx, folder);
    vt__context_release(ctx);
}

int64_t vt__folder_count(const vt_folder *folder) { return folder->list.n_files; }
const char *vt__folder_name(const vt_folder *folder, int64_t i) {
    return i < 0 || i >= folder->list.n_files ? NULL : listing_name(&folder->list, i);
}
int64_t vt__folder_size(const vt_folder *folder, int64_t i) { return i < 0 || i >= folder->list.n_files ? -1 : folder->list.files[i].size; }

/* ---- reading ---- */

/* Relative, no empty, hidden or upward part: the kernel would stop an escape, this stops what the listing leaves out. */
static int is_listable(const char *name) {
    for (;;) {
        size_t len = strcspn(name, "/");
        if (len == 0 || name[0] == '.') return 0;
        if (name[len] == '\0') return 1;
        name += len + 1;
    }
}

static vt_status open_named(const vt_folder *f, const char *name, int *out_fd) {
    const vt__io *io = vt__context_io(f->ctx);
    int flags = O_RDONLY | O_NONBLOCK; /* a FIFO must not hold us up */
    int fd = -1, known = f->single ? strcmp(name, f->single) == 0 : is_listable(name);
    if (!known) return vt__fail(VT_ERR_NOT_FOUND, "folder: no file %s in %s", name, f->path);
    for (int i = 0; i < MAX_TRIES; i++) {
        fd = f->single ? io->open_at(io->user, f->root, name, flags, 0) : io->open_beneath(io->user, f->root, name, flags);
        if (fd >= 0 || errno != EINTR) break;
    }
    if (fd < 0 && (errno == EXDEV || errno == ELOOP || errno == ENAMETOOLONG || errno == ENXIO))
        return vt__fail(VT_ERR_NOT_FOUND, "folder: no file %s in %s", name, f->path);
    if (fd < 0) return vt__fail_errno("open", name);
    *out_fd = fd;
    return VT_OK;
}

vt_status vt__folder_read(vt_folder *folder, const char *name, uint64_t max_size, vt_buffer **out) {
    vt_context *ctx = folder->ctx;
    const vt__io *io = vt__context_io(ctx);
    struct stat info;
    char *data = NULL;
    size_t size = 0;
    int fd = -1;

    *out = NULL;
    vt_status st = open_named(folder, name, &fd);
    if (st != VT_OK) return st;
    if (io->stat(io->user, fd, &info) != 0)
        st = vt__fail_errno("stat", name);
    else if (!S_ISREG(info.st_mode))
        st = vt__fail(VT_ERR_NOT_FOUND, "folder: %s in %s is not a regular file", name, folder->path);
    else
        st = vt__read_all(ctx, fd, name, max_size, &data, &size);
    (void)io->close(io->user, fd);
    return st == VT_OK ? vt__buffer_take(ctx, data, size, out) : st;
}
