#include "text/token_trie.h"

#include "core/error.h"
#include "core/sort.h"
#include "text/tokenizer_internal.h"

typedef struct text_order {
    const vt__token_trie *trie;
    const uint64_t *head; /* first eight bytes of each text, as a number: nearly always they decide */
} text_order;

static int comes_before(const void *user, int64_t a, int64_t b) {
    const text_order *o = user;
    const vt__token_trie *t = o->trie;
    if (o->head[a] != o->head[b]) return o->head[a] < o->head[b];
    int64_t len_a = t->start[a + 1] - t->start[a], len_b = t->start[b + 1] - t->start[b];
    int c = memcmp(t->bytes + t->start[a], t->bytes + t->start[b], (size_t)(len_a < len_b ? len_a : len_b));
    if (c != 0) return c < 0;
    return len_a != len_b ? len_a < len_b : a < b;
}

static uint64_t head_of(const char *p, int64_t len) {
    uint64_t head = 0;
    for (int64_t i = 0; i < 8; i++) head = head << 8 | (i < len ? (uint8_t)p[i] : 0);
    return head;
}

static vt_status write_texts(const vt_tokenizer *tok, vt__token_trie *t) {
    vt__bytes bytes;
    vt_status st = VT_OK;
    t->count = tok->n_tokens;
    t->start = vt__calloc2(tok->ctx, t->count + 1, 1, sizeof *t->start);
    if (!t->start) return vt__fail_nomem("tokenizer", (size_t)t->count * sizeof *t->start);
    vt__bytes_init(&bytes, tok->ctx);
    for (int64_t i = 0; i < t->count && st == VT_OK; i++) {
        int at_start = 0;
        st = vt__tokenizer_append(tok, (int32_t)i, 0, &at_start, &bytes);
        t->start[i + 1] = bytes.len;
        t->n_ids += bytes.len > t->start[i];
        if (bytes.len > 1 << 30) st = vt__fail(VT_ERR_LIMIT, "tokenizer: texts of more than %d bytes in all", 1 << 30);
    }
    if (st == VT_OK && bytes.failed) st = vt__fail_nomem("tokenizer", 0);
    t->bytes = bytes.data; /* also on failure: the trie frees it */
    return st;
}

static vt_status sort_texts(vt_context *ctx, vt__token_trie *t, int64_t *order) {
    uint64_t *head = vt__calloc2(ctx, t->count, 1, sizeof *head);
    int64_t n = 0;
    if (!head) return vt__fail_nomem("tokenizer", (size_t)t->count * sizeof *head);
    for (int64_t i = 0; i < t->count; i++) {
        head[i] = head_of(t->bytes + t->start[i], t->start[i + 1] - t->start[i]);
        if (t->start[i + 1] > t->start[i]) order[n++] = i;
    }
    int failed = vt__sort(ctx, order, n, comes_before, &(text_order){t, head});
    vt__free(ctx, head);
    return failed ? vt__fail_nomem("tokenizer", (size_t)n * sizeof *order) : VT_OK;
}

static int64_t shared_bytes(const vt__token_trie *t, int64_t a, int64_t b) {
    int64_t n = 0, len_a = t->start[a + 1] - t->start[a], len_b = t->start[b + 1] - t->start[b];
    while (n < len_a && n < len_b && t->bytes[t->start[a] + n] == t->bytes[t->start[b] + n]) n++;
    return n;
}

/* Nodes of the sorted texts: each has those beyond what it shares with the one before. */
static int64_t count_nodes(const vt__token_trie *t, const int64_t *order) {
    int64_t n = 0;
    for (int32_t i = 0; i < t->n_ids; i++) {
        int64_t len = t->start[order[i] + 1] - t->start[order[i]];
        n += len - (i > 0 ? shared_bytes(t, order[i - 1], order[i]) : 0);
    }
    return n;
}

static void close_above(vt__token_trie *t, int32_t *path, int64_t depth, int64_t from) {
    for (int64_t d = from; d < depth; d++) t->nodes[path[d]].skip = t->n_nodes;
}

static vt_status build_nodes(vt_context *ctx, vt__token_trie *t, const int64_t *order) {
    int64_t n = count_nodes(t, order), depth = 0;
    for (int64_t i = 0; i < t->count; i++)
        if (t->start[i + 1] - t->start[i] > t->max_depth) t->max_depth = (int32_t)(t->start[i + 1] - t->start[i]);
    t->nodes = vt__calloc2(ctx, n + 1, 1, sizeof *t->nodes);
    t->ids = vt__calloc2(ctx, t->n_ids, 1, sizeof *t->ids);
    int32_t *path = vt__calloc2(ctx, t->max_depth, 1, sizeof *path); /* nodes from the root to the last one */
    if (!t->nodes || !t->ids || !path) {
        vt__free(ctx, path);
        return vt__fail_nomem("tokenizer", (size_t)n * sizeof *t->nodes);
    }
    for (int32_t i = 0; i < t->n_ids; i++) {
        int64_t id = order[i], len = t->start[id + 1] - t->start[id], shared = i > 0 ? shared_bytes(t, order[i - 1], id) : 0;
        close_above(t, path, depth, shared);
        for (depth = shared; depth < len; depth++) {
            path[depth] = t->n_nodes;
            t->nodes[t->n_nodes++] = (vt__trie_node){0, i, (int32_t)depth + 1, (uint8_t)t->bytes[t->start[id] + depth]};
        }
        t->ids[i] = (int32_t)id;
    }
    close_above(t, path, depth, 0);
    /* A node on the way to the first token below it has none of its own: the tokens of a node begin where its text ends. */
    t->nodes[t->n_nodes].token = t->n_ids;
    vt__free(ctx, path);
    return VT_OK;
}

void vt__token_trie_free(vt_context *ctx, vt__token_trie *t) {
    if (!t) return;
    vt__free(ctx, t->nodes);
    vt__free(ctx, t->ids);
    vt__free(ctx, t->bytes);
    vt__free(ctx, t->start);
    vt__free(ctx, t);
}

static vt_status create(const vt_tokenizer *tok, vt__token_trie **out) {
    vt_context *ctx = tok->ctx;
    vt__token_trie *t = *out = vt__calloc(ctx, sizeof *t);
    if (!t) return vt__fail_nomem("tokenizer", sizeof *t);
    int64_t *order = NULL;
    vt_status st = write_texts(tok, t);
    if (st == VT_OK && !(order = vt__calloc2(ctx, t->count, 1, sizeof *order))) st = vt__fail_nomem("tokenizer", (size_t)t->count * sizeof *order);
    if (st == VT_OK) st = sort_texts(ctx, t, order);
    if (st == VT_OK) st = build_nodes(ctx, t, order);
    vt__free(ctx, order);
    return st;
}

/* Two threads may both make one; the first to hand it in wins. */
vt_status vt__tokenizer_trie(vt_tokenizer *tok, const vt__token_trie **out) {
    vt__token_trie *made, *there = atomic_load(&tok->trie);
    vt_status st = VT_OK;
    if (!there) {
        st = create(tok, &made);
        if (st == VT_OK && atomic_compare_exchange_strong(&tok->trie, &there, made)) there = made;
        else vt__token_trie_free(tok->ctx, made);
    }
    *out = there;
    return st;
}
