/* The families of solvers beside the exponential ones: what each kind may be told in its variant, its options and its table, and the functions that compile and check it.
 * Numbers are those of venturi/solver.h. */
#ifndef VENTURI_SAMPLE_FAMILIES_H
#define VENTURI_SAMPLE_FAMILIES_H

#include "sample/program.h"

/* ---- multistep.c ---- */

/* DEIS: polynomials in time, in sigma / alpha, or weights of even steps (iPNDM). Orders 1 to 4 (the paper's 0 to 3), 4 where none is given. */
enum { VT__DEIS_TIME, VT__DEIS_RATIO, VT__DEIS_EVEN, VT__DEIS_N };
vt_status vt__check_deis(const struct vt__plan *plan);
vt_status vt__compile_deis(const struct vt__plan *plan, int64_t i, struct vt__program *p);

/* PNDM: how it begins. Orders 1 to 4: 4 where none is given, 2 with an improved Euler step (S-PNDM). option[0]: whose indices, 0 the paper's, 1 the authors'
 * repository's, 2 diffusers', 3 whole indices for halves; option[1]: 1 for the classical method (FON). */
enum { VT__PNDM_RUNGE_KUTTA, VT__PNDM_IMPROVED_EULER, VT__PNDM_RAMP, VT__PNDM_N };
enum { VT__PNDM_READING, VT__PNDM_CLASSICAL };
vt_status vt__check_pndm(const struct vt__plan *plan);
vt_status vt__compile_pndm(const struct vt__plan *plan, int64_t i, struct vt__program *p);

/* ---- taylor.c ---- */

/* UniPC: which B(h). option[0]: so many first steps are not corrected; the last one never is. Orders 1 to 4, 2 where none is given. */
enum { VT__UNIPC_BH2, VT__UNIPC_BH1, VT__UNIPC_N };
enum { VT__UNIPC_PLAIN_STEPS };
vt_status vt__check_unipc(const struct vt__plan *plan);
vt_status vt__compile_unipc(const struct vt__plan *plan, int64_t i, struct vt__program *p);

/* USF: a row for each step. */
enum { VT__RELAX_NONE, VT__RELAX_BH2, VT__RELAX_BH1, VT__RELAX_EXP, VT__RELAX_MINUS_EXP, VT__RELAX_LINEAR, VT__RELAX_N };
enum { VT__CORRECT_NONE, VT__CORRECT_PSEUDO, VT__CORRECT_IMPLICIT, VT__CORRECT_N };
enum { VT__FIRST_ASKED, VT__FIRST_ZERO, VT__FIRST_MEAN }; /* option[0]: what stands for the first prediction */
enum { VT__USF_FIRST };
/* How a derivative is estimated. Public twin: vt_solver_derivative. */
struct vt__derivative {
    int32_t n_points;
    int32_t back[4];    /* steps before the start of the step, 1 the one before; -1: its end, of a corrector */
    int32_t relaxation; /* VT__RELAX_*, of the first derivative only */
    double coefficient; /* LINEAR */
};
/* Public twin: vt_solver_usf_step. */
struct vt__usf_step {
    int32_t prediction, order;          /* VT__DATA_PREDICTION ...; 1 to 4 */
    int32_t corrector, corrector_order; /* VT__CORRECT_*; 1 to 5 */
    struct vt__derivative derivative[3], corrector_derivative[4];
};
vt_status vt__check_usf(const struct vt__plan *plan);
vt_status vt__compile_usf(const struct vt__plan *plan, int64_t i, struct vt__program *p);

/* ---- runge_kutta.c ---- */

/* Tableaux; the axis is data time on a rectified flow, sigma / alpha elsewhere (rhoRK-DEIS). */
enum {
    VT__RK_HEUN2, VT__RK_EULER, VT__RK_KUTTA3, VT__RK_RALSTON3, VT__RK_HEUN3, VT__RK_VAN_DER_HOUWEN3, VT__RK_SSP3, VT__RK_CLASSICAL4, VT__RK_DORMAND_PRINCE5,
    VT__RK_N
};
vt_status vt__check_rk(const struct vt__plan *plan);
vt_status vt__compile_rk(const struct vt__plan *plan, int64_t i, struct vt__program *p);

/* ---- momentum.c ---- */

/* Rewrites a compiled step so that the direction of its update has momentum. UNSUPPORTED for steps whose update is not the state and predictions of one ring. */
vt_status vt__momentum_apply(const struct vt__plan *plan, int64_t i, struct vt__program *p);
/* Weights of generalised momentum for those of a base method: both [n], newest first. */
void vt__momentum_weights(const double *base, int32_t n, double beta, double *out);
/* GHVB: PNDM's ramp with generalised momentum of beta. */
vt_status vt__check_ghvb(const struct vt__plan *plan);
vt_status vt__compile_ghvb(const struct vt__plan *plan, int64_t i, struct vt__program *p);

/* ---- residual.c, flow.c, consistency.c ---- */

/* Posterior steps of residual shifting; Y is the degraded picture. */
vt_status vt__check_resshift(const struct vt__plan *plan);
vt_status vt__compile_resshift(const struct vt__plan *plan, int64_t i, struct vt__program *p);
/* FlowTurbo: a letter for each step, H Heun, P pseudo-corrector, R the refiner (the second model, which gets the last velocity besides). */
vt_status vt__check_flowturbo(const struct vt__plan *plan);
vt_status vt__compile_flowturbo(const struct vt__plan *plan, int64_t i, struct vt__program *p);
/* Multistep consistency sampling. option[0]: least sigma / alpha, taken off the noise (0: none). */
vt_status vt__compile_consistency(const struct vt__plan *plan, int64_t i, struct vt__program *p);
/* Denoising diffusion consistency of InfEdit: roles of rows below, Y the clean source; the route of a target or mutual row is its source, that of a source its
 * mutual row (or target, where there is none). eta is the share of fresh noise. */
enum { VT__ROLE_SOURCE, VT__ROLE_TARGET, VT__ROLE_MUTUAL, VT__ROLE_N };
vt_status vt__check_ddcm(const struct vt__plan *plan);
vt_status vt__compile_ddcm(const struct vt__plan *plan, int64_t i, struct vt__program *p);

#endif
