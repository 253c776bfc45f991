#include "kv/plain.h"

#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "kv/cache.h"
#include "vtk.h"

enum { POSITIONS = VTK_QUERIES }; /* at once: how many does not matter to the results */

/* One batch item after the other goes through the same blocks, one of each for all key/value heads. */
typedef struct run {
    const vt__plain_attention *p;
    vt_kv *kv;
    unsigned char **blocks;
    int64_t n_blocks, item; /* blocks taken; item of the batch */
    float *scratch;         /* [threads at once] of the kernel, then parts of POSITIONS rows */
    size_t scratch_size;
    int64_t n_chunks; /* of positions */
} run;

/* 1 when an array of floats of these extents cannot be. */
static int too_large(int64_t a, int64_t b, int64_t c, int64_t d) {
    int64_t n;
    return __builtin_mul_overflow(a, b, &n) || __builtin_mul_overflow(n, c, &n) || __builtin_mul_overflow(n, d, &n) || n > INT64_MAX / 8;
}

static vt_status check(const vt__plain_attention *p) {
    if (p->n_batch < 1 || p->n_heads < 1 || p->n_kv_heads < 1 || p->n_queries < 1 || p->n_keys < 1 || p->head_dim < 1 || p->n_heads > INT32_MAX ||
        p->n_heads % p->n_kv_heads)
        return vt__fail(VT_ERR_SHAPE, "attention: batch %lld, %lld heads, %lld for keys, %lld queries, %lld keys, head size %lld do not go together",
                        (long long)p->n_batch, (long long)p->n_heads, (long long)p->n_kv_heads, (long long)p->n_queries, (long long)p->n_keys,
                        (long long)p->head_dim);
    if (p->left < -1 || p->right < -1 || !isfinite(p->scale) || !isfinite(p->softcap) || p->softcap < 0)
        return vt__fail(VT_ERR_INVALID, "attention: window %lld, %lld, scale %g, softcap %g", (long long)p->left, (long long)p->right, p->scale,
                        p->softcap);
    if (too_large(p->n_batch, p->n_heads, p->n_queries, p->head_dim) || too_large(p->n_batch, p->n_heads, p->n_keys, p->head_dim))
        return vt__fail(VT_ERR_SHAPE, "attention: the arrays are too large");
    return VT_OK;
}

static void no_owner(void *owner) { (void)owner; }

/* Parts only matter to lse, but where they are kept does not depend on that. */
static vt_status prepare(run *r, vt_context *ctx) {
    const vt__plain_attention *p = r->p;
    vt__kv_params params = {.n_layers = 1, .n_kv_heads = (int32_t)p->n_kv_heads, .head_dim = p->head_dim, .dtype = p->dtype, .n_tokens = p->n_keys,
                            .release_owner = no_owner};
    int64_t n_groups = (p->n_keys + VTK_KEYS - 1) / VTK_KEYS;
    size_t parts = 0;
    vt_status st = vt__kv_create(ctx, &params, &r->kv);
    if (st != VT_OK) return st;
    if (vt__mul_size(n_groups, POSITIONS, &parts) || vt__mul_size((int64_t)parts, (int64_t)VTK_PART_SIZE(p->head_dim), &parts))
        return vt__fail(VT_ERR_SHAPE, "attention: %lld keys are too many", (long long)p->n_keys);
    r->scratch_size = VTK_ATTENTION_SCRATCH(p->head_dim) + parts;
    r->n_chunks = (p->n_queries + POSITIONS - 1) / POSITIONS;
    if (r->n_chunks > 2 * (int64_t)vt__context_threads(ctx)) r->n_chunks = 2 * (int64_t)vt__context_threads(ctx);
    r->blocks = vt__calloc2(ctx, vt__kv_block_count(r->kv), 1, sizeof *r->blocks);
    r->scratch = r->blocks ? vt__alloc64_2(ctx, r->n_chunks, (int64_t)r->scratch_size, sizeof *r->scratch) : NULL;
    if (!r->scratch) return vt__fail_nomem("attention", r->scratch_size * sizeof(float));
    for (; r->n_blocks < vt__kv_block_count(r->kv) && st == VT_OK; r->n_blocks += st == VT_OK) st = vt__kv_take_block(r->kv, &r->blocks[r->n_blocks]);
    return st;
}

static void fill_head(void *user, int64_t head) {
    const run *r = user;
    const vt__plain_attention *p = r->p;
    int64_t at = (r->item * p->n_kv_heads + head) * p->n_keys * p->head_dim;
    for (int64_t t = 0; t < p->n_keys; t++, at += p->head_dim) {
        unsigned char *block = r->blocks[t / VTK_KV_BLOCK];
        unsigned char *k = block + vt__kv_k_offset(r->kv, 0, (int32_t)head), *v = block + vt__kv_v_offset(r->kv, 0, (int32_t)head);
        vtk_get()->kv_put[vt__kv_type(r->kv)](k, v, t % VTK_KV_BLOCK, p->k + at, p->v + at, p->head_dim);
    }
}

/* Natural logarithm of the sum of exp of row's scores, from its parts; -infinity when it sees no key. */
static float log_sum(const vtk_attention *a, const float *parts, int64_t row, int64_t first, int64_t last) {
    int64_t n_rows = a->n_pos * a->n_shared, begin, end;
    double max = -(double)INFINITY, sum = 0;
    vtk_attention_span(a, row, &begin, &end);
    for (int64_t g = first; g < last; g++) {
        const float *part = parts + (size_t)((g - first) * n_rows + row) * VTK_PART_SIZE(a->dim) + a->dim;
        if (begin >= (g + 1) * VTK_KEYS || end <= g * VTK_KEYS || begin >= end) continue;
        if ((double)part[0] > max) {
            sum *= exp2(max - (double)part[0]);
            max = (double)part[0];
        }
        sum += (double)part[1] * exp2((double)part[0] - max);
    }
    return (float)((max + log2(sum)) * 0.69314718055994531);
}

/* Positions first..first+n-1 of all heads. */
static void some_positions(const run *r, float *scratch, int64_t first, int64_t n) {
    const vt__plain_attention *p = r->p;
    int64_t shared = p->n_heads / p->n_kv_heads, n_groups = (p->n_keys + VTK_KEYS - 1) / VTK_KEYS;
    float *parts = scratch + VTK_ATTENTION_SCRATCH(p->head_dim);
    for (int64_t head = 0; head < p->n_heads; head++) { /* heads lie apart: one at a time */
        int64_t row = (r->item * p->n_heads + head) * p->n_queries + first;
        vtk_attention a = {
            .out = p->out + row * p->head_dim,
            .q = p->q + row * p->head_dim,
            .ld = p->head_dim,
            .n_pos = n,
            .n_shared = 1,
            .dim = p->head_dim,
            .blocks = (const unsigned char *const *)r->blocks,
            .k_offset = vt__kv_k_offset(r->kv, 0, (int32_t)(head / shared)),
            .v_offset = vt__kv_v_offset(r->kv, 0, (int32_t)(head / shared)),
            .type = vt__kv_type(r->kv),
            .pos = p->n_keys - p->n_queries + first,
            .n_keys = p->n_keys,
            .left = p->left < 0 || p->left > VTK_ALL ? VTK_ALL : p->left,
            .right = p->right < 0 || p->right > VTK_ALL ? VTK_ALL : p->right,
            .scale = (float)p->scale,
            .softcap = (float)p->softcap,
            .scratch = scratch,
        };
        if (!p->lse) {
            vtk_get()->attention(&a);
            continue;
        }
        vtk_get()->attention_parts(&a, 0, n_groups, parts);
        vtk_get()->attention_merge(&a, parts, 0, n_groups);
        for (int64_t i = 0; i < n; i++) p->lse[row + i] = log_sum(&a, parts, i, 0, n_groups);
    }
}

static void attend_chunk(void *user, int64_t chunk) {
    const run *r = user;
    int64_t first, last;
    vt__chunk_range(r->p->n_queries, POSITIONS, r->n_chunks, chunk, &first, &last);
    for (int64_t i = first; i < last; i += POSITIONS)
        some_positions(r, r->scratch + (size_t)chunk * r->scratch_size, i, last - i < POSITIONS ? last - i : POSITIONS);
}

vt_status vt__plain_attention_run(vt_context *ctx, const vt__plain_attention *p) {
    run r = {.p = p};
    vt_status st = check(p);
    if (st == VT_OK) st = prepare(&r, ctx);
    for (; r.item < p->n_batch && st == VT_OK; r.item++) {
        vt__parallel(ctx, p->n_kv_heads, fill_head, &r);
        vt__parallel(ctx, r.n_chunks, attend_chunk, &r);
    }
    while (r.n_blocks > 0) vt__kv_give_block(r.kv, r.blocks[--r.n_blocks]);
    vt__kv_release(r.kv);
    vt__free(ctx, r.blocks);
    vt__free(ctx, r.scratch);
    return st;
}
