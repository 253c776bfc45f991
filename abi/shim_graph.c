/* Public calls of venturi/graph.h: check and forward. */
#define VT_EXPERIMENTAL
#include "venturi/graph.h"

#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "plan/arena.h"
#include "plan/file.h"
#include "plan/graph.h"
#include "plan/report.h"
#include "venturi/tensor.h"
#include "venturi_experimental.h"

_Static_assert(sizeof(size_t) == sizeof(uint64_t) && sizeof(vt_arena_span) == sizeof(struct vt__span), "spans are the engine's");
_Static_assert((int)VT_GRAPH_MAX_RESULTS == (int)VT__MOST_RESULTS, "the public constant is the engine's");

static vt_status check_inputs(vt_tensor *const *inputs, int32_t n) {
    if (n < 0 || (n && !inputs)) return vt__fail(VT_ERR_INVALID, "graph: inputs is NULL, or their number %d negative", n);
    for (int32_t i = 0; i < n; i++)
        if (!inputs[i]) return vt__fail(VT_ERR_INVALID, "graph: input %d is NULL", i + 1);
    return VT_OK;
}

vt_status vt_graph_capture(vt_context *ctx, vt_tensor *const *inputs, int32_t n_inputs, vt_capture_fn fn, void *user, vt_graph **out) {
    if (out) *out = NULL;
    if (!ctx || !fn || !out) return vt__fail(VT_ERR_INVALID, "graph: ctx, fn or out is NULL");
    vt_status st = check_inputs(inputs, n_inputs);
    return st == VT_OK ? vt__graph_capture(ctx, inputs, n_inputs, fn, user, out) : st;
}

vt_graph *vt_graph_retain(vt_graph *graph) { return vt__graph_retain(graph); }
void vt_graph_release(vt_graph *graph) { vt__graph_release(graph); }

vt_status vt_graph_run(vt_graph *graph, vt_tensor *const *inputs, int32_t n_inputs) {
    if (!graph) return vt__fail(VT_ERR_INVALID, "graph: graph is NULL");
    vt_status st = check_inputs(inputs, n_inputs);
    return st == VT_OK ? vt__graph_run(graph, inputs, n_inputs) : st;
}

int32_t vt_graph_n_inputs(const vt_graph *graph) { return graph ? vt__graph_n_inputs(graph) : 0; }
int32_t vt_graph_n_results(const vt_graph *graph) { return graph ? vt__graph_n_results(graph) : 0; }

vt_tensor *vt_graph_result(vt_graph *graph, int32_t i) {
    if (!graph || i < 0 || i >= vt__graph_n_results(graph)) return NULL;
    return vt_tensor_retain(vt__graph_result(graph, i));
}

static vt_status write_desc(const struct vt__desc *desc, int32_t *dtype, int64_t *shape, int32_t *n_dims) {
    *dtype = desc->dtype;
    *n_dims = desc->ndim;
    memcpy(shape, desc->shape, (size_t)desc->ndim * sizeof *shape);
    return VT_OK;
}

vt_status vt_graph_input(const vt_graph *graph, int32_t i, int32_t *dtype, int64_t *shape, int32_t *n_dims) {
    if (!graph || !dtype || !shape || !n_dims) return vt__fail(VT_ERR_INVALID, "graph: graph, dtype, shape or n_dims is NULL");
    if (i < 0 || i >= vt__graph_n_inputs(graph)) return vt__fail(VT_ERR_INVALID, "graph: input %d of %d", i + 1, vt__graph_n_inputs(graph));
    return write_desc(vt__graph_input(graph, i), dtype, shape, n_dims);
}

vt_status vt_graph_output(const vt_graph *graph, int32_t i, int32_t *dtype, int64_t *shape, int32_t *n_dims) {
    if (!graph || !dtype || !shape || !n_dims) return vt__fail(VT_ERR_INVALID, "graph: graph, dtype, shape or n_dims is NULL");
    if (i < 0 || i >= vt__graph_n_results(graph)) return vt__fail(VT_ERR_INVALID, "graph: result %d of %d", i + 1, vt__graph_n_results(graph));
    return write_desc(vt__graph_output(graph, i), dtype, shape, n_dims);
}

vt_status vt_graph_save(vt_graph *graph, const char *path, uint32_t flags) {
    if (!graph || !path) return vt__fail(VT_ERR_INVALID, "graph: graph or path is NULL");
    if (flags & ~(uint32_t)VT_GRAPH_SAVE_F16) return vt__fail(VT_ERR_INVALID, "graph: unknown flags 0x%x", flags);
    return vt__graph_save(graph, path, (flags & VT_GRAPH_SAVE_F16) != 0);
}

vt_status vt_graph_open(vt_context *ctx, const char *path, int32_t device, vt_graph **out) {
    if (out) *out = NULL;
    if (!ctx || !path || !out) return vt__fail(VT_ERR_INVALID, "graph: ctx, path or out is NULL");
    return vt__graph_open(ctx, path, device, out);
}

vt_status vt_graph_set(vt_graph *graph, const char *name, double value) {
    if (!graph || !name) return vt__fail(VT_ERR_INVALID, "graph: graph or name is NULL");
    return vt__graph_set(graph, name, value);
}

vt_status vt_graph_set_int(vt_graph *graph, const char *name, int64_t value) {
    if (!graph || !name) return vt__fail(VT_ERR_INVALID, "graph: graph or name is NULL");
    return vt__graph_set_int(graph, name, value);
}

vt_status vt_graph_cost(const vt_graph *graph, vt_graph_cost_info *out) {
    enum { FIRST_SIZE = 80 }; /* sizeof in the first release */
    if (!graph || !out) return vt__fail(VT_ERR_INVALID, "graph: graph or out is NULL");
    struct vt__graph_cost c = vt__graph_cost(graph);
    vt_graph_cost_info info = {.peak_bytes = c.peak_bytes, .arena_bytes = c.arena_bytes, .least_bytes = c.least_bytes, .scratch_bytes = c.scratch_bytes};
    info.result_bytes = c.result_bytes, info.input_bytes = c.input_bytes, info.kept_bytes = c.kept_bytes;
    info.flops = c.flops, info.n_steps = c.n_steps;
    return vt__result_write("graph", out, &info, sizeof info, FIRST_SIZE);
}

vt_status vt_graph_report(const vt_graph *graph, vt_buffer **out) {
    if (out) *out = NULL;
    if (!graph || !out) return vt__fail(VT_ERR_INVALID, "graph: graph or out is NULL");
    return vt__graph_report(graph, out);
}

vt_status vt_arena_plan(vt_context *ctx, const vt_arena_span *spans, int64_t n, int32_t order, uint64_t *offsets, uint64_t *size, uint64_t *least) {
    if (!ctx || n < 0 || (n && (!spans || !offsets)) || !size || !least) return vt__fail(VT_ERR_INVALID, "plan: ctx, spans, offsets, size or least is NULL");
    if (order < VT_ARENA_BY_NUMBER || order > VT_ARENA_BEST) return vt__fail(VT_ERR_INVALID, "plan: order %d", order);
    for (int64_t i = 0; i < n; i++)
        if (spans[i].first > spans[i].last || spans[i].size > INT64_MAX) return vt__fail(VT_ERR_INVALID, "plan: span %lld ends before it begins, or is too large", (long long)i);
    return vt__arena_solve(ctx, (const struct vt__span *)(const void *)spans, n, order, (size_t *)offsets, (size_t *)size, (size_t *)least);
}
