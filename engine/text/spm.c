/* SentencePiece BPE (tokenizer.ggml.model "llama"): symbols are the characters of a text, spaces included; of all adjacent pairs whose joined
 * text is a token the one with the best score is joined, the leftmost first, until there is none. No pre-tokenizer cuts the text, but two
 * characters that no token has side by side are never joined: there the text is cut into chunks, with the same result. */
#include "core/error.h"
#include "text/heap.h"
#include "text/piece_map.h"
#include "text/sentencepiece.h"
#include "text/trie.h"
#include "text/utf8.h"

enum {
    SHORT_CHUNK = 40,     /* characters up to which looking through all pairs beats a heap */
    PAIR_BITS = 21,       /* the set of pairs of characters: 2^21 bits, by hash */
    PAIR_WORDS = 1 << (PAIR_BITS - 6)
};

typedef struct spm {
    vt__piece_map map;
    uint32_t *rank;  /* [n_tokens] by score, the best lowest */
    uint64_t *pairs; /* pairs of neighbours in any token */
    vt__byte_tokens bytes;
    int has_unused;  /* tokens that join, but are taken apart again at the end */
} spm;

/* A symbol of a chunk: bytes from begin up to the next one's. */
typedef struct node {
    int32_t begin;
    int32_t joined;     /* token that it makes with the next one, -1: none */
    int32_t prev, next; /* -1: none */
} node;

typedef struct scratch {
    vt__bytes text; /* what is encoded, as it is spoken */
    node *nodes;
    int64_t n_nodes; /* room */
    vt__heap heap;   /* rank << 32 | index; outdated entries are skipped */
    int32_t *left;   /* [n_tokens] of unused tokens: bytes of the left one of the pair that made it; NULL: there are none */
    int after_unknown;
} scratch;

/* ---- creation ---- */

/* Floats in descending order as unsigned numbers in ascending order. */
static uint32_t rank_of_score(float score) {
    float f = score + 0.0f; /* one zero */
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return ~(bits & 0x80000000u ? ~bits : bits | 0x80000000u);
}

static size_t pair_bit(const char *a, size_t a_len, const char *b, size_t b_len) {
    uint64_t v = 0;
    for (size_t i = 0; i < a_len; i++) v = v << 8 | (unsigned char)a[i];
    for (size_t i = 0; i < b_len; i++) v = v << 8 | (unsigned char)b[i];
    v *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(v >> (64 - PAIR_BITS));
}

static void note_pairs(spm *s, vt__span text) {
    size_t n = 0, before = 0;
    for (size_t i = 0; i < text.len; i += n, before = n) {
        (void)vt__utf8_step(text.data + i, text.len - i, &n);
        if (i == 0) continue;
        size_t bit = pair_bit(text.data + i - before, before, text.data + i, n);
        s->pairs[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

/* What text may turn into: not special tokens, not byte tokens; tokens that somebody added only if their text has no space, since spaces of
 * a text are U+2581 when tokens are joined. */
static int is_ordinary(const vt_tokenizer *tok, int64_t id) {
    int type = vt__token_type(tok, id);
    vt__span text = vt__token_text(tok, id);
    if (vt__token_is_special(tok, id) || type == VT__TOKEN_BYTE || text.len == 0) return 0;
    return type != VT__TOKEN_USER || !memchr(text.data, ' ', text.len);
}

static vt_status create(vt_tokenizer *tok, const vt__vocab *vocab, void **out_state) {
    spm *s = *out_state = vt__calloc(tok->ctx, sizeof *s);
    if (!s) return vt__fail_nomem("tokenizer", sizeof *s);
    vt_status st = vt__check_scores(tok, vocab);
    if (st != VT_OK) return st;
    tok->space_prefix = !vocab->no_space_prefix;
    vt__byte_tokens_find(tok, vocab, &s->bytes);
    s->rank = vt__calloc2(tok->ctx, tok->n_tokens, 1, sizeof *s->rank);
    s->pairs = vt__calloc2(tok->ctx, PAIR_WORDS, 1, sizeof *s->pairs);
    if (!s->rank || !s->pairs) return vt__fail_nomem("tokenizer", 0);
    st = vt__piece_map_create(tok, 1, &s->map);
    for (int64_t id = 0; id < tok->n_tokens && st == VT_OK; id++) {
        vt__span text = vt__piece_text(&s->map, (int32_t)id);
        if (!is_ordinary(tok, id)) continue;
        if (text.len > VT__PIECE_MAX)
            return vt__fail(VT_ERR_FORMAT, "%s: piece %lld has %zu bytes, at most %d are allowed", vocab->name, (long long)id, text.len, VT__PIECE_MAX);
        s->rank[id] = rank_of_score(vocab->scores[id]);
        if (vt__token_type(tok, id) == VT__TOKEN_UNUSED) s->has_unused = 1;
        vt__piece_map_add(&s->map, (int32_t)id);
        note_pairs(s, text);
    }
    return st;
}

static void destroy(vt_context *ctx, void *state) {
    spm *s = state;
    if (!s) return;
    vt__piece_map_free(ctx, &s->map);
    vt__free(ctx, s->rank);
    vt__free(ctx, s->pairs);
    vt__free(ctx, s);
}

/* ---- encoding ---- */

/* The token that two neighbours make together, -1: none. */
static int32_t join(const vt_tokenizer *tok, scratch *w, int32_t begin, int32_t middle, int32_t end) {
    const spm *s = tok->state;
    int32_t id = vt__piece_map_find(&s->map, w->text.data + begin, (size_t)(end - begin));
    if (id >= 0 && w->left && vt__token_type(tok, id) == VT__TOKEN_UNUSED) w->left[id] = middle - begin;
    return id;
}

/* A symbol that nothing joins any more. Unused tokens fall apart into the pair that made them; pieces are at most VT__PIECE_MAX bytes, and
 * each part is shorter, so the stack suffices. */
static void put(const vt_tokenizer *tok, vt__run *run, scratch *w, const char *text, size_t len) {
    const spm *s = tok->state;
    struct { const char *text; size_t len; } stack[VT__PIECE_MAX + 1];
    size_t n = 1;
    stack[0].text = text;
    stack[0].len = len;
    while (n > 0) {
        const char *part = stack[--n].text;
        size_t part_len = stack[n].len;
        int32_t id = vt__piece_map_find(&s->map, part, part_len);
        size_t left = id >= 0 && w->left ? (size_t)w->left[id] : 0;
        if (left > 0) {
            stack[n].text = part + left; /* later */
            stack[n++].len = part_len - left;
            stack[n].text = part;
            stack[n++].len = left;
        } else if (id >= 0) {
            vt__run_add_id(run, id);
            w->after_unknown = 0;
        } else {
            vt__put_unknown(&s->bytes, run, part, part_len, &w->after_unknown);
        }
    }
}

static void short_chunk(const vt_tokenizer *tok, vt__run *run, scratch *w, const int32_t *begins, int32_t n_chars) {
    const spm *s = tok->state;
    int32_t at[SHORT_CHUNK + 1], joined[SHORT_CHUNK]; /* joined[i]: token that i makes with i + 1 */
    int32_t n = n_chars;
    memcpy(at, begins, (size_t)(n + 1) * sizeof *at);
    for (int32_t i = 0; i + 1 < n; i++) joined[i] = join(tok, w, at[i], at[i + 1], at[i + 2]);
    for (;;) {
        int32_t best = -1;
        for (int32_t i = 0; i + 1 < n; i++)
            if (joined[i] >= 0 && (best < 0 || s->rank[joined[i]] < s->rank[joined[best]])) best = i;
        if (best < 0) break;
        n--;
        for (int32_t i = best + 1; i < n; i++) {
            at[i] = at[i + 1];
            joined[i - 1] = joined[i]; /* the pairs right of the joined one move as well */
        }
        at[n] = begins[n_chars];
        if (best + 1 < n) joined[best] = join(tok, w, at[best], at[best + 1], at[best + 2]);
        if (best > 0) joined[best - 1] = join(tok, w, at[best - 1], at[best], at[best + 1]);
    }
    for (int32_t i = 0; i < n; i++) put(tok, run, w, w->text.data + at[i], (size_t)(at[i + 1] - at[i]));
}

static int32_t end_of(const scratch *w, int32_t i, int32_t end) { return w->nodes[i].next < 0 ? end : w->nodes[w->nodes[i].next].begin; }

/* Looks up what node i makes with the next one and queues it. 1 when out of memory. */
static int queue(const vt_tokenizer *tok, scratch *w, int32_t i, int32_t end) {
    const spm *s = tok->state;
    node *left = &w->nodes[i];
    left->joined = left->next < 0 ? -1 : join(tok, w, left->begin, w->nodes[left->next].begin, end_of(w, left->next, end));
    return left->joined >= 0 && vt__heap_push(tok->ctx, &w->heap, (uint64_t)s->rank[left->joined] << 32 | (uint32_t)i);
}

/* nodes[0, n) are the characters up to byte `end`. */
static vt_status long_chunk(const vt_tokenizer *tok, vt__run *run, scratch *w, int32_t n, int32_t end) {
    const spm *s = tok->state;
    w->heap.n = 0;
    for (int32_t i = 0; i < n; i++) w->nodes[i] = (node){.begin = w->nodes[i].begin, .joined = -1, .prev = i - 1, .next = i + 1 < n ? i + 1 : -1};
    for (int32_t i = 0; i + 1 < n; i++)
        if (queue(tok, w, i, end)) return vt__fail_nomem("tokenizer", 0);
    while (w->heap.n > 0) {
        uint64_t key = vt__heap_pop(&w->heap);
        int32_t i = (int32_t)(key & UINT32_MAX);
        node *left = &w->nodes[i];
        if (left->joined < 0 || s->rank[left->joined] != key >> 32) continue; /* joined to another since, or another neighbour */
        node *right = &w->nodes[left->next];
        left->next = right->next;
        right->joined = -1;
        if (right->next >= 0) w->nodes[right->next].prev = i;
        if (queue(tok, w, i, end) || (left->prev >= 0 && queue(tok, w, left->prev, end))) return vt__fail_nomem("tokenizer", 0);
    }
    for (int32_t i = 0; i >= 0; i = w->nodes[i].next) put(tok, run, w, w->text.data + w->nodes[i].begin, (size_t)(end_of(w, i, end) - w->nodes[i].begin));
    return VT_OK;
}

/* The chunk whose characters begin at nodes[0, n): short ones need no list. */
static vt_status chunk(const vt_tokenizer *tok, vt__run *run, scratch *w, int32_t n, int32_t end) {
    int32_t begins[SHORT_CHUNK + 1];
    if (n > SHORT_CHUNK) return long_chunk(tok, run, w, n, end);
    for (int32_t i = 0; i < n; i++) begins[i] = w->nodes[i].begin;
    begins[n] = end;
    short_chunk(tok, run, w, begins, n);
    return VT_OK;
}

static vt_status encode_spoken(const vt_tokenizer *tok, vt__run *run, scratch *w) {
    const spm *s = tok->state;
    const char *text = w->text.data;
    size_t len = (size_t)w->text.len, before = 0, step = 0;
    int32_t n = 0;
    vt_status st = VT_OK;
    for (size_t i = 0; i < len && st == VT_OK; i += step, before = step) {
        (void)vt__utf8_step(text + i, len - i, &step);
        size_t bit = i > 0 ? pair_bit(text + i - before, before, text + i, step) : 0;
        if (i > 0 && !(s->pairs[bit / 64] >> bit % 64 & 1)) {
            st = chunk(tok, run, w, n, (int32_t)i);
            n = 0;
        }
        if (n == w->n_nodes && vt__reserve(run->ctx, (void **)&w->nodes, &w->n_nodes, n + 1, sizeof *w->nodes)) st = vt__fail_nomem("tokenizer", 0);
        if (st == VT_OK) w->nodes[n++].begin = (int32_t)i;
    }
    return st == VT_OK && n > 0 ? chunk(tok, run, w, n, (int32_t)len) : st;
}

static vt_status begin_run(const vt_tokenizer *tok, vt__run *run) {
    const spm *s = tok->state;
    scratch *w = run->scratch = vt__calloc(run->ctx, sizeof *w);
    if (!w) return vt__fail_nomem("tokenizer", sizeof *w);
    vt__bytes_init(&w->text, run->ctx);
    if (s->has_unused) w->left = vt__calloc2(run->ctx, tok->n_tokens, 1, sizeof *w->left);
    return s->has_unused && !w->left ? vt__fail_nomem("tokenizer", (size_t)tok->n_tokens * sizeof *w->left) : VT_OK;
}

static vt_status encode(const vt_tokenizer *tok, vt__run *run, const char *text, size_t len) {
    if (run->want_pieces) {
        vt__run_add_piece(run, text, len);
        return VT_OK;
    }
    vt_status st = run->scratch ? VT_OK : begin_run(tok, run);
    if (st != VT_OK) return st;
    scratch *w = run->scratch;
    int64_t prefix = tok->space_prefix && run->at_start;
    if (vt__reserve(run->ctx, (void **)&w->text.data, &w->text.cap, (int64_t)len + prefix, 1)) return vt__fail_nomem("tokenizer", len);
    if (prefix) w->text.data[0] = ' ';
    w->text.len = prefix + (int64_t)vt__speak(w->text.data + prefix, text, len);
    w->after_unknown = 0;
    return encode_spoken(tok, run, w);
}

static void end_run(vt_context *ctx, void *state) {
    scratch *w = state;
    if (!w) return;
    vt__bytes_free(&w->text);
    vt__free(ctx, w->nodes);
    vt__free(ctx, w->heap.key);
    vt__free(ctx, w->left);
    vt__free(ctx, w);
}

/* ---- decoding ---- */

static void append(const vt_tokenizer *tok, int32_t id, int at_start, vt__bytes *out) {
    const spm *s = tok->state;
    vt__append_spoken(tok, &s->map, id, at_start, out);
}

const vt__family vt__family_spm = {.name = "llama", .title = "SentencePiece BPE", .add_bos = 1, .unknown_text = VT__SENTENCEPIECE_UNKNOWN,
                                   .special_text = vt__sentencepiece_texts, .create = create, .destroy = destroy, .encode = encode,
                                   .end_run = end_run, .append = append};
