#include "core/watch.h"

#include <time.h>

#include "core/cancel.h"
#include "core/error.h"

static const int64_t BETWEEN_REPORTS_NS = 100000000;

static int64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

vt_status vt__watch_poll(vt__watch *watch, double fraction, const char *message) {
    if (!watch) return VT_OK;
    vt_status st = vt__cancel_poll(watch->cancel, watch->what);
    if (st != VT_OK || !watch->progress) return st;
    int64_t now = now_ns();
    if (watch->last_ns && now - watch->last_ns < BETWEEN_REPORTS_NS) return VT_OK;
    watch->last_ns = now;
    if (watch->progress(watch->progress_user, fraction, message)) return vt__fail(VT_ERR_CANCELLED, "%s: cancelled by its progress callback", watch->what);
    return VT_OK;
}
