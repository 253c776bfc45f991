/* Runners of Fourier transforms: chunks of rows for threads. Real rows of even length are complex ones of half the length; of odd length, two make one. */
#include <stdatomic.h>
#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/device.h"
#include "device/fft_plan.h"
#include "vtk.h"

enum { LANES_MOST = 16, CHUNK = 1 << 16 /* bytes of rows that a thread takes at a time, or one group */ };

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* Where the rows are and what becomes of them. */
enum kind { COMPLEX, COLUMNS, REAL_TO_HALF, HALF_TO_REAL };
struct job {
    const struct vt__run *run;
    const struct vt__fft *fft;
    enum kind kind;
    int32_t type, inverse;
    double scale;
    int64_t rows, n, bins; /* bins: n, or n / 2 + 1 of a half. COLUMNS: rows is how many groups of lanes there are */
    int64_t inner, groups; /* COLUMNS: how many side by side, as columns and as groups */
    int64_t rows_a_chunk;
    char *scratch;
    size_t scratch_size, room_size; /* of a worker; of it, what the rows in between take */
    atomic_llong next;
};

#define T float
#define NAME(x) x##_f32
#include "device/fft_rows.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "device/fft_rows.h"
#undef T
#undef NAME

static void columns(const struct job *job, int64_t first, int64_t count, char *scratch) {
    int64_t lanes = vtk_get()->fft->lanes[job->type], pair = vt__fft_pair(job->type);
    for (int64_t g = first; g < first + count; g++) {
        int64_t c = g % job->groups * lanes, at = (g / job->groups * job->n * job->inner + c) * pair;
        vt__fft_run_columns(job->fft, &(struct vt__fft_rows){.x = (const char *)job->run->in[0].data + at, .y = (char *)job->run->out[0].data + at,
                                                             .rows = min_of(lanes, job->inner - c), .x_pitch = job->inner, .y_pitch = job->inner,
                                                             .scale = job->scale, .inverse = job->inverse, .scratch = scratch});
    }
}

static void chunk(const struct job *job, int64_t first, int64_t rows, char *room) {
    char *scratch = room + job->room_size;
    if (job->kind == COLUMNS) {
        columns(job, first, rows, scratch);
    } else if (job->kind == COMPLEX) {
        int64_t pitch = job->n * vt__fft_pair(job->type);
        vt__fft_run(job->fft, &(struct vt__fft_rows){.x = (const char *)job->run->in[0].data + first * pitch, .y = (char *)job->run->out[0].data + first * pitch,
                                                     .rows = rows, .x_pitch = job->n, .y_pitch = job->n, .scale = job->scale, .inverse = job->inverse, .scratch = scratch});
    } else if (job->n % 2) {
        if (job->type == VTK_FFT_F32) odd_rows_f32(job, first, rows, (float *)(void *)room, scratch);
        else odd_rows_f64(job, first, rows, (double *)(void *)room, scratch);
    } else {
        if (job->type == VTK_FFT_F32) even_rows_f32(job, first, rows, (float *)(void *)room, scratch);
        else even_rows_f64(job, first, rows, (double *)(void *)room, scratch);
    }
}

static void work(void *user, int64_t worker) {
    struct job *job = user;
    char *room = job->scratch + (size_t)worker * job->scratch_size;
    for (;;) {
        int64_t first = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed) * job->rows_a_chunk;
        if (first >= job->rows || vt__cancel_is_left()) return;
        chunk(job, first, min_of(job->rows_a_chunk, job->rows - first), room);
    }
}

/* Sizes of what a worker needs; 0: more than there can be. */
static int measure(struct job *job, int64_t workers, size_t *bytes) {
    int64_t scratch = vt__fft_scratch(job->fft), room = 0, pair = vt__fft_pair(job->type);
    if (scratch < 0) return 0;
    if (job->kind >= REAL_TO_HALF && __builtin_mul_overflow(job->n, (job->n % 2 ? 2 : job->kind == HALF_TO_REAL ? LANES_MOST : 0) * pair, &room)) return 0;
    job->room_size = (size_t)(room + 63) / 64 * 64;
    job->scratch_size = (size_t)scratch + job->room_size;
    return !vt__mul_size(workers, (int64_t)job->scratch_size, bytes);
}

/* What job.kind, rows and n say, by threads. */
static vt_status run_job(const struct vt__run *run, struct job *job) {
    int half = job->kind >= REAL_TO_HALF && job->n % 2 == 0;
    size_t bytes = 0;
    job->run = run;
    job->type = vt__dtype_real(run->in[0].dtype) == VT_DTYPE_F64 ? VTK_FFT_F64 : VTK_FFT_F32;
    vt_status st = vt__fft_get(run->ctx, half ? job->n / 2 : job->n, job->type, half ? VT__FFT_HALF : job->kind == COLUMNS ? VT__FFT_COLUMNS : VT__FFT_ROWS, &job->fft);
    if (st != VT_OK) return st;
    /* Whole groups of lanes, and pairs of rows. */
    job->rows_a_chunk = LANES_MOST * max_of(1, CHUNK / LANES_MOST / 8 / job->n);
    if (job->kind == COLUMNS) job->rows_a_chunk = 1;
    else if (job->fft->plan.is_rows) job->rows_a_chunk = max_of(2, CHUNK / 8 / job->n);
    int64_t workers = min_of(vt__context_threads(run->ctx), (job->rows + job->rows_a_chunk - 1) / job->rows_a_chunk);
    if (measure(job, workers, &bytes)) job->scratch = vt__scratch_take(run->ctx, bytes);
    if (job->scratch) vt__parallel(run->ctx, workers, work, job);
    else st = vt__fail_nomem(run->op->name, bytes);
    vt__scratch_give(run->ctx, job->scratch);
    vt__keep_give(run->ctx, (struct vt__kept *)(uintptr_t)&job->fft->kept);
    return st;
}

vt_status vt__cpu_dft(const struct vt__run *run) {
    const struct vt__attr *a = run->attrs->a;
    const struct vt__view *x = &run->in[0];
    int64_t dim = vt__dim_index(a[1].i[0], x->ndim), count = vt__view_count(x);
    struct job job = {.kind = COMPLEX, .inverse = a[0].i[0] != 0, .scale = a[2].f, .n = x->shape[dim], .inner = 1};
    if (!count) return VT_OK;
    for (int32_t d = (int32_t)dim + 1; d < x->ndim; d++) job.inner *= x->shape[d];
    job.bins = job.n;
    job.rows = count / job.n;
    if (job.inner > 1) {
        int64_t lanes = vtk_get()->fft->lanes[vt__dtype_real(x->dtype) == VT_DTYPE_F64 ? VTK_FFT_F64 : VTK_FFT_F32];
        job.kind = COLUMNS;
        job.groups = (job.inner + lanes - 1) / lanes;
        job.rows = count / job.n / job.inner * job.groups;
    }
    return run_job(run, &job);
}

static vt_status run_real(const struct vt__run *run, enum kind kind, int64_t n) {
    int64_t count = vt__view_count(&run->in[0]);
    struct job job = {.kind = kind, .n = n, .bins = n / 2 + 1, .scale = 1};
    if (!count) return VT_OK;
    job.rows = count / run->in[0].shape[run->in[0].ndim - 1];
    return run_job(run, &job);
}

vt_status vt__cpu_rdft(const struct vt__run *run) { return run_real(run, REAL_TO_HALF, run->in[0].shape[run->in[0].ndim - 1]); }
vt_status vt__cpu_irdft(const struct vt__run *run) { return run_real(run, HALF_TO_REAL, run->attrs->a[0].i[0]); }
