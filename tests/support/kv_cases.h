/* Coded caches without a model: samples of made-up rows, a profile of them, and a file whose planes are coded with it. */
#ifndef VENTURI_TESTS_KV_CASES_H
#define VENTURI_TESTS_KV_CASES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/memory.h"
#include "kv/file.h"
#include "kv/plane.h"
#include "kv/profile_fit.h"
#include "vtk.h"

enum { KV_LAYERS = 2, KV_HEADS = 2, KV_DIM = 8, KV_CHANNELS = KV_HEADS * KV_DIM, KV_TOKENS = 70, KV_PLANES = 2 * KV_LAYERS, KV_CHUNK = 48 };

static const vt__kv_identity kv_identity = {0x1122334455667788u, 0x99aabbccddeeff00u, KV_LAYERS, KV_HEADS, KV_DIM};

/* Rows [planes, tokens, channels] that wander from token to token, each channel about a middle of its own; the first token stands out. */
static inline void kv_rows(float *x, uint32_t seed) {
    for (int p = 0; p < KV_PLANES; p++)
        for (int c = 0; c < KV_CHANNELS; c++) {
            float walk = 0, middle = (float)((c * 7 + p) % 11) - 5;
            for (int t = 0; t < KV_TOKENS; t++) {
                seed = seed * 1664525u + 1013904223u;
                walk = 0.8f * walk + (float)(int32_t)seed * 0x1p-31f;
                x[(p * KV_TOKENS + t) * KV_CHANNELS + c] = t ? middle + walk * (1 + 0.1f * (float)c) : 40 * walk;
            }
        }
}

static inline vt_kv_profile *kv_profile(vt_context *ctx, int32_t mode, int32_t n_kept) {
    static float x[KV_PLANES * KV_TOKENS * KV_CHANNELS];
    static uint16_t halves[2][KV_PLANES * KV_TOKENS * KV_CHANNELS];
    vt__kv_fit fit = {.mode = mode, .by_plane = mode == VT__KV_DELTA, .group_tokens = 10, .n_kept = n_kept, .n_levels = 2, .default_level = 2, .fineness = {31, 9},
                      .depth = {0.5f, 1, 1.5f}, .keys = 1, .values = 1};
    vt__kv_sample samples[2] = {{halves[0], KV_TOKENS}, {halves[1], KV_TOKENS}};
    vt_kv_profile *p = NULL;
    for (uint32_t i = 0; i < 2; i++) {
        kv_rows(x, i + 1);
        vtk_get()->encode[VTK_F16](halves[i], x, KV_PLANES * KV_TOKENS * KV_CHANNELS);
    }
    return vt__kv_profile_fit(ctx, &kv_identity, &fit, samples, 2, &p) == VT_OK ? p : NULL;
}

static inline vt__kv_coding kv_coding(const vt_kv_profile *p, int32_t coder, int32_t level, int64_t plane, int64_t first) {
    int lossy = vt__kv_is_lossy(coder);
    return (vt__kv_coding){coder, KV_CHANNELS, lossy && first == 0 ? p->n_kept : 0, lossy ? p->n_groups : 1, lossy ? p->group_tokens : 1,
                           lossy ? vt__kv_plane_of(p, level, plane) : NULL};
}

/* A file of rows x. */
static inline vt_status kv_file(vt_context *ctx, const vt_kv_profile *p, int32_t coder, int32_t level, const float *x, vt__kv_count *count, vt_buffer **out) {
    enum { CHUNKS = (KV_TOKENS + KV_CHUNK - 1) / KV_CHUNK };
    vt__bytes planes[CHUNKS * KV_PLANES];
    int32_t ids[KV_TOKENS];
    vt__kv_file f = {.identity = kv_identity, .profile = vt__kv_is_lossy(coder) ? p->id : 0, .coder = coder, .level = vt__kv_is_lossy(coder) ? level : 0,
                     .dtype = VT_DTYPE_F32, .n_tokens = KV_TOKENS, .chunk_tokens = KV_CHUNK};
    for (int i = 0; i < KV_TOKENS; i++) ids[i] = i * i;
    for (int i = 0; i < CHUNKS * KV_PLANES; i++) {
        int64_t first = i / KV_PLANES * KV_CHUNK, n = KV_TOKENS - first < KV_CHUNK ? KV_TOKENS - first : KV_CHUNK;
        vt__kv_coding c = kv_coding(p, coder, level, i % KV_PLANES, first);
        void *scratch = vt__alloc64(ctx, vt__plane_scratch(&c, n));
        vt__bytes_init(&planes[i], ctx);
        if (scratch) vt__plane_encode(&c, x + (i % KV_PLANES * KV_TOKENS + first) * KV_CHANNELS, n, scratch, &planes[i], count);
        else planes[i].failed = 1;
        vt__free(ctx, scratch);
    }
    vt_status st = vt__kv_file_write(ctx, &f, ids, planes, out);
    for (int i = 0; i < CHUNKS * KV_PLANES; i++) vt__bytes_free(&planes[i]);
    return st;
}

/* Rows of all planes out of a file whose shape is ours; rows ld apart. Errors: FORMAT, NOMEM. */
static inline vt_status kv_read(vt_context *ctx, const vt_kv_profile *p, const vt__kv_file *f, float *x) {
    vt__kv_chunk chunk = {0};
    vt_status st = VT_OK;
    for (int64_t i = 0; i < f->n_chunks && st == VT_OK; i++) {
        const unsigned char *planes[KV_PLANES];
        size_t sizes[KV_PLANES];
        vt__kv_file_next(f, &chunk);
        st = vt__kv_chunk_open(f, &chunk, planes, sizes);
        for (int plane = 0; plane < KV_PLANES && st == VT_OK; plane++) {
            vt__kv_coding c = kv_coding(p, f->coder, f->level, plane, chunk.first);
            vt__plane_reader r;
            if (c.n_kept > chunk.n_tokens) c.n_kept = chunk.n_tokens;
            void *scratch = vt__alloc64(ctx, vt__plane_scratch(&c, 1));
            float *to = x + (plane * KV_TOKENS + chunk.first) * KV_CHANNELS;
            st = !scratch ? VT_ERR_NOMEM
                 : vt__plane_open(&r, &c, planes[plane], sizes[plane], chunk.n_tokens, scratch) && vt__plane_next(&r, to, KV_CHANNELS, chunk.n_tokens) ? VT_OK
                                                                                                                                             : VT_ERR_FORMAT;
            vt__free(ctx, scratch);
        }
    }
    return st;
}

/* Makes the sums of a forged file right, as far as its sizes let one find them. */
static inline void kv_seal(unsigned char *data, size_t size) {
    uint64_t n_tokens, chunk_size, word = size;
    uint32_t n_chunks;
    if (size < VT__KV_FILE_HEAD) return;
    memcpy(&n_tokens, data + 48, 8);
    memcpy(&n_chunks, data + 60, 4);
    memcpy(data + 64, &word, 8);
    size_t left = size - VT__KV_FILE_HEAD;
    if (n_tokens <= left / 4 && n_chunks <= (left - 4 * n_tokens) / 16) {
        unsigned char *directory = data + VT__KV_FILE_HEAD + 4 * n_tokens, *at = directory + 16 * (size_t)n_chunks;
        for (uint32_t i = 0; i < n_chunks; i++) {
            memcpy(&chunk_size, directory + 16 * (size_t)i, 8);
            if (chunk_size > (size_t)(data + size - at)) break;
            word = vt__hash(at, (size_t)chunk_size);
            memcpy(directory + 16 * (size_t)i + 8, &word, 8);
            at += chunk_size;
        }
        word = vt__hash(data + VT__KV_FILE_HEAD, 4 * n_tokens + 16 * (size_t)n_chunks);
        memcpy(data + 72, &word, 8);
    }
    word = vt__hash(data, VT__KV_FILE_HEAD - 8);
    memcpy(data + VT__KV_FILE_HEAD - 8, &word, 8);
}

#endif
