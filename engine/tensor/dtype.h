/* Element types of tensors: sizes, kinds and which type two of them make. */
#ifndef VENTURI_TENSOR_DTYPE_H
#define VENTURI_TENSOR_DTYPE_H

#include "venturi/types.h"

enum vt__kind { VT__KIND_NONE, VT__KIND_BOOL, VT__KIND_INT, VT__KIND_FLOAT, VT__KIND_COMPLEX };

size_t vt__dtype_size(int32_t dtype);        /* bytes of an element; 0: not a type of tensors */
enum vt__kind vt__dtype_kind(int32_t dtype); /* NONE: not a type of tensors */
const char *vt__dtype_name(int32_t dtype);   /* "f32"; never NULL */
int vt__dtype_find(const char *name, int32_t *out); /* 1 if known */

static inline int vt__dtype_is_float(int32_t dtype) { return vt__dtype_kind(dtype) == VT__KIND_FLOAT; }
/* Has gradients: floats and complex numbers. */
static inline int vt__dtype_has_grad(int32_t dtype) { return vt__dtype_kind(dtype) >= VT__KIND_FLOAT; }
static inline int vt__dtype_is_half(int32_t dtype) { return dtype == VT_DTYPE_F16 || dtype == VT_DTYPE_BF16; }

/* Type of an operation on both: the later kind of bool < integers < floats < complex wins; within a kind the wider one; f16 with bf16 is f32, i8 with u8
 * is i32, f64 with c64 is c128. */
int32_t vt__dtype_promote(int32_t a, int32_t b);
/* Type in which functions of real numbers are computed: integers and bools become f32. */
int32_t vt__dtype_float(int32_t dtype);
/* c64 <-> f32, c128 <-> f64; f16 and bf16 count as f32. */
int32_t vt__dtype_real(int32_t dtype);
int32_t vt__dtype_complex(int32_t dtype);

#endif
