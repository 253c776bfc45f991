/* Life of a script, and the table that libventuri takes from this module. */
#include "script.h"

#include <lauxlib.h>
#include <stddef.h>
#include <string.h>

#include "sandbox.h"
#include "venturi/context.h"
#include "venturi/folder.h"

extern VT_API const vt__lua_module vt_lua_module;

enum { DEFAULT_MEMORY = 256 << 20 };

vt__script *vt__script_of(lua_State *L) {
    return (vt__script *)(void *)((char *)vt__budget_of(L) - offsetof(vt__script, budget));
}

static void destroy(vt__script *s) {
    vt_context *ctx = s->cap.ctx;
    if (s->L) lua_close(s->L);
    s->budget.host->account_release(s->budget.account);
    vt_cancel_release(s->budget.token);
    vt_cancel_release(s->budget.cancel);
    vt_folder_release(s->cap.folder);
    (void)s->budget.host->alloc(ctx, s, sizeof *s, 0);
    vt_context_release(ctx);
}

static vt_script *retain(vt_script *script) {
    atomic_fetch_add(&((vt__script *)script)->refs, 1);
    return script;
}

static void release(vt_script *script) {
    vt__script *s = (vt__script *)script;
    if (atomic_fetch_sub(&s->refs, 1) == 1) destroy(s);
}

static uint64_t memory(const vt_script *script) { return vt__budget_used(&((const vt__script *)script)->budget); }

static uint64_t native(lua_State *L, uint64_t *limit) {
    const vt__budget *b = vt__budget_of(L);
    *limit = b->memory_limit;
    return b->host->account_used(b->account);
}

static void fill(vt__script *s, const vt__lua_host *host, vt_context *ctx, const vt_script_options *opt) {
    memset(s, 0, sizeof *s);
    s->head.module = &vt_lua_module;
    atomic_init(&s->refs, 1);
    s->budget.host = host;
    s->budget.ctx = ctx;
    s->budget.cancel = vt_cancel_retain(opt->cancel);
    s->budget.memory_limit = opt->memory_limit ? opt->memory_limit : DEFAULT_MEMORY;
    s->budget.instruction_limit = opt->instruction_limit;
    s->budget.time_limit_ms = opt->time_limit_ms;
    s->cap.ctx = vt_context_retain(ctx);
    s->cap.folder = vt_folder_retain(opt->folder);
    s->cap.sandboxed = 1;
    s->cap.charge = vt__budget_charge;
    s->cap.native = native;
    if (opt->flags & VT_SCRIPT_ALLOW_MODELS) s->cap.may |= VT__CAN_MODELS;
    if (opt->flags & VT_SCRIPT_ALLOW_WRITE) s->cap.may |= VT__CAN_WRITE;
    s->print = opt->print;
    s->print_user = opt->print_user;
}

static vt_status create(const vt__lua_host *host, vt_context *ctx, const vt_script_options *opt, vt_script **out) {
    vt__script *s = host->alloc(ctx, NULL, 0, sizeof *s);
    if (!s) return host->fail(VT_ERR_NOMEM, "script: out of memory");
    fill(s, host, ctx, opt);
    vt_status st = host->token(ctx, opt->cancel, &s->budget.token);
    if (st == VT_OK) st = host->account(ctx, vt__budget_fits_tensor, &s->budget, &s->budget.account);
    s->cap.cancel = s->budget.token;
    if (st == VT_OK) s->L = lua_newstate(vt__budget_alloc, &s->budget);
    if (s->L) vt__budget_attach(s->L, &s->budget);
    if (s->L) lua_pushcfunction(s->L, vt__sandbox_open);
    if (!s->L || lua_pcall(s->L, 0, 0, 0) != LUA_OK) {
        destroy(s);
        return host->fail(VT_ERR_NOMEM, "script: out of memory for a Lua state (the context's or memory_limit)");
    }
    *out = &s->head;
    return VT_OK;
}

const vt__lua_module vt_lua_module = {
    .version = VT__LUA_MODULE_VERSION,
    .error_message = vt_error_message,
    .create = create,
    .retain = retain,
    .release = release,
    .load = vt__script_load,
    .call = vt__script_call,
    .memory = memory,
};
