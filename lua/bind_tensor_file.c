/* Lua face of venturi/tensor_file.h: vt.load and vt.save, of .npy and of safetensors. */
#include <stdlib.h>
#include <string.h>

#include "bind_tensor.h"
#include "capability.h"
#include "venturi/tensor_file.h"

static void release_file(void *file) { vt_tensor_file_release(file); }

static const box_type file_box = {"vt.tensor_file", "tensor file", release_file};

static int is_npy(const char *path) {
    size_t n = strlen(path);
    return n >= 4 && strcmp(path + n - 4, ".npy") == 0;
}

static void push_tensor(lua_State *L, vt_tensor_file *file, const char *name) {
    box *b = bind_tensor_push(L);
    vt_tensor *t = NULL;
    box_ok(L, vt_tensor_file_get(file, name, &t));
    b->handle = t;
}

/* vt.load(path) -> the tensor of an .npy file, or { name = tensor } of a safetensors file */
static int load(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_MODELS, "vt.load");
    if (is_npy(path)) {
        box *b = bind_tensor_push(L);
        vt_tensor *t = NULL;
        box_ok(L, vt_tensor_open_npy(cap->ctx, path, &t));
        b->handle = t;
        return 1;
    }
    box *b = box_push(L, &file_box, 0);
    vt_tensor_file *file = NULL;
    box_ok(L, vt_tensor_file_open(cap->ctx, path, &file));
    b->handle = file;
    lua_createtable(L, 0, (int)(vt_tensor_file_count(file) < 65536 ? vt_tensor_file_count(file) : 65536));
    vt__capability_charge_for(L, (uint64_t)vt_tensor_file_count(file), VT__COST_ITEM);
    for (int64_t i = 0; i < vt_tensor_file_count(file); i++) {
        const char *name = vt_tensor_file_name(file, i);
        push_tensor(L, file, name);
        lua_setfield(L, -2, name);
    }
    box_close(b, &file_box);
    return 1;
}

typedef struct named {
    const char *name;
    vt_tensor *tensor;
} named;

static int by_name(const void *a, const void *b) { return strcmp(((const named *)a)->name, ((const named *)b)->name); }

/* The pairs of the table at `index`, by name, in a userdata that is pushed. Names and tensors stay alive in the table. */
static named *pairs_of(lua_State *L, int index, int64_t *n) {
    *n = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) ++*n;
    named *all = lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *all, 0);
    int64_t i = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), i++) {
        if (i == *n) box_raise(L, VT_ERR_STATE, "save: the table was changed meanwhile"); /* by a finalizer */
        if (lua_type(L, -2) != LUA_TSTRING) box_raise(L, VT_ERR_INVALID, "save: a name is no string");
        all[i] = (named){lua_tostring(L, -2), bind_tensor_test(L, -1)};
        if (!all[i].tensor) box_raise(L, VT_ERR_INVALID, "save: '%s' is no tensor", all[i].name);
        if (strlen(all[i].name) != lua_rawlen(L, -2)) box_raise(L, VT_ERR_INVALID, "save: a name holds a zero byte");
    }
    *n = i;
    qsort(all, (size_t)*n, sizeof *all, by_name);
    return all;
}

static uint64_t bytes_of(const vt_tensor *t) { return vt__capability_times((uint64_t)vt_tensor_count(t), vt_dtype_size(vt_tensor_dtype(t))); }

/* vt.save(path, tensor): an .npy file; vt.save(path, { name = tensor }): safetensors, in the order of names */
static int save(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_WRITE, "vt.save");
    vt_tensor *one = bind_tensor_test(L, 2);
    if (one) {
        if (!is_npy(path)) box_raise(L, VT_ERR_INVALID, "save: one tensor goes to an .npy file, a table of tensors to a safetensors file");
        vt__capability_charge_for(L, bytes_of(one), VT__COST_COPY);
        box_ok(L, vt_tensor_save_npy(one, path));
        return 0;
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    if (is_npy(path)) box_raise(L, VT_ERR_INVALID, "save: an .npy file holds one tensor");
    int64_t n;
    named *all = pairs_of(L, 2, &n);
    const char **names = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *names, 0);
    vt_tensor **tensors = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *tensors, 0);
    for (int64_t i = 0; i < n; i++) {
        names[i] = all[i].name;
        tensors[i] = all[i].tensor;
        vt__capability_charge_for(L, bytes_of(tensors[i]), VT__COST_COPY);
    }
    box_ok(L, vt_tensors_save(cap->ctx, path, names, tensors, n));
    return 0;
}

void bind_tensor_file(lua_State *L) {
    static const luaL_Reg functions[] = {{"load", load}, {"save", save}, {NULL, NULL}}, methods[] = {{NULL, NULL}};
    box_register(L, &file_box, methods);
    luaL_setfuncs(L, functions, 0);
}
