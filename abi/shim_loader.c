/* Public calls of venturi/loader.h: check, normalise options, forward. */
#include "venturi/loader.h"

#include "core/error.h"
#include "core/options.h"
#include "media/loader.h"
#include "tensor/tensor.h"

enum { MOST_EXTENT = 4096, MOST_THREADS = 64, MOST_DEPTH = 1024, MOST_PIXELS = 1 << 26, MOST_SIDE = 1 << 15 };

#define LEAST_SCALE 0.05
#define MOST_SCALE 20.0

static int within(double v, double least, double most) { return v >= least && v <= most; }

static vt_status check_augment(const vt_loader_options *o) {
    if (!within(o->share, 0, 1) || !within(o->brightness, 0, 1) || !within(o->contrast, 0, 1) || !within(o->saturation, 0, 1))
        return vt__fail(VT_ERR_INVALID, "loader: share %g, brightness %g, contrast %g, saturation %g, need 0 to 1", o->share, o->brightness, o->contrast, o->saturation);
    if ((o->scale_min != 0 || o->scale_max != 0) && !(within(o->scale_min, LEAST_SCALE, o->scale_max) && o->scale_max <= MOST_SCALE))
        return vt__fail(VT_ERR_INVALID, "loader: scale %g to %g, need %g to %g", o->scale_min, o->scale_max, LEAST_SCALE, MOST_SCALE);
    if (o->shift < 0 || o->shift > MOST_EXTENT) return vt__fail(VT_ERR_INVALID, "loader: shift %lld, need 0 to %d", (long long)o->shift, (int)MOST_EXTENT);
    return VT_OK;
}

static vt_status check_options(const vt_loader_options *o) {
    const uint32_t flags = VT_AUGMENT_FLIP_X | VT_AUGMENT_FLIP_Y | VT_AUGMENT_FREE_PLACE | VT_LOADER_UPRIGHT;
    if (o->flags & ~flags) return vt__fail(VT_ERR_INVALID, "loader: unknown flags 0x%x", o->flags);
    if (o->width < 1 || o->width > MOST_EXTENT || o->height < 1 || o->height > MOST_EXTENT)
        return vt__fail(VT_ERR_SHAPE, "loader: pictures of %lld x %lld, need 1 to %d", (long long)o->width, (long long)o->height, (int)MOST_EXTENT);
    if (o->dtype != VT_DTYPE_F32 && o->dtype != VT_DTYPE_U8) return vt__fail(VT_ERR_DTYPE, "loader: dtype %d, need VT_DTYPE_F32 or VT_DTYPE_U8", o->dtype);
    if (o->fit < VT_FIT_COVER || o->fit > VT_FIT_STRETCH) return vt__fail(VT_ERR_INVALID, "loader: fit %d, need 0 to 2", o->fit);
    if (o->background && o->background >> 24 != 0xff) return vt__fail(VT_ERR_INVALID, "loader: background 0x%08x, need 0xffRRGGBB", o->background);
    if (o->n_threads < 0 || o->n_threads > MOST_THREADS || o->depth < 0 || o->depth > MOST_DEPTH || o->max_pixels < 0)
        return vt__fail(VT_ERR_INVALID, "loader: %d threads, depth %d, %lld pixels", o->n_threads, o->depth, (long long)o->max_pixels);
    return check_augment(o);
}

/* Fills in what a tensor says: extents that were not given, and its channels. */
static vt_status look_at(const vt_tensor *pictures, vt_loader_options *o) {
    if (!pictures) {
        if (o->channels == 0) o->channels = 3;
        return o->channels == 1 || o->channels == 3 ? VT_OK : vt__fail(VT_ERR_INVALID, "loader: %d channels of files, need 1 or 3", o->channels);
    }
    if (pictures->dtype != VT_DTYPE_U8 && pictures->dtype != VT_DTYPE_F32)
        return vt__fail(VT_ERR_DTYPE, "loader: pictures of dtype %d, need VT_DTYPE_F32 or VT_DTYPE_U8", pictures->dtype);
    if (pictures->ndim != 4 || pictures->shape[1] < 1 || pictures->shape[1] > VT__MOST_CHANNELS || pictures->shape[2] < 1 || pictures->shape[3] < 1 ||
        pictures->shape[2] > MOST_SIDE || pictures->shape[3] > MOST_SIDE)
        return vt__fail(VT_ERR_SHAPE, "loader: pictures must be [n, channels 1 to %d, height, width]", (int)VT__MOST_CHANNELS);
    if (!vt__tensor_is_dense(pictures) || !vt__tensor_to_view(pictures).data) return vt__fail(VT_ERR_INVALID, "loader: pictures must be dense and on the CPU");
    o->channels = (int32_t)pictures->shape[1];
    if (o->height == 0) o->height = pictures->shape[2];
    if (o->width == 0) o->width = pictures->shape[3];
    return VT_OK;
}

/* Sides that a photograph keeps when it is decoded: twice those of its place at the largest scale, so that what is left is averaged well. */
static int64_t least_of(const vt_loader_options *o, double high) {
    const int64_t side = o->width > o->height ? o->width : o->height;
    return (int64_t)(2 * (double)side * (high > 1 ? high : 1));
}

static vt__loader_params params_of(const vt_loader_options *o) {
    const uint32_t changes = o->flags & (VT_AUGMENT_FLIP_X | VT_AUGMENT_FLIP_Y | VT_AUGMENT_FREE_PLACE);
    const double low = o->scale_min > 0 ? o->scale_min : 1, high = o->scale_max > 0 ? o->scale_max : 1;
    const int is_augmented = changes || low < 1 || high > 1 || high < 1 || low > 1 || o->shift || o->brightness > 0 || o->contrast > 0 || o->saturation > 0;
    return (vt__loader_params){
        {o->width, o->height, o->channels, o->dtype, o->fit, o->background ? o->background : 0xffffffffu},
        {o->seed, changes, o->share > 0 ? o->share : 1, low, high, o->shift, o->brightness, o->contrast, o->saturation},
        is_augmented,
        o->n_threads ? o->n_threads : 1,
        o->depth ? o->depth : 2,
        {MOST_SIDE, MOST_SIDE, o->max_pixels ? o->max_pixels : MOST_PIXELS, (o->flags & VT_LOADER_UPRIGHT) != 0, least_of(o, high)}};
}

vt_status vt_loader_create(vt_context *ctx, const vt_loader_options *opt, vt_tensor *pictures, vt_loader **out) {
    enum { FIRST_SIZE = 120 };
    vt_loader_options o;
    if (out) *out = NULL;
    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "loader: needs a context and out");
    vt_status st = vt__options_read("loader", &o, sizeof o, FIRST_SIZE, opt);
    if (st == VT_OK) st = look_at(pictures, &o);
    if (st == VT_OK) st = check_options(&o);
    if (st != VT_OK) return st;
    const vt__loader_params params = params_of(&o);
    return vt__loader_create(ctx, &params, pictures, out);
}

vt_loader *vt_loader_retain(vt_loader *loader) { return vt__loader_retain(loader); }
void vt_loader_release(vt_loader *loader) { vt__loader_release(loader); }
int64_t vt_loader_count(const vt_loader *loader) { return loader ? vt__loader_count(loader) : 0; }

vt_status vt_loader_add_file(vt_loader *loader, const char *path) {
    if (!loader || !path) return vt__fail(VT_ERR_INVALID, "loader: needs a loader and a path");
    return vt__loader_add_file(loader, path);
}

vt_status vt_loader_submit(vt_loader *loader, const int64_t *indices, int64_t n, uint32_t round) {
    if (!loader || !indices || n < 1) return vt__fail(VT_ERR_INVALID, "loader: needs a loader and one index or more");
    return vt__loader_submit(loader, indices, n, round);
}

vt_status vt_loader_next(vt_loader *loader, const vt_cancel *cancel, vt_tensor **out) {
    if (out) *out = NULL;
    if (!loader || !out) return vt__fail(VT_ERR_INVALID, "loader: needs a loader and out");
    return vt__loader_next(loader, cancel, out);
}
