/* FlowTurbo (Zhao et al. 2024): steps of a flow in data time that use the velocity of the step before. Legend: v the velocity, D the length of the step, V (slot) the velocity that
 * the step before has left. It was taken at the predicted state, so a step that finds none (the first; after an edit of the state) asks for one. */
#include <string.h>

#include "core/error.h"
#include "sample/families.h"

enum { FIRST = VT__T, AT, SECOND };

vt_status vt__check_flowturbo(const struct vt__plan *plan) {
    const char *steps = plan->params->steps;
    if (vt__schedule_params_of(plan->schedule)->kind != VT__SCHEDULE_FLOW) return vt__fail(VT_ERR_INVALID, "solver: FlowTurbo needs a schedule of rectified flow");
    if (!steps || (int64_t)strlen(steps) != plan->n_steps)
        return vt__fail(VT_ERR_INVALID, "solver: FlowTurbo has %lld letters for %lld steps", steps ? (long long)strlen(steps) : 0, (long long)plan->n_steps);
    for (int64_t i = 0; i < plan->n_steps; i++) {
        if (!strchr("HPR", steps[i])) return vt__fail(VT_ERR_INVALID, "solver: FlowTurbo's steps are H, P or R; step %lld is '%c'", (long long)i, steps[i]);
    }
    return VT_OK;
}

static void ask(const struct vt__plan *plan, struct vt__program *p, int32_t at, const struct vt__level *level, int32_t slot) {
    vt__put_eval(p, at, level);
    vt__put_keep(p, plan, slot, VT__FORM_FLOW);
}

/* slot = velocity + what the refiner says that it changes by, at a state. The refiner speaks of velocities whatever the first model predicts. */
static void refine(struct vt__program *p, int32_t at, const struct vt__level *level, int32_t velocity, int32_t slot) {
    struct vt__do *op = vt__put_eval(p, at, level);
    op->model = 1;
    op->extra = velocity;
    op = vt__put_combine(p, slot);
    vt__add(op, velocity, 1);
    vt__add(op, VT__R, 1);
}

/* x + length * velocity, into a slot. */
static void put_ahead(struct vt__program *p, int32_t slot, int32_t velocity, double length) {
    struct vt__do *op = vt__put_combine(p, slot);
    vt__add(op, VT__X, 1);
    vt__add(op, velocity, length);
}

static void put_mean(struct vt__program *p, int32_t a, int32_t b, double length) {
    struct vt__do *op = vt__put_update(p);
    vt__add(op, VT__X, 1);
    vt__add(op, a, length / 2);
    vt__add(op, b, length / 2);
}

static void put_copy(struct vt__program *p, int32_t to, int32_t from) { vt__add(vt__put_combine(p, to), from, 1); }

vt_status vt__compile_flowturbo(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const double length = t->alpha - s->alpha; /* alpha is data time */
    const char step = plan->params->steps[i];
    if (step == 'H' || vt__plan_history(plan, i) == 0) ask(plan, p, VT__X, s, VT__V);
    if (step == 'R') {
        refine(p, VT__X, s, VT__V, FIRST);
        put_ahead(p, AT, FIRST, length);
        refine(p, AT, t, FIRST, SECOND);
        put_mean(p, FIRST, SECOND, length);
        put_copy(p, VT__V, FIRST); /* the paper's code leaves the first velocity, not the second */
        return VT_OK;
    }
    put_ahead(p, AT, VT__V, length);
    ask(plan, p, AT, t, SECOND);
    put_mean(p, VT__V, SECOND, length);
    put_copy(p, VT__V, SECOND);
    return VT_OK;
}
