/* Interleaved rANS: the encoder, and streams of bytes for the decoder of the kernels (vtk_entropy.h).
 *
 *     stream = the lanes' states, 32 bits each, and then the words; little-endian
 *
 * The encoder takes the symbols in reverse; after the last of them a decoder has its states back at 2^16 and no word left, which it is asked. */
#ifndef VENTURI_CODEC_RANS_H
#define VENTURI_CODEC_RANS_H

#include "core/buffer.h"
#include "vtk_entropy.h"

typedef struct vt__rans_encoder {
    uint32_t state[VTK_RANS_LANES];
    uint16_t *at; /* the word written last; the room is before it */
    uint16_t *end;
} vt__rans_encoder;

/* room: [n + 1] words for n symbols. */
void vt__rans_begin(vt__rans_encoder *e, uint16_t *room, int64_t n);
/* The n symbols that the decoder takes in one call, by tables of `lines` lines each. Calls come in reverse too: the decoder's last is the first. */
void vt__rans_put(vt__rans_encoder *e, const uint8_t *symbols, const uint16_t *tables, int64_t lines, int64_t n);
/* Appends the stream. */
void vt__rans_end(const vt__rans_encoder *e, vt__bytes *out);

/* 0: no stream. data: aligned to 2 bytes. */
int vt__rans_open(vtk_rans *r, const void *data, size_t size);
/* 1: everything was read, and ended where an encoder began. */
int vt__rans_is_done(const vtk_rans *r);

#endif
