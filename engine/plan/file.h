/* Saved graphs. A file is a head of 64 bytes, the program, and the numbers of the kept values, each from a multiple of 64 on; all integers little-endian:
 *
 *   head      "VTGRAPH\n", u32 version, u32 0, u64 size of the file, u64 size of the program, u64 its XXH3, u64 XXH3 of the 40 bytes before, zeros
 *   program   u64 scratch; u32 n values { u8 kind, u8 form, u64 size, where it has numbers: u64 place, u64 stored size, u64 XXH3 };
 *             u32 n variables { text name, f64, i64 }; u32 n inputs { operand }; u32 n results { operand };
 *             u32 n steps { text op, u32 n inputs, u32 n outputs, u8 n attributes { text name, u8 count, u32 variable, f64, i64 [count] }, operands }
 *   operand   u32 value, all ones: none; else u8 type, u8 n dims, i64 offset, i64 extents [n], i64 strides [n]
 *   text      u8 size, bytes
 *
 * Operations and attributes go by name, so that a file outlives the numbers of a table that grows. */
#ifndef VENTURI_PLAN_FILE_H
#define VENTURI_PLAN_FILE_H

#include "plan/graph.h"

enum { VT__GRAPH_VERSION = 1, VT__GRAPH_HEAD = 64 };
/* How the numbers of a value are stored. */
enum { VT__FORM_NONE, VT__FORM_BYTES, VT__FORM_F16 /* of f32 */ };

/* is_half: f32 weights that no step writes as f16. Errors:  CONFLICT (it is running), IO, NOT_FOUND, NOMEM. */
vt_status vt__graph_save(vt_graph *g, const char *path, int32_t is_half);
/* On a device by number. Weights stay in the mapped file where they can. Errors:  NOT_FOUND, IO, FORMAT, UNSUPPORTED (version, operation), DEVICE, LIMIT, NOMEM. */
vt_status vt__graph_open(vt_context *ctx, const char *path, int32_t device, vt_graph **out);
/* The same from bytes, which are copied where they are needed. */
vt_status vt__graph_parse(vt_context *ctx, const void *data, size_t size, int32_t device, vt_graph **out);
/* The steps and the numbers of a file, nothing planned yet. Errors as those of vt__graph_open. */
vt_status vt__program_open(vt_context *ctx, const char *path, int32_t device, struct vt__program *out);
/* Does a file that begins so mean to be a saved graph? */
int vt__graph_is_file(const void *data, size_t size);

/* What a file says need not be what an operation does: extents are inferred again, views stay within memory, inputs and outputs as the runner expects
 * them. FORMAT naming the step. */
vt_status vt__program_check(const struct vt__program *p);

#endif
