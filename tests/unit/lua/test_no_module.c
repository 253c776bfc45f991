/* The shared library alone, without its Lua module beside it.   usage: test_no_module LIBVENTURI.SO (a copy in a folder of its own) */
#include "script_host.h"

#include <dlfcn.h>

#include "venturi/tensor.h"

static const char *library;

static void *symbol(void *handle, const char *name) {
    void *address = dlsym(handle, name);
    if (!address) fail_msg("%s: %s", library, dlerror());
    return address;
}

static void a_missing_module_is_named(void **state) {
    vt_status (*create)(const vt_context_options *, vt_context **);
    vt_status (*create_script)(vt_context *, const vt_script_options *, vt_script **);
    const char *(*message)(void);
    void (*release)(vt_context *);
    vt_context *ctx = NULL;
    vt_script *script = NULL;
    (void)state;
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) fail_msg("%s", dlerror());
    *(void **)&create = symbol(handle, "vt_context_create");
    *(void **)&create_script = symbol(handle, "vt_script_create");
    *(void **)&message = symbol(handle, "vt_error_message");
    *(void **)&release = symbol(handle, "vt_context_release");
    assert_int_equal(create(NULL, &ctx), VT_OK);
    assert_int_equal(create_script(ctx, NULL, &script), VT_ERR_UNSUPPORTED);
    assert_null(script);
    assert_non_null(strstr(message(), "libventuri_lua.so"));
    vt_status (*select_fft)(vt_context *, int32_t);
    *(void **)&select_fft = symbol(handle, "vt_fft_select");
    assert_int_equal(select_fft(ctx, VT_FFT_FFTW), VT_ERR_UNSUPPORTED);
    assert_non_null(strstr(message(), "libventuri_fftw.so"));
    assert_int_equal(select_fft(ctx, VT_FFT_OWN), VT_OK);
    release(ctx);
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(a_missing_module_is_named)};
    if (argc < 2) return 2;
    library = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
