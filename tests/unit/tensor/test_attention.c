/* Attention against a dense computation, and what must hold whatever the numbers are. Gradients: test_attention_grad.c. */
#include "attention_cases.h"

#include <stdio.h>

#include "venturi/context.h"

static const problem problems[] = {
    {1, 2, 2, 1, 1, 8, 8, 0, -1, -1, 0, NO_BIAS, 0, 0, 0},       {1, 2, 1, 2, 131, 40, 40, 1, -1, -1, 0, NO_BIAS, 0, 0, 0},
    {2, 2, 2, 3, 70, 72, 33, 0, -1, -1, 0, KEY_MASK, 0, 0, 0},   {1, 4, 2, 129, 257, 80, 64, 1, -1, -1, 0, NO_BIAS, 1, 0, 0},
    {1, 1, 1, 300, 140, 16, 16, 1, -1, -1, 0, NO_BIAS, 0, 0, 0}, {1, 2, 2, 200, 300, 16, 16, 0, 20, 7, 0, NO_BIAS, 0, 0, 0},
    {1, 2, 1, 150, 150, 16, 16, 1, 10, -1, 2, FULL_BIAS, 1, 0, 0}, {1, 2, 2, 170, 190, 24, 8, 0, -1, -1, 0, HEAD_BIAS, 0, 16, 0},
    {1, 2, 2, 300, 300, 8, 8, 1, -1, -1, 0, NO_BIAS, 0, 130, 0}, {1, 1, 1, 33, 65, 4, 100, 0, -1, 0, 5, NO_BIAS, 0, 7, 0},
    {1, 4, 2, 300, 330, 8, 40, 1, 100, -1, 0, NO_BIAS, 0, 64, 0}, {2, 2, 1, 200, 500, 8, 8, 0, -1, -1, 0, KEY_MASK, 0, 192, 0},
    {1, 4, 1, 1, 300, 8, 8, 0, -1, -1, 0, NO_BIAS, 1, 0, 0},      {1, 1, 1, 140, 260, 300, 260, 1, -1, -1, 0, NO_BIAS, 0, 0, 0},
    /* many short heads; blocks that lie apart */
    {9, 2, 1, 150, 170, 16, 40, 1, -1, -1, 0, NO_BIAS, 0, 0, 0}, {8, 4, 4, 16, 16, 16, 16, 0, 5, 3, 0, NO_BIAS, 0, 0, 0},
    {1, 2, 2, 200, 430, 16, 16, 0, -1, -1, 0, NO_BIAS, 0, 32, 0}, {1, 2, 1, 200, 430, 40, 33, 1, 150, -1, 0, NO_BIAS, 0, 32, 0},
};

static void check(const problem *p, int32_t dtype, double size, double tolerance, const char *what) {
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS];
    double *o = test_malloc((size_t)(p->B * p->H * p->M * p->DV) * sizeof *o), *lse = test_malloc((size_t)(p->B * p->H * p->M) * sizeof *lse);
    make_inputs(ctx, p, dtype, size, in);
    dense(p, in, o, lse);
    run_attention(ctx, p, in, out);
    expect_near(what, out[0], o, tolerance);
    expect_near(what, out[1], lse, tolerance > 1e-4 ? 1e-4 * size : tolerance);
    release_all(in, N_IN), release_all(out, 2);
    test_free(o), test_free(lse);
}

static void agrees_with_dense_attention(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        char what[32];
        snprintf(what, sizeof what, "problem %d", (int)i);
        check(&problems[i], VT_DTYPE_F64, 2, 1e-12, what);
        check(&problems[i], VT_DTYPE_F32, 2, 4e-6, what);
        check(&problems[i], VT_DTYPE_F16, 2, 2e-3, what);
        check(&problems[i], VT_DTYPE_BF16, 2, 1.6e-2, what);
    }
}

static void scores_of_ten_thousand_give_numbers(void **state) {
    (void)state;
    const problem p = {1, 1, 1, 40, 140, 16, 16, 1, -1, -1, 0, NO_BIAS, 0, 0, 0};
    check(&p, VT_DTYPE_F64, 60, 1e-8, "large scores");
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS];
    make_inputs(ctx, &p, VT_DTYPE_F32, 100, in);
    run_attention(ctx, &p, in, out);
    double *o = numbers(out[0]), *lse = numbers(out[1]);
    for (int64_t i = 0; i < 40 * 16; i++) assert_true(fabs(o[i]) <= 100);
    for (int64_t i = 0; i < 40; i++) assert_true(isfinite(lse[i]));
    test_free(o), test_free(lse);
    release_all(in, N_IN), release_all(out, 2);
}

static void a_constant_added_to_all_scores_changes_nothing(void **state) {
    (void)state;
    const problem p = {1, 2, 2, 50, 150, 16, 16, 1, -1, -1, 0, NO_BIAS, 0, 0, 0};
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS], *shifted[VT_OP_MAX_OUTPUTS];
    make_inputs(ctx, &p, VT_DTYPE_F64, 1, in);
    run_attention(ctx, &p, in, out);
    in[BIAS] = make_f64(NULL, 0, (const double[]){123});
    run_attention(ctx, &p, in, shifted);
    double *o = numbers(out[0]);
    expect_near("shifted", shifted[0], o, 1e-12);
    test_free(o);
    release_all(in, N_IN), release_all(out, 2), release_all(shifted, 2);
}

static void a_mask_of_ones_in_blocks_is_no_mask(void **state) {
    (void)state;
    problem p = {1, 2, 1, 150, 170, 16, 16, 1, -1, -1, 0, NO_BIAS, 0, 0, 0};
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS], *masked[VT_OP_MAX_OUTPUTS];
    make_inputs(ctx, &p, VT_DTYPE_F32, 2, in);
    run_attention(ctx, &p, in, out);
    p.block = 48;
    in[BLOCKS] = cast_to(make_f64(SHAPE(1, 1), (const double[]){1}), VT_DTYPE_BOOL);
    vt_tensor *small = in[BLOCKS];
    in[BLOCKS] = run_op("expand", small, NULL, &(vt_attr){.name = "shape", .list = (const int64_t[]){4, 4}, .n_list = 2}, 1);
    vt_tensor_release(small);
    run_attention(ctx, &p, in, masked);
    double *o = numbers(out[0]);
    expect_near("masked", masked[0], o, 1e-6);
    test_free(o);
    release_all(in, N_IN), release_all(out, 2), release_all(masked, 2);
}

static void strided_inputs_and_another_device_give_the_same_bits(void **state) {
    (void)state;
    const problem p = {2, 4, 2, 70, 150, 16, 16, 1, -1, -1, 0, FULL_BIAS, 1, 0, 0};
    const int64_t order[] = {0, 2, 1, 3};
    const vt_attr swap = {.name = "dims", .list = order, .n_list = 4};
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS], *other[VT_OP_MAX_OUTPUTS], *moved[N_IN] = {0}, *back;
    float a[2 * 4 * 70 * 16], b[2 * 4 * 70 * 16];
    make_inputs(ctx, &p, VT_DTYPE_F32, 1, in);
    run_attention(ctx, &p, in, out);
    assert_int_equal(vt_tensor_read(out[0], a, sizeof a), VT_OK);
    for (int i = Q; i <= V; i++) { /* [B, M, H, D] in memory */
        vt_tensor *view = run_op("permute", in[i], NULL, &swap, 1), *dense_copy = run_op("copy", view, NULL, NULL, 0);
        moved[i] = run_op("permute", dense_copy, NULL, &swap, 1);
        vt_tensor_release(view), vt_tensor_release(dense_copy);
    }
    moved[BIAS] = vt_tensor_retain(in[BIAS]), moved[SLOPES] = vt_tensor_retain(in[SLOPES]);
    run_attention(ctx, &p, moved, other);
    assert_int_equal(vt_tensor_read(other[0], b, sizeof b), VT_OK);
    assert_memory_equal(a, b, sizeof a);
    release_all(other, 2), release_all(moved, N_IN);
    for (int i = 0; i < N_IN; i++)
        if (in[i]) assert_int_equal(vt_tensor_to_device(in[i], 1, &moved[i]), VT_OK);
    run_attention(ctx, &p, moved, other);
    assert_int_equal(vt_tensor_to_device(other[0], VT_DEVICE_CPU, &back), VT_OK);
    assert_int_equal(vt_tensor_read(back, b, sizeof b), VT_OK);
    assert_memory_equal(a, b, sizeof a);
    release_all(other, 2), release_all(moved, N_IN), release_all(in, N_IN), release_all(out, 2), vt_tensor_release(back);
}

static void packed_sequences_are_as_each_alone(void **state) {
    (void)state;
    const int64_t rows[] = {5, 0, 130, 1}, n = 4, n_heads = 2, d = 16, total = 136;
    problem p = {1, n_heads, 1, total, total, d, d, 1, -1, -1, 0, NO_BIAS, 1, 0, 0};
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS];
    make_inputs(ctx, &p, VT_DTYPE_F64, 1, in);
    in[CU_Q] = cast_to(make_f64(SHAPE(n + 1), (const double[]){0, 5, 5, 135, 136}), VT_DTYPE_I64);
    in[CU_K] = cast_to(make_f64(SHAPE(n + 1), (const double[]){0, 5, 5, 135, 136}), VT_DTYPE_I32);
    run_attention(ctx, &p, in, out);
    double *all = numbers(out[0]);
    for (int64_t s = 0, at = 0; s < n; at += rows[s++]) {
        vt_tensor *part[N_IN] = {0}, *alone[VT_OP_MAX_OUTPUTS];
        const vt_attr cut[] = {{.name = "dim", .i = 2}, {.name = "start", .i = at}, {.name = "stop", .i = at + rows[s]}};
        for (int i = Q; i <= V; i++) part[i] = run_op("slice", in[i], NULL, cut, 3);
        part[SLOPES] = vt_tensor_retain(in[SLOPES]);
        run_attention(ctx, &p, part, alone);
        double *o = numbers(alone[0]);
        for (int64_t h = 0; h < n_heads; h++)
            for (int64_t i = 0; i < rows[s] * d; i++) assert_float_equal(all[(h * total + at) * d + i], o[h * rows[s] * d + i], 1e-13);
        test_free(o);
        release_all(part, N_IN), release_all(alone, 2);
    }
    test_free(all);
    release_all(in, N_IN), release_all(out, 2);
}

static void empty_extents_and_rows_without_keys_are_fine(void **state) {
    (void)state;
    static const problem empty[] = {{0, 2, 2, 3, 3, 4, 4, 0, -1, -1, 0, NO_BIAS, 0, 0, 0}, {1, 2, 2, 0, 3, 4, 4, 0, -1, -1, 0, NO_BIAS, 0, 0, 0},
                                    {1, 2, 2, 3, 0, 4, 4, 1, -1, -1, 0, FULL_BIAS, 0, 0, 0}, {1, 2, 1, 3, 5, 0, 4, 0, -1, -1, 0, NO_BIAS, 0, 0, 0},
                                    {1, 2, 1, 3, 5, 4, 0, 0, -1, -1, 0, NO_BIAS, 0, 0, 0}};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS];
        make_inputs(ctx, &empty[i], VT_DTYPE_F32, 1, in);
        run_attention(ctx, &empty[i], in, out);
        double *o = numbers(out[0]), *lse = numbers(out[1]);
        for (int64_t j = 0; empty[i].N == 0 && j < vt_tensor_count(out[0]); j++) assert_true(o[j] == 0);
        for (int64_t j = 0; j < vt_tensor_count(out[1]); j++) assert_true(empty[i].N == 0 ? isinf(lse[j]) : isfinite(lse[j]));
        test_free(o), test_free(lse);
        release_all(in, N_IN), release_all(out, 2);
    }
}

static void memory_grows_with_rows_and_not_with_their_square(void **state) {
    (void)state;
    const problem p = {1, 8, 8, 4096, 4096, 32, 32, 1, 16, -1, 0, NO_BIAS, 0, 0, 0};
    vt_context_options options = {.struct_size = sizeof options, .n_threads = 2};
    vt_context *c;
    vt_tensor *in[N_IN] = {0}, *out[VT_OP_MAX_OUTPUTS];
    uint64_t array = (uint64_t)(8 * 4096 * 32 * 4);
    assert_int_equal(vt_context_create(&options, &c), VT_OK);
    for (int i = Q; i <= V; i++) assert_int_equal(vt_tensor_create(c, VT_DTYPE_F32, SHAPE(1, 8, 4096, 32), VT_DEVICE_CPU, &in[i]), VT_OK);
    run_attention(c, &p, in, out);
    assert_true(vt_context_memory_peak(c) < 4 * array + 4 * array / 5);
    release_all(in, N_IN), release_all(out, 2);
    vt_context_release(c);
}

static void pieces_of_the_keys_merge_to_the_whole(void **state) {
    (void)state;
    const problem p = {1, 2, 2, 5, 170, 16, 16, 0, -1, -1, 0, NO_BIAS, 0, 0, 0};
    vt_tensor *in[N_IN], *whole[VT_OP_MAX_OUTPUTS], *merged[VT_OP_MAX_OUTPUTS], *piece[4];
    int32_t op;
    make_inputs(ctx, &p, VT_DTYPE_F64, 2, in);
    run_attention(ctx, &p, in, whole);
    for (int i = 0; i < 2; i++) {
        const vt_attr cut[] = {{.name = "dim", .i = 2}, {.name = "start", .i = i * 45}, {.name = "stop", .i = i ? 170 : 45}};
        vt_tensor *part[N_IN] = {in[Q], run_op("slice", in[K], NULL, cut, 3), run_op("slice", in[V], NULL, cut, 3)}, *out[VT_OP_MAX_OUTPUTS];
        run_attention(ctx, &p, part, out);
        piece[2 * i] = out[0], piece[2 * i + 1] = out[1];
        vt_tensor_release(part[K]), vt_tensor_release(part[V]);
    }
    assert_int_equal(vt_op_find("attention_merge", &op), VT_OK);
    if (vt_op_run(ctx, op, piece, 4, NULL, 0, merged) != VT_OK) fail_msg("%s", vt_error_message());
    double *o = numbers(whole[0]), *lse = numbers(whole[1]);
    expect_near("merged", merged[0], o, 1e-13);
    expect_near("merged lse", merged[1], lse, 1e-13);
    test_free(o), test_free(lse);
    release_all(in, N_IN), release_all(whole, 2), release_all(merged, 2), release_all(piece, 4);
}

/* Equal scores and values of 1: a result is the number of kept keys by what is expected. */
static void dropout_keeps_the_mean_and_follows_its_counter(void **state) {
    (void)state;
    const problem p = {1, 2, 1, 150, 400, 4, 1, 0, -1, -1, 0, NO_BIAS, 0, 0, 0.25}, shorter = {1, 2, 1, 150, 100, 4, 1, 0, -1, -1, 0, NO_BIAS, 0, 0, 0.25};
    vt_tensor *in[N_IN] = {0}, *out[VT_OP_MAX_OUTPUTS], *less[VT_OP_MAX_OUTPUTS];
    const vt_attr cut[] = {{.name = "dim", .i = 2}, {.name = "start", .i = 0}, {.name = "stop", .i = 100}};
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_F32, SHAPE(1, 2, 150, 4), VT_DEVICE_CPU, &in[Q]), VT_OK);
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_F32, SHAPE(1, 1, 400, 4), VT_DEVICE_CPU, &in[K]), VT_OK);
    vt_tensor *zeros = make_f64(SHAPE(1, 1, 1, 1), (const double[]){1}), *row = run_op("expand", zeros, NULL, &(vt_attr){.name = "shape", .list = (const int64_t[]){1, 1, 400, 1}, .n_list = 4}, 1);
    in[V] = cast_to(row, VT_DTYPE_F32);
    run_attention(ctx, &p, in, out);
    double *o = numbers(out[0]), mean = 0, spread = 0;
    for (int i = 0; i < 300; i++) mean += o[i] / 300, spread += (o[i] - 1) * (o[i] - 1) / 300;
    assert_true(fabs(mean - 1) < 0.01);
    assert_true(fabs(spread - 0.25 / 0.75 / 400) < 0.0003); /* of a binomial */
    /* the fate of the first 100 keys does not depend on those behind: 3/4 of each kept number is a whole number of keys */
    vt_tensor *part[N_IN] = {in[Q], run_op("slice", in[K], NULL, cut, 3), run_op("slice", in[V], NULL, cut, 3)};
    run_attention(ctx, &shorter, part, less);
    double *few = numbers(less[0]);
    for (int i = 0; i < 300; i++) {
        double kept = few[i] * 75, all = o[i] * 300;
        assert_true(fabs(kept - round(kept)) < 1e-3);
        assert_true(all - kept > -0.5 && all - kept < 300.5);
    }
    test_free(o), test_free(few);
    release_all(in, N_IN), release_all(out, 2), release_all(less, 2), vt_tensor_release(part[K]), vt_tensor_release(part[V]), vt_tensor_release(zeros);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    vt_tensor *a = make_f64(SHAPE(1, 2, 3, 4), (const double[24]){0}), *flat = make_f64(SHAPE(6, 4), (const double[24]){0}), *one = make_f64(SHAPE(1, 1, 3, 4), (const double[12]){0});
    vt_tensor *wide = make_f64(SHAPE(1, 2, 2, 6), (const double[24]){0}), *ints = cast_to(make_f64(SHAPE(1, 2, 3, 4), (const double[24]){0}), VT_DTYPE_I32);
    vt_tensor *bounds = cast_to(make_f64(SHAPE(3), (const double[]){0, 4, 3}), VT_DTYPE_I64), *mask = cast_to(make_f64(SHAPE(2, 2), (const double[4]){1, 1, 1, 1}), VT_DTYPE_BOOL);
    const struct {
        vt_tensor *in[N_IN];
        vt_attr attr;
        vt_status want;
    } cases[] = {
        {{flat, flat, flat}, {.name = "causal"}, VT_ERR_SHAPE}, {{a, wide, wide}, {.name = "causal"}, VT_ERR_SHAPE}, {{ints, ints, ints}, {.name = "causal"}, VT_ERR_DTYPE},
        {{one, a, a}, {.name = "causal"}, VT_ERR_SHAPE}, {{a, a, one}, {.name = "causal"}, VT_ERR_SHAPE}, {{a, a, a, flat}, {.name = "causal"}, VT_ERR_SHAPE},
        {{a, a, a, ints}, {.name = "causal"}, VT_ERR_DTYPE}, {{a, a, a, NULL, flat}, {.name = "causal"}, VT_ERR_SHAPE}, {{a, a, a, NULL, NULL, mask}, {.name = "causal"}, VT_ERR_INVALID},
        {{a, a, a, NULL, NULL, mask}, {.name = "block", .i = 1}, VT_ERR_SHAPE}, {{a, a, a, NULL, NULL, mask}, {.name = "block", .i = 0}, VT_ERR_INVALID},
        {{a, a, a, NULL, NULL, NULL, bounds}, {.name = "causal"}, VT_ERR_SHAPE}, {{a, a, a, NULL, NULL, NULL, bounds, bounds}, {.name = "causal"}, VT_ERR_INVALID},
        {{a, a, a}, {.name = "softcap", .f = -1}, VT_ERR_INVALID}, {{a, a, a}, {.name = "dropout", .f = 1}, VT_ERR_INVALID}, {{a, a, a}, {.name = "scale", .f = (double)INFINITY}, VT_ERR_INVALID},
    };
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_op_find("attention", &op), VT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_status st = vt_op_run(ctx, op, cases[i].in, N_IN, &cases[i].attr, 1, out);
        if (st != cases[i].want) fail_msg("case %d: status %d, not %d", (int)i, (int)st, (int)cases[i].want);
    }
    vt_tensor_release(a), vt_tensor_release(flat), vt_tensor_release(one), vt_tensor_release(wide), vt_tensor_release(ints), vt_tensor_release(bounds), vt_tensor_release(mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_dense_attention),
        cmocka_unit_test(scores_of_ten_thousand_give_numbers),
        cmocka_unit_test(a_constant_added_to_all_scores_changes_nothing),
        cmocka_unit_test(a_mask_of_ones_in_blocks_is_no_mask),
        cmocka_unit_test(strided_inputs_and_another_device_give_the_same_bits),
        cmocka_unit_test(packed_sequences_are_as_each_alone),
        cmocka_unit_test(empty_extents_and_rows_without_keys_are_fine),
        cmocka_unit_test(memory_grows_with_rows_and_not_with_their_square),
        cmocka_unit_test(pieces_of_the_keys_merge_to_the_whole),
        cmocka_unit_test(dropout_keeps_the_mean_and_follows_its_counter),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
