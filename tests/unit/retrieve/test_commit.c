/* The index as a file: durable commits, conflicts, damage, readers side by side. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <pthread.h>
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
#include "failing_io.h"
#include "index_cases.h"
#include "torture.h"

static vt_context *ctx;
static char home[64], path[128];

/* The disk need not turn for these tests: what a power loss would do is not among them. */
static int no_sync(void *user, int fd) {
    (void)user;
    (void)fd;
    return 0;
}

static int set_up(void **state) {
    static vt__io table;
    (void)state;
    strcpy(home, access("/dev/shm", W_OK) == 0 ? "/dev/shm/vt-index-XXXXXX" : "/tmp/vt-index-XXXXXX"); /* in memory where that is to be had */
    if (!mkdtemp(home)) return 1;
    (void)snprintf(path, sizeof path, "%s/ix", home);
    if (vt_context_create(NULL, &ctx) != VT_OK) return 1;
    table = *vt__io_system();
    table.sync = no_sync;
    vt__context_set_io(ctx, &table);
    return 0;
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *where) {
    (void)st;
    (void)type;
    (void)where;
    return remove(name);
}

static int tear_down(void **state) {
    (void)state;
    vt_context_release(ctx);
    return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* An empty folder again: a writer that could not clean up has left temporary files. */
static void start_afresh(void) {
    assert_int_equal(nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(mkdir(home, 0700), 0);
}

static vt_status open_with(vt_context *c, uint32_t flags, vt_index **out) {
    vt_index_options o = VT_STRUCT_INIT(vt_index_options);
    o.flags = flags;
    return vt_index_open(c, path, &o, out);
}

static vt_index *open_index(uint32_t flags) {
    vt_index *ix;
    assert_int_equal(open_with(ctx, flags, &ix), VT_OK);
    return ix;
}

/* Number of passages that have the word. */
static int64_t found(const vt_index *ix, const char *word) {
    vt_hits *hits;
    assert_int_equal(vt_index_search(ix, word, strlen(word), NULL, &hits), VT_OK);
    int64_t n = vt_hits_count(hits);
    vt_hits_release(hits);
    return n;
}

static void put(vt_index *ix, const char *source, const char *text) {
    assert_int_equal(vt_index_put_source(ix, source, 1), VT_OK);
    assert_int_equal(index_add(ix, source, source, text, 0), VT_OK);
}

static void make_first(void) {
    vt_index *ix = open_index(VT_INDEX_CREATE);
    put(ix, "a", "first words of a passage");
    put(ix, "b", "first of another");
    assert_int_equal(vt_index_commit(ix), VT_OK);
    vt_index_release(ix);
}

static void a_commit_is_there_after_reopening(void **state) {
    uint64_t print;
    (void)state;
    vt_index *ix = open_index(VT_INDEX_CREATE);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(vt_index_commit(ix), VT_OK); /* an empty index is one too */
    assert_int_equal(access(path, F_OK), 0);
    put(ix, "a", "first words");
    assert_int_equal(vt_index_commit(ix), VT_OK);
    put(ix, "lost", "not committed");
    vt_index_release(ix);
    ix = open_index(VT_INDEX_READ_ONLY);
    assert_int_equal(found(ix, "first"), 1);
    assert_int_equal(found(ix, "committed"), 0);
    assert_int_equal(vt_index_source_count(ix), 1);
    assert_int_equal(vt_index_fingerprint(ix, "a", &print), VT_OK);
    assert_int_equal(print, 1);
    assert_int_equal(vt_index_put_source(ix, "x", 0), VT_ERR_STATE);
    assert_int_equal(vt_index_remove_source(ix, "a"), VT_ERR_STATE);
    assert_int_equal(index_add(ix, "a", "", "", 0), VT_ERR_STATE);
    assert_int_equal(vt_index_commit(ix), VT_ERR_STATE);
    vt_index_release(ix);
}

static void an_existing_index_must_agree(void **state) {
    vt_index_options o = VT_STRUCT_INIT(vt_index_options);
    vt_index *ix;
    (void)state;
    assert_int_equal(open_with(ctx, 0, &ix), VT_ERR_NOT_FOUND);
    assert_int_equal(open_with(ctx, VT_INDEX_READ_ONLY, &ix), VT_ERR_NOT_FOUND);
    make_first();
    o.weighting = VT_WEIGHTING_GIVEN;
    assert_int_equal(vt_index_open(ctx, path, &o, &ix), VT_ERR_CONFLICT);
    assert_null(ix);
    o.weighting = VT_WEIGHTING_BM25;
    o.k1 = 1.3;
    assert_int_equal(vt_index_open(ctx, path, &o, &ix), VT_ERR_CONFLICT);
    o.k1 = 1.2;
    o.b = 0.75;
    assert_int_equal(vt_index_open(ctx, path, &o, &ix), VT_OK);
    vt_index_release(ix);
    o.b = 0;
    o.flags = VT_INDEX_NO_LENGTH_NORM;
    assert_int_equal(vt_index_open(ctx, path, &o, &ix), VT_ERR_CONFLICT);
}

static void a_second_writer_is_told(void **state) {
    (void)state;
    make_first();
    vt_index *one = open_index(0), *two = open_index(0), *reader = open_index(VT_INDEX_READ_ONLY);
    put(one, "c", "from one");
    put(two, "d", "from two");
    assert_int_equal(vt_index_commit(one), VT_OK);
    assert_int_equal(vt_index_commit(two), VT_ERR_CONFLICT);
    assert_int_equal(vt_index_commit(two), VT_ERR_CONFLICT);
    assert_int_equal(vt_index_source_count(two), 3); /* still pending */
    assert_int_equal(found(reader, "first"), 2);     /* readers keep what they opened */
    put(one, "e", "again");
    assert_int_equal(vt_index_commit(one), VT_OK);
    vt_index_release(one);
    vt_index_release(two);
    vt_index_release(reader);

    one = open_index(0);
    assert_int_equal(found(one, "two"), 0);
    put(one, "f", "x");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(vt_index_commit(one), VT_ERR_CONFLICT); /* removed */
    vt_index_release(one);
    one = open_index(VT_INDEX_CREATE), two = open_index(VT_INDEX_CREATE);
    assert_int_equal(vt_index_commit(one), VT_OK);
    put(two, "g", "x");
    assert_int_equal(vt_index_commit(two), VT_ERR_CONFLICT); /* made meanwhile */
    vt_index_release(one);
    vt_index_release(two);
}

/* ---- whatever operation fails: the file is the old one or the new one, the changes still wait, and the next commit does it ---- */

static int failing_sync(void *user, int fd) {
    (void)fd;
    return failing_io_now(user, "sync") ? -1 : 0;
}

static vt_context *failing_context(torture *t, failing_io *io) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *own;
    io->table.sync = failing_sync;
    o.alloc = torture_alloc;
    o.alloc_user = t;
    o.n_threads = 1;
    assert_int_equal(vt_context_create(&o, &own), VT_OK);
    vt__context_set_io(own, &io->table);
    return own;
}

/* 0: old content, 1: new content; anything else fails the test. */
static int state_of_file(void) {
    vt_index *ix = open_index(VT_INDEX_READ_ONLY);
    int64_t old = found(ix, "first"), new = found(ix, "second");
    vt_index_release(ix);
    if (old == 2 && new == 0) return 0;
    assert_int_equal(old, 1);
    assert_int_equal(new, 2);
    return 1;
}

static void fail_commit(torture *t, failing_io *io, long io_at, long alloc_at, int sticky, int *going) {
    vt_index *ix;
    start_afresh();
    make_first();
    vt_context *own = failing_context(t, io);
    assert_int_equal(open_with(own, 0, &ix), VT_OK);
    put(ix, "a", "second words");
    put(ix, "c", "second");
    io->calls = 0;
    t->calls = 0;
    io->fail_at = io_at;
    t->fail_at = alloc_at;
    io->sticky = t->sticky = sticky;
    vt_status st = vt_index_commit(ix);
    *going = io_at ? io->calls >= io_at : t->calls >= alloc_at;
    io->fail_at = t->fail_at = 0;
    if (!*going) assert_int_equal(st, VT_OK);
    if (st != VT_OK) {
        assert_true(st == VT_ERR_IO || st == VT_ERR_NOMEM);
        (void)state_of_file();
        assert_int_equal(found(ix, "second"), 0);
        if (vt_index_commit(ix) != VT_OK) fail_msg("%s (after %s, io %ld alloc %ld)", vt_error_message(), io->failed, io_at, alloc_at);
    }
    assert_int_equal(state_of_file(), 1);
    assert_int_equal(found(ix, "second"), 2);
    vt_index_release(ix);
    vt_context_release(own);
    assert_int_equal(t->live, 0);
    assert_int_equal(io->open_files, 0);
    assert_int_equal(io->live_maps, 0);
}

static void a_failing_commit_leaves_the_old_file_or_the_new(void **state) {
    (void)state;
    for (int what = 0; what < 2; what++)
        for (int sticky = 0; sticky < 2; sticky++) {
            int going = 1;
            for (long k = 1; going; k++) {
                torture t = {0};
                failing_io io;
                failing_io_init(&io);
                if (k % 2) io.short_by = 100;
                fail_commit(&t, &io, what ? k : 0, what ? 0 : k, sticky, &going);
            }
        }
}

/* A process that dies: nothing of its state is left but the file. */
static void a_crash_at_any_operation_leaves_the_old_file_or_the_new(void **state) {
    int seen[2] = {0, 0};
    (void)state;
    for (long k = 1, going = 1; going; k++) {
        torture t = {0};
        failing_io io;
        vt_index *ix;
        start_afresh();
        make_first();
        failing_io_init(&io);
        vt_context *own = failing_context(&t, &io);
        assert_int_equal(open_with(own, 0, &ix), VT_OK);
        put(ix, "a", "second words");
        put(ix, "c", "second");
        io.calls = 0;
        io.fail_at = k;
        io.sticky = 1; /* nothing works any more, no clean-up either */
        vt_status st = vt_index_commit(ix);
        going = io.calls >= k;
        seen[state_of_file()]++;
        if (st == VT_OK) assert_int_equal(state_of_file(), 1);
        vt_index_release(ix);
        vt_context_release(own);
    }
    assert_true(seen[0] > 0 && seen[1] > 0);
}

/* ---- damage ---- */

static unsigned char *load(size_t *size) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    static unsigned char bytes[1 << 16];
    *size = fread(bytes, 1, sizeof bytes, f);
    assert_true(*size < sizeof bytes);
    assert_int_equal(fclose(f), 0);
    return bytes;
}

static void store(const unsigned char *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void a_file_cut_anywhere_is_refused(void **state) {
    size_t size;
    vt_index *ix;
    (void)state;
    make_first();
    unsigned char *bytes = load(&size);
    for (size_t n = 0; n < size; n++) {
        store(bytes, n);
        if (open_with(ctx, 0, &ix) != VT_ERR_FORMAT || ix) fail_msg("cut to %zu of %zu bytes: %s", n, size, vt_error_message());
    }
    store(bytes, size + 1);
    assert_int_equal(open_with(ctx, 0, &ix), VT_ERR_FORMAT);
    store(bytes, size);
    assert_int_equal(open_with(ctx, 0, &ix), VT_OK);
    vt_index_release(ix);
}

static void a_flipped_bit_is_found(void **state) {
    enum { VERSION = 8, VERSION_END = 12 };
    size_t size;
    vt_index *ix;
    (void)state;
    make_first();
    unsigned char *bytes = load(&size);
    for (size_t bit = 0; bit < size * 8; bit += bit < 512 ? 1 : 5) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        store(bytes, size);
        vt_status st = open_with(ctx, 0, &ix), want = bit / 8 >= VERSION && bit / 8 < VERSION_END ? VT_ERR_UNSUPPORTED : VT_ERR_FORMAT;
        if (st != want) fail_msg("bit %zu: status %d", bit, st);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

static void a_foreign_file_is_refused(void **state) {
    vt_index *ix;
    (void)state;
    store((const unsigned char *)"just some text, long enough to be anything at all, but no index", 62);
    assert_int_equal(open_with(ctx, VT_INDEX_CREATE, &ix), VT_ERR_FORMAT);
    assert_non_null(strstr(vt_error_message(), path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(open_with(ctx, VT_INDEX_CREATE, &ix), VT_ERR_IO);
}

/* ---- readers side by side ---- */

static void *search_often(void *user) {
    const vt_index *ix = user;
    for (int i = 0; i < 200; i++) {
        vt_hits *hits;
        if (vt_index_search(ix, "first passage", 13, NULL, &hits) != VT_OK) return user;
        int64_t n = vt_hits_count(hits);
        vt_hits_release(hits);
        if (n != 2) return user;
    }
    return NULL;
}

static void searches_run_together(void **state) {
    enum { N = 4 };
    pthread_t threads[N];
    (void)state;
    make_first();
    vt_index *ix = open_index(VT_INDEX_READ_ONLY);
    for (int i = 0; i < N; i++) assert_int_equal(pthread_create(&threads[i], NULL, search_often, ix), 0);
    for (int i = 0; i < N; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    vt_index_release(ix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_is_there_after_reopening, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_existing_index_must_agree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_writer_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_commit_leaves_the_old_file_or_the_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crash_at_any_operation_leaves_the_old_file_or_the_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_cut_anywhere_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flipped_bit_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_foreign_file_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(searches_run_together, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
