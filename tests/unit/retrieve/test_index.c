/* The index through its public calls: what searches find, what changes do, what the contract refuses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "torture.h"
#include "venturi.h"

static vt_context *ctx;

static int make_context(void **state) {
    (void)state;
    return vt_context_create(NULL, &ctx) != VT_OK;
}

static int drop_context(void **state) {
    (void)state;
    vt_context_release(ctx);
    return 0;
}

static void add(vt_index *ix, const char *source, const char *title, const char *text) {
    vt_passage p = VT_STRUCT_INIT(vt_passage);
    p.title = title;
    p.title_len = strlen(title);
    p.text = text;
    p.text_len = strlen(text);
    assert_int_equal(vt_index_add(ix, source, &p), VT_OK);
}

static vt_hits *search(const vt_index *ix, const char *query, int64_t k) {
    vt_search_options o = VT_STRUCT_INIT(vt_search_options);
    vt_hits *hits;
    o.k = k;
    assert_int_equal(vt_index_search(ix, query, strlen(query), &o, &hits), VT_OK);
    return hits;
}

static vt_hit hit(const vt_hits *hits, int64_t i) {
    vt_hit h = VT_STRUCT_INIT(vt_hit);
    assert_int_equal(vt_hits_get(hits, i, &h), VT_OK);
    return h;
}

static vt_index *memory_index(void) {
    vt_index *ix;
    assert_int_equal(vt_index_open(ctx, NULL, NULL, &ix), VT_OK);
    return ix;
}

static vt_index *animals(void) {
    vt_index *ix = memory_index();
    assert_int_equal(vt_index_put_source(ix, "zoo.txt", 7), VT_OK);
    add(ix, "zoo.txt", "Cats", "The cat sleeps. A cat dreams.");
    add(ix, "zoo.txt", "Dogs", "The dog barks at the cat");
    add(ix, "zoo.txt", "Fish", "Fish swim");
    assert_int_equal(vt_index_commit(ix), VT_OK);
    return ix;
}

static void score_is_bm25(void **state) {
    (void)state;
    vt_index *ix = animals();
    vt_hits *hits = search(ix, "cat", 10);
    assert_int_equal(vt_hits_count(hits), 2);
    double idf = log(1 + (3 - 2 + 0.5) / (2 + 0.5)), mean = 14.0 / 3;
    double first = idf * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 6 / mean));
    double second = idf * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 6 / mean));
    vt_hit a = hit(hits, 0), b = hit(hits, 1);
    assert_true(fabs(a.score - first) < 1e-12);
    assert_true(fabs(b.score - second) < 1e-12);
    assert_string_equal(a.title, "Cats");
    assert_string_equal(b.source, "zoo.txt");
    assert_string_equal(b.text, "The dog barks at the cat");
    assert_true(a.coverage > 0.999);
    vt_hits_release(hits);
    vt_index_release(ix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(score_is_bm25),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
