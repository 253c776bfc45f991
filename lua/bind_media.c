/* Lua face of venturi/media.h: vt.image(bytes), a table with the picture's extents, its pixels as a string, and the method resize. */
#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/media.h"

static const char IMAGE[] = "vt.image"; /* metatable of such tables */

/* Field of the picture at index 1. */
static lua_Integer extent(lua_State *L, const char *key) {
    return box_integer(L, 1, "image", key, 0, 0, INT32_MAX);
}

/* image:resize{ width =, height =, background = 0xffRRGGBB, dtype = "f32" | "u8" } -> packed [height, width, 3], in [0, 1] or bytes */
static int image_resize(lua_State *L) {
    static const char *const known[] = {"width", "height", "background", "dtype", NULL};
    static const char *const types[] = {"f32", "u8", NULL};
    static const int32_t codes[] = {VT_DTYPE_F32, VT_DTYPE_U8};
    vt_resize_options opt = VT_STRUCT_INIT(vt_resize_options);
    size_t size = 0;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    box_options(L, 2, "resize", known);
    lua_Integer width = extent(L, "width"), height = extent(L, "height");
    if (!box_field(L, 1, "data")) box_raise(L, VT_ERR_INVALID, "image: field 'data' is missing");
    const char *data = luaL_checklstring(L, 3, &size); /* stays on the stack while it is read */
    opt.width = box_integer(L, 2, "resize", "width", 0, 1, INT32_MAX);
    opt.height = box_integer(L, 2, "resize", "height", 0, 1, INT32_MAX);
    opt.background = (uint32_t)box_integer(L, 2, "resize", "background", 0, 0, UINT32_MAX);
    opt.dtype = codes[box_choice(L, 2, "resize", "dtype", types, 0)];
    vt__capability_charge_for(L, size / 4, VT__COST_ITEM);
    vt__capability_charge_for(L, (uint64_t)opt.width * (uint64_t)opt.height, VT__COST_ITEM);
    box *b = box_push_buffer(L);
    vt_buffer *pixels = NULL;
    box_ok(L, vt_image_resize(vt__capability_get(L)->ctx, data, size, width, height, &opt, &pixels));
    b->handle = pixels;
    box_push_text(L, b);
    return 1;
}

/* vt.image(bytes of a PNG or JPEG file, { max_width =, max_height =, max_pixels =, upright = }) -> { width, height, data = packed RGBA } */
static int image(lua_State *L) {
    static const char *const known[] = {"max_width", "max_height", "max_pixels", "upright", NULL};
    vt_image_options opt = VT_STRUCT_INIT(vt_image_options);
    vt_image_info info = VT_STRUCT_INIT(vt_image_info);
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    box_options(L, 2, "image", known);
    opt.max_width = box_integer(L, 2, "image", "max_width", 0, 1, LUA_MAXINTEGER);
    opt.max_height = box_integer(L, 2, "image", "max_height", 0, 1, LUA_MAXINTEGER);
    opt.max_pixels = box_integer(L, 2, "image", "max_pixels", 0, 1, LUA_MAXINTEGER);
    if (box_boolean(L, 2, "image", "upright", 0)) opt.flags |= VT_IMAGE_UPRIGHT;
    vt__capability_charge_for(L, size, VT__COST_INFLATE);
    lua_createtable(L, 0, 3);
    box *b = box_push_buffer(L);
    vt_buffer *pixels = NULL;
    box_ok(L, vt_image_decode(vt__capability_get(L)->ctx, bytes, size, &opt, &info, &pixels));
    b->handle = pixels;
    box_push_text(L, b);
    lua_setfield(L, -3, "data");
    lua_pop(L, 1);
    vt__capability_charge_for(L, vt__capability_times((uint64_t)info.width, (uint64_t)info.height), VT__COST_COPY);
    lua_pushinteger(L, info.width);
    lua_setfield(L, -2, "width");
    lua_pushinteger(L, info.height);
    lua_setfield(L, -2, "height");
    luaL_setmetatable(L, IMAGE);
    return 1;
}

void bind_media(lua_State *L) {
    luaL_newmetatable(L, IMAGE);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, image_resize);
    lua_setfield(L, -2, "resize");
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable"); /* scripts share it: none may change it */
    lua_pop(L, 1);
    lua_pushcfunction(L, image);
    lua_setfield(L, -2, "image");
}
