/* Lua face of venturi/mixture.h: vt.mixture(...), exact predictions, densities, flows and draws of a Gaussian mixture.
 *
 * Rows are tensors [n, dim] of f64. ROWS options: { alpha =, sigma = (a number, or a tensor [n] of f64), class = (an integer from 0, or a tensor [n] of i32, -1:
 * all modes), guidance = 1 }. */
#include "array.h"
#include "bind.h"
#include "bind_tensor.h"
#include "capability.h"
#include "venturi/mixture.h"
#include "venturi/solver.h"

static void release_mixture(void *handle) { vt_mixture_release(handle); }
static const box_type mixture_box = {"vt.mixture", "mixture", release_mixture};

static vt_mixture *check(lua_State *L) { return box_check(L, 1, &mixture_box); }

/* Copies the f64 elements of a tensor [.., dim] into a userdata that is pushed. dim 0: a vector. */
static const double *floats(lua_State *L, const char *key, vt_tensor *t, int64_t n, int64_t dim) {
    const int64_t *shape = vt_tensor_shape(t);
    const int32_t n_dims = vt_tensor_n_dims(t);
    int32_t dtype;
    if (vt_tensor_dtype(t) != VT_DTYPE_F64) box_raise(L, VT_ERR_DTYPE, "mixture: '%s' must be f64", key);
    if (n_dims != (dim ? 2 : 1) || (n >= 0 && shape[0] != n) || (dim && shape[1] != dim))
        box_raise(L, VT_ERR_SHAPE, dim ? "mixture: '%s' must be [n, %d]" : "mixture: '%s' must be [n]", key, (int)dim);
    return bind_tensor_elements(L, t, &dtype);
}

/* A level's number: where it is one number for all rows it goes to *one. */
static const double *level(lua_State *L, int options, const char *key, double *one, int64_t n) {
    vt_tensor *t = NULL;
    if (!box_field(L, options, key)) box_raise(L, VT_ERR_INVALID, "mixture: '%s' is missing", key);
    if ((t = bind_tensor_test(L, -1)) != NULL) return floats(L, key, t, n, 0);
    if (lua_type(L, -1) != LUA_TNUMBER) box_raise(L, VT_ERR_INVALID, "mixture: '%s' must be a number or a tensor", key);
    *one = lua_tonumber(L, -1);
    return NULL;
}

static double *fill(lua_State *L, int64_t n, double value) {
    double *out = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *out, 0);
    for (int64_t i = 0; i < n; i++) out[i] = value;
    return out;
}

static const int32_t *classes(lua_State *L, int options, int64_t n) {
    int32_t dtype;
    if (!box_field(L, options, "class")) return NULL;
    vt_tensor *t = bind_tensor_test(L, -1);
    if (t) {
        if (vt_tensor_dtype(t) != VT_DTYPE_I32 || vt_tensor_n_dims(t) != 1 || vt_tensor_shape(t)[0] != n) box_raise(L, VT_ERR_SHAPE, "mixture: 'class' must be a tensor [n] of i32");
        return bind_tensor_elements(L, t, &dtype);
    }
    lua_Integer one = box_integer(L, options, "mixture", "class", -1, -1, INT32_MAX);
    int32_t *out = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *out, 0);
    for (int64_t i = 0; i < n; i++) out[i] = (int32_t)one;
    return out;
}

/* Rows of the tensor at 2 and the options at 3; what they point to is pushed. */
static vt_mixture_rows read_rows(lua_State *L, vt_mixture *m, const char *const known[]) {
    vt_mixture_rows r = VT_STRUCT_INIT(vt_mixture_rows);
    double alpha = 0, sigma = 0;
    vt_tensor *x = bind_tensor_check(L, 2);
    lua_settop(L, 3);
    luaL_checktype(L, 3, LUA_TTABLE);
    (void)box_options(L, 3, "mixture", known);
    r.n = vt_tensor_n_dims(x) ? vt_tensor_shape(x)[0] : 0;
    luaL_checkstack(L, 16, NULL);
    r.x = floats(L, "x", x, -1, vt_mixture_dim(m));
    r.alpha = level(L, 3, "alpha", &alpha, r.n);
    r.sigma = level(L, 3, "sigma", &sigma, r.n);
    if (!r.alpha && !r.sigma) r.flags = VT_MIXTURE_ONE_LEVEL;
    if (!r.alpha) r.alpha = fill(L, r.sigma ? r.n : 1, alpha);
    if (!r.sigma) r.sigma = fill(L, r.flags ? 1 : r.n, sigma);
    r.classes = classes(L, 3, r.n);
    r.guidance = box_number(L, 3, "mixture", "guidance", 1);
    if (r.guidance == 0) { /* the library's 0 means its default: without guidance is without classes */
        r.guidance = 1;
        r.classes = NULL;
    }
    return r;
}

/* Pushes the box of a new f64 tensor [n, dim] (dim 0: [n]) and gives its numbers. */
static double *result(lua_State *L, int64_t n, int64_t dim) {
    const int64_t shape[] = {n, dim};
    box *b = bind_tensor_push(L);
    vt_tensor *t = NULL;
    box_ok(L, vt_tensor_create(vt__capability_get(L)->ctx, VT_DTYPE_F64, shape, dim ? 2 : 1, VT_DEVICE_CPU, &t));
    b->handle = t;
    return vt_tensor_data(t);
}

static void charge(lua_State *L, const vt_mixture *m, int64_t n, uint64_t times) {
    uint64_t cells = vt__capability_times((uint64_t)vt_mixture_n_modes(m), (uint64_t)vt_mixture_dim(m) + 4);
    vt__capability_charge_for(L, vt__capability_times(vt__capability_times(cells, (uint64_t)n), times), VT__COST_LOOKUP);
}

#define ROWS "alpha", "sigma", "class", "guidance"

/* m:predict(x, ROWS with kind = "eps" | "x0" | "v" | "flow" | "flow_back" | "score") -> tensor [n, dim] */
static int predict(lua_State *L) {
    static const char *const known[] = {ROWS, "kind", NULL};
    static const char *const kinds[] = {"eps", "x0", "v", "flow", "flow_back", "score", NULL};
    vt_mixture *m = check(L);
    vt_mixture_rows r = read_rows(L, m, known);
    int kind = box_choice(L, 3, "mixture", "kind", kinds, VT_PREDICT_EPS);
    charge(L, m, r.n, 1);
    double *out = result(L, r.n, vt_mixture_dim(m));
    box_ok(L, vt_mixture_predict(m, &r, kind, out));
    return 1;
}

/* m:log_density(x, ROWS) -> tensor [n] */
static int log_density(lua_State *L) {
    static const char *const known[] = {"alpha", "sigma", "class", NULL};
    vt_mixture *m = check(L);
    vt_mixture_rows r = read_rows(L, m, known);
    charge(L, m, r.n, 1);
    double *out = result(L, r.n, 0);
    box_ok(L, vt_mixture_log_density(m, &r, out));
    return 1;
}

/* m:solve(x, ROWS with to = { alpha, sigma }) -> tensor [n, dim], where the probability flow ends */
static int solve(lua_State *L) {
    static const char *const known[] = {ROWS, "to", NULL};
    double to[2];
    vt_mixture *m = check(L);
    vt_mixture_rows r = read_rows(L, m, known);
    if (!box_field(L, 3, "to") || !lua_istable(L, -1)) box_raise(L, VT_ERR_INVALID, "mixture: 'to' must be { alpha, sigma }");
    for (int i = 0; i < 2; i++) {
        if (lua_rawgeti(L, -1, i + 1) != LUA_TNUMBER) box_raise(L, VT_ERR_INVALID, "mixture: 'to' must be { alpha, sigma }");
        to[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    charge(L, m, r.n, 4000);
    double *out = result(L, r.n, vt_mixture_dim(m));
    box_ok(L, vt_mixture_solve(m, &r, to[0], to[1], vt__capability_get(L)->cancel, out));
    return 1;
}

/* m:draw(n, { seed = 0, first = 0, class = -1 }) -> tensor [n, dim] of f64, modes [n] of i32 */
static int draw(lua_State *L) {
    static const char *const known[] = {"seed", "first", "class", NULL};
    vt_mixture *m = check(L);
    const int64_t n = luaL_checkinteger(L, 2);
    lua_settop(L, 3);
    (void)box_options(L, 3, "mixture", known);
    luaL_argcheck(L, n >= 0, 2, "a number of rows is 0 or more");
    int64_t first = box_integer(L, 3, "mixture", "first", 0, 0, INT64_MAX / 4);
    int64_t seed = box_integer(L, 3, "mixture", "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
    int32_t label = (int32_t)box_integer(L, 3, "mixture", "class", -1, -1, INT32_MAX);
    vt__capability_charge_for(L, vt__capability_times((uint64_t)n, (uint64_t)vt_mixture_dim(m)), VT__COST_NORMAL);
    double *out = result(L, n, vt_mixture_dim(m));
    box *b = bind_tensor_push(L);
    vt_tensor *modes = NULL;
    box_ok(L, vt_tensor_create(vt__capability_get(L)->ctx, VT_DTYPE_I32, &n, 1, VT_DEVICE_CPU, &modes));
    b->handle = modes;
    box_ok(L, vt_mixture_draw(m, (uint64_t)seed, first, n, label, out, vt_tensor_data(modes)));
    return 2;
}

/* m:mode(i), i from 0 -> { weight =, class =, mean = tensor [dim], std = tensor [dim] } */
static int mode(lua_State *L) {
    vt_mixture *m = check(L);
    const int64_t i = luaL_checkinteger(L, 2);
    double weight;
    int32_t label;
    lua_newtable(L);
    double *mean = result(L, vt_mixture_dim(m), 0);
    lua_setfield(L, -2, "mean");
    double *std = result(L, vt_mixture_dim(m), 0);
    lua_setfield(L, -2, "std");
    box_ok(L, vt_mixture_mode(m, i, &weight, &label, mean, std));
    lua_pushnumber(L, weight);
    lua_setfield(L, -2, "weight");
    if (label >= 0) {
        lua_pushinteger(L, label);
        lua_setfield(L, -2, "class");
    }
    return 1;
}

static int dim(lua_State *L) { return lua_pushinteger(L, vt_mixture_dim(check(L))), 1; }
static int n_modes(lua_State *L) { return lua_pushinteger(L, vt_mixture_n_modes(check(L))), 1; }
static int n_classes(lua_State *L) { return lua_pushinteger(L, vt_mixture_n_classes(check(L))), 1; }
static int name(lua_State *L) { return lua_pushstring(L, vt_mixture_name(check(L))), 1; }

/* The numbers of an option that is a list of rows or a tensor's list. */
static vt_mixture *create(lua_State *L) {
    static const char *const known[] = {"name", "weights", "means", "stds", "classes", NULL};
    vt_mixture_options o = VT_STRUCT_INIT(vt_mixture_options);
    int64_t n_classes;
    (void)box_options(L, 1, "mixture", known);
    o.name = box_string(L, 1, "mixture", "name", NULL);
    o.weights = array_option(L, 1, "mixture", "weights", VT_DTYPE_F64, &o.n_modes);
    array_shape shape = {ARRAY_ROWS, VT_DTYPE_F64, o.n_modes, 0};
    const double **where[] = {&o.means, &o.stds};
    const char *const keys[] = {"means", "stds"};
    if (!o.weights) box_raise(L, VT_ERR_INVALID, "mixture: 'weights' is missing");
    for (int i = 0; i < 2; i++) {
        array a;
        if (!box_field(L, 1, keys[i])) box_raise(L, VT_ERR_INVALID, "mixture: '%s' is missing", keys[i]);
        array_read(L, "mixture", keys[i], &shape, &a);
        if (a.dtype != VT_DTYPE_F64 || a.n != o.n_modes || (i && a.dim != o.dim)) box_raise(L, VT_ERR_SHAPE, "mixture: '%s' needs a row of f64 a weight", keys[i]);
        o.dim = a.dim;
        *where[i] = a.data;
    }
    o.classes = array_option(L, 1, "mixture", "classes", VT_DTYPE_I32, &n_classes);
    if (o.classes && n_classes != o.n_modes) box_raise(L, VT_ERR_SHAPE, "mixture: %d classes of %d modes", (int)n_classes, (int)o.n_modes);
    vt_mixture *m = NULL;
    box_ok(L, vt_mixture_create(vt__capability_get(L)->ctx, &o, &m));
    return m;
}

/* vt.mixture{ weights = list, means = rows, stds = rows, classes = list or nil, name = } or
 * vt.mixture(json text, name of the model or nil) */
static int mixture_new(lua_State *L) {
    lua_settop(L, 2);
    box *b = box_push(L, &mixture_box, 0);
    vt_mixture *m = NULL;
    if (lua_istable(L, 1)) {
        m = create(L);
    } else {
        size_t size;
        const char *text = luaL_checklstring(L, 1, &size);
        vt__capability_charge_for(L, size, VT__COST_JSON);
        box_ok(L, vt_mixture_parse(vt__capability_get(L)->ctx, text, size, luaL_optstring(L, 2, NULL), &m));
    }
    b->handle = m;
    lua_settop(L, 3);
    return 1;
}

/* vt.open_mixture(path, name of the model or nil) */
static int mixture_open(lua_State *L) {
    const char *path = luaL_checkstring(L, 1), *model = luaL_optstring(L, 2, NULL);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_MODELS, "vt.open_mixture");
    box *b = box_push(L, &mixture_box, 0);
    vt_mixture *m = NULL;
    box_ok(L, vt_mixture_open(cap->ctx, path, model, &m));
    b->handle = m;
    return 1;
}

void bind_mixture(lua_State *L) {
    static const luaL_Reg methods[] = {{"predict", predict}, {"log_density", log_density}, {"solve", solve}, {"draw", draw}, {"mode", mode}, {"dim", dim},
        {"n_modes", n_modes}, {"n_classes", n_classes}, {"name", name}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"mixture", mixture_new}, {"open_mixture", mixture_open}, {NULL, NULL}};
    box_register(L, &mixture_box, methods);
    luaL_setfuncs(L, functions, 0);
}
