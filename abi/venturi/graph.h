/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Graphs: one run of tensor operations (forward; or forward, backward and the optimizer's step) captured and done again, without the host's code in between:
 * memory planned into one block, nothing allocated, the same bits as the run itself would give.
 *
 * A capture runs the host's function once, as it would run anyway, and notes every step. The tensors in it are
 *   inputs      declared; each run gives tensors of the same types and extents in their place
 *   kept        there before the capture (weights, states of optimizers, constants), or made in it and still held by somebody when it ends (gradients of
 *               leaves): they are read and written in place, at every run
 *   temporary   all others: they share one block
 *   results     what the function hands back.
 * What depends on numbers that the host looks at cannot be captured: reading a tensor that is made inside is refused (STATE). The host's own control
 * flow is captured as it went. Numbers that change from run to run are variables: an int or float attribute whose vt_attr.text names one. The attributes
 * of optimizers' steps, seed, stream and first of random operations, and the value of fill can be variables.
 *
 * Threads: a capture is its thread's; nothing that is made inside may be used by another before it ends. A graph has one user at a time. */
#ifndef VENTURI_GRAPH_H
#define VENTURI_GRAPH_H

#include "venturi/types.h"

enum { VT_GRAPH_MAX_RESULTS = 64 };

/* The work to capture. in [n_in]: borrowed stand-ins for the inputs. Results go to out [VT_GRAPH_MAX_RESULTS], references that the library takes over, and
 * their number to *n_out. Anything but VT_OK ends the capture with that status. */
typedef vt_status (*vt_capture_fn)(void *user, vt_tensor *const *in, int32_t n_in, vt_tensor **out, int32_t *n_out);

/**
 * Runs fn once and makes a graph of it, whose results (vt_graph_result) are those of this run.
 *
 * Errors:  STATE (inside of a capture; a tensor of it was looked at; a state that is updated was made in it), DEVICE (tensors on several), UNSUPPORTED (a variable
 *          where only a number can be), LIMIT, NOMEM, what fn and its operations fail with.
 */
VT_API VT_MUST_USE vt_status vt_graph_capture(vt_context *ctx, vt_tensor *const *inputs, int32_t n_inputs, vt_capture_fn fn, void *user, vt_graph **out);
VT_API vt_graph *vt_graph_retain(vt_graph *graph);
VT_API void vt_graph_release(vt_graph *graph);

/**
 * Does all steps again.
 *
 * inputs  [n_inputs], types and extents as captured. Dense ones are read where they lie, others are copied. One that the captured function wrote to is
 *         written, and must be dense.
 *
 * When it fails half-way the kept tensors that were written have changed. Errors:  INVALID (number of inputs), SHAPE, DTYPE, DEVICE, STATE (inside of a capture; an
 *         input that cannot be written), CONFLICT (another thread runs it), NOMEM, what the operations fail with.
 */
VT_API VT_MUST_USE vt_status vt_graph_run(vt_graph *graph, vt_tensor *const *inputs, int32_t n_inputs);
/** Inputs and results; 0 for NULL. */
VT_API int32_t vt_graph_n_inputs(const vt_graph *graph);
VT_API int32_t vt_graph_n_results(const vt_graph *graph);
/**
 * Result i of the last run, a new reference; NULL if there is none. It stays as it is for as long as somebody holds it; once nobody does, its memory
 * serves the next run, which allocates other memory meanwhile.
 */
VT_API vt_tensor *vt_graph_result(vt_graph *graph, int32_t i);

/** The value of a variable from the next run on. Errors:  NOT_FOUND, INVALID (a fraction where an integer is needed). */
VT_API VT_MUST_USE vt_status vt_graph_set(vt_graph *graph, const char *name, double value);
VT_API VT_MUST_USE vt_status vt_graph_set_int(vt_graph *graph, const char *name, int64_t value);

/** Type and extents that input i must have: shape [VT_MAX_DIMS of tensor.h] gets n_dims of them. Errors:  INVALID. */
VT_API VT_MUST_USE vt_status vt_graph_input(const vt_graph *graph, int32_t i, int32_t *dtype, int64_t *shape, int32_t *n_dims);

/** Type and extents of result i, known before it runs. Errors:  INVALID. */
VT_API VT_MUST_USE vt_status vt_graph_output(const vt_graph *graph, int32_t i, int32_t *dtype, int64_t *shape, int32_t *n_dims);

enum { VT_GRAPH_SAVE_F16 = 1 /* weights of f32 that no step writes as f16 */ };
/**
 * Replaces path by the graph with its kept tensors: a file that any host runs without Lua. A crash leaves the old file or the new one.
 *
 * Errors:  INVALID (flags), CONFLICT (it is running), IO, NOT_FOUND (no such folder), NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_graph_save(vt_graph *graph, const char *path, uint32_t flags);
/**
 * Opens a saved graph on a device (VT_DEVICE_*). Its sums are checked, every step is inferred anew, memory is planned anew. Weights that no step writes stay
 * in the mapped file; a file that somebody shortens meanwhile takes the process down, as with every mapping. There are no results before the first run.
 * For several at a time over the same weights: vt_model_open and vt_model_graph of llm.h.
 *
 * Errors:  NOT_FOUND, IO, FORMAT, UNSUPPORTED (version, operation), DEVICE, LIMIT, NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_graph_open(vt_context *ctx, const char *path, int32_t device, vt_graph **out);

/* Known before it runs. Bytes are those of memory that this graph asks for. */
typedef struct vt_graph_cost_info {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t peak_bytes;    /* arena, scratch and results: what a run needs besides its inputs and kept tensors */
    uint64_t arena_bytes;   /* all temporaries */
    uint64_t least_bytes;   /* the most that live at one step: no plan of this order needs less */
    uint64_t scratch_bytes; /* of steps that work in memory of their own */
    uint64_t result_bytes, input_bytes, kept_bytes;
    double flops;           /* additions and multiplications, about */
    int64_t n_steps;
} vt_graph_cost_info;
/** What a run costs. Errors:  INVALID. */
VT_API VT_MUST_USE vt_status vt_graph_cost(const vt_graph *graph, vt_graph_cost_info *out);
/** All that is known of it as JSON: the cost, inputs, results, variables, each step with its operation, extents, bytes, FLOPs and the unit that it is part of (elementwise
 * steps behind one another are done together, block by block), and where temporaries live in the arena, from which unit to which. A new buffer. Errors:  NOMEM. */
VT_API VT_MUST_USE vt_status vt_graph_report(const vt_graph *graph, vt_buffer **out);

#endif
