/* Frequencies of rotation: each way of stretching them, against its formula. The crafted model rotates 8 pairs with base 10000. */
#include "craft.h"
#include "llm/model_internal.h"
#include "tiny.h"

enum { N_PAIRS = 8 };

static double plain(int j) { return pow(10000, -2.0 * j / 16); }

static void check(const craft *c, const double want[N_PAIRS], double gain) {
    vt_context *ctx = tiny_context(1);
    vt_model *m;
    assert_int_equal(vt_model_open(ctx, craft_write(c), NULL, &m), VT_OK);
    assert_int_equal(m->hp.n_rot, 2 * N_PAIRS);
    assert_int_equal(m->hp.n_ropes, 1);
    assert_true(fabs((double)m->hp.rope_gain - gain) < 1e-6);
    for (int j = 0; j < N_PAIRS; j++) assert_true(fabs(m->rope_freq[j] - want[j]) <= 1e-12 * want[j]);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void linear_scaling_slows_all_pairs(void **state) {
    double want[N_PAIRS];
    (void)state;
    for (int j = 0; j < N_PAIRS; j++) want[j] = plain(j);
    check(&(craft){.no_vocab = 1}, want, 1);
    check(&(craft){.no_vocab = 1, .keys = {{"llama.rope.scaling.type", 's', 0, "none"}, {"llama.rope.scaling.factor", 'f', 4, NULL}}}, want, 1);
    for (int j = 0; j < N_PAIRS; j++) want[j] = plain(j) / 4;
    check(&(craft){.no_vocab = 1, .keys = {{"llama.rope.scaling.factor", 'f', 4, NULL}}}, want, 1);
}

/* 4096 positions, 32 turns and 1 turn: 16 ln(4096 / (2 pi 32)) / (2 ln 10000) = 2.62 and 5.63 pairs: from 2 to 6. */
static void yarn_keeps_fast_pairs_and_slows_the_slow_ones(void **state) {
    const craft c = {.no_vocab = 1,
                     .keys = {{"llama.rope.scaling.type", 's', 0, "yarn"},
                              {"llama.rope.scaling.factor", 'f', 4, NULL},
                              {"llama.rope.scaling.original_context_length", 'u', 4096, NULL}}};
    double want[N_PAIRS];
    (void)state;
    for (int j = 0; j < N_PAIRS; j++) {
        double kept = j <= 2 ? 1 : j >= 6 ? 0 : 1 - (j - 2) / 4.0;
        want[j] = plain(j) * ((1 - kept) / 4 + kept);
    }
    check(&c, want, 1 + 0.1 * log(4));
}

static void what_is_not_known_of_yarn_is_refused(void **state) {
    const craft c = {.no_vocab = 1,
                     .keys = {{"llama.rope.scaling.type", 's', 0, "yarn"}, {"llama.rope.scaling.yarn_log_multiplier", 'f', 0.5, NULL}}};
    vt_context *ctx = tiny_context(1);
    vt_model *m;
    (void)state;
    assert_int_equal(vt_model_open(ctx, craft_write(&c), NULL, &m), VT_ERR_UNSUPPORTED);
    assert_non_null(strstr(vt_error_message(), "yarn_log_multiplier"));
    vt_context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_scaling_slows_all_pairs),
        cmocka_unit_test(yarn_keeps_fast_pairs_and_slows_the_slow_ones),
        cmocka_unit_test(what_is_not_known_of_yarn_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
