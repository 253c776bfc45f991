/* Grammars over text: GBNF compiled to a graph over bytes, which a matcher (matcher.h) walks along. A grammar is immutable and can be shared.
 * JSON schemas are compiled to GBNF (schema.h). */
#ifndef VENTURI_GRAMMAR_GRAMMAR_H
#define VENTURI_GRAMMAR_GRAMMAR_H

#include "venturi/types.h"

/* Errors: FORMAT (line and column; left recursion; no end), LIMIT, NOMEM. */
vt_status vt__grammar_create(vt_context *ctx, const char *gbnf, size_t len, vt_grammar **out);
vt_grammar *vt__grammar_retain(vt_grammar *g);
void vt__grammar_release(vt_grammar *g);

enum { VT__GRAMMAR_MISMATCH, VT__GRAMMAR_BEGINNING, VT__GRAMMAR_MATCH };
/* What a text is to the grammar. Errors: LIMIT, NOMEM. */
vt_status vt__grammar_check(vt_grammar *g, const char *text, size_t len, int32_t *out);

#endif
