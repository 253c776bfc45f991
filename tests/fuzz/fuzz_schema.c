/* Any bytes as a JSON schema: it is refused, or its GBNF is a grammar (or too large a one, or one that cannot end or begins with itself). */
#include <stdlib.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "grammar/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 1 << 12 };

static void check(int truth) {
    if (!truth) abort();
}

/* Only the schema's own sense can be at fault in a grammar that we wrote. */
static int is_our_mistake(const char *message) {
    static const char *const fine[] = {"begins with itself", "comes to an end"};
    for (size_t i = 0; i < 2; i++)
        for (const char *p = message; *p; p++) {
            size_t n = 0;
            while (fine[i][n] && p[n] == fine[i][n]) n++;
            if (!fine[i][n]) return 0;
        }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx;
    vt_buffer *gbnf;
    vt_grammar *g = NULL;
    if (size > MAX_INPUT || vt__context_create(&(vt__context_params){.memory_limit = 1 << 28}, &ctx) != VT_OK) return 0;
    vt_status st = vt__schema_to_gbnf(ctx, (const char *)data, size, &gbnf);
    check(st != VT_ERR_INTERNAL && st != VT_ERR_NOMEM);
    if (st == VT_OK) {
        st = vt__grammar_create(ctx, vt__buffer_data(gbnf), vt__buffer_size(gbnf), &g);
        check(st == VT_OK || st == VT_ERR_LIMIT || (st == VT_ERR_FORMAT && !is_our_mistake(vt__error_message())));
    }
    vt__grammar_release(g);
    vt__buffer_release(gbnf);
    vt__context_release(ctx);
    return 0;
}
