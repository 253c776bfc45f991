/* JSON schemas to GBNF. What is supported, and how a grammar may be narrower than its schema: abi/venturi/sample.h. */
#ifndef VENTURI_GRAMMAR_SCHEMA_H
#define VENTURI_GRAMMAR_SCHEMA_H

#include "grammar/grammar.h"

vt_status vt__schema_to_gbnf(vt_context *ctx, const char *schema, size_t len, vt_buffer **out);
vt_status vt__grammar_create_from_schema(vt_context *ctx, const char *schema, size_t len, vt_grammar **out);

#endif
