/* Profiles: what is counted while they run and what is not, spans that do not fit, several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/pool.h"
#include "core/profile.h"
#include "torture_each.h"
/* after it: its own context has the same name */
#include "one_context.h"
#include "venturi.h"

static vt_profile_stage stage_of(int32_t i) {
    vt_profile_stage s = VT_STRUCT_INIT(vt_profile_stage);
    assert_int_equal(vt_profile_get_stage(ctx, i, &s), VT_OK);
    return s;
}

static void work(int32_t stage, int64_t n_tokens) { vt__profile_end(ctx, stage, vt__profile_begin(ctx), n_tokens); }

static void start(int64_t max_spans) {
    vt_profile_options o = VT_STRUCT_INIT(vt_profile_options);
    o.max_spans = max_spans;
    assert_int_equal(vt_profile_start(ctx, &o), VT_OK);
}

static void counts_from_start_to_stop_only(void **state) {
    (void)state;
    work(VT_STAGE_DECODE, 1);
    start(0);
    assert_int_equal(stage_of(VT_STAGE_DECODE).count, 0);
    work(VT_STAGE_DECODE, 1);
    work(VT_STAGE_DECODE, 2);
    work(VT_STAGE_PREFILL, 7);
    vt_profile_stop(ctx);
    work(VT_STAGE_DECODE, 5);
    vt_profile_stage decode = stage_of(VT_STAGE_DECODE), prefill = stage_of(VT_STAGE_PREFILL);
    assert_string_equal(decode.name, "decode");
    assert_int_equal(decode.count, 2);
    assert_int_equal(decode.n_tokens, 3);
    assert_true(decode.duration_ns >= 0);
    assert_int_equal(prefill.n_tokens, 7);
    assert_int_equal(vt_profile_span_count(ctx), 0);
    assert_int_equal(vt_profile_span_lost(ctx), 0);
    start(0);
    assert_int_equal(stage_of(VT_STAGE_DECODE).count, 0);
    vt_profile_stop(ctx);
}

static void spans_that_do_not_fit_are_counted(void **state) {
    (void)state;
    int64_t last = 0;
    start(3);
    for (int i = 0; i < 5; i++) work(VT_STAGE_SAMPLE, i);
    vt_profile_stop(ctx);
    assert_int_equal(vt_profile_span_count(ctx), 3);
    assert_int_equal(vt_profile_span_lost(ctx), 2);
    for (int i = 0; i < 3; i++) {
        vt_profile_span s = VT_STRUCT_INIT(vt_profile_span);
        assert_int_equal(vt_profile_get_span(ctx, i, &s), VT_OK);
        assert_int_equal(s.stage, VT_STAGE_SAMPLE);
        assert_int_equal(s.n_tokens, i);
        assert_true(s.begin_ns >= last);
        last = s.begin_ns + s.duration_ns;
    }
}

static void one_chunk(void *user, int64_t chunk) {
    (void)user;
    (void)chunk;
    work(VT_STAGE_TOKENIZE, 2);
}

static void threads_lose_nothing(void **state) {
    (void)state;
    start(1000);
    vt__parallel(ctx, 500, one_chunk, NULL);
    vt_profile_stop(ctx);
    assert_int_equal(stage_of(VT_STAGE_TOKENIZE).count, 500);
    assert_int_equal(stage_of(VT_STAGE_TOKENIZE).n_tokens, 1000);
    assert_int_equal(vt_profile_span_count(ctx), 500);
}

/* Every tenth chunk starts the profile anew beside the others, and reads what is there. */
static void work_or_start(void *user, int64_t chunk) {
    (void)user;
    vt_profile_span s = VT_STRUCT_INIT(vt_profile_span);
    work(VT_STAGE_DECODE, 3);
    if (chunk % 10 == 0) start(1 + chunk % 40);
    if (chunk % 3 == 0 && vt_profile_get_span(ctx, 0, &s) == VT_OK) assert_int_equal(s.n_tokens, 3);
    if (chunk % 7 == 0) vt_profile_stop(ctx);
}

static void a_start_beside_running_calls_is_safe(void **state) {
    (void)state;
    start(5);
    vt__parallel(ctx, 1000, work_or_start, NULL);
    vt_profile_stage decode = stage_of(VT_STAGE_DECODE);
    assert_int_equal(decode.n_tokens, 3 * decode.count);
    start(5);
    assert_int_equal(stage_of(VT_STAGE_DECODE).count, 0);
    vt_profile_stop(ctx);
}

static void a_stage_that_began_before_the_start_is_left_out(void **state) {
    (void)state;
    start(5);
    int64_t begin = vt__profile_begin(ctx);
    start(5);
    vt__profile_end(ctx, VT_STAGE_DECODE, begin, 1);
    assert_int_equal(stage_of(VT_STAGE_DECODE).count, 0);
    assert_int_equal(vt_profile_span_count(ctx), 0);
    begin = vt__profile_begin(ctx);
    vt_profile_stop(ctx);
    vt__profile_end(ctx, VT_STAGE_DECODE, begin, 1); /* ran when the clocks stopped */
    assert_int_equal(stage_of(VT_STAGE_DECODE).count, 1);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    vt_profile_options o = VT_STRUCT_INIT(vt_profile_options);
    vt_profile_stage s = VT_STRUCT_INIT(vt_profile_stage);
    vt_profile_span span = VT_STRUCT_INIT(vt_profile_span);
    o.max_spans = -1;
    assert_int_equal(vt_profile_start(ctx, &o), VT_ERR_INVALID);
    o.max_spans = INT64_MAX;
    assert_int_equal(vt_profile_start(ctx, &o), VT_ERR_NOMEM);
    o = (vt_profile_options)VT_STRUCT_INIT(vt_profile_options);
    o.flags = 1;
    assert_int_equal(vt_profile_start(ctx, &o), VT_ERR_INVALID);
    assert_int_equal(vt_profile_start(NULL, NULL), VT_ERR_INVALID);
    start(0);
    vt_profile_stop(NULL);
    assert_int_equal(vt_profile_get_stage(ctx, VT_STAGE_COUNT, &s), VT_ERR_INVALID);
    assert_int_equal(vt_profile_get_stage(ctx, -1, &s), VT_ERR_INVALID);
    assert_int_equal(vt_profile_get_span(ctx, 0, &span), VT_ERR_INVALID);
    s.struct_size = 8;
    assert_int_equal(vt_profile_get_stage(ctx, 0, &s), VT_ERR_INVALID);
}

static vt_status profile_all(vt_context *own) {
    vt_profile_options o = VT_STRUCT_INIT(vt_profile_options);
    o.max_spans = 8;
    vt_status st = vt_profile_start(own, &o);
    o.max_spans = 80;
    return st == VT_OK ? vt_profile_start(own, &o) : st;
}

static void every_failing_allocation_is_survived(void **state) {
    (void)state;
    torture_each(profile_all);
}

/* Spans are the context's until a start without any. */
static int give_back(void **state) {
    if (vt_profile_start(ctx, NULL) != VT_OK) return 1;
    return drop_context(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_from_start_to_stop_only), cmocka_unit_test(spans_that_do_not_fit_are_counted),
        cmocka_unit_test(threads_lose_nothing),           cmocka_unit_test(a_start_beside_running_calls_is_safe),
        cmocka_unit_test(a_stage_that_began_before_the_start_is_left_out),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, make_context, give_back);
}
