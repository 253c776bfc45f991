/* Rewriting a program: constants that are written into new memory stay where they came from, and what nobody needs is not done. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "plan/program.h"
#include "plan/step.h"

int vt__step_reads(const struct vt__step *s, int32_t i) {
    switch (s->op->id) {
    case VT__OP_fill:
    case VT__OP_uniform:
    case VT__OP_normal:
    case VT__OP_randint:
    case VT__OP_randperm: return 0;
    default: return i >= 0;
    }
}

/* What the steps do to a value. */
struct use {
    int64_t source;    /* the kept value that it is copied from as a whole, -1: none */
    int64_t copy;      /* that step */
    int32_t is_plain;  /* nothing but fills before that copy, and only reads behind it */
};

static struct vt__operand *operands(const struct vt__program *p, const struct vt__step *s) { return p->operands + s->operands; }

/* Is s a copy of all of a kept value that no step writes to all of another? */
static int is_whole_copy(const struct vt__program *p, const struct vt__step *s) {
    const struct vt__operand *in = operands(p, s), *out = in + 1;
    if (s->op->id != VT__OP_copy || in->desc.dtype != out->desc.dtype) return 0;
    const struct vt__value *from = &p->values[in->value], *to = &p->values[out->value];
    return from->kind == VT__VALUE_KEPT && !from->is_written && to->kind == VT__VALUE_TEMPORARY && from->size == to->size && vt__operand_covers(in, from->size) &&
           vt__operand_covers(out, to->size);
}

static void look_at_step(const struct vt__program *p, int64_t number, struct use *uses) {
    const struct vt__step *s = &p->steps[number];
    const struct vt__operand *o = operands(p, s);
    for (int32_t i = 0; i < s->n_in; i++)
        if (o[i].value >= 0 && vt__step_reads(s, i) && uses[o[i].value].source < 0) uses[o[i].value].is_plain = 0;
    for (int32_t i = s->n_in; i < s->n_in + s->n_out; i++) {
        struct use *u = &uses[o[i].value];
        if (u->source < 0 && is_whole_copy(p, s)) u->source = o[0].value, u->copy = number;
        else if (u->source >= 0 || s->op->id != VT__OP_fill) u->is_plain = 0;
    }
}

static vt_status fold_constants(struct vt__program *p) {
    struct use *uses = vt__calloc2(p->ctx, p->n_values, 1, sizeof *uses);
    if (!uses) return vt__fail_nomem("graph", (size_t)p->n_values * sizeof *uses);
    vt__program_mark_written(p);
    for (int64_t i = 0; i < p->n_values; i++) uses[i] = (struct use){.source = -1, .is_plain = 1};
    for (int64_t i = 0; i < p->n_steps; i++) look_at_step(p, i, uses);
    for (int64_t i = 0; i < p->n_steps; i++) {
        struct vt__operand *o = operands(p, &p->steps[i]);
        for (int32_t k = 0; k < p->steps[i].n_in; k++) {
            const struct use *u = o[k].value >= 0 ? &uses[o[k].value] : NULL;
            if (u && u->source >= 0 && u->is_plain && i > u->copy) o[k].value = u->source;
        }
    }
    vt__free(p->ctx, uses);
    return VT_OK;
}

/* Is a step needed, given what is needed behind it? Then what it reads is needed before it. */
static int is_needed(const struct vt__program *p, const struct vt__step *s, char *needed) {
    const struct vt__operand *o = operands(p, s);
    int any = 0;
    for (int32_t i = s->n_in; i < s->n_in + s->n_out; i++) any |= needed[o[i].value];
    if (!any) return 0;
    for (int32_t i = s->n_in; i < s->n_in + s->n_out; i++) {
        const struct vt__value *v = &p->values[o[i].value];
        if (v->kind == VT__VALUE_TEMPORARY && vt__operand_covers(&o[i], v->size)) needed[o[i].value] = 0; /* written over: what it was does not count */
    }
    for (int32_t i = 0; i < s->n_in; i++)
        if (o[i].value >= 0 && vt__step_reads(s, i)) needed[o[i].value] = 1;
    return 1;
}

static vt_status drop_dead_steps(struct vt__program *p) {
    char *needed = vt__calloc2(p->ctx, p->n_values + p->n_steps, 1, 1), *keep = needed ? needed + p->n_values : NULL;
    if (!needed) return vt__fail_nomem("graph", (size_t)(p->n_values + p->n_steps));
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_values; i++) needed[i] = p->values[i].kind != VT__VALUE_TEMPORARY;
    for (int64_t i = p->n_steps - 1; i >= 0; i--) keep[i] = (char)is_needed(p, &p->steps[i], needed);
    for (int64_t i = 0; i < p->n_steps; i++)
        if (keep[i]) p->steps[n++] = p->steps[i];
    p->n_steps = n;
    vt__free(p->ctx, needed);
    return VT_OK;
}

vt_status vt__program_prune(struct vt__program *p) {
    vt_status st = fold_constants(p);
    if (st == VT_OK) st = drop_dead_steps(p);
    vt__program_mark_written(p);
    return st;
}
