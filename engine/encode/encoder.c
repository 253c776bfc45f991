/* The encoder's handle: opening, sizes that go together, release. */
#include "encode/encoder.h"

#include <fcntl.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "encode/encoder_internal.h"
#include "text/tokenizer.h"

vt_status vt__encoder_check_sizes(vt_encoder *enc, const char *name) {
    const vt__encoder_facts *f = &enc->facts;
    if (f->n_embd % f->n_heads)
        return vt__fail(VT_ERR_FORMAT, "%s: states of %lld elements for %d heads", name, (long long)f->n_embd, f->n_heads);
    enc->head_dim = f->n_embd / f->n_heads;
    return VT_OK;
}

/* A folder is one that is there and is one; whatever else is wrong, opening the file says it better. */
static int is_folder(vt_context *ctx, const char *path) {
    const vt__io *io = vt__context_io(ctx);
    struct stat st;
    int fd = io->open_at(io->user, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    int yes = io->stat(io->user, fd, &st) == 0 && S_ISDIR(st.st_mode);
    (void)io->close(io->user, fd);
    return yes;
}

static vt_status fill(vt_encoder *enc, const char *path, const vt__encoder_params *p) {
    vt__watch watch = {.what = "encoder", .cancel = p->cancel, .progress = p->progress, .progress_user = p->progress_user};
    enc->facts.numerics = p->numerics;
    vt_status st = is_folder(enc->ctx, path) ? vt__encoder_from_folder(enc, path) : vt__encoder_from_gguf(enc, path);
    if (st != VT_OK) return st;
    enc->facts.dim = enc->facts.kind == VT__ENCODER_SPARSE ? enc->facts.n_vocab : enc->facts.n_embd;
    if (enc->tokenizer && vt__tokenizer_count(enc->tokenizer) > enc->facts.n_vocab)
        return vt__fail(VT_ERR_FORMAT, "%s: a vocabulary of %lld tokens for %lld word embeddings", vt__source_name(&enc->source),
                        (long long)vt__tokenizer_count(enc->tokenizer), (long long)enc->facts.n_vocab);
    return vt__encoder_load(enc, &watch);
}

vt_status vt__encoder_open(vt_context *ctx, const char *path, const vt__encoder_params *params, vt_encoder **out) {
    *out = NULL;
    vt_encoder *enc = vt__calloc(ctx, sizeof *enc);
    if (!enc) return vt__fail_nomem("encoder", sizeof *enc);
    atomic_init(&enc->refs, 1);
    enc->ctx = vt__context_retain(ctx);
    enc->source.ctx = ctx;
    enc->source.prefix = "";
    vt_status st = fill(enc, path, params);
    if (st != VT_OK) {
        vt__encoder_release(enc);
        return st;
    }
    *out = enc;
    return VT_OK;
}

vt_encoder *vt__encoder_retain(vt_encoder *enc) {
    if (enc) atomic_fetch_add(&enc->refs, 1);
    return enc;
}

static void free_block(vt_context *ctx, vt__encoder_block *b) {
    vt__dense_free(ctx, &b->qkv);
    vt__dense_free(ctx, &b->out);
    vt__dense_free(ctx, &b->up);
    vt__dense_free(ctx, &b->down);
    vt__free(ctx, b->norm1);
    vt__free(ctx, b->norm2);
}

void vt__encoder_release(vt_encoder *enc) {
    if (!enc || atomic_fetch_sub(&enc->refs, 1) != 1) return;
    vt_context *ctx = enc->ctx;
    for (int32_t i = 0; enc->blocks && i < enc->facts.n_layers; i++) free_block(ctx, &enc->blocks[i]);
    vt__free(ctx, enc->blocks);
    vt__dense_free(ctx, &enc->transform);
    vt__dense_free(ctx, &enc->decoder);
    vt__free(ctx, enc->transform_norm);
    vt__free(ctx, enc->positions);
    vt__free(ctx, enc->embd_norm);
    vt__tokenizer_release(enc->tokenizer);
    vt__safetensors_release(enc->source.tensors);
    vt__gguf_release(enc->source.gguf);
    vt__free(ctx, enc);
    vt__context_release(ctx);
}

const vt__encoder_facts *vt__encoder_info(const vt_encoder *enc) { return &enc->facts; }

vt_status vt__encoder_tokenizer(vt_encoder *enc, vt_tokenizer **out) {
    *out = vt__tokenizer_retain(enc->tokenizer);
    return *out ? VT_OK : vt__fail(enc->tokenizer_status, "%s", enc->tokenizer_error);
}
