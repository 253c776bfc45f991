#include "cpu/quant/quant.h"

#include <math.h>
#include <string.h>

#include "cpu/quant/half.h"
#include "cpu/quant/q8_wide.h"
#include "vtk.h"

void vtk_decode_f32_ref(float *y, const void *x, int64_t n) {
    if (n > 0) memcpy(y, x, (size_t)n * sizeof *y);
}

void vtk_decode_f16_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t i = 0; i < n; i++) y[i] = vtk_half_to_float(vtk_load_u16(p + 2 * i));
}

void vtk_decode_bf16_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t i = 0; i < n; i++) y[i] = vtk_bf16_to_float(vtk_load_u16(p + 2 * i));
}

void vtk_decode_q8_0_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q8_0_SIZE, y += VTK_BLOCK) {
        float d = vtk_half_to_float(vtk_load_u16(p));
        for (int i = 0; i < VTK_BLOCK; i++) y[i] = d * (float)(int8_t)p[2 + i];
    }
}

void vtk_decode_q4_0_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q4_0_SIZE, y += VTK_BLOCK) {
        float d = vtk_half_to_float(vtk_load_u16(p));
        for (int i = 0; i < 16; i++) {
            y[i] = d * (float)((p[2 + i] & 15) - 8);
            y[i + 16] = d * (float)((p[2 + i] >> 4) - 8);
        }
    }
}

void vtk_decode_q4_1_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q4_1_SIZE, y += VTK_BLOCK) {
        float d = vtk_half_to_float(vtk_load_u16(p)), m = vtk_half_to_float(vtk_load_u16(p + 2));
        for (int i = 0; i < 16; i++) {
            y[i] = d * (float)(p[4 + i] & 15) + m;
            y[i + 16] = d * (float)(p[4 + i] >> 4) + m;
        }
    }
}

void vtk_decode_q5_0_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q5_0_SIZE, y += VTK_BLOCK) {
        float d = vtk_half_to_float(vtk_load_u16(p));
        uint32_t fifth = vtk_load_u32(p + 2);
        for (int i = 0; i < 16; i++) {
            y[i] = d * (float)((int)((p[6 + i] & 15u) | (fifth >> i & 1u) << 4) - 16);
            y[i + 16] = d * (float)((int)(p[6 + i] >> 4 | (fifth >> (i + 16) & 1u) << 4) - 16);
        }
    }
}

void vtk_decode_q5_1_ref(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q5_1_SIZE, y += VTK_BLOCK) {
        float d = vtk_half_to_float(vtk_load_u16(p)), m = vtk_half_to_float(vtk_load_u16(p + 2));
        uint32_t fifth = vtk_load_u32(p + 4);
        for (int i = 0; i < 16; i++) {
            y[i] = d * (float)((p[8 + i] & 15u) | (fifth >> i & 1u) << 4) + m;
            y[i + 16] = d * (float)(p[8 + i] >> 4 | (fifth >> (i + 16) & 1u) << 4) + m;
        }
    }
}

void vtk_encode_f32_ref(void *y, const float *x, int64_t n) {
    if (n > 0) memcpy(y, x, (size_t)n * sizeof *x);
}

void vtk_encode_f16_ref(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t i = 0; i < n; i++) vtk_store_u16(p + 2 * i, vtk_float_to_half(x[i]));
}

void vtk_encode_bf16_ref(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t i = 0; i < n; i++) vtk_store_u16(p + 2 * i, vtk_float_to_bf16(x[i]));
}

/* Largest |x|. Bit patterns order like magnitudes, with NaN above infinity: a NaN anywhere is the result, and so poisons the scale
 * instead of vanishing. */
static float largest(const float *x, int n) {
    uint32_t max = 0;
    for (int i = 0; i < n; i++) {
        uint32_t a = vtk_float_bits(x[i]) & 0x7fffffffu;
        if (a > max) max = a;
    }
    return vtk_float_of_bits(max);
}

static float inverse(float d) { return d != 0.0f ? 1.0f / d : 0.0f; }

/* The nearest integer, halves away from zero, within -most..most; NaN gives 0: a conversion of it would be undefined. */
static int32_t to_integer(float v, float most) {
    if (v != v) return 0;
    v = roundf(v);
    return (int32_t)(v > most ? most : v < -most ? -most : v);
}

/* Truncation to 0..max; NaN gives 0. */
static unsigned to_code(float v, unsigned max) { return v >= (float)max ? max : v > 0.0f ? (unsigned)v : 0u; }
static unsigned to_nibble(float v) { return to_code(v, 15); }

void vtk_encode_q8_0_ref(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q8_0_SIZE, x += VTK_BLOCK) {
        float d = largest(x, VTK_BLOCK) / 127.0f, id = inverse(d);
        vtk_store_u16(p, vtk_float_to_half(d));
        for (int i = 0; i < VTK_BLOCK; i++) p[2 + i] = (unsigned char)to_integer(x[i] * id, 127.0f);
    }
}

/* The first element of largest magnitude. */
static float peak_of(const float *x, int n) {
    float peak = 0.0f;
    for (int i = 0; i < n; i++) {
        if (fabsf(x[i]) > fabsf(peak)) peak = x[i];
    }
    return peak;
}

/* The element of largest magnitude, with its sign, becomes -8: the end of the range that has one code more. */
void vtk_encode_q4_0_ref(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q4_0_SIZE, x += VTK_BLOCK) {
        float d = peak_of(x, VTK_BLOCK) / -8.0f, id = inverse(d);
        vtk_store_u16(p, vtk_float_to_half(d));
        for (int i = 0; i < 16; i++) p[2 + i] = (unsigned char)(to_nibble(x[i] * id + 8.5f) | to_nibble(x[i + 16] * id + 8.5f) << 4);
    }
}

static void range_of(const float *x, float *min, float *max) {
    *min = *max = x[0];
    for (int i = 1; i < VTK_BLOCK; i++) {
        if (x[i] < *min) *min = x[i];
        if (x[i] > *max) *max = x[i];
    }
}

void vtk_encode_q4_1_ref(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q4_1_SIZE, x += VTK_BLOCK) {
        float min, max;
        range_of(x, &min, &max);
        float d = (max - min) / 15.0f, id = inverse(d);
        vtk_store_u16(p, vtk_float_to_half(d));
        vtk_store_u16(p + 2, vtk_float_to_half(min));
        for (int i = 0; i < 16; i++)
            p[4 + i] = (unsigned char)(to_nibble((x[i] - min) * id + 0.5f) | to_nibble((x[i + 16] - min) * id + 0.5f) << 4);
    }
}

/* Codes of 5 bits: four in the nibbles, the fifth in the word. */
static void store_codes(unsigned char *fifth, unsigned char *nibbles, const unsigned codes[VTK_BLOCK]) {
    uint32_t high = 0;
    for (int i = 0; i < VTK_BLOCK; i++) high |= (uint32_t)(codes[i] >> 4) << i;
    memcpy(fifth, &high, sizeof high);
    for (int i = 0; i < 16; i++) nibbles[i] = (unsigned char)((codes[i] & 15u) | (codes[i + 16] & 15u) << 4);
}

void vtk_encode_q5_0_ref(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    unsigned codes[VTK_BLOCK];
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q5_0_SIZE, x += VTK_BLOCK) {
        float d = peak_of(x, VTK_BLOCK) / -16.0f, id = inverse(d);
        vtk_store_u16(p, vtk_float_to_half(d));
        for (int i = 0; i < VTK_BLOCK; i++) codes[i] = to_code(x[i] * id + 16.5f, 31);
        store_codes(p + 2, p + 6, codes);
    }
}

void vtk_encode_q5_1_ref(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    unsigned codes[VTK_BLOCK];
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q5_1_SIZE, x += VTK_BLOCK) {
        float min, max;
        range_of(x, &min, &max);
        float d = (max - min) / 31.0f, id = inverse(d);
        vtk_store_u16(p, vtk_float_to_half(d));
        vtk_store_u16(p + 2, vtk_float_to_half(min));
        for (int i = 0; i < VTK_BLOCK; i++) codes[i] = to_code((x[i] - min) * id + 0.5f, 31);
        store_codes(p + 4, p + 8, codes);
    }
}

static void put_sums(unsigned char *row, int64_t n, int64_t b, float d, const int32_t q[VTK_BLOCK]) {
    unsigned char *d_out = row + n, *sum_out = d_out + n / VTK_BLOCK * 4, *half_out = sum_out + n / VTK_BLOCK * 4;
    int32_t total = 0;
    float half = 0.0f;
    for (int i = 0; i < VTK_BLOCK; i++) {
        total += q[i];
        if (i == VTK_BLOCK / 2 - 1) half = (float)total;
    }
    float sum = (float)total;
    memcpy(d_out + 4 * b, &d, sizeof d);
    memcpy(sum_out + 4 * b, &sum, sizeof sum);
    memcpy(half_out + 4 * b, &half, sizeof half);
}

void vtk_put_q8_block_ref(unsigned char *row, int64_t n, int64_t b, const float x[VTK_BLOCK]) {
    float d = largest(x, VTK_BLOCK) / 127.0f, id = inverse(d);
    int32_t q[VTK_BLOCK];
    for (int i = 0; i < VTK_BLOCK; i++) {
        q[i] = to_integer(x[i] * id, 127.0f);
        row[b * VTK_BLOCK + i] = (unsigned char)q[i];
    }
    put_sums(row, n, b, d, q);
}

void vtk_put_q8_wide_ref(unsigned char *row, int64_t n, int64_t b, const float x[VTK_BLOCK]) {
    unsigned char *high = row + b * VTK_BLOCK, *low = high + vtk_q8_low_at(n);
    float d = vtk_load_f32(row + n + 4 * b) / 256.0f, id = 1.0f / d;
    int32_t q[VTK_BLOCK];
    for (int i = 0; i < VTK_BLOCK; i++) {
        q[i] = to_integer(x[i] * id, VTK_WIDE_MOST);
        high[i] = (unsigned char)((q[i] + 0x8080) / 256 - 128); /* the nearest multiple of 256; what is left has a sign */
        low[i] = (unsigned char)q[i];
    }
    put_sums(row, n, b, d, q);
}

void vtk_encode_q8_row_ref(void *y, const float *x, int64_t n) {
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) vtk_put_q8_block_ref(y, n, b, x + b * VTK_BLOCK);
    vtk_q8_choose_wide(y, n);
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) {
        if (vtk_q8_is_wide((unsigned char *)y + vtk_q8_wide_at(n), b)) vtk_put_q8_wide_ref(y, n, b, x + b * VTK_BLOCK);
    }
}
