/* Solvers end to end, through the public calls, on one Gaussian: data N(m, s^2) has the exact prediction eps = sigma (x - alpha m) / (alpha^2 s^2 + sigma^2). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "venturi/context.h"
#include "venturi/solver.h"
#include "venturi/tensor.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

enum { ROWS = 3, SIZE = 5 };
static const double mean = 0.4, deviation = 0.3;

static vt_status predict(void *user, const vt_solver_request *r, vt_tensor **out) {
    (void)user;
    const int64_t n = vt_tensor_count(r->x) / r->n_rows;
    vt_status st = vt_tensor_create(ctx, vt_tensor_dtype(r->x), vt_tensor_shape(r->x), vt_tensor_n_dims(r->x), VT_DEVICE_CPU, out);
    if (st != VT_OK) return st;
    const double *x = vt_tensor_data(r->x);
    double *e = vt_tensor_data(*out);
    for (int64_t i = 0; i < n * r->n_rows; i++) {
        const double a = r->alpha[i / n], s = r->sigma[i / n];
        e[i] = s * (x[i] - a * mean) / (a * a * deviation * deviation + s * s);
    }
    return VT_OK;
}

static vt_status run(const vt_schedule_options *so, const vt_solver_options *o, double end[ROWS * SIZE]) {
    const int64_t shape[] = {ROWS, SIZE};
    double start[ROWS * SIZE];
    vt_schedule *schedule = NULL;
    vt_solver *solver = NULL;
    vt_tensor *x = NULL;
    for (int i = 0; i < ROWS * SIZE; i++) start[i] = 0.3 * i - 2;
    vt_status st = vt_schedule_create(ctx, so, &schedule);
    if (st == VT_OK) st = vt_solver_create(ctx, schedule, o, &solver);
    if (st == VT_OK) st = vt_tensor_create(ctx, VT_DTYPE_F64, shape, 2, VT_DEVICE_CPU, &x);
    if (st == VT_OK) st = vt_tensor_write(x, start, sizeof start);
    if (st == VT_OK) st = vt_solver_begin(solver, x, NULL);
    if (st == VT_OK) st = vt_solver_run(solver, predict, NULL, NULL);
    if (st == VT_OK) st = vt_tensor_read(vt_solver_state(solver), end, sizeof start);
    vt_tensor_release(x);
    vt_solver_release(solver);
    vt_schedule_release(schedule);
    return st;
}

static vt_solver_options options(int32_t kind) {
    vt_solver_options o = VT_STRUCT_INIT(vt_solver_options);
    o.kind = kind;
    o.dtype = VT_DTYPE_F64;
    o.n_steps = 10;
    return o;
}

static void dpm_of_order_1_is_ddim(void **state) {
    (void)state;
    double a[ROWS * SIZE], b[ROWS * SIZE];
    vt_solver_options o = options(VT_SOLVER_DDIM);
    assert_int_equal(run(NULL, &o, a), VT_OK);
    o.kind = VT_SOLVER_DPM;
    o.order = 1;
    assert_int_equal(run(NULL, &o, b), VT_OK);
    for (int i = 0; i < ROWS * SIZE; i++) assert_float_equal(a[i], b[i], 1e-14);
}

/* The exact map of a Gaussian: (x - alpha m) / sqrt(alpha^2 s^2 + sigma^2) stays. */
static void order_2_converges_to_the_exact_map(void **state) {
    (void)state;
    double last = 1;
    vt_level ends[2];
    vt_schedule *schedule = NULL;
    const double t[2] = {999, 0};
    assert_int_equal(vt_schedule_create(ctx, NULL, &schedule), VT_OK);
    assert_int_equal(vt_schedule_levels(schedule, t, 2, ends), VT_OK);
    vt_schedule_release(schedule);
    for (int64_t n = 20; n <= 160; n *= 2) {
        double x[ROWS * SIZE], worst = 0;
        vt_solver_options o = options(VT_SOLVER_DPM);
        o.n_steps = n;
        o.spacing = VT_SPACING_LOG_SNR;
        assert_int_equal(run(NULL, &o, x), VT_OK);
        for (int i = 0; i < ROWS * SIZE; i++) {
            const double a = ends[0].alpha, s = ends[0].sigma, a1 = ends[1].alpha, s1 = ends[1].sigma, d = deviation;
            const double exact = a1 * mean + (0.3 * i - 2 - a * mean) * sqrt((a1 * a1 * d * d + s1 * s1) / (a * a * d * d + s * s));
            worst = fmax(worst, fabs(x[i] - exact));
        }
        if (n > 20) assert_true(worst < last / 3.3);
        last = worst;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dpm_of_order_1_is_ddim),
        cmocka_unit_test(order_2_converges_to_the_exact_map),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
