/* Packed triangles: every type, infinities, refusals. */
#include "measure.h"

static const int32_t dtypes[] = {VT_DTYPE_F32, VT_DTYPE_F64, VT_DTYPE_I32, VT_DTYPE_I64};
static const int64_t sizes[] = {1, 2, 3, 16, 17, 64, 65, 130};

static void triangles_give_their_values(void **state) {
    static double want[130 * 130];
    static int64_t data[130 * 65]; /* 8 bytes an element are enough for all types */
    (void)state;
    vt_context *ctx = new_context(3, NULL);
    for (int type = 0; type < VT__N_DISTANCE_TYPES; type++)
        for (size_t s = 0; s < COUNT(sizes); s++)
            for (int infinite = 0; infinite < (type <= VT__DISTANCE_F64 ? 2 : 1); infinite++) {
                int64_t n = sizes[s];
                uint64_t random = (uint64_t)n;
                for (int64_t i = 0; i < n; i++)
                    for (int64_t j = 0; j <= i; j++) {
                        double v = i == j ? 0.0 : infinite && next_word(&random) % 3 == 0 ? (double)INFINITY : floor(next_number(&random) * 1e6);
                        want[i * n + j] = want[j * n + i] = v;
                        if (j < i) put_value(type, data, i * (i - 1) / 2 + j, v);
                    }
                vt_distance *d = NULL;
                assert_int_equal(vt__distance_from_triangle(ctx, n > 1 ? data : NULL, dtypes[type], n, &d), VT_OK);
                check_distance(d, want, 0.0);
                vt__distance_release(d);
            }
    vt__context_release(ctx);
}

static void bad_values_are_named(void **state) {
    float data[] = {1, 2, 3, 4, 5, 6};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = NULL;
    data[4] = NAN;
    assert_int_equal(vt__distance_from_triangle(ctx, data, VT_DTYPE_F32, 4, &d), VT_ERR_NUMERIC);
    assert_null(d);
    assert_non_null(strstr(vt__error_message(), "row 3, column 1"));
    data[4] = -INFINITY;
    assert_int_equal(vt__distance_from_triangle(ctx, data, VT_DTYPE_F32, 4, &d), VT_ERR_NUMERIC);
    assert_int_equal(vt__distance_from_triangle(ctx, data, VT_DTYPE_U8, 4, &d), VT_ERR_DTYPE);
    vt__context_release(ctx);
}

static vt_status make(vt_context *ctx, const void *how, vt_distance **out) { return vt__distance_from_triangle(ctx, how, VT_DTYPE_I32, 4, out); }

static void no_allocation_that_fails_leaks(void **state) {
    const int32_t data[] = {1, 2, 3, 4, 5, 6};
    (void)state;
    check_torture(make, data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(triangles_give_their_values), cmocka_unit_test(bad_values_are_named),
                                       cmocka_unit_test(no_allocation_that_fails_leaks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
