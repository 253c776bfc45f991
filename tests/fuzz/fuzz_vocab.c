/* Any bytes as the metadata of a tokenizer, and text for it from the end of the input. Byte-level BPE: what comes in comes back, but for bytes
 * that the vocabulary has no token for. SentencePiece BPE: the same where all bytes have tokens. Other families: ids and pieces are in range.
 * All of them: plain text never becomes a control token. */
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/context.h"
#include "llm/vocab_gguf.h"
#include "text/sentencepiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 1 << 16, MAX_TEXT = 512, MAX_GROWING_TEXT = 64 };

static void check(int truth) {
    if (!truth) abort();
}

/* 1 for each byte that is sure to have an ordinary token: it is written out alone under that id. */
static void known_bytes(const vt_tokenizer *tok, uint8_t known[256]) {
    for (int b = 0; b < 256; b++) {
        const char byte = (char)b;
        vt_buffer *ids;
        check(vt__tokenizer_encode(tok, &byte, 1, 0, &ids) == VT_OK);
        known[b] = vt__buffer_size(ids) > 0;
        vt__buffer_release(ids);
    }
}

static void round_trip(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, const uint8_t known[256]) {
    vt_buffer *ids, *back, *pieces;
    check(vt__tokenizer_encode(tok, text, len, flags, &ids) == VT_OK);
    int64_t n = (int64_t)(vt__buffer_size(ids) / 4);
    check(n <= (int64_t)len);
    check(vt__tokenizer_decode(tok, vt__buffer_data(ids), n, flags, &back) == VT_OK);
    const char *got = vt__buffer_data(back);
    size_t at = 0, end = vt__buffer_size(back);
    for (size_t i = 0; i < len; i++) {
        if (at < end && got[at] == text[i]) at++;
        else check(!known[(uint8_t)text[i]]);
    }
    check(at == end);
    check(vt__tokenizer_pieces(tok, text, len, flags, &pieces) == VT_OK);
    const int64_t *range = vt__buffer_data(pieces);
    int64_t next = 0;
    for (size_t i = 0; i < vt__buffer_size(pieces) / 16; i++) {
        check(range[2 * i] == next && range[2 * i + 1] > next);
        next = range[2 * i + 1];
    }
    check(next == (int64_t)len);
    vt__buffer_release(ids);
    vt__buffer_release(back);
    vt__buffer_release(pieces);
}

/* Plain text: no special tokens but those that the family puts for what it does not know. */
static void plain(const vt_tokenizer *tok, const char *text, size_t len) {
    vt_buffer *ids, *back, *pieces;
    int complete = tok->family == &vt__family_spm && !memchr(text, 0xE2, len); /* U+2581 does not come back */
    uint8_t has[256] = {0};
    for (int64_t id = 0; id < tok->n_tokens; id++)
        if (vt__token_type(tok, id) == VT__TOKEN_BYTE && vt__byte_token_value(vt__token_text(tok, id)) >= 0) has[vt__byte_token_value(vt__token_text(tok, id))] = 1;
    for (int b = 0; b < 256; b++) complete = complete && has[b];

    check(vt__tokenizer_encode(tok, text, len, 0, &ids) == VT_OK);
    const int32_t *id = vt__buffer_data(ids);
    int64_t n = (int64_t)(vt__buffer_size(ids) / 4);
    for (int64_t i = 0; i < n; i++) {
        check(id[i] >= 0 && id[i] < tok->n_tokens);
        check(!vt__token_is_special(tok, id[i]) || id[i] == tok->special[VT__SPECIAL_UNK]);
    }
    check(vt__tokenizer_decode(tok, id, n, 0, &back) == VT_OK);
    if (complete) check(vt__buffer_size(back) == len && memcmp(vt__buffer_data(back), text, len) == 0);
    check(vt__tokenizer_pieces(tok, text, len, VT__TOKENIZE_SPECIAL, &pieces) == VT_OK);
    const int64_t *range = vt__buffer_data(pieces);
    int64_t end = 0;
    for (size_t i = 0; i < vt__buffer_size(pieces) / 16; i++) {
        check(range[2 * i] >= end && range[2 * i + 1] > range[2 * i] && range[2 * i + 1] <= (int64_t)len);
        end = range[2 * i + 1];
    }
    vt__buffer_release(ids);
    vt__buffer_release(back);
    vt__buffer_release(pieces);
}

static void stream(vt_tokenizer *tok, const char *text, size_t len) {
    vt_buffer *ids, *chat;
    vt_decoder *dec;
    const char *piece;
    size_t n;
    const vt__chat_message message = {"user", text, len};
    check(vt__tokenizer_encode(tok, text, len, VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_ADD_EOS | VT__TOKENIZE_SPECIAL, &ids) == VT_OK);
    check(vt__decoder_create(tok, VT__TOKENIZE_SPECIAL, &dec) == VT_OK);
    const int32_t *id = vt__buffer_data(ids);
    for (size_t i = 0; i < vt__buffer_size(ids) / 4; i++) check(vt__decoder_push(dec, id[i], &piece, &n) == VT_OK);
    check(vt__decoder_finish(dec, &piece, &n) == VT_OK);
    vt__decoder_release(dec);
    vt__buffer_release(ids);
    vt_status st = vt__chat_render(tok, &message, 1, 1, &chat);
    check(st == VT_OK || st == VT_ERR_UNSUPPORTED || st == VT_ERR_INVALID);
    vt__buffer_release(chat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx;
    vt__gguf *g;
    vt_tokenizer *tok = NULL;
    uint8_t known[256];
    size_t len = size < MAX_TEXT ? size : MAX_TEXT;
    const char *text = (const char *)data + (size - len);

    if (size > MAX_INPUT || vt__context_create(&(vt__context_params){.memory_limit = 1 << 28}, &ctx) != VT_OK) return 0;
    vt_status st = vt__gguf_parse(ctx, "fuzz.gguf", data, size, &g);
    if (st == VT_OK) st = vt__tokenizer_from_gguf(ctx, g, &tok);
    check(st != VT_ERR_NOMEM && st != VT_ERR_INTERNAL);
    if (st == VT_OK && tok->family != &vt__family_bpe) {
        if (tok->family == &vt__family_unigram && len > MAX_GROWING_TEXT) len = MAX_GROWING_TEXT; /* rules may make much of it */
        plain(tok, text, len);
        stream(tok, text, len);
    } else if (st == VT_OK) {
        known_bytes(tok, known);
        round_trip(tok, text, len, 0, known);
        round_trip(tok, text, len, VT__TOKENIZE_SPECIAL, known);
        stream(tok, text, len);
    }
    vt__tokenizer_release(tok);
    vt__gguf_release(g);
    vt__context_release(ctx);
    return 0;
}
