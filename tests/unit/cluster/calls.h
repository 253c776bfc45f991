/* What tests of clustering through the public calls lean on: a context of several threads, options, info, and the check of a refusal. */
#ifndef VENTURI_TEST_CALLS_H
#define VENTURI_TEST_CALLS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cluster_cases.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static vt_context *ctx;

static inline int make_context(void **state) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    (void)state;
    o.n_threads = 3;
    return vt_context_create(&o, &ctx) != VT_OK;
}

static inline int drop_context(void **state) {
    (void)state;
    vt_context_release(ctx);
    return 0;
}

static inline vt_cluster_options options(int32_t method, int64_t k) {
    vt_cluster_options o = VT_STRUCT_INIT(vt_cluster_options);
    o.method = method;
    o.k = k;
    return o;
}

static inline vt_clustering_info info_of(const vt_clustering *c) {
    vt_clustering_info info = VT_STRUCT_INIT(vt_clustering_info);
    assert_int_equal(vt_clustering_get_info(c, &info), VT_OK);
    return info;
}

/* The call failed so, gave no handle, and its message has the word. */
static inline void assert_refused(vt_status got, vt_status want, const void *handle, const char *word, const char *what) {
    if (got != want) fail_msg("%s: %s (%s), not %s", what, vt_status_name(got), got == VT_OK ? "" : vt_error_message(), vt_status_name(want));
    if (handle) fail_msg("%s: a handle in spite of the failure", what);
    if (word && !strstr(vt_error_message(), word)) fail_msg("%s: \"%s\" does not say %s", what, vt_error_message(), word);
}

#endif
