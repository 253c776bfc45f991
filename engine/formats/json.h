/* JSON text from and to MessagePack. Reading is jansson's, behind a scan that bounds the depth it recurses to; writing is ours, since a float
 * must be its shortest text that reads back the same. */
#ifndef VENTURI_FORMATS_JSON_H
#define VENTURI_FORMATS_JSON_H

#include "venturi/types.h"

/* Errors: FORMAT (line and column), LIMIT (depth above 64), NOMEM. */
vt_status vt__json_to_msgpack(vt_context *ctx, const char *text, size_t len, vt_buffer **out);
/* indent: spaces a level, 0: all on one line without spaces. Errors: FORMAT, LIMIT, UNSUPPORTED (what has no JSON form), NOMEM. */
vt_status vt__json_from_msgpack(vt_context *ctx, const void *data, size_t size, int indent, vt_buffer **out);

#endif
