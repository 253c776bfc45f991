/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * A folder to read from: lists and reads regular files below one root and nothing above it, so that a host
 * can lend it to a script. Symbolic links that leave the root are not followed. Not here: writing. */
#ifndef VENTURI_FOLDER_H
#define VENTURI_FOLDER_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Opens a folder, or a single file as a folder that holds just it. Errors: VT_ERR_INVALID, VT_ERR_NOT_FOUND, VT_ERR_IO, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_folder_open(vt_context *ctx, const char *path, vt_folder **out);
VT_API vt_folder *vt_folder_retain(vt_folder *folder);
VT_API void vt_folder_release(vt_folder *folder);

/** Reads the list of regular files again, all levels, sorted by name (byte order). Left out: hidden entries (".x"), what we have no permission
 *  to look at (a line in the log), links to folders, and links to files outside of the root. On failure the list is as it was.
 *  Errors: VT_ERR_IO, VT_ERR_NOMEM, VT_ERR_LIMIT (more than 1,000,000 files or 64 levels). Threads: one user at a time. */
VT_API VT_MUST_USE vt_status vt_folder_refresh(vt_folder *folder);
/** Files found by the open or the last refresh. */
VT_API int64_t vt_folder_count(const vt_folder *folder);
/** Name relative to the root, '/' between levels; borrowed until the next refresh or release; NULL when i is out of [0, count). */
VT_API const char *vt_folder_name(const vt_folder *folder, int64_t i);
/** Size in bytes at listing time; -1 when i is out of range. */
VT_API int64_t vt_folder_size(const vt_folder *folder, int64_t i);

/**
 * Whole content of one file.
 *
 * name      relative, '/' between levels; "..", a hidden part, an absolute name or a link out of the root: VT_ERR_NOT_FOUND.
 * max_size  bytes; a larger file is VT_ERR_LIMIT; 0: 64 MiB.
 * Errors:  VT_ERR_INVALID, VT_ERR_NOT_FOUND, VT_ERR_LIMIT, VT_ERR_IO, VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_folder_read(vt_folder *folder, const char *name, uint64_t max_size, vt_buffer **out);

#ifdef __cplusplus
}
#endif
#endif
