/* safetensors files: what is read, and what is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/error.h"
#include "formats/safetensors.h"
#include "torture_each.h"

/* In a copy of the exact size, so that a sanitizer sees one byte read too many. The copy lives as long as the handle: *out_copy. */
static vt_status parse(vt_context *ctx, const char *header, size_t header_size, size_t blob, void **out_copy, vt__safetensors **out) {
    size_t n = strlen(header), size = 8 + n + blob;
    unsigned char *copy = *out_copy = malloc(size);
    assert_non_null(copy);
    for (int i = 0; i < 8; i++) copy[i] = (unsigned char)(header_size >> (8 * i));
    memcpy(copy + 8, header, n);
    for (size_t i = 0; i < blob; i++) copy[8 + n + i] = (unsigned char)i;
    return vt__safetensors_parse(ctx, "t.safetensors", copy, size, out);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"
static const char two[] = "{\"b.c\":{\"shape\":[],\"data_offsets\":[24,32],\"dtype\":\"I64\"}," A ",\"__metadata__\":{\"format\":\"pt\",\"deep\":[{}]}}   ";

static void tensors_have_type_shape_and_bytes(void **state) {
    vt_context *ctx;
    vt__safetensors *s;
    void *copy;
    (void)state;
    assert_int_equal(vt__context_create(&(vt__context_params){0}, &ctx), VT_OK);
    if (parse(ctx, two, strlen(two), 32, &copy, &s) != VT_OK) fail_msg("%s", vt__error_message());
    assert_int_equal(vt__safetensors_count(s), 2);
    const vt__safetensor *a = vt__safetensors_find(s, "a"), *b = vt__safetensors_at(s, 0);
    assert_string_equal(b->name, "b.c");
    assert_true(b->dtype == VT_DTYPE_I64 && b->n_dims == 0 && b->size == 8 && b->shape[0] == 1 && b->data[0] == 24);
    assert_true(a->dtype == VT_DTYPE_F32 && a->n_dims == 2 && a->size == 24 && a->shape[0] == 2 && a->shape[1] == 3 && a->data[0] == 0);
    assert_null(vt__safetensors_find(s, "c"));
    assert_null(vt__safetensors_at(s, 2));
    vt__safetensors_release(vt__safetensors_retain(s));
    vt__safetensors_release(s);
    free(copy);
    vt__context_release(ctx);
}

static const struct { const char *header; size_t blob; vt_status want; const char *word; } bad[] = {
    {"{" A "}", 23, VT_ERR_FORMAT, "23"},
    {"{" A "}", 25, VT_ERR_FORMAT, "1 bytes behind 'a'"},
    {"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[20,28]}}", 28, VT_ERR_FORMAT, "'a' and 'b' overlap"},
    {"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[24],\"data_offsets\":[0,24]}}", 24, VT_ERR_FORMAT, "overlap"},
    {"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[26,28]}}", 28, VT_ERR_FORMAT, "2 bytes between 'a' and 'b'"},
    {"{" A "," A "}", 24, VT_ERR_FORMAT, "json"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,20]}}", 24, VT_ERR_FORMAT, "24 bytes, data_offsets give 20"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296,8],\"data_offsets\":[0,0]}}", 0, VT_ERR_FORMAT, "more than"},
    {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, VT_ERR_UNSUPPORTED, "F8_E4M3"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, VT_ERR_UNSUPPORTED, "9 dimensions"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1, VT_ERR_FORMAT, "extent"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}", 1, VT_ERR_FORMAT, "extent"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", 1, VT_ERR_FORMAT, "no list"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, VT_ERR_FORMAT, "no pair"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1, VT_ERR_FORMAT, "begin <= end"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,18446744073709551615]}}", 1, VT_ERR_FORMAT, ""},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, VT_ERR_FORMAT, "missing"},
    {"{\"a\":{\"dtype\":3,\"shape\":[1]}}", 1, VT_ERR_FORMAT, "no string"},
    {"{\"a\":{\"dtype\":\"U8\",\"more\":1}}", 1, VT_ERR_FORMAT, "none of"},
    {"{\"a\":[]}", 0, VT_ERR_FORMAT, "no object"},
    {"{\"\":{}}", 0, VT_ERR_FORMAT, "name of 0 bytes"},
    {"{\"a\\u0000b\":{}}", 0, VT_ERR_FORMAT, ""},
    {"{\"a\\u001fb\":{}}", 0, VT_ERR_FORMAT, "0x1f"},
    {"{\"a\":", 0, VT_ERR_FORMAT, "json"},
    {"[]", 0, VT_ERR_FORMAT, "not a safetensors file"},
};

static void broken_files_are_refused_by_name(void **state) {
    vt_context *ctx;
    (void)state;
    assert_int_equal(vt__context_create(&(vt__context_params){0}, &ctx), VT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vt__safetensors *s = (vt__safetensors *)&i;
        void *copy;
        vt_status st = parse(ctx, bad[i].header, strlen(bad[i].header), bad[i].blob, &copy, &s);
        if (st != bad[i].want || !strstr(vt__error_message(), bad[i].word) || !strstr(vt__error_message(), "t.safetensors"))
            fail_msg("%s: %d %s", bad[i].header, st, vt__error_message());
        assert_null(s);
        free(copy);
    }
    vt__context_release(ctx);
}

static void every_shorter_file_is_refused(void **state) {
    vt_context *ctx;
    vt__safetensors *s;
    void *copy;
    (void)state;
    assert_int_equal(vt__context_create(&(vt__context_params){0}, &ctx), VT_OK);
    for (size_t n = 0; n < strlen(two) + 32 + 8; n++) {
        void *cut = malloc(n ? n : 1);
        assert_int_equal(parse(ctx, two, strlen(two), 32, &copy, &s), VT_OK);
        vt__safetensors_release(s);
        memcpy(cut, copy, n);
        assert_int_equal(vt__safetensors_parse(ctx, "cut", cut, n, &s), VT_ERR_FORMAT);
        free(cut);
        free(copy);
    }
    for (size_t claimed = strlen(two) + 33; claimed > 0; claimed *= 5) { /* longer headers than the file, up to an overflow */
        assert_int_equal(parse(ctx, two, claimed, 32, &copy, &s), VT_ERR_FORMAT);
        free(copy);
        if (claimed > SIZE_MAX / 5) break;
    }
    vt__context_release(ctx);
}

static void a_missing_file_is_not_found(void **state) {
    vt_context *ctx;
    vt__safetensors *s;
    (void)state;
    assert_int_equal(vt__context_create(&(vt__context_params){0}, &ctx), VT_OK);
    assert_int_equal(vt__safetensors_open(ctx, "/nowhere/model.safetensors", &s), VT_ERR_NOT_FOUND);
    assert_null(s);
    vt__context_release(ctx);
}

static vt_status open_once(vt_context *ctx) {
    vt__safetensors *s;
    void *copy;
    vt_status st = parse(ctx, two, strlen(two), 32, &copy, &s);
    vt__safetensors_release(s);
    free(copy);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(open_once);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_have_type_shape_and_bytes),
        cmocka_unit_test(broken_files_are_refused_by_name),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(a_missing_file_is_not_found),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
