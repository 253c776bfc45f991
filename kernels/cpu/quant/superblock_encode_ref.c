#define FIT_VECTOR 16
#include "cpu/quant/superblock_encode.h"

VTK_SUPERBLOCK_ENCODERS(ref)

/* The element of largest magnitude, with its sign, becomes -127; d may be negative. */
void vtk_encode_q8_k_ref(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t b = 0; b < n / VTK_K_BLOCK; b++, p += VTK_Q8_K_SIZE, x += VTK_K_BLOCK) {
        float peak = peak_of(x, VTK_K_BLOCK), scale = peak != 0.0f ? -127.0f / peak : 0.0f, d = inverse(scale);
        for (int i = 0; i < VTK_K_BLOCK; i++) {
            if (x[i] - x[i] != 0.0f) d = x[i] - x[i]; /* a NaN or an infinity does not vanish */
        }
        memcpy(p + VTK_Q8_K_D, &d, sizeof d);
        for (int g = 0; g < VTK_K_BLOCK / 16; g++) {
            int sum = 0;
            for (int i = 16 * g; i < 16 * g + 16; i++) {
                int q = (int)nearest(x[i] * scale, -127.0f, 127.0f);
                p[VTK_Q8_K_QS + i] = (unsigned char)q;
                sum += q;
            }
            vtk_store_u16(p + VTK_Q8_K_SUMS + 2 * g, (uint16_t)sum);
        }
    }
}
