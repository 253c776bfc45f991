/* Public calls of venturi/text.h about documents and words: check and forward. */
#include "venturi/text.h"

#include "core/error.h"
#include "text/words.h"

vt_status vt_text_words(vt_context *ctx, const char *text, size_t len, vt_buffer **out) {
    if (out) *out = NULL;
    if (!ctx || !out || (!text && len)) return vt__fail(VT_ERR_INVALID, "words: needs a context, a text and out");
    return vt__text_words(ctx, text, len, out);
}
