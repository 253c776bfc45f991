/* Doing a captured run again. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "plan/graph_internal.h"
#include "tensor/dispatch.h"
#include "tensor/record.h"

/* ---- results ---- */

/* Does anybody but the graph hold result i, or what lies in the same memory? */
static int is_held(const vt_graph *g, int64_t value) {
    int handles = 0;
    for (int32_t i = 0; i < g->p.n_results; i++) {
        if (g->p.results[i].value != value) continue;
        if (!g->results[i] || atomic_load(&g->results[i]->refs) != 1 || g->results[i]->requires_grad) return 1;
        handles++;
    }
    return atomic_load(&g->p.values[value].storage->refs) != handles + 1;
}

static vt_status make_handles(vt_graph *g, int64_t value) {
    for (int32_t i = 0; i < g->p.n_results; i++) {
        const struct vt__operand *o = &g->p.results[i];
        vt_tensor *t = NULL;
        if (o->value != value) continue;
        vt_status st = vt__tensor_of_storage(g->p.values[value].storage, &o->desc, o->strides, o->offset, &t);
        if (st != VT_OK) return st;
        vt__tensor_release(g->results[i]);
        g->results[i] = t;
    }
    return VT_OK;
}

vt_status vt__graph_prepare_results(vt_graph *g) {
    vt_status st = VT_OK;
    for (int32_t i = 0; st == VT_OK && i < g->p.n_results; i++) {
        int64_t number = g->p.results[i].value;
        struct vt__value *v = &g->p.values[number];
        int is_new = !g->results[i];
        if (!is_new && (v->kind != VT__VALUE_RESULT || !is_held(g, number))) continue;
        if (!is_new || !v->storage) {
            struct vt__storage *s;
            st = vt__storage_create(g->p.ctx, g->p.backend, v->size, &s);
            if (st != VT_OK) break;
            vt__storage_release(v->storage);
            v->storage = s;
            vt__graph_bind(g, number, s->data);
        }
        st = make_handles(g, number);
    }
    return st;
}

/* ---- inputs ---- */

static vt_status check_input(const vt_graph *g, int32_t i, const vt_tensor *t) {
    const struct vt__desc *want = &g->p.inputs[i].desc;
    struct vt__desc have = vt__tensor_desc(t);
    char a[VT__SHAPE_TEXT], b[VT__SHAPE_TEXT];
    int same = have.dtype == want->dtype && have.ndim == want->ndim;
    for (int32_t d = 0; same && d < have.ndim; d++) same = have.shape[d] == want->shape[d];
    if (!same)
        return vt__fail(have.dtype == want->dtype ? VT_ERR_SHAPE : VT_ERR_DTYPE, "graph: input %d is %s, captured was %s", i + 1, vt__desc_text(&have, a), vt__desc_text(want, b));
    if (!t->storage) return vt__fail(VT_ERR_STATE, "graph: input %d has no numbers any more", i + 1);
    if (t->storage->backend != g->p.backend)
        return vt__fail(VT_ERR_DEVICE, "graph: input %d is on %s, captured was %s", i + 1, t->storage->backend->name, g->p.backend->name);
    return vt__recorder_check("graph", t);
}

/* Does a step write to the memory that t is a view of? */
static int is_written_elsewhere(const vt_graph *g, vt_tensor *const *inputs, int32_t i) {
    const struct vt__storage *s = inputs[i]->storage;
    for (int64_t v = 0; v < g->p.n_values; v++)
        if (g->p.values[v].is_written && g->p.values[v].kind != VT__VALUE_RESULT && g->p.values[v].storage == s) return 1; /* results that are held move */
    for (int32_t k = 0; k < g->p.n_inputs; k++)
        if (k != i && g->p.values[g->p.inputs[k].value].is_written && inputs[k]->storage == s) return 1;
    return 0;
}

static vt_status copy_input(vt_graph *g, int32_t i, vt_tensor *t) {
    static const struct vt__attrs none;
    const struct vt__operand *o = &g->p.inputs[i];
    if (!g->copies[i]) {
        vt_status st = vt__storage_create(g->p.ctx, g->p.backend, g->p.values[o->value].size, &g->copies[i]);
        if (st != VT_OK) return st;
    }
    struct vt__view in = vt__tensor_to_view(t), out = vt__operand_view(o, g->copies[i]->data);
    struct vt__run run = {g->p.ctx, &vt__op_table[VT__OP_copy], &none, &in, &out, 1, 1};
    vt__graph_bind(g, o->value, g->copies[i]->data);
    return vt__op_execute(g->p.backend, &run);
}

/* In place where nothing is in the way, else from a copy. */
static vt_status take_input(vt_graph *g, vt_tensor *const *inputs, int32_t i) {
    vt_tensor *t = inputs[i];
    int64_t value = g->p.inputs[i].value;
    vt_status st = check_input(g, i, t);
    if (st != VT_OK) return st;
    int is_in_the_way = is_written_elsewhere(g, inputs, i) || !vt__tensor_is_dense(t);
    if (!g->p.values[value].is_written && is_in_the_way) return copy_input(g, i, t);
    if (g->p.values[value].is_written) {
        if (is_in_the_way || t->storage->read_only)
            return vt__fail(VT_ERR_STATE, "graph: input %d is written to, it must be dense, writable, and no other input or weight", i + 1);
        t->storage->version++;
    }
    vt__graph_bind(g, value, vt__tensor_to_view(t).data);
    return VT_OK;
}

/* ---- running ---- */

static vt_status run_steps(vt_graph *g) {
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i < g->n_units; i++)
        st = g->units[i].n_steps > 1 ? vt__group_run(g, &g->units[i]) : vt__op_execute(g->p.backend, &g->runs[g->units[i].first]);
    return st;
}

static vt_status run(vt_graph *g, vt_tensor *const *inputs, int32_t n_inputs) {
    if (n_inputs != g->p.n_inputs) return vt__fail(VT_ERR_INVALID, "graph: %d inputs given, captured were %d", n_inputs, g->p.n_inputs);
    vt_status st = VT_OK;
    for (int32_t i = 0; st == VT_OK && i < n_inputs; i++) st = take_input(g, inputs, i);
    if (st == VT_OK) st = vt__graph_prepare_results(g);
    if (st != VT_OK) return st;
    for (int64_t v = 0; v < g->p.n_values; v++)
        if (g->p.values[v].is_written && g->p.values[v].storage) g->p.values[v].storage->version++;
    return run_steps(g);
}

vt_status vt__graph_run(vt_graph *g, vt_tensor *const *inputs, int32_t n_inputs) {
    int free = 0;
    if (vt__recorder_get()) return vt__fail(VT_ERR_STATE, "graph: a graph cannot be run inside of a capture");
    if (!atomic_compare_exchange_strong(&g->busy, &free, 1)) return vt__fail(VT_ERR_CONFLICT, "graph: another thread runs it");
    vt_status st = run(g, inputs, n_inputs);
    if (st == VT_OK) g->has_results = 1;
    atomic_store(&g->busy, 0);
    return st;
}

/* ---- variables ---- */

static vt_status set(vt_graph *g, const char *name, double f, int64_t whole, int is_whole) {
    struct vt__program *p = &g->p;
    int64_t number = 0;
    while (number < p->n_variables && strcmp(p->variables[number].name, name) != 0) number++;
    if (number == p->n_variables) return vt__fail(VT_ERR_NOT_FOUND, "graph: it has no variable \"%.80s\"", name);
    for (int64_t i = 0; i < g->n_patches && !is_whole; i++)
        if (g->patches[i].variable == number && !g->patches[i].is_float)
            return vt__fail(VT_ERR_INVALID, "graph: \"%.80s\" is %g, %s takes an integer", name, f, g->patches[i].op->name);
    for (int64_t i = 0; i < g->n_patches; i++) {
        const struct vt__patch *patch = &g->patches[i];
        if (patch->variable != number) continue;
        if (patch->is_float) patch->attr->f = f;
        else patch->attr->i[0] = whole;
    }
    p->variables[number].f = f;
    p->variables[number].i = whole;
    return VT_OK;
}

vt_status vt__graph_set(vt_graph *g, const char *name, double f) {
    int is_whole = f >= -0x1p53 && f <= 0x1p53 && f == floor(f);
    return set(g, name, f, is_whole ? (int64_t)f : 0, is_whole);
}

vt_status vt__graph_set_int(vt_graph *g, const char *name, int64_t i) { return set(g, name, (double)i, i, 1); }
