/* Optimizers' steps, written over their inputs, against trajectories of another implementation (float64, four steps). */
#include "tensor_cases.h"

#include <math.h>

enum { N = 5, STEPS = 4 };
static const double start[N] = {0.24641358852386475, -0.85666811466217041, 0.60407471656799316, 0.79920840263366699, -0.36453962326049805};
static const double gradients[STEPS][N] = {
    {-0.73847126960754395, 0.41811394691467285, -0.16139960289001465, -0.57852911949157715, -0.80288040637969971},
    {0.16794967651367188, -0.060017824172973633, -0.7036052942276001, 0.40870702266693115, -0.26942026615142822},
    {0.35084331035614014, -0.58455932140350342, -0.078570127487182617, 0.7028735876083374, 0.87364768981933594},
    {0.02407371997833252, 0.35610735416412354, 0.20683860778808594, 0.45420873165130615, 0.89875710010528564},
};

static const struct {
    const char *op;
    int32_t n_states;
    double lr, momentum, decay;
    int nesterov, decoupled;
    double want[N];
} cases[] = {
    {"sgd_step", 1, 0.1, 0.9, 0.01, 0, 0, {0.38299797423931, -0.90070092530924, 0.83862280785391, 0.70092059280176, -0.26873078198129}},
    {"sgd_step", 1, 0.1, 0.9, 0, 1, 0, {0.3914145204854, -0.91649464852095, 0.89413249770164, 0.6187891160059, -0.35062081147552}},
    {"adam_step", 2, 0.1, 0, 0, 0, 0, {0.40695868846095, -0.99207341011807, 0.90822546517287, 0.81957704632001, -0.21021345358971}},
    {"adam_step", 2, 0.1, 0, 0.1, 0, 0, {0.38699973599441, -0.92333333992194, 0.87732432826872, 0.7803435928144, -0.20260999423565}},
    {"adam_step", 2, 0.1, 0, 0.1, 0, 1, {0.3932336226148, -0.95450353930231, 0.87896943883155, 0.78526639612953, -0.20056469306955}},
    {"amsgrad_step", 3, 0.1, 0, 0, 0, 0, {0.40695832547016, -0.99207341011807, 0.90822546517287, 0.81957704632001, -0.21021345358971}},
    {"rmsprop_step", 1, 0.01, 0, 0, 0, 0, {0.27883491853544, -0.90563431671284, 0.78478895253687, 0.72883727691274, -0.36449981754099}},
};

static vt_tensor *as_type(vt_tensor *t, int32_t dtype) {
    vt_attr attr = {.name = "dtype", .i = dtype};
    return run_op("cast", t, NULL, &attr, 1);
}

/* in: parameters, gradient, states. */
static vt_status step(size_t k, vt_tensor *const *in, int64_t number) {
    vt_attr attrs[6] = {{.name = "lr", .f = cases[k].lr}, {.name = "weight_decay", .f = cases[k].decay}};
    vt_tensor *out[VT_OP_MAX_OUTPUTS] = {in[0], in[2], cases[k].n_states > 1 ? in[3] : NULL, cases[k].n_states > 2 ? in[4] : NULL};
    int32_t op, n = 2;
    assert_int_equal(vt_op_find(cases[k].op, &op), VT_OK);
    if (strcmp(cases[k].op, "sgd_step") == 0) {
        attrs[n++] = (vt_attr){.name = "momentum", .f = cases[k].momentum};
        attrs[n++] = (vt_attr){.name = "nesterov", .i = cases[k].nesterov};
    } else if (strcmp(cases[k].op, "rmsprop_step") != 0) {
        attrs[n++] = (vt_attr){.name = "decoupled", .i = cases[k].decoupled};
        attrs[n++] = (vt_attr){.name = "step", .i = number};
    }
    return vt_op_run_into(ctx, op, in, 2 + cases[k].n_states, attrs, n, out, 1 + cases[k].n_states);
}

static void run_case(size_t k, int32_t param_type, int32_t state_type, double tolerance) {
    const double zeros[N] = {0};
    vt_tensor *first = make_f64(SHAPE(N), start), *in[5] = {as_type(first, param_type)};
    vt_tensor_release(first);
    for (int32_t s = 0; s < cases[k].n_states; s++) {
        vt_tensor *zero = make_f64(SHAPE(N), zeros);
        in[2 + s] = as_type(zero, state_type);
        vt_tensor_release(zero);
    }
    for (int64_t t = 0; t < STEPS; t++) {
        in[1] = make_f64(SHAPE(N), gradients[t]);
        if (step(k, in, t + 1) != VT_OK) fail_msg("%s", vt_error_message());
        vt_tensor_release(in[1]);
    }
    vt_tensor *wide = as_type(in[0], VT_DTYPE_F64);
    double have[N];
    assert_int_equal(vt_tensor_read(wide, have, sizeof have), VT_OK);
    for (int i = 0; i < N; i++)
        if (!(fabs(have[i] - cases[k].want[i]) <= tolerance)) fail_msg("%s, case %zu: element %d is %.15g, want %.15g", cases[k].op, k, i, have[i], cases[k].want[i]);
    vt_tensor_release(wide);
    vt_tensor_release(in[0]);
    for (int32_t s = 0; s < cases[k].n_states; s++) vt_tensor_release(in[2 + s]);
}

static void trajectories_are_the_known_ones(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) run_case(k, VT_DTYPE_F64, VT_DTYPE_F64, 1e-12);
}

static void other_types_follow_them(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        run_case(k, VT_DTYPE_F32, VT_DTYPE_F32, 2e-6);
        run_case(k, VT_DTYPE_BF16, VT_DTYPE_F32, 2e-2);
    }
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    vt_tensor *w = make_f64(SHAPE(N), start), *g = make_f64(SHAPE(N), gradients[0]), *u = make_f64(SHAPE(N), start), *v = make_f64(SHAPE(N), start);
    vt_tensor *shorter = make_f64(SHAPE(2), start), *wrong[] = {w, shorter, u, u, u}, *right[] = {w, g, u, v};
    assert_int_equal(step(0, wrong, 1), VT_ERR_SHAPE);
    assert_int_equal(step(2, right, 0), VT_ERR_INVALID);
    vt_tensor *narrow = as_type(u, VT_DTYPE_F32), *mixed[] = {w, g, narrow};
    assert_int_equal(step(0, mixed, 1), VT_ERR_SHAPE);
    vt_tensor *all[] = {w, g, u, v, shorter, narrow};
    for (int i = 0; i < 6; i++) vt_tensor_release(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trajectories_are_the_known_ones),
        cmocka_unit_test(other_types_follow_them),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
