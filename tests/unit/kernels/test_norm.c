/* Layer normalisation and softmax of one row: every instruction set against the reference. */
#include "variants.h"

static void check_layer_norm(const vtk_table *ref, const vtk_table *t) {
    for (int64_t n = 1; n <= 70; n++) {
        size_t size = (size_t)n * 4;
        float *x = guarded(size), *w = guarded(size), *b = guarded(size), *y = guarded(size), want[70];
        random_floats(x, n, 5);
        random_floats(w, n, 6);
        random_floats(b, n, 7);
        for (int64_t i = 0; i < n; i++) x[i] += 3.0f;
        ref->layer_norm(want, x, w, b, n, 1e-5f);
        t->layer_norm(y, x, w, b, n, 1e-5f);
        for (int64_t i = 0; i < n; i++) assert_true(is_close(y[i], want[i], 1e-6));
        t->layer_norm(x, x, w, b, n, 1e-5f); /* in place */
        assert_memory_equal(x, y, size);
        guarded_free(x, size);
        guarded_free(w, size);
        guarded_free(b, size);
        guarded_free(y, size);
    }
}

static void layer_norms_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_layer_norm);
}

static void check_softmax(const vtk_table *ref, const vtk_table *t) {
    for (int64_t n = 1; n <= 70; n++) {
        size_t size = (size_t)n * 4;
        float *x = guarded(size), want[70];
        random_floats(x, n, 8);
        for (int64_t i = 0; i < n; i++) x[i] *= 90.0f;
        if (n > 3) x[2] = -3e38f;
        memcpy(want, x, size);
        ref->softmax(want, n, 0.25f);
        t->softmax(x, n, 0.25f);
        for (int64_t i = 0; i < n; i++) assert_true(is_close(x[i], want[i], 2e-6 * (double)want[i] + 1e-12));
        guarded_free(x, size);
    }
}

static void softmaxes_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_softmax);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_norms_are_those_of_the_reference),
        cmocka_unit_test(softmaxes_are_those_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
