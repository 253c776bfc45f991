/* Lua face of venturi/kv.h: model:kv{ tokens = 4096, dtype = "f16" }, a pool that sessions of one model share. */
#include "bind.h"
#include "venturi/context.h"
#include "venturi/kv.h"

static void release_kv(void *handle) {
    vt_kv_release(handle);
}
const box_type bind_kv_pool = {"vt.kv", "kv", release_kv};

int bind_kv_new(lua_State *L, vt_model *model) {
    static const char *const known[] = {"tokens", "dtype", NULL};
    static const char *const dtypes[] = {"f32", "f16", "q8_0", NULL};
    static const int32_t codes[] = {VT_DTYPE_F32, VT_DTYPE_F16, VT_DTYPE_Q8_0};
    vt_kv_options opt = VT_STRUCT_INIT(vt_kv_options);
    lua_settop(L, 2);
    box_options(L, 2, "kv", known);
    opt.n_tokens = box_integer(L, 2, "kv", "tokens", 0, 0, INT64_MAX);
    opt.dtype = codes[box_choice(L, 2, "kv", "dtype", dtypes, 0)];
    box *b = box_push(L, &bind_kv_pool, 0);
    vt_kv *kv = NULL;
    box_ok(L, vt_kv_create(model, &opt, &kv));
    b->handle = kv;
    return 1;
}

static int kv_block_tokens(lua_State *L) {
    lua_pushinteger(L, vt_kv_block_tokens(box_check(L, 1, &bind_kv_pool)));
    return 1;
}

static int kv_block_count(lua_State *L) {
    lua_pushinteger(L, vt_kv_block_count(box_check(L, 1, &bind_kv_pool)));
    return 1;
}

static int kv_block_used(lua_State *L) {
    lua_pushinteger(L, vt_kv_block_used(box_check(L, 1, &bind_kv_pool)));
    return 1;
}

static int kv_block_size(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)vt_kv_block_size(box_check(L, 1, &bind_kv_pool)));
    return 1;
}

void bind_kv(lua_State *L) {
    static const luaL_Reg methods[] = {{"block_tokens", kv_block_tokens}, {"block_count", kv_block_count}, {"block_used", kv_block_used},
        {"block_size", kv_block_size}, {NULL, NULL}};
    box_register(L, &bind_kv_pool, methods);
}
