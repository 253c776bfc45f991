#include "cluster/state.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/window.h"

/* Objects a chunk of a pass, at most while MAX_CHUNKS allow it; FEW are one chunk. Sums are taken chunk by chunk, so this is a function of n alone; two
 * threads want an even number of chunks, and few, since a swap is short. */
enum { FEW = 2048, CHUNK = 4096, MAX_CHUNKS = 64, GRAIN = 16, SUM_SIZE = sizeof(vt__sum) };
/* Distances to medoids that are gathered at a time, and those compared in a chunk of parallel work. */
enum { BLOCK_SIZE = 1 << 18, RESCAN_CHUNK = 4096 };

static int64_t n_chunks(int64_t n) {
    int64_t pairs = (n + 2 * CHUNK - 1) / (2 * CHUNK);
    if (n <= FEW) return 1;
    return 2 * pairs < MAX_CHUNKS ? 2 * pairs : MAX_CHUNKS;
}

/* A swap: chunks of all objects, or of gathered ones. */
typedef struct update {
    vt__medoid_state *state;
    int32_t slot;
    int64_t own;
    const void *column;
    int64_t n_lost[MAX_CHUNKS];
    const int32_t *gathered; /* [n_gathered] lost objects whose distances are in the block */
    int64_t n_gathered, n_chunks;
} update;

static void range_of(const update *u, int64_t chunk, int64_t *first, int64_t *last) {
    int64_t n = u->state->near.m.n;
    vt__chunk_range(n, GRAIN, n_chunks(n), chunk, first, last);
}

static void removal_chunk(void *user, int64_t chunk) {
    const update *u = user;
    const vt__nearest_two *near = &u->state->near;
    int64_t first, last;
    range_of(u, chunk, &first, &last);
    near->vtk->medoid_removal[near->type]((char *)u->state->partial + (size_t)(chunk * near->m.k) * SUM_SIZE, &near->m, first, last);
}

/* From the sums of chunks to those of all objects. */
static void add_removal(vt__medoid_state *s) {
    const int64_t k = s->near.m.k, n = n_chunks(s->near.m.n);
    const vt__sum *partial = s->partial;
    vt__sum *removal = s->removal;
    memcpy(removal, partial, (size_t)k * SUM_SIZE);
    for (int64_t c = 1; c < n; c++)
        for (int64_t i = 0; i < k; i++) {
            if (vt__distance_is_whole(s->near.distance)) removal[i].whole += partial[c * k + i].whole;
            else removal[i].real += partial[c * k + i].real;
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
    s->near.m.removal_last = work->is_sample;
    s->scratch_size = ((size_t)k * SUM_SIZE + 63) / 64 * 64;
    s->removal = vt__alloc64_2(ctx, k, 1, SUM_SIZE);
    s->partial = vt__alloc64_2(ctx, n_chunks(work->n), k, SUM_SIZE);
    s->scratch = vt__alloc64_2(ctx, VT__SEARCH_LANES, 1, s->scratch_size);
    s->lost = vt__alloc64_2(ctx, work->n, 1, sizeof *s->lost);
    s->columns = vt__calloc2(ctx, k, 1, sizeof *s->columns);
    if (!s->removal || !s->partial || !s->scratch || !s->lost || !s->columns) return vt__fail_nomem("cluster", VT__SEARCH_LANES * s->scratch_size);
    st = find_columns(s, work);
    if (st == VT_OK) st = vt__nearest_assign(&s->near, work->medoids, k, work->watch);
    if (st != VT_OK) return st;
    update u = {.state = s};
    vt__parallel(ctx, n_chunks(work->n), removal_chunk, &u);
    add_removal(s);
    return VT_OK;
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

void vt__state_judge(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out) {
    vt__medoid_state *s = user;
    (void)j;
    s->near.vtk->medoid_judge[s->near.type](&out->change, &out->slot, s->scratch + (size_t)lane * s->scratch_size, &s->near.m, s->removal, column, next);
}

/* Everything that a swap changes for the objects of a chunk, if the columns of the medoids are at hand; else what can be done without them. */
static void swap_chunk(void *user, int64_t chunk) {
    update *u = user;
    const vt__medoid_state *s = u->state;
    const vt__nearest_two *near = &s->near;
    int64_t first, last;
    range_of(u, chunk, &first, &last);
    u->n_lost[chunk] = near->vtk->medoid_swap[near->type](&near->m, u->slot, u->own, u->column, first, last, s->lost + first);
    if (s->block) return;
    near->vtk->medoid_rescan[near->type](&near->m, u->slot, u->column, s->lost + first, u->n_lost[chunk], s->columns, 0, 0);
    removal_chunk(user, chunk);
}

/* Moves the lists of all chunks together; their length. */
static int64_t join_lost(const update *u) {
    int32_t *lost = u->state->lost;
    int64_t n = u->n_lost[0], first, last;
    for (int64_t i = 1; i < n_chunks(u->state->near.m.n); i++) {
        range_of(u, i, &first, &last);
        memmove(lost + n, lost + first, (size_t)u->n_lost[i] * sizeof *lost);
        n += u->n_lost[i];
    }
    return n;
}

static void rescan_chunk(void *user, int64_t chunk) {
    const update *u = user;
    const vt__medoid_state *s = u->state;
    int64_t first, last;
    vt__chunk_range(u->n_gathered, 1, u->n_chunks, chunk, &first, &last);
    s->near.vtk->medoid_rescan[s->near.type](&s->near.m, u->slot, u->column, u->gathered + first, last - first, s->columns, s->near.m.k, first);
}

/* Second medoids of all lost objects, by blocks of gathered distances. */
static vt_status rescan(update *u) {
    vt__medoid_state *s = u->state;
    const int64_t n_lost = join_lost(u), a_chunk = RESCAN_CHUNK / s->near.m.k + 1;
    vt_status st = VT_OK;
    for (int64_t i = 0; i < n_lost && st == VT_OK; i += s->n_rows) {
        u->gathered = s->lost + i;
        u->n_gathered = n_lost - i < s->n_rows ? n_lost - i : s->n_rows;
        u->n_chunks = (u->n_gathered + a_chunk - 1) / a_chunk;
        for (int64_t r = 0; r < u->n_gathered; r++) s->rows[r] = u->gathered[r];
        st = vt__distance_gather(s->near.distance, s->rows, u->n_gathered, s->medoids, s->near.m.k, s->block);
        if (st == VT_OK) vt__parallel(s->near.ctx, u->n_chunks, rescan_chunk, u);
    }
    return st;
}

vt_status vt__state_take(void *user, const vt__move *move, int64_t j, const void *column) {
    vt__medoid_state *s = user;
    update u = {.state = s, .slot = move->slot, .own = j, .column = column};
    if (!s->block) s->columns[move->slot] = column;
    vt__parallel(s->near.ctx, n_chunks(s->near.m.n), swap_chunk, &u);
    if (s->block) {
        vt_status st = rescan(&u);
        if (st != VT_OK) return st;
        vt__parallel(s->near.ctx, n_chunks(s->near.m.n), removal_chunk, &u);
    }
    add_removal(s);
    return VT_OK;
}

vt__sum vt__state_loss(void *user) { return vt__nearest_loss(&((const vt__medoid_state *)user)->near); }
