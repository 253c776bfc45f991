/* IEEE half and bfloat16 in integer arithmetic, and loads that need no alignment: what scalar code shares. Only static inline functions,
 * since files of every instruction set include this. */
#ifndef VENTURI_KERNELS_HALF_H
#define VENTURI_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint16_t vtk_load_u16(const void *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vtk_store_u16(void *p, uint16_t v) { memcpy(p, &v, sizeof v); }

static inline uint32_t vtk_load_u32(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline float vtk_load_f32(const void *p) {
    float v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t vtk_float_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float vtk_float_of_bits(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* Exact; a signalling NaN becomes quiet, as the hardware's conversion does. */
static inline float vtk_half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exp = (h >> 10) & 31u, frac = h & 0x3ffu;
    if (exp == 31) return vtk_float_of_bits(sign | 0x7f800000u | (frac ? 0x400000u : 0u) | frac << 13);
    if (exp) return vtk_float_of_bits(sign | (exp + 112u) << 23 | frac << 13);
    float tiny = (float)frac * 0x1p-24f; /* denormal or zero: exact in float */
    return sign ? -tiny : tiny;
}

/* Nearest, ties to even; overflow gives infinity, a NaN stays a NaN and becomes quiet. */
static inline uint16_t vtk_float_to_half(float f) {
    uint32_t u = vtk_float_bits(f), sign = (u >> 16) & 0x8000u, abs = u & 0x7fffffffu;
    if (abs > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | ((abs >> 13) & 0x3ffu));
    if (abs >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* 65520 and above */
    if (abs < 0x38800000u) {                                   /* below 2^-14: the addition lets the FPU round to multiples of 2^-24 */
        float shifted = vtk_float_of_bits(abs) + 0.5f;
        return (uint16_t)(sign | (vtk_float_bits(shifted) - 0x3f000000u));
    }
    abs += 0xfffu + ((abs >> 13) & 1u); /* half of the last place, less one where the kept bit is even */
    return (uint16_t)(sign | (abs - 0x38000000u) >> 13);
}

static inline float vtk_bf16_to_float(uint16_t b) { return vtk_float_of_bits((uint32_t)b << 16); }

/* Nearest, ties to even; a NaN is kept and made quiet. */
static inline uint16_t vtk_float_to_bf16(float f) {
    uint32_t u = vtk_float_bits(f);
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

#endif
