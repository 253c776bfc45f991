#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/io.h"
#include "core/memory.h"
#include "plan/file.h"
#include "plan/graph_internal.h"
#include "vtk.h"
#include "vtk_map.h"

/* Where the numbers of a value go. */
struct stored {
    int32_t form;
    uint64_t place, size, hash;
};

struct writer {
    vt_graph *g;
    vt__bytes program;
    struct stored *stored; /* [values] */
    char *room;            /* the numbers of one value, as they are stored */
    size_t room_size;
};

/* ---- words ---- */

static void put_u8(vt__bytes *b, int32_t v) { vt__bytes_append_byte(b, (char)v); }

static void put_word(vt__bytes *b, uint64_t v, int size) {
    char bytes[8];
    for (int i = 0; i < size; i++) bytes[i] = (char)(v >> (8 * i));
    vt__bytes_append(b, bytes, (size_t)size);
}

static void put_u32(vt__bytes *b, int64_t v) { put_word(b, (uint64_t)v, 4); }
static void put_u64(vt__bytes *b, uint64_t v) { put_word(b, v, 8); }

static void put_f64(vt__bytes *b, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_u64(b, bits);
}

static void put_text(vt__bytes *b, const char *text, size_t len) {
    put_u8(b, (int32_t)len);
    vt__bytes_append(b, text, len);
}

static void put_operand(vt__bytes *b, const struct vt__operand *o) {
    put_u32(b, o->value < 0 ? UINT32_MAX : o->value);
    if (o->value < 0) return;
    put_u32(b, o->desc.dtype);
    put_u8(b, o->desc.ndim);
    put_u64(b, (uint64_t)o->offset);
    for (int32_t d = 0; d < o->desc.ndim; d++) put_u64(b, (uint64_t)o->desc.shape[d]);
    for (int32_t d = 0; d < o->desc.ndim; d++) put_u64(b, (uint64_t)o->strides[d]);
}

/* ---- numbers ---- */

/* Is every operand that sees the value made of f32? */
static int is_f32(const vt_graph *g, int64_t value) {
    for (int64_t i = g->first_use[value]; i < g->first_use[value + 1]; i++)
        if (g->p.operands[g->uses[i]].desc.dtype != VT_DTYPE_F32) return 0;
    return g->p.values[value].size % sizeof(float) == 0;
}

static int is_result(const struct vt__program *p, int64_t value) {
    for (int32_t i = 0; i < p->n_results; i++)
        if (p->results[i].value == value) return 1;
    return 0;
}

static int32_t choose_form(const vt_graph *g, int64_t i, int32_t is_half) {
    const struct vt__value *v = &g->p.values[i];
    int is_used = g->first_use[i + 1] > g->first_use[i] || is_result(&g->p, i);
    if (v->kind != VT__VALUE_KEPT || !is_used) return VT__FORM_NONE;
    return is_half && !v->is_written && is_f32(g, i) && !is_result(&g->p, i) ? VT__FORM_F16 : VT__FORM_BYTES;
}

/* The bytes of a value as they are stored, in w->room. */
static vt_status load(struct writer *w, int64_t i) {
    const struct vt__value *v = &w->g->p.values[i];
    vt_context *ctx = w->g->p.ctx;
    if (v->size > w->room_size) {
        char *room = vt__alloc64(ctx, v->size);
        if (!room) return vt__fail_nomem("graph", v->size);
        vt__free(ctx, w->room);
        w->room = room;
        w->room_size = v->size;
    }
    vt_status st = v->size ? v->storage->backend->read(ctx, w->room, v->storage->data, v->size) : VT_OK;
    if (st != VT_OK || w->stored[i].form != VT__FORM_F16) return st;
    enum { BLOCK = 1024 };
    uint16_t half[BLOCK];
    for (size_t at = 0, n = v->size / sizeof(float); at < n; at += BLOCK) { /* the halves lie before what is still to be read */
        size_t m = n - at < BLOCK ? n - at : BLOCK;
        vtk_get()->map->convert[VTK_T_F32][VTK_T_F16](half, w->room + at * sizeof(float), (int64_t)m);
        memcpy(w->room + at * sizeof *half, half, m * sizeof *half);
    }
    return VT_OK;
}

/* Sizes and sums of what will be stored; places count from the end of the program. */
static vt_status measure(struct writer *w, int32_t is_half, uint64_t *size) {
    const struct vt__program *p = &w->g->p;
    vt_status st = VT_OK;
    *size = 0;
    for (int64_t i = 0; st == VT_OK && i < p->n_values; i++) {
        struct stored *s = &w->stored[i];
        s->form = choose_form(w->g, i, is_half);
        if (s->form == VT__FORM_NONE) continue;
        s->size = s->form == VT__FORM_F16 ? p->values[i].size / 2 : p->values[i].size;
        s->place = *size;
        *size += (s->size + 63) / 64 * 64;
        st = load(w, i);
        if (st == VT_OK) s->hash = vt__hash(w->room, (size_t)s->size);
    }
    return st;
}

/* ---- the program ---- */

static void put_values(struct writer *w) {
    const struct vt__program *p = &w->g->p;
    vt__bytes *b = &w->program;
    put_u32(b, p->n_values);
    for (int64_t i = 0; i < p->n_values; i++) {
        const struct stored *s = &w->stored[i];
        put_u8(b, (int32_t)p->values[i].kind);
        put_u8(b, s->form);
        put_u64(b, p->values[i].size);
        if (s->form == VT__FORM_NONE) continue;
        put_u64(b, s->place);
        put_u64(b, s->size);
        put_u64(b, s->hash);
    }
}

static void put_attr(vt__bytes *b, const struct vt__attr_def *def, const struct vt__attr *a) {
    put_text(b, def->name, (size_t)def->name_len);
    put_u8(b, a->count < 1 && def->type != VT__ATTR_INTS && def->type != VT__ATTR_DIMS ? 1 : a->count);
    put_u32(b, a->var);
    put_f64(b, a->f);
    for (int32_t k = 0; k < a->count || (k < 1 && def->type != VT__ATTR_INTS && def->type != VT__ATTR_DIMS); k++) put_u64(b, (uint64_t)a->i[k]);
}

static void put_step(vt__bytes *b, const struct vt__program *p, const struct vt__step *s) {
    struct vt__attr_def def;
    int32_t n = 0;
    put_text(b, s->op->name, strlen(s->op->name));
    put_u32(b, s->n_in);
    put_u32(b, s->n_out);
    for (int32_t k = 0; k < VT__MAX_ATTRS && vt__op_attr(s->op, k, &def); k++) n += s->attrs->a[k].given != 0;
    put_u8(b, n);
    for (int32_t k = 0; k < VT__MAX_ATTRS && vt__op_attr(s->op, k, &def); k++)
        if (s->attrs->a[k].given) put_attr(b, &def, &s->attrs->a[k]);
    for (int32_t i = 0; i < s->n_in + s->n_out; i++) put_operand(b, &p->operands[s->operands + i]);
}

static vt_status put_program(struct writer *w) {
    const struct vt__program *p = &w->g->p;
    vt__bytes *b = &w->program;
    put_u64(b, p->scratch);
    put_values(w);
    put_u32(b, p->n_variables);
    for (int64_t i = 0; i < p->n_variables; i++) {
        put_text(b, p->variables[i].name, strlen(p->variables[i].name));
        put_f64(b, p->variables[i].f);
        put_u64(b, (uint64_t)p->variables[i].i);
    }
    put_u32(b, p->n_inputs);
    for (int32_t i = 0; i < p->n_inputs; i++) put_operand(b, &p->inputs[i]);
    put_u32(b, p->n_results);
    for (int32_t i = 0; i < p->n_results; i++) put_operand(b, &p->results[i]);
    put_u32(b, p->n_steps);
    for (int64_t i = 0; i < p->n_steps; i++) put_step(b, p, &p->steps[i]);
    while (b->len % 64 && !b->failed) put_u8(b, 0);
    return b->failed ? vt__fail_nomem("graph", (size_t)b->len) : VT_OK;
}

static vt_status write_all(struct writer *w, const char *path, uint64_t data_size) {
    static const char zeros[64];
    const struct vt__program *p = &w->g->p;
    vt__replacement file = {0};
    vt__bytes head;
    vt__bytes_init(&head, p->ctx);
    vt__bytes_append(&head, "VTGRAPH\n", 8);
    put_u32(&head, VT__GRAPH_VERSION);
    put_u32(&head, 0);
    put_u64(&head, VT__GRAPH_HEAD + (uint64_t)w->program.len + data_size);
    put_u64(&head, (uint64_t)w->program.len);
    put_u64(&head, vt__hash(w->program.data, (size_t)w->program.len));
    if (!head.failed) put_u64(&head, vt__hash(head.data, (size_t)head.len));
    put_u64(&head, 0);
    put_u64(&head, 0);
    vt_status st = head.failed ? vt__fail_nomem("graph", VT__GRAPH_HEAD) : vt__replacement_begin(&file, p->ctx, path);
    if (st == VT_OK) st = vt__replacement_write(&file, head.data, VT__GRAPH_HEAD);
    if (st == VT_OK) st = vt__replacement_write(&file, w->program.data, (size_t)w->program.len);
    for (int64_t i = 0; st == VT_OK && i < p->n_values; i++) {
        const struct stored *s = &w->stored[i];
        if (s->form == VT__FORM_NONE) continue;
        st = load(w, i);
        if (st == VT_OK) st = vt__replacement_write(&file, w->room, (size_t)s->size);
        if (st == VT_OK && s->size % 64) st = vt__replacement_write(&file, zeros, 64 - (size_t)s->size % 64);
    }
    if (st == VT_OK) st = vt__replacement_commit(&file);
    vt__replacement_drop(&file);
    vt__bytes_free(&head);
    return st;
}

vt_status vt__graph_save(vt_graph *g, const char *path, int32_t is_half) {
    struct writer w = {.g = g};
    uint64_t data_size = 0;
    int free = 0;
    if (!atomic_compare_exchange_strong(&g->busy, &free, 1)) return vt__fail(VT_ERR_CONFLICT, "graph: another thread runs it");
    vt__bytes_init(&w.program, g->p.ctx);
    w.stored = vt__calloc2(g->p.ctx, g->p.n_values, 1, sizeof *w.stored);
    vt_status st = w.stored ? VT_OK : vt__fail_nomem("graph", (size_t)g->p.n_values * sizeof *w.stored);
    if (st == VT_OK) st = measure(&w, is_half, &data_size);
    if (st == VT_OK) st = put_program(&w);
    if (st == VT_OK) st = write_all(&w, path, data_size);
    vt__free(g->p.ctx, w.room);
    vt__free(g->p.ctx, w.stored);
    vt__bytes_free(&w.program);
    atomic_store(&g->busy, 0);
    return st;
}
