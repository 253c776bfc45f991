/* Venturi from C: opens a model, generates, reads an error's text, cancels.   usage: host MODEL.gguf */
#include <stdio.h>
#include <string.h>

#include <venturi.h>

static int give_up(const char *what) {
    fprintf(stderr, "%s: %s\n", what, vt_error_message());
    return 1;
}

static int32_t print_piece(void *user, int32_t id, const char *text, size_t len) {
    (void)user;
    (void)id;
    fwrite(text, 1, len, stdout);
    return 0;
}

int main(int argc, char **argv) {
    static const char prompt[] = "The capital of France is";
    int32_t ids[64] = {1, 2, 3, 4, 5}, id; /* for a model without a vocabulary */
    int64_t n = 5;
    vt_context *ctx;
    vt_model *model;
    vt_tokenizer *tok;
    vt_session *session;
    vt_cancel *cancel;
    vt_sampler *greedy;
    vt_buffer *b;

    if (argc != 2) return 2;
    if (vt_context_create(NULL, &ctx) != VT_OK) return give_up("context");
    if (vt_model_open(ctx, "/nowhere/model.gguf", NULL, &model) != VT_ERR_NOT_FOUND) return give_up("missing file");
    printf("error: %s\n", vt_error_message());
    if (vt_model_open(ctx, argv[1], NULL, &model) != VT_OK) return give_up("model");
    if (vt_cancel_create(ctx, &cancel) != VT_OK) return give_up("cancel");
    vt_session_options so = VT_STRUCT_INIT(vt_session_options);
    so.n_ctx = 64;
    so.cancel = cancel;
    if (vt_session_create(model, &so, &session) != VT_OK) return give_up("session");
    if (vt_model_tokenizer(model, &tok) == VT_OK) {
        if (vt_tokenizer_encode(tok, prompt, strlen(prompt), VT_TOKENIZE_SPECIAL, &b) != VT_OK) return give_up("encode");
        n = (int64_t)(vt_buffer_size(b) / sizeof *ids);
        memcpy(ids, vt_buffer_data(b), vt_buffer_size(b) < sizeof ids ? vt_buffer_size(b) : sizeof ids);
        vt_buffer_release(b);
    }
    if (vt_session_feed(session, ids, n) != VT_OK) return give_up("feed");
    if (tok) {
        vt_generate_options go = VT_STRUCT_INIT(vt_generate_options);
        go.max_tokens = 8;
        go.piece = print_piece;
        if (vt_session_generate(session, &go, NULL) != VT_OK) return give_up("generate");
        putchar('\n');
    } else {
        if (vt_sampler_create(ctx, NULL, &greedy) != VT_OK) return give_up("sampler");
        for (int i = 0; i < 8; i++) {
            if (vt_session_next(session, greedy, &id) != VT_OK) return give_up("next");
            printf("token: %d\n", (int)id);
        }
        vt_sampler_release(greedy);
    }
    vt_cancel_raise(cancel);
    if (vt_session_feed(session, ids, n) != VT_ERR_CANCELLED) return give_up("a cancelled feed");
    printf("cancelled: %s\n", vt_error_message());
    vt_session_release(session);
    vt_cancel_release(cancel);
    vt_tokenizer_release(tok);
    vt_model_release(model);
    vt_context_release(ctx);
    return 0;
}
