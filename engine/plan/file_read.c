#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/io.h"
#include "core/memory.h"
#include "plan/file.h"
#include "plan/graph_internal.h"
#include "vtk.h"
#include "vtk_map.h"

/* The file stays mapped as long as a weight lies in it. */
struct mapped {
    atomic_int refs;
    vt_context *ctx; /* retained */
    vt__mapping file;
};

static void release_mapped(void *user) {
    struct mapped *m = user;
    if (!m || atomic_fetch_sub(&m->refs, 1) != 1) return;
    vt_context *ctx = m->ctx;
    vt__unmap_file(ctx, &m->file);
    vt__free(ctx, m);
    vt__context_release(ctx);
}

/* Where the file has a value's numbers. */
struct stored {
    int32_t form;
    uint64_t place, size, hash;
};

/* Sticky: behind the end everything is 0 and `failed` is set. */
struct reader {
    const unsigned char *data, *numbers;
    size_t size, at, n_numbers;
    int failed;
    struct mapped *mapped; /* NULL: the bytes are not ours to keep */
    struct stored *stored; /* [values] */
    int64_t cap_stored;
};

static const unsigned char *take(struct reader *r, size_t n) {
    if (r->failed || n > r->size - r->at) return r->failed = 1, NULL;
    r->at += n;
    return r->data + r->at - n;
}

static uint64_t word(struct reader *r, size_t size) {
    const unsigned char *p = take(r, size);
    uint64_t v = 0;
    for (size_t i = 0; p && i < size; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static int64_t get_i64(struct reader *r) { return (int64_t)word(r, 8); }

static double get_f64(struct reader *r) {
    uint64_t bits = word(r, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* How many items of at least `least` bytes follow. */
static int64_t get_count(struct reader *r, size_t least) {
    uint64_t n = word(r, 4);
    if (n > (r->size - r->at) / least) r->failed = 1;
    return r->failed ? 0 : (int64_t)n;
}

static vt_status damaged(const char *what) { return vt__fail(VT_ERR_FORMAT, "graph: the file is damaged: %s", what); }

/* ---- values ---- */

/* Where nothing writes to them and they need not be converted, numbers stay in the mapped file. */
static vt_status borrow_numbers(struct reader *r, struct vt__program *p, struct vt__value *v, const unsigned char *from) {
    struct vt__operand bytes = vt__operand_bytes(0, v->size);
    vt_tensor *t;
    atomic_fetch_add(&r->mapped->refs, 1);
    vt_status st = vt__tensor_borrow(p->ctx, p->backend, (void *)(uintptr_t)from, v->size, &bytes.desc, NULL, 1, release_mapped, r->mapped, &t);
    if (st != VT_OK) return release_mapped(r->mapped), st;
    v->storage = vt__storage_retain(t->storage);
    vt__tensor_release(t);
    return VT_OK;
}

static vt_status copy_numbers(struct vt__program *p, struct vt__value *v, int32_t form, const unsigned char *from) {
    vt_status st = vt__storage_create(p->ctx, p->backend, v->size, &v->storage);
    if (st != VT_OK || !v->size) return st;
    if (form != VT__FORM_F16) return p->backend->write(p->ctx, v->storage->data, from, v->size);
    float *wide = vt__alloc64(p->ctx, v->size);
    if (!wide) return vt__fail_nomem("graph", v->size);
    vtk_get()->map->convert[VTK_T_F16][VTK_T_F32](wide, from, (int64_t)(v->size / sizeof *wide));
    st = p->backend->write(p->ctx, v->storage->data, wide, v->size);
    vt__free(p->ctx, wide);
    return st;
}

static vt_status load_numbers(struct reader *r, struct vt__program *p, int64_t number) {
    const struct stored *s = &r->stored[number];
    struct vt__value *v = &p->values[number];
    if (s->form == VT__FORM_NONE) return VT_OK;
    if (s->place > r->n_numbers || s->size > r->n_numbers - s->place || s->place % 64) return damaged("numbers lie outside of it");
    if (s->form == VT__FORM_F16 ? v->size % 4 || v->size / 2 != s->size : v->size != s->size) return damaged("numbers of another size than their value");
    const unsigned char *from = r->numbers + s->place;
    if (vt__hash(from, (size_t)s->size) != s->hash) return damaged("the sum of a weight's bytes is wrong");
    int stays = r->mapped && s->form == VT__FORM_BYTES && !v->is_written && v->size && p->backend == &vt__backend_cpu;
    return stays ? borrow_numbers(r, p, v, from) : copy_numbers(p, v, s->form, from);
}

/* A kept value whose numbers are not there can only be one that nothing sees. */
static vt_status check_is_loaded(const struct vt__program *p, const struct vt__operand *o) {
    if (o->value < 0 || p->values[o->value].kind != VT__VALUE_KEPT || p->values[o->value].storage) return VT_OK;
    return damaged("a weight has no numbers");
}

static vt_status load_all(struct reader *r, struct vt__program *p) {
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i < p->n_values; i++) st = load_numbers(r, p, i);
    for (int64_t i = 0; st == VT_OK && i < p->n_operands; i++) st = check_is_loaded(p, &p->operands[i]);
    for (int32_t i = 0; st == VT_OK && i < p->n_results; i++) st = check_is_loaded(p, &p->results[i]);
    return st;
}

static vt_status read_value(struct reader *r, struct vt__program *p) {
    uint64_t kind = word(r, 1), form = word(r, 1), size = word(r, 8);
    int64_t number;
    if (r->failed || kind > VT__VALUE_RESULT || form > VT__FORM_F16 || size > INT64_MAX / 4) return damaged("a value");
    if (form != VT__FORM_NONE && kind != VT__VALUE_KEPT) return damaged("numbers of a value that is not kept");
    if (vt__reserve(p->ctx, (void **)&r->stored, &r->cap_stored, p->n_values + 1, sizeof *r->stored)) return vt__fail_nomem("graph", sizeof *r->stored);
    vt_status st = vt__program_add_value(p, (enum vt__value_kind)kind, (size_t)size, NULL, &number);
    if (st != VT_OK) return st;
    struct stored *s = &r->stored[number];
    *s = (struct stored){.form = (int32_t)form};
    if (form != VT__FORM_NONE) s->place = word(r, 8), s->size = word(r, 8), s->hash = word(r, 8);
    return r->failed ? damaged("a value") : VT_OK;
}

static vt_status read_variable(struct reader *r, struct vt__program *p) {
    size_t len = (size_t)word(r, 1);
    const unsigned char *name = take(r, len);
    int64_t number, before = p->n_variables;
    if (!name || !len || memchr(name, 0, len)) return damaged("the name of a variable");
    vt_status st = vt__program_add_variable(p, (const char *)name, len, &number);
    if (st != VT_OK) return st;
    if (p->n_variables == before) return damaged("two variables of one name");
    p->variables[number].f = get_f64(r);
    p->variables[number].i = get_i64(r);
    return VT_OK;
}

/* ---- steps ---- */

static void read_operand(struct reader *r, struct vt__operand *o) {
    uint64_t value = word(r, 4);
    o->value = value == UINT32_MAX ? -1 : (int64_t)value;
    if (o->value < 0) return;
    o->desc.dtype = (int32_t)(uint32_t)word(r, 4);
    o->desc.ndim = (int32_t)word(r, 1);
    if (o->desc.ndim > VT__MAX_DIMS) r->failed = 1, o->desc.ndim = 0;
    o->offset = get_i64(r);
    for (int32_t d = 0; d < o->desc.ndim; d++) o->desc.shape[d] = get_i64(r);
    for (int32_t d = 0; d < o->desc.ndim; d++) o->strides[d] = get_i64(r);
}

static vt_status read_attr(struct reader *r, const struct vt__op_def *op, struct vt__attrs *attrs) {
    struct vt__attr_def def;
    size_t len = (size_t)word(r, 1);
    const unsigned char *name = take(r, len);
    int32_t k = 0;
    if (!name) return damaged("an attribute");
    while (k < VT__MAX_ATTRS && vt__op_attr(op, k, &def) && ((size_t)def.name_len != len || memcmp(def.name, name, len) != 0)) k++;
    if (k == VT__MAX_ATTRS || !vt__op_attr(op, k, &def)) return vt__fail(VT_ERR_UNSUPPORTED, "graph: %s has no attribute \"%.*s\" in this version", op->name, (int)len, (const char *)name);
    struct vt__attr *a = &attrs->a[k];
    *a = (struct vt__attr){.given = 1, .count = (int32_t)word(r, 1)};
    a->var = (int32_t)(uint32_t)word(r, 4);
    a->f = get_f64(r);
    if (a->count > VT__MAX_DIMS) return damaged("an attribute");
    for (int32_t i = 0; i < a->count; i++) a->i[i] = get_i64(r);
    return VT_OK;
}

static vt_status read_step(struct reader *r, struct vt__program *p) {
    char name[64];
    size_t len = (size_t)word(r, 1);
    const unsigned char *text = take(r, len);
    if (!text || len >= sizeof name) return damaged("the name of an operation");
    memcpy(name, text, len);
    name[len] = 0;
    const struct vt__op_def *op = vt__op_find(name);
    if (!op || strlen(name) != len || (op->flags & (VT__OP_VIEW | VT__OP_COMPOSED))) return vt__fail(VT_ERR_UNSUPPORTED, "graph: there is no operation \"%s\" in this version", name);
    int64_t n_in = get_count(r, 4), n_out = get_count(r, 4), n_attrs = (int64_t)word(r, 1);
    struct vt__attrs attrs;
    struct vt__step *s;
    vt__attrs_default(op, &attrs);
    vt_status st = r->failed || n_in > INT32_MAX / 2 || n_out > VT__MAX_OUT ? damaged("a step") : VT_OK;
    for (int64_t i = 0; st == VT_OK && i < n_attrs; i++) st = read_attr(r, op, &attrs);
    if (st == VT_OK) st = vt__program_add_step(p, op, &attrs, (int32_t)n_in, (int32_t)n_out, &s);
    for (int64_t i = 0; st == VT_OK && i < n_in + n_out; i++) read_operand(r, &p->operands[s->operands + i]);
    return st;
}

/* ---- the whole ---- */

static vt_status read_program(struct reader *r, struct vt__program *p) {
    vt_status st = VT_OK;
    p->scratch = (size_t)word(r, 8);
    for (int64_t n = get_count(r, 10); st == VT_OK && n > 0; n--) st = read_value(r, p);
    for (int64_t n = st == VT_OK ? get_count(r, 17) : 0; st == VT_OK && n > 0; n--) st = read_variable(r, p);
    for (int list = 0; st == VT_OK && list < 2; list++) {
        int64_t n = get_count(r, 4);
        struct vt__operand *o = vt__calloc2(p->ctx, n, 1, sizeof *o);
        if (!o) return vt__fail_nomem("graph", (size_t)n * sizeof *o);
        if (list == 0) p->inputs = o, p->n_inputs = (int32_t)n;
        else p->results = o, p->n_results = (int32_t)n;
        for (int64_t i = 0; i < n; i++) read_operand(r, &o[i]);
    }
    for (int64_t n = st == VT_OK ? get_count(r, 10) : 0; st == VT_OK && n > 0; n--) st = read_step(r, p);
    if (st == VT_OK && r->failed) st = damaged("it ends in the middle");
    return st;
}

static vt_status read_head(const unsigned char *data, size_t size, struct reader *r) {
    struct reader head = {.data = data, .size = size < VT__GRAPH_HEAD ? size : VT__GRAPH_HEAD};
    if (size < VT__GRAPH_HEAD || !vt__graph_is_file(data, size)) return vt__fail(VT_ERR_FORMAT, "graph: this is no saved graph");
    head.at = 8;
    uint64_t version = word(&head, 4), reserved = word(&head, 4), file = word(&head, 8), program = word(&head, 8), hash = word(&head, 8);
    if (version != VT__GRAPH_VERSION) return vt__fail(VT_ERR_UNSUPPORTED, "graph: version %llu, this library reads %d", (unsigned long long)version, VT__GRAPH_VERSION);
    if (word(&head, 8) != vt__hash(data, 40) || reserved) return damaged("the head");
    if (file != size) return vt__fail(VT_ERR_FORMAT, "graph: the file has %zu bytes, it should have %llu", size, (unsigned long long)file);
    if (program > size - VT__GRAPH_HEAD || program % 64) return damaged("the head");
    if (vt__hash(data + VT__GRAPH_HEAD, (size_t)program) != hash) return damaged("the sum of the program's bytes is wrong");
    r->data = data + VT__GRAPH_HEAD;
    r->size = (size_t)program;
    r->numbers = r->data + program;
    r->n_numbers = size - VT__GRAPH_HEAD - (size_t)program;
    return VT_OK;
}

static vt_status parse(vt_context *ctx, struct reader *r, const void *data, size_t size, int32_t device, struct vt__program *out) {
    const struct vt__backend *backend = vt__backend_get(device);
    if (!backend) return vt__fail(VT_ERR_DEVICE, "graph: there is no device %d", device);
    vt_status st = read_head(data, size, r);
    if (st != VT_OK) return st;
    vt__program_init(out, ctx, backend);
    st = read_program(r, out);
    if (st == VT_OK) st = vt__program_check(out);
    if (st == VT_OK) {
        vt__program_mark_written(out);
        st = load_all(r, out);
    }
    vt__free(ctx, r->stored);
    if (st != VT_OK) vt__program_free(out);
    return st;
}

vt_status vt__graph_parse(vt_context *ctx, const void *data, size_t size, int32_t device, vt_graph **out) {
    struct reader r = {0};
    struct vt__program p;
    *out = NULL;
    vt_status st = parse(ctx, &r, data, size, device, &p);
    return st == VT_OK ? vt__graph_of_program(&p, 1, out) : st;
}

int vt__graph_is_file(const void *data, size_t size) { return size >= 8 && memcmp(data, "VTGRAPH\n", 8) == 0; }

vt_status vt__program_open(vt_context *ctx, const char *path, int32_t device, struct vt__program *out) {
    struct mapped *m = vt__calloc(ctx, sizeof *m);
    struct reader r = {.mapped = m};
    if (!m) return vt__fail_nomem("graph", sizeof *m);
    atomic_init(&m->refs, 1);
    m->ctx = vt__context_retain(ctx);
    vt_status st = vt__map_file(ctx, path, &m->file);
    if (st == VT_OK) st = parse(ctx, &r, m->file.data, m->file.size, device, out);
    release_mapped(m);
    return st;
}

vt_status vt__graph_open(vt_context *ctx, const char *path, int32_t device, vt_graph **out) {
    struct vt__program p;
    *out = NULL;
    vt_status st = vt__program_open(ctx, path, device, &p);
    return st == VT_OK ? vt__graph_of_program(&p, 1, out) : st;
}
