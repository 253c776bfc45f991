#include "cpu/map/convert.h"
#include "cpu/map/plain.h"
#include "cpu/quant/quant.h"
#include "cpu/vector_avx2.h"

static void f16_to_f32(void *out, const void *in, int64_t n) { vtk_decode_f16_avx2(out, in, n); }
static void f32_to_f16(void *out, const void *in, int64_t n) { vtk_encode_f16_avx2(out, in, n); }

static void stream(void *out, const void *from, int64_t n_bytes) {
    const char *x = from;
    char *z = out;
    int64_t i = 0;
    for (; i + 32 <= n_bytes; i += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));
        _mm256_stream_si256((__m256i *)(void *)(z + i), v);
    }
    memcpy(z + i, x + i, (size_t)(n_bytes - i));
    _mm_sfence(); /* before other threads may be told */
}

const struct vtk_map vtk_map_avx2 = {
    .f32 = {PLAIN_SLOTS(F32_SLOT) VTK_MAP_SMOOTH(VTK_MAP_F32_REF_SLOT)},
    .f64 = {PLAIN_SLOTS(F64_SLOT) VTK_MAP_SMOOTH(VTK_MAP_F64_REF_SLOT) VTK_MAP_F64_REF_SLOT(complex)},
    .i64 = {I64_SLOTS VTK_MAP_DIVISION_SLOTS},
    .c128 = {VTK_MAP_COMPLEX_SLOTS},
    .select = SIZE_SLOTS(select),
    .fill = SIZE_SLOTS(fill),
    .convert = CONVERSIONS,
    .gather = SIZE_SLOTS(gather),
    .scatter = SIZE_SLOTS(scatter),
    .stream = stream,
};
