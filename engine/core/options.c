#include "core/options.h"

#include <string.h>

#include "core/error.h"

enum { LARGEST = 4096 }; /* no struct of any release comes near; garbage in struct_size does */

vt_status vt__options_read(const char *what, void *dst, size_t now, size_t first, const void *src) {
    const unsigned char *bytes = src;
    uint32_t size = (uint32_t)now;

    memset(dst, 0, now);
    if (src) memcpy(&size, src, sizeof size);
    if (size < first || size > LARGEST)
        return vt__fail(VT_ERR_INVALID, "%s: options struct_size %u, need %zu to %d", what, size, first, (int)LARGEST);
    for (size_t i = now; i < size; i++)
        if (bytes[i]) return vt__fail(VT_ERR_UNSUPPORTED, "%s: options use byte %zu, this library knows %zu", what, i, now);
    if (src) memcpy(dst, src, size < now ? size : now);
    memcpy(dst, &(uint32_t){(uint32_t)now}, sizeof(uint32_t));
    return VT_OK;
}

vt_status vt__result_write(const char *what, void *dst, const void *src, size_t now, size_t first) {
    uint32_t size;
    memcpy(&size, dst, sizeof size);
    if (size < first || size > LARGEST)
        return vt__fail(VT_ERR_INVALID, "%s: result struct_size %u, need %zu to %d", what, size, first, (int)LARGEST);
    memset(dst, 0, size);
    memcpy(dst, src, size < now ? size : now);
    memcpy(dst, &size, sizeof size);
    return VT_OK;
}
