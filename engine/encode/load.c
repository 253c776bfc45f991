/* Tensors to packed matrices. Sizes were bounded by whoever read them; shapes are compared tensor by tensor. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "encode/encoder_internal.h"
#include "vtk.h"

/* While weights are bound: room for the largest matrix as plain floats. */
typedef struct binder {
    vt_encoder *enc;
    float *w, *bias;
} binder;

/* hf and gg are the names without ".weight" and ".bias". */
static void weight_name(char out[128], const char *name, const char *kind) { (void)snprintf(out, 128, "%s%s", name, kind); }

static int is_q8(const vt_encoder *enc) { return enc->facts.numerics == VT__ENCODER_INT8; }

/* One or three matrices [n, k] below each other. */
typedef struct parts {
    const char *hf[3], *gg[3];
    int n_parts;
} parts;

static vt_status bind_dense(binder *b, const parts *p, int32_t layer, int64_t n, int64_t k, vt__dense *out) {
    vt_status st = VT_OK;
    char hf[128], gg[128];
    for (int i = 0; i < p->n_parts && st == VT_OK; i++) {
        vt__rows w, bias;
        weight_name(hf, p->hf[i], ".weight");
        weight_name(gg, p->gg[i], ".weight");
        st = vt__source_rows(&b->enc->source, hf, gg, layer, n, k, &w);
        weight_name(hf, p->hf[i], ".bias");
        weight_name(gg, p->gg[i], ".bias");
        if (st == VT_OK) st = vt__source_rows(&b->enc->source, hf, gg, layer, 1, n, &bias);
        if (st == VT_OK) st = vt__rows_read(&w, 0, n, b->w + i * n * k);
        if (st == VT_OK) st = vt__rows_read(&bias, 0, 1, b->bias + i * n);
    }
    b->enc->facts.n_params += p->n_parts * n * (k + 1);
    return st == VT_OK ? vt__dense_create(b->enc->ctx, b->w, b->bias, p->n_parts * n, k, is_q8(b->enc), out) : st;
}

/* Weights, then biases; files of older makers say gamma and beta. */
static vt_status bind_norm(binder *b, const char *hf, const char *gg, int32_t layer, float **out) {
    static const char *const kind[] = {".weight", ".bias"}, *const older[] = {".gamma", ".beta"};
    int64_t dim = b->enc->facts.n_embd;
    vt_status st = VT_OK;
    *out = vt__calloc2(b->enc->ctx, 2, dim, sizeof **out);
    if (!*out) return vt__fail_nomem("encoder", 0);
    for (int i = 0; i < 2 && st == VT_OK; i++) {
        char names[256], name[128];
        vt__rows rows;
        (void)snprintf(names, sizeof names, "%s%s|%s%s", hf, kind[i], hf, older[i]);
        weight_name(name, gg, kind[i]);
        st = vt__source_rows(&b->enc->source, names, name, layer, 1, dim, &rows);
        if (st == VT_OK) st = vt__rows_read(&rows, 0, 1, *out + i * dim);
    }
    b->enc->facts.n_params += 2 * dim;
    return st;
}

static vt_status load_embeddings(binder *b) {
    vt_encoder *enc = b->enc;
    vt__encoder_facts *f = &enc->facts;
    vt__rows positions, types;
    vt_status st = vt__source_rows(&enc->source, "embeddings.word_embeddings.weight", "token_embd.weight", 0, f->n_vocab, f->n_embd, &enc->words);
    if (st == VT_OK) st = vt__source_rows(&enc->source, "embeddings.position_embeddings.weight", "position_embd.weight", 0, f->n_positions, f->n_embd, &positions);
    if (st == VT_OK) st = vt__source_rows(&enc->source, "embeddings.token_type_embeddings.weight", "token_types.weight", 0, 0, f->n_embd, &types);
    if (st != VT_OK) return st;
    enc->positions = vt__calloc2(enc->ctx, f->n_positions, f->n_embd, sizeof *enc->positions);
    if (!enc->positions) return vt__fail_nomem("encoder", 0);
    st = vt__rows_read(&positions, 0, f->n_positions, enc->positions);
    if (st == VT_OK) st = vt__rows_read(&types, 0, 1, b->w);
    for (int64_t i = 0; i < f->n_positions && st == VT_OK; i++) vtk_get()->add(enc->positions + i * f->n_embd, b->w, f->n_embd);
    f->n_params += (f->n_vocab + f->n_positions + types.n) * f->n_embd;
    return st == VT_OK ? bind_norm(b, "embeddings.LayerNorm", "token_embd_norm", 0, &enc->embd_norm) : st;
}

static vt_status load_block(binder *b, int32_t layer) {
    static const parts qkv = {{"encoder.layer.%d.attention.self.query", "encoder.layer.%d.attention.self.key", "encoder.layer.%d.attention.self.value"},
                              {"blk.%d.attn_q", "blk.%d.attn_k", "blk.%d.attn_v"}, 3};
    static const parts out = {{"encoder.layer.%d.attention.output.dense"}, {"blk.%d.attn_output"}, 1};
    static const parts up = {{"encoder.layer.%d.intermediate.dense"}, {"blk.%d.ffn_up"}, 1};
    static const parts down = {{"encoder.layer.%d.output.dense"}, {"blk.%d.ffn_down"}, 1};
    int64_t dim = b->enc->facts.n_embd, wide = b->enc->facts.n_ff;
    vt__encoder_block *block = &b->enc->blocks[layer];
    vt_status st = bind_dense(b, &qkv, layer, dim, dim, &block->qkv);
    if (st == VT_OK) st = bind_dense(b, &out, layer, dim, dim, &block->out);
    if (st == VT_OK) st = bind_norm(b, "encoder.layer.%d.attention.output.LayerNorm", "blk.%d.attn_output_norm", layer, &block->norm1);
    if (st == VT_OK) st = bind_dense(b, &up, layer, wide, dim, &block->up);
    if (st == VT_OK) st = bind_dense(b, &down, layer, dim, wide, &block->down);
    if (st == VT_OK) st = bind_norm(b, "encoder.layer.%d.output.LayerNorm", "blk.%d.layer_output_norm", layer, &block->norm2);
    return st;
}

/* The head of a masked language model; its decoder is the matrix of the word embeddings. */
static vt_status load_head(binder *b) {
    static const parts transform = {{"cls.predictions.transform.dense"}, {"cls.transform"}, 1};
    vt_encoder *enc = b->enc;
    vt__encoder_facts *f = &enc->facts;
    const char *prefix = enc->source.prefix;
    vt__rows bias;
    vt_status st = vt__rows_read(&enc->words, 0, f->n_vocab, b->w);
    if (st != VT_OK) return st;
    enc->source.prefix = ""; /* the head's names have none */
    st = vt__source_rows(&enc->source, "cls.predictions.bias", "cls.bias", 0, 1, f->n_vocab, &bias);
    if (st == VT_OK) st = vt__rows_read(&bias, 0, 1, b->bias);
    if (st == VT_OK) st = vt__dense_create(enc->ctx, b->w, b->bias, f->n_vocab, f->n_embd, is_q8(enc), &enc->decoder);
    if (st == VT_OK) st = bind_dense(b, &transform, 0, f->n_embd, f->n_embd, &enc->transform);
    if (st == VT_OK) st = bind_norm(b, "cls.predictions.transform.LayerNorm", "cls.norm", 0, &enc->transform_norm);
    enc->source.prefix = prefix;
    f->n_params += f->n_vocab;
    return st;
}

/* That the file has matrices of the sizes that its configuration speaks of, before there is room made for them. */
static vt_status check_sizes(const vt_encoder *enc) {
    const vt__encoder_facts *f = &enc->facts;
    vt__rows rows;
    vt_status st = vt__source_rows(&enc->source, "embeddings.word_embeddings.weight", "token_embd.weight", 0, f->n_vocab, f->n_embd, &rows);
    if (st == VT_OK)
        st = vt__source_rows(&enc->source, "encoder.layer.%d.attention.self.query.weight", "blk.%d.attn_q.weight", 0, f->n_embd, f->n_embd, &rows);
    if (st == VT_OK) st = vt__source_rows(&enc->source, "encoder.layer.%d.intermediate.dense.weight", "blk.%d.ffn_up.weight", 0, f->n_ff, f->n_embd, &rows);
    return st;
}

static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

vt_status vt__encoder_load(vt_encoder *enc, vt__watch *watch) {
    vt__encoder_facts *f = &enc->facts;
    binder b = {.enc = enc};
    int64_t largest = f->n_embd * max_of(f->n_ff, 3 * f->n_embd), most = max_of(f->n_ff, 3 * f->n_embd);
    if (f->kind == VT__ENCODER_SPARSE) largest = max_of(largest, f->n_vocab * f->n_embd), most = max_of(most, f->n_vocab);
    vt_status st = check_sizes(enc);
    if (st != VT_OK) return st;
    b.w = vt__calloc2(enc->ctx, largest, 1, sizeof *b.w);
    b.bias = vt__calloc2(enc->ctx, most, 1, sizeof *b.bias);
    enc->blocks = vt__calloc2(enc->ctx, f->n_layers, 1, sizeof *enc->blocks);
    st = b.w && b.bias && enc->blocks ? load_embeddings(&b) : vt__fail_nomem("encoder", 0);
    for (int32_t i = 0; i < f->n_layers && st == VT_OK; i++) {
        st = vt__watch_poll(watch, (double)i / f->n_layers, "packing weights");
        if (st == VT_OK) st = load_block(&b, i);
    }
    if (st == VT_OK && f->kind == VT__ENCODER_SPARSE) st = load_head(&b);
    vt__free(enc->ctx, b.w);
    vt__free(enc->ctx, b.bias);
    return st;
}
