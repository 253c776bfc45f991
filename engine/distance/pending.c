/* Sources of distances that have not landed yet; each goes when its file arrives. */
#include "core/error.h"
#include "distance/distance.h"

static vt_status pending(const char *what) { return vt__fail(VT_ERR_UNSUPPORTED, "distance: %s is not there yet", what); }

vt_status vt__distance_project(const vt_distance *distance, int32_t n_axes, vt__watch *watch, double *out, double *out_share) {
    (void)distance; (void)n_axes; (void)watch; (void)out; (void)out_share;
    return pending("projection");
}
