/* A program that the caller wrote: its operations, step by step, with the levels that it says. */
#include "core/error.h"
#include "sample/program.h"

vt_status vt__check_custom(const struct vt__plan *plan) {
    const struct vt__custom *c = plan->params->table;
    int64_t n_steps = 0, in_step = 0;
    if (!c || plan->params->n_table < 1) return vt__fail(VT_ERR_INVALID, "solver: a program of no operations");
    for (int64_t i = 0; i < plan->params->n_table; i++) {
        const int is_end = c[i].op.code == VT__DO_END;
        if (++in_step > VT__MOST_OPS / 2) return vt__fail(VT_ERR_LIMIT, "solver: more than %d operations in step %lld", VT__MOST_OPS / 2 - 1, (long long)n_steps);
        if (in_step == 1 && c[i].op.code != VT__DO_EVAL) return vt__fail(VT_ERR_INVALID, "solver: step %lld of the program does not begin with an evaluation", (long long)n_steps);
        if (is_end) n_steps++, in_step = 0;
    }
    if (in_step || n_steps != plan->n_steps)
        return vt__fail(VT_ERR_INVALID, "solver: a program of %lld steps, the last of them %s, for %lld", (long long)n_steps, in_step ? "without its end" : "whole",
                        (long long)plan->n_steps);
    return VT_OK;
}

vt_status vt__compile_custom(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__custom *c = plan->params->table;
    while (i > 0) i -= (c++)->op.code == VT__DO_END;
    for (; c->op.code != VT__DO_END; c++) {
        const struct vt__do *op = &c->op;
        struct vt__do *to = NULL;
        if (op->code == VT__DO_EVAL) to = vt__put_eval(p, op->slot, &op->level);
        else if (op->code == VT__DO_PUSH) vt__put_push(p, op->slot);
        else if (op->code == VT__DO_KEEP) vt__put_keep(p, plan, op->slot, c->form);
        else to = vt__put_combine(p, op->slot);
        if (to) *to = *op;
    }
    return VT_OK;
}
