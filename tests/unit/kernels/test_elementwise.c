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

typedef void (*gate_fn)(float *y, const float *gate, const float *up, int64_t n);

/* steep: by how much a rounding of the gate is larger in the exponent of the logistic function. */
static void check_gate_values(const char *isa, gate_fn ref, gate_fn fn, double steep) {
    enum { N = 4801 };
    static float g[N], up[N], got[N], want[N];
    for (int i = 0; i < N; i++) g[i] = ((float)i - 2400.0f) / 20.0f, up[i] = i % 3 ? 1.0f : -0.75f; /* -120 .. 120 */
    const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, -1e-40f, 3e38f, -3e38f};
    memcpy(g, special, sizeof special);
    ref(want, g, up, N);
    fn(got, g, up, N);
    for (int i = 0; i < N; i++) {
        double exponent = steep * (fabs((double)g[i]) < 12 ? fabs((double)g[i]) : 12);
        if (!is_close(got[i], want[i], (6.0 + exponent) * (double)FLT_EPSILON * fabs((double)want[i])))
            fail_msg("%s: gate %a gives %a, not %a", isa, (double)g[i], (double)got[i], (double)want[i]);
    }
}

static void check_gate_lengths(gate_fn ref, gate_fn fn) {
    for (int64_t n = 0; n <= 49; n++) {
        size_t size = (size_t)n * 4;
        float *gate = guarded(size), *up = guarded(size), *y = guarded(size), want[49];
        random_floats(gate, n, 3);
        random_floats(up, n, 4);
        ref(want, gate, up, n);
        fn(y, gate, up, n);
        for (int64_t i = 0; i < n; i++) assert_true(is_close(y[i], want[i], 6.0 * (double)FLT_EPSILON));
        fn(gate, gate, up, n); /* in place */
        if (n) assert_memory_equal(gate, y, size);
        random_floats(gate, n, 3);
        fn(up, gate, up, n);
        if (n) assert_memory_equal(up, y, size);
        guarded_free(gate, size);
        guarded_free(up, size);
        guarded_free(y, size);
    }
}

static void check_gates(const vtk_table *ref, const vtk_table *t) {
    check_gate_values(t->isa, ref->silu_mul, t->silu_mul, 0);
    check_gate_lengths(ref->silu_mul, t->silu_mul);
    check_gate_values(t->isa, ref->gelu_mul, t->gelu_mul, 20);
    check_gate_lengths(ref->gelu_mul, t->gelu_mul);
}

static void gates_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_gates);
}

/* GELU must be the same number in every set of vectors: gates of one model on two machines. */
static void check_gelu_bits(const vtk_table *ref, const vtk_table *t) {
    enum { N = 2000 };
    float g[N], one[N], got[N], want[N];
    vtk_table avx2;
    (void)ref;
    if (!vtk_fill_isa(&avx2, "avx2")) return;
    for (int i = 0; i < N; i++) g[i] = ((float)i - 1000.0f) / 131.0f, one[i] = 1.0f;
    avx2.gelu_mul(want, g, one, N);
    t->gelu_mul(got, g, one, N);
    assert_memory_equal(got, want, sizeof want);
}

static void gelu_is_one_number_in_all_vectors(void **state) {
    const float g[3] = {1.0f, -2.0f, 3.0f}, up[3] = {1.0f, 1.0f, 2.0f};
    const double want[3] = {0.8411919906082768, -0.04540230591222494, 2 * 2.996362607918227}; /* 0.5 x (1 + tanh(sqrt(2/pi)(x + 0.044715 x^3))) */
    float y[3];
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    t.gelu_mul(y, g, up, 3);
    for (int i = 0; i < 3; i++) assert_true(fabs((double)y[i] - want[i]) < 1e-6);
    for_each_variant(check_gelu_bits);
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

/* The two steps and the one, of all sets: the same bits, also where a block is special. */
static void check_norm_q8_of(const vtk_table *t, const vtk_table *same) {
    for (int64_t n = 32; n <= 608; n += 32) {
        float x[608], w[608], y[608], z[608];
        unsigned char want[VTK_Q8_ROW_SIZE(608) + 152], got[VTK_Q8_ROW_SIZE(608) + 152];
        random_floats(x, n, 8);
        random_floats(w, n, 9);
        if (n % 96 == 0) x[n / 2] *= 50.0f; /* a block of 16 bits */
        if (n == 96) memset(x + 32, 0, 32 * sizeof *x);
        if (n == 128) x[40] = NAN;
        if (n == 160) x[40] = INFINITY;
        memset(want, 1, sizeof want);
        memset(got, 1, sizeof got);
        t->rms_norm(y, x, w, n, 1e-5f);
        same->rms_norm(z, x, w, n, 1e-5f);
        for (int64_t i = 0; i < n; i++) assert_true(is_close(y[i], z[i], 0.0));
        t->encode_q8_row(want, y, n);
        t->rms_norm_q8(got, x, w, n, 1e-5f);
        assert_memory_equal(got, want, sizeof want);
    }
}

static void check_norm_q8(const vtk_table *ref, const vtk_table *t) {
    vtk_table avx2;
    assert_int_equal(vtk_fill_isa(&avx2, "avx2"), 1);
    check_norm_q8_of(t, &avx2);
    check_norm_q8_of(ref, ref);
}

static void norm_and_blocks_in_one_are_the_same_as_in_two(void **state) {
    (void)state;
    for_each_variant(check_norm_q8);
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
        cmocka_unit_test(gelu_is_one_number_in_all_vectors),
        cmocka_unit_test(rotations_are_those_of_the_reference), cmocka_unit_test(rotation_by_a_quarter_turn),
        cmocka_unit_test(norms_are_those_of_the_reference),     cmocka_unit_test(norm_and_blocks_in_one_are_the_same_as_in_two),
            cmocka_unit_test(norm_keeps_eps_inside_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
