#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "failing_io.h"
#include "formats/gguf.h"
#include "gguf_build.h"
#include "one_context.h"
#include "torture.h"

/* Two tensors, a key of most types: what the table below damages. */
static void valid(gguf_build *b) {
    gguf_begin(b, 3, 2, 6);
    gguf_key_str(b, "general.architecture", "llama");
    gguf_key(b, "a.u64", VT__GGUF_U64), gguf_u64(b, UINT64_MAX);
    gguf_key(b, "a.i8", VT__GGUF_I8), gguf_bytes(b, "\xFE", 1);
    gguf_key(b, "a.f32", VT__GGUF_F32), gguf_f32(b, 0.5F);
    gguf_key(b, "a.bool", VT__GGUF_BOOL), gguf_bytes(b, "\1", 1);
    gguf_array(b, "a.names", VT__GGUF_STRING, 3), gguf_str(b, "x"), gguf_str(b, ""), gguf_str(b, "\xFFz");
    gguf_tensor(b, "first", VT_DTYPE_F32, 2, 3, 0);
    gguf_tensor(b, "second", VT_DTYPE_F32, 4, 1, 32);
    gguf_blob(b, 32, 64);
}

static vt_status parse(const gguf_build *b, vt__gguf **out) {
    void *copy = vt__alloc(ctx, b->len); /* exact size, so that the sanitizer sees a byte read too far */
    assert_non_null(copy);
    memcpy(copy, b->data, b->len);
    vt_status st = vt__gguf_parse(ctx, "test.gguf", copy, b->len, out);
    if (st == VT_OK) {
        vt__gguf_release(*out);
        assert_int_equal(vt__gguf_parse(ctx, "test.gguf", b->data, b->len, out), VT_OK);
    } else {
        assert_null(*out);
    }
    vt__free(ctx, copy);
    return st;
}

static void reads_keys_of_every_kind(void **state) {
    static const char *const text[] = {"llama", "18446744073709551615", "-2", "0.5", "true", "3 x string: [\"x\", \"\", \"\xEF\xBF\xBDz\"]"};
    gguf_build b;
    vt__gguf *g;
    vt__gguf_str s;
    vt__gguf_array a;
    int64_t n;
    double x;
    int flag;
    (void)state;
    valid(&b);
    assert_int_equal(parse(&b, &g), VT_OK);
    assert_int_equal(vt__gguf_key_count(g), 6);
    for (int64_t i = 0; i < 6; i++) {
        vt_buffer *value;
        assert_int_equal(vt__gguf_value_text(g, i, &value), VT_OK);
        assert_string_equal(vt__buffer_data(value), text[i]);
        vt__buffer_release(value);
    }
    assert_int_equal(vt__gguf_get_str(g, "general.architecture", &s), VT_OK);
    assert_int_equal(s.len, 5);
    assert_memory_equal(s.data, "llama", 5);
    assert_int_equal(vt__gguf_get_int(g, "a.i8", -2, 0, &n), VT_OK);
    assert_int_equal(n, -2);
    assert_int_equal(vt__gguf_get_int(g, "a.i8", 0, 9, &n), VT_ERR_FORMAT);
    assert_int_equal(vt__gguf_get_int(g, "a.f32", 0, 9, &n), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), "test.gguf: key 'a.f32' is of type f32"));
    assert_int_equal(vt__gguf_get_int(g, "absent", 0, 9, &n), VT_ERR_NOT_FOUND);
    assert_int_equal(vt__gguf_get_float(g, "a.f32", &x), VT_OK);
    assert_true(x == 0.5);
    assert_int_equal(vt__gguf_get_bool(g, "a.bool", &flag), VT_OK);
    assert_int_equal(flag, 1);
    assert_int_equal(vt__gguf_get_array(g, "a.names", VT__GGUF_I32, &a), VT_ERR_FORMAT);
    assert_int_equal(vt__gguf_get_array(g, "a.names", VT__GGUF_STRING, &a), VT_OK);
    for (n = 0; vt__gguf_next_string(&a, &s); n++) {}
    assert_int_equal(n, a.count);
    assert_true(vt__gguf_has(g, "a.u64") && !vt__gguf_has(g, "a.u6"));
    assert_null(vt__gguf_key_at(g, 6));
    vt__gguf_release(g);
}

static void finds_tensors_by_name(void **state) {
    gguf_build b;
    vt__gguf *g;
    (void)state;
    valid(&b);
    assert_int_equal(parse(&b, &g), VT_OK);
    assert_int_equal(vt__gguf_tensor_count(g), 2);
    const vt__gguf_tensor *t = vt__gguf_tensor_find(g, "second");
    assert_ptr_equal(t, vt__gguf_tensor_at(g, 1));
    assert_string_equal(t->name, "second");
    assert_int_equal(t->ne[0], 4);
    assert_int_equal(t->ne[1], 1);
    assert_int_equal(t->size, 16);
    assert_ptr_equal(t->data, b.data + b.len - 32);
    assert_null(vt__gguf_tensor_find(g, "third"));
    assert_null(vt__gguf_tensor_at(g, -1));
    vt__gguf_release(g);
}

/* What each case puts where; the words must be in the message. */
static void bad_magic(gguf_build *b) { valid(b), b->data[0] = 'g'; }
static void version_1(gguf_build *b) { valid(b), b->data[4] = 1; }
static void version_4(gguf_build *b) { valid(b), b->data[4] = 4; }
static void big_endian(gguf_build *b) { valid(b), memcpy(b->data + 4, "\0\0\0\3", 4); }
static void same_key(gguf_build *b) { gguf_begin(b, 3, 0, 2), gguf_key_str(b, "k", "1"), gguf_key_str(b, "k", "2"); }
static void empty_key(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key_str(b, "", "abcdef"); }
static void key_with_newline(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key_str(b, "a\nb", "1"); }
static void key_not_utf8(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key_str(b, "a\xC3", "1"); }
static void value_type_13(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key(b, "k", 13), gguf_u64(b, 0); }
static void bool_2(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key(b, "k", VT__GGUF_BOOL), gguf_bytes(b, "\2", 1); }
static void bools_3(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_array(b, "k", VT__GGUF_BOOL, 2), gguf_bytes(b, "\1\3", 2); }
static void nested(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_array(b, "k", VT__GGUF_ARRAY, 0), gguf_u64(b, 0); }
static void element_type(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_array(b, "k", 77, 0), gguf_u64(b, 0); }
static void string_too_long(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key(b, "k", VT__GGUF_STRING), gguf_u64(b, 9), gguf_u64(b, 0); }
static void string_2_63(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key(b, "k", VT__GGUF_STRING), gguf_u64(b, UINT64_MAX >> 1); }
static void array_2_31(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_array(b, "k", VT__GGUF_U8, 1ULL << 31); }
static void array_2_61(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_array(b, "k", VT__GGUF_U64, 1ULL << 61), gguf_u64(b, 0); }
static void strings_2_32(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_array(b, "k", VT__GGUF_STRING, 1ULL << 32), gguf_u64(b, 0); }
static void keys_2_31(gguf_build *b) { gguf_begin(b, 3, 0, 1LL << 31), gguf_key_str(b, "k", "1"); }
static void keys_2_63(gguf_build *b) { gguf_begin(b, 3, 0, INT64_MAX), gguf_key_str(b, "k", "1"); }
static void keys_negative(gguf_build *b) { gguf_begin(b, 3, 0, -1), gguf_key_str(b, "k", "1"); }
static void tensors_2_32(gguf_build *b) { gguf_begin(b, 3, 1LL << 32, 0), gguf_tensor(b, "t", 0, 1, 1, 0); }
static void tensors_2_63(gguf_build *b) { gguf_begin(b, 3, INT64_MAX, 0), gguf_tensor(b, "t", 0, 1, 1, 0); }
static void alignment(gguf_build *b, int32_t type, uint64_t value) {
    gguf_begin(b, 3, 0, 1);
    gguf_key(b, "general.alignment", type);
    if (type == VT__GGUF_U32) gguf_u32(b, (uint32_t)value);
    else gguf_u64(b, value);
}
static void alignment_0(gguf_build *b) { alignment(b, VT__GGUF_U32, 0); }
static void alignment_24(gguf_build *b) { alignment(b, VT__GGUF_U32, 24); }
static void alignment_2_63(gguf_build *b) { alignment(b, VT__GGUF_U64, 1ULL << 63); }
static void alignment_string(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key_str(b, "general.alignment", "32"); }
static void split(gguf_build *b) { gguf_begin(b, 3, 0, 1), gguf_key(b, "split.count", VT__GGUF_U16), gguf_bytes(b, "\3\0", 2); }
static void one_tensor(gguf_build *b, uint32_t type, int64_t ne0, int64_t ne1, uint64_t offset) {
    gguf_begin(b, 3, 1, 0), gguf_tensor(b, "w", type, ne0, ne1, offset), gguf_blob(b, 32, 64);
}
static void misaligned(gguf_build *b) { one_tensor(b, VT_DTYPE_F32, 4, 1, 16); }
static void past_the_end(gguf_build *b) { one_tensor(b, VT_DTYPE_F32, 9, 1, 32); }
static void offset_2_64(gguf_build *b) { one_tensor(b, VT_DTYPE_F32, 4, 1, UINT64_MAX - 31); }
static void dimension_0(gguf_build *b) { one_tensor(b, VT_DTYPE_F32, 0, 1, 0); }
static void dimension_negative(gguf_build *b) { one_tensor(b, VT_DTYPE_F32, 4, -1, 0); }
static void product_wraps(gguf_build *b) { one_tensor(b, VT_DTYPE_F32, 1LL << 32, 1LL << 32, 0); }
static void bytes_wrap(gguf_build *b) { one_tensor(b, VT_DTYPE_F32, 1LL << 31, 1LL << 31, 0); }
static void part_of_a_block(gguf_build *b) { one_tensor(b, VT_DTYPE_Q4_0, 33, 1, 0); }
static void type_4(gguf_build *b) { one_tensor(b, 4, 32, 1, 0); }
static void type_of_ours(gguf_build *b) { one_tensor(b, VT_DTYPE_U8, 32, 1, 0); }
static void type_2_32(gguf_build *b) { one_tensor(b, UINT32_MAX, 32, 1, 0); }
static void no_blob(gguf_build *b) { gguf_begin(b, 3, 1, 0), gguf_tensor(b, "w", 0, 4, 1, 0); }
static void dims(gguf_build *b, uint32_t n_dims) {
    gguf_begin(b, 3, 1, 0), gguf_str(b, "w"), gguf_u32(b, n_dims);
    for (int i = 0; i < 12; i++) gguf_u64(b, 1);
}
static void dims_0(gguf_build *b) { dims(b, 0); }
static void dims_5(gguf_build *b) { dims(b, 5); }
static void same_tensor(gguf_build *b) {
    gguf_begin(b, 3, 2, 0), gguf_tensor(b, "w", 0, 4, 1, 0), gguf_tensor(b, "w", 0, 4, 1, 32), gguf_blob(b, 32, 64);
}
static void overlap(gguf_build *b) {
    gguf_begin(b, 3, 3, 0), gguf_tensor(b, "z", 0, 4, 1, 32), gguf_tensor(b, "y", 0, 9, 1, 0), gguf_tensor(b, "x", 0, 4, 1, 64);
    gguf_blob(b, 32, 96);
}

static const struct {
    const char *name;
    void (*make)(gguf_build *b);
    vt_status want;
    const char *words;
} bad[] = {
    {"magic", bad_magic, VT_ERR_FORMAT, "not a GGUF file"},
    {"version 1", version_1, VT_ERR_UNSUPPORTED, "version 1"},
    {"version 4", version_4, VT_ERR_UNSUPPORTED, "version 4; 2 and 3"},
    {"big-endian", big_endian, VT_ERR_UNSUPPORTED, "big-endian"},
    {"same key twice", same_key, VT_ERR_FORMAT, "key 'k' is there twice"},
    {"empty key", empty_key, VT_ERR_FORMAT, "name of 0 bytes"},
    {"key with a newline", key_with_newline, VT_ERR_FORMAT, "byte 0x0a at place 1"},
    {"key not UTF-8", key_not_utf8, VT_ERR_FORMAT, "byte 0xc3 at place 1"},
    {"value type", value_type_13, VT_ERR_FORMAT, "value type is 13, 0 to 12"},
    {"bool of 2", bool_2, VT_ERR_FORMAT, "bool of value 2"},
    {"array of bool with 3", bools_3, VT_ERR_FORMAT, "bool of value 3"},
    {"array of arrays", nested, VT_ERR_FORMAT, "array of arrays"},
    {"element type", element_type, VT_ERR_FORMAT, "element type is 77"},
    {"string longer than the file", string_too_long, VT_ERR_FORMAT, "needs 9 bytes"},
    {"string of 2^63-1", string_2_63, VT_ERR_FORMAT, "needs 9223372036854775807 bytes"},
    {"array of 2^31", array_2_31, VT_ERR_FORMAT, "2147483648 elements of type u8"},
    {"array whose size wraps", array_2_61, VT_ERR_FORMAT, "2305843009213693952 elements of type u64"},
    {"2^32 strings", strings_2_32, VT_ERR_FORMAT, "4294967296 elements of type string"},
    {"2^31 keys", keys_2_31, VT_ERR_FORMAT, "announces 2147483648 keys"},
    {"2^63-1 keys", keys_2_63, VT_ERR_FORMAT, "announces 9223372036854775807 keys"},
    {"-1 keys", keys_negative, VT_ERR_FORMAT, "announces 18446744073709551615 keys"},
    {"2^32 tensors", tensors_2_32, VT_ERR_FORMAT, "announces 4294967296 tensors"},
    {"2^63-1 tensors", tensors_2_63, VT_ERR_FORMAT, "announces 9223372036854775807 tensors"},
    {"alignment 0", alignment_0, VT_ERR_FORMAT, "'general.alignment' is 0"},
    {"alignment 24", alignment_24, VT_ERR_FORMAT, "a power of two is needed"},
    {"alignment 2^63", alignment_2_63, VT_ERR_FORMAT, "1 to 1073741824 are allowed"},
    {"alignment a string", alignment_string, VT_ERR_FORMAT, "of type string, needed is an integer"},
    {"split file", split, VT_ERR_UNSUPPORTED, "split.count"},
    {"misaligned", misaligned, VT_ERR_FORMAT, "offset 16 is not a multiple of the alignment 32"},
    {"past the end", past_the_end, VT_ERR_FORMAT, "36 bytes at offset 32"},
    {"offset near 2^64", offset_2_64, VT_ERR_FORMAT, "offset 18446744073709551584"},
    {"dimension 0", dimension_0, VT_ERR_FORMAT, "dimension 0 is 0"},
    {"negative dimension", dimension_negative, VT_ERR_FORMAT, "dimension 1 is -1"},
    {"product of dimensions wraps", product_wraps, VT_ERR_FORMAT, "do not fit"},
    {"bytes wrap", bytes_wrap, VT_ERR_FORMAT, "do not fit"},
    {"part of a block", part_of_a_block, VT_ERR_FORMAT, "rows of 33 elements, Q4_0 needs a multiple of 32"},
    {"removed type", type_4, VT_ERR_UNSUPPORTED, "tensor 'w': type 4"},
    {"type of ours", type_of_ours, VT_ERR_UNSUPPORTED, "tensor 'w': type 256"},
    {"type 2^32-1", type_2_32, VT_ERR_UNSUPPORTED, "tensor 'w': type"},
    {"no tensor data", no_blob, VT_ERR_FORMAT, "tensor data"},
    {"0 dimensions", dims_0, VT_ERR_FORMAT, "0 dimensions"},
    {"5 dimensions", dims_5, VT_ERR_FORMAT, "5 dimensions"},
    {"same tensor twice", same_tensor, VT_ERR_FORMAT, "tensor 'w' is there twice"},
    {"overlapping tensors", overlap, VT_ERR_FORMAT, "'y' and 'z' overlap"},
};

static void damage_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        gguf_build b;
        vt__gguf *g;
        bad[i].make(&b);
        vt_status st = parse(&b, &g);
        if (st != bad[i].want || !strstr(vt__error_message(), bad[i].words) || !strstr(vt__error_message(), "test.gguf"))
            fail_msg("%s: %s, %s", bad[i].name, vt__status_name(st), vt__error_message());
    }
}

static void odd_but_valid_files_are_read(void **state) {
    gguf_build b;
    vt__gguf *g;
    (void)state;
    gguf_begin(&b, 2, 0, 0); /* nothing in it, version 2 */
    assert_int_equal(parse(&b, &g), VT_OK);
    vt__gguf_release(g);

    gguf_begin(&b, 3, 2, 1); /* other order, a gap, an alignment of its own */
    gguf_key(&b, "general.alignment", VT__GGUF_U32), gguf_u32(&b, 8);
    gguf_tensor(&b, "b", VT_DTYPE_F32, 2, 1, 24);
    gguf_tensor(&b, "a", VT_DTYPE_Q8_0, 32, 1, 32);
    gguf_blob(&b, 8, 66);
    assert_int_equal(parse(&b, &g), VT_OK);
    assert_int_equal(vt__gguf_tensor_find(g, "a")->size, 34);
    vt__gguf_release(g);

    char path[600];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(vt__gguf_open(ctx, path, &g), VT_ERR_IO); /* name too long for the system */
    assert_int_equal(vt__gguf_parse(ctx, path, "GGUF", 4, &g), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), "needs 4 bytes at byte 4, the file has 0 left"));
}

/* Touches everything that a parsed file hands out. */
static void use(const vt__gguf *g) {
    unsigned sum = 0;
    for (int64_t i = 0; i < vt__gguf_key_count(g); i++) {
        vt_buffer *text;
        assert_int_equal(vt__gguf_value_text(g, i, &text), VT_OK);
        vt__buffer_release(text);
    }
    for (int64_t i = 0; i < vt__gguf_tensor_count(g); i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        const unsigned char *p = t->data;
        sum += p[0] + p[t->size - 1];
        assert_ptr_equal(vt__gguf_tensor_find(g, t->name), t);
    }
    assert_true(sum < UINT32_MAX);
}

static void *load(const char *name, size_t *size) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", getenv("VT_GOLDEN") ? getenv("VT_GOLDEN") : "tests/golden", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    unsigned char *data = malloc(1 << 20);
    assert_non_null(data);
    *size = fread(data, 1, 1 << 20, f);
    (void)fclose(f);
    return data;
}

static void every_truncation_is_an_error(void **state) {
    static const struct { const char *name; size_t header; } files[] = {{"tiny_llama.gguf", 2200}, {"tok_bpe_gpt2.gguf", 4000}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        unsigned char *data = load(files[i].name, &size);
        for (size_t n = 0; n < size; n += n < files[i].header ? 1 : 97) {
            vt__gguf *g;
            unsigned char *part = malloc(n ? n : 1); /* its own block: a read past the end is seen */
            memcpy(part, data, n);
            vt_status st = vt__gguf_parse(ctx, files[i].name, part, n, &g);
            if (st != VT_ERR_FORMAT || g) fail_msg("%s cut at %zu: %s", files[i].name, n, vt__status_name(st));
            assert_non_null(strstr(vt__error_message(), files[i].name));
            free(part);
        }
        free(data);
    }
}

static void flipped_bits_never_crash(void **state) {
    static const struct { const char *name; size_t header; int bits; } files[] = {{"tiny_llama.gguf", 2200, 8}, {"tok_bpe_gpt2.gguf", 23200, 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        unsigned char *data = load(files[i].name, &size);
        for (size_t n = 0; n < files[i].header; n++) {
            for (int bit = 0; bit < files[i].bits; bit++) {
                unsigned char flip = (unsigned char)(files[i].bits == 1 ? 0x80 : 1 << bit);
                vt__gguf *g;
                data[n] ^= flip;
                vt_status st = vt__gguf_parse(ctx, files[i].name, data, size, &g);
                if (st == VT_OK) use(g);
                else if (st != VT_ERR_FORMAT && st != VT_ERR_UNSUPPORTED) fail_msg("byte %zu: %s", n, vt__status_name(st));
                vt__gguf_release(g);
                data[n] ^= flip;
            }
        }
        free(data);
    }
}

static vt_status open_and_use(torture *t) {
    vt_context *c;
    vt__gguf *g = NULL;
    vt_buffer *text = NULL;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tiny_llama.gguf", getenv("VT_GOLDEN") ? getenv("VT_GOLDEN") : "tests/golden");
    vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = t}, &c);
    if (st != VT_OK) return st;
    st = vt__gguf_open(c, path, &g);
    if (st == VT_OK) st = vt__gguf_value_text(g, 0, &text);
    vt__gguf *again = vt__gguf_retain(g);
    vt__gguf_release(g);
    vt__buffer_release(text);
    vt__gguf_release(again);
    vt__context_release(c);
    return st;
}

static void survives_every_failing_allocation(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++) {
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = open_and_use(&t);
            assert_int_equal(t.live, 0);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
            assert_int_equal(st, VT_ERR_NOMEM);
        }
    }
}

static void every_failing_file_operation_is_reported(void **state) {
    char path[1024];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/tiny_llama.gguf", getenv("VT_GOLDEN") ? getenv("VT_GOLDEN") : "tests/golden");
    for (long k = 1;; k++) {
        vt_context *c;
        vt__gguf *g;
        failing_io io;
        failing_io_init(&io);
        io.fail_at = k;
        assert_int_equal(vt__context_create(&(vt__context_params){0}, &c), VT_OK);
        vt__context_set_io(c, &io.table);
        vt_status st = vt__gguf_open(c, path, &g);
        vt__gguf_release(g);
        assert_int_equal(io.open_files, 0);
        assert_int_equal(io.live_maps, 0);
        vt__context_release(c);
        if (io.calls < k) {
            assert_int_equal(st, VT_OK);
            break;
        }
        int harmless = !strcmp(io.failed, "close") || !strcmp(io.failed, "unmap"); /* nothing was written */
        if (st != (harmless ? VT_OK : VT_ERR_IO)) fail_msg("%s: %s", io.failed, vt__status_name(st));
    }
}

static void missing_and_odd_files_are_told_apart(void **state) {
    vt__gguf *g;
    (void)state;
    assert_int_equal(vt__gguf_open(ctx, "no/such/file.gguf", &g), VT_ERR_NOT_FOUND);
    assert_null(g);
    assert_int_equal(vt__gguf_open(ctx, "/", &g), VT_ERR_IO);
    assert_int_equal(vt__gguf_parse(ctx, "empty", NULL, 0, &g), VT_ERR_FORMAT);
    vt__gguf_release(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_keys_of_every_kind),     cmocka_unit_test(finds_tensors_by_name),
        cmocka_unit_test(damage_is_named),              cmocka_unit_test(odd_but_valid_files_are_read),
        cmocka_unit_test(every_truncation_is_an_error), cmocka_unit_test(flipped_bits_never_crash),
        cmocka_unit_test(survives_every_failing_allocation), cmocka_unit_test(every_failing_file_operation_is_reported),
        cmocka_unit_test(missing_and_odd_files_are_told_apart),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
