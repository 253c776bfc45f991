/* Where the taps of a convolution lie, and columns of the product that it is. */
#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "device/conv.h"

enum {
    LANES = VTK_CONV_LANES,
    MOST_TAPS = 32, /* at a time */
    CHANNELS = 64,  /* likewise */
    ALIAS = 4096,   /* bytes: planes so far apart share lines of the first-level cache, ... */
    FEW = 16        /* ... which holds the rows of so many of them from tap to tap */
};

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

struct vt__conv vt__conv_of(const struct vt__run *run, const struct vt__view *x, const struct vt__view *y, const int64_t *kernel, const struct vt__attr *stride,
    const struct vt__attr *padding, const struct vt__attr *dilation, int64_t groups, int transposed) {
    struct vt__conv c = {.kernels = vtk_get(), .n = x->shape[0], .groups = groups, .channels = x->shape[1] / groups, .filters = y->shape[1] / groups,
        .transposed = transposed, .dtype = run->out[0].dtype, .size = vt__dtype_size(run->out[0].dtype), .x = x->data, .y = y->data};
    for (int d = 0; d < 2; d++) {
        int64_t step = vt__attr_pair(stride, d);
        c.in[d] = x->shape[2 + d];
        c.out[d] = y->shape[2 + d];
        c.kernel[d] = kernel[d];
        c.padding[d] = vt__attr_pair(padding, d);
        c.dilation[d] = vt__attr_pair(dilation, d);
        c.stride[d] = transposed ? 1 : step;
        c.up[d] = transposed ? step : 1;
        c.phases[d] = min_of(c.up[d], c.out[d]);
        c.grid[d] = (c.out[d] + c.up[d] - 1) / c.up[d];
    }
    return c;
}

int64_t vt__conv_phase(const struct vt__conv *c, int d, int64_t k) {
    if (c->up[d] == 1) return 0;
    int64_t at = (k * c->dilation[d] - c->padding[d]) % c->up[d];
    return at < 0 ? at + c->up[d] : at;
}

int64_t vt__conv_offset(const struct vt__conv *c, int d, int64_t k) {
    int64_t at = k * c->dilation[d] - c->padding[d];
    return c->transposed ? (vt__conv_phase(c, d, k) - at) / c->up[d] : at;
}

int64_t vt__conv_taps(const struct vt__conv *c, int d, int64_t phase) {
    int64_t n = 0;
    if (c->up[d] == 1) return c->kernel[d];
    for (int64_t k = 0; k < c->kernel[d]; k++) n += vt__conv_phase(c, d, k) == phase;
    return n;
}

int64_t vt__conv_taps_before(const struct vt__conv *c, int d, int64_t phase) {
    int64_t n = 0;
    if (c->up[d] == 1) return phase ? c->kernel[d] : 0;
    for (int64_t k = 0; k < c->kernel[d]; k++) n += vt__conv_phase(c, d, k) < phase;
    return n;
}

int64_t vt__conv_weights_at(const struct vt__conv *c, const int64_t *phase) {
    return vt__conv_taps_before(c, 0, phase[0]) * vt__conv_taps_before(c, 1, c->phases[1]) + vt__conv_taps(c, 0, phase[0]) * vt__conv_taps_before(c, 1, phase[1]);
}

const char *vt__conv_weights(const struct vt__conv *c, const int64_t *phase) {
    return c->weights + (size_t)(vt__conv_weights_at(c, phase) * c->groups * c->filters * c->channels) * c->size;
}

/* Up to LANES places of the grid in row order. */
struct places {
    int64_t y, x, n;
};

/* Which pixels a tap reads for them. */
static int64_t find_pieces(const struct vt__conv *c, const struct places *p, int64_t dy, int64_t dx, vtk_conv_piece *pieces) {
    int64_t n_pieces = 0, step = c->stride[1], y = p->y, x = p->x;
    int64_t least = dx >= 0 ? 0 : step == 1 ? -dx : (step - 1 - dx) / step; /* places that lie in the picture */
    int64_t end = dx >= c->in[1] ? 0 : step == 1 ? c->in[1] - dx : (c->in[1] - 1 - dx) / step + 1;
    for (int64_t lane = 0, take; lane < p->n; lane += take, x = 0, y++) {
        int64_t row = y * c->stride[0] + dy, from = max_of(x, least), to;
        take = min_of(c->grid[1] - x, p->n - lane);
        to = min_of(x + take, end);
        if (row < 0 || row >= c->in[0] || from >= to) continue;
        vtk_conv_piece piece = {row * c->in[1] + (x - lane) * step + dx, ((1u << (to - from)) - 1) << (lane + from - x)};
        if (n_pieces && pieces[n_pieces - 1].at == piece.at) pieces[n_pieces - 1].lanes |= piece.lanes;
        else pieces[n_pieces++] = piece;
    }
    return n_pieces;
}

/* Pieces of some taps, which follow one another, for one vector of places. */
struct taps {
    int64_t first, n;
    int64_t starts[MOST_TAPS + 1];
    int32_t counts[MOST_TAPS];
    vtk_conv_piece pieces[MOST_TAPS * LANES];
};

/* These taps of all channels that have them in rows k0 to k1-1; n_all: taps of a channel. */
static void gather_taps(const struct vt__conv *c, const char *x, const struct vt__conv_block *b, const struct taps *taps, int64_t n_all, char *to) {
    int64_t plane = c->in[0] * c->in[1], most = plane * (int64_t)c->size % ALIAS ? CHANNELS : FEW;
    for (int64_t channel = b->k0 / n_all, next; channel * n_all < b->k1; channel = next) {
        int64_t at = channel * n_all, first = max_of(taps->first, b->k0 - at), end = min_of(taps->first + taps->n, b->k1 - at);
        next = at < b->k0 ? channel + 1 : max_of(channel + 1, min_of(channel + most, b->k1 / n_all)); /* whole ones together */
        if (first >= end) continue;
        vtk_conv_gather p = {.to = to + (size_t)((at + first - b->k0) * b->ld_row) * c->size, .ld = n_all * b->ld_row, .ld_tap = b->ld_row,
            .x = x + (size_t)(channel * plane) * c->size, .plane = plane, .n = next - channel, .step = c->stride[1],
            .pieces = taps->pieces + taps->starts[first - taps->first], .counts = taps->counts + (first - taps->first), .n_taps = end - first};
        if (c->size == 4) c->kernels->conv->gather_f32(&p);
        else c->kernels->conv->gather_f64(&p);
    }
}

void vt__conv_gather(const struct vt__conv *c, const char *x, const struct vt__conv_block *b, char *to) {
    int64_t n_all = vt__conv_taps(c, 0, b->phase[0]) * vt__conv_taps(c, 1, b->phase[1]);
    for (int64_t i = 0; i < b->n; i += LANES) {
        struct places p = {(b->first + i) / c->grid[1], (b->first + i) % c->grid[1], min_of(LANES, b->n - i)};
        int64_t v = i / LANES;
        char *vector = to + (size_t)(b->paired ? v / 2 * b->ld_vector + v % 2 * LANES : v * b->ld_vector) * c->size;
        struct taps taps;
        taps.first = taps.n = taps.starts[0] = 0;
        for (int64_t ky = 0; ky < c->kernel[0]; ky++) {
            if (vt__conv_phase(c, 0, ky) != b->phase[0]) continue;
            for (int64_t kx = 0; kx < c->kernel[1]; kx++) {
                if (vt__conv_phase(c, 1, kx) != b->phase[1]) continue;
                int64_t n_pieces = find_pieces(c, &p, vt__conv_offset(c, 0, ky), vt__conv_offset(c, 1, kx), taps.pieces + taps.starts[taps.n]);
                taps.counts[taps.n] = (int32_t)n_pieces;
                taps.starts[taps.n + 1] = taps.starts[taps.n] + n_pieces;
                if (++taps.n < MOST_TAPS && taps.first + taps.n < n_all) continue;
                gather_taps(c, x, b, &taps, n_all, vector);
                taps.first += taps.n;
                taps.n = 0;
            }
        }
    }
}

void vt__conv_scatter(const struct vt__conv *c, const struct vt__conv_block *b, int64_t rows, const char *tile, int64_t ld, char *out) {
    for (int64_t r = 0; r < rows; r++, tile += (size_t)ld * c->size, out += (size_t)(c->out[0] * c->out[1]) * c->size) {
        int64_t y = b->first / c->grid[1], x = b->first % c->grid[1];
        for (int64_t i = 0, take; i < b->n; i += take, x = 0, y++) {
            int64_t row = y * c->up[0] + b->phase[0], column = x * c->up[1] + b->phase[1], have = (c->out[1] - 1 - column + c->up[1]) / c->up[1];
            take = min_of(c->grid[1] - x, b->n - i);
            have = min_of(have, take);
            if (row >= c->out[0]) continue;
            if (c->size == 4)
                for (int64_t j = 0; j < have; j++) ((float *)out)[row * c->out[1] + column + j * c->up[1]] = ((const float *)tile)[i + j];
            else
                for (int64_t j = 0; j < have; j++) ((double *)out)[row * c->out[1] + column + j * c->up[1]] = ((const double *)tile)[i + j];
        }
    }
}

struct crew {
    const void *job;
    vt__conv_item_fn item;
    int64_t items, batch, scratch_size; /* batch: items that a worker takes at once, since they may be small */
    char *scratch;
    atomic_llong next;
};

static void work(void *user, int64_t worker) {
    struct crew *crew = user;
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&crew->next, 1, memory_order_relaxed);
        if (i >= crew->items || vt__cancel_is_left()) return;
        crew->item(crew->job, i, crew->scratch + worker * crew->scratch_size);
    }
}

vt_status vt__conv_run(const struct vt__run *run, const void *job, int64_t items, int64_t scratch, vt__conv_item_fn item) {
    int64_t workers = min_of(vt__context_threads(run->ctx), items);
    struct crew crew = {.job = job, .item = item, .items = items, .scratch_size = (scratch + 63) / 64 * 64};
    size_t bytes;
    if (!workers) return VT_OK;
    crew.batch = min_of(16, items / (32 * workers) + 1);
    if (vt__mul_size(workers, crew.scratch_size, &bytes)) return vt__fail_nomem(run->op->name, 0);
    crew.scratch = vt__scratch_take(run->ctx, bytes);
    if (!crew.scratch) return vt__fail_nomem(run->op->name, bytes);
    vt__parallel(run->ctx, workers, work, &crew);
    vt__scratch_give(run->ctx, crew.scratch);
    return VT_OK;
}
