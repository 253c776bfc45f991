/* Work that goes through libraries with a malloc of their own: JSON, MessagePack, scripts, JPEG. Linked as a host is, with the shared library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

static const char json[] = "{\"name\": \"caf\\u00e9\", \"list\": [1, -2, 3.5, true, null, {\"deep\": [[], {}]}], \"big\": 9007199254740993}";

static vt_status formats(world *w) {
    vt_buffer *packed = NULL, *text = NULL;
    vt_status st = vt_json_to_msgpack(w->ctx, json, sizeof json - 1, &packed);
    if (st == VT_OK) st = vt_msgpack_check(vt_buffer_data(packed), vt_buffer_size(packed));
    if (st == VT_OK) st = vt_json_from_msgpack(w->ctx, vt_buffer_data(packed), vt_buffer_size(packed), VT_JSON_INDENT, &text);
    if (st == VT_OK) torture_note(w, "%s", (const char *)vt_buffer_data(text));
    vt_buffer_release(text);
    vt_buffer_release(packed);
    return st;
}

static const char program[] = "local vt = require 'venturi'\n"
                              "function answer(name, list)\n"
                              "  local t = {}\n"
                              "  for i, x in ipairs(list) do t[i] = ('%s %d %s'):format(name, i, x) end\n"
                              "  table.sort(t)\n"
                              "  local co = coroutine.wrap(function() coroutine.yield(#t) end)\n"
                              "  return table.concat(t, ';'), { n = co(), list = list }, ('x'):rep(100)\n"
                              "end\n";

static vt_status script(world *w) {
    static const char args[] = "[\"item\", [3, 1.5, \"two\"]]";
    vt_script *s = NULL;
    vt_buffer *packed = NULL, *out = NULL, *text = NULL;
    vt_status st = vt_script_create(w->ctx, NULL, &s);
    if (st == VT_OK) st = vt_script_load(s, "program", program, sizeof program - 1);
    if (st == VT_OK) st = vt_json_to_msgpack(w->ctx, args, sizeof args - 1, &packed);
    if (st == VT_OK) st = vt_script_call(s, "answer", vt_buffer_data(packed), vt_buffer_size(packed), &out);
    if (st == VT_OK) st = vt_json_from_msgpack(w->ctx, vt_buffer_data(out), vt_buffer_size(out), 0, &text);
    if (st == VT_OK) torture_note(w, "%zu", vt_buffer_size(text));
    vt_buffer_release(text);
    vt_buffer_release(out);
    vt_buffer_release(packed);
    vt_script_release(s);
    return st;
}

static unsigned char photo[4096];
static size_t photo_size;

/* A progressive picture of the fuzzer's, read before anything fails. */
static int read_photo(void) {
    char path[4096];
    const char *golden = getenv("VT_GOLDEN");
    (void)snprintf(path, sizeof path, "%s/../fuzz/corpus/jpeg/progressive", golden ? golden : "tests/golden");
    FILE *f = fopen(path, "rb");
    if (f) photo_size = fread(photo, 1, sizeof photo, f);
    if (f) fclose(f);
    return photo_size > 0;
}

static vt_status picture(world *w) {
    vt_image_info info = VT_STRUCT_INIT(vt_image_info);
    vt_image_options o = VT_STRUCT_INIT(vt_image_options);
    vt_buffer *pixels = NULL;
    o.flags = VT_IMAGE_UPRIGHT;
    vt_status st = vt_image_decode(w->ctx, photo, photo_size, &o, &info, &pixels);
    if (st == VT_OK) torture_note(w, "%d x %d", (int)info.width, (int)info.height);
    vt_buffer_release(pixels);
    return st;
}

int main(void) {
    if (!read_photo()) return 1;
    static const torture_case cases[] = {
        /* libjpeg asks again for less, so a single failure may pass. */
        {.name = "picture", .run = picture, .faults = FAULT_MEMORY | FAULT_LIBRARIES, .economies = 1},
        {.name = "formats", .run = formats, .faults = FAULT_MEMORY | FAULT_LIBRARIES},
        /* Lua collects its garbage and tries again when an allocation fails, so a single failure may pass. */
        {.name = "script", .run = script, .faults = FAULT_MEMORY | FAULT_LIBRARIES, .economies = 1},
    };
    return torture_main(cases, sizeof cases / sizeof *cases);
}
