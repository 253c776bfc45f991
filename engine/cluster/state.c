#include "cluster/state.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/window.h"

/* Objects a chunk of a pass: sums are taken chunk by chunk, so this is a function of n alone. Swaps touch little of what they look at. */
enum { SUM_CHUNK = 4096, SWAP_CHUNK = 16384, MAX_CHUNKS = 64, GRAIN = 16, SUM_SIZE = sizeof(vt__sum) };
/* Distances to medoids that are gathered at a time, and those looked up in a chunk of parallel work. */
enum { BLOCK_SIZE = 1 << 18, RESCAN_CHUNK = 2048 };

static int64_t n_chunks(int64_t n, int64_t size) { return n > size * MAX_CHUNKS ? MAX_CHUNKS : (n + size - 1) / size; }

typedef struct chunks {
    vt__medoid_state *state;
    int64_t n; /* chunks */
    int32_t slot;
    int64_t own;
    const void *column;
    const int32_t *lost; /* [n_objects] objects to be rescanned */
    int64_t n_objects;
    int64_t n_lost[MAX_CHUNKS];
} chunks;

static void range_of(const chunks *c, int64_t chunk, int64_t *first, int64_t *last) {
    vt__chunk_range(c->state->near.m.n, GRAIN, c->n, chunk, first, last);
}

static void removal_chunk(void *user, int64_t chunk) {
    const chunks *c = user;
    const vt__nearest_two *near = &c->state->near;
    int64_t first, last;
    range_of(c, chunk, &first, &last);
    near->vtk->medoid_removal[near->type]((char *)c->state->partial + (size_t)(chunk * near->m.k) * SUM_SIZE, &near->m, first, last);
}

static void sum_removal(vt__medoid_state *s) {
    const int64_t k = s->near.m.k, n = n_chunks(s->near.m.n, SUM_CHUNK);
    chunks c = {.state = s, .n = n};
    const vt__sum *partial = s->partial;
    vt__sum *removal = s->removal;
    vt__parallel(s->near.ctx, n, removal_chunk, &c);
    memcpy(removal, partial, (size_t)k * SUM_SIZE);
    for (int64_t i = k; i < n * k; i++) {
        if (vt__is_whole(s->near.distance)) removal[i % k].whole += partial[i].whole;
        else removal[i % k].real += partial[i].real;
    }
}

/* Where distances to the medoids are found: the columns of a matrix where they lie, or a block that is gathered when it is wanted. */
static vt_status find_columns(vt__medoid_state *s, const vt__cluster_work *work) {
    const int64_t k = work->k;
    const size_t size = vt__distance_size(work->distance);
    vt__window window;
    vt_status st = vt__window_init(&window, work->distance, 1);
    if (st == VT_OK && !vt__window_is_view(&window)) {
        int64_t fit = BLOCK_SIZE / (k * (int64_t)size) + 1;
        s->n_rows = fit < work->n ? fit : work->n;
        s->rows = vt__alloc64_2(work->ctx, s->n_rows, 1, sizeof *s->rows);
        s->block = vt__alloc64_2(work->ctx, s->n_rows, k, size);
        if (!s->rows || !s->block) st = vt__fail_nomem("cluster", (size_t)(s->n_rows * k) * size);
    }
    for (int64_t i = 0; i < k && st == VT_OK; i++) {
        if (!s->block) st = vt__window_load(&window, &work->medoids[i], 1);
        s->columns[i] = s->block ? (const char *)s->block + (size_t)i * size : window.columns[0];
    }
    vt__window_free(&window);
    return st;
}

vt_status vt__state_init(vt__medoid_state *s, const vt__cluster_work *work) {
    vt_context *ctx = work->ctx;
    const int64_t k = work->k;
    *s = (vt__medoid_state){.medoids = work->medoids};
    vt_status st = vt__nearest_init(&s->near, work);
    if (st != VT_OK) return st;
    s->scratch_size = ((size_t)k * SUM_SIZE + 63) / 64 * 64;
    s->removal = vt__alloc64_2(ctx, k, 1, SUM_SIZE);
    s->partial = vt__alloc64_2(ctx, n_chunks(work->n, SUM_CHUNK), k, SUM_SIZE);
    s->scratch = vt__alloc64_2(ctx, VT__SEARCH_LANES, 1, s->scratch_size);
    s->lost = vt__alloc64_2(ctx, work->n, 1, sizeof *s->lost);
    s->columns = vt__calloc2(ctx, k, 1, sizeof *s->columns);
    if (!s->removal || !s->partial || !s->scratch || !s->lost || !s->columns) return vt__fail_nomem("cluster", VT__SEARCH_LANES * s->scratch_size);
    st = find_columns(s, work);
    if (st == VT_OK) st = vt__nearest_assign(&s->near, work->medoids, k, work->watch);
    if (st == VT_OK) sum_removal(s);
    return st;
}

void vt__state_free(vt__medoid_state *s) {
    vt_context *ctx = s->near.ctx;
    vt__free(ctx, s->block);
    vt__free(ctx, s->rows);
    vt__free(ctx, s->columns);
    vt__free(ctx, s->lost);
    vt__free(ctx, s->scratch);
    vt__free(ctx, s->partial);
    vt__free(ctx, s->removal);
    vt__nearest_free(&s->near);
}

void vt__state_judge(void *user, int64_t lane, int64_t j, const void *column, vt__move *out) {
    vt__medoid_state *s = user;
    (void)j;
    s->near.vtk->medoid_judge[s->near.type](&out->change, &out->slot, s->scratch + (size_t)lane * s->scratch_size, &s->near.m, s->removal, column);
}

static void swap_chunk(void *user, int64_t chunk) {
    chunks *c = user;
    const vt__nearest_two *near = &c->state->near;
    int64_t first, last;
    range_of(c, chunk, &first, &last);
    c->n_lost[chunk] = near->vtk->medoid_swap[near->type](&near->m, c->slot, c->own, c->column, first, last, c->state->lost + first);
}

/* Moves the lists of all chunks together; their length. */
static int64_t join_lost(const chunks *c) {
    int32_t *lost = c->state->lost;
    int64_t n = c->n_lost[0], first, last;
    for (int64_t i = 1; i < c->n; i++) {
        range_of(c, i, &first, &last);
        memmove(lost + n, lost + first, (size_t)c->n_lost[i] * sizeof *lost);
        n += c->n_lost[i];
    }
    return n;
}

static void rescan_chunk(void *user, int64_t chunk) {
    const chunks *c = user;
    const vt__medoid_state *s = c->state;
    int64_t first, last, row = s->block ? s->near.m.k : 0;
    vt__chunk_range(c->n_objects, 1, c->n, chunk, &first, &last);
    s->near.vtk->medoid_rescan[s->near.type](&s->near.m, c->slot, c->column, c->lost + first, last - first, s->columns, row, first);
}

static vt_status rescan(chunks *c, const int32_t *lost, int64_t n) {
    vt__medoid_state *s = c->state;
    vt_status st = VT_OK;
    int64_t together = s->block ? s->n_rows : n, a_chunk = RESCAN_CHUNK / s->near.m.k + 1;
    for (int64_t i = 0; i < n && st == VT_OK; i += together) {
        c->lost = lost + i;
        c->n_objects = n - i < together ? n - i : together;
        c->n = (c->n_objects + a_chunk - 1) / a_chunk;
        for (int64_t r = 0; s->block && r < c->n_objects; r++) s->rows[r] = c->lost[r];
        if (s->block) st = vt__distance_gather(s->near.distance, s->rows, c->n_objects, s->medoids, s->near.m.k, s->block);
        if (st == VT_OK) vt__parallel(s->near.ctx, c->n, rescan_chunk, c);
    }
    return st;
}

vt_status vt__state_take(void *user, const vt__move *move, int64_t j, const void *column) {
    vt__medoid_state *s = user;
    chunks c = {.state = s, .n = n_chunks(s->near.m.n, SWAP_CHUNK), .slot = move->slot, .own = j, .column = column};
    if (!s->block) s->columns[move->slot] = column;
    vt__parallel(s->near.ctx, c.n, swap_chunk, &c);
    vt_status st = rescan(&c, s->lost, join_lost(&c));
    if (st == VT_OK) sum_removal(s);
    return st;
}

vt__sum vt__state_loss(void *user) { return vt__nearest_loss(&((const vt__medoid_state *)user)->near); }
