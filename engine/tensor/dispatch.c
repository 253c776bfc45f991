#include "tensor/dispatch.h"

#include <string.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "tensor/record.h"
#include "tensor/tape.h"

/* A thread's own, as its error message is: a script that switches recording off does so for itself. */
static _Thread_local int32_t recording_off;

int32_t vt__grad_mode(void) { return !recording_off; }

int32_t vt__grad_mode_set(int32_t on) {
    int32_t was = !recording_off;
    recording_off = !on;
    return was;
}

/* As recording a thread's own. */
static _Thread_local const vt_cancel *cancel_here;

const vt_cancel *vt__op_cancel_set(const vt_cancel *cancel) {
    const vt_cancel *before = cancel_here;
    cancel_here = cancel;
    return before;
}

/* What the runner says of work that is left is worth nothing. */
vt_status vt__op_execute(const struct vt__backend *backend, const struct vt__run *run) {
    if (!cancel_here) return backend->run(run);
    vt__cancel_scope scope = {.cancel = cancel_here};
    vt__cancel_scope *outer = vt__cancel_scope_set(&scope);
    vt_status st = vt__cancel_is_left() ? VT_OK : backend->run(run);
    (void)vt__cancel_scope_set(outer);
    return atomic_load(&scope.is_left) ? vt__fail(VT_ERR_CANCELLED, "%s: cancelled", run->op->name) : st;
}

vt_status vt__infer_fail(const struct vt__infer *infer, vt_status code, const char *why) {
    char text[3][VT__SHAPE_TEXT] = {"", "", ""};
    int32_t n = infer->n_in < 3 ? infer->n_in : 3;
    for (int32_t i = 0; i < n; i++)
        if (infer->in[i]) (void)vt__shape_text(infer->in[i], text[i]);
    return vt__fail(code, "%s: %s%s%s%s%s: %s", infer->op->name, text[0], n > 1 ? ", " : "", text[1], n > 2 ? ", " : "", text[2], why);
}

static vt_status check_inputs(const struct vt__op_def *op, vt_tensor *const *in, int32_t n_in, const struct vt__backend **backend) {
    int32_t least, most;
    vt__op_inputs(op, &least, &most);
    if (n_in < least || n_in > most) return vt__fail(VT_ERR_INVALID, "%s: %d inputs given, it takes \"%s\"", op->name, n_in, op->inputs);
    *backend = NULL;
    for (int32_t i = 0; i < n_in; i++) {
        if (!in[i] && i < least) return vt__fail(VT_ERR_INVALID, "%s: input %d of \"%s\" is missing", op->name, i + 1, op->inputs);
        if (!in[i]) continue;
        if (!in[i]->storage) return vt__fail(VT_ERR_STATE, "%s: input %d has no numbers any more", op->name, i + 1);
        vt_status st = vt__recorder_check(op->name, in[i]);
        if (st != VT_OK) return st;
        if (!*backend) *backend = in[i]->storage->backend;
        if (in[i]->storage->backend != *backend)
            return vt__fail(VT_ERR_DEVICE, "%s: input 1 is on %s, input %d on %s", op->name, (*backend)->name, i + 1, in[i]->storage->backend->name);
    }
    return VT_OK;
}

/* Would writing to an output change elements of t before they are read? */
static int is_in_the_way(const struct vt__op_def *op, const vt_tensor *t, vt_tensor *const *out, int32_t n_out) {
    for (int32_t i = 0; i < n_out; i++) {
        if (out[i]->storage != t->storage) continue;
        int same = t->dtype == out[i]->dtype && t->offset == out[i]->offset && t->ndim == out[i]->ndim;
        for (int32_t d = 0; same && d < t->ndim; d++) same = t->shape[d] == out[i]->shape[d] && t->strides[d] == out[i]->strides[d];
        if (!same || !(op->flags & VT__OP_ELEMENTWISE)) return 1;
    }
    return 0;
}

static int is_widened(const struct vt__op_def *op, int32_t dtype) {
    return (op->flags & VT__OP_WIDE) && vt__dtype_is_half(dtype) && !(dtype == VT_DTYPE_BF16 && (op->flags & VT__OP_BF16));
}

/* One input as the runner wants it: *out is retained. */
static vt_status prepare(const struct vt__op_def *op, vt_tensor *t, int32_t dtype, int copy, vt_tensor **out) {
    int32_t want = t->dtype;
    if ((op->flags & VT__OP_CAST) && vt__dtype_has_grad(want)) want = dtype;
    if (is_widened(op, want)) want = VT_DTYPE_F32;
    int dense = !(op->flags & VT__OP_DENSE) || vt__tensor_is_dense(t);
    if (want == t->dtype && dense && !copy) return *out = vt__tensor_retain(t), VT_OK;
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_cast], &attrs);
    attrs.a[0].given = 1;
    attrs.a[0].i[0] = want;
    return vt__op_run(t->ctx, VT__OP_cast, &t, 1, &attrs, out);
}

/* Copies the numbers of from into to, whatever their types. */
static vt_status narrow(vt_tensor *from, vt_tensor *to) { return vt__op_run_into(from->ctx, VT__OP_copy, &from, 1, NULL, &to); }

/* Runs on the backend into outputs that are there. Called with recording off. */
static vt_status execute(vt_context *ctx, const struct vt__backend *backend, const struct vt__op_def *op, vt_tensor *const *in, int32_t n_in,
                         const struct vt__attrs *attrs, vt_tensor *const *out, int32_t n_out) {
    struct vt__view outs[VT__MAX_OUT], small[VT__MAX_IN], *ins = small;
    vt_tensor *few[VT__MAX_IN] = {0}, **ready = few, *wide[VT__MAX_OUT] = {0}, *to[VT__MAX_OUT];
    struct vt__recorder *recorder = vt__recorder_get();
    vt_status st = VT_OK;

    if (n_in > VT__MAX_IN) {
        ready = vt__calloc2(ctx, n_in, 1, sizeof *ready);
        ins = vt__calloc2(ctx, n_in, 1, sizeof *ins);
        if (!ready || !ins) st = vt__fail_nomem(op->name, (size_t)n_in * sizeof *ins);
    }
    for (int32_t i = 0; st == VT_OK && i < n_in; i++) {
        ins[i] = (struct vt__view){.dtype = -1};
        if (!in[i]) continue;
        st = prepare(op, in[i], out[0]->dtype, is_in_the_way(op, in[i], out, n_out), &ready[i]);
        if (st == VT_OK) ins[i] = vt__tensor_to_view(ready[i]);
    }
    for (int32_t i = 0; st == VT_OK && i < n_out; i++) {
        struct vt__desc desc = vt__tensor_desc(out[i]);
        int half = is_widened(op, desc.dtype);
        if (half || ((op->flags & (VT__OP_DENSE | VT__OP_DENSE_OUT)) && !vt__tensor_is_dense(out[i]))) {
            if (half) desc.dtype = VT_DTYPE_F32;
            st = vt__tensor_create(ctx, backend, &desc, &wide[i]);
        }
        to[i] = wide[i] ? wide[i] : out[i];
        if (st == VT_OK) outs[i] = vt__tensor_to_view(to[i]);
    }
    if (st == VT_OK) {
        struct vt__run run = {ctx, op, attrs, ins, outs, n_in, n_out};
        st = vt__op_execute(backend, &run);
        if (st == VT_OK && recorder) st = recorder->step(recorder, &run, ready, to);
    }
    for (int32_t i = 0; i < n_out; i++) {
        if (st == VT_OK && wide[i]) st = narrow(wide[i], out[i]);
        vt__tensor_release(wide[i]);
    }
    for (int32_t i = 0; ready && i < n_in; i++) vt__tensor_release(ready[i]);
    if (ready != few) vt__free(ctx, ready);
    if (ins != small) vt__free(ctx, ins);
    return st;
}

/* A view of in[0], or of a dense copy of it where the strides do not allow one. */
static vt_status make_view(struct vt__infer *infer, vt_tensor **out) {
    vt_tensor *base = infer->in[0], *dense = NULL;
    vt_status st = infer->op->infer(infer);
    if (st == VT_OK && infer->offset < 0) { /* no strides can do it */
        st = vt__op_run(base->ctx, VT__OP_copy, &base, 1, NULL, &dense);
        infer->in = &dense;
        if (st == VT_OK) st = infer->op->infer(infer);
        base = dense;
    }
    if (st == VT_OK) st = vt__tensor_view(base, &infer->out[0], infer->strides, infer->offset, &out[0]);
    vt__tensor_release(dense);
    return st;
}

static vt_status compose(struct vt__infer *call, vt_tensor **out) {
    struct vt__expr e;
    vt__expr_begin(&e, call->ctx);
    vt_status st = call->op->compose(&e, call, out);
    if (st == VT_OK) st = e.status;
    for (int32_t i = 0; i < call->op->n_out; i++) {
        if (st == VT_OK && out[i]) (void)vt__tensor_retain(out[i]);
        else out[i] = NULL;
    }
    vt_status end = vt__expr_end(&e);
    return st != VT_OK ? st : end;
}

/* Shapes, memory, the runner: what happens whether or not it is recorded. */
static vt_status produce(struct vt__infer *infer, const struct vt__backend *backend, vt_tensor **out) {
    const struct vt__op_def *op = infer->op;
    if (op->flags & VT__OP_VIEW) return make_view(infer, out);
    vt_status st = op->infer(infer);
    for (int32_t i = 0; st == VT_OK && i < infer->n_out; i++) st = vt__tensor_create(infer->ctx, backend, &infer->out[i], &out[i]);
    if (st == VT_OK) st = execute(infer->ctx, backend, op, infer->in, infer->n_in, infer->attrs, out, infer->n_out);
    return st;
}

vt_status vt__op_run(vt_context *ctx, int32_t id, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs, vt_tensor **out) {
    const struct vt__op_def *op = &vt__op_table[id];
    const struct vt__backend *backend;
    struct vt__attrs defaults;

    for (int32_t i = 0; i < op->n_out; i++) out[i] = NULL;
    if (!attrs) vt__attrs_default(op, &defaults), attrs = &defaults;
    vt_status st = vt__attrs_check(op, attrs);
    if (st == VT_OK) st = check_inputs(op, in, n_in, &backend);
    if (st != VT_OK) return st;
    if (!backend) backend = &vt__backend_cpu;

    struct vt__infer infer = {.ctx = ctx, .op = op, .in = in, .n_in = n_in, .n_out = op->n_out, .attrs = attrs};
    if (op->flags & VT__OP_COMPOSED) return compose(&infer, out);
    int32_t mode = vt__grad_mode_set(0);
    st = produce(&infer, backend, out);
    (void)vt__grad_mode_set(mode);
    if (st == VT_OK && mode && op->grad) st = vt__tape_record(op, in, n_in, attrs, out, infer.n_out);
    for (int32_t i = 0; st != VT_OK && i < op->n_out; i++) vt__tensor_release(out[i]), out[i] = NULL;
    return st;
}

/* May two elements be one? Dims from the smallest stride on must each step over all that those before reach: so do slices, transposed and
 * diagonal views; of the others a few are refused without need. */
static int shares_elements(const vt_tensor *t) {
    int64_t stride[VT__MAX_DIMS], extent[VT__MAX_DIMS], reach = 0;
    int32_t n = 0;
    for (int32_t d = 0; d < t->ndim; d++) {
        int64_t s = t->strides[d] < 0 ? -t->strides[d] : t->strides[d];
        int32_t at = n;
        if (t->shape[d] == 0) return 0;
        if (t->shape[d] == 1) continue;
        for (; at > 0 && stride[at - 1] > s; at--) stride[at] = stride[at - 1], extent[at] = extent[at - 1];
        stride[at] = s;
        extent[at] = t->shape[d];
        n++;
    }
    for (int32_t i = 0; i < n; i++) {
        if (stride[i] <= reach) return 1;
        reach += (extent[i] - 1) * stride[i];
    }
    return 0;
}

static vt_status check_target(const struct vt__infer *infer, int32_t i, const vt_tensor *t, const struct vt__backend *backend) {
    char want[VT__SHAPE_TEXT], have[VT__SHAPE_TEXT];
    int same = t->ndim == infer->out[i].ndim;
    for (int32_t d = 0; same && d < t->ndim; d++) same = t->shape[d] == infer->out[i].shape[d];
    if (!same || vt__dtype_kind(t->dtype) < vt__dtype_kind(infer->out[i].dtype))
        return vt__fail(VT_ERR_SHAPE, "%s: the result is %s, it does not fit into %s", infer->op->name, vt__desc_text(&infer->out[i], want), vt__shape_text(t, have));
    if (!t->storage || t->storage->backend != backend) return vt__fail(VT_ERR_DEVICE, "%s: inputs and output are on different devices", infer->op->name);
    vt_status st = vt__recorder_check(infer->op->name, t);
    if (st != VT_OK) return st;
    if (t->storage->read_only) return vt__fail(VT_ERR_STATE, "%s: the output's bytes are read-only", infer->op->name);
    if (shares_elements(t)) return vt__fail(VT_ERR_STATE, "%s: the output is an expanded or overlapping view, whose elements share memory", infer->op->name);
    return VT_OK;
}

static vt_status check_targets(const struct vt__infer *infer, vt_tensor *const *out, const struct vt__backend *backend) {
    vt_status st = VT_OK;
    for (int32_t i = 0; st == VT_OK && i < infer->n_out; i++) {
        st = check_target(infer, i, out[i], backend ? backend : out[i]->storage->backend);
        for (int32_t k = 0; st == VT_OK && k < i; k++)
            if (out[i]->storage == out[k]->storage && out[i]->offset == out[k]->offset && vt__tensor_count(out[i]) > 0)
                st = vt__fail(VT_ERR_STATE, "%s: outputs %d and %d are the same memory", infer->op->name, k + 1, i + 1);
    }
    return st;
}

vt_status vt__op_check_outputs(const struct vt__op_def *op, vt_tensor *const *out, int32_t n_out) {
    if (n_out != op->n_out) return vt__fail(VT_ERR_INVALID, "%s: %d outputs given, it has %d", op->name, n_out, op->n_out);
    for (int32_t i = 0; i < n_out; i++)
        if (!out[i]) return vt__fail(VT_ERR_INVALID, "%s: output %d is NULL", op->name, i + 1);
    return VT_OK;
}

vt_status vt__op_run_into(vt_context *ctx, int32_t id, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs, vt_tensor *const *out) {
    const struct vt__op_def *op = &vt__op_table[id];
    const struct vt__backend *backend;
    struct vt__attrs defaults;
    int32_t grad = 0;

    if (!attrs) vt__attrs_default(op, &defaults), attrs = &defaults;
    vt_status st = vt__attrs_check(op, attrs);
    if (st == VT_OK) st = check_inputs(op, in, n_in, &backend);
    if (st != VT_OK) return st;
    if (op->flags & (VT__OP_VIEW | VT__OP_COMPOSED)) return vt__fail(VT_ERR_UNSUPPORTED, "%s: it cannot write to a tensor that is there", op->name);
    for (int32_t i = 0; i < n_in; i++) grad |= in[i] && in[i]->requires_grad;
    for (int32_t i = 0; i < op->n_out; i++) grad |= out[i]->requires_grad;
    if (grad && vt__grad_mode()) return vt__fail(VT_ERR_STATE, "%s: writing to a tensor would lose a gradient; do it with recording off", op->name);

    struct vt__infer infer = {.ctx = ctx, .op = op, .in = in, .n_in = n_in, .n_out = op->n_out, .attrs = attrs};
    st = op->infer(&infer);
    if (st == VT_OK) st = check_targets(&infer, out, backend);
    if (st != VT_OK) return st;
    for (int32_t i = 0; i < infer.n_out; i++) out[i]->storage->version++;
    int32_t mode = vt__grad_mode_set(0);
    st = execute(ctx, out[0]->storage->backend, op, in, n_in, attrs, out, infer.n_out);
    (void)vt__grad_mode_set(mode);
    return st;
}
