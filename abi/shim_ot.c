/* Public calls of venturi/ot.h: check, normalise options, forward. */
#include "venturi/ot.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "ot/semidiscrete.h"

vt_status vt_ot_create(vt_context *ctx, const double *targets, int64_t n, int64_t dim, const double *masses, vt_ot **out) {
    if (out) *out = NULL;
    if (!ctx || !targets || !out) return vt__fail(VT_ERR_INVALID, "ot: ctx, targets or out is NULL");
    return vt__ot_create(ctx, targets, n, dim, masses, out);
}

vt_ot *vt_ot_retain(vt_ot *ot) { return vt__ot_retain(ot); }
void vt_ot_release(vt_ot *ot) { vt__ot_release(ot); }
int64_t vt_ot_count(const vt_ot *ot) { return ot ? vt__ot_count(ot) : 0; }
int64_t vt_ot_dim(const vt_ot *ot) { return ot ? vt__ot_dim(ot) : 0; }

vt_status vt_ot_get_heights(const vt_ot *ot, double *out) {
    if (!ot || !out) return vt__fail(VT_ERR_INVALID, "ot: ot or out is NULL");
    memcpy(out, vt__ot_heights(ot), (size_t)vt__ot_count(ot) * sizeof *out);
    return VT_OK;
}

vt_status vt_ot_set_heights(vt_ot *ot, const double *heights) {
    if (!ot || !heights) return vt__fail(VT_ERR_INVALID, "ot: ot or heights is NULL");
    return vt__ot_set_heights(ot, heights);
}

static vt_status check_options(const vt_ot_options *o) {
    if (o->flags || o->reserved) return vt__fail(VT_ERR_INVALID, "ot: unknown flags 0x%x or reserved %d", o->flags, o->reserved);
    if (o->source < VT_OT_NORMAL || o->source > VT_OT_UNIFORM) return vt__fail(VT_ERR_INVALID, "ot: source %d, need 0 or 1", o->source);
    if (o->patience < 0 || o->n_doublings < -1 || o->n_samples < 0 || o->max_iter < 0)
        return vt__fail(VT_ERR_INVALID, "ot: patience %d, %d doublings, %lld samples, %lld iterations", o->patience, o->n_doublings, (long long)o->n_samples,
                        (long long)o->max_iter);
    if (!(o->rate >= 0 && o->rate <= 1e6) || !(o->tolerance >= 0)) return vt__fail(VT_ERR_INVALID, "ot: rate %g, tolerance %g", o->rate, o->tolerance);
    return VT_OK;
}

static int64_t or_default(int64_t value, int64_t dflt) { return value ? value : dflt; }

vt_status vt_ot_solve(vt_ot *ot, const vt_ot_options *opt, vt_ot_report *report) {
    enum { FIRST_SIZE = 88, REPORT_SIZE = 40, LEAST_SAMPLES = 4096, MOST_SAMPLES = 1 << 24 };
    vt_ot_options o;
    vt__ot_report r;
    if (!ot) return vt__fail(VT_ERR_INVALID, "ot: ot is NULL");
    vt_status st = vt__options_read("ot", &o, sizeof o, FIRST_SIZE, opt);
    if (st == VT_OK) st = check_options(&o);
    if (st == VT_OK && o.n_samples > MOST_SAMPLES) st = vt__fail(VT_ERR_LIMIT, "ot: %lld points, at most %d", (long long)o.n_samples, (int)MOST_SAMPLES);
    if (st != VT_OK) return st;
    const int64_t ten = 10 * vt__ot_count(ot);
    vt__ot_params p = {.uniform = o.source == VT_OT_UNIFORM, .n_samples = or_default(o.n_samples, ten > LEAST_SAMPLES ? ten : LEAST_SAMPLES),
                       .max_iter = or_default(o.max_iter, 10000), .patience = (int32_t)or_default(o.patience, 50),
                       .n_doublings = o.n_doublings == -1 ? 0 : (int32_t)or_default(o.n_doublings, 3), .rate = o.rate > 0 ? o.rate : 0.1,
                       .tolerance = o.tolerance > 0 ? o.tolerance : 8e-4, .seed = o.seed, .watch = {"ot", o.cancel, o.progress, o.progress_user, 0}};
    st = vt__ot_solve(ot, &p, &r);
    if (st != VT_OK || !report) return st;
    vt_ot_report result = {.converged = r.converged, .n_iter = r.n_iter, .n_samples = r.n_samples, .n_empty = r.n_empty, .error = r.error};
    return vt__result_write("ot", report, &result, sizeof result, REPORT_SIZE);
}

vt_status vt_ot_map(const vt_ot *ot, const double *x, int64_t n_rows, int32_t k, int32_t *out) {
    size_t size;
    if (!ot || (n_rows && (!x || !out))) return vt__fail(VT_ERR_INVALID, "ot: ot, x or out is NULL");
    if (k < 1 || k > vt__ot_count(ot)) return vt__fail(VT_ERR_INVALID, "ot: the best %d of %lld targets", k, (long long)vt__ot_count(ot));
    if (n_rows < 0 || vt__mul_size(n_rows, vt__ot_dim(ot), &size) || size > INT64_MAX / sizeof(double)) return vt__fail(VT_ERR_SHAPE, "ot: %lld rows", (long long)n_rows);
    return vt__ot_map(ot, x, n_rows, k, out);
}
