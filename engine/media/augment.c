#include "media/augment.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"

/* Draws of an example, in the order in which they lie in its part of the random stream. */
enum { D_SHARE, D_FLIP_X, D_FLIP_Y, D_SCALE, D_SHIFT_X, D_SHIFT_Y, D_PLACE_X, D_PLACE_Y, D_BRIGHTNESS, D_CONTRAST, D_SATURATION, N_DRAWS, D_ROOM = 16 };

static const float GREY[3] = {0.299f, 0.587f, 0.114f}; /* Rec. 601, of red, green, blue */

/* One axis of the way from new pixels to old ones: new pixel i has its middle at begin + (i + 1/2) step, in old pixels. */
typedef struct axis {
    double begin, step;
    int64_t from, to; /* old extent, new extent */
    int flip;
} axis;

/* What is added up for one new pixel: old pixels first.. first + n - 1, clipped to the picture; the rest of 1 is background. */
typedef struct span {
    int64_t first;
    int32_t n, at; /* at: of the first weight */
    float outside;
} span;

typedef struct taps {
    span *spans;    /* [to] */
    float *weights;
} taps;

/* ---- where ---- */

static double uniform(double u, double low, double high) { return low + u * (high - low); }

static axis axis_of(int64_t from, int64_t to, double step, int64_t shift, double place, int flip) {
    double room = fabs((double)to * step - (double)from);
    double middle = (double)from / 2 + place * room - (double)shift * step;
    return (axis){middle - (double)to * step / 2, step, from, to, flip};
}

static int64_t whole(double u, int64_t most) { return (int64_t)(u * (double)(2 * most + 1)) - most; }

static void axes_of(const vt__source *from, const vt__target *target, const vt__augment *aug, const double *u, axis *x, axis *y) {
    double sx = (double)from->width / (double)target->width, sy = (double)from->height / (double)target->height;
    if (target->fit != VT__FIT_STRETCH) sx = sy = (sx < sy) == (target->fit == VT__FIT_COVER) ? sx : sy;
    if (!u) {
        *x = axis_of(from->width, target->width, sx, 0, 0, 0);
        *y = axis_of(from->height, target->height, sy, 0, 0, 0);
        return;
    }
    double scale = uniform(u[D_SCALE], aug->scale_min, aug->scale_max);
    int free_place = (aug->flags & VT__FREE_PLACE) != 0;
    *x = axis_of(from->width, target->width, sx / scale, whole(u[D_SHIFT_X], aug->shift), free_place ? u[D_PLACE_X] - 0.5 : 0,
                 (aug->flags & VT__FLIP_X) && u[D_FLIP_X] < 0.5);
    *y = axis_of(from->height, target->height, sy / scale, whole(u[D_SHIFT_Y], aug->shift), free_place ? u[D_PLACE_Y] - 0.5 : 0,
                 (aug->flags & VT__FLIP_Y) && u[D_FLIP_Y] < 0.5);
}

/* ---- weights: a triangle as wide as two new pixels, or two old ones where those are wider ---- */

static int64_t most_taps(const axis *a) { return 2 * (int64_t)ceil(a->step > 1 ? a->step : 1) + 2; }

/* The share of new pixel i, as a piece of the axis, that lies outside of the old picture. */
static double share_outside(const axis *a, double middle) {
    double left = middle - a->step / 2, right = middle + a->step / 2;
    double inside = fmin(right, (double)a->from) - fmax(left, 0);
    return inside > 0 ? fmax(0, 1 - inside / a->step) : 1;
}

/* At the edges the triangle is cut off, as if the picture went on: background comes in only where the new pixel itself reaches over the edge. */
static void span_of(const axis *a, int64_t i, float *weights, span *s) {
    double width = a->step > 1 ? a->step : 1, middle = a->begin + ((double)i + 0.5) * a->step, sum = 0, outside = share_outside(a, middle);
    int64_t first = (int64_t)floor(middle - width), last = (int64_t)ceil(middle + width);
    *s = (span){.at = s->at, .outside = (float)outside};
    for (int64_t k = first < 0 ? 0 : first; outside < 1 && k <= last && k < a->from; k++) {
        double w = 1 - fabs((double)k + 0.5 - middle) / width;
        if (w <= 0) continue;
        sum += w;
        if (s->n == 0) s->first = k;
        weights[s->n++] = (float)w;
    }
    for (int32_t k = 0; k < s->n; k++) weights[k] = (float)((double)weights[k] / sum * (1 - outside));
}

static vt_status make_taps(vt_context *ctx, const axis *a, taps *t) {
    int64_t most = most_taps(a);
    *t = (taps){vt__calloc2(ctx, a->to, 1, sizeof *t->spans), vt__calloc2(ctx, a->to, most, sizeof *t->weights)};
    if (!t->spans || !t->weights) return vt__fail_nomem("augment", (size_t)(a->to * most) * sizeof *t->weights);
    for (int64_t i = 0; i < a->to; i++) {
        span *s = &t->spans[a->flip ? a->to - 1 - i : i];
        s->at = (int32_t)(i * most);
        span_of(a, i, t->weights + s->at, s);
    }
    return VT_OK;
}

/* ---- rows ---- */

static void read_rgba_row(const unsigned char *p, int64_t n, int32_t channels, const float *back, float *row) {
    for (int64_t x = 0; x < n; x++, p += 4) {
        float alpha = (float)p[3] / 255, rgb[3];
        for (int c = 0; c < 3; c++) rgb[c] = alpha * ((float)p[c] / 255) + (1 - alpha) * back[c];
        if (channels == 1) row[x] = GREY[0] * rgb[0] + GREY[1] * rgb[1] + GREY[2] * rgb[2];
        else
            for (int c = 0; c < 3; c++) row[c * n + x] = rgb[c];
    }
}

/* Row y as floats, [channels, width]. */
static void read_row(const vt__source *from, int64_t y, int32_t channels, const float *back, float *row) {
    const int64_t n = from->width, plane = n * from->height;
    if (from->is_rgba) {
        read_rgba_row((const unsigned char *)from->data + y * n * 4, n, channels, back, row);
        return;
    }
    for (int32_t c = 0; c < channels; c++) {
        if (from->dtype == VT_DTYPE_F32) {
            memcpy(row + c * n, (const float *)from->data + c * plane + y * n, (size_t)n * sizeof *row);
        } else {
            const unsigned char *p = (const unsigned char *)from->data + c * plane + y * n;
            for (int64_t x = 0; x < n; x++) row[c * n + x] = (float)p[x] / 255;
        }
    }
}

static void shrink_row(const float *row, const taps *t, int64_t to, float back, float *out) {
    for (int64_t i = 0; i < to; i++) {
        const span *s = &t->spans[i];
        const float *w = t->weights + s->at, *p = row + s->first;
        float sum = s->outside * back;
        for (int32_t k = 0; k < s->n; k++) sum += w[k] * p[k];
        out[i] = sum;
    }
}

/* Both ways: each old row that is needed is read once and narrowed, then added to the new rows that it belongs to. */
static vt_status resample(vt_context *ctx, const vt__source *from, const vt__target *target, const axis *x, const axis *y, const float *back, float *to) {
    const int32_t channels = target->channels;
    const int64_t plane = target->width * target->height;
    taps tx = {0}, ty = {0};
    float *row = NULL, *narrow = NULL;
    vt_status st = make_taps(ctx, x, &tx);
    if (st == VT_OK) st = make_taps(ctx, y, &ty);
    if (st != VT_OK) goto done;
    row = vt__calloc2(ctx, from->width, channels, sizeof *row);
    narrow = vt__calloc2(ctx, target->width, channels, sizeof *narrow);
    if (!row || !narrow) {
        st = vt__fail_nomem("augment", (size_t)(from->width + target->width) * (size_t)channels * sizeof *row);
        goto done;
    }
    for (int32_t c = 0; c < channels; c++)
        for (int64_t j = 0; j < target->height; j++)
            for (int64_t i = 0; i < target->width; i++) to[c * plane + j * target->width + i] = ty.spans[j].outside * back[c];
    for (int64_t old = 0; old < from->height; old++) {
        int is_read = 0;
        for (int64_t j = 0; j < target->height; j++) {
            const span *s = &ty.spans[j];
            if (old < s->first || old >= s->first + s->n) continue;
            if (!is_read) {
                read_row(from, old, channels, back, row);
                for (int32_t c = 0; c < channels; c++) shrink_row(row + c * from->width, &tx, target->width, back[c], narrow + c * target->width);
                is_read = 1;
            }
            const float w = ty.weights[s->at + (old - s->first)];
            for (int32_t c = 0; c < channels; c++)
                for (int64_t i = 0; i < target->width; i++) to[c * plane + j * target->width + i] += w * narrow[c * target->width + i];
        }
    }
    /* Weights add up to 1 but for rounding, which must not lead out of [0, 1]; floats of another range are left theirs. */
    for (int64_t i = 0; from->dtype == VT_DTYPE_U8 && i < plane * channels; i++) to[i] = to[i] > 1 ? 1 : to[i];
done:
    vt__free(ctx, tx.spans);
    vt__free(ctx, tx.weights);
    vt__free(ctx, ty.spans);
    vt__free(ctx, ty.weights);
    vt__free(ctx, row);
    vt__free(ctx, narrow);
    return st;
}

/* ---- colours: brightness, then contrast about the mean, then saturation ---- */

static float grey_at(const float *p, int64_t plane, int32_t channels, int64_t i) {
    return channels == 3 ? GREY[0] * p[i] + GREY[1] * p[plane + i] + GREY[2] * p[2 * plane + i] : p[i];
}

static float factor(double u, double range) { return (float)uniform(u, 1 - range, 1 + range); }

static void recolour(float *p, const vt__target *target, const vt__augment *aug, const double *u) {
    const int64_t plane = target->width * target->height;
    const int32_t channels = target->channels;
    const float bright = factor(u[D_BRIGHTNESS], aug->brightness), contrast = factor(u[D_CONTRAST], aug->contrast);
    const float saturation = factor(u[D_SATURATION], aug->saturation);
    double mean = 0;
    if (aug->brightness <= 0 && aug->contrast <= 0 && aug->saturation <= 0) return;
    for (int64_t i = 0; i < plane * channels; i++) p[i] *= bright;
    for (int64_t i = 0; i < plane; i++) mean += (double)grey_at(p, plane, channels, i);
    const float middle = (float)(mean / (double)plane);
    for (int64_t i = 0; i < plane; i++) {
        const float grey = middle + contrast * (grey_at(p, plane, channels, i) - middle);
        for (int32_t c = 0; c < channels; c++) {
            float v = middle + contrast * (p[c * plane + i] - middle);
            if (channels == 3) v = grey + saturation * (v - grey);
            p[c * plane + i] = v < 0 ? 0 : v > 1 ? 1 : v;
        }
    }
}

static void round_to_bytes(const float *from, int64_t n, unsigned char *to) {
    for (int64_t i = 0; i < n; i++) {
        float v = from[i] * 255 + 0.5f;
        to[i] = v <= 0 ? 0 : v >= 255 ? 255 : (unsigned char)v;
    }
}

vt_status vt__augment_picture(vt_context *ctx, const vt__source *from, const vt__target *target, const vt__augment *aug, uint32_t round, int64_t index,
                              void *to) {
    const int64_t n = target->width * target->height * target->channels;
    float back[VT__MOST_CHANNELS] = {0}, *work = to;
    double draws[N_DRAWS], *u = NULL;
    axis x, y;

    for (int c = 0; c < 3; c++) back[c] = (float)(target->background >> (16 - 8 * c) & 0xff) / 255;
    if (target->channels == 1) back[0] = GREY[0] * back[0] + GREY[1] * back[1] + GREY[2] * back[2];
    if (aug) {
        vt__random_uniform(aug->seed, round, (uint64_t)index * D_ROOM, draws, N_DRAWS);
        if (draws[D_SHARE] < aug->share) u = draws;
    }
    if (target->dtype == VT_DTYPE_U8) work = vt__calloc2(ctx, n, 1, sizeof *work);
    if (!work) return vt__fail_nomem("augment", (size_t)n * sizeof *work);
    axes_of(from, target, aug, u, &x, &y);
    vt_status st = resample(ctx, from, target, &x, &y, back, work);
    if (st == VT_OK && u) recolour(work, target, aug, u);
    if (target->dtype == VT_DTYPE_U8) {
        if (st == VT_OK) round_to_bytes(work, n, to);
        vt__free(ctx, work);
    }
    return st;
}
