/* Matrices: every type, symmetric or not, with strides and infinities. */
#include "measure.h"

static const int32_t dtypes[] = {VT_DTYPE_F32, VT_DTYPE_F64, VT_DTYPE_I32, VT_DTYPE_I64};
static const int64_t sizes[] = {1, 2, 3, 15, 16, 17, 63, 64, 65, 130};

/* [n, stride] of the type, and the same as [n, n] doubles. */
static void *make_matrix(int type, int64_t n, int64_t stride, int symmetric, double infinite, double *want) {
    uint64_t state = (uint64_t)n * 7 + (uint64_t)type;
    void *data = calloc((size_t)(n * stride), 8);
    assert_non_null(data);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double v = floor(next_number(&state) * 1000.0);
            if (infinite > 0.0 && next_number(&state) > 1.0 - infinite) v = (double)INFINITY;
            want[i * n + j] = symmetric && j < i ? want[j * n + i] : v;
            put_value(type, data, i * stride + j, want[i * n + j]);
        }
    return data;
}

static void check_matrices(int symmetric, double infinite) {
    static double want[130 * 130];
    vt_context *ctx = new_context(3, NULL);
    for (int type = 0; type < (infinite > 0.0 ? 2 : VT__N_DISTANCE_TYPES); type++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            int64_t n = sizes[s], stride = n + (int64_t)(s % 3) * 5;
            void *data = make_matrix(type, n, stride, symmetric, infinite, want);
            for (int vouched = 0; vouched <= symmetric; vouched++) {
                vt_distance *d = NULL;
                assert_int_equal(vt__distance_from_matrix(ctx, data, dtypes[type], n, stride, vouched, &d), VT_OK);
                assert_int_equal(vt__distance_type(d), type);
                check_distance(d, want, 0.0);
                vt__distance_release(d);
            }
            free(data);
        }
    vt__context_release(ctx);
}

static void symmetric_matrices_give_their_values(void **state) { (void)state; check_matrices(1, 0.0); }
static void asymmetric_matrices_give_their_values(void **state) { (void)state; check_matrices(0, 0.0); }
static void infinities_are_far_in_searches(void **state) { (void)state; check_matrices(1, 0.3); check_matrices(0, 0.3); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(symmetric_matrices_give_their_values), cmocka_unit_test(asymmetric_matrices_give_their_values),
                                       cmocka_unit_test(infinities_are_far_in_searches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
