/* The loop around vt__session_next: when to stop, and the text as it comes. */
#include "core/buffer.h"
#include "core/error.h"
#include "llm/model.h"
#include "llm/session.h"
#include "text/tokenizer.h"

typedef struct generation {
    vt_session *s;
    const vt__generate_params *p;
    vt_tokenizer *tok; /* NULL: the model has none, and no text is wanted */
    vt_decoder *dec;   /* NULL: no text is wanted */
    vt__bytes text;
    int collect;
    int stopped; /* by the piece callback */
    int32_t end; /* VT__END_* */
} generation;

static void deliver(generation *g, int32_t id, const char *text, size_t len) {
    if (len == 0 && !g->p->each_token) return;
    if (g->collect && len > 0) vt__bytes_append(&g->text, text, len);
    if (g->p->piece && !g->stopped) g->stopped = g->p->piece(g->p->piece_user, id, text, len) != 0;
}

/* One token; *out_id is -1 where there is none any more. */
static vt_status draw(generation *g, int32_t *out_id) {
    const vt__generate_params *p = g->p;
    *out_id = -1;
    if (vt__session_count(g->s) == vt__session_n_ctx(g->s)) { /* a full context is a normal end */
        g->end = VT__END_CONTEXT;
        return VT_OK;
    }
    int32_t id;
    vt_status st = vt__session_next(g->s, p->sampler, &id);
    if (st != VT_OK) return st;
    if (p->ignore_eog || !g->tok || !vt__tokenizer_is_eog(g->tok, id)) *out_id = id;
    else g->end = VT__END_EOG;
    return VT_OK;
}

static vt_status loop(generation *g) {
    const vt__generate_params *p = g->p;
    const char *text;
    size_t len;
    int32_t id = -1, last = -1;
    vt_status st = VT_OK;
    g->end = VT__END_LENGTH;
    for (int64_t i = 0; p->max_tokens == 0 || i < p->max_tokens; i++) {
        st = draw(g, &id);
        if (st != VT_OK) return st;
        if (id < 0) break;
        last = id;
        if (!g->dec) continue;
        st = vt__decoder_push(g->dec, id, &text, &len);
        if (st != VT_OK) return st;
        deliver(g, id, text, len);
        if (vt__decoder_stopped(g->dec) >= 0) g->end = VT__END_STOP;
        else if (g->stopped) g->end = VT__END_PIECE;
        else continue;
        break;
    }
    if (!g->dec) return VT_OK;
    st = vt__decoder_finish(g->dec, &text, &len);
    if (st == VT_OK && len > 0) deliver(g, last, text, len);
    return st;
}

vt_status vt__session_generate(vt_session *s, const vt__generate_params *params, vt_buffer **out) {
    vt_model *model = vt__session_model(s);
    generation g = {.s = s, .p = params, .collect = out != NULL};
    if (params->max_tokens < 0)
        return vt__fail(VT_ERR_INVALID, "generate: max_tokens=%lld, need 0 (no limit) or more", (long long)params->max_tokens);
    vt__bytes_init(&g.text, vt__model_context(model));
    vt_status st = vt__model_tokenizer(model, &g.tok);
    int wants_text = out || params->piece || params->n_stops > 0;
    if (st != VT_OK && !wants_text) st = VT_OK; /* ids need no vocabulary */
    if (st == VT_OK && wants_text) st = vt__decoder_create(g.tok, VT__TOKENIZE_CONTINUE, &g.dec);
    if (st == VT_OK && g.dec) st = vt__decoder_set_stops(g.dec, params->stops, params->n_stops);
    if (st == VT_OK) st = loop(&g);
    if (st == VT_OK && out) st = vt__bytes_finish(&g.text, "generate", out);
    if (st == VT_OK && params->out_end) *params->out_end = g.end;
    vt__bytes_free(&g.text);
    vt__decoder_release(g.dec);
    vt__tokenizer_release(g.tok);
    return st;
}
