/* Files: mapping, reading, and a replacement that leaves the old content or the new, whatever operation fails. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "failing_io.h"
#include "torture.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/vt-io-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int remove_folder(void **state) {
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(const char *name) {
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static vt_context *make(torture *t) {
    vt_context *ctx = NULL;
    vt__context_params p = {.n_threads = 1};
    if (t) p.alloc = torture_alloc, p.alloc_user = t;
    assert_int_equal(vt__context_create(&p, &ctx), VT_OK);
    return ctx;
}

static void write_plain(const char *path, const char *text) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void read_plain(const char *path, char out[64]) {
    FILE *f = fopen(path, "rb");
    memset(out, 0, 64);
    assert_non_null(f);
    assert_true(fread(out, 1, 63, f) < 63);
    fclose(f);
}

/* Entries of the folder other than the names that begin with `but`. */
static int count_others(const char *but) {
    char command[256];
    int n = -1;
    (void)snprintf(command, sizeof command, "ls -A '%s' | grep -vc '^%s$'", folder, but);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_int_equal(fscanf(p, "%d", &n), 1);
    pclose(p);
    return n;
}

static void a_replaced_file_has_the_new_content_and_nothing_is_left_over(void **state) {
    (void)state;
    vt_context *ctx = make(NULL);
    const char *path = in_folder("file");
    char text[64];
    for (int i = 0; i < 3; i++) {
        char want[16];
        (void)snprintf(want, sizeof want, "content %d", i);
        assert_int_equal(vt__replace_file(ctx, path, want, strlen(want)), VT_OK);
        read_plain(path, text);
        assert_string_equal(text, want);
        assert_int_equal(count_others("file"), 0);
    }
    assert_int_equal(vt__replace_file(ctx, path, "", 0), VT_OK);
    read_plain(path, text);
    assert_string_equal(text, "");
    vt__context_release(ctx);
}

static void a_relative_name_is_replaced_in_the_current_folder(void **state) {
    (void)state;
    vt_context *ctx = make(NULL);
    char text[64], before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(vt__replace_file(ctx, "here", "x", 1), VT_OK);
    read_plain("here", text);
    assert_string_equal(text, "x");
    assert_int_equal(chdir(before), 0);
    vt__context_release(ctx);
}

static void a_name_left_by_a_crash_is_not_reused(void **state) {
    (void)state;
    vt_context *ctx = make(NULL);
    char text[64], left[128];
    (void)snprintf(left, sizeof left, "%s/file.tmp-%ld-0", folder, (long)getpid());
    write_plain(left, "half");
    assert_int_equal(vt__replace_file(ctx, in_folder("file"), "whole", 5), VT_OK);
    read_plain(in_folder("file"), text);
    assert_string_equal(text, "whole");
    read_plain(left, text);
    assert_string_equal(text, "half");
    vt__context_release(ctx);
}

static mode_t mode_of(const char *path) {
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_replaced_file_keeps_its_permissions(void **state) {
    (void)state;
    static const mode_t modes[] = {0600, 0644, 0640, 0400, 0666, 0755};
    vt_context *ctx = make(NULL);
    const char *path = in_folder("file");
    mode_t before = umask(027);
    assert_int_equal(vt__replace_file(ctx, path, "x", 1), VT_OK);
    assert_int_equal(mode_of(path), 0640);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(vt__replace_file(ctx, path, "y", 1), VT_OK);
        assert_int_equal(mode_of(path), modes[i]);
    }
    umask(before);
    vt__context_release(ctx);
}

static int see_mode(void *user, int fd, mode_t mode) {
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 0);
    *(int *)user += 1;
    return vt__io_system()->chmod(NULL, fd, mode);
}

static int stat_other_group(void *user, int fd, struct stat *out) {
    (void)user;
    int r = vt__io_system()->stat(NULL, fd, out);
    out->st_gid++;
    return r;
}

static void nobody_else_may_read_while_it_is_written(void **state) {
    (void)state;
    int seen = 0;
    vt_context *ctx = make(NULL);
    vt__io table = *vt__io_system();
    write_plain(in_folder("file"), "old");
    assert_int_equal(chmod(in_folder("file"), 0664), 0);
    table.user = &seen;
    table.chmod = see_mode;
    vt__context_set_io(ctx, &table);
    assert_int_equal(vt__replace_file(ctx, in_folder("file"), "new", 3), VT_OK);
    assert_int_equal(seen, 1);
    assert_int_equal(mode_of(in_folder("file")), 0664);
    table.stat = stat_other_group; /* the new file's group is another one: it gets what everybody has */
    assert_int_equal(vt__replace_file(ctx, in_folder("file"), "new", 3), VT_OK);
    assert_int_equal(mode_of(in_folder("file")), 0644);
    vt__context_release(ctx);
}

static void a_link_stays_and_its_target_is_replaced(void **state) {
    (void)state;
    vt_context *ctx = make(NULL);
    char text[64], link[128], target[128];
    struct stat st;
    strcpy(link, in_folder("link"));
    strcpy(target, in_folder("below/target"));
    assert_int_equal(mkdir(in_folder("below"), 0700), 0);
    write_plain(target, "old");
    assert_int_equal(chmod(target, 0600), 0);
    assert_int_equal(symlink("below/target", link), 0);
    assert_int_equal(vt__replace_file(ctx, link, "new", 3), VT_OK);
    assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    read_plain(target, text);
    assert_string_equal(text, "new");
    assert_int_equal(mode_of(target), 0600);
    for (long k = 1;; k++) {
        failing_io f;
        failing_io_init(&f);
        f.fail_at = k;
        vt__context_set_io(ctx, &f.table);
        vt_status got = vt__replace_file(ctx, link, "newer", 5);
        vt__context_set_io(ctx, vt__io_system());
        assert_int_equal(f.open_files, 0);
        assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
        assert_int_equal(mode_of(target), 0600);
        if (f.calls < k) {
            assert_int_equal(got, VT_OK);
            break;
        }
        assert_true(got == VT_ERR_IO || strcmp(f.failed, "close") == 0); /* of the folder: all is done by then */
    }
    assert_int_equal(unlink(target), 0);
    assert_int_equal(vt__replace_file(ctx, link, "own", 3), VT_OK); /* leads nowhere now */
    assert_true(lstat(link, &st) == 0 && S_ISREG(st.st_mode));
    vt__context_release(ctx);
}

/* The promise of a durable commit: fail operation k, once and for ever after, with and without short writes. */
static void a_failed_replacement_leaves_old_or_new(void **state) {
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EINTR};
    vt_context *ctx = make(NULL);
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
        for (int sticky = 0; sticky < (errors[e] == EINTR ? 1 : 2); sticky++)
            for (long k = 1;; k++) {
                failing_io f;
                char text[64], path[128];
                strcpy(path, in_folder("data"));
                write_plain(path, "old");
                failing_io_init(&f);
                f.fail_at = k;
                f.sticky = sticky;
                f.error = errors[e];
                f.short_by = 5;
                vt__context_set_io(ctx, &f.table);
                vt_status st = vt__replace_file(ctx, path, "new and longer", 14);
                vt__context_set_io(ctx, vt__io_system());
                read_plain(path, text);
                assert_int_equal(f.open_files, 0);
                if (f.calls < k) {
                    assert_int_equal(st, VT_OK);
                    assert_string_equal(text, "new and longer");
                    break;
                }
                assert_true(strcmp(text, "old") == 0 || strcmp(text, "new and longer") == 0);
                if (st == VT_OK) {
                    assert_string_equal(text, "new and longer"); /* an interrupted call was repeated */
                } else {
                    assert_int_equal(st, VT_ERR_IO);
                    assert_true(strlen(vt__error_message()) > 0);
                }
                if (!sticky) assert_int_equal(count_others("data"), 0); /* a second failure may keep the temporary file */
                char clean[160];
                (void)snprintf(clean, sizeof clean, "rm -f '%s'/data.tmp-*", folder);
                assert_int_equal(system(clean), 0);
            }
    vt__context_release(ctx);
}

static void replacing_survives_every_failed_allocation(void **state) {
    (void)state;
    for (long k = 1;; k++) {
        torture t = {0};
        char text[64];
        vt_context *ctx = make(&t);
        write_plain(in_folder("data"), "old");
        t.fail_at = t.calls + k;
        vt_status st = vt__replace_file(ctx, in_folder("data"), "new", 3);
        int through = t.calls < t.fail_at;
        read_plain(in_folder("data"), text);
        assert_string_equal(text, st == VT_OK ? "new" : "old");
        if (!through) assert_int_equal(st, VT_ERR_NOMEM);
        vt__context_release(ctx);
        assert_int_equal(t.live, 0);
        if (through) break;
    }
}

static void a_mapping_shows_the_file_and_tells_when_it_was_replaced(void **state) {
    (void)state;
    vt_context *ctx = make(NULL);
    vt__mapping a, b;
    write_plain(in_folder("m"), "hello");
    assert_int_equal(vt__map_file(ctx, in_folder("m"), &a), VT_OK);
    assert_int_equal(a.size, 5);
    assert_memory_equal(a.data, "hello", 5);
    assert_int_equal(vt__replace_file(ctx, in_folder("m"), "other", 5), VT_OK);
    assert_memory_equal(a.data, "hello", 5); /* the old file lives on under the mapping */
    assert_int_equal(vt__map_file(ctx, in_folder("m"), &b), VT_OK);
    assert_true(a.inode != b.inode || a.mtime_ns != b.mtime_ns);
    vt__unmap_file(ctx, &a);
    vt__unmap_file(ctx, &b);
    vt__unmap_file(ctx, &b); /* twice is fine */
    write_plain(in_folder("empty"), "");
    assert_int_equal(vt__map_file(ctx, in_folder("empty"), &a), VT_OK);
    assert_null(a.data);
    assert_int_equal(a.size, 0);
    vt__unmap_file(ctx, &a);
    vt__context_release(ctx);
}

static void what_is_no_file_is_refused_at_once(void **state) {
    (void)state;
    vt_context *ctx = make(NULL);
    vt__mapping m;
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    write_plain(in_folder("plain"), "x");
    static const struct {
        const char *name;
        vt_status want;
    } cases[] = {{"missing", VT_ERR_NOT_FOUND}, {"plain/below", VT_ERR_NOT_FOUND}, {"missing/below", VT_ERR_NOT_FOUND}, {".", VT_ERR_IO}, {"fifo", VT_ERR_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_status st = vt__map_file(ctx, in_folder(cases[i].name), &m);
        if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, vt__status_name(st));
        assert_null(m.data);
        assert_int_equal(m.size, 0);
        assert_non_null(strstr(vt__error_message(), cases[i].name));
    }
    vt__context_release(ctx);
}

static void mapping_and_reading_survive_every_failed_operation(void **state) {
    (void)state;
    vt_context *ctx = make(NULL);
    write_plain(in_folder("data"), "0123456789");
    for (int what = 0; what < 3; what++)
        for (int sticky = 0; sticky < 2; sticky++)
            for (long k = 1;; k++) {
                failing_io f;
                vt__mapping m = {0};
                char *data = NULL;
                size_t size = 0;
                vt_status st;
                failing_io_init(&f);
                f.fail_at = k;
                f.sticky = sticky;
                f.short_by = 3;
                vt__context_set_io(ctx, &f.table);
                int fd = open(in_folder("data"), O_RDONLY);
                assert_true(fd >= 0);
                st = what == 0   ? vt__map_file(ctx, in_folder("data"), &m)
                     : what == 1 ? vt__read_all(ctx, fd, "data", 100, &data, &size)
                                 : vt__read_file(ctx, in_folder("data"), 100, &data, &size);
                close(fd);
                if (st == VT_OK) {
                    assert_memory_equal(what ? (const void *)data : m.data, "0123456789", 10);
                } else {
                    assert_int_equal(st, VT_ERR_IO);
                    assert_null(data);
                    assert_null(m.data);
                }
                vt__free(ctx, data);
                vt__unmap_file(ctx, &m);
                vt__context_set_io(ctx, vt__io_system());
                assert_int_equal(f.open_files, 0);
                assert_int_equal(f.live_maps, 0);
                if (f.calls < k) break;
            }
    vt__context_release(ctx);
}

static void reading_obeys_its_limit(void **state) {
    (void)state;
    vt_context *ctx = make(NULL);
    char *data;
    size_t size;
    write_plain(in_folder("data"), "0123456789");
    int fd = open(in_folder("data"), O_RDONLY);
    assert_int_equal(vt__read_all(ctx, fd, "data", 9, &data, &size), VT_ERR_LIMIT);
    assert_non_null(strstr(vt__error_message(), "10"));
    assert_null(data);
    assert_int_equal(vt__read_all(ctx, fd, "data", 10, &data, &size), VT_OK);
    assert_int_equal(size, 10);
    assert_string_equal(data, "0123456789");
    vt__free(ctx, data);
    close(fd);
    assert_int_equal(vt__read_file(ctx, in_folder("data"), 9, &data, &size), VT_ERR_LIMIT);
    assert_int_equal(vt__read_file(ctx, in_folder("none"), 9, &data, &size), VT_ERR_NOT_FOUND);
    assert_int_equal(vt__read_file(ctx, in_folder("."), 9, &data, &size), VT_ERR_IO);
    assert_null(data);
    vt__context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
        WITH_FOLDER(a_replaced_file_has_the_new_content_and_nothing_is_left_over),
        WITH_FOLDER(a_relative_name_is_replaced_in_the_current_folder),
        WITH_FOLDER(a_name_left_by_a_crash_is_not_reused),
        WITH_FOLDER(a_replaced_file_keeps_its_permissions),
        WITH_FOLDER(nobody_else_may_read_while_it_is_written),
        WITH_FOLDER(a_link_stays_and_its_target_is_replaced),
        WITH_FOLDER(a_failed_replacement_leaves_old_or_new),
        WITH_FOLDER(replacing_survives_every_failed_allocation),
        WITH_FOLDER(a_mapping_shows_the_file_and_tells_when_it_was_replaced),
        WITH_FOLDER(what_is_no_file_is_refused_at_once),
        WITH_FOLDER(mapping_and_reading_survive_every_failed_operation),
        WITH_FOLDER(reading_obeys_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
