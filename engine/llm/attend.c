/* Who computes which part of attention. Rows of one sequence at consecutive positions make a tile, which walks over the keys once for all of
 * its queries; a tile and a key/value head are a unit of work. Where there are fewer units than would keep all threads busy, as with one row of a
 * long sequence, units are cut along the keys and their parts merged. The kernel's results do not depend on any of this. */
#include "core/context.h"
#include "core/pool.h"
#include "kv/cache.h"
#include "llm/model_internal.h"
#include "llm/pass.h"
#include "vtk.h"

enum {
    GRAIN = 1 << 15,     /* products a chunk at least: below, handing it over costs more than doing it */
    ROWS_AT_ONCE = 12,   /* of the kernel */
    MIN_SPLIT_GROUPS = 3 /* groups of keys from which a lone unit is cut */
};

typedef struct attend_plan {
    const vt__pass *p;
    int32_t layer;
    int64_t window;
    int64_t n_tiles, n_units; /* tiles; tiles times key/value heads times pieces */
    int64_t n_chunks;
    int64_t first_group, n_groups, n_pieces; /* of keys, if the only tile is cut into pieces; else n_pieces is 1 */
} attend_plan;

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* The first position that one at pos sees. */
static int64_t first_seen(int64_t pos, int64_t window) { return window > 0 && pos >= window ? pos - window + 1 : 0; }

static int64_t shared_heads(const vt__pass *p) { return p->model->hp.n_heads / p->model->hp.n_kv_heads; }

/* Positions a tile: as many as the kernel takes at once, fewer while some threads would have nothing. */
static int64_t tile_positions(const vt__pass *p) {
    int64_t shared = shared_heads(p), n_kv_heads = p->model->hp.n_kv_heads, n = max_of(VTK_QUERIES / shared, 1);
    while (n * shared >= 2 * ROWS_AT_ONCE && (p->n_rows + n - 1) / n * n_kv_heads < p->ws->n_chunks) n = (n + 1) / 2;
    return n;
}

static void cut_rows(attend_plan *plan) {
    const vt__pass *p = plan->p;
    int64_t most = tile_positions(p), n = 0;
    int32_t *tiles = p->ws->tiles;
    for (int64_t i = 0; i < p->n_rows; i++) {
        const vt__row *row = &p->rows[i];
        if (n == 0 || i - tiles[n - 1] == most || row->blocks != row[-1].blocks || row->pos != row[-1].pos + 1) tiles[n++] = (int32_t)i;
    }
    tiles[n] = (int32_t)p->n_rows;
    plan->n_tiles = n;
}

/* Cuts a single tile along the keys if its heads do not fill the threads evenly. */
static void cut_keys(attend_plan *plan) {
    const vt__pass *p = plan->p;
    int64_t n_heads = p->model->hp.n_kv_heads, n_threads = vt__context_threads(p->ws->ctx), last = p->rows[p->n_rows - 1].pos;
    plan->n_pieces = 1;
    plan->first_group = first_seen(p->rows[0].pos, plan->window) / VTK_KEYS;
    plan->n_groups = last / VTK_KEYS + 1 - plan->first_group;
    size_t need = (size_t)(p->n_rows * p->model->hp.n_heads * plan->n_groups) * VTK_PART_SIZE(p->model->hp.head_dim);
    if (plan->n_tiles > 1 || n_heads % n_threads == 0 || n_heads >= p->ws->n_chunks || plan->n_groups < MIN_SPLIT_GROUPS || need > p->ws->n_parts) return;
    plan->n_pieces = min_of((p->ws->n_chunks + n_heads - 1) / n_heads, plan->n_groups);
}

static vtk_attention unit(const attend_plan *plan, int64_t tile, int32_t head, float *scratch) {
    const vt__pass *p = plan->p;
    const vt__hparams *hp = &p->model->hp;
    int64_t row = p->ws->tiles[tile], end = p->ws->tiles[tile + 1], at = (row * hp->n_heads + head * shared_heads(p)) * hp->head_dim;
    return (vtk_attention){
        .out = p->ws->att + at,
        .q = p->ws->q + at,
        .ld = hp->n_heads * hp->head_dim,
        .n_pos = end - row,
        .n_shared = shared_heads(p),
        .dim = hp->head_dim,
        .blocks = (const unsigned char *const *)p->rows[row].blocks,
        .k_offset = vt__kv_k_offset(p->kv, plan->layer, head),
        .v_offset = vt__kv_v_offset(p->kv, plan->layer, head),
        .type = vt__kv_type(p->kv),
        .pos = p->rows[row].pos,
        .n_keys = p->rows[end - 1].pos + 1,
        .left = plan->window > 0 ? plan->window - 1 : VTK_ALL,
        .right = 0,
        .scale = hp->attn_scale,
        .softcap = hp->attn_softcap,
        .scratch = scratch,
    };
}

static float *parts_of(const attend_plan *plan, int64_t head) {
    size_t rows = (size_t)(plan->p->n_rows * shared_heads(plan->p));
    return plan->p->ws->parts + (size_t)(head * plan->n_groups) * rows * VTK_PART_SIZE(plan->p->model->hp.head_dim);
}

/* Units of a tile lie far apart, so that the long ones at the end of a prompt are spread over the chunks. */
static void attend_chunk(void *user, int64_t chunk) {
    const attend_plan *plan = user;
    int64_t n_heads = plan->p->model->hp.n_kv_heads;
    float *scratch = plan->p->ws->attention + (size_t)chunk * VTK_ATTENTION_SCRATCH(plan->p->model->hp.head_dim);
    for (int64_t u = chunk; u < plan->n_units; u += plan->n_chunks) {
        int64_t piece = u % plan->n_pieces, head = u / plan->n_pieces % n_heads, tile = u / plan->n_pieces / n_heads, first, last;
        vtk_attention a = unit(plan, tile, (int32_t)head, scratch);
        if (plan->n_pieces == 1) {
            vtk_get()->attention(&a);
            continue;
        }
        vt__chunk_range(plan->n_groups, 1, plan->n_pieces, piece, &first, &last);
        float *parts = parts_of(plan, head) + (size_t)(first * a.n_pos * a.n_shared) * VTK_PART_SIZE(a.dim);
        vtk_get()->attention_parts(&a, plan->first_group + first, plan->first_group + last, parts);
    }
}

static void merge_head(void *user, int64_t head) {
    const attend_plan *plan = user;
    vtk_attention a = unit(plan, 0, (int32_t)head, NULL);
    vtk_get()->attention_merge(&a, parts_of(plan, head), plan->first_group, plan->first_group + plan->n_groups);
}

void vt__pass_attend(vt__pass *p, int32_t layer, int64_t window) {
    const vt__hparams *hp = &p->model->hp;
    attend_plan plan = {.p = p, .layer = layer, .window = window};
    int64_t work = 0;
    for (int64_t i = 0; i < p->n_rows; i++) work += (p->rows[i].pos + 1 - first_seen(p->rows[i].pos, window)) * hp->n_heads * hp->head_dim;
    cut_rows(&plan);
    cut_keys(&plan);
    plan.n_units = plan.n_tiles * hp->n_kv_heads * plan.n_pieces;
    plan.n_chunks = min_of(min_of(p->ws->n_chunks, plan.n_units), 1 + work / GRAIN);
    vt__parallel(p->ws->ctx, plan.n_chunks, attend_chunk, &plan);
    if (plan.n_pieces == 1) return;
    if (plan.n_groups * hp->n_heads * hp->head_dim >= 4 * GRAIN) vt__parallel(p->ws->ctx, hp->n_kv_heads, merge_head, &plan);
    else
        for (int64_t head = 0; head < hp->n_kv_heads; head++) merge_head(&plan, head);
}
