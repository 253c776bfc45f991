/* Gradients of slices that make up a whole. Backwards, every slice of a tensor (the queries, keys and values of one product, say) gives an array of zeros with
 * its numbers in place, and these are added up. Where the slices cover all of it, each once, the numbers can be put into place at once. Adding 0 stays: it makes
 * -0 into 0, as the sum does. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "plan/program.h"
#include "plan/step.h"

enum { MOST_SLICES = 32, MOST_PLACES = 4096, DIM = 0, START = 1, STEP = 2, SIZE = 3 /* attributes of slice_grad */ };

struct use {
    int64_t writer; /* the step that writes it */
    int32_t n_writes, n_reads;
};

struct joiner {
    struct vt__program *p;
    struct use *uses;  /* [values] */
    char *is_dead;     /* [steps] */
    int64_t zero;      /* a value of zeros; -1: not made yet */
    int64_t slices[MOST_SLICES], sums[MOST_SLICES]; /* steps of the tree at hand */
    int32_t n_slices, n_sums;
};

static struct vt__operand *operands(const struct joiner *j, int64_t step) { return j->p->operands + j->p->steps[step].operands; }
static struct vt__operand *output(const struct joiner *j, int64_t step) { return operands(j, step) + j->p->steps[step].n_in; }

static void find_uses(struct joiner *j) {
    for (int64_t s = 0; s < j->p->n_steps; s++) {
        const struct vt__step *step = &j->p->steps[s];
        for (int32_t i = 0; i < step->n_in + step->n_out; i++) {
            int64_t value = operands(j, s)[i].value;
            if (value < 0 || (i < step->n_in && !vt__step_reads(step, i))) continue;
            if (i < step->n_in) j->uses[value].n_reads++;
            else j->uses[value].n_writes++, j->uses[value].writer = s;
        }
    }
}

static int is_same(const struct vt__desc *a, const struct vt__desc *b) {
    if (a->dtype != b->dtype || a->ndim != b->ndim) return 0;
    for (int32_t d = 0; d < a->ndim; d++)
        if (a->shape[d] != b->shape[d]) return 0;
    return 1;
}

/* Is the value that o sees made once, as a whole, by one step, and seen by nobody else? That step; -1. */
static int64_t maker_of(const struct joiner *j, const struct vt__operand *o) {
    const struct vt__value *v = &j->p->values[o->value];
    const struct use *u = &j->uses[o->value];
    if (v->kind != VT__VALUE_TEMPORARY || u->n_writes != 1 || u->n_reads != 1 || !vt__operand_covers(o, v->size)) return -1;
    const struct vt__operand *out = output(j, u->writer);
    return vt__operand_covers(out, v->size) && is_same(&out->desc, &o->desc) ? u->writer : -1;
}

/* The tree of sums above slices that ends at step; 0: it is none. */
static int collect(struct joiner *j, int64_t step) {
    const struct vt__step *s = &j->p->steps[step];
    if (j->is_dead[step]) return 0;
    if (s->op->id == VT__OP_slice_grad) {
        if (j->n_slices == MOST_SLICES) return 0;
        j->slices[j->n_slices++] = step;
        return 1;
    }
    if (s->op->id != VT__OP_add || j->n_sums == MOST_SLICES) return 0;
    j->sums[j->n_sums++] = step;
    for (int32_t i = 0; i < 2; i++) {
        const struct vt__operand *o = &operands(j, step)[i];
        int64_t maker = is_same(&o->desc, &output(j, step)->desc) ? maker_of(j, o) : -1;
        if (maker < 0 || !collect(j, maker)) return 0;
    }
    return 1;
}

/* Do the slices have every place of one dimension once? */
static int covers_all(const struct joiner *j) {
    char seen[MOST_PLACES] = {0};
    const struct vt__attr *first = j->p->steps[j->slices[0]].attrs->a;
    int64_t size = first[SIZE].i[0], n = 0;
    if (size < 1 || size > MOST_PLACES) return 0;
    for (int32_t i = 0; i < j->n_slices; i++) {
        const struct vt__attr *a = j->p->steps[j->slices[i]].attrs->a;
        const struct vt__operand *o = operands(j, j->slices[i]);
        int64_t dim = vt__dim_index(a[DIM].i[0], o->desc.ndim);
        if (dim != vt__dim_index(first[DIM].i[0], o->desc.ndim) || a[SIZE].i[0] != size || a[START].i[0] < 0 || a[STEP].i[0] < 1) return 0;
        for (int64_t k = 0; k < o->desc.shape[dim]; k++, n++) {
            int64_t at = a[START].i[0] + k * a[STEP].i[0];
            if (at >= size || seen[at]) return 0;
            seen[at] = 1;
        }
    }
    return n == size;
}

static vt_status make_zero(struct joiner *j) {
    static const char zeros[16];
    struct vt__storage *s = NULL;
    if (j->zero >= 0) return VT_OK;
    vt_status st = vt__storage_create(j->p->ctx, j->p->backend, sizeof zeros, &s);
    if (st == VT_OK) st = j->p->backend->write(j->p->ctx, s->data, zeros, sizeof zeros);
    if (st == VT_OK) st = vt__program_add_value(j->p, VT__VALUE_KEPT, sizeof zeros, s, &j->zero);
    vt__storage_release(s);
    return st;
}

/* Each slice becomes its numbers plus 0, written where they belong in the sum; operands of its own, as it has one more now. */
static vt_status put_in_place(struct joiner *j, int64_t root, int64_t slice) {
    struct vt__program *p = j->p;
    struct vt__attrs none = {0};
    struct vt__step *made;
    struct vt__operand g = *operands(j, slice), to = *output(j, root);
    const struct vt__attr *a = p->steps[slice].attrs->a;
    int64_t dim = vt__dim_index(a[DIM].i[0], g.desc.ndim);
    to.offset += a[START].i[0] * to.strides[dim];
    to.strides[dim] *= a[STEP].i[0];
    to.desc = g.desc;
    to.desc.dtype = output(j, root)->desc.dtype;
    vt_status st = vt__program_add_step(p, &vt__op_table[VT__OP_add], &none, 2, 1, &made);
    if (st != VT_OK) return st;
    struct vt__operand *o = p->operands + made->operands;
    o[0] = g;
    o[1] = (struct vt__operand){.value = j->zero, .desc = {.dtype = g.desc.dtype}};
    o[2] = to;
    p->steps[slice] = *made; /* it was added at the end */
    p->n_steps--;
    return VT_OK;
}

static vt_status join(struct joiner *j, int64_t root) {
    const struct vt__operand *out = output(j, root);
    const struct vt__value *v = &j->p->values[out->value];
    int is_plain = (v->kind == VT__VALUE_TEMPORARY || v->kind == VT__VALUE_RESULT) && j->uses[out->value].n_writes == 1;
    j->n_slices = j->n_sums = 0;
    if (!is_plain || j->p->steps[root].op->id != VT__OP_add || !collect(j, root) || !covers_all(j)) return VT_OK;
    for (int32_t i = 0; i < j->n_slices; i++)
        if (operands(j, j->slices[i])->desc.dtype != out->desc.dtype) return VT_OK;
    vt_status st = make_zero(j);
    for (int32_t i = 0; st == VT_OK && i < j->n_slices; i++) st = put_in_place(j, root, j->slices[i]);
    for (int32_t i = 0; st == VT_OK && i < j->n_sums; i++) j->is_dead[j->sums[i]] = 1;
    return st;
}

vt_status vt__program_join_slices(struct vt__program *p) {
    int64_t n_steps = p->n_steps, n = 0;
    struct joiner j = {.p = p, .zero = -1};
    j.uses = vt__calloc2(p->ctx, p->n_values, 1, sizeof *j.uses);
    j.is_dead = vt__calloc2(p->ctx, n_steps, 1, 1);
    vt_status st = j.uses && j.is_dead ? VT_OK : vt__fail_nomem("graph", (size_t)p->n_values * sizeof *j.uses);
    if (st == VT_OK) find_uses(&j);
    for (int64_t s = n_steps - 1; st == VT_OK && s >= 0; s--)
        if (!j.is_dead[s]) st = join(&j, s);
    for (int64_t s = 0; st == VT_OK && s < n_steps; s++)
        if (!j.is_dead[s]) p->steps[n++] = p->steps[s];
    if (st == VT_OK) p->n_steps = n;
    vt__free(p->ctx, j.uses);
    vt__free(p->ctx, j.is_dead);
    return st;
}
