#include "text/stops.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "text/utf8.h"

vt_status vt__stops_set(vt_context *ctx, vt__stops *s, const char *const *texts, int64_t n) {
    vt__stops fresh = {.n = n};
    if (n < 0 || n > VT__STOPS) return vt__fail(VT_ERR_INVALID, "decoder: %lld stop strings, at most %d are taken", (long long)n, VT__STOPS);
    for (int64_t i = 0; i < n; i++) {
        size_t len = texts[i] ? strnlen(texts[i], VT__STOP_SIZE + 1) : 0;
        if (len == 0 || len > VT__STOP_SIZE || vt__utf8_valid(texts[i], len) != len)
            return vt__fail(VT_ERR_INVALID, "decoder: stop string %lld must be UTF-8 of 1 to %d bytes", (long long)i, VT__STOP_SIZE);
        fresh.start[i + 1] = fresh.start[i] + len;
    }
    fresh.texts = vt__alloc(ctx, fresh.start[n]);
    if (!fresh.texts) return vt__fail_nomem("decoder", fresh.start[n]);
    for (int64_t i = 0; i < n; i++) memcpy(fresh.texts + fresh.start[i], texts[i], fresh.start[i + 1] - fresh.start[i]);
    vt__free(ctx, s->texts);
    *s = fresh;
    return VT_OK;
}

/* A stop string is valid UTF-8, so one can only begin where a code point does: no code point is ever cut. */
int64_t vt__stops_find(const vt__stops *s, const char *text, size_t len, size_t *out_size) {
    for (size_t at = 0; at < len && s->n > 0; at++) {
        int64_t found = -1;
        int may_begin = 0;
        for (int64_t i = 0; i < s->n; i++) {
            size_t size = s->start[i + 1] - s->start[i], there = len - at < size ? len - at : size;
            if (memcmp(text + at, s->texts + s->start[i], there) != 0) continue;
            if (there < size) may_begin = 1;
            else if (found < 0 || size > s->start[found + 1] - s->start[found]) found = i;
        }
        if (found < 0 && !may_begin) continue;
        *out_size = at;
        return found;
    }
    *out_size = len;
    return -1;
}
