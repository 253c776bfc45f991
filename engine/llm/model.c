#include "llm/model.h"

#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/profile.h"
#include "kv/cache.h"
#include "llm/model_internal.h"
#include "llm/pack.h"
#include "llm/vocab_gguf.h"
#include "text/tokenizer.h"

static const vt__arch *const archs[] = {&vt__arch_llama, &vt__arch_qwen2, &vt__arch_qwen3, &vt__arch_gemma3};

const vt__arch *vt__arch_find(const char *name, size_t len) {
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
        if (strlen(archs[i]->name) == len && memcmp(archs[i]->name, name, len) == 0) return archs[i];
    return NULL;
}

/* ---- opening ---- */

static vt_status report(const vt__model_params *p, double fraction, const char *message) {
    if (p->progress && p->progress(p->progress_user, fraction, message)) return vt__fail(VT_ERR_CANCELLED, "model: cancelled by its progress callback");
    return vt__cancel_poll(p->cancel, "model");
}

static vt_status find_arch(vt_model *m) {
    vt__gguf_str name;
    vt_status st = vt__gguf_get_str(m->gguf, "general.architecture", &name);
    if (st != VT_OK) return st == VT_ERR_NOT_FOUND ? VT_ERR_FORMAT : st; /* NOT_FOUND is for files */
    m->arch = vt__arch_find(name.data, name.len);
    if (!m->arch)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: architecture \"%.*s\", known are llama, qwen2, qwen3 and gemma3", vt__gguf_name(m->gguf),
                        (int)(name.len < 40 ? name.len : 40), name.data);
    return VT_OK;
}

static vt_status copy_name(vt_model *m) {
    vt__gguf_str name = {"", 0};
    vt_status st = vt__gguf_get_str(m->gguf, "general.name", &name);
    if (st != VT_OK && st != VT_ERR_NOT_FOUND) return st;
    m->name = vt__alloc(m->ctx, name.len + 1);
    if (!m->name) return vt__fail_nomem("model", name.len + 1);
    memcpy(m->name, name.data, name.len);
    m->name[name.len] = 0;
    return VT_OK;
}

static void count_weights(vt_model *m) {
    for (int64_t i = 0; i < vt__gguf_tensor_count(m->gguf); i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(m->gguf, i);
        m->n_params += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
        m->size += t->size;
    }
}

/* A model without a vocabulary, or with one of a family not known, still computes: the reason is kept for who asks for the tokenizer. */
static vt_status open_tokenizer(vt_model *m) {
    vt_status st = vt__tokenizer_from_gguf(m->ctx, m->gguf, &m->tokenizer);
    if (st == VT_ERR_NOT_FOUND || st == VT_ERR_UNSUPPORTED) {
        strncpy(m->tokenizer_error, vt__error_message(), sizeof m->tokenizer_error - 1);
        m->tokenizer_status = st;
        return VT_OK;
    }
    if (st == VT_OK && vt__tokenizer_count(m->tokenizer) != m->hp.n_vocab)
        return vt__fail(VT_ERR_FORMAT, "%s: a vocabulary of %lld tokens for an embedding of %lld rows", vt__gguf_name(m->gguf),
                        (long long)vt__tokenizer_count(m->tokenizer), (long long)m->hp.n_vocab);
    return st;
}

static vt_status fill_text(vt_model *m, const char *path, const vt__model_params *p) {
    vt__watch watch = {"model", p->cancel, p->progress, p->progress_user, 0};
    vt_status st = vt__gguf_open(m->ctx, path, &m->gguf);
    if (st == VT_OK) st = report(p, 0.05, "checking tensors");
    if (st == VT_OK) st = find_arch(m);
    if (st == VT_OK) st = copy_name(m);
    if (st == VT_OK) st = m->arch->load(m);
    if (st == VT_OK) st = report(p, 0.1, "reading the vocabulary");
    if (st == VT_OK) st = open_tokenizer(m);
    if (st == VT_OK && !p->mapped) st = vt__pack_weights(m, &watch, 0.3);
    if (st == VT_OK) count_weights(m);
    return st;
}

static vt_status fill(vt_model *m, const char *path, const vt__model_params *p) {
    int is_graph = 0;
    vt_status st = report(p, 0.0, "mapping the file");
    if (st == VT_OK) st = vt__model_load_graph(m, path, &is_graph);
    if (st == VT_OK && !is_graph) st = fill_text(m, path, p);
    return st == VT_OK ? report(p, 1.0, "ready") : st;
}

vt_status vt__model_open(vt_context *ctx, const char *path, const vt__model_params *params, vt_model **out) {
    *out = NULL;
    vt_model *m = vt__calloc(ctx, sizeof *m);
    if (!m) return vt__fail_nomem("model", sizeof *m);
    atomic_init(&m->refs, 1);
    m->ctx = vt__context_retain(ctx);
    int64_t begin = vt__profile_begin(ctx);
    vt_status st = fill(m, path, params);
    vt__profile_end(ctx, VT_STAGE_LOAD, begin, 0);
    if (st != VT_OK) {
        vt__model_release(m);
        return st;
    }
    *out = m;
    return VT_OK;
}

vt_model *vt__model_retain(vt_model *model) {
    if (model) atomic_fetch_add(&model->refs, 1);
    return model;
}

void vt__model_release(vt_model *model) {
    if (!model || atomic_fetch_sub(&model->refs, 1) != 1) return;
    vt_context *ctx = model->ctx;
    vt__tokenizer_release(model->tokenizer);
    vt__free(ctx, model->weights);
    vt__free(ctx, model->vectors);
    vt__free(ctx, model->packed);
    vt__free(ctx, model->rope_freq);
    vt__free(ctx, model->name);
    vt__gguf_release(model->gguf);
    vt__model_drop_graph(model);
    vt__free(ctx, model);
    vt__context_release(ctx);
}

/* ---- use ---- */

vt_context *vt__model_context(const vt_model *model) { return model->ctx; }
const vt__hparams *vt__model_hparams(const vt_model *model) { return &model->hp; }
const char *vt__model_architecture(const vt_model *model) { return model->arch->name; }
const char *vt__model_name(const vt_model *model) { return model->name ? model->name : ""; }
int64_t vt__model_param_count(const vt_model *model) { return model->n_params; }
uint64_t vt__model_size(const vt_model *model) { return model->size; }
int64_t vt__model_meta_count(const vt_model *model) { return model->graph ? 0 : vt__gguf_key_count(model->gguf); }

const char *vt__model_meta_key(const vt_model *model, int64_t i) {
    return i < 0 || i >= vt__model_meta_count(model) ? NULL : vt__gguf_key_at(model->gguf, i);
}

vt_status vt__model_meta_text(const vt_model *model, int64_t i, vt_buffer **out) {
    *out = NULL;
    if (i < 0 || i >= vt__model_meta_count(model))
        return vt__fail(VT_ERR_INVALID, "model: key %lld of %lld", (long long)i, (long long)vt__model_meta_count(model));
    return vt__gguf_value_text(model->gguf, i, out);
}

vt_status vt__model_tokenizer(vt_model *model, vt_tokenizer **out) {
    vt_status st = vt__model_need_text(model, "tokenizer");
    *out = NULL;
    if (st != VT_OK) return st;
    *out = vt__tokenizer_retain(model->tokenizer);
    return *out ? VT_OK : vt__fail(model->tokenizer_status, "%s", model->tokenizer_error);
}

static void release_model(void *model) { vt__model_release(model); }

vt_status vt__model_create_kv(vt_model *model, int64_t n_tokens, int32_t dtype, vt_kv **out) {
    const vt__hparams *hp = &model->hp;
    vt_status st = vt__model_need_text(model, "kv");
    *out = NULL;
    if (st != VT_OK) return st;
    vt__kv_params p = {
        .n_layers = hp->n_layers,
        .n_kv_heads = hp->n_kv_heads,
        .head_dim = hp->head_dim,
        .dtype = dtype,
        .n_tokens = n_tokens ? n_tokens : hp->n_ctx,
        .owner = vt__model_retain(model),
        .release_owner = release_model,
    };
    return vt__kv_create(model->ctx, &p, out);
}
