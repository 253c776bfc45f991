/* One context for all tests of a program: setup and teardown of a cmocka group. */
#ifndef VENTURI_TESTS_ONE_CONTEXT_H
#define VENTURI_TESTS_ONE_CONTEXT_H

#include "venturi/context.h"

static vt_context *ctx;

static int make_context(void **state) {
    (void)state;
    return vt_context_create(NULL, &ctx) != VT_OK;
}

static int drop_context(void **state) {
    (void)state;
    vt_context_release(ctx);
    return 0;
}

#endif
