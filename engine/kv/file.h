/* VTKV: caches of a sequence as files. All integers little-endian:
 *
 *   head       "VTKV", u16 version, u8 coder, u8 level, u64 profile, u64 model, u64 rope, u32 layers, heads, head size, dtype of the cache, u64 tokens, u32 tokens
 *              a chunk, u32 chunks, u64 size of the file, u64 XXH3 of ids and directory, u64 XXH3 of the bytes before
 *   ids        i32 [tokens]
 *   directory  of each chunk u64 size, u64 XXH3
 *   chunks     u32 size of each plane, planes (plane.h): keys and values of layer 0, of layer 1, ...
 *
 * Every byte is under one of the sums, chunks need only the head and themselves. */
#ifndef VENTURI_KV_FILE_H
#define VENTURI_KV_FILE_H

#include "core/buffer.h"
#include "kv/profile.h"

enum { VT__KV_FILE_VERSION = 1, VT__KV_FILE_HEAD = 88, VT__KV_CHUNK_STEP = 16, VT__KV_MOST_CHUNK = 4096 };

typedef struct vt__kv_file {
    vt__kv_identity identity;
    uint64_t profile; /* 0: the coder needs none */
    int32_t coder, level, dtype;
    int64_t n_tokens, chunk_tokens, n_chunks;
    const unsigned char *ids, *directory, *chunks, *end; /* borrowed; ids and words may be unaligned */
} vt__kv_file;

/* One chunk. */
typedef struct vt__kv_chunk {
    const unsigned char *data;
    size_t size;
    uint64_t hash;
    int64_t first, n_tokens;
} vt__kv_chunk;

/* Head, ids and directory; chunks are not looked at. Errors: FORMAT, UNSUPPORTED (version). */
vt_status vt__kv_file_parse(const void *data, size_t size, vt__kv_file *out);
int32_t vt__kv_file_id(const vt__kv_file *f, int64_t i);
/* Chunks one after the other: *c zeroed before the first, which then is chunk 0. */
void vt__kv_file_next(const vt__kv_file *f, vt__kv_chunk *c);
/* The place of each plane of a chunk: planes[2 * layers] and the size. FORMAT: damaged. */
vt_status vt__kv_chunk_open(const vt__kv_file *f, const vt__kv_chunk *c, const unsigned char **planes, size_t *sizes);

/* f: all but the pointers and n_chunks. planes: [chunks, 2 * layers]. */
vt_status vt__kv_file_write(vt_context *ctx, const vt__kv_file *f, const int32_t *ids, const vt__bytes *planes, vt_buffer **out);

#endif
