/* Lua face of venturi/graph.h.
 *
 *   vt.capture(f, INPUTS) -> graph     runs results = f(inputs...) once, and keeps what was done
 *   g:run(INPUTS..., VALUES?), g:run({ INPUTS }, VALUES?) -> results     VALUES: variables by name, { lr = 0.05, step = 7 }
 *   g:results() -> those of the last run, at first of the capture
 *   g:inputs(), g:outputs() -> lists of { dtype, shape }
 *   g:set(name, number)
 *   g:save(path, { f16 = false }), vt.open_graph(path, { device = "cpu" }) -> graph, which has no results before its first run
 *   g:report() -> JSON: steps, extents, bytes, FLOPs, the arena
 *   g.peak_bytes, arena_bytes, least_bytes, scratch_bytes, result_bytes, input_bytes, kept_bytes, flops, steps
 *   vt.var(name, number) -> v          stands where the number of an attribute or of an operand stands; v.value can be set, v.name read
 *
 * The collector runs before a capture and at its end: what nobody can reach is no tensor that somebody keeps. */
#include <string.h>

#include "bind.h"
#include "bind_tensor.h"
#include "capability.h"
#include "venturi/graph.h"

static void release_graph(void *handle) { vt_graph_release(handle); }
const box_type bind_graph_box = {"vt.graph", "graph", release_graph};

/* ---- variables ---- */

static const char variable_type[] = "vt.var";
enum { VAR_NAME = 1, VAR_VALUE = 2 }; /* user values */

const char *bind_var_test(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (!luaL_testudata(L, index, variable_type)) return NULL;
    lua_getiuservalue(L, index, VAR_NAME);
    const char *name = lua_tostring(L, -1);
    lua_pop(L, 1);
    lua_getiuservalue(L, index, VAR_VALUE);
    return name;
}

static void set_value(lua_State *L, int var, int value) {
    luaL_argcheck(L, lua_type(L, value) == LUA_TNUMBER, value, "the value of a variable is a number");
    lua_pushvalue(L, value);
    lua_setiuservalue(L, var, VAR_VALUE);
}

static int var(lua_State *L) {
    luaL_checkstring(L, 1);
    lua_settop(L, 2);
    lua_newuserdatauv(L, 1, 2);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 3, VAR_NAME);
    set_value(L, 3, 2);
    luaL_setmetatable(L, variable_type);
    return 1;
}

static int var_index(lua_State *L) {
    luaL_checkudata(L, 1, variable_type);
    const char *key = luaL_checkstring(L, 2);
    if (strcmp(key, "value") == 0) lua_getiuservalue(L, 1, VAR_VALUE);
    else if (strcmp(key, "name") == 0) lua_getiuservalue(L, 1, VAR_NAME);
    else lua_pushnil(L);
    return 1;
}

static int var_newindex(lua_State *L) {
    luaL_checkudata(L, 1, variable_type);
    if (strcmp(luaL_checkstring(L, 2), "value") != 0) box_raise(L, VT_ERR_INVALID, "variable: '%s' cannot be set", lua_tostring(L, 2));
    set_value(L, 1, 3);
    return 0;
}

/* ---- capture ---- */

typedef struct recording {
    callback call;
    vt_tensor *const *in;
    vt_tensor **out;
    int32_t n_in, n_out;
} recording;

/* The function and its request. Results that are not tensors raise. */
static int capture_body(lua_State *L) {
    recording *r = lua_touserdata(L, 2);
    luaL_checkstack(L, r->n_in + LUA_MINSTACK, NULL);
    lua_settop(L, 1);
    for (int32_t i = 0; i < r->n_in; i++) {
        box *b = bind_tensor_push(L);
        b->handle = vt_tensor_retain(r->in[i]);
    }
    lua_call(L, r->n_in, LUA_MULTRET);
    int n = lua_gettop(L);
    if (n > VT_GRAPH_MAX_RESULTS) box_raise(L, VT_ERR_LIMIT, "capture: %d results, at most %d are possible", n, (int)VT_GRAPH_MAX_RESULTS);
    for (int i = 1; i <= n; i++)
        if (!bind_tensor_test(L, i)) box_raise(L, VT_ERR_INVALID, "capture: result %d is no tensor but %s", i, luaL_typename(L, i));
    for (int i = 1; i <= n; i++) r->out[i - 1] = vt_tensor_retain(bind_tensor_test(L, i));
    r->n_out = n;
    lua_settop(L, 0);
    box_collect(L);
    return 0;
}

static vt_status capture_work(void *user, vt_tensor *const *in, int32_t n_in, vt_tensor **out, int32_t *n_out) {
    recording *r = user;
    r->in = in;
    r->n_in = n_in;
    r->out = out;
    int32_t mode = vt_grad_mode();
    int ok = callback_call(&r->call, capture_body, r);
    (void)vt_grad_mode_set(mode);
    *n_out = r->n_out;
    return ok ? VT_OK : VT_ERR_CANCELLED;
}

/* Tensors of a list at `index` in a userdata that is pushed. */
static vt_tensor **read_list(lua_State *L, const char *what, int index, int32_t *n) {
    *n = 0;
    lua_Unsigned count = lua_istable(L, index) ? lua_rawlen(L, index) : 0;
    if (!lua_istable(L, index) && !lua_isnoneornil(L, index)) box_raise(L, VT_ERR_INVALID, "%s: a list of tensors is needed, got %s", what, luaL_typename(L, index));
    if (count > 1000) box_raise(L, VT_ERR_LIMIT, "%s: %I inputs, at most 1000 are possible", what, (LUAI_UACINT)count);
    vt_tensor **list = lua_newuserdatauv(L, (size_t)count * sizeof *list + 1, 0);
    for (lua_Unsigned i = 0; i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        list[i] = bind_tensor_test(L, -1);
        if (!list[i]) box_raise(L, VT_ERR_INVALID, "%s: input %I is no tensor but %s", what, (LUAI_UACINT)i + 1, luaL_typename(L, -1));
        lua_pop(L, 1);
    }
    *n = (int32_t)count;
    return list;
}

static int capture(lua_State *L) {
    recording r = {0};
    vt_graph *g = NULL;
    int32_t n;
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 2);
    vt_tensor **in = read_list(L, "capture", 2, &n);
    box *b = box_push(L, &bind_graph_box, 0);
    lua_pushvalue(L, 1);
    box_collect(L); /* what earlier runs have left would be in memory beside this one */
    callback_begin(L, &r.call);
    vt_status st = vt_graph_capture(vt__capability_get(L)->ctx, in, n, capture_work, &r, &g);
    callback_end(&r.call);
    b->handle = g;
    callback_raise(L, &r.call);
    box_ok(L, st);
    lua_pushvalue(L, 4);
    return 1;
}

/* ---- use ---- */

static vt_graph *check(lua_State *L, int arg) { return box_check(L, arg, &bind_graph_box); }

static vt_graph_cost_info cost_of(lua_State *L, const vt_graph *g) {
    vt_graph_cost_info cost = VT_STRUCT_INIT(vt_graph_cost_info);
    box_ok(L, vt_graph_cost(g, &cost));
    return cost;
}

static void set_one(lua_State *L, vt_graph *g, const char *name, int value) {
    if (lua_type(L, value) != LUA_TNUMBER) box_raise(L, VT_ERR_INVALID, "graph: the variable '%s' is a number, got %s", name, luaL_typename(L, value));
    if (lua_isinteger(L, value)) box_ok(L, vt_graph_set_int(g, name, lua_tointeger(L, value)));
    else box_ok(L, vt_graph_set(g, name, lua_tonumber(L, value)));
}

static void set_all(lua_State *L, vt_graph *g, int table) {
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (lua_type(L, -2) != LUA_TSTRING) box_raise(L, VT_ERR_INVALID, "graph: variables are given by name, got %s", luaL_typename(L, -2));
        set_one(L, g, lua_tostring(L, -2), lua_gettop(L));
        lua_pop(L, 1);
    }
}

static int set(lua_State *L) {
    set_one(L, check(L, 1), luaL_checkstring(L, 2), 3);
    return 0;
}

static int results(lua_State *L) {
    vt_graph *g = check(L, 1);
    int32_t n = vt_graph_n_results(g);
    luaL_checkstack(L, n + LUA_MINSTACK, NULL);
    for (int32_t i = 0; i < n; i++) {
        box *b = bind_tensor_push(L);
        b->handle = vt_graph_result(g, i);
        if (!b->handle) box_raise(L, VT_ERR_STATE, "graph: it has not run yet");
    }
    return n;
}

static int run(lua_State *L) {
    vt_graph *g = check(L, 1);
    int top = lua_gettop(L), n_given = 0;
    int32_t n = 0;
    vt_tensor **in;
    while (n_given + 2 <= top && bind_tensor_test(L, n_given + 2)) n_given++;
    int values = n_given ? n_given + 2 : 3; /* where variables are */
    if (top > values || (values <= top && !lua_isnil(L, values) && !lua_istable(L, values)))
        box_raise(L, VT_ERR_INVALID, "graph: inputs, then a table of variables, are needed");
    if (values <= top && lua_istable(L, values)) set_all(L, g, values);
    if (n_given) {
        in = lua_newuserdatauv(L, (size_t)n_given * sizeof *in, 0);
        for (n = 0; n < n_given; n++) in[n] = bind_tensor_check(L, n + 2);
    } else {
        in = read_list(L, "graph", 2, &n);
    }
    double flops = cost_of(L, g).flops;
    vt__capability_charge_for(L, flops < 1e18 ? (uint64_t)flops : UINT64_MAX, VT__COST_ELEMENT);
    box_ok(L, vt_graph_run(g, in, n));
    lua_settop(L, 1);
    return results(L);
}

static int save(lua_State *L) {
    static const char *const known[] = {"f16", NULL};
    vt_graph *g = check(L, 1);
    const char *path = luaL_checkstring(L, 2);
    lua_settop(L, 3);
    (void)box_options(L, 3, "save", known);
    vt__capability_need(L, VT__CAN_WRITE, "graph:save");
    vt__capability_charge_for(L, cost_of(L, g).kept_bytes, VT__COST_COPY);
    box_ok(L, vt_graph_save(g, path, box_boolean(L, 3, "save", "f16", 0) ? VT_GRAPH_SAVE_F16 : 0u));
    return 0;
}

static int open_graph(lua_State *L) {
    static const char *const known[] = {"device", NULL};
    static const char *const devices[] = {"cpu", "opaque", NULL};
    const char *path = luaL_checkstring(L, 1);
    lua_settop(L, 2);
    (void)box_options(L, 2, "open_graph", known);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_MODELS, "vt.open_graph");
    vt_graph *g = NULL;
    box *b = box_push(L, &bind_graph_box, 0);
    box_ok(L, vt_graph_open(cap->ctx, path, box_choice(L, 2, "open_graph", "device", devices, 0), &g));
    b->handle = g;
    vt__capability_charge_for(L, cost_of(L, g).kept_bytes, VT__COST_HASH);
    return 1;
}

/* ---- what goes in and comes out ---- */

typedef vt_status (*describe_fn)(const vt_graph *graph, int32_t i, int32_t *dtype, int64_t *shape, int32_t *n_dims);

/* A list of { dtype, shape }. */
static int push_ends(lua_State *L, const vt_graph *g, int32_t n, describe_fn describe) {
    lua_createtable(L, n, 0);
    for (int32_t i = 0; i < n; i++) {
        int64_t shape[VT_MAX_DIMS];
        int32_t dtype, n_dims;
        box_ok(L, describe(g, i, &dtype, shape, &n_dims));
        lua_createtable(L, 0, 2);
        lua_pushstring(L, vt_dtype_name(dtype));
        lua_setfield(L, -2, "dtype");
        lua_createtable(L, n_dims, 0);
        for (int32_t d = 0; d < n_dims; d++) {
            lua_pushinteger(L, shape[d]);
            lua_rawseti(L, -2, d + 1);
        }
        lua_setfield(L, -2, "shape");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int inputs(lua_State *L) {
    vt_graph *g = check(L, 1);
    return push_ends(L, g, vt_graph_n_inputs(g), vt_graph_input);
}

static int outputs(lua_State *L) {
    vt_graph *g = check(L, 1);
    return push_ends(L, g, vt_graph_n_results(g), vt_graph_output);
}

static int report(lua_State *L) {
    vt_graph *g = check(L, 1);
    vt_buffer *text = NULL;
    box *b = box_push_buffer(L);
    box_ok(L, vt_graph_report(g, &text));
    b->handle = text;
    box_push_text(L, b);
    return 1;
}

/* Methods, and what a run costs. */
static int get_field(lua_State *L) {
    vt_graph *g = check(L, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    const char *key = luaL_checkstring(L, 2);
    vt_graph_cost_info c = cost_of(L, g);
    const struct { const char *name; uint64_t value; } fields[] = {{"peak_bytes", c.peak_bytes}, {"arena_bytes", c.arena_bytes}, {"least_bytes", c.least_bytes},
        {"scratch_bytes", c.scratch_bytes}, {"result_bytes", c.result_bytes}, {"input_bytes", c.input_bytes}, {"kept_bytes", c.kept_bytes},
        {"steps", (uint64_t)c.n_steps}};
    if (strcmp(key, "flops") == 0) return lua_pushnumber(L, c.flops), 1;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(key, fields[i].name) == 0) return lua_pushinteger(L, (lua_Integer)fields[i].value), 1;
    return lua_pushnil(L), 1;
}

void bind_graph(lua_State *L) {
    static const luaL_Reg methods[] = {{"run", run}, {"results", results}, {"inputs", inputs}, {"outputs", outputs}, {"set", set}, {"report", report}, {"save", save}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"capture", capture}, {"open_graph", open_graph}, {"var", var}, {NULL, NULL}};
    static const luaL_Reg variable[] = {{"__index", var_index}, {"__newindex", var_newindex}, {NULL, NULL}};
    box_register(L, &bind_graph_box, methods);
    luaL_getmetatable(L, bind_graph_box.name);
    lua_getfield(L, -1, "__index");
    if (lua_istable(L, -1)) { /* else opened before in this state */
        lua_pushcclosure(L, get_field, 1);
        lua_setfield(L, -2, "__index");
    } else {
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (luaL_newmetatable(L, variable_type)) {
        luaL_setfuncs(L, variable, 0);
        lua_pushliteral(L, "locked");
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
