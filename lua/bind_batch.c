/* Lua face of the batch in venturi/llm.h: sessions of one model that are stepped together. */
#include <limits.h>

#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/llm.h"

static void release_batch(void *handle) {
    vt_batch_release(handle);
}
static const box_type batch_type = {"vt.batch", "batch", release_batch};

static vt_batch *check_batch(lua_State *L) {
    return box_check(L, 1, &batch_type);
}

/* model:batch{ rows = 128, exact = false } */
int bind_batch_new(lua_State *L, vt_model *model) {
    static const char *const known[] = {"rows", "exact", NULL};
    vt_batch_options opt = VT_STRUCT_INIT(vt_batch_options);
    lua_settop(L, 2);
    box_options(L, 2, "batch", known);
    opt.max_rows = box_integer(L, 2, "batch", "rows", 0, 0, INT64_MAX);
    if (box_boolean(L, 2, "batch", "exact", 0)) opt.flags |= VT_SESSION_EXACT;
    opt.cancel = vt__capability_get(L)->cancel;
    box *b = box_push(L, &batch_type, 0);
    vt_batch *batch = NULL;
    box_ok(L, vt_batch_create(model, &opt, &batch));
    b->handle = batch;
    return 1;
}

/* batch:add(session, { ids = {...}, sampler = s, draw = true, logits = false }) -> itself; without ids the token drawn last is computed */
static int batch_add(lua_State *L) {
    static const char *const known[] = {"ids", "sampler", "draw", "logits", NULL};
    vt_batch *batch = check_batch(L);
    vt_batch_entry entry = VT_STRUCT_INIT(vt_batch_entry);
    lua_settop(L, 3);
    vt_session *session = box_check(L, 2, &bind_session);
    box_options(L, 3, "batch entry", known);
    if (box_boolean(L, 3, "batch entry", "draw", 1)) entry.flags |= VT_BATCH_DRAW;
    if (box_boolean(L, 3, "batch entry", "logits", 0)) entry.flags |= VT_BATCH_LOGITS;
    if (box_field(L, 3, "sampler")) entry.sampler = box_check(L, lua_gettop(L), &bind_sampler);
    if (box_field(L, 3, "ids")) entry.ids = box_ids(L, lua_gettop(L), &entry.n);
    box_ok(L, vt_batch_add(batch, session, &entry));
    lua_settop(L, 1);
    return 1;
}

static void push_result(lua_State *L, const vt_batch *batch, int64_t i) {
    vt_batch_result r = VT_STRUCT_INIT(vt_batch_result);
    box_ok(L, vt_batch_get(batch, i, &r));
    lua_createtable(L, 0, 2);
    if (r.status != VT_OK) {
        lua_pushstring(L, vt_status_name(r.status));
        lua_setfield(L, -2, "error");
        lua_pushstring(L, r.message);
        lua_setfield(L, -2, "message");
    } else if (r.id >= 0) {
        lua_pushinteger(L, r.id);
        lua_setfield(L, -2, "id");
    }
}

/* batch:step() -> list of { id = drawn } or { error = "VT_ERR_...", message = text }, in the order of adding */
static int batch_step(lua_State *L) {
    vt_batch *batch = check_batch(L);
    box_ok(L, vt_batch_step(batch));
    int64_t n = vt_batch_count(batch);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        push_result(L, batch, i);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int batch_count(lua_State *L) {
    lua_pushinteger(L, vt_batch_count(check_batch(L)));
    return 1;
}

static int batch_clear(lua_State *L) {
    vt_batch_clear(check_batch(L));
    return 0;
}

void bind_batch(lua_State *L) {
    static const luaL_Reg methods[] = {{"add", batch_add}, {"step", batch_step}, {"count", batch_count}, {"clear", batch_clear}, {NULL, NULL}};
    box_register(L, &batch_type, methods);
}
