/* Runner of column-row sampling: k of the n rows of a matrix, by what they weigh, in place of all of them. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"
#include "vtk.h"
#include "vtk_map.h"

enum { DIGIT = 1 << 10, PASSES = 3, TOP_BITS = 0x3f800000 /* of 1.0f */, GRAIN = 1 << 15 /* elements a chunk */ };
enum { WTA, CRS, TOP };

struct ranked {
    uint32_t key;
    uint32_t row;
};

/* Legend: w[i] what row i weighs; order[] rows, the heaviest first; tail[j] = sum of w of order[j] and of those behind it; c rows are taken as they are. */
struct job {
    const struct vt__run *run;
    int64_t n, k, width, rows_a_chunk;
    double *w, *tail, *factors;
    struct ranked *order, *room;
    uint32_t *rows;
};

static uint32_t digit_of(uint32_t key, int pass) { return key >> 10 * pass & (DIGIT - 1); }

/* Descending by w as a share of the greatest, rounded to float: 30 bits, three digits. Rows that are equal so far stay in order; a wrong place among such
 * equals costs no exactness, draws are by w itself. */
static const struct ranked *sort(struct job *job, double most) {
    uint32_t count[PASSES][DIGIT] = {{0}};
    struct ranked *from = job->order, *to = job->room;
    for (int64_t i = 0; i < job->n; i++) {
        float share = (float)(job->w[i] / most);
        uint32_t bits;
        memcpy(&bits, &share, sizeof bits);
        from[i] = (struct ranked){TOP_BITS - bits, (uint32_t)i};
        for (int pass = 0; pass < PASSES; pass++) count[pass][digit_of(from[i].key, pass)]++;
    }
    for (int pass = 0; pass < PASSES; pass++) {
        uint32_t sum = 0;
        for (int d = 0; d < DIGIT; d++) {
            uint32_t here = count[pass][d];
            count[pass][d] = sum;
            sum += here;
        }
        for (int64_t i = 0; i < job->n; i++) to[count[pass][digit_of(from[i].key, pass)]++] = from[i];
        struct ranked *other = from;
        from = to;
        to = other;
    }
    return from;
}

/* How many rows are taken as they are: the first c of the least (1 - P_C) / (k - c). */
static int64_t n_certain(const struct job *job) {
    int64_t best = 0;
    int32_t method = (int32_t)job->run->attrs->a[0].i[0];
    if (method == TOP) return job->k;
    for (int64_t c = 1; method == WTA && c < job->k; c++)
        if (job->tail[c] / (double)(job->k - c) < job->tail[best] / (double)(job->k - best)) best = c;
    return best;
}

/* The last place from c on whose tail is above t: a draw from the rest where t = u times it. */
static int64_t draw(const struct job *job, int64_t c, double t) {
    int64_t low = c, high = job->n; /* tail[low] > t but for rounding, tail[high] <= t */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (job->tail[middle] > t) low = middle;
        else high = middle;
    }
    return low;
}

static void choose(struct job *job, const double *u) {
    double most = 0, sum = 0;
    for (int64_t i = 0; i < job->n; i++) {
        if (job->w[i] < 0) job->w[i] = 0;
        if (job->w[i] > most) most = job->w[i];
        sum += job->w[i];
    }
    if (!(most > 0) || sum - sum != 0) { /* rows of zeros have an estimate of zeros; weights that are no numbers have none */
        for (int64_t j = 0; j < job->k; j++) job->rows[j] = (uint32_t)j, job->factors[j] = sum - sum;
        return;
    }
    const struct ranked *order = sort(job, most);
    job->tail[job->n] = 0;
    for (int64_t j = job->n; j-- > 0;) job->tail[j] = job->tail[j + 1] + job->w[order[j].row];
    int64_t c = n_certain(job);
    for (int64_t j = 0; j < job->k; j++) {
        int64_t place = j < c ? j : draw(job, c, u[j] * job->tail[c]);
        double w = job->w[order[place].row];
        job->rows[j] = order[place].row;
        job->factors[j] = j < c ? 1 : w > 0 ? job->tail[c] / ((double)(job->k - c) * w) : 0;
    }
}

static void copy_rows(void *user, int64_t chunk) {
    const struct job *job = user;
    const struct vt__view *x = &job->run->in[0], *out = &job->run->out[0];
    int is_double = x->dtype == VT_DTYPE_F64;
    size_t size = vt__dtype_size(x->dtype), bytes = size * (size_t)job->width;
    vtk_map_fn mul = is_double ? vtk_get()->map->f64[VTK_MAP_mul] : vtk_get()->map->f32[VTK_MAP_mul];
    int64_t first = chunk * job->rows_a_chunk, end = first + job->rows_a_chunk < job->k ? first + job->rows_a_chunk : job->k;
    for (int64_t j = first; j < end; j++) {
        const void *from = (const char *)x->data + job->rows[j] * bytes;
        void *to = (char *)out->data + (size_t)j * bytes;
        float single = (float)job->factors[j];
        if (job->factors[j] == 1) memcpy(to, from, bytes);
        else mul(to, (const void *const[]){from, is_double ? (const void *)&job->factors[j] : &single}, (const int64_t[]){1, 0}, job->width, NULL);
    }
}

static void read_doubles(const struct vt__view *v, int64_t n, double *out) {
    for (int64_t at = 0; at < n; at += VT__BLOCK) {
        int64_t len = n - at < VT__BLOCK ? n - at : VT__BLOCK;
        const void *from = vt__block_load(v, at, len, VT_DTYPE_F64, out + at);
        if (from != out + at) memcpy(out + at, from, (size_t)len * sizeof *out);
    }
}

/* The arrays in a room of 8 (n + 1) doubles: 4 n + 1 of eight bytes, 2 k of eight and k of four, k at most n. */
static void lay_out(struct job *job, double *at, double **u) {
    job->w = at;
    job->tail = job->w + job->n;
    *u = job->tail + job->n + 1;
    job->factors = *u + job->k;
    job->order = (struct ranked *)(void *)(job->factors + job->k);
    job->room = job->order + job->n;
    job->rows = (uint32_t *)(void *)(job->room + job->n);
}

vt_status vt__cpu_crs_rows(const struct vt__run *run) {
    struct job job = {.run = run, .n = run->in[0].shape[0], .width = run->in[0].shape[1], .k = run->in[2].shape[0]};
    double *u, *room = vt__scratch_take2(run->ctx, job.n + 1, 8, sizeof *room);
    if (!room) return vt__fail_nomem(run->op->name, (size_t)(job.n + 1) * 8 * sizeof *room);
    lay_out(&job, room, &u);
    read_doubles(&run->in[1], job.n, job.w);
    read_doubles(&run->in[2], job.k, u);
    if (job.k) choose(&job, u);
    for (int64_t j = 0; j < job.k; j++) ((int64_t *)run->out[1].data)[j] = job.rows[j];
    job.rows_a_chunk = job.width && job.width < GRAIN ? GRAIN / job.width : 1;
    if (job.k && job.width) vt__parallel(run->ctx, (job.k + job.rows_a_chunk - 1) / job.rows_a_chunk, copy_rows, &job);
    vt__scratch_give(run->ctx, room);
    return VT_OK;
}
