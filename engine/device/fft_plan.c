/* Lengths with a large prime factor are convolutions with a chirp (Bluestein 1970) of a length that has none:
 *
 *     X[k] = c[k] sum over j of (x[j] c[j]) conj c[k - j],   c[k] = exp(-i pi k^2 / n) */
#include "device/fft_plan.h"

#include <math.h>
#include <string.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "vtk.h"

static const char owner; /* of what is kept: an address of our own */

static int64_t whole(int64_t bytes) { return (bytes + 63) / 64 * 64; }

static void put(void *to, int32_t type, int64_t i, double re, double im) {
    if (type == VTK_FFT_F64) {
        ((double *)to)[2 * i] = re;
        ((double *)to)[2 * i + 1] = im;
    } else {
        ((float *)to)[2 * i] = (float)re;
        ((float *)to)[2 * i + 1] = (float)im;
    }
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

/* Long work looks whether to go on; what is left half-made is not kept. */
static int is_left_at(int64_t k) { return k % 8192 == 0 && vt__cancel_is_left(); }
static vt_status finish(void) { return vt__cancel_is_left() ? vt__fail(VT_ERR_CANCELLED, "fft: cancelled") : VT_OK; }

static vt_status fill_table(vt_context *ctx, vtk_fft_plan *plan, int32_t type, void *table) {
    double *roots = vt__alloc64_2(ctx, plan->n, 2, sizeof *roots);
    if (!roots) return vt__fail_nomem("fft", (size_t)plan->n * 2 * sizeof *roots);
    for (int64_t k = 0; k < plan->n && !is_left_at(k); k++) root(k, plan->n, &roots[2 * k], &roots[2 * k + 1]);
    vtk_fft_plan_fill(vtk_get()->fft, type, plan, roots, table);
    vt__free(ctx, roots);
    return finish();
}

static vt_status fill_chirp(vt_context *ctx, struct vt__fft *fft, void *chirp, void *spectrum) {
    int64_t m = fft->plan.n;
    size_t bytes = (size_t)(m * vt__fft_pair(fft->type));
    char *room = vt__alloc64_2(ctx, m, 2, (size_t)vt__fft_pair(fft->type));
    if (!room) return vt__fail_nomem("fft", 2 * bytes);
    memset(room, 0, bytes);
    int64_t square = 0; /* k^2 mod 2 n: angles stay exact for every n */
    for (int64_t k = 0; k < fft->n && !is_left_at(k); square = (square + 2 * k + 1) % (2 * fft->n), k++) {
        double re, im;
        root(square, 2 * fft->n, &re, &im);
        put(chirp, fft->type, k, re, im);
        put(room, fft->type, k, re, -im);
        if (k) put(room, fft->type, m - k, re, -im);
    }
    vtk_get()->fft->run[fft->type](&fft->plan, &(vtk_fft_call){.x = room, .y = spectrum, .scratch = room + bytes, .scale = 1 / (double)m});
    fft->chirp = chirp;
    fft->spectrum = spectrum;
    vt__free(ctx, room);
    return finish();
}

static vt_status fill_half(struct vt__fft *fft, void *half) {
    for (int64_t k = 0; k <= fft->n && !is_left_at(k); k++) {
        double re, im;
        root(k, 2 * fft->n, &re, &im);
        put(half, fft->type, k, re, im);
    }
    fft->half = half;
    return finish();
}

static void drop(vt_context *ctx, struct vt__kept *kept) {
    struct vt__fft *fft = (struct vt__fft *)(void *)kept;
    for (int i = 0; fft->fftw && i < 2; i++)
        if (fft->theirs[i]) fft->fftw->free(fft->type == VTK_FFT_F64, fft->theirs[i]);
    vt__free(ctx, fft);
}

/* Chooses the plan; 0: too long for one. */
static int choose(struct vt__fft *fft, enum vt__fft_form form) {
    const struct vtk_fft *f = vtk_get()->fft;
    int64_t m = f->first * f->lanes[fft->type];
    if (fft->n > INT64_MAX / 4096) return 0;
    if (fft->fftw) {
        fft->plan = (vtk_fft_plan){.n = fft->n, .is_rows = 1};
        return fft->n <= INT32_MAX;
    }
    if (form != VT__FFT_COLUMNS && vtk_fft_plan_init(f, fft->type, 1, fft->n, &fft->plan)) return 1;
    if (vtk_fft_plan_init(f, fft->type, 0, fft->n, &fft->plan)) return 1;
    while (m < 2 * fft->n - 1) m *= 2;
    return vtk_fft_plan_init(f, fft->type, 1, m, &fft->plan);
}

static vt_status fill_theirs(struct vt__fft *fft) {
    for (int32_t i = 0; i < 2; i++) {
        fft->theirs[i] = fft->fftw->plan(fft->type == VTK_FFT_F64, (int32_t)fft->n, i);
        if (!fft->theirs[i]) return vt__fail_nomem("fft", 0);
    }
    return VT_OK;
}

static int64_t key_of(int32_t type, enum vt__fft_form form, const vt__fftw_module *fftw) { return (fftw ? 8 : 0) + type * 4 + (int32_t)form; }

static vt_status make(vt_context *ctx, int64_t n, int32_t type, enum vt__fft_form form, const vt__fftw_module *fftw, struct vt__fft **out) {
    struct vt__fft fft = {.n = n, .type = type, .fftw = fftw, .kept = {.owner = &owner, .key = {n, key_of(type, form, fftw)}, .free = drop}};
    if (!choose(&fft, form)) return vt__fail(VT_ERR_LIMIT, "fft: %lld points", (long long)n);
    int64_t pair = vt__fft_pair(type), head = whole((int64_t)sizeof fft), table = whole(fft.plan.n_roots * pair);
    int64_t chirp = fft.plan.n == n ? 0 : whole(n * pair), spectrum = chirp ? whole(fft.plan.n * pair) : 0, half = form == VT__FFT_HALF ? (n + 1) * pair : 0;
    size_t size = (size_t)(head + table + chirp + spectrum + half);
    char *block = vt__alloc64(ctx, size);
    if (!block) return vt__fail_nomem("fft", size);
    vt_status st = fftw ? fill_theirs(&fft) : fill_table(ctx, &fft.plan, type, block + head);
    if (st == VT_OK && chirp) st = fill_chirp(ctx, &fft, block + head + table, block + head + table + chirp);
    if (st == VT_OK && half) st = fill_half(&fft, block + head + table + chirp + spectrum);
    *out = memcpy(block, &fft, sizeof fft);
    if (st != VT_OK) drop(ctx, &(*out)->kept);
    return st;
}

vt_status vt__fft_get(vt_context *ctx, int64_t n, int32_t type, enum vt__fft_form form, const struct vt__fft **out) {
    const vt__fftw_module *fftw = vt__fft_module(ctx);
    struct vt__fft *fft = (struct vt__fft *)(void *)vt__keep_find(ctx, &owner, n, key_of(type, form, fftw));
    if (!fft) {
        vt_status st = make(ctx, n, type, form, fftw, &fft);
        if (st != VT_OK) return st;
        fft = (struct vt__fft *)(void *)vt__keep_put(ctx, &fft->kept);
    }
    *out = fft;
    return VT_OK;
}

int64_t vt__fft_scratch(const struct vt__fft *fft) {
    int64_t pairs = fft->plan.is_rows ? fft->plan.n : 4 * fft->plan.n * vtk_get()->fft->lanes[fft->type], bytes;
    if (fft->chirp || fft->fftw) pairs = 3 * fft->plan.n + 16 + 2 * fft->n * vtk_get()->fft->lanes[fft->type]; /* columns become rows */
    return __builtin_mul_overflow(pairs, vt__fft_pair(fft->type), &bytes) ? -1 : whole(bytes);
}

/* ---- rows ---- */

#define T float
#define NAME(x) x##_f32
#include "device/fft_chirp.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "device/fft_chirp.h"
#undef T
#undef NAME

/* What stages of this many points ask. */
static int (*long_enough(int64_t points))(void) { return points < 8192 ? NULL : vt__cancel_is_left; }

/* Pairs [rows][columns] to [columns][rows]. */
static void transpose(int32_t type, void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t rows, int64_t columns) {
    if (type == VTK_FFT_F32) {
        vtk_get()->transpose_64(out, ld_out, in, ld_in, rows, columns);
        return;
    }
    for (int64_t c = 0; c < columns; c++)
        for (int64_t r = 0; r < rows; r++) memcpy((char *)out + (c * ld_out + r) * 16, (const char *)in + (r * ld_in + c) * 16, 16);
}

/* As many rows as there are lanes, turned into columns and back. */
static void run_lanes(const struct vt__fft *fft, const struct vt__fft_rows *call, int64_t first, int64_t rows) {
    const struct vtk_fft *f = vtk_get()->fft;
    int64_t n = fft->n, lanes = f->lanes[fft->type], pair = vt__fft_pair(fft->type);
    char *in = call->scratch, *out = in + n * lanes * pair;
    if (rows < lanes) memset(in, 0, (size_t)(n * lanes * pair));
    transpose(fft->type, in, lanes, (const char *)call->x + first * call->x_pitch * pair, call->x_pitch, rows, n);
    f->run[fft->type](&fft->plan, &(vtk_fft_call){.x = in, .y = out, .x_step = lanes, .y_step = lanes, .scratch = out + n * lanes * pair, .scale = call->scale,
                                                  .inverse = call->inverse, .is_left = long_enough(n * lanes)});
    transpose(fft->type, (char *)call->y + first * call->y_pitch * pair, call->y_pitch, out, lanes, n, rows);
}

static void run_chirp(const struct vt__fft *fft, const struct vt__fft_rows *call, const void *x, void *y) {
    size_t room = (size_t)(fft->plan.n * vt__fft_pair(fft->type));
    char *a = call->scratch, *b = a + room, *scratch = b + room;
    const struct vtk_fft *f = vtk_get()->fft;
    if (fft->type == VTK_FFT_F32) chirp_in_f32(fft, x, call->inverse, (float *)(void *)a);
    else chirp_in_f64(fft, x, call->inverse, (double *)(void *)a);
    f->run[fft->type](&fft->plan, &(vtk_fft_call){.x = a, .y = b, .scratch = scratch, .scale = 1, .is_left = long_enough(fft->plan.n)});
    if (fft->type == VTK_FFT_F32) multiply_f32((float *)(void *)b, (const float *)fft->spectrum, fft->plan.n);
    else multiply_f64((double *)(void *)b, (const double *)fft->spectrum, fft->plan.n);
    f->run[fft->type](&fft->plan, &(vtk_fft_call){.x = b, .y = a, .scratch = scratch, .scale = call->scale, .inverse = 1,
                                                   .is_left = long_enough(fft->plan.n)});
    if (fft->type == VTK_FFT_F32) chirp_out_f32(fft, (const float *)(const void *)a, call->inverse, y);
    else chirp_out_f64(fft, (const double *)(const void *)a, call->inverse, y);
}

/* Rows that are not where FFTW wants them go through scratch. */
static void run_theirs(const struct vt__fft *fft, const struct vt__fft_rows *call, const void *x, void *y) {
    size_t bytes = (size_t)(fft->n * vt__fft_pair(fft->type));
    char *a = call->scratch, *b = a + (bytes + 63) / 64 * 64;
    int x_fits = (uintptr_t)x % 16 == 0, y_fits = (uintptr_t)y % 16 == 0;
    void *to = y_fits ? y : b;
    if (!x_fits) memcpy(a, x, bytes);
    fft->fftw->run(fft->type == VTK_FFT_F64, fft->theirs[call->inverse != 0], x_fits ? (void *)(uintptr_t)x : a, to);
    if (call->scale != 1 && fft->type == VTK_FFT_F32) scale_f32(to, fft->n, call->scale);
    if (call->scale != 1 && fft->type == VTK_FFT_F64) scale_f64(to, fft->n, call->scale);
    if (!y_fits) memcpy(y, b, bytes);
}

void vt__fft_run(const struct vt__fft *fft, const struct vt__fft_rows *call) {
    const struct vtk_fft *f = vtk_get()->fft;
    int64_t pair = vt__fft_pair(fft->type), lanes = f->lanes[fft->type];
    if (!fft->plan.is_rows) {
        for (int64_t r = 0; r < call->rows; r += lanes) run_lanes(fft, call, r, call->rows - r < lanes ? call->rows - r : lanes);
        return;
    }
    for (int64_t r = 0; r < call->rows; r++) {
        const char *x = (const char *)call->x + r * call->x_pitch * pair;
        char *y = (char *)call->y + r * call->y_pitch * pair;
        if (fft->chirp) run_chirp(fft, call, x, y);
        else if (fft->fftw) run_theirs(fft, call, x, y);
        else
            f->run[fft->type](&fft->plan, &(vtk_fft_call){.x = x, .y = y, .x_ahead = r + 1 < call->rows ? call->x_pitch : 0,
                                                          .y_ahead = r + 1 < call->rows ? call->y_pitch : 0, .scratch = call->scratch, .scale = call->scale,
                                                          .inverse = call->inverse, .is_left = long_enough(fft->n)});
    }
}

/* Columns with a chirp are rows for a while. */
static void run_gathered(const struct vt__fft *fft, const struct vt__fft_rows *call) {
    int64_t n = fft->n, lanes = vtk_get()->fft->lanes[fft->type], pair = vt__fft_pair(fft->type);
    char *in = call->scratch, *out = in + n * lanes * pair;
    transpose(fft->type, in, n, call->x, call->x_pitch, n, call->rows);
    vt__fft_run(fft, &(struct vt__fft_rows){.x = in, .y = out, .rows = call->rows, .x_pitch = n, .y_pitch = n, .scale = call->scale, .inverse = call->inverse,
                                            .scratch = out + n * lanes * pair});
    transpose(fft->type, call->y, call->y_pitch, out, n, call->rows, n);
}

static void copy_pairs(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n, size_t bytes) {
    for (int64_t j = 0; j < n; j++) memcpy(to + j * to_step, from + j * from_step, bytes);
}

void vt__fft_run_columns(const struct vt__fft *fft, const struct vt__fft_rows *call) {
    const struct vtk_fft *f = vtk_get()->fft;
    int64_t n = fft->n, lanes = f->lanes[fft->type], pair = vt__fft_pair(fft->type);
    if (fft->chirp || fft->fftw) {
        run_gathered(fft, call);
        return;
    }
    char *in = call->scratch, *out = in + n * lanes * pair;
    int full = call->rows == lanes;
    if (!full) {
        memset(in, 0, (size_t)(n * lanes * pair));
        copy_pairs(in, lanes * pair, call->x, call->x_pitch * pair, n, (size_t)(call->rows * pair));
    }
    f->run[fft->type](&fft->plan, &(vtk_fft_call){.x = full ? call->x : in, .y = full ? call->y : out, .x_step = full ? call->x_pitch : lanes,
                                                  .y_step = full ? call->y_pitch : lanes, .x_ahead = full ? lanes : 0, .scratch = out + n * lanes * pair,
                                                  .scale = call->scale, .inverse = call->inverse, .is_left = long_enough(n * lanes)});
    if (!full) copy_pairs(call->y, call->y_pitch * pair, out, lanes * pair, n, (size_t)(call->rows * pair));
}
