#include "retrieve/image.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"

/* Checking goes from the outside in, each step on what the one before has made sure of: magic and version; size and checksum of the front;
 * counts; places, sizes and checksums of the sections, which follow from the counts; then every number that is used as an index. */

static const char MAGIC[8] = "VTINDEX";
static const uint32_t ENDIAN_TAG = 0x01020304;

typedef struct head {
    char magic[8];
    uint32_t version;
    uint32_t endian;
    uint64_t size; /* of the file */
    uint64_t n_sections;
} head;

typedef struct section {
    uint64_t at, size, checksum;
} section;

typedef struct front {
    head head;
    section table[VT__N_SECTIONS];
    uint64_t checksum; /* of all bytes before it */
} front;

_Static_assert(sizeof(front) == 32 + 24 * VT__N_SECTIONS + 8, "no padding in what is written to files");
_Static_assert(sizeof(vt__image_meta) == 56 && sizeof(vt__image_source) == 24 && sizeof(vt__image_passage) == 48 &&
                   sizeof(vt__image_term) == 32,
               "no padding in what is written to files");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian and read in place");

/* ---- layout: a function of the counts, so that a file has no freedom in it ---- */

/* Bytes of section s; 1 on overflow. */
static int section_size(const vt__image_meta *m, int64_t strings_size, int s, size_t *out) {
    switch (s) {
    case VT__SECTION_META: return vt__mul_size(1, sizeof(vt__image_meta), out);
    case VT__SECTION_SOURCES: return vt__mul_size(m->n_sources, sizeof(vt__image_source), out);
    case VT__SECTION_PASSAGES: return vt__mul_size(m->n_passages, sizeof(vt__image_passage), out);
    case VT__SECTION_TERMS: return vt__mul_size(m->n_terms, sizeof(vt__image_term), out);
    case VT__SECTION_IDS: return vt__mul_size(m->n_postings, sizeof(uint32_t), out);
    case VT__SECTION_WEIGHTS: return vt__mul_size(m->n_postings, sizeof(double), out);
    case VT__SECTION_COUNTS: return vt__mul_size(m->weighting == VT__WEIGHTING_BM25 ? m->n_postings : 0, sizeof(uint32_t), out);
    default: return vt__mul_size(strings_size, 1, out);
    }
}

/* Offsets and sizes of all sections in order; 1 on overflow. */
static int place_sections(const vt__image_meta *meta, int64_t strings_size, section table[VT__N_SECTIONS], size_t *out_size) {
    size_t at = sizeof(front);
    for (int s = 0; s < VT__N_SECTIONS; s++) {
        size_t size, end;
        if (section_size(meta, strings_size, s, &size) || __builtin_add_overflow(at, size, &end) || end > SIZE_MAX - 8) return 1;
        table[s] = (section){.at = at, .size = size};
        at = (end + 7) & ~(size_t)7;
    }
    *out_size = at;
    return 0;
}

/* ---- writing ---- */

vt_status vt__image_lay_out(vt_context *ctx, vt__image_plan *plan) {
    front f;
    memset(&f, 0, sizeof f);
    if (place_sections(&plan->meta, plan->strings_size, f.table, &plan->size)) return vt__fail_nomem("index: new image", 0);
    unsigned char *p = plan->block = vt__calloc(ctx, plan->size);
    if (!p) return vt__fail_nomem("index: new image", plan->size);
    memcpy(f.head.magic, MAGIC, sizeof MAGIC);
    f.head.version = VT__IMAGE_VERSION;
    f.head.endian = ENDIAN_TAG;
    f.head.size = plan->size;
    f.head.n_sections = VT__N_SECTIONS;
    memcpy(p, &f, sizeof f);
    plan->sources = (vt__image_source *)(void *)(p + f.table[VT__SECTION_SOURCES].at);
    plan->passages = (vt__image_passage *)(void *)(p + f.table[VT__SECTION_PASSAGES].at);
    plan->terms = (vt__image_term *)(void *)(p + f.table[VT__SECTION_TERMS].at);
    plan->ids = (uint32_t *)(void *)(p + f.table[VT__SECTION_IDS].at);
    plan->weights = (double *)(void *)(p + f.table[VT__SECTION_WEIGHTS].at);
    plan->counts = (uint32_t *)(void *)(p + f.table[VT__SECTION_COUNTS].at);
    plan->strings = (char *)p + f.table[VT__SECTION_STRINGS].at;
    return VT_OK;
}

/* 0 stands for "no image" elsewhere. */
static uint64_t front_checksum(const void *data) {
    uint64_t h = vt__hash(data, offsetof(front, checksum));
    return h ? h : 1;
}

static void set_pointers(vt__image *im, const front *f) {
    const unsigned char *p = im->data;
    im->digest = f->checksum;
    im->meta = (const void *)(p + f->table[VT__SECTION_META].at);
    im->sources = (const void *)(p + f->table[VT__SECTION_SOURCES].at);
    im->passages = (const void *)(p + f->table[VT__SECTION_PASSAGES].at);
    im->terms = (const void *)(p + f->table[VT__SECTION_TERMS].at);
    im->ids = (const void *)(p + f->table[VT__SECTION_IDS].at);
    im->weights = (const void *)(p + f->table[VT__SECTION_WEIGHTS].at);
    im->counts = (const void *)(p + f->table[VT__SECTION_COUNTS].at);
    im->strings = (const char *)p + f->table[VT__SECTION_STRINGS].at;
}

void vt__image_sign(unsigned char *data, size_t size) {
    front f;
    if (size < sizeof f) return;
    memcpy(&f, data, sizeof f);
    for (int s = 0; s < VT__N_SECTIONS; s++)
        if (f.table[s].at <= size && f.table[s].size <= size - f.table[s].at) f.table[s].checksum = vt__hash(data + f.table[s].at, f.table[s].size);
    memcpy(data, &f, sizeof f);
    f.checksum = front_checksum(data);
    memcpy(data, &f, sizeof f);
}

void vt__image_seal(vt_context *ctx, vt__image_plan *plan, vt__image *out) {
    front f;
    memcpy(plan->block + sizeof f, &plan->meta, sizeof plan->meta);
    vt__image_sign(plan->block, plan->size);
    memcpy(&f, plan->block, sizeof f);
    *out = (vt__image){.ctx = ctx, .block = plan->block, .data = plan->block, .size = plan->size};
    set_pointers(out, &f);
    plan->block = NULL;
}

/* ---- checking ---- */

static vt_status damaged(const char *what, int64_t i) {
    return vt__fail(VT_ERR_FORMAT, "index: damaged file: %s (number %lld)", what, (long long)i);
}

static vt_status check_front(const unsigned char *data, size_t size, front *f) {
    if (size < sizeof f->head || memcmp(data, MAGIC, sizeof MAGIC) != 0) return vt__fail(VT_ERR_FORMAT, "index: not an index file");
    memcpy(&f->head, data, sizeof f->head);
    if (f->head.version != VT__IMAGE_VERSION)
        return vt__fail(VT_ERR_UNSUPPORTED, "index: file has format version %u, this library reads %d", f->head.version, (int)VT__IMAGE_VERSION);
    if (size < sizeof *f || f->head.size != size)
        return vt__fail(VT_ERR_FORMAT, "index: damaged file: %zu bytes, %llu expected", size, (unsigned long long)f->head.size);
    memcpy(f, data, sizeof *f);
    if (f->checksum != front_checksum(data) || f->head.endian != ENDIAN_TAG || f->head.n_sections != VT__N_SECTIONS)
        return damaged("head", 0);
    return VT_OK;
}

static vt_status check_meta(const vt__image_meta *m) {
    if (m->weighting != VT__WEIGHTING_BM25 && m->weighting != VT__WEIGHTING_GIVEN) return damaged("weighting", m->weighting);
    if (m->n_passages > VT__MAX_PASSAGES || m->reserved) return damaged("passage count", m->n_passages);
    if (!(m->k1 > 0 && m->k1 <= 100 && m->b >= 0 && m->b <= 1)) return damaged("BM25 parameters", 0);
    return VT_OK;
}

/* Every section where and as large as the counts say, with the right checksum, and nothing between them. */
static vt_status check_sections(const unsigned char *data, size_t size, const front *f) {
    section want[VT__N_SECTIONS];
    vt__image_meta meta;
    size_t want_size, end = sizeof *f;
    uint64_t strings = f->table[VT__SECTION_STRINGS].size;
    if (size - sizeof *f < sizeof meta || strings > size) return damaged("section size", 0);
    memcpy(&meta, data + sizeof *f, sizeof meta);
    vt_status st = check_meta(&meta);
    if (st != VT_OK) return st;
    if (place_sections(&meta, (int64_t)strings, want, &want_size) || want_size != size) return damaged("counts", (int64_t)want_size);
    for (int s = 0; s < VT__N_SECTIONS; s++) {
        const section *t = &f->table[s];
        if (t->at != want[s].at || t->size != want[s].size) return damaged("section size", s);
        for (; end < t->at; end++)
            if (data[end]) return damaged("bytes between sections", s);
        if (t->checksum != vt__hash(data + t->at, t->size)) return damaged("section checksum", s);
        end = t->at + t->size;
    }
    for (; end < size; end++)
        if (data[end]) return damaged("bytes behind the sections", (int64_t)end);
    return VT_OK;
}

static int text_outside(const vt__image_text *t, int64_t strings) { return t->at < 0 || t->len < 0 || t->at > strings || t->len > strings - t->at; }

/* No two of one name: a changed source must be one. */
static vt_status check_sources(const vt__image *im, int64_t strings) {
    vt__map names;
    vt_status st = VT_OK;
    vt__map_init(&names, im->ctx);
    for (int64_t i = 0; st == VT_OK && i < im->meta->n_sources; i++) {
        const vt__image_text *t = &im->sources[i].name;
        if (text_outside(t, strings) || t->len == 0 || memchr(im->strings + t->at, '\0', (size_t)t->len)) {
            st = damaged("source name", i);
            break;
        }
        int64_t at = vt__map_add(&names, im->strings + t->at, (size_t)t->len, i);
        if (at != i) st = at < 0 ? vt__fail_nomem("index", 0) : damaged("source comes twice", i);
    }
    vt__map_free(&names);
    return st;
}

static vt_status check_passages(const vt__image *im, int64_t strings) {
    for (int64_t i = 0; i < im->meta->n_passages; i++) {
        const vt__image_passage *p = &im->passages[i];
        if (p->source < 0 || p->source >= im->meta->n_sources) return damaged("passage's source", i);
        if (text_outside(&p->title, strings) || text_outside(&p->text, strings) || p->n_words < 0) return damaged("passage", i);
    }
    return VT_OK;
}

int vt__compare_terms(const char *a, size_t a_len, const char *b, size_t b_len) {
    size_t least = a_len < b_len ? a_len : b_len; /* an empty term may have no address */
    int c = least ? memcmp(a, b, least) : 0;
    return c ? c : (a_len > b_len) - (a_len < b_len);
}

/* Sorted and without gaps, so that binary search finds every term and each posting belongs to one. */
static vt_status check_terms(const vt__image *im, int64_t strings) {
    int64_t first = 0;
    const vt__image_text *before = NULL;
    for (int64_t i = 0; i < im->meta->n_terms; i++) {
        const vt__image_term *t = &im->terms[i];
        if (text_outside(&t->term, strings)) return damaged("term", i);
        if (before && vt__compare_terms(im->strings + before->at, (size_t)before->len, im->strings + t->term.at, (size_t)t->term.len) >= 0)
            return damaged("order of terms", i);
        if (t->first != first || t->n < 1 || t->n > im->meta->n_postings - first) return damaged("postings of a term", i);
        for (int64_t j = first; j < first + t->n; j++)
            if (im->ids[j] >= im->meta->n_passages || (j > first && im->ids[j] <= im->ids[j - 1])) return damaged("posting", j);
        first += t->n;
        before = &t->term;
    }
    return first == im->meta->n_postings ? VT_OK : damaged("postings without a term", first);
}

static vt_status check_weights(const vt__image *im) {
    int counted = im->meta->weighting == VT__WEIGHTING_BM25;
    for (int64_t i = 0; i < im->meta->n_postings; i++)
        if (!(im->weights[i] > 0) || !isfinite(im->weights[i]) || (counted && im->counts[i] == 0)) return damaged("weight", i);
    return VT_OK;
}

/* Checks im->data and sets the pointers. */
static vt_status check_all(vt__image *im) {
    front f;
    vt_status st = check_front(im->data, im->size, &f);
    if (st == VT_OK) st = check_sections(im->data, im->size, &f);
    if (st != VT_OK) return st;
    int64_t strings = (int64_t)f.table[VT__SECTION_STRINGS].size;
    set_pointers(im, &f);
    st = check_sources(im, strings);
    if (st == VT_OK) st = check_passages(im, strings);
    if (st == VT_OK) st = check_terms(im, strings);
    return st == VT_OK ? check_weights(im) : st;
}

vt_status vt__image_open(vt_context *ctx, const char *path, vt__image *out) {
    *out = (vt__image){.ctx = ctx};
    vt_status st = vt__map_file(ctx, path, &out->map);
    if (st != VT_OK) return st;
    out->data = out->map.data;
    out->size = out->map.size;
    st = check_all(out);
    if (st == VT_OK) return VT_OK;
    vt__image_close(out);
    return vt__fail_within(st, path);
}

vt_status vt__image_take(vt_context *ctx, void *block, size_t size, vt__image *out) {
    *out = (vt__image){.ctx = ctx, .block = block, .data = block, .size = size};
    vt_status st = check_all(out);
    if (st != VT_OK) vt__image_close(out);
    return st;
}

void vt__image_close(vt__image *image) {
    if (image->map.data) vt__unmap_file(image->ctx, &image->map);
    vt__free(image->ctx, image->block);
    *image = (vt__image){.ctx = image->ctx};
}

vt_status vt__image_file_digest(vt_context *ctx, const char *path, int *out_exists, uint64_t *out_digest) {
    vt__mapping map;
    front f;
    *out_exists = 0;
    *out_digest = 0;
    vt_status st = vt__map_file(ctx, path, &map);
    if (st == VT_ERR_NOT_FOUND) return VT_OK;
    if (st != VT_OK) return st;
    *out_exists = 1;
    if (map.size >= sizeof f) {
        memcpy(&f, map.data, sizeof f);
        if (memcmp(f.head.magic, MAGIC, sizeof MAGIC) == 0) *out_digest = f.checksum;
    }
    vt__unmap_file(ctx, &map);
    return VT_OK;
}

int64_t vt__image_find(const vt__image *image, const char *term, size_t len) {
    int64_t lo = 0, hi = image->meta->n_terms;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        const vt__image_text *t = &image->terms[mid].term;
        int c = vt__compare_terms(image->strings + t->at, (size_t)t->len, term, len);
        if (c == 0) return mid;
        if (c < 0) lo = mid + 1;
        else hi = mid;
    }
    return -1;
}
