/* Runners of sampling at places of their own. In float64 inside; pictures and their gradients are float32 or float64. */
#include <math.h>
#include <string.h>

#include "core/cancel.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"

enum { BILINEAR, NEAREST };
enum { ZEROS, BORDER };

static double load(const struct vt__view *v, int64_t at) {
    return v->dtype == VT_DTYPE_F64 ? ((const double *)v->data)[at] : (double)((const float *)v->data)[at];
}

static void store(const struct vt__view *v, int64_t at, double value) {
    if (v->dtype == VT_DTYPE_F64) ((double *)v->data)[at] = value;
    else ((float *)v->data)[at] = (float)value;
}

/* A coordinate in pixels, how it changes with the grid's number, and how far it may go. */
struct place {
    double at, slope;
};

static struct place find(double u, int64_t n, int corners, int border) {
    struct place p;
    p.slope = corners ? (double)(n - 1) / 2 : (double)n / 2;
    p.at = corners ? (u + 1) / 2 * (double)(n - 1) : ((u + 1) * (double)n - 1) / 2;
    if (border && !(p.at > 0)) p.at = 0, p.slope = 0; /* NaN too */
    if (border && p.at > (double)(n - 1)) p.at = (double)(n - 1), p.slope = 0;
    if (!(p.at > -2)) p.at = -2; /* so that what is far outside, or no number, has an integer part */
    if (p.at > (double)n + 1) p.at = (double)n + 1;
    return p;
}

/* The four pixels around a place, those inside the picture, and their weights with the weights' slopes. */
struct corner {
    int64_t pixel; /* -1: outside */
    double weight, dx, dy;
};

static void corners_of(const struct vt__run *run, const struct vt__view *x, double u, double v, struct corner c[4]) {
    const struct vt__attr *a = run->attrs->a;
    int64_t h = x->shape[2], w = x->shape[3];
    struct place px = find(u, w, a[2].i[0] != 0, a[1].i[0] == BORDER), py = find(v, h, a[2].i[0] != 0, a[1].i[0] == BORDER);
    int nearest = a[0].i[0] == NEAREST;
    double left = nearest ? nearbyint(px.at) : floor(px.at), top = nearest ? nearbyint(py.at) : floor(py.at);
    double fx = nearest ? 0 : px.at - left, fy = nearest ? 0 : py.at - top;
    for (int i = 0; i < 4; i++) {
        int64_t ix = (int64_t)left + i % 2, iy = (int64_t)top + i / 2;
        double wx = i % 2 ? fx : 1 - fx, wy = i / 2 ? fy : 1 - fy;
        c[i].pixel = ix >= 0 && ix < w && iy >= 0 && iy < h ? iy * w + ix : -1;
        c[i].weight = wx * wy;
        c[i].dx = nearest ? 0 : (i % 2 ? wy : -wy) * px.slope;
        c[i].dy = nearest ? 0 : (i / 2 ? wx : -wx) * py.slope;
    }
}

/* One picture a chunk: gradients of its pixels add up in the order of the samples. */
static void sample(void *user, int64_t n) {
    const struct vt__run *run = user;
    const struct vt__view *x = &run->in[0], *grid = &run->in[1];
    int back = run->op->id == VT__OP_grid_sample_grad;
    int64_t pixels = x->shape[2] * x->shape[3], samples = grid->shape[1] * grid->shape[2], channels = x->shape[1];
    for (int64_t s = 0; s < samples && !vt__cancel_is_left(); s++) {
        struct corner c[4];
        int64_t at = n * samples + s;
        double gu = 0, gv = 0;
        corners_of(run, x, load(grid, 2 * at), load(grid, 2 * at + 1), c);
        for (int64_t k = 0; k < channels; k++) {
            int64_t plane = (n * channels + k) * pixels, y = (n * channels + k) * samples + s;
            double sum = 0, g = back ? load(&run->in[2], y) : 0;
            for (int i = 0; i < 4; i++) {
                if (c[i].pixel < 0) continue;
                double value = load(x, plane + c[i].pixel);
                sum += c[i].weight * value;
                gu += g * c[i].dx * value;
                gv += g * c[i].dy * value;
                if (back && c[i].weight != 0) store(&run->out[0], plane + c[i].pixel, load(&run->out[0], plane + c[i].pixel) + g * c[i].weight);
            }
            if (!back) store(&run->out[0], y, sum);
        }
        if (back) store(&run->out[1], 2 * at, gu), store(&run->out[1], 2 * at + 1, gv);
    }
}

vt_status vt__cpu_grid_sample(const struct vt__run *run) {
    vt__parallel(run->ctx, run->in[0].shape[0], sample, (void *)(uintptr_t)run);
    return VT_OK;
}

vt_status vt__cpu_grid_sample_grad(const struct vt__run *run) {
    vt_status st = vt__cpu_call(run->ctx, VT__OP_fill, &run->out[0], &run->out[0], 1, 0);
    if (st == VT_OK) vt__parallel(run->ctx, run->in[0].shape[0], sample, (void *)(uintptr_t)run);
    return st;
}
