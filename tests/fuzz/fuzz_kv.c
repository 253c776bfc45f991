/* Any bytes as coded caches and as their profiles. The first byte chooses: a profile, or the mode of the one that the rest is decoded with. Sums are made
 * right first, or no forged file would get past them. */
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "kv_cases.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROFILE = 4, MODES = VT__KV_N_MODES + 1 };

static void load_profile(vt_context *ctx, unsigned char *data, size_t size) {
    vt_kv_profile *p = NULL;
    if (size < 8) return;
    uint64_t hash = vt__hash(data, size - 8);
    memcpy(data + size - 8, &hash, 8);
    if (vt__kv_profile_load(ctx, data, size, &p) == VT_OK) vt__kv_profile_release(p);
}

static void read_file(vt_context *ctx, int32_t mode, unsigned char *data, size_t size) {
    static float x[KV_PLANES * KV_TOKENS * KV_CHANNELS];
    vt__kv_file f;
    kv_seal(data, size);
    if (vt__kv_file_parse(data, size, &f) != VT_OK) return;
    if (f.identity.n_layers != KV_LAYERS || f.identity.n_kv_heads != KV_HEADS || f.identity.head_dim != KV_DIM || f.n_tokens > KV_TOKENS || f.level > 2) return;
    vt_kv_profile *p = kv_profile(ctx, mode, 1);
    if (p) (void)kv_read(ctx, p, &f, x);
    vt__kv_profile_release(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx = NULL;
    if (size < 2) return 0;
    /* At an even address, and ending where the block does. */
    unsigned char *copy = malloc(size - 1);
    if (copy && vt__context_create(&(vt__context_params){.n_threads = 1, .memory_limit = 1 << 28}, &ctx) == VT_OK) {
        memcpy(copy, data + 1, size - 1);
        if (data[0] % (MODES + 1) == PROFILE) load_profile(ctx, copy, size - 1);
        else read_file(ctx, data[0] % (MODES + 1) - 1, copy, size - 1);
    }
    vt__context_release(ctx);
    free(copy);
    return 0;
}
