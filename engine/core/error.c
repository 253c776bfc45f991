#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 512 };
static _Thread_local char message[MESSAGE_SIZE];

/* A message cut by its size must not end inside a code point: hosts show it as UTF-8. */
static void trim_partial_utf8(void) {
    size_t n = strlen(message);
    if (n + 1 < MESSAGE_SIZE) return;
    size_t i = n;
    while (i > 0 && ((unsigned char)message[i - 1] & 0xC0u) == 0x80u) i--;
    if (i > 0 && (unsigned char)message[i - 1] >= 0xC0u) message[i - 1] = '\0';
}

vt_status vt__fail(vt_status code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    trim_partial_utf8();
    return code;
}

vt_status vt__fail_within(vt_status code, const char *prefix) {
    char inner[MESSAGE_SIZE];
    memcpy(inner, message, sizeof inner);
    return vt__fail(code, "%s: %s", prefix, inner);
}

vt_status vt__fail_nomem(const char *what, size_t bytes) {
    if (bytes == 0) return vt__fail(VT_ERR_NOMEM, "%s: out of memory", what);
    return vt__fail(VT_ERR_NOMEM, "%s: out of memory, %zu bytes asked for", what, bytes);
}

const char *vt__error_message(void) { return message; }

const char *vt__status_name(vt_status status) {
    static const char *const names[] = {
        "VT_OK",           "VT_ERR_NOMEM",     "VT_ERR_INVALID", "VT_ERR_SHAPE",  "VT_ERR_DTYPE",   "VT_ERR_IO",
        "VT_ERR_FORMAT",   "VT_ERR_NOT_FOUND", "VT_ERR_UNSUPPORTED", "VT_ERR_STATE",  "VT_ERR_LIMIT",   "VT_ERR_CANCELLED",
        "VT_ERR_NUMERIC",  "VT_ERR_DEVICE",    "VT_ERR_CONFLICT",    "VT_ERR_INTERNAL",
    };
    if (status > 0 || status < VT_ERR_INTERNAL) return "VT_ERR_?";
    return names[-status];
}
