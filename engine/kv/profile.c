#include "kv/profile.h"

#include <math.h>
#include <string.h>

#include "codec/table.h"
#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "vtk_entropy.h"

/* "VTKP", u32 version, u64 model, u64 rope, u32 layers, heads, head size, groups, group tokens, levels, default level, kept tokens; of each level f32 fineness, f32
 * bits; of each plane of a level its groups' u8 mode, u8 most, f32 base, f32 step [channels], and the frequencies, u16 each, of the tables: aside, then
 * channel by channel. u64 XXH3 of it all at the end. Little-endian. */
enum { VERSION = 1, HEAD = 56, FOOT = 8, LINE = VTK_RANS_LINE, FREQUENCIES = 1 << VTK_RANS_BITS };
enum { MOST_LAYERS = 1 << 12, MOST_CHANNELS = 1 << 20 };

/* ---- scales ---- */

/* 2^(k / 8). */
static const float octave[8] = {1, 1.0905077f, 1.1892071f, 1.2968396f, 1.4142136f, 1.5422108f, 1.6817928f, 1.8340081f};

float vt__kv_scale(int32_t code) { return ldexpf(octave[code & 7], code / 8 - 16); }

int32_t vt__kv_scale_code(float x) {
    int exponent;
    if (!(x > 0)) return 0;
    float m = 2 * frexpf(x, &exponent); /* in [1, 2) */
    int32_t k = 0, code;
    while (k < 8 && octave[k] < m) k++;
    code = (exponent - 1 + 16) * 8 + k;
    return code < 0 ? 0 : code > VT__KV_SCALES - 1 ? VT__KV_SCALES - 1 : code;
}

/* ---- lifecycle ---- */

int vt__kv_identity_equal(const vt__kv_identity *a, const vt__kv_identity *b) {
    return a->model == b->model && a->rope == b->rope && a->n_layers == b->n_layers && a->n_kv_heads == b->n_kv_heads && a->head_dim == b->head_dim;
}

static int sizes_fit(const vt__kv_identity *d, int32_t n_groups, int32_t group_tokens, int32_t n_levels) {
    return d->n_layers >= 1 && d->n_layers <= MOST_LAYERS && d->n_kv_heads >= 1 && d->head_dim >= 1 && d->head_dim <= MOST_CHANNELS &&
           d->n_kv_heads <= MOST_CHANNELS / d->head_dim && (n_groups == 1 || n_groups == d->n_kv_heads) && group_tokens >= 1 && group_tokens <= 4096 &&
           n_levels >= 1 && n_levels <= VT__KV_MOST_LEVELS;
}

vt_status vt__kv_profile_create(vt_context *ctx, const vt__kv_identity *identity, int32_t n_groups, int32_t group_tokens, int32_t n_levels,
                                vt_kv_profile **out) {
    *out = NULL;
    if (!sizes_fit(identity, n_groups, group_tokens, n_levels))
        return vt__fail(VT_ERR_INVALID, "kv profile: %d layers of %d heads of %lld, %d groups, anchors every %d tokens, %d levels", identity->n_layers,
                        identity->n_kv_heads, (long long)identity->head_dim, n_groups, group_tokens, n_levels);
    vt_kv_profile *p = vt__calloc(ctx, sizeof *p);
    if (!p) return vt__fail_nomem("kv profile", sizeof *p);
    atomic_init(&p->refs, 1);
    p->ctx = vt__context_retain(ctx);
    p->identity = *identity;
    p->n_channels = identity->n_kv_heads * identity->head_dim;
    p->n_groups = n_groups;
    p->group_tokens = group_tokens;
    p->n_levels = n_levels;
    p->default_level = 1;
    p->planes = vt__calloc2(ctx, n_levels, 2 * (int64_t)identity->n_layers, sizeof *p->planes);
    if (!p->planes) {
        vt__kv_profile_release(p);
        return vt__fail_nomem("kv profile", 0);
    }
    *out = p;
    return VT_OK;
}

vt_kv_profile *vt__kv_profile_retain(vt_kv_profile *p) {
    if (p) atomic_fetch_add(&p->refs, 1);
    return p;
}

void vt__kv_profile_release(vt_kv_profile *p) {
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1) return;
    vt_context *ctx = p->ctx;
    for (int64_t i = 0; p->planes && i < 2 * (int64_t)p->identity.n_layers * p->n_levels; i++) vt__free(ctx, p->planes[i].groups);
    vt__free(ctx, p->planes);
    vt__free(ctx, p);
    vt__context_release(ctx);
}

/* ---- planes ---- */

static int64_t tables_size(const vt_kv_profile *p, int32_t most) { return vt__kv_width(p) * vt__rans_lines(2 * most + 1) * LINE + LINE; }

/* Numbers of the table or tables aside; a line more than they are, for the one that follows the last, in whole lines. */
static int64_t aside_size(const vt_kv_profile *p, int32_t mode) {
    if (mode == VT__KV_DIRECT) return 0;
    return (mode == VT__KV_TOKEN ? 1 : vt__kv_width(p)) * VT__KV_WIDE_LINES * LINE + LINE;
}

static size_t round_64(size_t n) { return (n + 63) / 64 * 64; }

vt_status vt__kv_plane_set(vt_kv_profile *p, int32_t level, int64_t plane, const int32_t *modes, const int32_t *mosts) {
    vt__kv_plane *out = vt__kv_plane_of(p, level, plane);
    size_t groups = round_64((size_t)p->n_groups * sizeof *out->groups), floats = round_64((size_t)p->n_channels * sizeof(float));
    size_t size = groups + 2 * floats;
    for (int32_t g = 0; g < p->n_groups; g++) size += (size_t)(tables_size(p, mosts[g]) + aside_size(p, modes[g])) * sizeof(uint16_t);
    unsigned char *block = vt__alloc64(p->ctx, size);
    if (!block) return vt__fail_nomem("kv profile", size);
    memset(block, 0, size);
    vt__free(p->ctx, out->groups);
    out->groups = (vt__kv_group *)(void *)block;
    out->base = (float *)(void *)(block + groups);
    out->step = (float *)(void *)(block + groups + floats);
    uint16_t *at = (uint16_t *)(void *)(block + groups + 2 * floats);
    for (int32_t g = 0; g < p->n_groups; g++) {
        int64_t aside = aside_size(p, modes[g]);
        out->groups[g] = (vt__kv_group){modes[g], mosts[g], vt__rans_lines(2 * mosts[g] + 1), at, aside ? at + tables_size(p, mosts[g]) : NULL};
        at += tables_size(p, mosts[g]) + aside;
    }
    return VT_OK;
}

/* ---- files ---- */

static void put_word(vt__bytes *b, uint64_t v, size_t size) { vt__bytes_append(b, &v, size); } /* little-endian machines, as in codec/rans.c */

static void put_tables(vt__bytes *b, const uint16_t *tables, int64_t n_tables, int64_t lines, int64_t n_symbols) {
    for (int64_t i = 0; i < n_tables; i++)
        for (int64_t s = 0; s < n_symbols; s++) {
            const uint16_t *t = tables + i * lines * LINE + s;
            put_word(b, (s + 1 < n_symbols ? t[1] : FREQUENCIES) - (uint32_t)t[0], 2);
        }
}

static void put_plane(vt__bytes *b, const vt_kv_profile *p, const vt__kv_plane *plane) {
    for (int32_t g = 0; g < p->n_groups; g++) {
        put_word(b, (uint64_t)plane->groups[g].mode, 1);
        put_word(b, (uint64_t)plane->groups[g].most, 1);
    }
    vt__bytes_append(b, plane->base, (size_t)p->n_channels * sizeof *plane->base);
    vt__bytes_append(b, plane->step, (size_t)p->n_channels * sizeof *plane->step);
    for (int32_t g = 0; g < p->n_groups; g++) {
        const vt__kv_group *group = &plane->groups[g];
        if (group->mode == VT__KV_TOKEN) put_tables(b, group->aside, 1, VT__KV_WIDE_LINES, VT__KV_SCALES);
        if (group->mode == VT__KV_DELTA) put_tables(b, group->aside, vt__kv_width(p), VT__KV_WIDE_LINES, VT__KV_ANCHOR_SYMBOLS);
        put_tables(b, group->tables, vt__kv_width(p), group->lines, 2 * group->most + 1);
    }
}

vt_status vt__kv_profile_save(const vt_kv_profile *p, vt_buffer **out) {
    vt__bytes b;
    const vt__kv_identity *d = &p->identity;
    const uint64_t words[] = {(uint64_t)d->n_layers, (uint64_t)d->n_kv_heads, (uint64_t)d->head_dim, (uint64_t)p->n_groups, (uint64_t)p->group_tokens,
                              (uint64_t)p->n_levels, (uint64_t)p->default_level, (uint64_t)p->n_kept};
    vt__bytes_init(&b, p->ctx);
    vt__bytes_append(&b, "VTKP", 4);
    put_word(&b, VERSION, 4);
    put_word(&b, d->model, 8);
    put_word(&b, d->rope, 8);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) put_word(&b, words[i], 4);
    for (int32_t i = 0; i < p->n_levels; i++) {
        vt__bytes_append(&b, &p->fineness[i], sizeof(float));
        vt__bytes_append(&b, &p->bits[i], sizeof(float));
    }
    for (int64_t i = 0; i < 2 * (int64_t)d->n_layers * p->n_levels; i++) put_plane(&b, p, &p->planes[i]);
    put_word(&b, b.failed ? 0 : vt__hash(b.data, (size_t)b.len), 8);
    return vt__bytes_finish(&b, "kv profile", out);
}

struct reader {
    const unsigned char *data;
    size_t size, at;
    int is_short; /* something was asked for that is not there */
};

static const unsigned char *take(struct reader *r, size_t n) {
    static const unsigned char nothing[8];
    if (n > r->size - r->at) r->is_short = 1;
    if (r->is_short) return nothing;
    r->at += n;
    return r->data + r->at - n;
}

static uint64_t word(struct reader *r, size_t size) {
    uint64_t v = 0;
    memcpy(&v, take(r, size), size);
    return v;
}

/* 0: frequencies of 0, or that do not add up. */
static int get_tables(struct reader *r, uint16_t *tables, int64_t n_tables, int64_t lines, int64_t n_symbols) {
    for (int64_t i = 0; i < n_tables; i++) {
        uint32_t begin = 0;
        for (int64_t s = 0; s < lines * LINE; s++) {
            tables[i * lines * LINE + s] = (uint16_t)begin;
            uint32_t frequency = s < n_symbols ? (uint32_t)word(r, 2) : 0;
            begin += frequency;
            if ((s < n_symbols && frequency == 0) || begin > FREQUENCIES) return 0;
        }
        if (begin != FREQUENCIES) return 0;
    }
    tables[n_tables * lines * LINE] = FREQUENCIES;
    return 1;
}

static int get_floats(struct reader *r, float *out, int64_t n, int positive) {
    for (int64_t i = 0; i < n; i++) {
        memcpy(out + i, take(r, sizeof *out), sizeof *out);
        if (!isfinite(out[i]) || (positive && !(out[i] > 0))) return 0;
    }
    return 1;
}

static vt_status get_plane(struct reader *r, vt_kv_profile *p, int32_t level, int64_t plane) {
    int32_t *modes = vt__calloc2(p->ctx, 2, p->n_groups, sizeof *modes), *mosts = modes + p->n_groups, bad = 0;
    if (!modes) return vt__fail_nomem("kv profile", 0);
    for (int32_t g = 0; g < p->n_groups; g++) {
        modes[g] = (int32_t)word(r, 1);
        mosts[g] = (int32_t)word(r, 1);
        bad |= modes[g] >= VT__KV_N_MODES || mosts[g] < 1 || mosts[g] > 127;
    }
    /* What is asked for is in proportion to bytes that are there: a table's frequencies are half of its numbers at least. */
    if ((size_t)p->n_channels * 10 > r->size - r->at) bad = 1;
    vt_status st = bad || r->is_short ? vt__fail(VT_ERR_FORMAT, "kv profile: a plane has no such groups, or is cut") : vt__kv_plane_set(p, level, plane, modes, mosts);
    vt__free(p->ctx, modes);
    if (st != VT_OK) return st;
    const vt__kv_plane *out = vt__kv_plane_of(p, level, plane);
    int ok = get_floats(r, out->base, p->n_channels, 0) && get_floats(r, out->step, p->n_channels, 1);
    for (int32_t g = 0; ok && g < p->n_groups; g++) {
        vt__kv_group *group = &out->groups[g];
        if (group->mode == VT__KV_TOKEN) ok = get_tables(r, group->aside, 1, VT__KV_WIDE_LINES, VT__KV_SCALES);
        if (group->mode == VT__KV_DELTA) ok = get_tables(r, group->aside, vt__kv_width(p), VT__KV_WIDE_LINES, VT__KV_ANCHOR_SYMBOLS);
        ok = ok && get_tables(r, group->tables, vt__kv_width(p), group->lines, 2 * group->most + 1);
    }
    return ok && !r->is_short ? VT_OK : vt__fail(VT_ERR_FORMAT, "kv profile: a plane's numbers or tables are none, or cut");
}

static vt_status get_planes(struct reader *r, vt_kv_profile *p) {
    for (int32_t i = 0; i < p->n_levels; i++)
        if (!get_floats(r, &p->fineness[i], 1, 1) || !get_floats(r, &p->bits[i], 1, 0)) return vt__fail(VT_ERR_FORMAT, "kv profile: level %d is none", i + 1);
    for (int32_t level = 1; level <= p->n_levels; level++)
        for (int64_t plane = 0; plane < 2 * (int64_t)p->identity.n_layers; plane++) {
            vt_status st = get_plane(r, p, level, plane);
            if (st != VT_OK) return st;
        }
    return r->at == r->size ? VT_OK : vt__fail(VT_ERR_FORMAT, "kv profile: %zu bytes too many", r->size - r->at);
}

vt_status vt__kv_profile_load(vt_context *ctx, const void *data, size_t size, vt_kv_profile **out) {
    uint32_t head[8];
    uint64_t hash;
    *out = NULL;
    if (size < HEAD + FOOT || memcmp(data, "VTKP", 4) != 0) return vt__fail(VT_ERR_FORMAT, "kv profile: %zu bytes are none", size);
    struct reader r = {data, size - FOOT, 4, 0};
    uint64_t version = word(&r, 4);
    if (version != VERSION) return vt__fail(VT_ERR_UNSUPPORTED, "kv profile: version %llu", (unsigned long long)version);
    memcpy(&hash, r.data + r.size, sizeof hash);
    if (hash != vt__hash(data, r.size)) return vt__fail(VT_ERR_FORMAT, "kv profile: the bytes are damaged");
    vt__kv_identity d = {.model = word(&r, 8), .rope = word(&r, 8)};
    for (int i = 0; i < 8; i++) head[i] = (uint32_t)word(&r, 4);
    for (int i = 0; i < 8; i++)
        if (head[i] > MOST_CHANNELS) return vt__fail(VT_ERR_FORMAT, "kv profile: size %d is %u", i, head[i]);
    d.n_layers = (int32_t)head[0];
    d.n_kv_heads = (int32_t)head[1];
    d.head_dim = head[2];
    if (!sizes_fit(&d, (int32_t)head[3], (int32_t)head[4], (int32_t)head[5]) || head[6] < 1 || head[6] > head[5] || head[7] > VT__KV_MOST_KEPT)
        return vt__fail(VT_ERR_FORMAT, "kv profile: no sizes of a cache");
    vt_kv_profile *p;
    vt_status st = vt__kv_profile_create(ctx, &d, (int32_t)head[3], (int32_t)head[4], (int32_t)head[5], &p);
    if (st != VT_OK) return st;
    p->default_level = (int32_t)head[6];
    p->n_kept = (int32_t)head[7];
    p->id = hash;
    st = get_planes(&r, p);
    if (st == VT_OK) *out = p;
    else vt__kv_profile_release(p);
    return st;
}
