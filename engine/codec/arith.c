/* Witten, Neal, Cleary 1987: while the interval lies in one half its first bit is known; in the middle half only that the next two differ. */
#include "codec/arith.h"

enum { TOTAL_BITS = 16 };
#define HALF 0x80000000u
#define QUARTER 0x40000000u

void vt__arith_begin(vt__arith_encoder *e, vt__bytes *out) { *e = (vt__arith_encoder){.out = out, .high = UINT32_MAX}; }

static void put_bit(vt__arith_encoder *e, uint32_t bit) {
    e->bits = e->bits << 1 | bit;
    if (++e->n_bits < 8) return;
    vt__bytes_append_byte(e->out, (char)e->bits);
    e->n_bits = 0;
    e->bits = 0;
}

static void put_known(vt__arith_encoder *e, uint32_t bit) {
    put_bit(e, bit);
    for (; e->pending; e->pending--) put_bit(e, !bit);
}

/* The part of the interval that begin..end-1 of 65536 has; below 2^32 since the interval is at most that long. */
static void narrow(uint32_t *low, uint32_t *high, uint32_t begin, uint32_t end) {
    uint64_t span = (uint64_t)*high - *low + 1;
    *high = *low + (uint32_t)((span * end >> TOTAL_BITS) - 1);
    *low += (uint32_t)(span * begin >> TOTAL_BITS);
}

void vt__arith_put(vt__arith_encoder *e, uint32_t begin, uint32_t end) {
    narrow(&e->low, &e->high, begin, end);
    for (;;) {
        if (e->high < HALF) {
            put_known(e, 0);
        } else if (e->low >= HALF) {
            put_known(e, 1);
        } else if (e->low >= QUARTER && e->high < HALF + QUARTER) {
            e->pending++;
            e->low -= QUARTER;
            e->high -= QUARTER;
        } else {
            return;
        }
        e->low <<= 1;
        e->high = e->high << 1 | 1;
    }
}

void vt__arith_end(vt__arith_encoder *e) {
    e->pending++;
    put_known(e, e->low >= QUARTER);
    while (e->n_bits) put_bit(e, 0);
}

/* The next n bits, 1 to 31. */
static uint32_t get_bits(vt__arith_decoder *d, int n) {
    size_t at = d->at;
    uint64_t v = 0;
    d->at += (size_t)n;
    for (size_t i = 0; i < 5; i++) v = v << 8 | (at / 8 + i < d->size ? d->data[at / 8 + i] : 0);
    return (uint32_t)(v >> (40 - (int)(at % 8) - n)) & (((uint32_t)1 << n) - 1);
}

void vt__arith_open(vt__arith_decoder *d, const void *data, size_t size) {
    *d = (vt__arith_decoder){.data = data, .size = size, .high = UINT32_MAX};
    d->value = get_bits(d, 16) << 16;
    d->value |= get_bits(d, 16);
}

/* Where in 65536 the value lies. */
static uint32_t place(const vt__arith_decoder *d) {
    uint64_t span = (uint64_t)d->high - d->low + 1;
    return (uint32_t)(((((uint64_t)(d->value - d->low) + 1) << TOTAL_BITS) - 1) / span);
}

/* After the interval was narrowed: bits that are known fall out, all that there are at once. */
static void renew(vt__arith_decoder *d) {
    for (;;) {
        int n = 1;
        if (!((d->low ^ d->high) & HALF)) {
            n = __builtin_clz(d->low ^ d->high); /* the ends differ */
        } else if (d->low >= QUARTER && d->high < HALF + QUARTER) {
            d->low -= QUARTER;
            d->high -= QUARTER;
            d->value -= QUARTER;
        } else {
            return;
        }
        d->low <<= n;
        d->high = d->high << n | (((uint32_t)1 << n) - 1);
        d->value = d->value << n | get_bits(d, n);
    }
}

int32_t vt__arith_get(vt__arith_decoder *d, const uint32_t *cum, int64_t n) {
    uint32_t at = place(d);
    int64_t low = 0, high = n;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (cum[middle] <= at) low = middle;
        else high = middle;
    }
    narrow(&d->low, &d->high, cum[low], cum[low + 1]);
    renew(d);
    return (int32_t)low;
}

int32_t vt__arith_get_short(vt__arith_decoder *d, const uint16_t *begins, int64_t n) {
    enum { SHIFT = 4 }; /* from 12 bits to 16 */
    uint32_t at = place(d) >> SHIFT;
    int64_t low = 0, high = n;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (begins[middle] <= at) low = middle;
        else high = middle;
    }
    narrow(&d->low, &d->high, (uint32_t)begins[low] << SHIFT, low + 1 < n ? (uint32_t)begins[low + 1] << SHIFT : 1 << TOTAL_BITS);
    renew(d);
    return (int32_t)low;
}

size_t vt__arith_read(const vt__arith_decoder *d) { return (d->at + 7) / 8; }
