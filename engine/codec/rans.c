#include "codec/rans.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of streams are little-endian and taken as they lie");

void vt__rans_begin(vt__rans_encoder *e, uint16_t *room, int64_t n) {
    for (int i = 0; i < VTK_RANS_LANES; i++) e->state[i] = VTK_RANS_LOW;
    e->at = e->end = room + n + 1;
}

void vt__rans_put(vt__rans_encoder *e, const uint8_t *symbols, const uint16_t *tables, int64_t lines, int64_t n) {
    enum { ALL = 1 << VTK_RANS_BITS };
    uint16_t *at = e->at;
    for (int64_t i = n; i-- > 0;) {
        const uint16_t *table = tables + i * lines * VTK_RANS_LINE + symbols[i];
        uint32_t *lane = &e->state[i % VTK_RANS_LANES], x = *lane;
        uint32_t begin = table[0], frequency = ((uint32_t)table[1] - begin) & (ALL - 1);
        if (x >= (uint64_t)frequency << (32 - VTK_RANS_BITS)) {
            *--at = (uint16_t)x;
            x >>= 16;
        }
        *lane = (x / frequency << VTK_RANS_BITS) + x % frequency + begin;
    }
    e->at = at;
}

void vt__rans_end(const vt__rans_encoder *e, vt__bytes *out) {
    vt__bytes_append(out, e->state, sizeof e->state);
    vt__bytes_append(out, e->at, (size_t)(e->end - e->at) * sizeof *e->at);
}

int vt__rans_open(vtk_rans *r, const void *data, size_t size) {
    if (size < sizeof r->state || size % sizeof *r->in || (uintptr_t)data % sizeof *r->in) return 0;
    memcpy(r->state, data, sizeof r->state);
    for (int i = 0; i < VTK_RANS_LANES; i++)
        if (r->state[i] < VTK_RANS_LOW) return 0;
    r->in = (const uint16_t *)(const void *)((const unsigned char *)data + sizeof r->state);
    r->end = r->in + (size - sizeof r->state) / sizeof *r->in;
    return 1;
}

int vt__rans_is_done(const vtk_rans *r) {
    for (int i = 0; i < VTK_RANS_LANES; i++)
        if (r->state[i] != VTK_RANS_LOW) return 0;
    return r->in == r->end;
}
