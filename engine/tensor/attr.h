/* Attributes as the host gives them, by name. */
#ifndef VENTURI_TENSOR_ATTR_H
#define VENTURI_TENSOR_ATTR_H

#include "tensor/op.h"

/* A host's value; the attribute's type says which field counts. */
struct vt__attr_value {
    const char *name;
    int64_t i;
    double f;
    const int64_t *list;
    int64_t n_list;
    const char *text; /* with an int or float: name of the variable that the number is the value of; NULL: none */
};

/* INVALID for a name the operation does not have, a choice that does not exist, a list that is too long, a variable where only
 * a number may stand. */
vt_status vt__attrs_set(const struct vt__op_def *op, struct vt__attrs *attrs, const struct vt__attr_value *value);

/* May the attribute be another number at every replay? Only the runner reads it then. */
int vt__attr_may_vary(const struct vt__op_def *op, const struct vt__attr_def *def);

#endif
