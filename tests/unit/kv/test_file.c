/* Coded caches as files: rows come back as the encoder saw them, every flipped byte is found, forged files are refused or give numbers, faults of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "torture_each.h"

#include "kv_cases.h"
#include "one_context.h"

enum { N = KV_PLANES * KV_TOKENS * KV_CHANNELS };
static float x[N], y[N];

static const struct {
    int32_t mode, n_kept, coder, level;
    double most; /* root mean square error */
} cases[] = {
    {VT__KV_AUTO, 1, VT__KV_RANS, 1, 0.1}, {VT__KV_AUTO, 1, VT__KV_RANS, 2, 0.35}, {VT__KV_AUTO, 2, VT__KV_ARITH, 1, 0.1}, {VT__KV_TOKEN, 0, VT__KV_RANS, 1, 0.1},
    {VT__KV_TOKEN, 0, VT__KV_ARITH, 2, 0.35}, {VT__KV_DIRECT, 1, VT__KV_RANS, 1, 0.1}, {VT__KV_DIRECT, 0, VT__KV_ARITH, 2, 1}, {VT__KV_DELTA, 0, VT__KV_RANS, 1, 1},
    {VT__KV_DELTA, 0, VT__KV_ARITH, 1, 1}, {VT__KV_DELTA, 3, VT__KV_RANS, 2, 1}, {VT__KV_AUTO, 0, VT__KV_INT8, 0, 0.05}, {VT__KV_AUTO, 0, VT__KV_INT4, 0, 0.6},
    {VT__KV_AUTO, 0, VT__KV_F32, 0, 0}, {VT__KV_AUTO, 0, VT__KV_F16, 0, 0.002},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static vt_buffer *make(vt_kv_profile *p, int i, vt__kv_count *count) {
    vt_buffer *bytes = NULL;
    *count = (vt__kv_count){0};
    assert_int_equal(kv_file(ctx, p, cases[i].coder, cases[i].level, x, count, &bytes), VT_OK);
    return bytes;
}

static void rows_come_back_as_the_encoder_saw_them(void **state) {
    (void)state;
    kv_rows(x, 77);
    for (int i = 0; i < N_CASES; i++) {
        vt__kv_count count;
        vt__kv_file f;
        double error = 0, kept = 0;
        vt_kv_profile *p = kv_profile(ctx, cases[i].mode, cases[i].n_kept);
        assert_non_null(p);
        vt_buffer *bytes = make(p, i, &count);
        assert_int_equal(vt__kv_file_parse(vt__buffer_data(bytes), vt__buffer_size(bytes), &f), VT_OK);
        assert_int_equal(f.n_tokens, KV_TOKENS);
        assert_int_equal(vt__kv_file_id(&f, 9), 81);
        assert_int_equal(kv_read(ctx, p, &f, y), VT_OK);
        for (int j = 0; j < N; j++) {
            double d = (double)x[j] - (double)y[j];
            int is_kept = vt__kv_is_lossy(cases[i].coder) && j / KV_CHANNELS % KV_TOKENS < cases[i].n_kept;
            if (is_kept) assert_true(fabs(d) <= 0x1p-11 * fabs((double)x[j]) + 0x1p-25);
            *(is_kept ? &kept : &error) += d * d;
        }
        if (sqrt(error / N) > cases[i].most) fail_msg("case %d: error %g", i, sqrt(error / N));
        if (cases[i].coder != VT__KV_F16) assert_true(fabs(error - count.error) <= 1e-5 * error);
        assert_int_equal(count.values, N);
        vt__buffer_release(bytes);
        vt__kv_profile_release(p);
    }
}

static void what_symbols_cannot_say_stands_beside(void **state) {
    (void)state;
    vt__kv_count count;
    vt__kv_file f;
    kv_rows(x, 5);
    x[3 * KV_CHANNELS + 2] = 3e30f;
    x[(KV_TOKENS + 60) * KV_CHANNELS + 15] = -1e6f;
    vt_kv_profile *p = kv_profile(ctx, VT__KV_DIRECT, 0);
    for (int i = 5; i <= 6; i++) {
        vt_buffer *bytes = make(p, i, &count);
        assert_true(count.beside >= 2);
        assert_int_equal(vt__kv_file_parse(vt__buffer_data(bytes), vt__buffer_size(bytes), &f), VT_OK);
        assert_int_equal(kv_read(ctx, p, &f, y), VT_OK);
        assert_true(y[3 * KV_CHANNELS + 2] == 3e30f && y[(KV_TOKENS + 60) * KV_CHANNELS + 15] == -1e6f);
        vt__buffer_release(bytes);
    }
    vt__kv_profile_release(p);
}

static void every_flipped_byte_is_found(void **state) {
    (void)state;
    vt__kv_count count;
    vt__kv_file f;
    kv_rows(x, 9);
    vt_kv_profile *p = kv_profile(ctx, VT__KV_AUTO, 1);
    vt_buffer *bytes = make(p, 1, &count);
    size_t size = vt__buffer_size(bytes);
    unsigned char *data = test_malloc(size);
    memcpy(data, vt__buffer_data(bytes), size);
    for (size_t i = 0; i < size; i++) {
        data[i] ^= (unsigned char)(1 << i % 8);
        vt_status st = vt__kv_file_parse(data, size, &f);
        if (st == VT_OK) st = kv_read(ctx, p, &f, y);
        if (st != VT_ERR_FORMAT && st != VT_ERR_UNSUPPORTED) fail_msg("byte %zu: status %d", i, st);
        data[i] ^= (unsigned char)(1 << i % 8);
    }
    for (size_t n = 0; n < size; n++) assert_int_equal(vt__kv_file_parse(data, n, &f), VT_ERR_FORMAT);
    test_free(data);
    vt__buffer_release(bytes);
    vt__kv_profile_release(p);
}

/* A forger makes the sums right. */
static void forged_files_are_refused_or_give_numbers(void **state) {
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < N_CASES; i++) {
        vt__kv_count count;
        vt__kv_file f;
        int n_read = 0;
        vt_kv_profile *p = kv_profile(ctx, cases[i].mode, cases[i].n_kept);
        kv_rows(x, 13);
        vt_buffer *bytes = make(p, i, &count);
        size_t size = vt__buffer_size(bytes);
        unsigned char *data = malloc(size);
        memcpy(data, vt__buffer_data(bytes), size);
        for (size_t j = 4; j < size; j += j < 88 ? 1 : 1 + size / 90) {
            unsigned char was = data[j];
            seed = seed * 1664525u + 1013904223u;
            data[j] = (unsigned char)(seed >> 24);
            kv_seal(data, size);
            if (vt__kv_file_parse(data, size, &f) == VT_OK && vt__kv_identity_equal(&f.identity, &kv_identity) && f.n_tokens == KV_TOKENS &&
                f.coder == cases[i].coder && f.level == cases[i].level)
                n_read += kv_read(ctx, p, &f, y) == VT_OK;
            data[j] = was;
        }
        assert_true(n_read > 0); /* some damage only makes other numbers */
        free(data);
        vt__buffer_release(bytes);
        vt__kv_profile_release(p);
    }
}

static void profiles_come_back_and_damage_is_found(void **state) {
    (void)state;
    for (int32_t mode = VT__KV_AUTO; mode < VT__KV_N_MODES; mode++) {
        vt_kv_profile *p = kv_profile(ctx, mode, 1), *q = NULL;
        vt_buffer *bytes = NULL, *again = NULL;
        assert_int_equal(vt__kv_profile_save(p, &bytes), VT_OK);
        size_t size = vt__buffer_size(bytes);
        assert_int_equal(vt__kv_profile_load(ctx, vt__buffer_data(bytes), size, &q), VT_OK);
        assert_int_equal(p->id, q->id);
        assert_int_equal(vt__kv_profile_save(q, &again), VT_OK);
        assert_int_equal(vt__buffer_size(again), size);
        assert_memory_equal(vt__buffer_data(again), vt__buffer_data(bytes), size);
        vt__kv_profile_release(q);
        unsigned char *data = malloc(size);
        memcpy(data, vt__buffer_data(bytes), size);
        for (size_t i = 0; i < size; i += i < 300 ? 1 : 37) {
            uint64_t hash;
            data[i] ^= 0x41;
            assert_int_not_equal(vt__kv_profile_load(ctx, data, size, &q), VT_OK);
            hash = vt__hash(data, size - 8);
            memcpy(data + size - 8, &hash, 8);
            if (vt__kv_profile_load(ctx, data, size, &q) == VT_OK) vt__kv_profile_release(q); /* forged: another valid one */
            data[i] ^= 0x41;
            memcpy(data + size - 8, (const char *)vt__buffer_data(bytes) + size - 8, 8);
        }
        for (size_t n = 0; n < size; n += 1 + n / 9) assert_int_not_equal(vt__kv_profile_load(ctx, data, n, &q), VT_OK);
        free(data);
        vt__buffer_release(bytes);
        vt__buffer_release(again);
        vt__kv_profile_release(p);
    }
}

static void scales_hold_what_they_are_for(void **state) {
    (void)state;
    for (float v = 1e-9f; v < 6e4f; v *= 1.0173f) {
        int32_t code = vt__kv_scale_code(v);
        assert_true(vt__kv_scale(code) >= v);
        assert_true(code == 0 || vt__kv_scale(code - 1) < v);
    }
    assert_int_equal(vt__kv_scale_code(0), 0);
    assert_int_equal(vt__kv_scale_code(3e38f), VT__KV_SCALES - 1);
}

static vt_status work(vt_context *c) {
    static float small[N];
    vt__kv_count count = {0};
    vt_buffer *bytes = NULL, *saved = NULL;
    vt_kv_profile *again = NULL;
    kv_rows(small, 3);
    vt_kv_profile *p = kv_profile(c, VT__KV_TOKEN, 1);
    vt_status st = p ? kv_file(c, p, VT__KV_RANS, 1, small, &count, &bytes) : VT_ERR_NOMEM;
    if (st == VT_OK) st = vt__kv_profile_save(p, &saved);
    if (st == VT_OK) st = vt__kv_profile_load(c, vt__buffer_data(saved), vt__buffer_size(saved), &again);
    vt__kv_profile_release(again);
    vt__kv_profile_release(p);
    vt__buffer_release(bytes);
    vt__buffer_release(saved);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(work);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_as_the_encoder_saw_them), cmocka_unit_test(what_symbols_cannot_say_stands_beside),
        cmocka_unit_test(every_flipped_byte_is_found),            cmocka_unit_test(forged_files_are_refused_or_give_numbers),
        cmocka_unit_test(profiles_come_back_and_damage_is_found), cmocka_unit_test(scales_hold_what_they_are_for),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
