#include "llm/session_kv.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/pool.h"
#include "kv/cache.h"
#include "kv/rows.h"
#include "llm/session_internal.h"
#include "vtk.h"

enum { TILE = VT__KV_BLOCK_TOKENS };

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- identity ---- */

static uint64_t mix(uint64_t h, const void *data, size_t size) {
    const uint64_t both[2] = {h, vt__hash(data, size)};
    return vt__hash(both, sizeof both);
}

void vt__model_identity(const vt_model *m, vt__kv_identity *out) {
    const vt__hparams *hp = &m->hp;
    const int64_t sizes[] = {hp->n_layers, hp->n_heads, hp->n_kv_heads, hp->n_vocab, hp->n_embd, hp->n_ff, hp->head_dim, m->n_params, (int64_t)m->size};
    const float numbers[] = {hp->norm_eps, hp->attn_scale, hp->attn_softcap};
    const int64_t rotated[] = {hp->n_rot, hp->n_ropes};
    uint64_t h = mix(0, m->arch->name, strlen(m->arch->name));
    h = mix(h, sizes, sizeof sizes);
    h = mix(h, numbers, sizeof numbers);
    h = mix(h, m->vectors, (size_t)m->n_copied * sizeof *m->vectors);
    uint64_t r = mix(1, rotated, sizeof rotated);
    r = mix(r, &hp->rope_gain, sizeof hp->rope_gain);
    r = mix(r, m->rope_freq, (size_t)(hp->n_ropes * (hp->n_rot / 2)) * sizeof *m->rope_freq);
    *out = (vt__kv_identity){mix(h, m->name, strlen(m->name)), r, hp->n_layers, hp->n_kv_heads, hp->head_dim};
}

static vt_status check_identity(const vt_session *s, const vt__kv_identity *d, const char *what) {
    vt__kv_identity mine;
    vt__model_identity(s->model, &mine);
    if (mine.model != d->model || mine.n_layers != d->n_layers || mine.n_kv_heads != d->n_kv_heads || mine.head_dim != d->head_dim)
        return vt__fail(VT_ERR_CONFLICT, "kv: the %s is of another model (%016llx, this is %016llx)", what, (unsigned long long)d->model, (unsigned long long)mine.model);
    if (mine.rope != d->rope) return vt__fail(VT_ERR_CONFLICT, "kv: the keys of the %s are rotated in another way", what);
    return VT_OK;
}

static vt_status check_profile(const vt_session *s, const vt_kv_profile *p, int32_t coder, int32_t level) {
    if (!vt__kv_is_lossy(coder)) return VT_OK;
    if (!p) return vt__fail(VT_ERR_INVALID, "kv: level %d needs a profile", level);
    if (level < 1 || level > p->n_levels) return vt__fail(VT_ERR_INVALID, "kv: level %d, the profile has 1 to %d", level, p->n_levels);
    return check_identity(s, &p->identity, "profile");
}

static vt__kv_coding coding_of(const vt_session *s, const vt_kv_profile *p, int32_t coder) {
    int64_t n = s->model->hp.n_kv_heads * s->model->hp.head_dim;
    return (vt__kv_coding){coder, n, 0, vt__kv_is_lossy(coder) ? p->n_groups : 1, vt__kv_is_lossy(coder) ? p->group_tokens : 1, NULL};
}

/* The first tokens of a sequence are kept, others coded. */
static void set_plane(vt__kv_coding *c, const vt_kv_profile *p, int32_t level, int64_t plane, int64_t first, int64_t n_tokens) {
    c->plane = vt__kv_plane_of(p, level, plane);
    c->n_kept = first == 0 ? min_of(p->n_kept, n_tokens) : 0;
}

/* ---- profiles ---- */

/* Planes of one session, a layer a chunk. */
struct sampling {
    const vt_session *s;
    vt__kv_sample *sample;
    int32_t *bad; /* [layers]: 1 not finite, 2 no memory */
};

static int all_finite(const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return 0;
    return 1;
}

static void sample_layer(void *user, int64_t layer) {
    const struct sampling *w = user;
    const vt_session *s = w->s;
    int64_t n = s->model->hp.n_kv_heads * s->model->hp.head_dim, n_tokens = w->sample->n_tokens;
    float *x = vt__scratch_take2(s->ctx, TILE, n, sizeof *x);
    if (!x) {
        w->bad[layer] = 2;
        return;
    }
    for (int32_t part = 0; part < 2; part++)
        for (int64_t t = 0; t < n_tokens; t += TILE) {
            int64_t rows = min_of(TILE, n_tokens - t);
            vt__kv_read(s->kv, s->blocks, (int32_t)layer, part, t, rows, x, n);
            if (!all_finite(x, rows * n)) w->bad[layer] = 1;
            for (int64_t i = 0; i < rows * n; i++) x[i] = x[i] > 65504 ? 65504 : x[i] < -65504 ? -65504 : x[i];
            vtk_get()->encode[VTK_F16](w->sample->rows + ((2 * layer + part) * n_tokens + t) * n, x, rows * n);
        }
    vt__scratch_give(s->ctx, x);
}

static vt_status sample_session(const vt_session *s, vt__kv_sample *out) {
    int64_t n_layers = s->model->hp.n_layers, n = s->model->hp.n_kv_heads * s->model->hp.head_dim;
    struct sampling w = {s, out, vt__calloc2(s->ctx, n_layers, 1, sizeof *w.bad)};
    out->n_tokens = s->n_done;
    out->rows = vt__calloc2(s->ctx, 2 * n_layers * s->n_done, n, sizeof *out->rows);
    vt_status st = w.bad && out->rows ? VT_OK : vt__fail_nomem("kv profile", 0);
    if (st == VT_OK) vt__parallel(s->ctx, n_layers, sample_layer, &w);
    for (int64_t l = 0; st == VT_OK && l < n_layers; l++)
        if (w.bad[l]) st = w.bad[l] == 2 ? vt__fail_nomem("kv profile", 0) : vt__fail(VT_ERR_NUMERIC, "kv profile: the cache of layer %lld is not finite", (long long)l);
    vt__free(s->ctx, w.bad);
    return st;
}

vt_status vt__session_kv_profile(vt_session *const *sessions, int32_t n, const vt__kv_fit *fit, vt_kv_profile **out) {
    vt_context *ctx = sessions[0]->ctx;
    vt__kv_identity identity;
    *out = NULL;
    for (int32_t i = 0; i < n; i++)
        if (sessions[i]->model != sessions[0]->model || sessions[i]->n_done < 1)
            return vt__fail(VT_ERR_INVALID, "kv profile: session %d is of another model, or has no tokens", i + 1);
    vt__kv_sample *samples = vt__calloc2(ctx, n, 1, sizeof *samples);
    vt_status st = samples ? VT_OK : vt__fail_nomem("kv profile", 0);
    for (int32_t i = 0; i < n && st == VT_OK; i++) st = sample_session(sessions[i], &samples[i]);
    vt__model_identity(sessions[0]->model, &identity);
    if (st == VT_OK) st = vt__kv_profile_fit(ctx, &identity, fit, samples, n, out);
    for (int32_t i = 0; samples && i < n; i++) vt__free(ctx, samples[i].rows);
    vt__free(ctx, samples);
    return st;
}

/* ---- encoding: a chunk of tokens of a layer is a piece of work ---- */

struct encoding {
    const vt_session *s;
    const vt__kv_encoding *e;
    vt__kv_coding coding;
    int32_t level;
    int64_t n_chunks;
    vt__bytes *planes;   /* [n_chunks, 2 * layers] */
    vt__kv_count *counts; /* [n_chunks, layers] */
    int32_t *bad;        /* the same: 1 not finite, 2 no memory */
};

static void encode_piece(void *user, int64_t piece) {
    const struct encoding *w = user;
    const vt_session *s = w->s;
    int64_t n_layers = s->model->hp.n_layers, layer = piece % n_layers, first = piece / n_layers * w->e->chunk_tokens, n = w->coding.n_channels;
    int64_t n_tokens = min_of(w->e->chunk_tokens, s->n_done - first);
    float *x = vt__scratch_take2(s->ctx, n_tokens, n, sizeof *x);
    void *room = vt__scratch_take(s->ctx, vt__plane_scratch(&w->coding, n_tokens));
    if (!x || !room) w->bad[piece] = 2;
    for (int32_t part = 0; part < 2 && !w->bad[piece]; part++) {
        vt__kv_coding c = w->coding;
        if (vt__kv_is_lossy(c.coder)) set_plane(&c, w->e->profile, w->level, 2 * layer + part, first, n_tokens);
        vt__kv_read(s->kv, s->blocks, (int32_t)layer, part, first, n_tokens, x, n);
        if (c.coder != VT__KV_F16 && c.coder != VT__KV_F32 && !all_finite(x, n_tokens * n)) w->bad[piece] = 1;
        else vt__plane_encode(&c, x, n_tokens, room, &w->planes[2 * piece + part], &w->counts[piece]);
    }
    vt__scratch_give(s->ctx, room);
    vt__scratch_give(s->ctx, x);
}

static vt_status collect(const struct encoding *w, int64_t n_pieces, vt__kv_count *count, vt_buffer **out) {
    const vt_session *s = w->s;
    vt__kv_file f = {.coder = w->coding.coder, .level = w->level, .dtype = vt__kv_dtype(s->kv), .n_tokens = s->n_done, .chunk_tokens = w->e->chunk_tokens};
    *count = (vt__kv_count){0};
    for (int64_t i = 0; i < n_pieces; i++) {
        if (w->bad[i] == 2) return vt__fail_nomem("kv", 0);
        if (w->bad[i]) return vt__fail(VT_ERR_NUMERIC, "kv: the cache of layer %lld is not finite", (long long)(i % s->model->hp.n_layers));
        count->values += w->counts[i].values;
        count->beside += w->counts[i].beside;
        count->error += w->counts[i].error;
    }
    vt__model_identity(s->model, &f.identity);
    f.profile = w->level ? w->e->profile->id : 0;
    return vt__kv_file_write(s->ctx, &f, s->ids, w->planes, out);
}

static vt_status choose(const vt_session *s, const vt__kv_encoding *e, struct encoding *w) {
    int32_t coder = e->coder, dtype = vt__kv_dtype(s->kv);
    if (s->n_done < 1) return vt__fail(VT_ERR_STATE, "kv: the session has no tokens");
    if (e->chunk_tokens < VT__KV_CHUNK_STEP || e->chunk_tokens > VT__KV_MOST_CHUNK || e->chunk_tokens % VT__KV_CHUNK_STEP)
        return vt__fail(VT_ERR_INVALID, "kv: chunks of %lld tokens, need a multiple of %d up to %d", (long long)e->chunk_tokens, VT__KV_CHUNK_STEP, VT__KV_MOST_CHUNK);
    if (coder == VT__KV_F16 && dtype == VT_DTYPE_Q8_0) return vt__fail(VT_ERR_UNSUPPORTED, "kv: raw bytes of a cache of Q8_0");
    if (coder == VT__KV_F16 && dtype == VT_DTYPE_F32) coder = VT__KV_F32;
    w->level = !vt__kv_is_lossy(coder) ? 0 : e->level ? e->level : e->profile ? e->profile->default_level : 1;
    vt_status st = check_profile(s, e->profile, coder, w->level);
    if (st == VT_OK) w->coding = coding_of(s, e->profile, coder);
    return st;
}

vt_status vt__session_kv_encode(vt_session *s, const vt__kv_encoding *e, vt__kv_count *count, vt_buffer **out) {
    struct encoding w = {.s = s, .e = e};
    *out = NULL;
    vt_status st = choose(s, e, &w);
    if (st != VT_OK) return st;
    int64_t n_pieces = (s->n_done + e->chunk_tokens - 1) / e->chunk_tokens * s->model->hp.n_layers;
    w.planes = vt__calloc2(s->ctx, n_pieces, 2, sizeof *w.planes);
    w.counts = vt__calloc2(s->ctx, n_pieces, 1, sizeof *w.counts);
    w.bad = vt__calloc2(s->ctx, n_pieces, 1, sizeof *w.bad);
    st = w.planes && w.counts && w.bad ? VT_OK : vt__fail_nomem("kv", 0);
    if (st == VT_OK) {
        for (int64_t i = 0; i < 2 * n_pieces; i++) vt__bytes_init(&w.planes[i], s->ctx);
        vt__parallel(s->ctx, n_pieces, encode_piece, &w);
        st = collect(&w, n_pieces, count, out);
        for (int64_t i = 0; i < 2 * n_pieces; i++) vt__bytes_free(&w.planes[i]);
    }
    vt__free(s->ctx, w.planes);
    vt__free(s->ctx, w.counts);
    vt__free(s->ctx, w.bad);
    return st;
}

/* ---- decoding ---- */

struct decoding {
    vt_session *s;
    const vt_kv_profile *profile;
    const vt__kv_file *f;
    vt__kv_coding coding;
    const unsigned char **planes; /* [n_chunks, 2 * layers] */
    size_t *sizes;
    int32_t *bad; /* [n_chunks, layers]: 1 damaged, 2 no memory */
};

/* All tokens of a chunk in one layer. */
static int decode_layer(const struct decoding *w, int64_t piece, float *rows, void *const rooms[2], float *scratch) {
    const vt_session *s = w->s;
    int64_t n_layers = s->model->hp.n_layers, layer = piece % n_layers, first = piece / n_layers * w->f->chunk_tokens, n = w->coding.n_channels;
    int64_t n_tokens = min_of(w->f->chunk_tokens, w->f->n_tokens - first);
    vt__plane_reader r[2];
    for (int part = 0; part < 2; part++) {
        vt__kv_coding c = w->coding;
        if (vt__kv_is_lossy(c.coder)) set_plane(&c, w->profile, w->f->level, 2 * layer + part, first, n_tokens);
        if (!vt__plane_open(&r[part], &c, w->planes[2 * piece + part], w->sizes[2 * piece + part], n_tokens, rooms[part])) return 0;
    }
    for (int64_t t = 0; t < n_tokens; t += TILE) {
        int64_t tile = min_of(TILE, n_tokens - t);
        if (!vt__plane_next(&r[0], rows, n, tile) || !vt__plane_next(&r[1], rows + TILE * n, n, tile)) return 0;
        if (!all_finite(rows, tile * n) || !all_finite(rows + TILE * n, tile * n)) return 0;
        vt__kv_write(s->kv, s->blocks, (int32_t)layer, first + t, tile, rows, rows + TILE * n, n, scratch);
    }
    return 1;
}

static void decode_piece(void *user, int64_t piece) {
    const struct decoding *w = user;
    vt_context *ctx = w->s->ctx;
    int64_t n = w->coding.n_channels, dim = w->s->model->hp.head_dim;
    float *rows = vt__scratch_take2(ctx, 2 * TILE * n + TILE * dim, 1, sizeof *rows);
    void *rooms[2];
    for (int i = 0; i < 2; i++) rooms[i] = vt__scratch_take(ctx, vt__plane_scratch(&w->coding, 1));
    if (!rows || !rooms[0] || !rooms[1]) w->bad[piece] = 2;
    else w->bad[piece] = !decode_layer(w, piece, rows, rooms, rows + 2 * TILE * n);
    vt__scratch_give(ctx, rooms[1]);
    vt__scratch_give(ctx, rooms[0]);
    vt__scratch_give(ctx, rows);
}

static vt_status check_file(const vt_session *s, const vt_kv_profile *p, const vt__kv_file *f, int convert) {
    int raw = f->coder == VT__KV_F16 || f->coder == VT__KV_F32;
    vt_status st = check_identity(s, &f->identity, "coded cache");
    if (st != VT_OK) return st;
    if (vt__kv_dtype(s->kv) != f->dtype && (raw || !convert))
        return vt__fail(VT_ERR_CONFLICT, "kv: a cache of dtype %d was coded, the session's is of %d%s", f->dtype, vt__kv_dtype(s->kv), raw ? "" : ": ask for conversion");
    if (vt__kv_is_lossy(f->coder) && p && p->id != f->profile)
        return vt__fail(VT_ERR_CONFLICT, "kv: coded with profile %016llx, this is %016llx", (unsigned long long)f->profile, (unsigned long long)p->id);
    if (s->n_ids > 0) return vt__fail(VT_ERR_STATE, "kv: the session has %lld tokens, decoding needs an empty one", (long long)s->n_ids);
    if (f->n_tokens > s->n_ctx)
        return vt__fail(VT_ERR_LIMIT, "kv: %lld tokens were coded, the session holds %lld", (long long)f->n_tokens, (long long)s->n_ctx);
    for (int64_t i = 0; i < f->n_tokens; i++)
        if (vt__kv_file_id(f, i) < 0 || vt__kv_file_id(f, i) >= s->model->hp.n_vocab)
            return vt__fail(VT_ERR_FORMAT, "kv: id %d at %lld, the vocabulary has %lld", vt__kv_file_id(f, i), (long long)i, (long long)s->model->hp.n_vocab);
    return check_profile(s, p, f->coder, f->level);
}

static vt_status run_decoding(struct decoding *w) {
    vt_session *s = w->s;
    int64_t n_layers = s->model->hp.n_layers, n_pieces = w->f->n_chunks * n_layers;
    vt__kv_chunk chunk = {0};
    for (int64_t i = 0; i < w->f->n_chunks; i++) {
        vt__kv_file_next(w->f, &chunk);
        vt_status st = vt__kv_chunk_open(w->f, &chunk, w->planes + 2 * n_layers * i, w->sizes + 2 * n_layers * i);
        if (st != VT_OK) return st;
    }
    vt__parallel(s->ctx, n_pieces, decode_piece, w);
    for (int64_t i = 0; i < n_pieces; i++) {
        if (w->bad[i] == 2) return vt__fail_nomem("kv", 0);
        if (w->bad[i]) return vt__fail(VT_ERR_FORMAT, "kv: layer %lld of chunk %lld is damaged", (long long)(i % n_layers), (long long)(i / n_layers));
    }
    return VT_OK;
}

static vt_status decode(vt_session *s, const vt_kv_profile *profile, const vt__kv_file *f) {
    int64_t n_pieces = f->n_chunks * s->model->hp.n_layers;
    struct decoding w = {.s = s, .profile = profile, .f = f, .coding = coding_of(s, profile, f->coder)};
    vt_status st = vt__session_make_room(s, f->n_tokens);
    if (st == VT_OK) st = vt__session_take_blocks(s, f->n_tokens);
    w.planes = vt__calloc2(s->ctx, n_pieces, 2, sizeof *w.planes);
    w.sizes = vt__calloc2(s->ctx, n_pieces, 2, sizeof *w.sizes);
    w.bad = vt__calloc2(s->ctx, n_pieces, 1, sizeof *w.bad);
    if (st == VT_OK && (!w.planes || !w.sizes || !w.bad)) st = vt__fail_nomem("kv", 0);
    if (st == VT_OK) st = run_decoding(&w);
    vt__free(s->ctx, w.planes);
    vt__free(s->ctx, w.sizes);
    vt__free(s->ctx, w.bad);
    if (st != VT_OK) {
        vt__session_give_blocks(s, 0);
        return st;
    }
    for (int64_t i = 0; i < f->n_tokens; i++) s->ids[i] = vt__kv_file_id(f, i);
    s->n_ids = s->n_done = f->n_tokens;
    s->has_logits = 0;
    return VT_OK;
}

vt_status vt__session_kv_decode(vt_session *s, const vt_kv_profile *profile, const void *data, size_t size, int convert) {
    vt__kv_file f;
    void *copy = NULL;
    if ((uintptr_t)data % 2) { /* words of streams are read where they lie */
        copy = vt__alloc(s->ctx, size);
        if (!copy) return vt__fail_nomem("kv", size);
        memcpy(copy, data, size);
        data = copy;
    }
    vt_status st = vt__kv_file_parse(data, size, &f);
    if (st == VT_OK) st = check_file(s, profile, &f, convert);
    if (st == VT_OK) st = decode(s, profile, &f);
    vt__free(s->ctx, copy);
    return st;
}
