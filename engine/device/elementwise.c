/* Runners of elementwise operations: blocks of elements are brought into the type that is computed in, a kernel goes over them, they go back. */
#include <complex.h>
#include <math.h>

#include "core/error.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

enum { CHUNK = 16 * VT__BLOCK, MAX_OPERANDS = 3, WIDEST = 16 };

typedef void (*row_fn)(const struct vt__run *run, int64_t n, int32_t compute, const void *const *in, void *out);

struct job {
    const struct vt__run *run;
    struct vt__view in[MAX_OPERANDS];
    row_fn row;
    int64_t count;
    int32_t n_in, compute;
};

static void work(void *user, int64_t chunk) {
    const struct job *job = user;
    const struct vt__view *out = &job->run->out[0];
    _Alignas(64) char rows[MAX_OPERANDS + 1][VT__BLOCK * WIDEST];
    int64_t end = (chunk + 1) * CHUNK < job->count ? (chunk + 1) * CHUNK : job->count;
    for (int64_t at = chunk * CHUNK; at < end; at += VT__BLOCK) {
        int64_t n = end - at < VT__BLOCK ? end - at : VT__BLOCK;
        const void *in[MAX_OPERANDS];
        for (int32_t i = 0; i < job->n_in; i++) in[i] = vt__block_load(&job->in[i], at, n, job->compute, rows[i]);
        job->row(job->run, n, job->compute, in, rows[MAX_OPERANDS]);
        vt__block_store(out, at, n, job->compute, rows[MAX_OPERANDS]);
    }
}

static vt_status each(const struct vt__run *run, int32_t compute, row_fn row) {
    struct job job = {.run = run, .row = row, .count = vt__view_count(&run->out[0]), .n_in = run->n_in, .compute = compute};
    for (int32_t i = 0; i < run->n_in; i++) job.in[i] = vt__view_broadcast(&run->in[i], &run->out[0]);
    if (job.count) vt__parallel(run->ctx, (job.count + CHUNK - 1) / CHUNK, work, &job);
    return VT_OK;
}

#define EACH(T, EXPR) \
    do { \
        const T *x = in[0], *y = run->n_in > 1 ? in[1] : in[0]; \
        T *z = out; \
        (void)x, (void)y; \
        for (int64_t i = 0; i < n; i++) z[i] = (T)(EXPR); \
    } while (0)
#define FLOATS(F32, F64, C128) \
    do { \
        if (compute == VT_DTYPE_F32) EACH(float, F32); \
        else if (compute == VT_DTYPE_F64) EACH(double, F64); \
        else if (compute == VT_DTYPE_C128) EACH(double _Complex, C128); \
    } while (0)
#define NUMBERS(EXPR) \
    do { \
        if (compute == VT_DTYPE_I64) EACH(uint64_t, EXPR); /* wraps around */ \
        else FLOATS(EXPR, EXPR, EXPR); \
    } while (0)

static void unary_row(const struct vt__run *run, int64_t n, int32_t compute, const void *const *in, void *out) {
    switch (run->op->id) {
    case VT__OP_neg: NUMBERS(-x[i]); break;
    case VT__OP_exp: FLOATS(expf(x[i]), exp(x[i]), cexp(x[i])); break;
    case VT__OP_log: FLOATS(logf(x[i]), log(x[i]), clog(x[i])); break;
    default: break;
    }
}

static void binary_row(const struct vt__run *run, int64_t n, int32_t compute, const void *const *in, void *out) {
    switch (run->op->id) {
    case VT__OP_add: NUMBERS(x[i] + y[i]); break;
    case VT__OP_sub: NUMBERS(x[i] - y[i]); break;
    case VT__OP_mul: NUMBERS(x[i] * y[i]); break;
    case VT__OP_div: FLOATS(x[i] / y[i], x[i] / y[i], x[i] / y[i]); break;
    case VT__OP_pow: FLOATS(powf(x[i], y[i]), pow(x[i], y[i]), cpow(x[i], y[i])); break;
    default: break;
    }
}

static void copy_row(const struct vt__run *run, int64_t n, int32_t compute, const void *const *in, void *out) {
    if (compute == VT_DTYPE_I64) EACH(int64_t, x[i]);
    else FLOATS(x[i], x[i], x[i]);
}

static void fill_row(const struct vt__run *run, int64_t n, int32_t compute, const void *const *in, void *out) {
    double value = run->attrs->a[0].f;
    if (compute == VT_DTYPE_I64) EACH(int64_t, value);
    else FLOATS(value, value, value);
}

vt_status vt__cpu_unary(const struct vt__run *run) { return each(run, vt__compute_type(run->out[0].dtype), unary_row); }

vt_status vt__cpu_binary(const struct vt__run *run) {
    if (run->op->id == VT__OP_pow && vt__compute_type(run->out[0].dtype) == VT_DTYPE_I64)
        return vt__fail(VT_ERR_UNSUPPORTED, "pow: integers are not raised; cast to a float type");
    return each(run, vt__compute_type(run->out[0].dtype), binary_row);
}

/* In the type of what is read: a float goes to an integer by cutting its fraction off. */
vt_status vt__cpu_cast(const struct vt__run *run) { return each(run, vt__compute_type(run->in[0].dtype), copy_row); }

vt_status vt__cpu_fill(const struct vt__run *run) { return each(run, vt__compute_type(run->out[0].dtype), fill_row); }
