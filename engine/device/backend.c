/* The CPU as a device, and a second one like it whose addresses are no addresses: whatever reads them past the table crashes, which is how tests
 * know that nothing does. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/spare.h"
#include "device/device.h"

static const vt__run_fn runners[VT__OP_COUNT] = {
#define VT_OP(id, in, attrs, outs, flags, keep, infer, run, grad, doc) [VT__OP_##id] = vt__cpu_##run,
#define VT_OP_VIEW(...)
#define VT_OP_COMPOSED(...)
#include "tensor/ops.def"
#undef VT_OP
#undef VT_OP_VIEW
#undef VT_OP_COMPOSED
};

int vt__streams(const struct vt__run *run) {
    const struct vt__view *out = &run->out[0];
    for (int32_t i = 0; i < run->n_in; i++)
        if (run->in[i].data == out->data) return 0;
    return vt__view_count(out) >= VT__STREAM / (int64_t)vt__dtype_size(out->dtype);
}

vt_status vt__cpu_run(const struct vt__run *run) { return runners[run->op->id](run); }

static vt_status cpu_alloc(vt_context *ctx, size_t size, void **out) {
    *out = vt__spare_take(ctx, size);
    return *out ? VT_OK : vt__fail_nomem("tensor", size);
}

static vt_status cpu_copy_out(vt_context *ctx, void *host, const void *data, size_t size) {
    (void)ctx;
    memcpy(host, data, size);
    return VT_OK;
}

const struct vt__backend vt__backend_cpu = {
    .name = "cpu", .host_readable = 1, .alloc = cpu_alloc, .free = vt__spare_give, .read = cpu_copy_out, .write = cpu_copy_out, .run = vt__cpu_run};

/* Far outside of what a process can map. */
#define VEIL ((uintptr_t)0x5a5a << 48)

static void *veil(void *p) { return (void *)((uintptr_t)p ^ VEIL); }

static vt_status opaque_alloc(vt_context *ctx, size_t size, void **out) {
    void *p;
    vt_status st = cpu_alloc(ctx, size, &p);
    if (st == VT_OK) *out = veil(p);
    return st;
}

static void opaque_free(vt_context *ctx, void *data) { vt__spare_give(ctx, veil(data)); }

static vt_status opaque_read(vt_context *ctx, void *host, const void *data, size_t size) {
    return cpu_copy_out(ctx, host, (const void *)((uintptr_t)data ^ VEIL), size);
}

static vt_status opaque_write(vt_context *ctx, void *data, const void *host, size_t size) { return cpu_copy_out(ctx, veil(data), host, size); }

static vt_status opaque_run(const struct vt__run *run) {
    struct vt__view out[VT__MAX_OUT], few[VT__MAX_IN], *in = few;
    struct vt__run clear = *run;
    if (run->n_in > VT__MAX_IN) in = vt__scratch_zero2(run->ctx, run->n_in, 1, sizeof *in);
    if (!in) return vt__fail_nomem(run->op->name, sizeof *in);
    for (int32_t i = 0; i < run->n_in; i++) {
        in[i] = run->in[i];
        if (in[i].data) in[i].data = veil(in[i].data);
    }
    for (int32_t i = 0; i < run->n_out; i++) {
        out[i] = run->out[i];
        out[i].data = veil(out[i].data);
    }
    clear.in = in;
    clear.out = out;
    vt_status st = vt__cpu_run(&clear);
    if (in != few) vt__scratch_give(run->ctx, in);
    return st;
}

const struct vt__backend vt__backend_opaque = {
    .name = "opaque", .alloc = opaque_alloc, .free = opaque_free, .read = opaque_read, .write = opaque_write, .run = opaque_run};

static const struct vt__backend *const backends[] = {&vt__backend_cpu, &vt__backend_opaque};
enum { N_BACKENDS = sizeof backends / sizeof backends[0] };

const struct vt__backend *vt__backend_get(int32_t device) { return device >= 0 && device < N_BACKENDS ? backends[device] : NULL; }

int32_t vt__backend_device(const struct vt__backend *backend) {
    for (int32_t i = 0; i < N_BACKENDS; i++)
        if (backends[i] == backend) return i;
    return -1;
}
