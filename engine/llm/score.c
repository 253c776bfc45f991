#include "llm/score.h"

#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "vtk.h"

enum { TILE = 256, CHUNKS_A_THREAD = 4 }; /* TILE: whole panels; with 128 rows half of a core's second cache */

static int64_t tiles_of(int64_t n_vocab) { return (n_vocab + TILE - 1) / TILE; }
static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

vt_status vt__scorer_init(vt__scorer *s, vt_context *ctx, int64_t n_vocab, int64_t max_rows) {
    int32_t n_threads = vt__context_threads(ctx);
    *s = (vt__scorer){.ctx = ctx, .max_rows = max_rows, .n_chunks = n_threads == 1 ? 1 : CHUNKS_A_THREAD * n_threads};
    s->logits = vt__alloc64_2(ctx, s->n_chunks * max_rows, TILE, sizeof *s->logits);
    s->sums = vt__calloc2(ctx, tiles_of(n_vocab), max_rows, sizeof *s->sums);
    s->targets = vt__calloc2(ctx, max_rows, 1, sizeof *s->targets);
    if (s->logits && s->sums && s->targets) return VT_OK;
    vt__scorer_free(s);
    return vt__fail_nomem("session", (size_t)(s->n_chunks * max_rows) * TILE * sizeof(float));
}

void vt__scorer_free(vt__scorer *s) {
    if (!s->ctx) return;
    vt__free(s->ctx, s->logits);
    vt__free(s->ctx, s->sums);
    vt__free(s->ctx, s->targets);
    s->ctx = NULL;
}

/* A tile with a NaN or plus infinity has the sum NaN, and so has every sum that it is added to. */
static vt__tile_sum sum_tile(const float *logits, int64_t n) {
    const vtk_table *k = vtk_get();
    int64_t best = k->row_best(logits, n);
    double sums[2];
    if (best < 0) return (vt__tile_sum){0, (double)NAN};
    if (logits[best] == -INFINITY) return (vt__tile_sum){-INFINITY, 0};
    k->row_weights(sums, logits, n, logits[best]);
    return (vt__tile_sum){logits[best], sums[0]};
}

/* log(sum of exp) of all tiles, in their order. */
static double log_sum(const vt__tile_sum *tiles, int64_t n) {
    float max = -INFINITY;
    double sum = 0;
    for (int64_t t = 0; t < n; t++) max = tiles[t].max > max ? tiles[t].max : max;
    for (int64_t t = 0; t < n; t++) {
        if (tiles[t].max == -INFINITY) continue;
        sum += tiles[t].sum * exp((double)tiles[t].max - (double)max);
    }
    return (double)max + log(sum);
}

typedef struct score_job {
    vt__scorer *s;
    const vt__activations *in;
    const vt__matrix *output;
    float cap;
    const int32_t *ids;
} score_job;

static void score_tile(const score_job *j, int64_t tile, float *logits) {
    int64_t first = tile * TILE, n = min_of(TILE, j->output->rows - first), n_tiles = tiles_of(j->output->rows);
    vt__matrix rows = vt__matrix_rows(j->output, first, n);
    vt__linear_multiply(j->in, &(vt__product){&rows, logits, TILE});
    for (int64_t i = 0; i < j->in->n; i++) {
        float *row = logits + i * TILE;
        for (int64_t k = 0; j->cap > 0 && k < n; k++) row[k] = j->cap * tanhf(row[k] / j->cap);
        j->s->sums[i * n_tiles + tile] = sum_tile(row, n);
        if (j->ids[i] >= first && j->ids[i] < first + n) j->s->targets[i] = row[j->ids[i] - first];
    }
}

static void score_chunk(void *user, int64_t chunk) {
    const score_job *j = user;
    int64_t first, last;
    vt__chunk_range(tiles_of(j->output->rows), 1, j->s->n_chunks, chunk, &first, &last);
    for (int64_t t = first; t < last; t++) score_tile(j, t, j->s->logits + chunk * j->s->max_rows * TILE);
}

void vt__scorer_run(vt__scorer *s, const vt__activations *in, const vt__matrix *output, float cap, const int32_t *ids, double *out) {
    int64_t n_tiles = tiles_of(output->rows);
    score_job j = {s, in, output, cap, ids};
    vt__parallel(s->ctx, s->n_chunks, score_chunk, &j);
    for (int64_t i = 0; i < in->n; i++) out[i] = (double)s->targets[i] - log_sum(s->sums + i * n_tiles, n_tiles);
}

double vt__log_probability(const float *logits, int64_t n, int32_t id) {
    float max = -INFINITY;
    double sum = 0;
    for (int64_t t = 0; t < tiles_of(n); t++) {
        vt__tile_sum s = sum_tile(logits + t * TILE, min_of(TILE, n - t * TILE));
        max = s.max > max ? s.max : max;
    }
    for (int64_t t = 0; t < tiles_of(n); t++) {
        vt__tile_sum s = sum_tile(logits + t * TILE, min_of(TILE, n - t * TILE));
        if (s.max != -INFINITY) sum += s.sum * exp((double)s.max - (double)max);
    }
    return (double)logits[id] - ((double)max + log(sum));
}
