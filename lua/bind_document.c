/* Lua face of venturi/document.h: a document cut at its headings, as plain tables. */
#include <limits.h>

#include "bind.h"
#include "capability.h"
#include "venturi/document.h"

static void release_sections(void *handle) {
    vt_sections_release(handle);
}
static const box_type sections_type = {"vt.sections", "sections", release_sections};

static void push_section(lua_State *L, const vt_section *s) {
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, s->level);
    lua_setfield(L, -2, "level");
    lua_pushlstring(L, s->title, s->title_len);
    lua_setfield(L, -2, "title");
    lua_pushlstring(L, s->text, s->text_len);
    lua_setfield(L, -2, "text");
}

/* vt.sections(text, "html" | "markdown" | "text") -> list of { level, title, text }, with the document's title as its field `title` */
static int sections_parse(lua_State *L) {
    static const char *const names[] = {"text", "markdown", "html", NULL};
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    int32_t format = luaL_checkoption(L, 2, "text", names); /* in the order of VT_DOCUMENT_* */
    vt__capability_charge_for(L, len, VT__COST_PARSE);
    box *b = box_push(L, &sections_type, 0);
    vt_sections *sections = NULL;
    box_ok(L, vt_sections_parse(vt__capability_get(L)->ctx, format, text, len, &sections));
    b->handle = sections;

    int64_t n = vt_sections_count(sections);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 1);
    lua_pushstring(L, vt_sections_title(sections));
    lua_setfield(L, -2, "title");
    for (int64_t i = 0; i < n; i++) {
        vt_section s = VT_STRUCT_INIT(vt_section);
        box_ok(L, vt_sections_get(sections, i, &s));
        push_section(L, &s);
        lua_rawseti(L, -2, i + 1);
    }
    box_close(b, &sections_type);
    return 1;
}

void bind_document(lua_State *L) {
    static const luaL_Reg none[] = {{NULL, NULL}};
    box_register(L, &sections_type, none);
    lua_pushcfunction(L, sections_parse);
    lua_setfield(L, -2, "sections");
}
