/* A root folder to read from, and nothing above it. */
#ifndef VENTURI_CORE_FOLDER_H
#define VENTURI_CORE_FOLDER_H

#include "venturi/types.h"

vt_status vt__folder_open(vt_context *ctx, const char *path, vt_folder **out);
vt_folder *vt__folder_retain(vt_folder *folder);
void vt__folder_release(vt_folder *folder);
vt_status vt__folder_refresh(vt_folder *folder);
int64_t vt__folder_count(const vt_folder *folder);
const char *vt__folder_name(const vt_folder *folder, int64_t i);
int64_t vt__folder_size(const vt_folder *folder, int64_t i);
vt_status vt__folder_read(vt_folder *folder, const char *name, uint64_t max_size, vt_buffer **out);

#endif
