/* The kinds of solvers, by number. */
#include "sample/families.h"

static const struct vt__solver_kind kinds[VT__SOLVER_N] = {
    [VT__SOLVER_DDIM] = {.name = "ddim", .compile = vt__compile_ddim},
    [VT__SOLVER_EULER] = {.name = "euler", .compile = vt__compile_ddim},
    [VT__SOLVER_HEUN] = {.name = "heun", .compile = vt__compile_heun},
    [VT__SOLVER_DDPM] = {.name = "ddpm", .compile = vt__compile_ddpm},
    [VT__SOLVER_ANCESTRAL] = {.name = "ancestral", .compile = vt__compile_ancestral},
    [VT__SOLVER_LMS] = {.name = "lms", .compile = vt__compile_lms, .check = vt__check_lms},
    [VT__SOLVER_DPM2] = {.name = "dpm2", .compile = vt__compile_dpm2},
    [VT__SOLVER_DPM] = {.name = "dpm", .compile = vt__compile_dpm, .check = vt__check_dpm},
    [VT__SOLVER_DPM_SINGLE] = {.name = "dpm_single", .compile = vt__compile_single, .check = vt__check_single, .orders = vt__orders_single},
    [VT__SOLVER_DPM_ADAPTIVE] = {.name = "dpm_adaptive", .compile = vt__compile_adaptive, .check = vt__check_adaptive, .orders = vt__orders_adaptive, .is_adaptive = 1},
    [VT__SOLVER_DPM_SDE] = {.name = "dpm_sde", .compile = vt__compile_dpm_sde},
    [VT__SOLVER_DEIS] = {.name = "deis", .compile = vt__compile_deis, .check = vt__check_deis},
    [VT__SOLVER_PNDM] = {.name = "pndm", .compile = vt__compile_pndm, .check = vt__check_pndm},
    [VT__SOLVER_UNIPC] = {.name = "unipc", .compile = vt__compile_unipc, .check = vt__check_unipc},
    [VT__SOLVER_USF] = {.name = "usf", .compile = vt__compile_usf, .check = vt__check_usf},
    [VT__SOLVER_GHVB] = {.name = "ghvb", .compile = vt__compile_ghvb, .check = vt__check_ghvb},
    [VT__SOLVER_RESSHIFT] = {.name = "resshift", .compile = vt__compile_resshift, .check = vt__check_resshift},
    [VT__SOLVER_FLOWTURBO] = {.name = "flowturbo", .compile = vt__compile_flowturbo, .check = vt__check_flowturbo},
    [VT__SOLVER_CONSISTENCY] = {.name = "consistency", .compile = vt__compile_consistency},
    [VT__SOLVER_DDCM] = {.name = "ddcm", .compile = vt__compile_ddcm, .check = vt__check_ddcm},
    [VT__SOLVER_RK] = {.name = "rk", .compile = vt__compile_rk, .check = vt__check_rk},
    [VT__SOLVER_CUSTOM] = {.name = "custom", .compile = vt__compile_custom, .check = vt__check_custom},
};

const struct vt__solver_kind *vt__solver_kind_get(int32_t kind) {
    return kind >= 0 && kind < VT__SOLVER_N && kinds[kind].compile ? &kinds[kind] : NULL;
}
