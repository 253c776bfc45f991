/* A grammar's state along a sequence of tokens: which tokens may come next, and taking one. */
#ifndef VENTURI_GRAMMAR_MATCHER_H
#define VENTURI_GRAMMAR_MATCHER_H

#include "grammar/grammar.h"

typedef struct vt__matcher vt__matcher;

vt_status vt__matcher_create(vt_grammar *g, vt_tokenizer *tok, vt__matcher **out);
vt_status vt__matcher_copy(const vt__matcher *m, vt__matcher **out);
void vt__matcher_free(vt__matcher *m);
/* To the beginning. On failure (LIMIT, NOMEM) nothing can follow until the next reset. */
vt_status vt__matcher_reset(vt__matcher *m);
/* One bit a token of the tokenizer, 64 a word: set where the grammar can go on with it; for end-of-answer tokens, where it may end. Borrowed until
 * the next call. Errors: STATE (no token of the vocabulary can follow), LIMIT, NOMEM; the state stays as it is. */
vt_status vt__matcher_mask(vt__matcher *m, const uint64_t **out, int64_t *n_tokens);
/* Errors: INVALID (a token that the mask does not have), LIMIT, NOMEM; the state stays as it is. */
vt_status vt__matcher_accept(vt__matcher *m, int32_t id);

#endif
