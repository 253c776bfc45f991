/* WordPiece (tokenizer.ggml.model "bert"): a text is cut at white space, around punctuation and around ideographs; in each word the longest
 * piece is taken from the left, pieces inside a word being others than pieces that begin one. A word that does not come out even is unknown
 * as a whole. What is dropped (white space, controls; case and accents where the model wants it) does not come back: decoding is lossy. */
#include <utf8proc.h>

#include "core/error.h"
#include "text/tokenizer_internal.h"
#include "text/trie.h"
#include "text/utf8.h"

enum {
    BEGINS = 0xFF,    /* first byte of a key in the tree: a piece that begins a word */
    GOES_ON = 0xFE,   /* a piece inside a word; neither byte is in any UTF-8 */
    EXPANSION = 32    /* code points that one can decompose into */
};

#define PHANTOM "\xE2\x96\x81" /* U+2581: how model files mark pieces that begin a word */

typedef struct wordpiece {
    vt__trie trie;
    int64_t begins, goes_on; /* nodes, -1: no such pieces */
    uint32_t flags;          /* VT__WORDPIECE_* */
    int64_t max_word;        /* code points; longer words are unknown; 0: no limit */
    int32_t unk;
} wordpiece;

typedef struct scratch {
    vt__bytes word;
    int64_t n_chars;
    const char *begin, *end; /* of the word in the text */
} scratch;

/* ---- creation ---- */

/* Text of a piece without the mark of its kind, and whether it begins a word. */
static vt__span plain(uint32_t flags, vt__span text, int *begins) {
    const char *mark = flags & VT__WORDPIECE_HASHES ? "##" : PHANTOM;
    size_t n = strlen(mark);
    int marked = text.len > n && memcmp(text.data, mark, n) == 0;
    *begins = flags & VT__WORDPIECE_HASHES ? !marked : marked;
    return marked ? (vt__span){text.data + n, text.len - n} : text;
}

static vt_status read_pieces(const vt_tokenizer *tok, const char *name, wordpiece *w) {
    char key[VT__PIECE_MAX + 1];
    for (int64_t id = 0; id < tok->n_tokens; id++) {
        int begins;
        vt__span text = plain(w->flags, vt__token_text(tok, id), &begins);
        if (vt__token_is_special(tok, id) || text.len == 0) continue;
        if (text.len > VT__PIECE_MAX)
            return vt__fail(VT_ERR_FORMAT, "%s: piece %lld has %zu bytes, at most %d are allowed", name, (long long)id, text.len, VT__PIECE_MAX);
        key[0] = (char)(begins ? BEGINS : GOES_ON);
        memcpy(key + 1, text.data, text.len);
        vt_status st = vt__trie_add(&w->trie, key, text.len + 1, (int32_t)id);
        if (st != VT_OK) return st;
    }
    w->begins = vt__trie_step(&w->trie, VT__TRIE_ROOT, BEGINS);
    w->goes_on = vt__trie_step(&w->trie, VT__TRIE_ROOT, GOES_ON);
    return VT_OK;
}

static vt_status create(vt_tokenizer *tok, const vt__vocab *vocab, void **out_state) {
    wordpiece *w = *out_state = vt__calloc(tok->ctx, sizeof *w);
    if (!w) return vt__fail_nomem("tokenizer", sizeof *w);
    if (tok->special[VT__SPECIAL_UNK] < 0) return vt__fail(VT_ERR_FORMAT, "%s: WordPiece without a token for unknown words", vocab->name);
    w->unk = tok->special[VT__SPECIAL_UNK];
    w->flags = vocab->wordpiece_flags;
    w->max_word = vocab->max_word;
    vt_status st = vt__trie_create(tok->ctx, tok->n_tokens, &w->trie);
    return st == VT_OK ? read_pieces(tok, vocab->name, w) : st;
}

static void destroy(vt_context *ctx, void *state) {
    wordpiece *w = state;
    if (!w) return;
    w->trie.ctx = ctx;
    vt__trie_free(&w->trie);
    vt__free(ctx, w);
}

/* ---- what characters are ---- */

static int is_space(int32_t c) {
    utf8proc_category_t cat = utf8proc_category(c);
    return (c >= '\t' && c <= '\r') || c == 0x85 || cat == UTF8PROC_CATEGORY_ZS || cat == UTF8PROC_CATEGORY_ZL || cat == UTF8PROC_CATEGORY_ZP;
}

static int is_control(int32_t c) {
    utf8proc_category_t cat = utf8proc_category(c);
    return c == 0xFFFD || cat == UTF8PROC_CATEGORY_CC || cat == UTF8PROC_CATEGORY_CF || cat == UTF8PROC_CATEGORY_CS || cat == UTF8PROC_CATEGORY_CO;
}

static int is_punctuation(int32_t c) {
    if (c < 0x80) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    utf8proc_category_t cat = utf8proc_category(c);
    return cat >= UTF8PROC_CATEGORY_PC && cat <= UTF8PROC_CATEGORY_PO;
}

static int is_ideograph(int32_t c) {
    static const int32_t range[][2] = {{0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
                                       {0x2B740, 0x2B81F}, {0x2B820, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++)
        if (c >= range[i][0] && c <= range[i][1]) return 1;
    return 0;
}

/* ---- encoding ---- */

/* Greedy longest match from the left. On failure what the word has put out is taken back. */
static void match_word(const wordpiece *w, const scratch *s, vt__run *run) {
    const char *word = s->word.data;
    int64_t at = 0, before = run->out.len;
    int even = w->max_word == 0 || s->n_chars <= w->max_word;
    while (even && at < s->word.len) {
        int64_t node = at == 0 ? w->begins : w->goes_on, end = at, i = at;
        int32_t id = -1;
        while (i < s->word.len && (node = vt__trie_step(&w->trie, node, (unsigned char)word[i])) >= 0) {
            i++;
            if (w->trie.value[node] < 0) continue;
            id = w->trie.value[node];
            end = i;
        }
        even = id >= 0;
        if (even) vt__run_add_id(run, id);
        at = end;
    }
    if (even) return;
    if (!run->out.failed) run->out.len = before;
    vt__run_add_id(run, w->unk);
}

static void end_word(const wordpiece *w, scratch *s, vt__run *run) {
    if (s->word.len == 0) return;
    if (run->want_pieces) vt__run_add_piece(run, s->begin, (size_t)(s->end - s->begin));
    else match_word(w, s, run);
    s->word.len = 0;
    s->n_chars = 0;
}

/* One character as the pieces are written, from the bytes [begin, end) of the text. */
static void put_char(const wordpiece *w, scratch *s, vt__run *run, int32_t c, const char *begin, const char *end) {
    utf8proc_uint8_t bytes[4];
    int alone = is_punctuation(c) || ((w->flags & VT__WORDPIECE_IDEOGRAPHS) && is_ideograph(c));
    if (is_space(c) || alone) end_word(w, s, run);
    if (is_space(c)) return;
    if (s->word.len == 0) s->begin = begin;
    s->end = end;
    s->n_chars++;
    vt__bytes_append(&s->word, bytes, (size_t)utf8proc_encode_char(c, bytes));
    if (alone) end_word(w, s, run);
}

static void take_char(const wordpiece *w, scratch *s, vt__run *run, int32_t c, const char *begin, const char *end) {
    int32_t parts[EXPANSION];
    int boundclass = 0;
    utf8proc_ssize_t n = 1;
    parts[0] = c;
    if (c >= 0x80 && (w->flags & VT__WORDPIECE_STRIP_ACCENTS)) {
        n = utf8proc_decompose_char(c, parts, EXPANSION, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundclass);
        if (n < 0 || n > EXPANSION) { /* not assigned */
            parts[0] = c;
            n = 1;
        }
    }
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        if ((w->flags & VT__WORDPIECE_STRIP_ACCENTS) && parts[i] >= 0x80 && utf8proc_category(parts[i]) == UTF8PROC_CATEGORY_MN) continue;
        put_char(w, s, run, w->flags & VT__WORDPIECE_LOWERCASE ? utf8proc_tolower(parts[i]) : parts[i], begin, end);
    }
}

static vt_status encode(const vt_tokenizer *tok, vt__run *run, const char *text, size_t len) {
    const wordpiece *w = tok->state;
    scratch *s = run->scratch;
    if (!s) {
        s = run->scratch = vt__calloc(run->ctx, sizeof *s);
        if (!s) return vt__fail_nomem("tokenizer", sizeof *s);
        vt__bytes_init(&s->word, run->ctx);
    }
    for (size_t i = 0, n; i < len; i += n) {
        utf8proc_int32_t c = 0xFFFD;
        if (vt__utf8_step(text + i, len - i, &n) == VT__UTF8_VALID) (void)utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)n, &c);
        /* The makers' own cleaning takes controls out first, tab and line ends excepted; model files' way is white space first. */
        int keep = (w->flags & VT__WORDPIECE_CLEAN) ? c == '\t' || c == '\n' || c == '\r' : is_space(c);
        if (!keep && is_control(c)) continue;
        take_char(w, s, run, c, text + i, text + i + n);
    }
    end_word(w, s, run);
    return s->word.failed ? vt__fail_nomem("tokenizer", 0) : VT_OK;
}

static void end_run(vt_context *ctx, void *state) {
    scratch *s = state;
    if (!s) return;
    vt__bytes_free(&s->word);
    vt__free(ctx, s);
}

/* ---- decoding ---- */

static void append(const vt_tokenizer *tok, int32_t id, int at_start, vt__bytes *out) {
    const wordpiece *w = tok->state;
    int begins;
    vt__span text = plain(w->flags, vt__token_text(tok, id), &begins);
    if (begins && !at_start) vt__bytes_append_byte(out, ' ');
    vt__bytes_append(out, text.data, text.len);
}

static const char *const special_text[VT__SPECIAL_COUNT] = {[VT__SPECIAL_UNK] = "[UNK]", [VT__SPECIAL_SEP] = "[SEP]", [VT__SPECIAL_PAD] = "[PAD]",
                                                            [VT__SPECIAL_CLS] = "[CLS]", [VT__SPECIAL_MASK] = "[MASK]"};

const vt__family vt__family_wordpiece = {
    .name = "bert", .title = "WordPiece", .add_bos = 1, .add_eos = 1, .special_text = special_text, .create = create, .destroy = destroy, .encode = encode, .end_run = end_run, .append = append};

/* ---- a vocabulary without a model file ---- */

static int32_t find_text(const vt__wordpiece *p, int32_t given, const char *text) {
    if (given >= 0) return given;
    for (int64_t i = 0; i < p->n_tokens; i++)
        if (p->tokens[i].len == strlen(text) && memcmp(p->tokens[i].data, text, p->tokens[i].len) == 0) return (int32_t)i;
    return -1;
}

vt_status vt__tokenizer_wordpiece(vt_context *ctx, const vt__wordpiece *p, vt_tokenizer **out) {
    vt__vocab v = {.name = p->name, .family = {"bert", 4}, .pre = {"", 0}, .n_tokens = p->n_tokens, .tokens = p->tokens,
                   .add_bos = -1, .add_eos = -1, .wordpiece_flags = p->flags | VT__WORDPIECE_HASHES, .max_word = p->max_word};
    *out = NULL;
    if (p->n_tokens < 1 || p->n_tokens > INT32_MAX / 2)
        return vt__fail(VT_ERR_FORMAT, "%s: %lld tokens, 1 to %d are allowed", p->name, (long long)p->n_tokens, INT32_MAX / 2);
    int32_t *types = vt__calloc2(ctx, p->n_tokens, 1, sizeof *types);
    if (!types) return vt__fail_nomem("tokenizer", (size_t)p->n_tokens * sizeof *types);
    for (int64_t i = 0; i < p->n_tokens; i++) types[i] = VT__TOKEN_NORMAL;
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) {
        int32_t id = v.special[i] = special_text[i] ? find_text(p, p->special[i], special_text[i]) : -1;
        if (id >= p->n_tokens) {
            vt__free(ctx, types);
            return vt__fail(VT_ERR_FORMAT, "%s: special token id %d, there are %lld tokens", p->name, id, (long long)p->n_tokens);
        }
        if (id >= 0) types[id] = i == VT__SPECIAL_UNK ? VT__TOKEN_UNKNOWN : VT__TOKEN_CONTROL;
    }
    v.types = types;
    vt_status st = vt__tokenizer_create(ctx, &v, out);
    vt__free(ctx, types);
    return st;
}
