/* Sizes of an encoder from a folder as Hugging Face's tools write it: config.json, model.safetensors, and what sentence-transformers adds:
 * 1_Pooling/config.json, sentence_bert_config.json. */
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "encode/config.h"
#include "encode/encoder_internal.h"
#include "vtk.h"

static vt_status read_activation(vt_encoder *enc, const vt__config *c) {
    vt__msgpack_item item;
    if (!vt__config_find(c, "hidden_act", &item) || vt__msgpack_is(&item, "gelu")) enc->activation = VTK_GEMM_GELU;
    else if (vt__msgpack_is(&item, "gelu_new") || vt__msgpack_is(&item, "gelu_pytorch_tanh")) enc->activation = VTK_GEMM_GELU_TANH;
    else return vt__config_unknown(c, "hidden_act", &item);
    if (vt__config_find(c, "position_embedding_type", &item) && !vt__msgpack_is(&item, "absolute"))
        return vt__config_unknown(c, "position_embedding_type", &item);
    if (vt__config_find(c, "model_type", &item) && !vt__msgpack_is(&item, "bert")) return vt__config_unknown(c, "model_type", &item);
    if (vt__config_find(c, "is_decoder", &item) && item.i) return vt__config_unknown(c, "is_decoder", &item);
    return VT_OK;
}

static vt_status read_config(vt_encoder *enc, const vt__config *c) {
    vt__encoder_facts *f = &enc->facts;
    int64_t n_layers, n_heads;
    double eps = 1e-12;
    vt_status st = read_activation(enc, c);
    if (st == VT_OK) st = vt__config_int(c, "num_hidden_layers", 1, VT__MAX_LAYERS, &n_layers);
    if (st == VT_OK) st = vt__config_int(c, "num_attention_heads", 1, VT__MAX_HEADS, &n_heads);
    if (st == VT_OK) st = vt__config_int(c, "hidden_size", 1, VT__MAX_WIDTH, &f->n_embd);
    if (st == VT_OK) st = vt__config_int(c, "intermediate_size", 1, VT__MAX_WIDTH, &f->n_ff);
    if (st == VT_OK) st = vt__config_int(c, "max_position_embeddings", 3, VT__MAX_POSITIONS, &f->n_positions);
    if (st == VT_OK) st = vt__config_int(c, "vocab_size", 1, 1 << 24, &f->n_vocab);
    if (st == VT_OK) st = vt__config_float(c, "layer_norm_eps", &eps);
    if (st != VT_OK) return st;
    f->n_layers = (int32_t)n_layers;
    f->n_heads = (int32_t)n_heads;
    f->max_tokens = f->n_positions;
    enc->eps = (float)eps;
    return VT_OK;
}

/* *out_found: whether there is such a file. */
static vt_status read_pooling(vt_encoder *enc, const char *path, int *out_found) {
    static const struct { const char *key; int32_t pooling; } modes[] = {
        {"pooling_mode_mean_tokens", VT__POOL_MEAN}, {"pooling_mode_cls_token", VT__POOL_CLS}, {"pooling_mode_max_tokens", VT__POOL_MAX},
        {"pooling_mode_mean_sqrt_len_tokens", -1}, {"pooling_mode_weightedmean_tokens", -1}, {"pooling_mode_lasttoken", -1}};
    vt__config c;
    int n_set = 0;
    vt_status st = vt__config_open(enc->ctx, path, "1_Pooling/config.json", &c);
    *out_found = st == VT_OK;
    enc->facts.pooling = VT__POOL_MEAN;
    if (st != VT_OK) return st == VT_ERR_NOT_FOUND ? VT_OK : st;
    for (size_t i = 0; i < sizeof modes / sizeof *modes && st == VT_OK; i++) {
        vt__msgpack_item item;
        if (!vt__config_find(&c, modes[i].key, &item) || !item.i) continue;
        n_set++;
        enc->facts.pooling = modes[i].pooling;
        if (modes[i].pooling < 0) st = vt__config_unknown(&c, modes[i].key, &item);
    }
    if (st == VT_OK && n_set != 1) st = vt__fail(VT_ERR_UNSUPPORTED, "%s: %d ways of pooling at once, known is one", c.name, n_set);
    vt__config_free(&c);
    return st;
}

/* sentence-transformers cuts texts earlier than the positions go. */
static vt_status read_limit(vt_encoder *enc, const char *path) {
    vt__config c;
    vt__msgpack_item item;
    int64_t most = enc->facts.max_tokens;
    vt_status st = vt__config_open(enc->ctx, path, "sentence_bert_config.json", &c);
    if (st != VT_OK) return st == VT_ERR_NOT_FOUND ? VT_OK : st;
    if (vt__config_find(&c, "max_seq_length", &item) && item.kind == VT__MSGPACK_INT)
        st = vt__config_int(&c, "max_seq_length", 3, INT32_MAX, &most);
    if (st == VT_OK && most < enc->facts.max_tokens) enc->facts.max_tokens = most;
    vt__config_free(&c);
    return st;
}

static vt_status open_weights(vt_encoder *enc, const char *path) {
    char *file;
    vt_status st = vt__config_path(enc->ctx, path, "model.safetensors", &file);
    if (st != VT_OK) return st;
    st = vt__safetensors_open(enc->ctx, file, &enc->source.tensors);
    vt__config_path_free(enc->ctx, file);
    enc->source.prefix = st == VT_OK && vt__safetensors_find(enc->source.tensors, "bert.embeddings.word_embeddings.weight") ? "bert." : "";
    return st;
}

/* Weights with the head of a masked language model and no word of pooling give lexical vectors. */
vt_status vt__encoder_from_folder(vt_encoder *enc, const char *path) {
    vt__config c;
    int has_pooling = 0;
    vt_status st = vt__config_open(enc->ctx, path, "config.json", &c);
    if (st != VT_OK) return st;
    st = read_config(enc, &c);
    vt__config_free(&c);
    if (st == VT_OK) st = open_weights(enc, path);
    if (st == VT_OK) st = read_pooling(enc, path, &has_pooling);
    if (st == VT_OK) st = read_limit(enc, path);
    if (st == VT_OK) st = vt__encoder_check_sizes(enc, vt__source_name(&enc->source));
    if (st != VT_OK) return st;
    if (!has_pooling && vt__safetensors_find(enc->source.tensors, "cls.predictions.transform.dense.weight")) enc->facts.kind = VT__ENCODER_SPARSE;
    return vt__encoder_vocab(enc, path);
}
