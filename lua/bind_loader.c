/* Lua face of venturi/loader.h: vt.loader{ ... }, batches of pictures that are made ahead. */
#include <stdint.h>

#include "bind.h"
#include "bind_tensor.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/loader.h"

static void release_loader(void *handle) { vt_loader_release(handle); }
static const box_type loader_box = {"vt.loader", "loader", release_loader};

/* Reads the options at index 1; what is a number of the picture is checked by the library. */
static vt_loader_options read_options(lua_State *L) {
    static const char *const known[] = {"pictures", "files", "width", "height", "channels", "dtype", "fit", "background", "threads", "depth", "max_pixels",
        "upright", "seed", "share", "scale_min", "scale_max", "shift", "brightness", "contrast", "saturation", "flip_x", "flip_y", "free_place", NULL};
    static const char *const types[] = {"f32", "u8", NULL}, *const fits[] = {"cover", "contain", "stretch", NULL};
    static const int32_t codes[] = {VT_DTYPE_F32, VT_DTYPE_U8};
    static const char WHAT[] = "loader";
    vt_loader_options o = VT_STRUCT_INIT(vt_loader_options);
    box_options(L, 1, WHAT, known);
    o.width = box_integer(L, 1, WHAT, "width", 0, 0, INT32_MAX);
    o.height = box_integer(L, 1, WHAT, "height", 0, 0, INT32_MAX);
    o.channels = (int32_t)box_integer(L, 1, WHAT, "channels", 0, 0, INT32_MAX);
    o.dtype = codes[box_choice(L, 1, WHAT, "dtype", types, 0)];
    o.fit = box_choice(L, 1, WHAT, "fit", fits, VT_FIT_COVER);
    o.background = (uint32_t)box_integer(L, 1, WHAT, "background", 0, 0, UINT32_MAX);
    o.n_threads = (int32_t)box_integer(L, 1, WHAT, "threads", 0, 0, INT32_MAX);
    o.depth = (int32_t)box_integer(L, 1, WHAT, "depth", 0, 0, INT32_MAX);
    o.max_pixels = box_integer(L, 1, WHAT, "max_pixels", 0, 0, LUA_MAXINTEGER);
    o.seed = (uint64_t)box_integer(L, 1, WHAT, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
    o.share = box_number(L, 1, WHAT, "share", 0);
    o.scale_min = box_number(L, 1, WHAT, "scale_min", 0);
    o.scale_max = box_number(L, 1, WHAT, "scale_max", 0);
    o.shift = box_integer(L, 1, WHAT, "shift", 0, 0, INT32_MAX);
    o.brightness = box_number(L, 1, WHAT, "brightness", 0);
    o.contrast = box_number(L, 1, WHAT, "contrast", 0);
    o.saturation = box_number(L, 1, WHAT, "saturation", 0);
    o.flags = (box_boolean(L, 1, WHAT, "flip_x", 0) ? VT_AUGMENT_FLIP_X : 0u) | (box_boolean(L, 1, WHAT, "flip_y", 0) ? VT_AUGMENT_FLIP_Y : 0u) |
              (box_boolean(L, 1, WHAT, "free_place", 0) ? VT_AUGMENT_FREE_PLACE : 0u) | (box_boolean(L, 1, WHAT, "upright", 0) ? VT_LOADER_UPRIGHT : 0u);
    return o;
}

/* Adds the paths of the list at the top of the stack. */
static void add_files(lua_State *L, vt_loader *loader) {
    (void)vt__capability_need(L, VT__CAN_MODELS, "loader");
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    for (lua_Integer i = 1; i <= n; i++) {
        if (lua_rawgeti(L, -1, i) != LUA_TSTRING) box_raise(L, VT_ERR_INVALID, "loader: file %I is no string", (LUAI_UACINT)i);
        box_ok(L, vt_loader_add_file(loader, luaL_checkstring(L, -1)));
        lua_pop(L, 1);
    }
}

/* vt.loader{ pictures = tensor or files = list of paths, width =, height =, channels =, dtype = "f32" | "u8", fit = "cover" | "contain" | "stretch",
 * background = 0xffRRGGBB, threads =, depth =, max_pixels =, upright =, seed =, share =, scale_min =, scale_max =, shift =, brightness =, contrast =,
 * saturation =, flip_x =, flip_y =, free_place = } */
static int loader_new(lua_State *L) {
    lua_settop(L, 1);
    luaL_checktype(L, 1, LUA_TTABLE);
    vt_loader_options o = read_options(L);
    vt_tensor *pictures = NULL;
    if (box_field(L, 1, "pictures")) pictures = bind_tensor_check(L, 2);
    else lua_pushnil(L);
    int has_files = box_field(L, 1, "files");
    if (has_files == (pictures != NULL)) box_raise(L, VT_ERR_INVALID, "loader: needs one of 'pictures' and 'files'");
    box *b = box_push(L, &loader_box, 0);
    vt_loader *loader = NULL;
    box_ok(L, vt_loader_create(vt__capability_get(L)->ctx, &o, pictures, &loader));
    b->handle = loader;
    if (has_files) {
        lua_pushvalue(L, 3);
        add_files(L, loader);
        lua_pop(L, 1);
    }
    return 1;
}

/* loader:submit(vector of indices, i64, from 0; round = 0) */
static int loader_submit(lua_State *L) {
    vt_loader *loader = box_check(L, 1, &loader_box);
    vt_tensor *t = bind_tensor_check(L, 2);
    lua_Integer round = luaL_optinteger(L, 3, 0);
    int32_t dtype;
    if (vt_tensor_dtype(t) != VT_DTYPE_I64 || vt_tensor_n_dims(t) != 1) box_raise(L, VT_ERR_DTYPE, "loader: indices are a vector of i64");
    luaL_argcheck(L, round >= 0 && round <= UINT32_MAX, 3, "a round is from 0 to 2^32 - 1");
    const int64_t *indices = bind_tensor_elements(L, t, &dtype);
    vt__capability_charge_for(L, (uint64_t)vt_tensor_count(t), VT__COST_FILE);
    box_ok(L, vt_loader_submit(loader, indices, vt_tensor_count(t), (uint32_t)round));
    return 0;
}

/* loader:next() -> tensor [n, channels, height, width] */
static int loader_next(lua_State *L) {
    vt_loader *loader = box_check(L, 1, &loader_box);
    box *b = bind_tensor_push(L);
    vt_tensor *t = NULL;
    box_ok(L, vt_loader_next(loader, vt__capability_get(L)->cancel, &t));
    b->handle = t;
    vt__capability_charge_for(L, (uint64_t)vt_tensor_count(t), VT__COST_ITEM);
    return 1;
}

/* loader:count() -> pictures */
static int loader_count(lua_State *L) {
    lua_pushinteger(L, vt_loader_count(box_check(L, 1, &loader_box)));
    return 1;
}

void bind_loader(lua_State *L) {
    static const luaL_Reg methods[] = {{"submit", loader_submit}, {"next", loader_next}, {"count", loader_count}, {NULL, NULL}};
    box_register(L, &loader_box, methods);
    lua_pushcfunction(L, loader_new);
    lua_setfield(L, -2, "loader");
}
