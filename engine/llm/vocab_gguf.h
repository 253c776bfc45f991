/* A tokenizer from the metadata of a GGUF file: the one place that knows the tokenizer.* keys. */
#ifndef VENTURI_LLM_VOCAB_GGUF_H
#define VENTURI_LLM_VOCAB_GGUF_H

#include "formats/gguf.h"

/* Errors: NOT_FOUND (no vocabulary, or model "no_vocab"), FORMAT, UNSUPPORTED (family or pre-tokenizer, named), NOMEM. */
vt_status vt__tokenizer_from_gguf(vt_context *ctx, const vt__gguf *g, vt_tokenizer **out);
/* The same from a file, of which nothing stays open. */
vt_status vt__tokenizer_open(vt_context *ctx, const char *path, vt_tokenizer **out);

#endif
