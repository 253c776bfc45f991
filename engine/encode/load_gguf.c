/* Sizes of an encoder from the keys of a GGUF file. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "encode/encoder_internal.h"
#include "llm/vocab_gguf.h"
#include "vtk.h"

/* NOT_FOUND is kept for files; an absent key is a fault of the format. */
static vt_status required(vt_status st) { return st == VT_ERR_NOT_FOUND ? VT_ERR_FORMAT : st; }
static vt_status optional(vt_status st) { return st == VT_ERR_NOT_FOUND ? VT_OK : st; }

static vt_status check_architecture(const vt__gguf *g) {
    vt__gguf_str name;
    int causal = 0;
    vt_status st = required(vt__gguf_get_str(g, "general.architecture", &name));
    if (st != VT_OK) return st;
    if (name.len != 4 || memcmp(name.data, "bert", 4) != 0)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: architecture \"%.*s\" is no text encoder known here, known is \"bert\"", vt__gguf_name(g),
                        (int)(name.len < 40 ? name.len : 40), name.data);
    st = optional(vt__gguf_get_bool(g, "bert.attention.causal", &causal));
    if (st == VT_OK && causal) return vt__fail(VT_ERR_UNSUPPORTED, "%s: bert.attention.causal is true: not supported", vt__gguf_name(g));
    return st;
}

static vt_status read_pooling(const vt__gguf *g, int32_t *out) {
    int64_t type = 1;
    vt_status st = optional(vt__gguf_get_int(g, "bert.pooling_type", 0, INT32_MAX, &type));
    if (st != VT_OK) return st;
    if (type > 2) return vt__fail(VT_ERR_UNSUPPORTED, "%s: bert.pooling_type %lld, known are 0 to 2 (none, mean, cls)", vt__gguf_name(g), (long long)type);
    *out = type == 2 ? VT__POOL_CLS : VT__POOL_MEAN;
    return VT_OK;
}

/* An encoder without a vocabulary still encodes ids: the reason is kept for who asks for the tokenizer. */
static vt_status open_tokenizer(vt_encoder *enc) {
    vt_status st = vt__tokenizer_from_gguf(enc->ctx, enc->source.gguf, &enc->tokenizer);
    if (st != VT_ERR_NOT_FOUND && st != VT_ERR_UNSUPPORTED) return st;
    (void)snprintf(enc->tokenizer_error, sizeof enc->tokenizer_error, "%s", vt__error_message());
    enc->tokenizer_status = st;
    return VT_OK;
}

vt_status vt__encoder_from_gguf(vt_encoder *enc, const char *path) {
    vt__encoder_facts *f = &enc->facts;
    int64_t n_layers, n_heads;
    double eps;
    vt_status st = vt__gguf_open(enc->ctx, path, &enc->source.gguf);
    if (st != VT_OK) return st;
    const vt__gguf *g = enc->source.gguf;
    st = check_architecture(g);
    if (st == VT_OK) st = required(vt__gguf_get_int(g, "bert.block_count", 1, VT__MAX_LAYERS, &n_layers));
    if (st == VT_OK) st = required(vt__gguf_get_int(g, "bert.attention.head_count", 1, VT__MAX_HEADS, &n_heads));
    if (st == VT_OK) st = required(vt__gguf_get_int(g, "bert.embedding_length", 1, VT__MAX_WIDTH, &f->n_embd));
    if (st == VT_OK) st = required(vt__gguf_get_int(g, "bert.feed_forward_length", 1, VT__MAX_WIDTH, &f->n_ff));
    if (st == VT_OK) st = required(vt__gguf_get_int(g, "bert.context_length", 3, VT__MAX_POSITIONS, &f->n_positions));
    if (st == VT_OK) st = required(vt__gguf_get_float(g, "bert.attention.layer_norm_epsilon", &eps));
    if (st == VT_OK) st = read_pooling(g, &f->pooling);
    if (st != VT_OK) return st;
    const vt__gguf_tensor *words = vt__gguf_tensor_find(g, "token_embd.weight");
    f->n_vocab = words ? words->ne[1] : 0;
    f->n_layers = (int32_t)n_layers;
    f->n_heads = (int32_t)n_heads;
    f->max_tokens = f->n_positions;
    enc->eps = (float)eps;
    enc->activation = VTK_GEMM_GELU_TANH; /* what is run on this format everywhere, whatever the checkpoint was trained with */
    st = vt__encoder_check_sizes(enc, vt__gguf_name(g));
    return st == VT_OK ? open_tokenizer(enc) : st;
}
