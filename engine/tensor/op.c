#include "tensor/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "tensor/dtype.h"

const struct vt__op_def *vt__op_find(const char *name) {
    for (int i = 0; i < VT__OP_COUNT; i++)
        if (strcmp(vt__op_table[i].name, name) == 0) return &vt__op_table[i];
    return NULL;
}

int vt__op_has_gradient(const struct vt__op_def *op) {
    if (op->flags & VT__OP_COMPOSED) return op->flags & VT__OP_TWICE ? 2 : 0;
    return !op->grad ? 0 : op->flags & VT__OP_TWICE ? 2 : 1;
}

void vt__op_inputs(const struct vt__op_def *op, int32_t *least, int32_t *most) {
    const char *s = op->inputs;
    *least = *most = 0;
    while (*s) {
        size_t len = strcspn(s, " ");
        char last = s[len - 1];
        if (last == '*') {
            *most = INT32_MAX;
            (*least)++; /* an empty list has no extents to go by */
        } else {
            (*most)++;
            if (last != '?') (*least)++;
        }
        s += len + strspn(s + len, " ");
    }
}

static enum vt__attr_type type_of(const char *text, size_t len) {
    static const char *const names[] = {"int", "float", "bool", "dim", "dims", "ints", "enum", "dtype", "text"};
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
        if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0) return (enum vt__attr_type)i;
    return VT__ATTR_TEXT;
}

int vt__op_attr(const struct vt__op_def *op, int32_t i, struct vt__attr_def *out) {
    const char *s = op->attrs;
    for (; *s && i > 0; i--) s += strcspn(s, " "), s += strspn(s, " ");
    if (!*s) return 0;
    size_t len = strcspn(s, " "), name_len = strcspn(s, ":");
    const char *type = s + name_len + 1, *value = memchr(s, '=', len);
    out->name = s;
    out->name_len = (int32_t)name_len;
    out->type = type_of(type, strcspn(type, "(=? "));
    out->rest = type + strcspn(type, "(=? ");
    out->may_be_absent = s[len - 1] == '?';
    out->has_default = value != NULL;
    out->value = value ? value + 1 : NULL;
    return 1;
}

/* Number of the choice with this name in "(a,b,c)"; -1: none. */
static int64_t choice(const char *choices, const char *text, size_t len) {
    int64_t i = 0;
    for (const char *s = choices + 1; *s; i++) {
        size_t n = strcspn(s, ",)");
        if (n == len && memcmp(s, text, n) == 0) return i;
        if (s[n] != ',') return -1;
        s += n + 1;
    }
    return -1;
}

vt_status vt__attr_choose(const struct vt__op_def *op, const struct vt__attr_def *def, const char *text, struct vt__attr *out) {
    int64_t i = choice(def->rest, text, strlen(text));
    if (i < 0)
        return vt__fail(VT_ERR_INVALID, "%s: %.*s is \"%.40s\", one of %.*s is needed", op->name, (int)def->name_len, def->name, text,
                        (int)strcspn(def->rest, "= ?"), def->rest);
    out->given = 1;
    out->i[0] = i;
    return VT_OK;
}

static void read_default(const struct vt__attr_def *def, struct vt__attr *a) {
    const char *s = def->value;
    a->given = 1;
    a->count = 1;
    if (def->type == VT__ATTR_ENUM) {
        a->i[0] = choice(def->rest, s, strcspn(s, " "));
    } else if (def->type == VT__ATTR_FLOAT) {
        a->f = strtod(s, NULL);
    } else if (def->type == VT__ATTR_DTYPE) {
        char name[8] = "";
        int32_t dtype = -1;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(s, " "), s);
        (void)vt__dtype_find(name, &dtype);
        a->i[0] = dtype;
    } else {
        a->i[0] = strtoll(s, NULL, 10);
    }
}

void vt__attrs_default(const struct vt__op_def *op, struct vt__attrs *out) {
    struct vt__attr_def def;
    memset(out, 0, sizeof *out);
    for (int32_t i = 0; i < VT__MAX_ATTRS && vt__op_attr(op, i, &def); i++)
        if (def.has_default) read_default(&def, &out->a[i]);
}

vt_status vt__attrs_check(const struct vt__op_def *op, const struct vt__attrs *attrs) {
    struct vt__attr_def def;
    for (int32_t i = 0; i < VT__MAX_ATTRS && vt__op_attr(op, i, &def); i++)
        if (!attrs->a[i].given && !def.may_be_absent) return vt__fail(VT_ERR_INVALID, "%s: %.*s is missing", op->name, (int)def.name_len, def.name);
    return VT_OK;
}
