/* Philox4x32-10 against published answers (Random123's known-answer file; the last two and the streams from an independent program). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "venturi/context.h"

static void blocks_are_the_published_ones(void **state) {
    (void)state;
    static const struct {
        uint32_t ctr[4], key[2], out[4];
    } kat[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}, {UINT32_MAX, UINT32_MAX}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
        {{1, 0, 0, 0}, {7, 0}, {0x682e8e9b, 0xcb97bc13, 0x2bfaff6b, 0xf535eea6}},
        {{5, 1, 9, 0}, {0x2a, 1}, {0x0cccf69a, 0x776d61c9, 0xf7d5470d, 0x72abe8df}},
    };
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        uint32_t out[4];
        vt__philox_block(kat[i].ctr, kat[i].key, out);
        assert_memory_equal(out, kat[i].out, sizeof out);
    }
}

static void streams_are_the_reference_ones(void **state) {
    (void)state;
    static const uint32_t words[2][12] = {
        {4099963437, 3221879260, 490388034, 367897730, 1747881627, 3415718931, 737869675, 4113952422, 26092480, 36305844, 3468852330, 3645055143},
        {2545112793, 531643458, 698849000, 2576041488, 2522840782, 1975137240, 306199026, 2242816996, 1601570834, 3942584944, 1292637174, 1476451061},
    };
    static const double normal[12] = {0.0002914691439933774, -0.3048468178125379, 1.7887573939297365, 1.0678720349383737,
                                      0.3764034628878401,    -1.2870116890827978, 1.8115036761286811, -0.4912413191948157,
                                      3.1903499838550062,    0.16960605645543758, 0.37980038946261385, -0.5319697946197318};
    uint32_t w[12];
    double u[12], z[12];
    vt__random_words(7, 0, 0, w, 12);
    assert_memory_equal(w, words[0], sizeof w);
    vt__random_words(7, 3, 0, w, 12);
    assert_memory_equal(w, words[1], sizeof w);
    vt__random_uniform(7, 0, 0, u, 12);
    vt__random_normal(7, 0, 0, z, 12);
    for (int i = 0; i < 12; i++) {
        assert_true(u[i] == (double)(words[0][i] >> 8) / 16777216.0);
        assert_true(fabs(z[i] - normal[i]) <= 1e-12);
    }
}

/* Position is all that counts: any cut of a stream gives the same numbers. */
static void a_stream_can_be_entered_anywhere(void **state) {
    (void)state;
    enum { N = 67 };
    static const uint64_t starts[] = {0, 1, 2, 3, 4, 1000003, ((uint64_t)1 << 34) - 5, UINT64_MAX - N};
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        uint32_t words[N], w;
        double u[N], z[N], x;
        vt__random_words(99, 5, starts[s], words, N);
        vt__random_uniform(99, 5, starts[s], u, N);
        vt__random_normal(99, 5, starts[s], z, N);
        for (uint64_t i = 0; i < N; i++) {
            vt__random_words(99, 5, starts[s] + i, &w, 1);
            assert_int_equal(w, words[i]);
            vt__random_uniform(99, 5, starts[s] + i, &x, 1);
            assert_true(x == u[i] && x >= 0 && x < 1);
            vt__random_normal(99, 5, starts[s] + i, &x, 1);
            assert_true(x == z[i] && isfinite(x));
        }
    }
}

static void normal_numbers_have_mean_0_and_variance_1(void **state) {
    (void)state;
    enum { N = 100000 };
    static double z[N];
    double sum = 0, squares = 0;
    vt__random_normal(11, 0, 0, z, N);
    for (int i = 0; i < N; i++) sum += z[i], squares += z[i] * z[i];
    double mean = sum / N;
    assert_true(fabs(mean - -0.0006588314387313528) < 1e-9);
    assert_true(fabs(squares / N - mean * mean - 1.0031604825207363) < 1e-4); /* n or n - 1: below the tolerance */
}

static void public_calls_check_their_arguments(void **state) {
    (void)state;
    uint32_t w = 0;
    double x = 0;
    assert_int_equal(vt_random_words(1, 0, 0, NULL, 1), VT_ERR_INVALID);
    assert_int_equal(vt_random_words(1, 0, 0, &w, -1), VT_ERR_INVALID);
    assert_int_equal(vt_random_uniform(1, 0, 0, NULL, 1), VT_ERR_INVALID);
    assert_int_equal(vt_random_normal(1, 0, 0, &x, -1), VT_ERR_INVALID);
    assert_int_equal(vt_random_words(1, 0, 0, NULL, 0), VT_OK);
    assert_int_equal(vt_random_words(7, 0, 0, &w, 1), VT_OK);
    assert_int_equal(w, 4099963437u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_the_published_ones),
        cmocka_unit_test(streams_are_the_reference_ones),
        cmocka_unit_test(a_stream_can_be_entered_anywhere),
        cmocka_unit_test(normal_numbers_have_mean_0_and_variance_1),
        cmocka_unit_test(public_calls_check_their_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
