/* A program that the caller wrote: its operations, step by step, with the levels that it says. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "sample/program.h"

static vt_status check_op(const struct vt__custom *op, int64_t at) {
    const int is_slot = op->slot >= VT__X && op->slot < VT__Y;
    int is_good = 0;
    switch (op->code) {
    case VT__DO_EVAL: is_good = is_slot && (op->model == 0 || op->model == 1) && isfinite(op->level.alpha) && isfinite(op->level.sigma) && isfinite(op->level.time); break;
    case VT__DO_COMBINE: is_good = is_slot; break;
    case VT__DO_NOISE: is_good = (op->slot == VT__Z || op->slot == VT__Z + 1) && isfinite(op->from) && isfinite(op->to); break;
    case VT__DO_PUSH: is_good = op->slot == VT__P || op->slot == VT__Q; break;
    case VT__DO_KEEP: is_good = is_slot && op->form >= 0 && op->form < VT__FORM_N && op->form != VT__FORM_EDM; break;
    case VT__DO_END: is_good = 1; break;
    default: break;
    }
    if (is_good && !op->reserved) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "solver: operation %lld of the program, code %d on slot %d, is none", (long long)at, op->code, op->slot);
}

vt_status vt__check_custom(const struct vt__plan *plan) {
    const struct vt__custom *c = plan->params->table;
    int64_t n_steps = 0, in_step = 0;
    if (!c || plan->params->n_table < 1) return vt__fail(VT_ERR_INVALID, "solver: a program of no operations");
    for (int64_t i = 0; i < plan->params->n_table; i++) {
        vt_status st = check_op(&c[i], i);
        if (st != VT_OK) return st;
        if (++in_step > VT__MOST_OPS / 2) return vt__fail(VT_ERR_LIMIT, "solver: more than %d operations in step %lld", VT__MOST_OPS / 2 - 1, (long long)n_steps);
        if (in_step == 1 && c[i].code != VT__DO_EVAL) return vt__fail(VT_ERR_INVALID, "solver: step %lld of the program does not begin with an evaluation", (long long)n_steps);
        if (c[i].code == VT__DO_END) n_steps++, in_step = 0;
    }
    if (in_step || n_steps != plan->n_steps)
        return vt__fail(VT_ERR_INVALID, "solver: a program of %lld steps, the last of them %s, for %lld", (long long)n_steps, in_step ? "without its end" : "whole",
                        (long long)plan->n_steps);
    return VT_OK;
}

vt_status vt__compile_custom(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__custom *c = plan->params->table;
    while (i > 0) i -= (c++)->code == VT__DO_END;
    for (; c->code != VT__DO_END; c++) {
        if (c->code == VT__DO_EVAL) vt__put_eval(p, c->slot, &c->level)->model = c->model;
        else if (c->code == VT__DO_PUSH) vt__put_push(p, c->slot);
        else if (c->code == VT__DO_KEEP) vt__put_keep(p, plan, c->slot, c->form);
        else {
            struct vt__do *op = vt__put_combine(p, c->slot);
            op->code = c->code;
            op->from = c->from, op->to = c->to;
            if (c->is_update) op->flags |= VT__IS_UPDATE;
            memcpy(op->coef, c->coefficient, sizeof c->coefficient);
        }
    }
    return VT_OK;
}
