/* Encoders of superblocks: the searches of superblock_lines.h and superblock_scales.h and the packing of what it found, for the instruction set of the file that includes
 * this, behind FIT_VECTOR, and writes VTK_SUPERBLOCK_ENCODERS(isa). A superblock with a NaN or an infinity gets NaN for its scale, so that it does not vanish. */
#ifndef VENTURI_KERNELS_SUPERBLOCK_ENCODE_H
#define VENTURI_KERNELS_SUPERBLOCK_ENCODE_H

#include "cpu/quant/quant.h"
#include "cpu/quant/superblock.h"
#include "cpu/quant/superblock_fit.h"
#include "cpu/quant/superblock_lines.h"
#include "cpu/quant/superblock_scales.h"

FIT_INLINE void store_half(unsigned char *p, const superblock *s, float d) { vtk_store_u16(p, vtk_float_to_half(d * s->unit)); }

FIT_INLINE unsigned code_of(const superblock *s, int i, float offset) { return (unsigned)(s->q[i] + offset); }

/* What is left to write when there is nothing to fit: zeros, and a scale at d. */
FIT_INLINE void store_blank(unsigned char *p, size_t size, int d, int bad) {
    memset(p, 0, size);
    if (bad) vtk_store_u16(p + d, 0x7e00);
}

/* Two bits of each element, from `shift` on; offset makes the codes unsigned. */
FIT_INLINE void store_two_bits(unsigned char *qs, const superblock *s, float offset, int shift) {
    memset(qs, 0, VTK_K_BLOCK / 4);
    for (int i = 0; i < VTK_K_BLOCK; i++) {
        unsigned v = code_of(s, i, offset) >> shift & 3u;
        qs[32 * (i / 128) + i % 32] = (unsigned char)(qs[32 * (i / 128) + i % 32] | v << (2 * (i % 128 / 32)));
    }
}

/* One bit of each element. */
FIT_INLINE void store_high_bits(unsigned char *qh, const superblock *s, float offset, int bit) {
    memset(qh, 0, VTK_K_BLOCK / 8);
    for (int i = 0; i < VTK_K_BLOCK; i++) qh[i % 32] = (unsigned char)(qh[i % 32] | (code_of(s, i, offset) >> bit & 1u) << (i / 32));
}

FIT_INLINE void store_nibbles(unsigned char *qs, const superblock *s) {
    for (int i = 0; i < VTK_K_BLOCK / 2; i++) {
        int at = 64 * (i / 32) + i % 32;
        qs[i] = (unsigned char)((code_of(s, at, 0.0f) & 15u) | (code_of(s, at + 32, 0.0f) & 15u) << 4);
    }
}

/* Scales and minima of Q4_K and Q5_K: the inverse of vtk_q4_k_scale. */
FIT_INLINE void store_line_scales(unsigned char r[12], const superblock *s) {
    for (int j = 0; j < 4; j++) {
        unsigned scale = (unsigned)s->scale[j], min = (unsigned)s->min[j], scale4 = (unsigned)s->scale[j + 4], min4 = (unsigned)s->min[j + 4];
        r[j] = (unsigned char)(scale | (scale4 >> 4) << 6);
        r[j + 4] = (unsigned char)(min | (min4 >> 4) << 6);
        r[j + 8] = (unsigned char)((scale4 & 15u) | (min4 & 15u) << 4);
    }
}

/* Scales of Q3_K: the inverse of vtk_q3_k_scale. */
FIT_INLINE void store_q3_scales(unsigned char r[12], const superblock *s) {
    memset(r, 0, 12);
    for (int j = 0; j < 16; j++) {
        unsigned v = (unsigned)(s->scale[j] + 32.0f);
        r[j % 8] = (unsigned char)(r[j % 8] | (v & 15u) << (j < 8 ? 0 : 4));
        r[8 + j % 4] = (unsigned char)(r[8 + j % 4] | (v >> 4) << (2 * (j / 4)));
    }
}

FIT_INLINE void encode_q2_k(unsigned char *p, const float *x) {
    superblock s;
    int bad;
    if (!begin(&s, x, &bad)) {
        store_blank(p, VTK_Q2_K_SIZE, VTK_Q2_K_D, bad);
        return;
    }
    fit_lines(&s, 16, 3.0f, 15.0f);
    for (int j = 0; j < 16; j++) p[VTK_Q2_K_SCALES + j] = (unsigned char)((unsigned)s.scale[j] | (unsigned)s.min[j] << 4);
    store_two_bits(p + VTK_Q2_K_QS, &s, 0.0f, 0);
    store_half(p + VTK_Q2_K_D, &s, s.d);
    store_half(p + VTK_Q2_K_DMIN, &s, s.dmin);
}

FIT_INLINE void encode_q3_k(unsigned char *p, const float *x) {
    superblock s;
    int bad;
    if (!begin(&s, x, &bad)) {
        store_blank(p, VTK_Q3_K_SIZE, VTK_Q3_K_D, bad);
        return;
    }
    fit_scales(&s, 16, 4.0f, 32.0f, 27);
    store_high_bits(p + VTK_Q3_K_HMASK, &s, 4.0f, 2);
    store_two_bits(p + VTK_Q3_K_QS, &s, 4.0f, 0);
    store_q3_scales(p + VTK_Q3_K_SCALES, &s);
    store_half(p + VTK_Q3_K_D, &s, s.d);
}

FIT_INLINE void encode_q4_k(unsigned char *p, const float *x) {
    superblock s;
    int bad;
    if (!begin(&s, x, &bad)) {
        store_blank(p, VTK_Q4_K_SIZE, VTK_Q4_K_D, bad);
        return;
    }
    fit_lines(&s, 32, 15.0f, 63.0f);
    store_half(p + VTK_Q4_K_D, &s, s.d);
    store_half(p + VTK_Q4_K_DMIN, &s, s.dmin);
    store_line_scales(p + VTK_Q4_K_SCALES, &s);
    store_nibbles(p + VTK_Q4_K_QS, &s);
}

FIT_INLINE void encode_q5_k(unsigned char *p, const float *x) {
    superblock s;
    int bad;
    if (!begin(&s, x, &bad)) {
        store_blank(p, VTK_Q5_K_SIZE, VTK_Q4_K_D, bad);
        return;
    }
    fit_lines(&s, 32, 31.0f, 63.0f);
    store_half(p + VTK_Q4_K_D, &s, s.d);
    store_half(p + VTK_Q4_K_DMIN, &s, s.dmin);
    store_line_scales(p + VTK_Q4_K_SCALES, &s);
    store_high_bits(p + VTK_Q5_K_QH, &s, 0.0f, 4);
    store_nibbles(p + VTK_Q5_K_QS, &s);
}

FIT_INLINE void encode_q6_k(unsigned char *p, const float *x) {
    superblock s;
    int bad;
    if (!begin(&s, x, &bad)) {
        store_blank(p, VTK_Q6_K_SIZE, VTK_Q6_K_D, bad);
        return;
    }
    fit_scales(&s, 16, 32.0f, 128.0f, 20);
    for (int i = 0; i < VTK_K_BLOCK / 2; i++) {
        int at = 128 * (i / 64) + i % 64;
        p[VTK_Q6_K_QL + i] = (unsigned char)((code_of(&s, at, 32.0f) & 15u) | (code_of(&s, at + 64, 32.0f) & 15u) << 4);
    }
    store_two_bits(p + VTK_Q6_K_QH, &s, 32.0f, 4);
    for (int j = 0; j < 16; j++) p[VTK_Q6_K_SCALES + j] = (unsigned char)(int8_t)s.scale[j];
    store_half(p + VTK_Q6_K_D, &s, s.d);
}

#define VTK_SUPERBLOCK_ENCODER(isa, type, size)                                                                        \
    void vtk_encode_##type##_##isa(void *y, const float *x, int64_t n) {                                               \
        unsigned char *p = y;                                                                                          \
        for (int64_t b = 0; b < n / VTK_K_BLOCK; b++, p += (size), x += VTK_K_BLOCK) encode_##type(p, x);              \
    }

#define VTK_SUPERBLOCK_ENCODERS(isa)                    \
    VTK_SUPERBLOCK_ENCODER(isa, q2_k, VTK_Q2_K_SIZE)    \
    VTK_SUPERBLOCK_ENCODER(isa, q3_k, VTK_Q3_K_SIZE)    \
    VTK_SUPERBLOCK_ENCODER(isa, q4_k, VTK_Q4_K_SIZE)    \
    VTK_SUPERBLOCK_ENCODER(isa, q5_k, VTK_Q5_K_SIZE)    \
    VTK_SUPERBLOCK_ENCODER(isa, q6_k, VTK_Q6_K_SIZE)

#endif
