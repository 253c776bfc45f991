/* Conversions between element types in plain C, compiled for each instruction set. Everything static. */
#ifndef VENTURI_KERNELS_MAP_CONVERT_H
#define VENTURI_KERNELS_MAP_CONVERT_H

#include <stdint.h>
#include <string.h>

#include "cpu/map/map.h"
#include "cpu/quant/half.h"

typedef struct vtk_c64 {
    float re, im;
} vtk_c64;
typedef struct vtk_c128 {
    double re, im;
} vtk_c128;

#define CONVERT(from, to, FROM, TO, VALUE) \
    static void from##_to_##to(void *out, const void *in, int64_t n) { \
        const FROM *x = in; \
        TO *z = out; \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { \
            FROM a = x[i]; \
            z[i] = VALUE; \
        } \
    }

/* A float cut to a whole number between the type's least and greatest. The comparison at the end is for bounds that no float is equal to: the
 * nearest below the true one is taken before the conversion, the true one after it. */
#define CUT(F, I, least, below, greatest) \
    (a != a ? (I)0 : a >= (F)(greatest) ? (I)(greatest) : (I)(a < (F)(least) ? (F)(least) : a > (F)(below) ? (F)(below) : a))

#define FROM_INTEGER(from, FROM) \
    CONVERT(from, bool, FROM, uint8_t, a != 0) \
    CONVERT(from, u8, FROM, uint8_t, (uint8_t)a) \
    CONVERT(from, i8, FROM, uint8_t, (uint8_t)a) \
    CONVERT(from, i32, FROM, uint32_t, (uint32_t)a) \
    CONVERT(from, i64, FROM, int64_t, (int64_t)a) \
    FROM_REAL(from, FROM)
#define FROM_FLOAT(from, FROM, below_i32, below_i64) \
    CONVERT(from, bool, FROM, uint8_t, a != 0) \
    CONVERT(from, u8, FROM, uint8_t, CUT(FROM, uint8_t, 0, 255, 255)) \
    CONVERT(from, i8, FROM, int8_t, CUT(FROM, int8_t, INT8_MIN, INT8_MAX, INT8_MAX)) \
    CONVERT(from, i32, FROM, int32_t, CUT(FROM, int32_t, INT32_MIN, below_i32, INT32_MAX)) \
    CONVERT(from, i64, FROM, int64_t, CUT(FROM, int64_t, INT64_MIN, below_i64, INT64_MAX)) \
    FROM_REAL(from, FROM)
#define FROM_REAL(from, FROM) \
    CONVERT(from, f32, FROM, float, (float)a) \
    CONVERT(from, f64, FROM, double, (double)a) \
    CONVERT(from, c64, FROM, vtk_c64, ((vtk_c64){(float)a, 0})) \
    CONVERT(from, c128, FROM, vtk_c128, ((vtk_c128){(double)a, 0}))
#define FROM_COMPLEX(from, FROM) \
    CONVERT(from, bool, FROM, uint8_t, (uint8_t)(a.re != 0) | (uint8_t)(a.im != 0)) \
    CONVERT(from, c64, FROM, vtk_c64, ((vtk_c64){(float)a.re, (float)a.im})) \
    CONVERT(from, c128, FROM, vtk_c128, ((vtk_c128){(double)a.re, (double)a.im}))

FROM_INTEGER(u8, uint8_t) /* bools too */
FROM_INTEGER(i8, int8_t)
FROM_INTEGER(i32, int32_t)
FROM_INTEGER(i64, int64_t)
FROM_FLOAT(f32, float, 2147483520.0f, 9223371487098961920.0f)
FROM_FLOAT(f64, double, 2147483647.0, 9223372036854774784.0)
FROM_COMPLEX(c64, vtk_c64)
FROM_COMPLEX(c128, vtk_c128)

CONVERT(bf16, f32, uint16_t, float, vtk_bf16_to_float(a))

static void f32_to_bf16(void *out, const void *in, int64_t n) {
    const float *x = in;
    uint16_t *z = out;
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {
        uint32_t u = vtk_float_bits(x[i]), rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
        z[i] = (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : rounded);
    }
}

#define REAL_CONVERSIONS(from) \
    {[VTK_T_BOOL] = from##_to_bool, [VTK_T_U8] = from##_to_u8, [VTK_T_I8] = from##_to_i8, [VTK_T_I32] = from##_to_i32, [VTK_T_I64] = from##_to_i64, \
     [VTK_T_F32] = from##_to_f32, [VTK_T_F64] = from##_to_f64, [VTK_T_C64] = from##_to_c64, [VTK_T_C128] = from##_to_c128}
#define COMPLEX_CONVERSIONS(from) {[VTK_T_BOOL] = from##_to_bool, [VTK_T_C64] = from##_to_c64, [VTK_T_C128] = from##_to_c128}
/* f32 needs the instruction set's own conversion to halves. */
#define F32_CONVERSIONS \
    {[VTK_T_BOOL] = f32_to_bool, [VTK_T_U8] = f32_to_u8, [VTK_T_I8] = f32_to_i8, [VTK_T_I32] = f32_to_i32, [VTK_T_I64] = f32_to_i64, [VTK_T_F32] = f32_to_f32, \
     [VTK_T_F64] = f32_to_f64, [VTK_T_C64] = f32_to_c64, [VTK_T_C128] = f32_to_c128, [VTK_T_F16] = f32_to_f16, [VTK_T_BF16] = f32_to_bf16}
#define CONVERSIONS \
    {[VTK_T_BOOL] = REAL_CONVERSIONS(u8), [VTK_T_U8] = REAL_CONVERSIONS(u8), [VTK_T_I8] = REAL_CONVERSIONS(i8), [VTK_T_I32] = REAL_CONVERSIONS(i32), \
     [VTK_T_I64] = REAL_CONVERSIONS(i64), [VTK_T_F32] = F32_CONVERSIONS, [VTK_T_F64] = REAL_CONVERSIONS(f64), [VTK_T_C64] = COMPLEX_CONVERSIONS(c64), \
     [VTK_T_C128] = COMPLEX_CONVERSIONS(c128), [VTK_T_F16] = {[VTK_T_F32] = f16_to_f32}, [VTK_T_BF16] = {[VTK_T_F32] = bf16_to_f32}}

#endif
