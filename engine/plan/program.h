/* A captured run as data: steps over numbered pieces of memory. What makes one (capture, file), what rewrites one (prune), what plans and runs one (graph)
 * share this. Not here: where anything lies. */
#ifndef VENTURI_PLAN_PROGRAM_H
#define VENTURI_PLAN_PROGRAM_H

#include "tensor/tensor.h"

enum vt__value_kind {
    VT__VALUE_INPUT,     /* memory of the tensor that is given at each run */
    VT__VALUE_KEPT,      /* memory that was there before, or that somebody has kept: weights, states, constants, gradients of leaves */
    VT__VALUE_TEMPORARY, /* lives within a run */
    VT__VALUE_RESULT     /* what a run hands out */
};

/* A piece of memory. */
struct vt__value {
    enum vt__value_kind kind;
    int32_t is_written;         /* by a step */
    size_t size;                /* bytes */
    struct vt__storage *storage; /* of kept ones, retained; of results the one that they were recorded in, retained; else NULL */
};

/* How a step sees a piece of memory. value -1: an input that is absent. */
struct vt__operand {
    int64_t value;
    int64_t offset; /* of element [0, ..., 0], elements */
    struct vt__desc desc;
    int64_t strides[VT__MAX_DIMS];
};

struct vt__step {
    const struct vt__op_def *op;
    struct vt__attrs *attrs; /* var counts from 1 in the program's variables; one of the program's, which steps of the same operation share */
    int64_t operands;       /* number of the first: inputs, then outputs */
    int32_t n_in, n_out;
};

struct vt__variable {
    char *name;  /* owned */
    double f;    /* what it was when it was recorded */
    int64_t i;
};

/* Attributes of steps, each kind of them once: a net has many layers with the same ones. */
struct vt__shared_attrs {
    const struct vt__op_def *op;
    struct vt__attrs attrs;
};

struct vt__program {
    vt_context *ctx; /* retained */
    const struct vt__backend *backend;
    struct vt__value *values;
    struct vt__step *steps;
    struct vt__operand *operands;
    struct vt__variable *variables;
    struct vt__shared_attrs **attrs;
    int64_t n_attrs, cap_attrs, n_values, cap_values, n_steps, cap_steps, n_operands, cap_operands, n_variables, cap_variables;
    struct vt__operand *inputs, *results; /* [n], owned; inputs are dense and at offset 0 of a value of their own */
    int32_t n_inputs, n_results;
    size_t scratch; /* the most bytes that a step works in besides */
};

void vt__program_init(struct vt__program *p, vt_context *ctx, const struct vt__backend *backend);
void vt__program_free(struct vt__program *p);
/* Numbers of new ones; NOMEM. storage is retained. */
vt_status vt__program_add_value(struct vt__program *p, enum vt__value_kind kind, size_t size, struct vt__storage *storage, int64_t *out);
vt_status vt__program_add_variable(struct vt__program *p, const char *name, size_t len, int64_t *out);
/* Room for n_in + n_out operands, zeroed, and the step that has them. attrs is copied, or shared with a step that has the same. */
vt_status vt__program_add_step(struct vt__program *p, const struct vt__op_def *op, const struct vt__attrs *attrs, int32_t n_in, int32_t n_out,
                               struct vt__step **out);
/* All bytes of a value as a row of u8. */
struct vt__operand vt__operand_bytes(int64_t value, size_t size);
struct vt__operand vt__operand_of(const vt_tensor *t, int64_t value);
/* base + bytes; some place where base is NULL, as that of memory without bytes is: a view with NULL would be an input that is absent. */
void *vt__place(void *base, int64_t bytes);
struct vt__view vt__operand_view(const struct vt__operand *o, void *base);
int vt__operand_is_dense(const struct vt__operand *o);
int64_t vt__operand_count(const struct vt__operand *o);
/* 1 where it reaches every byte of a value of this size, each once. */
int vt__operand_covers(const struct vt__operand *o, size_t size);

/* Which values steps write: is_written of each. */
void vt__program_mark_written(struct vt__program *p);
/* Takes out what no result and no kept value depends on; temporaries that only ever hold numbers from the host become kept ones. Values that nothing
 * uses any more keep their numbers. */
vt_status vt__program_prune(struct vt__program *p);
/* Elements of all kept values that somebody sees, each in the type that it is seen in first. */
int64_t vt__program_count_weights(const struct vt__program *p, uint64_t *bytes);
/* The same steps over the same kept values, but for those that a step writes: of these the new program has copies. from has not run. */
vt_status vt__program_share(const struct vt__program *from, struct vt__program *out);
/* Sums of gradients of slices that make up a whole become the whole, written slice by slice. */
vt_status vt__program_join_slices(struct vt__program *p);

#endif
