/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Interchange formats: JSON and MessagePack, translated into each other and checked. MessagePack is what
 * scripts are called with (venturi/script.h). Not here: model files. */
#ifndef VENTURI_FORMAT_H
#define VENTURI_FORMAT_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** JSON text (RFC 8259, UTF-8) as one MessagePack value; integers stay integers; key order is kept; duplicate keys and depth above 64
 *  are refused. Errors: VT_ERR_FORMAT (with line and column), VT_ERR_LIMIT (also: text over 1 GiB), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_json_to_msgpack(vt_context *ctx, const char *text, size_t len, vt_buffer **out);

enum { VT_JSON_INDENT = 1 }; /* two spaces a level and newlines; otherwise compact */

/** One MessagePack value as JSON text. Binary strings, extensions, NaN, infinities and keys that are no strings have no JSON form:
 *  VT_ERR_UNSUPPORTED. Errors: also VT_ERR_FORMAT, VT_ERR_INVALID (unknown flags), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_json_from_msgpack(vt_context *ctx, const void *data, size_t size, uint32_t flags, vt_buffer **out);

/** Walks one MessagePack value without allocating: counts are bounded by the bytes left, depth by 64, nothing may follow the value.
 *  Errors: VT_ERR_FORMAT, VT_ERR_LIMIT (depth). */
VT_API VT_MUST_USE vt_status vt_msgpack_check(const void *data, size_t size);

#ifdef __cplusplus
}
#endif
#endif
