/* Text to ids and back: tokenizer, decoder, chat template, words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

static const char text[] = "Hello  world, it's 2026: na\xc3\xafve caf\xc3\xa9s \xe4\xbd\xa0\xe5\xa5\xbd\n\n\t<|im_end|> bad \xff byte";

static vt_status decode_in_pieces(world *w, vt_tokenizer *tok, const vt_buffer *ids) {
    const int32_t *id = vt_buffer_data(ids);
    size_t n = vt_buffer_size(ids) / sizeof *id;
    vt_decoder *dec = NULL;
    const char *piece;
    size_t len;
    vt_status st = vt_decoder_create(tok, VT_TOKENIZE_SPECIAL, &dec);
    for (size_t i = 0; st == VT_OK && i < n; i++) {
        st = vt_decoder_push(dec, id[i], &piece, &len);
        if (st == VT_OK) torture_note(w, "%.*s|", (int)len, piece);
    }
    if (st == VT_OK) st = vt_decoder_finish(dec, &piece, &len);
    vt_decoder_release(dec);
    return st;
}

static vt_status tokenize(world *w, vt_tokenizer *tok) {
    vt_buffer *ids = NULL, *back = NULL;
    vt_status st = vt_tokenizer_encode(tok, text, sizeof text - 1, VT_TOKENIZE_SPECIAL, &ids);
    if (st == VT_OK) st = vt_tokenizer_decode(tok, vt_buffer_data(ids), (int64_t)(vt_buffer_size(ids) / 4), VT_TOKENIZE_SPECIAL, &back);
    if (st == VT_OK) torture_note(w, "%zu %d\n", vt_buffer_size(ids), vt_buffer_size(back) == sizeof text - 1 && !memcmp(vt_buffer_data(back), text, sizeof text - 1));
    if (st == VT_OK) st = decode_in_pieces(w, tok, ids);
    vt_buffer_release(back);
    vt_buffer_release(ids);
    return st;
}

static vt_status words(world *w) {
    vt_buffer *b = NULL;
    vt_status st = vt_text_words(w->ctx, text, sizeof text - 1, &b);
    if (st == VT_OK) torture_note(w, "%s", (const char *)vt_buffer_data(b));
    vt_buffer_release(b);
    return st;
}

static vt_status chain(world *w) {
    const char *golden = getenv("VT_GOLDEN");
    char path[512];
    vt_tokenizer *tok = NULL;
    (void)snprintf(path, sizeof path, "%s/tok_bpe_smollm.gguf", golden ? golden : "tests/golden");
    vt_status st = vt_tokenizer_open(w->ctx, path, &tok);
    if (st == VT_OK) st = tokenize(w, tok);
    if (st == VT_OK) st = words(w);
    vt_tokenizer_release(tok);
    return st;
}

int main(void) {
    static const torture_case cases[] = {{.name = "text", .run = chain, .faults = FAULT_MEMORY | FAULT_FILES}};
    return torture_main(cases, sizeof cases / sizeof *cases);
}
