/* Gaussian mixtures: identities of their predictions, the flow there and back, hostile files refused, every allocation failed once. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "torture_each.h"
#include "one_context.h"

static const double weights[] = {0.5, 0.3, 0.2}, means[] = {-0.7, 0.4, 0.6, 0.1, 0.2, -0.8}, stds[] = {0.1, 0.2, 0.15, 0.1, 0.3, 0.05};
static const int32_t labels[] = {0, 1, 1};

static vt_mixture_options options(void) {
    vt_mixture_options o = VT_STRUCT_INIT(vt_mixture_options);
    o.dim = 2, o.n_modes = 3;
    o.weights = weights, o.means = means, o.stds = stds, o.classes = labels;
    o.name = "three";
    return o;
}

static vt_mixture *make(void) {
    vt_mixture_options o = options();
    vt_mixture *m = NULL;
    assert_int_equal(vt_mixture_create(ctx, &o, &m), VT_OK);
    return m;
}

static vt_mixture_rows rows_at(const double *x, int64_t n, const double *alpha, const double *sigma) {
    vt_mixture_rows r = VT_STRUCT_INIT(vt_mixture_rows);
    r.flags = VT_MIXTURE_ONE_LEVEL;
    r.n = n;
    r.x = x, r.alpha = alpha, r.sigma = sigma;
    return r;
}

static void near(double a, double b, double tol) {
    if (!(fabs(a - b) <= tol)) fail_msg("%.17g is not %.17g within %g", a, b, tol);
}

static void predictions_are_one_thing_in_five_forms(void **state) {
    (void)state;
    static const double x[] = {0.3, -1.2, 2, 0.5}, levels[][2] = {{1, 0.02}, {0.8, 0.6}, {0.01, 1}, {0, 1}, {1, 80}, {1, 0}};
    vt_mixture *m = make();
    for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
        const double alpha = levels[l][0], sigma = levels[l][1];
        vt_mixture_rows r = rows_at(x, 2, &alpha, &sigma);
        double out[6][4];
        for (int kind = 0; kind < 6; kind++) assert_int_equal(vt_mixture_predict(m, &r, kind, out[kind]), VT_OK);
        for (int i = 0; i < 4; i++) {
            const double eps = out[VT_PREDICT_EPS][i], x0 = out[VT_PREDICT_X0][i];
            near(alpha * x0 + sigma * eps, x[i], 1e-13);
            near(out[VT_PREDICT_V][i], alpha * eps - sigma * x0, 1e-12);
            near(out[VT_PREDICT_FLOW][i], x0 - eps, 1e-13);
            near(out[VT_PREDICT_FLOW_BACK][i], eps - x0, 1e-13);
            near(-sigma * out[VT_PREDICT_SCORE][i], eps, 1e-13);
        }
    }
    vt_mixture_release(m);
}

static void score_is_the_slope_of_the_density(void **state) {
    (void)state;
    const double alpha = 0.8, sigma = 0.6, h = 1e-5;
    double x[] = {0.3, -0.2}, score[2], low, high;
    vt_mixture *m = make();
    vt_mixture_rows r = rows_at(x, 1, &alpha, &sigma);
    assert_int_equal(vt_mixture_predict(m, &r, VT_PREDICT_SCORE, score), VT_OK);
    for (int d = 0; d < 2; d++) {
        const double was = x[d];
        x[d] = was + h;
        assert_int_equal(vt_mixture_log_density(m, &r, &high), VT_OK);
        x[d] = was - h;
        assert_int_equal(vt_mixture_log_density(m, &r, &low), VT_OK);
        x[d] = was;
        near((high - low) / (2 * h), score[d], 1e-8);
    }
    vt_mixture_release(m);
}

static void guidance_is_a_straight_line_through_both_predictions(void **state) {
    (void)state;
    const double x[] = {0.3, -0.2, 0.3, -0.2}, alpha = 0.8, sigma = 0.6;
    const int32_t classes[] = {-1, 1};
    double plain[4], guided[4];
    vt_mixture *m = make();
    vt_mixture_rows r = rows_at(x, 2, &alpha, &sigma);
    r.classes = classes;
    assert_int_equal(vt_mixture_predict(m, &r, VT_PREDICT_EPS, plain), VT_OK);
    r.guidance = 7.5;
    assert_int_equal(vt_mixture_predict(m, &r, VT_PREDICT_EPS, guided), VT_OK);
    for (int d = 0; d < 2; d++) {
        assert_true(guided[d] == plain[d]);
        near(guided[2 + d], plain[d] + 7.5 * (plain[2 + d] - plain[d]), 1e-13);
    }
    double density;
    r.n = 1;
    assert_int_equal(vt_mixture_log_density(m, &r, &density), VT_ERR_INVALID);
    vt_mixture_release(m);
}

static void flow_there_and_back_is_nothing(void **state) {
    (void)state;
    double x[8], far[8], back[8];
    const double a0 = 0.0066, s0 = 0.99997, a1 = 1, s1 = 0.01;
    vt_mixture *m = make();
    assert_int_equal(vt_mixture_draw(m, 7, 0, 4, -1, x, NULL), VT_OK);
    vt_mixture_rows r = rows_at(x, 4, &a1, &s1);
    assert_int_equal(vt_mixture_solve(m, &r, a0, s0, NULL, far), VT_OK);
    vt_mixture_rows r2 = rows_at(far, 4, &a0, &s0);
    assert_int_equal(vt_mixture_solve(m, &r2, a1, s1, NULL, back), VT_OK);
    for (int i = 0; i < 8; i++) near(back[i], x[i], 1e-9); /* the way back magnifies errors */
    vt_mixture_rows one = rows_at(x + 2, 1, &a1, &s1);
    assert_int_equal(vt_mixture_solve(m, &one, a0, s0, NULL, back), VT_OK);
    assert_memory_equal(back, far + 2, 2 * sizeof *back); /* a row's flow is that row's alone */
    vt_mixture_release(m);
}

static void a_gaussian_flows_along_straight_quantiles(void **state) {
    (void)state;
    const double w = 1, mean = 0.5, std = 0.25, x = -1.3, none = 0, one = 1;
    double end;
    vt_mixture_options o = VT_STRUCT_INIT(vt_mixture_options);
    o.dim = 1, o.n_modes = 1, o.weights = &w, o.means = &mean, o.stds = &std;
    vt_mixture *m = NULL;
    assert_int_equal(vt_mixture_create(ctx, &o, &m), VT_OK);
    vt_mixture_rows r = rows_at(&x, 1, &none, &one);
    assert_int_equal(vt_mixture_solve(m, &r, 1, 0, NULL, &end), VT_OK); /* from pure noise to the data itself */
    near(end, mean + std * x, 1e-13);
    vt_mixture_release(m);
}

static void draws_have_the_shares_of_the_modes(void **state) {
    (void)state;
    enum { N = 20000 };
    static double x[2 * N];
    static int32_t mode[N];
    double count[3] = {0}, again[4];
    vt_mixture *m = make();
    assert_int_equal(vt_mixture_draw(m, 3, 0, N, -1, x, mode), VT_OK);
    for (int i = 0; i < N; i++) count[mode[i]] += 1.0 / N;
    for (int k = 0; k < 3; k++) near(count[k], weights[k], 3 * sqrt(0.25 / N));
    assert_int_equal(vt_mixture_draw(m, 3, 100, 2, -1, again, NULL), VT_OK);
    assert_memory_equal(again, x + 200, sizeof again);
    assert_int_equal(vt_mixture_draw(m, 3, 0, N, 1, x, mode), VT_OK);
    for (int i = 0; i < N; i++) assert_int_equal(labels[mode[i]], 1);
    assert_int_equal(vt_mixture_draw(m, 3, 0, 1, 2, x, NULL), VT_ERR_INVALID);
    vt_mixture_release(m);
}

static void wrong_questions_are_refused(void **state) {
    (void)state;
    const double x[] = {0, 0}, bad[] = {NAN, 0}, far[] = {1e200, 0}, alpha = 1, sigma = 0.5, zero = 0, minus = -1;
    const int32_t stranger = 5;
    double out[2];
    vt_mixture *m = make();
    vt_mixture_rows r = rows_at(x, 1, &alpha, &sigma);
    assert_int_equal(vt_mixture_predict(m, &r, VT_PREDICT_EDM, out), VT_ERR_UNSUPPORTED);
    r.x = bad;
    assert_int_equal(vt_mixture_predict(m, &r, 0, out), VT_ERR_NUMERIC);
    assert_int_equal(vt_mixture_solve(m, &r, 1, 0, NULL, out), VT_ERR_NUMERIC);
    r.x = far;
    assert_int_equal(vt_mixture_predict(m, &r, 0, out), VT_ERR_NUMERIC);
    r = rows_at(x, 1, &zero, &zero);
    assert_int_equal(vt_mixture_predict(m, &r, 0, out), VT_ERR_INVALID);
    r = rows_at(x, 1, &minus, &sigma);
    assert_int_equal(vt_mixture_predict(m, &r, 0, out), VT_ERR_INVALID);
    r = rows_at(x, 1, &alpha, &sigma);
    r.classes = &stranger;
    assert_int_equal(vt_mixture_predict(m, &r, 0, out), VT_ERR_INVALID);
    assert_int_equal(vt_mixture_mode(m, 3, NULL, NULL, NULL, NULL), VT_ERR_INVALID);
    vt_mixture_release(m);
}

static const char good[] = "{\"name\":\"a\",\"d\":2,\"weights\":[1,2],\"means\":[[0,1],[2,3]],\"stds\":[[1,1],[1,1]],\"classes\":[0,1]}";

static void files_are_believed_in_nothing(void **state) {
    (void)state;
    static const struct { const char *text; const char *name; vt_status want; } cases[] = {
        {good, NULL, VT_OK},
        {good, "a", VT_OK},
        {good, "b", VT_ERR_NOT_FOUND},
        {"{\"models\":[{\"name\":\"a\",\"d\":1,\"weights\":[1],\"means\":[[0]],\"stds\":[[1]]}]}", "a", VT_OK},
        {"{\"models\":[{\"name\":\"a\",\"d\":1,\"weights\":[1],\"means\":[[0]],\"stds\":[[1]]}]}", "c", VT_ERR_NOT_FOUND},
        {"{\"models\":[]}", NULL, VT_ERR_FORMAT},
        {"{\"models\":[3]}", NULL, VT_ERR_FORMAT},
        {"[1]", NULL, VT_ERR_FORMAT},
        {"{", NULL, VT_ERR_FORMAT},
        {"{\"d\":1000000000,\"weights\":[1],\"means\":[[0]],\"stds\":[[1]]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":0,\"weights\":[1],\"means\":[[]],\"stds\":[[]]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":1,\"weights\":[],\"means\":[],\"stds\":[]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":1,\"weights\":[1],\"means\":[[0,1]],\"stds\":[[1]]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":1,\"weights\":[1],\"means\":[[0]]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":1,\"weights\":[1],\"means\":[[0]],\"stds\":[[0]]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":1,\"weights\":[-1],\"means\":[[0]],\"stds\":[[1]]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":1,\"weights\":[1],\"means\":[[\"x\"]],\"stds\":[[1]]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":1,\"weights\":[1],\"means\":[[0]],\"stds\":[[1]],\"classes\":[-1]}", NULL, VT_ERR_FORMAT},
        {"{\"d\":1,\"weights\":[1],\"means\":[[1e300]],\"stds\":[[1]]}", NULL, VT_ERR_FORMAT},
        {"{\"name\":4,\"d\":1,\"weights\":[1],\"means\":[[0]],\"stds\":[[1]]}", NULL, VT_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_mixture *m = NULL;
        vt_status st = vt_mixture_parse(ctx, cases[i].text, strlen(cases[i].text), cases[i].name, &m);
        if (st != cases[i].want) fail_msg("%s: %d, want %d", cases[i].text, st, cases[i].want);
        assert_true((m != NULL) == (st == VT_OK));
        vt_mixture_release(m);
    }
    vt_mixture *m;
    assert_int_equal(vt_mixture_open(ctx, "/nowhere/at.json", NULL, &m), VT_ERR_NOT_FOUND);
}

/* Runs DPM-Solver++ 2M on the mixture natively; the result's first coordinate. */
static double sampled(int32_t dtype, int32_t guidance, int64_t steps, vt_status want) {
    const int64_t shape[] = {1, 2};
    const double start[] = {0.7, -0.4};
    const float start_f32[] = {0.7f, -0.4f};
    const int32_t label = 1;
    double end[2] = {0, 0};
    float end_f32[2];
    vt_mixture *m = make();
    vt_mixture_denoiser d = VT_STRUCT_INIT(vt_mixture_denoiser);
    vt_schedule_options so = VT_STRUCT_INIT(vt_schedule_options);
    vt_solver_options o = VT_STRUCT_INIT(vt_solver_options);
    vt_schedule *schedule = NULL;
    vt_solver *solver = NULL;
    vt_tensor *x = NULL;
    so.kind = VT_SCHEDULE_VP;
    o.kind = VT_SOLVER_DPM, o.order = 2, o.spacing = VT_SPACING_LOG_SNR, o.start = 1, o.end = 1e-3, o.n_steps = steps, o.dtype = dtype;
    o.guidance = guidance, o.guidance_scale = guidance ? 3 : 0;
    d.mixture = m, d.classes = &label, d.guidance = 3;
    assert_int_equal(vt_schedule_create(ctx, &so, &schedule), VT_OK);
    assert_int_equal(vt_solver_create(ctx, schedule, &o, &solver), VT_OK);
    assert_int_equal(vt_tensor_create(ctx, dtype, shape, 2, VT_DEVICE_CPU, &x), VT_OK);
    assert_int_equal(vt_tensor_write(x, dtype == VT_DTYPE_F64 ? (const void *)start : start_f32, dtype == VT_DTYPE_F64 ? sizeof start : sizeof start_f32), VT_OK);
    assert_int_equal(vt_solver_begin(solver, x, NULL), VT_OK);
    assert_int_equal(vt_solver_run(solver, vt_mixture_model, &d, NULL), want);
    if (dtype == VT_DTYPE_F64) {
        assert_int_equal(vt_tensor_read(vt_solver_state(solver), end, sizeof end), VT_OK);
    } else {
        assert_int_equal(vt_tensor_read(vt_solver_state(solver), end_f32, sizeof end_f32), VT_OK);
        end[0] = (double)end_f32[0];
    }
    vt_tensor_release(x);
    vt_solver_release(solver);
    vt_schedule_release(schedule);
    vt_mixture_release(m);
    return end[0];
}

static void a_solver_runs_on_it_without_the_host(void **state) {
    (void)state;
    const double x[] = {0.7, -0.4}, alpha = exp(-5.025), sigma = sqrt(1 - exp(-10.05)), log_alpha = -1e-6 * 4.975 - 5e-5;
    const int32_t label = 1;
    double end[2];
    vt_mixture *m = make();
    vt_mixture_rows r = rows_at(x, 1, &alpha, &sigma);
    r.classes = &label, r.guidance = 3;
    assert_int_equal(vt_mixture_solve(m, &r, exp(log_alpha), sqrt(-expm1(2 * log_alpha)), NULL, end), VT_OK);
    near(sampled(VT_DTYPE_F64, VT_GUIDANCE_NONE, 800, VT_OK), end[0], 1e-4);
    near(sampled(VT_DTYPE_F64, VT_GUIDANCE_CFG, 800, VT_OK), sampled(VT_DTYPE_F64, VT_GUIDANCE_NONE, 800, VT_OK), 1e-9);
    near(sampled(VT_DTYPE_F32, VT_GUIDANCE_NONE, 40, VT_OK), sampled(VT_DTYPE_F64, VT_GUIDANCE_NONE, 40, VT_OK), 1e-4);
    vt_mixture_release(m);
}

static vt_status everything(vt_context *c) {
    double x[8], out[8];
    const double alpha = 0.8, sigma = 0.6;
    vt_mixture *m = NULL;
    vt_status st = vt_mixture_parse(c, good, strlen(good), NULL, &m);
    if (st == VT_OK) st = vt_mixture_draw(m, 1, 0, 4, -1, x, NULL);
    vt_mixture_rows r = rows_at(x, 4, &alpha, &sigma);
    if (st == VT_OK) st = vt_mixture_predict(m, &r, VT_PREDICT_V, out);
    if (st == VT_OK) st = vt_mixture_log_density(m, &r, out);
    if (st == VT_OK) st = vt_mixture_solve(m, &r, 1, 0.1, NULL, out);
    vt_mixture_release(m);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(everything);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_are_one_thing_in_five_forms),
        cmocka_unit_test(score_is_the_slope_of_the_density),
        cmocka_unit_test(guidance_is_a_straight_line_through_both_predictions),
        cmocka_unit_test(flow_there_and_back_is_nothing),
        cmocka_unit_test(a_gaussian_flows_along_straight_quantiles),
        cmocka_unit_test(draws_have_the_shares_of_the_modes),
        cmocka_unit_test(wrong_questions_are_refused),
        cmocka_unit_test(files_are_believed_in_nothing),
        cmocka_unit_test(a_solver_runs_on_it_without_the_host),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
