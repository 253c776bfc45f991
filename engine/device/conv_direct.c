/* Convolutions of few filters, and those of a filter for each channel, which memory bounds: no column is gathered for each tap. A band of the picture's rows is
 * copied with its borders, columns sorted by their remainder by the stride, so that what a tap reads for a row of results lies side by side. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "device/conv.h"

enum {
    FILTERS = 16,          /* of a group, at most: more are worth a product of matrices */
    FILTERS_DW = 4,
    MOST_TAPS = 4096,
    BAND = 8192,           /* elements of a channel's band, which stays in the first-level cache */
    MOST_BAND = 128 * 1024 /* of all channels' bands, in the second-level cache */
};

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* Bands: channels of n_rows rows, of which each has a part of width elements for each remainder of a column by the stride. */
struct bands {
    int64_t least[2], span[2]; /* of the taps' offsets: the smallest, how far the largest lies from it */
    int64_t width, row;        /* row: elements, stride * width */
    int64_t rows;              /* of the grid that a band has, at most */
    int64_t channels, n;       /* in a band; bands of a picture */
    int64_t channel_size;      /* elements */
};

struct job {
    struct vt__conv c;
    struct bands bands;
    const int64_t *at; /* of all phases' taps */
    char *out;
};

static int64_t rows_of(const struct vt__conv *c, const struct bands *b, int64_t grid_rows) { return (grid_rows - 1) * c->stride[0] + b->span[0] + 1; }

/* Bands of so many channels; 0: a single row of results takes more than MOST_BAND elements. */
static int find_bands(const struct vt__conv *c, int64_t channels, struct bands *b) {
    int64_t size;
    *b = (struct bands){.channels = channels, .rows = 1};
    for (int d = 0; d < 2; d++) {
        int64_t most = vt__conv_offset(c, d, 0);
        b->least[d] = most;
        for (int64_t k = 1; k < c->kernel[d]; k++) {
            b->least[d] = min_of(b->least[d], vt__conv_offset(c, d, k));
            most = max_of(most, vt__conv_offset(c, d, k));
        }
        b->span[d] = most - b->least[d];
    }
    b->width = (c->grid[1] + b->span[1] / c->stride[1] + VTK_CONV_LANES) / VTK_CONV_LANES * VTK_CONV_LANES;
    if (b->width > MOST_BAND || __builtin_mul_overflow(b->width, c->stride[1], &b->row)) return 0;
    if (__builtin_mul_overflow(b->row, b->span[0] + 1, &size) || __builtin_mul_overflow(size, channels, &size) || size > MOST_BAND) return 0;
    while (b->rows < c->grid[0] && rows_of(c, b, b->rows + 1) * b->row <= min_of(BAND, MOST_BAND / 2 / channels)) b->rows++;
    b->n = (c->grid[0] + b->rows - 1) / b->rows;
    b->rows = (c->grid[0] + b->n - 1) / b->n;
    b->channel_size = rows_of(c, b, b->rows) * b->row;
    return 1;
}

static int64_t band_bytes(const struct vt__conv *c, const struct bands *b) { return (b->channels * b->channel_size + 4 * VTK_CONV_LANES) * (int64_t)c->size; }

/* Which lanes of VTK_CONV_LANES columns from column `first` on, stride apart, lie in the picture. */
static uint32_t lanes_inside(const struct vt__conv *c, int64_t first) {
    uint32_t lanes = 0;
    for (int64_t i = 0; i < VTK_CONV_LANES; i++, first += c->stride[1]) lanes |= (uint32_t)(first >= 0 && first < c->in[1]) << i;
    return lanes;
}

/* The picture's rows for grid_rows rows of the grid from row `first` on. */
static void fill_band(const struct vt__conv *c, const struct bands *b, const char *x, int64_t first, int64_t grid_rows, char *band) {
    int64_t top = first * c->stride[0] + b->least[0], n = rows_of(c, b, grid_rows), from = min_of(max_of(0, -top), n), to = max_of(from, min_of(n, c->in[0] - top));
    for (int64_t channel = 0; channel < b->channels; channel++) {
        char *rows = band + (size_t)(channel * b->channel_size) * c->size;
        memset(rows, 0, (size_t)(from * b->row) * c->size);
        memset(rows + (size_t)(to * b->row) * c->size, 0, (size_t)((n - to) * b->row) * c->size);
    }
    for (int64_t at = 0; at < b->row && from < to; at += VTK_CONV_LANES) {
        int64_t column = b->least[1] + at / b->width + at % b->width * c->stride[1];
        vtk_conv_piece piece = {(top + from) * c->in[1] + column, lanes_inside(c, column)};
        const int32_t count = 1;
        for (int64_t channel = 0; channel < b->channels; channel++) {
            vtk_conv_gather p = {.to = band + (size_t)(channel * b->channel_size + from * b->row + at) * c->size, .ld = b->row,
                .x = x + (size_t)(channel * c->in[0] * c->in[1]) * c->size, .plane = c->in[1], .n = to - from, .step = c->stride[1], .pieces = &piece, .counts = &count,
                .n_taps = 1};
            if (c->size == 4) c->kernels->conv->gather_f32(&p);
            else c->kernels->conv->gather_f64(&p);
        }
    }
}

/* Where the taps lie in a band, phase after phase. NULL: no memory. */
static int64_t *find_taps(vt_context *ctx, const struct vt__conv *c, const struct bands *b) {
    int64_t *taps = vt__scratch_zero2(ctx, b->channels, c->kernel[0] * c->kernel[1], sizeof *taps), *at = taps;
    for (int64_t y = 0; taps && y < c->phases[0]; y++)
        for (int64_t x = 0; x < c->phases[1]; x++)
            for (int64_t i = 0; i < b->channels * c->kernel[0] * c->kernel[1]; i++) {
                int64_t kx = i % c->kernel[1], ky = i / c->kernel[1] % c->kernel[0], channel = i / c->kernel[1] / c->kernel[0];
                if (vt__conv_phase(c, 0, ky) != y || vt__conv_phase(c, 1, kx) != x) continue;
                int64_t dx = vt__conv_offset(c, 1, kx) - b->least[1];
                *at++ = channel * b->channel_size + (vt__conv_offset(c, 0, ky) - b->least[0]) * b->row + dx % c->stride[1] * b->width + dx / c->stride[1];
            }
    return taps;
}

/* ---- forward ---- */

int vt__conv_is_direct(const struct vt__conv *c) {
    struct bands b;
    return c->filters <= FILTERS && c->channels <= MOST_TAPS && c->kernel[0] * c->kernel[1] <= MOST_TAPS / c->channels && find_bands(c, c->channels, &b);
}

static void run_direct(const struct vt__conv *c, const vtk_conv_direct *p) {
    if (c->size == 4) c->kernels->conv->direct_f32(p);
    else c->kernels->conv->direct_f64(p);
}

/* A band of the results of one picture, group and row of phases. Scratch: the band, a phase's results. */
static void direct_item(const void *user, int64_t i, char *scratch) {
    const struct job *job = user;
    const struct vt__conv *c = &job->c;
    const struct bands *b = &job->bands;
    int64_t plane = i / b->n / c->phases[0], first = i % b->n * b->rows, rows = min_of(b->rows, c->grid[0] - first), group = plane % c->groups, pixels = c->out[0] * c->out[1];
    struct vt__conv_block block = {.phase = {i / b->n % c->phases[0], 0}, .first = first * c->grid[1], .n = rows * c->grid[1]};
    char *band = scratch, *tile = band + band_bytes(c, b);
    int is_plain = c->up[0] == 1 && c->up[1] == 1;
    if (rows <= 0) return;
    fill_band(c, b, c->x + (size_t)(plane * c->channels * c->in[0] * c->in[1]) * c->size, first, rows, band);
    for (block.phase[1] = 0; block.phase[1] < c->phases[1]; block.phase[1]++) {
        vtk_conv_direct p = {.out_row = c->grid[1], .in = band, .in_row = c->stride[0] * b->row, .n_rows = rows, .n_columns = c->grid[1]};
        int64_t before = vt__conv_weights_at(c, block.phase) * c->channels;
        p.at = job->at + before;
        p.n_taps = p.ld_weights = c->channels * vt__conv_taps(c, 0, block.phase[0]) * vt__conv_taps(c, 1, block.phase[1]);
        p.out_plane = is_plain ? pixels : block.n;
        for (int64_t f = 0; f < c->filters; f += VTK_CONV_FILTERS) {
            int64_t filter = group * c->filters + f;
            char *out = c->y + (size_t)((plane * c->filters + f) * pixels) * c->size;
            p.out = is_plain ? out + (size_t)block.first * c->size : tile;
            p.n_filters = min_of(VTK_CONV_FILTERS, c->filters - f);
            p.weights = c->weights + (size_t)(before * c->groups * c->filters + filter * p.n_taps) * c->size;
            p.bias = c->bias ? c->bias + (size_t)filter * c->size : NULL;
            run_direct(c, &p);
            if (!is_plain) vt__conv_scatter(c, &block, p.n_filters, tile, block.n, out);
        }
    }
}

static vt_status run_job(const struct vt__run *run, struct job *job, int64_t items, int64_t scratch, vt__conv_item_fn item) {
    int64_t *at = find_taps(run->ctx, &job->c, &job->bands);
    if (!at) return vt__fail_nomem(run->op->name, 0);
    job->at = at;
    vt_status st = vt__conv_run(run, job, items, band_bytes(&job->c, &job->bands) + scratch, item);
    vt__scratch_give(run->ctx, at);
    return st;
}

vt_status vt__conv_direct(const struct vt__run *run, const struct vt__conv *c) {
    struct job job = {.c = *c};
    find_bands(c, c->channels, &job.bands);
    return run_job(run, &job, c->n * c->groups * c->phases[0] * job.bands.n, VTK_CONV_FILTERS * job.bands.rows * c->grid[1] * (int64_t)c->size, direct_item);
}

/* ---- the gradient for the filters ---- */

int vt__conv_weight_is_direct(const struct vt__conv *c) {
    struct bands b;
    return c->filters <= FILTERS_DW && c->kernel[0] <= MOST_TAPS && c->kernel[1] <= MOST_TAPS / c->kernel[0] && find_bands(c, 1, &b);
}

/* The lanes of a tap's sum, in order. */
static void sum_lanes(const struct vt__conv *c, const char *lanes, char *out) {
    double sum = 0;
    for (int64_t i = 0; i < VTK_CONV_LANES; i++) sum += c->size == 4 ? (double)((const float *)(const void *)lanes)[i] : ((const double *)(const void *)lanes)[i];
    if (c->size == 4) *(float *)(void *)out = (float)sum;
    else *(double *)(void *)out = sum;
}

/* The filters of a group for one channel. Scratch: sums, the band. */
static void weight_item(const void *user, int64_t i, char *scratch) {
    const struct job *job = user;
    const struct vt__conv *c = &job->c;
    const struct bands *b = &job->bands;
    int64_t group = i / c->channels, channel = i % c->channels, taps = c->kernel[0] * c->kernel[1], lanes = taps * VTK_CONV_LANES;
    char *sums = scratch, *band = sums + (size_t)(c->filters * lanes) * c->size;
    memset(sums, 0, (size_t)(c->filters * lanes) * c->size);
    for (int64_t picture = 0; picture < c->n; picture++)
        for (int64_t first = 0; first < c->grid[0]; first += b->rows) {
            int64_t plane = (picture * c->groups + group) * c->channels + channel, rows = min_of(b->rows, c->grid[0] - first);
            fill_band(c, b, c->x + (size_t)(plane * c->in[0] * c->in[1]) * c->size, first, rows, band);
            for (int64_t f = 0; f < c->filters; f++) {
                int64_t g = (((picture * c->groups + group) * c->filters + f) * c->out[0] + first) * c->out[1];
                vtk_conv_dots p = {.sums = sums + (size_t)(f * lanes) * c->size, .g = c->y + (size_t)g * c->size, .g_row = c->out[1], .in = band,
                    .in_row = c->stride[0] * b->row, .at = job->at, .n_taps = taps, .n_rows = rows, .n_columns = c->out[1]};
                if (c->size == 4) c->kernels->conv->dots_f32(&p);
                else c->kernels->conv->dots_f64(&p);
            }
        }
    for (int64_t f = 0; f < c->filters; f++)
        for (int64_t t = 0; t < taps; t++)
            sum_lanes(c, sums + (size_t)(f * lanes + t * VTK_CONV_LANES) * c->size, job->out + (size_t)(((group * c->filters + f) * c->channels + channel) * taps + t) * c->size);
}

vt_status vt__conv_weight_direct(const struct vt__run *run, const struct vt__conv *c) {
    struct job job = {.c = *c, .out = run->out[0].data};
    find_bands(c, 1, &job.bands);
    int64_t sums = c->filters * c->kernel[0] * c->kernel[1] * VTK_CONV_LANES * (int64_t)c->size;
    return run_job(run, &job, c->groups * c->channels, sums, weight_item);
}
