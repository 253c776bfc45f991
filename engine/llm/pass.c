#include "llm/pass.h"

#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "kv/cache.h"
#include "llm/model_internal.h"
#include "vtk.h"

enum { LINE = 64, CHUNKS_A_THREAD = 4 }; /* more chunks than threads: a thread that lost its core for a while holds up little */

/* ---- workspace ---- */

static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* The arrays begin on cache lines of their own. Sizes are bounded by the checks of the loader; the sum is checked all the same. */
vt_status vt__workspace_init(vt__workspace *ws, vt_context *ctx, const vt__hparams *hp, int64_t max_rows) {
    int64_t q_dim = hp->n_heads * hp->head_dim, kv_dim = hp->n_kv_heads * hp->head_dim;
    int64_t widest = max_of(max_of(hp->n_embd, q_dim), hp->n_ff);
    *ws = (vt__workspace){.ctx = ctx, .max_rows = max_rows};
    ws->q8_stride = (VTK_Q8_ROW_SIZE((size_t)(widest + VTK_BLOCK - 1) / VTK_BLOCK * VTK_BLOCK) + LINE - 1) / LINE * LINE;
    ws->bf16_stride = ((size_t)hp->bf16_cols * 2 + LINE - 1) / LINE * LINE;
    ws->n_chunks = vt__context_threads(ctx) == 1 ? 1 : CHUNKS_A_THREAD * vt__context_threads(ctx);
    struct {
        float **array;
        int64_t cols;
    } parts[] = {
        {&ws->x, hp->n_embd}, {&ws->h, hp->n_embd},     {&ws->q, q_dim},            {&ws->att, q_dim},
        {&ws->k, kv_dim},     {&ws->v, kv_dim},         {&ws->gate, hp->n_ff},      {&ws->up, hp->n_ff},
        {&ws->cos, hp->n_ropes * (hp->n_rot / 2)}, {&ws->sin, hp->n_ropes * (hp->n_rot / 2)},
        {NULL, (int64_t)(ws->q8_stride / sizeof(float))}, {NULL, (int64_t)(ws->bf16_stride / sizeof(float))},
    };
    enum { N_PARTS = sizeof parts / sizeof parts[0] };
    int64_t at[N_PARTS], total = 0;
    for (int i = 0; i < N_PARTS; i++) {
        at[i] = total;
        total += (max_rows * parts[i].cols + LINE / 4 - 1) / (LINE / 4) * (LINE / 4);
    }
    int64_t attention = total, tiles = attention + ws->n_chunks * (int64_t)VTK_ATTENTION_SCRATCH(hp->head_dim);
    total = tiles + max_rows + 1;
    ws->slab = vt__alloc64_2(ctx, total, 1, sizeof(float));
    if (!ws->slab) return vt__fail_nomem("session", (size_t)total * sizeof(float));
    for (int i = 0; i < N_PARTS - 2; i++) *parts[i].array = ws->slab + at[i];
    ws->q8 = (void *)(ws->slab + at[N_PARTS - 2]);
    ws->bf16 = (void *)(ws->slab + at[N_PARTS - 1]);
    ws->attention = ws->slab + attention;
    ws->tiles = (void *)(ws->slab + tiles);
    return VT_OK;
}

vt_status vt__workspace_reserve(vt__workspace *ws, const vt__hparams *hp, int64_t n_tokens) {
    size_t n = (size_t)hp->n_heads * VTK_PART_SIZE(hp->head_dim);
    if (ws->n_chunks == 1 || (size_t)(n_tokens / VTK_KEYS + 1) * n <= ws->n_parts) return VT_OK;
    int64_t n_groups = n_tokens / VTK_KEYS + 1 + n_tokens / VTK_KEYS / 2; /* half as much again: seldom */
    float *parts = vt__alloc64_2(ws->ctx, n_groups, (int64_t)n, sizeof *parts);
    if (!parts) return vt__fail_nomem("session", (size_t)n_groups * n * sizeof *parts);
    vt__free(ws->ctx, ws->parts);
    ws->parts = parts;
    ws->n_parts = (size_t)n_groups * n;
    return VT_OK;
}

void vt__workspace_free(vt__workspace *ws) {
    if (!ws->ctx) return;
    vt__free(ws->ctx, ws->slab);
    vt__free(ws->ctx, ws->parts);
}

/* ---- begin ---- */

typedef struct begin_job {
    const vt__pass *p;
    const vt__matrix *embd;
    float scale;
} begin_job;

/* Directly from the position, in double: no error grows along the sequence. */
static void find_angles(const vt__pass *p, int64_t i) {
    const vt__hparams *hp = &p->model->hp;
    int64_t n = hp->n_ropes * (hp->n_rot / 2);
    for (int64_t j = 0; j < n; j++) {
        double angle = (double)p->rows[i].pos * p->model->rope_freq[j];
        p->ws->cos[i * n + j] = (float)(cos(angle) * (double)hp->rope_gain);
        p->ws->sin[i * n + j] = (float)(sin(angle) * (double)hp->rope_gain);
    }
}

/* Out of the panels where there are some: the pages of the file were given back. */
static void look_up(const vt__matrix *w, int64_t row, float *out) {
    if (w->packed) vtk_unpack_row(w->kernel, out, w->packed + (size_t)(row / VTK_PANEL_ROWS) * w->panel, row % VTK_PANEL_ROWS, w->cols);
    else vtk_get()->decode[w->kernel](out, (const unsigned char *)w->data + (size_t)row * w->stride, w->cols);
}

static void begin_rows(void *user, int64_t first, int64_t last) {
    const begin_job *j = user;
    const vt__matrix *embd = j->embd;
    for (int64_t i = first; i < last; i++) {
        float *x = j->p->ws->x + i * embd->cols;
        look_up(embd, j->p->rows[i].id, x);
        for (int64_t e = 0; j->scale != 1.0f && e < embd->cols; e++) x[e] *= j->scale;
        find_angles(j->p, i);
    }
}

void vt__pass_begin(vt__pass *p, const vt__matrix *embd, float scale) {
    vt__over_rows(p->ws->ctx, p->n_rows, begin_rows, &(begin_job){p, embd, scale});
}

/* ---- inputs of products ---- */

typedef struct input_job {
    const vt__pass *p;
    const float *src, *norm;
    int64_t cols;
    int forms;
} input_job;

static void input_rows(void *user, int64_t first, int64_t last) {
    const input_job *j = user;
    const vtk_table *k = vtk_get();
    vt__workspace *ws = j->p->ws;
    for (int64_t i = first; i < last; i++) {
        const float *row = j->src + i * j->cols;
        if (j->norm && j->forms == VT__FORM_Q8) {
            k->rms_norm_q8(ws->q8 + (size_t)i * ws->q8_stride, row, j->norm, j->cols, j->p->model->hp.norm_eps);
            continue;
        }
        if (j->norm) {
            k->rms_norm(ws->h + i * j->cols, row, j->norm, j->cols, j->p->model->hp.norm_eps);
            row = ws->h + i * j->cols;
        }
        if (j->forms & VT__FORM_Q8) k->encode_q8_row(ws->q8 + (size_t)i * ws->q8_stride, row, j->cols);
        if (j->forms & VT__FORM_BF16) k->encode[VTK_BF16](ws->bf16 + (size_t)i * ws->bf16_stride, row, j->cols);
    }
}

void vt__pass_input(vt__pass *p, vt__linear *l, const float *src, int64_t cols, const float *norm, int64_t first, int64_t n) {
    vt__workspace *ws = p->ws;
    src += first * cols;
    int forms = p->exact ? VT__FORM_FLOATS : vt__linear_forms(l);
    input_job j = {p, src, norm, cols, forms};
    l->in = (vt__activations){.x = norm ? ws->h : src, .ld = cols, .n = n, .is_fast = !p->exact, .q8 = ws->q8, .q8_stride = ws->q8_stride, .bf16 = ws->bf16, .bf16_stride = ws->bf16_stride};
    if (norm || forms != VT__FORM_FLOATS) vt__over_rows(ws->ctx, n, input_rows, &j);
}

/* ---- heads ---- */

typedef struct heads_job {
    const vt__pass *p;
    const vt__heads *heads;
} heads_job;

static void norm_heads(const vt__hparams *hp, float *x, const float *norm, int32_t n_heads) {
    for (int32_t h = 0; norm && h < n_heads; h++)
        vtk_get()->rms_norm(x + h * hp->head_dim, x + h * hp->head_dim, norm, hp->head_dim, hp->norm_eps);
}

static void heads_rows(void *user, int64_t first, int64_t last) {
    const heads_job *j = user;
    const vtk_table *t = vtk_get();
    const vt__hparams *hp = &j->p->model->hp;
    int64_t q_dim = hp->n_heads * hp->head_dim, kv_dim = hp->n_kv_heads * hp->head_dim;
    for (int64_t i = first; i < last; i++) {
        float *q = j->p->ws->q + i * q_dim, *k = j->p->ws->k + i * kv_dim, *v = j->p->ws->v + i * kv_dim;
        if (j->heads->q_bias) t->add(q, j->heads->q_bias, q_dim);
        if (j->heads->k_bias) t->add(k, j->heads->k_bias, kv_dim);
        if (j->heads->v_bias) t->add(v, j->heads->v_bias, kv_dim);
        norm_heads(hp, q, j->heads->q_norm, hp->n_heads);
        norm_heads(hp, k, j->heads->k_norm, hp->n_kv_heads);
    }
}

void vt__pass_heads(vt__pass *p, const vt__heads *h) {
    if (h->q_bias || h->k_bias || h->v_bias || h->q_norm || h->k_norm) vt__over_rows(p->ws->ctx, p->n_rows, heads_rows, &(heads_job){p, h});
}

/* ---- rotation and cache ---- */

typedef struct store_job {
    const vt__pass *p;
    int32_t layer, rope;
} store_job;

static void rotate(const vt__pass *p, float *head, int64_t row, int32_t rope) {
    int64_t n_pairs = p->model->hp.n_rot / 2, at = (row * p->model->hp.n_ropes + (rope & VT__ROPE_LOCAL ? 1 : 0)) * n_pairs;
    const vtk_table *k = vtk_get();
    (rope & VT__ROPE_HALVES ? k->rope_halves : k->rope_pairs)(head, p->ws->cos + at, p->ws->sin + at, n_pairs);
}

static void store_rows(void *user, int64_t first, int64_t last) {
    const store_job *j = user;
    const vt__pass *p = j->p;
    const vt__hparams *hp = &p->model->hp;
    int32_t type = vt__kv_type(p->kv);
    for (int64_t i = first; i < last; i++) {
        float *q = p->ws->q + i * hp->n_heads * hp->head_dim;
        float *k = p->ws->k + i * hp->n_kv_heads * hp->head_dim, *v = p->ws->v + i * hp->n_kv_heads * hp->head_dim;
        unsigned char *block = p->rows[i].blocks[p->rows[i].pos / VTK_KV_BLOCK];
        for (int32_t h = 0; h < hp->n_heads; h++) rotate(p, q + h * hp->head_dim, i, j->rope);
        for (int32_t h = 0; h < hp->n_kv_heads; h++, k += hp->head_dim, v += hp->head_dim) {
            rotate(p, k, i, j->rope);
            vtk_get()->kv_put[type](block + vt__kv_k_offset(p->kv, j->layer, h), block + vt__kv_v_offset(p->kv, j->layer, h), p->rows[i].pos % VTK_KV_BLOCK, k, v,
                                    hp->head_dim);
        }
    }
}

void vt__pass_store(vt__pass *p, int32_t layer, int32_t rope) {
    vt__over_rows(p->ws->ctx, p->n_rows, store_rows, &(store_job){p, layer, rope});
}

/* ---- residual ---- */

typedef struct residual_job {
    const vt__pass *p;
    const float *norm;
} residual_job;

static void residual_rows(void *user, int64_t first, int64_t last) {
    const residual_job *j = user;
    const vtk_table *k = vtk_get();
    int64_t n = j->p->model->hp.n_embd;
    for (int64_t i = first; i < last; i++) {
        float *h = j->p->ws->h + i * n;
        k->rms_norm(h, h, j->norm, n, j->p->model->hp.norm_eps);
        k->add(j->p->ws->x + i * n, h, n);
    }
}

void vt__pass_add_normed(vt__pass *p, const float *norm) {
    vt__over_rows(p->ws->ctx, p->n_rows, residual_rows, &(residual_job){p, norm});
}
