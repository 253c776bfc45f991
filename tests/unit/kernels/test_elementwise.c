#include "variants.h"

static void check_add(const vtk_table *ref, const vtk_table *t) {
    for (int64_t n = 0; n <= 49; n++) {
        float *x = guarded((size_t)n * 4), *y = guarded((size_t)n * 4), want[49] = {0};
        random_floats(x, n, 1);
        random_floats(y, n, 2);
        if (n > 4) x[1] = NAN, x[2] = INFINITY, x[3] = 1e-40f, y[4] = 3e38f;
        if (n) memcpy(want, y, (size_t)n * 4);
        ref->add(want, x, n);
        t->add(y, x, n);
        for (int64_t i = 0; i < n; i++) assert_true(is_close(y[i], want[i], 0.0));
        guarded_free(x, (size_t)n * 4);
        guarded_free(y, (size_t)n * 4);
    }
}

static void sums_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_add);
}

static void check_silu_values(const vtk_table *ref, const vtk_table *t) {
    enum { N = 4801 };
    static float g[N], up[N], got[N], want[N];
    for (int i = 0; i < N; i++) g[i] = ((float)i - 2400.0f) / 20.0f, up[i] = i % 3 ? 1.0f : -0.75f; /* -120 .. 120 */
    const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, -1e-40f, 3e38f, -3e38f};
    memcpy(g, special, sizeof special);
    ref->silu_mul(want, g, up, N);
    t->silu_mul(got, g, up, N);
    for (int i = 0; i < N; i++) {
        if (!is_close(got[i], want[i], 6.0 * (double)FLT_EPSILON * fabs((double)want[i])))
            fail_msg("%s: silu of %a is %a, not %a", t->isa, (double)g[i], (double)got[i], (double)want[i]);
    }
}

static void check_silu_lengths(const vtk_table *ref, const vtk_table *t) {
    for (int64_t n = 0; n <= 49; n++) {
        size_t size = (size_t)n * 4;
        float *gate = guarded(size), *up = guarded(size), *y = guarded(size), want[49];
        random_floats(gate, n, 3);
        random_floats(up, n, 4);
        ref->silu_mul(want, gate, up, n);
        t->silu_mul(y, gate, up, n);
        for (int64_t i = 0; i < n; i++) assert_true(is_close(y[i], want[i], 6.0 * (double)FLT_EPSILON));
        t->silu_mul(gate, gate, up, n); /* in place */
        if (n) assert_memory_equal(gate, y, size);
        random_floats(gate, n, 3);
        t->silu_mul(up, gate, up, n);
        if (n) assert_memory_equal(up, y, size);
        guarded_free(gate, size);
        guarded_free(up, size);
        guarded_free(y, size);
    }
}

static void gates_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_silu_values);
    for_each_variant(check_silu_lengths);
}

static void check_rope(const vtk_table *ref, const vtk_table *t) {
    for (int64_t n = 0; n <= 49; n++) {
        size_t size = (size_t)n * 4;
        float *x = guarded(2 * size), *cos = guarded(size), *sin = guarded(size), want[98] = {0};
        random_floats(cos, n, 5);
        random_floats(sin, n, 6);
        for (int halves = 0; halves < 2; halves++) {
            random_floats(x, 2 * n, 7);
            if (n > 3) x[2] = NAN, x[3] = INFINITY, x[5] = 1e-40f, x[6] = 1e30f;
            if (n) memcpy(want, x, 2 * size);
            (halves ? ref->rope_halves : ref->rope_pairs)(want, cos, sin, n);
            (halves ? t->rope_halves : t->rope_pairs)(x, cos, sin, n);
            for (int64_t i = 0; i < 2 * n; i++)
                assert_true(is_close(x[i], want[i], 2.0 * (double)FLT_EPSILON * (fabs((double)want[i]) + 1.0)));
        }
        guarded_free(x, 2 * size);
        guarded_free(cos, size);
        guarded_free(sin, size);
    }
}

static void rotations_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_rope);
}

static void rotation_by_a_quarter_turn(void **state) {
    float pairs[4] = {1, 2, 3, 4}, halves[4] = {1, 2, 3, 4};
    const float cos[2] = {0, 1}, sin[2] = {1, 0}, want_pairs[4] = {-2, 1, 3, 4}, want_halves[4] = {-3, 2, 1, 4};
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    t.rope_pairs(pairs, cos, sin, 2);
    t.rope_halves(halves, cos, sin, 2);
    for (int i = 0; i < 4; i++) assert_true(pairs[i] == want_pairs[i] && halves[i] == want_halves[i]);
}

static void check_norm(const vtk_table *ref, const vtk_table *t) {
    static const float scales[] = {1.0f, 1e30f, 1e-30f, 1e-40f, 0.0f, NAN, INFINITY};
    for (int64_t n = 1; n <= 49; n++) {
        size_t size = (size_t)n * 4;
        float *x = guarded(size), *w = guarded(size), *y = guarded(size), want[49];
        for (size_t s = 0; s < COUNT(scales); s++) {
            random_floats(x, n, 8);
            random_floats(w, n, 9);
            x[n / 2] *= scales[s];
            if (s < 5) {
                for (int64_t i = 0; i < n; i++) x[i] *= scales[s];
            }
            ref->rms_norm(want, x, w, n, 1e-5f);
            t->rms_norm(y, x, w, n, 1e-5f);
            for (int64_t i = 0; i < n; i++) assert_true(is_close(y[i], want[i], 2.0 * (double)FLT_EPSILON * fabs((double)want[i])));
            t->rms_norm(x, x, w, n, 1e-5f); /* in place */
            for (int64_t i = 0; i < n; i++) assert_true(is_close(x[i], y[i], 0.0));
        }
        guarded_free(x, size);
        guarded_free(w, size);
        guarded_free(y, size);
    }
}

static void norms_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_norm);
}

static void norm_keeps_eps_inside_the_root(void **state) {
    const float x[2] = {1.0f, 7.0f}, w[2] = {1.0f, 2.0f}; /* mean of squares 25; 25 + 24 = 49 */
    float y[2];
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    t.rms_norm(y, x, w, 2, 24.0f);
    assert_true(is_close(y[0], 1.0f / 7.0f, 1e-7) && is_close(y[1], 2.0f, 1e-6));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_the_reference),      cmocka_unit_test(gates_are_those_of_the_reference),
        cmocka_unit_test(rotations_are_those_of_the_reference), cmocka_unit_test(rotation_by_a_quarter_turn),
        cmocka_unit_test(norms_are_those_of_the_reference),     cmocka_unit_test(norm_keeps_eps_inside_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
