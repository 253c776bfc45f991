/* A host for script tests: one context, one script at a time, what it printed, and how long it took. Uses the public ABI only. */
#ifndef VENTURI_SCRIPT_HOST_H
#define VENTURI_SCRIPT_HOST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "venturi.h"

typedef struct script_host {
    vt_context *ctx;
    vt_script *script;
    char printed[4096]; /* lines, each with its newline */
    int32_t print_answer;
} script_host;

static inline int32_t host_print(void *user, double fraction, const char *message) {
    script_host *h = user;
    size_t used = strlen(h->printed);
    assert_true(fraction < 0);
    (void)snprintf(h->printed + used, sizeof h->printed - used, "%s\n", message);
    return h->print_answer;
}

static inline void host_open(script_host *h, vt_script_options opt) {
    memset(h, 0, sizeof *h);
    opt.print = host_print;
    opt.print_user = h;
    assert_int_equal(vt_context_create(NULL, &h->ctx), VT_OK);
    vt_status st = vt_script_create(h->ctx, &opt, &h->script);
    if (st != VT_OK) fail_msg("create: %s: %s", vt_status_name(st), vt_error_message());
}

static inline void host_close(script_host *h) {
    vt_script_release(h->script);
    vt_context_release(h->ctx);
}

static inline vt_status host_load(script_host *h, const char *text) { return vt_script_load(h->script, "test.lua", text, strlen(text)); }

/* Result as JSON text in a static buffer; NULL when the call failed. args: JSON array or NULL. */
static inline const char *host_call(script_host *h, const char *function, const char *args, vt_status *out_status) {
    static char json[1 << 16];
    vt_buffer *in = NULL, *out = NULL, *text = NULL;
    if (args) assert_int_equal(vt_json_to_msgpack(h->ctx, args, strlen(args), &in), VT_OK);
    vt_status st = vt_script_call(h->script, function, in ? vt_buffer_data(in) : NULL, vt_buffer_size(in), &out);
    if (st == VT_OK) {
        vt_status converted = vt_json_from_msgpack(h->ctx, vt_buffer_data(out), vt_buffer_size(out), 0, &text);
        if (converted != VT_OK) fail_msg("%s: result has no JSON form: %s", function, vt_error_message());
        (void)snprintf(json, sizeof json, "%s", (const char *)vt_buffer_data(text));
    } else {
        assert_null(out);
    }
    vt_buffer_release(text);
    vt_buffer_release(out);
    vt_buffer_release(in);
    *out_status = st;
    return st == VT_OK ? json : NULL;
}

static inline double host_seconds(void) {
    struct timespec t;
    (void)timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif
