/* Ids to text as they come: bytes wait until their code point is complete, and text until it is no beginning of a stop string. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "text/stops.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD"

struct vt_decoder {
    vt_context *ctx;
    vt_tokenizer *tok;
    uint32_t flags;
    int at_start;   /* no text handed in yet, or behind a special token */
    vt__bytes raw;  /* bytes not handed out yet: before a call, the beginning of one code point */
    vt__bytes text; /* what the last call handed out, then what is held back */
    int64_t given;  /* bytes of text that were handed out */
    vt__stops stops;
    int64_t stopped; /* number of the stop string that was met, -1: none */
    int is_over;     /* finished: the next id begins another text */
};

vt_status vt__decoder_create(vt_tokenizer *tok, uint32_t flags, vt_decoder **out) {
    vt_context *ctx = vt__tokenizer_context(tok);
    vt_decoder *dec = *out = vt__calloc(ctx, sizeof *dec);
    if (!dec) return vt__fail_nomem("decoder", sizeof *dec);
    dec->ctx = ctx;
    dec->tok = vt__tokenizer_retain(tok);
    dec->flags = flags;
    dec->at_start = !(flags & VT__TOKENIZE_CONTINUE);
    dec->stopped = -1;
    vt__bytes_init(&dec->raw, ctx);
    vt__bytes_init(&dec->text, ctx);
    return VT_OK;
}

void vt__decoder_release(vt_decoder *dec) {
    if (!dec) return;
    vt_tokenizer *tok = dec->tok; /* keeps the context alive */
    vt__bytes_free(&dec->raw);
    vt__bytes_free(&dec->text);
    vt__free(dec->ctx, dec->stops.texts);
    vt__free(dec->ctx, dec);
    vt__tokenizer_release(tok);
}

vt_status vt__decoder_set_stops(vt_decoder *dec, const char *const *texts, int64_t n) { return vt__stops_set(dec->ctx, &dec->stops, texts, n); }

int64_t vt__decoder_stopped(const vt_decoder *dec) { return dec->stopped; }

/* Moves what is complete from raw to text; `last`: an unfinished code point is invalid. Returns how many bytes of raw are done with. */
static int64_t complete(vt_decoder *dec, int last) {
    int64_t at = 0;
    while (at < dec->raw.len && !dec->text.failed) {
        size_t n;
        int found = vt__utf8_step(dec->raw.data + at, (size_t)(dec->raw.len - at), &n);
        if (found == VT__UTF8_PARTIAL && !last) break;
        if (found == VT__UTF8_VALID) vt__bytes_append(&dec->text, dec->raw.data + at, n);
        else vt__bytes_append(&dec->text, REPLACEMENT, strlen(REPLACEMENT));
        at += (int64_t)n;
    }
    return at;
}

/* Hands out what nothing more can change. Behind a stop string there is no text. */
static vt_status move(vt_decoder *dec, int last, const char **out_text, size_t *out_len) {
    if (dec->given > 0) memmove(dec->text.data, dec->text.data + dec->given, (size_t)(dec->text.len - dec->given));
    dec->text.len -= dec->given;
    dec->given = 0;
    int64_t held = dec->text.len, at = dec->stopped < 0 ? complete(dec, last) : dec->raw.len;
    size_t size = (size_t)dec->text.len;
    if (dec->text.failed) {
        dec->text.failed = 0;
        dec->text.len = held;
        return vt__fail_nomem("decoder", 0);
    }
    if (at > 0) memmove(dec->raw.data, dec->raw.data + at, (size_t)(dec->raw.len - at));
    dec->raw.len -= at;
    if (dec->stopped < 0) dec->stopped = vt__stops_find(&dec->stops, dec->text.data, size, &size);
    if (dec->stopped >= 0) dec->text.len = (int64_t)size;
    if (last) size = (size_t)dec->text.len;
    dec->given = (int64_t)size;
    *out_text = dec->text.data ? dec->text.data : "";
    *out_len = size;
    return VT_OK;
}

/* On failure the id was not taken. */
vt_status vt__decoder_push(vt_decoder *dec, int32_t id, const char **out_text, size_t *out_len) {
    int64_t before = dec->raw.len;
    int at_start = dec->at_start;
    if (dec->is_over) dec->stopped = -1;
    dec->is_over = 0;
    vt_status st = vt__tokenizer_append(dec->tok, id, dec->flags, &at_start, &dec->raw);
    if (st == VT_OK && dec->raw.failed) st = vt__fail_nomem("decoder", 0);
    if (st == VT_OK) st = move(dec, 0, out_text, out_len);
    if (st != VT_OK) {
        dec->raw.failed = 0;
        dec->raw.len = before;
        return st;
    }
    dec->at_start = at_start;
    return VT_OK;
}

vt_status vt__decoder_finish(vt_decoder *dec, const char **out_text, size_t *out_len) {
    vt_status st = move(dec, 1, out_text, out_len);
    if (st != VT_OK) return st;
    dec->at_start = !(dec->flags & VT__TOKENIZE_CONTINUE);
    dec->is_over = 1;
    return VT_OK;
}
