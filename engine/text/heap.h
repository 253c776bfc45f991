/* Min-heap of 64-bit keys. The order of equal keys does not matter: they are the same thing. */
#ifndef VENTURI_TEXT_HEAP_H
#define VENTURI_TEXT_HEAP_H

#include "core/memory.h"

typedef struct vt__heap {
    uint64_t *key;
    int64_t n, cap;
} vt__heap;

/* 1 when out of memory. */
static inline int vt__heap_push(vt_context *ctx, vt__heap *h, uint64_t key) {
    if (h->n == h->cap && vt__reserve(ctx, (void **)&h->key, &h->cap, h->n + 1, sizeof *h->key)) return 1;
    int64_t i = h->n++;
    for (int64_t up; i > 0 && h->key[up = (i - 1) / 2] > key; i = up) h->key[i] = h->key[up];
    h->key[i] = key;
    return 0;
}

/* Only when n > 0. */
static inline uint64_t vt__heap_pop(vt__heap *h) {
    uint64_t top = h->key[0], last = h->key[--h->n];
    int64_t i = 0;
    for (int64_t child; (child = 2 * i + 1) < h->n; i = child) {
        if (child + 1 < h->n && h->key[child + 1] < h->key[child]) child++;
        if (last <= h->key[child]) break;
        h->key[i] = h->key[child];
    }
    h->key[i] = last;
    return top;
}

#endif
