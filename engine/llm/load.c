/* Nothing here trusts the file: a size is bounded before it is used, a tensor's shape and type are compared before a view is made of it. */
#include "llm/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "llm/model_internal.h"
#include "quant/block.h"

/* Far above every model known, far below what overflows when two are multiplied. */
enum { MAX_LAYERS = 4096, MAX_HEADS = 4096, MAX_HEAD_DIM = 4096, MAX_WIDTH = 1 << 22, MAX_VOCAB = 1 << 24, MAX_CONTEXT = 1 << 30 };

/* ---- keys ---- */

static void full_key(const vt_model *model, const char *key, char out[128]) { snprintf(out, 128, "%s.%s", model->arch->name, key); }

/* NOT_FOUND is kept for files; an absent key is a fault of the format. The message stands. */
static vt_status required(vt_status st) { return st == VT_ERR_NOT_FOUND ? VT_ERR_FORMAT : st; }

vt_status vt__load_int(const vt_model *model, const char *key, int64_t min, int64_t max, int64_t *out) {
    char full[128];
    full_key(model, key, full);
    return required(vt__gguf_get_int(model->gguf, full, min, max, out));
}

vt_status vt__load_int_or(const vt_model *model, const char *key, int64_t min, int64_t max, int64_t absent, int64_t *out) {
    char full[128];
    full_key(model, key, full);
    *out = absent;
    return vt__gguf_has(model->gguf, full) ? vt__load_int(model, key, min, max, out) : VT_OK;
}

vt_status vt__load_float_or(const vt_model *model, const char *key, double absent, double *out) {
    char full[128];
    full_key(model, key, full);
    *out = absent;
    return vt__gguf_has(model->gguf, full) ? required(vt__gguf_get_float(model->gguf, full, out)) : VT_OK;
}

vt_status vt__load_str_or(const vt_model *model, const char *key, const char *absent, vt__gguf_str *out) {
    char full[128];
    full_key(model, key, full);
    *out = (vt__gguf_str){absent, strlen(absent)};
    return vt__gguf_has(model->gguf, full) ? required(vt__gguf_get_str(model->gguf, full, out)) : VT_OK;
}

vt_status vt__load_refuse(const vt_model *model, const char *key) {
    char full[128];
    int64_t value;
    vt_status st = vt__load_int_or(model, key, INT64_MIN, INT64_MAX, 0, &value);
    if (st != VT_OK || value == 0) return st;
    full_key(model, key, full);
    return vt__fail(VT_ERR_UNSUPPORTED, "%s: %s is %lld: not supported", vt__gguf_name(model->gguf), full, (long long)value);
}

/* One number, or a list with the same number for each layer. */
static vt_status load_kv_heads(const vt_model *model, int64_t n_heads, int64_t *out) {
    char full[128];
    vt__gguf_array list;
    full_key(model, "attention.head_count_kv", full);
    *out = n_heads;
    if (!vt__gguf_has(model->gguf, full)) return VT_OK;
    vt_status st = vt__gguf_get_array(model->gguf, full, VT__GGUF_I32, &list);
    if (st != VT_OK) st = vt__gguf_get_array(model->gguf, full, VT__GGUF_U32, &list);
    if (st != VT_OK) return vt__load_int(model, "attention.head_count_kv", 1, MAX_HEADS, out);
    for (int64_t i = 0; i < list.count; i++) {
        int32_t n; /* as a number above 2^31 it is negative */
        memcpy(&n, list.data + 4 * i, sizeof n);
        if (n < 1 || n > MAX_HEADS) return vt__fail(VT_ERR_FORMAT, "%s: %s[%lld] is %d", vt__gguf_name(model->gguf), full, (long long)i, n);
        if (i > 0 && n != *out)
            return vt__fail(VT_ERR_UNSUPPORTED, "%s: %s differs from layer to layer (%lld, then %d)", vt__gguf_name(model->gguf), full,
                            (long long)*out, n);
        *out = n;
    }
    return list.count > 0 ? VT_OK : vt__fail(VT_ERR_FORMAT, "%s: %s is an empty list", vt__gguf_name(model->gguf), full);
}

static vt_status load_heads(vt_model *model) {
    vt__hparams *hp = &model->hp;
    int64_t n_heads, n_kv_heads, value_dim;
    vt_status st = vt__load_int(model, "attention.head_count", 1, MAX_HEADS, &n_heads);
    if (st == VT_OK) st = load_kv_heads(model, n_heads, &n_kv_heads);
    if (st == VT_OK) st = vt__load_int_or(model, "attention.key_length", 1, MAX_HEAD_DIM, hp->n_embd / n_heads, &hp->head_dim);
    if (st == VT_OK) st = vt__load_int_or(model, "attention.value_length", 1, MAX_HEAD_DIM, hp->head_dim, &value_dim);
    if (st == VT_OK) st = vt__load_int_or(model, "rope.dimension_count", 2, MAX_HEAD_DIM, hp->head_dim, &hp->n_rot);
    if (st != VT_OK) return st;
    if (n_heads % n_kv_heads || hp->head_dim < 1 || hp->head_dim > MAX_HEAD_DIM)
        return vt__fail(VT_ERR_FORMAT, "%s: %lld heads, %lld key/value heads, head size %lld do not go together", vt__gguf_name(model->gguf),
                        (long long)n_heads, (long long)n_kv_heads, (long long)hp->head_dim);
    if (value_dim != hp->head_dim)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: values of %lld elements with keys of %lld", vt__gguf_name(model->gguf),
                        (long long)value_dim, (long long)hp->head_dim);
    if (hp->n_rot % 2 || hp->n_rot > hp->head_dim)
        return vt__fail(VT_ERR_FORMAT, "%s: %lld rotated dimensions of %lld, need an even number of them", vt__gguf_name(model->gguf),
                        (long long)hp->n_rot, (long long)hp->head_dim);
    hp->n_heads = (int32_t)n_heads;
    hp->n_kv_heads = (int32_t)n_kv_heads;
    hp->attn_scale = (float)(1.0 / sqrt((double)hp->head_dim));
    return VT_OK;
}

/* The embedding decides; a key that disagrees with it, or a layer count that the tensors cannot fill, is a broken file. */
static vt_status load_counts(vt_model *model, int64_t n_layers) {
    vt__hparams *hp = &model->hp;
    const vt__gguf_tensor *embd = vt__gguf_tensor_find(model->gguf, "token_embd.weight");
    int64_t n_vocab;
    if (!embd) return vt__fail(VT_ERR_FORMAT, "%s: tensor token_embd.weight is missing", vt__gguf_name(model->gguf));
    if (embd->ne[1] < 1 || embd->ne[1] > MAX_VOCAB)
        return vt__fail(VT_ERR_FORMAT, "%s: token_embd.weight has %lld rows, need 1 to %d", vt__gguf_name(model->gguf), (long long)embd->ne[1],
                        (int)MAX_VOCAB);
    hp->n_vocab = embd->ne[1];
    vt_status st = vt__load_int_or(model, "vocab_size", 1, MAX_VOCAB, hp->n_vocab, &n_vocab);
    if (st != VT_OK) return st;
    if (n_vocab != hp->n_vocab)
        return vt__fail(VT_ERR_FORMAT, "%s: vocab_size is %lld, token_embd.weight has %lld rows", vt__gguf_name(model->gguf),
                        (long long)n_vocab, (long long)hp->n_vocab);
    if (n_layers > vt__gguf_tensor_count(model->gguf))
        return vt__fail(VT_ERR_FORMAT, "%s: %lld layers in %lld tensors", vt__gguf_name(model->gguf), (long long)n_layers,
                        (long long)vt__gguf_tensor_count(model->gguf));
    hp->n_layers = (int32_t)n_layers;
    return VT_OK;
}

vt_status vt__load_decoder_sizes(vt_model *model) {
    vt__hparams *hp = &model->hp;
    int64_t n_layers;
    vt_status st = vt__load_int(model, "block_count", 1, MAX_LAYERS, &n_layers);
    if (st == VT_OK) st = vt__load_int(model, "context_length", 1, MAX_CONTEXT, &hp->n_ctx);
    if (st == VT_OK) st = vt__load_int(model, "embedding_length", 1, MAX_WIDTH, &hp->n_embd);
    if (st == VT_OK) st = vt__load_int(model, "feed_forward_length", 1, MAX_WIDTH, &hp->n_ff);
    if (st == VT_OK) st = load_heads(model);
    return st == VT_OK ? load_counts(model, n_layers) : st;
}

/* ---- tensors ---- */

static void tensor_name(int32_t layer, const char *name, char out[128]) {
    if (layer < 0) snprintf(out, 128, "%s", name);
    else snprintf(out, 128, "blk.%d.%s", layer, name);
}

/* The tensor, of the shape wanted, and remembered. */
static vt_status bind(vt__binder *b, int32_t layer, const char *name, int64_t rows, int64_t cols, const vt__gguf_tensor **out) {
    const vt__gguf *g = b->model->gguf;
    char full[128];
    tensor_name(layer, name, full);
    const vt__gguf_tensor *t = vt__gguf_tensor_find(g, full);
    if (!t) return vt__fail(VT_ERR_FORMAT, "%s: tensor %s is missing", vt__gguf_name(g), full);
    if (t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != 1 || t->ne[3] != 1)
        return vt__fail(VT_ERR_FORMAT, "%s: tensor %s is [%lld, %lld, %lld, %lld], need [%lld, %lld]", vt__gguf_name(g), full,
                        (long long)t->ne[0], (long long)t->ne[1], (long long)t->ne[2], (long long)t->ne[3], (long long)cols, (long long)rows);
    /* A file may ask for an alignment that floats cannot be read at. */
    if ((uintptr_t)t->data % (t->dtype == VT_DTYPE_F32 ? sizeof(float) : sizeof(uint16_t)))
        return vt__fail(VT_ERR_FORMAT, "%s: tensor %s is not aligned for its type", vt__gguf_name(g), full);
    void *bound = b->bound;
    if (vt__reserve(b->model->ctx, &bound, &b->cap, b->n_bound + 1, sizeof *b->bound)) return vt__fail_nomem("model", 0);
    b->bound = bound;
    b->bound[b->n_bound++] = t;
    *out = t;
    return VT_OK;
}

vt_status vt__bind_matrix(vt__binder *b, int32_t layer, const char *name, int64_t rows, int64_t cols, vt__matrix *out) {
    const vt__gguf_tensor *t;
    size_t stride, size;
    vt_status st = bind(b, layer, name, rows, cols, &t);
    if (st != VT_OK) return st;
    const vt__block_type *type = vt__block_type_of(t->dtype);
    if (!type || type->kernel < 0)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: tensor %s has type %s, for which there is no kernel", vt__gguf_name(b->model->gguf), t->name,
                        type ? type->name : "?");
    st = vt__block_bytes(t->dtype, cols, 1, &stride);
    if (st == VT_OK) st = vt__block_bytes(t->dtype, cols, rows, &size);
    if (st != VT_OK) return vt__fail_within(VT_ERR_FORMAT, t->name);
    if (size != t->size)
        return vt__fail(VT_ERR_FORMAT, "%s: tensor %s has %zu bytes, need %zu", vt__gguf_name(b->model->gguf), t->name, t->size, size);
    *out = (vt__matrix){.data = t->data, .stride = stride, .rows = rows, .cols = cols, .dtype = t->dtype, .kernel = type->kernel};
    return VT_OK;
}

/* Room for all vectors of the file, made for the first. A vector that is bound twice is copied once for each, so there may be too little: an error, since no
 * architecture does that. */
static vt_status copy_vector(vt_model *m, const float *from, int64_t n, const float **out) {
    if (!m->vectors) {
        for (int64_t i = 0; i < vt__gguf_tensor_count(m->gguf); i++) {
            const vt__gguf_tensor *t = vt__gguf_tensor_at(m->gguf, i);
            if (t->dtype == VT_DTYPE_F32 && t->ne[1] == 1 && t->ne[2] == 1 && t->ne[3] == 1) m->n_vectors += t->ne[0]; /* within the file's size */
        }
        m->vectors = vt__calloc2(m->ctx, m->n_vectors, 1, sizeof(float));
        if (!m->vectors) return vt__fail_nomem("model", (size_t)m->n_vectors * sizeof(float));
    }
    if (n > m->n_vectors - m->n_copied) return vt__fail(VT_ERR_FORMAT, "%s: a vector is used twice", vt__gguf_name(m->gguf));
    float *to = m->vectors + m->n_copied;
    memcpy(to, from, (size_t)n * sizeof *to);
    m->n_copied += n;
    *out = to;
    return VT_OK;
}

vt_status vt__bind_vector(vt__binder *b, int32_t layer, const char *name, int64_t n, const float **out) {
    const vt__gguf_tensor *t;
    vt_status st = bind(b, layer, name, 1, n, &t);
    if (st != VT_OK) return st;
    if (t->dtype != VT_DTYPE_F32)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: tensor %s has type %d, need F32", vt__gguf_name(b->model->gguf), t->name, t->dtype);
    return copy_vector(b->model, t->data, n, out);
}

vt_status vt__bind_stack(vt__binder *b, int32_t layer, const char *name, int64_t cols, int32_t n, const int64_t *rows, vt__matrix *const *out) {
    vt__matrix all;
    int64_t total = 0;
    for (int32_t i = 0; i < n; i++) total += rows[i];
    vt_status st = vt__bind_matrix(b, layer, name, total, cols, &all);
    if (st != VT_OK) return st;
    total = 0;
    for (int32_t i = 0; i < n; total += rows[i++]) {
        *out[i] = all;
        out[i]->data = (const unsigned char *)all.data + (size_t)total * all.stride;
        out[i]->rows = rows[i];
    }
    return VT_OK;
}

int vt__bind_has_layer(const vt__binder *b, int32_t layer, const char *name) {
    char full[128];
    tensor_name(layer, name, full);
    return vt__bind_has(b, full);
}

int vt__bind_has(const vt__binder *b, const char *name) { return vt__gguf_tensor_find(b->model->gguf, name) != NULL; }

static int by_address(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)*(const vt__gguf_tensor *const *)a, y = (uintptr_t)*(const vt__gguf_tensor *const *)b;
    return x < y ? -1 : x > y;
}

vt_status vt__bind_finish(vt__binder *b) {
    const vt__gguf *g = b->model->gguf;
    int64_t n = vt__gguf_tensor_count(g);
    if (n == b->n_bound) return VT_OK;
    qsort(b->bound, (size_t)b->n_bound, sizeof *b->bound, by_address);
    for (int64_t i = 0; i < n; i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        if (!bsearch(&t, b->bound, (size_t)b->n_bound, sizeof *b->bound, by_address))
            return vt__fail(VT_ERR_UNSUPPORTED, "%s: tensor %s is no part of the %s architecture known here", vt__gguf_name(g), t->name,
                            b->model->arch->name);
    }
    return vt__fail(VT_ERR_FORMAT, "%s: %lld tensors, %lld bound", vt__gguf_name(g), (long long)n, (long long)b->n_bound);
}

void vt__bind_free(vt__binder *b) { vt__free(b->model->ctx, b->bound); }
