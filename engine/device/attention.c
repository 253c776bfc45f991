/* Attention over tiles: each tile of queries goes over the keys it sees once, with a running maximum and sum a row; scores exist for a tile at a time. Values
 * are divided by their sum at the end. Source: Dao 2023, algorithm 1.
 *
 * Panels of keys and values are made once for all queries of a head: where heads are many and short by the thread that goes on with the whole head, else by
 * all threads as far as a bounded block of memory reaches; beyond, and under masks whose blocks are not of whole panels, each tile of queries makes its own.
 * A tile's numbers depend on extents only, and tiles share nothing. */
#include "device/attention.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/device.h"

enum { QUERIES = VT__ATTN_QUERIES, KEYS = VT__ATTN_KEYS, FEW = 4 /* queries for which packing costs more than it saves */, MOST_PIECES = KEYS / VTK_GEMM_PANEL_F64 };
static const size_t OWN_PACKED = (size_t)1 << 19, LEAST_PACKED = (size_t)2 << 20, MOST_PACKED = (size_t)16 << 20; /* bytes; a thread's; all threads': a quarter of keys and values, between these */

/* Pieces of a slot: the scratch of what works through tiles of queries. Offsets. */
struct layout {
    size_t query_rows, key_rows, scores, values, panels, bias, max, sum, shrink, lse, first, last;
};

struct forward {
    struct vt__attn a;
    struct layout at;
    char *slots, *packed;
    size_t slot_size, packed_limit;
    int64_t value_width; /* dv in whole panels */
    int64_t pair0, pair1; /* those that are worked on; packed: their panels are made */
    int is_packed, may_pack, is_own; /* is_own: a task is a pair, whose panels are made in the slot */
    int64_t n_tasks;      /* in these pairs: tiles of queries, or pairs */
    atomic_llong next;    /* task */
};

/* The next tile of queries of a head, and a slot to work in. */
struct tile {
    const struct forward *f;
    const struct vt__attn_pair *pair;
    char *slot, *o, *panels; /* o: where values go; panels of the pair, NULL: not made */
    int64_t ld_o, head, row0, n;
};

/* The pair that number `at` of what `first` counts belongs to. */
static const struct vt__attn_pair *pair_of(const struct forward *f, int64_t at, int packs) {
    int64_t low = f->pair0, high = f->pair1 - 1;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if ((packs ? f->a.pairs[middle].first_pack : f->a.pairs[middle].first_task) <= at) low = middle;
        else high = middle - 1;
    }
    return &f->a.pairs[low];
}

static int64_t whole_panels(const struct vt__attn *a, int64_t n) { return (n + a->kind->panel - 1) / a->kind->panel * a->kind->panel; }

/* Where in panels made for `all` keys those of key `at` begin, which begins a panel. */
static char *key_panels(const struct vt__attn *a, char *panels, int64_t at) { return panels + (size_t)(at * a->d) * a->kind->size; }
static char *value_panels(const struct vt__attn *a, char *panels, int64_t all, int64_t at) {
    return panels + (size_t)(whole_panels(a, all) * a->d + at * a->kind->panel) * a->kind->size;
}

/* n keys from `from` on of a pair, into panels made for `all`, from key `at` on. rows: scratch. */
static void pack_keys(const struct vt__attn *a, const struct vt__attn_pair *pair, int64_t from, int64_t n, char *rows, char *panels, int64_t all, int64_t at) {
    int64_t ld;
    const void *k = vt__attn_rows(a, &a->k, pair->batch, pair->kv_head, pair->key + from, n, rows, &ld);
    vt__attn_pack(a, key_panels(a, panels, at), k, ld, n, a->d, 1, all);
    const void *v = vt__attn_rows(a, &a->v, pair->batch, pair->kv_head, pair->key + from, n, rows, &ld);
    vt__attn_pack(a, value_panels(a, panels, all, at), v, ld, n, a->dv, 0, all);
}

static void weigh(const struct tile *t, int64_t column0, int64_t n, char *s, struct vt__attn_range seen) {
    const struct forward *f = t->f;
    const struct vt__attn *a = &f->a;
    char *slot = t->slot;
    vtk_flash_weigh w = {.s = s, .ld = KEYS, .n_rows = t->n, .n = n, .first = seen.first, .last = seen.last, .factor = vt__attn_factor(a),
                         .max = slot + f->at.max, .sum = slot + f->at.sum, .shrink = slot + f->at.shrink};
    if (vt__attn_adjusts(a)) vt__attn_adjust(a, t->pair, t->head, 0, t->row0, t->n, column0, n, s, KEYS, slot + f->at.bias, NULL);
    a->fn->weigh(&w);
    if (a->keep < 1) {
        vt__attn_drop(a, t->pair, t->head, 0, t->row0, t->n, column0, n, slot + f->at.bias, KEYS);
        a->fn->multiply(s, KEYS, t->n, n, 1, slot + f->at.bias);
    }
}

static void fill(const struct vt__attn *a, void *x, int64_t n, double value) {
    for (int64_t i = 0; i < n; i++) {
        if (a->compute == VT_DTYPE_F32) ((float *)x)[i] = (float)value;
        else ((double *)x)[i] = value;
    }
}

/* Products of a few queries with rows of keys as they are, and of their weights with values: memory is what they wait for. */
static void scores_of_few(const struct tile *t, int64_t at, int64_t n, const char *q, int64_t ld_q, char *s) {
    const struct vt__attn *a = &t->f->a;
    int64_t ld;
    const void *k = vt__attn_rows(a, &a->k, t->pair->batch, t->pair->kv_head, t->pair->key + at, n, t->slot + t->f->at.key_rows, &ld);
    for (int64_t r = 0; r < t->n; r++) a->fn->dot(s + (size_t)(r * KEYS) * a->kind->size, k, ld, q + r * ld_q * (int64_t)a->kind->size, 0, n, a->d);
}

static void values_of_few(const struct tile *t, int64_t at, int64_t n, const char *s) {
    const struct vt__attn *a = &t->f->a;
    int64_t ld;
    const void *v = vt__attn_rows(a, &a->v, t->pair->batch, t->pair->kv_head, t->pair->key + at, n, t->slot + t->f->at.key_rows, &ld);
    for (int64_t r = 0; r < t->n; r++) a->fn->sum_rows(t->o + r * t->ld_o * (int64_t)a->kind->size, s + (size_t)(r * KEYS) * a->kind->size, v, ld, n, a->dv);
}

/* Up to KEYS keys for one step of the softmax: pieces that lie apart under a mask of blocks go together where nothing else depends on where they are. */
struct keys {
    int64_t at[MOST_PIECES], n[MOST_PIECES], all;
    int count;
};

/* started: there are values already. */
static void do_keys(const struct tile *t, const struct keys *k, const void *q, int64_t ld_q, int started) {
    const struct forward *f = t->f;
    const struct vt__attn *a = &f->a;
    char *slot = t->slot, *s = slot + f->at.scores, *panels = t->panels ? t->panels : slot + f->at.panels;
    int64_t *first = (int64_t *)(void *)(slot + f->at.first), *last = (int64_t *)(void *)(slot + f->at.last), at = k->at[0], size = (int64_t)a->kind->size;
    int64_t made_for = t->panels ? t->pair->n : k->n[0];
    struct vt__attn_range seen = {NULL, NULL};
    int few = t->pair->m <= FEW;
    if (k->count == 1 && vt__attn_seen(a, t->pair, 0, t->row0, t->n, at, k->all, first, last)) seen.first = first, seen.last = last;
    if (few) scores_of_few(t, at, k->all, q, ld_q, s);
    else if (!t->panels) pack_keys(a, t->pair, at, k->all, slot + f->at.key_rows, panels, k->all, 0);
    for (int64_t i = 0, column = 0; i < k->count && !few; column += k->n[i++])
        vt__attn_scores(a, s + column * size, KEYS, q, ld_q, key_panels(a, panels, t->panels ? k->at[i] : 0), t->n, k->n[i], a->d, seen);
    weigh(t, at, k->all, s, seen);
    if (started) a->fn->shrink(t->o, t->ld_o, t->n, a->dv, slot + f->at.shrink);
    if (few) values_of_few(t, at, k->all, s);
    for (int64_t i = 0, column = 0; i < k->count && !few; column += k->n[i++])
        vt__attn_multiply(a, t->o, t->ld_o, s + column * size, KEYS, value_panels(a, panels, made_for, t->panels ? k->at[i] : 0), made_for, t->n, a->dv, k->n[i], 1,
                          started || i > 0, seen);
}

/* Every row sees all of these keys, and their scores are products and nothing else. */
static int may_join(const struct tile *t, int64_t at, int64_t n) {
    const struct vt__attn *a = &t->f->a;
    int64_t *first = (int64_t *)(void *)(t->slot + t->f->at.first), *last = (int64_t *)(void *)(t->slot + t->f->at.last);
    return t->panels && t->pair->m > FEW && !vt__attn_adjusts(a) && a->keep == 1 && !vt__attn_seen(a, t->pair, 0, t->row0, t->n, at, n, first, last);
}

/* All keys that the tile sees. */
static void do_all_keys(const struct tile *t, const void *q, int64_t ld_q) {
    const struct vt__attn *a = &t->f->a;
    int64_t at, end, n, panel = a->kind->panel;
    struct keys k = {.count = 0};
    int started = 0;
    vt__attn_span(a, t->pair, 0, t->row0, t->n, &at, &end);
    for (at = at / panel * panel; (n = vt__attn_next(a, t->pair, t->head, 0, t->row0, &at, end, KEYS - k.all)) > 0 && !vt__cancel_is_left(); at += n) {
        int joins = may_join(t, at, n);
        if (!joins && k.count) do_keys(t, &k, q, ld_q, started), started = 1, k.count = 0, k.all = 0;
        k.at[k.count] = at;
        k.n[k.count++] = n;
        k.all += n;
        if (!joins || k.all + panel > KEYS) do_keys(t, &k, q, ld_q, started), started = 1, k.count = 0, k.all = 0;
    }
    if (k.count) do_keys(t, &k, q, ld_q, started);
}

static void do_tile(struct tile *t) {
    const struct forward *f = t->f;
    const struct vt__attn *a = &f->a;
    const struct vt__attn_pair *pair = t->pair;
    const struct vt__view *out = &a->run->out[0];
    struct vt__view rows_of_lse = a->run->out[1]; /* of one element */
    char *slot = t->slot;
    int64_t ld, ld_lse, row = pair->query + t->row0;
    const void *q = vt__attn_rows(a, &a->q, pair->batch, t->head, row, t->n, slot + f->at.query_rows, &ld);

    rows_of_lse.ndim = 4;
    rows_of_lse.shape[3] = rows_of_lse.strides[3] = 1;
    t->o = vt__attn_target(a, out, pair->batch, t->head, row, slot + f->at.values, &t->ld_o);
    char *lse = vt__attn_target(a, &rows_of_lse, pair->batch, t->head, row, slot + f->at.lse, &ld_lse);
    if (ld_lse != 1) lse = slot + f->at.lse;
    fill(a, slot + f->at.max, t->n, -(double)INFINITY);
    fill(a, slot + f->at.sum, t->n, 0);
    for (int64_t r = 0; r < t->n && pair->m <= FEW; r++) memset(t->o + r * t->ld_o * (int64_t)a->kind->size, 0, (size_t)a->dv * a->kind->size);
    do_all_keys(t, q, ld);
    a->fn->finish(t->o, t->ld_o, t->n, a->dv, lse, slot + f->at.max, slot + f->at.sum); /* which writes 0 to what nothing was added to */
    vt__attn_store(a, out, pair->batch, t->head, row, t->n, t->o);
    vt__attn_store(a, &rows_of_lse, pair->batch, t->head, row, t->n, lse);
}

/* Tiles of a pair: its heads, of each the last queries first, which see the most keys of causal attention. */
static void do_numbered(const struct forward *f, const struct vt__attn_pair *pair, char *slot, char *panels, int64_t i) {
    int64_t n_tiles = vt__attn_tiles(&f->a, 0, pair->m, QUERIES);
    struct tile t = {.f = f, .pair = pair, .slot = slot, .panels = panels, .head = pair->kv_head * f->a.group + i / n_tiles};
    vt__attn_tile(&f->a, 0, pair->m, QUERIES, n_tiles - 1 - i % n_tiles, &t.row0, &t.n);
    if (t.n > 0) do_tile(&t);
}

static void do_pair(const struct forward *f, const struct vt__attn_pair *pair, char *slot) {
    char *panels = slot + f->at.panels;
    int64_t n_tiles = vt__attn_tiles(&f->a, 0, pair->m, QUERIES) * f->a.group;
    for (int64_t at = 0; pair->m > FEW && at < pair->n; at += KEYS)
        pack_keys(&f->a, pair, at, pair->n - at < KEYS ? pair->n - at : KEYS, slot + f->at.key_rows, panels, pair->n, at);
    for (int64_t i = 0; i < n_tiles && !vt__cancel_is_left(); i++) do_numbered(f, pair, slot, panels, i);
}

static void do_task(const struct forward *f, char *slot, int64_t task) {
    const struct vt__attn_pair *pair = f->is_own ? &f->a.pairs[task] : pair_of(f, task, 0);
    if (f->is_own) do_pair(f, pair, slot);
    else do_numbered(f, pair, slot, f->is_packed ? f->packed + pair->packed : NULL, task - pair->first_task);
}

static void take_tasks(void *user, int64_t slot) {
    struct forward *f = user;
    int64_t task;
    while ((task = (int64_t)atomic_fetch_add(&f->next, 1)) < f->n_tasks && !vt__cancel_is_left()) do_task(f, f->slots + (size_t)slot * f->slot_size, task);
}

/* Tiles of keys of the pairs; a slot is taken for its rows. */
static void take_packs(void *user, int64_t slot) {
    struct forward *f = user;
    int64_t i;
    while ((i = (int64_t)atomic_fetch_add(&f->next, 1)) < f->n_tasks && !vt__cancel_is_left()) {
        const struct vt__attn_pair *pair = pair_of(f, i, 1);
        int64_t at = (i - pair->first_pack) * KEYS, n = pair->n - at < KEYS ? pair->n - at : KEYS;
        pack_keys(&f->a, pair, at, n, f->slots + (size_t)slot * f->slot_size + f->at.key_rows, f->packed + pair->packed, pair->n, at);
    }
}

static size_t bytes_of(const struct forward *f, const struct vt__attn_pair *pair) {
    struct vt__attn_room room = {0};
    (void)vt__attn_room(&room, whole_panels(&f->a, pair->n), f->a.d, f->a.kind->size);
    (void)vt__attn_room(&room, whole_panels(&f->a, pair->n), f->value_width, f->a.kind->size);
    return room.too_large ? SIZE_MAX : room.size;
}

/* Pairs from pair0 on whose panels fit, or that are not packed, at least one; numbers their tasks. */
static void choose_pairs(struct forward *f, int64_t *n_packs) {
    size_t size = 0;
    *n_packs = f->n_tasks = 0;
    f->is_packed = f->may_pack;
    for (f->pair1 = f->pair0; f->pair1 < f->a.n_pairs; f->pair1++) {
        struct vt__attn_pair *pair = &f->a.pairs[f->pair1];
        size_t bytes = bytes_of(f, pair);
        int fits = pair->m > FEW && bytes <= f->packed_limit && size + bytes <= f->packed_limit && vt__attn_tiles(&f->a, 0, pair->m, QUERIES) * f->a.group > 1;
        if (f->pair1 == f->pair0) f->is_packed = f->is_packed && fits;
        else if (f->is_packed ? !fits : f->may_pack && fits) break;
        pair->packed = size;
        pair->first_task = f->n_tasks;
        pair->first_pack = *n_packs;
        if (f->is_packed) size += bytes;
        f->n_tasks += vt__attn_tiles(&f->a, 0, pair->m, QUERIES) * f->a.group;
        *n_packs += (pair->n + KEYS - 1) / KEYS;
    }
}

/* Pairs are short, and enough for all threads to be busy to the end. Returns the bytes that a slot needs for panels, 0: no. */
static size_t choose_own(struct forward *f, int64_t n_slots) {
    enum { PAIRS_A_SLOT = 4 };
    size_t most = 0;
    for (int64_t i = 0; i < f->a.n_pairs; i++) {
        size_t bytes = bytes_of(f, &f->a.pairs[i]);
        if (bytes > most) most = bytes;
    }
    f->is_own = f->may_pack && f->a.group > 0 && f->a.n_pairs / PAIRS_A_SLOT >= n_slots && most <= OWN_PACKED;
    return f->is_own ? most : 0;
}

/* Bytes of panels that any choice of pairs needs; most tasks that any has. */
static size_t most_packed(struct forward *f, int64_t *most_tasks) {
    size_t most = 0;
    int64_t n_packs;
    *most_tasks = 0;
    for (f->pair0 = 0; f->pair0 < f->a.n_pairs; f->pair0 = f->pair1) {
        choose_pairs(f, &n_packs);
        const struct vt__attn_pair *last = &f->a.pairs[f->pair1 - 1];
        if (f->n_tasks > *most_tasks) *most_tasks = f->n_tasks;
        if (f->is_packed && last->packed + bytes_of(f, last) > most) most = last->packed + bytes_of(f, last);
    }
    return most;
}

/* A slot for each thread that can find a task. */
static vt_status make_scratch(struct forward *f, int64_t *n_slots) {
    const struct vt__attn *a = &f->a;
    int64_t n_tasks = a->n_pairs;
    size_t size = a->kind->size, own = choose_own(f, *n_slots), packed = f->is_own ? 0 : most_packed(f, &n_tasks);
    struct vt__attn_room room = {0};
    int64_t key_width = a->d > a->dv ? a->d : a->dv;
    f->at.query_rows = vt__attn_room(&room, QUERIES, a->d, size);
    f->at.key_rows = vt__attn_room(&room, KEYS, key_width, size);
    f->at.scores = vt__attn_room(&room, QUERIES, KEYS, size);
    f->at.values = vt__attn_room(&room, QUERIES, a->dv, size);
    f->at.bias = vt__attn_room(&room, QUERIES, KEYS, size);
    f->at.max = vt__attn_room(&room, QUERIES, 1, size);
    f->at.sum = vt__attn_room(&room, QUERIES, 1, size);
    f->at.shrink = vt__attn_room(&room, QUERIES, 1, size);
    f->at.lse = vt__attn_room(&room, QUERIES, 1, size);
    f->at.first = vt__attn_room(&room, QUERIES, 1, sizeof(int64_t));
    f->at.last = vt__attn_room(&room, QUERIES, 1, sizeof(int64_t));
    f->at.panels = room.size;
    (void)vt__attn_room(&room, KEYS, a->d, size);
    (void)vt__attn_room(&room, KEYS, f->value_width, size);
    if (room.size - f->at.panels < own) room.size = f->at.panels + own;
    f->slot_size = room.size;
    struct vt__attn_room all = {.size = packed, .too_large = room.too_large};
    if (*n_slots > n_tasks) *n_slots = n_tasks;
    (void)vt__attn_room(&all, *n_slots, (int64_t)room.size, 1);
    f->packed = all.too_large ? NULL : vt__scratch_take(a->run->ctx, all.size);
    if (!f->packed) return vt__fail_nomem("attention", all.size);
    f->slots = f->packed + packed;
    return VT_OK;
}

/* The arrays exist, their sizes do not overflow; but one repeated by strides of 0 may be smaller than it looks. */
static size_t packed_limit(const struct forward *f) {
    double bytes = 0.25 * (double)f->a.kind->size * ((double)vt__view_count(&f->a.k) + (double)vt__view_count(&f->a.v));
    return bytes < (double)LEAST_PACKED ? LEAST_PACKED : bytes > (double)MOST_PACKED ? MOST_PACKED : (size_t)bytes;
}

static vt_status forward(struct forward *f) {
    int64_t n_slots = vt__context_threads(f->a.run->ctx), n_packs, panel = f->a.kind->panel;
    f->value_width = (f->a.dv + panel - 1) / panel * panel;
    f->packed_limit = packed_limit(f);
    f->may_pack = !f->a.blocks.data || f->a.block[1] % panel == 0;
    vt_status st = make_scratch(f, &n_slots);
    f->n_tasks = f->a.n_pairs;
    atomic_store(&f->next, 0);
    if (st == VT_OK && f->is_own) vt__parallel(f->a.run->ctx, n_slots, take_tasks, f);
    for (f->pair0 = 0; st == VT_OK && !f->is_own && f->pair0 < f->a.n_pairs; f->pair0 = f->pair1) {
        choose_pairs(f, &n_packs);
        int64_t n_tasks = f->n_tasks;
        if (f->is_packed) {
            f->n_tasks = n_packs;
            atomic_store(&f->next, 0);
            vt__parallel(f->a.run->ctx, n_slots, take_packs, f);
        }
        f->n_tasks = n_tasks;
        atomic_store(&f->next, 0);
        vt__parallel(f->a.run->ctx, n_slots, take_tasks, f);
    }
    vt__scratch_give(f->a.run->ctx, f->packed);
    return st;
}

vt_status vt__cpu_attention(const struct vt__run *run) {
    static const struct vt__attn_inputs at = {.bias = 3, .slopes = 4, .blocks = 5, .cu_q = 6, .cu_k = 7};
    struct forward f = {.packed = NULL};
    if (!vt__view_count(&run->out[0]) && !vt__view_count(&run->out[1])) return VT_OK;
    vt_status st = vt__attn_open(&f.a, run, &at, run->out[1].dtype);
    if (st == VT_OK) st = forward(&f);
    vt__attn_close(&f.a);
    return st;
}
