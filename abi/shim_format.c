/* Public calls of venturi/format.h: check and forward. */
#include "venturi/format.h"

#include "core/error.h"
#include "formats/json.h"
#include "formats/msgpack.h"

enum { INDENT = 2 };

vt_status vt_json_to_msgpack(vt_context *ctx, const char *text, size_t len, vt_buffer **out) {
    if (out) *out = NULL;
    if (!ctx || !out || (!text && len)) return vt__fail(VT_ERR_INVALID, "json: needs a context, a text (%zu bytes) and out", len);
    return vt__json_to_msgpack(ctx, text ? text : "", len, out);
}

vt_status vt_json_from_msgpack(vt_context *ctx, const void *data, size_t size, uint32_t flags, vt_buffer **out) {
    if (out) *out = NULL;
    if (!ctx || !out || (!data && size)) return vt__fail(VT_ERR_INVALID, "json: needs a context, data (%zu bytes) and out", size);
    if (flags & ~(uint32_t)VT_JSON_INDENT) return vt__fail(VT_ERR_INVALID, "json: unknown flags 0x%x", flags);
    return vt__json_from_msgpack(ctx, data ? data : "", size, flags & VT_JSON_INDENT ? INDENT : 0, out);
}

vt_status vt_msgpack_check(const void *data, size_t size) {
    if (!data && size) return vt__fail(VT_ERR_INVALID, "msgpack: data is NULL with %zu bytes", size);
    return vt__msgpack_check(data ? data : "", size);
}
