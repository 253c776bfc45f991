/* A GGUF file written anew with its matrices in another block type. */
#ifndef VENTURI_FORMATS_GGUF_QUANTIZE_H
#define VENTURI_FORMATS_GGUF_QUANTIZE_H

#include "core/watch.h"

/* See vt_model_quantize. is_pure: the output matrix gets the type too. */
vt_status vt__gguf_quantize(vt_context *ctx, const char *in, const char *out, int32_t dtype, int is_pure, vt__watch *watch);

#endif
