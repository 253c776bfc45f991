/* Places of a tensor by another tensor: t[mask], t[indices], and writing to them.
 *
 *   t[mask]      bools with the extents of t's first dimensions: the elements (rows, ...) where the mask is true, one behind the other
 *   t[indices]   integers from 0 (negative: from the end) of any extents: rows of the first dimension in their places */
#include "bind_tensor.h"
#include "capability.h"
#include "venturi/context.h"

static const char WHAT[] = "index";

/* What a tensor picks out of t: the vector of places among its first n_lead dimensions taken as one, and extents of the picked. */
typedef struct pick {
    vt_tensor *places;
    int32_t n_lead, n_dims;
    int64_t shape[2 * VT_MAX_DIMS];
} pick;

static vt_tensor *push_reshaped(lua_State *L, vt_tensor *t, const int64_t *shape, int32_t n_dims) {
    vt_attr attr = {.name = "shape", .list = shape, .n_list = n_dims};
    if (n_dims > VT_MAX_DIMS) box_raise(L, VT_ERR_SHAPE, "%s: a result of %d dimensions, at most %d are possible", WHAT, n_dims, VT_MAX_DIMS);
    bind_tensor_run(L, "reshape", &t, 1, &attr, 1);
    return bind_tensor_check(L, -1);
}

/* Pushes the numbers of the mask's elements that are true, on its device. */
static vt_tensor *push_true(lua_State *L, vt_tensor *mask) {
    int32_t dtype;
    int64_t n = vt_tensor_count(mask), found = 0;
    vt_tensor *out = NULL;
    const uint8_t *data = bind_tensor_elements(L, mask, &dtype);
    for (int64_t i = 0; i < n; i++) found += data[i] != 0;
    vt__capability_charge_for(L, (uint64_t)found, VT__COST_ITEM);
    int64_t *places = lua_newuserdatauv(L, (size_t)found * sizeof *places + 1, 0);
    for (int64_t i = 0, k = 0; i < n; i++)
        if (data[i]) places[k++] = i;
    box *b = bind_tensor_push(L);
    box_ok(L, vt_tensor_create(vt__capability_get(L)->ctx, VT_DTYPE_I64, &found, 1, vt_tensor_device(mask), &out));
    b->handle = out;
    box_ok(L, vt_tensor_write(out, places, (size_t)found * sizeof *places));
    return out;
}

static void check_mask(lua_State *L, const vt_tensor *t, const vt_tensor *mask) {
    int32_t n = vt_tensor_n_dims(mask), fits = n >= 1 && n <= vt_tensor_n_dims(t);
    for (int32_t d = 0; fits && d < n; d++) fits = vt_tensor_shape(mask)[d] == vt_tensor_shape(t)[d];
    if (!fits) box_raise(L, VT_ERR_SHAPE, "%s: a mask has the extents of the tensor's first dimensions", WHAT);
}

/* Pushes what it finds. */
static pick read_pick(lua_State *L, const vt_tensor *t, vt_tensor *by) {
    pick p = {.n_lead = 1};
    int64_t n = vt_tensor_count(by);
    luaL_checkstack(L, 16, NULL);
    if (vt_tensor_n_dims(t) == 0) box_raise(L, VT_ERR_SHAPE, "%s: the tensor has no dimensions", WHAT);
    if (vt_tensor_dtype(by) == VT_DTYPE_BOOL) {
        check_mask(L, t, by);
        p.places = push_true(L, by);
        p.n_lead = vt_tensor_n_dims(by);
        p.shape[p.n_dims++] = vt_tensor_count(p.places);
    } else {
        p.places = push_reshaped(L, by, &n, 1);
        for (int32_t d = 0; d < vt_tensor_n_dims(by); d++) p.shape[p.n_dims++] = vt_tensor_shape(by)[d];
    }
    for (int32_t d = p.n_lead; d < vt_tensor_n_dims(t); d++) p.shape[p.n_dims++] = vt_tensor_shape(t)[d];
    return p;
}

/* Pushes t with the dimensions that are picked from made one; rows [n_dims of it]: its extents. */
static vt_tensor *push_rows(lua_State *L, vt_tensor *t, const pick *p, int64_t *rows, int32_t *n_dims) {
    rows[0] = 1;
    *n_dims = 1;
    for (int32_t d = 0; d < vt_tensor_n_dims(t); d++) {
        if (d < p->n_lead) rows[0] *= vt_tensor_shape(t)[d];
        else rows[(*n_dims)++] = vt_tensor_shape(t)[d];
    }
    return push_reshaped(L, t, rows, *n_dims);
}

void bind_tensor_pick(lua_State *L, vt_tensor *t, vt_tensor *by) {
    int64_t rows[VT_MAX_DIMS];
    int32_t n_dims;
    pick p = read_pick(L, t, by);
    vt_tensor *in[] = {push_rows(L, t, &p, rows, &n_dims), p.places};
    vt_attr attr = {.name = "dim", .i = 0};
    bind_tensor_run(L, "index_select", in, 2, &attr, 1);
    if (p.n_dims != n_dims) (void)push_reshaped(L, bind_tensor_check(L, -1), p.shape, p.n_dims);
}

/* The whole of t is written anew, with the value in its places: of places named twice the last wins. */
void bind_tensor_put(lua_State *L, vt_tensor *t, vt_tensor *by, int value) {
    int64_t rows[VT_MAX_DIMS], one[VT_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
    int32_t n_dims;
    pick p = read_pick(L, t, by);
    vt_tensor *in[3] = {push_rows(L, t, &p, rows, &n_dims)};
    vt_tensor *part = bind_tensor_push_value(L, value, t, p.shape, p.n_dims);
    one[0] = rows[0] = vt_tensor_count(p.places);
    in[2] = push_reshaped(L, part, rows, n_dims);
    vt_tensor *places = push_reshaped(L, p.places, one, n_dims);
    vt_attr attr = {.name = "shape", .list = rows, .n_list = n_dims}, dim = {.name = "dim", .i = 0};
    bind_tensor_run(L, "expand", &places, 1, &attr, 1);
    in[1] = bind_tensor_check(L, -1);
    bind_tensor_run(L, "scatter", in, 3, &dim, 1);
    vt_tensor *all = push_reshaped(L, bind_tensor_check(L, -1), vt_tensor_shape(t), vt_tensor_n_dims(t));
    box_ok(L, vt_op_run_into(vt__capability_get(L)->ctx, bind_tensor_find("copy"), &all, 1, NULL, 0, &t, 1));
}
