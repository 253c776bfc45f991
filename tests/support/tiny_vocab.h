/* Byte-level vocabularies made to order: token of byte b is id b, extra tokens follow from 256 on. */
#ifndef VENTURI_TINY_VOCAB_H
#define VENTURI_TINY_VOCAB_H

#include "core/memory.h"
#include "gguf_build.h"
#include "llm/vocab_gguf.h"
#include "text/bpe_alphabet.h"
#include "text/tokenizer.h"

typedef struct tiny_token {
    const char *text; /* as in the file: byte-level alphabet */
    uint32_t type;    /* VT__TOKEN_* */
} tiny_token;

typedef struct tiny_vocab {
    const char *family, *pre;    /* NULL: "gpt2" and "gpt-2" */
    const tiny_token *tokens;    /* extra ones, up to one with text NULL; may be NULL */
    const char *const *merges;   /* up to NULL; NULL: one that no text has */
    const char *chat_template;   /* NULL: none */
    int64_t bos, eos;            /* 0: no key; otherwise the id */
    int add_bos;
    int without_byte;            /* its token is of another text; 0: none is missing */
} tiny_vocab;

static inline void tiny_gguf(const tiny_vocab *v, gguf_build *b) {
    static const char *const no_merge[] = {"\xC4\x80 \xC4\x80", NULL};
    const char *const *merges = v->merges ? v->merges : no_merge;
    uint64_t n_extra = 0, n_merges = 0;
    vt__alphabet a;
    vt__alphabet_init(&a);
    while (v->tokens && v->tokens[n_extra].text) n_extra++;
    while (merges[n_merges]) n_merges++;

    gguf_begin(b, 3, 0, 6 + (v->chat_template != NULL) + (v->bos != 0) + (v->eos != 0));
    gguf_key_str(b, "tokenizer.ggml.model", v->family ? v->family : "gpt2");
    gguf_key_str(b, "tokenizer.ggml.pre", v->pre ? v->pre : "gpt-2");
    gguf_array(b, "tokenizer.ggml.tokens", VT__GGUF_STRING, 256 + n_extra);
    for (int i = 0; i < 256; i++) {
        char text[2];
        size_t n = vt__alphabet_write(&a, (unsigned char)i, text);
        if (i == v->without_byte && i > 0) {
            gguf_str(b, "[gone]");
            continue;
        }
        gguf_u64(b, n);
        gguf_bytes(b, text, n);
    }
    for (uint64_t i = 0; i < n_extra; i++) gguf_str(b, v->tokens[i].text);
    gguf_array(b, "tokenizer.ggml.token_type", VT__GGUF_I32, 256 + n_extra);
    for (uint64_t i = 0; i < 256 + n_extra; i++) gguf_u32(b, i < 256 ? VT__TOKEN_NORMAL : v->tokens[i - 256].type);
    gguf_array(b, "tokenizer.ggml.merges", VT__GGUF_STRING, n_merges);
    for (uint64_t i = 0; i < n_merges; i++) gguf_str(b, merges[i]);
    gguf_key(b, "tokenizer.ggml.add_bos_token", VT__GGUF_BOOL);
    gguf_bytes(b, v->add_bos ? "\1" : "", 1);
    if (v->chat_template) gguf_key_str(b, "tokenizer.chat_template", v->chat_template);
    if (v->bos) gguf_key_u32(b, "tokenizer.ggml.bos_token_id", (uint32_t)v->bos);
    if (v->eos) gguf_key_u32(b, "tokenizer.ggml.eos_token_id", (uint32_t)v->eos);
}

static inline vt_status tiny_tokenizer(vt_context *c, const tiny_vocab *v, vt_tokenizer **out) {
    gguf_build *b = vt__alloc(c, sizeof *b);
    vt__gguf *g = NULL;
    *out = NULL;
    if (!b) return VT_ERR_NOMEM;
    tiny_gguf(v, b);
    vt_status st = vt__gguf_parse(c, "tiny.gguf", b->data, b->len, &g);
    if (st == VT_OK) st = vt__tokenizer_from_gguf(c, g, out);
    vt__gguf_release(g);
    vt__free(c, b);
    return st;
}

#endif
