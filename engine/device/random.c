/* Runners of random numbers: element i takes the words that its number says. */
#include "core/pool.h"
#include "core/rng.h"
#include "device/block.h"
#include "device/device.h"

enum { CHUNK = 8 * VT__BLOCK };

struct job {
    const struct vt__run *run;
    struct vt__view in;
    uint64_t seed, first;
    uint32_t stream;
    int64_t count;
};

static void uniform_block(const struct job *job, uint64_t at, int64_t n, double *out) {
    double low = job->run->attrs->a[0].f, high = job->run->attrs->a[1].f;
    uint32_t words[2 * VT__BLOCK];
    if (job->run->out[0].dtype == VT_DTYPE_F64) {
        vt__random_words(job->seed, job->stream, job->first + 2 * at, words, 2 * n);
        for (int64_t i = 0; i < n; i++) out[i] = (double)(((uint64_t)words[2 * i + 1] << 32 | words[2 * i]) >> 11) * 0x1p-53;
    } else {
        vt__random_uniform(job->seed, job->stream, job->first + at, out, n);
    }
    for (int64_t i = 0; i < n; i++) out[i] = low + (high - low) * out[i];
}

/* The high half of word times range: every number as likely as every other but for one part in 2^64 / range. */
static void integer_block(const struct job *job, uint64_t at, int64_t n, int64_t *out) {
    int64_t low = job->run->attrs->a[0].i[0];
    uint64_t range = (uint64_t)job->run->attrs->a[1].i[0] - (uint64_t)low;
    uint32_t words[2 * VT__BLOCK];
    vt__random_words(job->seed, job->stream, job->first + 2 * at, words, 2 * n);
    for (int64_t i = 0; i < n; i++) {
        uint64_t w = (uint64_t)words[2 * i + 1] << 32 | words[2 * i], a = w >> 32, b = w & UINT32_MAX, c = range >> 32, d = range & UINT32_MAX;
        uint64_t middle = a * d + (b * d >> 32), other = b * c + (middle & UINT32_MAX);
        out[i] = (int64_t)((uint64_t)low + a * c + (middle >> 32) + (other >> 32));
    }
}

static void keep_block(const struct job *job, uint64_t at, int64_t n, const double *x, double *out) {
    double p = job->run->attrs->a[0].f, u[VT__BLOCK];
    vt__random_uniform(job->seed, job->stream, job->first + at, u, n);
    for (int64_t i = 0; i < n; i++) {
        if (job->run->op->id == VT__OP_bernoulli) out[i] = u[i] < x[i];
        else out[i] = u[i] < p ? 0 : x[i] / (1 - p);
    }
}

static void work(void *user, int64_t chunk) {
    const struct job *job = user;
    int64_t end = (chunk + 1) * CHUNK < job->count ? (chunk + 1) * CHUNK : job->count;
    for (int64_t at = chunk * CHUNK; at < end; at += VT__BLOCK) {
        int64_t n = end - at < VT__BLOCK ? end - at : VT__BLOCK, integers[VT__BLOCK];
        double out[VT__BLOCK], x[VT__BLOCK];
        switch (job->run->op->id) {
        case VT__OP_randint:
            integer_block(job, (uint64_t)at, n, integers);
            vt__block_store(&job->run->out[0], at, n, VT_DTYPE_I64, integers);
            continue;
        case VT__OP_uniform: uniform_block(job, (uint64_t)at, n, out); break;
        case VT__OP_normal:
            vt__random_normal(job->seed, job->stream, job->first + (uint64_t)at, out, n);
            for (int64_t i = 0; i < n; i++) out[i] = job->run->attrs->a[0].f + job->run->attrs->a[1].f * out[i];
            break;
        default: keep_block(job, (uint64_t)at, n, vt__block_load(&job->in, at, n, VT_DTYPE_F64, x), out); break;
        }
        vt__block_store(&job->run->out[0], at, n, VT_DTYPE_F64, out);
    }
}

vt_status vt__cpu_random(const struct vt__run *run) {
    /* seed, stream and first follow the attributes of the distribution. */
    int32_t at = run->op->id == VT__OP_bernoulli ? 0 : run->op->id == VT__OP_dropout ? 1 : 2;
    const struct vt__attr *a = &run->attrs->a[at];
    struct job job = {.run = run, .in = run->in[0], .seed = (uint64_t)a[0].i[0], .stream = (uint32_t)a[1].i[0], .first = (uint64_t)a[2].i[0],
        .count = vt__view_count(&run->out[0])};
    if (job.count) vt__parallel(run->ctx, (job.count + CHUNK - 1) / CHUNK, work, &job);
    return VT_OK;
}
