#include <immintrin.h>

#include "cpu/matmul/packed_float.h"
#include "cpu/vector_avx512.h"

#define HAS_WIDE 1
enum { STEP = PACKED_F16_STEP };

VTK_INLINE __m512i load(const unsigned char *w, int is_wide) { return is_wide ? _mm512_load_si512(w) : _mm512_castps_si512(load_16_halves(w)); }

VTK_INLINE __m512 add_product(__m512 sum, const unsigned char *x, __m512i w) {
    float v;
    __builtin_memcpy(&v, x, sizeof v);
    return _mm512_fmadd_ps(_mm512_set1_ps(v), _mm512_castsi512_ps(w), sum);
}

VTK_INLINE void widen(float (*out)[VTK_PANEL_ROWS], const unsigned char *w, int64_t n) {
    for (int64_t c = 0; c < n; c++) _mm512_store_ps(out[c], load_16_halves(w + c * STEP));
}

#include "cpu/matmul/packed_float_avx512.h"

void vtk_matmul_f16_packed_avx512(const vtk_matmul *p, int64_t row0, int64_t row1) { all_rows(p, row0, row1, p->k); }
