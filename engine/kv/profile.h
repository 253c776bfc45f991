/* What the codec of caches knows of a model: for each level, plane (keys or values of a layer) and group of channels how values become symbols, and how
 * often each symbol comes. Made from caches of real texts (profile_fit.h), kept in a file, and not written again into what is coded with it.
 *
 * A group's values become symbols 0..2 * most, in one of three ways:
 *
 *     TOKEN    x = base + (symbol - most) * step * scale      scale: of each token, the first of a row of 1/8 octaves that holds it; coded as a symbol
 *     DIRECT   x = base + (symbol - most) * step
 *     DELTA    x = anchor + (symbol - most) * step            anchor: the first token of each `group_tokens`, 255 symbols of its own scale (delta.h)
 *
 * base and step are of each channel. Values that this leaves farther than a step away are written as they are, beside the symbols. */
#ifndef VENTURI_KV_PROFILE_H
#define VENTURI_KV_PROFILE_H

#include <stdatomic.h>

#include "venturi/types.h"

enum { VT__KV_TOKEN, VT__KV_DIRECT, VT__KV_DELTA, VT__KV_N_MODES };
enum { VT__KV_MOST_LEVELS = 8, VT__KV_WIDE_LINES = 8, VT__KV_ANCHOR_SYMBOLS = 255, VT__KV_SCALES = 256, VT__KV_MOST_KEPT = 16 };

typedef struct vt_kv_profile vt_kv_profile; /* as in venturi/kv.h */

/* Whose keys and values these are. */
typedef struct vt__kv_identity {
    uint64_t model; /* hashes; rope of what rotates the keys */
    uint64_t rope;
    int32_t n_layers, n_kv_heads;
    int64_t head_dim;
} vt__kv_identity;

typedef struct vt__kv_group {
    int32_t mode, most;
    int64_t lines;     /* of each channel's table (vtk_entropy.h) */
    uint16_t *tables;  /* [width * lines * 32 + 1] */
    uint16_t *aside;   /* TOKEN: [8 * 32 + 1] table of scales; DELTA: [width * 8 * 32 + 1] of anchors; else NULL */
} vt__kv_group;

/* One block of memory: groups, then base, step, then tables. */
typedef struct vt__kv_plane {
    vt__kv_group *groups; /* [n_groups] */
    float *base, *step;   /* [n_channels] */
} vt__kv_plane;

struct vt_kv_profile {
    atomic_int refs;
    vt_context *ctx;
    vt__kv_identity identity;
    uint64_t id;           /* hash of its bytes */
    int64_t n_channels;    /* of a plane: n_kv_heads * head_dim */
    int32_t n_groups;      /* of a plane: 1, or one a head */
    int32_t group_tokens;  /* from anchor to anchor */
    int32_t n_kept;        /* first tokens of a sequence that stay as they are: all others look at them */
    int32_t n_levels, default_level; /* levels from 1 (finest) on */
    float fineness[VT__KV_MOST_LEVELS]; /* steps that the largest value of a token is away from its middle */
    float bits[VT__KV_MOST_LEVELS];   /* a value, of the texts that it was made from */
    vt__kv_plane *planes;  /* [n_levels, 2 * n_layers]: plane 2 l is the keys of layer l, 2 l + 1 the values */
};

static inline vt__kv_plane *vt__kv_plane_of(const vt_kv_profile *p, int32_t level, int64_t plane) {
    return &p->planes[(level - 1) * 2 * (int64_t)p->identity.n_layers + plane];
}
static inline int64_t vt__kv_width(const vt_kv_profile *p) { return p->n_channels / p->n_groups; }

/* No planes yet: they are set one by one. Errors: NOMEM, INVALID (sizes that no cache has). */
vt_status vt__kv_profile_create(vt_context *ctx, const vt__kv_identity *identity, int32_t n_groups, int32_t group_tokens, int32_t n_levels, vt_kv_profile **out);
vt_kv_profile *vt__kv_profile_retain(vt_kv_profile *p);
void vt__kv_profile_release(vt_kv_profile *p);

/* Memory for a plane whose groups have these modes and mosts; tables and numbers are the caller's to fill. Safe from any thread for different planes. */
vt_status vt__kv_plane_set(vt_kv_profile *p, int32_t level, int64_t plane, const int32_t *modes, const int32_t *mosts);

/* The bytes of a profile, the last 8 of them its id, and back: every table is checked. Errors of load: FORMAT, UNSUPPORTED (version), NOMEM. */
vt_status vt__kv_profile_save(const vt_kv_profile *p, vt_buffer **out);
vt_status vt__kv_profile_load(vt_context *ctx, const void *data, size_t size, vt_kv_profile **out);

/* Scale number `code`, 2^((code - 128) / 8), and the least code whose scale is at least x >= 0; 255 where none is. */
float vt__kv_scale(int32_t code);
int32_t vt__kv_scale_code(float x);

int vt__kv_identity_equal(const vt__kv_identity *a, const vt__kv_identity *b);

#endif
