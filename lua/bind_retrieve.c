/* Lua face of venturi/retrieve.h: vt.index(path, { create = true }). */
#include <limits.h>
#include <stdint.h>

#include "bind.h"
#include "capability.h"
#include "venturi/retrieve.h"

static void release_index(void *handle) {
    vt_index_release(handle);
}
static void release_hits(void *handle) {
    vt_hits_release(handle);
}
static const box_type index_type = {"vt.index", "index", release_index};
static const box_type hits_type = {"vt.hits", "hits", release_hits};

/* User values of an index's box. */
enum { VALUE_ON_DISK = 1, VALUE_PENDING /* bytes added since the last commit */ };

static vt_index *check_index(lua_State *L) {
    return box_check(L, 1, &index_type);
}

/* vt.index(path, { create, read_only, weighting = "bm25" | "given", k1, b, length_norm = true }); without a path it lives in memory */
static int index_open(lua_State *L) {
    static const char *const known[] = {"create", "read_only", "weighting", "k1", "b", "length_norm", NULL};
    static const char *const weightings[] = {"bm25", "given", NULL}; /* in the order of VT_WEIGHTING_* */
    const char *path = luaL_optstring(L, 1, NULL);
    vt_index_options opt = VT_STRUCT_INIT(vt_index_options);
    box_options(L, 2, "index", known);
    if (box_boolean(L, 2, "index", "create", 0)) opt.flags |= VT_INDEX_CREATE;
    if (box_boolean(L, 2, "index", "read_only", 0)) opt.flags |= VT_INDEX_READ_ONLY;
    if (!box_boolean(L, 2, "index", "length_norm", 1)) opt.flags |= VT_INDEX_NO_LENGTH_NORM;
    opt.weighting = box_choice(L, 2, "index", "weighting", weightings, 0);
    opt.k1 = box_number(L, 2, "index", "k1", 0.0);
    opt.b = box_number(L, 2, "index", "b", 0.0);

    const vt__capability *cap = vt__capability_get(L);
    if (path) {
        vt__capability_need(L, VT__CAN_MODELS, "vt.index with a path");
        if (opt.flags & VT_INDEX_CREATE) vt__capability_need(L, VT__CAN_WRITE, "vt.index with create");
    }
    box *b = box_push(L, &index_type, 2);
    lua_pushboolean(L, path != NULL); /* a commit then writes a file */
    lua_setiuservalue(L, -2, VALUE_ON_DISK);
    lua_pushinteger(L, 0);
    lua_setiuservalue(L, -2, VALUE_PENDING);
    vt_index *index = NULL;
    box_ok(L, vt_index_open(cap->ctx, path, &opt, &index));
    b->handle = index;
    return 1;
}

/* ---- sources and passages ---- */

/* index:put_source(name, fingerprint) */
static int index_put_source(lua_State *L) {
    box_ok(L, vt_index_put_source(check_index(L), luaL_checkstring(L, 2), (uint64_t)luaL_checkinteger(L, 3)));
    return 0;
}

static int index_remove_source(lua_State *L) {
    box_ok(L, vt_index_remove_source(check_index(L), luaL_checkstring(L, 2)));
    return 0;
}

/* { { "word", weight }, ... } at `arg` as terms in a new userdata that is pushed. It holds the pairs, and they the strings: the list itself may
 * be a weak table. */
static vt_term *check_terms(lua_State *L, int arg, int64_t *n) {
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, arg);
    luaL_argcheck(L, count <= INT_MAX, arg, "too many terms");
    vt__capability_charge_for(L, count, VT__COST_ITEM);
    vt_term *terms = lua_newuserdatauv(L, (size_t)(count ? count : 1) * sizeof *terms, 1);
    lua_createtable(L, (int)count, 0);
    for (lua_Unsigned i = 0; i < count; i++) {
        lua_Integer at = (lua_Integer)i + 1;
        if (lua_rawgeti(L, arg, at) != LUA_TTABLE || lua_rawgeti(L, -1, 1) != LUA_TSTRING || lua_rawgeti(L, -2, 2) != LUA_TNUMBER)
            box_raise(L, VT_ERR_INVALID, "terms[%I] must be { string, number }", (LUAI_UACINT)at);
        terms[i].term = lua_tolstring(L, -2, &terms[i].term_len);
        terms[i].weight = lua_tonumber(L, -1);
        lua_pop(L, 2);
        lua_rawseti(L, -2, at);
    }
    lua_setiuservalue(L, -2, 1);
    *n = (int64_t)count;
    return terms;
}

/* index:add(source, { title =, text =, index_title = false, terms = { { "word", 1.5 }, ... } }) */
static int index_add(lua_State *L) {
    static const char *const known[] = {"title", "text", "index_title", "terms", NULL};
    vt_index *index = check_index(L);
    const char *source = luaL_checkstring(L, 2);
    vt_passage passage = VT_STRUCT_INIT(vt_passage);
    lua_settop(L, 3);
    luaL_checktype(L, 3, LUA_TTABLE);
    box_options(L, 3, "passage", known);
    passage.title = box_string(L, 3, "passage", "title", &passage.title_len);
    passage.text = box_string(L, 3, "passage", "text", &passage.text_len);
    if (box_boolean(L, 3, "passage", "index_title", 0)) passage.flags |= VT_PASSAGE_INDEX_TITLE;
    if (box_field(L, 3, "terms")) passage.terms = check_terms(L, 4, &passage.n_terms);
    uint64_t size = (uint64_t)passage.text_len + passage.title_len;
    vt__capability_charge_for(L, size, VT__COST_WORDS);
    box_ok(L, vt_index_add(index, source, &passage));
    lua_getiuservalue(L, 1, VALUE_PENDING);
    lua_pushinteger(L, (lua_Integer)((uint64_t)lua_tointeger(L, -1) + size + (uint64_t)passage.n_terms * sizeof(vt_term)));
    lua_setiuservalue(L, 1, VALUE_PENDING);
    return 0;
}

static int index_fingerprint(lua_State *L) {
    uint64_t print = 0;
    box_ok(L, vt_index_fingerprint(check_index(L), luaL_checkstring(L, 2), &print));
    lua_pushinteger(L, (lua_Integer)print);
    return 1;
}

/* index:sources() -> table from name to fingerprint, changes not yet committed included */
static int index_sources(lua_State *L) {
    const vt_index *index = check_index(L);
    int64_t n = vt_index_source_count(index);
    lua_createtable(L, 0, n > INT_MAX ? INT_MAX : (int)n);
    for (int64_t i = 0; i < n; i++) {
        uint64_t print = 0;
        const char *name = vt_index_source_name(index, i);
        box_ok(L, vt_index_fingerprint(index, name, &print));
        lua_pushinteger(L, (lua_Integer)print);
        lua_setfield(L, -2, name);
    }
    return 1;
}

static int index_count(lua_State *L) {
    lua_pushinteger(L, vt_index_count(check_index(L)));
    return 1;
}

static int index_commit(lua_State *L) {
    vt_index *index = check_index(L);
    lua_getiuservalue(L, 1, VALUE_ON_DISK);
    if (lua_toboolean(L, -1)) vt__capability_need(L, VT__CAN_WRITE, "index:commit");
    lua_getiuservalue(L, 1, VALUE_PENDING);
    vt__capability_charge_for(L, (uint64_t)lua_tointeger(L, -1), VT__COST_WORDS);
    vt__capability_charge_for(L, (uint64_t)vt_index_count(index), VT__COST_ITEM);
    box_ok(L, vt_index_commit(index));
    lua_pushinteger(L, 0);
    lua_setiuservalue(L, 1, VALUE_PENDING);
    return 0;
}

/* The box's bytes as a field of the table on the top; closes the box. */
static void set_bytes(lua_State *L, const char *key, box *b) {
    box_push_text(L, b);
    lua_setfield(L, -2, key);
}

/* index:weights() -> { n, dim, offsets, columns, values }, packed int64, int32 and float32: rows for vt.distance{ csr = ... } */
static int index_weights(lua_State *L) {
    const vt_index *index = check_index(L);
    vt_index_rows rows = VT_STRUCT_INIT(vt_index_rows);
    vt__capability_charge_for(L, (uint64_t)vt_index_count(index), 128 * VT__COST_ITEM); /* a passage has about a hundred terms */
    box *offsets = box_push_buffer(L), *columns = box_push_buffer(L), *values = box_push_buffer(L);
    lua_createtable(L, 0, 5);
    box_ok(L, vt_index_weights(index, &rows));
    offsets->handle = rows.offsets; /* from here on the boxes release them, whatever happens */
    columns->handle = rows.columns;
    values->handle = rows.values;
    set_bytes(L, "offsets", offsets);
    set_bytes(L, "columns", columns);
    set_bytes(L, "values", values);
    lua_pushinteger(L, rows.n);
    lua_setfield(L, -2, "n");
    lua_pushinteger(L, rows.dim);
    lua_setfield(L, -2, "dim");
    return 1;
}

/* ---- search ---- */

static void push_hit(lua_State *L, const vt_hit *hit) {
    lua_createtable(L, 0, 6);
    lua_pushinteger(L, hit->id);
    lua_setfield(L, -2, "id");
    lua_pushnumber(L, hit->score);
    lua_setfield(L, -2, "score");
    lua_pushnumber(L, hit->coverage);
    lua_setfield(L, -2, "coverage");
    lua_pushstring(L, hit->source);
    lua_setfield(L, -2, "source");
    lua_pushlstring(L, hit->title, hit->title_len);
    lua_setfield(L, -2, "title");
    lua_pushlstring(L, hit->text, hit->text_len);
    lua_setfield(L, -2, "text");
}

static int push_hits(lua_State *L, const vt_hits *hits) {
    int64_t n = vt_hits_count(hits);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        vt_hit hit = VT_STRUCT_INIT(vt_hit);
        box_ok(L, vt_hits_get(hits, i, &hit));
        push_hit(L, &hit);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* k at 3, { min_score, min_coverage } at 4 */
static vt_search_options search_options(lua_State *L) {
    static const char *const known[] = {"min_score", "min_coverage", NULL};
    vt_search_options opt = VT_STRUCT_INIT(vt_search_options);
    opt.k = luaL_optinteger(L, 3, 0);
    if (!lua_isnoneornil(L, 3)) luaL_argcheck(L, opt.k >= 1, 3, "k must be >= 1");
    box_options(L, 4, "search", known);
    opt.min_score = box_number(L, 4, "search", "min_score", 0.0);
    opt.min_coverage = box_number(L, 4, "search", "min_coverage", 0.0);
    return opt;
}

/* Every term may be in every passage; a step does for eight of those, since most are in few. */
static void charge_search(lua_State *L, const vt_index *index, uint64_t n_terms) {
    uint64_t n;
    if (__builtin_mul_overflow((uint64_t)vt_index_count(index), 1 + n_terms / 8, &n)) n = UINT64_MAX;
    vt__capability_charge_for(L, n, VT__COST_ITEM);
}

/* index:search(query, k, { min_score =, min_coverage = }) -> list of { id, score, coverage, source, title, text }, best first */
static int index_search(lua_State *L) {
    const vt_index *index = check_index(L);
    size_t len;
    const char *query = luaL_checklstring(L, 2, &len);
    vt_search_options opt = search_options(L);
    vt__capability_charge_for(L, len, VT__COST_WORDS);
    charge_search(L, index, len / 8);
    box *b = box_push(L, &hits_type, 0);
    vt_hits *hits = NULL;
    box_ok(L, vt_index_search(index, query, len, &opt, &hits));
    b->handle = hits;
    return push_hits(L, hits);
}

/* index:search_terms({ { "word", 1.5 }, ... }, k, options) */
static int index_search_terms(lua_State *L) {
    const vt_index *index = check_index(L);
    vt_search_options opt = search_options(L);
    int64_t n;
    const vt_term *terms = check_terms(L, 2, &n);
    charge_search(L, index, (uint64_t)n);
    box *b = box_push(L, &hits_type, 0);
    vt_hits *hits = NULL;
    box_ok(L, vt_index_search_terms(index, terms, n, &opt, &hits));
    b->handle = hits;
    return push_hits(L, hits);
}

void bind_retrieve(lua_State *L) {
    static const luaL_Reg methods[] = {{"put_source", index_put_source}, {"remove_source", index_remove_source}, {"add", index_add},
        {"fingerprint", index_fingerprint}, {"sources", index_sources}, {"count", index_count}, {"commit", index_commit}, {"weights", index_weights},
        {"search", index_search}, {"search_terms", index_search_terms}, {NULL, NULL}};
    static const luaL_Reg none[] = {{NULL, NULL}};
    box_register(L, &index_type, methods);
    box_register(L, &hits_type, none);
    lua_pushcfunction(L, index_open);
    lua_setfield(L, -2, "index");
}
