/* Semi-discrete transport: cells of equal mass at the least cost, the same on any number of threads, wrong arguments refused, every allocation failed once. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "torture_each.h"
#include "one_context.h"

enum { N = 24, POINTS = 20000 };

static double target[2 * N], point[2 * POINTS];
static int32_t where[POINTS];

static void make_numbers(void) {
    vt__random_normal(5, 0, 0, target, 2 * N);
    vt__random_normal(6, 1, 0, point, 2 * POINTS);
}

static vt_ot *make(vt_context *c) {
    vt_ot *ot = NULL;
    make_numbers();
    assert_int_equal(vt_ot_create(c, target, N, 2, NULL, &ot), VT_OK);
    return ot;
}

static void cells_get_their_share(void **state) {
    (void)state;
    double mass[N] = {0};
    vt_ot_options o = VT_STRUCT_INIT(vt_ot_options);
    vt_ot_report r = VT_STRUCT_INIT(vt_ot_report);
    vt_ot *ot = make(ctx);
    o.max_iter = 500;
    o.n_doublings = -1;
    assert_int_equal(vt_ot_solve(ot, &o, &r), VT_OK);
    assert_int_equal(r.n_empty, 0);
    assert_int_equal(vt_ot_map(ot, point, POINTS, 1, where), VT_OK);
    for (int i = 0; i < POINTS; i++) mass[where[i]] += 1.0 / POINTS;
    for (int j = 0; j < N; j++)
        if (!(fabs(mass[j] - 1.0 / N) < 0.1 / N)) fail_msg("cell %d has %g of %g", j, mass[j], 1.0 / N);
    vt_ot_release(ot);
}

/* With the masses that the cells have the map is the best one: no exchange of two points between their targets is cheaper. */
static void no_exchange_of_two_points_is_cheaper(void **state) {
    (void)state;
    vt_ot_options o = VT_STRUCT_INIT(vt_ot_options);
    vt_ot *ot = make(ctx);
    o.max_iter = 100;
    assert_int_equal(vt_ot_solve(ot, &o, NULL), VT_OK);
    assert_int_equal(vt_ot_map(ot, point, 400, 1, where), VT_OK);
    for (int a = 0; a < 400; a++)
        for (int b = 0; b < a; b++) {
            const double *x = point + 2 * a, *z = point + 2 * b, *y = target + 2 * where[a], *w = target + 2 * where[b];
            assert_true((x[0] - z[0]) * (y[0] - w[0]) + (x[1] - z[1]) * (y[1] - w[1]) >= -1e-12);
        }
    vt_ot_release(ot);
}

static void heights_do_not_depend_on_threads(void **state) {
    (void)state;
    double first[N], again[N];
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        vt_context_options c = VT_STRUCT_INIT(vt_context_options);
        vt_ot_options o = VT_STRUCT_INIT(vt_ot_options);
        vt_context *own = NULL;
        c.n_threads = threads;
        o.max_iter = 60;
        o.n_samples = 5000;
        assert_int_equal(vt_context_create(&c, &own), VT_OK);
        vt_ot *ot = make(own);
        assert_int_equal(vt_ot_solve(ot, &o, NULL), VT_OK);
        assert_int_equal(vt_ot_get_heights(ot, threads == 1 ? first : again), VT_OK);
        vt_ot_release(ot);
        vt_context_release(own);
    }
    assert_memory_equal(first, again, sizeof first);
}

static void the_best_k_are_in_order_and_begin_with_the_best(void **state) {
    (void)state;
    int32_t top[3 * 50];
    vt_ot *ot = make(ctx);
    double h[N];
    assert_int_equal(vt_ot_get_heights(ot, h), VT_OK);
    assert_int_equal(vt_ot_map(ot, point, 50, 3, top), VT_OK);
    assert_int_equal(vt_ot_map(ot, point, 50, 1, where), VT_OK);
    for (int i = 0; i < 50; i++) {
        double value[3];
        assert_int_equal(top[3 * i], where[i]);
        for (int k = 0; k < 3; k++) {
            const int j = top[3 * i + k];
            value[k] = point[2 * i] * target[2 * j] + point[2 * i + 1] * target[2 * j + 1] + h[j];
        }
        assert_true(value[0] >= value[1] && value[1] >= value[2]);
    }
    vt_ot_release(ot);
}

static void unequal_masses_are_met(void **state) {
    (void)state;
    static const double y[] = {-1, 1}, masses[] = {3, 1}, x[] = {0.6, 0.75};
    double h[2];
    int32_t to[2];
    vt_ot *ot = NULL;
    vt_ot_options o = VT_STRUCT_INIT(vt_ot_options);
    o.max_iter = 400;
    assert_int_equal(vt_ot_create(ctx, y, 2, 1, masses, &ot), VT_OK);
    assert_int_equal(vt_ot_solve(ot, &o, NULL), VT_OK);
    assert_int_equal(vt_ot_get_heights(ot, h), VT_OK);
    assert_true(fabs((h[0] - h[1]) / 2 - 0.67448975) < 2e-3); /* the border is the upper quartile */
    assert_int_equal(vt_ot_map(ot, x, 2, 1, to), VT_OK);
    assert_int_equal(to[0], 0);
    assert_int_equal(to[1], 1);
    vt_ot_release(ot);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    const double bad[] = {NAN, 0}, none[] = {1, 0};
    int32_t to[2];
    vt_ot *ot = NULL;
    vt_ot_options o = VT_STRUCT_INIT(vt_ot_options);
    assert_int_equal(vt_ot_create(ctx, bad, 2, 1, NULL, &ot), VT_ERR_INVALID);
    assert_int_equal(vt_ot_create(ctx, none, 2, 1, none, &ot), VT_ERR_INVALID);
    assert_int_equal(vt_ot_create(ctx, none, 0, 1, NULL, &ot), VT_ERR_SHAPE);
    assert_int_equal(vt_ot_create(ctx, none, INT32_MAX, INT64_MAX, NULL, &ot), VT_ERR_LIMIT);
    assert_int_equal(vt_ot_create(ctx, none, 2, 1, NULL, &ot), VT_OK);
    assert_int_equal(vt_ot_map(ot, none, 1, 3, to), VT_ERR_INVALID);
    assert_int_equal(vt_ot_map(ot, bad, 1, 1, to), VT_ERR_NUMERIC);
    assert_int_equal(vt_ot_set_heights(ot, bad), VT_ERR_INVALID);
    o.n_samples = INT64_C(1) << 40;
    assert_int_equal(vt_ot_solve(ot, &o, NULL), VT_ERR_LIMIT);
    o.n_samples = 0;
    o.source = 2;
    assert_int_equal(vt_ot_solve(ot, &o, NULL), VT_ERR_INVALID);
    vt_ot_release(ot);
}

static void cancelling_leaves_the_heights(void **state) {
    (void)state;
    double before[N], after[N];
    vt_ot_options o = VT_STRUCT_INIT(vt_ot_options);
    vt_ot *ot = make(ctx);
    assert_int_equal(vt_cancel_create(ctx, &o.cancel), VT_OK);
    vt_cancel_raise(o.cancel);
    assert_int_equal(vt_ot_get_heights(ot, before), VT_OK);
    assert_int_equal(vt_ot_solve(ot, &o, NULL), VT_ERR_CANCELLED);
    assert_int_equal(vt_ot_get_heights(ot, after), VT_OK);
    assert_memory_equal(before, after, sizeof before);
    vt_cancel_release(o.cancel);
    vt_ot_release(ot);
}

static vt_status everything(vt_context *c) {
    vt_ot *ot = NULL;
    vt_ot_options o = VT_STRUCT_INIT(vt_ot_options);
    o.max_iter = 2;
    o.n_samples = 64;
    make_numbers();
    vt_status st = vt_ot_create(c, target, N, 2, NULL, &ot);
    if (st == VT_OK) st = vt_ot_solve(ot, &o, NULL);
    if (st == VT_OK) st = vt_ot_map(ot, point, 50, 2, where);
    vt_ot_release(ot);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(everything);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_get_their_share),
        cmocka_unit_test(no_exchange_of_two_points_is_cheaper),
        cmocka_unit_test(heights_do_not_depend_on_threads),
        cmocka_unit_test(the_best_k_are_in_order_and_begin_with_the_best),
        cmocka_unit_test(unequal_masses_are_met),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(cancelling_leaves_the_heights),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
