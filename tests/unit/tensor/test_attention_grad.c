/* Gradients of attention, its merge and the rotary embedding: against central differences in float64; bits for any number of threads; failing allocations. */
#include "attention_cases.h"

#include <stdio.h>

#include "torture.h"
#include "venturi/context.h"

/* ---- differences ---- */

static const problem problems[] = {
    {1, 4, 2, 5, 9, 4, 3, 1, -1, -1, 0, FULL_BIAS, 1, 0, 0},     {2, 2, 1, 6, 4, 3, 4, 1, -1, -1, 2, HEAD_BIAS, 0, 0, 0.4},
    {1, 2, 2, 7, 9, 4, 4, 0, 3, 2, 0, KEY_MASK, 0, 0, 0.2},      {1, 2, 2, 11, 13, 2, 2, 0, -1, -1, 1.5, NO_BIAS, 1, 4, 0},
    {1, 1, 1, 3, 300, 4, 4, 1, -1, -1, 0, NO_BIAS, 0, 0, 0},     {1, 2, 1, 300, 3, 2, 2, 0, -1, -1, 0, HEAD_BIAS, 0, 0, 0},
    {5, 2, 1, 140, 170, 2, 3, 1, -1, -1, 0, NO_BIAS, 0, 0, 0},   {4, 1, 1, 170, 140, 3, 2, 1, 90, -1, 1.5, NO_BIAS, 0, 0, 0},
    {1, 2, 2, 140, 200, 2, 2, 1, -1, -1, 1.5, NO_BIAS, 0, 32, 0.2},
};

/* out . w + lse . u over what is finite; w and u are the same numbers each time. */
static double loss(const problem *p, vt_tensor **in) {
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    double sum = 0;
    run_attention(ctx, p, in, out);
    double *o = numbers(out[0]), *lse = numbers(out[1]);
    for (int64_t i = 0; i < vt_tensor_count(out[0]); i++) sum += o[i] * sin(0.7 * (double)i + 1);
    for (int64_t i = 0; i < vt_tensor_count(out[1]); i++) sum += isinf(lse[i]) ? 0 : lse[i] * cos(0.9 * (double)i);
    test_free(o), test_free(lse);
    release_all(out, 2);
    return sum;
}

static vt_tensor *waves(vt_tensor *like, vt_tensor *lse) {
    int64_t n = vt_tensor_count(like);
    double *x = test_malloc((size_t)(n + 1) * sizeof *x), *l = lse ? numbers(lse) : NULL;
    for (int64_t i = 0; i < n; i++) x[i] = !lse ? sin(0.7 * (double)i + 1) : isinf(l[i]) ? 0 : cos(0.9 * (double)i);
    vt_tensor *t = make_f64(vt_tensor_shape(like), vt_tensor_n_dims(like), x);
    test_free(x), test_free(l);
    return t;
}

static void check(const problem *p, int number) {
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS], *grads[4];
    make_inputs(ctx, p, VT_DTYPE_F64, 1, in);
    int n_wanted = p->bias == FULL_BIAS || p->bias == HEAD_BIAS ? 4 : 3;
    for (int i = 0; i < n_wanted; i++) assert_int_equal(vt_tensor_set_requires_grad(in[i], 1), VT_OK);
    run_attention(ctx, p, in, out);
    vt_tensor *start[] = {waves(out[0], NULL), waves(out[1], out[1])};
    if (vt_gradients(ctx, out, start, 2, in, n_wanted, 0, grads) != VT_OK) fail_msg("problem %d: %s", number, vt_error_message());
    (void)vt_grad_mode_set(0);
    for (int i = 0; i < n_wanted; i++) {
        int64_t n = vt_tensor_count(in[i]), step = n / 40 + 1;
        double *g = numbers(grads[i]), *x = numbers(in[i]);
        for (int64_t j = 0; j < n; j += step) {
            double was = x[j], h = 1e-5, high, low;
            x[j] = was + h;
            assert_int_equal(vt_tensor_write(in[i], x, (size_t)n * sizeof *x), VT_OK);
            high = loss(p, in);
            x[j] = was - h;
            assert_int_equal(vt_tensor_write(in[i], x, (size_t)n * sizeof *x), VT_OK);
            low = loss(p, in);
            x[j] = was;
            double want = (high - low) / (2 * h);
            if (!(fabs(g[j] - want) <= 2e-8 * (1 + fabs(want)))) fail_msg("problem %d: input %d, element %lld: %.12g, not %.12g", number, i, (long long)j, g[j], want);
        }
        assert_int_equal(vt_tensor_write(in[i], x, (size_t)n * sizeof *x), VT_OK);
        test_free(g), test_free(x);
    }
    (void)vt_grad_mode_set(1);
    release_all(in, N_IN), release_all(out, 2), release_all(grads, n_wanted), release_all(start, 2);
}

static void gradients_are_those_of_differences(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) check(&problems[i], (int)i);
}

/* ---- types ---- */

/* Queries and keys of two and a half tiles. */
static const problem large[] = {{1, 4, 2, 300, 320, 40, 24, 1, -1, -1, 0, NO_BIAS, 0, 0, 0},
                                {1, 2, 2, 140, 290, 16, 16, 0, 50, -1, 3, FULL_BIAS, 1, 0, 0.1},
                                {1, 2, 1, 140, 150, 16, 16, 0, -1, -1, 0, HEAD_BIAS, 0, 20, 0},
                                {5, 2, 1, 170, 140, 16, 40, 1, -1, -1, 2, NO_BIAS, 0, 0, 0}};

static void gradients_of(vt_context *c, const problem *p, int32_t dtype, vt_tensor **grads, int n_wanted) {
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS];
    make_inputs(c, p, dtype, 1, in);
    for (int i = 0; i < n_wanted; i++) assert_int_equal(vt_tensor_set_requires_grad(in[i], 1), VT_OK);
    vt_tensor *start = random_tensor(c, dtype, 1, SHAPE(p->B, p->H, p->M, p->DV));
    run_attention(c, p, in, out);
    if (vt_gradients(c, out, &start, 1, in, n_wanted, 0, grads) != VT_OK) fail_msg("%s", vt_error_message());
    vt_tensor_release(start);
    release_all(in, N_IN), release_all(out, 2);
}

static void narrow_types_are_near_float64(void **state) {
    (void)state;
    static const struct { int32_t dtype; double tolerance; } types[] = {{VT_DTYPE_F32, 1e-5}, {VT_DTYPE_F16, 1e-2}, {VT_DTYPE_BF16, 8e-2}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        vt_tensor *exact[4] = {0}, *grads[4] = {0};
        int n = large[i].bias ? 4 : 3;
        gradients_of(ctx, &large[i], VT_DTYPE_F64, exact, n);
        for (size_t t = 0; t < 3; t++) {
            gradients_of(ctx, &large[i], types[t].dtype, grads, n);
            for (int j = 0; j < n; j++) {
                double *want = numbers(exact[j]), most = 1;
                for (int64_t k = 0; k < vt_tensor_count(exact[j]); k++) most = fmax(most, fabs(want[k]));
                expect_near("gradient", grads[j], want, types[t].tolerance * most);
                test_free(want);
            }
            release_all(grads, n);
        }
        release_all(exact, n);
    }
}

/* ---- bits ---- */

static uint64_t bits_of(vt_tensor *t, uint64_t hash) {
    size_t size = (size_t)vt_tensor_count(t) * 4;
    unsigned char *bytes = test_malloc(size + 1);
    assert_int_equal(vt_tensor_read(t, bytes, size), VT_OK);
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    test_free(bytes);
    return hash;
}

static uint64_t bits_with(const problem *p, int32_t n_threads) {
    vt_context_options options = {.struct_size = sizeof options, .n_threads = n_threads};
    vt_context *c;
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS], *grads[4] = {0};
    uint64_t hash = 14695981039346656037u;
    int n = p->bias ? 4 : 3;
    assert_int_equal(vt_context_create(&options, &c), VT_OK);
    make_inputs(c, p, VT_DTYPE_F32, 1, in);
    run_attention(c, p, in, out);
    hash = bits_of(out[1], bits_of(out[0], hash));
    release_all(in, N_IN), release_all(out, 2);
    gradients_of(c, p, VT_DTYPE_F32, grads, n);
    for (int i = 0; i < n; i++) hash = bits_of(grads[i], hash);
    release_all(grads, n);
    vt_context_release(c);
    return hash;
}

static void bits_do_not_depend_on_threads(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        uint64_t one = bits_with(&large[i], 1);
        assert_true(bits_with(&large[i], 2) == one);
        assert_true(bits_with(&large[i], 5) == one);
    }
}

/* ---- merge and rope ---- */

static void the_gradient_of_a_merge_is_that_of_the_whole(void **state) {
    (void)state;
    const problem p = {1, 2, 2, 4, 30, 4, 4, 0, -1, -1, 0, NO_BIAS, 0, 0, 0};
    vt_tensor *in[N_IN], *out[VT_OP_MAX_OUTPUTS], *merged[VT_OP_MAX_OUTPUTS], *piece[4], *want[3], *have[3], *views[4];
    int32_t op;
    make_inputs(ctx, &p, VT_DTYPE_F64, 2, in);
    for (int i = 0; i < 3; i++) assert_int_equal(vt_tensor_set_requires_grad(in[i], 1), VT_OK);
    run_attention(ctx, &p, in, out);
    vt_tensor *start[] = {waves(out[0], NULL), waves(out[1], out[1])};
    assert_int_equal(vt_gradients(ctx, out, start, 2, in, 3, 0, want), VT_OK);
    for (int i = 0; i < 2; i++) {
        const vt_attr cut[] = {{.name = "dim", .i = 2}, {.name = "start", .i = i * 12}, {.name = "stop", .i = i ? 30 : 12}};
        vt_tensor *part[N_IN] = {in[Q], views[2 * i] = run_op("slice", in[K], NULL, cut, 3), views[2 * i + 1] = run_op("slice", in[V], NULL, cut, 3)}, *half[VT_OP_MAX_OUTPUTS];
        run_attention(ctx, &p, part, half);
        piece[2 * i] = half[0], piece[2 * i + 1] = half[1];
    }
    assert_int_equal(vt_op_find("attention_merge", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, piece, 4, NULL, 0, merged), VT_OK);
    if (vt_gradients(ctx, merged, start, 2, in, 3, 0, have) != VT_OK) fail_msg("%s", vt_error_message());
    for (int i = 0; i < 3; i++) {
        double *g = numbers(want[i]);
        expect_near("gradient", have[i], g, 1e-13);
        test_free(g);
    }
    release_all(in, N_IN), release_all(out, 2), release_all(merged, 2), release_all(piece, 4), release_all(want, 3), release_all(have, 3), release_all(start, 2), release_all(views, 4);
}

static void rope_turns_pairs_by_their_position(void **state) {
    (void)state;
    const double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    for (int interleaved = 0; interleaved < 2; interleaved++) {
        double want[10];
        const vt_attr attrs[] = {{.name = "base", .f = 100}, {.name = "width", .i = 4}, {.name = "offset", .i = 3}, {.name = "interleaved", .i = interleaved}};
        vt_tensor *t = make_f64(SHAPE(2, 5), x), *turned = run_op("rope", t, NULL, attrs, 4);
        for (int r = 0; r < 2; r++) {
            want[5 * r + 4] = x[5 * r + 4];
            for (int i = 0; i < 2; i++) {
                double angle = (r + 3) * pow(100, -i / 2.0);
                int a = 5 * r + (interleaved ? 2 * i : i), b = interleaved ? a + 1 : a + 2;
                want[a] = x[a] * cos(angle) - x[b] * sin(angle);
                want[b] = x[a] * sin(angle) + x[b] * cos(angle);
            }
        }
        expect_f64(turned, want, 10);
        vt_tensor *positions = cast_to(make_f64(SHAPE(2), (const double[]){0, 1}), VT_DTYPE_I32), *given = run_op("rope", t, positions, attrs, 4);
        expect_f64(given, want, 10);
        vt_tensor_release(t), vt_tensor_release(turned), vt_tensor_release(positions), vt_tensor_release(given);
    }
}

/* ---- failing allocations ---- */

static vt_status scenario(vt_context *c) {
    const problem p = {1, 2, 1, 3, 5, 4, 4, 1, -1, -1, 0, FULL_BIAS, 0, 0, 0};
    vt_tensor *in[4] = {0}, *out[VT_OP_MAX_OUTPUTS] = {0}, *all[N_IN] = {0}, *grads[4] = {0};
    const int64_t shapes[4][4] = {{1, 2, 3, 4}, {1, 1, 5, 4}, {1, 1, 5, 4}, {1, 2, 3, 5}};
    vt_status st = VT_OK;
    for (int i = 0; st == VT_OK && i < 4; i++) {
        st = vt_tensor_create(c, VT_DTYPE_F32, shapes[i], 4, VT_DEVICE_CPU, &in[i]);
        if (st == VT_OK) st = vt_tensor_set_requires_grad(in[i], 1);
        all[i] = in[i];
    }
    if (st == VT_OK) st = try_attention(c, &p, all, out);
    if (st == VT_OK) st = vt_gradients(c, out, &in[0], 1, in, 4, 0, grads);
    if (st == VT_OK) release_all(grads, 4);
    release_all(out, 2), release_all(in, 4);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.sticky = sticky};
            vt_context_options options = {.struct_size = sizeof options, .alloc = torture_alloc, .alloc_user = &t, .n_threads = 1};
            vt_context *c;
            assert_int_equal(vt_context_create(&options, &c), VT_OK);
            long before = t.calls;
            t.fail_at = before + k;
            vt_status st = scenario(c);
            int failed = t.calls >= t.fail_at;
            t.fail_at = 0;
            vt_context_release(c);
            assert_int_equal(t.live, 0);
            if (!failed) {
                assert_int_equal(st, VT_OK);
                break;
            }
            assert_true(st == VT_ERR_NOMEM || (st == VT_OK && !sticky)); /* scratch may be asked for again */
            assert_true(k < 1000);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_differences), cmocka_unit_test(narrow_types_are_near_float64),
        cmocka_unit_test(bits_do_not_depend_on_threads),      cmocka_unit_test(the_gradient_of_a_merge_is_that_of_the_whole),
        cmocka_unit_test(rope_turns_pairs_by_their_position), cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
