/* Any bytes as a safetensors file: an error of three kinds, or tensors whose bytes are all there. */
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "formats/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int truth) {
    if (!truth) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx;
    vt__safetensors *s;
    if (vt__context_create(&(vt__context_params){.memory_limit = 1 << 26}, &ctx) != VT_OK) return 0;
    vt_status st = vt__safetensors_parse(ctx, "fuzz.safetensors", data, size, &s);
    check(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_UNSUPPORTED || st == VT_ERR_LIMIT || st == VT_ERR_NOMEM);
    for (int64_t i = 0; st == VT_OK && i < vt__safetensors_count(s); i++) {
        const vt__safetensor *t = vt__safetensors_at(s, i);
        check(vt__safetensors_find(s, t->name) == t && strlen(t->name) > 0);
        check(t->data >= data && t->data <= data + size && t->size <= (size_t)(data + size - t->data));
    }
    vt__safetensors_release(s);
    vt__context_release(ctx);
    return 0;
}
