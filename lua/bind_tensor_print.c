/* A tensor as text: numbers in columns, long ones abbreviated, type and extents behind.
 *
 *   [[  1.0000,   2.5000],
 *    [-10.0000,   0.0000]] f32[2,2]
 *
 * Numbers of one tensor have one form, as in NumPy and PyTorch: integers where all are whole, four digits behind the point, or an exponent where they lie
 * far apart. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bind_tensor.h"
#include "capability.h"

enum { EDGE = 3, MOST = 1000 /* elements up to which all are shown */, WIDE = 40 /* bytes of a number */, LINE = 100 };

typedef struct printer {
    lua_State *L;
    luaL_Buffer *b;
    const vt_tensor *t;
    const void *data; /* of a short text: the edges alone, side by side */
    int32_t dtype;
    int64_t strides[VT_MAX_DIMS];
    int is_short; /* only the edges of long dimensions */
    int width;
    char form;    /* 'd' as integers, 'f' or 'e' */
} printer;

/* Real numbers of element i: one or two. */
static int parts(const printer *p, int64_t i, double *out) {
    switch (p->dtype) {
    case VT_DTYPE_F32: out[0] = (double)((const float *)p->data)[i]; return 1;
    case VT_DTYPE_F64: out[0] = ((const double *)p->data)[i]; return 1;
    case VT_DTYPE_C64: out[0] = (double)((const float *)p->data)[2 * i], out[1] = (double)((const float *)p->data)[2 * i + 1]; return 2;
    default: out[0] = ((const double *)p->data)[2 * i], out[1] = ((const double *)p->data)[2 * i + 1]; return 2;
    }
}

static int real_text(const printer *p, double v, char *out) {
    if (!isfinite(v)) return snprintf(out, WIDE, "%s", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
    return snprintf(out, WIDE, p->form == 'd' ? "%.0f." : p->form == 'f' ? "%.4f" : "%.4e", v);
}

static int element_text(const printer *p, int64_t i, char *out) {
    double v[2];
    switch (p->dtype) {
    case VT_DTYPE_BOOL: return snprintf(out, WIDE, "%s", ((const uint8_t *)p->data)[i] ? "true" : "false");
    case VT_DTYPE_U8: return snprintf(out, WIDE, "%d", ((const uint8_t *)p->data)[i]);
    case VT_DTYPE_I8: return snprintf(out, WIDE, "%d", ((const int8_t *)p->data)[i]);
    case VT_DTYPE_I32: return snprintf(out, WIDE, "%d", ((const int32_t *)p->data)[i]);
    case VT_DTYPE_I64: return snprintf(out, WIDE, "%lld", (long long)((const int64_t *)p->data)[i]);
    default: break;
    }
    int n = parts(p, i, v), len = real_text(p, v[0], out);
    if (n == 2) {
        char imaginary[WIDE];
        (void)real_text(p, v[1], imaginary);
        len += snprintf(out + len, WIDE, "%s%si", signbit(v[1]) ? "" : "+", imaginary);
    }
    return len;
}

static int is_left_out(const printer *p, int32_t d, int64_t i) {
    int64_t n = vt_tensor_shape(p->t)[d];
    return p->is_short && n > 2 * EDGE && i >= EDGE && i < n - EDGE;
}

/* How far place i of dimension d is in data. */
static int64_t offset(const printer *p, int32_t d, int64_t i) {
    int64_t n = vt_tensor_shape(p->t)[d];
    return (p->is_short && n > 2 * EDGE && i >= EDGE ? i - (n - 2 * EDGE) : i) * p->strides[d];
}

/* Calls look for every element that is shown. */
static void each(printer *p, int32_t d, int64_t at, void (*look)(printer *p, int64_t i, double *range), double *range) {
    if (d == vt_tensor_n_dims(p->t)) {
        look(p, at, range);
        return;
    }
    for (int64_t i = 0; i < vt_tensor_shape(p->t)[d]; i++) {
        if (is_left_out(p, d, i)) i = vt_tensor_shape(p->t)[d] - EDGE;
        each(p, d + 1, at + offset(p, d, i), look, range);
    }
}

/* range: whether all are whole, the least that is not 0 and the greatest absolute value. */
static void look_range(printer *p, int64_t i, double *range) {
    double v[2];
    int n = parts(p, i, v);
    for (int k = 0; k < n; k++) {
        double a = fabs(v[k]);
        if (!isfinite(a)) continue;
        if (a != floor(a)) range[0] = 0;
        if (a > 0 && a < range[1]) range[1] = a;
        if (a > range[2]) range[2] = a;
    }
}

static void look_width(printer *p, int64_t i, double *range) {
    char text[2 * WIDE];
    int len = element_text(p, i, text);
    (void)range;
    if (len > p->width) p->width = len;
}

static void choose_form(printer *p) {
    double range[] = {1, INFINITY, 0};
    if (!bind_dtype_is_float(p->dtype) && !bind_dtype_is_complex(p->dtype)) return;
    each(p, 0, 0, look_range, range);
    int is_far = range[2] >= 1e8 || (range[2] > 0 && (range[1] < 1e-4 || range[2] / range[1] > 1e8));
    p->form = is_far ? 'e' : range[0] != 0 ? 'd' : 'f';
}

static void add_spaces(printer *p, int n) {
    while (n-- > 0) luaL_addchar(p->b, ' ');
}

static void add_row(printer *p, int64_t at) {
    int32_t d = vt_tensor_n_dims(p->t) - 1;
    int column = d + 1;
    for (int64_t i = 0; i < vt_tensor_shape(p->t)[d]; i++) {
        char text[2 * WIDE];
        if (i) luaL_addchar(p->b, ',');
        if (column + p->width > LINE) luaL_addchar(p->b, '\n'), add_spaces(p, d + 1), column = d + 1;
        else if (i) luaL_addchar(p->b, ' ');
        column += p->width + 2;
        if (is_left_out(p, d, i)) {
            luaL_addstring(p->b, "...");
            i = vt_tensor_shape(p->t)[d] - EDGE - 1;
            continue;
        }
        int len = element_text(p, at + offset(p, d, i), text);
        add_spaces(p, p->width - len);
        luaL_addlstring(p->b, text, (size_t)len);
    }
}

static void add_lists(printer *p, int32_t d, int64_t at) {
    int32_t n_dims = vt_tensor_n_dims(p->t);
    luaL_addchar(p->b, '[');
    if (d == n_dims - 1) {
        add_row(p, at);
    } else {
        for (int64_t i = 0; i < vt_tensor_shape(p->t)[d]; i++) {
            if (i) {
                luaL_addchar(p->b, ',');
                for (int32_t k = d; k < n_dims - 1; k++) luaL_addchar(p->b, '\n'); /* an empty line more for every dimension further out */
                add_spaces(p, d + 1);
            }
            if (is_left_out(p, d, i)) {
                luaL_addstring(p->b, "...");
                i = vt_tensor_shape(p->t)[d] - EDGE - 1;
            } else {
                add_lists(p, d + 1, at + offset(p, d, i));
            }
        }
    }
    luaL_addchar(p->b, ']');
}

static void add_kind(printer *p, const vt_tensor *t) {
    char text[24 * VT_MAX_DIMS];
    int len = snprintf(text, sizeof text, " %s[", vt_dtype_name(vt_tensor_dtype(t)));
    for (int32_t d = 0; d < vt_tensor_n_dims(t); d++)
        len += snprintf(text + len, sizeof text - (size_t)len, d ? ",%lld" : "%lld", (long long)vt_tensor_shape(t)[d]);
    luaL_addlstring(p->b, text, (size_t)len);
    luaL_addchar(p->b, ']');
    if (vt_tensor_requires_grad(t)) luaL_addstring(p->b, " requires_grad");
}

static vt_tensor *push_slice(lua_State *L, vt_tensor *t, int32_t d, int64_t start, int64_t stop) {
    vt_attr attrs[] = {{.name = "dim", .i = d}, {.name = "start", .i = start}, {.name = "stop", .i = stop}};
    bind_tensor_run(L, "slice", &t, 1, attrs, 3);
    return bind_tensor_check(L, -1);
}

/* Pushes the edges of all long dimensions: a text of a thousand numbers needs no copy of all. */
static vt_tensor *push_edges(lua_State *L, vt_tensor *t) {
    luaL_checkstack(L, 4 * VT_MAX_DIMS, NULL);
    for (int32_t d = 0; d < vt_tensor_n_dims(t); d++) {
        int64_t n = vt_tensor_shape(t)[d];
        if (n <= 2 * EDGE) continue;
        vt_tensor *edges[] = {push_slice(L, t, d, 0, EDGE), push_slice(L, t, d, n - EDGE, n)};
        vt_attr attr = {.name = "dim", .i = d};
        bind_tensor_run(L, "cat", edges, 2, &attr, 1);
        t = bind_tensor_check(L, -1);
    }
    return t;
}

int bind_tensor_tostring(lua_State *L) {
    const box *b = luaL_checkudata(L, 1, bind_tensor_box.name);
    if (!b->handle) {
        lua_pushliteral(L, "tensor (closed)");
        return 1;
    }
    vt_tensor *t = b->handle;
    printer p = {.L = L, .t = t, .form = 'd', .is_short = vt_tensor_count(t) > MOST};
    int64_t stride = 1;
    vt_tensor *shown = p.is_short ? push_edges(L, t) : t;
    for (int32_t d = vt_tensor_n_dims(t); d-- > 0; stride *= vt_tensor_shape(shown)[d]) p.strides[d] = stride;
    p.data = bind_tensor_elements(L, shown, &p.dtype);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    p.b = &text;
    if (vt_tensor_count(t) == 0) {
        luaL_addstring(&text, "[]");
    } else {
        choose_form(&p);
        each(&p, 0, 0, look_width, NULL);
        if (vt_tensor_n_dims(t) == 0) {
            char number[2 * WIDE];
            luaL_addlstring(&text, number, (size_t)element_text(&p, 0, number));
        } else {
            add_lists(&p, 0, 0);
        }
    }
    add_kind(&p, t);
    luaL_pushresult(&text);
    return 1;
}
