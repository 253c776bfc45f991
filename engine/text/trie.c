#include "text/trie.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

enum { MOST_NODES = 1 << 28, FIRST_NODES = 64 };

static vt_status make_edges(vt__trie *trie, int64_t n_nodes) {
    int64_t slots = 64;
    while (slots < 2 * n_nodes) slots *= 2;
    uint64_t *edge = vt__calloc2(trie->ctx, slots, 1, sizeof *edge), *old = trie->edge;
    if (!edge) return vt__fail_nomem("tokenizer", (size_t)slots * sizeof *edge);
    uint64_t old_slots = old ? trie->mask + 1 : 0;
    trie->mask = (uint64_t)slots - 1;
    for (uint64_t k = 0; k < old_slots; k++) {
        uint64_t i = vt__trie_hash(old[k]) & trie->mask;
        if (old[k] == 0) continue;
        while (edge[i] != 0) i = (i + 1) & trie->mask;
        edge[i] = old[k];
    }
    trie->edge = edge;
    vt__free(trie->ctx, old);
    return VT_OK;
}

vt_status vt__trie_create(vt_context *ctx, int64_t n_texts, vt__trie *out) {
    *out = (vt__trie){.ctx = ctx};
    /* A text of a real vocabulary adds two to three nodes of its own. */
    int64_t nodes = n_texts < MOST_NODES / 4 ? FIRST_NODES + 3 * n_texts : MOST_NODES;
    if (vt__reserve(ctx, (void **)&out->value, &out->cap, nodes, sizeof *out->value)) return vt__fail_nomem("tokenizer", 0);
    out->value[0] = -1;
    out->n_nodes = 1;
    return make_edges(out, nodes);
}

void vt__trie_free(vt__trie *trie) {
    vt__free(trie->ctx, trie->edge);
    vt__free(trie->ctx, trie->value);
    trie->edge = NULL;
    trie->value = NULL;
}

/* A node behind `parent` that is not there yet. */
static vt_status add_edge(vt__trie *trie, int64_t parent, unsigned char byte, int64_t *out) {
    if (trie->n_nodes >= MOST_NODES) return vt__fail(VT_ERR_LIMIT, "tokenizer: the vocabulary needs more than %d tree nodes", MOST_NODES);
    if (vt__reserve(trie->ctx, (void **)&trie->value, &trie->cap, trie->n_nodes + 1, sizeof *trie->value)) return vt__fail_nomem("tokenizer", 0);
    if ((uint64_t)trie->n_nodes * 2 > trie->mask) {
        vt_status st = make_edges(trie, trie->n_nodes + trie->n_nodes / 2);
        if (st != VT_OK) return st;
    }
    uint64_t edge = (uint64_t)parent << 36 | (uint64_t)byte << 28 | (uint64_t)trie->n_nodes;
    uint64_t i = vt__trie_hash(edge) & trie->mask;
    while (trie->edge[i] != 0) i = (i + 1) & trie->mask;
    trie->edge[i] = edge;
    trie->value[trie->n_nodes] = -1;
    *out = trie->n_nodes++;
    return VT_OK;
}

vt_status vt__trie_add(vt__trie *trie, const char *text, size_t len, int32_t value) {
    int64_t node = VT__TRIE_ROOT;
    for (size_t i = 0; i < len; i++) {
        int64_t next = vt__trie_step(trie, node, (unsigned char)text[i]);
        vt_status st = next < 0 ? add_edge(trie, node, (unsigned char)text[i], &next) : VT_OK;
        if (st != VT_OK) return st;
        node = next;
    }
    if (trie->value[node] < 0) trie->value[node] = value;
    return VT_OK;
}
