/* Lua face of venturi/text.h: tokenizers, decoders, chat, words. Sections are in bind_document.c. */
#include <limits.h>
#include <string.h>

#define VT_EXPERIMENTAL
#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/text.h"
#include "venturi_experimental.h"

static void release_tokenizer(void *handle) {
    vt_tokenizer_release(handle);
}
static void release_decoder(void *handle) {
    vt_decoder_release(handle);
}
const box_type bind_tokenizer = {"vt.tokenizer", "tokenizer", release_tokenizer};
static const box_type decoder_type = {"vt.decoder", "decoder", release_decoder};

/* ---- tokenizer ---- */

/* vt.tokenizer(path) */
static int tokenizer_open(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_MODELS, "vt.tokenizer");
    box *b = box_push(L, &bind_tokenizer, 0);
    vt_tokenizer *tok = NULL;
    box_ok(L, vt_tokenizer_open(cap->ctx, path, &tok));
    b->handle = tok;
    return 1;
}

/* Of the options "special" and "continue" */
static uint32_t text_flags(lua_State *L, int index, const char *what) {
    return (box_boolean(L, index, what, "special", 0) ? VT_TOKENIZE_SPECIAL : 0u) | (box_boolean(L, index, what, "continue", 0) ? VT_TOKENIZE_CONTINUE : 0u);
}

/* tok:encode(text, { special = false, bos = false, eos = false, continue = false }) -> list of ids */
static int tokenizer_encode(lua_State *L) {
    static const char *const known[] = {"special", "bos", "eos", "continue", NULL};
    const vt_tokenizer *tok = box_check(L, 1, &bind_tokenizer);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    box_options(L, 3, "encode", known);
    uint32_t flags = text_flags(L, 3, "encode");
    if (box_boolean(L, 3, "encode", "bos", 0)) flags |= VT_TOKENIZE_ADD_BOS;
    if (box_boolean(L, 3, "encode", "eos", 0)) flags |= VT_TOKENIZE_ADD_EOS;
    vt__capability_charge_for(L, len, VT__COST_ENCODE);

    box *ids = box_push_buffer(L);
    vt_buffer *buffer = NULL;
    box_ok(L, vt_tokenizer_encode(tok, text, len, flags, &buffer));
    ids->handle = buffer;
    box_push_ids(L, vt_buffer_data(buffer), (int64_t)(vt_buffer_size(buffer) / sizeof(int32_t)));
    box_close_buffer(ids);
    return 1;
}

/* tok:decode(ids, { special = false, continue = false }) -> string */
static int tokenizer_decode(lua_State *L) {
    static const char *const known[] = {"special", "continue", NULL};
    const vt_tokenizer *tok = box_check(L, 1, &bind_tokenizer);
    box_options(L, 3, "decode", known);
    uint32_t flags = text_flags(L, 3, "decode");
    int64_t n;
    const int32_t *ids = box_ids(L, 2, &n);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    box *text = box_push_buffer(L);
    vt_buffer *buffer = NULL;
    box_ok(L, vt_tokenizer_decode(tok, ids, n, flags, &buffer));
    text->handle = buffer;
    box_push_text(L, text);
    return 1;
}

static int tokenizer_count(lua_State *L) {
    lua_pushinteger(L, vt_tokenizer_count(box_check(L, 1, &bind_tokenizer)));
    return 1;
}

static int32_t check_id(lua_State *L, int arg) {
    lua_Integer id = luaL_checkinteger(L, arg);
    luaL_argcheck(L, id >= INT32_MIN && id <= INT32_MAX, arg, "not a token id");
    return (int32_t)id;
}

/* tok:token(id) -> entry of the vocabulary, or nil */
static int tokenizer_token(lua_State *L) {
    lua_pushstring(L, vt_tokenizer_token(box_check(L, 1, &bind_tokenizer), check_id(L, 2)));
    return 1;
}

/* nil where the model has none */
static int push_special(lua_State *L, int32_t id) {
    if (id >= 0)
        lua_pushinteger(L, id);
    else
        lua_pushnil(L);
    return 1;
}

static int tokenizer_bos(lua_State *L) {
    return push_special(L, vt_tokenizer_bos(box_check(L, 1, &bind_tokenizer)));
}

static int tokenizer_eos(lua_State *L) {
    return push_special(L, vt_tokenizer_eos(box_check(L, 1, &bind_tokenizer)));
}

/* tok:special(name) -> id or nil; name: "bos", "eos", "unk", ... */
static int tokenizer_special(lua_State *L) {
    static const char *const names[] = {"bos", "eos", "unk", "sep", "pad", "cls", "mask", "eot", "eom", NULL};
    return push_special(L, vt_tokenizer_special(box_check(L, 1, &bind_tokenizer), luaL_checkoption(L, 2, NULL, names)));
}

static int tokenizer_family(lua_State *L) {
    lua_pushstring(L, vt_tokenizer_family(box_check(L, 1, &bind_tokenizer)));
    return 1;
}

static int tokenizer_is_eog(lua_State *L) {
    lua_pushboolean(L, vt_tokenizer_is_eog(box_check(L, 1, &bind_tokenizer), check_id(L, 2)));
    return 1;
}

/* tok:pieces(text, { special = false }) -> list of strings, as the pre-tokenizer cuts them; experimental */
static int tokenizer_pieces(lua_State *L) {
    static const char *const known[] = {"special", NULL};
    const vt_tokenizer *tok = box_check(L, 1, &bind_tokenizer);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    box_options(L, 3, "pieces", known);
    uint32_t flags = box_boolean(L, 3, "pieces", "special", 0) ? VT_TOKENIZE_SPECIAL : 0;
    vt__capability_charge_for(L, len, VT__COST_ENCODE);
    box *b = box_push_buffer(L);
    vt_buffer *buffer = NULL;
    box_ok(L, vt_tokenizer_pieces(tok, text, len, flags, &buffer));
    b->handle = buffer;

    const unsigned char *p = vt_buffer_data(buffer);
    size_t n = vt_buffer_size(buffer) / (2 * sizeof(int64_t));
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        int64_t range[2];
        memcpy(range, p + i * sizeof range, sizeof range);
        lua_pushlstring(L, text + range[0], (size_t)(range[1] - range[0]));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- chat ---- */

/* Field of the message on the top, a string that the message keeps alive */
static const char *message_field(lua_State *L, lua_Integer i, const char *key, size_t *len) {
    int found = box_field(L, -1, key);
    if (!found || lua_type(L, -1) != LUA_TSTRING)
        box_raise(L, VT_ERR_INVALID, "chat: message %I: '%s' must be a string, got %s", (LUAI_UACINT)i, key, found ? luaL_typename(L, -1) : "nil");
    const char *s = lua_tolstring(L, -1, len);
    lua_pop(L, 1);
    return s;
}

/* tok:chat({ { role = "user", content = "..." }, ... }, { prompt = true }) -> text */
static int tokenizer_chat(lua_State *L) {
    static const char *const known[] = {"prompt", NULL};
    static const char *const fields[] = {"role", "content", NULL};
    const vt_tokenizer *tok = box_check(L, 1, &bind_tokenizer);
    luaL_checktype(L, 2, LUA_TTABLE);
    box_options(L, 3, "chat", known);
    uint32_t flags = box_boolean(L, 3, "chat", "prompt", 1) ? VT_CHAT_ADD_PROMPT : 0;
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    luaL_argcheck(L, n >= 1 && n <= 100000, 2, "1 to 100000 messages");

    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    vt_chat_message *messages = lua_newuserdatauv(L, (size_t)n * sizeof *messages, 0);
    lua_createtable(L, (int)n, 0); /* holds the messages: the list may be a weak table */
    uint64_t size = 0;
    for (lua_Integer i = 1; i <= n; i++) {
        vt_chat_message *m = &messages[i - 1];
        lua_rawgeti(L, 2, i);
        if (!box_options(L, lua_gettop(L), "chat: message", fields))
            box_raise(L, VT_ERR_INVALID, "chat: message %I must be a table", (LUAI_UACINT)i);
        m->role = message_field(L, i, "role", NULL);
        m->content = message_field(L, i, "content", &m->content_len);
        size += m->content_len;
        lua_rawseti(L, -2, i);
    }
    vt__capability_charge_for(L, size, VT__COST_COPY);
    box *text = box_push_buffer(L);
    vt_buffer *buffer = NULL;
    box_ok(L, vt_chat_render(tok, messages, n, flags, &buffer));
    text->handle = buffer;
    box_push_text(L, text);
    return 1;
}

/* tok:template() -> the chat template's text, or nil */
static int tokenizer_template(lua_State *L) {
    size_t len = 0;
    const char *text = vt_chat_template(box_check(L, 1, &bind_tokenizer), &len);
    vt__capability_charge_for(L, len, VT__COST_COPY);
    if (text)
        lua_pushlstring(L, text, len);
    else
        lua_pushnil(L);
    return 1;
}

/* tok:plain(text) -> the text with the model's special tokens taken apart */
static int tokenizer_plain(lua_State *L) {
    const vt_tokenizer *tok = box_check(L, 1, &bind_tokenizer);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    vt__capability_charge_for(L, len, VT__COST_ENCODE);
    box *b = box_push_buffer(L);
    vt_buffer *buffer = NULL;
    box_ok(L, vt_chat_plain(tok, text, len, &buffer));
    b->handle = buffer;
    box_push_text(L, b);
    return 1;
}

/* ---- decoder ---- */

/* tok:decoder{ special = false, continue = false } */
static int decoder_new(lua_State *L) {
    static const char *const known[] = {"special", "continue", NULL};
    vt_tokenizer *tok = box_check(L, 1, &bind_tokenizer);
    box_options(L, 2, "decoder", known);
    uint32_t flags = text_flags(L, 2, "decoder");
    box *b = box_push(L, &decoder_type, 0);
    vt_decoder *dec = NULL;
    box_ok(L, vt_decoder_create(tok, flags, &dec));
    b->handle = dec;
    return 1;
}

/* dec:push(id) -> text that became complete, often "" */
static int decoder_push(lua_State *L) {
    const char *text = NULL;
    size_t len = 0;
    vt_decoder *dec = box_check(L, 1, &decoder_type);
    box_ok(L, vt_decoder_push(dec, check_id(L, 2), &text, &len));
    lua_pushlstring(L, text, len);
    return 1;
}

static int decoder_finish(lua_State *L) {
    const char *text = NULL;
    size_t len = 0;
    box_ok(L, vt_decoder_finish(box_check(L, 1, &decoder_type), &text, &len));
    lua_pushlstring(L, text, len);
    return 1;
}

/* ---- words ---- */

/* vt.words(text) -> list of strings */
static int words(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    vt__capability_charge_for(L, len, VT__COST_WORDS);
    box *b = box_push_buffer(L);
    vt_buffer *buffer = NULL;
    box_ok(L, vt_text_words(vt__capability_get(L)->ctx, text, len, &buffer));
    b->handle = buffer;

    const char *begin = vt_buffer_data(buffer), *end = begin + vt_buffer_size(buffer);
    vt__capability_charge(L, vt_buffer_size(buffer) / 8);
    lua_newtable(L);
    lua_Integer n = 0;
    for (const char *p = begin; p < end; p++) {
        if (*p != '\n') continue;
        lua_pushlstring(L, begin, (size_t)(p - begin));
        lua_rawseti(L, -2, ++n);
        begin = p + 1;
    }
    box_close_buffer(b);
    return 1;
}

void bind_text(lua_State *L) {
    static const luaL_Reg tokenizer_methods[] = {{"encode", tokenizer_encode}, {"decode", tokenizer_decode}, {"count", tokenizer_count},
        {"token", tokenizer_token}, {"bos", tokenizer_bos}, {"eos", tokenizer_eos}, {"special", tokenizer_special}, {"family", tokenizer_family},
        {"is_eog", tokenizer_is_eog}, {"chat", tokenizer_chat}, {"template", tokenizer_template}, {"plain", tokenizer_plain},
        {"pieces", tokenizer_pieces}, {"decoder", decoder_new}, {NULL, NULL}};
    static const luaL_Reg decoder_methods[] = {{"push", decoder_push}, {"finish", decoder_finish}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"tokenizer", tokenizer_open}, {"words", words}, {NULL, NULL}};
    box_register(L, &bind_tokenizer, tokenizer_methods);
    box_register(L, &decoder_type, decoder_methods);
    luaL_setfuncs(L, functions, 0);
}
