/* Public calls of venturi/graph.h: check and forward. */
#include "venturi/graph.h"

#include "core/error.h"
#include "core/options.h"
#include "plan/graph.h"
#include "venturi/tensor.h"

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
