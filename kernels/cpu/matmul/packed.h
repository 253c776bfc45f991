/* Weights packed for integer products: panels of 16 rows whose blocks lie one behind the other in the order in which products read them, so
 * that a vector lane is a row and memory is read as one stream. One layout for all instruction sets; it has the bits of the file's and, but
 * for the scales of some types, its size.
 *
 * A panel is a row of units. A unit is a head, then the planes of its blocks of 32 columns. Word t of a block is columns 4t..4t+3 of one row.
 *
 *     type        blocks  head (each item of 16 rows)                planes of a block (vectors of 64 bytes, row r in bytes 4r..4r+3)
 *     Q4_0        1       half d                                     4 of nibbles: word t in the low ones of vector t, word t + 4 in the high
 *     Q4_1        1       half d, half m                             the same
 *     Q5_0 Q5_1   1       as Q4_0, Q4_1                              the same, then 1 of fifth bits: bit t of a byte is word t's
 *     Q8_0        1       half d                                     8 of bytes, 128 added
 *     Q4_K Q5_K   8       half d, half dmin, 8 x (u8 sc, u8 mn)      as Q4_0, Q5_0
 *     Q6_K        8       half d, 8 x (i8 sc of columns 0.., 16..)   4 of nibbles, 2 of the bits above: bits 2i, 2i + 1 of vector u: word u + 2i
 *     Q3_K        8       as Q6_K                                    2 of pairs of bits, as Q6_K's; 1 of third bits, as Q5_0's fifth
 *     Q2_K        8       half d, half dmin, 8 x (u8, u8): sc, mn<<4 2 of pairs of bits
 *
 * Products are defined here too. For activations q with scale dx and sums s (h: of the first 16 columns) the block's share is, in float32,
 * fma being one rounding and dot the exact integer,
 *
 *     v = float(dot);  v = fma(s, -offset, v);  v = v * d;  v = fma(m, s, v);  sum = fma(v, dx, sum)      d *= sc, m = -(dmin * mn) for Q4_K, Q5_K
 *     scales per 16:  v = fma(fma(s - h, -offset, float(dot1)), sc1, fma(h, -offset, float(dot0)) * sc0);  v = v * d;
 *                     Q2_K: v = fma(-dmin, fma(h, mn0, (s - h) * mn1), v)
 *
 * with blocks in increasing order and steps that a type does not need left out. Of a block of 16 bits (cpu/quant/q8_row.h) dot is 256 times the product
 * with the high bytes plus that with the low ones, below 2^31. Before the product with d everything is exact for blocks of 8 bits; float(dot) of 16
 * is rounded. All bodies, the reference too, do just this, so they agree bit for bit. F16 and BF16 are packed_float.h's. */
#ifndef VENTURI_KERNELS_PACKED_H
#define VENTURI_KERNELS_PACKED_H

#include "vtk.h"

#define VTK_PACKED_DECLARE(isa)                                                          \
    void vtk_matmul_q8_0_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q4_0_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q4_1_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q5_0_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q5_1_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q2_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q3_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q4_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q5_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1);  \
    void vtk_matmul_q6_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1)

VTK_PACKED_DECLARE(ref);
#if defined(__x86_64__)
VTK_PACKED_DECLARE(avx2);
VTK_PACKED_DECLARE(avx512);
VTK_PACKED_DECLARE(avx512vnni);
#endif

#define VTK_PACKED_FILL(t, isa)                                    \
    ((t)->matmul_packed[VTK_Q8_0] = vtk_matmul_q8_0_packed_##isa,  \
     (t)->matmul_packed[VTK_Q4_0] = vtk_matmul_q4_0_packed_##isa,  \
     (t)->matmul_packed[VTK_Q4_1] = vtk_matmul_q4_1_packed_##isa,  \
     (t)->matmul_packed[VTK_Q5_0] = vtk_matmul_q5_0_packed_##isa,  \
     (t)->matmul_packed[VTK_Q5_1] = vtk_matmul_q5_1_packed_##isa,  \
     (t)->matmul_packed[VTK_Q2_K] = vtk_matmul_q2_k_packed_##isa,  \
     (t)->matmul_packed[VTK_Q3_K] = vtk_matmul_q3_k_packed_##isa,  \
     (t)->matmul_packed[VTK_Q4_K] = vtk_matmul_q4_k_packed_##isa,  \
     (t)->matmul_packed[VTK_Q5_K] = vtk_matmul_q5_k_packed_##isa,  \
     (t)->matmul_packed[VTK_Q6_K] = vtk_matmul_q6_k_packed_##isa)

/* Defines those ten for one instruction set, each as rows(p, row0, row1, TYPE). */
#define VTK_PACKED_DEFINE(isa, rows)                                                                                                   \
    void vtk_matmul_q8_0_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q8_0); } \
    void vtk_matmul_q4_0_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q4_0); } \
    void vtk_matmul_q4_1_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q4_1); } \
    void vtk_matmul_q5_0_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q5_0); } \
    void vtk_matmul_q5_1_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q5_1); } \
    void vtk_matmul_q2_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q2_K); } \
    void vtk_matmul_q3_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q3_K); } \
    void vtk_matmul_q4_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q4_K); } \
    void vtk_matmul_q5_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q5_K); } \
    void vtk_matmul_q6_k_packed_##isa(const vtk_matmul *p, int64_t row0, int64_t row1) { rows(p, row0, row1, VTK_Q6_K); }

/* What the bodies know of a type; constant there, so that all of it folds. */
enum { PACKED_VECTOR = 64, PACKED_WORDS = 8 };

static inline int packed_is_super(int type) { return type == VTK_Q2_K || type == VTK_Q3_K || type == VTK_Q4_K || type == VTK_Q5_K || type == VTK_Q6_K; }
/* Scales of 16 columns, not of 32. */
static inline int packed_is_halved(int type) { return type == VTK_Q2_K || type == VTK_Q3_K || type == VTK_Q6_K; }
static inline int packed_has_min(int type) { return type == VTK_Q4_1 || type == VTK_Q5_1 || type == VTK_Q2_K || type == VTK_Q4_K || type == VTK_Q5_K; }
static inline int packed_low_bits(int type) { return type == VTK_Q8_0 ? 8 : type == VTK_Q2_K || type == VTK_Q3_K ? 2 : 4; }
static inline int packed_high_bits(int type) {
    return type == VTK_Q5_0 || type == VTK_Q5_1 || type == VTK_Q5_K || type == VTK_Q3_K ? 1 : type == VTK_Q6_K ? 2 : 0;
}
/* What is added to weights so that they are unsigned. */
static inline int packed_offset(int type) {
    return type == VTK_Q8_0 ? 128 : type == VTK_Q4_0 ? 8 : type == VTK_Q5_0 ? 16 : type == VTK_Q6_K ? 32 : type == VTK_Q3_K ? 4 : 0;
}
static inline int64_t packed_blocks(int type) { return packed_is_super(type) ? 8 : 1; }                        /* of a unit */
static inline size_t packed_block_size(int type) { return (size_t)(packed_low_bits(type) + packed_high_bits(type)) * PACKED_VECTOR; }
static inline size_t packed_scales_at(int type) { return packed_has_min(type) ? 64 : 32; }                      /* in a head */
static inline size_t packed_head_size(int type) { return packed_scales_at(type) + (packed_is_super(type) ? 256 : 0); }
static inline size_t packed_unit_size(int type) { return packed_head_size(type) + (size_t)packed_blocks(type) * packed_block_size(type); }

#endif
