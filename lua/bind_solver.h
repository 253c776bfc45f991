/* What the files that bind venturi/solver.h know of each other. */
#ifndef VENTURI_LUA_BIND_SOLVER_H
#define VENTURI_LUA_BIND_SOLVER_H

#include <lua.h>

#include "capability.h"
#include "venturi/solver.h"

/* Names of VT_PREDICT_*, NULL at the end. */
extern const char *const bind_solver_predictions[];

/* The program on the top of the stack, a list of steps, in a userdata that is pushed; levels [n_levels]: what its evaluations may name. */
vt_solver_op *bind_solver_program(lua_State *L, const vt_level *levels, int64_t n_levels, int64_t *n_ops, int64_t *n_steps);

#endif
