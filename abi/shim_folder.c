/* Public calls of venturi/folder.h: check and forward. */
#include "venturi/folder.h"

#include "core/error.h"
#include "core/folder.h"

enum { DEFAULT_READ = 64 << 20 };

vt_status vt_folder_open(vt_context *ctx, const char *path, vt_folder **out) {
    if (out) *out = NULL;
    if (!ctx || !path || !*path || !out) return vt__fail(VT_ERR_INVALID, "folder: open needs a context, a path and out");
    return vt__folder_open(ctx, path, out);
}

vt_folder *vt_folder_retain(vt_folder *folder) { return vt__folder_retain(folder); }
void vt_folder_release(vt_folder *folder) { vt__folder_release(folder); }

vt_status vt_folder_refresh(vt_folder *folder) {
    return folder ? vt__folder_refresh(folder) : vt__fail(VT_ERR_INVALID, "folder: refresh needs a folder");
}

int64_t vt_folder_count(const vt_folder *folder) { return folder ? vt__folder_count(folder) : 0; }
const char *vt_folder_name(const vt_folder *folder, int64_t i) { return folder ? vt__folder_name(folder, i) : NULL; }
int64_t vt_folder_size(const vt_folder *folder, int64_t i) { return folder ? vt__folder_size(folder, i) : -1; }

vt_status vt_folder_read(vt_folder *folder, const char *name, uint64_t max_size, vt_buffer **out) {
    if (out) *out = NULL;
    if (!folder || !name || !out) return vt__fail(VT_ERR_INVALID, "folder: read needs a folder, a name and out");
    return vt__folder_read(folder, name, max_size ? max_size : DEFAULT_READ, out);
}
