/* Selections are what a full sort would give: the same candidates, the same last one, whatever the values, ties by id. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "sample/select.h"
#include "vtk.h"

enum { MOST = 5000 };

static vt__order order; /* of `compare`, which qsort gives no argument */

static int compare(const void *p, const void *q) {
    const vt__candidate *a = p, *b = q;
    double x = order.by_distance ? fabs((double)a->logit - order.centre) : -(double)a->logit;
    double y = order.by_distance ? fabs((double)b->logit - order.centre) : -(double)b->logit;
    return x < y ? -1 : x > y ? 1 : a->id < b->id ? -1 : 1;
}

typedef enum shape { PEAKED, FLAT, EQUAL, TWO_VALUES, ZEROS, WIDE, N_SHAPES } shape;

static float value(shape s, int64_t i, double u) {
    switch (s) {
    case PEAKED: return (float)(20 + 3 * log(u + 1e-9));
    case FLAT: return (float)(u / 8);
    case EQUAL: return -3;
    case TWO_VALUES: return i % 3 ? 1.0f : 1.5f;
    case ZEROS: return i % 2 ? 0.0f : -0.0f;
    default: return (float)((u - 0.5) * 1e30 * (i % 5 ? 1e-30 : 1));
    }
}

/* In no order, with ids that have gaps. */
static void fill(vt__candidate *h, int64_t n, shape s) {
    static double u[MOST];
    vt__random_uniform(7, (uint32_t)s, (uint64_t)n, u, n);
    for (int64_t i = 0; i < n; i++) h[i] = (vt__candidate){(int32_t)((i * 7919) % n * 52 + 3), value(s, i, u[i])};
}

/* Selects until the first `want` are needed, and looks whether they are there. */
static void check_first(const vt__candidate *all, const vt__candidate *sorted, const double *sums, int64_t n, int64_t want, int64_t min_keep) {
    static vt__candidate got[MOST];
    float max = sorted[0].logit;
    for (int64_t i = 1; i < n; i++) max = sorted[i].logit > max ? sorted[i].logit : max;
    vt__mass m = {.enough = (sums[want - 1] + (want > 1 ? sums[want - 2] : 0)) / 2, .min_keep = min_keep, .max = max, .is_sorted = 1};
    memcpy(got, all, (size_t)n * sizeof *got);
    vt__select(got, n, &order, &m);
    if (min_keep > want) want = min_keep;
    assert_int_equal(m.kept, want);
    assert_int_equal(got[want - 1].id, sorted[want - 1].id);
    int is_sorted = m.is_sorted;
    qsort(got, (size_t)n, sizeof *got, compare);
    for (int64_t i = 0; i < n; i++) assert_int_equal(got[i].id, sorted[i].id); /* none is lost */
    memcpy(got, all, (size_t)n * sizeof *got);
    m = (vt__mass){.enough = m.enough, .min_keep = min_keep, .max = max, .is_sorted = 1};
    vt__select(got, n, &order, &m);
    if (!is_sorted) qsort(got, (size_t)want, sizeof *got, compare);
    for (int64_t i = 0; i < want; i++) assert_int_equal(got[i].id, sorted[i].id);
}

static void check(int64_t n, shape s) {
    static vt__candidate all[MOST], sorted[MOST];
    static double sums[MOST];
    float logit[1], w[1], max = -INFINITY;
    fill(all, n, s);
    for (int64_t i = 0; i < n; i++) max = all[i].logit > max ? all[i].logit : max;
    memcpy(sorted, all, (size_t)n * sizeof *all);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    for (int64_t i = 0; i < n; i++) {
        logit[0] = sorted[i].logit;
        vtk_get()->row_exp(w, logit, 1, max);
        sums[i] = (i > 0 ? sums[i - 1] : 0) + (double)w[0];
    }
    for (int k = 0; k < 8; k++) {
        int64_t want = 1 + (n - 1) * k / 7;
        double before = want > 1 ? sums[want - 2] : 0;
        if (sums[want - 1] - before > 1e-9 * sums[want - 1]) check_first(all, sorted, sums, n, want, 1);
    }
    if (sums[0] > 0) check_first(all, sorted, sums, n, 1, (n + 1) / 2);
}

static void check_all(void) {
    static const int64_t lengths[] = {1, 2, 127, 128, 129, 1023, 1024, 1025, 5000};
    for (int s = 0; s < N_SHAPES; s++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) check(lengths[i], (shape)s);
}

static void the_best_are_those_of_a_sort(void **state) {
    (void)state;
    order = (vt__order){0, 0};
    check_all();
}

static void the_nearest_are_those_of_a_sort(void **state) {
    static const double centres[] = {0, 0.06, 1.25, 17, -3};
    (void)state;
    for (size_t i = 0; i < sizeof centres / sizeof *centres; i++) {
        order = (vt__order){1, centres[i]};
        check_all();
    }
}

static void all_are_taken_where_none_is_enough(void **state) {
    vt__candidate h[300];
    vt__mass m = {.enough = 1e9, .min_keep = 1, .max = 1, .is_sorted = 1};
    (void)state;
    order = (vt__order){0, 0};
    fill(h, 300, FLAT);
    vt__select(h, 300, &order, &m);
    assert_int_equal(m.kept, 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_are_those_of_a_sort),
        cmocka_unit_test(the_nearest_are_those_of_a_sort),
        cmocka_unit_test(all_are_taken_where_none_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
