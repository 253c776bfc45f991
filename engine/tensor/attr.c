#include "tensor/attr.h"

#include <string.h>

#include "core/error.h"
#include "tensor/record.h"

static int find(const struct vt__op_def *op, const char *name, struct vt__attr_def *def) {
    for (int32_t i = 0; i < VT__MAX_ATTRS && vt__op_attr(op, i, def); i++)
        if (strlen(name) == (size_t)def->name_len && memcmp(name, def->name, (size_t)def->name_len) == 0) return i;
    return -1;
}

static vt_status set_list(const struct vt__op_def *op, struct vt__attr *a, const struct vt__attr_value *value) {
    if (value->n_list < 0 || value->n_list > VT__MAX_DIMS || (value->n_list && !value->list))
        return vt__fail(VT_ERR_INVALID, "%s: %s has %lld numbers, at most %d are possible", op->name, value->name, (long long)value->n_list, VT__MAX_DIMS);
    a->count = value->list ? (int32_t)value->n_list : 1;
    a->i[0] = value->i;
    for (int64_t k = 0; k < value->n_list; k++) a->i[k] = value->list[k];
    return VT_OK;
}

int vt__attr_may_vary(const struct vt__op_def *op, const struct vt__attr_def *def) {
    static const char *const names[] = {"seed", "stream", "first"};
    if (def->type != VT__ATTR_INT && def->type != VT__ATTR_FLOAT) return 0;
    for (int i = 0; i < 3; i++)
        if (strlen(names[i]) == (size_t)def->name_len && memcmp(names[i], def->name, (size_t)def->name_len) == 0) return 1;
    return (op->flags & VT__OP_VARIES) != 0;
}

/* Outside of a recording a variable is its value. */
static vt_status set_variable(const struct vt__op_def *op, const struct vt__attr_def *def, struct vt__attr *a, const struct vt__attr_value *value) {
    struct vt__recorder *recorder = vt__recorder_get();
    if (!vt__attr_may_vary(op, def))
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: %s cannot be the variable \"%.40s\": its number goes into extents or gradients", op->name, value->name, value->text);
    return recorder ? recorder->variable(recorder, value->text, &a->var) : VT_OK;
}

vt_status vt__attrs_set(const struct vt__op_def *op, struct vt__attrs *attrs, const struct vt__attr_value *value) {
    struct vt__attr_def def;
    if (!value->name) return vt__fail(VT_ERR_INVALID, "%s: an attribute without a name", op->name);
    int i = find(op, value->name, &def);
    if (i < 0) return vt__fail(VT_ERR_INVALID, "%s: no attribute \"%.40s\"; it has \"%s\"", op->name, value->name, op->attrs);
    struct vt__attr *a = &attrs->a[i];
    a->given = 1;
    a->count = 1;
    a->i[0] = value->i;
    a->f = value->f;
    a->text = value->text;
    a->var = 0;
    if (value->text && (def.type == VT__ATTR_INT || def.type == VT__ATTR_FLOAT)) return set_variable(op, &def, a, value);
    if (def.type == VT__ATTR_INTS || def.type == VT__ATTR_DIMS) return set_list(op, a, value);
    if ((def.type == VT__ATTR_ENUM || def.type == VT__ATTR_TEXT) && !value->text)
        return vt__fail(VT_ERR_INVALID, "%s: %s is a text", op->name, value->name);
    return def.type == VT__ATTR_ENUM ? vt__attr_choose(op, &def, value->text, a) : VT_OK;
}
