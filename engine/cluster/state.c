/* A swap is taken over by every lane into its own copy of the state, at the beginning of the next block of judgements, in the same region of parallel
 * work. What is short is done by each for itself; what takes long, the second medoids of objects that have lost theirs and the sums of removals, lanes
 * look for in different places and copy from each other. */
#include "cluster/state.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/window.h"

/* Objects a chunk of sums, at most while there are chunks; FEW are one chunk. Sums are taken chunk by chunk, so this is a function of n alone; two threads
 * want an even number of chunks. */
enum { FEW = 2048, CHUNK = 4096, GRAIN = 16, SUM_SIZE = sizeof(vt__sum), LINE = 64 };
/* Distances to medoids that are gathered at a time, and those compared in a chunk of parallel work. */
enum { BLOCK_SIZE = 1 << 18, RESCAN_CHUNK = 4096 };

static int64_t n_chunks(int64_t n) {
    int64_t pairs = (n + 2 * CHUNK - 1) / (2 * CHUNK);
    if (n <= FEW) return 1;
    return 2 * pairs < VT__FIND_CHUNKS ? 2 * pairs : VT__FIND_CHUNKS;
}

/* ---- after a swap ---- */

/* Pieces of what all copies need. A lane that finds a piece begun but not done after about a microsecond does it too: the other may have lost its core. */
enum { SPINS = 512 };

static int claim(vt__find_piece *piece, int64_t swap) {
    long long seen = atomic_load_explicit(&piece->seen, memory_order_relaxed);
    return seen < 2 * swap && atomic_compare_exchange_strong_explicit(&piece->seen, &seen, 2 * swap, memory_order_relaxed, memory_order_relaxed);
}

static void finish(vt__find_piece *piece, int64_t swap) { atomic_store_explicit(&piece->seen, 2 * swap + 1, memory_order_release); }

static int is_done(vt__find_piece *piece, int64_t swap) {
    for (int i = 0; i < SPINS; i++)
        if (atomic_load_explicit(&piece->seen, memory_order_acquire) > 2 * swap) return 1;
    return 0;
}

static void rescan(const vt__medoid_state *s, const vt__medoid_copy *c, int64_t first, int64_t last) {
    s->near.vtk->medoid_rescan[s->near.type](&c->m, s->slot, s->column, c->lost + first, last - first, s->columns, 0, 0);
}

/* Second medoids of objects first..last-1 of the list, from the copy to the finds, or back. */
static void move_seconds(const vt__medoid_state *s, const vt__medoid_copy *c, int64_t first, int64_t last, int is_publishing) {
    const vt__medoid_finds *f = &s->finds;
    const size_t size = vt__distance_size(s->near.distance);
    for (int64_t i = first; i < last; i++) {
        const int32_t o = c->lost[i];
        int32_t *own_slot = &c->m.slot2[o], *found_slot = &f->slot2[i];
        char *own = (char *)c->m.d2 + (size_t)o * size, *found = (char *)f->d2 + (size_t)i * size;
        if (is_publishing) *found_slot = *own_slot;
        else *own_slot = *found_slot;
        if (size == 4) memcpy(is_publishing ? found : own, is_publishing ? own : found, 4);
        else memcpy(is_publishing ? found : own, is_publishing ? own : found, 8);
    }
}

static void find_seconds(vt__medoid_state *s, vt__medoid_copy *c, int64_t n_lost) {
    enum { N = VT__FIND_PIECES };
    const int64_t begin = (c - s->copies) * N / s->n_copies;
    unsigned is_found[N] = {0};
    for (int64_t i = 0; i < N; i++) {
        const int64_t piece = (begin + i) % N, first = n_lost * piece / N, last = n_lost * (piece + 1) / N;
        if (!claim(&s->finds.seconds[piece], s->n_taken)) continue;
        rescan(s, c, first, last);
        move_seconds(s, c, first, last, 1);
        finish(&s->finds.seconds[piece], s->n_taken);
        is_found[piece] = 1;
    }
    for (int64_t piece = 0; piece < N; piece++) {
        const int64_t first = n_lost * piece / N, last = n_lost * (piece + 1) / N;
        if (is_found[piece]) continue;
        if (is_done(&s->finds.seconds[piece], s->n_taken)) move_seconds(s, c, first, last, 0);
        else rescan(s, c, first, last);
    }
}

static void sum_chunk(const vt__medoid_state *s, const vt__medoid_copy *c, int64_t chunk, void *sums) {
    int64_t first, last;
    vt__chunk_range(c->m.n, GRAIN, n_chunks(c->m.n), chunk, &first, &last);
    s->near.vtk->medoid_removal[s->near.type](sums, &c->m, first, last);
}

static void *found_sums(const vt__medoid_state *s, int64_t chunk) { return (char *)s->finds.partial + (size_t)(chunk * s->near.m.k) * SUM_SIZE; }

/* What removals cost: sums of chunks, added in their order. */
static void find_removal(vt__medoid_state *s, vt__medoid_copy *c) {
    const int64_t n = n_chunks(c->m.n), begin = (c - s->copies) * n / s->n_copies;
    const int is_whole = vt__distance_is_whole(s->near.distance);
    vt__sum *removal = c->removal;
    for (int64_t i = 0; i < n; i++) {
        const int64_t chunk = (begin + i) % n;
        if (!claim(&s->finds.removals[chunk], s->n_taken)) continue;
        sum_chunk(s, c, chunk, found_sums(s, chunk));
        finish(&s->finds.removals[chunk], s->n_taken);
    }
    memset(removal, 0, (size_t)c->m.k * SUM_SIZE);
    for (int64_t chunk = 0; chunk < n; chunk++) {
        const int done = is_done(&s->finds.removals[chunk], s->n_taken);
        const vt__sum *sums = done ? found_sums(s, chunk) : c->partial;
        if (!done) sum_chunk(s, c, chunk, c->partial);
        for (int64_t i = 0; i < c->m.k; i++) {
            if (is_whole) removal[i].whole += sums[i].whole;
            else removal[i].real += sums[i].real;
        }
    }
}

/* The new medoid's column is near the core that has judged it. */
static void fetch_column(const vt__medoid_state *s) {
    const char *column = s->column;
    const size_t size = (size_t)s->near.m.n * vt__distance_size(s->near.distance);
    for (size_t at = 0; at < size; at += LINE) __builtin_prefetch(column + at);
}

/* The last swap, if it is not in the copy yet. The list of lost objects is the same in all copies. */
static void catch_up(vt__medoid_state *s, vt__medoid_copy *c) {
    if (c->n_taken == s->n_taken) return;
    c->n_taken = s->n_taken;
    if (s->n_copies > 1) fetch_column(s);
    int64_t n_lost = s->near.vtk->medoid_swap[s->near.type](&c->m, s->slot, s->own, s->column, 0, c->m.n, c->lost);
    if (s->n_copies > 1) find_seconds(s, c, n_lost);
    else rescan(s, c, 0, n_lost);
    if (s->reach.lists) vt__reach_widen(&s->reach, c - s->copies, &c->m, c->lost, n_lost);
    find_removal(s, c);
}

void vt__state_prepare(void *user, int64_t lane) {
    vt__medoid_state *s = user;
    if (lane < s->n_copies && !s->block) catch_up(s, &s->copies[lane]);
}

/* ---- before the first swap ---- */

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

/* The next n elements of a block, on lines of their own. */
static void *carve(char **at, int64_t n, size_t size) {
    void *p = *at;
    *at += ((size_t)n * size + LINE - 1) / LINE * LINE;
    return p;
}

static vt_status copy_init(vt__medoid_state *s, vt__medoid_copy *c) {
    enum { N_ARRAYS = 8 };
    const int is_first = c == s->copies;
    const int64_t n = is_first || !s->block ? s->near.m.n : 0, k = s->near.m.k;
    const size_t size = vt__distance_size(s->near.distance), an_object = 3 * sizeof(int32_t) + 2 * size, a_medoid = 3 * (size_t)SUM_SIZE;
    const size_t total = (size_t)n * an_object + (size_t)k * a_medoid + (size_t)N_ARRAYS * LINE;
    char *at = c->memory = vt__alloc64(s->near.ctx, total);
    if (!at) return vt__fail_nomem("cluster", total);
    c->m = s->near.m;
    c->n_taken = s->n_taken;
    c->scratch = carve(&at, k, SUM_SIZE);
    c->removal = n ? carve(&at, k, SUM_SIZE) : s->copies->removal;
    c->partial = carve(&at, k, SUM_SIZE);
    c->lost = carve(&at, n, sizeof *c->lost);
    if (is_first || !n) return VT_OK;
    c->m.slot1 = memcpy(carve(&at, n, sizeof *c->m.slot1), s->near.m.slot1, (size_t)n * sizeof *c->m.slot1);
    c->m.slot2 = memcpy(carve(&at, n, sizeof *c->m.slot2), s->near.m.slot2, (size_t)n * sizeof *c->m.slot2);
    c->m.d1 = memcpy(carve(&at, n, size), s->near.m.d1, (size_t)n * size);
    c->m.d2 = memcpy(carve(&at, n, size), s->near.m.d2, (size_t)n * size);
    return VT_OK;
}

static void sum_copy(void *user, int64_t i) {
    vt__medoid_state *s = user;
    find_removal(s, &s->copies[i]);
}

vt_status vt__state_init(vt__medoid_state *s, const vt__cluster_work *work) {
    vt_context *ctx = work->ctx;
    const int64_t n = work->n, k = work->k, threads = vt__context_threads(ctx), n_lanes = threads < VT__SEARCH_LANES ? threads : VT__SEARCH_LANES;
    *s = (vt__medoid_state){.medoids = work->medoids, .n_taken = 1};
    vt_status st = vt__nearest_init(&s->near, work);
    if (st != VT_OK) return st;
    s->near.m.removal_last = work->is_sample;
    s->columns = vt__calloc2(ctx, k, 1, sizeof *s->columns);
    s->copies = vt__calloc2(ctx, n_lanes, 1, sizeof *s->copies);
    s->finds.slot2 = vt__alloc64_2(ctx, n, 1, sizeof *s->finds.slot2);
    s->finds.d2 = vt__alloc64_2(ctx, n, 1, vt__distance_size(work->distance));
    s->finds.partial = vt__alloc64_2(ctx, n_chunks(n), k, SUM_SIZE);
    if (!s->columns || !s->copies || !s->finds.slot2 || !s->finds.d2 || !s->finds.partial)
        return vt__fail_nomem("cluster", (size_t)n * (sizeof *s->finds.slot2 + vt__distance_size(work->distance)));
    st = find_columns(s, work);
    if (st == VT_OK) st = vt__nearest_assign(&s->near, work->medoids, k, work->watch);
    while (st == VT_OK && s->n_copies < n_lanes) {
        st = copy_init(s, &s->copies[s->n_copies]);
        s->n_copies += st == VT_OK;
    }
    if (st == VT_OK) vt__parallel(ctx, s->block ? 1 : s->n_copies, sum_copy, s);
    return st;
}

void vt__state_free(vt__medoid_state *s) {
    vt_context *ctx = s->near.ctx;
    vt__reach_free(&s->reach);
    for (int64_t i = 0; i < s->n_copies; i++) vt__free(ctx, s->copies[i].memory);
    vt__free(ctx, s->copies);
    vt__free(ctx, s->finds.partial);
    vt__free(ctx, s->finds.d2);
    vt__free(ctx, s->finds.slot2);
    vt__free(ctx, s->block);
    vt__free(ctx, s->rows);
    vt__free(ctx, s->columns);
    vt__nearest_free(&s->near);
}

/* ---- for the search ---- */

const vtk_medoids *vt__state_medoids(const vt__medoid_state *s, int64_t lane) { return &s->copies[lane].m; }

void vt__state_judge(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out) {
    vt__medoid_state *s = user;
    const vt__medoid_copy *c = &s->copies[lane];
    const int32_t *objects;
    const void *distances;
    const int64_t n = s->reach.lists ? vt__reach_find(&s->reach, lane, j, column, next, &objects, &distances) : -1;
    if (n < 0) s->near.vtk->medoid_judge[s->near.type](&out->change, &out->slot, c->scratch, &c->m, c->removal, column, next);
    else s->near.vtk->medoid_judge_reach[s->near.type](&out->change, &out->slot, c->scratch, &c->m, c->removal, objects, distances, n);
}

void vt__state_fetch(void *user, int64_t lane, int64_t j) {
    const vt__medoid_state *s = user;
    (void)lane;
    if (s->reach.lists) vt__reach_fetch(&s->reach, j);
}

/* Lost objects whose distances to all medoids are in the block. */
typedef struct gathered {
    const vt__medoid_state *state;
    const int32_t *objects;
    int64_t n, n_chunks;
} gathered;

static void rescan_gathered(void *user, int64_t chunk) {
    const gathered *g = user;
    const vt__medoid_state *s = g->state;
    int64_t first, last;
    vt__chunk_range(g->n, 1, g->n_chunks, chunk, &first, &last);
    s->near.vtk->medoid_rescan[s->near.type](&s->near.m, s->slot, s->column, g->objects + first, last - first, s->columns, s->near.m.k, first);
}

/* Second medoids of all lost objects, by blocks of gathered distances. */
static vt_status gather_seconds(vt__medoid_state *s, const int32_t *lost, int64_t n_lost) {
    const int64_t a_chunk = RESCAN_CHUNK / s->near.m.k + 1;
    vt_status st = VT_OK;
    for (int64_t i = 0; i < n_lost && st == VT_OK; i += s->n_rows) {
        gathered g = {.state = s, .objects = lost + i, .n = n_lost - i < s->n_rows ? n_lost - i : s->n_rows};
        g.n_chunks = (g.n + a_chunk - 1) / a_chunk;
        for (int64_t r = 0; r < g.n; r++) s->rows[r] = g.objects[r];
        st = vt__distance_gather(s->near.distance, s->rows, g.n, s->medoids, s->near.m.k, s->block);
        if (st == VT_OK) vt__parallel(s->near.ctx, g.n_chunks, rescan_gathered, &g);
    }
    return st;
}

/* Where columns do not stay, the swap is done at once, for everybody. */
static vt_status take_now(vt__medoid_state *s) {
    vt__medoid_copy *c = s->copies;
    vt_status st = gather_seconds(s, c->lost, s->near.vtk->medoid_swap[s->near.type](&c->m, s->slot, s->own, s->column, 0, c->m.n, c->lost));
    c->n_taken = s->n_taken;
    if (st == VT_OK) find_removal(s, c);
    return st;
}

/* Lists of what candidates reach pay where swaps have become rare. */
enum { OFTEN = 6 };
void vt__state_begin_pass(void *user, int64_t n_swap) {
    vt__medoid_state *s = user;
    if (s->block || s->reach.ctx || n_swap > s->near.m.n / OFTEN) return;
    for (int64_t i = 0; i < s->n_copies; i++) vt__state_prepare(s, i);
    vt__reach_begin(&s->reach, s->near.ctx, s->near.distance, &s->near.m, s->n_copies);
}

vt_status vt__state_take(void *user, const vt__move *move, int64_t j, const void *column) {
    vt__medoid_state *s = user;
    for (int64_t i = 0; i < s->n_copies; i++) vt__state_prepare(s, i); /* a copy is one swap behind at most */
    s->n_taken++;
    s->slot = move->slot;
    s->own = j;
    s->column = column;
    if (s->block) return take_now(s);
    s->columns[move->slot] = column;
    return VT_OK;
}

vt__sum vt__state_loss(void *user) {
    vt__medoid_state *s = user;
    vt__state_prepare(s, 0);
    return vt__nearest_loss(&s->near);
}

void vt__state_report(vt__medoid_state *s, vt__cluster_work *work) {
    vt__state_prepare(s, 0);
    vt__nearest_report(&s->near, work);
}
