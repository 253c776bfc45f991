/* The tokenizer.* keys of a GGUF file as a vocabulary. */
#include "llm/vocab_gguf.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "text/tokenizer.h"

/* Arrays of the file in the form that text takes; freed after the tokenizer is made. */
typedef struct arrays {
    vt__span *tokens, *merges;
    int32_t *types;
} arrays;

/* A key that may be absent: *out stays as it is then. */
static vt_status optional(vt_status st) { return st == VT_ERR_NOT_FOUND ? VT_OK : st; }

static vt_status get_span(const vt__gguf *g, const char *key, vt__span *out) {
    vt__gguf_str s;
    vt_status st = vt__gguf_get_str(g, key, &s);
    if (st == VT_OK) *out = (vt__span){.data = s.data, .len = s.len};
    return st;
}

static vt_status get_id(const vt__gguf *g, const char *key, int64_t n_tokens, int32_t *out) {
    int64_t id = -1;
    vt_status st = optional(vt__gguf_get_int(g, key, 0, n_tokens - 1, &id));
    *out = (int32_t)id;
    return st;
}

static vt_status get_strings(vt_context *ctx, const vt__gguf *g, const char *key, vt__span **out, int64_t *out_n) {
    vt__gguf_array a;
    vt__gguf_str s;
    vt_status st = vt__gguf_get_array(g, key, VT__GGUF_STRING, &a);
    if (st != VT_OK) return st;
    vt__span *spans = *out = vt__calloc2(ctx, a.count, 1, sizeof *spans);
    if (!spans) return vt__fail_nomem("tokenizer", 0);
    *out_n = a.count;
    for (int64_t i = 0; vt__gguf_next_string(&a, &s); i++) spans[i] = (vt__span){.data = s.data, .len = s.len};
    return VT_OK;
}

static vt_status get_types(vt_context *ctx, const vt__gguf *g, int64_t n_tokens, int32_t **out) {
    static const char key[] = "tokenizer.ggml.token_type";
    vt__gguf_array a;
    if (!vt__gguf_has(g, key)) return VT_OK;
    vt_status st = vt__gguf_get_array(g, key, VT__GGUF_I32, &a);
    if (st != VT_OK) return st;
    if (a.count != n_tokens)
        return vt__fail(VT_ERR_FORMAT, "%s: key '%s' has %lld entries for %lld tokens", vt__gguf_name(g), key, (long long)a.count, (long long)n_tokens);
    int32_t *types = *out = vt__calloc2(ctx, n_tokens, 1, sizeof *types);
    if (!types) return vt__fail_nomem("tokenizer", 0);
    for (int64_t i = 0; i < n_tokens; i++, a.data += 4)
        types[i] = (int32_t)(a.data[0] | (uint32_t)a.data[1] << 8 | (uint32_t)a.data[2] << 16 | (uint32_t)a.data[3] << 24);
    return VT_OK;
}

static vt_status read_vocab(vt_context *ctx, const vt__gguf *g, vt__vocab *v, arrays *a) {
    vt_status st = get_strings(ctx, g, "tokenizer.ggml.tokens", &a->tokens, &v->n_tokens);
    if (st != VT_OK) return st;
    if ((st = get_types(ctx, g, v->n_tokens, &a->types)) != VT_OK) return st;
    if ((st = optional(get_strings(ctx, g, "tokenizer.ggml.merges", &a->merges, &v->n_merges))) != VT_OK) return st;
    if ((st = optional(get_span(g, "tokenizer.ggml.pre", &v->pre))) != VT_OK) return st;
    if ((st = optional(get_span(g, "tokenizer.chat_template", &v->chat_template))) != VT_OK) return st;
    if ((st = get_id(g, "tokenizer.ggml.bos_token_id", v->n_tokens, &v->bos)) != VT_OK) return st;
    if ((st = get_id(g, "tokenizer.ggml.eos_token_id", v->n_tokens, &v->eos)) != VT_OK) return st;
    if ((st = get_id(g, "tokenizer.ggml.eot_token_id", v->n_tokens, &v->eot)) != VT_OK) return st;
    if ((st = get_id(g, "tokenizer.ggml.eom_token_id", v->n_tokens, &v->eom)) != VT_OK) return st;
    v->tokens = a->tokens;
    v->types = a->types;
    v->merges = a->merges;
    return optional(vt__gguf_get_bool(g, "tokenizer.ggml.add_bos_token", &v->add_bos));
}

vt_status vt__tokenizer_from_gguf(vt_context *ctx, const vt__gguf *g, vt_tokenizer **out) {
    vt__vocab v = {.name = vt__gguf_name(g), .pre = {.data = "", .len = 0}};
    arrays a = {0};

    *out = NULL;
    vt_status st = get_span(g, "tokenizer.ggml.model", &v.family);
    if (st == VT_ERR_NOT_FOUND || (st == VT_OK && v.family.len == 8 && memcmp(v.family.data, "no_vocab", 8) == 0))
        return vt__fail(VT_ERR_NOT_FOUND, "%s: the file carries no vocabulary", v.name);
    if (st == VT_OK) st = read_vocab(ctx, g, &v, &a);
    if (st == VT_OK) st = vt__tokenizer_create(ctx, &v, out);
    vt__free(ctx, a.tokens);
    vt__free(ctx, a.merges);
    vt__free(ctx, a.types);
    return st;
}

vt_status vt__tokenizer_open(vt_context *ctx, const char *path, vt_tokenizer **out) {
    vt__gguf *g;
    *out = NULL;
    vt_status st = vt__gguf_open(ctx, path, &g);
    if (st == VT_OK) st = vt__tokenizer_from_gguf(ctx, g, out);
    vt__gguf_release(g);
    return st;
}
