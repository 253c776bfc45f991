#include "retrieve/changes.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "text/words.h"

/* Nothing is taken out of these arrays before the commit. A source that is put or removed gets a new epoch instead, and what was added under
 * an older one is passed over when the image is built: every change is an append, so a failed one is undone by setting lengths back. */
enum { PASSAGE_MAX = 64 << 20 }; /* bytes of title and text together */

static vt_status no_memory(void) { return vt__fail_nomem("index", 0); }

/* Number of a name's source, made as one that does not exist. -1: out of memory. */
static int64_t source_number(vt__changes *c, const char *name, size_t len) {
    if (vt__reserve(c->ctx, (void **)&c->sources, &c->cap_sources, c->names.count + 1, sizeof *c->sources)) return -1;
    /* Room in both lists first: once the name is in the map it must have its source. */
    if (vt__reserve(c->ctx, (void **)&c->live, &c->cap_live, c->n_live + 1, sizeof *c->live)) return -1;
    int64_t before = c->names.count, i = vt__map_add(&c->names, name, len, 0);
    if (i == before) c->sources[i] = (vt__source){.old = -1, .place = -1};
    return i;
}

static void make_live(vt__changes *c, int64_t i) {
    if (c->sources[i].place >= 0) return;
    c->sources[i].place = c->n_live;
    c->live[c->n_live++] = i;
}

vt_status vt__changes_init(vt__changes *c, vt_context *ctx, const vt__image *image) {
    *c = (vt__changes){.ctx = ctx, .names.ctx = ctx, .terms.ctx = ctx, .strings.ctx = ctx};
    for (int64_t s = 0; image && s < image->meta->n_sources; s++) {
        const vt__image_source *src = &image->sources[s];
        int64_t i = source_number(c, image->strings + src->name.at, (size_t)src->name.len);
        if (i < 0) return no_memory();
        c->sources[i].old = s;
        c->sources[i].fingerprint = src->fingerprint;
        make_live(c, i);
    }
    return VT_OK;
}

void vt__changes_free(vt__changes *c) {
    vt__map_free(&c->names);
    vt__map_free(&c->terms);
    vt__bytes_free(&c->strings);
    vt__free(c->ctx, c->sources);
    vt__free(c->ctx, c->live);
    vt__free(c->ctx, c->passages);
    vt__free(c->ctx, c->postings);
    *c = (vt__changes){.ctx = c->ctx, .names.ctx = c->ctx, .terms.ctx = c->ctx, .strings.ctx = c->ctx};
}

int64_t vt__changes_find(const vt__changes *c, const char *name) {
    int64_t i = vt__map_find(&c->names, name, strlen(name));
    return i >= 0 && c->sources[i].place >= 0 ? i : -1;
}

vt_status vt__changes_put(vt__changes *c, const char *name, uint64_t fingerprint) {
    int64_t i = source_number(c, name, strlen(name));
    if (i < 0) return no_memory();
    c->sources[i].fingerprint = fingerprint;
    c->sources[i].old = -1;
    c->sources[i].epoch++;
    make_live(c, i);
    c->dirty = 1;
    return VT_OK;
}

vt_status vt__changes_remove(vt__changes *c, const char *name) {
    int64_t i = vt__changes_find(c, name);
    if (i < 0) return vt__fail(VT_ERR_NOT_FOUND, "index: no source '%s'", name);
    vt__source *s = &c->sources[i];
    int64_t last = c->live[--c->n_live]; /* fills the gap: the list has no order to keep */
    c->live[s->place] = last;
    c->sources[last].place = s->place;
    s->place = -1;
    s->old = -1;
    s->epoch++;
    c->dirty = 1;
    return VT_OK;
}

/* ---- passages ---- */

typedef struct adding {
    vt__changes *c;
    int64_t first; /* first posting of the passage at hand */
    int64_t n_words;
    vt_status status;
} adding;

/* The term's posting in the passage at hand, made when it is the first. NULL: out of memory. A posting of an earlier passage, or of one that
 * was given up half-way, is told by its place and by the term it now holds. */
static vt__new_posting *posting_of(adding *a, const char *term, size_t len, int *out_known) {
    vt__changes *c = a->c;
    int64_t t = vt__map_add(&c->terms, term, len, -1);
    if (t < 0) return NULL;
    int64_t at = c->terms.entries[t].value;
    *out_known = at >= a->first && at < c->n_postings && c->postings[at].term == t;
    if (*out_known) return &c->postings[at];
    if (vt__reserve(c->ctx, (void **)&c->postings, &c->cap_postings, c->n_postings + 1, sizeof *c->postings)) return NULL;
    at = c->n_postings++;
    c->terms.entries[t].value = at;
    c->postings[at] = (vt__new_posting){.term = t};
    return &c->postings[at];
}

static int count_word(void *user, const char *word, size_t len) {
    adding *a = user;
    int known;
    vt__new_posting *p = posting_of(a, word, len, &known);
    if (!p) {
        a->status = no_memory();
        return 1;
    }
    p->count++;
    a->n_words++;
    return 0;
}

static vt_status take_given(adding *a, const vt__passage_params *p) {
    for (int64_t i = 0; i < p->n_terms; i++) {
        int known;
        vt__new_posting *t = posting_of(a, p->terms[i].term, p->terms[i].len, &known);
        if (!t) return no_memory();
        if (known) return vt__fail(VT_ERR_INVALID, "index: term %lld of the passage comes twice", (long long)i);
        t->weight = p->terms[i].weight;
    }
    return VT_OK;
}

static vt__image_text keep(vt__changes *c, const char *text, size_t len) {
    vt__image_text t = {.at = c->strings.len, .len = (int64_t)len};
    vt__bytes_append(&c->strings, text, len);
    return t;
}

vt_status vt__changes_add(vt__changes *c, const char *source, const vt__passage_params *p) {
    int64_t s = vt__changes_find(c, source), strings = c->strings.len;
    adding a = {.c = c, .first = c->n_postings, .status = VT_OK};

    if (s < 0) return vt__fail(VT_ERR_NOT_FOUND, "index: no source '%s'; put it first", source);
    if (p->title_len > PASSAGE_MAX || p->text_len > PASSAGE_MAX - p->title_len)
        return vt__fail(VT_ERR_LIMIT, "index: passage of %zu + %zu bytes, at most %d", p->title_len, p->text_len, (int)PASSAGE_MAX);
    if (c->n_passages >= VT__MAX_PASSAGES) return vt__fail(VT_ERR_LIMIT, "index: more than %lld passages", (long long)VT__MAX_PASSAGES);
    if (vt__reserve(c->ctx, (void **)&c->passages, &c->cap_passages, c->n_passages + 1, sizeof *c->passages)) return no_memory();
    vt__new_passage n = {.source = s, .epoch = c->sources[s].epoch, .title = keep(c, p->title, p->title_len)};
    n.text = keep(c, p->text, p->text_len);
    if (c->strings.failed) a.status = no_memory();
    if (a.status == VT_OK && p->given) a.status = take_given(&a, p);
    if (a.status == VT_OK && p->index_title) (void)vt__words_each(p->title, p->title_len, count_word, &a);
    if (a.status == VT_OK && !p->given) (void)vt__words_each(p->text, p->text_len, count_word, &a);
    if (a.status != VT_OK) { /* as if nothing had been said; terms met for the first time stay, without postings */
        c->n_postings = a.first;
        c->strings.len = strings;
        c->strings.failed = 0;
        return a.status;
    }
    n.n_words = a.n_words;
    n.first = a.first;
    n.n = c->n_postings - a.first;
    c->passages[c->n_passages++] = n;
    c->dirty = 1;
    return VT_OK;
}
