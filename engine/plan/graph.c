#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "plan/cost.h"
#include "plan/graph_internal.h"

void vt__graph_bind(vt_graph *g, int64_t value, void *data) {
    for (int64_t i = g->first_use[value]; i < g->first_use[value + 1]; i++) {
        const struct vt__operand *o = &g->p.operands[g->uses[i]];
        g->views[g->uses[i]].data = vt__place(data, o->offset * (int64_t)vt__dtype_size(o->desc.dtype));
    }
}

/* Calls see(operand's number) for every operand of a step that is done. */
static void index_uses(vt_graph *g) {
    const struct vt__program *p = &g->p;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t s = 0; s < p->n_steps; s++)
            for (int64_t i = p->steps[s].operands; i < p->steps[s].operands + p->steps[s].n_in + p->steps[s].n_out; i++) {
                int64_t value = p->operands[i].value;
                if (value < 0) continue;
                if (pass == 0) g->first_use[value + 1]++;
                else g->uses[g->first_use[value]++] = i;
            }
        /* First counts become ends; then, moved on by the filling, beginnings again. */
        for (int64_t v = 0; pass == 0 && v < p->n_values; v++) g->first_use[v + 1] += g->first_use[v];
    }
    for (int64_t v = p->n_values; v > 0; v--) g->first_use[v] = g->first_use[v - 1];
    g->first_use[0] = 0;
}

static vt_status prepare_steps(vt_graph *g) {
    struct vt__program *p = &g->p;
    g->views = vt__calloc2(p->ctx, p->n_operands, 1, sizeof *g->views);
    g->runs = vt__calloc2(p->ctx, p->n_steps, 1, sizeof *g->runs);
    g->first_use = vt__calloc2(p->ctx, p->n_values + 1, 1, sizeof *g->first_use);
    g->uses = vt__calloc2(p->ctx, p->n_operands, 1, sizeof *g->uses);
    if (!g->views || !g->runs || !g->first_use || !g->uses) return vt__fail_nomem("graph", (size_t)p->n_operands * sizeof *g->views);
    index_uses(g);
    for (int64_t i = 0; i < p->n_operands; i++) g->views[i] = vt__operand_view(&p->operands[i], NULL);
    for (int64_t s = 0; s < p->n_steps; s++) {
        const struct vt__step *step = &p->steps[s];
        struct vt__view *views = g->views + step->operands;
        g->runs[s] = (struct vt__run){p->ctx, step->op, step->attrs, views, views + step->n_in, step->n_in, step->n_out};
    }
    return VT_OK;
}

static vt_status collect_patches(vt_graph *g) {
    for (int64_t i = 0; i < g->p.n_attrs; i++)
        for (int32_t k = 0; k < VT__MAX_ATTRS; k++) {
            struct vt__attr_def def;
            struct vt__shared_attrs *shared = g->p.attrs[i];
            struct vt__attr *a = &shared->attrs.a[k];
            if (!a->var || !vt__op_attr(shared->op, k, &def)) continue;
            if (vt__reserve(g->p.ctx, (void **)&g->patches, &g->cap_patches, g->n_patches + 1, sizeof *g->patches)) return vt__fail_nomem("graph", sizeof *g->patches);
            g->patches[g->n_patches++] = (struct vt__patch){a, shared->op, a->var - 1, def.type == VT__ATTR_FLOAT};
        }
    return VT_OK;
}

static vt_status prepare_rooms(vt_graph *g) {
    for (int64_t i = 0; i < g->n_units; i++)
        if (g->units[i].n_steps > 1 && g->units[i].group.room > g->room_size) g->room_size = g->units[i].group.room;
    g->n_rooms = g->room_size ? (size_t)vt__context_threads(g->p.ctx) : 0;
    g->room_taken = vt__calloc2(g->p.ctx, (int64_t)g->n_rooms, 1, sizeof *g->room_taken);
    if (!g->room_taken) return vt__fail_nomem("graph", g->n_rooms * sizeof *g->room_taken);
    for (size_t i = 0; i < g->n_rooms; i++) atomic_init(&g->room_taken[i], 0);
    return vt__storage_create(g->p.ctx, g->p.backend, g->n_rooms * g->room_size, &g->rooms);
}

static vt_status prepare_memory(vt_graph *g) {
    struct vt__program *p = &g->p;
    g->is_local = vt__calloc2(p->ctx, p->n_values, 1, 1);
    vt_status st = g->is_local ? vt__fuse(p, &g->units, &g->n_units, g->is_local) : vt__fail_nomem("graph", (size_t)p->n_values);
    if (st == VT_OK) st = prepare_rooms(g);
    if (st == VT_OK) st = vt__layout_plan(p, g->units, g->n_units, g->is_local, &g->layout);
    if (st == VT_OK) st = vt__storage_create(p->ctx, p->backend, g->layout.size, &g->arena);
    for (int64_t i = 0; st == VT_OK && i < p->n_values; i++) {
        struct vt__value *v = &p->values[i];
        if (v->kind == VT__VALUE_TEMPORARY) vt__graph_bind(g, i, vt__place(g->arena->data, (int64_t)g->layout.offsets[i]));
        else if (v->storage) vt__graph_bind(g, i, v->storage->data);
    }
    return st;
}

static struct vt__graph_cost count_bytes(const vt_graph *g) {
    struct vt__graph_cost c = {.arena_bytes = g->layout.size, .least_bytes = g->layout.least, .scratch_bytes = g->p.scratch + g->n_rooms * g->room_size, .n_steps = g->p.n_steps};
    for (int64_t i = 0; i < g->p.n_steps; i++) c.flops += vt__step_flops(&g->p, &g->p.steps[i]);
    for (int64_t i = 0; i < g->p.n_values; i++) {
        const struct vt__value *v = &g->p.values[i];
        uint64_t *sum = v->kind == VT__VALUE_RESULT ? &c.result_bytes : v->kind == VT__VALUE_INPUT ? &c.input_bytes : v->kind == VT__VALUE_KEPT ? &c.kept_bytes : NULL;
        int is_used = v->kind != VT__VALUE_KEPT || g->first_use[i + 1] > g->first_use[i];
        if (sum && is_used) *sum += v->size;
    }
    c.peak_bytes = c.arena_bytes + c.scratch_bytes + c.result_bytes;
    return c;
}

static vt_status zero(const vt_graph *g, struct vt__storage *s) {
    struct vt__attrs zero = {0};
    struct vt__operand o = vt__operand_bytes(0, s->size);
    struct vt__view v = vt__operand_view(&o, s->data);
    struct vt__run run = {g->p.ctx, &vt__op_table[VT__OP_fill], &zero, &v, &v, 1, 1};
    return s->size ? g->p.backend->run(&run) : VT_OK;
}

static vt_status zero_all(const vt_graph *g) {
    vt_status st = zero(g, g->arena);
    for (int64_t i = 0; st == VT_OK && i < g->p.n_values; i++)
        if (g->p.values[i].kind == VT__VALUE_RESULT) st = zero(g, g->p.values[i].storage);
    return st;
}

vt_status vt__graph_of_program(struct vt__program *p, int is_foreign, vt_graph **out) {
    vt_graph *g = vt__calloc(p->ctx, sizeof *g);
    *out = NULL;
    if (!g) {
        vt__program_free(p);
        return vt__fail_nomem("graph", sizeof *g);
    }
    atomic_init(&g->refs, 1);
    atomic_init(&g->busy, 0);
    g->p = *p;
    vt_status st = prepare_steps(g);
    if (st == VT_OK) st = collect_patches(g);
    if (st == VT_OK) st = prepare_memory(g);
    if (st == VT_OK) {
        g->copies = vt__calloc2(g->p.ctx, g->p.n_inputs, 1, sizeof(struct vt__storage *));
        g->results = vt__calloc2(g->p.ctx, g->p.n_results, 1, sizeof(vt_tensor *));
        if (!g->copies || !g->results) st = vt__fail_nomem("graph", 0);
    }
    if (st == VT_OK) st = vt__graph_prepare_results(g);
    if (st == VT_OK && is_foreign) st = zero_all(g);
    g->has_results = !is_foreign;
    if (st == VT_OK) g->cost = count_bytes(g);
    if (st != VT_OK) vt__graph_release(g), g = NULL;
    *out = g;
    return st;
}

vt_status vt__graph_capture(vt_context *ctx, vt_tensor *const *inputs, int32_t n_inputs, vt__capture_fn fn, void *user, vt_graph **out) {
    struct vt__program p;
    *out = NULL;
    /* Neither does the run that is captured need what earlier ones have left, nor do replays what it leaves. */
    vt__context_trim(ctx);
    vt_status st = vt__capture(ctx, inputs, n_inputs, fn, user, &p);
    vt__context_trim(ctx);
    return st == VT_OK ? vt__graph_of_program(&p, 0, out) : st;
}

vt_graph *vt__graph_retain(vt_graph *g) {
    if (g) atomic_fetch_add(&g->refs, 1);
    return g;
}

void vt__graph_release(vt_graph *g) {
    if (!g || atomic_fetch_sub(&g->refs, 1) != 1) return;
    vt_context *ctx = vt__context_retain(g->p.ctx);
    for (int32_t i = 0; g->results && i < g->p.n_results; i++) vt__tensor_release(g->results[i]);
    for (int32_t i = 0; g->copies && i < g->p.n_inputs; i++) vt__storage_release(g->copies[i]);
    vt__storage_release(g->arena);
    vt__storage_release(g->rooms);
    vt__units_free(ctx, g->units, g->n_units);
    vt__free(ctx, g->is_local);
    vt__free(ctx, g->room_taken);
    vt__layout_free(ctx, &g->layout);
    vt__free(ctx, g->views);
    vt__free(ctx, g->runs);
    vt__free(ctx, g->first_use);
    vt__free(ctx, g->uses);
    vt__free(ctx, g->patches);
    vt__free(ctx, g->copies);
    vt__free(ctx, g->results);
    vt__program_free(&g->p);
    vt__free(ctx, g);
    vt__context_release(ctx);
}

int32_t vt__graph_n_inputs(const vt_graph *g) { return g->p.n_inputs; }
int32_t vt__graph_n_results(const vt_graph *g) { return g->p.n_results; }
vt_tensor *vt__graph_result(vt_graph *g, int32_t i) { return g->has_results ? g->results[i] : NULL; }
int vt__graph_writes_input(const vt_graph *g, int32_t i) { return g->p.values[g->p.inputs[i].value].is_written; }
const struct vt__desc *vt__graph_input(const vt_graph *g, int32_t i) { return &g->p.inputs[i].desc; }
const struct vt__desc *vt__graph_output(const vt_graph *g, int32_t i) { return &g->p.results[i].desc; }
struct vt__graph_cost vt__graph_cost(const vt_graph *g) { return g->cost; }
