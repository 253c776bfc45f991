/* Gradients for Lua.
 *
 *   t:backward(grad, { keep = false, create = false }), vt.backward(ROOTS, GRADS, ...)     adds to the leaves' t.grad
 *   vt.gradients(ROOTS, INPUTS, { grads = GRADS, keep =, create = })                       one result for one input, a list for a list; nil: no way there
 *   vt.no_grad(f, ...), vt.enable_grad(f, ...), vt.grad_mode()                             f's results; coroutines cannot yield out of f
 *   t:detach(), t:hook(function(grad) return replacement or nil end)
 *   vt.custom{ forward = function(ctx, ...) return outputs end, backward = function(ctx, grads...) return gradients of all arguments end }
 *
 * ROOTS, INPUTS, GRADS: a tensor or a list. ctx is a table for what forward leaves to backward; the tensors that forward returns have no history in
 * there, so that keeping them makes no circle. A hook that holds its own tensor does make one, and is never collected.
 *
 * The library calls functions while it walks back. Their errors are caught, end the walk, and are raised again by the call that walks. The library lets
 * go of a function at any time, in a finalizer too, where nothing may be done to a state: it is put on a list, which later calls empty. */
#include <string.h>

#include "bind_tensor.h"
#include "capability.h"
#include "venturi/context.h"

enum { MOST_INPUTS = 250 }; /* of one custom function: what fits a stack of arguments */

struct function;

/* One a state. */
typedef struct calls {
    lua_State *L; /* the thread that walks now; NULL: none */
    int slot;     /* stack index there for the error of a function */
    int failed;
    struct function *dropped; /* nobody calls these any more */
} calls;

/* A userdata that the registry holds under `ref`. User value 1 is the Lua function, 2 the table that it gets first, or nil. */
typedef struct function {
    calls *calls;
    struct function *next; /* while it is dropped */
    int ref;
} function;

static const char calls_key; /* its address is the registry key of the calls */

static calls *get_calls(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &calls_key);
    calls *c = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (c) return c;
    c = lua_newuserdatauv(L, sizeof *c, 0); /* no finalizer: it is there until all tensors are gone */
    *c = (calls){0};
    lua_rawsetp(L, LUA_REGISTRYINDEX, &calls_key);
    return c;
}

static void forget_dropped(lua_State *L, calls *c) {
    while (c->dropped) {
        function *f = c->dropped;
        c->dropped = f->next;
        luaL_unref(L, LUA_REGISTRYINDEX, f->ref);
    }
}

static void drop_function(void *user) {
    function *f = user;
    f->next = f->calls->dropped;
    f->calls->dropped = f;
}

/* The two values on the top, function and table or nil, as something that the library may hold. They are popped. */
static function *hold_function(lua_State *L) {
    calls *c = get_calls(L);
    forget_dropped(L, c);
    function *f = lua_newuserdatauv(L, sizeof *f, 2);
    *f = (function){.calls = c};
    lua_insert(L, -3);
    lua_setiuservalue(L, -3, 2);
    lua_setiuservalue(L, -2, 1);
    f->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return f;
}

/* ---- calls by the library ---- */

typedef struct request {
    function *f;
    vt_tensor *const *grad_out;
    vt_tensor **grad_in;
    int32_t n_out, n_in;
} request;

/* Pushes a box with a reference of its own; nil for NULL. */
static void push_shared(lua_State *L, vt_tensor *t) {
    if (!t) {
        lua_pushnil(L);
        return;
    }
    box *b = bind_tensor_push(L);
    b->handle = vt_tensor_retain(t);
}

/* Calls function(table?, gradients ...) and takes n_in results, each a tensor or nil. */
static int call_body(lua_State *L) {
    request *r = lua_touserdata(L, 1);
    int n = r->n_out;
    luaL_checkstack(L, r->n_out + r->n_in + LUA_MINSTACK, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, r->f->ref);
    lua_getiuservalue(L, -1, 1);
    if (lua_getiuservalue(L, -2, 2) == LUA_TNIL) lua_pop(L, 1);
    else n++;
    lua_remove(L, -n + r->n_out - 2); /* the userdata, under the function */
    for (int32_t i = 0; i < r->n_out; i++) push_shared(L, r->grad_out[i]);
    lua_call(L, n, r->n_in);
    for (int32_t i = 0; i < r->n_in; i++) {
        int at = lua_gettop(L) - r->n_in + 1 + i;
        if (!lua_isnil(L, at) && !bind_tensor_test(L, at)) box_raise(L, VT_ERR_INVALID, "backward: gradient %d is no tensor but %s", i + 1, luaL_typename(L, at));
    }
    for (int32_t i = 0; i < r->n_in; i++) r->grad_in[i] = vt_tensor_retain(bind_tensor_test(L, lua_gettop(L) - r->n_in + 1 + i));
    return 0;
}

static vt_status call_function(request *r) {
    calls *c = r->f->calls;
    lua_State *L = c->L;
    if (!L || c->failed || !lua_checkstack(L, 4)) return VT_ERR_STATE;
    int32_t mode = vt_grad_mode();
    lua_pushcfunction(L, call_body);
    lua_pushlightuserdata(L, r);
    int status = lua_pcall(L, 1, 0, 0);
    (void)vt_grad_mode_set(mode);
    if (status == LUA_OK) return VT_OK;
    lua_replace(L, c->slot);
    c->failed = 1;
    return VT_ERR_CANCELLED;
}

static vt_status custom_gradient(void *user, vt_tensor *const *grad_out, int32_t n_out, vt_tensor **grad_in, int32_t n_in) {
    request r = {user, grad_out, grad_in, n_out, n_in};
    return call_function(&r);
}

static vt_status call_hook(void *user, vt_tensor *grad, vt_tensor **replacement) {
    request r = {user, &grad, replacement, 1, 1};
    return call_function(&r);
}

/* ---- walks ---- */

typedef struct walk {
    calls *calls, before; /* before: of the walk that this one is inside of */
    vt_tensor **roots, **grads, **in, **out;
    int32_t n, n_in;
    uint32_t flags;
} walk;

/* Tensors of a tensor or a list at index, in a userdata that is pushed; NULL for nil and nothing pushed. `may_lack`: false in the list stands for none. */
static vt_tensor **tensors(lua_State *L, const char *what, int index, int32_t *n, int may_lack) {
    if (lua_isnoneornil(L, index)) return *n = 0, NULL;
    vt_tensor *one = bind_tensor_test(L, index);
    if (!one && !lua_istable(L, index)) box_raise(L, VT_ERR_INVALID, "%s: a tensor or a list of them is needed, got %s", what, luaL_typename(L, index));
    lua_Unsigned count = one ? 1 : lua_rawlen(L, index);
    if (count > INT32_MAX) box_raise(L, VT_ERR_INVALID, "%s: too many tensors", what);
    vt__capability_charge_for(L, count, VT__COST_ITEM);
    vt_tensor **list = lua_newuserdatauv(L, (size_t)count * sizeof *list + 1, 0);
    if (one) list[0] = one;
    for (lua_Unsigned i = 0; !one && i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        list[i] = bind_tensor_test(L, -1);
        if (!list[i] && !(may_lack && lua_isboolean(L, -1))) box_raise(L, VT_ERR_INVALID, "%s: item %I is no tensor but %s", what, (LUAI_UACINT)i + 1, luaL_typename(L, -1));
        lua_pop(L, 1);
    }
    *n = (int32_t)count;
    return list;
}

static void set_roots(lua_State *L, const char *what, walk *w, int roots, int grads) {
    int32_t n_grads = 0;
    w->roots = tensors(L, what, roots, &w->n, 0);
    w->grads = tensors(L, what, grads, &n_grads, 1);
    if (w->grads && n_grads != w->n) box_raise(L, VT_ERR_INVALID, "%s: %d gradients for %d tensors", what, n_grads, w->n);
}

static uint32_t read_flags(lua_State *L, const char *what, int index, const char *const known[]) {
    (void)box_options(L, index, what, known);
    return (box_boolean(L, index, what, "keep", 0) ? VT_BACKWARD_KEEP : 0u) | (box_boolean(L, index, what, "create", 0) ? VT_BACKWARD_CREATE : 0u);
}

/* Walks back: nothing is raised before the end. */
static void run(lua_State *L, walk *w) {
    const vt__capability *cap = vt__capability_get(L);
    calls *c = w->calls = get_calls(L);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    forget_dropped(L, c);
    lua_pushnil(L);
    w->before = *c;
    c->L = L;
    c->slot = lua_gettop(L);
    c->failed = 0;
    vt_status st = w->n_in ? vt_gradients(cap->ctx, w->roots, w->grads, w->n, w->in, w->n_in, w->flags, w->out)
                           : vt_backward(cap->ctx, w->roots, w->grads, w->n, w->flags);
    int failed = c->failed;
    c->L = w->before.L;
    c->slot = w->before.slot;
    c->failed = w->before.failed;
    if (failed) lua_error(L); /* the slot is on the top */
    box_ok(L, st);
    lua_pop(L, 1);
}

static const char *const backward_options[] = {"keep", "create", NULL};

/* t:backward(grad?, options?), vt.backward(roots, grads?, options?); the options may come second. */
static int backward(lua_State *L) {
    walk w = {0};
    int opt = 3;
    lua_settop(L, 4); /* 4: nil */
    if (lua_istable(L, 2) && lua_rawlen(L, 2) == 0) opt = 2;
    w.flags = read_flags(L, "backward", opt, backward_options);
    set_roots(L, "backward", &w, 1, opt == 2 ? 4 : 2);
    run(L, &w);
    return 0;
}

static int gradients(lua_State *L) {
    static const char *const known[] = {"grads", "keep", "create", NULL};
    walk w = {0};
    lua_settop(L, 3);
    w.flags = read_flags(L, "gradients", 3, known);
    if (!box_field(L, 3, "grads")) lua_pushnil(L);
    set_roots(L, "gradients", &w, 1, 4);
    w.in = tensors(L, "gradients", 2, &w.n_in, 0);
    if (w.n_in == 0) box_raise(L, VT_ERR_INVALID, "gradients: no inputs");
    lua_createtable(L, w.n_in, 0);
    int results = lua_gettop(L);
    box **boxes = lua_newuserdatauv(L, (size_t)w.n_in * sizeof *boxes, 0);
    for (int32_t i = 0; i < w.n_in; i++) {
        boxes[i] = bind_tensor_push(L);
        lua_rawseti(L, results, i + 1);
    }
    w.out = lua_newuserdatauv(L, (size_t)w.n_in * sizeof *w.out, 0);
    run(L, &w);
    for (int32_t i = 0; i < w.n_in; i++) boxes[i]->handle = w.out[i];
    for (int32_t i = 0; i < w.n_in; i++) {
        if (w.out[i]) continue;
        lua_pushnil(L);
        lua_rawseti(L, results, i + 1);
    }
    lua_pushvalue(L, results);
    if (!lua_istable(L, 2)) lua_rawgeti(L, -1, 1);
    return 1;
}

/* ---- modes ---- */

/* f(...) with recording set to `on`; all its results. */
static int with_mode(lua_State *L, int32_t on) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    int32_t before = vt_grad_mode_set(on);
    int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    (void)vt_grad_mode_set(before);
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

static int no_grad(lua_State *L) { return with_mode(L, 0); }
static int enable_grad(lua_State *L) { return with_mode(L, 1); }

static int grad_mode(lua_State *L) {
    lua_pushboolean(L, vt_grad_mode());
    return 1;
}

static void push_detached(lua_State *L, vt_tensor *t) {
    vt_tensor *out = NULL;
    box *b = bind_tensor_push(L);
    box_ok(L, vt_tensor_detach(t, &out));
    b->handle = out;
}

static int detach(lua_State *L) {
    push_detached(L, bind_tensor_check(L, 1));
    return 1;
}

static int hook(lua_State *L) {
    vt_tensor *t = bind_tensor_check(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushnil(L);
    box_ok(L, vt_tensor_add_hook(t, call_hook, drop_function, hold_function(L)));
    return 0;
}

/* ---- functions with a gradient of their own ---- */

/* Upvalues: forward, backward. */
static int call_custom(lua_State *L) {
    int n_in = lua_gettop(L), some = 0;
    if (n_in < 1 || n_in > MOST_INPUTS) box_raise(L, VT_ERR_INVALID, "custom: %d arguments, 1 to %d are possible", n_in, MOST_INPUTS);
    luaL_checkstack(L, n_in + LUA_MINSTACK, NULL);
    lua_newtable(L);
    lua_insert(L, 1);
    lua_pushcfunction(L, no_grad);
    lua_pushvalue(L, lua_upvalueindex(1));
    for (int i = 1; i <= n_in + 1; i++) lua_pushvalue(L, i);
    lua_call(L, n_in + 2, LUA_MULTRET);
    int first = n_in + 2, n_out = lua_gettop(L) - n_in - 1;
    if (n_out < 1 || n_out > VT_OP_MAX_OUTPUTS) box_raise(L, VT_ERR_INVALID, "custom: forward returned %d values, 1 to %d are possible", n_out, VT_OP_MAX_OUTPUTS);
    vt_tensor *out[VT_OP_MAX_OUTPUTS], **in = lua_newuserdatauv(L, (size_t)n_in * sizeof *in, 0);
    for (int i = 0; i < n_in; i++) some |= (in[i] = bind_tensor_test(L, i + 2)) != NULL;
    if (!some) box_raise(L, VT_ERR_INVALID, "custom: no argument is a tensor");
    for (int i = 0; i < n_out; i++) {
        push_detached(L, bind_tensor_check(L, first + i));
        out[i] = bind_tensor_check(L, -1);
    }
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, 1);
    function *f = hold_function(L);
    box_ok(L, vt_tensor_attach(vt__capability_get(L)->ctx, "custom", in, n_in, out, n_out, custom_gradient, drop_function, f));
    return n_out;
}

static int custom(lua_State *L) {
    static const char *const known[] = {"forward", "backward", NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    (void)box_options(L, 1, "custom", known);
    for (int i = 0; i < 2; i++)
        if (!box_field(L, 1, known[i]) || !lua_isfunction(L, -1)) box_raise(L, VT_ERR_INVALID, "custom: '%s' must be a function", known[i]);
    lua_pushcclosure(L, call_custom, 2);
    return 1;
}

void bind_autograd(lua_State *L) {
    static const luaL_Reg functions[] = {{"backward", backward}, {"gradients", gradients}, {"no_grad", no_grad}, {"enable_grad", enable_grad},
        {"grad_mode", grad_mode}, {"custom", custom}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"backward", backward}, {"detach", detach}, {"hook", hook}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
}
