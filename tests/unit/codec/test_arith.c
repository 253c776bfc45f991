/* The arithmetic coder: the reference's bytes, round trips, tables that are none, streams of any bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/arith.h"
#include "codec/table.h"
#include "one_context.h"

enum { MOST = 4096 };
static uint32_t seed = 1;
static uint32_t next_random(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }

static void encode(vt__bytes *out, const uint32_t *cum, const uint8_t *symbols, int64_t n) {
    vt__arith_encoder e;
    vt__bytes_init(out, ctx);
    vt__arith_begin(&e, out);
    for (int64_t i = 0; i < n; i++) vt__arith_put(&e, cum[symbols[i]], cum[symbols[i] + 1]);
    vt__arith_end(&e);
    assert_false(out->failed);
}

static int64_t integers(const json_t *list, uint32_t *out) {
    int64_t n = (int64_t)json_array_size(list);
    for (int64_t i = 0; i < n; i++) out[i] = (uint32_t)json_integer_value(json_array_get(list, (size_t)i));
    return n;
}

static void streams_are_the_references_to_the_byte(void **state) {
    (void)state;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/arith_coder.json", getenv("VT_GOLDEN"));
    json_t *doc = json_load_file(path, 0, NULL), *cases = json_object_get(doc, "cases");
    assert_true(json_array_size(cases) > 0);
    for (size_t c = 0; c < json_array_size(cases); c++) {
        const json_t *one = json_array_get(cases, c);
        uint32_t numbers[300], cum[300], mine[300];
        uint64_t counts[300];
        uint8_t symbols[300];
        int64_t n_symbols = integers(json_object_get(one, "counts"), numbers);
        for (int64_t i = 0; i < n_symbols; i++) counts[i] = numbers[i];
        (void)integers(json_object_get(one, "cum"), cum);
        vt__cum_from_counts(mine, counts, n_symbols);
        assert_memory_equal(mine, cum, (size_t)(n_symbols + 1) * sizeof *cum);
        int64_t n = integers(json_object_get(one, "symbols"), numbers);
        for (int64_t i = 0; i < n; i++) symbols[i] = (uint8_t)numbers[i];
        vt__bytes out;
        encode(&out, cum, symbols, n);
        const char *want = json_string_value(json_object_get(one, "stream"));
        assert_int_equal(strlen(want), 2 * out.len);
        for (int64_t i = 0; i < out.len; i++) {
            char hex[3];
            (void)snprintf(hex, sizeof hex, "%02x", (unsigned char)out.data[i]);
            assert_memory_equal(hex, want + 2 * i, 2);
        }
        vt__bytes_free(&out);
    }
    json_decref(doc);
}

/* Symbols of a skewed distribution; tables from their counts plus one. */
static int64_t draw(uint8_t *symbols, uint32_t *cum, int64_t n_symbols, int64_t n) {
    uint64_t counts[256];
    for (int64_t i = 0; i < n_symbols; i++) counts[i] = 1;
    for (int64_t i = 0; i < n; i++) {
        uint32_t a = next_random() % (uint32_t)n_symbols, b = next_random() % (uint32_t)n_symbols;
        symbols[i] = (uint8_t)(a * b / (uint32_t)n_symbols);
        counts[symbols[i]]++;
    }
    vt__cum_from_counts(cum, counts, n_symbols);
    assert_true(vt__cum_check(cum, n_symbols));
    return n;
}

static void symbols_come_back(void **state) {
    (void)state;
    static const int64_t sizes[] = {2, 3, 31, 32, 255, 256};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int64_t n = 0; n < MOST; n = n * 3 + 1) {
            static uint8_t symbols[MOST];
            uint32_t cum[257];
            vt__bytes out;
            (void)draw(symbols, cum, sizes[s], n);
            encode(&out, cum, symbols, n);
            vt__arith_decoder d;
            vt__arith_open(&d, out.data, (size_t)out.len);
            for (int64_t i = 0; i < n; i++) assert_int_equal(vt__arith_get(&d, cum, sizes[s]), symbols[i]);
            vt__bytes_free(&out);
        }
}

static void any_bytes_decode_to_symbols_of_the_table(void **state) {
    (void)state;
    uint32_t cum[33];
    uint8_t symbols[300], bytes[64];
    (void)draw(symbols, cum, 32, 300);
    for (int round = 0; round < 200; round++) {
        size_t size = next_random() % sizeof bytes;
        for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)next_random();
        vt__arith_decoder d;
        vt__arith_open(&d, bytes, size);
        for (int i = 0; i < 400; i++) {
            int32_t k = vt__arith_get(&d, cum, 32);
            assert_true(k >= 0 && k < 32);
            assert_true(d.low <= d.value && d.value <= d.high);
        }
    }
}

static void tables_that_are_none_are_refused(void **state) {
    (void)state;
    static const uint32_t good[] = {0, 1, 65536}, equal[] = {0, 7, 7, 65536}, down[] = {0, 9, 8, 65536}, first[] = {1, 2, 65536}, last[] = {0, 2, 65535},
                          over[] = {0, 65536, 65536};
    assert_true(vt__cum_check(good, 2));
    assert_false(vt__cum_check(good, 1));
    assert_false(vt__cum_check(good, 0));
    assert_false(vt__cum_check(good, -1));
    assert_false(vt__cum_check(good, 257));
    assert_false(vt__cum_check(equal, 3));
    assert_false(vt__cum_check(down, 3));
    assert_false(vt__cum_check(first, 2));
    assert_false(vt__cum_check(last, 2));
    assert_false(vt__cum_check(over, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_the_references_to_the_byte),
        cmocka_unit_test(symbols_come_back),
        cmocka_unit_test(any_bytes_decode_to_symbols_of_the_table),
        cmocka_unit_test(tables_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
