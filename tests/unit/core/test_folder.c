/* A folder lent for reading: what is listed, what is read, and that nothing outside of it is. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/io.h"
#include "failing_io.h"
#include "torture.h"
#include "venturi.h"

static vt_context *ctx;
static char home[64]; /* a fresh folder for each test; the folder under test is "root" in it */

static const char *at(const char *name) {
    static char path[4][4200];
    static int next;
    char *p = path[next++ % 4];
    (void)snprintf(p, sizeof path[0], "%s/%s", home, name);
    return p;
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(at(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state) {
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/vt-folder-XXXXXX");
    return vt_context_create(NULL, &ctx) != VT_OK || !mkdtemp(home) || mkdir(at("root"), 0700) != 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static int tear_down(void **state) {
    (void)state;
    vt_context_release(ctx);
    return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static vt_folder *open_root(void) {
    vt_folder *f;
    assert_int_equal(vt_folder_open(ctx, at("root"), &f), VT_OK);
    return f;
}

/* Names of the list, a line each. */
static const char *names(const vt_folder *f) {
    static char all[1000];
    size_t len = 0;
    for (int64_t i = 0; i < vt_folder_count(f); i++) len += (size_t)snprintf(all + len, sizeof all - len, "%s\n", vt_folder_name(f, i));
    all[len] = '\0';
    return all;
}

static vt_status read_file(vt_folder *f, const char *name, uint64_t most, const char *want) {
    vt_buffer *b;
    vt_status st = vt_folder_read(f, name, most, &b);
    assert_true((st == VT_OK) == (b != NULL));
    if (st == VT_OK) assert_string_equal(vt_buffer_data(b), want);
    vt_buffer_release(b);
    return st;
}

static void make_tree(void) {
    assert_int_equal(mkdir(at("root/b"), 0700), 0);
    assert_int_equal(mkdir(at("root/b/c"), 0700), 0);
    assert_int_equal(mkdir(at("root/empty"), 0700), 0);
    put("root/b/c/deep", "deep");
    put("root/b/x.txt", "xx");
    put("root/b.txt", "");
    put("root/a", "a");
    put("root/Z", "z");
}

static void lists_all_levels_in_byte_order(void **state) {
    (void)state;
    make_tree();
    vt_folder *f = open_root();
    assert_string_equal(names(f), "Z\na\nb.txt\nb/c/deep\nb/x.txt\n");
    assert_int_equal(vt_folder_size(f, 0), 1);
    assert_int_equal(vt_folder_size(f, 2), 0);
    assert_int_equal(vt_folder_size(f, 4), 2);
    assert_int_equal(vt_folder_size(f, 5), -1);
    assert_int_equal(vt_folder_size(f, -1), -1);
    assert_null(vt_folder_name(f, 5));
    assert_null(vt_folder_name(f, -1));
    vt_folder_release(f);
}

static void refresh_sees_what_changed(void **state) {
    (void)state;
    vt_folder *f = open_root();
    assert_int_equal(vt_folder_count(f), 0);
    make_tree();
    assert_int_equal(vt_folder_count(f), 0);
    assert_int_equal(vt_folder_refresh(f), VT_OK);
    assert_int_equal(vt_folder_count(f), 5);
    assert_int_equal(unlink(at("root/a")), 0);
    assert_int_equal(vt_folder_refresh(f), VT_OK);
    assert_int_equal(vt_folder_count(f), 4);
    vt_folder_release(f);
}

static void hidden_entries_are_neither_listed_nor_read(void **state) {
    (void)state;
    assert_int_equal(mkdir(at("root/.git"), 0700), 0);
    put("root/.git/config", "x");
    put("root/.hidden", "x");
    put("root/seen", "s");
    vt_folder *f = open_root();
    assert_string_equal(names(f), "seen\n");
    assert_int_equal(read_file(f, ".hidden", 0, ""), VT_ERR_NOT_FOUND);
    assert_int_equal(read_file(f, ".git/config", 0, ""), VT_ERR_NOT_FOUND);
    vt_folder_release(f);
}

static void nothing_above_the_root_is_read(void **state) {
    static const char *const outside[] = {"../secret",      "b/../../secret", "..",      "/etc/passwd", "",        "b//x.txt", "./a",
                                          "b/./x.txt",      "link-out",       "dir-out/secret", "link-absolute", "b/",  "b",   "nothing",
                                          "b/x.txt/y",      "fifo"};
    (void)state;
    make_tree();
    put("secret", "s");
    assert_int_equal(symlink("../secret", at("root/link-out")), 0);
    assert_int_equal(symlink("..", at("root/dir-out")), 0);
    assert_int_equal(symlink(at("secret"), at("root/link-absolute")), 0);
    assert_int_equal(symlink("nowhere", at("root/dangling")), 0);
    assert_int_equal(symlink("ring", at("root/ring")), 0);
    assert_int_equal(mkfifo(at("root/fifo"), 0600), 0);
    vt_folder *f = open_root();
    assert_string_equal(names(f), "Z\na\nb.txt\nb/c/deep\nb/x.txt\n");
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (read_file(f, outside[i], 0, "") != VT_ERR_NOT_FOUND) fail_msg("%s was read: %s", outside[i], vt_error_message());
    vt_folder_release(f);
}

static void links_below_the_root_are_followed(void **state) {
    (void)state;
    make_tree();
    assert_int_equal(symlink("b/x.txt", at("root/link")), 0);
    assert_int_equal(symlink("b", at("root/dir")), 0);
    assert_int_equal(symlink("../..", at("root/b/c/up")), 0);
    vt_folder *f = open_root();
    assert_string_equal(names(f), "Z\na\nb.txt\nb/c/deep\nb/x.txt\nlink\n");
    assert_int_equal(read_file(f, "link", 0, "xx"), VT_OK);
    vt_folder_release(f);
}

/* A kernel without openat2 gets the same answers for everything but links, which are then refused. */
static int step_by_step(void *user, int dir, const char *path, int flags) {
    (void)user;
    return vt__io_open_by_steps(dir, path, flags);
}

static void works_without_openat2(void **state) {
    vt__io table = *vt__io_system();
    (void)state;
    make_tree();
    assert_int_equal(symlink("b", at("root/dir")), 0);
    assert_int_equal(symlink("b/x.txt", at("root/link")), 0);
    table.open_beneath = step_by_step;
    vt__context_set_io(ctx, &table);
    vt_folder *f = open_root();
    assert_string_equal(names(f), "Z\na\nb.txt\nb/c/deep\nb/x.txt\n");
    assert_int_equal(read_file(f, "b/c/deep", 0, "deep"), VT_OK);
    assert_int_equal(read_file(f, "link", 0, "xx"), VT_ERR_NOT_FOUND);
    assert_int_equal(read_file(f, "dir/x.txt", 0, "xx"), VT_ERR_NOT_FOUND);
    assert_int_equal(read_file(f, "b/nothing", 0, ""), VT_ERR_NOT_FOUND);
    vt_folder_release(f);
}

static void a_file_is_a_folder_with_one_file(void **state) {
    vt_folder *f;
    (void)state;
    make_tree();
    assert_int_equal(symlink("root/a", at("outer-link")), 0);
    assert_int_equal(vt_folder_open(ctx, at("root/b/x.txt"), &f), VT_OK);
    assert_string_equal(names(f), "x.txt\n");
    assert_int_equal(read_file(f, "x.txt", 0, "xx"), VT_OK);
    assert_int_equal(read_file(f, "c/deep", 0, ""), VT_ERR_NOT_FOUND);
    vt_folder_release(f);
    assert_int_equal(vt_folder_open(ctx, at("outer-link"), &f), VT_OK);
    assert_int_equal(read_file(f, "outer-link", 0, "a"), VT_OK);
    vt_folder_release(f);
}

static void sizes_are_limited(void **state) {
    (void)state;
    put("root/four", "1234");
    vt_folder *f = open_root();
    assert_int_equal(read_file(f, "four", 3, ""), VT_ERR_LIMIT);
    assert_int_equal(read_file(f, "four", 4, "1234"), VT_OK);
    vt_folder_release(f);
}

static void depth_is_limited(void **state) {
    char name[256] = "root";
    vt_folder *f;
    (void)state;
    for (int level = 1; level <= 65; level++) {
        strcat(name, "/d");
        assert_int_equal(mkdir(at(name), 0700), 0);
        if (level == 64) put("root/x", "");
        vt_status st = level < 64 ? VT_OK : vt_folder_open(ctx, at("root"), &f);
        if (level == 64) {
            assert_int_equal(st, VT_OK);
            vt_folder_release(f);
        }
        if (level == 65) assert_int_equal(st, VT_ERR_LIMIT);
    }
}

static void what_cannot_be_opened_is_told_apart(void **state) {
    vt_folder *f;
    (void)state;
    assert_int_equal(vt_folder_open(ctx, at("nothing"), &f), VT_ERR_NOT_FOUND);
    assert_null(f);
    put("file", "");
    assert_int_equal(vt_folder_open(ctx, at("file/x"), &f), VT_ERR_NOT_FOUND);
    assert_int_equal(vt_folder_open(ctx, "/dev/null", &f), VT_ERR_IO);
    assert_int_equal(vt_folder_open(NULL, "/", &f), VT_ERR_INVALID);
    assert_int_equal(vt_folder_open(ctx, "", &f), VT_ERR_INVALID);
    assert_int_equal(vt_folder_refresh(NULL), VT_ERR_INVALID);
    assert_int_equal(vt_folder_count(NULL), 0);
    vt_folder_release(NULL);
}

/* Opens, lists and reads; the counts say what it left behind. */
static vt_status whole_use(torture *t, failing_io *io) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *own;
    vt_folder *f = NULL;
    vt_buffer *b = NULL;
    o.alloc = torture_alloc;
    o.alloc_user = t;
    o.n_threads = 1;
    vt_status st = vt_context_create(&o, &own);
    if (st != VT_OK) return st;
    vt__context_set_io(own, &io->table);
    st = vt_folder_open(own, at("root"), &f);
    if (st == VT_OK) st = vt_folder_read(f, "link", 0, &b);
    if (st == VT_OK && vt_folder_count(f) != 6) st = VT_ERR_INTERNAL;
    vt_buffer_release(b);
    vt_folder_release(f);
    vt_context_release(own);
    return st;
}

static void every_allocation_and_operation_may_fail(void **state) {
    (void)state;
    make_tree();
    assert_int_equal(symlink("b/x.txt", at("root/link")), 0);
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1, going = 1; going; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            failing_io io;
            failing_io_init(&io);
            vt_status st = whole_use(&t, &io);
            assert_int_equal(t.live, 0);
            assert_int_equal(io.open_files, 0);
            going = t.calls >= k;
            assert_int_equal(st, going ? VT_ERR_NOMEM : VT_OK);
        }
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1, going = 1; going; k++) {
            torture t = {0};
            failing_io io;
            failing_io_init(&io);
            io.fail_at = k;
            io.sticky = sticky;
            vt_status st = whole_use(&t, &io);
            assert_int_equal(t.live, 0);
            assert_int_equal(io.open_files, 0);
            going = io.calls >= k;
            /* A close that fails after reading has nothing more to say; what comes after it may have. */
            int silent = !going || strcmp(io.failed, "close") == 0;
            if (!silent || st != VT_OK) assert_int_equal(st, VT_ERR_IO);
            if (silent && !sticky) assert_int_equal(st, VT_OK);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_all_levels_in_byte_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refresh_sees_what_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hidden_entries_are_neither_listed_nor_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_above_the_root_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_below_the_root_are_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(works_without_openat2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_a_folder_with_one_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_are_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(depth_is_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened_is_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_allocation_and_operation_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
