/* Layouts of the superblocks of 256 elements, by byte offsets, and their packed scales. Values, in float32 and in this order of operations:
 *   Q2_K   d * (s & 15) * v - dmin * (s >> 4)    v 2 bits, s a byte for each 16 elements
 *   Q3_K   d * S * v                             v 3 bits signed, S 6 bits signed for each 16
 *   Q4_K   d * sc * v - dmin * mn                v 4 bits, sc and mn 6 bits for each 32
 *   Q5_K   the same                              v 5 bits
 *   Q6_K   d * s * v                             v 6 bits signed, s int8 for each 16
 *   Q8_K   d * v                                 v int8, d float32; the sums of each 16 follow
 * Codes of 2 bits lie in runs of 128 elements, element i in byte 32 * (i / 128) + i % 32 at bit 2 * (i % 128 / 32); nibbles of Q4_K and Q5_K in
 * runs of 64, in byte 32 * (i / 64) + i % 32 at bit 4 * (i % 64 / 32); low nibbles of Q6_K in runs of 128, in byte 64 * (i / 128) + i % 64 at bit
 * 4 * (i % 128 / 64). The third bit of Q3_K and the fifth of Q5_K are bit i / 32 of byte i % 32. */
#ifndef VENTURI_KERNELS_SUPERBLOCK_H
#define VENTURI_KERNELS_SUPERBLOCK_H

#include <stdint.h>

enum { VTK_Q2_K_SCALES = 0, VTK_Q2_K_QS = 16, VTK_Q2_K_D = 80, VTK_Q2_K_DMIN = 82 };
enum { VTK_Q3_K_HMASK = 0, VTK_Q3_K_QS = 32, VTK_Q3_K_SCALES = 96, VTK_Q3_K_D = 108 };
enum { VTK_Q4_K_D = 0, VTK_Q4_K_DMIN = 2, VTK_Q4_K_SCALES = 4, VTK_Q4_K_QS = 16 };
enum { VTK_Q5_K_QH = 16, VTK_Q5_K_QS = 48 }; /* the head is that of Q4_K */
enum { VTK_Q6_K_QL = 0, VTK_Q6_K_QH = 128, VTK_Q6_K_SCALES = 192, VTK_Q6_K_D = 208 };
enum { VTK_Q8_K_D = 0, VTK_Q8_K_QS = 4, VTK_Q8_K_SUMS = 260 };

/* Scale and minimum j (0..7) of the 12 bytes of Q4_K and Q5_K: the first four lie in the low 6 bits of bytes 0..3 and 4..7, the low nibbles of
 * the others in bytes 8..11 and their high bits on top of the first four. */
static inline void vtk_q4_k_scale(const unsigned char r[12], int j, unsigned *scale, unsigned *min) {
    if (j < 4) {
        *scale = r[j] & 63u;
        *min = r[j + 4] & 63u;
    } else {
        *scale = (r[j + 4] & 15u) | (unsigned)(r[j - 4] >> 6) << 4;
        *min = (unsigned)(r[j + 4] >> 4) | (unsigned)(r[j] >> 6) << 4;
    }
}

/* Scale j (0..15) of the 12 bytes of Q3_K: low nibbles in bytes 0..7, the two high bits in bytes 8..11. */
static inline int vtk_q3_k_scale(const unsigned char r[12], int j) {
    unsigned low = j < 8 ? r[j] & 15u : (unsigned)(r[j - 8] >> 4);
    unsigned high = (unsigned)(r[8 + j % 4] >> (2 * (j / 4))) & 3u;
    return (int)(low | high << 4) - 32;
}

#endif
