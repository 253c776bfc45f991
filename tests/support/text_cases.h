/* What the tests of tokenizers share: ids as text, to compare with what is written in a test, and each failing allocation once. */
#ifndef VENTURI_TEXT_CASES_H
#define VENTURI_TEXT_CASES_H

#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "text/tokenizer.h"
#include "torture.h"

/* Ids of a text as "1 2 3", good until the next call; the error's message where there is one. */
static inline const char *ids_text(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags) {
    static char shown[1 << 14];
    vt_buffer *ids;
    size_t at = 0;
    if (vt__tokenizer_encode(tok, text, len, flags, &ids) != VT_OK) return vt__error_message();
    shown[0] = '\0';
    const int32_t *id = vt__buffer_data(ids);
    for (size_t i = 0; i < vt__buffer_size(ids) / 4 && at < sizeof shown - 16; i++)
        at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%d", i > 0 ? " " : "", id[i]);
    vt__buffer_release(ids);
    return shown;
}

/* Text of ids, good until the next call. */
static inline const char *decoded_text(const vt_tokenizer *tok, const int32_t *ids, int64_t n, uint32_t flags) {
    static char shown[1 << 14];
    vt_buffer *text;
    if (vt__tokenizer_decode(tok, ids, n, flags, &text) != VT_OK) return vt__error_message();
    (void)snprintf(shown, sizeof shown, "%s", (const char *)vt__buffer_data(text));
    vt__buffer_release(text);
    return shown;
}

/* Cuts text[0..n) by the plainest way there is: at[0..n] are offsets of its pieces, one a character, to be joined; returns how many are left. */
typedef size_t (*definition_fn)(const void *rules, const char *text, size_t *at, size_t n);

/* Texts of 1 to 300 letters, short ones and long ones, are cut as the definition says. */
static inline void follow_definition(const vt_tokenizer *tok, definition_fn definition, const void *rules, uint32_t seed) {
    for (size_t len = 1; len <= 300; len++) {
        char text[300];
        size_t at[301];
        vt_buffer *ids;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = "abc"[(seed >> 24) % 3];
            at[i] = i;
        }
        at[len] = len;
        size_t n = definition(rules, text, at, len);
        assert_int_equal(vt__tokenizer_encode(tok, text, len, 0, &ids), VT_OK);
        const int32_t *id = vt__buffer_data(ids);
        if (vt__buffer_size(ids) / 4 != n) fail_msg("%zu bytes: %zu tokens, %zu by definition", len, vt__buffer_size(ids) / 4, n);
        for (size_t i = 0; i < n; i++) {
            const char *token = vt__tokenizer_token(tok, id[i]);
            if (strlen(token) != at[i + 1] - at[i] || memcmp(token, text + at[i], strlen(token)) != 0) fail_msg("%zu bytes: token %zu is %s", len, i, token);
        }
        vt__buffer_release(ids);
    }
}

typedef vt_status (*tokenizer_make_fn)(vt_context *ctx, vt_tokenizer **out);

static inline vt_status make_encode_decode(torture *t, tokenizer_make_fn make, const char *text) {
    static const uint32_t flags = VT__TOKENIZE_SPECIAL | VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_ADD_EOS;
    vt_context *c;
    vt_tokenizer *tok = NULL;
    vt_buffer *ids = NULL, *back = NULL, *pieces = NULL;
    vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = t}, &c);
    if (st != VT_OK) return st;
    st = make(c, &tok);
    if (st == VT_OK) st = vt__tokenizer_encode(tok, text, strlen(text), flags, &ids);
    if (st == VT_OK) st = vt__tokenizer_decode(tok, vt__buffer_data(ids), (int64_t)(vt__buffer_size(ids) / 4), VT__TOKENIZE_SPECIAL, &back);
    if (st == VT_OK) st = vt__tokenizer_pieces(tok, text, strlen(text), 0, &pieces);
    vt__buffer_release(ids);
    vt__buffer_release(back);
    vt__buffer_release(pieces);
    vt__tokenizer_release(tok);
    vt__context_release(c);
    return st;
}

/* Makes a tokenizer and takes a text through it with each allocation failing: NULL when all is well, else what was wrong. */
static inline const char *torture_tokenizer(tokenizer_make_fn make, const char *text) {
    static char wrong[128];
    for (int sticky = 0; sticky < 2; sticky++) {
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = make_encode_decode(&t, make, text);
            int done = t.calls < k;
            if (t.live == 0 && st == (done ? VT_OK : VT_ERR_NOMEM)) {
                if (done) break;
                continue;
            }
            (void)snprintf(wrong, sizeof wrong, "allocation %ld: %ld blocks left, %s", k, t.live, vt__status_name(st));
            return wrong;
        }
    }
    return NULL;
}

#endif
