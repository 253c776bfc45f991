/* llama: Llama 2 and 3, SmolLM, TinyLlama, Mistral files and others of their shape.
 *
 *     x = E[id];   per layer:  x += O attention(rope(Q h), rope(K h), V h), h = rms(x);   x += Down(silu(Gate h) * (Up h)), h = rms(x)
 *     logits = Output rms(x), with Output = E where the file has none.
 *
 * The converter has permuted the rows of Q and K so that rotation works on neighbouring pairs. */
#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "llm/load.h"
#include "llm/model_internal.h"
#include "llm/pass.h"
#include "vtk.h"

typedef struct layer {
    const float *attn_norm, *ffn_norm;
    vt__matrix q, k, v, o, gate, up, down;
} layer;

typedef struct llama {
    vt__matrix embd, output;
    const float *output_norm;
    layer layers[];
} llama;

static vt_status load_sizes(vt_model *m) {
    static const char *const refused[] = {"expert_count", "attention.sliding_window", "attention.max_alibi_bias", "attention.clamp_kqv"};
    double eps;
    vt_status st = vt__load_decoder_sizes(m);
    if (st == VT_OK) st = vt__load_float_or(m, "attention.layer_norm_rms_epsilon", 1e-5, &eps);
    if (st == VT_OK && !(eps >= 0 && eps < 1)) st = vt__fail(VT_ERR_FORMAT, "%s: RMS epsilon %g", vt__gguf_name(m->gguf), eps);
    if (st == VT_OK) m->hp.norm_eps = (float)eps;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0] && st == VT_OK; i++) st = vt__load_refuse(m, refused[i]);
    return st;
}

static vt_status bind_layer(vt__binder *b, int32_t i, layer *l) {
    const vt__hparams *hp = &b->model->hp;
    int64_t q_dim = hp->n_heads * hp->head_dim, kv_dim = hp->n_kv_heads * hp->head_dim;
    vt_status st = vt__bind_vector(b, i, "attn_norm.weight", hp->n_embd, &l->attn_norm);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "attn_q.weight", q_dim, hp->n_embd, &l->q);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "attn_k.weight", kv_dim, hp->n_embd, &l->k);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "attn_v.weight", kv_dim, hp->n_embd, &l->v);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "attn_output.weight", hp->n_embd, q_dim, &l->o);
    if (st == VT_OK) st = vt__bind_vector(b, i, "ffn_norm.weight", hp->n_embd, &l->ffn_norm);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "ffn_gate.weight", hp->n_ff, hp->n_embd, &l->gate);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "ffn_up.weight", hp->n_ff, hp->n_embd, &l->up);
    if (st == VT_OK) st = vt__bind_matrix(b, i, "ffn_down.weight", hp->n_embd, hp->n_ff, &l->down);
    return st;
}

static vt_status bind_all(vt_model *m, vt__binder *b, llama *w) {
    const vt__hparams *hp = &m->hp;
    vt_status st = vt__bind_matrix(b, -1, "token_embd.weight", hp->n_vocab, hp->n_embd, &w->embd);
    if (st == VT_OK) st = vt__bind_vector(b, -1, "output_norm.weight", hp->n_embd, &w->output_norm);
    w->output = w->embd;
    if (st == VT_OK && vt__bind_has(b, "output.weight")) st = vt__bind_matrix(b, -1, "output.weight", hp->n_vocab, hp->n_embd, &w->output);
    for (int32_t i = 0; i < hp->n_layers && st == VT_OK; i++) st = bind_layer(b, i, &w->layers[i]);
    if (st == VT_OK) st = vt__load_rope(m, b);
    return st == VT_OK ? vt__bind_finish(b) : st;
}

static vt_status load(vt_model *m) {
    vt__binder b = {.model = m};
    vt_status st = load_sizes(m);
    if (st != VT_OK) return st;
    size_t size = sizeof(llama) + (size_t)m->hp.n_layers * sizeof(layer);
    llama *w = m->weights = vt__calloc(m->ctx, size);
    if (!w) return vt__fail_nomem("model", size);
    st = bind_all(m, &b, w);
    vt__bind_free(&b);
    return st;
}

static void attention(vt__pass *p, const layer *l, int32_t i) {
    vt__workspace *ws = p->ws;
    const vt__hparams *hp = &p->model->hp;
    int64_t q_dim = hp->n_heads * hp->head_dim, kv_dim = hp->n_kv_heads * hp->head_dim;

    vt__linear qkv = {.parts = {{&l->q, ws->q, q_dim}, {&l->k, ws->k, kv_dim}, {&l->v, ws->v, kv_dim}}, .n_parts = 3};
    vt__pass_input(p, &qkv, ws->x, hp->n_embd, l->attn_norm, 0, p->n_rows);
    vt__linear_run(ws->ctx, &qkv);

    vt__pass_store(p, i, VT__ROPE_PAIRS);
    vt__pass_attend(p, i, 0);

    vt__linear o = {.parts = {{&l->o, ws->h, hp->n_embd}}, .n_parts = 1, .add_to = ws->x};
    vt__pass_input(p, &o, ws->att, q_dim, NULL, 0, p->n_rows);
    vt__linear_run(ws->ctx, &o);
}

static void feed_forward(vt__pass *p, const layer *l) {
    vt__workspace *ws = p->ws;
    const vt__hparams *hp = &p->model->hp;

    vt__linear gate_up = {.parts = {{&l->gate, ws->gate, hp->n_ff}, {&l->up, ws->up, hp->n_ff}}, .n_parts = 2, .gated = vtk_get()->silu_mul};
    vt__pass_input(p, &gate_up, ws->x, hp->n_embd, l->ffn_norm, 0, p->n_rows);
    vt__linear_run(ws->ctx, &gate_up);

    vt__linear down = {.parts = {{&l->down, ws->h, hp->n_embd}}, .n_parts = 1, .add_to = ws->x};
    vt__pass_input(p, &down, ws->gate, hp->n_ff, NULL, 0, p->n_rows);
    vt__linear_run(ws->ctx, &down);
}

static vt_status forward(vt__pass *p) {
    const llama *w = p->model->weights;
    vt__pass_begin(p, &w->embd);
    for (int32_t i = 0; i < p->model->hp.n_layers; i++) {
        vt_status st = vt__cancel_poll(p->cancel, "session");
        if (st != VT_OK) return st;
        attention(p, &w->layers[i], i);
        feed_forward(p, &w->layers[i]);
    }
    return VT_OK;
}

static void head(vt__pass *p, int64_t first, int64_t n, float *out) {
    const llama *w = p->model->weights;
    vt__linear l = {.parts = {{&w->output, out, p->model->hp.n_vocab}}, .n_parts = 1};
    vt__pass_input(p, &l, p->ws->x, p->model->hp.n_embd, w->output_norm, first, n);
    vt__linear_run(p->ws->ctx, &l);
}

const vt__arch vt__arch_llama = {"llama", load, forward, head};
