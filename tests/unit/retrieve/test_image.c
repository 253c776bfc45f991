/* Index files that lie: every checksum right, a number wrong. None may be taken, for nothing is checked again while searching. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/memory.h"
#include "retrieve/build.h"

static vt_context *ctx;
static unsigned char good[4096]; /* a small image */
static size_t good_size;

static int make_image(void **state) {
    static const char *const texts[] = {"red fox runs", "the red house", "fox"};
    const vt__index_params params = {VT__WEIGHTING_BM25, 1.2, 0.75};
    vt__changes c;
    vt__image im;
    (void)state;
    assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = 1}, &ctx), VT_OK);
    assert_int_equal(vt__changes_init(&c, ctx, NULL), VT_OK);
    assert_int_equal(vt__changes_put(&c, "a", 1), VT_OK);
    assert_int_equal(vt__changes_put(&c, "b", 2), VT_OK);
    for (int i = 0; i < 3; i++) {
        vt__passage_params p = {.title = "t", .title_len = 1, .text = texts[i], .text_len = strlen(texts[i])};
        assert_int_equal(vt__changes_add(&c, i < 2 ? "a" : "b", &p), VT_OK);
    }
    assert_int_equal(vt__image_build(ctx, NULL, &c, &params, &im), VT_OK);
    assert_true(im.size <= sizeof good);
    memcpy(good, im.data, im.size);
    good_size = im.size;
    vt__image_close(&im);
    vt__changes_free(&c);
    return 0;
}

static int drop_image(void **state) {
    (void)state;
    vt__context_release(ctx);
    return 0;
}

/* The image with `change` made to it and signed. */
static vt_status take(void (*change)(vt__image *im, int64_t value), int64_t value, size_t size) {
    vt__image im = {.ctx = ctx}, seen;
    unsigned char *block = vt__calloc(ctx, good_size + 64);
    assert_non_null(block);
    memcpy(block, good, good_size);
    assert_int_equal(vt__image_take(ctx, block, good_size, &im), VT_OK);
    if (change) change(&im, value);
    vt__image_sign(block, size);
    unsigned char *copy = vt__alloc(ctx, size);
    assert_non_null(copy);
    memcpy(copy, block, size);
    vt__image_close(&im);
    vt_status st = vt__image_take(ctx, copy, size, &seen);
    if (st == VT_OK) vt__image_close(&seen);
    return st;
}

/* The block is ours, so the pointers into it may be written through. */
#define CHANGE(name, type, member, at, field) \
    static void name(vt__image *im, int64_t value) { ((type *)(uintptr_t)im->member)[at] field = value; }

CHANGE(n_sources, vt__image_meta, meta, 0, .n_sources)
CHANGE(n_passages, vt__image_meta, meta, 0, .n_passages)
CHANGE(n_terms, vt__image_meta, meta, 0, .n_terms)
CHANGE(n_postings, vt__image_meta, meta, 0, .n_postings)
CHANGE(name_at, vt__image_source, sources, 1, .name.at)
CHANGE(name_len, vt__image_source, sources, 1, .name.len)
CHANGE(passage_source, vt__image_passage, passages, 1, .source)
CHANGE(passage_words, vt__image_passage, passages, 1, .n_words)
CHANGE(title_at, vt__image_passage, passages, 1, .title.at)
CHANGE(title_len, vt__image_passage, passages, 1, .title.len)
CHANGE(text_at, vt__image_passage, passages, 1, .text.at)
CHANGE(text_len, vt__image_passage, passages, 1, .text.len)
CHANGE(term_at, vt__image_term, terms, 1, .term.at)
CHANGE(term_len, vt__image_term, terms, 1, .term.len)
CHANGE(term_first, vt__image_term, terms, 1, .first)
CHANGE(term_n, vt__image_term, terms, 1, .n)

static void weighting(vt__image *im, int64_t value) { ((vt__image_meta *)(uintptr_t)im->meta)->weighting = (int32_t)value; }
static void reserved(vt__image *im, int64_t value) { ((vt__image_meta *)(uintptr_t)im->meta)->reserved = (uint32_t)value; }
static void k1(vt__image *im, int64_t value) { ((vt__image_meta *)(uintptr_t)im->meta)->k1 = (double)value; }
static void k1_nan(vt__image *im, int64_t value) { ((vt__image_meta *)(uintptr_t)im->meta)->k1 = value ? NAN : INFINITY; }
static void b(vt__image *im, int64_t value) { ((vt__image_meta *)(uintptr_t)im->meta)->b = (double)value; }
static void posting(vt__image *im, int64_t value) { ((uint32_t *)(uintptr_t)im->ids)[1] = (uint32_t)value; }
static void count(vt__image *im, int64_t value) { ((uint32_t *)(uintptr_t)im->counts)[1] = (uint32_t)value; }
static void weight(vt__image *im, int64_t value) { ((double *)(uintptr_t)im->weights)[1] = (double)value; }
static void weight_nan(vt__image *im, int64_t value) { ((double *)(uintptr_t)im->weights)[1] = value ? NAN : INFINITY; }
static void same_names(vt__image *im, int64_t value) {
    (void)value;
    ((vt__image_source *)(uintptr_t)im->sources)[1].name = im->sources[0].name;
}
static void nul_in_name(vt__image *im, int64_t value) { ((char *)(uintptr_t)im->strings)[im->sources[1].name.at] = (char)value; }
static void swapped_terms(vt__image *im, int64_t value) {
    vt__image_term *t = (vt__image_term *)(uintptr_t)im->terms;
    vt__image_text first = t[value].term;
    t[value].term = t[value + 1].term;
    t[value + 1].term = first;
}

static void a_lie_is_found(void **state) {
    static const int64_t wrong[] = {-1, INT64_MIN, INT64_MAX, 1 << 20, (int64_t)UINT32_MAX + 1, INT64_MAX - 7};
    static const struct {
        const char *name;
        void (*change)(vt__image *, int64_t);
        int64_t also; /* one more wrong value, 0: none */
    } cases[] = {
        {"n_sources", n_sources, 1},   {"n_passages", n_passages, 2}, {"n_terms", n_terms, 1},       {"n_postings", n_postings, 1},
        {"name_at", name_at, 0},       {"name_len", name_len, 0},     {"passage_source", passage_source, 2},
        {"title_at", title_at, 0},     {"title_len", title_len, 0},   {"text_at", text_at, 0},       {"text_len", text_len, 0},
        {"term_at", term_at, 0},       {"term_len", term_len, 0},     {"term_first", term_first, 1}, {"term_n", term_n, 2},
        {"weighting", weighting, 2},   {"reserved", reserved, 1},     {"k1", k1, 101},               {"b", b, 2},
        {"posting", posting, 3},       {"weight", weight, -2},
    };
    (void)state;
    assert_int_equal(take(NULL, 0, good_size), VT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t j = 0; j < sizeof wrong / sizeof *wrong + (cases[i].also != 0); j++) {
            int64_t value = j < sizeof wrong / sizeof *wrong ? wrong[j] : cases[i].also;
            if (cases[i].change == weight && value > 0) continue; /* any positive weight is one */
            if (cases[i].change == reserved && (uint32_t)value == 0) continue;
            if (cases[i].change == weighting && ((int32_t)value == 0 || (int32_t)value == 1)) continue;
            if (cases[i].change == posting && (uint32_t)value < 3) continue;
            if (take(cases[i].change, value, good_size) != VT_ERR_FORMAT) fail_msg("%s = %lld was taken", cases[i].name, (long long)value);
        }
}

static void other_lies_are_found(void **state) {
    (void)state;
    assert_int_equal(take(passage_words, -1, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(name_len, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(term_n, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(k1, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(k1_nan, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(k1_nan, 1, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(weight, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(weight_nan, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(weight_nan, 1, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(count, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(same_names, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(nul_in_name, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(swapped_terms, 0, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(swapped_terms, 2, good_size), VT_ERR_FORMAT);
    assert_int_equal(take(weighting, VT__WEIGHTING_GIVEN, good_size), VT_ERR_FORMAT); /* it has counts */
    assert_int_equal(take(NULL, 0, good_size + 8), VT_ERR_FORMAT);
}

static void checking_may_run_out_of_memory(void **state) {
    vt_context *small;
    vt__image im;
    (void)state;
    for (uint64_t limit = 0;; limit += 64) {
        assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = 1}, &small), VT_OK);
        uint64_t base = vt__context_memory(small) + good_size + 64;
        vt__context_release(small);
        assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = 1, .memory_limit = base + limit}, &small), VT_OK);
        void *block = vt__alloc(small, good_size);
        assert_non_null(block);
        memcpy(block, good, good_size);
        vt_status st = vt__image_take(small, block, good_size, &im);
        if (st == VT_OK) vt__image_close(&im);
        vt__context_release(small);
        if (st == VT_OK) break;
        assert_int_equal(st, VT_ERR_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lie_is_found),
        cmocka_unit_test(other_lies_are_found),
        cmocka_unit_test(checking_may_run_out_of_memory),
    };
    return cmocka_run_group_tests(tests, make_image, drop_image);
}
