/* The numbers that a program keeps: counted, and shared with other programs of the same steps. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "plan/program.h"

/* The first way that somebody sees the value; NULL: nobody does. */
static const struct vt__operand *find_use(const struct vt__program *p, int64_t value) {
    for (int64_t i = 0; i < p->n_operands; i++)
        if (p->operands[i].value == value) return &p->operands[i];
    for (int32_t i = 0; i < p->n_results; i++)
        if (p->results[i].value == value) return &p->results[i];
    return NULL;
}

int64_t vt__program_count_weights(const struct vt__program *p, uint64_t *bytes) {
    int64_t n = 0;
    *bytes = 0;
    for (int64_t i = 0; i < p->n_values; i++) {
        const struct vt__operand *use = p->values[i].kind == VT__VALUE_KEPT ? find_use(p, i) : NULL;
        if (!use) continue;
        *bytes += p->values[i].size;
        n += (int64_t)(p->values[i].size / vt__dtype_size(use->desc.dtype));
    }
    return n;
}

/* ---- a program of the same steps ---- */

static vt_status copy_numbers(const struct vt__program *p, const struct vt__value *from, struct vt__storage **out) {
    static const struct vt__attrs none;
    struct vt__operand bytes = vt__operand_bytes(0, from->size);
    vt_status st = vt__storage_create(p->ctx, p->backend, from->size, out);
    if (st != VT_OK || !from->size) return st;
    struct vt__view in = vt__operand_view(&bytes, from->storage->data), to = vt__operand_view(&bytes, (*out)->data);
    struct vt__run run = {p->ctx, &vt__op_table[VT__OP_copy], &none, &in, &to, 1, 1};
    return p->backend->run(&run);
}

static vt_status share_values(const struct vt__program *from, struct vt__program *to) {
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i < from->n_values; i++) {
        const struct vt__value *v = &from->values[i];
        struct vt__storage *own = NULL;
        int64_t number;
        if (v->is_written && v->storage) st = copy_numbers(from, v, &own);
        if (st == VT_OK) st = vt__program_add_value(to, v->kind, v->size, own ? own : v->storage, &number);
        if (st == VT_OK) to->values[number].is_written = v->is_written;
        vt__storage_release(own);
    }
    return st;
}

static vt_status copy_variables(const struct vt__program *from, struct vt__program *to) {
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i < from->n_variables; i++) {
        const struct vt__variable *v = &from->variables[i];
        int64_t number;
        st = vt__program_add_variable(to, v->name, strlen(v->name), &number);
        if (st == VT_OK) to->variables[number].f = v->f, to->variables[number].i = v->i;
    }
    return st;
}

static vt_status copy_steps(const struct vt__program *from, struct vt__program *to) {
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i < from->n_steps; i++) {
        const struct vt__step *s = &from->steps[i];
        struct vt__step *step;
        st = vt__program_add_step(to, s->op, s->attrs, s->n_in, s->n_out, &step);
        if (st == VT_OK) memcpy(to->operands + step->operands, from->operands + s->operands, (size_t)(s->n_in + s->n_out) * sizeof *to->operands);
    }
    return st;
}

static struct vt__operand *copy_list(vt_context *ctx, const struct vt__operand *list, int32_t n) {
    struct vt__operand *copy = vt__calloc2(ctx, n, 1, sizeof *copy);
    if (copy && n) memcpy(copy, list, (size_t)n * sizeof *copy);
    return copy;
}

vt_status vt__program_share(const struct vt__program *from, struct vt__program *out) {
    vt__program_init(out, from->ctx, from->backend);
    out->scratch = from->scratch;
    vt_status st = share_values(from, out);
    if (st == VT_OK) st = copy_variables(from, out);
    if (st == VT_OK) st = copy_steps(from, out);
    if (st == VT_OK) {
        out->inputs = copy_list(from->ctx, from->inputs, from->n_inputs);
        out->results = copy_list(from->ctx, from->results, from->n_results);
        out->n_inputs = from->n_inputs;
        out->n_results = from->n_results;
        if (!out->inputs || !out->results) st = vt__fail_nomem("graph", sizeof *out->inputs);
    }
    if (st != VT_OK) vt__program_free(out);
    return st;
}
