/* Arguments of a script call: bytes from a host through msgpack-c into Lua and back. What the check accepts a script can be called with. */
#include <stdlib.h>

#include "venturi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "function echo(...) return ... end";

static void need(int holds) {
    if (!holds) abort();
}

static vt_script *make_script(void) {
    vt_context *ctx;
    vt_script *s;
    need(vt_context_create(NULL, &ctx) == VT_OK);
    need(vt_script_create(ctx, NULL, &s) == VT_OK);
    vt_context_release(ctx);
    need(vt_script_load(s, "echo", text, sizeof text - 1) == VT_OK);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static vt_script *script; /* one for all inputs: it must stay usable whatever came before; reachable, so no leak */
    vt_buffer *out, *again;
    if (size < 1 || size > 20000) return 0;
    if (!script) script = make_script();
    vt_status st = vt_script_call(script, "echo", data, size, &out);
    need((st == VT_OK) == (out != NULL));
    if (vt_msgpack_check(data, size) != VT_OK) need(st != VT_OK);
    if (st != VT_OK) return 0;
    need(vt_msgpack_check(vt_buffer_data(out), vt_buffer_size(out)) == VT_OK);
    /* The second time only the order of keys may change. */
    need(vt_script_call(script, "echo", vt_buffer_data(out), vt_buffer_size(out), &again) == VT_OK);
    need(vt_buffer_size(again) == vt_buffer_size(out));
    vt_buffer_release(again);
    vt_buffer_release(out);
    return 0;
}
