/* Token samplers: the definitions, the chain, the draw. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/rng.h"
#include "sample/token.h"
#include "torture.h"
#include "venturi/sample.h"

enum { N = 2000 };

static vt_context *new_context(void) {
    vt_context *ctx;
    assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = 1}, &ctx), VT_OK);
    return ctx;
}

static vt_sampler *new_sampler(vt_context *ctx, uint64_t seed) {
    vt_sampler *s;
    assert_int_equal(vt__sampler_create(ctx, seed, 7, &s), VT_OK);
    return s;
}

static void add(vt_sampler *s, int32_t kind, double value, int64_t k, int64_t min_keep) {
    assert_int_equal(vt__sampler_add(s, &(vt__sampler_stage){.kind = kind, .value = value, .k = k, .min_keep = min_keep}), VT_OK);
}

/* A row like a model's: normal, with many equal values. */
static void fill(float *logits, int n, uint32_t stream) {
    static double x[N];
    vt__random_normal(11, stream, 0, x, n);
    for (int i = 0; i < n; i++) logits[i] = (float)(floor(x[i] * 40) / 10);
}

typedef struct pair {
    int32_t id;
    float logit;
} pair;

static int64_t filter(vt_sampler *s, const float *logits, int64_t n, pair *out) {
    vt_buffer *b;
    assert_int_equal(vt__sampler_filter(s, logits, n, &b), VT_OK);
    size_t size = vt__buffer_size(b);
    memcpy(out, vt__buffer_data(b), size);
    vt__buffer_release(b);
    return (int64_t)(size / sizeof *out);
}

/* ---- golden ---- */

static int add_op(vt_sampler *s, const char *op, double a, double b, double c) {
    int64_t min_keep = (int64_t)b;
    if (strcmp(op, "top_k") == 0) add(s, VT__SAMPLER_TOP_K, 0, (int64_t)a, 1);
    else if (strcmp(op, "top_p") == 0) add(s, VT__SAMPLER_TOP_P, a, 0, min_keep);
    else if (strcmp(op, "min_p") == 0) add(s, VT__SAMPLER_MIN_P, a, 0, min_keep);
    else if (strcmp(op, "temp") == 0) add(s, VT__SAMPLER_TEMPERATURE, a, 0, 1);
    else if (strcmp(op, "typical") == 0) add(s, VT__SAMPLER_TYPICAL, a, 0, min_keep);
    else if (strcmp(op, "top_n_sigma") == 0) add(s, VT__SAMPLER_TOP_N_SIGMA, a, 0, 1);
    else if (strcmp(op, "temp_ext") == 0) assert_int_equal(vt_sampler_add_dynamic_temperature(s, a, b, c), VT_OK);
    else if (strcmp(op, "penalties") == 0) assert_int_equal(vt_sampler_add_penalties(s, 8, a, b, c), VT_OK);
    else return 0;
    if (strcmp(op, "penalties") == 0) add(s, VT__SAMPLER_TEMPERATURE, 1, 0, 1);
    return 1;
}

static void check_case(vt_context *ctx, const json_t *c, int *n_checked) {
    const json_t *params = json_object_get(c, "params"), *row = json_object_get(c, "logits"), *want = json_object_get(c, "result");
    float logits[64];
    pair got[64];
    size_t n = json_array_size(row);
    vt_sampler *s = new_sampler(ctx, 0);
    if (add_op(s, json_string_value(json_object_get(c, "op")), json_number_value(json_array_get(params, 0)),
               json_number_value(json_array_get(params, 1)), json_number_value(json_array_get(params, 2)))) {
        const json_t *prev = json_object_get(c, "prev");
        for (size_t i = 0; i < json_array_size(prev); i++)
            assert_int_equal(vt_sampler_accept(s, (int32_t)json_integer_value(json_array_get(prev, i))), VT_OK);
        for (size_t i = 0; i < n; i++) logits[i] = (float)json_number_value(json_array_get(row, i));
        int64_t m = filter(s, logits, (int64_t)n, got);
        assert_int_equal(m, json_object_size(want));
        for (int64_t i = 0; i < m; i++) {
            char key[16];
            snprintf(key, sizeof key, "%d", got[i].id);
            const json_t *value = json_object_get(want, key);
            assert_non_null(value);
            assert_true(fabs(json_number_value(value) - (double)got[i].logit) <= 1e-5);
        }
        ++*n_checked;
    }
    vt__sampler_release(s);
}

static void agrees_with_the_reference_sets(void **state) {
    char path[4096];
    json_error_t err;
    int n_checked = 0;
    vt_context *ctx = new_context();
    (void)state;
    snprintf(path, sizeof path, "%s/samplers.json", getenv("VT_GOLDEN"));
    json_t *doc = json_load_file(path, 0, &err);
    assert_non_null(doc);
    const json_t *cases = json_object_get(doc, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) check_case(ctx, json_array_get(cases, i), &n_checked);
    assert_int_equal(n_checked, json_array_size(cases));
    json_decref(doc);
    vt__context_release(ctx);
}

/* ---- definitions, slowly ---- */

static int by_rank(const void *a, const void *b) {
    const pair *x = a, *y = b;
    if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

static int64_t slow_stage(const vt__sampler_stage *st, pair *set, int64_t n) {
    double sum = 0, mass = 0;
    int64_t kept = 0;
    qsort(set, (size_t)n, sizeof *set, by_rank);
    for (int64_t i = 0; i < n; i++) sum += (double)expf(set[i].logit - set[0].logit);
    switch (st->kind) {
    case VT__SAMPLER_TEMPERATURE:
        for (int64_t i = 0; i < n; i++) set[i].logit /= (float)st->value;
        return n;
    case VT__SAMPLER_TOP_K: return st->k < n ? st->k : n;
    case VT__SAMPLER_TOP_P:
        while (kept < n && mass < st->value * sum) mass += (double)expf(set[kept++].logit - set[0].logit);
        return kept;
    default:
        while (kept < n && set[kept].logit >= set[0].logit + (float)log(st->value)) kept++;
        return kept;
    }
}

static void chains_in_any_order_equal_sorting_everything(void **state) {
    static float logits[N];
    static pair got[N], want[N];
    vt_context *ctx = new_context();
    (void)state;
    for (uint32_t trial = 0; trial < 200; trial++) {
        uint32_t w[9];
        vt__random_words(5, trial, 0, w, 9);
        int n = 1 + (int)(w[0] % N), n_stages = 1 + (int)(w[1] % 3);
        vt_sampler *s = new_sampler(ctx, trial);
        fill(logits, n, trial);
        for (int i = 0; i < n; i++) want[i] = (pair){i, logits[i]};
        int64_t m = n;
        for (int i = 0; i < n_stages; i++) {
            double u = (w[3 + i] % 1000 + 1) / 1001.0;
            vt__sampler_stage st = {.kind = (int32_t)((w[2] >> (4 * i)) % 4), .value = u, .k = 1 + (int64_t)(w[6 + i] % 300), .min_keep = 1};
            assert_int_equal(vt__sampler_add(s, &st), VT_OK);
            m = slow_stage(&st, want, m);
        }
        qsort(want, (size_t)m, sizeof *want, by_rank);
        assert_int_equal(filter(s, logits, n, got), m);
        assert_memory_equal(got, want, (size_t)m * sizeof *got);
        vt__sampler_release(s);
    }
    vt__context_release(ctx);
}

static void ties_go_to_the_lower_id(void **state) {
    static const float flat[6] = {1, 2, 2, 2, 2, 1};
    pair got[6];
    int32_t id;
    vt_context *ctx = new_context();
    vt_sampler *s = new_sampler(ctx, 0);
    (void)state;
    assert_int_equal(vt__sampler_sample(s, flat, 6, &id), VT_OK);
    assert_int_equal(id, 1);
    add(s, VT__SAMPLER_TOP_K, 0, 2, 1);
    assert_int_equal(filter(s, flat, 6, got), 2);
    assert_int_equal(got[0].id, 1);
    assert_int_equal(got[1].id, 2);
    vt__sampler_release(s);
    vt__context_release(ctx);
}

/* ---- the draw ---- */

static void draws_follow_the_distribution(void **state) {
    static const float logits[4] = {0, 1, 2, -INFINITY};
    int count[4] = {0};
    vt_context *ctx = new_context();
    vt_sampler *s = new_sampler(ctx, 3);
    double z = exp(0) + exp(1) + exp(2);
    (void)state;
    add(s, VT__SAMPLER_TEMPERATURE, 1, 0, 1);
    for (int i = 0; i < 20000; i++) {
        int32_t id;
        assert_int_equal(vt__sampler_sample(s, logits, 4, &id), VT_OK);
        count[id]++;
    }
    for (int i = 0; i < 3; i++) {
        double p = exp((double)logits[i]) / z, sd = sqrt(p * (1 - p) * 20000);
        assert_true(fabs(count[i] - p * 20000) < 4 * sd);
    }
    assert_int_equal(count[3], 0);
    vt__sampler_release(s);
    vt__context_release(ctx);
}

static void seed_sequence_and_count_decide_every_draw(void **state) {
    static float logits[N];
    int32_t a[50], b[50];
    vt_context *ctx = new_context();
    (void)state;
    fill(logits, N, 1);
    vt_sampler *s = new_sampler(ctx, 42), *t = new_sampler(ctx, 42);
    /* The order of temperature and top-k changes nothing here, so the same tokens come. */
    add(s, VT__SAMPLER_TEMPERATURE, 2, 0, 1);
    add(s, VT__SAMPLER_TOP_K, 0, 500, 1);
    add(t, VT__SAMPLER_TOP_K, 0, 500, 1);
    add(t, VT__SAMPLER_TEMPERATURE, 2, 0, 1);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(vt__sampler_sample(s, logits, N, &a[i]), VT_OK);
        assert_int_equal(vt__sampler_sample(t, logits, N, &b[i]), VT_OK);
    }
    assert_memory_equal(a, b, sizeof a);
    vt__sampler_reset(s);
    for (int i = 0; i < 50; i++) assert_int_equal(vt__sampler_sample(s, logits, N, &b[i]), VT_OK);
    assert_memory_equal(a, b, sizeof a);
    vt__sampler_release(t);
    t = new_sampler(ctx, 43);
    add(t, VT__SAMPLER_TEMPERATURE, 2, 0, 1);
    for (int i = 0; i < 50; i++) assert_int_equal(vt__sampler_sample(t, logits, N, &b[i]), VT_OK);
    assert_memory_not_equal(a, b, sizeof a);
    vt__sampler_release(s);
    vt__sampler_release(t);
    vt__context_release(ctx);
}

static void extreme_temperatures_stay_finite(void **state) {
    static const double temperatures[] = {0, 5e-324, 1e-45, 1e-30, 1e30, 1e300};
    static const float logits[3] = {-3e38f, -1e38f, -2e38f}, small[3] = {1, 3, 2};
    vt_context *ctx = new_context();
    (void)state;
    for (size_t i = 0; i < sizeof temperatures / sizeof *temperatures; i++) {
        static const float barred[3] = {-INFINITY, 3, 2};
        vt_sampler *s = new_sampler(ctx, 1);
        int32_t id, seen = 0;
        add(s, VT__SAMPLER_TEMPERATURE, temperatures[i], 0, 1);
        for (int draw = 0; draw < 32; draw++) {
            assert_int_equal(vt__sampler_sample(s, barred, 3, &id), VT_OK);
            seen |= 1 << id;
        }
        assert_int_equal(seen, temperatures[i] < 1 ? 2 : 6); /* a barred one never; the others alike when it is hot */
        assert_int_equal(vt__sampler_sample(s, logits, 3, &id), VT_OK);
        if (temperatures[i] < 1) assert_int_equal(id, 1);
        assert_int_equal(vt__sampler_sample(s, small, 3, &id), VT_OK);
        if (temperatures[i] < 1) assert_int_equal(id, 1);
        vt__sampler_release(s);
    }
    vt__context_release(ctx);
}

/* ---- refusals ---- */

static void bad_rows_are_numeric_errors(void **state) {
    static const float rows[][3] = {{NAN, 1, 2}, {1, 2, NAN}, {1, INFINITY, 2}, {-INFINITY, -INFINITY, -INFINITY}};
    vt_context *ctx = new_context();
    (void)state;
    for (int with = -1; with < 4; with++) {
        vt_sampler *s = new_sampler(ctx, 1);
        if (with >= 0) add(s, with, 0.5, 2, 1);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            int32_t id = -5;
            vt_buffer *b;
            assert_int_equal(vt_sampler_sample(s, rows[i], 3, &id), VT_ERR_NUMERIC);
            assert_int_equal(id, -5);
            assert_int_equal(vt_sampler_filter(s, rows[i], 3, &b), VT_ERR_NUMERIC);
            assert_null(b);
        }
        vt__sampler_release(s);
    }
    vt__context_release(ctx);
}

static void wrong_arguments_are_refused(void **state) {
    vt_context *ctx = new_context();
    vt_sampler *s = NULL;
    vt_buffer *b;
    int32_t id;
    float x = 1;
    (void)state;
    vt_sampler_options opt = VT_STRUCT_INIT(vt_sampler_options);
    opt.flags = 1;
    assert_int_equal(vt_sampler_create(ctx, &opt, &s), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_create(NULL, NULL, &s), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_create(ctx, NULL, &s), VT_OK);
    assert_int_equal(vt_sampler_add_temperature(s, -0.1), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_temperature(s, (double)NAN), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_temperature(s, (double)INFINITY), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_top_k(s, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_top_p(s, 0), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_top_p(s, 1.01), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_top_p(s, (double)NAN), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_min_p(s, -0.01), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_add_min_p(NULL, 0.1), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_sample(s, &x, 0, &id), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_sample(s, NULL, 1, &id), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_sample(s, &x, 1, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_filter(NULL, &x, 1, &b), VT_ERR_INVALID);
    assert_int_equal(vt_sampler_sample(s, &x, 1, &id), VT_OK);
    vt_sampler_release(s);
    vt_sampler_release(NULL);
    vt__context_release(ctx);
}

static vt_status scenario(torture *t) {
    static float logits[N];
    vt_context *ctx;
    vt_sampler *s = NULL;
    vt_buffer *b = NULL;
    int32_t id;
    vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = t, .n_threads = 1}, &ctx);
    if (st != VT_OK) return st;
    fill(logits, N, 2);
    st = vt__sampler_create(ctx, 1, 0, &s);
    if (st == VT_OK) st = vt__sampler_add(s, &(vt__sampler_stage){.kind = VT__SAMPLER_TOP_K, .k = 40});
    for (int i = 0; i < 9 && st == VT_OK; i++) st = vt__sampler_add(s, &(vt__sampler_stage){.kind = VT__SAMPLER_TOP_P, .value = 0.99});
    if (st == VT_OK) st = vt__sampler_sample(s, logits, N, &id);
    if (st == VT_OK) st = vt__sampler_filter(s, logits, N, &b);
    vt__buffer_release(b);
    vt__sampler_release(s);
    vt__context_release(ctx);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = scenario(&t);
            assert_int_equal(t.live, 0);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
            assert_int_equal(st, VT_ERR_NOMEM);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_reference_sets), cmocka_unit_test(chains_in_any_order_equal_sorting_everything),
        cmocka_unit_test(ties_go_to_the_lower_id), cmocka_unit_test(draws_follow_the_distribution),
        cmocka_unit_test(seed_sequence_and_count_decide_every_draw), cmocka_unit_test(extreme_temperatures_stay_finite),
        cmocka_unit_test(bad_rows_are_numeric_errors), cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
