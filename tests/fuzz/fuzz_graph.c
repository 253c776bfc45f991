/* Any bytes as a saved graph. The sums are made right first, or no forged program would get past them; what opens is run on zeros. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "plan/file.h"
#include "venturi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_INPUTS = 16 };

static void put_word(uint8_t *to, uint64_t v) {
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)(v >> (8 * i));
}

static void seal(uint8_t *data, size_t size) {
    uint64_t program = 0;
    for (int i = 0; i < 8; i++) program |= (uint64_t)data[24 + i] << (8 * i);
    put_word(data + 16, size);
    if (program <= size - VT__GRAPH_HEAD) put_word(data + 32, vt__hash(data + VT__GRAPH_HEAD, (size_t)program));
    put_word(data + 40, vt__hash(data, 40));
}

static void run(vt_context *ctx, vt_graph *graph) {
    vt_tensor *in[MOST_INPUTS] = {0};
    int32_t n = vt_graph_n_inputs(graph), dtype, n_dims;
    int64_t shape[VT_MAX_DIMS];
    vt_status st = n <= MOST_INPUTS ? VT_OK : VT_ERR_LIMIT;
    for (int32_t i = 0; st == VT_OK && i < n; i++) {
        st = vt_graph_input(graph, i, &dtype, shape, &n_dims);
        if (st == VT_OK) st = vt_tensor_create(ctx, dtype, shape, n_dims, VT_DEVICE_CPU, &in[i]);
    }
    vt_graph_cost_info cost = VT_STRUCT_INIT(vt_graph_cost_info);
    if (st == VT_OK) st = vt_graph_cost(graph, &cost);
    if (st == VT_OK && cost.flops < 1e8) st = vt_graph_run(graph, in, n);
    for (int32_t i = 0; i < n && i < MOST_INPUTS; i++) vt_tensor_release(in[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_graph *graph = NULL;
    uint8_t *copy = size >= VT__GRAPH_HEAD ? malloc(size) : NULL;
    o.memory_limit = 1 << 26;
    o.n_threads = 1;
    if (copy && vt_context_create(&o, &ctx) == VT_OK) {
        memcpy(copy, data, size);
        seal(copy, size);
        if (vt__graph_parse(ctx, copy, size, VT_DEVICE_CPU, &graph) == VT_OK) run(ctx, graph);
        vt_graph_release(graph);
    }
    vt_context_release(ctx);
    free(copy);
    return 0;
}
