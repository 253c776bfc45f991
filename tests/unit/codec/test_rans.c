/* The rANS coder: round trips on every instruction set, sizes near the entropy, damage, tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/rans.h"
#include "codec/table.h"
#include "one_context.h"
#include "vtk.h"

enum { ROWS = 40, MOST = 200, LINES = 8 };
static const char *const isas[] = {"ref", "avx2", "avx512"};
static uint32_t seed = 1;
static uint32_t next_random(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }

/* Tables of n columns and symbols of them, and the bits that these should take. */
static double make(uint16_t *tables, uint8_t *symbols, int64_t lines, int64_t n_symbols, int64_t n) {
    double bits = 0;
    for (int64_t c = 0; c < n; c++) {
        uint64_t counts[256];
        uint32_t cum[257];
        uint16_t *t = tables + c * lines * 32;
        for (int64_t i = 0; i < n_symbols; i++) counts[i] = 1 + (next_random() % 50 == 0 ? 1000 : next_random() % 30);
        vt__cum_from_counts(cum, counts, n_symbols);
        vt__rans_table(t, lines, cum, n_symbols);
        assert_true(vt__rans_check(t, n_symbols));
        for (int64_t r = 0; r < ROWS; r++) {
            uint32_t at = next_random() & 0xffff;
            uint8_t s = 0;
            while (cum[s + 1] <= at) s++;
            symbols[r * n + c] = s;
            bits -= log2((double)(cum[s + 1] - cum[s]) / 65536);
        }
    }
    tables[n * lines * 32] = 4096;
    return bits;
}

static void encode(vt__bytes *out, const uint8_t *symbols, const uint16_t *tables, int64_t lines, int64_t n) {
    uint16_t *room = test_malloc((size_t)(ROWS * n + 1) * sizeof *room);
    vt__rans_encoder e;
    vt__rans_begin(&e, room, ROWS * n);
    for (int64_t r = ROWS; r-- > 0;) vt__rans_put(&e, symbols + r * n, tables, lines, n);
    vt__bytes_init(out, ctx);
    vt__rans_end(&e, out);
    assert_false(out->failed);
    test_free(room);
}

static int decode(const struct vtk_entropy *k, uint8_t *out, const void *data, size_t size, const uint16_t *tables, int64_t lines, int64_t n) {
    vtk_rans r;
    if (!vt__rans_open(&r, data, size)) return 0;
    for (int64_t row = 0; row < ROWS; row++)
        if (!k->rans_decode(out + row * n, &r, tables, lines, n)) return 0;
    return vt__rans_is_done(&r);
}

static uint16_t tables[MOST * LINES * 32 + 1];
static uint8_t symbols[ROWS * MOST], got[ROWS * MOST];

static void symbols_come_back_and_take_their_entropy(void **state) {
    (void)state;
    static const struct {
        int64_t n_symbols, n;
    } cases[] = {{2, 1}, {2, 7}, {31, 8}, {32, 9}, {32, 192}, {33, 17}, {63, 64}, {255, 30}, {256, 16}, {15, 200}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t n = cases[c].n, lines = vt__rans_lines(cases[c].n_symbols);
        double bits = make(tables, symbols, lines, cases[c].n_symbols, n);
        vt__bytes out;
        encode(&out, symbols, tables, lines, n);
        assert_true((double)out.len * 8 <= bits * 1.02 + 8 * 34);
        for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
            vtk_table t;
            if (!vtk_fill_isa(&t, isas[i])) continue;
            memset(got, 0xee, sizeof got);
            assert_true(decode(t.entropy, got, out.data, (size_t)out.len, tables, lines, n));
            assert_memory_equal(got, symbols, (size_t)(ROWS * n));
        }
        vt__bytes_free(&out);
    }
}

/* Nothing behind the stream is read: the copy ends where it does, for the sanitizer to see; symbols stay in range, whatever the bytes. */
static void damaged_streams_end_or_give_symbols(void **state) {
    (void)state;
    enum { N = 24 };
    vt__bytes out;
    (void)make(tables, symbols, 1, 32, N);
    encode(&out, symbols, tables, 1, N);
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        vtk_table t;
        if (!vtk_fill_isa(&t, isas[i])) continue;
        for (size_t size = 0; size <= (size_t)out.len; size = size < 64 || size + 31 >= (size_t)out.len ? size + 1 : size + 23) {
            unsigned char *copy = malloc(size + !size);
            memcpy(copy, out.data, size);
            assert_int_equal(decode(t.entropy, got, copy, size, tables, 1, N), size == (size_t)out.len);
            for (size_t j = 0; j < size; j += 1 + size / 12) {
                copy[j] ^= (unsigned char)(1 + next_random() % 255);
                (void)decode(t.entropy, got, copy, size, tables, 1, N);
                for (size_t s = 0; s < sizeof got; s++) assert_true(got[s] < 32 || got[s] == 0xee || N * ROWS <= s);
            }
            free(copy);
        }
    }
    vt__bytes_free(&out);
}

static void instruction_sets_dequantise_alike(void **state) {
    (void)state;
    float base[67], step[67], want[67], y[67];
    uint8_t q[67];
    for (int i = 0; i < 67; i++) {
        q[i] = (uint8_t)next_random();
        base[i] = (float)(int32_t)next_random() * 0x1p-20f;
        step[i] = (float)next_random() * 0x1p-22f;
    }
    for (int64_t n = 0; n <= 67; n++)
        for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
            vtk_table t;
            if (!vtk_fill_isa(&t, isas[i])) continue;
            t.entropy->dequantise(i ? y : want, q, base, step, 15, 0.37f, n);
            if (i) assert_memory_equal(y, want, (size_t)n * sizeof *y);
        }
}

static void tables_that_are_none_are_refused(void **state) {
    (void)state;
    static const uint16_t good[] = {0, 1, 4095}, first[] = {1, 2, 3}, equal[] = {0, 2, 2}, last[] = {0, 5, 4096};
    assert_true(vt__rans_check(good, 3));
    assert_false(vt__rans_check(good, 1));
    assert_false(vt__rans_check(first, 3));
    assert_false(vt__rans_check(equal, 3));
    assert_false(vt__rans_check(last, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols_come_back_and_take_their_entropy),
        cmocka_unit_test(damaged_streams_end_or_give_symbols),
        cmocka_unit_test(instruction_sets_dequantise_alike),
        cmocka_unit_test(tables_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
