/* The WordPiece vocabulary of a folder: tokenizer.json, or vocab.txt (a piece a line) with tokenizer_config.json. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "encode/config.h"
#include "encode/encoder_internal.h"
#include "text/tokenizer.h"

enum { MOST_TOKENS = 1 << 24, BERT_WORD = 100 /* characters, BERT's own limit */, MOST_BYTES = 1 << 26 };

static vt__wordpiece begin(const char *name) {
    vt__wordpiece w = {.name = name, .max_word = BERT_WORD};
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) w.special[i] = -1;
    return w;
}

/* Uncased models strip accents unless told otherwise. */
static uint32_t flags_of(int lower, int strip, int ideographs, int clean) {
    return (lower ? (uint32_t)VT__WORDPIECE_LOWERCASE : 0) | (strip ? (uint32_t)VT__WORDPIECE_STRIP_ACCENTS : 0) |
           (ideographs ? (uint32_t)VT__WORDPIECE_IDEOGRAPHS : 0) | (clean ? (uint32_t)VT__WORDPIECE_CLEAN : 0);
}

/* A truth in a JSON object; `absent` also for null. */
static int truth(const unsigned char *map, const unsigned char *end, const char *key, int absent) {
    vt__msgpack_item item;
    const unsigned char *at = vt__msgpack_find(map, end, key);
    if (!at || vt__msgpack_read(&at, end, &item) != VT_OK || item.kind != VT__MSGPACK_BOOL) return absent;
    return item.i != 0;
}

/* Whether the object has this string at the key. */
static int says(const unsigned char *map, const unsigned char *end, const char *key, const char *text) {
    vt__msgpack_item item;
    const unsigned char *at = vt__msgpack_find(map, end, key);
    return at && vt__msgpack_read(&at, end, &item) == VT_OK && vt__msgpack_is(&item, text);
}

/* ---- tokenizer.json ---- */

/* Pieces by their ids, which must be 0 to n - 1. */
static vt_status read_pieces(vt_context *ctx, const vt__config *c, const unsigned char *at, vt__wordpiece *w, vt__span **out) {
    vt__msgpack_item map, piece, id;
    if (!at || vt__msgpack_read(&at, c->end, &map) != VT_OK || map.kind != VT__MSGPACK_MAP || map.u < 1 || map.u > MOST_TOKENS)
        return vt__fail(VT_ERR_FORMAT, "%s: model.vocab is no object of 1 to %d pieces", c->name, (int)MOST_TOKENS);
    vt__span *pieces = *out = vt__calloc2(ctx, (int64_t)map.u, 1, sizeof *pieces);
    if (!pieces) return vt__fail_nomem("tokenizer", (size_t)map.u * sizeof *pieces);
    for (uint64_t i = 0; i < map.u; i++) {
        (void)vt__msgpack_read(&at, c->end, &piece);
        (void)vt__msgpack_read(&at, c->end, &id);
        if (id.kind != VT__MSGPACK_INT || id.i < 0 || (uint64_t)id.i >= map.u || pieces[id.i].data)
            return vt__fail(VT_ERR_FORMAT, "%s: piece %llu of model.vocab has an id that is taken, or not in 0 to %llu", c->name, (unsigned long long)i,
                            (unsigned long long)map.u - 1);
        pieces[id.i] = (vt__span){(const char *)piece.data, piece.size};
    }
    w->tokens = pieces;
    w->n_tokens = (int64_t)map.u;
    return VT_OK;
}

static vt_status read_rules(const vt__config *c, vt__wordpiece *w) {
    const unsigned char *model = vt__msgpack_find(c->data, c->end, "model"), *cleaner = vt__msgpack_find(c->data, c->end, "normalizer");
    const unsigned char *at = vt__msgpack_find(model, c->end, "max_input_chars_per_word");
    vt__msgpack_item item;
    if (!says(model, c->end, "type", "WordPiece")) return vt__fail(VT_ERR_UNSUPPORTED, "%s: a tokenizer that is not WordPiece", c->name);
    if (!says(model, c->end, "continuing_subword_prefix", "##")) return vt__fail(VT_ERR_UNSUPPORTED, "%s: pieces inside words do not begin with \"##\"", c->name);
    if (!says(cleaner, c->end, "type", "BertNormalizer")) return vt__fail(VT_ERR_UNSUPPORTED, "%s: a normalizer that is not BertNormalizer", c->name);
    if (at && vt__msgpack_read(&at, c->end, &item) == VT_OK && item.kind == VT__MSGPACK_INT && item.i > 0) w->max_word = item.i;
    int lower = truth(cleaner, c->end, "lowercase", 1);
    w->flags = flags_of(lower, truth(cleaner, c->end, "strip_accents", lower), truth(cleaner, c->end, "handle_chinese_chars", 1),
                        truth(cleaner, c->end, "clean_text", 1));
    return VT_OK;
}

static vt_status from_json(vt_encoder *enc, const char *path) {
    vt__wordpiece w = begin("tokenizer.json");
    vt__span *pieces = NULL;
    vt__config c;
    vt_status st = vt__config_open(enc->ctx, path, w.name, &c);
    if (st != VT_OK) return st;
    st = read_rules(&c, &w);
    if (st == VT_OK) st = read_pieces(enc->ctx, &c, vt__msgpack_find(vt__msgpack_find(c.data, c.end, "model"), c.end, "vocab"), &w, &pieces);
    if (st == VT_OK) st = vt__tokenizer_wordpiece(enc->ctx, &w, &enc->tokenizer);
    vt__free(enc->ctx, pieces);
    vt__config_free(&c);
    return st;
}

/* ---- vocab.txt ---- */

static vt_status read_lines(vt_context *ctx, const char *text, size_t size, vt__wordpiece *w, vt__span **out) {
    const char *end = text + size;
    int64_t n = 0;
    if (size < 1) return vt__fail(VT_ERR_LIMIT, "%s: no bytes, 1 to %d are read", w->name, (int)MOST_BYTES);
    for (const char *p = text; p < end; p++) n += *p == '\n' || p + 1 == end;
    vt__span *lines = *out = vt__calloc2(ctx, n, 1, sizeof *lines);
    if (!lines) return vt__fail_nomem("tokenizer", (size_t)n * sizeof *lines);
    for (int64_t i = 0; i < n; i++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((stop ? stop : end) - text);
        lines[i] = (vt__span){text, len > 0 && text[len - 1] == '\r' ? len - 1 : len};
        text = stop ? stop + 1 : end;
    }
    w->tokens = lines;
    w->n_tokens = n;
    return VT_OK;
}

/* *lower stays as it is where there is no such file. */
static vt_status read_case(vt_encoder *enc, const char *path, vt__wordpiece *w) {
    vt__config c;
    int lower = 1, strip = 1, ideographs = 1;
    vt_status st = vt__config_open(enc->ctx, path, "tokenizer_config.json", &c);
    if (st == VT_OK) {
        lower = truth(c.data, c.end, "do_lower_case", 1);
        strip = truth(c.data, c.end, "strip_accents", lower);
        ideographs = truth(c.data, c.end, "tokenize_chinese_chars", 1);
        vt__config_free(&c);
    }
    w->flags = flags_of(lower, strip, ideographs, 1);
    return st == VT_ERR_NOT_FOUND ? VT_OK : st;
}

static vt_status from_lines(vt_encoder *enc, const char *path) {
    vt__wordpiece w = begin("vocab.txt");
    vt__span *lines = NULL;
    char *file, *text;
    size_t size;
    vt_status st = vt__config_path(enc->ctx, path, w.name, &file);
    if (st != VT_OK) return st;
    st = vt__read_file(enc->ctx, file, MOST_BYTES, &text, &size);
    vt__config_path_free(enc->ctx, file);
    if (st != VT_OK) return st;
    st = read_lines(enc->ctx, text, size, &w, &lines);
    if (st == VT_OK) st = read_case(enc, path, &w);
    if (st == VT_OK) st = vt__tokenizer_wordpiece(enc->ctx, &w, &enc->tokenizer);
    vt__free(enc->ctx, lines);
    vt__free(enc->ctx, text);
    return st;
}

/* A model without a vocabulary, or with one of another family, still encodes ids: the reason is kept for who asks for the tokenizer. */
vt_status vt__encoder_vocab(vt_encoder *enc, const char *path) {
    vt_status st = from_json(enc, path);
    if (st == VT_ERR_NOT_FOUND) st = from_lines(enc, path);
    if (st != VT_ERR_NOT_FOUND && st != VT_ERR_UNSUPPORTED) return st;
    (void)snprintf(enc->tokenizer_error, sizeof enc->tokenizer_error, "%s", vt__error_message());
    enc->tokenizer_status = st;
    return VT_OK;
}
