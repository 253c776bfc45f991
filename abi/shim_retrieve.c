/* Public calls of venturi/retrieve.h: check, normalise options, forward. */
#include "venturi/retrieve.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "retrieve/hits.h"
#include "retrieve/index.h"

_Static_assert((int)VT_WEIGHTING_BM25 == (int)VT__WEIGHTING_BM25 && (int)VT_WEIGHTING_GIVEN == (int)VT__WEIGHTING_GIVEN, "one numbering");
_Static_assert(sizeof(vt_term) == sizeof(vt__given_term) && offsetof(vt_term, term_len) == offsetof(vt__given_term, len) &&
                   offsetof(vt_term, weight) == offsetof(vt__given_term, weight),
               "the engine reads the caller's terms in place");

static const double LARGEST_WEIGHT = 3.4e38; /* products and sums of so large weights are still finite */

static vt_status check_options(const vt_index_options *o) {
    const uint32_t known = VT_INDEX_CREATE | VT_INDEX_READ_ONLY | VT_INDEX_NO_LENGTH_NORM;
    if ((o->flags & ~known) || o->reserved) return vt__fail(VT_ERR_INVALID, "index: unknown flags 0x%x or reserved %d", o->flags & ~known, o->reserved);
    if ((o->flags & VT_INDEX_CREATE) && (o->flags & VT_INDEX_READ_ONLY)) return vt__fail(VT_ERR_INVALID, "index: create and read only exclude each other");
    if (o->weighting != VT_WEIGHTING_BM25 && o->weighting != VT_WEIGHTING_GIVEN) return vt__fail(VT_ERR_INVALID, "index: weighting %d", o->weighting);
    if (!(o->k1 >= 0 && o->k1 <= 100)) return vt__fail(VT_ERR_INVALID, "index: k1=%g, need 0 to 100", o->k1);
    if (!(o->b >= 0 && o->b <= 1)) return vt__fail(VT_ERR_INVALID, "index: b=%g, need 0 to 1", o->b);
    if (o->b > 0 && (o->flags & VT_INDEX_NO_LENGTH_NORM)) return vt__fail(VT_ERR_INVALID, "index: b=%g together with no length norm", o->b);
    return VT_OK;
}

vt_status vt_index_open(vt_context *ctx, const char *path, const vt_index_options *opt, vt_index **out) {
    enum { FIRST_SIZE = 32 };
    vt_index_options o;
    if (out) *out = NULL;
    if (!ctx || !out || (path && !*path)) return vt__fail(VT_ERR_INVALID, "index: open needs a context, out and a path that is not empty");
    vt_status st = vt__options_read("index", &o, sizeof o, FIRST_SIZE, opt);
    if (st == VT_OK) st = check_options(&o);
    if (st != VT_OK) return st;
    vt__index_open_params p = {(o.flags & VT_INDEX_CREATE) != 0, (o.flags & VT_INDEX_READ_ONLY) != 0, (o.flags & VT_INDEX_NO_LENGTH_NORM) != 0,
                               o.weighting, o.k1, o.b};
    return vt__index_open(ctx, path, &p, out);
}

vt_index *vt_index_retain(vt_index *index) { return vt__index_retain(index); }
void vt_index_release(vt_index *index) { vt__index_release(index); }

static vt_status check_name(const void *index, const char *name) {
    return index && name && *name ? VT_OK : vt__fail(VT_ERR_INVALID, "index: need an index and a source name that is not empty");
}

vt_status vt_index_put_source(vt_index *index, const char *name, uint64_t fingerprint) {
    vt_status st = check_name(index, name);
    return st == VT_OK ? vt__index_put_source(index, name, fingerprint) : st;
}

vt_status vt_index_remove_source(vt_index *index, const char *name) {
    vt_status st = check_name(index, name);
    return st == VT_OK ? vt__index_remove_source(index, name) : st;
}

static vt_status check_terms(const vt_term *terms, int64_t n) {
    if (n < 0 || (n > 0 && !terms)) return vt__fail(VT_ERR_INVALID, "index: %lld terms at NULL", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        if (!terms[i].term && terms[i].term_len > 0) return vt__fail(VT_ERR_INVALID, "index: term %lld is NULL", (long long)i);
        if (!(terms[i].weight > 0 && terms[i].weight <= LARGEST_WEIGHT))
            return vt__fail(VT_ERR_INVALID, "index: weight %g of term %lld, need > 0 to %g", terms[i].weight, (long long)i, LARGEST_WEIGHT);
    }
    return VT_OK;
}

static vt_status check_passage(const vt_index *index, const vt_passage *p) {
    int given = vt__index_weighting(index) == VT_WEIGHTING_GIVEN;
    if (p->flags & ~(uint32_t)VT_PASSAGE_INDEX_TITLE) return vt__fail(VT_ERR_INVALID, "index: unknown passage flags 0x%x", p->flags);
    if ((!p->title && p->title_len) || (!p->text && p->text_len)) return vt__fail(VT_ERR_INVALID, "index: title or text is NULL but not empty");
    if (!given && p->n_terms) return vt__fail(VT_ERR_INVALID, "index: %lld terms, but this index takes the words of the text", (long long)p->n_terms);
    if (given && p->flags) return vt__fail(VT_ERR_INVALID, "index: the title's words count under BM25 only");
    return check_terms(p->terms, p->n_terms);
}

vt_status vt_index_add(vt_index *index, const char *source, const vt_passage *passage) {
    enum { FIRST_SIZE = 56 };
    vt_passage p;
    vt_status st = check_name(index, source);
    if (st == VT_OK && !passage) st = vt__fail(VT_ERR_INVALID, "index: passage is NULL");
    if (st == VT_OK) st = vt__options_read("passage", &p, sizeof p, FIRST_SIZE, passage);
    if (st == VT_OK) st = check_passage(index, &p);
    if (st != VT_OK) return st;
    return vt__index_add(index, source, &(vt__passage_params){p.title, p.title_len, p.text, p.text_len, (const vt__given_term *)(const void *)p.terms,
                                                              p.n_terms, vt__index_weighting(index) == VT_WEIGHTING_GIVEN, (int)p.flags});
}

vt_status vt_index_fingerprint(const vt_index *index, const char *name, uint64_t *out) {
    vt_status st = check_name(index, name);
    if (st == VT_OK && !out) st = vt__fail(VT_ERR_INVALID, "index: out is NULL");
    return st == VT_OK ? vt__index_fingerprint(index, name, out) : st;
}

int64_t vt_index_source_count(const vt_index *index) { return index ? vt__index_source_count(index) : 0; }
const char *vt_index_source_name(const vt_index *index, int64_t i) { return index ? vt__index_source_name(index, i) : NULL; }
int64_t vt_index_count(const vt_index *index) { return index ? vt__index_count(index) : 0; }
vt_status vt_index_commit(vt_index *index) { return index ? vt__index_commit(index) : vt__fail(VT_ERR_INVALID, "index: commit needs an index"); }

static vt_status read_search(const vt_search_options *opt, vt__search_params *out) {
    enum { FIRST_SIZE = 32, DEFAULT_K = 10 };
    vt_search_options o;
    vt_status st = vt__options_read("search", &o, sizeof o, FIRST_SIZE, opt);
    if (st != VT_OK) return st;
    if (o.flags) return vt__fail(VT_ERR_INVALID, "search: unknown flags 0x%x", o.flags);
    if (o.k < 0) return vt__fail(VT_ERR_INVALID, "search: k=%lld, need 0 or more", (long long)o.k);
    if (isnan(o.min_score) || !(o.min_coverage >= 0 && o.min_coverage <= 1))
        return vt__fail(VT_ERR_INVALID, "search: min_score=%g min_coverage=%g, need a number and 0 to 1", o.min_score, o.min_coverage);
    *out = (vt__search_params){.k = o.k ? o.k : DEFAULT_K, .min_score = o.min_score, .min_coverage = o.min_coverage};
    return VT_OK;
}

vt_status vt_index_search(const vt_index *index, const char *query, size_t len, const vt_search_options *opt, vt_hits **out) {
    vt__search_params p;
    if (out) *out = NULL;
    if (!index || !out || (!query && len)) return vt__fail(VT_ERR_INVALID, "search: needs an index, a query and out");
    vt_status st = read_search(opt, &p);
    return st == VT_OK ? vt__index_search(index, query, len, &p, out) : st;
}

vt_status vt_index_search_terms(const vt_index *index, const vt_term *terms, int64_t n, const vt_search_options *opt, vt_hits **out) {
    vt__search_params p;
    if (out) *out = NULL;
    if (!index || !out) return vt__fail(VT_ERR_INVALID, "search: needs an index and out");
    vt_status st = check_terms(terms, n);
    if (st == VT_OK) st = read_search(opt, &p);
    return st == VT_OK ? vt__index_search_terms(index, (const vt__given_term *)(const void *)terms, n, &p, out) : st;
}

vt_status vt_index_weights(const vt_index *index, vt_index_rows *out) {
    enum { FIRST_SIZE = 48 };
    vt__sparse_rows rows;
    if (!index || !out || out->struct_size < FIRST_SIZE) return vt__fail(VT_ERR_INVALID, "index: weights need an index and out with its size");
    vt_status st = vt__index_weights(index, &rows);
    if (st != VT_OK) return st;
    vt_index_rows v = {sizeof v, 0, rows.n, rows.dim, rows.offsets, rows.columns, rows.values};
    return vt__result_write("index", out, &v, sizeof v, FIRST_SIZE);
}

int64_t vt_hits_count(const vt_hits *hits) { return hits ? vt__hits_count(hits) : 0; }

vt_status vt_hits_get(const vt_hits *hits, int64_t i, vt_hit *out) {
    enum { FIRST_SIZE = 72 };
    if (!hits || !out || i < 0 || i >= vt__hits_count(hits))
        return vt__fail(VT_ERR_INVALID, "hits: %lld of %lld", (long long)i, (long long)vt_hits_count(hits));
    const vt__hit *h = vt__hits_get(hits, i);
    vt_hit hit = {sizeof hit, 0, h->id, h->score, h->coverage, h->source, h->title, h->title_len, h->text, h->text_len};
    return vt__result_write("hit", out, &hit, sizeof hit, FIRST_SIZE);
}

vt_hits *vt_hits_retain(vt_hits *hits) { return vt__hits_retain(hits); }
void vt_hits_release(vt_hits *hits) { vt__hits_release(hits); }
