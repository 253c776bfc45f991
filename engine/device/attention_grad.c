/* The way back through attention. Weights are made again from the logarithms of sums; tiles have a key a row, so that sums over queries are products without
 * a transposed factor. With p the weights and delta = dout . out - dlse of a query:
 *
 *     dv += p^T dout     ds = p (dout v^T - delta)     dk += scale ds^T q     dq += scale ds k
 *
 * A pair goes over its tiles of keys in order, each over the heads that share the keys and the queries that see them. Gradients of keys and values are
 * finished with their tile; those of queries add up from tile to tile, so that the order of every sum is fixed. Where pairs are few, keys are cut into splits with
 * buffers of their own, which are added in order: how many depends on extents only. Panels of queries and of their gradients are made once a pair where
 * they stay in the caches, else again by each tile of keys. Source: Dao 2023, algorithm 2. */
#include "device/attention.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

enum { QUERIES = VT__ATTN_QUERIES, KEYS = VT__ATTN_KEYS, FEW_PAIRS = 4 };
enum { OUT = 3, LSE, GRAD_OUT, GRAD_LSE };   /* inputs behind q, k, v */
enum { DQ, DK, DV, DBIAS };                  /* outputs */

static const int64_t MOST_PACKED = (int64_t)1 << 19; /* bytes: what stays in a second-level cache while tiles of keys go by. From further away, making panels again is as fast */

/* Offsets in a slot. */
struct layout {
    size_t keys, values, key_panels, queries, grads, panels, scores, slopes, turned, bias, bend, dk, dv, lse, delta, first, last, query_first, query_last, dq;
};

struct backward {
    struct vt__attn a;
    struct layout at;
    struct vt__view out, grad_out, lse, grad_lse; /* the last two as rows of one element; data NULL: absent */
    struct vt__view dbias; /* with the extents that broadcasting gives; data NULL: not wanted */
    char *slots, *split_dq; /* split_dq: [n_pairs, n_splits] buffers */
    size_t slot_size, dq_size;
    int64_t n_splits, n_tasks, width, value_width; /* d and dv in whole panels */
    int is_packed, is_in_place; /* panels are a pair's; gradients of queries add up in the output */
    atomic_llong next;
};

/* What a tile of keys works with. */
struct tile {
    const struct backward *b;
    const struct vt__attn_pair *pair;
    char *slot, *dq, *dk, *dv;
    const void *keys, *values; /* rows */
    int64_t ld_keys, ld_values, ld_dk, ld_dv, row0, n;
};

static char *element(const struct vt__attn *a, char *base, int64_t i) { return base + (size_t)i * a->kind->size; }

/* ---- gradient of the bias ---- */

static void add_bias(const struct tile *t, int64_t head, int64_t query, int64_t n, const void *slopes) {
    const struct vt__view *v = &t->b->dbias;
    int is_double = t->b->a.compute == VT_DTYPE_F64;
    for (int64_t r = 0; r < t->n; r++)
        for (int64_t c = 0; c < n; c++) {
            int64_t at = t->pair->batch * v->strides[0] + head * v->strides[1] + (query + c) * v->strides[2] + (t->row0 + r) * v->strides[3];
            if (is_double) ((double *)v->data)[at] += ((const double *)slopes)[r * QUERIES + c];
            else ((float *)v->data)[at] += ((const float *)slopes)[r * QUERIES + c];
        }
}

/* ---- panels of queries ---- */

static int64_t whole_panels(const struct vt__attn *a, int64_t n) { return (n + a->kind->panel - 1) / a->kind->panel * a->kind->panel; }

/* Queries q and gradients g of results, of both the panels that rows and that columns make. */
struct panels {
    char *q_rows, *g_rows, *q_columns, *g_columns;
    int64_t all; /* queries that they are made for */
};

static int64_t elements_of(const struct backward *b, int64_t all) { return whole_panels(&b->a, all) * (b->a.d + b->a.dv + b->width + b->value_width); }

/* Those of query `at`, which begins a panel, in an array for `all`. */
static struct panels panels_at(const struct backward *b, char *base, int64_t all, int64_t at) {
    const struct vt__attn *a = &b->a;
    int64_t whole = whole_panels(a, all), d = a->d, dv = a->dv, panel = a->kind->panel;
    return (struct panels){element(a, base, at * d), element(a, base, whole * d + at * dv), element(a, base, whole * (d + dv) + at * panel),
                           element(a, base, whole * (d + dv + b->width) + at * panel), all};
}

static void pack_queries(const struct backward *b, const struct vt__attn_pair *pair, char *slot, int64_t head, int64_t query, int64_t n, const struct panels *to) {
    const struct vt__attn *a = &b->a;
    int64_t ld;
    const void *q = vt__attn_rows(a, &a->q, pair->batch, head, pair->query + query, n, slot + b->at.queries, &ld);
    vt__attn_pack(a, to->q_rows, q, ld, n, a->d, 1, to->all);
    vt__attn_pack(a, to->q_columns, q, ld, n, a->d, 0, to->all);
    const void *g = vt__attn_rows(a, &b->grad_out, pair->batch, head, pair->query + query, n, slot + b->at.grads, &ld);
    vt__attn_pack(a, to->g_rows, g, ld, n, a->dv, 1, to->all);
    vt__attn_pack(a, to->g_columns, g, ld, n, a->dv, 0, to->all);
}

static char *panels_of_head(const struct backward *b, const struct vt__attn_pair *pair, char *slot, int64_t head) {
    return element(&b->a, slot + b->at.panels, (head - pair->kv_head * b->a.group) * elements_of(b, pair->m));
}

static void pack_pair(const struct backward *b, const struct vt__attn_pair *pair, char *slot) {
    for (int64_t head = pair->kv_head * b->a.group; head < (pair->kv_head + 1) * b->a.group; head++)
        for (int64_t at = 0; at < pair->m; at += QUERIES) {
            struct panels to = panels_at(b, panels_of_head(b, pair, slot, head), pair->m, at);
            pack_queries(b, pair, slot, head, at, pair->m - at < QUERIES ? pair->m - at : QUERIES, &to);
        }
}

/* ---- a tile ---- */

/* Weights into scores (times dropout) and slopes of scores into slopes. */
static void recall(const struct tile *t, int64_t head, int64_t query, int64_t n, struct vt__attn_range seen) {
    const struct backward *b = t->b;
    const struct vt__attn *a = &b->a;
    char *slot = t->slot, *s = slot + b->at.scores, *dp = slot + b->at.slopes, *z = slot + b->at.bias;
    int64_t row = (head - t->pair->kv_head * a->group) * t->pair->m + query;
    vtk_flash_slopes p = {.s = s, .dp = dp, .ld = QUERIES, .n_rows = t->n, .n = n, .first = seen.first, .last = seen.last, .factor = vt__attn_factor(a),
                          .lse = element(a, slot + b->at.lse, row), .delta = element(a, slot + b->at.delta, row)};
    if (vt__attn_adjusts(a)) vt__attn_adjust(a, t->pair, head, 1, t->row0, t->n, query, n, s, QUERIES, z, a->softcap != 0 ? slot + b->at.bend : NULL);
    if (a->keep < 1) {
        vt__attn_drop(a, t->pair, head, 1, t->row0, t->n, query, n, z, QUERIES);
        a->fn->multiply(dp, QUERIES, t->n, n, 1, z);
    }
    a->fn->slopes(&p);
    if (a->keep < 1) a->fn->multiply(s, QUERIES, t->n, n, 1, z);
}

static struct vt__attn_range range_of(const struct tile *t, int transposed, int64_t row0, int64_t n_rows, int64_t column0, int64_t n, size_t first_at, size_t last_at) {
    int64_t *first = (int64_t *)(void *)(t->slot + first_at), *last = (int64_t *)(void *)(t->slot + last_at);
    struct vt__attn_range r = {NULL, NULL};
    if (vt__attn_seen(&t->b->a, t->pair, transposed, row0, n_rows, column0, n, first, last)) r.first = first, r.last = last;
    return r;
}

static void add_queries(const struct tile *t, int64_t head, int64_t query, int64_t n, int add) {
    const struct backward *b = t->b;
    const struct vt__attn *a = &b->a;
    const struct vt__attn_pair *pair = t->pair;
    char *turned = t->slot + b->at.turned, *dq = element(a, t->dq, ((head - pair->kv_head * a->group) * pair->m + query) * a->d);
    int64_t ld = a->d;
    struct vt__attn_range seen = range_of(t, 0, query, n, t->row0, t->n, b->at.query_first, b->at.query_last);
    if (b->is_in_place) dq = vt__attn_target(a, &a->run->out[DQ], pair->batch, head, pair->query + query, dq, &ld);
    (a->compute == VT_DTYPE_F64 ? vtk_get()->transpose_64 : vtk_get()->transpose_32)(turned, KEYS, t->slot + b->at.slopes, QUERIES, t->n, n);
    vt__attn_multiply(a, dq, ld, turned, KEYS, t->slot + b->at.key_panels, t->n, n, a->d, t->n, a->scale, add, seen);
}

/* started: there are gradients of keys already. add: there are of queries. */
static void do_queries(const struct tile *t, int64_t head, int64_t query, int64_t n, int started, int add) {
    const struct backward *b = t->b;
    const struct vt__attn *a = &b->a;
    char *slot = t->slot, *s = slot + b->at.scores, *dp = slot + b->at.slopes;
    struct panels p = b->is_packed ? panels_at(b, panels_of_head(b, t->pair, slot, head), t->pair->m, query) : panels_at(b, slot + b->at.panels, n, 0);
    struct vt__attn_range seen = range_of(t, 1, t->row0, t->n, query, n, b->at.first, b->at.last), all = {NULL, NULL};

    if (!b->is_packed) pack_queries(b, t->pair, slot, head, query, n, &p);
    vt__attn_scores(a, s, QUERIES, t->keys, t->ld_keys, p.q_rows, t->n, n, a->d, a->softcap != 0 ? all : seen); /* all are bent */
    vt__attn_scores(a, dp, QUERIES, t->values, t->ld_values, p.g_rows, t->n, n, a->dv, seen);
    recall(t, head, query, n, seen);
    vt__attn_multiply(a, t->dv, t->ld_dv, s, QUERIES, p.g_columns, p.all, t->n, a->dv, n, 1, started, seen);
    if (b->dbias.data) add_bias(t, head, query, n, dp);
    if (a->softcap != 0) a->fn->multiply(dp, QUERIES, t->n, n, 1, slot + b->at.bend);
    vt__attn_multiply(a, t->dk, t->ld_dk, dp, QUERIES, p.q_columns, p.all, t->n, a->d, n, a->scale, started, seen);
    add_queries(t, head, query, n, add);
}

static void clear_rows(const struct vt__attn *a, char *rows, int64_t ld, int64_t n, int64_t width) {
    for (int64_t r = 0; r < n; r++) memset(element(a, rows, r * ld), 0, (size_t)width * a->kind->size);
}

/* This tile of keys is seen by every query of the pair, by each in one piece of queries. */
static int is_seen_by_all(const struct tile *t) {
    int64_t first, end;
    vt__attn_span(&t->b->a, t->pair, 1, t->row0, t->n, &first, &end);
    return !t->b->a.blocks.data && first == 0 && end == t->pair->m;
}

static void do_tile(struct tile *t, int add) {
    const struct backward *b = t->b;
    const struct vt__attn *a = &b->a;
    const struct vt__attn_pair *pair = t->pair;
    const struct vt__view *out = a->run->out;
    char *slot = t->slot;
    int64_t first, end, key = pair->key + t->row0;
    int started = 0;

    t->keys = vt__attn_rows(a, &a->k, pair->batch, pair->kv_head, key, t->n, slot + b->at.keys, &t->ld_keys);
    t->values = vt__attn_rows(a, &a->v, pair->batch, pair->kv_head, key, t->n, slot + b->at.values, &t->ld_values);
    t->dk = vt__attn_target(a, &out[DK], pair->batch, pair->kv_head, key, slot + b->at.dk, &t->ld_dk);
    t->dv = vt__attn_target(a, &out[DV], pair->batch, pair->kv_head, key, slot + b->at.dv, &t->ld_dv);
    vt__attn_pack(a, slot + b->at.key_panels, t->keys, t->ld_keys, t->n, a->d, 0, t->n);
    vt__attn_span(a, pair, 1, t->row0, t->n, &first, &end);
    first = first / a->kind->panel * a->kind->panel;
    for (int64_t head = pair->kv_head * a->group; head < (pair->kv_head + 1) * a->group; head++)
        for (int64_t at = first, n; (n = vt__attn_next(a, pair, head, 1, t->row0, &at, end, QUERIES)) > 0; at += n, started = 1)
            do_queries(t, head, at, n, started, add);
    if (!started) clear_rows(a, t->dk, t->ld_dk, t->n, a->d), clear_rows(a, t->dv, t->ld_dv, t->n, a->dv);
    vt__attn_store(a, &out[DK], pair->batch, pair->kv_head, key, t->n, t->dk);
    vt__attn_store(a, &out[DV], pair->batch, pair->kv_head, key, t->n, t->dv);
}

/* ---- a pair ---- */

/* n elements of [B, H, M] from `row` on, in the type that is computed in: in place or in scratch. */
static const char *elements(const struct vt__attn *a, const struct vt__view *x, int64_t batch, int64_t head, int64_t row, int64_t n, char *scratch) {
    struct vt__view v = {.dtype = x->dtype, .ndim = 1, .shape = {n}, .strides = {x->strides[2]}};
    v.data = (char *)x->data + (batch * x->strides[0] + head * x->strides[1] + row * x->strides[2]) * (int64_t)vt__dtype_size(x->dtype);
    return vt__block_load(&v, 0, n, a->compute, scratch);
}

/* delta -= dlse; lse in units of ln 2, plus infinity for minus infinity. */
static void finish_lse(const struct vt__attn *a, int64_t n, const char *lse, const char *dlse, char *out_lse, char *delta) {
    static const double LOG2_E = 0x1.71547652b82fep+0;
    for (int64_t r = 0; r < n; r++) {
        int is_double = a->compute == VT_DTYPE_F64;
        double l = is_double ? ((const double *)(const void *)lse)[r] : (double)((const float *)(const void *)lse)[r];
        l = l == -(double)INFINITY ? (double)INFINITY : l * LOG2_E;
        if (is_double) ((double *)(void *)out_lse)[r] = l;
        else ((float *)(void *)out_lse)[r] = (float)l;
        if (dlse && is_double) ((double *)(void *)delta)[r] -= ((const double *)(const void *)dlse)[r];
        else if (dlse) ((float *)(void *)delta)[r] -= ((const float *)(const void *)dlse)[r];
    }
}

/* lse in units of ln 2 and delta of the pair's queries, head after head. */
static void prepare(const struct backward *b, const struct vt__attn_pair *pair, char *slot) {
    const struct vt__attn *a = &b->a;
    for (int64_t h = 0; h < a->group; h++)
        for (int64_t i = 0; i < pair->m; i += QUERIES) {
            int64_t n = pair->m - i < QUERIES ? pair->m - i : QUERIES, head = pair->kv_head * a->group + h, row = pair->query + i, ld_g, ld_o;
            char *delta = element(a, slot + b->at.delta, h * pair->m + i), *dlse = slot + b->at.slopes;
            const void *g = vt__attn_rows(a, &b->grad_out, pair->batch, head, row, n, slot + b->at.grads, &ld_g);
            const void *o = vt__attn_rows(a, &b->out, pair->batch, head, row, n, slot + b->at.queries, &ld_o);
            a->fn->dot(delta, g, ld_g, o, ld_o, n, a->dv);
            finish_lse(a, n, elements(a, &b->lse, pair->batch, head, row, n, slot + b->at.scores),
                       b->grad_lse.data ? elements(a, &b->grad_lse, pair->batch, head, row, n, dlse) : NULL, element(a, slot + b->at.lse, h * pair->m + i), delta);
        }
}

static void clear_queries(const struct backward *b, const struct tile *t) {
    const struct vt__attn *a = &b->a;
    const struct vt__attn_pair *pair = t->pair;
    for (int64_t h = 0; h < a->group; h++) {
        int64_t ld = a->d;
        char *dq = element(a, t->dq, h * pair->m * a->d);
        if (b->is_in_place) dq = vt__attn_target(a, &a->run->out[DQ], pair->batch, pair->kv_head * a->group + h, pair->query, dq, &ld);
        clear_rows(a, dq, ld, pair->m, a->d);
    }
}

static void store_queries(const struct backward *b, const struct vt__attn_pair *pair, const char *dq) {
    const struct vt__attn *a = &b->a;
    for (int64_t h = 0; h < a->group; h++)
        vt__attn_store(a, &a->run->out[DQ], pair->batch, pair->kv_head * a->group + h, pair->query, pair->m, dq + (size_t)(h * pair->m * a->d) * a->kind->size);
}

/* Tasks: splits of pairs. */
static void do_task(const struct backward *b, char *slot, int64_t task) {
    const struct vt__attn *a = &b->a;
    const struct vt__attn_pair *pair = &a->pairs[task / b->n_splits];
    struct tile t = {.b = b, .pair = pair, .slot = slot, .dq = b->n_splits == 1 ? slot + b->at.dq : b->split_dq + (size_t)task * b->dq_size};
    int64_t n_tiles = vt__attn_tiles(a, 1, pair->n, KEYS), split = task % b->n_splits;
    int64_t first = split * n_tiles / b->n_splits, end = (split + 1) * n_tiles / b->n_splits;
    int add = 1;
    prepare(b, pair, slot);
    if (b->is_packed) pack_pair(b, pair, slot);
    if (first < end) vt__attn_tile(a, 1, pair->n, KEYS, first, &t.row0, &t.n);
    if (first < end && t.n > 0 && is_seen_by_all(&t)) add = 0; /* the first tile of keys writes all rows */
    else clear_queries(b, &t);
    for (int64_t i = first; i < end && !vt__cancel_is_left(); i++, add = 1) {
        vt__attn_tile(a, 1, pair->n, KEYS, i, &t.row0, &t.n);
        if (t.n > 0) do_tile(&t, add);
    }
    if (b->n_splits == 1 && !b->is_in_place) store_queries(b, pair, t.dq);
}

static void take_tasks(void *user, int64_t slot) {
    struct backward *b = user;
    int64_t task;
    while ((task = (int64_t)atomic_fetch_add(&b->next, 1)) < b->n_tasks && !vt__cancel_is_left()) do_task(b, b->slots + (size_t)slot * b->slot_size, task);
}

/* Adds the splits of a pair, in order. */
static void add_splits(void *user, int64_t i) {
    const struct backward *b = user;
    const struct vt__attn *a = &b->a;
    int64_t n = a->group * a->pairs[i].m * a->d;
    char *sum = b->split_dq + (size_t)(i * b->n_splits) * b->dq_size;
    for (int64_t split = 1; split < b->n_splits; split++) {
        const char *part = sum + (size_t)split * b->dq_size;
        for (int64_t j = 0; j < n; j++) {
            if (a->compute == VT_DTYPE_F64) ((double *)(void *)sum)[j] += ((const double *)(const void *)part)[j];
            else ((float *)(void *)sum)[j] += ((const float *)(const void *)part)[j];
        }
    }
    store_queries(b, &a->pairs[i], sum);
}

/* ---- the call ---- */

/* Panels are a pair's where every tile of keys finds pieces of whole panels in them, and they are few. Returns elements of a slot for them. */
static int64_t choose_panels(struct backward *b) {
    const struct vt__attn *a = &b->a;
    int64_t most = 0, bytes;
    for (int64_t i = 0; i < a->n_pairs; i++)
        if (a->pairs[i].m > most) most = a->pairs[i].m;
    int fits = !__builtin_mul_overflow(elements_of(b, most), a->group * (int64_t)a->kind->size, &bytes) && bytes <= MOST_PACKED;
    b->is_packed = fits && (!a->blocks.data || a->block[0] % a->kind->panel == 0);
    return b->is_packed ? a->group * elements_of(b, most) : elements_of(b, QUERIES);
}

static vt_status make_scratch(struct backward *b, int64_t n_slots, char **scratch) {
    const struct vt__attn *a = &b->a;
    size_t size = a->kind->size;
    int64_t rows = 0, wide = a->d > a->dv ? a->d : a->dv;
    struct vt__attn_room room = {0};
    for (int64_t i = 0; i < a->n_pairs; i++) rows = a->pairs[i].m * a->group > rows ? a->pairs[i].m * a->group : rows;
    b->width = whole_panels(a, a->d), b->value_width = whole_panels(a, a->dv);
    b->is_in_place = b->n_splits == 1 && vt__attn_is_in_place(a, &a->run->out[DQ]);
    struct { size_t *at; int64_t n, m; } pieces[] = {
        {&b->at.keys, KEYS, a->d}, {&b->at.values, KEYS, a->dv}, {&b->at.key_panels, KEYS, b->width}, {&b->at.queries, QUERIES, wide}, {&b->at.grads, QUERIES, a->dv},
        {&b->at.panels, choose_panels(b), 1}, {&b->at.scores, KEYS, QUERIES}, {&b->at.slopes, KEYS, QUERIES}, {&b->at.turned, QUERIES, KEYS},
        {&b->at.bias, KEYS, QUERIES}, {&b->at.bend, KEYS, QUERIES}, {&b->at.dk, KEYS, a->d}, {&b->at.dv, KEYS, a->dv}, {&b->at.lse, rows, 1}, {&b->at.delta, rows, 1}};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) *pieces[i].at = vt__attn_room(&room, pieces[i].n, pieces[i].m, size);
    size_t *ranges[] = {&b->at.first, &b->at.last, &b->at.query_first, &b->at.query_last};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) *ranges[i] = vt__attn_room(&room, KEYS > QUERIES ? KEYS : QUERIES, 1, sizeof(int64_t));
    b->at.dq = room.size;
    struct vt__attn_room dq = {.too_large = room.too_large};
    (void)vt__attn_room(&dq, rows, a->d, size);
    b->dq_size = dq.size;
    if (b->n_splits == 1 && !b->is_in_place) (void)vt__attn_room(&room, (int64_t)dq.size, 1, 1);
    b->slot_size = room.size;
    struct vt__attn_room all = {.too_large = dq.too_large | room.too_large};
    (void)vt__attn_room(&all, n_slots, (int64_t)room.size, 1);
    size_t splits = b->n_splits == 1 ? 0 : vt__attn_room(&all, a->n_pairs * b->n_splits, (int64_t)dq.size, 1);
    *scratch = all.too_large ? NULL : vt__scratch_take(a->run->ctx, all.size);
    if (!*scratch) return vt__fail_nomem("attention_grad", all.size);
    b->slots = *scratch;
    b->split_dq = *scratch + splits;
    return VT_OK;
}

/* [.., M] as rows of one element. */
static struct vt__view as_rows(const struct vt__view *v) {
    struct vt__view r = *v;
    if (v->dtype < 0) r.data = NULL;
    r.ndim = 4;
    r.shape[3] = r.strides[3] = 1;
    return r;
}

/* Sums of the bias's gradient over batches and heads must keep their order: one thread then. */
static int64_t open_bias(struct backward *b) {
    const struct vt__attn *a = &b->a;
    int64_t shape[4] = {a->q.shape[0], a->n_heads, a->q.shape[2], a->k.shape[2]}, n_threads = vt__context_threads(a->run->ctx);
    struct vt__view like = {.ndim = 4}, *out = (struct vt__view *)(uintptr_t)&a->run->out[DBIAS];
    if (!a->run->attrs->a[8].i[0]) return n_threads;
    memset(out->data, 0, (size_t)vt__view_count(out) * a->kind->size);
    memcpy(like.shape, shape, sizeof shape);
    b->dbias = vt__view_broadcast(out, &like);
    b->n_splits = 1;
    return (shape[0] > 1 && b->dbias.strides[0] == 0) || (shape[1] > 1 && b->dbias.strides[1] == 0) ? 1 : n_threads;
}

/* Keys without a pair (no queries' heads) and rows without keys: 0. */
static void clear(const struct vt__run *run, int32_t i) {
    const struct vt__view *v = &run->out[i];
    if (vt__view_count(v)) (void)vt__cpu_call(run->ctx, VT__OP_fill, v, v, 1, 0);
}

static vt_status backward(struct backward *b) {
    const struct vt__attn *a = &b->a;
    char *scratch = NULL;
    b->n_splits = a->n_pairs >= FEW_PAIRS || a->n_pairs == 0 ? 1 : (FEW_PAIRS + a->n_pairs - 1) / a->n_pairs;
    int64_t n_slots = open_bias(b);
    b->n_tasks = a->n_pairs * b->n_splits;
    if (!b->n_tasks || !a->group) return clear(a->run, DQ), clear(a->run, DK), clear(a->run, DV), VT_OK;
    if (n_slots > b->n_tasks) n_slots = b->n_tasks;
    vt_status st = make_scratch(b, n_slots, &scratch);
    if (st == VT_OK) vt__parallel(a->run->ctx, n_slots, take_tasks, b);
    if (st == VT_OK && b->n_splits > 1) vt__parallel(a->run->ctx, a->n_pairs, add_splits, b);
    vt__scratch_give(a->run->ctx, scratch);
    return st;
}

vt_status vt__cpu_attention_grad(const struct vt__run *run) {
    static const struct vt__attn_inputs at = {.bias = 7, .slopes = 8, .blocks = 9, .cu_q = 10, .cu_k = 11};
    struct backward b = {.out = run->in[OUT], .grad_out = run->in[GRAD_OUT], .lse = as_rows(&run->in[LSE])};
    if (!vt__view_count(&run->out[DQ]) && !vt__view_count(&run->out[DK]) && !vt__view_count(&run->out[DV]) && !vt__view_count(&run->out[DBIAS])) return VT_OK;
    if (run->n_in > GRAD_LSE) b.grad_lse = as_rows(&run->in[GRAD_LSE]);
    vt_status st = vt__attn_open(&b.a, run, &at, run->in[LSE].dtype);
    if (st == VT_OK) st = backward(&b);
    vt__attn_close(&b.a);
    return st;
}
