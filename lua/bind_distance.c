/* Lua face of venturi/distance.h. One constructor, by what the distances are made of:
 *
 *   vt.distance{ matrix = DATA, n =, dtype =, symmetric = false }
 *   vt.distance{ triangle = DATA, n =, dtype = }
 *   vt.distance{ rows = DATA, n =, dim =, dtype =, metric = "l2", store = false }    metric: l2, l2_squared, l1, cosine, hamming, jaccard
 *   vt.distance{ csr = { offsets =, columns =, values = }, n =, dim =, metric =, store = false }
 *   vt.distance{ callback = function(i, j) return number end, n =, symmetric = false, store = false }
 *
 * DATA is what array.h says. Objects are numbered from 0. Bytes with a metric of numbers are widened to float32; hamming and jaccard take them as
 * eight bits each. A callback runs on the thread of the call that asks for distances, may raise, and may use neither its distance nor a coroutine's
 * yield; with `store` it is called by the constructor alone. */
#include "bind.h"

#include <limits.h>

#include "array.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/distance.h"

static void release_distance(void *handle) {
    vt_distance_release(handle);
}
const box_type bind_distance_box = {"vt.distance", "distance", release_distance};

static const char WHAT[] = "distance";
/* Stack of the constructor. */
enum { OPTIONS = 1, BOX, FACTS };

static vt_distance *check_distance(lua_State *L) {
    return box_check(L, 1, &bind_distance_box);
}

/* ---- use by library calls ---- */

bind_distance_facts *bind_distance_facts_of(lua_State *L, int arg) {
    lua_getiuservalue(L, arg, 1);
    bind_distance_facts *facts = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return facts;
}

bind_distance_use bind_distance_begin(lua_State *L, int arg) {
    bind_distance_use use = {box_check(L, arg, &bind_distance_box), bind_distance_facts_of(L, arg)};
    if (use.facts->is_callback) {
        if (use.facts->caller.L) box_raise(L, VT_ERR_STATE, "distance: its callback is running, and may not use it");
        lua_getiuservalue(L, arg, 1);
        lua_getiuservalue(L, -1, 1);
        callback_begin(L, &use.facts->caller);
    }
    use.handle = vt_distance_retain(use.handle);
    return use;
}

void bind_distance_end(bind_distance_use *use) {
    callback_end(&use->facts->caller);
    vt_distance_release(use->handle);
    use->handle = NULL;
}

void bind_distance_ok(lua_State *L, const bind_distance_use *use, vt_status st) {
    callback_raise(L, &use->facts->caller);
    box_ok(L, st);
}

void bind_distance_charge(lua_State *L, const bind_distance_facts *facts, uint64_t n) {
    vt__capability_charge_for(L, vt__capability_times(n, facts->cost), 1);
}

/* ---- sources ---- */

/* Puts the value on the top where it lives as long as the distance and its clusterings. */
static void keep(lua_State *L) {
    lua_setiuservalue(L, FACTS, 1);
}

static int64_t option_n(lua_State *L) {
    return box_integer(L, OPTIONS, WHAT, "n", 0, 1, VT_DISTANCE_MAX_OBJECTS);
}

static uint32_t flag(lua_State *L, const char *key, uint32_t value) {
    return box_boolean(L, OPTIONS, WHAT, key, 0) ? value : 0;
}

static vt_status from_matrix(lua_State *L, bind_distance_facts *facts, vt_distance **out) {
    array_shape shape = {ARRAY_MATRIX, array_dtype(L, OPTIONS, WHAT), option_n(L), 0};
    uint32_t flags = flag(L, "symmetric", VT_DISTANCE_SYMMETRIC);
    array a;
    (void)box_field(L, OPTIONS, "matrix");
    array_read(L, WHAT, "matrix", &shape, &a);
    keep(L);
    bind_distance_charge(L, facts, vt__capability_times((uint64_t)a.n, (uint64_t)a.n));
    return vt_distance_from_matrix(vt__capability_get(L)->ctx, a.data, a.dtype, a.n, 0, flags, out);
}

static vt_status from_triangle(lua_State *L, bind_distance_facts *facts, vt_distance **out) {
    array_shape shape = {ARRAY_TRIANGLE, array_dtype(L, OPTIONS, WHAT), option_n(L), 0};
    array a;
    (void)box_field(L, OPTIONS, "triangle");
    array_read(L, WHAT, "triangle", &shape, &a);
    keep(L);
    bind_distance_charge(L, facts, vt__capability_times((uint64_t)a.n, (uint64_t)a.n) / 2);
    return vt_distance_from_triangle(vt__capability_get(L)->ctx, a.data, a.dtype, a.n, 0, out);
}

static int32_t option_metric(lua_State *L) {
    static const char *const metrics[] = {"l2", "l2_squared", "l1", "cosine", "hamming", "jaccard", NULL}; /* in the order of VT_METRIC_* */
    return box_choice(L, OPTIONS, WHAT, "metric", metrics, VT_METRIC_L2);
}

/* Before rows are read, and n x n distances where they are stored. */
static void charge_rows(lua_State *L, const bind_distance_facts *facts, int64_t n, uint32_t flags) {
    bind_distance_charge(L, facts, vt__capability_times((uint64_t)n, flags & VT_DISTANCE_STORE ? (uint64_t)n : 1));
}

static vt_status from_rows(lua_State *L, bind_distance_facts *facts, vt_distance **out) {
    int32_t metric = option_metric(L), is_bits = metric == VT_METRIC_HAMMING || metric == VT_METRIC_JACCARD;
    uint32_t flags = flag(L, "store", VT_DISTANCE_STORE);
    array_shape shape = {ARRAY_ROWS, array_dtype(L, OPTIONS, WHAT), option_n(L), box_integer(L, OPTIONS, WHAT, "dim", 0, 1, LUA_MAXINTEGER)};
    array a;
    if (is_bits && shape.dtype == ARRAY_ANY) shape.dtype = VT_DTYPE_U8;
    (void)box_field(L, OPTIONS, "rows");
    array_read(L, WHAT, "rows", &shape, &a);
    if (!is_bits && a.dtype == VT_DTYPE_U8) array_widen(L, &a);
    facts->dtype = a.dtype;
    facts->dim = a.dim;
    facts->cost = VT__COST_LOOKUP + (uint64_t)(is_bits ? a.dim / 8 : a.dim) * VT__COST_ELEMENT;
    charge_rows(L, facts, a.n, flags);
    return vt_distance_from_rows(vt__capability_get(L)->ctx, a.data, a.dtype, a.n, a.dim, 0, metric, flags, out);
}

static vt_status from_csr(lua_State *L, bind_distance_facts *facts, vt_distance **out) {
    static const char *const known[] = {"offsets", "columns", "values", NULL};
    int32_t metric = option_metric(L);
    uint32_t flags = flag(L, "store", VT_DISTANCE_STORE);
    int64_t n = option_n(L), dim = box_integer(L, OPTIONS, WHAT, "dim", 0, 1, INT32_MAX), n_offsets, n_columns, n_values;
    (void)box_field(L, OPTIONS, "csr");
    int csr = lua_gettop(L);
    if (!box_options(L, csr, "csr", known) || dim == 0) box_raise(L, VT_ERR_INVALID, "distance: csr needs offsets, columns, values and option 'dim'");
    const int64_t *offsets = array_option(L, csr, "csr", "offsets", VT_DTYPE_I64, &n_offsets);
    const int32_t *columns = array_option(L, csr, "csr", "columns", VT_DTYPE_I32, &n_columns);
    const float *values = array_option(L, csr, "csr", "values", VT_DTYPE_F32, &n_values);
    if (!offsets || !columns || !values) box_raise(L, VT_ERR_INVALID, "distance: csr needs offsets, columns and values");
    if (n == 0) n = n_offsets - 1;
    if (n < 1 || n_offsets != n + 1) box_raise(L, VT_ERR_SHAPE, "csr: %I offsets, need one more than rows", (LUAI_UACINT)n_offsets);
    if (n_columns != n_values || offsets[n] != n_columns)
        box_raise(L, VT_ERR_SHAPE, "csr: %I columns and %I values, offsets end at %I", (LUAI_UACINT)n_columns, (LUAI_UACINT)n_values, (LUAI_UACINT)offsets[n]);
    facts->cost = VT__COST_LOOKUP + (uint64_t)(n_values / n) * VT__COST_LOOKUP;
    charge_rows(L, facts, n, flags);
    return vt_distance_from_csr(vt__capability_get(L)->ctx, offsets, columns, values, n, dim, metric, flags, out);
}

typedef struct question {
    int64_t i, j;
    double answer;
} question;

static int ask_body(lua_State *L) {
    question *q = lua_touserdata(L, 2);
    vt__capability_charge_for(L, 1, VT__COST_ITEM); /* a function in C is seen by no hook */
    lua_pushvalue(L, 1);
    lua_pushinteger(L, q->i);
    lua_pushinteger(L, q->j);
    lua_call(L, 2, 1);
    if (lua_type(L, -1) != LUA_TNUMBER)
        box_raise(L, VT_ERR_INVALID, "distance: callback(%I, %I) must return a number, got %s", (LUAI_UACINT)q->i, (LUAI_UACINT)q->j, luaL_typename(L, -1));
    q->answer = lua_tonumber(L, -1);
    return 0;
}

static vt_status ask(void *user, int64_t i, int64_t j, double *out) {
    question q = {i, j, 0};
    if (!callback_call(user, ask_body, &q)) return VT_ERR_STATE;
    *out = q.answer;
    return VT_OK;
}

static vt_status from_callback(lua_State *L, bind_distance_facts *facts, vt_distance **out) {
    uint32_t flags = flag(L, "symmetric", VT_DISTANCE_SYMMETRIC) | flag(L, "store", VT_DISTANCE_STORE);
    int64_t n = option_n(L);
    vt_context *ctx = vt__capability_get(L)->ctx;
    (void)box_field(L, OPTIONS, "callback");
    if (!lua_isfunction(L, -1) || n == 0) box_raise(L, VT_ERR_INVALID, "distance: callback must be a function, and needs option 'n'");
    lua_pushvalue(L, -1);
    keep(L);
    facts->is_callback = 1;
    charge_rows(L, facts, n, flags);
    callback_begin(L, &facts->caller);
    vt_status st = vt_distance_from_callback(ctx, n, ask, &facts->caller, flags, out);
    callback_end(&facts->caller);
    return st;
}

typedef struct source {
    const char *key;
    vt_status (*make)(lua_State *L, bind_distance_facts *facts, vt_distance **out);
    const char *known[8];
} source;

static const source SOURCES[] = {
    {"matrix", from_matrix, {"matrix", "n", "dtype", "symmetric", NULL}},
    {"triangle", from_triangle, {"triangle", "n", "dtype", NULL}},
    {"rows", from_rows, {"rows", "n", "dim", "dtype", "metric", "store", NULL}},
    {"csr", from_csr, {"csr", "n", "dim", "metric", "store", NULL}},
    {"callback", from_callback, {"callback", "n", "symmetric", "store", NULL}},
};

/* The one whose key the options have. */
static const source *find_source(lua_State *L) {
    const source *found = NULL;
    for (size_t i = 0; i < sizeof SOURCES / sizeof *SOURCES; i++) {
        if (!box_field(L, OPTIONS, SOURCES[i].key)) continue;
        lua_pop(L, 1);
        if (found) box_raise(L, VT_ERR_INVALID, "distance: options '%s' and '%s' exclude each other", found->key, SOURCES[i].key);
        found = &SOURCES[i];
    }
    if (!found) box_raise(L, VT_ERR_INVALID, "distance: needs one of the options matrix, triangle, rows, csr, callback");
    return found;
}

static int distance_new(lua_State *L) {
    luaL_checktype(L, OPTIONS, LUA_TTABLE);
    lua_settop(L, OPTIONS);
    const source *s = find_source(L);
    box_options(L, OPTIONS, WHAT, s->known);
    box *b = box_push(L, &bind_distance_box, 1);
    bind_distance_facts *facts = lua_newuserdatauv(L, sizeof *facts, 1);
    *facts = (bind_distance_facts){.dtype = ARRAY_ANY, .cost = VT__COST_LOOKUP};
    lua_pushvalue(L, FACTS);
    lua_setiuservalue(L, BOX, 1);
    vt_distance *distance = NULL;
    vt_status st = s->make(L, facts, &distance);
    b->handle = distance;
    callback_raise(L, &facts->caller);
    box_ok(L, st);
    lua_settop(L, BOX);
    return 1;
}

/* ---- methods ---- */

static int distance_count(lua_State *L) {
    lua_pushinteger(L, vt_distance_count(check_distance(L)));
    return 1;
}

/* distance:dtype() -> "f32", "f64", "i32" or "i64" */
static int distance_dtype(lua_State *L) {
    lua_pushstring(L, array_dtype_name(vt_distance_dtype(check_distance(L))));
    return 1;
}

/* Objects of the list at `arg`, or NULL for all. Pushes one value. */
static const int64_t *check_objects(lua_State *L, int arg, const char *name, int64_t n_all, int64_t *n) {
    *n = n_all;
    lua_pushvalue(L, arg);
    return lua_isnil(L, -1) ? NULL : array_vector(L, "compute", name, VT_DTYPE_I64, n);
}

/* distance:compute(rows, columns) -> list of lists: distances of these objects to those; nil: all */
static int distance_compute(lua_State *L) {
    const vt_distance *d = check_distance(L);
    int64_t n = vt_distance_count(d), n_rows, n_columns;
    int32_t dtype = vt_distance_dtype(d);
    lua_settop(L, 3);
    const int64_t *rows = check_objects(L, 2, "rows", n, &n_rows), *columns = check_objects(L, 3, "columns", n, &n_columns);
    void *out = array_new(L, "compute", n_rows, n_columns, dtype);
    bind_distance_charge(L, bind_distance_facts_of(L, 1), vt__capability_times((uint64_t)n_rows, (uint64_t)n_columns));
    vt_cancel *cancel = vt__capability_get(L)->cancel;
    bind_distance_use use = bind_distance_begin(L, 1);
    vt_status st = vt_distance_compute(use.handle, rows, n_rows, columns, n_columns, cancel, out);
    bind_distance_end(&use);
    bind_distance_ok(L, &use, st);
    array_push_rows(L, dtype, out, n_rows, n_columns);
    return 1;
}

/* distance:project(n_axes) -> list of the rows' coordinates on their principal axes, list of the axes' shares of the variance */
static int distance_project(lua_State *L) {
    int64_t n = vt_distance_count(check_distance(L));
    lua_Integer n_axes = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n_axes >= 1 && n_axes <= INT_MAX, 2, "axes must be 1 or more");
    double *out = array_new(L, "project", n, n_axes, VT_DTYPE_F64), *shares = array_new(L, "project", n_axes, 1, VT_DTYPE_F64);
    bind_distance_charge(L, bind_distance_facts_of(L, 1), vt__capability_times((uint64_t)n, (uint64_t)n_axes));
    vt_cancel *cancel = vt__capability_get(L)->cancel;
    bind_distance_use use = bind_distance_begin(L, 1);
    vt_status st = vt_distance_project(use.handle, (int32_t)n_axes, cancel, out, shares);
    bind_distance_end(&use);
    bind_distance_ok(L, &use, st);
    array_push_rows(L, VT_DTYPE_F64, out, n, n_axes);
    array_push(L, VT_DTYPE_F64, shares, n_axes);
    return 2;
}

void bind_distance(lua_State *L) {
    static const luaL_Reg methods[] = {{"count", distance_count}, {"dtype", distance_dtype}, {"compute", distance_compute}, {"project", distance_project},
        {"kmedoids", bind_cluster_kmedoids}, {"silhouette", bind_cluster_silhouette}, {"medoid_silhouette", bind_cluster_medoid_silhouette}, {NULL, NULL}};
    box_register(L, &bind_distance_box, methods);
    lua_pushcfunction(L, distance_new);
    lua_setfield(L, -2, "distance");
}
