/* Sequences to vectors: sorted by length, cut into batches, run, pooled, and put back into the order they came in. */
#include <math.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/sort.h"
#include "encode/encoder_internal.h"
#include "vtk.h"

/* Rows of a batch: their states and those between the layers fit into the last-level cache beside the weights of a block. */
enum { BATCH_TOKENS = 1024, MOST_BATCH = 1 << 20 };

typedef struct pair {
    int32_t id;
    float weight;
} pair;

/* One call. */
typedef struct call {
    vt_encoder *enc;
    const vt__encode_params *params;
    const int32_t *ids;
    const int64_t *offsets;
    int64_t n;
    int32_t pooling;
    int64_t *order;   /* [n] sequences, longest first */
    int64_t *starts;  /* [n + 1] rows of the batch at hand */
    const int32_t **rows; /* [n] ids of the batch at hand */
    int64_t first;    /* of the batch, in order */
    vt__encoding pass;
    float *values;    /* dense: [n, dim], or [tokens, dim] */
    float *logits;    /* sparse: [n_vocab], the largest of a sequence */
    vt__bytes pairs;  /* sparse: in the order of the batches */
    int64_t *places, *counts; /* [n] sparse: where a sequence's pairs begin, and how many they are */
} call;

static int64_t length(const call *c, int64_t i) { return c->offsets[i + 1] - c->offsets[i]; }

static int is_longer(const void *user, int64_t a, int64_t b) { return length(user, a) > length(user, b); }

/* ---- checks ---- */

static vt_status check_sequence(const call *c, int64_t i) {
    const vt__encoder_facts *f = &c->enc->facts;
    if (c->offsets[i] < 0 || length(c, i) < 1) return vt__fail(VT_ERR_INVALID, "encode: sequence %lld has %lld ids, need 1 or more", (long long)i, (long long)length(c, i));
    if (length(c, i) > f->n_positions)
        return vt__fail(VT_ERR_LIMIT, "encode: sequence %lld has %lld ids, the model has %lld positions", (long long)i, (long long)length(c, i), (long long)f->n_positions);
    for (int64_t t = c->offsets[i]; t < c->offsets[i + 1]; t++)
        if (c->ids[t] < 0 || c->ids[t] >= f->n_vocab)
            return vt__fail(VT_ERR_INVALID, "encode: sequence %lld, place %lld: id %d, the model has %lld tokens", (long long)i, (long long)(t - c->offsets[i]), c->ids[t],
                            (long long)f->n_vocab);
    return VT_OK;
}

static vt_status check(const call *c) {
    const vt__encode_params *p = c->params;
    vt_status st = VT_OK;
    if (p->batch_tokens < 0 || p->batch_tokens > MOST_BATCH)
        return vt__fail(VT_ERR_INVALID, "encode: batch of %lld tokens, 0 to %d are allowed", (long long)p->batch_tokens, (int)MOST_BATCH);
    if (p->pooling < VT__POOL_MODEL || p->pooling > VT__POOL_TOKENS) return vt__fail(VT_ERR_INVALID, "encode: pooling %d is not known", p->pooling);
    if (c->enc->facts.kind == VT__ENCODER_SPARSE && (p->pooling != VT__POOL_MODEL || p->raw))
        return vt__fail(VT_ERR_INVALID, "encode: a sparse encoder has no choice of pooling or length");
    if (c->offsets[0] != 0) return vt__fail(VT_ERR_INVALID, "encode: offsets begin with %lld, need 0", (long long)c->offsets[0]);
    for (int64_t i = 0; i < c->n && st == VT_OK; i++) st = check_sequence(c, i);
    return st;
}

/* ---- dense: states to vectors ---- */

static void pool_rows(float *y, const float *x, int64_t n, int64_t dim, int32_t pooling) {
    memcpy(y, x, (size_t)dim * sizeof *y);
    if (pooling == VT__POOL_CLS) return;
    for (int64_t t = 1; t < n; t++) {
        x += dim;
        if (pooling == VT__POOL_MEAN) vtk_get()->add(y, x, dim);
        else
            for (int64_t i = 0; i < dim; i++) y[i] = x[i] > y[i] ? x[i] : y[i];
    }
    for (int64_t i = 0; pooling == VT__POOL_MEAN && i < dim; i++) y[i] /= (float)n;
}

/* To length 1; a vector of zeros stays one. */
static void to_unit(float *y, int64_t dim) {
    double squares = 0;
    for (int64_t i = 0; i < dim; i++) squares += (double)y[i] * (double)y[i];
    double scale = squares > 0 ? 1.0 / sqrt(squares) : 0;
    for (int64_t i = 0; i < dim; i++) y[i] = (float)((double)y[i] * scale);
}

static void pool_sequence(void *user, int64_t s) {
    const call *c = user;
    int64_t dim = c->enc->facts.n_embd, i = c->order[c->first + s], n = length(c, i);
    const float *x = c->pass.x + c->starts[s] * dim;
    if (c->pooling == VT__POOL_TOKENS) {
        float *y = c->values + c->offsets[i] * dim;
        memcpy(y, x, (size_t)(n * dim) * sizeof *y);
        for (int64_t t = 0; !c->params->raw && t < n; t++) to_unit(y + t * dim, dim);
        return;
    }
    pool_rows(c->values + i * dim, x, n, dim, c->pooling);
    if (!c->params->raw) to_unit(c->values + i * dim, dim);
}

/* ---- sparse: the lexicon ---- */

static int weighs_more(const void *user, int64_t a, int64_t b) {
    const pair *p = user;
    return p[a].weight > p[b].weight;
}

/* Pairs of the logits that say yes, largest first, in the order of ids where equal. */
static vt_status append_pairs(call *c, int64_t i) {
    int64_t n = 0, n_vocab = c->enc->facts.n_vocab;
    vt_status st = VT_OK;
    for (int64_t id = 0; id < n_vocab; id++) n += c->logits[id] > 0;
    pair *found = vt__calloc2(c->enc->ctx, n, 1, sizeof *found);
    int64_t *order = vt__calloc2(c->enc->ctx, n, 1, sizeof *order), k = 0;
    if (!found || !order) st = vt__fail_nomem("encode", (size_t)n * sizeof *found);
    for (int64_t id = 0; st == VT_OK && id < n_vocab; id++)
        if (c->logits[id] > 0) {
            order[k] = k;
            found[k++] = (pair){(int32_t)id, log1pf(c->logits[id])};
        }
    if (st == VT_OK && vt__sort(c->enc->ctx, order, n, weighs_more, found)) st = vt__fail_nomem("encode", 0);
    c->places[i] = c->pairs.len / (int64_t)sizeof(pair);
    c->counts[i] = n;
    for (k = 0; st == VT_OK && k < n; k++) vt__bytes_append(&c->pairs, &found[order[k]], sizeof(pair));
    vt__free(c->enc->ctx, found);
    vt__free(c->enc->ctx, order);
    return st;
}

/* log(1 + max(0, z)) grows with z, so the largest logit of each entry is all that is kept of [tokens, n_vocab]. */
static vt_status pool_lexicon(call *c) {
    const vt_encoder *enc = c->enc;
    int64_t dim = enc->facts.n_embd;
    vt_status st = VT_OK;
    vt__encoding_transform(&c->pass);
    for (int64_t s = 0; s < c->pass.n_seqs && st == VT_OK; s++) {
        for (int64_t id = 0; id < enc->facts.n_vocab; id++) c->logits[id] = -INFINITY;
        vt__dense_run(enc->ctx, &enc->decoder, &(vt__product_of){.rows = c->pass.q8, .x = c->pass.mixed + c->starts[s] * dim, .n_rows = c->starts[s + 1] - c->starts[s], .out = c->logits, .finish = VTK_GEMM_MAX});
        st = append_pairs(c, c->order[c->first + s]);
    }
    return st;
}

/* ---- batches ---- */

/* Sequences from `first` on that make a batch: as many as its tokens allow, one at least. */
static int64_t take_batch(call *c, int64_t first) {
    int64_t most = c->params->batch_tokens ? c->params->batch_tokens : BATCH_TOKENS, n = 0, rows = 0;
    c->starts[0] = 0;
    while (first + n < c->n) {
        int64_t i = c->order[first + n], more = length(c, i);
        if (n > 0 && rows + more > most) break;
        c->rows[n] = c->ids + c->offsets[i];
        rows += more;
        c->starts[++n] = rows;
    }
    return n;
}

static vt_status run_batches(call *c) {
    vt__watch watch = {.what = "encode", .cancel = c->params->cancel, .progress = c->params->progress, .progress_user = c->params->progress_user};
    int64_t most_rows = 0, total = c->offsets[c->n] - c->offsets[0], done = 0;
    for (int64_t first = 0; first < c->n; first += take_batch(c, first)) {
        int64_t n = take_batch(c, first);
        most_rows = c->starts[n] > most_rows ? c->starts[n] : most_rows;
    }
    vt_status st = vt__encoding_create(c->enc, most_rows, length(c, c->order[0]), &c->pass);
    for (c->first = 0; st == VT_OK && c->first < c->n; c->first += c->pass.n_seqs) {
        st = vt__watch_poll(&watch, (double)done / (double)total, "encoding");
        c->pass.n_seqs = take_batch(c, c->first);
        c->pass.n_rows = c->starts[c->pass.n_seqs];
        c->pass.starts = c->starts;
        c->pass.ids = c->rows;
        c->pass.watch = &watch;
        if (st == VT_OK) st = vt__encoding_run(&c->pass);
        if (st == VT_OK && c->logits) st = pool_lexicon(c);
        else if (st == VT_OK) vt__parallel(c->enc->ctx, c->pass.n_seqs, pool_sequence, c);
        done += c->pass.n_rows;
    }
    vt__encoding_free(&c->pass);
    return st == VT_OK ? vt__watch_poll(&watch, 1.0, "encoded") : st;
}

/* ---- results ---- */

static vt_status offsets_out(const call *c, vt_buffer **out) {
    vt_context *ctx = c->enc->ctx;
    int64_t *offsets = vt__calloc2(ctx, c->n + 2, 1, sizeof *offsets);
    if (!offsets) return vt__fail_nomem("encode", 0);
    for (int64_t i = 0; i < c->n; i++) offsets[i + 1] = offsets[i] + (c->logits ? c->counts[i] : length(c, i));
    return vt__buffer_take(ctx, offsets, (size_t)(c->n + 1) * sizeof *offsets, out);
}

/* The pairs in the order of the sequences. */
static vt_status pairs_out(call *c, vt_buffer **out) {
    vt__bytes bytes;
    if (c->pairs.failed) return vt__fail_nomem("encode", 0);
    vt__bytes_init(&bytes, c->enc->ctx);
    for (int64_t i = 0; i < c->n; i++) vt__bytes_append(&bytes, c->pairs.data + c->places[i] * (int64_t)sizeof(pair), (size_t)c->counts[i] * sizeof(pair));
    return vt__bytes_finish(&bytes, "encode", out);
}

static vt_status prepare(call *c) {
    vt_context *ctx = c->enc->ctx;
    int is_sparse = c->enc->facts.kind == VT__ENCODER_SPARSE;
    int64_t n_vectors = c->pooling == VT__POOL_TOKENS ? c->offsets[c->n] : c->n;
    c->order = vt__calloc2(ctx, c->n, 1, sizeof *c->order);
    c->starts = vt__calloc2(ctx, c->n + 1, 1, sizeof *c->starts);
    c->rows = vt__calloc2(ctx, c->n, 1, sizeof *c->rows);
    if (is_sparse) {
        c->logits = vt__calloc2(ctx, c->enc->facts.n_vocab, 1, sizeof *c->logits);
        c->places = vt__calloc2(ctx, c->n, 1, sizeof *c->places);
        c->counts = vt__calloc2(ctx, c->n, 1, sizeof *c->counts);
    } else {
        c->values = vt__calloc2(ctx, n_vectors + 1, c->enc->facts.n_embd, sizeof *c->values);
    }
    if (!c->order || !c->starts || !c->rows || (is_sparse ? !c->logits || !c->places || !c->counts : !c->values)) return vt__fail_nomem("encode", 0);
    for (int64_t i = 0; i < c->n; i++) c->order[i] = i;
    return vt__sort(ctx, c->order, c->n, is_longer, c) ? vt__fail_nomem("encode", 0) : VT_OK;
}

static void clean(call *c) {
    vt_context *ctx = c->enc->ctx;
    vt__free(ctx, c->order);
    vt__free(ctx, c->starts);
    vt__free(ctx, c->rows);
    vt__free(ctx, c->values);
    vt__free(ctx, c->logits);
    vt__free(ctx, c->places);
    vt__free(ctx, c->counts);
    vt__bytes_free(&c->pairs);
}

static vt_status hand_out(call *c, vt_buffer **out_values, vt_buffer **out_offsets) {
    size_t n_vectors = (size_t)(c->pooling == VT__POOL_TOKENS ? c->offsets[c->n] : c->n);
    int has_offsets = c->logits || c->pooling == VT__POOL_TOKENS;
    vt_status st = has_offsets ? offsets_out(c, out_offsets) : VT_OK;
    if (st == VT_OK && c->logits) {
        st = pairs_out(c, out_values);
    } else if (st == VT_OK) {
        float *values = c->values;
        c->values = NULL;
        st = vt__buffer_take(c->enc->ctx, values, n_vectors * (size_t)c->enc->facts.n_embd * sizeof *values, out_values);
    }
    if (st != VT_OK && has_offsets) {
        vt__buffer_release(*out_offsets);
        *out_offsets = NULL;
    }
    return st;
}

vt_status vt__encode_ids(vt_encoder *enc, const int32_t *ids, const int64_t *offsets, int64_t n, const vt__encode_params *params, vt_buffer **out_values,
                         vt_buffer **out_offsets) {
    call c = {.enc = enc, .params = params, .ids = ids, .offsets = offsets, .n = n, .pooling = params->pooling ? params->pooling : enc->facts.pooling};
    int needs_offsets = enc->facts.kind == VT__ENCODER_SPARSE || params->pooling == VT__POOL_TOKENS;

    *out_values = NULL;
    if (out_offsets) *out_offsets = NULL;
    if (needs_offsets && !out_offsets) return vt__fail(VT_ERR_INVALID, "encode: lists of several lengths need out_offsets");
    vt__bytes_init(&c.pairs, enc->ctx);
    vt_status st = check(&c);
    if (st == VT_OK) st = prepare(&c);
    if (st == VT_OK && n > 0) st = run_batches(&c);
    if (st == VT_OK) st = hand_out(&c, out_values, out_offsets);
    clean(&c);
    return st;
}
