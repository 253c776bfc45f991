/* Sources of distances that have not landed yet; each goes when its file arrives. */
#include "core/error.h"
#include "distance/distance.h"

static vt_status pending(const char *what) { return vt__fail(VT_ERR_UNSUPPORTED, "distance: %s is not there yet", what); }

vt_status vt__distance_from_triangle(vt_context *ctx, const void *data, int32_t dtype, int64_t n, vt_distance **out) {
    (void)ctx; (void)data; (void)dtype; (void)n; (void)out;
    return pending("triangle");
}
vt_status vt__distance_from_csr(vt_context *ctx, const int64_t *offsets, const int32_t *columns, const float *values, int64_t n, int64_t dim, int32_t metric,
                                int store, vt_distance **out) {
    (void)ctx; (void)offsets; (void)columns; (void)values; (void)n; (void)dim; (void)metric; (void)store; (void)out;
    return pending("sparse rows");
}
vt_status vt__distance_from_callback(vt_context *ctx, int64_t n, vt__distance_fn fn, void *user, int is_symmetric, int is_thread_safe, int store, vt_distance **out) {
    (void)ctx; (void)n; (void)fn; (void)user; (void)is_symmetric; (void)is_thread_safe; (void)store; (void)out;
    return pending("callback");
}
vt_status vt__distance_project(const vt_distance *distance, int32_t n_axes, vt__watch *watch, double *out, double *out_share) {
    (void)distance; (void)n_axes; (void)watch; (void)out; (void)out_share;
    return pending("projection");
}
