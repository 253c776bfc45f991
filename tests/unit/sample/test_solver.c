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

#include "torture_each.h"

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

/* Prediction of the form that `user` names (VT_PREDICT_*), of any float type. */
static vt_status predict_as(void *user, const vt_solver_request *r, vt_tensor **out) {
    const int32_t form = *(const int32_t *)user, dtype = vt_tensor_dtype(r->x);
    const int64_t n = vt_tensor_count(r->x), row = n / r->n_rows;
    vt_status st = vt_tensor_create(ctx, dtype, vt_tensor_shape(r->x), vt_tensor_n_dims(r->x), VT_DEVICE_CPU, out);
    for (int64_t i = 0; st == VT_OK && i < n; i++) {
        const double a = r->alpha[i / row], s = r->sigma[i / row];
        const double x = dtype == VT_DTYPE_F32 ? (double)((const float *)vt_tensor_data(r->x))[i] : ((const double *)vt_tensor_data(r->x))[i];
        const double e = s * (x - a * mean) / (a * a * deviation * deviation + s * s), x0 = (x - s * e) / a;
        const double of[] = {e, x0, a * e - s * x0, x0 - e, e - x0, -e / s};
        if (dtype == VT_DTYPE_F32) ((float *)vt_tensor_data(*out))[i] = (float)of[form];
        else ((double *)vt_tensor_data(*out))[i] = of[form];
    }
    return st;
}

/* A solver that has begun with rows [first, first + n) of a batch whose row r has seed 100 + r. */
static vt_solver *begin(vt_context *c, const vt_solver_options *o, int64_t first, int64_t n, int64_t size) {
    const int64_t shape[] = {n, size};
    uint64_t seeds[8];
    vt_schedule *schedule = NULL;
    vt_solver *solver = NULL;
    vt_tensor *x = NULL;
    assert_int_equal(vt_schedule_create(c, NULL, &schedule), VT_OK);
    assert_int_equal(vt_solver_create(c, schedule, o, &solver), VT_OK);
    assert_int_equal(vt_tensor_create(c, o->dtype, shape, 2, VT_DEVICE_CPU, &x), VT_OK);
    for (int64_t i = 0; i < n * size; i++) {
        const double v = sin(0.7 * (double)(first * size + i));
        if (o->dtype == VT_DTYPE_F32) ((float *)vt_tensor_data(x))[i] = (float)v;
        else ((double *)vt_tensor_data(x))[i] = v;
    }
    for (int64_t r = 0; r < n; r++) seeds[r] = 100 + (uint64_t)(first + r);
    assert_int_equal(vt_solver_begin(solver, x, seeds), VT_OK);
    vt_tensor_release(x);
    vt_schedule_release(schedule);
    return solver;
}

static vt_solver_options stochastic(int32_t dtype) {
    vt_solver_options o = options(VT_SOLVER_DPM);
    o.order = 2;
    o.eta = 1;
    o.dtype = dtype;
    return o;
}

static void predictions_of_any_form_agree(void **state) {
    (void)state;
    vt_solver_options o = options(VT_SOLVER_DPM);
    o.order = 3;
    double first[2 * SIZE];
    for (int32_t form = 0; form <= VT_PREDICT_SCORE; form++) {
        o.prediction = form;
        vt_solver *solver = begin(ctx, &o, 0, 2, SIZE);
        assert_int_equal(vt_solver_run(solver, predict_as, &form, NULL), VT_OK);
        const double *x = vt_tensor_data(vt_solver_state(solver));
        for (int i = 0; i < 2 * SIZE; i++) {
            if (form == 0) first[i] = x[i];
            assert_float_equal(x[i], first[i], 1e-10);
        }
        vt_solver_release(solver);
    }
}

static void a_row_does_not_depend_on_its_batch(void **state) {
    (void)state;
    int32_t form = VT_PREDICT_EPS;
    for (int brownian = 0; brownian < 2; brownian++) {
        vt_solver_options o = stochastic(VT_DTYPE_F32);
        if (brownian) o.flags = VT_SOLVER_BROWNIAN;
        vt_solver *all = begin(ctx, &o, 0, 5, 700), *part = begin(ctx, &o, 3, 2, 700);
        assert_int_equal(vt_solver_run(all, predict_as, &form, NULL), VT_OK);
        assert_int_equal(vt_solver_run(part, predict_as, &form, NULL), VT_OK);
        assert_memory_equal((const float *)vt_tensor_data(vt_solver_state(all)) + 3 * 700, vt_tensor_data(vt_solver_state(part)), 2 * 700 * sizeof(float));
        vt_solver_release(all);
        vt_solver_release(part);
    }
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    enum { WIDE = 40000 };
    int32_t form = VT_PREDICT_EPS;
    vt_context *alone = NULL;
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    co.n_threads = 1;
    assert_int_equal(vt_context_create(&co, &alone), VT_OK);
    vt_solver_options o = stochastic(VT_DTYPE_F32);
    o.n_steps = 3;
    o.threshold = 0.9;
    vt_solver *one = begin(alone, &o, 0, 2, WIDE), *many = begin(ctx, &o, 0, 2, WIDE);
    assert_int_equal(vt_solver_run(one, predict_as, &form, NULL), VT_OK);
    assert_int_equal(vt_solver_run(many, predict_as, &form, NULL), VT_OK);
    assert_memory_equal(vt_tensor_data(vt_solver_state(one)), vt_tensor_data(vt_solver_state(many)), 2 * WIDE * sizeof(float));
    vt_solver_release(one);
    vt_solver_release(many);
    vt_context_release(alone);
}

static void advance(vt_solver *solver, int n) {
    int32_t form = VT_PREDICT_EPS;
    for (int i = 0; i < n; i++) {
        vt_solver_request r = VT_STRUCT_INIT(vt_solver_request);
        vt_tensor *p = NULL;
        assert_int_equal(vt_solver_next(solver, &r), VT_OK);
        assert_int_equal(predict_as(&form, &r, &p), VT_OK);
        assert_int_equal(vt_solver_step(solver, &p, 1), VT_OK);
        vt_tensor_release(p);
    }
}

static void a_snapshot_goes_on_where_it_was_taken(void **state) {
    (void)state;
    static const int32_t kinds[] = {VT_SOLVER_DPM, VT_SOLVER_HEUN, VT_SOLVER_DPM_SINGLE, VT_SOLVER_ANCESTRAL, VT_SOLVER_DPM_ADAPTIVE, VT_SOLVER_LMS};
    int32_t form = VT_PREDICT_EPS;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        vt_solver_options o = options(kinds[k]);
        if (kinds[k] == VT_SOLVER_DPM) o.eta = 1;
        vt_solver *a = begin(ctx, &o, 0, 2, SIZE), *b = begin(ctx, &o, 4, 1, 3);
        vt_buffer *bytes = NULL;
        advance(a, 5);
        assert_int_equal(vt_solver_save(a, &bytes), VT_OK);
        assert_int_equal(vt_solver_restore(b, vt_buffer_data(bytes), vt_buffer_size(bytes)), VT_OK);
        assert_int_equal(vt_solver_run(a, predict_as, &form, NULL), VT_OK);
        assert_int_equal(vt_solver_run(b, predict_as, &form, NULL), VT_OK);
        assert_memory_equal(vt_tensor_data(vt_solver_state(a)), vt_tensor_data(vt_solver_state(b)), 2 * SIZE * sizeof(double));
        vt_buffer_release(bytes);
        vt_solver_release(a);
        vt_solver_release(b);
    }
}

static void a_damaged_snapshot_is_refused(void **state) {
    (void)state;
    vt_solver_options o = options(VT_SOLVER_DPM);
    vt_solver *a = begin(ctx, &o, 0, 2, SIZE), *other;
    vt_buffer *bytes = NULL;
    advance(a, 2);
    assert_int_equal(vt_solver_save(a, &bytes), VT_OK);
    const size_t size = vt_buffer_size(bytes);
    char copy[4096];
    assert_true(size <= sizeof copy);
    for (size_t at = 0; at < size; at += 7) {
        memcpy(copy, vt_buffer_data(bytes), size);
        copy[at] = (char)(copy[at] ^ 0x55);
        assert_int_equal(vt_solver_restore(a, copy, size), VT_ERR_FORMAT);
        assert_int_equal(vt_solver_restore(a, vt_buffer_data(bytes), at), VT_ERR_FORMAT);
    }
    o.n_steps = 11;
    other = begin(ctx, &o, 0, 2, SIZE);
    assert_int_equal(vt_solver_restore(other, vt_buffer_data(bytes), size), VT_ERR_STATE);
    vt_solver_release(other);
    vt_buffer_release(bytes);
    vt_solver_release(a);
}

static void a_prediction_that_is_no_number_names_its_row_and_changes_nothing(void **state) {
    (void)state;
    int32_t form = VT_PREDICT_EPS;
    vt_solver_options o = stochastic(VT_DTYPE_F64);
    vt_solver *solver = begin(ctx, &o, 0, 3, SIZE), *clean = begin(ctx, &o, 0, 3, SIZE);
    vt_solver_request r = VT_STRUCT_INIT(vt_solver_request);
    vt_tensor *p = NULL;
    advance(solver, 4);
    assert_int_equal(vt_solver_next(solver, &r), VT_OK);
    assert_int_equal(predict_as(&form, &r, &p), VT_OK);
    ((double *)vt_tensor_data(p))[2 * SIZE + 1] = (double)NAN;
    assert_int_equal(vt_solver_step(solver, &p, 1), VT_ERR_NUMERIC);
    assert_non_null(strstr(vt_error_message(), "row 2"));
    assert_non_null(strstr(vt_error_message(), "step 4"));
    vt_tensor_release(p);
    assert_int_equal(vt_solver_run(solver, predict_as, &form, NULL), VT_OK);
    assert_int_equal(vt_solver_run(clean, predict_as, &form, NULL), VT_OK);
    assert_memory_equal(vt_tensor_data(vt_solver_state(solver)), vt_tensor_data(vt_solver_state(clean)), 3 * SIZE * sizeof(double));
    vt_solver_release(solver);
    vt_solver_release(clean);
}

static void a_state_that_is_held_stays_as_it_is(void **state) {
    (void)state;
    vt_solver_options o = options(VT_SOLVER_DDIM);
    vt_solver *solver = begin(ctx, &o, 0, 2, SIZE);
    double before[2 * SIZE];
    vt_tensor *held = vt_tensor_retain(vt_solver_state(solver));
    assert_int_equal(vt_tensor_read(held, before, sizeof before), VT_OK);
    advance(solver, 6);
    assert_memory_equal(vt_tensor_data(held), before, sizeof before);
    vt_tensor_release(held);
    vt_solver_release(solver);
}

static void masked_parts_end_as_they_are_known(void **state) {
    (void)state;
    int32_t form = VT_PREDICT_EPS;
    const int64_t shape[] = {2, SIZE};
    vt_solver_options o = options(VT_SOLVER_DPM);
    o.spacing = VT_SPACING_TRAILING;
    vt_solver *solver = begin(ctx, &o, 0, 2, SIZE);
    vt_tensor *mask = NULL, *known = NULL;
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_F64, shape, 2, VT_DEVICE_CPU, &mask), VT_OK);
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_F64, shape, 2, VT_DEVICE_CPU, &known), VT_OK);
    ((double *)vt_tensor_data(mask))[3] = 1;
    ((double *)vt_tensor_data(known))[3] = 0.123;
    assert_int_equal(vt_solver_set_mask(solver, mask, known), VT_OK);
    assert_int_equal(vt_solver_run(solver, predict_as, &form, NULL), VT_OK);
    assert_float_equal(((const double *)vt_tensor_data(vt_solver_state(solver)))[3], 0.123, 1e-15);
    vt_tensor_release(mask);
    vt_tensor_release(known);
    vt_solver_release(solver);
}

/* With both predictions the same, guidance of any scale is none. */
static void guidance_between_equals_is_none(void **state) {
    (void)state;
    int32_t form = VT_PREDICT_EPS;
    vt_solver_options o = options(VT_SOLVER_DPM);
    vt_solver *plain = begin(ctx, &o, 0, 2, SIZE);
    assert_int_equal(vt_solver_run(plain, predict_as, &form, NULL), VT_OK);
    for (int32_t kind = VT_GUIDANCE_CFG; kind <= VT_GUIDANCE_CFG_PLUS; kind++) {
        o.guidance = kind;
        o.guidance_scale = 0.7;
        vt_solver *guided = begin(ctx, &o, 0, 2, SIZE);
        while (!vt_solver_is_done(guided)) {
            vt_solver_request r = VT_STRUCT_INIT(vt_solver_request);
            vt_tensor *p = NULL;
            assert_int_equal(vt_solver_next(guided, &r), VT_OK);
            assert_int_equal(r.n_predictions, 2);
            assert_int_equal(predict_as(&form, &r, &p), VT_OK);
            vt_tensor *both[] = {p, p};
            assert_int_equal(vt_solver_step(guided, both, 1), VT_ERR_INVALID);
            assert_int_equal(vt_solver_step(guided, both, 2), VT_OK);
            vt_tensor_release(p);
        }
        for (int i = 0; i < 2 * SIZE; i++)
            assert_float_equal(((const double *)vt_tensor_data(vt_solver_state(guided)))[i], ((const double *)vt_tensor_data(vt_solver_state(plain)))[i], 1e-12);
        vt_solver_release(guided);
    }
    vt_solver_release(plain);
}

static vt_status count_points(void *user, const vt_solver_event *e) {
    ((int *)user)[e->point]++;
    return VT_OK;
}

static void hooks_see_five_points_of_each_step(void **state) {
    (void)state;
    int32_t form = VT_PREDICT_EPS;
    int seen[5] = {0};
    vt_solver_options o = options(VT_SOLVER_DPM);
    vt_solver *solver = begin(ctx, &o, 0, 2, SIZE);
    assert_int_equal(vt_solver_set_hook(solver, count_points, seen), VT_ERR_STATE);
    assert_int_equal(vt_solver_run(solver, predict_as, &form, NULL), VT_OK);
    assert_int_equal(vt_solver_set_hook(solver, count_points, seen), VT_OK);
    vt_tensor *x = vt_tensor_retain(vt_solver_state(solver));
    assert_int_equal(vt_solver_begin(solver, x, NULL), VT_OK);
    vt_tensor_release(x);
    assert_int_equal(vt_solver_run(solver, predict_as, &form, NULL), VT_OK);
    for (int i = 0; i < 5; i++) assert_int_equal(seen[i], 10);
    vt_solver_release(solver);
}

/* The same path for 12 and for 24 steps: results are near each other, those of two seeds are not. */
static void a_brownian_path_does_not_depend_on_the_steps(void **state) {
    (void)state;
    int32_t form = VT_PREDICT_EPS;
    double end[3];
    for (int i = 0; i < 3; i++) {
        vt_solver_options o = stochastic(VT_DTYPE_F64);
        o.flags = VT_SOLVER_BROWNIAN;
        o.spacing = VT_SPACING_LOG_SNR;
        o.n_steps = i == 1 ? 48 : 24;
        vt_solver *solver = begin(ctx, &o, 0, i == 2 ? 2 : 1, 1);
        assert_int_equal(vt_solver_run(solver, predict_as, &form, NULL), VT_OK);
        end[i] = ((const double *)vt_tensor_data(vt_solver_state(solver)))[i == 2];
        vt_solver_release(solver);
    }
    assert_true(fabs(end[0] - end[1]) < 0.1);
    assert_true(fabs(end[0] - end[2]) > 2 * fabs(end[0] - end[1]));
}

static vt_status all_of_it(vt_context *c) {
    const int64_t shape[] = {2, SIZE};
    int32_t form = VT_PREDICT_EPS;
    vt_schedule *schedule = NULL;
    vt_solver *solver = NULL, *again = NULL;
    vt_tensor *x = NULL;
    vt_buffer *bytes = NULL;
    vt_solver_options o = stochastic(VT_DTYPE_F64);
    o.n_steps = 3;
    o.threshold = 0.9;
    vt_context *held = ctx;
    ctx = c; /* predictions are made there too */
    vt_status st = vt_schedule_create(c, NULL, &schedule);
    if (st == VT_OK) st = vt_solver_create(c, schedule, &o, &solver);
    if (st == VT_OK) st = vt_solver_create(c, schedule, &o, &again);
    if (st == VT_OK) st = vt_tensor_create(c, VT_DTYPE_F64, shape, 2, VT_DEVICE_CPU, &x);
    if (st == VT_OK) st = vt_solver_begin(solver, x, NULL);
    if (st == VT_OK) st = vt_solver_set_mask(solver, x, x);
    if (st == VT_OK) st = vt_solver_save(solver, &bytes);
    if (st == VT_OK) st = vt_solver_restore(again, vt_buffer_data(bytes), vt_buffer_size(bytes));
    if (st == VT_OK) st = vt_solver_run(again, predict_as, &form, NULL);
    if (st == VT_OK) st = vt_solver_run(solver, predict_as, &form, NULL);
    ctx = held;
    vt_buffer_release(bytes);
    vt_tensor_release(x);
    vt_solver_release(again);
    vt_solver_release(solver);
    vt_schedule_release(schedule);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(all_of_it);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dpm_of_order_1_is_ddim),
        cmocka_unit_test(order_2_converges_to_the_exact_map),
        cmocka_unit_test(predictions_of_any_form_agree),
        cmocka_unit_test(a_row_does_not_depend_on_its_batch),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(a_snapshot_goes_on_where_it_was_taken),
        cmocka_unit_test(a_damaged_snapshot_is_refused),
        cmocka_unit_test(a_prediction_that_is_no_number_names_its_row_and_changes_nothing),
        cmocka_unit_test(a_state_that_is_held_stays_as_it_is),
        cmocka_unit_test(masked_parts_end_as_they_are_known),
        cmocka_unit_test(guidance_between_equals_is_none),
        cmocka_unit_test(hooks_see_five_points_of_each_step),
        cmocka_unit_test(a_brownian_path_does_not_depend_on_the_steps),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
