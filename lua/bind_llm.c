/* Lua face of venturi/llm.h: models, sessions, and generation as an iterator. */
#include <limits.h>
#include <math.h>
#include <stdint.h>

#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/llm.h"
#include "venturi/sample.h"
#include "venturi/text.h"

static void release_model(void *handle) {
    vt_model_release(handle);
}
static void release_session(void *handle) {
    vt_session_release(handle);
}
static void release_decoder(void *handle) {
    vt_decoder_release(handle);
}
const box_type bind_model = {"vt.model", "model", release_model};
const box_type bind_session = {"vt.session", "session", release_session};
static const box_type stream_type = {"vt.stream", "stream", release_decoder}; /* the decoder of one generate loop */

/* User values of a session's box. */
enum { VALUE_MODEL = 1, VALUE_N_CTX };

static vt_session *check_session(lua_State *L) {
    return box_check(L, 1, &bind_session);
}

/* ---- model ---- */

/* vt.model(path, { mapped = false }) */
static int model_open(lua_State *L) {
    static const char *const known[] = {"mapped", NULL};
    const char *path = luaL_checkstring(L, 1);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_MODELS, "vt.model");
    vt_model_options opt = VT_STRUCT_INIT(vt_model_options);
    lua_settop(L, 2);
    box_options(L, 2, "model", known);
    if (box_boolean(L, 2, "model", "mapped", 0)) opt.flags |= VT_MODEL_MAPPED;
    opt.cancel = cap->cancel;
    box *b = box_push(L, &bind_model, 0);
    vt_model *model = NULL;
    box_ok(L, vt_model_open(cap->ctx, path, &opt, &model));
    b->handle = model;
    return 1;
}

static void set_integer(lua_State *L, const char *key, lua_Integer v) {
    lua_pushinteger(L, v);
    lua_setfield(L, -2, key);
}

/* model:info() -> table with the names of vt_model_info */
static int model_info(lua_State *L) {
    vt_model_info info = VT_STRUCT_INIT(vt_model_info);
    box_ok(L, vt_model_get_info(box_check(L, 1, &bind_model), &info));
    lua_createtable(L, 0, 12);
    lua_pushstring(L, info.architecture);
    lua_setfield(L, -2, "architecture");
    lua_pushstring(L, info.name);
    lua_setfield(L, -2, "name");
    set_integer(L, "n_layers", info.n_layers);
    set_integer(L, "n_vocab", info.n_vocab);
    set_integer(L, "n_ctx", info.n_ctx);
    set_integer(L, "n_embd", info.n_embd);
    set_integer(L, "n_ff", info.n_ff);
    set_integer(L, "n_heads", info.n_heads);
    set_integer(L, "n_kv_heads", info.n_kv_heads);
    set_integer(L, "head_dim", info.head_dim);
    set_integer(L, "n_params", info.n_params);
    set_integer(L, "size", (lua_Integer)info.size);
    return 1;
}

/* model:meta() -> list of { key, value as text }, in the file's order */
static int model_meta(lua_State *L) {
    vt_model *model = box_check(L, 1, &bind_model);
    int64_t n = vt_model_meta_count(model);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_createtable(L, 2, 0);
        lua_pushstring(L, vt_model_meta_key(model, i));
        lua_rawseti(L, -2, 1);
        box *b = box_push_buffer(L);
        vt_buffer *text = NULL;
        box_ok(L, vt_model_meta_text(model, i, &text));
        b->handle = text;
        box_push_text(L, b);
        lua_rawseti(L, -3, 2);
        lua_pop(L, 1); /* the buffer's box */
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int model_tokenizer(lua_State *L) {
    vt_model *model = box_check(L, 1, &bind_model);
    box *b = box_push(L, &bind_tokenizer, 0);
    vt_tokenizer *tok = NULL;
    box_ok(L, vt_model_tokenizer(model, &tok));
    b->handle = tok;
    return 1;
}

/* model:graph() -> a graph of its own (bind_graph.c) over the weights of a saved graph */
static int model_graph(lua_State *L) {
    vt_model *model = box_check(L, 1, &bind_model);
    vt_model_info info = VT_STRUCT_INIT(vt_model_info);
    box_ok(L, vt_model_get_info(model, &info));
    vt__capability_charge_for(L, info.size, VT__COST_COPY);
    box *b = box_push(L, &bind_graph_box, 0);
    vt_graph *graph = NULL;
    box_ok(L, vt_model_graph(model, &graph));
    b->handle = graph;
    return 1;
}

static int model_kv(lua_State *L) {
    return bind_kv_new(L, box_check(L, 1, &bind_model));
}

static int model_batch(lua_State *L) {
    return bind_batch_new(L, box_check(L, 1, &bind_model));
}

/* model:session{ ctx = 2048, exact = false, kv = pool }; the box keeps a reference of its own to the model, which may be closed before it */
static int session_new(lua_State *L) {
    static const char *const known[] = {"ctx", "exact", "kv", NULL};
    vt_model *model = box_check(L, 1, &bind_model);
    vt_session_options opt = VT_STRUCT_INIT(vt_session_options);
    lua_settop(L, 2);
    box_options(L, 2, "session", known);
    opt.n_ctx = box_integer(L, 2, "session", "ctx", 0, 0, INT64_MAX);
    if (box_boolean(L, 2, "session", "exact", 0)) opt.flags |= VT_SESSION_EXACT;
    if (box_field(L, 2, "kv")) opt.kv = box_check(L, lua_gettop(L), &bind_kv_pool);
    opt.cancel = vt__capability_get(L)->cancel;

    vt_model_info info = VT_STRUCT_INIT(vt_model_info);
    if (opt.n_ctx == 0) {
        box_ok(L, vt_model_get_info(model, &info));
        opt.n_ctx = info.n_ctx;
    }
    box *b = box_push(L, &bind_session, 2);
    box *own = box_push(L, &bind_model, 0);
    own->handle = vt_model_retain(model);
    lua_setiuservalue(L, -2, VALUE_MODEL);
    lua_pushinteger(L, opt.n_ctx);
    lua_setiuservalue(L, -2, VALUE_N_CTX);
    vt_session *session = NULL;
    box_ok(L, vt_session_create(model, &opt, &session));
    b->handle = session;
    return 1;
}

/* ---- session ---- */

/* The model that session 1 was made from. */
static vt_model *session_model(lua_State *L) {
    lua_getiuservalue(L, 1, VALUE_MODEL);
    vt_model *model = box_check(L, lua_gettop(L), &bind_model);
    lua_pop(L, 1);
    return model;
}

static int64_t vocab_size(lua_State *L) {
    vt_model_info info = VT_STRUCT_INIT(vt_model_info);
    box_ok(L, vt_model_get_info(session_model(L), &info));
    return info.n_vocab;
}

static int session_feed(lua_State *L) {
    vt_session *session = check_session(L);
    int64_t n;
    const int32_t *ids = box_ids(L, 2, &n);
    box_ok(L, vt_session_feed(session, ids, n));
    lua_settop(L, 1);
    return 1; /* itself, for chaining */
}

static void push_floats(lua_State *L, const float *x, int64_t n) {
    vt__capability_charge(L, (uint64_t)n);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushnumber(L, (lua_Number)x[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/* session:logits() -> list; the token with id i is at position i + 1 */
static int session_logits(lua_State *L) {
    const float *logits = NULL;
    int64_t n = vocab_size(L);
    box_ok(L, vt_session_logits(check_session(L), &logits));
    push_floats(L, logits, n);
    return 1;
}

/* session:feed_logits(ids) -> list of lists: the logits after each id */
static int session_feed_logits(lua_State *L) {
    vt_session *session = check_session(L);
    int64_t n, n_vocab = vocab_size(L);
    const int32_t *ids = box_ids(L, 2, &n);
    size_t size = 0;
    if (__builtin_mul_overflow((size_t)n * sizeof(float), (size_t)n_vocab, &size)) return box_raise(L, VT_ERR_NOMEM, "feed_logits: too large");
    float *rows = lua_newuserdatauv(L, size ? size : 1, 0);
    box_ok(L, vt_session_feed_logits(session, ids, n, rows));
    lua_createtable(L, (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        push_floats(L, rows + i * n_vocab, n_vocab);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* session:score(ids) -> list of log-probabilities; the first of an empty session is NaN */
static int session_score(lua_State *L) {
    vt_session *session = check_session(L);
    int64_t n;
    const int32_t *ids = box_ids(L, 2, &n);
    double *out = lua_newuserdatauv(L, (size_t)(n ? n : 1) * sizeof *out, 0);
    box_ok(L, vt_session_score(session, ids, n, out));
    lua_createtable(L, (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushnumber(L, out[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* session:top(k) -> list of the k largest { id, logit } */
static int session_top(lua_State *L) {
    vt_session *session = check_session(L);
    lua_Integer k = luaL_checkinteger(L, 2);
    int64_t n = vocab_size(L);
    const float *logits = NULL;
    box *s = box_push(L, &bind_sampler, 0);
    box *b = box_push_buffer(L);
    vt_sampler *sampler = NULL;
    vt_buffer *pairs = NULL;
    box_ok(L, vt_sampler_create(vt__capability_get(L)->ctx, NULL, &sampler));
    s->handle = sampler;
    box_ok(L, vt_sampler_add_top_k(sampler, k));
    box_ok(L, vt_session_logits(session, &logits));
    box_ok(L, vt_sampler_filter(sampler, logits, n, &pairs));
    b->handle = pairs;
    bind_push_pairs(L, pairs);
    return 1;
}

static int session_count(lua_State *L) {
    lua_pushinteger(L, vt_session_count(check_session(L)));
    return 1;
}

static int session_tokens(lua_State *L) {
    const vt_session *session = check_session(L);
    box_push_ids(L, vt_session_tokens(session), vt_session_count(session));
    return 1;
}

static int session_trim(lua_State *L) {
    box_ok(L, vt_session_trim(check_session(L), luaL_checkinteger(L, 2)));
    lua_settop(L, 1);
    return 1;
}

/* session:next(sampler) -> id; without a sampler the largest logit wins */
static int session_next(lua_State *L) {
    vt_session *session = check_session(L);
    vt_sampler *sampler = lua_isnoneornil(L, 2) ? NULL : box_check(L, 2, &bind_sampler);
    box *own = sampler ? NULL : box_push(L, &bind_sampler, 0);
    if (own) {
        box_ok(L, vt_sampler_create(vt__capability_get(L)->ctx, NULL, &sampler));
        own->handle = sampler;
    }
    int32_t id = 0;
    box_ok(L, vt_session_next(session, sampler, &id));
    lua_pushinteger(L, id);
    return 1;
}

/* ---- generation: for piece, id in session:generate{ ... } ---- */

enum { UP_SESSION = 1, UP_SAMPLER, UP_TOKENIZER, UP_STREAM, UP_LEFT, UP_IGNORE_EOG, UP_COUNT = UP_IGNORE_EOG };

/* The last step: what the decoder still holds, then nothing more. */
static int generate_end(lua_State *L, vt_decoder *dec, int32_t id) {
    const char *text = NULL;
    size_t len = 0;
    lua_pushinteger(L, 0);
    lua_replace(L, lua_upvalueindex(UP_LEFT));
    box_ok(L, vt_decoder_finish(dec, &text, &len));
    if (len == 0) return 0;
    lua_pushlstring(L, text, len);
    lua_pushinteger(L, id);
    return 2;
}

/* A full context ends an answer, as in vt_session_generate; a full pool that others use too is an error. */
static int is_full(lua_State *L, const vt_session *session) {
    lua_getiuservalue(L, lua_upvalueindex(UP_SESSION), VALUE_N_CTX);
    int full = vt_session_count(session) == lua_tointeger(L, -1);
    lua_pop(L, 1);
    return full;
}

/* One token a call: its text (whole code points, "" while one is unfinished) and its id, with "stop" where a stop string ends the text here; nothing
 * at the end. */
static int generate_step(lua_State *L) {
    lua_Integer left = lua_tointeger(L, lua_upvalueindex(UP_LEFT));
    if (left == 0) return 0;
    vt_session *session = box_check(L, lua_upvalueindex(UP_SESSION), &bind_session);
    vt_sampler *sampler = box_check(L, lua_upvalueindex(UP_SAMPLER), &bind_sampler);
    const vt_tokenizer *tok = box_check(L, lua_upvalueindex(UP_TOKENIZER), &bind_tokenizer);
    vt_decoder *dec = box_check(L, lua_upvalueindex(UP_STREAM), &stream_type);
    const char *text = NULL;
    size_t len = 0;
    int32_t id = -1;

    if (is_full(L, session)) return generate_end(L, dec, id);
    vt_status st = vt_session_next(session, sampler, &id);
    box_ok(L, st);
    if (vt_tokenizer_is_eog(tok, id) && !lua_toboolean(L, lua_upvalueindex(UP_IGNORE_EOG))) return generate_end(L, dec, id);
    box_ok(L, vt_decoder_push(dec, id, &text, &len));
    if (left == 1 || vt_decoder_stopped(dec) >= 0) { /* the last one brings what the decoder holds with it */
        left = 1;
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        luaL_addlstring(&b, text, len);
        st = vt_decoder_finish(dec, &text, &len);
        if (st == VT_OK) luaL_addlstring(&b, text, len);
        luaL_pushresult(&b);
        box_ok(L, st);
    } else {
        lua_pushlstring(L, text, len);
    }
    lua_pushinteger(L, left - 1);
    lua_replace(L, lua_upvalueindex(UP_LEFT));
    lua_pushinteger(L, id);
    if (vt_decoder_stopped(dec) < 0) return 2;
    lua_pushliteral(L, "stop");
    return 3;
}

/* Pushes the sampler of the options, or a greedy one. */
static void push_sampler(lua_State *L, int options) {
    if (box_field(L, options, "sampler")) {
        box_check(L, lua_gettop(L), &bind_sampler);
        return;
    }
    box *b = box_push(L, &bind_sampler, 0);
    vt_sampler *s = NULL;
    box_ok(L, vt_sampler_create(vt__capability_get(L)->ctx, NULL, &s));
    b->handle = s;
}

/* Stop strings of the options, which the list keeps alive while they are copied. */
static void set_stops(lua_State *L, int options, vt_decoder *dec) {
    const char *texts[64];
    int n = 0, top = lua_gettop(L);
    if (!box_field(L, options, "stop")) return;
    if (lua_type(L, -1) == LUA_TSTRING) texts[n++] = lua_tostring(L, -1);
    else if (!lua_istable(L, -1) || lua_rawlen(L, -1) > 64) box_raise(L, VT_ERR_INVALID, "generate: option 'stop' must be a string or a list of at most 64");
    else
        for (lua_Unsigned i = 1; i <= lua_rawlen(L, top + 1); i++) {
            if (lua_rawgeti(L, top + 1, (lua_Integer)i) != LUA_TSTRING) box_raise(L, VT_ERR_INVALID, "generate: stop[%d] must be a string", (int)i);
            texts[n++] = lua_tostring(L, -1);
            lua_pop(L, 1);
        }
    box_ok(L, vt_decoder_set_stops(dec, texts, n));
    lua_settop(L, top);
}

/* session:generate{ max_tokens = 120, sampler = s, ignore_eog = false, special = false, stop = { "\n" } } */
static int session_generate(lua_State *L) {
    static const char *const known[] = {"max_tokens", "sampler", "ignore_eog", "special", "stop", NULL};
    check_session(L);
    lua_settop(L, 2);
    box_options(L, 2, "generate", known);
    lua_Integer max_tokens = box_integer(L, 2, "generate", "max_tokens", 0, 0, LUA_MAXINTEGER);
    int ignore_eog = box_boolean(L, 2, "generate", "ignore_eog", 0);
    uint32_t flags = VT_TOKENIZE_CONTINUE | (box_boolean(L, 2, "generate", "special", 0) ? VT_TOKENIZE_SPECIAL : 0u);

    push_sampler(L, 2);
    int sampler_index = lua_gettop(L);
    box *tok = box_push(L, &bind_tokenizer, 0);
    vt_tokenizer *t = NULL;
    box_ok(L, vt_model_tokenizer(session_model(L), &t));
    tok->handle = t;
    int tok_index = lua_gettop(L);
    box *stream = box_push(L, &stream_type, 0);
    vt_decoder *dec = NULL;
    box_ok(L, vt_decoder_create(t, flags, &dec));
    stream->handle = dec;
    set_stops(L, 2, dec);

    lua_pushvalue(L, 1);
    lua_pushvalue(L, sampler_index);
    lua_pushvalue(L, tok_index);
    lua_pushvalue(L, tok_index + 1);
    lua_pushinteger(L, max_tokens > 0 ? max_tokens : LUA_MAXINTEGER);
    lua_pushboolean(L, ignore_eog);
    lua_pushcclosure(L, generate_step, UP_COUNT);
    return 1;
}

void bind_llm(lua_State *L) {
    static const luaL_Reg model_methods[] = {{"info", model_info}, {"meta", model_meta}, {"tokenizer", model_tokenizer}, {"kv", model_kv}, {"batch", model_batch},
        {"session", session_new}, {"graph", model_graph}, {NULL, NULL}};
    static const luaL_Reg session_methods[] = {{"feed", session_feed}, {"feed_logits", session_feed_logits}, {"score", session_score},
        {"logits", session_logits}, {"top", session_top}, {"count", session_count}, {"tokens", session_tokens}, {"trim", session_trim},
        {"next", session_next}, {"generate", session_generate}, {NULL, NULL}};
    static const luaL_Reg none[] = {{NULL, NULL}};
    box_register(L, &bind_model, model_methods);
    box_register(L, &bind_session, session_methods);
    box_register(L, &stream_type, none);
    lua_pushcfunction(L, model_open);
    lua_setfield(L, -2, "model");
}
