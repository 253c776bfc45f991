/* The way back through attention. Weights are made again from the logarithms of sums; tiles have a key a row, so that sums over queries are products without
 * a transposed factor. With p the weights and delta = dout . out - dlse of a query:
 *
 *     dv += p^T dout     ds = p (dout v^T - delta)     dk += scale ds^T q     dq += scale ds k
 *
 * A pair goes over its tiles of keys in order, each over the heads that share the keys and the queries that see them. Gradients of keys and values are
 * finished with their tile; those of queries add up in a buffer, so that the order of every sum is fixed. Where pairs are few, keys are cut into splits with
 * buffers of their own, which are added in order: how many depends on extents only. Source: Dao 2023, algorithm 2. */
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

/* Offsets in a slot. */
struct layout {
    size_t keys, values, key_panels, queries, grads, query_panels, query_columns, grad_panels, grad_columns, scores, slopes, turned, bias, bend, dk, dv, lse, delta, first,
        last, dq;
};

struct backward {
    struct vt__attn a;
    struct layout at;
    struct vt__view out, grad_out, lse, grad_lse; /* the last two as rows of one element; data NULL: absent */
    struct vt__view dbias; /* with the extents that broadcasting gives; data NULL: not wanted */
    char *slots, *split_dq; /* split_dq: [n_pairs, n_splits] buffers */
    size_t slot_size, dq_size;
    int64_t n_splits, n_tasks;
    atomic_llong next;
};

/* What a tile of keys works with. */
struct tile {
    const struct backward *b;
    const struct vt__attn_pair *pair;
    char *slot, *dq;
    const void *keys, *values; /* rows */
    int64_t ld_keys, ld_values, row0, n;
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

/* ---- a tile ---- */

/* Weights into scores (times dropout) and slopes of scores into slopes. */
static void recall(const struct tile *t, int64_t head, int64_t query, int64_t n) {
    const struct backward *b = t->b;
    const struct vt__attn *a = &b->a;
    char *slot = t->slot, *s = slot + b->at.scores, *dp = slot + b->at.slopes, *z = slot + b->at.bias;
    int64_t *first = (int64_t *)(void *)(slot + b->at.first), *last = (int64_t *)(void *)(slot + b->at.last);
    int64_t row = (head - t->pair->kv_head * a->group) * t->pair->m + query;
    vtk_flash_slopes p = {.s = s, .dp = dp, .ld = QUERIES, .n_rows = t->n, .n = n, .factor = vt__attn_factor(a),
                          .lse = element(a, slot + b->at.lse, row), .delta = element(a, slot + b->at.delta, row)};
    if (vt__attn_adjusts(a)) vt__attn_adjust(a, t->pair, head, 1, t->row0, t->n, query, n, s, QUERIES, z, a->softcap != 0 ? slot + b->at.bend : NULL);
    if (vt__attn_seen(a, t->pair, 1, t->row0, t->n, query, n, first, last)) p.first = first, p.last = last;
    if (a->keep < 1) {
        vt__attn_drop(a, t->pair, head, 1, t->row0, t->n, query, n, z, QUERIES);
        a->fn->multiply(dp, QUERIES, t->n, n, 1, z);
    }
    a->fn->slopes(&p);
    if (a->keep < 1) a->fn->multiply(s, QUERIES, t->n, n, 1, z);
}

static void do_queries(const struct tile *t, int64_t head, int64_t query, int64_t n) {
    const struct backward *b = t->b;
    const struct vt__attn *a = &b->a;
    const struct vt__attn_pair *pair = t->pair;
    char *slot = t->slot, *s = slot + b->at.scores, *dp = slot + b->at.slopes, *turned = slot + b->at.turned;
    int64_t ld, row = (head - pair->kv_head * a->group) * pair->m + query;

    const void *q = vt__attn_rows(a, &a->q, pair->batch, head, pair->query + query, n, slot + b->at.queries, &ld);
    vt__attn_pack(a, slot + b->at.query_panels, q, ld, n, a->d, 1);
    vt__attn_pack(a, slot + b->at.query_columns, q, ld, n, a->d, 0);
    const void *g = vt__attn_rows(a, &b->grad_out, pair->batch, head, pair->query + query, n, slot + b->at.grads, &ld);
    vt__attn_pack(a, slot + b->at.grad_panels, g, ld, n, a->dv, 1);
    vt__attn_pack(a, slot + b->at.grad_columns, g, ld, n, a->dv, 0);

    vt__attn_multiply(a, s, QUERIES, t->keys, t->ld_keys, slot + b->at.query_panels, t->n, n, a->d, 1, 0);
    vt__attn_multiply(a, dp, QUERIES, t->values, t->ld_values, slot + b->at.grad_panels, t->n, n, a->dv, 1, 0);
    recall(t, head, query, n);
    vt__attn_multiply(a, slot + b->at.dv, a->dv, s, QUERIES, slot + b->at.grad_columns, t->n, a->dv, n, 1, 1);
    if (b->dbias.data) add_bias(t, head, query, n, dp);
    if (a->softcap != 0) a->fn->multiply(dp, QUERIES, t->n, n, 1, slot + b->at.bend);
    vt__attn_multiply(a, slot + b->at.dk, a->d, dp, QUERIES, slot + b->at.query_columns, t->n, a->d, n, a->scale, 1);
    (a->compute == VT_DTYPE_F64 ? vtk_get()->transpose_64 : vtk_get()->transpose_32)(turned, KEYS, dp, QUERIES, t->n, n);
    vt__attn_multiply(a, element(a, t->dq, row * a->d), a->d, turned, KEYS, slot + b->at.key_panels, n, a->d, t->n, a->scale, 1);
}

static void do_tile(struct tile *t) {
    const struct backward *b = t->b;
    const struct vt__attn *a = &b->a;
    const struct vt__attn_pair *pair = t->pair;
    char *slot = t->slot, *dk = slot + b->at.dk, *dv = slot + b->at.dv;
    int64_t first, end, key = pair->key + t->row0;

    t->keys = vt__attn_rows(a, &a->k, pair->batch, pair->kv_head, key, t->n, slot + b->at.keys, &t->ld_keys);
    t->values = vt__attn_rows(a, &a->v, pair->batch, pair->kv_head, key, t->n, slot + b->at.values, &t->ld_values);
    vt__attn_pack(a, slot + b->at.key_panels, t->keys, t->ld_keys, t->n, a->d, 0);
    memset(dk, 0, (size_t)(t->n * a->d) * a->kind->size);
    memset(dv, 0, (size_t)(t->n * a->dv) * a->kind->size);
    vt__attn_span(a, pair, 1, t->row0, t->n, &first, &end);
    for (int64_t head = pair->kv_head * a->group; head < (pair->kv_head + 1) * a->group; head++)
        for (int64_t at = first, n; (n = vt__attn_next(a, pair, head, 1, t->row0, &at, end, QUERIES)) > 0; at += n) do_queries(t, head, at, n);
    vt__attn_store(a, &a->run->out[DK], pair->batch, pair->kv_head, key, t->n, dk);
    vt__attn_store(a, &a->run->out[DV], pair->batch, pair->kv_head, key, t->n, dv);
}

/* ---- a pair ---- */

/* lse in units of ln 2 and delta of the pair's queries, head after head. */
static void prepare(const struct backward *b, const struct vt__attn_pair *pair, char *slot) {
    static const double LOG2_E = 0x1.71547652b82fep+0;
    const struct vt__attn *a = &b->a;
    for (int64_t h = 0; h < a->group; h++)
        for (int64_t i = 0; i < pair->m; i += QUERIES) {
            int64_t n = pair->m - i < QUERIES ? pair->m - i : QUERIES, head = pair->kv_head * a->group + h, row = pair->query + i, ld_g, ld_o, ld;
            char *lse = element(a, slot + b->at.lse, h * pair->m + i), *delta = element(a, slot + b->at.delta, h * pair->m + i);
            const void *g = vt__attn_rows(a, &b->grad_out, pair->batch, head, row, n, slot + b->at.grads, &ld_g);
            const void *o = vt__attn_rows(a, &b->out, pair->batch, head, row, n, slot + b->at.queries, &ld_o);
            a->fn->dot(delta, g, ld_g, o, ld_o, n, a->dv);
            for (int64_t r = 0; r < n; r++) {
                double l, dl = 0;
                struct vt__view one = {.dtype = b->lse.dtype, .data = (char *)b->lse.data + (pair->batch * b->lse.strides[0] + head * b->lse.strides[1] + (row + r) * b->lse.strides[2]) *
                                                                                                (int64_t)vt__dtype_size(b->lse.dtype)};
                l = *(const double *)vt__block_load(&one, 0, 1, VT_DTYPE_F64, &ld);
                if (b->grad_lse.data) {
                    one.dtype = b->grad_lse.dtype;
                    one.data = (char *)b->grad_lse.data + (pair->batch * b->grad_lse.strides[0] + head * b->grad_lse.strides[1] + (row + r) * b->grad_lse.strides[2]) *
                                                              (int64_t)vt__dtype_size(one.dtype);
                    dl = *(const double *)vt__block_load(&one, 0, 1, VT_DTYPE_F64, &ld);
                }
                l = l == -(double)INFINITY ? (double)INFINITY : l * LOG2_E;
                if (a->compute == VT_DTYPE_F64) ((double *)(void *)lse)[r] = l, ((double *)(void *)delta)[r] -= dl;
                else ((float *)(void *)lse)[r] = (float)l, ((float *)(void *)delta)[r] -= (float)dl;
            }
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
    memset(t.dq, 0, (size_t)(a->group * pair->m * a->d) * a->kind->size);
    prepare(b, pair, slot);
    for (int64_t i = split * n_tiles / b->n_splits; i < (split + 1) * n_tiles / b->n_splits && !vt__cancel_is_left(); i++) {
        vt__attn_tile(a, 1, pair->n, KEYS, i, &t.row0, &t.n);
        if (t.n > 0) do_tile(&t);
    }
    if (b->n_splits == 1) store_queries(b, pair, t.dq);
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

static vt_status make_scratch(struct backward *b, int64_t n_slots, char **scratch) {
    const struct vt__attn *a = &b->a;
    size_t size = a->kind->size;
    int64_t panel = a->kind->panel, d = (a->d + panel - 1) / panel * panel, dv = (a->dv + panel - 1) / panel * panel, rows = 0, wide = a->d > a->dv ? a->d : a->dv;
    struct vt__attn_room room = {0};
    for (int64_t i = 0; i < a->n_pairs; i++) rows = a->pairs[i].m * a->group > rows ? a->pairs[i].m * a->group : rows;
    struct { size_t *at; int64_t n, m; } pieces[] = {
        {&b->at.keys, KEYS, a->d}, {&b->at.values, KEYS, a->dv}, {&b->at.key_panels, KEYS, d}, {&b->at.queries, QUERIES, wide}, {&b->at.grads, QUERIES, a->dv},
        {&b->at.query_panels, QUERIES, a->d}, {&b->at.query_columns, QUERIES, d}, {&b->at.grad_panels, QUERIES, a->dv}, {&b->at.grad_columns, QUERIES, dv},
        {&b->at.scores, KEYS, QUERIES}, {&b->at.slopes, KEYS, QUERIES}, {&b->at.turned, QUERIES, KEYS}, {&b->at.bias, KEYS, QUERIES}, {&b->at.bend, KEYS, QUERIES},
        {&b->at.dk, KEYS, a->d}, {&b->at.dv, KEYS, a->dv}, {&b->at.lse, rows, 1}, {&b->at.delta, rows, 1}};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) *pieces[i].at = vt__attn_room(&room, pieces[i].n, pieces[i].m, size);
    b->at.first = vt__attn_room(&room, KEYS, 1, sizeof(int64_t));
    b->at.last = vt__attn_room(&room, KEYS, 1, sizeof(int64_t));
    b->at.dq = room.size;
    struct vt__attn_room dq = {.too_large = room.too_large};
    (void)vt__attn_room(&dq, rows, a->d, size);
    b->dq_size = dq.size;
    if (b->n_splits == 1) (void)vt__attn_room(&room, (int64_t)dq.size, 1, 1);
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
