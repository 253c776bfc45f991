/* Runner of optimizers' steps. */
#include <math.h>

#include "core/error.h"
#include "core/pool.h"
#include "device/device.h"
#include "vtk.h"
#include "vtk_map.h"

enum { CHUNK = 16384, ALONE = 2 * CHUNK, MOST = 5 };

struct job {
    const struct vt__run *run;
    void (*fn)(void *const *out, const void *const *in, int64_t n, const vtk_step *s);
    vtk_step step;
    int64_t count;
    size_t size;
};

static void work(void *user, int64_t chunk) {
    const struct job *job = user;
    const void *in[MOST];
    void *out[VT__MAX_OUT];
    int64_t first = chunk * CHUNK, n = job->count - first < CHUNK ? job->count - first : CHUNK;
    for (int32_t i = 0; i < job->run->n_in; i++) in[i] = (const char *)job->run->in[i].data + (size_t)first * job->size;
    for (int32_t i = 0; i < job->run->n_out; i++) out[i] = (char *)job->run->out[i].data + (size_t)first * job->size;
    job->fn(out, in, n, &job->step);
}

static vtk_step adam(const struct vt__attr *a) {
    double t = (double)a[6].i[0], decay = a[4].f;
    int is_decoupled = a[5].i[0] != 0;
    return (vtk_step){.lr = a[0].f / (1 - pow(a[1].f, t)), .beta1 = a[1].f, .beta2 = a[2].f, .eps = a[3].f, .decay = is_decoupled ? 0 : decay,
                      .keep = is_decoupled ? 1 - a[0].f * decay : 1, .scale = 1 / sqrt(1 - pow(a[2].f, t))};
}

vt_status vt__cpu_step(const struct vt__run *run) {
    const struct vt__attr *a = run->attrs->a;
    struct job job = {.run = run, .count = vt__view_count(&run->out[0]), .size = vt__dtype_size(run->out[0].dtype)};
    int32_t id = run->op->id, kind = VTK_SGD, dtype = run->out[0].dtype;
    for (int32_t i = 0; i < run->n_in + run->n_out; i++)
        if ((i < run->n_in ? run->in[i].dtype : run->out[i - run->n_in].dtype) != dtype)
            return vt__fail(VT_ERR_DTYPE, "%s: parameters and states that are written must have one type", run->op->name);
    if (id == VT__OP_sgd_step) {
        job.step = (vtk_step){.lr = a[0].f, .beta1 = a[1].f, .beta2 = 1 - a[2].f, .decay = a[3].f, .ahead = a[4].i[0] != 0};
    } else if (id == VT__OP_rmsprop_step) {
        kind = VTK_RMSPROP;
        job.step = (vtk_step){.lr = a[0].f, .beta1 = a[1].f, .eps = a[2].f, .decay = a[3].f};
    } else {
        kind = id == VT__OP_adam_step ? VTK_ADAM : VTK_AMSGRAD;
        if (a[6].i[0] < 1) return vt__fail(VT_ERR_INVALID, "%s: step is %lld, it counts from 1", run->op->name, (long long)a[6].i[0]);
        job.step = adam(a);
    }
    job.fn = vtk_get()->map->step[dtype == VT_DTYPE_F64][kind];
    int64_t chunks = (job.count + CHUNK - 1) / CHUNK;
    if (job.count >= ALONE) vt__parallel(run->ctx, chunks, work, &job);
    else
        for (int64_t i = 0; i < chunks; i++) work(&job, i);
    return VT_OK;
}
