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
#include "tensor/tensor.h"
#include "venturi/solver.h"
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

/* ---- as a solver's model ---- */

static int is_like(int32_t dtype, const int64_t *shape, int32_t n_dims, const vt_tensor *t) {
    return dtype == vt_tensor_dtype(t) && n_dims == vt_tensor_n_dims(t) && !memcmp(shape, vt_tensor_shape(t), (size_t)n_dims * sizeof *shape);
}

/* Whether the graph takes the request's state and times and answers with its like; *time_type: the type of the times. */
static vt_status check_model(const vt_graph *g, const vt_solver_request *r, int32_t n_inputs, int32_t *time_type) {
    int64_t shape[VT_MAX_DIMS];
    int32_t dtype, n_dims;
    if (vt__graph_n_inputs(g) != n_inputs || vt__graph_n_results(g) != 1)
        return vt__fail(VT_ERR_INVALID, "graph: a solver's model takes a state, times%s and has one result; this one takes %d and has %d", n_inputs == 3 ? ", what is given" : "",
                        vt__graph_n_inputs(g), vt__graph_n_results(g));
    for (int32_t i = 0; i < n_inputs; i++)
        if (vt__graph_writes_input(g, i)) return vt__fail(VT_ERR_UNSUPPORTED, "graph: a solver's model that writes to its input %d", i + 1);
    (void)write_desc(vt__graph_input(g, 0), &dtype, shape, &n_dims);
    if (n_dims && shape[0] != r->n_rows && dtype == vt_tensor_dtype(r->x))
        return vt__fail(VT_ERR_SHAPE, "graph: captured for %lld rows, the solver has %lld: a graph has one number of rows", (long long)shape[0], (long long)r->n_rows);
    if (dtype != vt_tensor_dtype(r->x)) return vt__fail(VT_ERR_DTYPE, "graph: captured for states of %s, the solver's are %s", vt_dtype_name(dtype), vt_dtype_name(vt_tensor_dtype(r->x)));
    if (!is_like(dtype, shape, n_dims, r->x)) return vt__fail(VT_ERR_SHAPE, "graph: captured for states of other extents than the solver's");
    (void)write_desc(vt__graph_output(g, 0), &dtype, shape, &n_dims);
    if (!is_like(dtype, shape, n_dims, r->x)) return vt__fail(VT_ERR_SHAPE, "graph: its result is not of the state's type and extents");
    (void)write_desc(vt__graph_input(g, 1), time_type, shape, &n_dims);
    if (*time_type != VT_DTYPE_F32 && *time_type != VT_DTYPE_F64) return vt__fail(VT_ERR_DTYPE, "graph: times are f32 or f64, captured were %s", vt_dtype_name(*time_type));
    if (n_dims != 1 || shape[0] != r->n_rows) return vt__fail(VT_ERR_SHAPE, "graph: times are [%lld], one for each row; captured were others", (long long)r->n_rows);
    return VT_OK;
}

/* The request's times as a tensor of the type that the graph takes. */
static vt_status make_times(const vt_solver_request *r, int32_t dtype, vt_tensor **out) {
    vt_status st = vt_tensor_create(r->x->ctx, dtype, &r->n_rows, 1, VT_DEVICE_CPU, out);
    if (st != VT_OK) return st;
    void *data = vt_tensor_data(*out);
    for (int64_t i = 0; i < r->n_rows; i++) {
        if (dtype == VT_DTYPE_F64) ((double *)data)[i] = r->time[i];
        else ((float *)data)[i] = (float)r->time[i];
    }
    return VT_OK;
}

static vt_status predict(vt_graph *g, vt_tensor *x, vt_tensor *times, vt_tensor *given, vt_tensor **out) {
    vt_tensor *inputs[] = {x, times, given};
    vt_status st = vt__graph_run(g, inputs, given ? 3 : 2);
    if (st == VT_OK) *out = vt_tensor_retain(vt__graph_result(g, 0));
    return st;
}

vt_status vt_graph_model(void *denoiser, const vt_solver_request *request, vt_tensor **out) {
    enum { FIRST_SIZE = 32 };
    vt_graph_denoiser d;
    vt_tensor *times = NULL;
    int32_t time_type = VT_DTYPE_F32;
    if (!denoiser || !request || !out || !request->x) return vt__fail(VT_ERR_INVALID, "graph: denoiser, request, its state or out is NULL");
    vt_status st = vt__options_read("graph", &d, sizeof d, FIRST_SIZE, denoiser);
    if (st != VT_OK) return st;
    if (!d.graph || d.reserved) return vt__fail(VT_ERR_INVALID, "graph: graph is NULL, or reserved is not 0");
    if (request->model) return vt__fail(VT_ERR_UNSUPPORTED, "graph: the solver asks for a second model, a graph is one");
    if (request->n_predictions == 2 && (!d.given || !d.plain)) return vt__fail(VT_ERR_INVALID, "graph: guidance needs `given` and `plain`, the third input of either prediction");
    st = check_model(d.graph, request, d.given ? 3 : 2, &time_type);
    if (st == VT_OK) st = make_times(request, time_type, &times);
    if (st == VT_OK) st = predict(d.graph, request->x, times, d.given, out);
    if (st == VT_OK && request->n_predictions == 2) {
        st = predict(d.graph, request->x, times, d.plain, out + 1);
        if (st != VT_OK) vt_tensor_release(out[0]), out[0] = NULL;
    }
    vt_tensor_release(times);
    return st;
}

vt_status vt_arena_plan(vt_context *ctx, const vt_arena_span *spans, int64_t n, int32_t order, uint64_t *offsets, uint64_t *size, uint64_t *least) {
    if (!ctx || n < 0 || (n && (!spans || !offsets)) || !size || !least) return vt__fail(VT_ERR_INVALID, "plan: ctx, spans, offsets, size or least is NULL");
    if (order < VT_ARENA_BY_NUMBER || order > VT_ARENA_BEST) return vt__fail(VT_ERR_INVALID, "plan: order %d", order);
    for (int64_t i = 0; i < n; i++)
        if (spans[i].first > spans[i].last || spans[i].size > INT64_MAX) return vt__fail(VT_ERR_INVALID, "plan: span %lld ends before it begins, or is too large", (long long)i);
    return vt__arena_solve(ctx, (const struct vt__span *)(const void *)spans, n, order, (size_t *)offsets, (size_t *)size, (size_t *)least);
}
