/* Programs of vt.solver{ kind = "custom", ops = }: lists of steps, each a list of operations, as the array that venturi/solver.h takes.
 *
 *   { "eval", SLOT, level = K [, model = 2] }       K: which of solver:levels(), from 1; or t =, time =, alpha =, sigma =, log_snr =
 *   { "push", "p" | "q" }    { "keep", SLOT, "x0" | "eps" | ... }    { "noise", "z1" | "z2" [, from =, to =] }
 *   { "combine" | "update", SLOT, x = 0.5, p1 = -1, ... }            coefficients by slot
 * SLOT: x, p1 .. p6, q1 .. q6, t1 .. t6, v1, v2, z1, z2, y1, y2, r. */
#include <string.h>

#include "bind_solver.h"
#include "box.h"

static const char *const slots[] = {"x", "p1", "p2", "p3", "p4", "p5", "p6", "q1", "q2", "q3", "q4", "q5", "q6", "t1", "t2", "t3", "t4", "t5", "t6", "v1", "v2", "z1", "z2",
    "y1", "y2", "r", NULL};

static int32_t find(const char *const names[], const char *name) {
    for (int32_t i = 0; name && names[i]; i++) {
        if (strcmp(names[i], name) == 0) return i;
    }
    return -1;
}

/* Name at position k of the table on the top, among `names`; raises. */
static int32_t name_at(lua_State *L, int k, const char *const names[], const char *what) {
    lua_rawgeti(L, -1, k);
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    const int32_t i = find(names, name);
    if (i < 0) box_raise(L, VT_ERR_INVALID, "solver: an operation's %s is '%s'", what, name ? name : luaL_typename(L, -1));
    lua_pop(L, 1);
    return i;
}

static void read_level(lua_State *L, const vt_level *levels, int64_t n_levels, vt_level *out) {
    const int op = lua_gettop(L);
    static const char WHAT[] = "solver operation";
    const lua_Integer k = box_integer(L, op, WHAT, "level", 0, 0, LUA_MAXINTEGER);
    if (k > n_levels) box_raise(L, VT_ERR_INVALID, "solver: level %I of %I", (LUAI_UACINT)k, (LUAI_UACINT)n_levels);
    if (k > 0) *out = levels[k - 1];
    out->t = box_number(L, op, WHAT, "t", out->t);
    out->time = box_number(L, op, WHAT, "time", out->time);
    out->alpha = box_number(L, op, WHAT, "alpha", out->alpha);
    out->sigma = box_number(L, op, WHAT, "sigma", out->sigma);
    out->log_snr = box_number(L, op, WHAT, "log_snr", out->log_snr);
}

/* The operation on the top of the stack. */
static vt_solver_op read_op(lua_State *L, const vt_level *levels, int64_t n_levels) {
    static const char *const codes[] = {"eval", "combine", "noise", "push", "update", "keep", NULL}, *const rings[] = {"p", "q", NULL};
    vt_solver_op op = {.code = VT_DO_EVAL};
    const int at = lua_gettop(L);
    if (!lua_istable(L, -1)) box_raise(L, VT_ERR_INVALID, "solver: an operation is a list");
    op.code = name_at(L, 1, codes, "name");
    op.is_update = op.code == 4;
    if (op.is_update) op.code = VT_DO_COMBINE;
    op.slot = op.code == VT_DO_PUSH ? (name_at(L, 2, rings, "ring") ? VT_SLOT_Q : VT_SLOT_P) : name_at(L, 2, slots, "slot");
    if (op.code == VT_DO_EVAL) {
        read_level(L, levels, n_levels, &op.level);
        op.model = (int32_t)box_integer(L, at, "solver operation", "model", 1, 1, 2) - 1;
    }
    if (op.code == VT_DO_KEEP) op.form = name_at(L, 3, bind_solver_predictions, "form");
    if (op.code == VT_DO_NOISE) op.from = box_number(L, at, "solver operation", "from", 0), op.to = box_number(L, at, "solver operation", "to", 0);
    for (int32_t k = 0; op.code == VT_DO_COMBINE && k < VT_SLOT_COUNT; k++) op.coefficient[k] = box_number(L, at, "solver operation", slots[k], 0);
    return op;
}

vt_solver_op *bind_solver_program(lua_State *L, const vt_level *levels, int64_t n_levels, int64_t *n_ops, int64_t *n_steps) {
    const int list = lua_gettop(L);
    int64_t n = 0, at = 0;
    if (!lua_istable(L, list)) box_raise(L, VT_ERR_INVALID, "solver: 'ops' is a list of steps");
    *n_steps = (int64_t)lua_rawlen(L, list);
    for (int64_t i = 1; i <= *n_steps; i++) {
        if (lua_rawgeti(L, list, i) != LUA_TTABLE) box_raise(L, VT_ERR_INVALID, "solver: step %I of the program is no list", (LUAI_UACINT)i);
        n += (int64_t)lua_rawlen(L, -1) + 1;
        lua_pop(L, 1);
    }
    vt__capability_charge_for(L, (uint64_t)n * VT_SLOT_COUNT, VT__COST_ITEM);
    vt_solver_op *ops = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *ops, 0);
    for (int64_t i = 1; i <= *n_steps; i++) {
        lua_rawgeti(L, list, i);
        const int64_t in_step = (int64_t)lua_rawlen(L, -1);
        for (int64_t k = 1; k <= in_step && at < n; k++) {
            lua_rawgeti(L, -1, k);
            ops[at++] = read_op(L, levels, n_levels);
            lua_pop(L, 1);
        }
        if (at < n) ops[at++] = (vt_solver_op){.code = VT_DO_END};
        lua_pop(L, 1);
    }
    *n_ops = at;
    return ops;
}
