/* Recognises ChatML among the chat templates (Jinja) that model files carry. Not a renderer of templates: what is not ChatML is refused. */
#ifndef VENTURI_TEXT_CHAT_TEMPLATE_H
#define VENTURI_TEXT_CHAT_TEMPLATE_H

#include "core/buffer.h"

typedef struct vt__chatml {
    vt__bytes system; /* whole turn that comes first when the messages begin with no system message; empty: none */
    int has_prompt;   /* the template can open the assistant's turn */
} vt__chatml;

/* *out: caller frees out->system by vt__bytes_free, also on failure. Errors: UNSUPPORTED, NOMEM. */
vt_status vt__chatml_parse(vt_context *ctx, const char *text, size_t len, vt__chatml *out);

#endif
