#include "cluster/state.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"

/* Objects are worked on in chunks of at least MIN_CHUNK, at most MAX_CHUNKS of them: a function of n alone, since sums are taken chunk by chunk. */
enum { MIN_CHUNK = 4096, MAX_CHUNKS = 64, SUM_SIZE = sizeof(vt__sum), BLOCK_SIZE = 1 << 18 };

static int64_t chunk_size(int64_t n) { return n > (int64_t)MIN_CHUNK * MAX_CHUNKS ? (n + MAX_CHUNKS - 1) / MAX_CHUNKS : MIN_CHUNK; }
static int64_t n_chunks(int64_t n) { return (n + chunk_size(n) - 1) / chunk_size(n); }

typedef struct chunks {
    vt__medoid_state *state;
    int32_t slot;
    int64_t own;
    const void *column;
    int64_t n_lost[MAX_CHUNKS];
} chunks;

static void range_of(const chunks *c, int64_t chunk, int64_t *first, int64_t *last) {
    int64_t n = c->state->near.m.n, size = chunk_size(n);
    *first = chunk * size;
    *last = *first + size < n ? *first + size : n;
}

static void removal_chunk(void *user, int64_t chunk) {
    const chunks *c = user;
    const vt__nearest_two *near = &c->state->near;
    int64_t first, last;
    range_of(c, chunk, &first, &last);
    near->vtk->medoid_removal[near->type]((char *)c->state->partial + (size_t)(chunk * near->m.k) * SUM_SIZE, &near->m, first, last);
}

static void sum_removal(vt__medoid_state *s) {
    chunks c = {.state = s};
    const int64_t k = s->near.m.k, n = n_chunks(s->near.m.n);
    const vt__sum *partial = s->partial;
    vt__sum *removal = s->removal;
    vt__parallel(s->near.ctx, n, removal_chunk, &c);
    memcpy(removal, partial, (size_t)k * SUM_SIZE);
    for (int64_t i = k; i < n * k; i++) {
        if (vt__is_whole(s->near.distance)) removal[i % k].whole += partial[i].whole;
        else removal[i % k].real += partial[i].real;
    }
}

vt_status vt__state_init(vt__medoid_state *s, const vt__cluster_work *work) {
    vt_context *ctx = work->ctx;
    const int64_t k = work->k, fit = BLOCK_SIZE / (k * (int64_t)vt__distance_size(work->distance)) + 1;
    *s = (vt__medoid_state){.medoids = work->medoids, .n_rows = fit < work->n ? fit : work->n};
    vt_status st = vt__nearest_init(&s->near, work);
    if (st != VT_OK) return st;
    s->scratch_size = ((size_t)k * SUM_SIZE + 63) / 64 * 64;
    s->removal = vt__alloc64_2(ctx, k, 1, SUM_SIZE);
    s->partial = vt__alloc64_2(ctx, n_chunks(work->n), k, SUM_SIZE);
    s->scratch = vt__alloc64_2(ctx, VT__SEARCH_LANES, 1, s->scratch_size);
    s->lost = vt__alloc64_2(ctx, work->n, 1, sizeof *s->lost);
    s->rows = vt__alloc64_2(ctx, s->n_rows, 1, sizeof *s->rows);
    s->block = vt__alloc64_2(ctx, s->n_rows, k, vt__distance_size(work->distance));
    if (!s->removal || !s->partial || !s->scratch || !s->lost || !s->rows || !s->block) return vt__fail_nomem("cluster", VT__SEARCH_LANES * s->scratch_size);
    st = vt__nearest_assign(&s->near, work->medoids, k, work->watch);
    if (st == VT_OK) sum_removal(s);
    return st;
}

void vt__state_free(vt__medoid_state *s) {
    vt_context *ctx = s->near.ctx;
    vt__free(ctx, s->block);
    vt__free(ctx, s->rows);
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
    for (int64_t i = 1; i < n_chunks(c->state->near.m.n); i++) {
        range_of(c, i, &first, &last);
        memmove(lost + n, lost + first, (size_t)c->n_lost[i] * sizeof *lost);
        n += c->n_lost[i];
    }
    return n;
}

static vt_status rescan(const vt__medoid_state *s, const chunks *c, const int32_t *objects, int64_t n) {
    const vt__nearest_two *near = &s->near;
    for (int64_t i = 0; i < n; i++) s->rows[i] = objects[i];
    vt_status st = vt__distance_gather(near->distance, s->rows, n, s->medoids, near->m.k, s->block);
    if (st == VT_OK) near->vtk->medoid_rescan[near->type](&near->m, c->slot, c->column, objects, n, s->block);
    return st;
}

vt_status vt__state_take(void *user, const vt__move *move, int64_t j, const void *column) {
    vt__medoid_state *s = user;
    chunks c = {.state = s, .slot = move->slot, .own = j, .column = column};
    vt_status st = VT_OK;
    vt__parallel(s->near.ctx, n_chunks(s->near.m.n), swap_chunk, &c);
    int64_t n_lost = join_lost(&c);
    for (int64_t i = 0; i < n_lost && st == VT_OK; i += s->n_rows) st = rescan(s, &c, s->lost + i, n_lost - i < s->n_rows ? n_lost - i : s->n_rows);
    if (st == VT_OK) sum_removal(s);
    return st;
}

vt__sum vt__state_loss(void *user) { return vt__nearest_loss(&((const vt__medoid_state *)user)->near); }
