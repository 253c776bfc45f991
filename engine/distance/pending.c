/* Sources of distances that have not landed yet; each goes when its file arrives. */
#include "core/error.h"
#include "distance/window.h"

static vt_status pending(const char *what) { return vt__fail(VT_ERR_UNSUPPORTED, "distance: %s is not there yet", what); }

vt_status vt__distance_from_matrix(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t stride, int is_symmetric, vt_distance **out) {
    (void)ctx; (void)data; (void)dtype; (void)n; (void)stride; (void)is_symmetric; (void)out;
    return pending("matrix");
}
vt_status vt__distance_take_matrix(vt_context *ctx, void *data, int32_t dtype, int64_t n, int is_symmetric, vt_distance **out) {
    (void)ctx; (void)data; (void)dtype; (void)n; (void)is_symmetric; (void)out;
    return pending("matrix");
}
vt_status vt__distance_from_triangle(vt_context *ctx, const void *data, int32_t dtype, int64_t n, vt_distance **out) {
    (void)ctx; (void)data; (void)dtype; (void)n; (void)out;
    return pending("triangle");
}
vt_status vt__distance_from_rows(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, int store, vt_distance **out) {
    (void)ctx; (void)data; (void)dtype; (void)n; (void)dim; (void)stride; (void)metric; (void)store; (void)out;
    return pending("rows");
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
vt_distance *vt__distance_retain(vt_distance *distance) { return distance; }
void vt__distance_release(vt_distance *distance) { (void)distance; }
vt_context *vt__distance_context(const vt_distance *distance) { (void)distance; return NULL; }
int64_t vt__distance_count(const vt_distance *distance) { (void)distance; return 0; }
int vt__distance_type(const vt_distance *distance) { (void)distance; return 0; }
int32_t vt__distance_dtype(const vt_distance *distance) { (void)distance; return 0; }
size_t vt__distance_size(const vt_distance *distance) { (void)distance; return 0; }
double vt__distance_bound(const vt_distance *distance) { (void)distance; return 0; }
double vt__distance_far(const vt_distance *distance) { (void)distance; return 0; }
vt_status vt__distance_gather(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns, void *out) {
    (void)distance; (void)rows; (void)n_rows; (void)columns; (void)n_columns; (void)out;
    return pending("gather");
}
vt_status vt__distance_compute(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns, vt__watch *watch, void *out) {
    (void)distance; (void)rows; (void)n_rows; (void)columns; (void)n_columns; (void)watch; (void)out;
    return pending("compute");
}
vt_status vt__distance_foreign(const vt_distance *distance, const void *data, int32_t dtype, int64_t m, int64_t dim, int64_t stride, const int64_t *columns,
                               int64_t n_columns, void *out) {
    (void)distance; (void)data; (void)dtype; (void)m; (void)dim; (void)stride; (void)columns; (void)n_columns; (void)out;
    return pending("new rows");
}
vt_status vt__distance_project(const vt_distance *distance, int32_t n_axes, vt__watch *watch, double *out, double *out_share) {
    (void)distance; (void)n_axes; (void)watch; (void)out; (void)out_share;
    return pending("projection");
}
vt_status vt__window_init(vt__window *w, const vt_distance *distance, int64_t capacity) {
    (void)w; (void)distance; (void)capacity;
    return pending("window");
}
void vt__window_free(vt__window *w) { (void)w; }
vt_status vt__window_load(vt__window *w, const int64_t *objects, int64_t n) {
    (void)w; (void)objects; (void)n;
    return pending("window");
}
vt_status vt__window_load_rows(vt__window *w, const int64_t *objects, int64_t n) {
    (void)w; (void)objects; (void)n;
    return pending("window");
}
int vt__window_is_view(const vt__window *w) { (void)w; return 0; }
