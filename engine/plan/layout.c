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
    if (st == VT_OK) st = vt__arena_plan(p->ctx, out->spans, p->n_values, out->offsets, &out->size, &out->least);
    if (st != VT_OK) vt__layout_free(p->ctx, out);
    return st;
}

void vt__layout_free(vt_context *ctx, struct vt__layout *l) {
    vt__free(ctx, l->spans);
    vt__free(ctx, l->offsets);
    *l = (struct vt__layout){0};
}
