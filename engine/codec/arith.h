/* Arithmetic coder with an interval of 32 bits, bit by bit: the coder of CacheGen's public implementations, to the byte. For reference and exchange; the
 * fast one is codec/rans.h. */
#ifndef VENTURI_CODEC_ARITH_H
#define VENTURI_CODEC_ARITH_H

#include "core/buffer.h"

typedef struct vt__arith_encoder {
    vt__bytes *out; /* borrowed; failed when memory runs out */
    uint32_t low, high, bits;
    int32_t n_bits;  /* in bits, which wait for a whole byte */
    uint64_t pending; /* bits whose value the next one tells */
} vt__arith_encoder;

void vt__arith_begin(vt__arith_encoder *e, vt__bytes *out);
/* The symbol that has begin..end-1 of 65536, begin < end. */
void vt__arith_put(vt__arith_encoder *e, uint32_t begin, uint32_t end);
void vt__arith_end(vt__arith_encoder *e);

typedef struct vt__arith_decoder {
    const unsigned char *data;
    size_t size, at; /* bits read so far; behind the bytes there are zeros */
    uint32_t low, high, value;
} vt__arith_decoder;

void vt__arith_open(vt__arith_decoder *d, const void *data, size_t size);
/* The next symbol of a checked table. */
int32_t vt__arith_get(vt__arith_decoder *d, const uint32_t *cum, int64_t n);
/* The same by the begins of a rANS table (vtk_entropy.h) of n numbers. */
int32_t vt__arith_get_short(vt__arith_decoder *d, const uint16_t *begins, int64_t n);
/* Bytes of which a bit was looked at, zeros behind the end included. */
size_t vt__arith_read(const vt__arith_decoder *d);

#endif
