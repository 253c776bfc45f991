/* Lua face of venturi/ot.h: vt.ot(targets), a semi-discrete optimal transport map. */
#include "bind.h"
#include "bind_tensor.h"
#include "capability.h"
#include "venturi/ot.h"

static void release_ot(void *handle) { vt_ot_release(handle); }
static const box_type ot_box = {"vt.ot", "ot", release_ot};

static vt_ot *check(lua_State *L) { return box_check(L, 1, &ot_box); }

static const double *floats(lua_State *L, const char *what, vt_tensor *t, int32_t n_dims) {
    int32_t dtype;
    if (vt_tensor_dtype(t) != VT_DTYPE_F64 || vt_tensor_n_dims(t) != n_dims) box_raise(L, VT_ERR_DTYPE, "ot: %s must be a tensor of f64 with %d dimensions", what, (int)n_dims);
    return bind_tensor_elements(L, t, &dtype);
}

static vt_tensor *result(lua_State *L, int32_t dtype, const int64_t *shape, int32_t n_dims) {
    box *b = bind_tensor_push(L);
    vt_tensor *t = NULL;
    box_ok(L, vt_tensor_create(vt__capability_get(L)->ctx, dtype, shape, n_dims, VT_DEVICE_CPU, &t));
    b->handle = t;
    return t;
}

/* vt.ot(targets [n, dim] f64, { masses = tensor [n] f64 }) */
static int ot_new(lua_State *L) {
    static const char *const known[] = {"masses", NULL};
    const double *masses = NULL;
    vt_tensor *targets = bind_tensor_check(L, 1);
    lua_settop(L, 2);
    (void)box_options(L, 2, "ot", known);
    if (box_field(L, 2, "masses")) {
        vt_tensor *t = bind_tensor_check(L, -1);
        masses = floats(L, "masses", t, 1);
        if (vt_tensor_n_dims(targets) != 2 || vt_tensor_shape(t)[0] != vt_tensor_shape(targets)[0]) box_raise(L, VT_ERR_SHAPE, "ot: needs a mass a target");
    }
    const double *y = floats(L, "targets", targets, 2);
    box *b = box_push(L, &ot_box, 0);
    vt_ot *ot = NULL;
    box_ok(L, vt_ot_create(vt__capability_get(L)->ctx, y, vt_tensor_shape(targets)[0], vt_tensor_shape(targets)[1], masses, &ot));
    b->handle = ot;
    return 1;
}

/* ot:solve{ source = "normal" | "uniform", samples =, max_iter =, patience =, doublings =, rate =, tolerance =, seed = }
 * -> { converged =, iterations =, samples =, empty =, error = } */
static int solve(lua_State *L) {
    static const char *const known[] = {"source", "samples", "max_iter", "patience", "doublings", "rate", "tolerance", "seed", NULL};
    static const char *const sources[] = {"normal", "uniform", NULL};
    vt_ot *ot = check(L);
    vt_ot_options o = VT_STRUCT_INIT(vt_ot_options);
    vt_ot_report r = VT_STRUCT_INIT(vt_ot_report);
    lua_settop(L, 2);
    (void)box_options(L, 2, "ot", known);
    o.source = box_choice(L, 2, "ot", "source", sources, VT_OT_NORMAL);
    o.n_samples = box_integer(L, 2, "ot", "samples", 0, 0, INT32_MAX);
    o.max_iter = box_integer(L, 2, "ot", "max_iter", 0, 0, INT32_MAX);
    o.patience = (int32_t)box_integer(L, 2, "ot", "patience", 0, 0, INT32_MAX);
    o.n_doublings = (int32_t)box_integer(L, 2, "ot", "doublings", 0, -1, 20);
    o.rate = box_number(L, 2, "ot", "rate", 0);
    o.tolerance = box_number(L, 2, "ot", "tolerance", 0);
    o.seed = (uint64_t)box_integer(L, 2, "ot", "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
    o.cancel = vt__capability_get(L)->cancel;
    uint64_t cells = vt__capability_times((uint64_t)vt_ot_count(ot), (uint64_t)vt_ot_dim(ot));
    vt__capability_charge_for(L, vt__capability_times(cells, (uint64_t)(o.n_samples ? o.n_samples : 4096)), VT__COST_LOOKUP);
    box_ok(L, vt_ot_solve(ot, &o, &r));
    lua_createtable(L, 0, 5);
    lua_pushboolean(L, r.converged);
    lua_setfield(L, -2, "converged");
    lua_pushinteger(L, r.n_iter);
    lua_setfield(L, -2, "iterations");
    lua_pushinteger(L, r.n_samples);
    lua_setfield(L, -2, "samples");
    lua_pushinteger(L, r.n_empty);
    lua_setfield(L, -2, "empty");
    lua_pushnumber(L, r.error);
    lua_setfield(L, -2, "error");
    return 1;
}

/* ot:map(x [n, dim] f64, k = 1) -> tensor [n, k] of i64: the k best targets, from 0, best first */
static int map(lua_State *L) {
    vt_ot *ot = check(L);
    vt_tensor *t = bind_tensor_check(L, 2);
    lua_Integer k = luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, k >= 1 && k <= vt_ot_count(ot), 3, "more targets than there are");
    lua_settop(L, 2);
    const double *x = floats(L, "x", t, 2);
    const int64_t shape[] = {vt_tensor_shape(t)[0], k};
    if (vt_tensor_shape(t)[1] != vt_ot_dim(ot)) box_raise(L, VT_ERR_SHAPE, "ot: x must be [n, %d]", (int)vt_ot_dim(ot));
    uint64_t cells = vt__capability_times((uint64_t)vt_ot_count(ot), (uint64_t)vt_ot_dim(ot));
    vt__capability_charge_for(L, vt__capability_times(cells, (uint64_t)shape[0]), VT__COST_LOOKUP);
    int64_t *out = vt_tensor_data(result(L, VT_DTYPE_I64, shape, 2));
    int32_t *index = lua_newuserdatauv(L, (size_t)(shape[0] * k + 1) * sizeof *index, 0);
    box_ok(L, vt_ot_map(ot, x, shape[0], (int32_t)k, index));
    for (int64_t i = 0; i < shape[0] * k; i++) out[i] = index[i];
    lua_pop(L, 1);
    return 1;
}

/* ot:heights() -> tensor [n]; ot:heights(tensor [n] f64) sets them */
static int heights(lua_State *L) {
    vt_ot *ot = check(L);
    const int64_t n = vt_ot_count(ot);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        vt_tensor *t = bind_tensor_check(L, 2);
        const double *h = floats(L, "heights", t, 1);
        if (vt_tensor_shape(t)[0] != n) box_raise(L, VT_ERR_SHAPE, "ot: needs a height a target");
        box_ok(L, vt_ot_set_heights(ot, h));
        return 0;
    }
    box_ok(L, vt_ot_get_heights(ot, vt_tensor_data(result(L, VT_DTYPE_F64, &n, 1))));
    return 1;
}

static int count(lua_State *L) { return lua_pushinteger(L, vt_ot_count(check(L))), 1; }
static int dim(lua_State *L) { return lua_pushinteger(L, vt_ot_dim(check(L))), 1; }

void bind_ot(lua_State *L) {
    static const luaL_Reg methods[] = {{"solve", solve}, {"map", map}, {"heights", heights}, {"count", count}, {"dim", dim}, {NULL, NULL}};
    box_register(L, &ot_box, methods);
    lua_pushcfunction(L, ot_new);
    lua_setfield(L, -2, "ot");
}
