/* The texts of a vocabulary's tokens as a trie: whoever walks along all tokens at once sees a beginning that many share one time. Made once a
 * tokenizer, when it is first asked for, and shared. Without tokens that have no text: control tokens, for one. */
#ifndef VENTURI_TEXT_TOKEN_TRIE_H
#define VENTURI_TEXT_TOKEN_TRIE_H

#include "text/tokenizer.h"

/* Nodes stand in the order of a walk: children behind their parent, by byte. */
typedef struct vt__trie_node {
    int32_t skip;  /* the first node that is not below this one */
    int32_t token; /* its tokens are ids[token] up to the next node's first */
    int32_t depth; /* bytes from the root, which is not a node: at least 1 */
    uint8_t byte;
} vt__trie_node;

typedef struct vt__token_trie {
    vt__trie_node *nodes; /* [n_nodes + 1], the last only ends the list of tokens */
    int32_t n_nodes;
    int32_t max_depth;
    int32_t *ids; /* tokens by text, then by id */
    int32_t n_ids;
    char *bytes;    /* texts of all tokens, as they are written out */
    int64_t *start; /* [count + 1] of each token in bytes */
    int64_t count;
} vt__token_trie;

/* Borrowed from the tokenizer; safe from many threads. Errors: NOMEM, LIMIT (texts of more than 2^30 bytes in all). */
vt_status vt__tokenizer_trie(vt_tokenizer *tok, const vt__token_trie **out);
void vt__token_trie_free(vt_context *ctx, vt__token_trie *trie);

#endif
