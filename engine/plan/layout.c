#include "plan/layout.h"

#include "core/error.h"
#include "core/memory.h"
#include "plan/step.h"

/* What is done at a time lives at a time: lifetimes count in units. */
static void see(struct vt__span *span, int64_t unit) {
    if (span->first < 0) span->first = unit;
    span->last = unit;
}

static void see_step(const struct vt__program *p, const struct vt__step *step, int64_t unit, struct vt__span *spans) {
    for (int32_t i = 0; i < step->n_in + step->n_out; i++) {
        int64_t value = p->operands[step->operands + i].value;
        if (value < 0 || (i < step->n_in && !vt__step_reads(step, i))) continue;
        if (p->values[value].kind == VT__VALUE_TEMPORARY) see(&spans[value], unit);
    }
}

static void find_lifetimes(const struct vt__program *p, const struct vt__unit *units, int64_t n_units, struct vt__span *spans) {
    for (int64_t i = 0; i < p->n_values; i++) spans[i] = (struct vt__span){-1, -1, 0};
    for (int64_t u = 0; u < n_units; u++)
        for (int64_t s = units[u].first; s < units[u].first + units[u].n_steps; s++) see_step(p, &p->steps[s], u, spans);
}

/* ---- results over inputs ---- */

/* Steps that see each value first and last. */
struct seen {
    int64_t first, last;
};

static void find_seen(const struct vt__program *p, struct seen *seen) {
    for (int64_t i = 0; i < p->n_values; i++) seen[i] = (struct seen){-1, -1};
    for (int64_t s = 0; s < p->n_steps; s++) {
        const struct vt__step *step = &p->steps[s];
        for (int32_t i = 0; i < step->n_in + step->n_out; i++) {
            int64_t value = p->operands[step->operands + i].value;
            if (value < 0 || (i < step->n_in && !vt__step_reads(step, i))) continue;
            if (seen[value].first < 0) seen[value].first = s;
            seen[value].last = s;
        }
    }
}

/* Does every step of the unit see the value as a whole, in a row? What is written block by block over it is then behind all that reads the block. */
static int is_seen_whole(const struct vt__program *p, const struct vt__unit *u, int64_t value) {
    for (int64_t s = u->first; s < u->first + u->n_steps; s++)
        for (int32_t i = 0; i < p->steps[s].n_in + p->steps[s].n_out; i++) {
            const struct vt__operand *o = &p->operands[p->steps[s].operands + i];
            if (o->value == value && !vt__operand_covers(o, p->values[value].size)) return 0;
        }
    return 1;
}

static int has_same_extents(const struct vt__desc *a, const struct vt__desc *b) {
    if (a->dtype != b->dtype || a->ndim != b->ndim) return 0;
    for (int32_t d = 0; d < a->ndim; d++)
        if (a->shape[d] != b->shape[d]) return 0;
    return 1;
}

/* The input of an elementwise step that dies there, over which its output can be written; -1: none. */
static int64_t find_room(const struct vt__program *p, const struct vt__unit *u, int64_t number, const struct seen *seen, const char *is_local) {
    const struct vt__step *s = &p->steps[number];
    const struct vt__operand *in = p->operands + s->operands, *out = in + s->n_in;
    if (!(s->op->flags & VT__OP_ELEMENTWISE) || s->n_out != 1 || p->values[out->value].kind != VT__VALUE_TEMPORARY || is_local[out->value]) return -1;
    if (seen[out->value].first != number || !vt__operand_covers(out, p->values[out->value].size)) return -1;
    for (int32_t i = 0; i < s->n_in; i++) {
        int64_t value = in[i].value;
        if (value < 0 || value == out->value || !vt__step_reads(s, i) || p->values[value].kind != VT__VALUE_TEMPORARY || is_local[value]) continue;
        if (seen[value].last == number && has_same_extents(&in[i].desc, &out->desc) && is_seen_whole(p, u, value)) return value;
    }
    return -1;
}

/* over[v]: the value whose place v takes, itself where it has one of its own. Their spans become one, that of the first. */
static void share_places(const struct vt__program *p, const struct vt__unit *units, int64_t n_units, const struct seen *seen, const char *is_local,
                         struct vt__span *spans, int64_t *over) {
    for (int64_t i = 0; i < p->n_values; i++) over[i] = i;
    for (int64_t u = 0; u < n_units; u++)
        for (int64_t s = units[u].first; s < units[u].first + units[u].n_steps; s++) {
            int64_t room = find_room(p, &units[u], s, seen, is_local);
            if (room < 0) continue;
            int64_t value = p->operands[p->steps[s].operands + p->steps[s].n_in].value, first = over[room];
            over[value] = first;
            if (spans[value].last > spans[first].last) spans[first].last = spans[value].last;
            spans[value].size = 0;
        }
}

static vt_status place(const struct vt__program *p, const struct vt__unit *units, int64_t n_units, const char *is_local, struct vt__layout *l) {
    struct seen *seen = vt__calloc2(p->ctx, p->n_values, 1, sizeof *seen);
    struct vt__span *spans = vt__calloc2(p->ctx, p->n_values, 1, sizeof *spans);
    int64_t *over = vt__calloc2(p->ctx, p->n_values, 1, sizeof *over);
    vt_status st = seen && spans && over ? VT_OK : vt__fail_nomem("plan", (size_t)p->n_values * sizeof *spans);
    if (st == VT_OK) {
        for (int64_t i = 0; i < p->n_values; i++) spans[i] = l->spans[i];
        find_seen(p, seen);
        share_places(p, units, n_units, seen, is_local, spans, over);
        st = vt__arena_plan(p->ctx, spans, p->n_values, l->offsets, &l->size, &l->least);
    }
    for (int64_t i = 0; st == VT_OK && i < p->n_values; i++) l->offsets[i] = l->offsets[over[i]];
    vt__free(p->ctx, seen);
    vt__free(p->ctx, spans);
    vt__free(p->ctx, over);
    return st;
}

vt_status vt__layout_plan(const struct vt__program *p, const struct vt__unit *units, int64_t n_units, const char *is_local, struct vt__layout *out) {
    *out = (struct vt__layout){0};
    out->spans = vt__calloc2(p->ctx, p->n_values, 1, sizeof *out->spans);
    out->offsets = vt__calloc2(p->ctx, p->n_values, 1, sizeof *out->offsets);
    vt_status st = out->spans && out->offsets ? VT_OK : vt__fail_nomem("plan", (size_t)p->n_values * sizeof *out->spans);
    if (st == VT_OK) find_lifetimes(p, units, n_units, out->spans);
    for (int64_t i = 0; st == VT_OK && i < p->n_values; i++) {
        struct vt__span *span = &out->spans[i];
        if (span->first < 0 || is_local[i]) continue;
        span->size = (p->values[i].size + VT__ARENA_ALIGN - 1) / VT__ARENA_ALIGN * VT__ARENA_ALIGN;
        if (span->size < p->values[i].size) st = vt__fail(VT_ERR_LIMIT, "plan: %zu bytes are too many", p->values[i].size);
    }
    if (st == VT_OK) st = place(p, units, n_units, is_local, out);
    if (st != VT_OK) vt__layout_free(p->ctx, out);
    return st;
}

void vt__layout_free(vt_context *ctx, struct vt__layout *l) {
    vt__free(ctx, l->spans);
    vt__free(ctx, l->offsets);
    *l = (struct vt__layout){0};
}
