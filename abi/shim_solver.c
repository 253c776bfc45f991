/* Public calls of venturi/solver.h: check, normalise options, forward. */
#include "venturi/solver.h"

#include <math.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/options.h"
#include "sample/coefficient.h"
#include "sample/families.h"
#include "sample/schedule.h"
#include "sample/shift.h"
#include "sample/solver.h"
#include "tensor/tensor.h"

enum { MOST_INDICES = 1 << 20, MOST_STEPS = 100000, MOST_OPS = 1 << 22, LOWER_FINAL = 15, DEFAULT_STEPS = 20 };
_Static_assert(sizeof(vt_solver_op) == sizeof(struct vt__custom) && VT_SLOT_COUNT == (int)VT__U && VT_SLOT_Y == (int)VT__Y && VT_SLOT_R == (int)VT__R, "twins");
_Static_assert(sizeof(vt_level) == sizeof(struct vt__level), "twins");
_Static_assert(sizeof(vt_solver_usf_step) == sizeof(struct vt__usf_step) && sizeof(vt_solver_derivative) == sizeof(struct vt__derivative), "twins");

static double value_or(double given, double otherwise) { return given == 0 ? otherwise : given; }

static struct vt__schedule_params schedule_params(const vt_schedule_options *o) {
    static const double first[] = {1e-4, 0.00085, 0, 0, 0.1, 0, 0.002, 0, 0.2}, last[] = {0.02, 0.012, 0, 0, 20, 0, 80, 0, 0.99};
    return (struct vt__schedule_params){.kind = o->kind, .time_form = o->time_form, .n = o->n ? o->n : o->kind == VT_SCHEDULE_RESSHIFT ? 4 : 1000,
        .first = value_or(o->first, first[o->kind]), .last = value_or(o->last, last[o->kind]), .shift = value_or(o->shift, 1), .kappa = value_or(o->kappa, 2),
        .power = value_or(o->power, 0.3), .log_snr_min = value_or(o->log_snr_min, -(double)INFINITY), .from_noise = (o->flags & VT_SCHEDULE_FROM_NOISE) != 0,
        .table = o->table};
}

static vt_status check_schedule(const vt_schedule_options *o) {
    if (o->kind < 0 || o->kind > VT_SCHEDULE_RESSHIFT || o->time_form < 0 || o->time_form > VT_TIME_LOG_SIGMA || o->flags & ~(uint32_t)VT_SCHEDULE_FROM_NOISE)
        return vt__fail(VT_ERR_INVALID, "schedule: kind %d, time form %d or flags 0x%x is unknown", o->kind, o->time_form, o->flags);
    if (o->n < 0 || o->n > MOST_INDICES || (o->kind == VT_SCHEDULE_TABLE && (!o->table || !o->n)))
        return vt__fail(VT_ERR_INVALID, "schedule: %lld indices, need 1 to %d, and a table where it is one", (long long)o->n, (int)MOST_INDICES);
    if (!(o->first >= 0) || !(o->last >= 0) || !(o->shift >= 0) || !(o->kappa >= 0) || !(o->power >= 0) || !isfinite(o->first + o->last + o->shift + o->kappa + o->power))
        return vt__fail(VT_ERR_INVALID, "schedule: first %g, last %g, shift %g, kappa %g, power %g must be finite and not negative", o->first, o->last, o->shift, o->kappa,
                        o->power);
    return VT_OK;
}

vt_status vt_schedule_create(vt_context *ctx, const vt_schedule_options *opt, vt_schedule **out) {
    enum { FIRST_SIZE = 80 };
    vt_schedule_options o;
    if (out) *out = NULL;
    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "schedule: needs a context and out");
    vt_status st = vt__options_read("schedule", &o, sizeof o, FIRST_SIZE, opt);
    if (st == VT_OK) st = check_schedule(&o);
    if (st != VT_OK) return st;
    const struct vt__schedule_params params = schedule_params(&o);
    return vt__schedule_create(ctx, &params, out);
}

vt_schedule *vt_schedule_retain(vt_schedule *schedule) { return vt__schedule_retain(schedule); }
void vt_schedule_release(vt_schedule *schedule) { vt__schedule_release(schedule); }

vt_status vt_schedule_levels(const vt_schedule *schedule, const double *t, int64_t n, vt_level *out) {
    vt_status st = VT_OK;
    if (!schedule || n < 0 || (n > 0 && (!t || !out))) return vt__fail(VT_ERR_INVALID, "schedule: needs a schedule, times and out");
    for (int64_t i = 0; st == VT_OK && i < n; i++) st = vt__schedule_level(schedule, t[i], (struct vt__level *)(void *)&out[i]);
    return st;
}

vt_status vt_schedule_find(const vt_schedule *schedule, const double *log_snr, int64_t n, double *t) {
    vt_status st = VT_OK;
    if (!schedule || n < 0 || (n > 0 && (!t || !log_snr))) return vt__fail(VT_ERR_INVALID, "schedule: needs a schedule, values and out");
    for (int64_t i = 0; st == VT_OK && i < n; i++) st = vt__schedule_find(schedule, log_snr[i], &t[i]);
    return st;
}

static vt_status check_solver(const vt_solver_options *o) {
    const uint32_t flags = VT_SOLVER_LOWER_FINAL | VT_SOLVER_NO_LOWER_FINAL | VT_SOLVER_EULER_FINAL | VT_SOLVER_DENOISE | VT_SOLVER_ROUND_TIMES |
                           VT_SOLVER_RAW_NOISE | VT_SOLVER_BROWNIAN | VT_SOLVER_CLASSICAL;
    if (o->flags & ~flags) return vt__fail(VT_ERR_INVALID, "solver: unknown flags 0x%x", o->flags);
    if (o->prediction < 0 || o->prediction > VT_PREDICT_RESIDUAL || o->spacing < 0 || o->spacing > VT_SPACING_LEVELS || o->final < 0 || o->final > VT_FINAL_LEAST)
        return vt__fail(VT_ERR_INVALID, "solver: prediction %d, spacing %d or final level %d is unknown", o->prediction, o->spacing, o->final);
    if (o->dtype != VT_DTYPE_F32 && o->dtype != VT_DTYPE_F64) return vt__fail(VT_ERR_DTYPE, "solver: dtype %d, need VT_DTYPE_F32 or VT_DTYPE_F64", o->dtype);
    if (o->algorithm < 0 || o->algorithm > VT_PREDICTION_NOISE || o->form < 0 || o->form > VT_FORM_TAYLOR || o->order < 0 || o->order > 8 || o->lower_final < 0)
        return vt__fail(VT_ERR_INVALID, "solver: algorithm %d, form %d, order %d or lower_final %d is unknown", o->algorithm, o->form, o->order, o->lower_final);
    if (o->momentum < 0 || o->momentum > VT_MOMENTUM_GENERALISED || o->reading < 0 || o->reading > VT_PNDM_TRUNCATED || o->first < 0 || o->first > VT_FIRST_MEAN ||
        o->plain_steps < 0 || !(o->beta >= 0 && o->beta <= 1))
        return vt__fail(VT_ERR_INVALID, "solver: momentum %d (beta %g), reading %d, first %d or plain_steps %d is unknown", o->momentum, o->beta, o->reading, o->first,
                        o->plain_steps);
    if (o->n_steps < 0 || o->n_steps > MOST_STEPS) return vt__fail(VT_ERR_INVALID, "solver: %lld steps, need 1 to %d", (long long)o->n_steps, (int)MOST_STEPS);
    if (!isfinite(o->start + o->end + o->power + o->offset + o->eta + o->noise_scale + o->sigma_data) || !(o->eta >= 0) || !(o->power >= 0) || !(o->sigma_min >= 0) ||
        !(o->sigma_max >= 0))
        return vt__fail(VT_ERR_INVALID, "solver: eta %g, power %g, sigma %g to %g: a number is not finite or negative", o->eta, o->power, o->sigma_min, o->sigma_max);
    if ((o->spacing == VT_SPACING_TIMES || o->spacing == VT_SPACING_SIGMAS) && !o->values) return vt__fail(VT_ERR_INVALID, "solver: the spacing needs values");
    if (o->n_ops < 0 || o->n_ops > MOST_OPS) return vt__fail(VT_ERR_INVALID, "solver: a program of %lld operations, need at most %d", (long long)o->n_ops, (int)MOST_OPS);
    if (o->spacing == VT_SPACING_LEVELS && !o->levels) return vt__fail(VT_ERR_INVALID, "solver: the spacing needs levels");
    return VT_OK;
}

static vt_status check_predictions(const vt_solver_options *o) {
    if (o->guidance < 0 || o->guidance > VT_GUIDANCE_CFG_PLUS || o->reserved || !isfinite(o->guidance_scale) || !(o->guidance_rescale >= 0 && o->guidance_rescale <= 1) ||
        !(o->guidance_from >= 0) || !(o->guidance_to >= 0))
        return vt__fail(VT_ERR_INVALID, "solver: guidance %d of scale %g, rescale %g, from %g to %g", o->guidance, o->guidance_scale, o->guidance_rescale, o->guidance_from,
                        o->guidance_to);
    if (!(o->clip >= 0) || !(o->threshold >= 0 && o->threshold <= 1) || !(o->threshold_floor >= 0) || !(o->threshold_top >= 0) || (o->clip > 0 && o->threshold > 0))
        return vt__fail(VT_ERR_INVALID, "solver: clip %g, threshold %g (floor %g, top %g); clip or threshold, not both", o->clip, o->threshold, o->threshold_floor,
                        o->threshold_top);
    if (!(o->atol >= 0) || !(o->rtol >= 0)) return vt__fail(VT_ERR_INVALID, "solver: atol %g or rtol %g is negative", o->atol, o->rtol);
    if (!(o->churn >= 0) || !(o->churn_from >= 0) || !(o->churn_to >= 0) || !isfinite(o->churn))
        return vt__fail(VT_ERR_INVALID, "solver: churn %g from %g to %g must not be negative", o->churn, o->churn_from, o->churn_to);
    return VT_OK;
}

/* What happens to predictions on their way. */
static void put_predictions(const vt_solver_options *o, struct vt__solver_params *p) {
    p->guidance = o->guidance;
    p->guidance_scale = o->guidance_scale, p->guidance_rescale = o->guidance_rescale;
    p->guidance_from = o->guidance_from, p->guidance_to = o->guidance_to;
    p->clip = o->clip, p->quantile = o->threshold;
    p->quantile_floor = value_or(o->threshold_floor, 1), p->quantile_top = o->threshold_top;
    p->is_brownian = (o->flags & VT_SOLVER_BROWNIAN) != 0;
    p->is_raw_noise = (o->flags & VT_SOLVER_RAW_NOISE) != 0;
    p->atol = value_or(o->atol, 0.0078), p->rtol = value_or(o->rtol, 0.05);
    if (o->kind == VT_SOLVER_ANCESTRAL || o->kind == VT_SOLVER_DPM_SDE) p->eta = value_or(o->eta, 1);
    p->churn = o->churn, p->churn_min = o->churn_from, p->churn_max = o->churn_to;
}

/* What single kinds read from their numbered options. */
static void put_kind_options(const vt_solver_options *o, struct vt__solver_params *p) {
    p->momentum = o->momentum;
    p->beta = o->beta > 0 ? o->beta : 1;
    p->steps = o->program;
    p->table = o->kind == VT_SOLVER_USF ? o->usf : NULL;
    if (o->kind == VT_SOLVER_CUSTOM) p->table = o->ops, p->n_table = o->ops ? o->n_ops : 0;
    else p->n_table = p->table ? o->n_steps ? o->n_steps : DEFAULT_STEPS : 0;
    if (o->kind == VT_SOLVER_PNDM || o->kind == VT_SOLVER_GHVB) {
        p->option[VT__PNDM_READING] = o->reading;
        p->option[VT__PNDM_CLASSICAL] = (o->flags & VT_SOLVER_CLASSICAL) != 0;
    }
    if (o->kind == VT_SOLVER_UNIPC) p->option[VT__UNIPC_PLAIN_STEPS] = o->plain_steps;
    if (o->kind == VT_SOLVER_USF) p->option[VT__USF_FIRST] = o->first;
    if (o->kind == VT_SOLVER_CONSISTENCY) p->option[0] = o->sigma_min;
}

static struct vt__solver_setup setup_of(const vt_solver_options *o) {
    const int is_given = o->start != 0 || o->end != 0;
    const int64_t n = o->n_steps ? o->n_steps : DEFAULT_STEPS;
    const int32_t lower = o->flags & VT_SOLVER_LOWER_FINAL ? -1 : o->flags & VT_SOLVER_NO_LOWER_FINAL ? 0 : o->lower_final ? o->lower_final : LOWER_FINAL;
    struct vt__solver_setup setup = {
        .params = {.kind = o->kind, .prediction = o->prediction, .algorithm = o->algorithm, .order = o->order, .form = o->form, .variant = o->variant,
                   .n_lower_final = lower, .euler_at_final = (o->flags & VT_SOLVER_EULER_FINAL) != 0, .denoise_to_zero = (o->flags & VT_SOLVER_DENOISE) != 0,
                   .eta = o->eta, .noise_scale = value_or(o->noise_scale, 1), .sigma_data = value_or(o->sigma_data, 0.5)},
        .grid = {.spacing = o->spacing, .final = o->final, .n = n, .start = is_given ? o->start : (double)NAN, .end = is_given ? o->end : (double)NAN,
                 .power = value_or(o->power, o->spacing == VT_SPACING_POWER ? 2 : 7), .offset = o->offset, .sigma_min = o->sigma_min, .sigma_max = o->sigma_max,
                 .values = o->values, .levels = (const struct vt__level *)(const void *)o->levels, .n_values = n + 1,
                 .is_rounded = (o->flags & VT_SOLVER_ROUND_TIMES) != 0},
        .dtype = o->dtype, .seed = o->seed};
    put_kind_options(o, &setup.params);
    return setup;
}

vt_status vt_solver_create(vt_context *ctx, vt_schedule *schedule, const vt_solver_options *opt, vt_solver **out) {
    enum { FIRST_SIZE = 320 };
    vt_solver_options o;
    if (out) *out = NULL;
    if (!ctx || !schedule || !out) return vt__fail(VT_ERR_INVALID, "solver: needs a context, a schedule and out");
    vt_status st = vt__options_read("solver", &o, sizeof o, FIRST_SIZE, opt);
    if (st == VT_OK) st = check_solver(&o);
    if (st == VT_OK) st = check_predictions(&o);
    if (st != VT_OK) return st;
    struct vt__solver_setup setup = setup_of(&o);
    put_predictions(&o, &setup.params);
    return vt__solver_create(ctx, schedule, &setup, out);
}

vt_solver *vt_solver_retain(vt_solver *solver) { return vt__solver_retain(solver); }
void vt_solver_release(vt_solver *solver) { vt__solver_release(solver); }
int64_t vt_solver_level_count(const vt_solver *solver) { return solver ? vt__solver_grid(solver)->n_levels : 0; }

vt_status vt_solver_levels(const vt_solver *solver, vt_level *out, int64_t n) {
    if (!solver || !out || n < 0 || n > vt__solver_grid(solver)->n_levels) return vt__fail(VT_ERR_INVALID, "solver: needs a solver and room for at most its levels");
    for (int64_t i = 0; i < n; i++) *(struct vt__level *)(void *)&out[i] = vt__solver_grid(solver)->level[i];
    return VT_OK;
}

vt_status vt_solver_begin(vt_solver *solver, vt_tensor *x, const uint64_t *seeds) {
    if (!solver || !x) return vt__fail(VT_ERR_INVALID, "solver: needs a solver and a state");
    return vt__solver_begin(solver, x, seeds);
}

vt_status vt_solver_set_route(vt_solver *solver, const int32_t *role, const int64_t *partner) {
    if (!solver || !role || !partner) return vt__fail(VT_ERR_INVALID, "solver: needs a solver, roles and partners");
    return vt__solver_set_route(solver, role, partner);
}

static vt_status check_rows(const vt_solver *solver, int64_t n) {
    const vt_tensor *x = vt__solver_state(solver);
    if (!x) return vt__fail(VT_ERR_STATE, "solver: it has not begun");
    if (x->shape[0] != n) return vt__fail(VT_ERR_SHAPE, "solver: %lld numbers for %lld rows", (long long)n, (long long)x->shape[0]);
    return VT_OK;
}

vt_status vt_solver_set_times(vt_solver *solver, int32_t end, const double *times, int64_t n) {
    if (!solver) return vt__fail(VT_ERR_INVALID, "solver: needs a solver");
    if (!times) return vt__solver_reset_times(solver, end);
    vt_status st = check_rows(solver, n);
    return st == VT_OK ? vt__solver_set_times(solver, end, times) : st;
}

vt_status vt_solver_time_shift(vt_solver *solver, const vt_time_shift_options *opt, double *out, int64_t n) {
    enum { FIRST_SIZE = 32 };
    vt_time_shift_options o;
    if (!solver) return vt__fail(VT_ERR_INVALID, "solver: needs a solver");
    vt_status st = vt__options_read("time shift", &o, sizeof o, FIRST_SIZE, opt);
    if (st == VT_OK && out) st = check_rows(solver, n);
    if (st == VT_OK && o.flags & ~(uint32_t)VT_TIME_SHIFT_TARGET) st = vt__fail(VT_ERR_INVALID, "time shift: unknown flags 0x%x", o.flags);
    if (st != VT_OK) return st;
    const struct vt__time_shift shift = {o.window, o.cutoff, o.data_variance, (o.flags & VT_TIME_SHIFT_TARGET) != 0};
    return vt__solver_time_shift(solver, &shift, out);
}

static vt_status request_into(vt_solver *solver, vt_solver_request *out) {
    struct vt__solver_request r;
    vt_status st = vt__solver_request(solver, &r);
    if (st != VT_OK) return st;
    *out = (vt_solver_request){(uint32_t)sizeof *out, r.n_predictions, r.x, r.extra, r.x->shape[0], r.time, r.alpha, r.sigma, r.log_snr, r.step, r.n_steps,
                               r.evaluation, r.model, 0};
    return VT_OK;
}

vt_status vt_solver_next(vt_solver *solver, vt_solver_request *out) {
    enum { FIRST_SIZE = 96 };
    vt_solver_request now;
    if (!solver || !out) return vt__fail(VT_ERR_INVALID, "solver: needs a solver and out");
    vt_status st = request_into(solver, &now);
    return st == VT_OK ? vt__result_write("solver request", out, &now, sizeof now, FIRST_SIZE) : st;
}

vt_status vt_solver_step(vt_solver *solver, vt_tensor *const *predictions, int32_t n) {
    if (!solver || !predictions) return vt__fail(VT_ERR_INVALID, "solver: needs a solver and predictions");
    return vt__solver_supply(solver, predictions, n);
}

int32_t vt_solver_is_done(const vt_solver *solver) { return solver ? vt__solver_is_done(solver) : 0; }
vt_tensor *vt_solver_state(const vt_solver *solver) { return solver ? vt__solver_state(solver) : NULL; }

vt_status vt_solver_set_state(vt_solver *solver, vt_tensor *x, uint32_t flags) {
    if (!solver || !x || flags & ~(uint32_t)VT_SOLVER_KEEP_HISTORY) return vt__fail(VT_ERR_INVALID, "solver: needs a solver and a state; flags 0x%x", flags);
    return vt__solver_set_state(solver, x, (flags & VT_SOLVER_KEEP_HISTORY) != 0);
}

vt_status vt_solver_set_mask(vt_solver *solver, vt_tensor *mask, vt_tensor *known) {
    if (!solver || (mask && !known)) return vt__fail(VT_ERR_INVALID, "solver: needs a solver, and a picture with a mask");
    return vt__solver_set_mask(solver, mask, known);
}

vt_status vt_solver_save(const vt_solver *solver, vt_buffer **out) {
    if (out) *out = NULL;
    if (!solver || !out) return vt__fail(VT_ERR_INVALID, "solver: needs a solver and out");
    return vt__solver_save(solver, out);
}

vt_status vt_solver_restore(vt_solver *solver, const void *data, size_t size) {
    if (!solver || !data) return vt__fail(VT_ERR_INVALID, "solver: needs a solver and bytes");
    return vt__solver_restore(solver, data, size);
}

double vt_solver_phi(int32_t k, double z) { return k >= 0 && k <= 8 ? vt__phi(k, z) : (double)NAN; }

vt_status vt_solver_lagrange(const double *nodes, int32_t n, double a, double b, double *out) {
    if (!nodes || !out || n < 1 || n > VT__MOST_NODES) return vt__fail(VT_ERR_INVALID, "solver: %d nodes, need 1 to %d", n, (int)VT__MOST_NODES);
    for (int32_t i = 0; i < n * n; i++) {
        if (i / n != i % n && nodes[i / n] == nodes[i % n]) return vt__fail(VT_ERR_INVALID, "solver: node %g comes twice", nodes[i / n]);
    }
    vt__lagrange_integrals(nodes, n, a, b, NULL, NULL, out);
    return VT_OK;
}

vt_status vt_solver_set_noise(vt_solver *solver, vt_tensor *noise) {
    if (!solver) return vt__fail(VT_ERR_INVALID, "solver: needs a solver");
    return vt__solver_set_noise(solver, noise);
}

vt_status vt_solver_set_extra(vt_solver *solver, int32_t k, vt_tensor *tensor) {
    if (!solver || k < 0 || k > 1) return vt__fail(VT_ERR_INVALID, "solver: needs a solver, and 0 or 1 for the tensor's place");
    return vt__solver_set_extra(solver, k, tensor);
}

static vt_status call_hook(void (*inner)(void), void *user, const struct vt__solver_event *e) {
    const vt_solver_event event = {(uint32_t)sizeof event, e->point, e->step, e->evaluation, e->tensor};
    return ((vt_solver_hook_fn)inner)(user, &event);
}

vt_status vt_solver_set_hook(vt_solver *solver, vt_solver_hook_fn hook, void *user) {
    if (!solver) return vt__fail(VT_ERR_INVALID, "solver: needs a solver");
    return vt__solver_set_hook(solver, hook ? call_hook : NULL, (void (*)(void))hook, user);
}

vt_status vt_solver_run(vt_solver *solver, vt_solver_model_fn model, void *user, const vt_cancel *cancel) {
    if (!solver || !model) return vt__fail(VT_ERR_INVALID, "solver: needs a solver and a model");
    while (!vt__solver_is_done(solver)) {
        vt_solver_request request;
        vt_tensor *out[2] = {NULL, NULL};
        vt_status st = vt__cancel_poll(cancel, "solver");
        if (st == VT_OK) st = request_into(solver, &request);
        if (st == VT_OK) st = model(user, &request, out);
        if (st == VT_OK) st = vt__solver_supply(solver, out, request.n_predictions);
        vt__tensor_release(out[0]);
        vt__tensor_release(out[1]);
        if (st != VT_OK) return st;
    }
    return VT_OK;
}
