/* Pre-tokenizers: regular expressions that cut a text into the words inside which tokens are merged. Run by pcre2, whose memory is the
 * context's (its machine code, where it makes some, excepted). */
#ifndef VENTURI_TEXT_SPLITTER_H
#define VENTURI_TEXT_SPLITTER_H

#include "text/tokenizer.h"

typedef struct vt__splitter vt__splitter; /* immutable */
typedef struct vt__split_run vt__split_run; /* working memory of one caller */

/* `pre` as model files name it, "" for the default one; name is for messages. Errors: UNSUPPORTED (named), NOMEM. */
vt_status vt__splitter_create(vt_context *ctx, const char *name, vt__span pre, vt__splitter **out);
void vt__splitter_destroy(vt_context *ctx, vt__splitter *splitter);

/* Llama 3's way: a word that is a token is taken without merging, and text begins with the beginning-of-sequence token. */
int vt__splitter_is_llama3(const vt__splitter *splitter);

vt_status vt__split_run_create(vt_context *ctx, const vt__splitter *splitter, vt__split_run **out);
void vt__split_run_destroy(vt_context *ctx, vt__split_run *run);

/* Begins a text, which stays the caller's. */
void vt__split_begin(vt__split_run *run, const char *text, size_t len);
/* The next piece into *out, len 0 at the end: pieces tile the text. A byte that is not UTF-8 is a piece of its own.
 * Errors: LIMIT (the regular expression gave up), NOMEM. */
vt_status vt__split_next(vt__split_run *run, vt__span *out);

#endif
