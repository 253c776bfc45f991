/* One context for all tests of a program: setup and teardown of a cmocka group. What the tests left behind in it is a failure. */
#ifndef VENTURI_TESTS_ONE_CONTEXT_H
#define VENTURI_TESTS_ONE_CONTEXT_H

#include "venturi/context.h"

static vt_context *ctx;
static uint64_t memory_of_context; /* alone */

static int make_context(void **state) {
    (void)state;
    if (vt_context_create(NULL, &ctx) != VT_OK) return 1;
    memory_of_context = vt_context_memory(ctx);
    return 0;
}

static int drop_context(void **state) {
    (void)state;
    int leaked = vt_context_memory(ctx) != memory_of_context;
    vt_context_release(ctx);
    return leaked;
}

#endif
