/* A host that has the library linked in statically: the module belongs to the shared library, and says so. Everything else works. */
#include "script_host.h"

static void scripts_need_the_shared_library(void **state) {
    vt_context *ctx;
    vt_script *script = (vt_script *)&ctx;
    (void)state;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    assert_int_equal(vt_script_create(ctx, NULL, &script), VT_ERR_UNSUPPORTED);
    assert_null(script);
    assert_non_null(strstr(vt_error_message(), "shared library"));
    vt_context_release(ctx);
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(scripts_need_the_shared_library)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
