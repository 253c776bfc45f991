/* Families of solvers through the public calls: what equals what, what is refused, what happens when memory ends. The model is the exact one of a Gaussian N(m, s^2). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sample/families.h"
#include "torture_each.h"
#include "venturi/context.h"
#include "venturi/solver.h"
#include "venturi/tensor.h"

enum { ROWS = 4, SIZE = 3, N = ROWS * SIZE };
static const double mean = 0.4, deviation = 0.3;

static vt_context *context;

static int make(void **state) {
    (void)state;
    return vt_context_create(NULL, &context) != VT_OK;
}

static int drop(void **state) {
    (void)state;
    vt_context_release(context);
    return 0;
}

/* What the model of a test answers. */
struct model {
    vt_context *ctx;
    int is_flow, is_constant; /* velocities; the same noise everywhere */
    double gain;              /* of the refiner */
};

static double velocity(double x, double a, double s) {
    const double v = a * a * deviation * deviation + s * s;
    return mean + deviation * deviation * a * (x - a * mean) / v - s * (x - a * mean) / v;
}

static vt_status answer(void *user, const vt_solver_request *r, vt_tensor **out) {
    const struct model *m = user;
    const int64_t n = vt_tensor_count(r->x) / r->n_rows;
    vt_status st = vt_tensor_create(m->ctx, vt_tensor_dtype(r->x), vt_tensor_shape(r->x), vt_tensor_n_dims(r->x), VT_DEVICE_CPU, out);
    if (st != VT_OK) return st;
    const double *x = vt_tensor_data(r->x), *w = r->extra ? vt_tensor_data(r->extra) : NULL;
    double *e = vt_tensor_data(*out);
    for (int64_t i = 0; i < n * r->n_rows; i++) {
        const double a = r->alpha[i / n], s = r->sigma[i / n];
        if (m->is_flow) e[i] = velocity(x[i], a, s);
        else e[i] = m->is_constant ? 0.7 : s * (x[i] - a * mean) / (a * a * deviation * deviation + s * s);
        if (r->model == 1) e[i] = m->gain * (e[i] - w[i]);
    }
    return VT_OK;
}

/* A run that does something to the solver before each step. */
typedef vt_status (*between_fn)(vt_solver *solver);

static vt_status run_with(const vt_schedule_options *so, const vt_solver_options *o, struct model *m, between_fn between, double end[N]) {
    const int64_t shape[] = {ROWS, SIZE};
    double start[N];
    vt_schedule *schedule = NULL;
    vt_solver *solver = NULL;
    vt_tensor *x = NULL;
    for (int i = 0; i < N; i++) start[i] = 0.3 * i - 1.5;
    vt_status st = vt_schedule_create(m->ctx, so, &schedule);
    if (st == VT_OK) st = vt_solver_create(m->ctx, schedule, o, &solver);
    if (st == VT_OK) st = vt_tensor_create(m->ctx, VT_DTYPE_F64, shape, 2, VT_DEVICE_CPU, &x);
    if (st == VT_OK) st = vt_tensor_write(x, start, sizeof start);
    if (st == VT_OK) st = vt_solver_set_extra(solver, 0, x);
    if (st == VT_OK) st = vt_solver_begin(solver, x, NULL);
    while (st == VT_OK && !vt_solver_is_done(solver)) {
        vt_solver_request r = VT_STRUCT_INIT(vt_solver_request);
        vt_tensor *e = NULL;
        if (between) st = between(solver);
        if (st == VT_OK) st = vt_solver_next(solver, &r);
        if (st == VT_OK) st = answer(m, &r, &e);
        if (st == VT_OK) st = vt_solver_step(solver, &e, 1);
        vt_tensor_release(e);
    }
    if (st == VT_OK) st = vt_tensor_read(vt_solver_state(solver), end, sizeof start);
    vt_tensor_release(x);
    vt_solver_release(solver);
    vt_schedule_release(schedule);
    return st;
}

static void run(const vt_solver_options *o, double end[N]) {
    struct model m = {.ctx = context};
    vt_schedule_options so = VT_STRUCT_INIT(vt_schedule_options);
    so.kind = VT_SCHEDULE_VP;
    assert_int_equal(run_with(&so, o, &m, NULL, end), VT_OK);
}

static vt_solver_options options(int32_t kind, int32_t order) {
    vt_solver_options o = VT_STRUCT_INIT(vt_solver_options);
    o.kind = kind;
    o.order = order;
    o.dtype = VT_DTYPE_F64;
    o.spacing = VT_SPACING_LOG_SNR;
    o.n_steps = 8;
    return o;
}

static void assert_near(const double *a, const double *b, double tolerance) {
    for (int i = 0; i < N; i++) {
        if (!(fabs(a[i] - b[i]) <= tolerance)) fail_msg("element %d: %.17g, not %.17g", i, a[i], b[i]);
    }
}

static void assert_same_run(const vt_solver_options *a, const vt_solver_options *b, double tolerance) {
    double x[N], y[N];
    run(a, x);
    run(b, y);
    assert_near(x, y, tolerance);
}

/* ---- what equals what ---- */

static void order_1_of_multistep_kinds_is_ddim(void **state) {
    (void)state;
    const vt_solver_options ddim = options(VT_SOLVER_DDIM, 0);
    for (int32_t variant = 0; variant < VT__DEIS_N; variant++) {
        vt_solver_options o = options(VT_SOLVER_DEIS, 1);
        o.variant = variant;
        assert_same_run(&o, &ddim, 1e-13);
    }
    for (int32_t variant = 0; variant < VT__PNDM_N; variant++) {
        vt_solver_options o = options(VT_SOLVER_PNDM, 1);
        o.variant = variant;
        assert_same_run(&o, &ddim, 1e-13);
    }
    vt_solver_options o = options(VT_SOLVER_RK, 0);
    o.variant = VT_RK_EULER;
    assert_same_run(&o, &ddim, 1e-13);
    o = options(VT_SOLVER_UNIPC, 1);
    o.plain_steps = 100;
    assert_same_run(&o, &ddim, 1e-13);
}

static void momentum_of_beta_1_is_the_base_bit_for_bit(void **state) {
    (void)state;
    for (int32_t order = 1; order <= 4; order++) {
        const vt_solver_options base = {.struct_size = sizeof base, .kind = VT_SOLVER_PNDM, .order = order, .variant = VT_PNDM_RAMP, .dtype = VT_DTYPE_F64, .n_steps = 9};
        vt_solver_options o = base;
        for (o.momentum = VT_MOMENTUM_HEAVY_BALL; o.momentum <= VT_MOMENTUM_GENERALISED; o.momentum++) {
            o.beta = 1;
            assert_same_run(&o, &base, 0);
        }
        o = base;
        o.kind = VT_SOLVER_GHVB;
        assert_same_run(&o, &base, 0);
        o.beta = 0.6; /* GHVB is the ramp with generalised momentum */
        vt_solver_options generalised = base;
        generalised.momentum = VT_MOMENTUM_GENERALISED, generalised.beta = 0.6;
        assert_same_run(&o, &generalised, 0);
    }
}

static void generalised_weights_are_the_published_tables(void **state) {
    (void)state;
    static const double even[5][5] = {{1}, {1.5, -0.5}, {23.0 / 12, -16.0 / 12, 5.0 / 12}, {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24},
                                      {1901.0 / 720, -2774.0 / 720, 2616.0 / 720, -1274.0 / 720, 251.0 / 720}};
    for (int step = 1; step <= 10; step++) {
        const double b = 0.1 * step;
        const double table[5][5] = {{b}, {(2 + b) / 2, -(2 - b) / 2}, {(18 + 5 * b) / 12, -(24 - 8 * b) / 12, (6 - b) / 12},
                                    {(46 + 9 * b) / 24, -(78 - 19 * b) / 24, (42 - 5 * b) / 24, -(10 - b) / 24},
                                    {(1650 + 251 * b) / 720, -(3420 - 646 * b) / 720, (2880 - 264 * b) / 720, -(1380 - 106 * b) / 720, (270 - 19 * b) / 720}};
        for (int32_t n = 1; n <= 5; n++) {
            double w[5];
            vt__momentum_weights(even[n - 1], n, b, w);
            for (int32_t j = 0; j < n; j++) assert_true(fabs(w[j] - table[n - 1][j] / b) <= 1e-12);
        }
    }
}

/* Per-step tables that are other solvers. */
static void tables_of_steps_are_the_solvers_that_they_spell(void **state) {
    (void)state;
    vt_solver_usf_step steps[8];
    for (int relaxed = 0; relaxed < 2; relaxed++) {
        for (int i = 0; i < 8; i++) {
            const int32_t order = i > 0 && i < 7 ? 2 : 1;
            steps[i] = (vt_solver_usf_step){.prediction = VT_PREDICTION_DATA, .order = order};
            steps[i].derivative[0] = (vt_solver_derivative){.n_points = 1, .back = {1}, .relaxation = relaxed ? VT_RELAX_BH2 : VT_RELAX_NONE};
        }
        vt_solver_options o = options(VT_SOLVER_USF, 0), dpm = options(VT_SOLVER_DPM, 2);
        o.usf = steps;
        dpm.form = relaxed ? VT_FORM_MIDPOINT : VT_FORM_HEUN;
        dpm.flags = VT_SOLVER_LOWER_FINAL;
        assert_same_run(&o, &dpm, 1e-12);
    }
}

/* A corrected first-order step with the true weights is UniC of order 1 but for its published 1/2; of order 2 they agree. */
static void unipc_is_a_corrected_table(void **state) {
    (void)state;
    vt_solver_usf_step steps[8];
    for (int i = 0; i < 8; i++) {
        const int32_t order = i < 2 ? i + 1 : 8 - i < 3 ? 8 - i : 3;
        steps[i] = (vt_solver_usf_step){.prediction = VT_PREDICTION_DATA, .order = order};
        for (int k = 0; k < 2; k++) steps[i].derivative[k] = (vt_solver_derivative){.n_points = order - 1, .back = {1, 2}};
        if (order == 2) steps[i].derivative[0].relaxation = VT_RELAX_BH2;
        if (i == 7) break;
        steps[i].corrector = VT_CORRECT_PSEUDO;
        steps[i].corrector_order = order + 1;
        for (int k = 0; k < 3; k++) steps[i].corrector_derivative[k] = (vt_solver_derivative){.n_points = order, .back = {-1, 1, 2}};
        if (order == 1) steps[i].corrector_derivative[0].relaxation = VT_RELAX_BH2; /* the published weight of a single point */
    }
    vt_solver_options o = options(VT_SOLVER_USF, 0), unipc = options(VT_SOLVER_UNIPC, 3);
    o.usf = steps;
    assert_same_run(&o, &unipc, 1e-12);
}

static void constant_noise_is_solved_exactly(void **state) {
    (void)state;
    static const struct {
        int32_t kind, variant, order;
    } kinds[] = {{VT_SOLVER_DEIS, VT_DEIS_TIME, 4}, {VT_SOLVER_DEIS, VT_DEIS_RATIO, 4}, {VT_SOLVER_DEIS, VT_DEIS_EVEN, 4}, {VT_SOLVER_PNDM, VT_PNDM_RUNGE_KUTTA, 4},
                 {VT_SOLVER_PNDM, VT_PNDM_IMPROVED_EULER, 0}, {VT_SOLVER_RK, VT_RK_CLASSICAL4, 0}, {VT_SOLVER_RK, VT_RK_DORMAND_PRINCE5, 0}, {VT_SOLVER_GHVB, 0, 3}};
    struct model m = {.ctx = context, .is_constant = 1};
    vt_schedule_options so = VT_STRUCT_INIT(vt_schedule_options);
    double exact[N], x[N];
    vt_solver_options o = options(VT_SOLVER_DDIM, 0);
    o.n_steps = 1;
    so.kind = VT_SCHEDULE_VP;
    assert_int_equal(run_with(&so, &o, &m, NULL, exact), VT_OK);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        o = options(kinds[k].kind, kinds[k].order);
        o.variant = kinds[k].variant;
        if (o.kind == VT_SOLVER_GHVB) o.beta = 0.5;
        assert_int_equal(run_with(&so, &o, &m, NULL, x), VT_OK);
        assert_near(x, exact, 1e-10);
    }
}

static void an_exact_refiner_makes_steps_of_heun(void **state) {
    (void)state;
    struct model m = {.ctx = context, .is_flow = 1, .gain = 1};
    vt_schedule_options so = VT_STRUCT_INIT(vt_schedule_options);
    vt_solver_options o = options(VT_SOLVER_FLOWTURBO, 0);
    double heun[N], refined[N];
    so.kind = VT_SCHEDULE_FLOW;
    o.spacing = VT_SPACING_UNIFORM, o.prediction = VT_PREDICT_FLOW, o.n_steps = 5;
    o.program = "HHHHH";
    assert_int_equal(run_with(&so, &o, &m, NULL, heun), VT_OK);
    o.program = "RRRRR";
    assert_int_equal(run_with(&so, &o, &m, NULL, refined), VT_OK);
    assert_near(refined, heun, 1e-12);
    o.kind = VT_SOLVER_RK, o.variant = VT_RK_HEUN2;
    assert_int_equal(run_with(&so, &o, &m, NULL, refined), VT_OK);
    assert_near(refined, heun, 1e-12);
}

/* ---- rows ---- */

static vt_status shift_nothing(vt_solver *solver) {
    vt_time_shift_options o = VT_STRUCT_INIT(vt_time_shift_options);
    double times[ROWS];
    vt_solver_request r = VT_STRUCT_INIT(vt_solver_request);
    vt_status st = vt_solver_next(solver, &r);
    return st == VT_OK ? vt_solver_time_shift(solver, &o, times, ROWS) : st;
}

static void a_time_shift_without_a_window_changes_no_bit(void **state) {
    (void)state;
    struct model m = {.ctx = context};
    double a[N], b[N];
    vt_solver_options o = options(VT_SOLVER_DDIM, 0);
    o.spacing = VT_SPACING_LEADING_N;
    assert_int_equal(run_with(NULL, &o, &m, NULL, a), VT_OK);
    assert_int_equal(run_with(NULL, &o, &m, shift_nothing, b), VT_OK);
    assert_memory_equal(a, b, sizeof a);
}

static vt_status shift_rows(vt_solver *solver) {
    vt_time_shift_options o = VT_STRUCT_INIT(vt_time_shift_options);
    double times[ROWS];
    o.window = 60, o.cutoff = 100;
    return vt_solver_time_shift(solver, &o, times, ROWS);
}

static vt_status route_rows(vt_solver *solver) {
    static const int32_t role[ROWS] = {VT_ROLE_SOURCE, VT_ROLE_TARGET, VT_ROLE_MUTUAL, VT_ROLE_SOURCE};
    static const int64_t partner[ROWS] = {2, 0, 0, 3};
    return vt_solver_set_route(solver, role, partner);
}

static vt_status grid_rows(vt_solver *solver) { return vt_solver_set_times(solver, 0, NULL, 0); }

static void rows_on_the_grid_again_are_where_they_were(void **state) {
    (void)state;
    struct model m = {.ctx = context};
    double a[N], b[N];
    vt_solver_options o = options(VT_SOLVER_DEIS, 3);
    assert_int_equal(run_with(NULL, &o, &m, NULL, a), VT_OK);
    assert_int_equal(run_with(NULL, &o, &m, grid_rows, b), VT_OK);
    assert_memory_equal(a, b, sizeof a);
}

/* ---- refusals ---- */

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    static const struct {
        vt_solver_options o;
        int32_t schedule;
        vt_status st;
    } bad[] = {
        {{.kind = VT_SOLVER_DEIS, .order = 5}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_DEIS, .variant = 3}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_DEIS}, VT_SCHEDULE_FLOW, VT_ERR_INVALID}, /* begins without signal */
        {{.kind = VT_SOLVER_PNDM, .order = 5}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_PNDM, .reading = VT_PNDM_AS_DIFFUSERS}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_PNDM, .flags = VT_SOLVER_CLASSICAL}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_UNIPC, .order = 5}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_USF}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_GHVB, .momentum = VT_MOMENTUM_NESTEROV}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_GHVB, .beta = 1.5}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_RESSHIFT}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_FLOWTURBO, .program = "HHHHHHHH"}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_FLOWTURBO, .program = "HPQ"}, VT_SCHEDULE_FLOW, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_FLOWTURBO}, VT_SCHEDULE_FLOW, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_DDCM, .eta = 1.5}, VT_SCHEDULE_LINEAR, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_RK, .variant = 9}, VT_SCHEDULE_VP, VT_ERR_INVALID},
        {{.kind = VT_SOLVER_RK, .momentum = VT_MOMENTUM_GENERALISED, .beta = 0.5}, VT_SCHEDULE_VP, VT_ERR_UNSUPPORTED},
        {{.kind = VT_SOLVER_PNDM, .momentum = VT_MOMENTUM_GENERALISED, .beta = 0.5}, VT_SCHEDULE_VP, VT_ERR_UNSUPPORTED}, /* its Runge-Kutta steps */
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct model m = {.ctx = context};
        vt_schedule_options so = VT_STRUCT_INIT(vt_schedule_options);
        vt_solver_options o = bad[k].o;
        double x[N];
        so.kind = bad[k].schedule;
        o.struct_size = sizeof o;
        o.dtype = VT_DTYPE_F64;
        o.n_steps = 8;
        const vt_status st = run_with(&so, &o, &m, NULL, x);
        if (st != bad[k].st) fail_msg("case %zu: status %d, not %d", k, st, bad[k].st);
    }
}

static void points_that_are_not_there_are_refused(void **state) {
    (void)state;
    static const vt_solver_usf_step bad[] = {
        {.order = 2, .derivative = {{.n_points = 1, .back = {1}}}}, /* nothing is before the first step */
        {.order = 2, .derivative = {{.n_points = 0}}},
        {.order = 5},
        {.order = 0},
        {.prediction = 2, .order = 1},
        {.order = 1, .corrector = VT_CORRECT_PSEUDO, .corrector_order = 2, .corrector_derivative = {{.n_points = 1, .back = {0}}}},
        {.order = 1, .corrector = VT_CORRECT_PSEUDO, .corrector_order = 6},
        {.order = 1, .corrector = 3},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        struct model m = {.ctx = context};
        vt_solver_usf_step steps[2] = {bad[k], {.order = 1}};
        vt_solver_options o = options(VT_SOLVER_USF, 0);
        double x[N];
        o.usf = steps;
        o.n_steps = 2;
        assert_int_equal(run_with(NULL, &o, &m, NULL, x), VT_ERR_INVALID);
    }
}

/* Kinds that ask at the end of a step, or within one, have no rows of their own. */
static void rows_of_their_own_are_refused_where_they_cannot_be(void **state) {
    (void)state;
    struct model m = {.ctx = context};
    double x[N];
    vt_solver_options o = options(VT_SOLVER_UNIPC, 2);
    assert_int_equal(run_with(NULL, &o, &m, shift_rows, x), VT_ERR_STATE);
    o = options(VT_SOLVER_RK, 0);
    assert_int_equal(run_with(NULL, &o, &m, shift_rows, x), VT_ERR_STATE);
}

/* ---- memory ---- */

static vt_status work_of(vt_context *ctx, const vt_solver_options *o, between_fn between) {
    struct model m = {.ctx = ctx};
    double x[N];
    return run_with(NULL, o, &m, between, x);
}

static vt_status shift(vt_context *ctx) {
    vt_solver_options o = options(VT_SOLVER_DEIS, 2);
    o.n_steps = 3, o.spacing = VT_SPACING_LEADING_N, o.offset = 200;
    return work_of(ctx, &o, shift_rows);
}

static vt_status route(vt_context *ctx) {
    vt_solver_options o = options(VT_SOLVER_DDCM, 0);
    o.n_steps = 2, o.eta = 0.5;
    return work_of(ctx, &o, route_rows);
}

static vt_status table(vt_context *ctx) {
    static const vt_solver_usf_step steps[2] = {
        {.order = 1, .corrector = VT_CORRECT_IMPLICIT, .corrector_order = 2, .corrector_derivative = {{.n_points = 1, .back = {-1}}}},
        {.prediction = VT_PREDICTION_NOISE, .order = 2, .derivative = {{.n_points = 1, .back = {1}}}}};
    vt_solver_options o = options(VT_SOLVER_USF, 0);
    o.n_steps = 2, o.usf = steps;
    return work_of(ctx, &o, NULL);
}

static void failed_allocations_leak_nothing(void **state) {
    (void)state;
    torture_each(shift);
    torture_each(route);
    torture_each(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_1_of_multistep_kinds_is_ddim),
        cmocka_unit_test(momentum_of_beta_1_is_the_base_bit_for_bit),
        cmocka_unit_test(generalised_weights_are_the_published_tables),
        cmocka_unit_test(tables_of_steps_are_the_solvers_that_they_spell),
        cmocka_unit_test(unipc_is_a_corrected_table),
        cmocka_unit_test(constant_noise_is_solved_exactly),
        cmocka_unit_test(an_exact_refiner_makes_steps_of_heun),
        cmocka_unit_test(a_time_shift_without_a_window_changes_no_bit),
        cmocka_unit_test(rows_on_the_grid_again_are_where_they_were),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(points_that_are_not_there_are_refused),
        cmocka_unit_test(rows_of_their_own_are_refused_where_they_cannot_be),
        cmocka_unit_test(failed_allocations_leak_nothing),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
