/* Any bytes as a grammar, and a text for it from the end of the input: both are judged or refused in bounded time, and a grammar that was taken
 * can be walked by a matcher, which never leaves an empty mask without an error. */
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "grammar/matcher.h"
#include "tiny_vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 1 << 12, MAX_TEXT = 64, N_TOKENS = 258 };

static void check(int truth) {
    if (!truth) abort();
}

/* Takes the first allowed token at or behind one that the input names. */
static void walk(vt__matcher *m, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size && i < MAX_TEXT; i++) {
        const uint64_t *mask;
        int64_t n;
        vt_status st = vt__matcher_mask(m, &mask, &n);
        check(st == VT_OK || st == VT_ERR_STATE || st == VT_ERR_LIMIT || st == VT_ERR_NOMEM);
        if (st != VT_OK) return;
        int32_t id = data[i], left = N_TOKENS;
        while (left-- > 0 && !(mask[id / 64] >> (id % 64) & 1)) id = (id + 1) % N_TOKENS;
        check(left >= 0); /* never empty */
        check(vt__matcher_accept(m, id) == VT_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const tiny_token extra[] = {{"<|im_end|>", VT__TOKEN_CONTROL}, {"ab", VT__TOKEN_NORMAL}, {NULL, 0}};
    static const tiny_vocab v = {.tokens = extra, .eos = 256};
    vt_context *ctx;
    vt_grammar *g = NULL;
    vt_tokenizer *tok = NULL;
    vt__matcher *m = NULL;
    int32_t is = -1;
    size_t len = size < MAX_TEXT ? size : MAX_TEXT;

    if (size > MAX_INPUT || vt__context_create(&(vt__context_params){.memory_limit = 1 << 28}, &ctx) != VT_OK) return 0;
    vt_status st = vt__grammar_create(ctx, (const char *)data, size, &g);
    check(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_LIMIT);
    if (st == VT_OK) {
        st = vt__grammar_check(g, (const char *)data + (size - len), len, &is);
        check(st == VT_OK ? is >= VT__GRAMMAR_MISMATCH && is <= VT__GRAMMAR_MATCH : st == VT_ERR_LIMIT);
        check(tiny_tokenizer(ctx, &v, &tok) == VT_OK);
        st = vt__matcher_create(g, tok, &m);
        check(st == VT_OK || st == VT_ERR_LIMIT);
        if (st == VT_OK) walk(m, data, size);
    }
    vt__matcher_free(m);
    vt__tokenizer_release(tok);
    vt__grammar_release(g);
    vt__context_release(ctx);
    return 0;
}
