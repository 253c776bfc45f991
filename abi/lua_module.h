/* Private contract between libventuri and its Lua module (libventuri_lua.so); not installed. The module exports one symbol, `vt_lua_module`,
 * of type vt__lua_module. It sees the library only through the public headers and through what vt__lua_host lends it. */
#ifndef VENTURI_LUA_MODULE_H
#define VENTURI_LUA_MODULE_H

#include "venturi/script.h"

enum { VT__LUA_MODULE_VERSION = 2 }; /* both sides are built together; another number is another release's file */

struct vt__account;

/* What the library lends the module. Outlives every script. */
typedef struct vt__lua_host {
    vt_status (*fail)(vt_status code, const char *message); /* sets this thread's message, returns code */
    vt_status (*buffer)(vt_context *ctx, const void *data, size_t size, vt_buffer **out); /* copies */
    void *(*alloc)(vt_context *ctx, void *ptr, size_t old_size, size_t new_size);         /* vt_alloc_fn's contract */
    /* A token for what the script calls: up when parent is, or once the deadline (monotonic clock, INT64_MAX: none) has passed. */
    vt_status (*token)(vt_context *ctx, vt_cancel *parent, vt_cancel **out);
    void (*set_deadline)(vt_cancel *token, int64_t deadline_ns);
    /* An account for the bytes of tensors (core/account.h): fits is asked for more while it is this thread's, and may give some back before it answers. */
    vt_status (*account)(vt_context *ctx, int (*fits)(void *user, uint64_t bytes), void *user, struct vt__account **out);
    struct vt__account *(*account_set)(struct vt__account *account);
    uint64_t (*account_used)(const struct vt__account *account);
    void (*account_release)(struct vt__account *account);
} vt__lua_host;

typedef struct vt__lua_module {
    uint32_t version;
    const char *(*error_message)(void); /* vt_error_message of the library that the module is bound to */
    vt_status (*create)(const vt__lua_host *host, vt_context *ctx, const vt_script_options *opt, vt_script **out);
    vt_script *(*retain)(vt_script *script);
    void (*release)(vt_script *script);
    vt_status (*load)(vt_script *script, const char *name, const char *text, size_t len);
    vt_status (*call)(vt_script *script, const char *function, const void *args, size_t size, vt_buffer **out);
    uint64_t (*memory)(const vt_script *script);
} vt__lua_module;

/* What both sides know of a script; the module's own part follows. */
struct vt_script {
    const vt__lua_module *module;
};

#endif
