/* The keys or the values of one layer for some tokens that follow one another, coded and decoded: rows of n_channels floats, tokens in order.
 *
 *     lossy    halves of the kept tokens, row by row; tokens count from behind them in what follows
 *              u32 n, n times { u32 token * n_channels + channel, f32 value } in ascending order: values beside the symbols
 *              of each DELTA group a half for each of its anchors: their scales
 *              the stream: token by token, group by group, a TOKEN group's scale before its symbols
 *     fixed    a half for each token, its scale, then its values in 8 or 4 bits, row by row
 *     raw      halves or floats, row by row
 *
 * A plane's bytes are an even number. Little-endian. */
#ifndef VENTURI_KV_PLANE_H
#define VENTURI_KV_PLANE_H

#include "codec/arith.h"
#include "codec/rans.h"
#include "core/buffer.h"
#include "kv/profile.h"

enum { VT__KV_RANS, VT__KV_ARITH, VT__KV_INT8, VT__KV_INT4, VT__KV_F16, VT__KV_F32, VT__KV_N_CODERS };
static inline int vt__kv_is_lossy(int32_t coder) { return coder == VT__KV_RANS || coder == VT__KV_ARITH; }

/* What a plane is coded by: with a lossy coder its groups out of a profile. */
typedef struct vt__kv_coding {
    int32_t coder;
    int64_t n_channels;
    int64_t n_kept; /* lossy: tokens at the begin that stay halves */
    int32_t n_groups, group_tokens;
    const vt__kv_plane *plane;
} vt__kv_coding;

typedef struct vt__kv_count { /* of what was coded */
    int64_t values, beside; /* values, and those beside the symbols */
    double error;         /* sum of squares */
} vt__kv_count;

/* Bytes of scratch, aligned to 64, for planes of n_tokens. SIZE_MAX: too many. */
size_t vt__plane_scratch(const vt__kv_coding *c, int64_t n_tokens);

/* Appends the plane of rows x [n_tokens, n_channels], finite. count: added to. */
void vt__plane_encode(const vt__kv_coding *c, const float *x, int64_t n_tokens, void *scratch, vt__bytes *out, vt__kv_count *count);

/* The first half of a lossy plane behind its kept tokens, for whoever counts symbols: appends the values beside; symbols [n_tokens, n_channels] and codes of scales
 * [n_tokens, n_groups] lie in scratch. Tables are not looked at. */
void vt__plane_quantise(const vt__kv_coding *c, const float *x, int64_t n_tokens, void *scratch, vt__bytes *out, vt__kv_count *count, const uint8_t **symbols,
                        const uint8_t **codes);

typedef struct vt__plane_reader {
    vt__kv_coding coding;
    int64_t n_tokens, at; /* tokens behind the kept ones, and those decoded of them */
    const unsigned char *beside, *beside_end; /* values that are left */
    const unsigned char *scales, *rows;       /* fixed, raw and kept: what is left; DELTA: scales of the anchors */
    int64_t n_kept;                           /* rows that are left */
    vtk_rans rans;
    vt__arith_decoder arith;
    float *anchors;   /* [n_channels] in scratch, those that are valid now */
    float *ones, *zeros; /* [n_channels]: base and step of anchors */
    uint8_t *symbols; /* [n_channels] */
} vt__plane_reader;

/* 0: no such plane. data: 2-aligned, borrowed until the last row; scratch as above, for one token at least. */
int vt__plane_open(vt__plane_reader *r, const vt__kv_coding *c, const void *data, size_t size, int64_t n_tokens, void *scratch);
/* The next n tokens' rows, ld apart. 0: the bytes are damaged. After the last of n_tokens it is made sure that the stream ended there. */
int vt__plane_next(vt__plane_reader *r, float *x, int64_t ld, int64_t n);

#endif
