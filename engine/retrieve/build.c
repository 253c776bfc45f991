#include "retrieve/build.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "retrieve/bm25.h"

/* Two passes, the first counting, the second writing, so that the image is one block of known size. Sources, passages and terms get their
 * new numbers first; then each list is copied in the order of those. */

/* A term of the new image: where it comes from and how many postings it will have. */
typedef struct merged {
    int64_t old, fresh; /* number in the old image and in the changes; -1: not there */
    int64_t n;
} merged;

typedef struct builder {
    vt_context *ctx;
    const vt__image *old; /* NULL: none */
    const vt__changes *c;
    vt__image_plan plan;
    int64_t *source_to;  /* [sources of the changes] new number or -1 */
    int64_t *passage_to; /* [passages of old] new id or -1 */
    int64_t *fresh_to;   /* [passages of the changes] new id or -1 */
    int64_t *fresh_n;    /* [terms of the changes] postings in passages that count */
    int64_t *fresh_sorted; /* [n_fresh_sorted] terms of the changes that have postings, by bytes */
    int64_t n_fresh_sorted;
    int64_t *fresh_term; /* [terms of the changes] new number */
    merged *terms;       /* [plan.meta.n_terms] */
    int64_t strings_len; /* written so far */
} builder;

static int64_t n_old_passages(const builder *b) { return b->old ? b->old->meta->n_passages : 0; }
static int64_t n_old_terms(const builder *b) { return b->old ? b->old->meta->n_terms : 0; }

static vt_status allocate(builder *b) {
    int64_t n_terms = b->c->terms.count;
    b->source_to = vt__calloc2(b->ctx, b->c->names.count, 1, sizeof(int64_t));
    b->passage_to = vt__calloc2(b->ctx, n_old_passages(b), 1, sizeof(int64_t));
    b->fresh_to = vt__calloc2(b->ctx, b->c->n_passages, 1, sizeof(int64_t));
    b->fresh_n = vt__calloc2(b->ctx, n_terms, 1, sizeof(int64_t));
    b->fresh_sorted = vt__calloc2(b->ctx, n_terms, 1, sizeof(int64_t));
    b->fresh_term = vt__calloc2(b->ctx, n_terms, 1, sizeof(int64_t));
    b->terms = vt__calloc2(b->ctx, n_old_terms(b) + n_terms, 1, sizeof *b->terms);
    int ok = b->source_to && b->passage_to && b->fresh_to && b->fresh_n && b->fresh_sorted && b->fresh_term && b->terms;
    return ok ? VT_OK : vt__fail(VT_ERR_NOMEM, "index: no memory to merge %lld terms", (long long)n_terms);
}

static void free_all(builder *b) {
    vt__free(b->ctx, b->source_to);
    vt__free(b->ctx, b->passage_to);
    vt__free(b->ctx, b->fresh_to);
    vt__free(b->ctx, b->fresh_n);
    vt__free(b->ctx, b->fresh_sorted);
    vt__free(b->ctx, b->fresh_term);
    vt__free(b->ctx, b->terms);
    vt__free(b->ctx, b->plan.block);
}

/* ---- who stays ---- */

/* New numbers of sources and passages. An old source's passages stay when the source of that name still points at it. */
static vt_status number_passages(builder *b) {
    const vt__changes *c = b->c;
    vt__image_meta *m = &b->plan.meta;
    for (int64_t i = 0; i < c->names.count; i++) b->source_to[i] = c->sources[i].place >= 0 ? m->n_sources++ : -1;
    for (int64_t p = 0; p < n_old_passages(b); p++) {
        const vt__image_source *s = &b->old->sources[b->old->passages[p].source];
        int64_t i = vt__map_find(&c->names, b->old->strings + s->name.at, (size_t)s->name.len);
        b->passage_to[p] = i >= 0 && c->sources[i].old == b->old->passages[p].source ? m->n_passages++ : -1;
    }
    for (int64_t p = 0; p < c->n_passages; p++) {
        const vt__new_passage *n = &c->passages[p];
        int counts = b->source_to[n->source] >= 0 && c->sources[n->source].epoch == n->epoch;
        b->fresh_to[p] = counts ? m->n_passages++ : -1;
    }
    if (m->n_passages <= VT__MAX_PASSAGES) return VT_OK;
    return vt__fail(VT_ERR_LIMIT, "index: %lld passages, at most %lld", (long long)m->n_passages, (long long)VT__MAX_PASSAGES);
}

/* ---- terms ---- */

static int term_before(const void *user, int64_t x, int64_t y) {
    const vt__map *terms = user;
    size_t x_len, y_len;
    const char *a = vt__map_key(terms, x, &x_len), *b = vt__map_key(terms, y, &y_len);
    return vt__compare_terms(a, x_len, b, y_len) < 0;
}

static vt_status sort_fresh_terms(builder *b) {
    const vt__changes *c = b->c;
    for (int64_t p = 0; p < c->n_passages; p++)
        for (int64_t j = 0; b->fresh_to[p] >= 0 && j < c->passages[p].n; j++) b->fresh_n[c->postings[c->passages[p].first + j].term]++;
    for (int64_t t = 0; t < c->terms.count; t++)
        if (b->fresh_n[t] > 0) b->fresh_sorted[b->n_fresh_sorted++] = t;
    return vt__sort(b->ctx, b->fresh_sorted, b->n_fresh_sorted, term_before, &c->terms) ? vt__fail_nomem("index", 0) : VT_OK;
}

static int64_t old_postings_left(const builder *b, int64_t term) {
    const vt__image_term *t = &b->old->terms[term];
    int64_t n = 0;
    for (int64_t j = t->first; j < t->first + t->n; j++) n += b->passage_to[b->old->ids[j]] >= 0;
    return n;
}

/* Two sorted lists into one; terms without postings drop out. */
static void merge_terms(builder *b) {
    vt__image_meta *m = &b->plan.meta;
    int64_t o = 0, f = 0;
    while (o < n_old_terms(b) || f < b->n_fresh_sorted) {
        merged t = {.old = -1, .fresh = -1};
        int order = o == n_old_terms(b) ? 1 : f == b->n_fresh_sorted ? -1 : 0;
        if (order == 0) {
            size_t len;
            const char *key = vt__map_key(&b->c->terms, b->fresh_sorted[f], &len);
            const vt__image_text *name = &b->old->terms[o].term;
            order = vt__compare_terms(b->old->strings + name->at, (size_t)name->len, key, len);
        }
        if (order <= 0) {
            t.n += old_postings_left(b, o);
            t.old = o++;
        }
        if (order >= 0) {
            t.fresh = b->fresh_sorted[f++];
            t.n += b->fresh_n[t.fresh];
            b->fresh_term[t.fresh] = m->n_terms;
        }
        if (t.n == 0) continue;
        b->terms[m->n_terms++] = t;
        m->n_postings += t.n;
    }
}

/* ---- writing ---- */

static int64_t strings_wanted(const builder *b) {
    const vt__changes *c = b->c;
    int64_t size = 0;
    for (int64_t i = 0; i < c->names.count; i++) size += b->source_to[i] >= 0 ? c->names.entries[i].len : 0;
    for (int64_t p = 0; p < n_old_passages(b); p++)
        size += b->passage_to[p] >= 0 ? b->old->passages[p].title.len + b->old->passages[p].text.len : 0;
    for (int64_t p = 0; p < c->n_passages; p++) size += b->fresh_to[p] >= 0 ? c->passages[p].title.len + c->passages[p].text.len : 0;
    for (int64_t t = 0; t < b->plan.meta.n_terms; t++)
        size += b->terms[t].old >= 0 ? b->old->terms[b->terms[t].old].term.len : c->terms.entries[b->terms[t].fresh].len;
    return size;
}

static vt__image_text write_text(builder *b, const char *text, int64_t len) {
    vt__image_text t = {.at = b->strings_len, .len = len};
    if (len > 0) memcpy(b->plan.strings + t.at, text, (size_t)len);
    b->strings_len += len;
    return t;
}

static vt__image_text write_slice(builder *b, const char *strings, vt__image_text from) {
    return write_text(b, from.len ? strings + from.at : "", from.len);
}

/* The strings: names of the sources, titles and texts, then terms, each said once where it is used. */
static void write_sources(builder *b) {
    const vt__changes *c = b->c;
    for (int64_t i = 0; i < c->names.count; i++) {
        if (b->source_to[i] < 0) continue;
        size_t len;
        const char *name = vt__map_key(&c->names, i, &len);
        b->plan.sources[b->source_to[i]] = (vt__image_source){write_text(b, name, (int64_t)len), c->sources[i].fingerprint};
    }
}

static void write_passages(builder *b) {
    const vt__changes *c = b->c;
    for (int64_t p = 0; p < n_old_passages(b); p++) {
        if (b->passage_to[p] < 0) continue;
        vt__image_passage n = b->old->passages[p];
        const vt__image_text *name = &b->old->sources[n.source].name;
        n.source = b->source_to[vt__map_find(&c->names, b->old->strings + name->at, (size_t)name->len)];
        n.title = write_slice(b, b->old->strings, n.title);
        n.text = write_slice(b, b->old->strings, n.text);
        b->plan.passages[b->passage_to[p]] = n;
    }
    for (int64_t p = 0; p < c->n_passages; p++) {
        if (b->fresh_to[p] < 0) continue;
        const vt__new_passage *from = &c->passages[p];
        vt__image_passage n = {.source = b->source_to[from->source], .n_words = from->n_words};
        n.title = write_slice(b, c->strings.data, from->title);
        n.text = write_slice(b, c->strings.data, from->text);
        b->plan.passages[b->fresh_to[p]] = n;
    }
}

static void write_posting(builder *b, int64_t term, int64_t id, uint32_t count, double weight) {
    int64_t at = b->plan.terms[term].first + b->plan.terms[term].n++;
    b->plan.ids[at] = (uint32_t)id;
    b->plan.weights[at] = weight;
    if (b->plan.meta.weighting == VT__WEIGHTING_BM25) b->plan.counts[at] = count;
}

static void write_terms(builder *b) {
    int64_t first = 0;
    for (int64_t t = 0; t < b->plan.meta.n_terms; t++) {
        const merged *m = &b->terms[t];
        vt__image_term *to = &b->plan.terms[t];
        if (m->old >= 0) {
            to->term = write_slice(b, b->old->strings, b->old->terms[m->old].term);
        } else {
            size_t len;
            const char *key = vt__map_key(&b->c->terms, m->fresh, &len);
            to->term = write_text(b, key, (int64_t)len);
        }
        to->first = first;
        first += m->n;
    }
}

/* Old postings term by term, new ones passage by passage: old ids are all lower, so each term's ids come out ascending. */
static void write_postings(builder *b) {
    const vt__changes *c = b->c;
    for (int64_t t = 0; t < b->plan.meta.n_terms; t++) {
        if (b->terms[t].old < 0) continue;
        const vt__image_term *from = &b->old->terms[b->terms[t].old];
        for (int64_t j = from->first; j < from->first + from->n; j++) {
            int64_t id = b->passage_to[b->old->ids[j]];
            uint32_t count = b->plan.meta.weighting == VT__WEIGHTING_BM25 ? b->old->counts[j] : 0;
            if (id >= 0) write_posting(b, t, id, count, b->old->weights[j]);
        }
    }
    for (int64_t p = 0; p < c->n_passages; p++) {
        if (b->fresh_to[p] < 0) continue;
        for (int64_t j = c->passages[p].first; j < c->passages[p].first + c->passages[p].n; j++)
            write_posting(b, b->fresh_term[c->postings[j].term], b->fresh_to[p], c->postings[j].count, c->postings[j].weight);
    }
}

/* The mean length is that of all passages, so every weight is made anew from its count. */
static void weigh(builder *b) {
    const vt__image_meta *m = &b->plan.meta;
    double words = 0;
    for (int64_t p = 0; p < m->n_passages; p++) words += (double)b->plan.passages[p].n_words;
    double mean = words > 0 ? words / (double)m->n_passages : 1;
    for (int64_t j = 0; j < m->n_postings; j++)
        b->plan.weights[j] = vt__bm25_weight(b->plan.counts[j], (double)b->plan.passages[b->plan.ids[j]].n_words, mean, m->k1, m->b);
}

vt_status vt__image_build(vt_context *ctx, const vt__image *old, const vt__changes *changes, const vt__index_params *params, vt__image *out) {
    builder b = {.ctx = ctx, .old = old, .c = changes};
    b.plan.meta = (vt__image_meta){.weighting = params->weighting, .k1 = params->k1, .b = params->b};
    vt_status st = allocate(&b);
    if (st == VT_OK) st = number_passages(&b);
    if (st == VT_OK) st = sort_fresh_terms(&b);
    if (st == VT_OK) {
        merge_terms(&b);
        b.plan.strings_size = strings_wanted(&b);
        st = vt__image_lay_out(ctx, &b.plan);
    }
    if (st == VT_OK) {
        write_sources(&b);
        write_passages(&b);
        write_terms(&b);
        write_postings(&b);
        if (params->weighting == VT__WEIGHTING_BM25) weigh(&b);
        vt__image_seal(ctx, &b.plan, out);
    }
    free_all(&b);
    return st;
}
