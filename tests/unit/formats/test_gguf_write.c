/* What the writer writes, the reader reads; what does not go together is refused; a failure leaves the old file. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "failing_io.h"
#include "file_folder.h"
#include "formats/gguf_write.h"
#include "torture_each.h"
#include "one_context.h" /* behind the above, whose variables it would shadow */

static int setup(void **state) { return make_context(state) || folder_make(state); }
static int teardown(void **state) { return drop_context(state) || folder_remove(state); }

static const int64_t rows3[4] = {3, 2, 1, 1}, block[4] = {32, 1, 1, 1};
static const float values[6] = {1, 2, 3, 4, 5, 6};
static const unsigned char quants[34] = {0, 0x3c, 1, 2, 3};

/* A key of every type, two tensors, their bytes in uneven pieces. */
static vt_status write_all(vt_context *c, const char *path, size_t alignment) {
    static const vt__gguf_str words[] = {{"one", 3}, {"", 0}, {"\xFF two", 5}};
    static const uint16_t numbers[] = {1, 2, 65535};
    vt__gguf_writer *w = NULL;
    vt_status st = vt__gguf_writer_create(c, path, alignment, &w);
    if (st == VT_OK) st = vt__gguf_put_str(w, "general.architecture", "llama", 5);
    if (st == VT_OK) st = vt__gguf_put_int(w, "i.u8", VT__GGUF_U8, 255);
    if (st == VT_OK) st = vt__gguf_put_int(w, "i.i8", VT__GGUF_I8, -128);
    if (st == VT_OK) st = vt__gguf_put_int(w, "i.u16", VT__GGUF_U16, 65535);
    if (st == VT_OK) st = vt__gguf_put_int(w, "i.i16", VT__GGUF_I16, -32768);
    if (st == VT_OK) st = vt__gguf_put_int(w, "i.u32", VT__GGUF_U32, UINT32_MAX);
    if (st == VT_OK) st = vt__gguf_put_int(w, "i.i32", VT__GGUF_I32, INT32_MIN);
    if (st == VT_OK) st = vt__gguf_put_int(w, "i.u64", VT__GGUF_U64, INT64_MAX);
    if (st == VT_OK) st = vt__gguf_put_int(w, "i.i64", VT__GGUF_I64, INT64_MIN);
    if (st == VT_OK) st = vt__gguf_put_int(w, "bool", VT__GGUF_BOOL, 1);
    if (st == VT_OK) st = vt__gguf_put_float(w, "f32", VT__GGUF_F32, 0.1);
    if (st == VT_OK) st = vt__gguf_put_float(w, "f64", VT__GGUF_F64, 0.1);
    if (st == VT_OK) st = vt__gguf_put_array(w, "list", VT__GGUF_U16, numbers, 3);
    if (st == VT_OK) st = vt__gguf_put_array(w, "none", VT__GGUF_F32, NULL, 0);
    if (st == VT_OK) st = vt__gguf_put_strings(w, "words", words, 3);
    if (st == VT_OK) st = vt__gguf_put_tensor(w, "a.weight", VT_DTYPE_F32, 2, rows3);
    if (st == VT_OK) st = vt__gguf_put_tensor(w, "b", VT_DTYPE_Q8_0, 1, block);
    if (st == VT_OK) st = vt__gguf_write_data(w, values, 5);
    if (st == VT_OK) st = vt__gguf_write_data(w, (const char *)values + 5, sizeof values - 5);
    if (st == VT_OK) st = vt__gguf_write_data(w, quants, sizeof quants);
    if (st == VT_OK) st = vt__gguf_writer_finish(w);
    vt__gguf_writer_release(w);
    return st;
}

static void what_is_written_is_read(void **state) {
    static const char *const text[] = {"llama", "255", "-128", "65535", "-32768", "4294967295", "-2147483648", "9223372036854775807",
        "-9223372036854775808", "true", "0.1", "0.1", "3 x u16: [1, 2, 65535]", "0 x f32: []", "3 x string: [\"one\", \"\", \"\xEF\xBF\xBD two\"]"};
    static const size_t alignments[] = {0, 1, 32, 4096};
    (void)state;
    for (size_t a = 0; a < sizeof alignments / sizeof *alignments; a++) {
        vt__gguf *g;
        int own = alignments[a] != 0 && alignments[a] != 32; /* has a key for it */
        assert_int_equal(write_all(ctx, in_folder("x.gguf"), alignments[a]), VT_OK);
        assert_int_equal(vt__gguf_open(ctx, in_folder("x.gguf"), &g), VT_OK);
        assert_int_equal(vt__gguf_key_count(g), 15 + own);
        for (int64_t i = 0; i < 15; i++) {
            vt_buffer *value;
            assert_int_equal(vt__gguf_value_text(g, i + own, &value), VT_OK);
            assert_string_equal(vt__buffer_data(value), text[i]);
            vt__buffer_release(value);
        }
        const vt__gguf_tensor *t = vt__gguf_tensor_find(g, "a.weight"), *b = vt__gguf_tensor_find(g, "b");
        assert_non_null(t);
        assert_non_null(b);
        assert_int_equal(t->n_dims, 2);
        assert_int_equal(t->ne[0] * 10 + t->ne[1], 32);
        assert_memory_equal(t->data, values, sizeof values);
        assert_int_equal(b->dtype, VT_DTYPE_Q8_0);
        assert_memory_equal(b->data, quants, sizeof quants);
        vt__gguf_release(g);
        assert_int_equal(count_files(), 1);
    }
}

static void copies_of_keys_are_the_same_bytes(void **state) {
    vt__gguf *g;
    vt__gguf_writer *w;
    size_t one, two;
    (void)state;
    assert_int_equal(write_all(ctx, in_folder("x.gguf"), 0), VT_OK);
    assert_int_equal(vt__gguf_open(ctx, in_folder("x.gguf"), &g), VT_OK);
    assert_int_equal(vt__gguf_writer_create(ctx, in_folder("y.gguf"), 0, &w), VT_OK);
    for (int64_t i = 0; i < vt__gguf_key_count(g); i++) assert_int_equal(vt__gguf_put_copy(w, g, i), VT_OK);
    for (int64_t i = 0; i < vt__gguf_tensor_count(g); i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        assert_int_equal(vt__gguf_put_tensor(w, t->name, t->dtype, t->n_dims, t->ne), VT_OK);
    }
    for (int64_t i = 0; i < vt__gguf_tensor_count(g); i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        assert_int_equal(vt__gguf_write_data(w, t->data, t->size), VT_OK);
    }
    assert_int_equal(vt__gguf_writer_finish(w), VT_OK);
    vt__gguf_writer_release(w);
    vt__gguf_release(g);
    unsigned char *x = read_file(in_folder("x.gguf"), &one), *y = read_file(in_folder("y.gguf"), &two);
    assert_int_equal(one, two);
    assert_memory_equal(x, y, one);
    free(x);
    free(y);
    assert_int_equal(remove(in_folder("y.gguf")), 0);
}

static void what_does_not_go_together_is_refused(void **state) {
    static const int64_t empty[4] = {0, 1, 1, 1}, huge[4] = {INT64_MAX, INT64_MAX, 2, 2};
    static const struct {
        int32_t type;
        int64_t value;
    } misfits[] = {{VT__GGUF_U8, 256}, {VT__GGUF_U8, -1}, {VT__GGUF_I8, 128}, {VT__GGUF_U16, 65536}, {VT__GGUF_I16, -32769}, {VT__GGUF_U32, INT64_C(1) << 32},
        {VT__GGUF_I32, INT64_C(1) << 31}, {VT__GGUF_U64, -1}, {VT__GGUF_BOOL, 2}, {VT__GGUF_F32, 1}, {VT__GGUF_STRING, 1}, {99, 1}};
    vt__gguf_writer *w;
    (void)state;
    assert_int_equal(vt__gguf_writer_create(ctx, in_folder("x.gguf"), 24, &w), VT_ERR_INVALID);
    assert_null(w);
    assert_int_equal(vt__gguf_writer_create(ctx, in_folder("no/x.gguf"), 0, &w), VT_ERR_NOT_FOUND);
    write_file("z.gguf", "old", 3);
    assert_int_equal(vt__gguf_writer_create(ctx, in_folder("z.gguf"), 0, &w), VT_OK);
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++)
        assert_int_equal(vt__gguf_put_int(w, "key", misfits[i].type, misfits[i].value), VT_ERR_INVALID);
    assert_int_equal(vt__gguf_put_float(w, "key", VT__GGUF_U8, 1.0), VT_ERR_INVALID);
    assert_int_equal(vt__gguf_put_array(w, "key", VT__GGUF_STRING, NULL, 0), VT_ERR_INVALID);
    assert_int_equal(vt__gguf_put_array(w, "key", VT__GGUF_U64, NULL, -1), VT_ERR_INVALID);
    assert_int_equal(vt__gguf_put_tensor(w, "t", VT_DTYPE_F32, 5, rows3), VT_ERR_INVALID);
    assert_int_equal(vt__gguf_put_tensor(w, "t", VT_DTYPE_F32, 1, empty), VT_ERR_INVALID);
    assert_int_equal(vt__gguf_put_tensor(w, "t", VT_DTYPE_F32, 4, huge), VT_ERR_INVALID);
    assert_int_equal(vt__gguf_put_tensor(w, "t", VT_DTYPE_F32, 2, huge), VT_ERR_SHAPE);
    assert_int_equal(vt__gguf_put_tensor(w, "t", VT_DTYPE_Q8_0, 2, rows3), VT_ERR_SHAPE);
    assert_int_equal(vt__gguf_put_tensor(w, "t", VT_DTYPE_U8, 2, rows3), VT_ERR_DTYPE);
    assert_int_equal(vt__gguf_put_tensor(w, "t", 4, 2, rows3), VT_ERR_DTYPE);
    assert_int_equal(vt__gguf_put_tensor(w, "t", VT_DTYPE_F32, 2, rows3), VT_OK);
    assert_int_equal(vt__gguf_write_data(w, values, 8), VT_OK);
    assert_int_equal(vt__gguf_put_int(w, "late", VT__GGUF_U8, 1), VT_ERR_STATE);
    assert_int_equal(vt__gguf_put_tensor(w, "late", VT_DTYPE_F32, 2, rows3), VT_ERR_STATE);
    assert_int_equal(vt__gguf_write_data(w, values, 24), VT_ERR_INVALID);
    assert_int_equal(vt__gguf_writer_finish(w), VT_ERR_STATE);
    assert_non_null(strstr(vt__error_message(), "0 of 1 tensors"));
    vt__gguf_writer_release(w);
    size_t size;
    unsigned char *old = read_file(in_folder("z.gguf"), &size); /* not finished: as it was */
    assert_int_equal(size, 3);
    free(old);
    assert_int_equal(remove(in_folder("z.gguf")), 0);
    vt__gguf_writer_release(NULL);
}

static vt_status write_tortured(vt_context *c) { return write_all(c, in_folder("t.gguf"), 0); }

static void survives_every_failing_allocation(void **state) {
    (void)state;
    torture_each(write_tortured);
    assert_int_equal(remove(in_folder("t.gguf")), 0);
}

static void every_failing_file_operation_leaves_the_old_file_or_the_new(void **state) {
    size_t new_size;
    (void)state;
    assert_int_equal(write_all(ctx, in_folder("f.gguf"), 0), VT_OK);
    free(read_file(in_folder("f.gguf"), &new_size));
    for (long k = 1;; k++) {
        vt_context *c;
        failing_io io;
        size_t size;
        write_file("f.gguf", "old", 3);
        failing_io_init(&io);
        io.fail_at = k;
        io.short_by = 7;
        assert_int_equal(vt__context_create(&(vt__context_params){0}, &c), VT_OK);
        vt__context_set_io(c, &io.table);
        vt_status st = write_all(c, in_folder("f.gguf"), 0);
        vt__context_release(c);
        assert_int_equal(io.open_files, 0);
        free(read_file(in_folder("f.gguf"), &size));
        assert_true(size == new_size || (size == 3 && st != VT_OK));
        if (io.calls < k) {
            assert_int_equal(st, VT_OK);
            assert_int_equal(size, new_size);
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(copies_of_keys_are_the_same_bytes),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(survives_every_failing_allocation),
        cmocka_unit_test(every_failing_file_operation_leaves_the_old_file_or_the_new),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
