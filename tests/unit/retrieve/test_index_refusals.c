/* The index through its public calls: what the contract refuses, and running out of memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "index_cases.h"
#include "torture.h"
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

static void add(vt_index *ix, const char *source, const char *title, const char *text) {
    assert_int_equal(index_add(ix, source, title, text, 0), VT_OK);
}

static vt_hit hit(const vt_hits *hits, int64_t i) {
    vt_hit h = VT_STRUCT_INIT(vt_hit);
    assert_int_equal(vt_hits_get(hits, i, &h), VT_OK);
    return h;
}

static vt_index *open_index(const vt_index_options *o) {
    vt_index *ix;
    assert_int_equal(vt_index_open(ctx, NULL, o, &ix), VT_OK);
    return ix;
}

static vt_index *animals(void) {
    vt_index *ix = open_index(NULL);
    assert_int_equal(vt_index_put_source(ix, "zoo.txt", 7), VT_OK);
    add(ix, "zoo.txt", "Cats", "The cat sleeps. A cat dreams.");
    add(ix, "zoo.txt", "Dogs", "The dog barks at the cat");
    add(ix, "zoo.txt", "Fish", "Fish swim");
    assert_int_equal(vt_index_commit(ix), VT_OK);
    return ix;
}

/* ---- what is refused ---- */

static void wrong_arguments_are_refused(void **state) {
    static const struct {
        const char *name;
        vt_index_options o;
    } cases[] = {
        {"unknown flag", {.flags = 8}},        {"create and read only", {.flags = VT_INDEX_CREATE | VT_INDEX_READ_ONLY}},
        {"weighting", {.weighting = 2}},       {"reserved", {.reserved = 1}},
        {"k1 negative", {.k1 = -1}},           {"k1 large", {.k1 = 101}},
        {"k1 NaN", {.k1 = NAN}},               {"b negative", {.b = -0.1}},
        {"b large", {.b = 1.1}},               {"b NaN", {.b = NAN}},
        {"b twice", {.b = 0.5, .flags = VT_INDEX_NO_LENGTH_NORM}},
    };
    vt_search_options so = VT_STRUCT_INIT(vt_search_options);
    vt_hit h = VT_STRUCT_INIT(vt_hit);
    vt_index *ix;
    vt_hits *hits;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_index_options o = cases[i].o;
        o.struct_size = (uint32_t)sizeof o;
        if (vt_index_open(ctx, NULL, &o, &ix) != VT_ERR_INVALID || ix) fail_msg("%s was taken", cases[i].name);
    }
    assert_int_equal(vt_index_open(ctx, "", NULL, &ix), VT_ERR_INVALID);
    assert_int_equal(vt_index_open(NULL, NULL, NULL, &ix), VT_ERR_INVALID);
    ix = animals();
    assert_int_equal(vt_index_put_source(ix, "", 0), VT_ERR_INVALID);
    assert_int_equal(vt_index_put_source(NULL, "a", 0), VT_ERR_INVALID);
    assert_int_equal(index_add(ix, "nobody", "", "", 0), VT_ERR_NOT_FOUND);
    assert_int_equal(index_add(ix, "zoo.txt", "", "", 2), VT_ERR_INVALID);
    assert_int_equal(vt_index_add(ix, "zoo.txt", NULL), VT_ERR_INVALID);
    so.min_coverage = 1.5;
    assert_int_equal(vt_index_search(ix, "a", 1, &so, &hits), VT_ERR_INVALID);
    assert_null(hits);
    so.min_coverage = NAN;
    assert_int_equal(vt_index_search(ix, "a", 1, &so, &hits), VT_ERR_INVALID);
    so.min_coverage = 0;
    so.k = -1;
    assert_int_equal(vt_index_search(ix, "a", 1, &so, &hits), VT_ERR_INVALID);
    so.k = INT64_MAX;
    assert_int_equal(vt_index_search(ix, "cat", 3, &so, &hits), VT_OK);
    assert_int_equal(vt_hits_get(hits, 2, &h), VT_ERR_INVALID);
    assert_int_equal(vt_hits_get(hits, -1, &h), VT_ERR_INVALID);
    vt_hits_release(hits);
    assert_int_equal(vt_index_search(ix, NULL, 3, NULL, &hits), VT_ERR_INVALID);
    vt_index_release(ix);
    vt_index_release(NULL);
    vt_hits_release(NULL);
    assert_int_equal(vt_hits_count(NULL), 0);
    assert_int_equal(vt_index_count(NULL), 0);
}

static void given_terms_are_checked(void **state) {
    static const vt_term twice[] = {{"a", 1, 1}, {"a", 1, 2}}, zero[] = {{"a", 1, 0}}, infinite[] = {{"a", 1, INFINITY}}, none[] = {{NULL, 1, 1}};
    static const vt_term bytes[] = {{"", 0, 1}, {"\0x", 2, 1}};
    vt_index_options o = VT_STRUCT_INIT(vt_index_options);
    vt_passage p = VT_STRUCT_INIT(vt_passage);
    vt_hits *hits;
    (void)state;
    o.weighting = VT_WEIGHTING_GIVEN;
    vt_index *ix = open_index(&o);
    assert_int_equal(vt_index_put_source(ix, "s", 0), VT_OK);
    p.terms = twice, p.n_terms = 2;
    assert_int_equal(vt_index_add(ix, "s", &p), VT_ERR_INVALID);
    p.terms = zero, p.n_terms = 1;
    assert_int_equal(vt_index_add(ix, "s", &p), VT_ERR_INVALID);
    p.terms = infinite;
    assert_int_equal(vt_index_add(ix, "s", &p), VT_ERR_INVALID);
    p.terms = none;
    assert_int_equal(vt_index_add(ix, "s", &p), VT_ERR_INVALID);
    p.n_terms = -1;
    assert_int_equal(vt_index_add(ix, "s", &p), VT_ERR_INVALID);
    p.terms = bytes, p.n_terms = 2;
    assert_int_equal(vt_index_add(ix, "s", &p), VT_OK);
    assert_int_equal(vt_index_commit(ix), VT_OK);
    assert_int_equal(vt_index_count(ix), 1); /* the refused ones left nothing */
    assert_int_equal(vt_index_search(ix, "a", 1, NULL, &hits), VT_ERR_STATE);
    assert_int_equal(vt_index_search_terms(ix, twice, 2, NULL, &hits), VT_ERR_INVALID);
    assert_int_equal(vt_index_search_terms(ix, bytes, 2, NULL, &hits), VT_OK);
    assert_int_equal(vt_hits_count(hits), 1);
    assert_true(hit(hits, 0).score == 2.0);
    vt_hits_release(hits);
    vt_index_release(ix);
    ix = open_index(NULL);
    assert_int_equal(vt_index_put_source(ix, "s", 0), VT_OK);
    assert_int_equal(vt_index_add(ix, "s", &p), VT_ERR_INVALID); /* terms, but BM25 */
    vt_index_release(ix);
}

/* ---- out of memory ---- */

static vt_status whole_use(torture *t) {
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_context *own;
    vt_index *ix = NULL;
    vt_hits *hits = NULL;
    co.alloc = torture_alloc;
    co.alloc_user = t;
    co.n_threads = 1;
    vt_status st = vt_context_create(&co, &own);
    if (st != VT_OK) return st;
    st = vt_index_open(own, NULL, NULL, &ix);
    for (int round = 0; st == VT_OK && round < 2; round++) {
        st = vt_index_put_source(ix, round ? "b" : "a", 1);
        if (st == VT_OK) st = index_add(ix, round ? "b" : "a", "title", round ? "some other words" : "some words here", VT_PASSAGE_INDEX_TITLE);
        if (st == VT_OK) st = vt_index_commit(ix);
    }
    if (st == VT_OK) st = vt_index_remove_source(ix, "a");
    if (st == VT_OK) st = vt_index_commit(ix);
    if (st == VT_OK) st = vt_index_search(ix, "other title", 11, NULL, &hits);
    if (st == VT_OK && vt_hits_count(hits) != 1) st = VT_ERR_INTERNAL;
    vt_hits_release(hits);
    vt_index_release(ix);
    vt_context_release(own);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1, going = 1; going; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = whole_use(&t);
            going = t.calls >= k;
            assert_int_equal(st, going ? VT_ERR_NOMEM : VT_OK);
            assert_int_equal(t.live, 0);
        }
}

/* A call that ran out of memory has changed nothing: repeating it when memory is back leads to the same index. */
static void a_failed_change_can_be_repeated(void **state) {
    (void)state;
    for (long k = 1, going = 1; going; k++) {
        torture t = {0};
        vt_context_options co = VT_STRUCT_INIT(vt_context_options);
        vt_context *own;
        vt_index *ix;
        vt_hits *hits;
        vt_status st;
        co.alloc = torture_alloc;
        co.alloc_user = &t;
        co.n_threads = 1;
        assert_int_equal(vt_context_create(&co, &own), VT_OK);
        assert_int_equal(vt_index_open(own, NULL, NULL, &ix), VT_OK);
        t.calls = 0;
        t.fail_at = k;
        for (int i = 0; i < 12; i++) {
            char text[64];
            (void)snprintf(text, sizeof text, "common word%d common again%d %s", i, i, i % 3 ? "x y z" : "z q");
            if (vt_index_put_source(ix, i % 2 ? "odd" : "even", 1) != VT_OK) assert_int_equal(vt_index_put_source(ix, i % 2 ? "odd" : "even", 1), VT_OK);
            st = index_add(ix, i % 2 ? "odd" : "even", "t", text, 0);
            if (st != VT_OK) assert_int_equal(index_add(ix, i % 2 ? "odd" : "even", "t", text, 0), VT_OK);
        }
        if (vt_index_commit(ix) != VT_OK) assert_int_equal(vt_index_commit(ix), VT_OK);
        going = t.calls >= k;
        assert_int_equal(vt_index_count(ix), 2);
        t.fail_at = 0;
        assert_int_equal(vt_index_search(ix, "common again10 word11 word3", 27, NULL, &hits), VT_OK);
        assert_int_equal(vt_hits_count(hits), 2);
        vt_hits_release(hits);
        vt_index_release(ix);
        vt_context_release(own);
        assert_int_equal(t.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(given_terms_are_checked),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_failed_change_can_be_repeated),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
