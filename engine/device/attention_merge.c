/* Results of attention to disjoint sets of keys, put together row by row in float64: lse = log(e^lse1 + e^lse2), o = w1 o1 + w2 o2 with w = e^(lse_i - lse). What
 * saw no key has no weight, whatever its values are. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

enum { CHUNK = 64 }; /* rows */

struct job {
    const struct vt__run *run;
    double *scratch; /* [n_chunks, n_rows, width] */
    int64_t rows, width, n_scratch;
};

/* A row of [.., width], or an element of [..], as float64. */
static const double *load(const struct vt__view *v, int64_t row, int64_t width, double *buffer) { return vt__block_load(v, row * width, width, VT_DTYPE_F64, buffer); }

static double one(const struct vt__view *v, int64_t row) {
    double x;
    return *load(v, row, 1, &x);
}

static double weight(double lse, double all) { return lse == -(double)INFINITY ? 0 : exp(lse - all); }

static void merge(void *user, int64_t chunk) {
    const struct job *job = user;
    const struct vt__run *run = job->run;
    double *x = job->scratch + chunk * job->n_scratch * job->width, *y = x + job->width, *z = y + job->width;
    for (int64_t row = chunk * CHUNK; row < job->rows && row < (chunk + 1) * CHUNK; row++) {
        double a = one(&run->in[1], row), b = one(&run->in[3], row), most = a > b ? a : b;
        double lse = most == -(double)INFINITY ? most : most + log(exp(a - most) + exp(b - most)), wa = weight(a, lse), wb = weight(b, lse);
        vt__block_store(&run->out[1], row, 1, VT_DTYPE_F64, &lse);
        if (!job->width) continue;
        const double *o1 = load(&run->in[0], row, job->width, x), *o2 = load(&run->in[2], row, job->width, y);
        for (int64_t i = 0; i < job->width; i++) z[i] = (wa != 0 ? wa * o1[i] : 0) + (wb != 0 ? wb * o2[i] : 0);
        vt__block_store(&run->out[0], row * job->width, job->width, VT_DTYPE_F64, z);
    }
}

/* do_i = w_i do, dlse_i = w_i (dlse + do . (o_i - o)). */
static void merge_grad(void *user, int64_t chunk) {
    const struct job *job = user;
    const struct vt__run *run = job->run;
    double *x = job->scratch + chunk * job->n_scratch * job->width, *y = x + job->width, *z = y + job->width, *u = z + job->width;
    for (int64_t row = chunk * CHUNK; row < job->rows && row < (chunk + 1) * CHUNK; row++)
        for (int32_t i = 0; i < 4; i += 2) {
            double w = weight(one(&run->in[i + 1], row), one(&run->in[5], row)), dl = one(&run->in[7], row);
            if (job->width) {
                const double *o = load(&run->in[4], row, job->width, x), *g = load(&run->in[6], row, job->width, y), *part = load(&run->in[i], row, job->width, z);
                for (int64_t j = 0; j < job->width; j++) {
                    if (w != 0) dl += g[j] * (part[j] - o[j]);
                    u[j] = w * g[j];
                }
                vt__block_store(&run->out[i], row * job->width, job->width, VT_DTYPE_F64, u);
            }
            dl = w != 0 ? w * dl : 0;
            vt__block_store(&run->out[i + 1], row, 1, VT_DTYPE_F64, &dl);
        }
}

static vt_status each(const struct vt__run *run, int64_t n_scratch, vt__chunk_fn fn) {
    const struct vt__view *o = &run->in[0];
    struct job job = {.run = run, .rows = vt__view_count(&run->in[1]), .width = o->shape[o->ndim - 1], .n_scratch = n_scratch};
    int64_t n_chunks = (job.rows + CHUNK - 1) / CHUNK, n;
    if (!n_chunks) return VT_OK;
    if (__builtin_mul_overflow(n_chunks, n_scratch, &n)) n = -1;
    job.scratch = vt__scratch_take2(run->ctx, n, job.width, sizeof *job.scratch);
    if (!job.scratch) return vt__fail_nomem(run->op->name, 0);
    vt__parallel(run->ctx, n_chunks, fn, &job);
    vt__scratch_give(run->ctx, job.scratch);
    return VT_OK;
}

vt_status vt__cpu_attention_merge(const struct vt__run *run) { return each(run, 3, merge); }
vt_status vt__cpu_attention_merge_grad(const struct vt__run *run) { return each(run, 4, merge_grad); }
