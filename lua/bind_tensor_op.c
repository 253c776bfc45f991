/* The operations of the table as methods t:NAME(...), functions vt.op.NAME(...), in place t:NAME_(...), operators. All are made of vt_op_describe.
 *
 * Arguments are the inputs in their order, then attributes by position or in one table by name: x:sum(2, true), x:sum{ dims = 2, keepdim = true }.
 *   inputs      tensors; a number or boolean stands for a tensor without dimensions; an input that may be absent: nil, or by name in the table; a
 *               list of tensors: a table or several arguments. Numbers do not stand for inputs that may be absent, unless there are no attributes.
 *   attributes  dim and dims count from 1, negative ones from the end; enumerations and types are strings; lists are tables or one number, and
 *               several numbers where it is the first attribute and the only list: x:reshape(2, 3). nil: the default. In the table attributes may
 *               stand by position too: x:sum{ { 1, 2 }, keepdim = true }, x:sum{ {} }: over no dimension. An empty table at the end says nothing, so
 *               x:sum{} is x:sum(); where a list must be given it is that list: x:reshape{}.
 *   out         in the table: a tensor, or a list of them, into which the results go instead of new ones.
 * A number takes the type of the other inputs; a float among integers makes f32, an integer that does not fit i64. */
#include <string.h>

#include "bind.h"
#include "bind_tensor.h"
#include "capability.h"
#include "venturi/context.h"

enum { MOST_INPUTS = 16, MOST_ATTRS = 16, NAME_SIZE = 32 };
enum { INPUT, INPUT_OR_NIL, INPUTS };
enum { INT, FLOAT, BOOL, DIM, DIMS, INTS, ENUM, DTYPE, TEXT };

/* What vt_op_describe says, taken apart. */
typedef struct form {
    const char *name;
    int32_t op, n_in, n_attrs, n_out, spread; /* spread: attribute 0 takes several numbers */
    struct {
        char name[NAME_SIZE];
        int kind;
    } in[MOST_INPUTS];
    struct {
        char name[NAME_SIZE];
        int type, is_needed;
    } attrs[MOST_ATTRS];
} form;

/* Arguments of one call. */
typedef struct call {
    const form *f;
    vt_tensor *few[MOST_INPUTS], **in;
    int32_t n_in, n_attrs;
    int32_t scalar[MOST_INPUTS]; /* index of a number that becomes an input; 0: none */
    vt_tensor *into[VT_OP_MAX_OUTPUTS];
    int32_t n_into, named; /* named: index of the table that said so */
    vt_attr attrs[MOST_ATTRS];
    int64_t lists[MOST_ATTRS][VT_MAX_DIMS];
} call;

/* ---- attributes ---- */

static int wrong(lua_State *L, const form *f, int k, const char *want, int index) {
    return box_raise(L, VT_ERR_INVALID, "%s: %s must be %s, got %s", f->name, f->attrs[k].name, want,
                     lua_type(L, index) == LUA_TNUMBER ? lua_tostring(L, index) : luaL_typename(L, index));
}

static int is_list(const form *f, int k) { return f->attrs[k].type == DIMS || f->attrs[k].type == INTS; }

static int64_t integer(lua_State *L, const form *f, int k, int index) {
    int ok = 0, is_dim = f->attrs[k].type == DIM || f->attrs[k].type == DIMS;
    lua_Integer v = lua_tointegerx(L, index, &ok);
    if (!ok || lua_type(L, index) != LUA_TNUMBER) wrong(L, f, k, is_list(f, k) ? "a list of integers" : "an integer", index);
    if (is_dim && v == 0) wrong(L, f, k, "a dimension, counted from 1", index);
    return is_dim && v > 0 ? v - 1 : v;
}

static void set_list(lua_State *L, call *c, int k, vt_attr *a, int index) {
    a->list = c->lists[c->n_attrs];
    if (!lua_istable(L, index)) {
        c->lists[c->n_attrs][0] = integer(L, c->f, k, index);
        a->n_list = 1;
        return;
    }
    lua_Unsigned n = lua_rawlen(L, index);
    if (n > VT_MAX_DIMS) box_raise(L, VT_ERR_INVALID, "%s: %s has %I numbers, at most %d are possible", c->f->name, c->f->attrs[k].name, (LUAI_UACINT)n, VT_MAX_DIMS);
    for (lua_Unsigned i = 0; i < n; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        c->lists[c->n_attrs][i] = integer(L, c->f, k, -1);
        lua_pop(L, 1);
    }
    a->n_list = (int64_t)n;
}

/* Attribute k from the value at index, which stays where it is as long as the call. */
static void set_attr(lua_State *L, call *c, int k, int index) {
    const form *f = c->f;
    vt_attr *a = &c->attrs[c->n_attrs];
    int type = f->attrs[k].type;
    if (lua_isnil(L, index)) return;
    *a = (vt_attr){.name = f->attrs[k].name};
    const char *variable = type == INT || type == FLOAT ? bind_var_test(L, index) : NULL;
    if (variable) {
        set_attr(L, c, k, lua_gettop(L));
        lua_pop(L, 1);
        a->text = variable;
        return;
    }
    if (type == INT || type == DIM) {
        a->i = integer(L, f, k, index);
    } else if (type == FLOAT) {
        if (lua_type(L, index) != LUA_TNUMBER) wrong(L, f, k, "a number", index);
        a->f = lua_tonumber(L, index);
    } else if (type == BOOL) {
        if (!lua_isboolean(L, index)) wrong(L, f, k, "true or false", index);
        a->i = lua_toboolean(L, index);
    } else if (is_list(f, k)) {
        set_list(L, c, k, a, index);
    } else {
        if (lua_type(L, index) != LUA_TSTRING) wrong(L, f, k, "a string", index);
        a->text = lua_tostring(L, index);
        if (type == DTYPE) a->i = bind_tensor_dtype(L, f->name, a->text);
    }
    c->n_attrs++;
}

static int find_attr(const form *f, const char *name) {
    for (int k = 0; k < f->n_attrs; k++)
        if (strcmp(f->attrs[k].name, name) == 0) return k;
    return -1;
}

/* The attribute that the integer at index counts from 1; -1: none. */
static int at_position(lua_State *L, const form *f, int index) {
    int ok = 0;
    lua_Integer i = lua_tointegerx(L, index, &ok);
    return ok && i >= 1 && i <= f->n_attrs ? (int)i - 1 : -1;
}

/* An input that may be absent, by name. */
static int named_input(lua_State *L, call *c, const char *name, int index) {
    for (int i = 0; i < c->f->n_in; i++) {
        if (c->f->in[i].kind != INPUT_OR_NIL || strcmp(c->f->in[i].name, name) != 0) continue;
        if (c->in[i] || c->scalar[i]) box_raise(L, VT_ERR_INVALID, "%s: %s is given twice", c->f->name, name);
        c->in[i] = bind_tensor_check(L, index);
        return 1;
    }
    return 0;
}

/* The value on the top says where results go. */
static void read_into(lua_State *L, call *c, int table) {
    int is_list = lua_istable(L, -1);
    lua_Unsigned n = is_list ? lua_rawlen(L, -1) : 1;
    if (n != (lua_Unsigned)c->f->n_out) box_raise(L, VT_ERR_INVALID, "%s: out has %I tensors, there are %d results", c->f->name, (LUAI_UACINT)n, c->f->n_out);
    for (int i = 0; i < c->f->n_out; i++) {
        if (is_list) lua_rawgeti(L, -1, i + 1);
        else lua_pushvalue(L, -1);
        c->into[i] = bind_tensor_test(L, -1);
        if (!c->into[i]) box_raise(L, VT_ERR_INVALID, "%s: out must be tensors, got %s", c->f->name, luaL_typename(L, -1));
        lua_pop(L, 1);
    }
    c->n_into = c->f->n_out;
    c->named = table;
}

/* The table of attributes by name. Its values live as long as the table, which is an argument. */
static void named(lua_State *L, call *c, int index) {
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int value = lua_gettop(L);
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        int k = key ? find_attr(c->f, key) : at_position(L, c->f, value - 1);
        for (int i = 0; k >= 0 && i < c->n_attrs; i++)
            if (c->attrs[i].name == c->f->attrs[k].name) box_raise(L, VT_ERR_INVALID, "%s: %s is given twice", c->f->name, c->attrs[i].name);
        if (k >= 0) {
            set_attr(L, c, k, value);
        } else if (key && strcmp(key, "out") == 0) {
            read_into(L, c, index);
        } else if (!key || !named_input(L, c, key, value)) {
            vt_op_info info = VT_STRUCT_INIT(vt_op_info);
            box_ok(L, vt_op_describe(c->f->op, &info));
            box_raise(L, VT_ERR_INVALID, "%s: no attribute '%s' (it has: %s)", c->f->name, key ? key : luaL_typename(L, -2), info.attrs);
        }
        lua_pop(L, 1);
    }
}

/* Does the table at index, the last argument, hold attributes, rather than being the list that attribute k is? */
static int holds_attrs(lua_State *L, const form *f, int k, int index) {
    int top = lua_gettop(L), is_empty = 1, holds = k >= f->n_attrs || !is_list(f, k) || lua_rawgeti(L, index, 1) == LUA_TTABLE;
    lua_settop(L, top);
    for (lua_pushnil(L); !holds && lua_next(L, index); lua_pop(L, 1)) {
        is_empty = 0;
        holds = lua_type(L, -2) == LUA_TSTRING;
    }
    lua_settop(L, top);
    return holds || (is_empty && !f->attrs[k].is_needed);
}

static void read_attrs(lua_State *L, call *c, int at, int top) {
    const form *f = c->f;
    int k = 0;
    if (f->spread && at + 1 <= top && lua_type(L, at) == LUA_TNUMBER && lua_type(L, at + 1) == LUA_TNUMBER) {
        int n = 0;
        vt_attr *a = &c->attrs[0];
        for (; at <= top && lua_type(L, at) == LUA_TNUMBER; at++, n++) {
            if (n == VT_MAX_DIMS) box_raise(L, VT_ERR_INVALID, "%s: more than %d numbers", f->name, VT_MAX_DIMS);
            c->lists[0][n] = integer(L, f, 0, at);
        }
        *a = (vt_attr){.name = f->attrs[0].name, .list = c->lists[0], .n_list = n};
        c->n_attrs = k = 1;
    }
    for (; at <= top; at++, k++) {
        if (at == top && lua_istable(L, at) && holds_attrs(L, f, k, at)) {
            named(L, c, at);
            return;
        }
        if (k < f->n_attrs) set_attr(L, c, k, at);
        else if (!lua_isnil(L, at)) box_raise(L, VT_ERR_INVALID, "%s: too many arguments", f->name);
    }
}

/* ---- inputs ---- */

static int is_number(lua_State *L, int index) {
    if (lua_type(L, index) == LUA_TNUMBER || lua_isboolean(L, index)) return 1;
    int is_variable = bind_var_test(L, index) != NULL;
    if (is_variable) lua_pop(L, 1);
    return is_variable;
}

/* A list of tensors: a table at `at`, or the tensors from there on. Pushes what holds them. Returns the index behind. */
static int read_list(lua_State *L, call *c, int32_t before, int at, int top) {
    int is_table = at <= top && lua_istable(L, at), n = 0;
    if (is_table) n = (int)lua_rawlen(L, at);
    else while (at + n <= top && bind_tensor_test(L, at + n)) n++;
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    c->in = lua_newuserdatauv(L, (size_t)(before + n) * sizeof(vt_tensor *) + 1, 0);
    memcpy(c->in, c->few, (size_t)before * sizeof(vt_tensor *));
    for (int i = 0; i < n; i++) {
        if (is_table) lua_rawgeti(L, at, i + 1);
        else lua_pushvalue(L, at + i);
        c->in[before + i] = bind_tensor_test(L, -1);
        if (!c->in[before + i]) box_raise(L, VT_ERR_INVALID, "%s: item %d of %s is no tensor but %s", c->f->name, i + 1, c->f->in[before].name, luaL_typename(L, -1));
        lua_pop(L, 1);
    }
    c->n_in = before + n;
    return at + (is_table ? 1 : n);
}

/* Arguments at..top. Returns the index of the first attribute. */
static int read_inputs(lua_State *L, call *c, int at, int top) {
    const form *f = c->f;
    c->in = c->few;
    for (int32_t i = 0; i < f->n_in; i++) {
        int kind = f->in[i].kind;
        if (kind == INPUTS) return read_list(L, c, i, at, top);
        c->few[i] = at <= top ? bind_tensor_test(L, at) : NULL;
        c->n_in = i + 1;
        if (c->few[i] || (kind == INPUT_OR_NIL && at <= top && lua_isnil(L, at))) {
            at++;
        } else if (at <= top && is_number(L, at) && (kind == INPUT || f->n_attrs == 0)) {
            c->scalar[i] = at++;
        } else if (kind == INPUT) {
            box_raise(L, VT_ERR_INVALID, "%s: %s must be a tensor or a number, got %s", f->name, f->in[i].name, at <= top ? luaL_typename(L, at) : "nothing");
        }
    }
    return at;
}

/* Of the types of the tensors the one to which numbers beside them are turned; -1: no tensor. */
static int32_t leading_type(const call *c, int32_t *device) {
    static const int32_t order[] = {VT_DTYPE_BOOL, VT_DTYPE_U8, VT_DTYPE_I8, VT_DTYPE_I32, VT_DTYPE_I64, VT_DTYPE_F16, VT_DTYPE_BF16, VT_DTYPE_F32, VT_DTYPE_F64,
        VT_DTYPE_C64, VT_DTYPE_C128};
    int best = -1;
    *device = VT_DEVICE_CPU;
    for (int32_t i = 0; i < c->n_in; i++) {
        if (!c->in[i]) continue;
        *device = vt_tensor_device(c->in[i]);
        for (int k = best + 1; k < (int)(sizeof order / sizeof *order); k++)
            if (order[k] == vt_tensor_dtype(c->in[i])) best = k;
    }
    return best < 0 ? -1 : order[best];
}

static int fits(lua_Integer v, int32_t dtype) {
    return dtype == VT_DTYPE_U8 ? v >= 0 && v <= UINT8_MAX
        : dtype == VT_DTYPE_I8  ? v >= INT8_MIN && v <= INT8_MAX
        : dtype == VT_DTYPE_I32 ? v >= INT32_MIN && v <= INT32_MAX
                                : dtype != VT_DTYPE_BOOL;
}

/* Pushes the boxes of the tensors that numbers stand for. */
static void make_scalars(lua_State *L, call *c) {
    int32_t device, lead = leading_type(c, &device);
    for (int32_t i = 0; i < c->f->n_in && i < MOST_INPUTS; i++) {
        int at = c->scalar[i];
        if (!at) continue;
        const char *variable = bind_var_test(L, at);
        if (variable) at = lua_gettop(L);
        int32_t dtype = lead;
        int is_float = lead >= 0 && (bind_dtype_is_float(lead) || bind_dtype_is_complex(lead));
        if (lua_isboolean(L, at)) dtype = VT_DTYPE_BOOL;
        else if (!lua_isinteger(L, at)) dtype = is_float ? lead : VT_DTYPE_F32;
        else if (!is_float && (lead < 0 || !fits(lua_tointeger(L, at), lead))) dtype = VT_DTYPE_I64;
        if (variable) bind_tensor_variable(L, at, variable, dtype, device);
        else bind_tensor_scalar(L, at, c->f->name, dtype, device);
        c->in[i] = bind_tensor_check(L, -1);
    }
}

/* ---- running ---- */

static uint64_t extent(const vt_tensor *t, int32_t from_the_end) {
    int32_t n = vt_tensor_n_dims(t);
    return n < from_the_end ? 1 : (uint64_t)vt_tensor_shape(t)[n - from_the_end];
}

/* Multiplications of an operation that sums products of its first two inputs, about; 0 for others. */
static uint64_t products(const call *c) {
    const char *name = c->f->name;
    if (c->n_in < 2 || !c->in[0] || !c->in[1]) return 0;
    uint64_t a = (uint64_t)vt_tensor_count(c->in[0]), b = (uint64_t)vt_tensor_count(c->in[1]);
    if (strncmp(name, "matmul", 6) == 0) return vt__capability_times(a, extent(c->in[1], 1));
    if (strncmp(name, "attention", 9) == 0) return vt__capability_times(a, 2 * extent(c->in[1], 2));
    if (strncmp(name, "conv", 4) == 0 && vt_tensor_n_dims(c->in[1]) > 1) return vt__capability_times(a, b / (uint64_t)(vt_tensor_shape(c->in[1])[1] + 1) + 1);
    if (strcmp(name, "linear") == 0) return vt__capability_times(a, b / (extent(c->in[1], 1) + 1) + 1);
    if (strcmp(name, "outer") == 0 || strcmp(name, "einsum") == 0) return vt__capability_times(a, b / (extent(c->in[1], 2) + 1) + 1);
    return 0;
}

/* About what the call costs, booked before: elements that are read, each of them as often as the others have extents for it. */
static void charge(lua_State *L, const call *c) {
    uint64_t sum = 0, extents[VT_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1}, most = 1;
    for (int32_t i = 0; i < c->n_in; i++) {
        const vt_tensor *t = c->in[i];
        sum += (uint64_t)vt_tensor_count(t);
        for (int32_t d = 0; d < vt_tensor_n_dims(t); d++) /* aligned at the right */
            if (extent(t, d + 1) > extents[d]) extents[d] = extent(t, d + 1);
    }
    for (int d = 0; c->n_in > 1 && d < VT_MAX_DIMS; d++) most = vt__capability_times(most, extents[d]);
    vt__capability_charge_for(L, sum > most ? sum : most, VT__COST_ITEM);
    vt__capability_charge_for(L, products(c), VT__COST_ELEMENT);
}

/* Upvalue 1 of all closures below: the form. Reads the arguments from `first` on; the boxes of what it makes are pushed. */
static void read_call(lua_State *L, call *c, int first) {
    int top = lua_gettop(L);
    c->f = lua_touserdata(L, lua_upvalueindex(1));
    luaL_checkstack(L, MOST_INPUTS + VT_OP_MAX_OUTPUTS + LUA_MINSTACK, NULL);
    read_attrs(L, c, read_inputs(L, c, first, top), top);
    make_scalars(L, c);
    charge(L, c);
}

/* Into tensors that are there, which are returned. */
static int run_into(lua_State *L, const call *c) {
    box_ok(L, vt_op_run_into(vt__capability_get(L)->ctx, c->f->op, c->in, c->n_in, c->attrs, c->n_attrs, c->into, c->n_into));
    (void)box_field(L, c->named, "out");
    if (!lua_istable(L, -1)) return 1;
    int list = lua_gettop(L);
    for (int i = 0; i < c->n_into; i++) lua_rawgeti(L, list, i + 1);
    return c->n_into;
}

static int run(lua_State *L) {
    call c = {0};
    vt_tensor *out[VT_OP_MAX_OUTPUTS] = {0};
    box *boxes[VT_OP_MAX_OUTPUTS];
    read_call(L, &c, 1);
    if (c.n_into) return run_into(L, &c);
    for (int32_t i = 0; i < c.f->n_out; i++) boxes[i] = bind_tensor_push(L);
    box_ok(L, vt_op_run(vt__capability_get(L)->ctx, c.f->op, c.in, c.n_in, c.attrs, c.n_attrs, out));
    for (int32_t i = 0; i < c.f->n_out; i++) boxes[i]->handle = out[i];
    return c.f->n_out;
}

/* Both operands of a unary operator are the same. */
static int run_unary(lua_State *L) {
    lua_settop(L, 1);
    return run(L);
}

/* t:NAME_(...): the result takes the place of t's numbers. t:copy_(x) takes them from x. */
static int run_in_place(lua_State *L) {
    call c = {0};
    vt_tensor *to = bind_tensor_check(L, 1);
    const form *f = lua_touserdata(L, lua_upvalueindex(1));
    read_call(L, &c, strcmp(f->name, "copy") == 0 ? 2 : 1);
    if (c.n_into) box_raise(L, VT_ERR_INVALID, "%s_: it writes to its tensor, out cannot be given", f->name);
    box_ok(L, vt_op_run_into(vt__capability_get(L)->ctx, c.f->op, c.in, c.n_in, c.attrs, c.n_attrs, &to, 1));
    lua_pushvalue(L, 1);
    return 1;
}

/* ---- the table ---- */

/* Copies the word at s up to a character of `end` and returns the place behind it. */
static const char *take(lua_State *L, char *to, const char *s, const char *end) {
    size_t n = strcspn(s, end);
    if (n >= NAME_SIZE) luaL_error(L, "the name %s is too long", s);
    memcpy(to, s, n);
    to[n] = 0;
    return s + n;
}

static void read_form(lua_State *L, form *f, const vt_op_info *info) {
    static const char *const types[] = {"int", "float", "bool", "dim", "dims", "ints", "enum", "dtype", "text"};
    int lists = 0;
    f->name = info->name;
    f->n_out = info->n_outputs;
    for (const char *s = info->inputs; *s; s += strspn(s, " ")) {
        if (f->n_in == MOST_INPUTS) luaL_error(L, "%s has too many inputs", info->name);
        s = take(L, f->in[f->n_in].name, s, "?* ");
        f->in[f->n_in++].kind = *s == '?' ? INPUT_OR_NIL : *s == '*' ? INPUTS : INPUT;
        s += strcspn(s, " ");
    }
    for (const char *s = info->attrs; *s; s += strspn(s, " ")) {
        char type[NAME_SIZE];
        int k = f->n_attrs;
        if (k == MOST_ATTRS) luaL_error(L, "%s has too many attributes", info->name);
        s = take(L, f->attrs[k].name, s, ":");
        s = take(L, type, s + 1, "(=? ");
        f->attrs[k].type = TEXT;
        for (int i = 0; i < (int)(sizeof types / sizeof *types); i++)
            if (strcmp(types[i], type) == 0) f->attrs[k].type = i;
        lists += is_list(f, k);
        f->n_attrs++;
        size_t rest = strcspn(s, " ");
        f->attrs[k].is_needed = !memchr(s, '=', rest) && !memchr(s, '?', rest);
        s += rest;
    }
    f->spread = lists == 1 && is_list(f, 0);
}

/* vt.ops() -> list of { name, inputs, attrs, outputs, gradient = 0, 1, 2, is_view, doc }, as the table of operations says */
static int ops(lua_State *L) {
    int32_t n = vt_op_count();
    lua_createtable(L, n, 0);
    for (int32_t i = 0; i < n; i++) {
        vt_op_info info = VT_STRUCT_INIT(vt_op_info);
        box_ok(L, vt_op_describe(i, &info));
        lua_createtable(L, 0, 7);
        const char *const texts[][2] = {{"name", info.name}, {"inputs", info.inputs}, {"attrs", info.attrs}, {"doc", info.doc}};
        for (int k = 0; k < 4; k++) {
            lua_pushstring(L, texts[k][1]);
            lua_setfield(L, -2, texts[k][0]);
        }
        lua_pushinteger(L, info.n_outputs);
        lua_setfield(L, -2, "outputs");
        lua_pushinteger(L, info.has_gradient);
        lua_setfield(L, -2, "gradient");
        lua_pushboolean(L, info.is_view);
        lua_setfield(L, -2, "is_view");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* A method unless the binding has one of that name. Stack: the methods at `methods`, the closure at the top, which is popped. */
static void add_method(lua_State *L, int methods, const char *name) {
    lua_pushstring(L, name);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, methods) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushvalue(L, -2);
        lua_rawset(L, methods);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 3);
    }
}

/* ~t: bools the other way round, integers bit by bit. */
static int complement(lua_State *L) {
    vt_tensor *in[] = {bind_tensor_check(L, 1), NULL};
    int32_t dtype = vt_tensor_dtype(in[0]);
    lua_settop(L, 1);
    if (dtype == VT_DTYPE_BOOL) {
        bind_tensor_run(L, "logical_not", in, 1, NULL, 0);
        return 1;
    }
    lua_pushinteger(L, dtype == VT_DTYPE_U8 ? UINT8_MAX : -1);
    bind_tensor_scalar(L, 2, "~", dtype, vt_tensor_device(in[0]));
    in[1] = bind_tensor_check(L, -1);
    bind_tensor_run(L, "bitwise_xor", in, 2, NULL, 0);
    return 1;
}

static void add_operators(lua_State *L, int functions) {
    static const char *const operators[][2] = {{"__add", "add"}, {"__sub", "sub"}, {"__mul", "mul"}, {"__div", "div"}, {"__pow", "pow"},
        {"__mod", "remainder"}, {"__idiv", "floor_divide"}, {"__band", "bitwise_and"}, {"__bor", "bitwise_or"}, {"__bxor", "bitwise_xor"}};
    luaL_getmetatable(L, bind_tensor_box.name);
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        lua_getfield(L, functions, operators[i][1]);
        lua_setfield(L, -2, operators[i][0]);
    }
    lua_getfield(L, functions, "neg");
    lua_getupvalue(L, -1, 1);
    lua_pushcclosure(L, run_unary, 1);
    lua_setfield(L, -3, "__unm");
    lua_pop(L, 1);
    lua_pushcfunction(L, complement);
    lua_setfield(L, -2, "__bnot");
    lua_pop(L, 1);
}

void bind_tensor_ops(lua_State *L) {
    int module = lua_gettop(L), methods = module - 1, functions = module + 1;
    int32_t n = vt_op_count();
    lua_createtable(L, 0, n);
    for (int32_t i = 0; i < n; i++) {
        vt_op_info info = VT_STRUCT_INIT(vt_op_info);
        box_ok(L, vt_op_describe(i, &info));
        form *f = lua_newuserdatauv(L, sizeof *f, 0);
        memset(f, 0, sizeof *f);
        f->op = i;
        read_form(L, f, &info);
        lua_pushvalue(L, -1);
        lua_pushcclosure(L, run, 1);
        lua_pushvalue(L, -1);
        lua_setfield(L, functions, info.name);
        add_method(L, methods, info.name);
        if (info.n_outputs == 1 && !info.is_view) {
            lua_pushvalue(L, -1);
            lua_pushcclosure(L, run_in_place, 1);
            lua_pushfstring(L, "%s_", info.name);
            lua_insert(L, -2);
            add_method(L, methods, lua_tostring(L, -2));
            lua_pop(L, 1);
        }
        lua_pop(L, 1); /* the form */
    }
    add_operators(L, functions);
    lua_setfield(L, module, "op");
    lua_pushcfunction(L, ops);
    lua_setfield(L, module, "ops");
}
