#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/rng.h"
#include "device/attention.h"
#include "device/block.h"
#include "device/device.h"

static const int64_t NO_BOUND = INT64_C(1) << 60; /* more than any extent; sums of a few do not overflow */

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t clamp(int64_t x, int64_t low, int64_t high) { return min_of(max_of(x, low), high); }

/* ---- reading a call ---- */

/* An optional input repeated to extents; data NULL where it is absent. */
static struct vt__view optional(const struct vt__run *run, int32_t i, const int64_t *shape, int32_t ndim) {
    struct vt__view like = {.ndim = ndim}, none = {.data = NULL};
    memcpy(like.shape, shape, (size_t)ndim * sizeof *shape);
    if (i < 0 || i >= run->n_in || run->in[i].dtype < 0) return none;
    return vt__view_broadcast(&run->in[i], &like);
}

static int64_t bound(const struct vt__attr *a) { return a->given && a->i[0] >= 0 ? min_of(a->i[0], NO_BOUND) : NO_BOUND; }

static void read_attributes(struct vt__attn *a) {
    const struct vt__attr *attr = a->run->attrs->a;
    a->scale = attr[0].given ? attr[0].f : 1 / sqrt((double)max_of(a->d, 1));
    a->left = bound(&attr[2]);
    a->right = bound(&attr[3]);
    if (attr[1].i[0]) a->right = 0;
    a->softcap = attr[4].f;
    a->block[0] = attr[5].given && attr[5].count ? attr[5].i[0] : 0;
    a->block[1] = attr[5].given && attr[5].count > 1 ? attr[5].i[1] : a->block[0];
    a->keep = 1 - attr[6].f;
    a->seed = (uint64_t)attr[7].i[0];
}

/* Bounds of packed sequences: 0 first, never less than before, the number of rows last. */
static vt_status read_bounds(const struct vt__attn *a, const struct vt__view *v, int64_t i, int64_t n_rows, int64_t *from, int64_t *to) {
    int64_t count = v->shape[0], buffer[2];
    memcpy(buffer, vt__block_load(v, i, 2, VT_DTYPE_I64, (int64_t[2]){0}), sizeof buffer);
    *from = buffer[0];
    *to = buffer[1];
    if (*from > *to || *from < 0 || *to > n_rows || (i == 0 && *from != 0) || (i == count - 2 && *to != n_rows))
        return vt__fail(VT_ERR_INVALID, "%s: sequence %lld of %lld goes from row %lld to %lld, of %lld rows", a->run->op->name, (long long)i, (long long)(count - 1),
                        (long long)*from, (long long)*to, (long long)n_rows);
    return VT_OK;
}

static vt_status make_pairs(struct vt__attn *a, const struct vt__view *cu_q, const struct vt__view *cu_k) {
    int64_t n_sequences = cu_q ? cu_q->shape[0] - 1 : a->q.shape[0], n_kv = a->k.shape[1], n = 0;
    if (__builtin_mul_overflow(n_sequences, n_kv, &a->n_pairs)) a->n_pairs = -1;
    a->pairs = vt__scratch_zero2(a->run->ctx, a->n_pairs, 1, sizeof *a->pairs);
    if (!a->pairs) return vt__fail_nomem(a->run->op->name, 0);
    if (n_sequences == 0 && cu_q && (a->q.shape[2] || a->k.shape[2]))
        return vt__fail(VT_ERR_INVALID, "%s: %lld queries and %lld keys in no sequence", a->run->op->name, (long long)a->q.shape[2], (long long)a->k.shape[2]);
    for (int64_t s = 0; s < n_sequences; s++) {
        struct vt__attn_pair pair = {.batch = cu_q ? 0 : s, .m = a->q.shape[2], .n = a->k.shape[2]};
        vt_status st = cu_q ? read_bounds(a, cu_q, s, a->q.shape[2], &pair.query, &pair.m) : VT_OK;
        if (st == VT_OK && cu_q) st = read_bounds(a, cu_k, s, a->k.shape[2], &pair.key, &pair.n);
        if (st != VT_OK) return st;
        pair.m -= pair.query;
        pair.n -= pair.key;
        for (pair.kv_head = 0; pair.kv_head < n_kv; pair.kv_head++) a->pairs[n++] = pair;
    }
    return VT_OK;
}

vt_status vt__attn_open(struct vt__attn *a, const struct vt__run *run, const struct vt__attn_inputs *at, int32_t dtype) {
    const vtk_table *t = vtk_get();
    int is_double = dtype == VT_DTYPE_F64, packed = at->cu_q < run->n_in && run->in[at->cu_q].dtype >= 0;
    *a = (struct vt__attn){.run = run, .q = run->in[0], .k = run->in[1], .v = run->in[2], .compute = is_double ? VT_DTYPE_F64 : VT_DTYPE_F32};
    a->kind = vt__gemm_kind_of(a->compute);
    a->fn = is_double ? t->flash->f64 : t->flash->f32;
    a->gemm = is_double ? t->gemm_f64 : t->gemm_f32;
    a->n_heads = a->q.shape[1];
    a->group = a->k.shape[1] ? a->n_heads / a->k.shape[1] : 0;
    a->d = a->q.shape[3];
    a->dv = a->v.shape[3];
    read_attributes(a);
    int64_t shape[4] = {a->q.shape[0], a->n_heads, a->q.shape[2], a->k.shape[2]};
    a->bias = optional(run, at->bias, shape, 4);
    a->slopes = optional(run, at->slopes, shape, 2);
    for (int i = 0; i < 2 && a->block[0] > 0; i++) shape[2 + i] = (shape[2 + i] + a->block[i] - 1) / a->block[i];
    a->blocks = optional(run, at->blocks, shape, 4);
    return make_pairs(a, packed ? &run->in[at->cu_q] : NULL, packed ? &run->in[at->cu_k] : NULL);
}

void vt__attn_close(struct vt__attn *a) {
    vt__scratch_give(a->run->ctx, a->pairs);
    a->pairs = NULL;
}

/* ---- who sees what ---- */

/* Columns that a row sees, before the mask of blocks. */
static void one_row(const struct vt__attn *a, const struct vt__attn_pair *pair, int transposed, int64_t row, int64_t *first, int64_t *last) {
    int64_t shift = transposed ? pair->m - pair->n : pair->n - pair->m, n = transposed ? pair->m : pair->n;
    int64_t before = transposed ? a->right : a->left, behind = transposed ? a->left : a->right;
    *first = clamp(row + shift - before, 0, n);
    *last = clamp(row + shift + behind + 1, *first, n);
}

/* Both ends only move forward from row to row: the first and the last row say whether any is restricted. */
int vt__attn_seen(const struct vt__attn *a, const struct vt__attn_pair *pair, int transposed, int64_t row0, int64_t n_rows, int64_t column0, int64_t n,
                  int64_t *first, int64_t *last) {
    int64_t from, to, other;
    one_row(a, pair, transposed, row0 + n_rows - 1, &from, &other);
    one_row(a, pair, transposed, row0, &other, &to);
    if (from <= column0 && to >= column0 + n) return 0;
    for (int64_t r = 0; r < n_rows; r++) {
        one_row(a, pair, transposed, row0 + r, &first[r], &last[r]);
        first[r] = clamp(first[r] - column0, 0, n);
        last[r] = clamp(last[r] - column0, first[r], n);
    }
    return 1;
}

void vt__attn_span(const struct vt__attn *a, const struct vt__attn_pair *pair, int transposed, int64_t row0, int64_t n_rows, int64_t *first, int64_t *last) {
    int64_t other;
    one_row(a, pair, transposed, row0, first, &other);
    one_row(a, pair, transposed, row0 + n_rows - 1, &other, last);
}

int64_t vt__attn_next(const struct vt__attn *a, const struct vt__attn_pair *pair, int64_t head, int transposed, int64_t row0, int64_t *at, int64_t end, int64_t most) {
    const struct vt__view *b = &a->blocks;
    int64_t n = 0;
    if (!b->data) return clamp(end - *at, 0, most);
    int64_t size = a->block[!transposed], step = b->strides[2 + !transposed];
    const uint8_t *line = (const uint8_t *)b->data + pair->batch * b->strides[0] + head * b->strides[1] + row0 / a->block[transposed] * b->strides[2 + transposed];
    while (*at < end && !line[*at / size * step]) *at = (*at / size + 1) * size;
    while (*at + n < end && n < most && line[(*at + n) / size * step]) n = ((*at + n) / size + 1) * size - *at;
    return clamp(end - *at, 0, min_of(n, most));
}

int64_t vt__attn_tiles(const struct vt__attn *a, int transposed, int64_t n_rows, int64_t most) {
    if (!a->blocks.data) return (n_rows + most - 1) / most;
    int64_t size = a->block[transposed];
    return (n_rows + size - 1) / size * ((min_of(size, n_rows) + most - 1) / most);
}

void vt__attn_tile(const struct vt__attn *a, int transposed, int64_t n_rows, int64_t most, int64_t tile, int64_t *row0, int64_t *n) {
    int64_t size = a->blocks.data ? a->block[transposed] : n_rows, tiles = (min_of(size, n_rows) + most - 1) / most;
    int64_t from = tile / tiles * size + tile % tiles * most, end = min_of(n_rows, size > n_rows ? n_rows : (tile / tiles + 1) * size);
    *row0 = min_of(from, end);
    *n = min_of(most, end - *row0);
}

/* ---- rows and panels ---- */

static struct vt__view rows_of(const struct vt__view *x, int64_t batch, int64_t head, int64_t row, int64_t n) {
    struct vt__view v = {.dtype = x->dtype, .ndim = 2, .shape = {n, x->shape[3]}, .strides = {x->strides[2], x->strides[3]}};
    v.data = (char *)x->data + (batch * x->strides[0] + head * x->strides[1] + row * x->strides[2]) * (int64_t)vt__dtype_size(x->dtype);
    return v;
}

int vt__attn_is_in_place(const struct vt__attn *a, const struct vt__view *x) { return x->dtype == a->compute && (x->strides[3] == 1 || x->shape[3] <= 1); }

/* Where a row of x begins that is in place. */
static char *row_at(const struct vt__attn *a, const struct vt__view *x, int64_t batch, int64_t head, int64_t row) {
    return (char *)x->data + (batch * x->strides[0] + head * x->strides[1] + row * x->strides[2]) * (int64_t)a->kind->size;
}

const void *vt__attn_rows(const struct vt__attn *a, const struct vt__view *x, int64_t batch, int64_t head, int64_t row, int64_t n, void *scratch, int64_t *ld) {
    int64_t width = x->shape[3];
    if (vt__attn_is_in_place(a, x)) {
        *ld = x->strides[2];
        return row_at(a, x, batch, head, row);
    }
    struct vt__view v = rows_of(x, batch, head, row, n);
    *ld = width;
    int32_t half = v.dtype == VT_DTYPE_F16 ? VTK_F16 : v.dtype == VT_DTYPE_BF16 ? VTK_BF16 : -1;
    if (half >= 0 && v.strides[1] == 1 && a->compute == VT_DTYPE_F32) {
        for (int64_t r = 0; r < n; r++) vtk_get()->decode[half]((float *)scratch + r * width, (const uint16_t *)v.data + r * v.strides[0], width);
        return scratch;
    }
    return n && width ? vt__block_load(&v, 0, n * width, a->compute, scratch) : scratch;
}

void *vt__attn_target(const struct vt__attn *a, const struct vt__view *x, int64_t batch, int64_t head, int64_t row, void *scratch, int64_t *ld) {
    int is_there = vt__attn_is_in_place(a, x);
    *ld = is_there ? x->strides[2] : x->shape[3];
    return is_there ? row_at(a, x, batch, head, row) : scratch;
}

void vt__attn_store(const struct vt__attn *a, const struct vt__view *x, int64_t batch, int64_t head, int64_t row, int64_t n, const void *rows) {
    if (!n || !x->shape[3] || (vt__attn_is_in_place(a, x) && rows == row_at(a, x, batch, head, row))) return;
    struct vt__view v = rows_of(x, batch, head, row, n);
    vt__block_store(&v, 0, n * v.shape[1], a->compute, rows);
}

void vt__attn_pack(const struct vt__attn *a, void *panels, const void *x, int64_t ld, int64_t n, int64_t width, int by_rows, int64_t rows) {
    vt__gemm_factor b = {x, by_rows ? 1 : ld, by_rows ? ld : 1};
    int64_t k = by_rows ? width : n, columns = by_rows ? n : width, panel = a->kind->panel;
    for (int64_t c = 0; c < columns; c += panel)
        vt__gemm_pack_panel(a->kind, (char *)panels + (size_t)(c * (by_rows ? k : rows)) * a->kind->size, &b, 0, c, k, min_of(panel, columns - c));
}

void vt__attn_scores(const struct vt__attn *a, void *s, int64_t ld_s, const void *x, int64_t ld_x, const void *panels, int64_t m, int64_t n, int64_t k, struct vt__attn_range seen) {
    int64_t panel = a->kind->panel, from = 0, to = 0;
    vtk_gemm g = {.out = s, .ld_out = ld_s, .x = x, .ld_x = ld_x, .panels = panels, .n = n, .k = k, .alpha = 1, .finish = VTK_GEMM_STORE};
    if (!seen.first) {
        a->gemm(&g, 0, m, 0, (n + panel - 1) / panel);
        return;
    }
    for (int64_t c = 0; c < n; c += panel) { /* the rows that see any of these columns */
        while (from < m && seen.last[from] <= c) from++;
        while (to < m && seen.first[to] < c + panel) to++;
        if (from < to) a->gemm(&g, from, to, c / panel, c / panel + 1);
    }
}

void vt__attn_multiply(const struct vt__attn *a, void *out, int64_t ld_out, const void *w, int64_t ld_w, const void *panels, int64_t rows, int64_t m, int64_t n, int64_t k,
                       double alpha, int add, struct vt__attn_range seen) {
    enum { GROUP = 32 };
    int64_t panel = a->kind->panel, size = (int64_t)a->kind->size, group = seen.first ? GROUP : m;
    for (int64_t r = 0; r < m; r += group) {
        int64_t end = min_of(m, r + group), from = seen.first ? seen.first[r] : 0, to = seen.first ? max_of(seen.last[end - 1], from) : k;
        vtk_gemm g = {.ld_out = ld_out, .x = (const char *)w + (r * ld_w + from) * size, .ld_x = ld_w, .k = to - from, .alpha = alpha, .beta = add};
        int64_t width = to - from == rows ? n : panel; /* the kernel takes panels to be as long as the product */
        g.finish = alpha == 1 && !add ? VTK_GEMM_STORE : VTK_GEMM_SCALE;
        for (int64_t c = 0; c < n && (to > from || !add); c += width) {
            g.out = (char *)out + (r * ld_out + c) * size;
            g.panels = (const char *)panels + (c * rows + from * panel) * size;
            g.n = min_of(width, n - c);
            a->gemm(&g, 0, end - r, 0, (g.n + panel - 1) / panel);
        }
    }
}

/* ---- scores ---- */

int vt__attn_adjusts(const struct vt__attn *a) { return a->softcap != 0 || a->bias.data || a->slopes.data; }

static const double LOG2_E = 0x1.71547652b82fep+0;
double vt__attn_factor(const struct vt__attn *a) { return vt__attn_adjusts(a) ? LOG2_E : a->scale * LOG2_E; }

/* A row of the bias; of a mask of bools 0 and minus infinity. */
static void bias_row(const struct vt__attn *a, const struct vt__view *v, int64_t n, void *row) {
    const void *x = vt__block_load(v, 0, n, a->compute, row);
    if (x != row) memcpy(row, x, (size_t)n * a->kind->size);
    if (v->dtype != VT_DTYPE_BOOL) return;
    for (int64_t i = 0; i < n; i++) {
        if (a->compute == VT_DTYPE_F32) ((float *)row)[i] = ((float *)row)[i] != 0 ? 0 : -INFINITY;
        else ((double *)row)[i] = ((double *)row)[i] != 0 ? 0 : -(double)INFINITY;
    }
}

void vt__attn_adjust(const struct vt__attn *a, const struct vt__attn_pair *pair, int64_t head, int transposed, int64_t row0, int64_t n_rows, int64_t column0, int64_t n,
                     void *s, int64_t ld, void *bias, void *bend) {
    const struct vt__view *b = &a->bias;
    vtk_flash_adjust p = {.s = s, .ld = ld, .n_rows = n_rows, .n = n, .scale = a->scale, .softcap = a->softcap, .bend = bend};
    p.diagonal = (transposed ? pair->m - pair->n : pair->n - pair->m) + row0 - column0;
    if (a->slopes.data) {
        struct vt__view one = {.dtype = a->slopes.dtype, .data = (char *)a->slopes.data + (pair->batch * a->slopes.strides[0] + head * a->slopes.strides[1]) *
                                                                                              (int64_t)vt__dtype_size(a->slopes.dtype)};
        double slope;
        p.slope = *(const double *)vt__block_load(&one, 0, 1, VT_DTYPE_F64, &slope);
    }
    for (int64_t r = 0; b->data && r < n_rows; r++) {
        struct vt__view row = {.dtype = b->dtype, .ndim = 1, .shape = {n}, .strides = {b->strides[3 - transposed]}};
        int64_t at = pair->batch * b->strides[0] + head * b->strides[1] + (row0 + r) * b->strides[2 + transposed] + column0 * b->strides[3 - transposed];
        row.data = (char *)b->data + at * (int64_t)vt__dtype_size(b->dtype);
        bias_row(a, &row, n, (char *)bias + (size_t)(r * ld) * a->kind->size);
        p.bias = bias;
    }
    a->fn->adjust(&p);
}

/* Counter of Philox: key / 4, query, head, batch; four keys a block. Extents beyond 2^32 wrap round, which no memory reaches. */
void vt__attn_drop(const struct vt__attn *a, const struct vt__attn_pair *pair, int64_t head, int transposed, int64_t row0, int64_t n_rows, int64_t column0, int64_t n,
                   void *z, int64_t ld) {
    const uint32_t key[2] = {(uint32_t)a->seed, (uint32_t)(a->seed >> 32)};
    int64_t n_queries = transposed ? n : n_rows, n_keys = transposed ? n_rows : n;
    int64_t query0 = pair->query + (transposed ? column0 : row0), key0 = pair->key + (transposed ? row0 : column0);
    for (int64_t i = 0; i < n_queries; i++) {
        uint32_t words[4] = {0};
        for (int64_t j = 0; j < n_keys; j++) {
            int64_t k = key0 + j, to = transposed ? j * ld + i : i * ld + j;
            if (j == 0 || k % 4 == 0) vt__philox_block((const uint32_t[4]){(uint32_t)(k / 4), (uint32_t)(query0 + i), (uint32_t)head, (uint32_t)pair->batch}, key, words);
            double value = (double)words[k % 4] * 0x1p-32 < a->keep ? 1 / a->keep : 0;
            if (a->compute == VT_DTYPE_F32) ((float *)z)[to] = (float)value;
            else ((double *)z)[to] = value;
        }
    }
}

static void drop_row(void *user, int64_t i) {
    const struct vt__run *run = user;
    const struct vt__view *out = &run->out[0];
    struct vt__attn a = {.keep = 1 - run->attrs->a[0].f, .seed = (uint64_t)run->attrs->a[1].i[0], .compute = out->dtype};
    int64_t head = i / out->shape[2], n = out->shape[3];
    struct vt__attn_pair pair = {.batch = head / out->shape[1]};
    vt__attn_drop(&a, &pair, head % out->shape[1], 0, i % out->shape[2], 1, 0, n, (char *)out->data + (size_t)(i * n) * vt__dtype_size(out->dtype), n);
}

vt_status vt__cpu_attention_drop(const struct vt__run *run) {
    const struct vt__view *out = &run->out[0];
    if (vt__view_count(out)) vt__parallel(run->ctx, out->shape[0] * out->shape[1] * out->shape[2], drop_row, (void *)(uintptr_t)run);
    return VT_OK;
}

size_t vt__attn_room(struct vt__attn_room *room, int64_t n, int64_t m, size_t elem) {
    size_t at = room->size, bytes;
    int64_t count;
    if (__builtin_mul_overflow(n, m, &count) || vt__mul_size(count, (int64_t)elem, &bytes) || __builtin_add_overflow(bytes, (size_t)63, &bytes) ||
        __builtin_add_overflow(at, bytes & ~(size_t)63, &room->size))
        room->too_large = 1;
    return at;
}
