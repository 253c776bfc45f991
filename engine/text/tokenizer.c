/* A tokenizer's life, its tables, and the way of a text through it: special tokens are cut out, the family encodes what is between. */
#include "text/tokenizer.h"

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "core/profile.h"
#include "text/token_trie.h"
#include "text/tokenizer_internal.h"

static const vt__family *const families[] = {&vt__family_bpe, &vt__family_spm, &vt__family_unigram, &vt__family_wordpiece};

enum { MAX_TOKEN = 1 << 20 }; /* bytes of one entry */
static const size_t MAX_TEXT = (size_t)1 << 30;

/* ---- creation ---- */

const char *vt__span_show(vt__span s, char out[VT__SHOWN]) {
    size_t n = s.len < VT__SHOWN - 1 ? s.len : VT__SHOWN - 1;
    for (size_t i = 0; i < n; i++) out[i] = (char)(s.data[i] > ' ' && s.data[i] < 0x7F ? s.data[i] : '?');
    out[n] = '\0';
    return out;
}

static vt_status find_family(const vt__vocab *v, const vt__family **out) {
    char shown[VT__SHOWN];
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strlen(families[i]->name) != v->family.len || memcmp(families[i]->name, v->family.data, v->family.len) != 0) continue;
        *out = families[i];
        return VT_OK;
    }
    return vt__fail(VT_ERR_UNSUPPORTED,
                    "%s: tokenizer family '%s' is not supported; 'gpt2' (byte-level BPE), 'llama' (SentencePiece BPE), 't5' (unigram) and 'bert' (WordPiece) are",
                    v->name, vt__span_show(v->family, shown));
}

/* Texts are handed out as C strings, so a NUL inside is refused. */
static vt_status copy_texts(vt_tokenizer *tok, const vt__vocab *v) {
    size_t bytes = 0;
    for (int64_t i = 0; i < v->n_tokens; i++) {
        if (v->tokens[i].len > MAX_TOKEN)
            return vt__fail(VT_ERR_FORMAT, "%s: token %lld has %zu bytes, at most %d are allowed", v->name, (long long)i, v->tokens[i].len, MAX_TOKEN);
        if (memchr(v->tokens[i].data, '\0', v->tokens[i].len))
            return vt__fail(VT_ERR_FORMAT, "%s: token %lld has a NUL byte in its text", v->name, (long long)i);
        if (__builtin_add_overflow(bytes, v->tokens[i].len + 1, &bytes)) return vt__fail_nomem("tokenizer", 0);
    }
    tok->pool = vt__alloc(tok->ctx, bytes);
    tok->start = vt__calloc2(tok->ctx, v->n_tokens + 1, 1, sizeof *tok->start);
    if (!tok->pool || !tok->start) return vt__fail_nomem("tokenizer", bytes);
    size_t at = 0;
    for (int64_t i = 0; i < v->n_tokens; i++) {
        memcpy(tok->pool + at, v->tokens[i].data, v->tokens[i].len);
        at += v->tokens[i].len;
        tok->pool[at++] = '\0';
        tok->start[i + 1] = at;
    }
    return VT_OK;
}

/* Ends an answer by its text, whatever keys the file has. */
static int is_end_text(const char *text) {
    static const char *const ends[] = {"<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "</s>",
                                       "<|end_of_text|>", "<|return|>", "<end_of_utterance>", "<EOT>", "[EOT]", "[EOS]"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strcmp(text, ends[i]) == 0) return 1;
    return 0;
}

static vt_status copy_types(vt_tokenizer *tok, const vt__vocab *v) {
    const int32_t ends[] = {tok->special[VT__SPECIAL_EOS], tok->special[VT__SPECIAL_EOT], tok->special[VT__SPECIAL_EOM]};
    tok->type = vt__calloc2(tok->ctx, v->n_tokens, 1, sizeof *tok->type);
    if (!tok->type) return vt__fail_nomem("tokenizer", (size_t)v->n_tokens);
    for (int64_t i = 0; i < v->n_tokens; i++) {
        int32_t type = v->types ? v->types[i] : VT__TOKEN_NORMAL;
        if (type < VT__TOKEN_UNDEFINED || type > VT__TOKEN_BYTE)
            return vt__fail(VT_ERR_FORMAT, "%s: token %lld is of type %d, 0 to %d are allowed", v->name, (long long)i, type, VT__TOKEN_BYTE);
        tok->type[i] = (uint8_t)type;
        if (v->strips && v->strips[i] & VT__STRIP_LEFT) tok->type[i] |= VT__TYPE_STRIP_LEFT;
        if (v->strips && v->strips[i] & VT__STRIP_RIGHT) tok->type[i] |= VT__TYPE_STRIP_RIGHT;
        if (type == VT__TOKEN_CONTROL && is_end_text(tok->pool + tok->start[i])) tok->type[i] |= VT__TYPE_EOG;
    }
    for (int i = 0; !v->types && i < VT__SPECIAL_COUNT; i++) /* no plain text becomes one of these */
        if (tok->special[i] >= 0) tok->type[tok->special[i]] = i == VT__SPECIAL_UNK ? VT__TOKEN_UNKNOWN : VT__TOKEN_CONTROL;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i] >= 0) tok->type[ends[i]] |= VT__TYPE_EOG;
    return VT_OK;
}

/* Ids that the file leaves out are looked for by their usual texts. BERT's [CLS] and [SEP] are what other families call beginning and end. */
static void copy_specials(vt_tokenizer *tok, const vt__vocab *v) {
    const char *const *texts = tok->family->special_text;
    memcpy(tok->special, v->special, sizeof tok->special);
    for (int i = 0; texts && i < VT__SPECIAL_COUNT; i++) {
        size_t len = texts[i] ? strlen(texts[i]) : 0;
        for (int64_t id = 0; len > 0 && tok->special[i] < 0 && id < tok->n_tokens; id++)
            if (vt__token_text(tok, id).len == len && memcmp(vt__token_text(tok, id).data, texts[i], len) == 0) tok->special[i] = (int32_t)id;
    }
    if (tok->family == &vt__family_wordpiece) {
        if (tok->special[VT__SPECIAL_CLS] >= 0) tok->special[VT__SPECIAL_BOS] = tok->special[VT__SPECIAL_CLS];
        if (tok->special[VT__SPECIAL_SEP] >= 0) tok->special[VT__SPECIAL_EOS] = tok->special[VT__SPECIAL_SEP];
    }
}

static vt_status copy_template(vt_tokenizer *tok, vt__span text) {
    if (!text.data) return VT_OK;
    tok->chat_template = vt__alloc(tok->ctx, text.len);
    if (!tok->chat_template) return vt__fail_nomem("tokenizer", text.len);
    memcpy(tok->chat_template, text.data, text.len);
    tok->chat_template_len = text.len;
    return VT_OK;
}

vt_status vt__tokenizer_create(vt_context *ctx, const vt__vocab *vocab, vt_tokenizer **out) {
    const vt__family *family = NULL;
    *out = NULL;
    vt_status st = find_family(vocab, &family);
    if (st != VT_OK) return st;
    if (vocab->n_tokens < 1 || vocab->n_tokens > INT32_MAX / 2)
        return vt__fail(VT_ERR_FORMAT, "%s: %lld tokens, 1 to %d are allowed", vocab->name, (long long)vocab->n_tokens, INT32_MAX / 2);
    vt_tokenizer *tok = vt__calloc(ctx, sizeof *tok);
    if (!tok) return vt__fail_nomem("tokenizer", sizeof *tok);
    atomic_init(&tok->refs, 1);
    tok->ctx = vt__context_retain(ctx);
    tok->family = family;
    tok->n_tokens = vocab->n_tokens;
    tok->add_bos = vocab->add_bos >= 0 ? vocab->add_bos : family->add_bos;
    tok->add_eos = vocab->add_eos >= 0 ? vocab->add_eos : family->add_eos;
    st = copy_texts(tok, vocab);
    if (st == VT_OK) copy_specials(tok, vocab);
    if (st == VT_OK) st = copy_types(tok, vocab);
    if (st == VT_OK) st = copy_template(tok, vocab->chat_template);
    if (st == VT_OK) st = vt__specials_create(tok, vocab->name);
    if (st == VT_OK) st = family->create(tok, vocab, &tok->state);
    if (st != VT_OK) {
        vt__tokenizer_release(tok);
        return st;
    }
    *out = tok;
    return VT_OK;
}

vt_tokenizer *vt__tokenizer_retain(vt_tokenizer *tok) {
    if (tok) atomic_fetch_add(&tok->refs, 1);
    return tok;
}

void vt__tokenizer_release(vt_tokenizer *tok) {
    if (!tok || atomic_fetch_sub(&tok->refs, 1) != 1) return;
    vt_context *ctx = tok->ctx;
    tok->family->destroy(ctx, tok->state);
    vt__specials_free(ctx, &tok->specials);
    vt__token_trie_free(ctx, atomic_load(&tok->trie));
    vt__free(ctx, tok->chat_template);
    vt__free(ctx, tok->type);
    vt__free(ctx, tok->start);
    vt__free(ctx, tok->pool);
    vt__free(ctx, tok);
    vt__context_release(ctx);
}

/* ---- text to ids ---- */

static int is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The text between special tokens goes to the family; a special token is its id, or one piece. A few tokens take white space beside them along. */
static vt_status encode_all(const vt_tokenizer *tok, vt__run *run, size_t len, const vt__special_hits *hits) {
    size_t at = 0;
    vt_status st = VT_OK;
    for (int64_t i = 0; i <= hits->n && st == VT_OK; i++) {
        const vt__special_hit *hit = i < hits->n ? &hits->hit[i] : NULL;
        size_t next = hit ? hit->begin : len, end = next;
        if (hit && tok->type[hit->id] & VT__TYPE_STRIP_LEFT)
            while (end > at && is_blank(run->text[end - 1])) end--;
        if (end > at) {
            st = tok->family->encode(tok, run, run->text + at, end - at);
            run->at_start = 0;
        }
        if (st != VT_OK || !hit) break;
        at = next + hit->len;
        size_t limit = i + 1 < hits->n ? hits->hit[i + 1].begin : len;
        if (tok->type[hit->id] & VT__TYPE_STRIP_RIGHT)
            while (at < limit && is_blank(run->text[at])) at++;
        if (run->want_pieces) vt__run_add_piece(run, run->text + end, at - end);
        else vt__run_add_id(run, hit->id);
        run->at_start = 1;
    }
    return st;
}

/* A text whose first special token is the one to be put first has it already: templates print it. The same at the end. */
static int begins_with_bos(const vt_tokenizer *tok, const vt__special_hits *hits) {
    return hits->n > 0 && hits->hit[0].begin == 0 && hits->hit[0].id == tok->special[VT__SPECIAL_BOS];
}
static int ends_with_eos(const vt_tokenizer *tok, const vt__special_hits *hits, size_t len) {
    const vt__special_hit *last = hits->n > 0 ? &hits->hit[hits->n - 1] : NULL;
    return last && last->begin + last->len == len && last->id == tok->special[VT__SPECIAL_EOS];
}

static vt_status run_text(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, int want_pieces, vt_buffer **out) {
    vt__run run = {.ctx = tok->ctx, .want_pieces = want_pieces, .at_start = !(flags & VT__TOKENIZE_CONTINUE), .text = text};
    vt__special_hits hits = {0};
    int classes = VT__CLASS_USER | (flags & VT__TOKENIZE_SPECIAL ? VT__CLASS_SPECIAL : 0);

    *out = NULL;
    if (len > MAX_TEXT) return vt__fail(VT_ERR_LIMIT, "tokenizer: text of %zu bytes, at most %zu are taken", len, MAX_TEXT);
    vt__bytes_init(&run.out, tok->ctx);
    vt_status st = vt__specials_find(tok, classes, text, len, &hits);
    if (st == VT_OK) {
        int32_t bos = tok->special[VT__SPECIAL_BOS], eos = tok->special[VT__SPECIAL_EOS];
        int first = (flags & VT__TOKENIZE_ADD_BOS) && tok->add_bos && bos >= 0 && !begins_with_bos(tok, &hits);
        int last = (flags & VT__TOKENIZE_ADD_EOS) && tok->add_eos && eos >= 0 && !ends_with_eos(tok, &hits, len);
        if (first && !want_pieces) vt__run_add_id(&run, bos);
        st = encode_all(tok, &run, len, &hits);
        if (last && !want_pieces) vt__run_add_id(&run, eos);
    }
    tok->family->end_run(tok->ctx, run.scratch);
    vt__free(tok->ctx, hits.hit);
    if (st != VT_OK) {
        vt__bytes_free(&run.out);
        return st;
    }
    return vt__bytes_finish(&run.out, "tokenizer", out);
}

vt_status vt__tokenizer_encode(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out) {
    int64_t begin = vt__profile_begin(tok->ctx);
    vt_status st = run_text(tok, text, len, flags, 0, out);
    if (st == VT_OK) vt__profile_end(tok->ctx, VT_STAGE_TOKENIZE, begin, (int64_t)(vt__buffer_size(*out) / sizeof(int32_t)));
    return st;
}

vt_status vt__tokenizer_pieces(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out) {
    return run_text(tok, text, len, flags, 1, out);
}

/* ---- ids to text ---- */

/* What encoding put in front of a text goes here: at its beginning, and behind each special token that is written out. */
vt_status vt__tokenizer_append(const vt_tokenizer *tok, int32_t id, uint32_t flags, int *at_start, vt__bytes *out) {
    if (id < 0 || id >= tok->n_tokens)
        return vt__fail(VT_ERR_INVALID, "tokenizer: id %d, 0 to %lld are allowed", id, (long long)tok->n_tokens - 1);
    int type = vt__token_type(tok, id), special = vt__token_is_special(tok, id);
    const char *unknown = type == VT__TOKEN_UNKNOWN ? tok->family->unknown_text : NULL;
    vt__span text = unknown ? (vt__span){unknown, strlen(unknown)} : vt__token_text(tok, id);
    if (special && !(flags & VT__TOKENIZE_SPECIAL)) return VT_OK;
    if (special) vt__bytes_append(out, text.data, text.len);
    else tok->family->append(tok, id, *at_start, out);
    *at_start = type == VT__TOKEN_CONTROL || type == VT__TOKEN_USER;
    return VT_OK;
}

vt_status vt__tokenizer_decode(const vt_tokenizer *tok, const int32_t *ids, int64_t n, uint32_t flags, vt_buffer **out) {
    vt__bytes bytes;
    vt_status st = VT_OK;
    int at_start = !(flags & VT__TOKENIZE_CONTINUE);

    *out = NULL;
    vt__bytes_init(&bytes, tok->ctx);
    for (int64_t i = 0; i < n && st == VT_OK; i++) st = vt__tokenizer_append(tok, ids[i], flags, &at_start, &bytes);
    if (st != VT_OK) {
        vt__bytes_free(&bytes);
        return st;
    }
    return vt__bytes_finish(&bytes, "tokenizer", out);
}

/* ---- queries ---- */

vt_context *vt__tokenizer_context(const vt_tokenizer *tok) { return tok->ctx; }
int64_t vt__tokenizer_count(const vt_tokenizer *tok) { return tok->n_tokens; }
const char *vt__tokenizer_token(const vt_tokenizer *tok, int32_t id) { return id >= 0 && id < tok->n_tokens ? tok->pool + tok->start[id] : NULL; }
int32_t vt__tokenizer_bos(const vt_tokenizer *tok) { return tok->special[VT__SPECIAL_BOS]; }
int32_t vt__tokenizer_eos(const vt_tokenizer *tok) { return tok->special[VT__SPECIAL_EOS]; }
int32_t vt__tokenizer_special(const vt_tokenizer *tok, int32_t which) { return which >= 0 && which < VT__SPECIAL_COUNT ? tok->special[which] : -1; }
const char *vt__tokenizer_family(const vt_tokenizer *tok) { return tok->family->title; }
int32_t vt__tokenizer_is_eog(const vt_tokenizer *tok, int32_t id) { return id >= 0 && id < tok->n_tokens && (tok->type[id] & VT__TYPE_EOG) != 0; }
