/* Public calls of venturi/kv.h on coded caches: check, normalise options, forward. */
#include <math.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/options.h"
#include "llm/session_kv.h"
#include "venturi/kv.h"

_Static_assert((int)VT_KV_MAX_LEVELS == (int)VT__KV_MOST_LEVELS && sizeof ((vt_kv_profile_options *)0)->fineness == VT__KV_MOST_LEVELS * sizeof(float),
               "levels are the engine's");
_Static_assert(VT_KV_MODE_AUTO - 1 == (int)VT__KV_AUTO && VT_KV_MODE_TOKEN - 1 == (int)VT__KV_TOKEN && VT_KV_MODE_DIRECT - 1 == (int)VT__KV_DIRECT &&
                   VT_KV_MODE_DELTA - 1 == (int)VT__KV_DELTA,
               "modes are the engine's");
_Static_assert((int)VT_KV_CODER_RANS == (int)VT__KV_RANS && (int)VT_KV_CODER_ARITH == (int)VT__KV_ARITH && (int)VT_KV_CODER_INT8 == (int)VT__KV_INT8 &&
                   (int)VT_KV_CODER_INT4 == (int)VT__KV_INT4 && (int)VT_KV_CODER_RAW == (int)VT__KV_F16,
               "coders are the engine's");

/* Levels, and which of them is the default. */
static const float default_fineness[] = {31, 20, 15, 12, 9, 6};
enum { N_DEFAULT = sizeof default_fineness / sizeof default_fineness[0], DEFAULT_LEVEL = 4, DEFAULT_GROUP = 10, DEFAULT_CHUNK = 256 };

static float or_one(float x, float one) { return x == 0 ? one : x; }

static vt__kv_fit fit_of(const vt_kv_profile_options *o) {
    static const float paper[3] = {0.5f, 1, 1.5f};
    int paper_mode = o->mode == VT_KV_MODE_DELTA;
    vt__kv_fit f = {.mode = o->mode - 1, .by_plane = paper_mode, .group_tokens = o->group_tokens ? o->group_tokens : DEFAULT_GROUP};
    f.n_levels = o->n_levels ? o->n_levels : N_DEFAULT;
    f.default_level = o->default_level ? o->default_level : o->n_levels ? 1 : DEFAULT_LEVEL;
    memcpy(f.fineness, o->n_levels ? o->fineness : default_fineness, o->n_levels ? sizeof f.fineness : sizeof default_fineness);
    for (int i = 0; i < 3; i++) f.depth[i] = or_one(o->depth[i], paper_mode ? paper[i] : 1);
    f.n_kept = o->n_kept < 0 ? 0 : o->n_kept ? o->n_kept : !paper_mode;
    f.keys = or_one(o->keys, 1);
    f.values = or_one(o->values, 1);
    return f;
}

vt_status vt_kv_profile_create(vt_session *const *sessions, int32_t n, const vt_kv_profile_options *user_opt, vt_kv_profile **out) {
    enum { FIRST_SIZE = 80 };
    vt_kv_profile_options o;
    if (out) *out = NULL;
    if (!sessions || n < 1 || !out) return vt__fail(VT_ERR_INVALID, "kv profile: sessions or out is NULL, or there are %d", n);
    for (int32_t i = 0; i < n; i++)
        if (!sessions[i]) return vt__fail(VT_ERR_INVALID, "kv profile: session %d is NULL", i + 1);
    vt_status st = vt__options_read("kv profile", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags) return vt__fail(VT_ERR_INVALID, "kv profile: unknown flags 0x%x", o.flags);
    if (o.n_levels < 0 || o.n_levels > VT_KV_MAX_LEVELS || o.group_tokens < 0 || o.n_kept < -1) return vt__fail(VT_ERR_INVALID, "kv profile: %d levels, anchors every %d", o.n_levels, o.group_tokens);
    vt__kv_fit fit = fit_of(&o);
    return vt__session_kv_profile(sessions, n, &fit, out);
}

vt_kv_profile *vt_kv_profile_retain(vt_kv_profile *profile) { return vt__kv_profile_retain(profile); }
void vt_kv_profile_release(vt_kv_profile *profile) { vt__kv_profile_release(profile); }

vt_status vt_kv_profile_save(const vt_kv_profile *profile, vt_buffer **out) {
    if (out) *out = NULL;
    if (!profile || !out) return vt__fail(VT_ERR_INVALID, "kv profile: profile or out is NULL");
    return vt__kv_profile_save(profile, out);
}

vt_status vt_kv_profile_load(vt_context *ctx, const void *data, size_t size, vt_kv_profile **out) {
    if (out) *out = NULL;
    if (!ctx || !data || !out) return vt__fail(VT_ERR_INVALID, "kv profile: ctx, data or out is NULL");
    return vt__kv_profile_load(ctx, data, size, out);
}

static void count_modes(const vt_kv_profile *p, vt_kv_profile_info *info) {
    for (int32_t level = 1; level <= p->n_levels; level++)
        for (int64_t plane = 0; plane < 2 * (int64_t)p->identity.n_layers; plane++)
            for (int32_t g = 0; g < p->n_groups; g++) {
                int32_t mode = vt__kv_plane_of(p, level, plane)->groups[g].mode;
                info->n_token[level - 1] += mode == VT__KV_TOKEN;
                info->n_direct[level - 1] += mode == VT__KV_DIRECT;
                info->n_delta[level - 1] += mode == VT__KV_DELTA;
            }
}

vt_status vt_kv_profile_get_info(const vt_kv_profile *p, vt_kv_profile_info *out) {
    enum { FIRST_SIZE = 216 };
    if (!p || !out) return vt__fail(VT_ERR_INVALID, "kv profile: profile or out is NULL");
    const vt__kv_identity *d = &p->identity;
    vt_kv_profile_info info = {.n_levels = p->n_levels, .default_level = p->default_level, .n_layers = d->n_layers, .n_kv_heads = d->n_kv_heads,
                               .group_tokens = p->group_tokens, .n_kept = p->n_kept, .head_dim = d->head_dim, .id = p->id, .model = d->model};
    memcpy(info.fineness, p->fineness, (size_t)p->n_levels * sizeof(float));
    memcpy(info.bits, p->bits, sizeof info.bits);
    count_modes(p, &info);
    return vt__result_write("kv profile", out, &info, sizeof info, FIRST_SIZE);
}

static vt_status write_stats(vt_kv_stats *out, const vt__kv_count *count, const vt_buffer *bytes) {
    enum { FIRST_SIZE = 56 };
    vt__kv_file f;
    size_t size = vt__buffer_size(bytes);
    vt_status st = vt__kv_file_parse(vt__buffer_data(bytes), size, &f);
    if (st != VT_OK) return st;
    vt_kv_stats s = {.level = f.level, .n_tokens = f.n_tokens, .n_values = count->values, .n_beside = count->beside, .size = size,
                     .bits = (double)size * 8 / (double)count->values, .rmse = sqrt(count->error / (double)count->values)};
    return vt__result_write("kv", out, &s, sizeof s, FIRST_SIZE);
}

vt_status vt_kv_encode(vt_session *session, const vt_kv_profile *profile, const vt_kv_encode_options *user_opt, vt_buffer **out, vt_kv_stats *stats) {
    enum { FIRST_SIZE = 24 };
    vt_kv_encode_options o;
    vt__kv_count count;
    if (out) *out = NULL;
    if (!session || !out) return vt__fail(VT_ERR_INVALID, "kv: session or out is NULL");
    vt_status st = vt__options_read("kv", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags || o.coder < 0 || o.coder > VT_KV_CODER_RAW) return vt__fail(VT_ERR_INVALID, "kv: unknown flags 0x%x or coder %d", o.flags, o.coder);
    vt__kv_encoding e = {profile, o.coder, o.level, o.chunk_tokens ? o.chunk_tokens : DEFAULT_CHUNK};
    st = vt__session_kv_encode(session, &e, &count, out);
    if (st == VT_OK && stats) st = write_stats(stats, &count, *out);
    if (st != VT_OK && *out) vt__buffer_release(*out), *out = NULL;
    return st;
}

vt_status vt_kv_decode(vt_session *session, const vt_kv_profile *profile, const void *data, size_t size, uint32_t flags) {
    if (!session || !data) return vt__fail(VT_ERR_INVALID, "kv: session or data is NULL");
    if (flags & ~(uint32_t)VT_KV_CONVERT) return vt__fail(VT_ERR_INVALID, "kv: unknown flags 0x%x", flags);
    return vt__session_kv_decode(session, profile, data, size, (flags & VT_KV_CONVERT) != 0);
}

vt_status vt_kv_file_get_info(const void *data, size_t size, vt_kv_file_info *out) {
    enum { FIRST_SIZE = 88 };
    vt__kv_file f;
    if (!data || !out) return vt__fail(VT_ERR_INVALID, "kv: data or out is NULL");
    vt_status st = vt__kv_file_parse(data, size, &f);
    if (st != VT_OK) return st;
    const vt__kv_identity *d = &f.identity;
    vt_kv_file_info info = {.coder = f.coder == VT__KV_F32 ? (int32_t)VT_KV_CODER_RAW : f.coder, .level = f.level, .dtype = f.dtype, .n_layers = d->n_layers,
                            .n_kv_heads = d->n_kv_heads, .head_dim = d->head_dim, .n_tokens = f.n_tokens, .chunk_tokens = f.chunk_tokens, .n_chunks = f.n_chunks,
                            .profile = f.profile, .model = d->model, .rope = d->rope, .ids = f.ids};
    return vt__result_write("kv", out, &info, sizeof info, FIRST_SIZE);
}
