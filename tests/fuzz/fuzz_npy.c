/* Any bytes as an .npy file: an error of three kinds, or an array whose elements are all there. */
#include <stdlib.h>

#include "venturi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int truth) {
    if (!truth) abort();
}

static void read_as(vt_context *ctx, const uint8_t *data, size_t size, int32_t dtype, int64_t count) {
    vt_buffer *b;
    vt_status st = vt_npy_read(ctx, data, size, dtype, &b);
    check(st == VT_OK || st == VT_ERR_DTYPE || st == VT_ERR_NOMEM);
    if (st != VT_OK) return;
    const unsigned char *p = vt_buffer_data(b);
    size_t n = vt_buffer_size(b);
    check(count == 0 ? n == 0 : n % (size_t)count == 0 && p[n] == 0);
    vt_buffer_release(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_npy npy = VT_STRUCT_INIT(vt_npy);
    vt_context *ctx;
    o.memory_limit = 1 << 24;
    if (vt_context_create(&o, &ctx) != VT_OK) return 0;
    vt_status st = vt_npy_parse(data ? data : (const uint8_t *)"", size, &npy);
    check(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_UNSUPPORTED || st == VT_ERR_LIMIT);
    if (st == VT_OK) {
        check(npy.offset <= size && npy.size <= size - npy.offset && npy.count >= 0 && npy.n_dims <= VT_NPY_DIMS);
        read_as(ctx, data, size, VT_NPY_SAME, npy.count);
        read_as(ctx, data, size, VT_DTYPE_F32, npy.count);
    }
    vt_context_release(ctx);
    return 0;
}
