/* What decoder-only transformers share: their tensors, with the parts that only some families have, and the walk through their layers.
 *
 *     x = s E[id];   per layer:  x += post(O attention(rope(Q h), rope(K h), V h)), h = rms(x);   x += post(Down(f(Gate h) * (Up h))), h = rms(x)
 *     logits = Output rms(x), with Output = E where the file has none.
 *
 * A family's file (arch_<name>.c) says which keys it reads, which parts there are, what f and s are, and what a layer sees. */
#ifndef VENTURI_LLM_DECODER_H
#define VENTURI_LLM_DECODER_H

#include "llm/arch.h"
#include "llm/pass.h"

typedef struct vt__layer {
    const float *attn_norm, *ffn_norm;
    vt__heads heads;                      /* biases and norms of queries, keys and values */
    const float *attn_post, *ffn_post;    /* norms of what is added to the residual stream; NULL: none */
    vt__matrix q, k, v, o, gate, up, down;
    int64_t window; /* positions that one sees, itself included; 0: all before it */
    int32_t rope;   /* VT__ROPE_* */
} vt__layer;

typedef struct vt__decoder {
    vt__matrix embd, output;
    const float *output_norm;
    float embd_scale;  /* s */
    float logit_cap;   /* c > 0: logits become c tanh(logit / c); 0: they stay */
    void (*gated)(float *y, const float *gate, const float *up, int64_t n); /* y = f(gate) * up */
    vt__layer layers[]; /* [n_layers] */
} vt__decoder;

enum {
    VT__PART_QKV_BIAS = 1,  /* attn_{q,k,v}.bias */
    VT__PART_HEAD_NORM = 2, /* attn_{q,k}_norm */
    VT__PART_POST_NORM = 4, /* post_attention_norm, post_ffw_norm */
    VT__PART_TWO_ROPES = 8  /* rope.freq_base_swa for VT__ROPE_LOCAL */
};

/* Sizes and the norm's epsilon into model->hp; UNSUPPORTED for keys that would change the graph. */
vt_status vt__decoder_sizes(vt_model *m, double default_eps);
/* model->weights: a vt__decoder with its tensors bound, s = 1, f = silu, layers without a window, all rotated as `rope` says. */
vt_status vt__decoder_bind(vt_model *m, uint32_t parts, int32_t rope);

/* For vt__arch. */
vt_status vt__decoder_forward(vt__pass *p);
void vt__decoder_head(vt__pass *p, int64_t first, int64_t n, float *out);
void vt__decoder_output(vt__pass *p, int64_t first, int64_t n, vt__activations *in, const vt__matrix **w, float *cap);
int64_t vt__decoder_products(vt_model *m, vt__matrix **out);

#endif
