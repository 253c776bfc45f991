/* The tokenizer.* keys of a GGUF file as a vocabulary. */
#include "llm/vocab_gguf.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/error.h"
#include "core/memory.h"
#include "text/tokenizer.h"

/* Arrays of the file in the form that text takes; freed after the tokenizer is made. */
typedef struct arrays {
    vt__span *tokens, *merges;
    int32_t *types;
    float *scores;
    uint8_t *strips;
} arrays;

/* A key that may be absent: *out stays as it is then. */
static vt_status optional(vt_status st) { return st == VT_ERR_NOT_FOUND ? VT_OK : st; }

static vt_status get_span(const vt__gguf *g, const char *key, vt__span *out) {
    vt__gguf_str s;
    vt_status st = vt__gguf_get_str(g, key, &s);
    if (st == VT_OK) *out = (vt__span){.data = s.data, .len = s.len};
    return st;
}

static vt_status get_id(const vt__gguf *g, const char *key, int64_t max, int64_t n_tokens, int32_t *out) {
    int64_t id = -1;
    vt_status st = optional(vt__gguf_get_int(g, key, 0, max, &id));
    *out = id < n_tokens ? (int32_t)id : -1;
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

static vt_status get_scores(vt_context *ctx, const vt__gguf *g, int64_t n_tokens, float **out) {
    static const char key[] = "tokenizer.ggml.scores";
    vt__gguf_array a;
    if (!vt__gguf_has(g, key)) return VT_OK;
    vt_status st = vt__gguf_get_array(g, key, VT__GGUF_F32, &a);
    if (st != VT_OK) return st;
    if (a.count != n_tokens)
        return vt__fail(VT_ERR_FORMAT, "%s: key '%s' has %lld entries for %lld tokens", vt__gguf_name(g), key, (long long)a.count, (long long)n_tokens);
    float *scores = *out = vt__calloc2(ctx, n_tokens, 1, sizeof *scores);
    if (!scores) return vt__fail_nomem("tokenizer", 0);
    for (int64_t i = 0; i < n_tokens; i++, a.data += 4) {
        uint32_t bits = a.data[0] | (uint32_t)a.data[1] << 8 | (uint32_t)a.data[2] << 16 | (uint32_t)a.data[3] << 24;
        memcpy(&scores[i], &bits, sizeof bits);
    }
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

/* Special ids by their keys; "seperator" is how files spell it. */
static vt_status get_ids(const vt__gguf *g, vt__vocab *v) {
    static const char *const keys[VT__SPECIAL_COUNT] = {
        [VT__SPECIAL_BOS] = "bos", [VT__SPECIAL_EOS] = "eos", [VT__SPECIAL_UNK] = "unknown", [VT__SPECIAL_SEP] = "seperator", [VT__SPECIAL_PAD] = "padding",
        [VT__SPECIAL_CLS] = "cls", [VT__SPECIAL_MASK] = "mask", [VT__SPECIAL_EOT] = "eot", [VT__SPECIAL_EOM] = "eom"};
    vt_status st = VT_OK;
    for (int i = 0; i < VT__SPECIAL_COUNT && st == VT_OK; i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", keys[i]);
        int stops = i == VT__SPECIAL_BOS || i == VT__SPECIAL_EOS || i == VT__SPECIAL_EOT || i == VT__SPECIAL_EOM;
        /* Files name padding tokens that they do not have; what begins and ends a text must be right. */
        st = get_id(g, key, stops ? v->n_tokens - 1 : UINT32_MAX, v->n_tokens, &v->special[i]);
    }
    return st;
}

/* What is done to a text and put around it; the family has its own way where a key is missing. */
static vt_status read_rules(const vt__gguf *g, vt__vocab *v) {
    static const char charsmap[] = "tokenizer.ggml.precompiled_charsmap";
    int space_prefix = 1, merge_spaces = 1;
    vt_status st = optional(vt__gguf_get_bool(g, "tokenizer.ggml.add_bos_token", &v->add_bos));
    if (st == VT_OK) st = optional(vt__gguf_get_bool(g, "tokenizer.ggml.add_eos_token", &v->add_eos));
    if (st == VT_OK && v->family.len == 4 && memcmp(v->family.data, "bert", 4) == 0)
        st = optional(vt__gguf_get_bool(g, "tokenizer.ggml.add_sep_token", &v->add_eos)); /* what comes last here */
    if (st == VT_OK) st = optional(vt__gguf_get_bool(g, "tokenizer.ggml.add_space_prefix", &space_prefix));
    if (st == VT_OK) st = optional(vt__gguf_get_bool(g, "tokenizer.ggml.remove_extra_whitespaces", &merge_spaces));
    v->no_space_prefix = !space_prefix;
    v->keep_spaces = !merge_spaces;
    v->wordpiece_flags = VT__WORDPIECE_LOWERCASE | VT__WORDPIECE_STRIP_ACCENTS | VT__WORDPIECE_IDEOGRAPHS;
    if (st != VT_OK || !vt__gguf_has(g, charsmap)) return st;
    vt__gguf_array a;
    st = vt__gguf_get_array(g, charsmap, VT__GGUF_U8, &a);
    if (st != VT_OK && vt__gguf_get_array(g, charsmap, VT__GGUF_I8, &a) == VT_OK) st = VT_OK; /* both are written */
    if (st == VT_OK) v->charsmap = (vt__span){(const char *)a.data, (size_t)a.count};
    return st;
}

/* Whether the value of a text key has one of these words in it, capitals or not. */
static int mentions(const vt__gguf *g, const char *key, const char *const *words) {
    vt__span value = {"", 0};
    (void)get_span(g, key, &value);
    for (; *words; words++) {
        size_t n = strlen(*words);
        for (size_t i = 0; i + n <= value.len; i++)
            if (strncasecmp(value.data + i, *words, n) == 0) return 1;
    }
    return 0;
}

static int is_text(vt__span s, const char *text) { return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0; }

/* Model files do not say which special tokens eat white space; a few models are known for it by name: Phi-3's eat what is behind them, the
 * mask of some BERT kin what is in front. */
static vt_status get_strips(vt_context *ctx, const vt__gguf *g, const vt__vocab *v, uint8_t **out) {
    static const char *const phi[] = {"phi-3", "phi3", NULL}, *const jina[] = {"jina-v2-de", "jina-v2-es", "jina-v2-code", NULL},
                      *const bert[] = {"nomic-bert-moe", "jina-bert-v3", NULL};
    int right = mentions(g, "general.name", phi);
    int left = mentions(g, "tokenizer.ggml.pre", jina) || mentions(g, "general.architecture", bert);
    if (!right && !left) return VT_OK;
    uint8_t *strips = *out = vt__calloc2(ctx, v->n_tokens, 1, sizeof *strips);
    if (!strips) return vt__fail_nomem("tokenizer", (size_t)v->n_tokens);
    for (int64_t i = 0; i < v->n_tokens; i++) {
        int32_t type = v->types ? v->types[i] : VT__TOKEN_NORMAL;
        int special = type == VT__TOKEN_CONTROL || type == VT__TOKEN_USER || type == VT__TOKEN_UNKNOWN;
        vt__span text = v->tokens[i];
        if (right && special && !is_text(text, "<unk>") && !is_text(text, "<s>") && !is_text(text, "<|endoftext|>")) strips[i] |= VT__STRIP_RIGHT;
        if (left && is_text(text, "<mask>")) strips[i] |= VT__STRIP_LEFT;
    }
    return VT_OK;
}

static vt_status read_vocab(vt_context *ctx, const vt__gguf *g, vt__vocab *v, arrays *a) {
    vt_status st = get_strings(ctx, g, "tokenizer.ggml.tokens", &a->tokens, &v->n_tokens);
    if (st != VT_OK) return st;
    if ((st = get_types(ctx, g, v->n_tokens, &a->types)) != VT_OK) return st;
    if ((st = get_scores(ctx, g, v->n_tokens, &a->scores)) != VT_OK) return st;
    if ((st = optional(get_strings(ctx, g, "tokenizer.ggml.merges", &a->merges, &v->n_merges))) != VT_OK) return st;
    if ((st = optional(get_span(g, "tokenizer.ggml.pre", &v->pre))) != VT_OK) return st;
    if ((st = optional(get_span(g, "tokenizer.chat_template", &v->chat_template))) != VT_OK) return st;
    if ((st = get_ids(g, v)) != VT_OK) return st;
    v->tokens = a->tokens;
    v->types = a->types;
    v->scores = a->scores;
    v->merges = a->merges;
    if ((st = get_strips(ctx, g, v, &a->strips)) != VT_OK) return st;
    v->strips = a->strips;
    return read_rules(g, v);
}

vt_status vt__tokenizer_from_gguf(vt_context *ctx, const vt__gguf *g, vt_tokenizer **out) {
    vt__vocab v = {.name = vt__gguf_name(g), .pre = {.data = "", .len = 0}, .add_bos = -1, .add_eos = -1};
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
    vt__free(ctx, a.scores);
    vt__free(ctx, a.strips);
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
