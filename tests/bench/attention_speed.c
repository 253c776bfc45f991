/* Speed of the attention kernel on one thread, one case a run:   attention_speed QUERIES KEYS HEADS SHARED DIM f32|f16|q8_0 causal|full
 * The last QUERIES of KEYS positions; SHARED query heads a key/value head. Prints milliseconds (the best of several) and GFLOP/s, counting 4 operations a
 * pair of query and key that see each other and an element. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vtk.h"

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* the only thread: time that others take does not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *room(size_t size) {
    void *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!p) exit(1);
    memset(p, 0, (size + 63) / 64 * 64);
    return p;
}

/* All blocks of a cache of n_heads heads, filled. */
static const unsigned char *const *cache(const vtk_attention *a, int64_t n_heads) {
    size_t half = vtk_kv_size(a->type, a->dim), block = 2 * half * (size_t)n_heads;
    int64_t n_blocks = (a->n_keys + VTK_KV_BLOCK - 1) / VTK_KV_BLOCK;
    unsigned char *bytes = room((size_t)n_blocks * block), **blocks = room((size_t)n_blocks * sizeof *blocks);
    float *x = room((size_t)a->dim * sizeof *x);
    for (int64_t b = 0; b < n_blocks; b++) blocks[b] = bytes + (size_t)b * block;
    for (int64_t t = 0; t < n_blocks * VTK_KV_BLOCK; t++) {
        for (int64_t h = 0; h < n_heads; h++) {
            for (int64_t j = 0; j < a->dim; j++) x[j] = (float)((t * 31 + j * 17 + h) % 64) / 32 - 1;
            unsigned char *k = blocks[t / VTK_KV_BLOCK] + 2 * half * (size_t)h;
            vtk_get()->kv_put[a->type](k, k + half, t % VTK_KV_BLOCK, x, x, a->dim);
        }
    }
    free(x);
    return (const unsigned char *const *)blocks;
}

int main(int argc, char **argv) {
    static const char *const types[] = {"f32", "f16", "q8_0"};
    if (argc != 8) {
        fprintf(stderr, "usage: attention_speed QUERIES KEYS HEADS SHARED DIM f32|f16|q8_0 causal|full\n");
        return 2;
    }
    int64_t n_heads = strtol(argv[3], NULL, 10), shared = strtol(argv[4], NULL, 10);
    vtk_attention a = {.n_pos = strtol(argv[1], NULL, 10), .n_keys = strtol(argv[2], NULL, 10), .n_shared = shared, .dim = strtol(argv[5], NULL, 10),
                       .left = VTK_ALL, .right = strcmp(argv[7], "full") == 0 ? VTK_ALL : 0, .scale = 0.125f};
    while (a.type < VTK_N_KV - 1 && strcmp(argv[6], types[a.type]) != 0) a.type++;
    a.pos = a.n_keys - a.n_pos;
    a.ld = n_heads * a.dim;
    a.blocks = cache(&a, n_heads / shared);
    float *q = room((size_t)(a.n_pos * a.ld) * 4), *out = room((size_t)(a.n_pos * a.ld) * 4);
    for (int64_t i = 0; i < a.n_pos * a.ld; i++) q[i] = (float)(i * 29 % 64) / 32 - 1;
    a.scratch = room(VTK_ATTENTION_SCRATCH(a.dim) * 4);
    double best = 1e9, pairs = 0, begin = seconds();
    for (int64_t i = 0; i < a.n_pos; i++) pairs += (double)(a.right ? a.n_keys : a.pos + i + 1);
    for (int run = 0; run < 3 || seconds() - begin < 0.4; run++) {
        double t0 = seconds();
        for (int64_t h = 0; h < n_heads; h += shared) {
            a.q = q + h * a.dim;
            a.out = out + h * a.dim;
            a.k_offset = 2 * vtk_kv_size(a.type, a.dim) * (size_t)(h / shared);
            a.v_offset = a.k_offset + vtk_kv_size(a.type, a.dim);
            vtk_get()->attention(&a);
        }
        double t = seconds() - t0;
        best = t < best ? t : best;
    }
    printf("%.4f ms %.1f GFLOP/s %s\n", best * 1e3, 4e-9 * pairs * (double)(n_heads * a.dim) / best, vtk_get()->isa);
    return 0;
}
