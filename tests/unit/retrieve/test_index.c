/* The index through its public calls: what searches find, what changes do. */
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
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

static void add(vt_index *ix, const char *source, const char *title, const char *text) {
    assert_int_equal(index_add(ix, source, title, text, 0), VT_OK);
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

static vt_index *open_index(const vt_index_options *o) {
    vt_index *ix;
    assert_int_equal(vt_index_open(ctx, NULL, o, &ix), VT_OK);
    return ix;
}

/* Titles of the hits, best first, with spaces. */
static const char *titles(const vt_index *ix, const char *query) {
    static char all[500];
    size_t len = 0;
    vt_hits *hits = search(ix, query, 0);
    for (int64_t i = 0; i < vt_hits_count(hits); i++) len += (size_t)snprintf(all + len, sizeof all - len, "%s ", hit(hits, i).title);
    all[len] = '\0';
    vt_hits_release(hits);
    return all;
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

/* ---- searching ---- */

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
    assert_int_equal(a.id, 0);
    assert_string_equal(a.title, "Cats");
    assert_string_equal(b.source, "zoo.txt");
    assert_string_equal(b.text, "The dog barks at the cat");
    assert_int_equal(b.text_len, strlen(b.text));
    assert_true(fabs(a.coverage - 1) < 1e-12);
    vt_hits_release(hits);
    vt_index_release(ix);
}

static void coverage_is_the_share_of_the_query_by_idf(void **state) {
    (void)state;
    vt_index *ix = animals();
    vt_hits *hits = search(ix, "dog unicorn cat cat", 10);
    double dog = log(1 + 2.5 / 1.5), unicorn = log(1 + 3.5 / 0.5), cat = log(1 + 1.5 / 2.5), all = dog + unicorn + 2 * cat;
    assert_int_equal(vt_hits_count(hits), 2);
    assert_string_equal(hit(hits, 0).title, "Dogs");
    assert_true(fabs(hit(hits, 0).coverage - (dog + 2 * cat) / all) < 1e-12);
    assert_true(fabs(hit(hits, 1).coverage - 2 * cat / all) < 1e-12);
    vt_hits_release(hits);
    vt_index_release(ix);
}

static void limits_of_score_and_coverage_leave_the_rest_out(void **state) {
    vt_search_options o = VT_STRUCT_INIT(vt_search_options);
    vt_hits *hits;
    (void)state;
    vt_index *ix = animals();
    o.min_coverage = 0.5;
    assert_int_equal(vt_index_search(ix, "dog cat", 7, &o, &hits), VT_OK);
    assert_int_equal(vt_hits_count(hits), 1);
    vt_hits_release(hits);
    assert_int_equal(vt_index_search(ix, "dog unicorn griffin", 19, &o, &hits), VT_OK);
    assert_int_equal(vt_hits_count(hits), 0);
    vt_hits_release(hits);
    o.min_coverage = 1; /* everything covered is enough, last bits of sums notwithstanding */
    assert_int_equal(vt_index_search(ix, "at the cat the dog", 18, &o, &hits), VT_OK);
    assert_int_equal(vt_hits_count(hits), 1);
    vt_hits_release(hits);
    o.min_coverage = 0;
    o.min_score = 1e9;
    assert_int_equal(vt_index_search(ix, "dog cat", 7, &o, &hits), VT_OK);
    assert_int_equal(vt_hits_count(hits), 0);
    vt_hits_release(hits);
    vt_index_release(ix);
}

static void words_are_folded_on_both_sides(void **state) {
    (void)state;
    vt_index *ix = open_index(NULL);
    assert_int_equal(vt_index_put_source(ix, "s", 0), VT_OK);
    add(ix, "s", "a", "Stra\u00DFe");
    add(ix, "s", "b", "caf\u00E9");
    assert_int_equal(vt_index_commit(ix), VT_OK);
    assert_string_equal(titles(ix, "STRASSE"), "a ");
    assert_string_equal(titles(ix, "CAFE\u0301"), "b ");
    assert_string_equal(titles(ix, "cafe"), "");
    vt_index_release(ix);
}

static void titles_count_only_when_asked(void **state) {
    (void)state;
    vt_index *ix = open_index(NULL);
    assert_int_equal(vt_index_put_source(ix, "s", 0), VT_OK);
    add(ix, "s", "plain", "text");
    assert_int_equal(index_add(ix, "s", "indexed", "text", VT_PASSAGE_INDEX_TITLE), VT_OK);
    assert_int_equal(vt_index_commit(ix), VT_OK);
    assert_string_equal(titles(ix, "plain"), "");
    assert_string_equal(titles(ix, "indexed"), "indexed ");
    vt_index_release(ix);
}

static void order_of_the_query_does_not_matter(void **state) {
    static const char *const orders[] = {"dog the at cat sleeps", "sleeps cat at the dog", "the dog sleeps at cat"};
    double score[3] = {0};
    (void)state;
    vt_index *ix = animals();
    for (int i = 0; i < 3; i++) {
        vt_hits *hits = search(ix, orders[i], 1);
        score[i] = hit(hits, 0).score;
        vt_hits_release(hits);
    }
    assert_memory_equal(&score[0], &score[1], sizeof *score);
    assert_memory_equal(&score[0], &score[2], sizeof *score);
    vt_index_release(ix);
}

static void ties_go_to_the_lower_passage(void **state) {
    (void)state;
    vt_index *ix = open_index(NULL);
    assert_int_equal(vt_index_put_source(ix, "s", 0), VT_OK);
    for (int i = 0; i < 50; i++) add(ix, "s", "", i % 2 ? "same words" : "other");
    assert_int_equal(vt_index_commit(ix), VT_OK);
    vt_hits *hits = search(ix, "same", 7);
    assert_int_equal(vt_hits_count(hits), 7);
    for (int64_t i = 0; i < 7; i++) assert_int_equal(hit(hits, i).id, 2 * i + 1);
    vt_hits_release(hits);
    vt_index_release(ix);
}

/* ---- the k best equal brute force ---- */

typedef struct pair {
    double score;
    int64_t id;
} pair;

static int better(const void *x, const void *y) {
    const pair *a = x, *b = y;
    if (a->score != b->score) return a->score < b->score ? 1 : -1;
    return a->id > b->id ? 1 : -1;
}

static void given_weights_are_searched_exactly(void **state) {
    enum { DOCS = 400, VOCAB = 60, PER_DOC = 12 };
    static double weight[DOCS][VOCAB];
    vt_index_options o = VT_STRUCT_INIT(vt_index_options);
    uint32_t seed = 7;
    (void)state;
    o.weighting = VT_WEIGHTING_GIVEN;
    vt_index *ix = open_index(&o);
    assert_int_equal(vt_index_put_source(ix, "s", 0), VT_OK);
    memset(weight, 0, sizeof weight);
    for (int d = 0; d < DOCS; d++) {
        char names[PER_DOC][8];
        vt_term terms[PER_DOC];
        vt_passage p = VT_STRUCT_INIT(vt_passage);
        for (int j = 0; j < PER_DOC; j++) {
            seed = seed * 1664525u + 1013904223u;
            int w = (int)(seed >> 8) % (VOCAB / PER_DOC) * PER_DOC + j; /* distinct */
            weight[d][w] = (double)(1 + (seed >> 16) % 5) / 4;
            (void)snprintf(names[j], sizeof names[j], "t%d", w);
            terms[j] = (vt_term){names[j], strlen(names[j]), weight[d][w]};
        }
        p.terms = terms;
        p.n_terms = PER_DOC;
        assert_int_equal(vt_index_add(ix, "s", &p), VT_OK);
    }
    assert_int_equal(vt_index_commit(ix), VT_OK);
    for (int round = 0; round < 50; round++) {
        enum { N = 6, K = 17 };
        char names[N][8];
        vt_term query[N];
        pair all[DOCS];
        vt_search_options so = VT_STRUCT_INIT(vt_search_options);
        vt_hits *hits;
        for (int j = 0; j < N; j++) {
            seed = seed * 1664525u + 1013904223u;
            (void)snprintf(names[j], sizeof names[j], "t%d", (int)(seed >> 8) % (VOCAB / N) * N + j);
            query[j] = (vt_term){names[j], strlen(names[j]), 0.5 * (1 + j)};
        }
        for (int d = 0; d < DOCS; d++) {
            all[d] = (pair){0, d};
            for (int j = 0; j < N; j++) all[d].score += query[j].weight * weight[d][atoi(names[j] + 1)]; /* quarters and halves: exact */
        }
        qsort(all, DOCS, sizeof *all, better);
        so.k = K;
        assert_int_equal(vt_index_search_terms(ix, query, N, &so, &hits), VT_OK);
        for (int64_t i = 0; i < K && all[i].score > 0; i++) {
            assert_int_equal(hit(hits, i).id, all[i].id);
            assert_true(hit(hits, i).score == all[i].score);
        }
        vt_hits_release(hits);
    }
    vt_index_release(ix);
}

static void options_of_bm25_are_used(void **state) {
    static const struct {
        double k1, b;
        uint32_t flags;
        double want_k1, want_b;
    } cases[] = {{0, 0, 0, 1.2, 0.75}, {2, 0.5, 0, 2, 0.5}, {0, 0, VT_INDEX_NO_LENGTH_NORM, 1.2, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_index_options o = VT_STRUCT_INIT(vt_index_options);
        o.k1 = cases[i].k1;
        o.b = cases[i].b;
        o.flags = cases[i].flags;
        vt_index *ix = open_index(&o);
        assert_int_equal(vt_index_put_source(ix, "s", 0), VT_OK);
        add(ix, "s", "", "a a a");
        add(ix, "s", "", "b");
        assert_int_equal(vt_index_commit(ix), VT_OK);
        vt_hits *hits = search(ix, "a", 1);
        double k = cases[i].want_k1 * (1 - cases[i].want_b + cases[i].want_b * 3 / 2);
        assert_true(fabs(hit(hits, 0).score - log(1 + 1.5 / 1.5) * 3 * (cases[i].want_k1 + 1) / (3 + k)) < 1e-12);
        vt_hits_release(hits);
        vt_index_release(ix);
    }
}

/* ---- changing ---- */

static void changes_are_seen_after_the_commit(void **state) {
    uint64_t print = 0;
    (void)state;
    vt_index *ix = animals();
    assert_int_equal(vt_index_put_source(ix, "new.txt", 9), VT_OK);
    add(ix, "new.txt", "Owls", "An owl hunts the cat");
    assert_string_equal(titles(ix, "cat"), "Cats Dogs ");
    assert_int_equal(vt_index_count(ix), 3);
    assert_int_equal(vt_index_source_count(ix), 2);
    assert_int_equal(vt_index_fingerprint(ix, "new.txt", &print), VT_OK);
    assert_int_equal(print, 9);
    assert_int_equal(vt_index_commit(ix), VT_OK);
    assert_string_equal(titles(ix, "owl"), "Owls ");
    assert_int_equal(vt_index_count(ix), 4);
    vt_index_release(ix);
}

static void a_source_put_again_loses_its_passages(void **state) {
    uint64_t print = 0;
    (void)state;
    vt_index *ix = animals();
    assert_int_equal(vt_index_put_source(ix, "zoo.txt", 8), VT_OK);
    add(ix, "zoo.txt", "Gone", "cat one");
    assert_int_equal(vt_index_put_source(ix, "zoo.txt", 10), VT_OK); /* and once more before the commit */
    add(ix, "zoo.txt", "Lions", "cat two");
    assert_int_equal(vt_index_commit(ix), VT_OK);
    assert_string_equal(titles(ix, "cat"), "Lions ");
    assert_string_equal(titles(ix, "one"), "");
    assert_string_equal(titles(ix, "fish"), "");
    assert_int_equal(vt_index_fingerprint(ix, "zoo.txt", &print), VT_OK);
    assert_int_equal(print, 10);
    vt_index_release(ix);
}

static void a_removed_source_is_gone(void **state) {
    uint64_t print = 5;
    (void)state;
    vt_index *ix = animals();
    assert_int_equal(vt_index_put_source(ix, "b", 1), VT_OK);
    add(ix, "b", "B", "cat");
    assert_int_equal(vt_index_commit(ix), VT_OK);
    assert_int_equal(vt_index_remove_source(ix, "zoo.txt"), VT_OK);
    assert_int_equal(vt_index_fingerprint(ix, "zoo.txt", &print), VT_ERR_NOT_FOUND);
    assert_int_equal(print, 5);
    assert_int_equal(vt_index_remove_source(ix, "zoo.txt"), VT_ERR_NOT_FOUND);
    assert_int_equal(index_add(ix, "zoo.txt", "", "x", 0), VT_ERR_NOT_FOUND);
    assert_int_equal(vt_index_source_count(ix), 1);
    assert_string_equal(vt_index_source_name(ix, 0), "b");
    assert_null(vt_index_source_name(ix, 1));
    assert_int_equal(vt_index_commit(ix), VT_OK);
    assert_string_equal(titles(ix, "cat fish dog"), "B ");
    assert_int_equal(vt_index_put_source(ix, "zoo.txt", 2), VT_OK); /* and back, empty */
    assert_int_equal(vt_index_commit(ix), VT_OK);
    assert_int_equal(vt_index_count(ix), 1);
    assert_int_equal(vt_index_source_count(ix), 2);
    vt_index_release(ix);
}

/* The same end state by two ways gives the same answers. */
static void commits_in_steps_equal_one_commit(void **state) {
    static const char *const texts[] = {"a b c", "b c d d", "c d e e e", "a e", "f"};
    (void)state;
    vt_index *once = open_index(NULL), *steps = open_index(NULL);
    for (int i = 0; i < 5; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "s%d", i);
        assert_int_equal(vt_index_put_source(once, name, 0), VT_OK);
        add(once, name, name, texts[i]);
        assert_int_equal(vt_index_put_source(steps, name, 1), VT_OK);
        add(steps, name, "old", "a b c d e f g");
        assert_int_equal(vt_index_commit(steps), VT_OK);
    }
    for (int i = 0; i < 5; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "s%d", i);
        assert_int_equal(vt_index_put_source(steps, name, 0), VT_OK);
        add(steps, name, name, texts[i]);
        assert_int_equal(vt_index_commit(steps), VT_OK);
    }
    assert_int_equal(vt_index_commit(once), VT_OK);
    for (char c = 'a'; c <= 'g'; c++) {
        char query[4] = {c, ' ', 'e', 0};
        vt_hits *x = search(once, query, 10), *y = search(steps, query, 10);
        assert_int_equal(vt_hits_count(x), vt_hits_count(y));
        for (int64_t i = 0; i < vt_hits_count(x); i++) {
            assert_true(hit(x, i).score == hit(y, i).score);
            assert_true(hit(x, i).coverage == hit(y, i).coverage);
            assert_string_equal(hit(x, i).title, hit(y, i).title);
        }
        vt_hits_release(x);
        vt_hits_release(y);
    }
    vt_index_release(once);
    vt_index_release(steps);
}

static void hits_outlive_the_index(void **state) {
    (void)state;
    vt_index *ix = animals();
    vt_hits *hits = search(ix, "fish", 1);
    assert_int_equal(vt_index_remove_source(ix, "zoo.txt"), VT_OK);
    assert_int_equal(vt_index_commit(ix), VT_OK);
    vt_index_release(ix);
    assert_string_equal(hit(hits, 0).text, "Fish swim");
    vt_hits_release(hits);
}

static void nothing_to_find_is_no_error(void **state) {
    (void)state;
    vt_index *empty = open_index(NULL), *ix = animals();
    assert_string_equal(titles(empty, "cat"), "");
    assert_string_equal(titles(ix, ""), "");
    assert_string_equal(titles(ix, "unicorn, griffin!"), "");
    assert_int_equal(vt_index_commit(empty), VT_OK);
    assert_int_equal(vt_index_put_source(empty, "s", 0), VT_OK);
    add(empty, "s", "", "");
    assert_int_equal(vt_index_commit(empty), VT_OK);
    assert_int_equal(vt_index_count(empty), 1);
    assert_string_equal(titles(empty, "cat"), "");
    vt_index_release(empty);
    vt_index_release(ix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(score_is_bm25),
        cmocka_unit_test(coverage_is_the_share_of_the_query_by_idf),
        cmocka_unit_test(limits_of_score_and_coverage_leave_the_rest_out),
        cmocka_unit_test(words_are_folded_on_both_sides),
        cmocka_unit_test(titles_count_only_when_asked),
        cmocka_unit_test(order_of_the_query_does_not_matter),
        cmocka_unit_test(ties_go_to_the_lower_passage),
        cmocka_unit_test(given_weights_are_searched_exactly),
        cmocka_unit_test(options_of_bm25_are_used),
        cmocka_unit_test(changes_are_seen_after_the_commit),
        cmocka_unit_test(a_source_put_again_loses_its_passages),
        cmocka_unit_test(a_removed_source_is_gone),
        cmocka_unit_test(commits_in_steps_equal_one_commit),
        cmocka_unit_test(hits_outlive_the_index),
        cmocka_unit_test(nothing_to_find_is_no_error),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
