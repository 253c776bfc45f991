/* Public calls of venturi/mixture.h: check, normalise, forward. */
#include "venturi/mixture.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "mixture/mixture.h"
#include "venturi/solver.h"
#include "venturi/tensor.h"

_Static_assert((int)VT_PREDICT_SCORE == (int)VT__MIXTURE_SCORE && (int)VT_PREDICT_FLOW == (int)VT__MIXTURE_FLOW && (int)VT_PREDICT_V == (int)VT__MIXTURE_V &&
                   (int)VT_PREDICT_X0 == (int)VT__MIXTURE_X0 && (int)VT_PREDICT_FLOW_BACK == (int)VT__MIXTURE_FLOW_BACK,
               "one numbering");

vt_status vt_mixture_create(vt_context *ctx, const vt_mixture_options *opt, vt_mixture **out) {
    enum { FIRST_SIZE = 64 };
    vt_mixture_options o;
    if (out) *out = NULL;
    if (!ctx || !opt || !out) return vt__fail(VT_ERR_INVALID, "mixture: needs a context, options and out");
    vt_status st = vt__options_read("mixture", &o, sizeof o, FIRST_SIZE, opt);
    if (st != VT_OK) return st;
    if (o.flags) return vt__fail(VT_ERR_INVALID, "mixture: unknown flags 0x%x", o.flags);
    if (!o.weights || !o.means || !o.stds) return vt__fail(VT_ERR_INVALID, "mixture: weights, means or stds is NULL");
    vt__mixture_params p = {o.name, o.dim, o.n_modes, o.weights, o.means, o.stds, o.classes};
    return vt__mixture_create(ctx, &p, out);
}

vt_status vt_mixture_open(vt_context *ctx, const char *path, const char *name, vt_mixture **out) {
    if (out) *out = NULL;
    if (!ctx || !path || !out) return vt__fail(VT_ERR_INVALID, "mixture: ctx, path or out is NULL");
    return vt__mixture_open(ctx, path, name, out);
}

vt_status vt_mixture_parse(vt_context *ctx, const char *text, size_t size, const char *name, vt_mixture **out) {
    if (out) *out = NULL;
    if (!ctx || !text || !out) return vt__fail(VT_ERR_INVALID, "mixture: ctx, text or out is NULL");
    return vt__mixture_parse(ctx, text, size, name, out);
}

vt_mixture *vt_mixture_retain(vt_mixture *m) { return vt__mixture_retain(m); }
void vt_mixture_release(vt_mixture *m) { vt__mixture_release(m); }
int64_t vt_mixture_dim(const vt_mixture *m) { return m ? vt__mixture_dim(m) : 0; }
int64_t vt_mixture_n_modes(const vt_mixture *m) { return m ? vt__mixture_modes(m) : 0; }
int32_t vt_mixture_n_classes(const vt_mixture *m) { return m ? vt__mixture_classes(m) : 0; }
const char *vt_mixture_name(const vt_mixture *m) { return m ? vt__mixture_name(m) : ""; }

vt_status vt_mixture_mode(const vt_mixture *m, int64_t mode, double *weight, int32_t *label, double *mean, double *std) {
    if (!m) return vt__fail(VT_ERR_INVALID, "mixture: mixture is NULL");
    const int64_t dim = vt__mixture_dim(m), n = vt__mixture_modes(m);
    if (mode < 0 || mode >= n) return vt__fail(VT_ERR_INVALID, "mixture: mode %lld of %lld", (long long)mode, (long long)n);
    if (weight) *weight = vt__mixture_weight(m, mode);
    if (label) *label = vt__mixture_class_of(m, mode);
    if (mean) memcpy(mean, vt__mixture_means(m) + mode * dim, (size_t)dim * sizeof *mean);
    if (std) memcpy(std, vt__mixture_stds(m) + mode * dim, (size_t)dim * sizeof *std);
    return VT_OK;
}

/* The rows in the engine's form. */
static vt_status read_rows(const vt_mixture *m, const vt_mixture_rows *user, const void *out, vt__mixture_rows *rows) {
    enum { FIRST_SIZE = 56 };
    vt_mixture_rows r;
    size_t size;
    if (!m || !user || !out) return vt__fail(VT_ERR_INVALID, "mixture: mixture, rows or out is NULL");
    vt_status st = vt__options_read("mixture", &r, sizeof r, FIRST_SIZE, user);
    if (st != VT_OK) return st;
    if (r.flags & ~(uint32_t)VT_MIXTURE_ONE_LEVEL) return vt__fail(VT_ERR_INVALID, "mixture: unknown flags 0x%x", r.flags);
    if (r.n < 0 || vt__mul_size(r.n, vt__mixture_dim(m), &size) || size > INT64_MAX / sizeof(double)) return vt__fail(VT_ERR_SHAPE, "mixture: %lld rows", (long long)r.n);
    if (r.n && (!r.x || !r.alpha || !r.sigma)) return vt__fail(VT_ERR_INVALID, "mixture: x, alpha or sigma is NULL");
    *rows = (vt__mixture_rows){r.x, r.n, r.alpha, r.sigma, (r.flags & VT_MIXTURE_ONE_LEVEL) != 0, r.classes, r.guidance != 0 ? r.guidance : 1};
    return VT_OK;
}

vt_status vt_mixture_predict(const vt_mixture *m, const vt_mixture_rows *user, int32_t kind, double *out) {
    vt__mixture_rows rows;
    vt_status st = read_rows(m, user, out, &rows);
    if (st != VT_OK) return st;
    if (kind < 0 || kind > VT_PREDICT_SCORE) return vt__fail(VT_ERR_UNSUPPORTED, "mixture: prediction %d, need 0 to %d", kind, VT_PREDICT_SCORE);
    return vt__mixture_predict(m, &rows, kind, out);
}

/* One prediction for the request's rows, a new tensor like its state. */
static vt_status answer(const vt_mixture_denoiser *d, const vt_solver_request *request, const int32_t *classes, double guidance, vt_tensor **out) {
    const vt_tensor *x = request->x;
    vt__mixture_rows rows = {NULL, request->n_rows, request->alpha, request->sigma, 0, classes, guidance};
    vt_tensor *t = NULL;
    vt_status st = vt_tensor_create(vt__mixture_context(d->mixture), vt_tensor_dtype(x), vt_tensor_shape(x), vt_tensor_n_dims(x), VT_DEVICE_CPU, &t);
    if (st != VT_OK) return st;
    if (vt_tensor_dtype(x) == VT_DTYPE_F32) {
        st = vt__mixture_predict_f32(d->mixture, &rows, vt_tensor_data(x), d->prediction, vt_tensor_data(t));
    } else {
        rows.x = vt_tensor_data(x);
        st = vt__mixture_predict(d->mixture, &rows, d->prediction, vt_tensor_data(t));
    }
    if (st == VT_OK) *out = t;
    else vt_tensor_release(t);
    return st;
}

vt_status vt_mixture_model(void *denoiser, const vt_solver_request *request, vt_tensor **out) {
    enum { FIRST_SIZE = 32 };
    vt_mixture_denoiser d;
    if (!denoiser || !request || !out) return vt__fail(VT_ERR_INVALID, "mixture: denoiser, request or out is NULL");
    vt_status st = vt__options_read("mixture", &d, sizeof d, FIRST_SIZE, denoiser);
    if (st != VT_OK) return st;
    if (!d.mixture || !request->x) return vt__fail(VT_ERR_INVALID, "mixture: mixture or state is NULL");
    if (d.prediction < 0 || d.prediction > VT_PREDICT_SCORE) return vt__fail(VT_ERR_UNSUPPORTED, "mixture: prediction %d", d.prediction);
    const int32_t dtype = vt_tensor_dtype(request->x);
    if ((dtype != VT_DTYPE_F32 && dtype != VT_DTYPE_F64) || !vt_tensor_data(request->x)) return vt__fail(VT_ERR_DTYPE, "mixture: states are dense, of f32 or f64 and on the CPU");
    if (vt_tensor_count(request->x) != request->n_rows * vt__mixture_dim(d.mixture))
        return vt__fail(VT_ERR_SHAPE, "mixture: rows of %lld elements, not %lld", (long long)(vt_tensor_count(request->x) / request->n_rows), (long long)vt__mixture_dim(d.mixture));
    if (request->n_predictions == 1) return answer(&d, request, d.classes, d.guidance != 0 ? d.guidance : 1, out);
    st = answer(&d, request, d.classes, 1, out);
    if (st == VT_OK) st = answer(&d, request, NULL, 1, out + 1);
    if (st != VT_OK) vt_tensor_release(out[0]), out[0] = NULL;
    return st;
}

vt_status vt_mixture_log_density(const vt_mixture *m, const vt_mixture_rows *user, double *out) {
    vt__mixture_rows rows;
    vt_status st = read_rows(m, user, out, &rows);
    if (st != VT_OK) return st;
    if (rows.guidance != 1) return vt__fail(VT_ERR_INVALID, "mixture: a guided prediction (%g) has no density", rows.guidance);
    return vt__mixture_log_density(m, &rows, out);
}

vt_status vt_mixture_solve(const vt_mixture *m, const vt_mixture_rows *user, double alpha, double sigma, const vt_cancel *cancel, double *out) {
    vt__mixture_rows rows;
    vt_status st = read_rows(m, user, out, &rows);
    return st == VT_OK ? vt__mixture_flow(m, &rows, alpha, sigma, cancel, out) : st;
}

vt_status vt_mixture_draw(const vt_mixture *m, uint64_t seed, int64_t first, int64_t n, int32_t label, double *out, int32_t *modes) {
    size_t size;
    if (!m || (n && !out)) return vt__fail(VT_ERR_INVALID, "mixture: mixture or out is NULL");
    if (first < 0 || n < 0 || first > INT64_MAX - n || vt__mul_size(first + n, vt__mixture_dim(m), &size))
        return vt__fail(VT_ERR_INVALID, "mixture: draws %lld to %lld", (long long)first, (long long)n);
    return vt__mixture_draw(m, seed, first, n, label, out, modes);
}
