/* Rows of blocks, of venturi_experimental.h: check and forward. */
#define VT_EXPERIMENTAL
#include "core/error.h"
#include "quant/block.h"
#include "venturi_experimental.h"

vt_status vt_quant_block(int32_t dtype, int64_t *out_elems, size_t *out_size) {
    const vt__block_type *t = vt__block_type_of(dtype);

    if (!out_elems || !out_size) return vt__fail(VT_ERR_INVALID, "blocks: an out pointer is NULL");
    if (!t) return vt__fail(VT_ERR_DTYPE, "blocks: dtype %d is not known", dtype);
    *out_elems = t->elems;
    *out_size = t->size;
    return VT_OK;
}

vt_status vt_quant_decode(int32_t dtype, const void *data, size_t size, float *out, int64_t n) {
    if (n > 0 && (!data || !out)) return vt__fail(VT_ERR_INVALID, "blocks: data or out is NULL");
    return vt__block_decode(dtype, data, size, out, n);
}

vt_status vt_quant_encode(int32_t dtype, const float *x, int64_t n, void *out, size_t size) {
    if (n > 0 && (!x || !out)) return vt__fail(VT_ERR_INVALID, "blocks: x or out is NULL");
    return vt__block_encode(dtype, x, n, out, size);
}
