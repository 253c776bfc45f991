#include "linalg/gemm.h"

#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "linalg/gemm_few.h"
#include "linalg/gemm_pack.h"
#include "vtk.h"

enum {
    MOST_ROWS = 2048,        /* of A, and */
    MOST_COLUMNS = 2048,     /* of B packed at a time: 4 MiB each. Where A is not, */
    FEWER_COLUMNS = 512,     /* so that a block of C stays in the caches from piece to piece of k */
    MOST_ROWS_ROUNDED = 512, /* where C is rounded at the end and sums wait in float32 */
    ROWS_A_CHUNK = 128,      /* that stay in a second-level cache while all panels go by */
    CHUNKS_A_THREAD = 4,     /* more than one, so that a thread that lost its core for a while holds up little */
    SAME_SETS = 1 << 14,     /* bytes from row to row */
    FEW_COLUMNS = 256,       /* that do not pay for moving rows so far apart */
    MOST_ROOM = 1 << 23,     /* bytes that small products of a batch may have side by side */
    CHUNK_PRODUCTS = 1 << 19 /* products a chunk at least: below, handing it over costs more than doing it */
};

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t chunks_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

/* ---- one call ---- */

/* What is packed at a time, and where. */
typedef struct room {
    void *rows, *panels;
    float *sums; /* of a C that is rounded at the end; NULL: none */
} room;

typedef struct call {
    const vt__gemm_problem *p;
    const vt__gemm_kind *kind;
    void (*kernel)(const vtk_gemm *g, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
    size_t out_size;
    int64_t most_rows, most_columns, most_k; /* packed at a time */
    int is_rounded; /* C is bfloat16 */
    int rows_lie_well; /* A is read where it is */
    double alpha, beta;
    int64_t k; /* 0 where A and B are not read: a product without products still scales C */
    int64_t n_threads;
} call;

/* The block of C, and the piece of k, that is worked on. */
typedef struct block {
    const call *c;
    const room *at;
    vt__gemm_factor a, b;
    unsigned char *out;
    int64_t row, column, k0; /* where it begins */
    int64_t m, n, k;
    int64_t row_chunks, panel_chunks; /* of the product */
    int64_t a_chunks;                 /* of packing, those of A first */
} block;

/* Rows of A need not be moved if their elements lie side by side in whole steps; unless they are so far apart that too many of them meet in the same sets
 * of a cache, and enough columns come by for that to cost more than moving them. */
static int rows_lie_well(const vt__gemm_kind *kind, const vt__gemm_factor *a, int64_t n, int64_t k) {
    int is_far = a->row * (int64_t)kind->size % SAME_SETS == 0 && a->row != 0;
    return a->column == 1 && k % kind->aligned == 0 && a->row % kind->aligned == 0 && (!is_far || n <= FEW_COLUMNS);
}

static int64_t panels_of(const block *b) { return chunks_of(b->n, b->c->kind->panel); }

static void pack_chunk(void *user, int64_t chunk) {
    const block *b = user;
    const vt__gemm_kind *kind = b->c->kind;
    int64_t ld = vt__gemm_padded(kind, b->k);
    if (chunk < b->a_chunks) {
        int64_t row = chunk * ROWS_A_CHUNK;
        vt__gemm_pack_rows(kind, (unsigned char *)b->at->rows + (size_t)(row * ld) * kind->size, &b->a, b->row + row, b->k0, min_of(ROWS_A_CHUNK, b->m - row), b->k);
    } else {
        int64_t column = (chunk - b->a_chunks) * kind->panel;
        vt__gemm_pack_panel(kind, (unsigned char *)b->at->panels + (size_t)(column * ld) * kind->size, &b->b, b->k0, b->column + column, b->k,
                            min_of(kind->panel, b->n - column));
    }
}

/* Between a C of bfloat16 and its sums. */
static void convert(const block *b, int64_t row0, int64_t row1, int64_t column0, int64_t column1, int to_sums) {
    const vtk_table *t = vtk_get();
    for (int64_t i = row0; i < row1; i++) {
        unsigned char *c = b->out + (size_t)((b->row + i) * b->c->p->ld_c + b->column + column0) * b->c->out_size;
        float *sums = b->at->sums + i * b->n + column0;
        if (to_sums) t->decode[VTK_BF16](sums, c, column1 - column0);
        else t->encode[VTK_BF16](c, sums, column1 - column0);
    }
}

static void multiply_chunk(void *user, int64_t chunk) {
    const block *b = user;
    const call *c = b->c;
    int64_t row0, row1, panel0, panel1, is_first = b->k0 == 0, is_last = b->k0 + b->k >= c->k;
    vtk_gemm g = {.x = b->at->rows, .ld_x = vt__gemm_padded(c->kind, b->k), .panels = b->at->panels, .n = b->n, .k = b->k, .alpha = c->alpha, .beta = is_first ? c->beta : 1.0};

    if (c->rows_lie_well) {
        g.x = (const unsigned char *)b->a.data + (b->row * b->a.row + b->k0) * (int64_t)c->kind->size;
        g.ld_x = b->a.row;
    }
    g.out = c->is_rounded ? (void *)b->at->sums : b->out + (size_t)(b->row * c->p->ld_c + b->column) * c->out_size;
    g.ld_out = c->is_rounded ? b->n : c->p->ld_c;
    g.finish = g.alpha == 1 && g.beta == 0 ? VTK_GEMM_STORE : VTK_GEMM_SCALE;
    vt__chunk_range(b->m, 1, b->row_chunks, chunk / b->panel_chunks, &row0, &row1);
    vt__chunk_range(panels_of(b), 1, b->panel_chunks, chunk % b->panel_chunks, &panel0, &panel1);
    if (row0 >= row1 || panel0 >= panel1) return;
    int64_t column0 = panel0 * c->kind->panel, column1 = min_of(panel1 * c->kind->panel, b->n);
    if (c->is_rounded && is_first && g.beta != 0) convert(b, row0, row1, column0, column1, 1);
    c->kernel(&g, row0, row1, panel0, panel1);
    if (c->is_rounded && is_last) convert(b, row0, row1, column0, column1, 0);
}

static void run_block(vt_context *ctx, block *b) {
    int64_t wanted = b->c->n_threads * CHUNKS_A_THREAD;
    int worth = b->m * b->n / CHUNK_PRODUCTS * b->k + b->m * b->n % CHUNK_PRODUCTS * b->k / CHUNK_PRODUCTS > 1 && b->c->n_threads > 1;
    b->a_chunks = b->c->rows_lie_well ? 0 : chunks_of(b->m, ROWS_A_CHUNK);
    b->row_chunks = chunks_of(b->m, ROWS_A_CHUNK);
    b->panel_chunks = worth ? min_of(chunks_of(wanted, b->row_chunks), panels_of(b)) : 1;
    int64_t n_packs = b->a_chunks + panels_of(b), n_products = b->row_chunks * b->panel_chunks;
    if (worth) {
        vt__parallel(ctx, n_packs, pack_chunk, b);
        vt__parallel(ctx, n_products, multiply_chunk, b);
        return;
    }
    for (int64_t i = 0; i < n_packs && !vt__cancel_is_left(); i++) pack_chunk(b, i);
    for (int64_t i = 0; i < n_products && !vt__cancel_is_left(); i++) multiply_chunk(b, i);
}

static void run(vt_context *ctx, const call *c, const room *at, const void *a, const void *b, void *out) {
    const vt__gemm_problem *p = c->p;
    block part = {.c = c, .at = at, .a = p->a, .b = p->b, .out = out};
    part.a.data = a;
    part.b.data = b;
    for (part.column = 0; part.column < p->n; part.column += c->most_columns)
        for (part.row = 0; part.row < p->m; part.row += c->most_rows)
            for (part.k0 = 0; (part.k0 == 0 || part.k0 < c->k) && !vt__cancel_is_left(); part.k0 += c->most_k) {
                part.m = min_of(c->most_rows, p->m - part.row);
                part.n = min_of(c->most_columns, p->n - part.column);
                part.k = min_of(c->most_k, c->k - part.k0);
                run_block(ctx, &part);
            }
}

/* ---- calls ---- */

static vt_status check(const vt__gemm_problem *p, call *c) {
    *c = (call){.p = p, .kind = vt__gemm_kind_of(p->dtype), .alpha = p->alpha, .beta = p->beta};
    if (!c->kind || (p->out_dtype != p->dtype && !(p->dtype == VT_DTYPE_BF16 && p->out_dtype == VT_DTYPE_F32)))
        return vt__fail(VT_ERR_UNSUPPORTED, "gemm: factors of dtype %d with a result of dtype %d", (int)p->dtype, (int)p->out_dtype);
    if (p->m < 0 || p->n < 0 || p->k < 0 || p->ld_c < p->n)
        return vt__fail(VT_ERR_INVALID, "gemm: m=%lld n=%lld k=%lld ld_c=%lld: sizes must not be negative, nor ld_c below n", (long long)p->m, (long long)p->n,
                        (long long)p->k, (long long)p->ld_c);
    const vtk_table *t = vtk_get();
    c->kernel = p->dtype == VT_DTYPE_F64 ? t->gemm_f64 : p->dtype == VT_DTYPE_F32 ? t->gemm_f32 : t->gemm_bf16;
    c->is_rounded = p->out_dtype == VT_DTYPE_BF16;
    c->out_size = p->out_dtype == VT_DTYPE_F64 ? 8 : p->out_dtype == VT_DTYPE_F32 ? 4 : 2;
    c->most_rows = min_of(p->m, c->is_rounded ? MOST_ROWS_ROUNDED : MOST_ROWS);
    c->most_k = c->kind->piece;
    if (p->dtype != VT_DTYPE_F64) c->alpha = (double)(float)p->alpha, c->beta = (double)(float)p->beta;
    c->k = c->alpha == 0 ? 0 : p->k;
    c->rows_lie_well = rows_lie_well(c->kind, &p->a, p->n, c->k);
    c->most_columns = min_of(p->n, c->rows_lie_well ? FEWER_COLUMNS : MOST_COLUMNS);
    return VT_OK;
}

enum { LINE = 64 };

/* Bytes of a room whose parts begin on lines, and where they are in one at p. Each part is below 2^24 bytes. */
static size_t room_size(const call *c, unsigned char *p, room *at) {
    size_t k = (size_t)vt__gemm_padded(c->kind, min_of(c->most_k, c->k)) * c->kind->size, columns = (size_t)chunks_of(c->most_columns, c->kind->panel) * (size_t)c->kind->panel;
    size_t rows = c->rows_lie_well ? 0 : ((size_t)c->most_rows * k + LINE - 1) / LINE * LINE, panels = (columns * k + LINE - 1) / LINE * LINE;
    size_t sums = c->is_rounded ? (size_t)(c->most_rows * c->most_columns) * sizeof(float) : 0;
    if (p) *at = (room){p, p + rows, c->is_rounded ? (float *)(void *)(p + rows + panels) : NULL};
    return rows + panels + (sums + LINE - 1) / LINE * LINE;
}

vt_status vt__gemm(vt_context *ctx, const vt__gemm_problem *p) {
    call c;
    vt_status st = check(p, &c);
    if (st != VT_OK) return st;
    if (!vt__gemm_is_few(p)) return vt__gemm_batch(ctx, p, 1, NULL, NULL, NULL);
    vt__gemm_few(ctx, p);
    return VT_OK;
}

typedef struct batch {
    const call *c;
    const int64_t *a_at, *b_at, *c_at;
    int64_t n, n_chunks;
    unsigned char *rooms; /* one a chunk */
    size_t room;          /* bytes */
    vt_context *ctx;
} batch;

static void run_batch_chunk(void *user, int64_t chunk) {
    const batch *b = user;
    const vt__gemm_problem *p = b->c->p;
    room at;
    int64_t first, last;
    (void)room_size(b->c, b->rooms + (size_t)chunk * b->room, &at);
    vt__chunk_range(b->n, 1, b->n_chunks, chunk, &first, &last);
    for (int64_t i = first; i < last; i++) {
        const unsigned char *x = p->a.data, *y = p->b.data;
        unsigned char *out = p->c;
        if (b->a_at) x += b->a_at[i] * (int64_t)b->c->kind->size;
        if (b->b_at) y += b->b_at[i] * (int64_t)b->c->kind->size;
        if (b->c_at) out += b->c_at[i] * (int64_t)b->c->out_size;
        run(b->ctx, b->c, &at, x, y, out);
    }
}

vt_status vt__gemm_batch(vt_context *ctx, const vt__gemm_problem *p, int64_t n_batch, const int64_t *a_at, const int64_t *b_at, const int64_t *c_at) {
    call c;
    vt_status st = check(p, &c);
    if (st != VT_OK) return st;
    if (n_batch <= 0 || p->m == 0 || p->n == 0) return n_batch < 0 ? vt__fail(VT_ERR_INVALID, "gemm: a batch of %lld", (long long)n_batch) : VT_OK;
    c.n_threads = vt__context_threads(ctx);
    batch b = {.c = &c, .a_at = a_at, .b_at = b_at, .c_at = c_at, .n = n_batch, .n_chunks = 1, .room = room_size(&c, NULL, NULL), .ctx = ctx};
    /* small products: several at a time, each on one thread */
    int64_t n_chunks = min_of(n_batch, c.n_threads * CHUNKS_A_THREAD);
    if (c.n_threads > 1 && n_batch >= c.n_threads && b.room <= MOST_ROOM / (size_t)n_chunks) b.n_chunks = n_chunks, c.n_threads = 1;
    b.rooms = vt__scratch_take(ctx, (size_t)b.n_chunks * b.room);
    if (!b.rooms) return vt__fail_nomem("gemm", (size_t)b.n_chunks * b.room);
    vt__parallel(ctx, b.n_chunks, run_batch_chunk, &b);
    vt__scratch_give(ctx, b.rooms);
    return VT_OK;
}
