/* Public calls of venturi/format.h: check and forward. */
#include "venturi/format.h"

#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "formats/json.h"
#include "formats/msgpack.h"
#include "formats/npy.h"

_Static_assert((int)VT_NPY_DIMS == (int)VT__NPY_DIMS && (int)VT_NPY_SAME == (int)VT__NPY_SAME, "one numbering");

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

vt_status vt_npy_parse(const void *data, size_t size, vt_npy *out) {
    enum { FIRST_SIZE = 104 };
    vt__npy npy;
    if (!data || !out) return vt__fail(VT_ERR_INVALID, "npy: needs data and out");
    vt_status st = vt__npy_parse(data, size, &npy);
    if (st != VT_OK) return st;
    vt_npy v = {sizeof v, npy.dtype, npy.n_dims, npy.fortran_order, {0}, npy.count, npy.offset, npy.size};
    memcpy(v.shape, npy.shape, sizeof v.shape);
    return vt__result_write("npy", out, &v, sizeof v, FIRST_SIZE);
}

vt_status vt_npy_read(vt_context *ctx, const void *data, size_t size, int32_t dtype, vt_buffer **out) {
    vt__npy npy;
    if (out) *out = NULL;
    if (!ctx || !data || !out) return vt__fail(VT_ERR_INVALID, "npy: needs a context, data and out");
    if (dtype != VT_NPY_SAME && dtype != VT_DTYPE_F32 && dtype != VT_DTYPE_F64)
        return vt__fail(VT_ERR_DTYPE, "npy: elements as dtype %d, need VT_NPY_SAME, VT_DTYPE_F32 or VT_DTYPE_F64", dtype);
    vt_status st = vt__npy_parse(data, size, &npy);
    return st == VT_OK ? vt__npy_read(ctx, data, &npy, dtype, out) : st;
}
