#include "plan/program.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

void vt__program_init(struct vt__program *p, vt_context *ctx, const struct vt__backend *backend) {
    *p = (struct vt__program){.ctx = vt__context_retain(ctx), .backend = backend};
}

void vt__program_free(struct vt__program *p) {
    if (!p->ctx) return;
    for (int64_t i = 0; i < p->n_values; i++) vt__storage_release(p->values[i].storage);
    for (int64_t i = 0; i < p->n_variables; i++) vt__free(p->ctx, p->variables[i].name);
    for (int64_t i = 0; i < p->n_attrs; i++) vt__free(p->ctx, p->attrs[i]);
    vt__free(p->ctx, p->attrs);
    vt__free(p->ctx, p->values);
    vt__free(p->ctx, p->steps);
    vt__free(p->ctx, p->operands);
    vt__free(p->ctx, p->variables);
    vt__free(p->ctx, p->inputs);
    vt__free(p->ctx, p->results);
    vt__context_release(p->ctx);
    *p = (struct vt__program){0};
}

vt_status vt__program_add_value(struct vt__program *p, enum vt__value_kind kind, size_t size, struct vt__storage *storage, int64_t *out) {
    if (vt__reserve(p->ctx, (void **)&p->values, &p->cap_values, p->n_values + 1, sizeof *p->values)) return vt__fail_nomem("graph", sizeof *p->values);
    *out = p->n_values;
    p->values[p->n_values++] = (struct vt__value){.kind = kind, .size = size, .storage = vt__storage_retain(storage)};
    return VT_OK;
}

vt_status vt__program_add_variable(struct vt__program *p, const char *name, size_t len, int64_t *out) {
    for (*out = 0; *out < p->n_variables; ++*out)
        if (strlen(p->variables[*out].name) == len && memcmp(p->variables[*out].name, name, len) == 0) return VT_OK;
    if (vt__reserve(p->ctx, (void **)&p->variables, &p->cap_variables, p->n_variables + 1, sizeof *p->variables))
        return vt__fail_nomem("graph", sizeof *p->variables);
    char *copy = vt__calloc(p->ctx, len + 1);
    if (!copy) return vt__fail_nomem("graph", len + 1);
    memcpy(copy, name, len);
    p->variables[p->n_variables++] = (struct vt__variable){.name = copy};
    return VT_OK;
}

static int is_same_attr(const struct vt__attr *a, const struct vt__attr *b) {
    return a->given == b->given && a->count == b->count && a->text == b->text && a->var == b->var && memcmp(&a->f, &b->f, sizeof a->f) == 0 &&
           memcmp(a->i, b->i, sizeof a->i) == 0;
}

static int is_same(const struct vt__attrs *a, const struct vt__attrs *b) {
    int same = 1;
    for (int32_t k = 0; same && k < VT__MAX_ATTRS; k++) same = is_same_attr(&a->a[k], &b->a[k]);
    return same;
}

/* Looks at the latest kinds only, so that a program of many cannot take its square in time. NULL: out of memory. */
static struct vt__attrs *share_attrs(struct vt__program *p, const struct vt__op_def *op, const struct vt__attrs *attrs) {
    enum { LATEST = 64 };
    for (int64_t i = p->n_attrs - 1; i >= 0 && i >= p->n_attrs - LATEST; i--)
        if (p->attrs[i]->op == op && is_same(&p->attrs[i]->attrs, attrs)) return &p->attrs[i]->attrs;
    if (vt__reserve(p->ctx, (void **)&p->attrs, &p->cap_attrs, p->n_attrs + 1, sizeof *p->attrs)) return NULL;
    struct vt__shared_attrs *own = vt__alloc(p->ctx, sizeof *own);
    if (!own) return NULL;
    *own = (struct vt__shared_attrs){op, *attrs};
    p->attrs[p->n_attrs++] = own;
    return &own->attrs;
}

vt_status vt__program_add_step(struct vt__program *p, const struct vt__op_def *op, const struct vt__attrs *attrs, int32_t n_in, int32_t n_out,
                               struct vt__step **out) {
    int64_t n = (int64_t)n_in + n_out;
    struct vt__attrs *shared = share_attrs(p, op, attrs);
    if (!shared) return vt__fail_nomem("graph", sizeof *attrs);
    if (vt__reserve(p->ctx, (void **)&p->steps, &p->cap_steps, p->n_steps + 1, sizeof *p->steps) ||
        vt__reserve(p->ctx, (void **)&p->operands, &p->cap_operands, p->n_operands + n, sizeof *p->operands))
        return vt__fail_nomem("graph", (size_t)n * sizeof *p->operands);
    if (n > 0) memset(p->operands + p->n_operands, 0, (size_t)n * sizeof *p->operands);
    *out = &p->steps[p->n_steps++];
    **out = (struct vt__step){.op = op, .attrs = shared, .operands = p->n_operands, .n_in = n_in, .n_out = n_out};
    p->n_operands += n;
    return VT_OK;
}

struct vt__operand vt__operand_bytes(int64_t value, size_t size) {
    return (struct vt__operand){.value = value, .desc = {.dtype = VT_DTYPE_U8, .ndim = 1, .shape = {(int64_t)size}}, .strides = {1}};
}

struct vt__operand vt__operand_of(const vt_tensor *t, int64_t value) {
    struct vt__operand o = {.value = value, .offset = t->offset, .desc = vt__tensor_desc(t)};
    memcpy(o.strides, t->strides, sizeof o.strides);
    return o;
}

void *vt__place(void *base, int64_t bytes) {
    static _Alignas(64) char nowhere[64];
    return base ? (char *)base + bytes : nowhere;
}

struct vt__view vt__operand_view(const struct vt__operand *o, void *base) {
    struct vt__view v = {.dtype = -1};
    if (o->value < 0) return v;
    v.dtype = o->desc.dtype;
    v.ndim = o->desc.ndim;
    memcpy(v.shape, o->desc.shape, sizeof v.shape);
    memcpy(v.strides, o->strides, sizeof v.strides);
    v.data = vt__place(base, o->offset * (int64_t)vt__dtype_size(v.dtype));
    return v;
}

int64_t vt__operand_count(const struct vt__operand *o) {
    int64_t n = 1;
    for (int32_t d = 0; d < o->desc.ndim; d++) n *= o->desc.shape[d];
    return n;
}

int vt__operand_is_dense(const struct vt__operand *o) {
    int64_t stride = 1;
    for (int32_t d = o->desc.ndim - 1; d >= 0; d--) {
        if (o->desc.shape[d] == 0) return 1;
        if (o->desc.shape[d] == 1) continue;
        if (o->strides[d] != stride) return 0;
        stride *= o->desc.shape[d];
    }
    return 1;
}

int vt__operand_covers(const struct vt__operand *o, size_t size) {
    return o->offset == 0 && vt__operand_is_dense(o) && (size_t)vt__operand_count(o) * vt__dtype_size(o->desc.dtype) == size;
}

void vt__program_mark_written(struct vt__program *p) {
    for (int64_t i = 0; i < p->n_values; i++) p->values[i].is_written = 0;
    for (int64_t s = 0; s < p->n_steps; s++)
        for (int32_t i = 0; i < p->steps[s].n_out; i++) p->values[p->operands[p->steps[s].operands + p->steps[s].n_in + i].value].is_written = 1;
}
