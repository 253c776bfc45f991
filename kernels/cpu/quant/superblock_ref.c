/* Superblocks to floats, element by element as the layouts are written down. */
#include "cpu/quant/superblock.h"

#include <string.h>

#include "cpu/quant/half.h"
#include "cpu/quant/quant.h"
#include "vtk.h"

static float half_at(const unsigned char *p) { return vtk_half_to_float(vtk_load_u16(p)); }

/* Two bits of element i, as Q2_K and Q3_K have them. */
static int two_bits(const unsigned char *qs, int i) { return qs[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3; }

static int nibble(const unsigned char *qs, int i) { return qs[32 * (i / 64) + i % 32] >> (4 * (i % 64 / 32)) & 15; }

void vtk_decode_q2_k_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_K_BLOCK; b++, p += VTK_Q2_K_SIZE, y += VTK_K_BLOCK) {
        float d = half_at(p + VTK_Q2_K_D), dmin = half_at(p + VTK_Q2_K_DMIN);
        for (int i = 0; i < VTK_K_BLOCK; i++) {
            unsigned s = p[VTK_Q2_K_SCALES + i / 16];
            y[i] = d * (float)(s & 15) * (float)two_bits(p + VTK_Q2_K_QS, i) - dmin * (float)(s >> 4);
        }
    }
}

void vtk_decode_q3_k_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_K_BLOCK; b++, p += VTK_Q3_K_SIZE, y += VTK_K_BLOCK) {
        float d = half_at(p + VTK_Q3_K_D);
        for (int i = 0; i < VTK_K_BLOCK; i++) {
            int v = two_bits(p + VTK_Q3_K_QS, i) - (p[VTK_Q3_K_HMASK + i % 32] >> (i / 32) & 1 ? 0 : 4);
            y[i] = d * (float)vtk_q3_k_scale(p + VTK_Q3_K_SCALES, i / 16) * (float)v;
        }
    }
}

void vtk_decode_q4_k_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_K_BLOCK; b++, p += VTK_Q4_K_SIZE, y += VTK_K_BLOCK) {
        float d = half_at(p + VTK_Q4_K_D), dmin = half_at(p + VTK_Q4_K_DMIN);
        for (int i = 0; i < VTK_K_BLOCK; i++) {
            unsigned scale, min;
            vtk_q4_k_scale(p + VTK_Q4_K_SCALES, i / 32, &scale, &min);
            y[i] = d * (float)scale * (float)nibble(p + VTK_Q4_K_QS, i) - dmin * (float)min;
        }
    }
}

void vtk_decode_q5_k_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_K_BLOCK; b++, p += VTK_Q5_K_SIZE, y += VTK_K_BLOCK) {
        float d = half_at(p + VTK_Q4_K_D), dmin = half_at(p + VTK_Q4_K_DMIN);
        for (int i = 0; i < VTK_K_BLOCK; i++) {
            unsigned scale, min;
            vtk_q4_k_scale(p + VTK_Q4_K_SCALES, i / 32, &scale, &min);
            int v = nibble(p + VTK_Q5_K_QS, i) | (p[VTK_Q5_K_QH + i % 32] >> (i / 32) & 1) << 4;
            y[i] = d * (float)scale * (float)v - dmin * (float)min;
        }
    }
}

void vtk_decode_q6_k_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_K_BLOCK; b++, p += VTK_Q6_K_SIZE, y += VTK_K_BLOCK) {
        float d = half_at(p + VTK_Q6_K_D);
        for (int i = 0; i < VTK_K_BLOCK; i++) {
            int low = p[VTK_Q6_K_QL + 64 * (i / 128) + i % 64] >> (4 * (i % 128 / 64)) & 15;
            int high = two_bits(p + VTK_Q6_K_QH, i);
            y[i] = d * (float)(int8_t)p[VTK_Q6_K_SCALES + i / 16] * (float)((low | high << 4) - 32);
        }
    }
}

void vtk_decode_q8_k_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_K_BLOCK; b++, p += VTK_Q8_K_SIZE, y += VTK_K_BLOCK) {
        float d = vtk_load_f32(p + VTK_Q8_K_D);
        for (int i = 0; i < VTK_K_BLOCK; i++) y[i] = d * (float)(int8_t)p[VTK_Q8_K_QS + i];
    }
}
