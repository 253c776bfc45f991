/* SentencePiece unigram (tokenizer.ggml.model "t5"): a text is normalised by compiled rules, then cut into the pieces whose scores, logarithms
 * of probabilities, sum highest (Viterbi, in double). A character that no piece covers is unknown, at a price; unknown neighbours are one. */
#include "core/error.h"
#include "text/charsmap.h"
#include "text/piece_map.h"
#include "text/sentencepiece.h"
#include "text/trie.h"
#include "text/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD"

static const double UNKNOWN_PENALTY = 10.0; /* below the worst score of a piece */

typedef struct unigram {
    vt__charsmap rules;
    vt__trie trie;        /* spoken texts */
    vt__piece_map spoken; /* used for its texts only */
    float *score;         /* [n_tokens] */
    double unknown_score;
    vt__byte_tokens bytes;
    int merge_spaces;
} unigram;

/* The best way to end at a place of the text: its last piece and where that began. Places inside a character are never reached. */
typedef struct step {
    double score;
    int32_t id;     /* -1: an unknown character */
    uint32_t begin;
} step;

typedef struct scratch {
    vt__bytes text; /* normalised, spoken */
    step *steps;    /* [text.len + 1] */
    int64_t n_steps; /* room */
} scratch;

/* ---- creation ---- */

static vt_status add_pieces(vt_tokenizer *tok, const vt__vocab *vocab, unigram *u) {
    double worst = 0;
    int any = 0;
    for (int64_t id = 0; id < tok->n_tokens; id++) {
        int type = vt__token_type(tok, id);
        vt__span text = type == VT__TOKEN_USER ? vt__token_text(tok, id) : vt__piece_text(&u->spoken, (int32_t)id);
        u->score[id] = type == VT__TOKEN_USER ? 0 : vocab->scores[id];
        if (vt__token_is_special(tok, id) || type == VT__TOKEN_BYTE || type == VT__TOKEN_UNUSED || text.len == 0) continue;
        if (text.len > VT__PIECE_MAX)
            return vt__fail(VT_ERR_FORMAT, "%s: piece %lld has %zu bytes, at most %d are allowed", vocab->name, (long long)id, text.len, VT__PIECE_MAX);
        if (type != VT__TOKEN_USER && (!any || (double)u->score[id] < worst)) {
            worst = (double)u->score[id];
            any = 1;
        }
        vt_status st = vt__trie_add(&u->trie, text.data, text.len, (int32_t)id);
        if (st != VT_OK) return st;
    }
    u->unknown_score = worst - UNKNOWN_PENALTY;
    return VT_OK;
}

static vt_status create(vt_tokenizer *tok, const vt__vocab *vocab, void **out_state) {
    unigram *u = *out_state = vt__calloc(tok->ctx, sizeof *u);
    if (!u) return vt__fail_nomem("tokenizer", sizeof *u);
    u->trie.ctx = tok->ctx;
    u->merge_spaces = !vocab->keep_spaces;
    tok->space_prefix = !vocab->no_space_prefix;
    vt_status st = vt__check_scores(tok, vocab);
    if (st == VT_OK) st = vt__charsmap_create(tok->ctx, vocab->name, vocab->charsmap, &u->rules);
    if (st == VT_OK) st = vt__piece_map_create(tok, 0, &u->spoken);
    if (st == VT_OK) st = vt__trie_create(tok->ctx, tok->n_tokens, &u->trie);
    if (st != VT_OK) return st;
    vt__byte_tokens_find(tok, vocab, &u->bytes);
    u->score = vt__calloc2(tok->ctx, tok->n_tokens, 1, sizeof *u->score);
    if (!u->score) return vt__fail_nomem("tokenizer", (size_t)tok->n_tokens * sizeof *u->score);
    return add_pieces(tok, vocab, u);
}

static void destroy(vt_context *ctx, void *state) {
    unigram *u = state;
    if (!u) return;
    vt__charsmap_free(ctx, &u->rules);
    vt__trie_free(&u->trie);
    vt__piece_map_free(ctx, &u->spoken);
    vt__free(ctx, u->score);
    vt__free(ctx, u);
}

/* ---- normalisation ---- */

/* Appends text to what is normalised so far; what stands before `begin` was put there by us. Runs of spaces become one and none is left at
 * the beginning, where the model wants that. A U+2581 that the text itself has is a space which stays. */
static void put_spoken(const unigram *u, vt__bytes *out, int64_t begin, vt__span text) {
    for (size_t i = 0; i < text.len;) {
        int mark = text.len - i >= 3 && memcmp(text.data + i, "\xE2\x96\x81", 3) == 0;
        int after_space = out->len == begin || out->data[out->len - 1] == ' ';
        if (mark) vt__bytes_append_byte(out, ' ');
        else if (!(u->merge_spaces && text.data[i] == ' ' && after_space)) vt__bytes_append_byte(out, text.data[i]);
        i += mark ? 3 : 1;
    }
}

static vt_status normalise(const unigram *u, vt__bytes *out, int prefix, const char *text, size_t len) {
    out->len = 0;
    if (prefix) vt__bytes_append_byte(out, ' ');
    for (size_t i = 0, n; i < len && !out->failed; i += n) {
        vt__span to;
        n = vt__charsmap_match(&u->rules, text + i, len - i, &to);
        if (n == 0) {
            int valid = vt__utf8_step(text + i, len - i, &n) == VT__UTF8_VALID;
            if (!valid) n = 1;
            to = valid ? (vt__span){text + i, n} : (vt__span){REPLACEMENT, 3};
        }
        put_spoken(u, out, prefix, to);
    }
    if (out->failed) {
        out->failed = 0;
        return vt__fail_nomem("tokenizer", len);
    }
    while (u->merge_spaces && out->len > prefix && out->data[out->len - 1] == ' ') out->len--;
    if (u->merge_spaces && out->len == prefix) out->len = 0; /* nothing is left to stand behind a space */
    return VT_OK;
}

/* ---- encoding ---- */

static void offer(step *steps, size_t begin, size_t end, double score, int32_t id) {
    if (steps[end].begin == UINT32_MAX || score > steps[end].score) steps[end] = (step){.score = score, .id = id, .begin = (uint32_t)begin};
}

/* Fills steps[1..len] from the left. */
static void search(const unigram *u, const char *text, size_t len, step *steps) {
    for (size_t i = 0; i <= len; i++) steps[i] = (step){.begin = UINT32_MAX, .id = -1};
    steps[0] = (step){.begin = 0, .id = -1};
    for (size_t i = 0, n; i < len; i += n) {
        int64_t node = VT__TRIE_ROOT;
        int covered = 0; /* a piece is this character alone */
        double score = steps[i].score;
        (void)vt__utf8_step(text + i, len - i, &n);
        for (size_t end = i; end < len && (node = vt__trie_step(&u->trie, node, (unsigned char)text[end])) >= 0;) {
            int32_t id = u->trie.value[node];
            end++;
            if (id < 0) continue;
            covered |= end == i + n;
            offer(steps, i, end, score + (double)u->score[id], id);
        }
        if (!covered) offer(steps, i, i + n, score + u->unknown_score, -1);
    }
}

/* Reads the way back from the end, and turns what it has put out round. */
static void put_way(const unigram *u, vt__run *run, const scratch *w) {
    int64_t first = run->out.len / (int64_t)sizeof(int32_t);
    int after_unknown = 0;
    for (uint32_t at = (uint32_t)w->text.len; at > 0; at = w->steps[at].begin) {
        const step *s = &w->steps[at];
        if (s->id >= 0) vt__run_add_id(run, s->id);
        for (uint32_t k = at; s->id < 0 && k > s->begin; k--) vt__put_unknown(&u->bytes, run, w->text.data + k - 1, 1, &after_unknown);
        if (s->id >= 0) after_unknown = 0;
    }
    if (run->out.failed) return;
    int32_t *ids = (int32_t *)(void *)run->out.data; /* a block of vt__alloc that holds nothing but ids */
    for (int64_t i = first, k = run->out.len / (int64_t)sizeof(int32_t) - 1; i < k; i++, k--) {
        int32_t id = ids[i];
        ids[i] = ids[k];
        ids[k] = id;
    }
}

static vt_status encode(const vt_tokenizer *tok, vt__run *run, const char *text, size_t len) {
    const unigram *u = tok->state;
    scratch *w = run->scratch;
    if (run->want_pieces) {
        vt__run_add_piece(run, text, len);
        return VT_OK;
    }
    if (!w) {
        w = run->scratch = vt__calloc(run->ctx, sizeof *w);
        if (!w) return vt__fail_nomem("tokenizer", sizeof *w);
        vt__bytes_init(&w->text, run->ctx);
    }
    vt_status st = normalise(u, &w->text, tok->space_prefix && run->at_start, text, len);
    if (st != VT_OK || w->text.len == 0) return st;
    if (w->text.len >= UINT32_MAX) return vt__fail(VT_ERR_LIMIT, "tokenizer: a text of %lld bytes after normalisation", (long long)w->text.len);
    if (vt__reserve(run->ctx, (void **)&w->steps, &w->n_steps, w->text.len + 1, sizeof *w->steps))
        return vt__fail_nomem("tokenizer", (size_t)w->text.len * sizeof *w->steps);
    search(u, w->text.data, (size_t)w->text.len, w->steps);
    put_way(u, run, w);
    return VT_OK;
}

static void end_run(vt_context *ctx, void *state) {
    scratch *w = state;
    if (!w) return;
    vt__bytes_free(&w->text);
    vt__free(ctx, w->steps);
    vt__free(ctx, w);
}

/* ---- decoding ---- */

static void append(const vt_tokenizer *tok, int32_t id, int at_start, vt__bytes *out) {
    const unigram *u = tok->state;
    vt__append_spoken(tok, &u->spoken, id, at_start, out);
}

const vt__family vt__family_unigram = {.name = "t5", .title = "unigram", .add_eos = 1, .unknown_text = VT__SENTENCEPIECE_UNKNOWN,
                                       .special_text = vt__sentencepiece_texts, .create = create, .destroy = destroy, .encode = encode,
                                       .end_run = end_run, .append = append};
