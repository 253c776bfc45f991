/* Byte-level BPE (tokenizer.ggml.model "gpt2"): a word is its bytes; the adjacent pair with the best rank is merged, the leftmost one
 * first, until no pair has a rank.
 *
 * Symbols are token ids. Texts that merges make but the vocabulary lacks, and texts whose token is not an ordinary one, get numbers from
 * n_tokens on: they can be merged further, and come out byte by byte. So no plain text ever turns into a control token. */
#include "core/error.h"
#include "core/hash.h"
#include "text/bpe_alphabet.h"
#include "text/heap.h"
#include "text/merge_map.h"
#include "text/splitter.h"
#include "text/tokenizer_internal.h"

enum {
    SHORT_WORD = 48,    /* bytes up to which looking through all pairs beats a heap */
    WHOLE_WORD = 1024,  /* bytes up to which a word is looked up as it is */
    MAX_MERGE = 1 << 20 /* bytes of one merge's text */
};

typedef struct bpe {
    vt__alphabet alphabet;
    int32_t symbol_of[256]; /* by byte */
    vt__merge_map merges;
    int32_t *merged;        /* symbol that the merge of a rank makes */
    vt__splitter *splitter;
    vt__map words;    /* texts to symbols, where a word that is a token is taken whole; else empty */
    int whole_words;
    size_t longest;   /* bytes of the longest token */
} bpe;

/* A symbol of a long word; its index is the place of its first byte. Merging gives the right one's bytes to the left one. */
typedef struct node {
    int32_t symbol;
    int32_t rank;       /* of the merge with the next one, -1: none */
    int32_t prev, next; /* -1: none */
} node;

typedef struct scratch {
    vt__split_run *split;
    node *nodes;
    int64_t n_nodes; /* room */
    vt__heap heap;   /* rank << 32 | index; outdated entries are skipped */
} scratch;

static int32_t rank_of(const bpe *b, int32_t left, int32_t right) { return vt__merge_map_find(&b->merges, left, right); }

/* ---- creation ---- */

/* What is needed only while the vocabulary is read. */
typedef struct reader {
    const vt__vocab *vocab;
    vt__map map;      /* texts to symbols */
    vt__bytes joined; /* text of the merge at hand */
    int32_t next;     /* next free symbol */
} reader;

/* User tokens are written out as they are, so they serve in merges only where their text is the same in the alphabet. */
static int is_ordinary(const vt_tokenizer *tok, int64_t id) {
    if (vt__token_is_special(tok, id)) return 0;
    if (vt__token_type(tok, id) != VT__TOKEN_USER) return 1;
    vt__span t = vt__token_text(tok, id);
    for (size_t i = 0; i < t.len; i++)
        if (t.data[i] < 33 || t.data[i] > 126) return 0;
    return 1;
}

/* The symbol of a text; a new one if nobody has it. -1 when out of memory. */
static int32_t intern(reader *r, vt__span text) {
    int64_t entry = vt__map_add(&r->map, text.data, text.len, r->next);
    if (entry < 0) return -1;
    int32_t symbol = (int32_t)r->map.entries[entry].value;
    if (symbol == r->next) r->next++;
    return symbol;
}

static int32_t intern_joined(reader *r, vt__span left, vt__span right) {
    r->joined.len = 0;
    vt__bytes_append(&r->joined, left.data, left.len);
    vt__bytes_append(&r->joined, right.data, right.len);
    return r->joined.failed ? -1 : intern(r, (vt__span){r->joined.data, (size_t)r->joined.len});
}

static vt_status read_merges(reader *r, bpe *b) {
    const vt__vocab *v = r->vocab;
    for (int64_t i = 0; i < v->n_merges; i++) {
        vt__span m = v->merges[i];
        const char *space = m.len > 1 ? memchr(m.data + 1, ' ', m.len - 1) : NULL; /* the left part may begin with one */
        size_t at = space ? (size_t)(space - m.data) : 0;
        if (!space || at + 1 == m.len || m.len > MAX_MERGE)
            return vt__fail(VT_ERR_FORMAT, "%s: merge %lld of %zu bytes is not two texts with a space between, of at most %d", v->name,
                            (long long)i, m.len, MAX_MERGE);
        vt__span left = {m.data, at}, right = {space + 1, m.len - at - 1};
        int32_t l = intern(r, left), rt = intern(r, right);
        b->merged[i] = intern_joined(r, left, right);
        if (l < 0 || rt < 0 || b->merged[i] < 0) return vt__fail_nomem("tokenizer", 0);
        vt__merge_map_add(&b->merges, l, rt, (int32_t)i);
    }
    return VT_OK;
}

static vt_status read_vocab(vt_tokenizer *tok, bpe *b, reader *r) {
    const vt__vocab *v = r->vocab;
    if (v->n_merges < 1) return vt__fail(VT_ERR_FORMAT, "%s: byte-level BPE without merges", v->name);
    if (v->n_merges > (INT32_MAX - 256 - v->n_tokens) / 3)
        return vt__fail(VT_ERR_LIMIT, "%s: %lld tokens and %lld merges are too many", v->name, (long long)v->n_tokens, (long long)v->n_merges);
    vt_status st = vt__merge_map_create(tok->ctx, v->n_merges, &b->merges);
    if (st != VT_OK) return st;
    b->merged = vt__calloc2(tok->ctx, v->n_merges, 1, sizeof *b->merged);
    if (!b->merged) return vt__fail_nomem("tokenizer", (size_t)v->n_merges * sizeof *b->merged);

    for (int64_t id = 0; id < v->n_tokens; id++) {
        vt__span text = vt__token_text(tok, id);
        if (text.len > b->longest) b->longest = text.len;
        if (is_ordinary(tok, id) && vt__map_add(&r->map, text.data, text.len, id) < 0) return vt__fail_nomem("tokenizer", 0);
    }
    r->next = (int32_t)v->n_tokens;
    for (int byte = 0; byte < 256; byte++) {
        char text[2];
        b->symbol_of[byte] = intern(r, (vt__span){text, vt__alphabet_write(&b->alphabet, (unsigned char)byte, text)});
        if (b->symbol_of[byte] < 0) return vt__fail_nomem("tokenizer", 0);
    }
    return read_merges(r, b);
}

static vt_status create(vt_tokenizer *tok, const vt__vocab *vocab, void **out_state) {
    reader r = {.vocab = vocab};
    bpe *b = *out_state = vt__calloc(tok->ctx, sizeof *b);
    if (!b) return vt__fail_nomem("tokenizer", sizeof *b);
    vt__map_init(&r.map, tok->ctx);
    vt__bytes_init(&r.joined, tok->ctx);
    vt__alphabet_init(&b->alphabet);
    vt__map_init(&b->words, tok->ctx);
    vt_status st = vt__splitter_create(tok->ctx, vocab->name, vocab->pre, &b->splitter);
    if (st == VT_OK) st = read_vocab(tok, b, &r);
    if (st == VT_OK && vt__splitter_is_llama3(b->splitter)) {
        if (vocab->add_bos < 0) tok->add_bos = 1;
        b->whole_words = 1;
        b->words = r.map;
        vt__map_init(&r.map, tok->ctx);
    }
    vt__map_free(&r.map);
    vt__bytes_free(&r.joined);
    return st;
}

static void destroy(vt_context *ctx, void *state) {
    bpe *b = state;
    if (!b) return;
    b->words.ctx = ctx;
    vt__map_free(&b->words);
    vt__merge_map_free(ctx, &b->merges);
    vt__free(ctx, b->merged);
    vt__splitter_destroy(ctx, b->splitter);
    vt__free(ctx, b);
}

/* ---- encoding ---- */

/* A byte that the vocabulary has no token for is left out, as the makers' own tokenizers do. */
static void put(const vt_tokenizer *tok, const bpe *b, vt__run *run, int32_t symbol, const char *bytes, size_t len) {
    if (symbol < tok->n_tokens) {
        vt__run_add_id(run, symbol);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        int32_t id = b->symbol_of[(unsigned char)bytes[i]];
        if (id < tok->n_tokens) vt__run_add_id(run, id);
    }
}

/* A word that is a token needs no merging in some vocabularies. */
static int whole_word(const vt_tokenizer *tok, const bpe *b, vt__run *run, const char *word, size_t len) {
    char text[WHOLE_WORD * 2];
    size_t n = 0;
    if (!b->whole_words || len > b->longest || len > WHOLE_WORD) return 0;
    for (size_t i = 0; i < len; i++) n += vt__alphabet_write(&b->alphabet, (unsigned char)word[i], text + n);
    int64_t symbol = vt__map_get(&b->words, text, n, -1);
    if (symbol < 0 || symbol >= tok->n_tokens) return 0;
    vt__run_add_id(run, (int32_t)symbol);
    return 1;
}

static void short_word(const vt_tokenizer *tok, const bpe *b, vt__run *run, const char *word, size_t len) {
    int32_t symbol[SHORT_WORD], rank[SHORT_WORD]; /* rank[i]: of the merge of i with i + 1 */
    uint8_t start[SHORT_WORD + 1];
    size_t n = len;

    for (size_t i = 0; i < n; i++) {
        symbol[i] = b->symbol_of[(unsigned char)word[i]];
        start[i] = (uint8_t)i;
    }
    start[n] = (uint8_t)n;
    for (size_t i = 0; i + 1 < n; i++) rank[i] = rank_of(b, symbol[i], symbol[i + 1]);
    for (;;) {
        size_t best = n;
        for (size_t i = 0; i + 1 < n; i++)
            if (rank[i] >= 0 && (best == n || rank[i] < rank[best])) best = i;
        if (best == n) break;
        symbol[best] = b->merged[rank[best]];
        n--;
        for (size_t i = best + 1; i < n; i++) {
            symbol[i] = symbol[i + 1];
            rank[i - 1] = rank[i]; /* the pairs right of the merged one move as well */
            start[i] = start[i + 1];
        }
        start[n] = (uint8_t)len;
        if (best + 1 < n) rank[best] = rank_of(b, symbol[best], symbol[best + 1]);
        if (best > 0) rank[best - 1] = rank_of(b, symbol[best - 1], symbol[best]);
    }
    for (size_t i = 0; i < n; i++) put(tok, b, run, symbol[i], word + start[i], (size_t)(start[i + 1] - start[i]));
}

/* Ranks node i anew and queues it. 1 when out of memory. */
static int queue(vt_context *ctx, const bpe *b, scratch *s, int32_t i) {
    node *left = &s->nodes[i];
    left->rank = left->next < 0 ? -1 : rank_of(b, left->symbol, s->nodes[left->next].symbol);
    return left->rank >= 0 && vt__heap_push(ctx, &s->heap, (uint64_t)left->rank << 32 | (uint32_t)i);
}

static vt_status long_word(const vt_tokenizer *tok, const bpe *b, vt__run *run, scratch *s, const char *word, size_t len) {
    int32_t n = (int32_t)len; /* the text has at most 1 GiB */

    if (vt__reserve(run->ctx, (void **)&s->nodes, &s->n_nodes, n, sizeof *s->nodes)) return vt__fail_nomem("tokenizer", len * sizeof *s->nodes);
    for (int32_t i = 0; i < n; i++)
        s->nodes[i] = (node){.symbol = b->symbol_of[(unsigned char)word[i]], .rank = -1, .prev = i - 1, .next = i + 1 < n ? i + 1 : -1};
    s->heap.n = 0;
    for (int32_t i = 0; i + 1 < n; i++)
        if (queue(run->ctx, b, s, i)) return vt__fail_nomem("tokenizer", 0);
    while (s->heap.n > 0) {
        uint64_t key = vt__heap_pop(&s->heap);
        int32_t i = (int32_t)(key & UINT32_MAX);
        node *left = &s->nodes[i];
        if (left->rank != (int32_t)(key >> 32)) continue; /* merged away or with another neighbour since */
        node *right = &s->nodes[left->next];
        left->symbol = b->merged[left->rank];
        left->next = right->next;
        right->rank = -1;
        if (right->next >= 0) s->nodes[right->next].prev = i;
        if (queue(run->ctx, b, s, i) || (left->prev >= 0 && queue(run->ctx, b, s, left->prev))) return vt__fail_nomem("tokenizer", 0);
    }
    for (int32_t i = 0; i >= 0; i = s->nodes[i].next) {
        int32_t end = s->nodes[i].next < 0 ? n : s->nodes[i].next;
        put(tok, b, run, s->nodes[i].symbol, word + i, (size_t)(end - i));
    }
    return VT_OK;
}

static vt_status encode(const vt_tokenizer *tok, vt__run *run, const char *text, size_t len) {
    const bpe *b = tok->state;
    scratch *s = run->scratch;
    vt__span piece;
    vt_status st = VT_OK;

    if (!s) {
        s = run->scratch = vt__calloc(run->ctx, sizeof *s);
        if (!s) return vt__fail_nomem("tokenizer", sizeof *s);
        if ((st = vt__split_run_create(run->ctx, b->splitter, &s->split)) != VT_OK) return st;
    }
    vt__split_begin(s->split, text, len);
    while ((st = vt__split_next(s->split, &piece)) == VT_OK && piece.len > 0) {
        if (run->want_pieces) vt__run_add_piece(run, piece.data, piece.len);
        else if (whole_word(tok, b, run, piece.data, piece.len)) continue;
        else if (piece.len <= SHORT_WORD) short_word(tok, b, run, piece.data, piece.len);
        else if ((st = long_word(tok, b, run, s, piece.data, piece.len)) != VT_OK) return st;
    }
    return st;
}

static void end_run(vt_context *ctx, void *state) {
    scratch *s = state;
    if (!s) return;
    vt__split_run_destroy(ctx, s->split);
    vt__free(ctx, s->nodes);
    vt__free(ctx, s->heap.key);
    vt__free(ctx, s);
}

/* ---- decoding ---- */

static void append(const vt_tokenizer *tok, int32_t id, int at_start, vt__bytes *out) {
    const bpe *b = tok->state;
    (void)at_start; /* a space is a byte like others */
    vt__span t = vt__token_text(tok, id);
    if (vt__token_type(tok, id) == VT__TOKEN_USER) {
        vt__bytes_append(out, t.data, t.len);
        return;
    }
    for (size_t i = 0, n; i < t.len; i += n) {
        int byte = vt__alphabet_read(&b->alphabet, t.data + i, t.len - i, &n);
        if (byte >= 0) vt__bytes_append_byte(out, (char)byte);
        else vt__bytes_append(out, t.data + i, n); /* not in the alphabet: as it stands in the file */
    }
}

const vt__family vt__family_bpe = {.name = "gpt2", .title = "byte-level BPE", .create = create, .destroy = destroy, .encode = encode, .end_run = end_run, .append = append};
