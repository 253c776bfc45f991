/* Lua face of venturi/sample.h: vt.sampler{ top_k = 40, top_p = 0.95, min_p = 0.05, temperature = 0.8, seed = 1, ... }, vt.grammar. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/sample.h"

static void release_sampler(void *handle) {
    vt_sampler_release(handle);
}
const box_type bind_sampler = {"vt.sampler", "sampler", release_sampler};

static void release_grammar(void *handle) {
    vt_grammar_release(handle);
}
static const box_type grammar_type = {"vt.grammar", "grammar", release_grammar};

/* ---- vt.sampler{...} ---- */

static lua_Number number(lua_State *L, int index, const char *key, lua_Number dflt) {
    return box_number(L, index, "sampler", key, dflt);
}

static lua_Integer count(lua_State *L, int index, const char *key, lua_Integer dflt) {
    return box_integer(L, index, "sampler", key, dflt, 0, INT64_MAX);
}

/* logit_bias = { [id] = value }: two arrays in a userdata that is pushed */
static void add_biases(lua_State *L, int index, vt_sampler *s) {
    if (!box_field(L, index, "logit_bias")) return;
    int table = lua_gettop(L);
    if (!lua_istable(L, table)) box_raise(L, VT_ERR_INVALID, "sampler: option 'logit_bias' must be a table, got %s", luaL_typename(L, table));
    size_t n = 0, i = 0;
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) n++;
    vt__capability_charge(L, n);
    int32_t *ids = lua_newuserdatauv(L, n * 8 + 8, 0);
    float *biases = (float *)(void *)(ids + n);
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1), i++) {
        int is_id = 0, is_number = lua_type(L, -1) == LUA_TNUMBER;
        lua_Integer id = lua_isinteger(L, -2) ? lua_tointegerx(L, -2, &is_id) : -1;
        if (!is_id || id < 0 || id > INT32_MAX || !is_number || i >= n) box_raise(L, VT_ERR_INVALID, "sampler: option 'logit_bias' must be { [id] = number }");
        ids[i] = (int32_t)id;
        biases[i] = (float)lua_tonumber(L, -1);
    }
    box_ok(L, vt_sampler_add_logit_bias(s, ids, biases, (int64_t)i));
    lua_settop(L, table - 1);
}

/* An option that says how another one works is refused where that is off. */
static void needs(lua_State *L, int index, const char *option, const char *other, int is_on) {
    int top = lua_gettop(L);
    if (!is_on && box_field(L, index, option)) box_raise(L, VT_ERR_INVALID, "sampler: option '%s' does nothing without '%s'", option, other);
    lua_settop(L, top);
}

static void add_penalties(lua_State *L, int index, vt_sampler *s) {
    lua_Number repeat = number(L, index, "repeat_penalty", 1), frequency = number(L, index, "frequency_penalty", 0), presence = number(L, index, "presence_penalty", 0);
    lua_Integer last_n = count(L, index, "penalty_last_n", 64);
    int is_on = repeat != 1 || frequency != 0 || presence != 0;
    needs(L, index, "penalty_last_n", "a penalty", is_on);
    if (last_n > 0 && is_on) box_ok(L, vt_sampler_add_penalties(s, last_n, repeat, frequency, presence));
}

static void add_dry(lua_State *L, int index, vt_sampler *s) {
    static const char *const more[] = {"dry_base", "dry_allowed_length", "dry_last_n", "dry_breakers"};
    vt_dry_options opt = VT_STRUCT_INIT(vt_dry_options);
    int top = lua_gettop(L);
    opt.multiplier = number(L, index, "dry_multiplier", 0);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) needs(L, index, more[i], "dry_multiplier", opt.multiplier != 0);
    opt.base = number(L, index, "dry_base", 0);
    opt.allowed_length = count(L, index, "dry_allowed_length", 0);
    opt.last_n = count(L, index, "dry_last_n", 0);
    if (box_field(L, index, "dry_breakers")) opt.breakers = box_ids(L, lua_gettop(L), &opt.n_breakers);
    if (opt.multiplier != 0) box_ok(L, vt_sampler_add_dry(s, &opt));
    lua_settop(L, top);
}

static void add_temperature(lua_State *L, int index, vt_sampler *s) {
    lua_Number t = number(L, index, "temperature", 0), range = number(L, index, "temperature_range", 0), exponent = number(L, index, "temperature_exponent", 1);
    lua_Number tau = number(L, index, "mirostat_tau", 0), eta = number(L, index, "mirostat_eta", 0.1);
    needs(L, index, "temperature_exponent", "temperature_range", range != 0);
    needs(L, index, "mirostat_eta", "mirostat_tau", tau != 0);
    if (range != 0) box_ok(L, vt_sampler_add_dynamic_temperature(s, t, range, exponent));
    else box_ok(L, vt_sampler_add_temperature(s, t));
    if (tau != 0) box_ok(L, vt_sampler_add_mirostat(s, tau, eta));
}

/* The stages that the options name, in llama.cpp's order; a value that changes nothing adds none. 0 is off where it is on llama.cpp's command line. */
static void add_stages(lua_State *L, int index, vt_sampler *s) {
    lua_Integer k = count(L, index, "top_k", 0), min_keep = count(L, index, "min_keep", 1);
    lua_Number sigma = number(L, index, "top_n_sigma", 0), typical = number(L, index, "typical_p", 1), p = number(L, index, "top_p", 1);
    lua_Number min_p = number(L, index, "min_p", 0), xtc = number(L, index, "xtc_probability", 0), threshold = number(L, index, "xtc_threshold", 0.1);
    needs(L, index, "xtc_threshold", "xtc_probability", xtc != 0);
    box_ok(L, vt_sampler_set_min_keep(s, min_keep));
    add_biases(L, index, s);
    add_penalties(L, index, s);
    add_dry(L, index, s);
    if (sigma != 0) box_ok(L, vt_sampler_add_top_n_sigma(s, sigma));
    if (k > 0) box_ok(L, vt_sampler_add_top_k(s, k));
    if (typical != 1) box_ok(L, vt_sampler_add_typical(s, typical));
    if (p != 1) box_ok(L, vt_sampler_add_top_p(s, p));
    if (min_p != 0) box_ok(L, vt_sampler_add_min_p(s, min_p));
    if (xtc != 0) box_ok(L, vt_sampler_add_xtc(s, xtc, threshold));
    add_temperature(L, index, s);
}

static void add_grammar(lua_State *L, int index, vt_sampler *s) {
    int top = lua_gettop(L), has_grammar = box_field(L, index, "grammar"), has_tokenizer = box_field(L, index, "tokenizer");
    if (has_grammar != has_tokenizer) box_raise(L, VT_ERR_INVALID, "sampler: options 'grammar' and 'tokenizer' come together");
    if (has_grammar) box_ok(L, vt_sampler_add_grammar(s, box_check(L, top + 2, &bind_tokenizer), box_check(L, top + 1, &grammar_type)));
    lua_settop(L, top);
}

/* vt.sampler{...}: without a temperature it is greedy */
static int sampler_new(lua_State *L) {
    static const char *const known[] = {"temperature", "temperature_range", "temperature_exponent", "top_k", "top_p", "min_p", "typical_p", "top_n_sigma",
        "xtc_probability", "xtc_threshold", "mirostat_tau", "mirostat_eta", "repeat_penalty", "frequency_penalty", "presence_penalty", "penalty_last_n",
        "dry_multiplier", "dry_base", "dry_allowed_length", "dry_last_n", "dry_breakers", "logit_bias", "min_keep", "grammar", "tokenizer",
        "log_probabilities", "log_probabilities_of", "seed", "sequence", NULL};
    static const char *const of[] = {"row", "chain", NULL};
    vt_sampler_options opt = VT_STRUCT_INIT(vt_sampler_options);
    lua_settop(L, 1);
    box_options(L, 1, "sampler", known);
    opt.seed = (uint64_t)box_integer(L, 1, "sampler", "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
    opt.sequence = (uint32_t)box_integer(L, 1, "sampler", "sequence", 0, 0, UINT32_MAX);
    lua_Integer n_top = box_integer(L, 1, "sampler", "log_probabilities", -1, 0, INT_MAX);
    int which = box_choice(L, 1, "sampler", "log_probabilities_of", of, 0);
    box *b = box_push(L, &bind_sampler, 0);
    vt_sampler *s = NULL;
    box_ok(L, vt_sampler_create(vt__capability_get(L)->ctx, &opt, &s));
    b->handle = s;
    add_stages(L, 1, s);
    add_grammar(L, 1, s);
    if (n_top >= 0) box_ok(L, vt_sampler_keep_log_probabilities(s, which == 0 ? VT_LOGPROB_ROW : VT_LOGPROB_CHAIN, n_top));
    return 1;
}

/* ---- sampler ---- */

/* float32 copies of a list of numbers, in a userdata that is pushed */
static float *check_logits(lua_State *L, int arg, int64_t *n) {
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, arg);
    luaL_argcheck(L, count >= 1 && count <= INT_MAX, arg, "a list of logits");
    vt__capability_charge(L, count);
    float *x = lua_newuserdatauv(L, (size_t)count * sizeof *x, 0);
    for (lua_Unsigned i = 0; i < count; i++) {
        int ok = 0;
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        x[i] = (float)lua_tonumberx(L, -1, &ok);
        if (!ok) box_raise(L, VT_ERR_INVALID, "logits[%I] must be a number, got %s", (LUAI_UACINT)i + 1, luaL_typename(L, -1));
        lua_pop(L, 1);
    }
    *n = (int64_t)count;
    return x;
}

/* sampler:sample(logits) -> id */
static int sampler_sample(lua_State *L) {
    vt_sampler *s = box_check(L, 1, &bind_sampler);
    int64_t n;
    const float *x = check_logits(L, 2, &n);
    int32_t id = 0;
    box_ok(L, vt_sampler_sample(s, x, n, &id));
    lua_pushinteger(L, id);
    return 1;
}

void bind_push_pairs(lua_State *L, const vt_buffer *buffer) {
    const unsigned char *p = vt_buffer_data(buffer);
    size_t n = vt_buffer_size(buffer) / 8;
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (size_t i = 0; i < n; i++, p += 8) {
        int32_t id;
        float logit;
        memcpy(&id, p, sizeof id);
        memcpy(&logit, p + 4, sizeof logit);
        lua_createtable(L, 2, 0);
        lua_pushinteger(L, id);
        lua_rawseti(L, -2, 1);
        lua_pushnumber(L, (lua_Number)logit);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* sampler:filter(logits) -> list of { id, logit }, largest first: what the stages leave */
static int sampler_filter(lua_State *L) {
    vt_sampler *s = box_check(L, 1, &bind_sampler);
    int64_t n;
    const float *x = check_logits(L, 2, &n);
    box *b = box_push_buffer(L);
    vt_buffer *pairs = NULL;
    box_ok(L, vt_sampler_filter(s, x, n, &pairs));
    b->handle = pairs;
    bind_push_pairs(L, pairs);
    return 1;
}

static int sampler_reset(lua_State *L) {
    vt_sampler_reset(box_check(L, 1, &bind_sampler));
    return 0;
}

/* sampler:accept(id) */
static int sampler_accept(lua_State *L) {
    lua_Integer id = luaL_checkinteger(L, 2);
    luaL_argcheck(L, id >= 0 && id <= INT32_MAX, 2, "a token id");
    box_ok(L, vt_sampler_accept(box_check(L, 1, &bind_sampler), (int32_t)id));
    return 0;
}

/* sampler:observe(ids): tokens before the answer */
static int sampler_observe(lua_State *L) {
    vt_sampler *s = box_check(L, 1, &bind_sampler);
    int64_t n;
    const int32_t *ids = box_ids(L, 2, &n);
    box_ok(L, vt_sampler_observe(s, ids, n));
    return 0;
}

static int sampler_clone(lua_State *L) {
    vt_sampler *s = box_check(L, 1, &bind_sampler), *copy = NULL;
    box *b = box_push(L, &bind_sampler, 0);
    box_ok(L, vt_sampler_clone(s, &copy));
    b->handle = copy;
    return 1;
}

/* sampler:log_probabilities() -> list of { id, log-probability }: the token drawn last, then the most probable ones */
static int sampler_log_probabilities(lua_State *L) {
    vt_sampler *s = box_check(L, 1, &bind_sampler);
    lua_Integer cap = luaL_optinteger(L, 2, 1024);
    int64_t n = 0;
    luaL_argcheck(L, cap >= 0 && cap < INT_MAX / 8, 2, "a number of tokens");
    cap++;
    int32_t *ids = lua_newuserdatauv(L, (size_t)cap * 8, 0);
    float *values = (float *)(void *)(ids + cap);
    box_ok(L, vt_sampler_log_probabilities(s, ids, values, cap, &n));
    lua_createtable(L, (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_createtable(L, 2, 0);
        lua_pushinteger(L, ids[i]);
        lua_rawseti(L, -2, 1);
        lua_pushnumber(L, (lua_Number)values[i]);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* ---- grammar ---- */

/* vt.grammar(gbnf), vt.grammar{ schema = text } */
static int grammar_new(lua_State *L) {
    static const char *const known[] = {"gbnf", "schema", NULL};
    size_t len = 0;
    const char *text = NULL;
    int is_schema = 0;
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        text = lua_tolstring(L, 1, &len);
    } else {
        size_t schema_len = 0;
        box_options(L, 1, "grammar", known);
        text = box_string(L, 1, "grammar", "gbnf", &len);
        const char *schema = box_string(L, 1, "grammar", "schema", &schema_len);
        if (!text == !schema) box_raise(L, VT_ERR_INVALID, "grammar: give a text of GBNF, or { schema = text }");
        is_schema = schema != NULL;
        if (is_schema) text = schema, len = schema_len;
    }
    vt__capability_charge(L, len);
    vt_context *ctx = vt__capability_get(L)->ctx;
    box *b = box_push(L, &grammar_type, 0);
    vt_grammar *g = NULL;
    box_ok(L, is_schema ? vt_grammar_create_from_schema(ctx, text, len, &g) : vt_grammar_create(ctx, text, len, &g));
    b->handle = g;
    return 1;
}

/* grammar:check(text) -> "mismatch", "beginning" or "match" */
static int grammar_check(lua_State *L) {
    static const char *const names[] = {"mismatch", "beginning", "match"};
    vt_grammar *g = box_check(L, 1, &grammar_type);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    int32_t is = 0;
    vt__capability_charge(L, len);
    box_ok(L, vt_grammar_check(g, text, len, &is));
    lua_pushstring(L, names[is]);
    return 1;
}

/* vt.schema_to_gbnf(text) -> text */
static int schema_to_gbnf(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    vt__capability_charge(L, len);
    box *b = box_push_buffer(L);
    vt_buffer *gbnf = NULL;
    box_ok(L, vt_grammar_schema_to_gbnf(vt__capability_get(L)->ctx, text, len, &gbnf));
    b->handle = gbnf;
    box_push_text(L, b);
    return 1;
}

void bind_sample(lua_State *L) {
    static const luaL_Reg methods[] = {{"sample", sampler_sample}, {"filter", sampler_filter}, {"reset", sampler_reset}, {"accept", sampler_accept},
        {"observe", sampler_observe}, {"clone", sampler_clone}, {"log_probabilities", sampler_log_probabilities}, {NULL, NULL}};
    static const luaL_Reg grammar_methods[] = {{"check", grammar_check}, {NULL, NULL}};
    box_register(L, &bind_sampler, methods);
    box_register(L, &grammar_type, grammar_methods);
    lua_pushcfunction(L, sampler_new);
    lua_setfield(L, -2, "sampler");
    lua_pushcfunction(L, grammar_new);
    lua_setfield(L, -2, "grammar");
    lua_pushcfunction(L, schema_to_gbnf);
    lua_setfield(L, -2, "schema_to_gbnf");
}
