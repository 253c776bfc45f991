/* A cache of blocks and queries for it. A block holds keys, then values, of one head; what the cache does not hold is NaN. Each block ends at a page that
 * nobody may touch. */
#ifndef VENTURI_TEST_ATTENTION_PROBLEM_H
#define VENTURI_TEST_ATTENTION_PROBLEM_H

#include "variants.h"

#include <stdlib.h>

enum { MAX_BLOCKS = 40 };

typedef struct problem {
    vtk_attention a;
    unsigned char *blocks[MAX_BLOCKS];
    size_t block_size;
    int n_blocks;
    float *q;
} problem;

static inline void problem_put(problem *p, int64_t t, const float *key, const float *value) {
    unsigned char *b = p->blocks[t / VTK_KV_BLOCK];
    vtk_table ref;
    vtk_fill_ref(&ref);
    ref.kv_put[p->a.type](b + p->a.k_offset, b + p->a.v_offset, t % VTK_KV_BLOCK, key, value, p->a.dim);
}

/* a says dim, type, n_pos, n_shared, n_keys; keys are in [-scale, scale), queries and values in [-1, 1). */
static inline void problem_make(problem *p, vtk_attention a, float scale) {
    size_t half = vtk_kv_size(a.type, a.dim);
    float *key = malloc((size_t)a.dim * 4), *value = malloc((size_t)a.dim * 4);
    *p = (problem){.a = a, .block_size = 2 * half, .n_blocks = (int)((a.n_keys + VTK_KV_BLOCK - 1) / VTK_KV_BLOCK)};
    if (!p->a.ld) p->a.ld = a.n_shared * a.dim + 3;
    p->q = malloc((size_t)(a.n_pos * p->a.ld) * 4);
    random_floats(p->q, a.n_pos * p->a.ld, 11);
    for (int b = 0; b < p->n_blocks; b++) {
        p->blocks[b] = guarded(p->block_size);
        memset(p->blocks[b], 0xff, p->block_size); /* NaN in all types */
    }
    p->a.v_offset = half;
    p->a.q = p->q;
    p->a.blocks = (const unsigned char *const *)p->blocks;
    if (p->a.scale == 0.0f) p->a.scale = 1.0f / sqrtf((float)a.dim);
    for (int64_t t = 0; t < a.n_keys; t++) {
        random_floats(key, a.dim, (uint64_t)(2 * t + 12));
        random_floats(value, a.dim, (uint64_t)(2 * t + 13));
        for (int64_t j = 0; j < a.dim; j++) key[j] *= scale;
        problem_put(p, t, key, value);
    }
    free(key);
    free(value);
}

static inline void problem_drop(problem *p) {
    for (int b = 0; b < p->n_blocks; b++) guarded_free(p->blocks[b], p->block_size);
    free(p->q);
}

/* Positions first..first+n-1 of the problem; out: [n_pos, ld], what lies between rows must stay. */
static inline void problem_run(const vtk_table *t, const problem *p, float *out, int64_t first, int64_t n) {
    vtk_attention a = p->a;
    size_t scratch = VTK_ATTENTION_SCRATCH(a.dim) * 4;
    a.scratch = guarded(scratch);
    a.out = out + first * a.ld;
    a.q += first * a.ld;
    a.pos += first;
    a.n_pos = n;
    t->attention(&a);
    guarded_free(a.scratch, scratch);
}

#endif
