/* Runners that put elements in other places, out of copies and sums between views. */
#include <string.h>

#include "device/block.h"
#include "device/device.h"

static void move(struct vt__view *v, int64_t elements) { v->data = (char *)v->data + elements * (int64_t)vt__dtype_size(v->dtype); }

vt_status vt__cpu_call(vt_context *ctx, int32_t op, const struct vt__view *out, const struct vt__view *in, int32_t n_in, double value) {
    struct vt__attrs attrs;
    struct vt__run run = {ctx, &vt__op_table[op], &attrs, in, out, n_in, 1};
    vt__attrs_default(run.op, &attrs);
    if (op == VT__OP_fill) attrs.a[0].f = value;
    return vt__cpu_run(&run);
}

static vt_status copy(vt_context *ctx, const struct vt__view *out, const struct vt__view *in) { return vt__cpu_call(ctx, VT__OP_copy, out, in, 1, 0); }

static vt_status add(vt_context *ctx, const struct vt__view *out, const struct vt__view *in) {
    const struct vt__view both[2] = {*out, *in};
    return vt__cpu_call(ctx, VT__OP_add, out, both, 2, 0);
}

static vt_status place_diagonal(const struct vt__run *run) {
    const struct vt__attr *a = run->attrs->a;
    struct vt__view to = run->out[0], g = run->in[0];
    int64_t offset = a[0].i[0], dims[2] = {a[1].i[0], a[2].i[0]};
    int64_t stride = to.strides[dims[0]] + to.strides[dims[1]];
    if (vt__view_count(&g) == 0) return VT_OK;
    move(&to, offset < 0 ? -offset * to.strides[dims[0]] : offset * to.strides[dims[1]]);
    to.ndim = 0;
    for (int32_t d = 0; d < run->out[0].ndim; d++)
        if (d != dims[0] && d != dims[1]) to.strides[to.ndim++] = to.strides[d];
    to.strides[to.ndim++] = stride;
    memcpy(to.shape, g.shape, sizeof to.shape);
    return copy(run->ctx, &to, &g);
}

/* Element w of every window at a time: those do not overlap. */
static vt_status place_windows(const struct vt__run *run) {
    struct vt__view g = run->in[0];
    int64_t dim = run->attrs->a[0].i[0], step = run->attrs->a[1].i[0], window = g.shape[g.ndim - 1];
    vt_status st = VT_OK;
    g.ndim--;
    for (int64_t w = 0; st == VT_OK && w < window; w++) {
        struct vt__view to = run->out[0];
        move(&to, w * to.strides[dim]);
        to.shape[dim] = g.shape[dim];
        to.strides[dim] *= step;
        st = add(run->ctx, &to, &g);
        move(&g, run->in[0].strides[g.ndim]);
    }
    return st;
}

static vt_status place_slice(const struct vt__run *run) {
    const struct vt__attr *a = run->attrs->a;
    struct vt__view to = run->out[0];
    int64_t dim = vt__dim_index(a[0].i[0], to.ndim);
    if (vt__view_count(&run->in[0]) == 0) return VT_OK;
    move(&to, a[1].i[0] * to.strides[dim]);
    to.strides[dim] *= a[2].i[0];
    to.shape[dim] = run->in[0].shape[dim];
    return copy(run->ctx, &to, &run->in[0]);
}

vt_status vt__cpu_place(const struct vt__run *run) {
    vt_status st = vt__cpu_call(run->ctx, VT__OP_fill, run->out, run->out, 1, 0);
    if (st != VT_OK || vt__view_count(&run->out[0]) == 0) return st;
    switch (run->op->id) {
    case VT__OP_slice_grad: return place_slice(run);
    case VT__OP_diagonal_grad: return place_diagonal(run);
    default: return place_windows(run);
    }
}

/* Along one dimension: places to..to+n-1 of the wide tensor are from, from + step, ... of the narrow one. */
struct segment {
    int64_t to, from, n, step;
};
enum { MAX_SEGMENTS = 4 };
struct plan {
    int32_t n[VT__MAX_DIMS];
    struct segment s[VT__MAX_DIMS][MAX_SEGMENTS];
};

static void put(struct plan *p, int32_t dim, int64_t to, int64_t from, int64_t n, int64_t step) {
    if (n > 0) p->s[dim][p->n[dim]++] = (struct segment){to, from, n, step};
}

/* Every combination of one segment a dimension, from dimension d on: copied forwards, added up backwards. */
static vt_status each_box(vt_context *ctx, const struct plan *p, int32_t d, struct vt__view wide, struct vt__view narrow, int backwards) {
    vt_status st = VT_OK;
    if (d == wide.ndim) return backwards ? add(ctx, &narrow, &wide) : copy(ctx, &wide, &narrow);
    for (int32_t i = 0; st == VT_OK && i < p->n[d]; i++) {
        const struct segment *s = &p->s[d][i];
        struct vt__view w = wide, x = narrow;
        move(&w, s->to * w.strides[d]);
        move(&x, s->from * x.strides[d]);
        w.shape[d] = x.shape[d] = s->n;
        x.strides[d] *= s->step;
        if (s->step != 0 || !backwards || s->n == 1) {
            st = each_box(ctx, p, d + 1, w, x, backwards);
            continue;
        }
        w.shape[d] = x.shape[d] = 1; /* one element is repeated: its gradients come one by one */
        for (int64_t k = 0; st == VT_OK && k < s->n; k++, move(&w, w.strides[d])) st = each_box(ctx, p, d + 1, w, x, backwards);
    }
    return st;
}

enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR };

static void plan_pad(struct plan *p, int32_t d, int64_t n, int64_t before, int64_t after, int64_t mode) {
    int64_t skip = before < 0 ? -before : 0, drop = after < 0 ? -after : 0;
    if (mode == REFLECT) put(p, d, 0, before, before, -1);
    if (mode == REPLICATE) put(p, d, 0, 0, before, 0);
    if (mode == CIRCULAR) put(p, d, 0, n - before, before, 1);
    put(p, d, before + skip, skip, n - skip - drop, 1);
    if (mode == REFLECT) put(p, d, before + n, n - 2, after, -1);
    if (mode == REPLICATE) put(p, d, before + n, n - 1, after, 0);
    if (mode == CIRCULAR) put(p, d, before + n, 0, after, 1);
}

static void plan_pads(struct plan *p, const struct vt__run *run, const struct vt__view *narrow) {
    const struct vt__attr *pads = &run->attrs->a[0];
    for (int32_t d = 0; d < narrow->ndim; d++) {
        int32_t i = narrow->ndim - 1 - d;
        int given = 2 * i < pads->count;
        plan_pad(p, d, narrow->shape[d], given ? pads->i[2 * i] : 0, given ? pads->i[2 * i + 1] : 0, run->attrs->a[1].i[0]);
    }
}

static void plan_roll(struct plan *p, const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    int64_t shift[VT__MAX_DIMS] = {0};
    for (int32_t i = 0; i < run->attrs->a[0].count; i++) shift[vt__dim_index(run->attrs->a[1].i[i], x->ndim)] = run->attrs->a[0].i[i];
    for (int32_t d = 0; d < x->ndim; d++) {
        int64_t n = x->shape[d], s = n ? (shift[d] % n + n) % n : 0;
        put(p, d, s, 0, n - s, 1);
        put(p, d, 0, n - s, s, 1);
    }
}

static void plan_flip(struct plan *p, const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    uint32_t mask = 0;
    for (int32_t i = 0; i < run->attrs->a[0].count; i++) mask |= 1u << vt__dim_index(run->attrs->a[0].i[i], x->ndim);
    for (int32_t d = 0; d < x->ndim; d++) {
        int back = mask >> d & 1;
        put(p, d, 0, back ? x->shape[d] - 1 : 0, x->shape[d], back ? -1 : 1);
    }
}

vt_status vt__cpu_remap(const struct vt__run *run) {
    struct plan p = {{0}, {{{0}}}};
    vt_status st = VT_OK;
    if (run->op->id == VT__OP_flip) plan_flip(&p, run);
    else if (run->op->id == VT__OP_roll) plan_roll(&p, run);
    else plan_pads(&p, run, &run->in[0]);
    if (run->op->id == VT__OP_pad && run->attrs->a[1].i[0] == CONSTANT) st = vt__cpu_call(run->ctx, VT__OP_fill, run->out, run->out, 1, run->attrs->a[2].f);
    return st == VT_OK ? each_box(run->ctx, &p, 0, run->out[0], run->in[0], 0) : st;
}

vt_status vt__cpu_remap_add(const struct vt__run *run) {
    struct plan p = {{0}, {{{0}}}};
    vt_status st = vt__cpu_call(run->ctx, VT__OP_fill, run->out, run->out, 1, 0);
    plan_pads(&p, run, &run->out[0]);
    return st == VT_OK ? each_box(run->ctx, &p, 0, run->in[0], run->out[0], 1) : st;
}

vt_status vt__cpu_cat(const struct vt__run *run) {
    struct vt__view to = run->out[0];
    int64_t dim = vt__dim_index(run->attrs->a[0].i[0], to.ndim);
    vt_status st = VT_OK;
    for (int32_t i = 0; st == VT_OK && i < run->n_in; i++) {
        to.shape[dim] = run->in[i].shape[dim];
        st = copy(run->ctx, &to, &run->in[i]);
        move(&to, to.shape[dim] * to.strides[dim]);
    }
    return st;
}

/* Row by row: what stays is copied, the rest is 0. Written in place too. */
vt_status vt__cpu_triangle(const struct vt__run *run) {
    const struct vt__view *out = &run->out[0];
    int32_t row_dim = out->ndim - 2;
    int64_t rows = out->shape[row_dim], columns = out->shape[row_dim + 1], diagonal = run->attrs->a[0].i[0];
    vt_status st = VT_OK;
    diagonal = diagonal < -rows ? -rows - 1 : diagonal > columns ? columns + 1 : diagonal;
    for (int64_t r = 0; st == VT_OK && r < rows; r++) {
        int upper = run->op->id == VT__OP_triu;
        int64_t at = upper ? r + diagonal : r + diagonal + 1; /* where the two parts meet */
        at = at < 0 ? 0 : at > columns ? columns : at;
        for (int part = 0; st == VT_OK && part < 2; part++) {
            struct vt__view to = *out, from = run->in[0];
            int64_t first = part ? at : 0, n = part ? columns - at : at;
            to.shape[row_dim] = from.shape[row_dim] = 1;
            to.shape[row_dim + 1] = from.shape[row_dim + 1] = n;
            move(&to, r * to.strides[row_dim] + first * to.strides[row_dim + 1]);
            move(&from, r * from.strides[row_dim] + first * from.strides[row_dim + 1]);
            st = part == upper ? copy(run->ctx, &to, &from) : vt__cpu_call(run->ctx, VT__OP_fill, &to, &to, 1, 0);
        }
    }
    return st;
}
