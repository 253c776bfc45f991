/* Lua face of venturi/cluster.h: distance:kmedoids{...}, vt.kmeans{...}, what clusterings hold, silhouettes. Objects, labels and medoids are numbered
 * from 0, as in the library; an option that a method does not use is refused. */
#define VT_EXPERIMENTAL
#include <limits.h>

#include "array.h"
#include "bind.h"
#include "capability.h"
#include "venturi/cluster.h"
#include "venturi/context.h"
#include "venturi_experimental.h"

static void release_clustering(void *handle) {
    vt_clustering_release(handle);
}
static const box_type clustering_type = {"vt.clustering", "clustering", release_clustering};

static vt_clustering *check_clustering(lua_State *L) {
    return box_check(L, 1, &clustering_type);
}

static vt_clustering_info info_of(lua_State *L, const vt_clustering *c) {
    vt_clustering_info info = VT_STRUCT_INIT(vt_clustering_info);
    box_ok(L, vt_clustering_get_info(c, &info));
    return info;
}

/* The progress function of the options, taken into use; answers whether there is one. */
static int begin_progress(lua_State *L, int options, const char *what, callback *cb) {
    if (!box_field(L, options, "progress")) return 0;
    if (!lua_isfunction(L, -1)) box_raise(L, VT_ERR_INVALID, "%s: option 'progress' must be a function, got %s", what, luaL_typename(L, -1));
    callback_begin(L, cb);
    return 1;
}

/* ---- k-medoids ---- */

/* In the order of VT_CLUSTER_* and, without the default, VT_INIT_*. */
static const char *const METHODS[] = {"fasterpam", "fastpam1", "pam", "alternating", "init_only", "fasterclara", "fastclarans", "fasterclarans", "fastermsc",
    "fastmsc", "dynmsc", "pammedsil", "pamsil", NULL};
static const char *const INITS[] = {"lab", "random", "first", "build", NULL};

/* Options at index 2, whose lists are pushed. */
static vt_cluster_options kmedoids_options(lua_State *L) {
    static const char *const known[] = {"k", "method", "init", "medoids", "k_min", "max_iter", "seed", "shuffle", "published", "weights", "sample_size", "n_samples", "n_local",
        "rate", "progress", NULL};
    static const char what[] = "kmedoids";
    vt_cluster_options opt = VT_STRUCT_INIT(vt_cluster_options);
    int64_t n_weights;
    box_options(L, 2, what, known);
    opt.method = box_choice(L, 2, what, "method", METHODS, VT_CLUSTER_FASTERPAM);
    opt.init = box_choice(L, 2, what, "init", INITS, -1) + 1;
    opt.k = box_integer(L, 2, what, "k", 0, 1, LUA_MAXINTEGER);
    opt.k_min = box_integer(L, 2, what, "k_min", 0, 1, LUA_MAXINTEGER);
    opt.max_iter = box_integer(L, 2, what, "max_iter", 0, 1, LUA_MAXINTEGER);
    opt.seed = (uint64_t)box_integer(L, 2, what, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
    if (box_boolean(L, 2, what, "shuffle", 0)) opt.flags |= VT_CLUSTER_SHUFFLE;
    if (box_boolean(L, 2, what, "published", 0)) opt.flags |= VT_CLUSTER_PUBLISHED;
    opt.sample_size = box_integer(L, 2, what, "sample_size", 0, 1, LUA_MAXINTEGER);
    opt.n_samples = box_integer(L, 2, what, "n_samples", 0, 1, LUA_MAXINTEGER);
    opt.n_local = box_integer(L, 2, what, "n_local", 0, 1, LUA_MAXINTEGER);
    opt.rate = box_number(L, 2, what, "rate", 0.0);
    opt.medoids = array_option(L, 2, what, "medoids", VT_DTYPE_I64, &opt.n_medoids);
    opt.weights = array_option(L, 2, what, "weights", VT_DTYPE_F64, &n_weights);
    if (opt.weights && n_weights != vt_distance_count(box_check(L, 1, &bind_distance_box)))
        box_raise(L, VT_ERR_SHAPE, "kmedoids: %I weights, need one an object", (LUAI_UACINT)n_weights);
    opt.cancel = vt__capability_get(L)->cancel;
    return opt;
}

/* Distances that a pass looks at. */
static uint64_t pass_cost(const vt_cluster_options *opt, uint64_t n) {
    uint64_t k = (uint64_t)(opt->k ? opt->k : opt->n_medoids), square = vt__capability_times(n, n);
    switch (opt->method) {
    case VT_CLUSTER_PAM:
    case VT_CLUSTER_PAMMEDSIL: return vt__capability_times(square, k);
    case VT_CLUSTER_PAMSIL: return vt__capability_times(vt__capability_times(square, n), k);
    case VT_CLUSTER_ALTERNATING: return k ? vt__capability_times(n, n / k + k) : 0;
    case VT_CLUSTER_INIT_ONLY:
    case VT_CLUSTER_FASTERCLARA: return 0;
    case VT_CLUSTER_FASTCLARANS:
    case VT_CLUSTER_FASTERCLARANS: return n;
    default: return square;
    }
}

/* Work before the first pass, and of a method that makes no passes. */
static uint64_t base_cost(const vt_cluster_options *opt, uint64_t n) {
    uint64_t k = (uint64_t)(opt->k ? opt->k : opt->n_medoids), samples = opt->n_samples ? (uint64_t)opt->n_samples : 5;
    if (opt->method == VT_CLUSTER_FASTERCLARA) return vt__capability_times(samples, vt__capability_times(n, k));
    return vt__capability_times(opt->init == VT_INIT_BUILD ? n : 1, vt__capability_times(n, k));
}

/* distance:kmedoids{ k =, method = "fasterpam", init = "lab", medoids = {}, k_min =, max_iter =, seed =, shuffle =, published =, weights =, sample_size =, n_samples =,
 * n_local =, rate =, progress = function(fraction, message) -> true to cancel } -> clustering */
int bind_cluster_kmedoids(lua_State *L) {
    callback progress = {0};
    vt_clustering *clustering = NULL;
    uint64_t n = (uint64_t)vt_distance_count(box_check(L, 1, &bind_distance_box));
    lua_settop(L, 2);
    vt_cluster_options opt = kmedoids_options(L);
    const bind_distance_facts *facts = bind_distance_facts_of(L, 1);
    uint64_t base = base_cost(&opt, n), pass = pass_cost(&opt, n);
    bind_distance_charge(L, facts, base > UINT64_MAX - pass ? UINT64_MAX : base + pass);

    box *b = box_push(L, &clustering_type, 1);
    int at = lua_gettop(L);
    lua_getiuservalue(L, 1, 1); /* the distance's data or function lives on in the clustering */
    lua_setiuservalue(L, at, 1);
    if (begin_progress(L, 2, "kmedoids", &progress)) {
        opt.progress = callback_progress;
        opt.progress_user = &progress;
    }
    bind_distance_use use = bind_distance_begin(L, 1);
    vt_status st = vt_cluster_kmedoids(use.handle, &opt, &clustering);
    b->handle = clustering;
    bind_distance_end(&use);
    callback_end(&progress);
    callback_raise(L, &progress);
    bind_distance_ok(L, &use, st);
    int64_t n_iter = info_of(L, clustering).n_iter;
    if (n_iter > 1) bind_distance_charge(L, facts, vt__capability_times((uint64_t)n_iter - 1, pass));
    lua_settop(L, at);
    return 1;
}

/* ---- silhouettes ---- */

/* Room for a sample an object. */
static double *new_samples(lua_State *L) {
    return array_new(L, "silhouette", vt_distance_count(box_check(L, 1, &bind_distance_box)), 1, VT_DTYPE_F64);
}

static int push_silhouette(lua_State *L, double mean, const double *samples) {
    lua_pushnumber(L, mean);
    array_push(L, VT_DTYPE_F64, samples, vt_distance_count(box_check(L, 1, &bind_distance_box)));
    return 2;
}

/* distance:silhouette(labels, k) -> mean, list of each object's */
int bind_cluster_silhouette(lua_State *L) {
    int64_t n = vt_distance_count(box_check(L, 1, &bind_distance_box)), n_labels;
    lua_Integer k = luaL_checkinteger(L, 3);
    lua_settop(L, 3);
    lua_pushvalue(L, 2);
    const int32_t *labels = array_vector(L, "silhouette", "labels", VT_DTYPE_I32, &n_labels);
    if (n_labels != n) box_raise(L, VT_ERR_SHAPE, "silhouette: %I labels, need one an object", (LUAI_UACINT)n_labels);
    double mean = 0, *samples = new_samples(L);
    bind_distance_charge(L, bind_distance_facts_of(L, 1), vt__capability_times((uint64_t)n, (uint64_t)n));
    vt_cancel *cancel = vt__capability_get(L)->cancel;
    bind_distance_use use = bind_distance_begin(L, 1);
    vt_status st = vt_silhouette(use.handle, labels, k, cancel, samples, &mean);
    bind_distance_end(&use);
    bind_distance_ok(L, &use, st);
    return push_silhouette(L, mean, samples);
}

/* distance:medoid_silhouette(medoids) -> mean, list of each object's */
int bind_cluster_medoid_silhouette(lua_State *L) {
    int64_t n = vt_distance_count(box_check(L, 1, &bind_distance_box)), k;
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    const int64_t *medoids = array_vector(L, "medoid_silhouette", "medoids", VT_DTYPE_I64, &k);
    double mean = 0, *samples = new_samples(L);
    bind_distance_charge(L, bind_distance_facts_of(L, 1), vt__capability_times((uint64_t)n, (uint64_t)k));
    vt_cancel *cancel = vt__capability_get(L)->cancel;
    bind_distance_use use = bind_distance_begin(L, 1);
    vt_status st = vt_medoid_silhouette(use.handle, medoids, k, cancel, samples, &mean);
    bind_distance_end(&use);
    bind_distance_ok(L, &use, st);
    return push_silhouette(L, mean, samples);
}

/* ---- k-means ---- */

/* Rows of numbers at option `key`; bytes are widened. Pushes one value. */
static void read_rows(lua_State *L, int options, const char *what, const char *key, int32_t dtype, int64_t n, int64_t dim, array *a) {
    array_shape shape = {ARRAY_ROWS, dtype, n, dim};
    if (!box_field(L, options, key)) box_raise(L, VT_ERR_INVALID, "%s: option '%s' is missing", what, key);
    array_read(L, what, key, &shape, a);
    if (a->dtype == VT_DTYPE_U8) array_widen(L, a);
}

/* Options at index 1 but for the rows; lists are pushed. */
static vt_kmeans_options kmeans_options(lua_State *L, const array *rows) {
    static const char *const methods[] = {"lloyd", "mini_batch", NULL}, *const inits[] = {"k-means++", "random", NULL};
    static const char what[] = "kmeans";
    vt_kmeans_options opt = VT_STRUCT_INIT(vt_kmeans_options);
    int64_t n_weights;
    opt.method = box_choice(L, 1, what, "method", methods, VT_KMEANS_LLOYD);
    opt.init = box_choice(L, 1, what, "init", inits, -1) + 1;
    opt.k = box_integer(L, 1, what, "k", 0, 1, LUA_MAXINTEGER);
    opt.max_iter = box_integer(L, 1, what, "max_iter", 0, 1, LUA_MAXINTEGER);
    opt.n_init = box_integer(L, 1, what, "n_init", 0, 1, LUA_MAXINTEGER);
    opt.batch_size = box_integer(L, 1, what, "batch_size", 0, 1, LUA_MAXINTEGER);
    opt.tolerance = box_number(L, 1, what, "tolerance", 0.0);
    opt.seed = (uint64_t)box_integer(L, 1, what, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
    opt.weights = array_option(L, 1, what, "weights", VT_DTYPE_F64, &n_weights);
    if (opt.weights && n_weights != rows->n) box_raise(L, VT_ERR_SHAPE, "kmeans: %I weights for %I rows", (LUAI_UACINT)n_weights, (LUAI_UACINT)rows->n);
    opt.cancel = vt__capability_get(L)->cancel;
    return opt;
}

/* vt.kmeans{ rows = DATA, n =, dim =, dtype =, k =, method = "lloyd" | "mini_batch", init = "k-means++" | "random", centroids = DATA, n_init =,
 * batch_size =, tolerance =, max_iter =, seed =, weights =, progress = } -> clustering */
static int kmeans_new(lua_State *L) {
    static const char *const known[] = {"rows", "n", "dim", "dtype", "k", "method", "init", "centroids", "n_init", "batch_size", "tolerance", "max_iter", "seed",
        "weights", "progress", NULL};
    static const char what[] = "kmeans";
    callback progress = {0};
    vt_clustering *clustering = NULL;
    array rows, centroids;
    lua_settop(L, 1);
    box_options(L, 1, what, known);
    read_rows(L, 1, what, "rows", array_dtype(L, 1, what), box_integer(L, 1, what, "n", 0, 1, VT_DISTANCE_MAX_OBJECTS),
              box_integer(L, 1, what, "dim", 0, 1, LUA_MAXINTEGER), &rows);
    vt_kmeans_options opt = kmeans_options(L, &rows);
    if (box_field(L, 1, "centroids")) {
        lua_pop(L, 1);
        read_rows(L, 1, what, "centroids", rows.dtype, opt.k, rows.dim, &centroids);
        opt.centroids = centroids.data;
        opt.k = centroids.n;
    }
    uint64_t pass = vt__capability_times(vt__capability_times((uint64_t)rows.n, (uint64_t)opt.k), (uint64_t)rows.dim);
    vt__capability_charge_for(L, pass, VT__COST_ELEMENT);

    vt_context *ctx = vt__capability_get(L)->ctx;
    box *b = box_push(L, &clustering_type, 1);
    int at = lua_gettop(L);
    bind_distance_facts *facts = lua_newuserdatauv(L, sizeof *facts, 1);
    *facts = (bind_distance_facts){.dtype = rows.dtype, .dim = rows.dim, .cost = (uint64_t)rows.dim * VT__COST_ELEMENT};
    lua_setiuservalue(L, at, 1);
    if (begin_progress(L, 1, what, &progress)) {
        opt.progress = callback_progress;
        opt.progress_user = &progress;
    }
    vt_status st = vt_cluster_kmeans(ctx, rows.data, rows.dtype, rows.n, rows.dim, 0, &opt, &clustering);
    b->handle = clustering;
    callback_end(&progress);
    callback_raise(L, &progress);
    box_ok(L, st);
    vt__capability_charge_for(L, vt__capability_times(pass, (uint64_t)info_of(L, clustering).n_iter), VT__COST_ELEMENT);
    lua_settop(L, at);
    return 1;
}

/* ---- clusterings ---- */

static void set_integer(lua_State *L, const char *key, lua_Integer v) {
    lua_pushinteger(L, v);
    lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, lua_Number v) {
    lua_pushnumber(L, v);
    lua_setfield(L, -2, key);
}

/* clustering:info() -> { dtype, n, k, n_iter, n_swap, loss, silhouette, dim }; loss is an integer where the distances are */
static int clustering_info(lua_State *L) {
    vt_clustering_info info = info_of(L, check_clustering(L));
    lua_createtable(L, 0, 8);
    lua_pushstring(L, array_dtype_name(info.dtype));
    lua_setfield(L, -2, "dtype");
    set_integer(L, "n", info.n);
    set_integer(L, "k", info.k);
    set_integer(L, "n_iter", info.n_iter);
    set_integer(L, "n_swap", info.n_swap);
    if (info.dtype == VT_DTYPE_I32 || info.dtype == VT_DTYPE_I64)
        set_integer(L, "loss", info.integer_loss);
    else
        set_number(L, "loss", info.loss);
    set_number(L, "silhouette", info.silhouette);
    set_integer(L, "dim", info.dim);
    return 1;
}

/* A list of n elements, or nil where there is no such thing. */
static int push_list(lua_State *L, int32_t dtype, const void *data, int64_t n) {
    if (!data) return 0;
    array_push(L, dtype, data, n);
    return 1;
}

/* clustering:medoids() -> list; nil: k-means */
static int clustering_medoids(lua_State *L) {
    const vt_clustering *c = check_clustering(L);
    return push_list(L, VT_DTYPE_I64, vt_clustering_medoids(c), info_of(L, c).k);
}

static int clustering_labels(lua_State *L) {
    const vt_clustering *c = check_clustering(L);
    return push_list(L, VT_DTYPE_I32, vt_clustering_labels(c), info_of(L, c).n);
}

/* clustering:nearest() -> list: each object's distance to its medoid (k-means: squared, to its centroid) */
static int clustering_nearest(lua_State *L) {
    const vt_clustering *c = check_clustering(L);
    return push_list(L, VT_DTYPE_F64, vt_clustering_nearest(c), info_of(L, c).n);
}

/* clustering:second() -> list: to the nearest other medoid; nil: k-means */
static int clustering_second(lua_State *L) {
    const vt_clustering *c = check_clustering(L);
    return push_list(L, VT_DTYPE_F64, vt_clustering_second(c), info_of(L, c).n);
}

/* clustering:centroids() -> list of lists; nil unless k-means */
static int clustering_centroids(lua_State *L) {
    const vt_clustering *c = check_clustering(L);
    vt_clustering_info info = info_of(L, c);
    const void *centroids = vt_clustering_centroids(c);
    if (!centroids) return 0;
    array_push_rows(L, info.dtype, centroids, info.k, info.dim);
    return 1;
}

/* clustering:curve() -> list of { k =, silhouette = }, k ascending; nil unless DynMSC */
static int clustering_curve(lua_State *L) {
    int64_t k_min, n;
    const double *curve = vt_clustering_curve(check_clustering(L), &k_min, &n);
    if (!curve) return 0;
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_createtable(L, 0, 2);
        set_integer(L, "k", k_min + i);
        set_number(L, "silhouette", curve[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* clustering:predict(DATA, { n =, dim =, dtype = }) -> list of labels, list of distances. Packed data has the rows' dtype and dim unless the options say
 * otherwise. */
static int clustering_predict(lua_State *L) {
    static const char *const known[] = {"n", "dim", "dtype", NULL};
    static const char what[] = "predict";
    const vt_clustering *c = check_clustering(L);
    bind_distance_facts *facts = bind_distance_facts_of(L, 1);
    lua_settop(L, 3);
    box_options(L, 3, what, known);
    array_shape shape = {ARRAY_ROWS, array_dtype(L, 3, what), box_integer(L, 3, what, "n", 0, 1, INT32_MAX), box_integer(L, 3, what, "dim", facts->dim, 1, LUA_MAXINTEGER)};
    array a;
    if (facts->dtype == ARRAY_ANY) box_raise(L, VT_ERR_UNSUPPORTED, "predict: this clustering is not of dense rows");
    if (box_field(L, 2, "data")) /* its dtype is beside it */
        lua_pop(L, 1);
    else if (shape.dtype == ARRAY_ANY)
        shape.dtype = facts->dtype;
    lua_pushvalue(L, 2);
    array_read(L, what, "rows", &shape, &a);
    if (a.dtype == VT_DTYPE_U8 && facts->dtype == VT_DTYPE_F32) array_widen(L, &a);
    int32_t *labels = array_new(L, what, a.n, 1, VT_DTYPE_I32);
    double *distances = array_new(L, what, a.n, 1, VT_DTYPE_F64);
    bind_distance_charge(L, facts, vt__capability_times((uint64_t)a.n, (uint64_t)info_of(L, c).k));
    box_ok(L, vt_clustering_predict(c, a.data, a.dtype, a.n, a.dim, 0, vt__capability_get(L)->cancel, labels, distances));
    array_push(L, VT_DTYPE_I32, labels, a.n);
    array_push(L, VT_DTYPE_F64, distances, a.n);
    return 2;
}

void bind_cluster(lua_State *L) {
    static const luaL_Reg methods[] = {{"info", clustering_info}, {"medoids", clustering_medoids}, {"labels", clustering_labels},
        {"nearest", clustering_nearest}, {"second", clustering_second}, {"centroids", clustering_centroids}, {"curve", clustering_curve},
        {"predict", clustering_predict}, {NULL, NULL}};
    box_register(L, &clustering_type, methods);
    lua_pushcfunction(L, kmeans_new);
    lua_setfield(L, -2, "kmeans");
}
