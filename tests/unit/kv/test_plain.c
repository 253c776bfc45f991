#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VT_EXPERIMENTAL
#include "torture.h"
#include "venturi/context.h"
#include "venturi_experimental.h"

enum { B = 2, H = 4, KV = 2, M = 150, N = 200, D = 8 };
static float q[B * H * M * D], k[B * KV * N * D], v[B * KV * N * D], out[B * H * M * D], lse[B * H * M];

static void fill(float *x, int n, uint32_t seed) {
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-23f - 1.0f;
    }
}

static vt_attention_options options(void) {
    vt_attention_options o = VT_STRUCT_INIT(vt_attention_options);
    o.n_batch = B, o.n_heads = H, o.n_kv_heads = KV, o.n_queries = M, o.n_keys = N, o.head_dim = D;
    o.left = -1;
    o.scale = 0.4;
    return o;
}

static vt_context *new_context(torture *t, int32_t n_threads) {
    vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx;
    opt.n_threads = n_threads;
    if (t) opt.alloc = torture_alloc, opt.alloc_user = t;
    assert_int_equal(vt_context_create(&opt, &ctx), VT_OK);
    return ctx;
}

static int setup(void **state) {
    (void)state;
    fill(q, B * H * M * D, 1);
    fill(k, B * KV * N * D, 2);
    fill(v, B * KV * N * D, 3);
    return 0;
}

/* The softmax written out, for one row. */
static void check_row(int64_t b, int64_t h, int64_t i) {
    const float *query = q + ((b * H + h) * M + i) * D, *key = k + (b * KV + h / (H / KV)) * N * D, *value = v + (b * KV + h / (H / KV)) * N * D;
    double w[N], sum = 0;
    for (int64_t t = 0; t <= i + N - M; t++) {
        double s = 0;
        for (int64_t d = 0; d < D; d++) s += (double)query[d] * (double)key[t * D + d];
        sum += w[t] = exp(0.4 * s);
    }
    assert_true(fabs(log(sum) - (double)lse[(b * H + h) * M + i]) < 2e-6);
    for (int64_t d = 0; d < D; d++) {
        double x = 0;
        for (int64_t t = 0; t <= i + N - M; t++) x += w[t] * (double)value[t * D + d];
        assert_true(fabs(x / sum - (double)out[((b * H + h) * M + i) * D + d]) < 1e-6);
    }
}

static void rows_are_softmax_averages(void **state) {
    vt_context *ctx = new_context(NULL, 1);
    vt_attention_options o = options();
    (void)state;
    assert_int_equal(vt_attention_run(ctx, &o, q, k, v, out, lse), VT_OK);
    for (int64_t b = 0; b < B; b++) {
        for (int64_t h = 0; h < H; h++) {
            for (int64_t i = 0; i < M; i += 7) check_row(b, h, i);
        }
    }
    vt_context_release(ctx);
}

static void threads_and_lse_change_no_bit(void **state) {
    static float other[B * H * M * D];
    vt_attention_options o = options();
    (void)state;
    for (int32_t n_threads = 1; n_threads <= 4; n_threads += 3) {
        vt_context *ctx = new_context(NULL, n_threads);
        assert_int_equal(vt_attention_run(ctx, &o, q, k, v, n_threads == 1 ? out : other, n_threads == 1 ? lse : NULL), VT_OK);
        vt_context_release(ctx);
    }
    assert_memory_equal(out, other, sizeof out);
}

static void wrong_options_are_refused(void **state) {
    vt_context *ctx = new_context(NULL, 1);
    struct {
        vt_attention_options o;
        vt_status want;
    } cases[] = {{options(), VT_ERR_SHAPE},   {options(), VT_ERR_SHAPE},   {options(), VT_ERR_SHAPE},       {options(), VT_ERR_INVALID},
                 {options(), VT_ERR_INVALID}, {options(), VT_ERR_INVALID}, {options(), VT_ERR_UNSUPPORTED}, {options(), VT_ERR_DTYPE}, {options(), VT_ERR_SHAPE}};
    (void)state;
    cases[0].o.n_heads = 0;
    cases[1].o.n_kv_heads = 3;
    cases[2].o.n_keys = INT64_MAX / 2;
    cases[3].o.left = -2;
    cases[4].o.scale = (double)NAN;
    cases[5].o.flags = 1;
    cases[6].o.dtype = VT_DTYPE_Q8_0; /* heads of 8 */
    cases[7].o.dtype = VT_DTYPE_I8;
    cases[8].o.head_dim = INT64_MAX;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_int_equal(vt_attention_run(ctx, &cases[i].o, q, k, v, out, lse), cases[i].want);
    assert_int_equal(vt_attention_run(ctx, NULL, q, k, v, out, lse), VT_ERR_INVALID);
    vt_context_release(ctx);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++) {
        for (long at = 1;; at++) {
            torture t = {0};
            vt_context *ctx = new_context(&t, 1);
            vt_attention_options o = options();
            t.sticky = sticky;
            t.fail_at = t.calls + at;
            vt_status st = vt_attention_run(ctx, &o, q, k, v, out, lse);
            int reached = t.calls >= t.fail_at;
            assert_int_equal(st, reached ? VT_ERR_NOMEM : VT_OK);
            vt_context_release(ctx);
            assert_int_equal(t.live, 0);
            if (!reached) break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_softmax_averages),
        cmocka_unit_test(threads_and_lse_change_no_bit),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
