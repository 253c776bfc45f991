/* Rotary embedding: pair i of a row at position t is turned by t base^(-2 i / width). Pairs are elements i and i + width / 2, or 2 i and 2 i + 1 where they are
 * interleaved; what is behind width stays. Sines are float64's, and a row's serve all rows at the same position. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

enum { BASE, INTERLEAVED, OFFSET, WIDTH, INVERSE }; /* attributes */
enum { CHUNK = 16 };                               /* positions */

struct job {
    const struct vt__run *run;
    struct vt__view positions; /* repeated to the rows of x; data NULL: their numbers */
    int64_t n_rows, n_outer, width, turned; /* rows along the last dimension but one, how many times, elements of a row, those that are turned */
    int32_t compute;
    const double *speed; /* [turned / 2] */
    char *scratch;       /* a piece for each chunk: [width] in, [width] out, turned / 2 cosines, sines: 8 bytes an element */
};

#define TURN(T) \
    do { \
        const T *x = in; \
        T *y = out; \
        for (int64_t i = 0; i < half; i++) { \
            int64_t a = interleaved ? 2 * i : i, b = interleaved ? 2 * i + 1 : i + half; \
            T c = (T)cosine[i], s = (T)sine[i], xa = x[a], xb = x[b]; \
            y[a] = xa * c - xb * s; \
            y[b] = xa * s + xb * c; \
        } \
        for (int64_t i = 2 * half; i < job->width; i++) y[i] = x[i]; \
    } while (0)

static void turn(const struct job *job, const double *cosine, const double *sine, const void *in, void *out) {
    int64_t half = job->turned / 2;
    int interleaved = job->run->attrs->a[INTERLEAVED].i[0] != 0;
    if (job->compute == VT_DTYPE_F64) TURN(double);
    else TURN(float);
}

static double position(const struct job *job, int64_t row, int64_t t) {
    double offset = (double)job->run->attrs->a[OFFSET].i[0];
    if (!job->positions.data) return offset + (double)t;
    int64_t p;
    return offset + (double)*(const int64_t *)vt__block_load(&job->positions, row, 1, VT_DTYPE_I64, &p);
}

static void work(void *user, int64_t chunk) {
    const struct job *job = user;
    const struct vt__run *run = job->run;
    int64_t half = job->turned / 2;
    double *in = (double *)(void *)(job->scratch + (size_t)chunk * (size_t)(job->width * 2 + job->turned) * 8), *out = in + job->width, *cosine = out + job->width, *sine = cosine + half;
    for (int64_t t = chunk * CHUNK; t < job->n_rows && t < (chunk + 1) * CHUNK; t++) {
        double known = NAN;
        for (int64_t o = 0; o < job->n_outer; o++) {
            int64_t row = o * job->n_rows + t;
            double at = position(job, row, t);
            for (int64_t i = 0; at != known && i < half; i++) {
                cosine[i] = cos(at * job->speed[i]);
                sine[i] = run->attrs->a[INVERSE].i[0] ? -sin(at * job->speed[i]) : sin(at * job->speed[i]);
            }
            known = at;
            turn(job, cosine, sine, vt__block_load(&run->in[0], row * job->width, job->width, job->compute, in), out);
            vt__block_store(&run->out[0], row * job->width, job->width, job->compute, out);
        }
    }
}

vt_status vt__cpu_rope(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    struct job job = {.run = run, .n_rows = x->shape[x->ndim - 2], .width = x->shape[x->ndim - 1], .n_outer = 1, .compute = vt__compute_type(x->dtype)};
    const struct vt__attr *a = run->attrs->a;
    int64_t n_chunks = (job.n_rows + CHUNK - 1) / CHUNK, n, piece;
    if (!vt__view_count(x)) return VT_OK;
    for (int32_t i = 0; i < x->ndim - 2; i++) job.n_outer *= x->shape[i];
    job.turned = a[WIDTH].given ? a[WIDTH].i[0] : job.width;
    if (run->n_in > 1 && run->in[1].dtype >= 0) {
        struct vt__view rows = *x;
        rows.ndim--;
        job.positions = vt__view_broadcast(&run->in[1], &rows);
    }
    if (__builtin_mul_overflow(job.width, 3, &piece) || __builtin_mul_overflow(n_chunks, piece, &n) || __builtin_add_overflow(n, job.width, &n)) n = -1;
    double *memory = vt__scratch_take2(run->ctx, n, 1, sizeof *memory); /* speeds first */
    if (!memory) return vt__fail_nomem("rope", 0);
    for (int64_t i = 0; i < job.turned / 2; i++) memory[i] = pow(a[BASE].f, -2.0 * (double)i / (double)job.turned);
    job.speed = memory;
    job.scratch = (char *)(memory + job.width);
    vt__parallel(run->ctx, n_chunks, work, &job);
    vt__scratch_give(run->ctx, memory);
    return VT_OK;
}
