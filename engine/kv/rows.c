#include "kv/rows.h"

#include <string.h>

#include "cpu/quant/half.h"
#include "kv/cache.h"
#include "vtk.h"

enum { SLOTS = VT__KV_BLOCK_TOKENS };

/* ---- reading ---- */

static float element(const unsigned char *p, int64_t i, int32_t type) {
    uint16_t half;
    float x;
    if (type == VTK_KV_F32) {
        memcpy(&x, p + 4 * i, sizeof x);
        return x;
    }
    memcpy(&half, p + 2 * i, sizeof half);
    return vtk_half_to_float(half);
}

/* Slot `slot` of a head in blocks of 32 integers with a scale: keys [dim / 32]{half scale[16], int8 [32][16]}, values [16][dim / 32]{half scale, int8 [32]}. */
static void read_q8(const unsigned char *head, int32_t part, int64_t slot, int64_t dim, float *x) {
    enum { EDGE = VTK_BLOCK, KEYS = SLOTS * (2 + EDGE), VALUES = 2 + EDGE };
    for (int64_t b = 0; b < dim / EDGE; b++) {
        const unsigned char *p = part == VT__KEYS ? head + b * KEYS : head + (slot * (dim / EDGE) + b) * VALUES;
        float scale = element(p, part == VT__KEYS ? slot : 0, VTK_KV_F16);
        for (int64_t i = 0; i < EDGE; i++) {
            unsigned char q = part == VT__KEYS ? p[2 * SLOTS + i * SLOTS + slot] : p[2 + i];
            x[b * EDGE + i] = (float)(int8_t)q * scale;
        }
    }
}

static void read_slot(const unsigned char *head, int32_t type, int32_t part, int64_t slot, int64_t dim, float *x) {
    if (type == VTK_KV_Q8_0) {
        read_q8(head, part, slot, dim, x);
    } else if (part == VT__KEYS) {
        for (int64_t d = 0; d < dim; d++) x[d] = element(head, d * SLOTS + slot, type);
    } else if (type == VTK_KV_F16) {
        vtk_get()->decode[VTK_F16](x, head + 2 * slot * dim, dim);
    } else {
        memcpy(x, head + 4 * slot * dim, (size_t)dim * sizeof *x);
    }
}

void vt__kv_read(const vt_kv *kv, unsigned char *const *blocks, int32_t layer, int32_t part, int64_t first, int64_t n, float *x, int64_t ld) {
    int64_t dim = vt__kv_head_dim(kv);
    for (int64_t t = first; t < first + n; t++, x += ld)
        for (int32_t h = 0; h < vt__kv_n_heads(kv); h++) {
            size_t offset = part == VT__KEYS ? vt__kv_k_offset(kv, layer, h) : vt__kv_v_offset(kv, layer, h);
            read_slot(blocks[t / SLOTS] + offset, vt__kv_type(kv), part, t % SLOTS, dim, x + h * dim);
        }
}

/* ---- writing ---- */

static void put(unsigned char *out, int32_t dtype, int64_t at, float x) {
    uint16_t half = vtk_float_to_half(x);
    if (dtype == VT_DTYPE_F16) memcpy(out + 2 * at, &half, sizeof half);
    else memcpy(out + 4 * at, &x, sizeof x);
}

/* n elements that lie side by side. */
static void put_run(unsigned char *out, int32_t dtype, int64_t at, const float *x, int64_t n) {
    if (dtype == VT_DTYPE_F16) vtk_get()->encode[VTK_F16](out + 2 * at, x, n);
    else memcpy(out + 4 * at, x, (size_t)n * sizeof *x);
}

void vt__kv_scatter(const vt__kv_target *target, const float *x, int64_t ld, int64_t n_tokens, int64_t n_heads, int64_t head_dim, float *scratch) {
    unsigned char *out = target->out;
    for (int64_t h = 0; h < n_heads; h++, x += head_dim) {
        int64_t at = h * target->head;
        if (n_tokens == SLOTS && target->token == 1 && target->dim == SLOTS) {
            vtk_get()->transpose_32(scratch, SLOTS, x, ld, SLOTS, head_dim);
            put_run(out, target->dtype, at, scratch, SLOTS * head_dim);
            continue;
        }
        for (int64_t t = 0; t < n_tokens; t++) {
            if (target->dim == 1) {
                put_run(out, target->dtype, at + t * target->token, x + t * ld, head_dim);
                continue;
            }
            for (int64_t d = 0; d < head_dim; d++) put(out, target->dtype, at + t * target->token + d * target->dim, x[t * ld + d]);
        }
    }
}

void vt__kv_write(const vt_kv *kv, unsigned char *const *blocks, int32_t layer, int64_t first, int64_t n, const float *keys, const float *values, int64_t ld,
                  float *scratch) {
    int64_t dim = vt__kv_head_dim(kv), n_heads = vt__kv_n_heads(kv), slot = first % SLOTS;
    unsigned char *k = blocks[first / SLOTS] + vt__kv_k_offset(kv, layer, 0), *v = blocks[first / SLOTS] + vt__kv_v_offset(kv, layer, 0);
    if (vt__kv_type(kv) == VTK_KV_Q8_0) {
        size_t size = vtk_kv_size(VTK_KV_Q8_0, dim);
        for (int64_t t = 0; t < n; t++)
            for (int64_t h = 0; h < n_heads; h++)
                vtk_get()->kv_put[VTK_KV_Q8_0](k + (size_t)h * size, v + (size_t)h * size, slot + t, keys + t * ld + h * dim, values + t * ld + h * dim, dim);
        return;
    }
    int32_t dtype = vt__kv_dtype(kv);
    int64_t elem = dtype == VT_DTYPE_F16 ? 2 : 4;
    vt__kv_scatter(&(vt__kv_target){k + slot * elem, dtype, 1, SLOTS * dim, SLOTS}, keys, ld, n, n_heads, dim, scratch);
    vt__kv_scatter(&(vt__kv_target){v + slot * dim * elem, dtype, dim, SLOTS * dim, 1}, values, ld, n, n_heads, dim, scratch);
}
