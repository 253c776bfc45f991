#include "variants.h"

/* Rows like a model's, with ties, barred tokens, and values so far below the best that they weigh nothing. */
static void fill(float *x, int64_t n, uint64_t seed) {
    random_floats(x, n, seed);
    for (int64_t i = 0; i < n; i++) {
        x[i] = floorf(x[i] * 60.0f) / 4.0f;
        if (i % 7 == 5) x[i] = -INFINITY;
        if (i % 31 == 30) x[i] *= 20.0f;
    }
}

static void check_exp(const vtk_table *ref, const vtk_table *t, const float *x, int64_t n, float max) {
    float *want = guarded((size_t)n * 4), *got = guarded((size_t)n * 4);
    ref->row_exp(want, x, n, max);
    t->row_exp(got, x, n, max);
    assert_memory_equal(got, want, (size_t)n * 4);
    for (int64_t i = 0; i < n; i++) assert_true(fabs((double)got[i] - exp((double)x[i] - (double)max)) <= 4 * (double)FLT_EPSILON);
    memcpy(want, x, (size_t)n * 4);
    memcpy(got, x, (size_t)n * 4);
    ref->row_temper(want, n, max, 0.7f);
    t->row_temper(got, n, max, 0.7f);
    assert_memory_equal(got, want, (size_t)n * 4);
    guarded_free(want, (size_t)n * 4);
    guarded_free(got, (size_t)n * 4);
}

static void check_row(const vtk_table *ref, const vtk_table *t, const float *x, int64_t n) {
    int32_t *want = guarded((size_t)n * 4), *got = guarded((size_t)n * 4);
    double want_sums[2], got_sums[2];
    int64_t best = ref->row_best(x, n);
    assert_int_equal(t->row_best(x, n), best);
    if (best >= 0 && x[best] >= -FLT_MAX) {
        ref->row_weights(want_sums, x, n, x[best]);
        t->row_weights(got_sums, x, n, x[best]);
        assert_memory_equal(got_sums, want_sums, sizeof got_sums);
        check_exp(ref, t, x, n, x[best]);
        double sum = 0, sum_d = 0;
        for (int64_t i = 0; i < n; i++) {
            double d = (double)x[i] - (double)x[best], w = exp(d);
            sum += w;
            if (w > 0) sum_d += w * d;
        }
        assert_true(fabs(got_sums[0] - sum) <= 4 * (double)FLT_EPSILON * sum);
        assert_true(fabs(got_sums[1] - sum_d) <= 4 * (double)FLT_EPSILON * (fabs(sum_d) + sum));
    }
    for (int i = -3; i <= 3; i++) {
        float least = i == 3 ? -INFINITY : (float)i * 4.0f;
        int64_t count = ref->row_select(want, x, n, least);
        assert_int_equal(t->row_select(got, x, n, least), count);
        assert_memory_equal(got, want, (size_t)count * 4);
    }
    guarded_free(want, (size_t)n * 4);
    guarded_free(got, (size_t)n * 4);
}

static void check_lengths(const vtk_table *ref, const vtk_table *t) {
    static const int64_t lengths[] = {1023, 1024, 1025, 2047, 2048, 2049, 4100, 5000};
    for (int64_t n = 1; n <= 65; n++) {
        float *x = guarded((size_t)n * 4);
        fill(x, n, (uint64_t)n);
        check_row(ref, t, x, n);
        guarded_free(x, (size_t)n * 4);
    }
    for (size_t i = 0; i < COUNT(lengths); i++) {
        float *x = guarded((size_t)lengths[i] * 4);
        fill(x, lengths[i], i);
        check_row(ref, t, x, lengths[i]);
        guarded_free(x, (size_t)lengths[i] * 4);
    }
}

static void every_instruction_set_agrees_to_the_bit(void **state) {
    (void)state;
    for_each_variant(check_lengths);
}

static void check_special(const vtk_table *ref, const vtk_table *t) {
    static const float bad[] = {NAN, INFINITY};
    float x[40];
    for (int i = 0; i < 40; i++)
        for (size_t k = 0; k < COUNT(bad); k++) {
            random_floats(x, 40, 3);
            x[i] = bad[k];
            assert_int_equal(ref->row_best(x, 40), -1);
            assert_int_equal(t->row_best(x, 40), -1);
        }
    for (int i = 0; i < 40; i++) x[i] = -INFINITY;
    assert_int_equal(t->row_best(x, 40), 0);
    for (int i = 0; i < 40; i++) x[i] = i % 2 ? 0.0f : -0.0f;
    assert_int_equal(t->row_best(x, 40), 0);
    for (int i = 0; i < 40; i++) x[i] = i == 37 || i == 39 ? FLT_MAX : -FLT_MAX;
    assert_int_equal(t->row_best(x, 40), 37);
    check_row(ref, t, x, 40);
}

static void special_values_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_special);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_set_agrees_to_the_bit),
        cmocka_unit_test(special_values_are_those_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
