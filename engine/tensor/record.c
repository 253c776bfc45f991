#include "tensor/record.h"

#include "core/error.h"

static _Thread_local struct vt__recorder *recorder;

struct vt__recorder *vt__recorder_get(void) { return recorder; }

struct vt__recorder *vt__recorder_set(struct vt__recorder *r) {
    struct vt__recorder *was = recorder;
    recorder = r;
    return was;
}

vt_status vt__recorder_check(const char *what, const vt_tensor *t) {
    char text[VT__SHAPE_TEXT];
    if (!t->storage || !t->storage->recorder || t->storage->recorder == recorder) return VT_OK;
    return vt__fail(VT_ERR_STATE, "%s: %s belongs to what another thread captures", what, vt__shape_text(t, text));
}

vt_status vt__recorder_check_read(const char *what, const vt_tensor *t) {
    char text[VT__SHAPE_TEXT];
    if (!t->storage || !t->storage->recorder) return VT_OK;
    return vt__fail(VT_ERR_STATE, "%s: the numbers of %s cannot be looked at inside of a capture, which knows steps only: a replay would not stop for it", what,
                    vt__shape_text(t, text));
}
