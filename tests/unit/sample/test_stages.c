/* The stages beyond top-k and its kin, what a chain remembers, log-probabilities, and that no chain is ever left without a token. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "torture_each.h"

#include "one_context.h"

enum { N = 8 };
static const float row[N] = {3, 2, 1, 0, -1, -2, -3, -INFINITY};

typedef struct pair {
    int32_t id;
    float logit;
} pair;

static vt_sampler *chain(void) {
    vt_sampler *s;
    assert_int_equal(vt_sampler_create(ctx, NULL, &s), VT_OK);
    return s;
}

static int64_t filter(vt_sampler *s, const float *x, int64_t n, pair *out) {
    vt_buffer *b;
    if (vt_sampler_filter(s, x, n, &b) != VT_OK) fail_msg("%s", vt_error_message());
    size_t size = vt_buffer_size(b);
    if (out) memcpy(out, vt_buffer_data(b), size);
    vt_buffer_release(b);
    return (int64_t)(size / sizeof *out);
}

static float logit_of(vt_sampler *s, int32_t id) {
    pair p[N];
    int64_t n = filter(s, row, N, p);
    for (int64_t i = 0; i < n; i++)
        if (p[i].id == id) return p[i].logit;
    return NAN;
}

static void accept(vt_sampler *s, const char *ids) {
    for (; *ids; ids++) assert_int_equal(vt_sampler_accept(s, *ids - '0'), VT_OK);
}

static void penalties_look_at_the_last_accepted_tokens(void **state) {
    vt_sampler *s = chain(), *copy;
    (void)state;
    assert_int_equal(vt_sampler_add_penalties(s, 3, 2, 0.25, 0.5), VT_OK);
    assert_int_equal(vt_sampler_add_temperature(s, 1), VT_OK);
    assert_true(logit_of(s, 0) == 3.0f);
    accept(s, "0");
    assert_true(logit_of(s, 0) == 3.0f / 2 - 0.75f);
    accept(s, "44");
    assert_true(logit_of(s, 4) == -2.0f - 1.0f);
    assert_int_equal(vt_sampler_clone(s, &copy), VT_OK);
    accept(s, "1");
    assert_true(logit_of(s, 0) == 3.0f); /* out of the window */
    assert_true(logit_of(copy, 0) == 3.0f / 2 - 0.75f);
    assert_int_equal(vt_sampler_accept(s, 700), VT_OK); /* an id that the row lacks */
    assert_int_equal(filter(s, row, N, NULL), 7);
    vt_sampler_reset(s);
    assert_true(logit_of(s, 1) == 2.0f);
    assert_int_equal(vt_sampler_observe(s, (const int32_t[]){5, 5, 2}, 3), VT_OK);
    assert_true(logit_of(s, 2) == 0.5f - 0.75f);
    assert_int_equal(vt_sampler_accept(s, -1), VT_ERR_INVALID);
    vt_sampler_release(copy);
    vt_sampler_release(s);
}

static void a_window_behind_a_narrowing_stage_is_the_same(void **state) {
    vt_sampler *s = chain(), *t = chain();
    pair a[N], b[N];
    (void)state;
    assert_int_equal(vt_sampler_add_penalties(s, 8, 1.5, 0.1, 0.2), VT_OK);
    assert_int_equal(vt_sampler_add_temperature(s, 1), VT_OK);
    assert_int_equal(vt_sampler_add_min_p(t, 1e-9), VT_OK); /* narrows nothing, but makes a set of the row */
    assert_int_equal(vt_sampler_add_penalties(t, 8, 1.5, 0.1, 0.2), VT_OK);
    accept(s, "01165");
    accept(t, "01165");
    assert_int_equal(filter(s, row, N, a), 7);
    assert_int_equal(filter(t, row, N, b), 7);
    assert_memory_equal(a, b, 7 * sizeof *a);
    vt_sampler_release(s);
    vt_sampler_release(t);
}

static void dry_punishes_what_would_go_on_repeating(void **state) {
    vt_sampler *s = chain();
    vt_dry_options o = VT_STRUCT_INIT(vt_dry_options);
    const int32_t breaker = 6;
    (void)state;
    o.multiplier = 1;
    o.base = 2;
    o.breakers = &breaker;
    o.n_breakers = 1;
    assert_int_equal(vt_sampler_add_dry(s, &o), VT_OK);
    assert_int_equal(vt_sampler_add_temperature(s, 1), VT_OK);
    accept(s, "01230"); /* 0 came before: one token is no repetition yet */
    assert_true(logit_of(s, 1) == 2.0f);
    accept(s, "1");
    assert_true(logit_of(s, 2) == 1.0f - 1); /* 0 1, then 2: length 2 */
    accept(s, "2");
    assert_true(logit_of(s, 3) == 0.0f - 2); /* length 3: base^(3 - 2) */
    assert_true(logit_of(s, 0) == 3.0f);
    accept(s, "6"); /* nothing reaches beyond it */
    assert_true(logit_of(s, 0) == 3.0f && logit_of(s, 3) == 0.0f);
    vt_sampler_release(s);
}

static void xtc_drops_the_likely_but_for_the_last(void **state) {
    vt_sampler *s = chain();
    pair p[N];
    (void)state;
    assert_int_equal(vt_sampler_add_xtc(s, 1, 0.05), VT_OK); /* shares: .64 .23 .09 .03 ... */
    assert_int_equal(vt_sampler_add_temperature(s, 1), VT_OK);
    assert_int_equal(filter(s, row, N, p), 5);
    assert_int_equal(p[0].id, 2);
    vt_sampler_release(s);
    s = chain();
    assert_int_equal(vt_sampler_add_xtc(s, 0, 0.05), VT_OK); /* never */
    assert_int_equal(vt_sampler_add_temperature(s, 1), VT_OK);
    assert_int_equal(filter(s, row, N, NULL), 7);
    vt_sampler_release(s);
}

static void mirostat_follows_the_surprise_of_accepted_draws(void **state) {
    vt_sampler *s = chain();
    int32_t id;
    (void)state;
    assert_int_equal(vt_sampler_add_mirostat(s, 1, 0.5), VT_OK);
    assert_int_equal(vt_sampler_add_top_k(s, 3), VT_ERR_STATE);
    assert_int_equal(filter(s, row, N, NULL), 1); /* at most 2 bits: .64 does, .23 has 2.1 */
    assert_int_equal(vt_sampler_sample(s, row, N, &id), VT_OK);
    assert_int_equal(id, 0);
    assert_int_equal(filter(s, row, N, NULL), 1);
    assert_int_equal(vt_sampler_accept(s, id), VT_OK); /* a certain token surprises nobody: mu rises by a half */
    assert_int_equal(filter(s, row, N, NULL), 2);
    assert_int_equal(vt_sampler_accept(s, 5), VT_OK); /* not drawn: says nothing */
    assert_int_equal(filter(s, row, N, NULL), 2);
    vt_sampler_reset(s);
    assert_int_equal(filter(s, row, N, NULL), 1);
    vt_sampler_release(s);
}

static void biases_add_bar_and_are_checked(void **state) {
    vt_sampler *s = chain();
    const int32_t ids[] = {0, 3, 999}, negative[] = {-1};
    const float biases[] = {-INFINITY, 4, 1}, wrong[] = {NAN}, infinite[] = {INFINITY};
    int32_t id;
    (void)state;
    assert_int_equal(vt_sampler_add_logit_bias(s, ids, biases, 3), VT_OK);
    assert_int_equal(vt_sampler_add_logit_bias(s, negative, biases + 1, 1), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_logit_bias(s, ids, wrong, 1), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_logit_bias(s, ids, infinite, 1), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_temperature(s, 0), VT_OK);
    assert_int_equal(vt_sampler_sample(s, row, N, &id), VT_OK);
    assert_int_equal(id, 3);
    assert_int_equal(vt_sampler_sample(s, row, 1, &id), VT_ERR_NUMERIC); /* only token 0, which is barred */
    assert_non_null(strstr(vt_error_message(), "logit bias"));
    assert_int_equal(vt_sampler_sample(s, row, N, &id), VT_OK);
    vt_sampler_release(s);
}

static void min_keep_holds_for_stages_that_come_after_it(void **state) {
    vt_sampler *s = chain();
    (void)state;
    assert_int_equal(vt_sampler_set_min_keep(s, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_set_min_keep(s, 4), VT_OK);
    assert_int_equal(vt_sampler_add_top_n_sigma(s, 0.01), VT_OK);
    assert_int_equal(vt_sampler_add_typical(s, 0.01), VT_OK);
    assert_int_equal(vt_sampler_add_top_p(s, 0.01), VT_OK);
    assert_int_equal(vt_sampler_add_min_p(s, 1), VT_OK);
    assert_int_equal(filter(s, row, N, NULL), 4);
    vt_sampler_release(s);
}

static void log_probabilities_are_of_the_row_or_of_the_chain(void **state) {
    double sum = 0, sum2 = 0;
    (void)state;
    for (int i = 0; i < 7; i++) sum += exp((double)row[i]);
    for (int i = 0; i < 2; i++) sum2 += exp((double)row[i] / 2);
    for (int32_t of = VT_LOGPROB_ROW; of <= VT_LOGPROB_CHAIN; of++) {
        vt_sampler *s = chain();
        int32_t id, ids[4];
        float values[4];
        int64_t n;
        assert_int_equal(vt_sampler_log_probabilities(s, ids, values, 4, &n), VT_ERR_STATE);
        assert_int_equal(vt_sampler_keep_log_probabilities(s, of, 3), VT_OK);
        assert_int_equal(vt_sampler_log_probabilities(s, ids, values, 4, &n), VT_ERR_STATE);
        assert_int_equal(vt_sampler_add_top_k(s, 2), VT_OK);
        assert_int_equal(vt_sampler_add_temperature(s, 2), VT_OK);
        for (int draw = 0; draw < 20; draw++) {
            assert_int_equal(vt_sampler_sample(s, row, N, &id), VT_OK);
            assert_int_equal(vt_sampler_log_probabilities(s, ids, values, 4, &n), VT_OK);
            assert_int_equal(n, of == VT_LOGPROB_ROW ? 4 : 3);
            assert_int_equal(ids[0], id);
            for (int64_t i = 0; i < n; i++) {
                double want = of == VT_LOGPROB_ROW ? (double)row[ids[i]] - log(sum) : (double)row[ids[i]] / 2 - log(sum2);
                assert_true(fabs((double)values[i] - want) < 1e-5);
                if (i > 0) assert_int_equal(ids[i], i - 1);
            }
        }
        assert_int_equal(vt_sampler_log_probabilities(s, ids, values, 1, &n), VT_OK);
        assert_int_equal(n, 1);
        vt_sampler_release(s);
    }
}

/* ---- any chain, any row ---- */

static uint32_t seed;
static uint32_t dice(uint32_t n) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}
static double share(void) { return (double)(dice(1000) + 1) / 1001.0; }

static vt_status add_random(vt_sampler *s) {
    const int32_t ids[] = {(int32_t)dice(300), (int32_t)dice(300)};
    const float biases[] = {(float)(share() * 8 - 4), FLT_MAX};
    vt_dry_options dry = VT_STRUCT_INIT(vt_dry_options);
    switch (dice(14)) {
    case 0: return vt_sampler_add_temperature(s, dice(3) ? share() * 3 : dice(2) ? 0 : 1e-30);
    case 1: return vt_sampler_add_top_k(s, 1 + dice(400));
    case 2: return vt_sampler_add_top_p(s, share());
    case 3: return vt_sampler_add_min_p(s, share());
    case 4: return vt_sampler_add_typical(s, share());
    case 5: return vt_sampler_add_top_n_sigma(s, share() * 3);
    case 6: return vt_sampler_add_xtc(s, share(), share() / 4);
    case 7: return vt_sampler_add_dynamic_temperature(s, share(), share(), share() * 2);
    case 8: return vt_sampler_add_penalties(s, 1 + dice(50), dice(2) ? 1e30 : 0.5 + share(), share(), dice(2) ? 1e300 : share());
    case 9: return vt_sampler_add_dry(s, &dry);
    case 10: return vt_sampler_add_logit_bias(s, ids, biases, 2);
    case 11: return vt_sampler_set_min_keep(s, 1 + dice(5));
    case 12: return vt_sampler_keep_log_probabilities(s, (int32_t)dice(3), dice(6));
    default: return dice(8) ? VT_OK : vt_sampler_add_mirostat(s, share() * 6, share());
    }
}

static void no_chain_is_left_without_a_token(void **state) {
    static float x[300];
    static pair p[300];
    (void)state;
    for (uint32_t trial = 0; trial < 600; trial++) {
        seed = trial + 1;
        vt_sampler *s = chain(), *t;
        int n = 1 + (int)dice(300), scale = (int)dice(4);
        for (int i = 0; i < 1 + (int)dice(6); i++) {
            vt_status st = add_random(s);
            assert_true(st == VT_OK || st == VT_ERR_STATE); /* behind mirostat */
        }
        for (int i = 0; i < n; i++) x[i] = dice(5) == 0 && i > 0 ? -INFINITY : (float)(share() - 0.5) * (scale == 0 ? 1.0f : scale == 1 ? 20.0f : scale == 2 ? 1e30f : 3.4e38f);
        assert_int_equal(vt_sampler_clone(s, &t), VT_OK);
        for (int step = 0; step < 6; step++) {
            int32_t a = -1, b = -2;
            int64_t left = filter(s, x, n, p);
            assert_true(left >= 1);
            if (vt_sampler_sample(s, x, n, &a) != VT_OK || vt_sampler_sample(t, x, n, &b) != VT_OK) fail_msg("trial %u: %s", trial, vt_error_message());
            assert_int_equal(a, b);
            assert_true(x[a] >= -FLT_MAX);
            int found = 0;
            for (int64_t i = 0; i < left; i++) found |= p[i].id == a;
            assert_true(found);
            assert_int_equal(vt_sampler_accept(s, a), VT_OK);
            assert_int_equal(vt_sampler_accept(t, b), VT_OK);
        }
        vt_sampler_release(t);
        vt_sampler_release(s);
    }
}

static vt_status whole_chain(vt_context *c, vt_sampler **out) {
    vt_dry_options dry = VT_STRUCT_INIT(vt_dry_options);
    const int32_t id = 3;
    const float bias = -1;
    vt_sampler *s;
    vt_status st = vt_sampler_create(c, NULL, &s);
    *out = s;
    if (st == VT_OK) st = vt_sampler_add_logit_bias(s, &id, &bias, 1);
    if (st == VT_OK) st = vt_sampler_add_penalties(s, 5, 1.1, 0, 0);
    if (st == VT_OK) st = vt_sampler_add_dry(s, &dry);
    if (st == VT_OK) st = vt_sampler_add_typical(s, 0.9);
    if (st == VT_OK) st = vt_sampler_add_xtc(s, 0.5, 0.1);
    if (st == VT_OK) st = vt_sampler_add_dynamic_temperature(s, 1, 0.5, 1);
    if (st == VT_OK) st = vt_sampler_add_mirostat(s, 4, 0.1);
    if (st == VT_OK) st = vt_sampler_keep_log_probabilities(s, VT_LOGPROB_CHAIN, 3);
    return st;
}

static void nothing_is_allocated_after_the_first_token(void **state) {
    torture t = {0};
    vt_context *c;
    vt_sampler *s;
    int32_t id;
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    (void)state;
    o.alloc = torture_alloc;
    o.alloc_user = &t;
    assert_int_equal(vt_context_create(&o, &c), VT_OK);
    assert_int_equal(whole_chain(c, &s), VT_OK);
    assert_int_equal(vt_sampler_sample(s, row, N, &id), VT_OK);
    assert_int_equal(vt_sampler_accept(s, id), VT_OK);
    assert_int_equal(vt_sampler_sample(s, row, N, &id), VT_OK); /* the first with a window */
    long calls = t.calls;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(vt_sampler_accept(s, id), VT_OK);
        assert_int_equal(vt_sampler_sample(s, row, N, &id), VT_OK);
    }
    assert_int_equal(t.calls, calls);
    vt_sampler_release(s);
    vt_context_release(c);
    assert_int_equal(t.live, 0);
}

static vt_status work(vt_context *c) {
    vt_sampler *s, *copy = NULL;
    int32_t id;
    vt_status st = whole_chain(c, &s);
    for (int i = 0; i < 3 && st == VT_OK; i++) {
        st = vt_sampler_sample(s, row, N, &id);
        if (st == VT_OK) st = vt_sampler_accept(s, id);
    }
    if (st == VT_OK) st = vt_sampler_clone(s, &copy);
    vt_sampler_release(copy);
    vt_sampler_release(s);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(work);
}

static void wrong_values_are_refused(void **state) {
    vt_sampler *s = chain();
    vt_dry_options dry = VT_STRUCT_INIT(vt_dry_options);
    (void)state;
    assert_int_equal(vt_sampler_add_typical(s, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_typical(s, (double)NAN), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_top_n_sigma(s, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_xtc(s, 1.1, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_xtc(s, 1, -0.1), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_dynamic_temperature(s, 1, -1, 1), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_dynamic_temperature(s, 1, 1, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_mirostat(s, 0, 0.1), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_penalties(s, 0, 1, 0, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_penalties(s, 5, 0, 0, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_penalties(s, 5, 1, (double)INFINITY, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_keep_log_probabilities(s, 3, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_grammar(s, NULL, NULL), VT_ERR_INVALID);
    dry.base = 0.5;
    assert_int_equal(vt_sampler_add_dry(s, &dry), VT_ERR_INVALID);
    dry.flags = 1;
    assert_int_equal(vt_sampler_add_dry(s, &dry), VT_ERR_INVALID);
    vt_sampler_release(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(penalties_look_at_the_last_accepted_tokens), cmocka_unit_test(a_window_behind_a_narrowing_stage_is_the_same),
        cmocka_unit_test(dry_punishes_what_would_go_on_repeating), cmocka_unit_test(xtc_drops_the_likely_but_for_the_last),
        cmocka_unit_test(mirostat_follows_the_surprise_of_accepted_draws), cmocka_unit_test(biases_add_bar_and_are_checked),
        cmocka_unit_test(min_keep_holds_for_stages_that_come_after_it), cmocka_unit_test(log_probabilities_are_of_the_row_or_of_the_chain),
        cmocka_unit_test(no_chain_is_left_without_a_token), cmocka_unit_test(nothing_is_allocated_after_the_first_token),
        cmocka_unit_test(every_allocation_may_fail), cmocka_unit_test(wrong_values_are_refused),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
