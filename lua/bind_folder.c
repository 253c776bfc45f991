/* Lua face of venturi/folder.h: vt.folder(path), and in a sandbox vt.folder(), the folder that the host lent. */
#include <limits.h>
#include <string.h>

#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/folder.h"

static void release_folder(void *handle) {
    vt_folder_release(handle);
}
const box_type bind_folder_box = {"vt.folder", "folder", release_folder};

static vt_folder *check_folder(lua_State *L) {
    return box_check(L, 1, &bind_folder_box);
}

static int folder_open(lua_State *L) {
    const vt__capability *cap = vt__capability_get(L);
    const char *path = luaL_optstring(L, 1, NULL);
    if (path && cap->sandboxed) return box_raise(L, VT_ERR_UNSUPPORTED, "vt.folder: a sandboxed script has only the folder that the host lent");
    if (!path && !cap->folder) return box_raise(L, VT_ERR_UNSUPPORTED, "vt.folder: no folder was lent to this script");
    box *b = box_push(L, &bind_folder_box, 0);
    if (path) {
        vt_folder *folder = NULL;
        box_ok(L, vt_folder_open(cap->ctx, path, &folder));
        b->handle = folder;
    } else {
        b->handle = vt_folder_retain(cap->folder);
    }
    return 1;
}

/* folder:files() -> list of { name, size }, sorted by name */
static int folder_files(lua_State *L) {
    const vt_folder *folder = check_folder(L);
    int64_t n = vt_folder_count(folder);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_createtable(L, 0, 2);
        lua_pushstring(L, vt_folder_name(folder, i));
        lua_setfield(L, -2, "name");
        lua_pushinteger(L, vt_folder_size(folder, i));
        lua_setfield(L, -2, "size");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int folder_refresh(lua_State *L) {
    vt_folder *folder = check_folder(L);
    vt__capability_charge_for(L, (uint64_t)vt_folder_count(folder) + 1, VT__COST_FILE);
    box_ok(L, vt_folder_refresh(folder));
    lua_settop(L, 1);
    return 1;
}

/* Books the reading of the file, as large as it was when the folder was listed. */
static void charge_read(lua_State *L, const vt_folder *folder, const char *name, uint64_t max_size) {
    int64_t n = vt_folder_count(folder), i = 0;
    while (i < n && strcmp(vt_folder_name(folder, i), name) != 0) i++;
    uint64_t size = i < n ? (uint64_t)vt_folder_size(folder, i) : 0;
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_COPY);
    vt__capability_charge_for(L, max_size && size > max_size ? 0 : size, VT__COST_COPY); /* too large is refused unread */
}

/* folder:read(name, { max_size = bytes }) -> string */
static int folder_read(lua_State *L) {
    static const char *const known[] = {"max_size", NULL};
    vt_folder *folder = check_folder(L);
    const char *name = luaL_checkstring(L, 2);
    box_options(L, 3, "read", known);
    uint64_t max_size = (uint64_t)box_integer(L, 3, "read", "max_size", 0, 0, LUA_MAXINTEGER);
    charge_read(L, folder, name, max_size);
    box *b = box_push_buffer(L);
    vt_buffer *buffer = NULL;
    box_ok(L, vt_folder_read(folder, name, max_size, &buffer));
    b->handle = buffer;
    box_push_text(L, b);
    return 1;
}

void bind_folder(lua_State *L) {
    static const luaL_Reg methods[] = {{"files", folder_files}, {"refresh", folder_refresh}, {"read", folder_read}, {NULL, NULL}};
    box_register(L, &bind_folder_box, methods);
    lua_pushcfunction(L, folder_open);
    lua_setfield(L, -2, "folder");
}
