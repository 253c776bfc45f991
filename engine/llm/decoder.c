#include "llm/decoder.h"

#include <math.h>
#include <string.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "llm/load.h"
#include "llm/model_internal.h"
#include "vtk.h"

/* ---- loading ---- */

vt_status vt__decoder_sizes(vt_model *m, double default_eps) {
    static const char *const refused[] = {"expert_count", "attention.max_alibi_bias", "attention.clamp_kqv"};
    double eps;
    vt_status st = vt__load_decoder_sizes(m);
    if (st == VT_OK) st = vt__load_float_or(m, "attention.layer_norm_rms_epsilon", default_eps, &eps);
    if (st == VT_OK && !(eps >= 0 && eps < 1)) st = vt__fail(VT_ERR_FORMAT, "%s: RMS epsilon %g", vt__gguf_name(m->gguf), eps);
    if (st == VT_OK) m->hp.norm_eps = (float)eps;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0] && st == VT_OK; i++) st = vt__load_refuse(m, refused[i]);
    return st;
}

/* Queries, keys and values as three tensors, or as the rows of one. */
static vt_status bind_qkv(vt__binder *b, int32_t i, vt__layer *l) {
    const vt__hparams *hp = &b->model->hp;
    int64_t q_dim = hp->n_heads * hp->head_dim, kv_dim = hp->n_kv_heads * hp->head_dim;
    vt_status st;
    if (!vt__bind_has_layer(b, i, "attn_qkv.weight")) {
        st = vt__bind_matrix(b, i, "attn_q.weight", q_dim, hp->n_embd, &l->q);
        if (st == VT_OK) st = vt__bind_matrix(b, i, "attn_k.weight", kv_dim, hp->n_embd, &l->k);
        return st == VT_OK ? vt__bind_matrix(b, i, "attn_v.weight", kv_dim, hp->n_embd, &l->v) : st;
    }
    vt__matrix *parts[] = {&l->q, &l->k, &l->v};
    const int64_t rows[] = {q_dim, kv_dim, kv_dim};
    return vt__bind_stack(b, i, "attn_qkv.weight", hp->n_embd, 3, rows, parts);
}

static vt_status bind_bias(vt__binder *b, int32_t i, vt__layer *l) {
    const vt__hparams *hp = &b->model->hp;
    int64_t q_dim = hp->n_heads * hp->head_dim, kv_dim = hp->n_kv_heads * hp->head_dim;
    vt__heads *h = &l->heads;
    vt_status st;
    if (!vt__bind_has_layer(b, i, "attn_qkv.bias")) {
        st = vt__bind_vector(b, i, "attn_q.bias", q_dim, &h->q_bias);
        if (st == VT_OK) st = vt__bind_vector(b, i, "attn_k.bias", kv_dim, &h->k_bias);
        return st == VT_OK ? vt__bind_vector(b, i, "attn_v.bias", kv_dim, &h->v_bias) : st;
    }
    st = vt__bind_vector(b, i, "attn_qkv.bias", q_dim + 2 * kv_dim, &h->q_bias);
    if (st != VT_OK) return st;
    h->k_bias = h->q_bias + q_dim;
    h->v_bias = h->k_bias + kv_dim;
    return VT_OK;
}

static vt_status bind_norms(vt__binder *b, int32_t i, uint32_t parts, vt__layer *l) {
    const vt__hparams *hp = &b->model->hp;
    vt_status st = vt__bind_vector(b, i, "attn_norm.weight", hp->n_embd, &l->attn_norm);
    if (st == VT_OK) st = vt__bind_vector(b, i, "ffn_norm.weight", hp->n_embd, &l->ffn_norm);
    if (st == VT_OK && (parts & VT__PART_HEAD_NORM)) {
        st = vt__bind_vector(b, i, "attn_q_norm.weight", hp->head_dim, &l->heads.q_norm);
        if (st == VT_OK) st = vt__bind_vector(b, i, "attn_k_norm.weight", hp->head_dim, &l->heads.k_norm);
    }
    if (st == VT_OK && (parts & VT__PART_POST_NORM)) {
        st = vt__bind_vector(b, i, "post_attention_norm.weight", hp->n_embd, &l->attn_post);
        if (st == VT_OK) st = vt__bind_vector(b, i, "post_ffw_norm.weight", hp->n_embd, &l->ffn_post);
    }
    return st;
}

static vt_status bind_layer(vt__binder *b, int32_t i, uint32_t parts, vt__layer *l) {
    const vt__hparams *hp = &b->model->hp;
    vt_status st = bind_norms(b, i, parts, l);
    if (st == VT_OK) st = bind_qkv(b, i, l);
    if (st == VT_OK && (parts & VT__PART_QKV_BIAS)) st = bind_bias(b, i, l);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "attn_output.weight", hp->n_embd, hp->n_heads * hp->head_dim, &l->o);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "ffn_gate.weight", hp->n_ff, hp->n_embd, &l->gate);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "ffn_up.weight", hp->n_ff, hp->n_embd, &l->up);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "ffn_down.weight", hp->n_embd, hp->n_ff, &l->down);
    return st;
}

static vt_status bind_all(vt_model *m, vt__binder *b, uint32_t parts, int32_t rope) {
    const vt__hparams *hp = &m->hp;
    vt__decoder *w = m->weights;
    vt_status st = vt__bind_matrix(b, -1, "token_embd.weight", hp->n_vocab, hp->n_embd, &w->embd);
    if (st == VT_OK) st = vt__bind_vector(b, -1, "output_norm.weight", hp->n_embd, &w->output_norm);
    w->output = w->embd;
    if (st == VT_OK && vt__bind_has(b, "output.weight")) st = vt__bind_matrix(b, -1, "output.weight", hp->n_vocab, hp->n_embd, &w->output);
    for (int32_t i = 0; i < hp->n_layers && st == VT_OK; i++) {
        w->layers[i].rope = rope;
        st = bind_layer(b, i, parts, &w->layers[i]);
    }
    if (st == VT_OK) st = vt__load_rope(m, b, parts & VT__PART_TWO_ROPES ? 2 : 1);
    return st == VT_OK ? vt__bind_finish(b) : st;
}

vt_status vt__decoder_bind(vt_model *m, uint32_t parts, int32_t rope) {
    vt__binder b = {.model = m};
    size_t size = sizeof(vt__decoder) + (size_t)m->hp.n_layers * sizeof(vt__layer);
    vt__decoder *w = m->weights = vt__calloc(m->ctx, size);
    if (!w) return vt__fail_nomem("model", size);
    w->embd_scale = 1.0f;
    w->gated = vtk_get()->silu_mul;
    vt_status st = bind_all(m, &b, parts, rope);
    vt__bind_free(&b);
    return st;
}

/* In the order of a pass. The embedding is none of them, unless it is the output too. */
int64_t vt__decoder_products(vt_model *m, vt__matrix **out) {
    vt__decoder *w = m->weights;
    enum { A_LAYER = 7 };
    int64_t n = m->hp.n_layers * A_LAYER;
    for (int64_t i = 0; out && i < m->hp.n_layers; i++, out += A_LAYER) {
        vt__layer *l = &w->layers[i];
        vt__matrix *all[A_LAYER] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down};
        memcpy(out, all, sizeof all);
    }
    if (out) *out = &w->output;
    return n + 1;
}

/* ---- computing ---- */

static void attention(vt__pass *p, const vt__layer *l, int32_t i) {
    vt__workspace *ws = p->ws;
    const vt__hparams *hp = &p->model->hp;
    int64_t q_dim = hp->n_heads * hp->head_dim, kv_dim = hp->n_kv_heads * hp->head_dim;

    vt__linear qkv = {.parts = {{&l->q, ws->q, q_dim}, {&l->k, ws->k, kv_dim}, {&l->v, ws->v, kv_dim}}, .n_parts = 3};
    vt__pass_input(p, &qkv, ws->x, hp->n_embd, l->attn_norm, 0, p->n_rows);
    vt__linear_run(ws->ctx, &qkv);

    vt__pass_heads(p, &l->heads);
    vt__pass_store(p, i, l->rope);
    vt__pass_attend(p, i, l->window);

    vt__linear o = {.parts = {{&l->o, ws->h, hp->n_embd}}, .n_parts = 1, .add_to = l->attn_post ? NULL : ws->x};
    vt__pass_input(p, &o, ws->att, q_dim, NULL, 0, p->n_rows);
    vt__linear_run(ws->ctx, &o);
    if (l->attn_post) vt__pass_add_normed(p, l->attn_post);
}

static void feed_forward(vt__pass *p, const vt__decoder *w, const vt__layer *l) {
    vt__workspace *ws = p->ws;
    const vt__hparams *hp = &p->model->hp;

    vt__linear gate_up = {.parts = {{&l->gate, ws->gate, hp->n_ff}, {&l->up, ws->up, hp->n_ff}}, .n_parts = 2, .gated = w->gated};
    vt__pass_input(p, &gate_up, ws->x, hp->n_embd, l->ffn_norm, 0, p->n_rows);
    vt__linear_run(ws->ctx, &gate_up);

    vt__linear down = {.parts = {{&l->down, ws->h, hp->n_embd}}, .n_parts = 1, .add_to = l->ffn_post ? NULL : ws->x};
    vt__pass_input(p, &down, ws->gate, hp->n_ff, NULL, 0, p->n_rows);
    vt__linear_run(ws->ctx, &down);
    if (l->ffn_post) vt__pass_add_normed(p, l->ffn_post);
}

vt_status vt__decoder_forward(vt__pass *p) {
    const vt__decoder *w = p->model->weights;
    vt__pass_begin(p, w->embd.data == w->output.data ? &w->output : &w->embd, w->embd_scale);
    for (int32_t i = 0; i < p->model->hp.n_layers; i++) {
        vt_status st = vt__cancel_poll(p->cancel, "session");
        if (st != VT_OK) return st;
        attention(p, &w->layers[i], i);
        feed_forward(p, w, &w->layers[i]);
    }
    return VT_OK;
}

void vt__decoder_output(vt__pass *p, int64_t first, int64_t n, vt__activations *in, const vt__matrix **w, float *cap) {
    const vt__decoder *d = p->model->weights;
    vt__linear l = {.parts = {{&d->output, NULL, 0}}, .n_parts = 1};
    vt__pass_input(p, &l, p->ws->x, p->model->hp.n_embd, d->output_norm, first, n);
    *in = l.in;
    *w = &d->output;
    *cap = d->logit_cap;
}

void vt__decoder_head(vt__pass *p, int64_t first, int64_t n, float *out) {
    const vt__decoder *w = p->model->weights;
    int64_t n_vocab = p->model->hp.n_vocab;
    vt__linear l = {.parts = {{&w->output, out, n_vocab}}, .n_parts = 1};
    vt__pass_input(p, &l, p->ws->x, p->model->hp.n_embd, w->output_norm, first, n);
    vt__linear_run(p->ws->ctx, &l);
    if (w->logit_cap > 0) {
        for (int64_t i = 0; i < n * n_vocab; i++) out[i] = w->logit_cap * tanhf(out[i] / w->logit_cap);
    }
}
