#include "retrieve/weights.h"

#include <math.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/memory.h"
#include "retrieve/bm25.h"

/* A block of n elements that a buffer can take: one byte more. Zeroed. */
static void *block_of(vt_context *ctx, int64_t n, size_t elem) {
    size_t bytes;
    return vt__mul_size(n, (int64_t)elem, &bytes) ? NULL : vt__calloc(ctx, bytes + 1);
}

/* offsets[i + 1] becomes the end of row i: lengths, then their running sum. */
static void measure(const vt__image *im, int64_t *offsets) {
    for (int64_t j = 0; j < im->meta->n_postings; j++) offsets[im->ids[j] + 1]++;
    for (int64_t i = 0; i < im->meta->n_passages; i++) offsets[i + 1] += offsets[i];
}

/* Terms in order, so that the columns of each row come ascending. Afterwards offsets[i] is where row i ends. */
static vt_status fill(const vt__image *im, int64_t *offsets, int32_t *columns, float *values) {
    const int counted = im->meta->weighting == VT__WEIGHTING_BM25;
    for (int64_t t = 0; t < im->meta->n_terms; t++) {
        const vt__image_term *term = &im->terms[t];
        double idf = counted ? vt__bm25_idf(im->meta->n_passages, term->n) : 0;
        for (int64_t j = term->first; j < term->first + term->n; j++) {
            double weight = counted ? (1 + log((double)im->counts[j])) * idf : im->weights[j];
            int64_t at = offsets[im->ids[j]]++;
            columns[at] = (int32_t)t;
            values[at] = (float)weight;
            if (!(values[at] > 0) || !isfinite(values[at]))
                return vt__fail(VT_ERR_NUMERIC, "index: weight %g of term %lld in passage %lld is no float32 above 0", weight, (long long)t,
                                (long long)im->ids[j]);
        }
    }
    return VT_OK;
}

/* Where rows end becomes where they begin again. */
static void shift(int64_t *offsets, int64_t n) {
    for (int64_t i = n; i > 0; i--) offsets[i] = offsets[i - 1];
    offsets[0] = 0;
}

vt_status vt__weights(const vt__image *image, vt__sparse_rows *out) {
    enum { N = 3 };
    vt_context *ctx = image->ctx;
    const vt__image_meta *m = image->meta;
    const int64_t counts[N] = {m->n_passages + 1, m->n_postings, m->n_postings};
    const size_t elems[N] = {sizeof(int64_t), sizeof(int32_t), sizeof(float)};
    void *blocks[N];
    vt_buffer *buffers[N] = {NULL, NULL, NULL};
    vt_status st = VT_OK;

    if (m->n_terms > INT32_MAX) return vt__fail(VT_ERR_LIMIT, "index: %lld terms, at most %d", (long long)m->n_terms, INT32_MAX);
    for (int i = 0; i < N; i++) {
        blocks[i] = block_of(ctx, counts[i], elems[i]);
        if (!blocks[i]) st = vt__fail_nomem("index", 0);
    }
    if (st == VT_OK) {
        measure(image, blocks[0]);
        st = fill(image, blocks[0], blocks[1], blocks[2]);
    }
    if (st == VT_OK) shift(blocks[0], m->n_passages);
    for (int i = 0; st == VT_OK && i < N; i++) {
        st = vt__buffer_take(ctx, blocks[i], (size_t)counts[i] * elems[i], &buffers[i]);
        blocks[i] = NULL;
    }
    if (st == VT_OK) {
        *out = (vt__sparse_rows){m->n_passages, m->n_terms, buffers[0], buffers[1], buffers[2]};
        return VT_OK;
    }
    for (int i = 0; i < N; i++) {
        vt__free(ctx, blocks[i]);
        vt__buffer_release(buffers[i]);
    }
    return st;
}
