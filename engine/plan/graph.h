/* A captured run that can be done again: its memory planned into one block, its steps prepared with addresses. One user at a time. */
#ifndef VENTURI_PLAN_GRAPH_H
#define VENTURI_PLAN_GRAPH_H

#include "plan/capture.h"
#include "venturi/types.h"

/* Captures fn over the inputs; the results of that run are there as those of any other. */
vt_status vt__graph_capture(vt_context *ctx, vt_tensor *const *inputs, int32_t n_inputs, vt__capture_fn fn, void *user, vt_graph **out);
/* Takes the program over, also on failure. is_foreign: memory that a step might see before it is written is zeroed, and there are no results yet. */
vt_status vt__graph_of_program(struct vt__program *p, int is_foreign, vt_graph **out);
vt_graph *vt__graph_retain(vt_graph *g);
void vt__graph_release(vt_graph *g);

/* All steps. inputs: tensors of the types and extents that were captured. Errors:  SHAPE, DTYPE, DEVICE, STATE (an input that is written and
 * cannot be), CONFLICT (somebody else runs it), what the steps fail with. */
vt_status vt__graph_run(vt_graph *g, vt_tensor *const *inputs, int32_t n_inputs);
int32_t vt__graph_n_inputs(const vt_graph *g);
int32_t vt__graph_n_results(const vt_graph *g);
const struct vt__desc *vt__graph_input(const vt_graph *g, int32_t i);
int vt__graph_writes_input(const vt_graph *g, int32_t i);
const struct vt__desc *vt__graph_output(const vt_graph *g, int32_t i);
/* Result i of the last run, borrowed; NULL before the first of one that was opened. While nobody else holds it its memory serves the next run; else the next run takes other memory. */
vt_tensor *vt__graph_result(vt_graph *g, int32_t i);

/* The number of a variable from now on; NOT_FOUND, INVALID (a fraction for an integer). */
vt_status vt__graph_set(vt_graph *g, const char *name, double f);
vt_status vt__graph_set_int(vt_graph *g, const char *name, int64_t i);

struct vt__graph_cost {
    uint64_t arena_bytes;  /* one block for all temporaries */
    uint64_t least_bytes;  /* most that live at a step: no plan needs less */
    uint64_t scratch_bytes; /* of the steps that work in memory besides */
    uint64_t result_bytes, input_bytes, kept_bytes;
    uint64_t peak_bytes;   /* all of these but the inputs and the kept ones: what a run needs */
    double flops;
    int64_t n_steps;
};
struct vt__graph_cost vt__graph_cost(const vt_graph *g);

#endif
