/* Lua face of venturi/solver.h: vt.schedule{ ... } and vt.solver{ ... }. */
#include <stdint.h>
#include <string.h>

#include "array.h"
#include "bind.h"
#include "bind_solver.h"
#include "bind_tensor.h"
#include "callback.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/graph.h"
#include "venturi/solver.h"

static void release_schedule(void *handle) { vt_schedule_release(handle); }
static void release_solver(void *handle) { vt_solver_release(handle); }
static const box_type schedule_box = {"vt.schedule", "schedule", release_schedule};
static const box_type solver_box = {"vt.solver", "solver", release_solver};

/* ---- schedules ---- */

/* vt.schedule{ kind = "linear" | "scaled_linear" | "cosine" | "table" | "vp" | "vp_cosine" | "ve" | "flow" | "resshift", n =, table =, first =, last =, shift =,
 * kappa =, power =, log_snr_min =, time = "natural" | "unit" | "index" | "log_sigma", from_noise = } */
static int schedule_new(lua_State *L) {
    static const char *const known[] = {"kind", "n", "table", "first", "last", "shift", "kappa", "power", "log_snr_min", "time", "from_noise", NULL};
    static const char *const kinds[] = {"linear", "scaled_linear", "cosine", "table", "vp", "vp_cosine", "ve", "flow", "resshift", NULL};
    static const char *const times[] = {"natural", "unit", "index", "log_sigma", NULL};
    static const char WHAT[] = "schedule";
    vt_schedule_options o = VT_STRUCT_INIT(vt_schedule_options);
    int64_t n_table = 0;
    lua_settop(L, 1);
    box_options(L, 1, WHAT, known);
    o.kind = box_choice(L, 1, WHAT, "kind", kinds, VT_SCHEDULE_LINEAR);
    o.time_form = box_choice(L, 1, WHAT, "time", times, VT_TIME_NATURAL);
    o.n = box_integer(L, 1, WHAT, "n", 0, 0, INT32_MAX);
    o.first = box_number(L, 1, WHAT, "first", 0);
    o.last = box_number(L, 1, WHAT, "last", 0);
    o.shift = box_number(L, 1, WHAT, "shift", 0);
    o.kappa = box_number(L, 1, WHAT, "kappa", 0);
    o.power = box_number(L, 1, WHAT, "power", 0);
    o.log_snr_min = box_number(L, 1, WHAT, "log_snr_min", 0);
    o.flags = box_boolean(L, 1, WHAT, "from_noise", 0) ? VT_SCHEDULE_FROM_NOISE : 0;
    o.table = array_option(L, 1, WHAT, "table", VT_DTYPE_F64, &n_table);
    if (o.table) o.n = n_table;
    vt__capability_charge_for(L, (uint64_t)(o.n ? o.n : 1000), VT__COST_ITEM);
    box *b = box_push(L, &schedule_box, 0);
    vt_schedule *schedule = NULL;
    box_ok(L, vt_schedule_create(vt__capability_get(L)->ctx, &o, &schedule));
    b->handle = schedule;
    return 1;
}

/* Pushes { t = list, time =, alpha =, sigma =, log_snr =, share = } of levels [n]. */
static void push_levels(lua_State *L, const vt_level *levels, int64_t n) {
    static const char *const names[] = {"t", "time", "alpha", "sigma", "log_snr", "share"};
    lua_createtable(L, 0, 6);
    for (int k = 0; k < 6; k++) {
        lua_createtable(L, (int)n, 0);
        for (int64_t i = 0; i < n; i++) {
            const double v[] = {levels[i].t, levels[i].time, levels[i].alpha, levels[i].sigma, levels[i].log_snr, levels[i].share};
            lua_pushnumber(L, v[k]);
            lua_rawseti(L, -2, i + 1);
        }
        lua_setfield(L, -2, names[k]);
    }
}

/* schedule:levels(times) -> lists */
static int schedule_levels(lua_State *L) {
    const vt_schedule *schedule = box_check(L, 1, &schedule_box);
    int64_t n;
    lua_settop(L, 2);
    const double *t = array_vector(L, "schedule", "times", VT_DTYPE_F64, &n);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    vt_level *levels = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *levels, 0);
    box_ok(L, vt_schedule_levels(schedule, t, n, levels));
    push_levels(L, levels, n);
    return 1;
}

/* schedule:find(values of log(alpha / sigma)) -> times */
static int schedule_find(lua_State *L) {
    const vt_schedule *schedule = box_check(L, 1, &schedule_box);
    int64_t n;
    lua_settop(L, 2);
    const double *values = array_vector(L, "schedule", "values", VT_DTYPE_F64, &n);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    double *t = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *t, 0);
    box_ok(L, vt_schedule_find(schedule, values, n, t));
    array_push(L, VT_DTYPE_F64, t, n);
    return 1;
}

/* ---- solvers ---- */

static const char *const solver_kinds[] = {"ddim", "euler", "heun", "ddpm", "ancestral", "lms", "dpm2", "dpm", "dpm_single", "dpm_sde", "dpm_adaptive", "deis", "pndm",
    "unipc", "usf", "ghvb", "resshift", "flowturbo", "consistency", "ddcm", "custom", "rk", NULL};
const char *const bind_solver_predictions[] = {"eps", "x0", "v", "flow", "flow_back", "score", "edm", "residual", NULL};
static const char *const spacings[] = {"uniform", "power", "log_snr", "karras", "exponential", "linspace", "linspace_n", "leading", "leading_n", "trailing", "ratio",
    "times", "sigmas", "levels", NULL};

/* 'variant' by its number or its name, which depends on the kind. */
static int32_t read_variant(lua_State *L, int32_t kind, const char *what) {
    static const char *const deis[] = {"time", "ratio", "even", NULL}, *const pndm[] = {"runge_kutta", "improved_euler", "ramp", NULL};
    static const char *const unipc[] = {"bh2", "bh1", NULL};
    static const char *const rk[] = {"heun2", "euler", "kutta3", "ralston3", "heun3", "van_der_houwen3", "ssp3", "classical4", "dormand_prince5", NULL};
    static const char *const single[] = {"mixed", "diffusers", "even", NULL}, *const ddpm[] = {"small", "large", NULL};
    const char *const *names = kind == VT_SOLVER_DPM_SINGLE ? single : kind == VT_SOLVER_DDPM ? ddpm : kind == VT_SOLVER_DEIS ? deis : kind == VT_SOLVER_PNDM ? pndm
        : kind == VT_SOLVER_UNIPC ? unipc : kind == VT_SOLVER_RK ? rk : NULL;
    const int is_name = box_field(L, 1, "variant") && lua_type(L, -1) == LUA_TSTRING;
    lua_settop(L, 1);
    if (names && is_name) return box_choice(L, 1, what, "variant", names, 0);
    return (int32_t)box_integer(L, 1, what, "variant", 0, 0, INT32_MAX); /* by number */
}

/* A derivative's estimate out of the table at the top: { points = { 1, 2 }, relax =, coefficient = }. */
static void read_derivative(lua_State *L, vt_solver_derivative *d) {
    static const char *const known[] = {"points", "relax", "coefficient", NULL};
    static const char *const relaxations[] = {"none", "bh2", "bh1", "exp", "minus_exp", "linear", NULL};
    const int at = lua_gettop(L);
    int64_t n = 0;
    luaL_checktype(L, at, LUA_TTABLE);
    box_options(L, at, "solver", known);
    d->relaxation = box_choice(L, at, "solver", "relax", relaxations, VT_RELAX_NONE);
    d->coefficient = box_number(L, at, "solver", "coefficient", 0);
    const int32_t *points = array_option(L, at, "solver", "points", VT_DTYPE_I32, &n);
    if (!points || n < 1 || n > 4) box_raise(L, VT_ERR_INVALID, "solver: a derivative is estimated from 1 to 4 points");
    d->n_points = (int32_t)n;
    for (int64_t i = 0; i < n; i++) d->back[i] = points[i];
    lua_settop(L, at);
}

static void read_derivatives(lua_State *L, int at, const char *key, vt_solver_derivative *out, int32_t most) {
    if (!box_field(L, at, key)) return;
    luaL_checktype(L, -1, LUA_TTABLE);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    if (n > most) box_raise(L, VT_ERR_INVALID, "solver: %I derivatives, at most %d", (LUAI_UACINT)n, (int)most);
    for (lua_Integer k = 0; k < n; k++) {
        lua_rawgeti(L, -1, k + 1);
        read_derivative(L, &out[k]);
        lua_pop(L, 1);
    }
}

/* 'usf': a list of { prediction = "data" | "noise", order =, derivatives = list, corrector = "none" | "pseudo" | "implicit", corrector_order =,
 * corrector_derivatives = list }. The rows stay on the stack. */
static const vt_solver_usf_step *read_usf(lua_State *L, int64_t *n_steps) {
    static const char *const known[] = {"prediction", "order", "derivatives", "corrector", "corrector_order", "corrector_derivatives", NULL};
    static const char *const algorithms[] = {"data", "noise", NULL}, *const correctors[] = {"none", "pseudo", "implicit", NULL};
    if (!box_field(L, 1, "usf")) return NULL;
    luaL_checktype(L, -1, LUA_TTABLE);
    const int list = lua_gettop(L);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, list);
    if (n < 1 || n != *n_steps) box_raise(L, VT_ERR_INVALID, "solver: 'usf' has %I rows for %I steps", (LUAI_UACINT)n, (LUAI_UACINT)*n_steps);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    vt_solver_usf_step *steps = lua_newuserdatauv(L, (size_t)n * sizeof *steps, 0);
    luaL_checkstack(L, 16, NULL);
    for (lua_Integer i = 0; i < n; i++) {
        const int top = lua_gettop(L), at = top + 1;
        steps[i] = (vt_solver_usf_step){0};
        lua_rawgeti(L, list, i + 1);
        luaL_checktype(L, at, LUA_TTABLE);
        box_options(L, at, "solver", known);
        steps[i].prediction = box_choice(L, at, "solver", "prediction", algorithms, VT_PREDICTION_DATA);
        steps[i].order = (int32_t)box_integer(L, at, "solver", "order", 1, 1, 4);
        steps[i].corrector = box_choice(L, at, "solver", "corrector", correctors, VT_CORRECT_NONE);
        steps[i].corrector_order = (int32_t)box_integer(L, at, "solver", "corrector_order", 1, 1, 5);
        read_derivatives(L, at, "derivatives", steps[i].derivative, 3);
        read_derivatives(L, at, "corrector_derivatives", steps[i].corrector_derivative, 4);
        lua_settop(L, top);
    }
    return steps;
}

/* What only some kinds read. */
static void read_kind_options(lua_State *L, vt_solver_options *o) {
    static const char *const momenta[] = {"none", "heavy_ball", "nesterov", "generalised", NULL}, *const readings[] = {"paper", "repository", "diffusers", "truncated", NULL};
    static const char *const firsts[] = {"asked", "zero", "mean", NULL};
    static const char WHAT[] = "solver";
    o->variant = read_variant(L, o->kind, WHAT);
    o->momentum = box_choice(L, 1, WHAT, "momentum", momenta, VT_MOMENTUM_NONE);
    o->beta = box_number(L, 1, WHAT, "beta", 0);
    o->reading = box_choice(L, 1, WHAT, "reading", readings, VT_PNDM_AS_PAPER);
    o->plain_steps = (int32_t)box_integer(L, 1, WHAT, "plain_steps", 0, 0, INT32_MAX);
    o->first = box_choice(L, 1, WHAT, "first", firsts, VT_FIRST_ASKED);
    o->program = box_string(L, 1, WHAT, "program", NULL);
    if (box_boolean(L, 1, WHAT, "classical", 0)) o->flags |= VT_SOLVER_CLASSICAL;
}

static void read_flags(lua_State *L, vt_solver_options *o, const char *what) {
    if (box_field(L, 1, "lower_order_final")) {
        o->flags |= lua_toboolean(L, -1) ? VT_SOLVER_LOWER_FINAL : VT_SOLVER_NO_LOWER_FINAL;
        lua_pop(L, 1);
    }
    if (box_boolean(L, 1, what, "euler_at_final", 0)) o->flags |= VT_SOLVER_EULER_FINAL;
    if (box_boolean(L, 1, what, "denoise", 0)) o->flags |= VT_SOLVER_DENOISE;
    if (box_boolean(L, 1, what, "round_times", 0)) o->flags |= VT_SOLVER_ROUND_TIMES;
}

/* What happens to predictions on their way. */
static void read_predictions(lua_State *L, vt_solver_options *o, const char *what) {
    static const char *const guidances[] = {"none", "cfg", "cfg++", NULL};
    o->guidance = box_choice(L, 1, what, "guidance", guidances, VT_GUIDANCE_NONE);
    o->guidance_scale = box_number(L, 1, what, "guidance_scale", 1);
    o->guidance_rescale = box_number(L, 1, what, "guidance_rescale", 0);
    o->guidance_from = box_number(L, 1, what, "guidance_from", 0);
    o->guidance_to = box_number(L, 1, what, "guidance_to", 0);
    o->clip = box_number(L, 1, what, "clip", 0);
    o->threshold = box_number(L, 1, what, "threshold", 0);
    o->threshold_floor = box_number(L, 1, what, "threshold_floor", 0);
    o->threshold_top = box_number(L, 1, what, "threshold_top", 0);
    o->atol = box_number(L, 1, what, "atol", 0);
    o->rtol = box_number(L, 1, what, "rtol", 0);
    o->churn = box_number(L, 1, what, "churn", 0);
    o->churn_from = box_number(L, 1, what, "churn_from", 0);
    o->churn_to = box_number(L, 1, what, "churn_to", 0);
    if (box_boolean(L, 1, what, "raw_noise", 0)) o->flags |= VT_SOLVER_RAW_NOISE;
    if (box_boolean(L, 1, what, "brownian", 0)) o->flags |= VT_SOLVER_BROWNIAN;
}

/* Whether an option is given, and neither false nor "none". */
static int is_given(lua_State *L, const char *option) {
    const int top = lua_gettop(L);
    const int is = box_field(L, 1, option) && lua_toboolean(L, -1) && !(lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "none") == 0);
    lua_settop(L, top);
    return is;
}

/* An option that would do nothing is refused: those that only some kinds read, and those that say how another one works. */
static void refuse_idle(lua_State *L, const vt_solver_options *o) {
#define KIND(name) (UINT32_C(1) << VT_SOLVER_##name)
    const uint32_t DPMS = KIND(DPM) | KIND(DPM_SINGLE) | KIND(DPM_ADAPTIVE);
    const struct {
        const char *option;
        uint32_t kinds;
    } of_kinds[] = {{"program", KIND(FLOWTURBO)}, {"usf", KIND(USF)}, {"atol", KIND(DPM_ADAPTIVE)}, {"rtol", KIND(DPM_ADAPTIVE)}, {"classical", KIND(PNDM)},
        {"reading", KIND(PNDM)}, {"plain_steps", KIND(UNIPC)}, {"first", KIND(USF)}, {"churn", KIND(DDIM) | KIND(EULER) | KIND(HEUN) | KIND(DPM2)}, {"form", DPMS},
        {"algorithm", DPMS | KIND(UNIPC)}, {"order", DPMS | KIND(LMS) | KIND(DEIS) | KIND(PNDM) | KIND(UNIPC) | KIND(GHVB) | KIND(ANCESTRAL)},
        {"eta", DPMS | KIND(DDIM) | KIND(EULER) | KIND(ANCESTRAL) | KIND(DPM_SDE) | KIND(DDCM)}};
#undef KIND
    static const char *const of_options[][2] = {{"guidance_scale", "guidance"}, {"guidance_rescale", "guidance"}, {"guidance_from", "guidance"}, {"guidance_to", "guidance"},
        {"churn_from", "churn"}, {"churn_to", "churn"}, {"threshold_floor", "threshold"}, {"threshold_top", "threshold"}};
    static const char *const of_values[] = {"steps", "spacing"};
    for (size_t i = 0; i < sizeof of_kinds / sizeof *of_kinds; i++) {
        if (!(of_kinds[i].kinds >> o->kind & 1) && is_given(L, of_kinds[i].option))
            box_raise(L, VT_ERR_INVALID, "solver: option '%s' does nothing with kind '%s'", of_kinds[i].option, solver_kinds[o->kind]);
    }
    for (size_t i = 0; i < sizeof of_options / sizeof *of_options; i++) {
        if (is_given(L, of_options[i][0]) && !is_given(L, of_options[i][1]))
            box_raise(L, VT_ERR_INVALID, "solver: option '%s' does nothing without '%s'", of_options[i][0], of_options[i][1]);
    }
    for (size_t i = 0; o->values && i < sizeof of_values / sizeof *of_values; i++) {
        if (is_given(L, of_values[i])) box_raise(L, VT_ERR_INVALID, "solver: option '%s' does nothing beside 'times' or 'sigmas'", of_values[i]);
    }
    if (o->beta != 0 && o->beta != 1 && o->kind != VT_SOLVER_GHVB && o->momentum == VT_MOMENTUM_NONE)
        box_raise(L, VT_ERR_INVALID, "solver: option 'beta' does nothing without 'momentum'");
}

/* Reads the options at index 1; arrays stay on the stack. */
static vt_solver_options read_options(lua_State *L) {
    static const char *const known[] = {"schedule", "kind", "prediction", "spacing", "final", "dtype", "algorithm", "order", "form", "variant", "lower_final", "steps",
        "start", "end_time", "power", "offset", "sigma_min", "sigma_max", "times", "sigmas", "eta", "noise_scale", "sigma_data", "seed", "lower_order_final",
        "euler_at_final", "denoise", "round_times", "raw_noise", "brownian", "guidance", "guidance_scale", "guidance_rescale", "guidance_from", "guidance_to", "clip", "threshold",
        "threshold_floor", "threshold_top", "churn", "churn_from", "churn_to", "atol", "rtol", "momentum", "beta", "reading", "plain_steps", "first", "program",
        "classical", "usf", "ops", NULL};
    static const char *const finals[] = {"default", "zero", "least", NULL}, *const algorithms[] = {"data", "noise", NULL};
    static const char *const forms[] = {"midpoint", "heun", "taylor", NULL}, *const types[] = {"f32", "f64", NULL};
    static const int32_t codes[] = {VT_DTYPE_F32, VT_DTYPE_F64};
    static const char WHAT[] = "solver";
    vt_solver_options o = VT_STRUCT_INIT(vt_solver_options);
    int64_t n_times = 0, n_sigmas = 0;
    box_options(L, 1, WHAT, known);
    o.kind = box_choice(L, 1, WHAT, "kind", solver_kinds, VT_SOLVER_DDIM);
    o.prediction = box_choice(L, 1, WHAT, "prediction", bind_solver_predictions, VT_PREDICT_EPS);
    o.spacing = box_choice(L, 1, WHAT, "spacing", spacings, VT_SPACING_UNIFORM);
    o.final = box_choice(L, 1, WHAT, "final", finals, VT_FINAL_DEFAULT);
    o.dtype = codes[box_choice(L, 1, WHAT, "dtype", types, 0)];
    o.algorithm = box_choice(L, 1, WHAT, "algorithm", algorithms, VT_PREDICTION_DATA);
    o.order = (int32_t)box_integer(L, 1, WHAT, "order", 0, 0, INT32_MAX);
    o.form = box_choice(L, 1, WHAT, "form", forms, VT_FORM_MIDPOINT);
    o.lower_final = (int32_t)box_integer(L, 1, WHAT, "lower_final", 0, 0, INT32_MAX);
    o.n_steps = box_integer(L, 1, WHAT, "steps", 0, 0, INT32_MAX);
    o.start = box_number(L, 1, WHAT, "start", 0);
    o.end = box_number(L, 1, WHAT, "end_time", 0);
    o.power = box_number(L, 1, WHAT, "power", 0);
    o.offset = box_number(L, 1, WHAT, "offset", 0);
    o.sigma_min = box_number(L, 1, WHAT, "sigma_min", 0);
    o.sigma_max = box_number(L, 1, WHAT, "sigma_max", 0);
    o.eta = box_number(L, 1, WHAT, "eta", 0);
    o.noise_scale = box_number(L, 1, WHAT, "noise_scale", 0);
    o.sigma_data = box_number(L, 1, WHAT, "sigma_data", 0);
    o.seed = (uint64_t)box_integer(L, 1, WHAT, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
    read_flags(L, &o, WHAT);
    read_predictions(L, &o, WHAT);
    read_kind_options(L, &o);
    const double *times = array_option(L, 1, WHAT, "times", VT_DTYPE_F64, &n_times), *sigmas = array_option(L, 1, WHAT, "sigmas", VT_DTYPE_F64, &n_sigmas);
    if (times || sigmas) {
        if (times && sigmas) box_raise(L, VT_ERR_INVALID, "solver: 'times' or 'sigmas', not both");
        o.values = times ? times : sigmas;
        o.spacing = times ? VT_SPACING_TIMES : VT_SPACING_SIGMAS;
        o.n_steps = (times ? n_times : n_sigmas) - 1;
        if (o.n_steps < 1) box_raise(L, VT_ERR_INVALID, "solver: needs two levels or more");
    }
    o.usf = read_usf(L, &o.n_steps);
    refuse_idle(L, &o);
    return o;
}

/* Pushes the box of a solver; the schedule is at `schedule`. */
static box *push_solver(lua_State *L, int schedule, const vt_solver_options *o) {
    box *b = box_push(L, &solver_box, 1);
    vt_solver *solver = NULL;
    box_ok(L, vt_solver_create(vt__capability_get(L)->ctx, box_check(L, schedule, &schedule_box), o, &solver));
    b->handle = solver;
    return b;
}

/* Option 'ops' into o: a list of steps, or a function of the levels that gives one. What it needs stays on the stack. */
static void read_program(lua_State *L, int schedule, vt_solver_options *o) {
    if (!box_field(L, 1, "ops")) return;
    const int ops = lua_gettop(L);
    vt_solver_options plain = *o;
    plain.kind = VT_SOLVER_EULER;
    plain.prediction = VT_PREDICT_X0;
    box *b = push_solver(L, schedule, &plain);
    const int64_t n_levels = vt_solver_level_count(b->handle);
    vt_level *levels = lua_newuserdatauv(L, (size_t)n_levels * sizeof *levels, 0);
    box_ok(L, vt_solver_levels(b->handle, levels, n_levels));
    lua_pushvalue(L, ops);
    if (lua_isfunction(L, ops)) {
        push_levels(L, levels, n_levels);
        lua_call(L, 1, 1);
    }
    o->kind = VT_SOLVER_CUSTOM;
    o->ops = bind_solver_program(L, levels, n_levels, &o->n_ops, &o->n_steps);
}

/* vt.solver{ schedule = , kind = , ... }: docs/manual/solver.md and solvers.md */
static int solver_new(lua_State *L) {
    lua_remove(L, 1); /* the table that was called */
    lua_settop(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    vt_solver_options o = read_options(L);
    if (!box_field(L, 1, "schedule")) box_raise(L, VT_ERR_INVALID, "solver: needs 'schedule'");
    const int schedule = lua_gettop(L);
    vt__capability_charge_for(L, (uint64_t)(o.n_steps ? o.n_steps : 20), VT__COST_ITEM);
    read_program(L, schedule, &o);
    (void)push_solver(L, schedule, &o);
    return 1;
}

/* vt.solver.phi(k, z) */
static int solver_phi(lua_State *L) {
    lua_pushnumber(L, vt_solver_phi((int32_t)luaL_checkinteger(L, 1), luaL_checknumber(L, 2)));
    return 1;
}

/* vt.solver.lagrange(nodes, from, to) -> integrals of the polynomials that are 1 at one node and 0 at the others */
static int solver_lagrange(lua_State *L) {
    int64_t n;
    double out[8];
    const double a = luaL_checknumber(L, 2), b = luaL_checknumber(L, 3);
    lua_settop(L, 1);
    const double *nodes = array_vector(L, "solver", "nodes", VT_DTYPE_F64, &n);
    box_ok(L, vt_solver_lagrange(nodes, (int32_t)(n > 8 ? 9 : n), a, b, out));
    array_push(L, VT_DTYPE_F64, out, n);
    return 1;
}

/* ---- hooks ---- */

static int hook_body(lua_State *L) {
    static const char *const points[] = {"before_eval", "after_guidance", "after_data", "before_update", "after_step"};
    const vt_solver_event *e = lua_touserdata(L, 2);
    lua_pushvalue(L, 1);
    lua_pushstring(L, points[e->point]);
    box *b = bind_tensor_push(L);
    b->handle = vt_tensor_retain(e->tensor);
    lua_pushinteger(L, e->step + 1);
    lua_call(L, 3, 0);
    return 0;
}

static vt_status call_hook(void *user, const vt_solver_event *e) {
    vt_solver_event event = *e;
    return callback_call(user, hook_body, &event) ? VT_OK : VT_ERR_CANCELLED;
}

/* The hook of the solver at index 1 comes into use; NULL: none. Nothing may be raised until hook_end. */
static callback *hook_begin(lua_State *L) {
    (void)lua_getiuservalue(L, 1, 1);
    callback *cb = lua_touserdata(L, -1);
    if (!cb) return NULL;
    (void)lua_getiuservalue(L, -1, 1);
    callback_begin(L, cb);
    return cb;
}

/* Raises what the function raised, or the status. */
static void hook_end(lua_State *L, callback *cb, vt_solver *held, vt_status st) {
    vt_solver_release(held);
    if (cb) {
        callback_end(cb);
        callback_raise(L, cb);
    }
    box_ok(L, st);
}

/* solver:hook(function(point, tensor, step)), point: "before_eval", "after_guidance", "after_data", "before_update", "after_step"; nil: none */
static int solver_hook(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        box_ok(L, vt_solver_set_hook(solver, NULL, NULL));
        (void)lua_setiuservalue(L, 1, 1);
        return 0;
    }
    luaL_checktype(L, 2, LUA_TFUNCTION);
    callback *cb = lua_newuserdatauv(L, sizeof *cb, 1);
    *cb = (callback){NULL, 0, 0};
    lua_pushvalue(L, 2);
    (void)lua_setiuservalue(L, 3, 1);
    box_ok(L, vt_solver_set_hook(solver, call_hook, cb));
    (void)lua_setiuservalue(L, 1, 1);
    return 0;
}

/* solver:levels() -> lists */
static int solver_levels(lua_State *L) {
    const vt_solver *solver = box_check(L, 1, &solver_box);
    const int64_t n = vt_solver_level_count(solver);
    vt_level *levels = lua_newuserdatauv(L, (size_t)n * sizeof *levels, 0);
    box_ok(L, vt_solver_levels(solver, levels, n));
    push_levels(L, levels, n);
    return 1;
}

/* solver:begin(x, seeds = nil): x [rows, ...]; seeds: a list of integers */
static int solver_begin(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    vt_tensor *x = bind_tensor_check(L, 2);
    const uint64_t *seeds = NULL;
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        int64_t n;
        seeds = array_vector(L, "solver", "seeds", VT_DTYPE_I64, &n);
        if (vt_tensor_n_dims(x) < 1 || n != vt_tensor_shape(x)[0]) box_raise(L, VT_ERR_SHAPE, "solver: %I seeds for the rows of the state", (LUAI_UACINT)n);
    }
    vt__capability_charge_for(L, (uint64_t)vt_tensor_count(x), VT__COST_ITEM);
    callback *cb = hook_begin(L);
    vt_solver *held = vt_solver_retain(solver);
    const vt_status st = vt_solver_begin(solver, x, seeds);
    hook_end(L, cb, held, st);
    lua_settop(L, 1);
    return 1;
}

static vt_solver_request request_of(lua_State *L) {
    vt_solver_request r = VT_STRUCT_INIT(vt_solver_request);
    box_ok(L, vt_solver_next(box_check(L, 1, &solver_box), &r));
    return r;
}

static void push_tensor(lua_State *L, vt_tensor *t) {
    if (!t) {
        lua_pushnil(L);
        return;
    }
    box *b = bind_tensor_push(L);
    b->handle = vt_tensor_retain(t);
}

/* Pushes numbers [n] as a tensor of f64. */
static void push_numbers(lua_State *L, const double *v, int64_t n) {
    box *b = bind_tensor_push(L);
    vt_tensor *t = NULL;
    box_ok(L, vt_tensor_create(vt__capability_get(L)->ctx, VT_DTYPE_F64, &n, 1, VT_DEVICE_CPU, &t));
    b->handle = t;
    box_ok(L, vt_tensor_write(t, v, (size_t)n * sizeof *v));
}

/* solver:next() -> { x =, t =, alpha =, sigma =, log_snr = (tensors), extra =, step = from 1, steps =, evaluations =, model = 1 or 2, predictions = } */
static int solver_next(lua_State *L) {
    const vt_solver_request r = request_of(L);
    lua_createtable(L, 0, 12);
    push_tensor(L, r.x);
    lua_setfield(L, -2, "x");
    push_tensor(L, r.extra);
    lua_setfield(L, -2, "extra");
    push_numbers(L, r.time, r.n_rows);
    lua_setfield(L, -2, "t");
    push_numbers(L, r.alpha, r.n_rows);
    lua_setfield(L, -2, "alpha");
    push_numbers(L, r.sigma, r.n_rows);
    lua_setfield(L, -2, "sigma");
    push_numbers(L, r.log_snr, r.n_rows);
    lua_setfield(L, -2, "log_snr");
    const lua_Integer facts[] = {r.step + 1, r.n_steps, r.n_evaluated, r.model + 1, r.n_predictions};
    static const char *const names[] = {"step", "steps", "evaluations", "model", "predictions"};
    for (int i = 0; i < 5; i++) {
        lua_pushinteger(L, facts[i]);
        lua_setfield(L, -2, names[i]);
    }
    return 1;
}

/* solver:x() -> state of the request, or the result */
static int solver_x(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    if (vt_solver_is_done(solver) || !vt_solver_state(solver)) push_tensor(L, vt_solver_state(solver));
    else push_tensor(L, request_of(L).x);
    return 1;
}

/* solver:t() -> times of the rows, f64 */
static int solver_t(lua_State *L) {
    const vt_solver_request r = request_of(L);
    push_numbers(L, r.time, r.n_rows);
    return 1;
}

/* solver:done() -> boolean */
static int solver_done(lua_State *L) {
    lua_pushboolean(L, vt_solver_is_done(box_check(L, 1, &solver_box)));
    return 1;
}

/* Answers with the tensors at first .. top. */
static void answer(lua_State *L, int first) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    vt_tensor *given[2];
    const int n = lua_gettop(L) - first + 1;
    if (n < 1 || n > 2) box_raise(L, VT_ERR_INVALID, "solver: %d predictions", n);
    for (int i = 0; i < n; i++) given[i] = bind_tensor_check(L, first + i);
    vt__capability_charge_for(L, (uint64_t)vt_tensor_count(given[0]), VT__COST_COPY);
    callback *cb = hook_begin(L);
    vt_solver *held = vt_solver_retain(solver);
    const vt_status st = vt_solver_step(solver, given, n);
    hook_end(L, cb, held, st);
}

/* solver:step(prediction [, unconditional]) */
static int solver_step(lua_State *L) {
    answer(L, 2);
    return 0;
}

/* Stack: solver, function and, when the model has answered (from 1), its predictions. */
static int go_on(lua_State *L, int status, lua_KContext from) {
    (void)status;
    for (;; from = 1) {
        if (from) {
            while (lua_gettop(L) > 3 && lua_isnil(L, -1)) lua_pop(L, 1);
            answer(L, 3);
        }
        vt_solver *solver = box_check(L, 1, &solver_box);
        lua_settop(L, 2);
        if (vt_solver_is_done(solver)) {
            push_tensor(L, vt_solver_state(solver));
            return 1;
        }
        lua_pushvalue(L, 2);
        (void)solver_next(L);
        lua_getfield(L, -1, "x");
        lua_getfield(L, -2, "t");
        lua_rotate(L, -3, 2); /* x, t, request */
        lua_callk(L, 3, LUA_MULTRET, 1, go_on);
    }
}

/* Stack: solver, graph, its third input and that of unconditional predictions, or nil. Each evaluation is paid for before it is done. */
static int run_graph(lua_State *L) {
    for (;;) {
        vt_graph_denoiser d = VT_STRUCT_INIT(vt_graph_denoiser);
        vt_graph_cost_info cost = VT_STRUCT_INIT(vt_graph_cost_info);
        vt_tensor *out[2] = {NULL, NULL};
        box *b[2];
        lua_settop(L, 4);
        vt_solver *solver = box_check(L, 1, &solver_box);
        if (vt_solver_is_done(solver)) return push_tensor(L, vt_solver_state(solver)), 1;
        d.graph = box_check(L, 2, &bind_graph_box);
        d.given = lua_isnil(L, 3) ? NULL : bind_tensor_check(L, 3);
        d.plain = lua_isnil(L, 4) ? NULL : bind_tensor_check(L, 4);
        const vt_solver_request r = request_of(L);
        box_ok(L, vt_graph_cost(d.graph, &cost));
        cost.flops *= r.n_predictions;
        vt__capability_charge_for(L, cost.flops < 1e18 ? (uint64_t)cost.flops : UINT64_MAX, VT__COST_ELEMENT);
        for (int32_t i = 0; i < r.n_predictions; i++) b[i] = bind_tensor_push(L);
        const vt_status st = vt_graph_model(&d, &r, out);
        for (int32_t i = 0; i < r.n_predictions; i++) b[i]->handle = out[i];
        box_ok(L, st);
        answer(L, 5);
    }
}

/* solver:run(function(x, t, request) -> prediction [, unconditional]) -> result; solver:run(graph [, given [, plain]]) -> result */
static int solver_run(lua_State *L) {
    (void)box_check(L, 1, &solver_box);
    if (luaL_testudata(L, 2, bind_graph_box.name)) return run_graph(L);
    if (lua_type(L, 2) != LUA_TFUNCTION) box_raise(L, VT_ERR_INVALID, "solver: a model is a function or a graph, got %s", luaL_typename(L, 2));
    lua_settop(L, 2);
    return go_on(L, LUA_OK, 0);
}

/* solver:set_state(x, keep_history = false) */
static int solver_set_state(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    box_ok(L, vt_solver_set_state(solver, bind_tensor_check(L, 2), lua_toboolean(L, 3) ? VT_SOLVER_KEEP_HISTORY : 0));
    return 0;
}

/* solver:mask(mask, known); nil: none */
static int solver_mask(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    const int has = !lua_isnoneornil(L, 2);
    box_ok(L, vt_solver_set_mask(solver, has ? bind_tensor_check(L, 2) : NULL, has ? bind_tensor_check(L, 3) : NULL));
    return 0;
}

/* solver:save() -> string */
static int solver_save(lua_State *L) {
    const vt_solver *solver = box_check(L, 1, &solver_box);
    box *b = box_push_buffer(L);
    vt_buffer *buffer = NULL;
    box_ok(L, vt_solver_save(solver, &buffer));
    b->handle = buffer;
    box_push_text(L, b);
    return 1;
}

/* solver:restore(string) */
static int solver_restore(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    size_t size;
    const char *data = luaL_checklstring(L, 2, &size);
    vt__capability_charge_for(L, size, VT__COST_COPY);
    box_ok(L, vt_solver_restore(solver, data, size));
    lua_settop(L, 1);
    return 1;
}

/* solver:noise(tensor [draws, rows, ...]); nil: the rows' own again */
static int solver_noise(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    box_ok(L, vt_solver_set_noise(solver, lua_isnoneornil(L, 2) ? NULL : bind_tensor_check(L, 2)));
    return 0;
}

/* solver:extra(1 or 2, tensor) */
static int solver_extra(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    const lua_Integer k = luaL_checkinteger(L, 2);
    luaL_argcheck(L, k == 1 || k == 2, 2, "1 or 2");
    box_ok(L, vt_solver_set_extra(solver, (int32_t)k - 1, lua_isnoneornil(L, 3) ? NULL : bind_tensor_check(L, 3)));
    return 0;
}

/* solver:route(roles, partners): lists or tensors of i32 and of i64, rows from 0; roles are 0 source, 1 target, 2 mutual */
static int solver_route(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    int64_t n_roles, n_partners;
    lua_settop(L, 3);
    const int64_t *partners = array_vector(L, "solver", "partners", VT_DTYPE_I64, &n_partners);
    lua_pushvalue(L, 2);
    const int32_t *roles = array_vector(L, "solver", "roles", VT_DTYPE_I32, &n_roles);
    vt_tensor *x = vt_solver_state(solver);
    if (!x || vt_tensor_shape(x)[0] != n_roles || n_roles != n_partners) box_raise(L, VT_ERR_SHAPE, "solver: needs a role and a partner for each row of a state that has begun");
    box_ok(L, vt_solver_set_route(solver, roles, partners));
    return 0;
}

/* solver:times(0 or 1, list or tensor of f64; nil: the grid's): the level at which the present step begins (0) or ends (1), of each row */
static int solver_times(lua_State *L) {
    vt_solver *solver = box_check(L, 1, &solver_box);
    const lua_Integer end = luaL_checkinteger(L, 2);
    int64_t n = 0;
    lua_settop(L, 3);
    luaL_argcheck(L, end == 0 || end == 1, 2, "0 or 1");
    const double *times = lua_isnil(L, 3) ? NULL : array_vector(L, "solver", "times", VT_DTYPE_F64, &n);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    box_ok(L, vt_solver_set_times(solver, (int32_t)end, times, n));
    return 0;
}

/* solver:shift{ window =, cutoff =, data_variance = 0, target = false } -> times of the rows, f64 */
static int solver_shift(lua_State *L) {
    static const char *const known[] = {"window", "cutoff", "data_variance", "target", NULL};
    vt_solver *solver = box_check(L, 1, &solver_box);
    vt_time_shift_options o = VT_STRUCT_INIT(vt_time_shift_options);
    lua_settop(L, 2);
    luaL_checktype(L, 2, LUA_TTABLE);
    box_options(L, 2, "solver", known);
    o.window = box_number(L, 2, "solver", "window", 40);
    o.cutoff = box_number(L, 2, "solver", "cutoff", 200);
    o.data_variance = box_number(L, 2, "solver", "data_variance", 0);
    o.flags = box_boolean(L, 2, "solver", "target", 0) ? VT_TIME_SHIFT_TARGET : 0;
    vt_tensor *x = vt_solver_state(solver);
    const int64_t n = x ? vt_tensor_shape(x)[0] : 0;
    vt__capability_charge_for(L, x ? (uint64_t)vt_tensor_count(x) : 0, VT__COST_ITEM);
    double *times = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *times, 0);
    box_ok(L, vt_solver_time_shift(solver, &o, times, n));
    push_numbers(L, times, n);
    return 1;
}

void bind_solver(lua_State *L) {
    static const luaL_Reg of_schedule[] = {{"levels", schedule_levels}, {"find", schedule_find}, {NULL, NULL}};
    static const luaL_Reg of_solver[] = {{"levels", solver_levels}, {"begin", solver_begin}, {"next", solver_next}, {"x", solver_x}, {"t", solver_t},
        {"done", solver_done}, {"step", solver_step}, {"run", solver_run}, {"set_state", solver_set_state}, {"hook", solver_hook}, {"mask", solver_mask}, {"save", solver_save}, {"restore", solver_restore}, {"noise", solver_noise}, {"extra", solver_extra},
        {"route", solver_route}, {"times", solver_times}, {"shift", solver_shift}, {NULL, NULL}};
    box_register(L, &schedule_box, of_schedule);
    box_register(L, &solver_box, of_solver);
    lua_pushcfunction(L, schedule_new);
    lua_setfield(L, -2, "schedule");
    static const luaL_Reg functions[] = {{"phi", solver_phi}, {"lagrange", solver_lagrange}, {NULL, NULL}}, call[] = {{"__call", solver_new}, {NULL, NULL}};
    luaL_newlib(L, functions);
    luaL_newlib(L, call);
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "solver");
}
