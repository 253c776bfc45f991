/* Loaders through the public calls: batches in order whatever the threads, errors, ends at any moment, cancellation, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "png_build.h"
#include "torture_each.h"
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

enum { N = 7, C = 2, H = 5, W = 4 };

static vt_tensor *pictures_in(vt_context *c) {
    const int64_t shape[] = {N, C, H, W};
    vt_tensor *t = NULL;
    if (vt_tensor_create(c, VT_DTYPE_U8, shape, 4, VT_DEVICE_CPU, &t) != VT_OK) return NULL;
    unsigned char *p = vt_tensor_data(t);
    for (int i = 0; i < N * C * H * W; i++) p[i] = (unsigned char)(i * 13);
    return t;
}

static vt_loader_options augmented(int32_t n_threads) {
    vt_loader_options o = VT_STRUCT_INIT(vt_loader_options);
    o.flags = VT_AUGMENT_FLIP_X | VT_AUGMENT_FLIP_Y | VT_AUGMENT_FREE_PLACE;
    o.scale_min = 0.6;
    o.scale_max = 1.5;
    o.shift = 1;
    o.brightness = 0.5;
    o.contrast = 0.5;
    o.width = 6;
    o.height = 3;
    o.seed = 11;
    o.n_threads = n_threads;
    o.depth = 8;
    return o;
}

static void examples_depend_on_round_and_index_alone(void **state) {
    enum { SIZE = C * 3 * 6 };
    static float want[N * SIZE];
    static const int64_t all[] = {0, 1, 2, 3, 4, 5, 6};
    vt_tensor *pictures = pictures_in(ctx), *out;
    (void)state;
    for (int32_t n_threads = 1; n_threads <= 4; n_threads++) {
        vt_loader_options o = augmented(n_threads);
        vt_loader *l;
        assert_int_equal(vt_loader_create(ctx, &o, pictures, &l), VT_OK);
        assert_int_equal(vt_loader_count(l), N);
        for (int i = 0; i < N; i++) assert_int_equal(vt_loader_submit(l, all + N - 1 - i, 1, 3), VT_OK);
        assert_int_equal(vt_loader_submit(l, all, N, 3), VT_OK);
        assert_int_equal(vt_loader_submit(l, all, N, 3), VT_ERR_STATE); /* eight are there */
        float got[N * SIZE];
        for (int i = 0; i < N; i++) {
            assert_int_equal(vt_loader_next(l, NULL, &out), VT_OK);
            memcpy(got + (N - 1 - i) * SIZE, vt_tensor_data(out), SIZE * sizeof *got);
            vt_tensor_release(out);
        }
        assert_int_equal(vt_loader_next(l, NULL, &out), VT_OK);
        assert_memory_equal(vt_tensor_data(out), got, sizeof got);
        vt_tensor_release(out);
        if (n_threads == 1) memcpy(want, got, sizeof want);
        assert_memory_equal(want, got, sizeof got);
        assert_int_equal(vt_loader_submit(l, all, N, 4), VT_OK);
        assert_int_equal(vt_loader_next(l, NULL, &out), VT_OK);
        assert_memory_not_equal(vt_tensor_data(out), got, sizeof got);
        vt_tensor_release(out);
        vt_loader_release(l);
    }
    vt_tensor_release(pictures);
}

static void a_loader_ends_at_any_moment(void **state) {
    static const int64_t all[] = {0, 1, 2, 3, 4, 5, 6};
    vt_tensor *pictures = pictures_in(ctx), *out;
    (void)state;
    for (int taken = 0; taken < 4; taken++)
        for (int submitted = taken; submitted < 5; submitted++) {
            vt_loader_options o = augmented(2);
            vt_loader *l;
            assert_int_equal(vt_loader_create(ctx, &o, pictures, &l), VT_OK);
            for (int i = 0; i < submitted; i++) assert_int_equal(vt_loader_submit(l, all, N, 0), VT_OK);
            for (int i = 0; i < taken; i++) {
                assert_int_equal(vt_loader_next(l, NULL, &out), VT_OK);
                vt_tensor_release(out);
            }
            vt_loader_release(l);
        }
    vt_tensor_release(pictures);
}

static void a_cancelled_wait_leaves_the_batch(void **state) {
    static const int64_t all[] = {0, 1, 2, 3, 4, 5, 6};
    vt_tensor *pictures = pictures_in(ctx), *out;
    vt_loader_options o = VT_STRUCT_INIT(vt_loader_options);
    vt_loader *l;
    vt_cancel *cancel;
    int64_t indices[512];
    (void)state;
    for (int i = 0; i < 512; i++) indices[i] = all[i % N];
    o.width = o.height = 256;
    assert_int_equal(vt_cancel_create(ctx, &cancel), VT_OK);
    vt_cancel_raise(cancel);
    assert_int_equal(vt_loader_create(ctx, &o, pictures, &l), VT_OK);
    assert_int_equal(vt_loader_submit(l, indices, 512, 0), VT_OK);
    assert_int_equal(vt_loader_next(l, cancel, &out), VT_ERR_CANCELLED);
    assert_null(out);
    assert_int_equal(vt_loader_next(l, NULL, &out), VT_OK);
    assert_int_equal(vt_tensor_shape(out)[0], 512);
    vt_tensor_release(out);
    vt_loader_release(l);
    vt_cancel_release(cancel);
    vt_tensor_release(pictures);
}

/* ---- files ---- */

static char folder[] = "/tmp/vt-loader-XXXXXX";

static void write_file(const char *name, const void *data, size_t size) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

/* 0: a red picture; 1: damaged; 2: not there. */
static vt_status add_files(vt_loader *l) {
    static const char *const names[] = {"good.png", "bad.png", "none.png"};
    vt_status st = VT_OK;
    for (int i = 0; st == VT_OK && i < 3; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        st = vt_loader_add_file(l, path);
    }
    return st;
}

static void the_first_bad_file_of_a_batch_is_named(void **state) {
    static const int64_t batches[][3] = {{0, 2, 1}, {1, 2, 0}, {0, 0, 0}};
    vt_loader_options o = VT_STRUCT_INIT(vt_loader_options);
    vt_loader *l;
    vt_tensor *out;
    (void)state;
    o.width = o.height = 2;
    o.n_threads = 3;
    o.depth = 3;
    assert_int_equal(vt_loader_create(ctx, &o, NULL, &l), VT_OK);
    assert_int_equal(add_files(l), VT_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(vt_loader_submit(l, batches[i], 3, 0), VT_OK);
    assert_int_equal(add_files(l), VT_ERR_STATE);
    assert_int_equal(vt_loader_next(l, NULL, &out), VT_ERR_NOT_FOUND);
    assert_non_null(strstr(vt_error_message(), "none.png"));
    assert_int_equal(vt_loader_next(l, NULL, &out), VT_ERR_FORMAT);
    assert_non_null(strstr(vt_error_message(), "bad.png: image: neither"));
    assert_int_equal(vt_loader_next(l, NULL, &out), VT_OK);
    const float *p = vt_tensor_data(out);
    for (int i = 0; i < 12; i++) assert_true(i < 4 ? p[i] > 0.999f && p[i] <= 1 : p[i] < 0.001f);
    vt_tensor_release(out);
    vt_loader_release(l);
}

static vt_status work_of_all_kinds(vt_context *c) {
    static const int64_t indices[] = {0, 0};
    vt_tensor *pictures = pictures_in(c), *out = NULL;
    vt_status st = pictures ? VT_OK : VT_ERR_NOMEM;
    for (int files = 0; st == VT_OK && files < 2; files++) {
        vt_loader_options o = augmented(1);
        vt_loader *l = NULL;
        o.dtype = files ? VT_DTYPE_U8 : VT_DTYPE_F32;
        st = vt_loader_create(c, &o, files ? NULL : pictures, &l);
        if (st == VT_OK && files) st = add_files(l);
        if (st == VT_OK) st = vt_loader_submit(l, indices, 2, 0);
        if (st == VT_OK) st = vt_loader_next(l, NULL, &out);
        if (st == VT_OK) vt_tensor_release(out);
        vt_loader_release(l);
    }
    vt_tensor_release(pictures);
    return st;
}

/* A thread that cannot be told what to do is one less: such a run may end well. */
static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_context_options o = VT_STRUCT_INIT(vt_context_options);
            vt_context *c = NULL;
            o.alloc = torture_alloc;
            o.alloc_user = &t;
            vt_status st = vt_context_create(&o, &c);
            if (st == VT_OK) st = work_of_all_kinds(c);
            vt_context_release(c);
            assert_int_equal(t.live, 0);
            assert_true(st == VT_OK || st == VT_ERR_NOMEM);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
        }
}

static void bad_options_are_refused(void **state) {
    vt_tensor *pictures = pictures_in(ctx);
    vt_loader *l;
    (void)state;
    for (int i = 0; i < 12; i++) {
        vt_loader_options o = VT_STRUCT_INIT(vt_loader_options);
        switch (i) {
        case 0: o.flags = 16; break;
        case 1: o.width = 4097; break;
        case 2: o.dtype = VT_DTYPE_I64; break;
        case 3: o.fit = 3; break;
        case 4: o.background = 1; break;
        case 5: o.n_threads = 65; break;
        case 6: o.share = 1.5; break;
        case 7: o.scale_min = 2; break;
        case 8: o.scale_max = 1e300; break;
        case 9: o.shift = -1; break;
        case 10: o.depth = 1025; break;
        default: o.saturation = -0.5; break;
        }
        vt_status st = vt_loader_create(ctx, &o, pictures, &l);
        if (st == VT_OK || l) fail_msg("case %d", i);
    }
    vt_loader_options files = VT_STRUCT_INIT(vt_loader_options);
    assert_int_equal(vt_loader_create(ctx, &files, NULL, &l), VT_ERR_SHAPE); /* no extents */
    assert_int_equal(vt_loader_create(NULL, NULL, pictures, &l), VT_ERR_INVALID);
    assert_int_equal(vt_loader_next(NULL, NULL, NULL), VT_ERR_INVALID);
    vt_loader_release(NULL);
    vt_tensor_release(pictures);
}

static int make_files(void **state) {
    png_build b;
    if (!mkdtemp(folder)) return 1;
    png_begin(&b, 3, 3, 8, 2, 0);
    png_finish(&b, "\0\xff\0\0\xff\0\0\xff\0\0" "\0\xff\0\0\xff\0\0\xff\0\0" "\0\xff\0\0\xff\0\0\xff\0\0", 30);
    write_file("good.png", b.data, b.len);
    write_file("bad.png", "no picture", 10);
    return make_context(state);
}

static int drop_files(void **state) {
    static const char *const names[] = {"/good.png", "/bad.png"};
    for (int i = 0; i < 2; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    return drop_context(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_depend_on_round_and_index_alone),
        cmocka_unit_test(a_loader_ends_at_any_moment),
        cmocka_unit_test(a_cancelled_wait_leaves_the_batch),
        cmocka_unit_test(the_first_bad_file_of_a_batch_is_named),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, make_files, drop_files);
}
