/* Opens the module "venturi.core": the handles of the library as Lua objects. */
#include <lauxlib.h>
#include <lua.h>

#include "bind.h"
#include "lua_stdlib.h"
#include "venturi/types.h"

VT_API int luaopen_venturi_core(lua_State *L);

int luaopen_venturi_core(lua_State *L) {
    vt__stdlib_install(L);
    lua_newtable(L);
    bind_context(L);
    bind_folder(L);
    bind_text(L);
    bind_document(L);
    bind_sample(L);
    bind_kv(L);
    bind_kv_codec(L);
    bind_llm(L);
    bind_batch(L);
    bind_quantize(L);
    bind_profile(L);
    bind_retrieve(L);
    bind_distance(L);
    bind_cluster(L);
    bind_format(L);
    bind_encode(L);
    bind_loader(L);
    bind_solver(L);
    bind_media(L);
    bind_mixture(L);
    bind_ot(L);
    bind_script(L);
    bind_tensor(L);
    bind_graph(L);
    bind_experimental(L);
    return 1;
}
