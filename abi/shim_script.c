/* Public calls of venturi/script.h: check, normalise options, find the Lua module, forward to its table. */
#include "venturi/script.h"

#include "core/account.h"
#include "core/buffer.h"
#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/module.h"
#include "core/options.h"
#include "lua_module.h"

static vt_status host_fail(vt_status code, const char *message) { return vt__fail(code, "%s", message); }

static const vt__lua_host host = {.fail = host_fail,
                                  .buffer = vt__buffer_copy,
                                  .alloc = vt__context_alloc,
                                  .token = vt__cancel_create_within,
                                  .set_deadline = vt__cancel_set_deadline,
                                  .account = vt__account_create,
                                  .account_set = vt__account_set,
                                  .account_used = vt__account_used,
                                  .account_release = vt__account_release};

/* A host with a static copy of the library would hand that copy's handles to a module bound to the shared one: the copies are told apart by
 * where their thread-local message lives. */
static vt_status find_module(const vt__lua_module **out) {
    const void *symbol = NULL;
    vt_status st = vt__module_symbol("libventuri_lua.so", "lua", "vt_lua_module", &symbol);
    if (st != VT_OK) return st;
    const vt__lua_module *module = symbol;
    if (module->version != VT__LUA_MODULE_VERSION)
        return vt__fail(VT_ERR_UNSUPPORTED, "script: libventuri_lua.so is of another release (%u, need %u)", module->version, (unsigned)VT__LUA_MODULE_VERSION);
    if (module->error_message() != vt__error_message())
        return vt__fail(VT_ERR_UNSUPPORTED, "script: scripts need the shared library; this host has a copy of its own linked in");
    *out = module;
    return VT_OK;
}

static vt_status check_options(const vt_script_options *o) {
    if (o->flags & ~(uint32_t)(VT_SCRIPT_ALLOW_MODELS | VT_SCRIPT_ALLOW_WRITE)) return vt__fail(VT_ERR_INVALID, "script: unknown flags 0x%x", o->flags);
    if (o->time_limit_ms < 0) return vt__fail(VT_ERR_INVALID, "script: time_limit_ms=%lld, need >= 0", (long long)o->time_limit_ms);
    return VT_OK;
}

vt_status vt_script_create(vt_context *ctx, const vt_script_options *user_opt, vt_script **out) {
    enum { FIRST_SIZE = 64 }; /* sizeof in the first release; stays when the struct grows */
    const vt__lua_module *module = NULL;
    vt_script_options o;

    if (out) *out = NULL;
    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "script: context or out is NULL");
    vt_status st = vt__options_read("script", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st == VT_OK) st = check_options(&o);
    if (st == VT_OK) st = find_module(&module);
    return module ? module->create(&host, ctx, &o, out) : st;
}

vt_script *vt_script_retain(vt_script *script) { return script ? script->module->retain(script) : NULL; }
void vt_script_release(vt_script *script) {
    if (script) script->module->release(script);
}

vt_status vt_script_load(vt_script *script, const char *name, const char *text, size_t len) {
    if (!script || !name || (!text && len)) return vt__fail(VT_ERR_INVALID, "script: load needs a script, a name and a text (%zu bytes)", len);
    return script->module->load(script, name, text, len);
}

vt_status vt_script_call(vt_script *script, const char *function, const void *args, size_t size, vt_buffer **out) {
    if (out) *out = NULL;
    if (!script || !function || (!args && size)) return vt__fail(VT_ERR_INVALID, "script: call needs a script, a function and args (%zu bytes)", size);
    return script->module->call(script, function, args, size, out);
}

uint64_t vt_script_memory(const vt_script *script) { return script ? script->module->memory(script) : 0; }
