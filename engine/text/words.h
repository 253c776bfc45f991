/* Words of a text for lexical search: runs of letters, marks and digits after NFKC case folding. Not here: tokens of a model. */
#ifndef VENTURI_TEXT_WORDS_H
#define VENTURI_TEXT_WORDS_H

#include "venturi/types.h"

/* Longer runs are cut into words of at most so many bytes, between code points: what a search term may cost is bounded. */
enum { VT__WORD_MAX = 255 };

/* One word, 1..VT__WORD_MAX bytes of UTF-8, borrowed for the call. A non-zero answer stops the scan. */
typedef int (*vt__word_fn)(void *user, const char *word, size_t len);

/* Calls fn for each word in reading order; answers the first non-zero answer of fn, else 0. Never allocates; O(len). Bytes that are not
 * UTF-8 end a word. Soft hyphens, joiners and variation selectors are as if they were not there (Unicode's NFKC_Casefold). */
int vt__words_each(const char *text, size_t len, vt__word_fn fn, void *user);

/* All words, '\n' behind each. Errors: LIMIT over 64 MiB, NOMEM. */
vt_status vt__text_words(vt_context *ctx, const char *text, size_t len, vt_buffer **out);

#endif
