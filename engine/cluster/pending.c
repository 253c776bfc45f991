/* Methods that have not landed yet; each goes when its file arrives. */
#include "cluster/method.h"
#include "core/error.h"

static vt_status pending(const char *what) { return vt__fail(VT_ERR_UNSUPPORTED, "cluster: %s is not there yet", what); }

vt_status vt__fastermsc(vt__cluster_work *work) { (void)work; return pending("fastermsc"); }
vt_status vt__fastmsc(vt__cluster_work *work) { (void)work; return pending("fastmsc"); }
vt_status vt__dynmsc(vt__cluster_work *work) { (void)work; return pending("dynmsc"); }
vt_status vt__pammedsil(vt__cluster_work *work) { (void)work; return pending("pammedsil"); }
vt_status vt__pamsil(vt__cluster_work *work) { (void)work; return pending("pamsil"); }

