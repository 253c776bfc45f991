/* The table of operations. ops.def lists them; everything that knows all operations reads this table: dispatch, gradients, the Lua methods,
 * the reference page, the gradient check. */
#ifndef VENTURI_TENSOR_OP_H
#define VENTURI_TENSOR_OP_H

#include "venturi/types.h"

struct vt__infer;
struct vt__grad;
struct vt__expr;

enum { VT__MAX_DIMS = 8, VT__MAX_ATTRS = 12, VT__MAX_IN = 8 /* except for lists */, VT__MAX_OUT = 4 };

/* Value of an attribute. Which field counts is the attribute's type's to say. */
struct vt__attr {
    int32_t given;            /* 0: absent, and without a default */
    int32_t count;            /* of i, for lists */
    int64_t i[VT__MAX_DIMS];  /* int, bool, dim, dtype, enum (number of the choice) in i[0]; ints, dims */
    double f;                 /* float */
    const char *text;         /* text: the caller's, composed operations only */
    int32_t var;              /* number of the variable whose value this is, in a recording; 0: none. Copied along by gradients */
};
struct vt__attrs {
    struct vt__attr a[VT__MAX_ATTRS];
};

/* A checked dimension counted from 0, negative ones from the end. */
static inline int64_t vt__dim_index(int64_t dim, int32_t ndim) { return dim < 0 ? dim + ndim : dim; }
/* Number for dimension d of two: a list of one stands for both. */
static inline int64_t vt__attr_pair(const struct vt__attr *a, int32_t d) { return a->i[a->count > 1 ? d : 0]; }
/* An attribute that is one number. */
static inline struct vt__attr vt__attr_int(int64_t i) { return (struct vt__attr){.given = 1, .count = 1, .i = {i}}; }

enum vt__attr_type { VT__ATTR_INT, VT__ATTR_FLOAT, VT__ATTR_BOOL, VT__ATTR_DIM, VT__ATTR_DIMS, VT__ATTR_INTS, VT__ATTR_ENUM, VT__ATTR_DTYPE, VT__ATTR_TEXT };

/* Flags of an operation. */
enum {
    VT__OP_VIEW = 1,     /* the output shares the first input's memory */
    VT__OP_COMPOSED = 2, /* made of other operations, so are its gradients */
    VT__OP_DENSE = 8,    /* dispatch hands dense inputs to the runner */
    VT__OP_CAST = 16,    /* dispatch casts floating inputs to the type of the first output (for f16 and bf16 outputs: see WIDE) */
    VT__OP_WIDE = 32,    /* the runner knows no f16 and bf16: dispatch gives it f32 and narrows what it makes */
    VT__OP_TWICE = 64,   /* second order gradients are right and checked */
    VT__OP_ELEMENTWISE = 128, /* element i of the output reads elements i of the inputs only: it may be written over them */
    VT__OP_BF16 = 256,        /* with WIDE: the runner knows bf16 all the same */
    VT__OP_DENSE_OUT = 512,   /* as DENSE, for outputs only */
    VT__OP_VARIES = 1024      /* its numbers are read by the runner only, and may be other ones at every replay; seed, stream and first may everywhere */
};

/* What the gradient needs: inputs by number, all outputs. The tape keeps no other numbers alive. */
enum { VT__KEEP_0 = 1, VT__KEEP_1 = 2, VT__KEEP_2 = 4, VT__KEEP_3 = 8, VT__KEEP_IN = 0xff, VT__KEEP_OUT = 0x100, VT__KEEP_ALL = 0x1ff };

struct vt__op_def {
    const char *name;
    const char *inputs; /* names, "x w b?": ? may be absent, "xs*" a list */
    const char *attrs;  /* "dim:dim=-1 eps:float=1e-5 mode:enum(a,b)=a size:ints?": no = means that it must be given, ? that it may be absent */
    const char *doc;    /* a sentence */
    int32_t id, n_out, flags, keep;
    vt_status (*infer)(struct vt__infer *infer);                    /* shapes and types of the outputs; views: strides too */
    vt_status (*grad)(struct vt__grad *grad);                       /* NULL: none */
    vt_status (*compose)(struct vt__expr *expr, struct vt__infer *call, vt_tensor **out); /* composed operations */
};

#define VT_OP(id, ...) VT__OP_##id,
#define VT_OP_VIEW(id, ...) VT__OP_##id,
#define VT_OP_COMPOSED(id, ...) VT__OP_##id,
enum vt__op {
#include "tensor/ops.def"
    VT__OP_COUNT
};
#undef VT_OP
#undef VT_OP_VIEW
#undef VT_OP_COMPOSED

extern const struct vt__op_def vt__op_table[VT__OP_COUNT];

int vt__op_has_gradient(const struct vt__op_def *op); /* 0, 1, or 2: of second order too */
const struct vt__op_def *vt__op_find(const char *name); /* NULL: none */

/* Description of attribute number i of op: 0 when there is no such attribute. name and choices point into the table and end at a delimiter. */
struct vt__attr_def {
    const char *name;
    int32_t name_len;
    enum vt__attr_type type;
    int32_t may_be_absent, has_default;
    const char *rest; /* text behind the type: "(a,b)" of enums */
    const char *value; /* text of the default; NULL: none */
};
int vt__op_attr(const struct vt__op_def *op, int32_t i, struct vt__attr_def *out);
/* All attributes at their defaults; those that must be given are absent. */
void vt__attrs_default(const struct vt__op_def *op, struct vt__attrs *out);
/* After the caller's values: INVALID naming what is missing. */
vt_status vt__attrs_check(const struct vt__op_def *op, const struct vt__attrs *attrs);
/* Index of the enum's choice in i[0]; INVALID lists the choices. */
vt_status vt__attr_choose(const struct vt__op_def *op, const struct vt__attr_def *def, const char *text, struct vt__attr *out);
/* Least and greatest number of inputs. */
void vt__op_inputs(const struct vt__op_def *op, int32_t *least, int32_t *most);

#endif
