/* The kinds of solvers, by number. */
#include "sample/program.h"

static const struct vt__solver_kind kinds[VT__SOLVER_N] = {
    [VT__SOLVER_DDIM] = {"ddim", vt__compile_ddim, NULL, 0, 1},
    [VT__SOLVER_EULER] = {"euler", vt__compile_ddim, NULL, 0, 0},
    [VT__SOLVER_DPM] = {"dpm", vt__compile_dpm, NULL, 0, 1},
};

const struct vt__solver_kind *vt__solver_kind_get(int32_t kind) {
    return kind >= 0 && kind < VT__SOLVER_N && kinds[kind].compile ? &kinds[kind] : NULL;
}
