/* .npy files through the public calls: headers good and bad, elements in C order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "torture_each.h"
#include "venturi.h"

/* A file: magic, version, the header's text as it is, elements 1, 2, 3, ... of `size` bytes each. */
typedef struct file {
    unsigned char data[4096];
    size_t size;
} file;

static void append(file *f, const void *data, size_t size) {
    assert_true(size <= sizeof f->data - f->size);
    memcpy(f->data + f->size, data, size);
    f->size += size;
}

static void make(file *f, int version, const char *header, int n, int size) {
    uint32_t len = (uint32_t)strlen(header);
    f->size = 0;
    append(f, "\x93NUMPY", 6);
    append(f, (unsigned char[]){(unsigned char)version, 0}, 2);
    append(f, (unsigned char[]){(unsigned char)len, (unsigned char)(len >> 8), 0, 0}, version == 1 ? 2 : 4);
    append(f, header, len);
    for (int64_t i = 1; i <= n; i++) append(f, &i, (size_t)size);
}

/* In a copy of the exact size, so that a sanitizer sees one byte read too many. */
static vt_status parse(const void *data, size_t size, vt_npy *out) {
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size) memcpy(copy, data, size);
    vt_status st = vt_npy_parse(copy, size, out);
    free(copy);
    return st;
}

static const struct { const char *header; int n, size; int32_t dtype, n_dims; int64_t count; } good[] = {
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n", 6, 4, VT_DTYPE_F32, 2, 6},
    {"{'descr': '<f8', 'fortran_order': True, 'shape': (3,), }\n", 3, 8, VT_DTYPE_F64, 1, 3},
    {"{'shape': (), 'descr': '|u1', 'fortran_order': False}", 1, 1, VT_DTYPE_U8, 0, 1},
    {"{\"descr\":\"=i8\",\"fortran_order\":False,\"shape\":(2L,2L)}", 4, 8, VT_DTYPE_I64, 2, 4},
    {"{'descr': '>i1', 'fortran_order': False, 'shape': (2, 0, 9223372036854775807), }", 0, 1, VT_DTYPE_I8, 3, 0},
    {"{'descr': '<u2', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,2), }", 2, 2, VT_DTYPE_U16, 8, 2},
    {"{'descr': '|b1', 'fortran_order': False, 'shape': (4,), }", 4, 1, VT_DTYPE_BOOL, 1, 4},
    {"{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", 2, 8, VT_DTYPE_C128, 1, 1},
};

static void a_header_says_type_shape_and_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (int version = 1; version <= 3; version++) {
            file f;
            vt_npy npy = VT_STRUCT_INIT(vt_npy);
            make(&f, version, good[i].header, good[i].n, good[i].size);
            if (parse(f.data, f.size, &npy) != VT_OK) fail_msg("case %zu: %s", i, vt_error_message());
            assert_int_equal(npy.dtype, good[i].dtype);
            assert_int_equal(npy.n_dims, good[i].n_dims);
            assert_int_equal(npy.count, good[i].count);
            assert_int_equal(npy.offset + npy.size, f.size);
            for (int d = npy.n_dims; d < VT_NPY_DIMS; d++) assert_int_equal(npy.shape[d], 1);
        }
}

static void every_shorter_file_is_refused(void **state) {
    file f;
    vt_npy npy = VT_STRUCT_INIT(vt_npy);
    (void)state;
    for (int version = 1; version <= 2; version++) {
        make(&f, version, good[0].header, good[0].n, good[0].size);
        for (size_t n = 0; n < f.size; n++)
            if (parse(f.data, n, &npy) != VT_ERR_FORMAT) fail_msg("version %d, %zu bytes", version, n);
        append(&f, "more", 4);
        assert_int_equal(parse(f.data, f.size, &npy), VT_OK); /* several arrays may follow each other in a file */
        assert_int_equal(npy.size, 24);
    }
}

#define ORDER "'fortran_order': False, "
static const struct { const char *header, *word; vt_status want; } bad[] = {
    {"", "'{'", VT_ERR_FORMAT},
    {"{}", "missing", VT_ERR_FORMAT},
    {"{'descr': '<f4', " ORDER "}", "missing", VT_ERR_FORMAT},
    {"{'descr': '<f4', 'descr': '<f4', " ORDER "'shape': (1,)}", "descr", VT_ERR_FORMAT},
    {"{'descr': '<f4', " ORDER "'shape': (1,), 'extra': 1}", "extra", VT_ERR_FORMAT},
    {"{'descr': '<f4', " ORDER "'shape': (1,)} x", "nothing after", VT_ERR_FORMAT},
    {"{'descr': '<f4', " ORDER "'shape': (1 2)}", "')'", VT_ERR_FORMAT},
    {"{'descr': '<f4', " ORDER "'shape': (-1,)}", "extent", VT_ERR_FORMAT},
    {"{'descr': '<f4', " ORDER "'shape': (1,}", "extent", VT_ERR_FORMAT},
    {"{'descr': '<f4', " ORDER "'shape': 1}", "'('", VT_ERR_FORMAT},
    {"{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}", "True or False", VT_ERR_FORMAT},
    {"{'descr': <f4, " ORDER "'shape': (1,)}", "element type", VT_ERR_FORMAT},
    {"{'descr': '<f4, " ORDER "'shape': (1,)}", "", VT_ERR_UNSUPPORTED},
    {"{descr: 1}", "a key", VT_ERR_FORMAT},
    {"{'descr' '<f4'}", "':'", VT_ERR_FORMAT},
    {"{'descr': '>f4', " ORDER "'shape': (1,)}", "big-endian ('>f4')", VT_ERR_UNSUPPORTED},
    {"{'descr': '|O', " ORDER "'shape': (1,)}", "'|O'", VT_ERR_UNSUPPORTED},
    {"{'descr': '<U5', " ORDER "'shape': (1,)}", "'<U5'", VT_ERR_UNSUPPORTED},
    {"{'descr': '', " ORDER "'shape': (1,)}", "''", VT_ERR_UNSUPPORTED},
    {"{'descr': [('a', '<f4')], " ORDER "'shape': (1,)}", "records", VT_ERR_UNSUPPORTED},
    {"{'descr': '<f4', " ORDER "'shape': (1,1,1,1,1,1,1,1,1)}", "8 dimensions", VT_ERR_UNSUPPORTED},
    {"{'descr': '<f4', " ORDER "'shape': (9223372036854775808,)}", "2^63", VT_ERR_LIMIT},
    {"{'descr': '<f4', " ORDER "'shape': (4294967296, 4294967296)}", "2^63", VT_ERR_LIMIT},
    {"{'descr': '<f8', " ORDER "'shape': (9223372036854775807,)}", "", VT_ERR_LIMIT},
    {"{'descr': '<f4', " ORDER "'shape': (1000000,)}", "4000000 bytes, 0 are there", VT_ERR_FORMAT},
};

static void bad_headers_are_refused_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        file f;
        vt_npy npy = VT_STRUCT_INIT(vt_npy);
        make(&f, 1, bad[i].header, 0, 0);
        vt_status st = parse(f.data, f.size, &npy);
        if (st != bad[i].want || !strstr(vt_error_message(), bad[i].word)) fail_msg("%s: %d %s", bad[i].header, st, vt_error_message());
        assert_int_equal(npy.count, 0); /* untouched */
    }
}

static void foreign_files_and_versions_are_refused(void **state) {
    file f;
    vt_npy npy = VT_STRUCT_INIT(vt_npy);
    (void)state;
    assert_int_equal(parse("PK\x03\x04 zip, not npy", 17, &npy), VT_ERR_FORMAT);
    make(&f, 4, good[0].header, 6, 4);
    assert_int_equal(parse(f.data, f.size, &npy), VT_ERR_UNSUPPORTED);
    make(&f, 0, good[0].header, 6, 4);
    assert_int_equal(parse(f.data, f.size, &npy), VT_ERR_UNSUPPORTED);
    assert_int_equal(vt_npy_parse(NULL, 1, &npy), VT_ERR_INVALID);
    assert_int_equal(vt_npy_parse(f.data, f.size, NULL), VT_ERR_INVALID);
}

/* ---- elements ---- */

static const void *read_all(vt_context *ctx, const file *f, int32_t dtype, vt_buffer **out) {
    assert_int_equal(vt_npy_read(ctx, f->data, f->size, dtype, out), VT_OK);
    return vt_buffer_data(*out);
}

static void elements_come_in_c_order(void **state) {
    static const int32_t want[] = {1, 3, 5, 2, 4, 6};
    static const int16_t cube[] = {1, 5, 3, 7, 2, 6, 4, 8};
    vt_context *ctx;
    vt_buffer *b;
    file f;
    (void)state;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    make(&f, 1, "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }", 6, 4);
    assert_memory_equal(read_all(ctx, &f, VT_NPY_SAME, &b), want, sizeof want);
    vt_buffer_release(b);
    make(&f, 1, "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 2, 2), }", 8, 2);
    assert_memory_equal(read_all(ctx, &f, VT_NPY_SAME, &b), cube, sizeof cube);
    vt_buffer_release(b);
    make(&f, 1, "{'descr': '<i4', 'fortran_order': True, 'shape': (0, 3), }", 0, 4);
    (void)read_all(ctx, &f, VT_NPY_SAME, &b);
    assert_int_equal(vt_buffer_size(b), 0);
    vt_buffer_release(b);
    vt_context_release(ctx);
}

static void numbers_become_floats_on_request(void **state) {
    static const char *const types[] = {"|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "|b1"};
    static const int sizes[] = {1, 2, 4, 8, 1, 2, 1};
    vt_context *ctx;
    vt_buffer *b;
    (void)state;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char header[100];
        file f;
        (void)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': True, 'shape': (2, 2), }", types[i]);
        make(&f, 1, header, 4, sizes[i]);
        if (sizes[i] > 1) f.data[f.size - 1] = 0xff; /* the last one becomes negative, if it has a sign */
        const float *x = read_all(ctx, &f, VT_DTYPE_F32, &b);
        assert_int_equal(vt_buffer_size(b), 16);
        assert_true(x[0] == 1.0f && x[1] == (i == 6 ? 1.0f : 3.0f) && x[2] == (i == 6 ? 1.0f : 2.0f));
        if (sizes[i] > 1) assert_true(types[i][1] == 'u' ? x[3] > 0 : x[3] < 0);
        vt_buffer_release(b);
    }
    file f;
    make(&f, 1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", 2, 2);
    memcpy(f.data + f.size - 4, "\x00\x3c\x00\xc1", 4); /* 1 and -2.5 */
    const float *half = read_all(ctx, &f, VT_DTYPE_F32, &b);
    assert_true(half[0] == 1.0f && half[1] == -2.5f);
    vt_buffer_release(b);
    make(&f, 1, "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 1, 8);
    b = (vt_buffer *)&f;
    assert_int_equal(vt_npy_read(ctx, f.data, f.size, VT_DTYPE_F32, &b), VT_ERR_DTYPE);
    assert_null(b);
    assert_int_equal(vt_npy_read(ctx, f.data, f.size, VT_DTYPE_I8, &b), VT_ERR_DTYPE);
    vt_context_release(ctx);
}

static vt_status read_twice(vt_context *ctx) {
    vt_buffer *a = NULL, *b = NULL;
    file f;
    make(&f, 1, "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }", 6, 4);
    vt_status st = vt_npy_read(ctx, f.data, f.size, VT_NPY_SAME, &a);
    if (st == VT_OK) st = vt_npy_read(ctx, f.data, f.size, VT_DTYPE_F64, &b);
    vt_buffer_release(a);
    vt_buffer_release(b);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(read_twice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_says_type_shape_and_place),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(bad_headers_are_refused_by_name),
        cmocka_unit_test(foreign_files_and_versions_are_refused),
        cmocka_unit_test(elements_come_in_c_order),
        cmocka_unit_test(numbers_become_floats_on_request),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
