/* Texts of a vocabulary as a tree of bytes, for the tokenizers that look for all or for the longest text standing at a place. One 64-bit word an
 * edge in an open-addressing table: no node is an allocation. Made once, then only read. */
#ifndef VENTURI_TEXT_TRIE_H
#define VENTURI_TEXT_TRIE_H

#include "venturi/types.h"

enum {
    VT__PIECE_MAX = 1024, /* bytes of a text: bounds the work at one place of an input */
    VT__TRIE_ROOT = 0
};

typedef struct vt__trie {
    vt_context *ctx;
    uint64_t *edge; /* parent << 36 | byte << 28 | child; 0: free, since nothing leads to the root */
    uint64_t mask;  /* slots - 1; at most half of them are taken */
    int32_t *value; /* [n_nodes] of the text that ends here, -1: none does */
    int64_t n_nodes, cap;
} vt__trie;

/* Room for about so many texts; it grows if it must. Errors: NOMEM. Release a half-made one too. */
vt_status vt__trie_create(vt_context *ctx, int64_t n_texts, vt__trie *out);
void vt__trie_free(vt__trie *trie);
/* The first value of a text stays. Errors: LIMIT (2^28 nodes), NOMEM. */
vt_status vt__trie_add(vt__trie *trie, const char *text, size_t len, int32_t value);

static inline uint64_t vt__trie_hash(uint64_t edge) {
    uint64_t h = (edge >> 28) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}
/* The node behind a byte, -1: no text goes on so. node -1 is taken and stays -1. */
static inline int64_t vt__trie_step(const vt__trie *trie, int64_t node, unsigned char byte) {
    uint64_t want = (uint64_t)node << 36 | (uint64_t)byte << 28;
    if (node < 0) return -1;
    for (uint64_t i = vt__trie_hash(want) & trie->mask;; i = (i + 1) & trie->mask) {
        uint64_t edge = trie->edge[i];
        if (edge == 0) return -1;
        if ((edge ^ want) >> 28 == 0) return (int64_t)(edge & 0xFFFFFFF);
    }
}

#endif
