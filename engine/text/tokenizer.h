/* Tokenizers: text to ids and back. A tokenizer is made from plain arrays; where they come from is llm's business (llm/vocab_gguf.h). */
#ifndef VENTURI_TEXT_TOKENIZER_H
#define VENTURI_TEXT_TOKENIZER_H

#include "core/buffer.h"
#include "venturi/types.h"

typedef struct vt__span {
    const char *data; /* not NUL-terminated */
    size_t len;
} vt__span;

enum { /* kinds of tokens, numbered as in model files */
    VT__TOKEN_UNDEFINED, VT__TOKEN_NORMAL, VT__TOKEN_UNKNOWN, VT__TOKEN_CONTROL, VT__TOKEN_USER, VT__TOKEN_UNUSED, VT__TOKEN_BYTE
};

/* A vocabulary: read during vt__tokenizer_create, not kept. */
typedef struct vt__vocab {
    const char *name; /* where it is from, for messages */
    vt__span family;  /* "gpt2": byte-level BPE */
    vt__span pre;     /* pre-tokenizer, "" when the file names none */
    int64_t n_tokens;
    const vt__span *tokens;
    const int32_t *types; /* VT__TOKEN_*; NULL: all normal */
    int64_t n_merges;
    const vt__span *merges; /* "A B", best first */
    int32_t bos, eos, eot, eom; /* checked to be in [0, n_tokens), or -1 */
    int add_bos;
    vt__span chat_template; /* data NULL: none */
} vt__vocab;

/* Errors: FORMAT, UNSUPPORTED (family, pre-tokenizer; named), NOMEM. */
vt_status vt__tokenizer_create(vt_context *ctx, const vt__vocab *vocab, vt_tokenizer **out);
vt_tokenizer *vt__tokenizer_retain(vt_tokenizer *tok);
void vt__tokenizer_release(vt_tokenizer *tok);

enum { /* flags of the public header */
    VT__TOKENIZE_SPECIAL = 1,
    VT__TOKENIZE_ADD_BOS = 2
};

vt_status vt__tokenizer_encode(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out);
vt_status vt__tokenizer_pieces(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out);
vt_status vt__tokenizer_decode(const vt_tokenizer *tok, const int32_t *ids, int64_t n, uint32_t flags, vt_buffer **out);
/* Appends the bytes of one token. Errors: INVALID (id out of range); failing to append is left in `out`. */
vt_status vt__tokenizer_append(const vt_tokenizer *tok, int32_t id, uint32_t flags, vt__bytes *out);

vt_context *vt__tokenizer_context(const vt_tokenizer *tok); /* borrowed */
int64_t vt__tokenizer_count(const vt_tokenizer *tok);
const char *vt__tokenizer_token(const vt_tokenizer *tok, int32_t id); /* NULL when out of range */
int32_t vt__tokenizer_bos(const vt_tokenizer *tok);
int32_t vt__tokenizer_eos(const vt_tokenizer *tok);
int32_t vt__tokenizer_is_eog(const vt_tokenizer *tok, int32_t id);

/* One user at a time. */
vt_status vt__decoder_create(vt_tokenizer *tok, uint32_t flags, vt_decoder **out);
void vt__decoder_release(vt_decoder *dec);
vt_status vt__decoder_push(vt_decoder *dec, int32_t id, const char **out_text, size_t *out_len);
vt_status vt__decoder_finish(vt_decoder *dec, const char **out_text, size_t *out_len);

typedef struct vt__chat_message {
    const char *role;
    const char *content;
    size_t content_len;
} vt__chat_message;

vt_status vt__chat_render(const vt_tokenizer *tok, const vt__chat_message *messages, int64_t n, int add_prompt, vt_buffer **out);

#endif
