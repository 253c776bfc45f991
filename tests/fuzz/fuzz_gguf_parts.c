/* Any bytes as the files of a set: an error of two kinds, or one list of tensors, which the writer writes as one file that says the same. Input: the
 * number of files less two in a byte (modulo 3), then each with its length before it in four bytes, the last one without. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/io.h"
#include "formats/gguf_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_PARTS = 4, MAX_FILE = 1 << 22 };

static unsigned char file[MAX_FILE]; /* what was written to the one file that there is */
static size_t file_size;

static void check(int truth) {
    if (!truth) abort();
}

static int sink_open(void *user, int dir, const char *path, int flags, mode_t mode) {
    (void)user, (void)dir, (void)path, (void)flags, (void)mode;
    return 3;
}
static int sink_done(void *user, int fd) {
    (void)user, (void)fd;
    return 0;
}
static int sink_rename(void *user, const char *from, const char *to) {
    (void)user, (void)from, (void)to;
    return 0;
}
static int sink_unlink(void *user, const char *path) {
    (void)user, (void)path;
    return 0;
}
static int sink_stat_at(void *user, int dir, const char *name, struct stat *out) {
    (void)user, (void)dir, (void)name, (void)out;
    errno = ENOENT;
    return -1;
}
static ssize_t sink_write(void *user, int fd, const void *bytes, size_t n) {
    (void)user, (void)fd;
    if (n > MAX_FILE - file_size) {
        errno = ENOSPC;
        return -1;
    }
    memcpy(file + file_size, bytes, n);
    file_size += n;
    return (ssize_t)n;
}
static const vt__io sink = {.open_at = sink_open, .close = sink_done, .sync = sink_done, .rename = sink_rename, .unlink = sink_unlink,
                            .stat_at = sink_stat_at, .write = sink_write};

static vt_status write_one(vt_context *ctx, const vt__gguf *g) {
    vt__gguf_writer *w = NULL;
    vt_status st = vt__gguf_writer_create(ctx, "one.gguf", 0, &w);
    for (int64_t i = 0; st == VT_OK && i < vt__gguf_key_count(g); i++) {
        if (strncmp(vt__gguf_key_at(g, i), "split.", 6) != 0 && strcmp(vt__gguf_key_at(g, i), "general.alignment") != 0) st = vt__gguf_put_copy(w, g, i);
    }
    for (int64_t i = 0; st == VT_OK && i < vt__gguf_tensor_count(g); i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        st = vt__gguf_put_tensor(w, t->name, t->dtype, t->n_dims, t->ne);
    }
    for (int64_t i = 0; st == VT_OK && i < vt__gguf_tensor_count(g); i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        st = vt__gguf_write_data(w, t->data, t->size);
    }
    if (st == VT_OK) st = vt__gguf_writer_finish(w);
    vt__gguf_writer_release(w);
    return st;
}

static void compare(const vt__gguf *a, const vt__gguf *b) {
    check(vt__gguf_tensor_count(a) == vt__gguf_tensor_count(b));
    for (int64_t i = 0; i < vt__gguf_tensor_count(a); i++) {
        const vt__gguf_tensor *s = vt__gguf_tensor_at(a, i), *t = vt__gguf_tensor_at(b, i);
        check(vt__gguf_tensor_find(a, s->name) == s);
        check(strcmp(s->name, t->name) == 0 && s->dtype == t->dtype && s->n_dims == t->n_dims && memcmp(s->ne, t->ne, sizeof s->ne) == 0);
        check(s->size == t->size && memcmp(s->data, t->data, s->size) == 0);
    }
}

/* Cuts the input; fewer bytes than a length says are all that is left. */
static int64_t cut(const uint8_t *data, size_t size, const void *part[MAX_PARTS], size_t part_size[MAX_PARTS]) {
    int64_t n = 2 + data[0] % 3;
    size_t at = 1;
    for (int64_t i = 0; i < n; i++) {
        size_t want = size - at;
        if (i < n - 1 && size - at >= 4) {
            want = (size_t)data[at] | (size_t)data[at + 1] << 8 | (size_t)data[at + 2] << 16 | (size_t)data[at + 3] << 24;
            at += 4;
        }
        part[i] = data + at;
        part_size[i] = want < size - at ? want : size - at;
        at += part_size[i];
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const void *part[MAX_PARTS];
    size_t part_size[MAX_PARTS];
    vt_context *ctx;
    vt__gguf *g, *again;

    if (size == 0 || vt__context_create(&(vt__context_params){.memory_limit = 1 << 28}, &ctx) != VT_OK) return 0;
    vt__context_set_io(ctx, &sink);
    int64_t n = cut(data, size, part, part_size);
    vt_status st = vt__gguf_parse_parts(ctx, "set", part, part_size, n, &g);
    check(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_UNSUPPORTED);
    file_size = 0;
    if (st == VT_OK && write_one(ctx, g) == VT_OK) {
        check(vt__gguf_parse(ctx, "one", file, file_size, &again) == VT_OK);
        compare(g, again);
        vt__gguf_release(again);
    }
    vt__gguf_release(g);
    vt__context_release(ctx);
    return 0;
}
