/* Venturi from C: runs a saved graph once, or trains on with a saved training step.
 * usage: graph run NET.graph INPUT.npy...
 *        graph train STEP.graph AFTER.graph FIRST LAST INPUT.npy...     steps FIRST to LAST on the same batch; AFTER.graph is what is trained then */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <venturi.h>

enum { MOST_INPUTS = 8 };

static int give_up(const char *what) {
    fprintf(stderr, "%s: %s\n", what, vt_error_message());
    return 1;
}

/* What a run takes, known before it. */
static int print_inputs(const vt_graph *graph) {
    vt_graph_cost_info cost = VT_STRUCT_INIT(vt_graph_cost_info);
    if (vt_graph_cost(graph, &cost) != VT_OK) return give_up("cost");
    printf("%d steps, %.0f FLOPs, %llu bytes of weights\n", (int)cost.n_steps, cost.flops, (unsigned long long)cost.kept_bytes);
    for (int32_t i = 0; i < vt_graph_n_inputs(graph); i++) {
        int64_t shape[VT_MAX_DIMS];
        int32_t dtype, n_dims;
        if (vt_graph_input(graph, i, &dtype, shape, &n_dims) != VT_OK) return give_up("input");
        printf("input %d: %s", (int)i + 1, vt_dtype_name(dtype));
        for (int32_t d = 0; d < n_dims; d++) printf(" %lld", (long long)shape[d]);
        putchar('\n');
    }
    return 0;
}

/* All numbers of the results of the last run, with as many digits as tell floats apart. */
static int print_results(vt_graph *graph) {
    for (int32_t i = 0; i < vt_graph_n_results(graph); i++) {
        vt_tensor *t = vt_graph_result(graph, i);
        if (!t || vt_tensor_dtype(t) != VT_DTYPE_F32) return fprintf(stderr, "result %d: no tensor of f32\n", (int)i + 1), 1;
        size_t n = (size_t)vt_tensor_count(t), size = n * sizeof(float);
        float *x = malloc(size);
        if (!x || vt_tensor_read(t, x, size) != VT_OK) return give_up("result");
        printf("result %d:", (int)i + 1);
        for (size_t k = 0; k < n; k++) printf(" %.9g", x[k]);
        putchar('\n');
        free(x);
        vt_tensor_release(t);
    }
    return 0;
}

static int run(vt_graph *graph, vt_tensor **inputs, int32_t n) {
    if (vt_graph_run(graph, inputs, n) != VT_OK) return give_up("run");
    return print_results(graph);
}

/* Weights and the optimizer's state are the graph's own: each run is a step. */
static int train(vt_graph *graph, vt_tensor **inputs, int32_t n, int first, int last, const char *after) {
    for (int i = first; i <= last; i++) {
        if (vt_graph_set_int(graph, "step", i) != VT_OK) return give_up("step");
        if (run(graph, inputs, n)) return 1;
    }
    return vt_graph_save(graph, after, 0) == VT_OK ? 0 : give_up("save");
}

int main(int argc, char **argv) {
    int is_training = argc > 6 && strcmp(argv[1], "train") == 0, first_input = is_training ? 6 : 3;
    int32_t n = argc - first_input;
    vt_context *ctx;
    vt_graph *graph;
    vt_tensor *inputs[MOST_INPUTS];

    if (n < 1 || n > MOST_INPUTS || (!is_training && strcmp(argv[1], "run") != 0)) return 2;
    if (vt_context_create(NULL, &ctx) != VT_OK) return give_up("context");
    if (vt_graph_open(ctx, "/nowhere/net.graph", VT_DEVICE_CPU, &graph) != VT_ERR_NOT_FOUND) return give_up("missing file");
    fprintf(stderr, "error: %s\n", vt_error_message());
    if (vt_graph_open(ctx, argv[2], VT_DEVICE_CPU, &graph) != VT_OK) return give_up("graph");
    for (int32_t i = 0; i < n; i++)
        if (vt_tensor_open_npy(ctx, argv[first_input + i], &inputs[i]) != VT_OK) return give_up("input");
    if (print_inputs(graph)) return 1;
    int failed = is_training ? train(graph, inputs, n, atoi(argv[4]), atoi(argv[5]), argv[3]) : run(graph, inputs, n);
    for (int32_t i = 0; i < n; i++) vt_tensor_release(inputs[i]);
    vt_graph_release(graph);
    vt_context_release(ctx);
    return failed;
}
