/* Public calls of venturi/text.h, and vt_tokenizer_pieces of venturi_experimental.h: check and forward. */
#define VT_EXPERIMENTAL
#include "venturi/text.h"

#include "core/error.h"
#include "llm/vocab_gguf.h"
#include "text/tokenizer.h"
#include "text/words.h"
#include "venturi_experimental.h"

/* The engine has the same struct under its own name; only a pointer to it travels. */
_Static_assert(sizeof(vt_chat_message) == sizeof(vt__chat_message) && offsetof(vt_chat_message, content) == offsetof(vt__chat_message, content) &&
                   offsetof(vt_chat_message, content_len) == offsetof(vt__chat_message, content_len),
               "one layout");
_Static_assert((int)VT_TOKENIZE_SPECIAL == (int)VT__TOKENIZE_SPECIAL && (int)VT_TOKENIZE_ADD_BOS == (int)VT__TOKENIZE_ADD_BOS &&
                   (int)VT_TOKENIZE_ADD_EOS == (int)VT__TOKENIZE_ADD_EOS && (int)VT_TOKENIZE_CONTINUE == (int)VT__TOKENIZE_CONTINUE,
               "one set of flags");
_Static_assert((int)VT_SPECIAL_UNK == (int)VT__SPECIAL_UNK && (int)VT_SPECIAL_MASK == (int)VT__SPECIAL_MASK && (int)VT_SPECIAL_EOM == (int)VT__SPECIAL_EOM,
               "one set of special tokens");

enum {
    ENCODE_FLAGS = VT_TOKENIZE_SPECIAL | VT_TOKENIZE_ADD_BOS | VT_TOKENIZE_ADD_EOS | VT_TOKENIZE_CONTINUE,
    DECODE_FLAGS = VT_TOKENIZE_SPECIAL | VT_TOKENIZE_CONTINUE
};

static vt_status check_flags(uint32_t flags, uint32_t known) {
    return flags & ~known ? vt__fail(VT_ERR_INVALID, "tokenizer: flags 0x%x, 0x%x are allowed", flags, known) : VT_OK;
}

vt_status vt_tokenizer_open(vt_context *ctx, const char *path, vt_tokenizer **out) {
    if (out) *out = NULL;
    if (!ctx || !path || !*path || !out) return vt__fail(VT_ERR_INVALID, "tokenizer: open needs a context, a path and out");
    return vt__tokenizer_open(ctx, path, out);
}

vt_tokenizer *vt_tokenizer_retain(vt_tokenizer *tok) { return vt__tokenizer_retain(tok); }
void vt_tokenizer_release(vt_tokenizer *tok) { vt__tokenizer_release(tok); }

vt_status vt_tokenizer_encode(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out) {
    if (out) *out = NULL;
    if (!tok || !out || (len > 0 && !text)) return vt__fail(VT_ERR_INVALID, "tokenizer: encode needs a tokenizer, a text and out");
    vt_status st = check_flags(flags, ENCODE_FLAGS);
    return st == VT_OK ? vt__tokenizer_encode(tok, text ? text : "", len, flags, out) : st;
}

vt_status vt_tokenizer_pieces(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out) {
    if (out) *out = NULL;
    if (!tok || !out || (len > 0 && !text)) return vt__fail(VT_ERR_INVALID, "tokenizer: pieces needs a tokenizer, a text and out");
    vt_status st = check_flags(flags, VT_TOKENIZE_SPECIAL);
    return st == VT_OK ? vt__tokenizer_pieces(tok, text ? text : "", len, flags, out) : st;
}

vt_status vt_tokenizer_decode(const vt_tokenizer *tok, const int32_t *ids, int64_t n, uint32_t flags, vt_buffer **out) {
    if (out) *out = NULL;
    if (!tok || !out || n < 0 || (n > 0 && !ids)) return vt__fail(VT_ERR_INVALID, "tokenizer: decode needs a tokenizer, n=%lld ids and out", (long long)n);
    vt_status st = check_flags(flags, DECODE_FLAGS);
    return st == VT_OK ? vt__tokenizer_decode(tok, ids, n, flags, out) : st;
}

int64_t vt_tokenizer_count(const vt_tokenizer *tok) { return tok ? vt__tokenizer_count(tok) : 0; }
const char *vt_tokenizer_token(const vt_tokenizer *tok, int32_t id) { return tok ? vt__tokenizer_token(tok, id) : NULL; }
int32_t vt_tokenizer_bos(const vt_tokenizer *tok) { return tok ? vt__tokenizer_bos(tok) : -1; }
int32_t vt_tokenizer_eos(const vt_tokenizer *tok) { return tok ? vt__tokenizer_eos(tok) : -1; }
int32_t vt_tokenizer_special(const vt_tokenizer *tok, int32_t which) { return tok ? vt__tokenizer_special(tok, which) : -1; }
const char *vt_tokenizer_family(const vt_tokenizer *tok) { return tok ? vt__tokenizer_family(tok) : ""; }
int32_t vt_tokenizer_is_eog(const vt_tokenizer *tok, int32_t id) { return tok ? vt__tokenizer_is_eog(tok, id) : 0; }

vt_status vt_decoder_create(vt_tokenizer *tok, uint32_t flags, vt_decoder **out) {
    if (out) *out = NULL;
    if (!tok || !out) return vt__fail(VT_ERR_INVALID, "decoder: tokenizer or out is NULL");
    vt_status st = check_flags(flags, DECODE_FLAGS);
    return st == VT_OK ? vt__decoder_create(tok, flags, out) : st;
}

void vt_decoder_release(vt_decoder *dec) { vt__decoder_release(dec); }

vt_status vt_decoder_push(vt_decoder *dec, int32_t id, const char **out_text, size_t *out_len) {
    if (!dec || !out_text || !out_len) return vt__fail(VT_ERR_INVALID, "decoder: push needs a decoder, out_text and out_len");
    return vt__decoder_push(dec, id, out_text, out_len);
}

vt_status vt_decoder_set_stops(vt_decoder *dec, const char *const *texts, int64_t n) {
    if (!dec || (n > 0 && !texts)) return vt__fail(VT_ERR_INVALID, "decoder: set_stops needs a decoder and texts");
    return vt__decoder_set_stops(dec, texts, n);
}

int64_t vt_decoder_stopped(const vt_decoder *dec) { return dec ? vt__decoder_stopped(dec) : -1; }

vt_status vt_decoder_finish(vt_decoder *dec, const char **out_text, size_t *out_len) {
    if (!dec || !out_text || !out_len) return vt__fail(VT_ERR_INVALID, "decoder: finish needs a decoder, out_text and out_len");
    return vt__decoder_finish(dec, out_text, out_len);
}

vt_status vt_chat_render(const vt_tokenizer *tok, const vt_chat_message *messages, int64_t n, uint32_t flags, vt_buffer **out) {
    if (out) *out = NULL;
    if (!tok || !messages || n < 1 || !out) return vt__fail(VT_ERR_INVALID, "chat: render needs a tokenizer, n=%lld >= 1 messages and out", (long long)n);
    vt_status st = check_flags(flags, VT_CHAT_ADD_PROMPT);
    return st == VT_OK ? vt__chat_render(tok, (const void *)messages, n, (flags & VT_CHAT_ADD_PROMPT) != 0, out) : st;
}

const char *vt_chat_template(const vt_tokenizer *tok, size_t *out_len) {
    size_t len = 0;
    const char *text = tok ? vt__chat_template(tok, &len) : NULL;
    if (out_len) *out_len = len;
    return text;
}

vt_status vt_chat_plain(const vt_tokenizer *tok, const char *text, size_t len, vt_buffer **out) {
    if (!tok || !text || !out) return vt__fail(VT_ERR_INVALID, "chat: plain needs a tokenizer, a text and out");
    return vt__chat_plain(tok, text, len, out);
}

vt_status vt_text_words(vt_context *ctx, const char *text, size_t len, vt_buffer **out) {
    if (out) *out = NULL;
    if (!ctx || !out || (!text && len)) return vt__fail(VT_ERR_INVALID, "words: needs a context, a text and out");
    return vt__text_words(ctx, text, len, out);
}
