/* Runners of Fourier transforms: rows go through the kernels of kernels/cpu/fft a lane each. Real rows go two to a lane, one as real and one as imaginary
 * part. Lengths with a large prime factor are convolutions with a chirp (Bluestein 1970) of a length that has none. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/device.h"
#include "vtk.h"
#include "vtk_fft.h"

enum { LINE = 64 };

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

/* Factors for the kernels, fours first; 0 if a prime is too large. */
static int factorise(int64_t n, vtk_fft_plan *plan) {
    static const int32_t radices[] = {4, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31};
    plan->n = n;
    plan->n_factors = 0;
    for (size_t i = 0; i < sizeof radices / sizeof radices[0]; i++)
        for (; n % radices[i] == 0 && n > 1; n /= radices[i]) plan->factors[plan->n_factors++] = radices[i];
    return n == 1;
}

/* A length, its roots, and for lengths with large primes the chirp and its spectrum. One allocation. */
struct length {
    vtk_fft_plan plan;
    int64_t n;          /* of the transforms; plan.n is longer where there is a chirp */
    const char *chirp;  /* [n] exp(-i pi k^2 / n); NULL: none */
    char *spectrum;     /* [plan.n] of the conjugate chirp, wrapped around, over plan.n */
    void *block;
};

static void put(char *to, int64_t i, size_t size, double re, double im) {
    if (size == 8) {
        ((double *)(void *)to)[2 * i] = re;
        ((double *)(void *)to)[2 * i + 1] = im;
    } else {
        ((float *)(void *)to)[2 * i] = (float)re;
        ((float *)(void *)to)[2 * i + 1] = (float)im;
    }
}

static double get(const char *from, int64_t i, size_t size) {
    return size == 8 ? ((const double *)(const void *)from)[i] : (double)((const float *)(const void *)from)[i];
}

/* exp(-2 pi i k / n), by an angle of at most an eighth of a turn. */
static void root(int64_t k, int64_t n, double *re, double *im) {
    const double turn = 6.283185307179586476925286766559;
    int64_t octant = 8 * k / n, near = (octant + 1) / 2; /* quarter turns to the nearest axis */
    double angle = turn * ((double)k - (double)near * (double)n / 4) / (double)n, c = cos(angle), s = sin(angle);
    switch (near % 4) {
    case 0: *re = c, *im = -s; break;
    case 1: *re = -s, *im = -c; break;
    case 2: *re = -c, *im = s; break;
    default: *re = s, *im = c; break;
    }
}

static int is_left_at(int64_t k) { return k % 8192 == 0 && vt__cancel_is_left(); }

static void fill_roots(char *roots, int64_t n, size_t size) {
    for (int64_t k = 0; k < n && !is_left_at(k); k++) {
        double re, im;
        root(k, n, &re, &im);
        put(roots, k, size, re, im);
    }
}

static vt_status make_chirp(vt_context *ctx, struct length *l, char *chirp, size_t size) {
    int64_t m = l->plan.n, lanes = LINE / (int64_t)size;
    char *room = vt__alloc64_2(ctx, m, 4 * LINE, 1), *a = room, *b = room + (size_t)m * 2 * LINE;
    if (!room) return vt__fail_nomem("fft", (size_t)m * 4 * LINE);
    memset(a, 0, (size_t)m * 2 * LINE);
    int64_t square = 0; /* k^2 mod 2 n: angles stay exact for every n */
    for (int64_t k = 0; k < l->n && !is_left_at(k); square = (square + 2 * k + 1) % (2 * l->n), k++) {
        double re, im;
        root(square, 2 * l->n, &re, &im);
        put(chirp, k, size, re, im);
        for (int twice = 0; twice < (k ? 2 : 1); twice++) {
            int64_t at = (twice ? m - k : k) * 2 * lanes;
            if (size == 8) ((double *)(void *)a)[at] = re, ((double *)(void *)a)[at + lanes] = -im;
            else ((float *)(void *)a)[at] = (float)re, ((float *)(void *)a)[at + lanes] = (float)-im;
        }
    }
    const char *to = size == 8 ? (const char *)vtk_get()->fft->f64(&l->plan, (double *)(void *)a, (double *)(void *)b, 0)
                               : (const char *)vtk_get()->fft->f32(&l->plan, (float *)(void *)a, (float *)(void *)b, 0);
    for (int64_t k = 0; k < m; k++)
        put(l->spectrum, k, size, get(to, 2 * lanes * k, size) / (double)m, get(to, 2 * lanes * k + lanes, size) / (double)m);
    l->chirp = chirp;
    vt__free(ctx, room);
    return VT_OK;
}

static vt_status make_length(vt_context *ctx, int64_t n, size_t size, struct length *l) {
    *l = (struct length){.n = n};
    int smooth = factorise(n, &l->plan);
    if (!smooth) {
        int64_t m = 1;
        if (n > INT64_MAX / 16) return vt__fail(VT_ERR_LIMIT, "fft: %lld points", (long long)n);
        while (m < 2 * n - 1) m *= 2;
        (void)factorise(m, &l->plan);
    }
    int64_t m = l->plan.n, elements = smooth ? m : 2 * m + n;
    char *block = l->block = vt__alloc64_2(ctx, elements, 2, size);
    if (!block) return vt__fail_nomem("fft", (size_t)elements * 2 * size);
    fill_roots(block, m, size);
    l->plan.roots = block;
    l->plan.is_left = vt__cancel_is_left;
    if (smooth) return VT_OK;
    l->spectrum = block + (size_t)m * 2 * size;
    return make_chirp(ctx, l, l->spectrum + (size_t)m * 2 * size, size);
}

/* Where the rows are and what becomes of them. */
enum kind { COMPLEX, REAL_TO_HALF, HALF_TO_REAL };
struct job {
    const struct vt__run *run;
    struct length length;
    enum kind kind;
    int inverse;
    int64_t rows, n, bins; /* bins: n, or n / 2 + 1 of a half */
    int64_t lanes, rows_a_batch;
    size_t size;           /* of a real number */
    char *scratch;
    size_t scratch_size;
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

static void work(void *user, int64_t worker) {
    struct job *job = user;
    char *room = job->scratch + (size_t)worker * job->scratch_size;
    for (;;) {
        int64_t first = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed) * job->rows_a_batch;
        if (first >= job->rows || vt__cancel_is_left()) return;
        int64_t n = min_of(job->rows_a_batch, job->rows - first);
        if (job->size == 4) batch_f32(job, first, n, room);
        else batch_f64(job, first, n, room);
    }
}

static vt_status run_rows(const struct vt__run *run, enum kind kind, int64_t n, int inverse) {
    struct job job = {.run = run, .kind = kind, .inverse = inverse, .n = n, .bins = kind == COMPLEX ? n : n / 2 + 1};
    size_t bytes = 0;
    int64_t count = vt__view_count(&run->in[0]);
    if (!count) return VT_OK;
    job.size = vt__dtype_size(vt__dtype_real(run->in[0].dtype));
    job.lanes = LINE / (int64_t)job.size;
    job.rows_a_batch = kind == COMPLEX ? job.lanes : 2 * job.lanes;
    job.rows = count / run->in[0].shape[run->in[0].ndim - 1];
    vt_status st = make_length(run->ctx, n, job.size, &job.length);
    int64_t batches = (job.rows + job.rows_a_batch - 1) / job.rows_a_batch, workers = min_of(vt__context_threads(run->ctx), batches);
    if (st == VT_OK && (vt__mul_size(job.length.plan.n, 4 * LINE, &job.scratch_size) || vt__mul_size(workers, (int64_t)job.scratch_size, &bytes)))
        st = vt__fail_nomem(run->op->name, 0);
    if (st == VT_OK) job.scratch = vt__scratch_take(run->ctx, bytes);
    if (st == VT_OK && !job.scratch) st = vt__fail_nomem(run->op->name, bytes);
    if (st == VT_OK) vt__parallel(run->ctx, workers, work, &job);
    vt__scratch_give(run->ctx, job.scratch);
    vt__free(run->ctx, job.length.block);
    return st;
}

vt_status vt__cpu_dft(const struct vt__run *run) {
    return run_rows(run, COMPLEX, run->in[0].shape[run->in[0].ndim - 1], run->attrs->a[0].i[0] != 0);
}

vt_status vt__cpu_rdft(const struct vt__run *run) { return run_rows(run, REAL_TO_HALF, run->in[0].shape[run->in[0].ndim - 1], 0); }
vt_status vt__cpu_irdft(const struct vt__run *run) { return run_rows(run, HALF_TO_REAL, run->attrs->a[0].i[0], 1); }
