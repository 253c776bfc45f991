/* A limit only grows, and where it does a widening is noted: the object, and its limit before and after. A list that is some widenings behind takes in
 * the objects that have come within reach, each found by one look into the column of the widened object, since distances are symmetric here. A list that
 * is far behind is made anew. Every lane notes the same widenings, in the same order, so that a list may be brought up to date by any of them. */
#include "cluster/reach.h"

#include <string.h>

#include "core/memory.h"
#include "distance/window.h"

/* FEW objects need no lists. A list is at most 1/MOST of all objects long, those of a sample 1/USUAL of them; it may be n / LATE widenings behind. */
enum { FEW = 1000, MOST = 8, USUAL = 24, LATE = 16, N_SAMPLE = 16 };
/* Room for lists: 1/SHARE of the matrix, handed out in blocks. SLACK: a list may grow by 1/SLACK of its length. */
enum { SHARE = 8, BLOCK = 1 << 16, SLACK = 4, LINE = 64, AT_END = 16 };
enum { FIRST_SHIFT = 4, LAST_SHIFT = 6 };

/* ---- begin and end ---- */

static char *carve(char **at, size_t size) {
    char *p = *at;
    *at += (size + LINE - 1) / LINE * LINE;
    return p;
}

static int lane_init(vt__reach *r, vt__reach_lane *lane) {
    const size_t n = (size_t)r->n, size = vt__distance_size(r->distance), integers = n * sizeof(int32_t), distances = n * size;
    char *at = lane->memory = vt__alloc64(r->ctx, 3 * integers + 4 * sizeof *lane->objects * AT_END + 6 * distances + 2 * n * sizeof *lane->columns + 8 * LINE);
    if (!at) return 0;
    lane->limits = carve(&at, distances);
    lane->widened = (vtk_widening){(int32_t *)(void *)carve(&at, 2 * integers), carve(&at, 2 * distances), carve(&at, 2 * distances)};
    lane->columns = (const void **)(void *)carve(&at, 2 * n * sizeof *lane->columns);
    lane->objects = (int32_t *)(void *)carve(&at, integers + AT_END * sizeof *lane->objects);
    lane->distances = carve(&at, distances);
    return 1;
}

/* How many objects some candidates reach on average. */
static int64_t sample(const vt__reach *r, int64_t step) {
    const vt__reach_lane *lane = r->lanes;
    int64_t sum = 0;
    for (int64_t i = 0; i < N_SAMPLE; i++)
        sum += r->vtk->medoid_reach[r->type](lane->objects, lane->distances, lane->limits, r->n, vt__window_view(r->distance, i * step), NULL);
    return sum / N_SAMPLE;
}

/* The widest limits with which lists are short; 0 if there are none. */
static int find_shift(vt__reach *r, const vtk_medoids *m) {
    for (r->shift = FIRST_SHIFT; r->shift <= LAST_SHIFT; r->shift++) {
        r->vtk->medoid_limit[r->type](r->lanes->limits, m, r->shift);
        if (sample(r, r->n / N_SAMPLE) <= r->n / USUAL) return 1;
    }
    return 0;
}

void vt__reach_begin(vt__reach *r, vt_context *ctx, const vt_distance *distance, const vtk_medoids *m, int64_t n_lanes) {
    *r = (vt__reach){.ctx = ctx, .distance = distance, .vtk = vtk_get(), .type = vt__distance_type(distance), .n = m->n};
    const size_t size = vt__distance_size(r->distance);
    if (m->n < FEW || !vt__window_would_be_view(distance)) return;
    r->room_size = (size_t)m->n * (size_t)m->n / SHARE * size;
    r->lanes = vt__calloc2(ctx, n_lanes, 1, sizeof *r->lanes);
    int ok = r->lanes != NULL;
    for (; ok && r->n_lanes < n_lanes; r->n_lanes += ok) ok = lane_init(r, &r->lanes[r->n_lanes]);
    ok = ok && find_shift(r, m) && (r->room = vt__alloc64(ctx, r->room_size)) && (r->lists = vt__calloc2(ctx, m->n, 1, sizeof *r->lists));
    if (!ok) {
        vt__reach_free(r);
        r->ctx = ctx; /* asked once */
        return;
    }
    for (int64_t i = 1; i < n_lanes; i++) memcpy(r->lanes[i].limits, r->lanes->limits, (size_t)m->n * size);
}

void vt__reach_free(vt__reach *r) {
    for (int64_t i = 0; i < r->n_lanes; i++) vt__free(r->ctx, r->lanes[i].memory);
    if (!r->ctx) return;
    vt__free(r->ctx, r->lanes);
    vt__free(r->ctx, r->lists);
    vt__free(r->ctx, r->room);
    *r = (vt__reach){0};
}

/* ---- limits ---- */

void vt__reach_widen(vt__reach *r, int64_t i, const vtk_medoids *m, const int32_t *lost, int64_t n_lost) {
    vt__reach_lane *lane = &r->lanes[i];
    const size_t size = vt__distance_size(r->distance);
    if (lane->n_widened > r->n) { /* lists that have not seen these are too late anyhow */
        lane->base += lane->n_widened;
        lane->n_widened = 0;
    }
    const size_t at = (size_t)lane->n_widened;
    const vtk_widening to = {lane->widened.objects + at, (char *)lane->widened.from + at * size, (char *)lane->widened.to + at * size};
    const int64_t n = r->vtk->medoid_widen[r->type](&to, lane->limits, m, r->shift, lost, n_lost);
    for (int64_t e = 0; e < n; e++) lane->columns[lane->n_widened++] = vt__window_view(r->distance, to.objects[e]);
}

/* ---- lists ---- */

static char *distances_of(const vt__reach_list *list) { return (char *)(list->objects + list->capacity); }

/* A list of n with room for more, from the lane's block or a new one; 0 where the room is at an end. */
static int reserve(vt__reach *r, vt__reach_lane *lane, vt__reach_list *list, int64_t n) {
    const size_t size = vt__distance_size(r->distance);
    const int64_t capacity = (n + n / SLACK + 8) & ~(int64_t)7;
    const size_t needed = (size_t)capacity * (sizeof *list->objects + size);
    if (list->objects && list->capacity >= n) return 1;
    if ((size_t)(lane->end - lane->at) < needed) {
        const size_t block = (needed + BLOCK - 1) / BLOCK * BLOCK, first = atomic_fetch_add_explicit(&r->used, block, memory_order_relaxed);
        if (first > r->room_size || r->room_size - first < block) return 0;
        lane->at = r->room + first;
        lane->end = lane->at + block;
    }
    list->objects = (int32_t *)(void *)lane->at;
    list->capacity = (int32_t)capacity;
    lane->at += needed;
    return 1;
}

/* Widenings by their objects, ascending; there are few. */
static void sort(int32_t *found, int64_t n, const int32_t *objects) {
    for (int64_t i = 1; i < n; i++) {
        const int32_t e = found[i];
        int64_t at = i;
        for (; at > 0 && objects[found[at - 1]] > objects[e]; at--) found[at] = found[at - 1];
        found[at] = e;
    }
}

/* Objects of widenings to their places in the order of objects, with their distances to object j. From the end, and no farther than the first of them. */
static inline __attribute__((always_inline)) void merge(vt__reach_list *list, const int32_t *found, int64_t n, const int32_t *objects, const void *const *columns,
                                                        size_t offset, size_t size) {
    char *distances = distances_of(list);
    int64_t from = list->n - 1, to = list->n + n - 1;
    for (; n > 0; to--) {
        const int32_t e = found[n - 1];
        const int is_old = from >= 0 && list->objects[from] > objects[e];
        const char *d = is_old ? distances + (size_t)from * size : (const char *)columns[e] + offset;
        list->objects[to] = is_old ? list->objects[from] : objects[e];
        memcpy(distances + (size_t)to * size, d, size);
        from -= is_old;
        n -= !is_old;
    }
}

/* Takes the widenings since into a list; 0 if it has to be made anew. */
static int catch_up(const vt__reach *r, const vt__reach_lane *lane, vt__reach_list *list, int64_t j) {
    const size_t size = vt__distance_size(r->distance);
    const int64_t first = list->stamp - lane->base, n = lane->n_widened - first;
    if (!list->objects || first < 0 || n > r->n / LATE) return 0;
    if (n == 0) return 1;
    const vtk_widening since = {NULL, (char *)lane->widened.from + (size_t)first * size, (char *)lane->widened.to + (size_t)first * size};
    const int64_t n_found = r->vtk->medoid_widened[r->type](lane->objects, &since, lane->columns + first, n, j);
    if (list->n + n_found > list->capacity) return 0;
    sort(lane->objects, n_found, lane->widened.objects + first);
    if (size == 4) merge(list, lane->objects, n_found, lane->widened.objects + first, lane->columns + first, (size_t)j * 4, 4);
    else merge(list, lane->objects, n_found, lane->widened.objects + first, lane->columns + first, (size_t)j * 8, 8);
    list->n += (int32_t)n_found;
    list->stamp = lane->base + lane->n_widened;
    return 1;
}

void vt__reach_fetch(const vt__reach *r, int64_t j) {
    const vt__reach_list *list = &r->lists[j];
    if (list->n <= 0) return;
    const char *objects = (const char *)list->objects, *distances = distances_of(list);
    const size_t n = (size_t)list->n, size = vt__distance_size(r->distance);
    for (size_t at = 0; at < n * sizeof *list->objects; at += LINE) __builtin_prefetch(objects + at);
    for (size_t at = 0; at < n * size; at += LINE) __builtin_prefetch(distances + at);
}

int64_t vt__reach_find(vt__reach *r, int64_t i, int64_t j, const void *column, const void *next, const int32_t **objects, const void **distances) {
    vt__reach_lane *lane = &r->lanes[i];
    vt__reach_list *list = &r->lists[j];
    if (list->n < 0) return -1;
    if (catch_up(r, lane, list, j)) {
        *objects = list->objects;
        *distances = distances_of(list);
        return list->n;
    }
    const int64_t n = r->vtk->medoid_reach[r->type](lane->objects, lane->distances, lane->limits, r->n, column, next);
    *objects = lane->objects;
    *distances = lane->distances;
    if (n > r->n / MOST || !reserve(r, lane, list, n)) {
        list->n = -1;
        return n;
    }
    memcpy(list->objects, lane->objects, (size_t)n * sizeof *list->objects);
    memcpy(distances_of(list), lane->distances, (size_t)n * vt__distance_size(r->distance));
    list->n = (int32_t)n;
    list->stamp = lane->base + lane->n_widened;
    return n;
}
