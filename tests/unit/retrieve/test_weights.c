/* The index as sparse rows: TF-IDF by its formula, given weights as they were given. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "index_cases.h"
#include "torture_each.h"
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

static vt_status make_index(vt_context *c, vt_index **out) {
    vt_status st = vt_index_open(c, NULL, NULL, out);
    if (st == VT_OK) st = vt_index_put_source(*out, "zoo", 0);
    if (st == VT_OK) st = index_add(*out, "zoo", "", "cat dog cat", 0);
    if (st == VT_OK) st = index_add(*out, "zoo", "", "", 0);
    if (st == VT_OK) st = index_add(*out, "zoo", "", "ape dog", 0);
    if (st == VT_OK) st = vt_index_commit(*out);
    return st;
}

static void drop_rows(vt_index_rows *rows) {
    vt_buffer_release(rows->offsets);
    vt_buffer_release(rows->columns);
    vt_buffer_release(rows->values);
}

static void weights_are_tf_idf_in_rows(void **state) {
    /* Terms by their bytes: ape, cat, dog. */
    static const int64_t offsets[] = {0, 2, 2, 4};
    static const int32_t columns[] = {1, 2, 0, 2};
    vt_index_rows rows = VT_STRUCT_INIT(vt_index_rows);
    vt_index *ix = NULL;
    (void)state;
    assert_int_equal(make_index(ctx, &ix), VT_OK);
    assert_int_equal(vt_index_weights(ix, &rows), VT_OK);
    vt_index_release(ix); /* the rows are theirs alone */
    assert_int_equal(rows.n, 3);
    assert_int_equal(rows.dim, 3);
    assert_int_equal(vt_buffer_size(rows.offsets), sizeof offsets);
    assert_int_equal(vt_buffer_size(rows.columns), sizeof columns);
    assert_int_equal(vt_buffer_size(rows.values), 4 * sizeof(float));
    assert_memory_equal(vt_buffer_data(rows.offsets), offsets, sizeof offsets);
    assert_memory_equal(vt_buffer_data(rows.columns), columns, sizeof columns);
    const float *w = vt_buffer_data(rows.values);
    const double rare = log(1 + 2.5 / 1.5), common = log(1 + 1.5 / 2.5);
    assert_true(w[0] == (float)((1 + log(2)) * rare));
    assert_true(w[1] == (float)common);
    assert_true(w[2] == (float)rare);
    assert_true(w[3] == w[1]);
    drop_rows(&rows);
}

static void given_weights_stay_and_must_be_floats(void **state) {
    static const double given[] = {2.5, 3.4e38, 1e-60};
    (void)state;
    for (int i = 0; i < 3; i++) {
        vt_index_options o = VT_STRUCT_INIT(vt_index_options);
        vt_passage p = VT_STRUCT_INIT(vt_passage);
        vt_term term = {"x", 1, given[i]};
        vt_index_rows rows = VT_STRUCT_INIT(vt_index_rows);
        vt_index *ix;
        o.weighting = VT_WEIGHTING_GIVEN;
        p.terms = &term;
        p.n_terms = 1;
        assert_int_equal(vt_index_open(ctx, NULL, &o, &ix), VT_OK);
        assert_int_equal(vt_index_put_source(ix, "s", 0), VT_OK);
        assert_int_equal(vt_index_add(ix, "s", &p), VT_OK);
        assert_int_equal(vt_index_commit(ix), VT_OK);
        assert_int_equal(vt_index_weights(ix, &rows), i < 2 ? VT_OK : VT_ERR_NUMERIC);
        if (i < 2) assert_true(((const float *)vt_buffer_data(rows.values))[0] == (float)given[i]);
        else assert_null(rows.offsets);
        drop_rows(&rows);
        vt_index_release(ix);
    }
}

static void an_empty_index_has_no_rows(void **state) {
    vt_index_rows rows = VT_STRUCT_INIT(vt_index_rows);
    vt_index *ix;
    (void)state;
    assert_int_equal(vt_index_open(ctx, NULL, NULL, &ix), VT_OK);
    assert_int_equal(vt_index_weights(ix, &rows), VT_OK);
    assert_int_equal(rows.n, 0);
    assert_int_equal(vt_buffer_size(rows.offsets), sizeof(int64_t));
    assert_int_equal(vt_buffer_size(rows.values), 0);
    drop_rows(&rows);
    assert_int_equal(vt_index_weights(NULL, &rows), VT_ERR_INVALID);
    assert_int_equal(vt_index_weights(ix, NULL), VT_ERR_INVALID);
    vt_index_release(ix);
}

static vt_status weigh(vt_context *c) {
    vt_index_rows rows = VT_STRUCT_INIT(vt_index_rows);
    vt_index *ix = NULL;
    vt_status st = make_index(c, &ix);
    if (st == VT_OK) st = vt_index_weights(ix, &rows);
    drop_rows(&rows);
    vt_index_release(ix);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(weigh);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_tf_idf_in_rows),
        cmocka_unit_test(given_weights_stay_and_must_be_floats),
        cmocka_unit_test(an_empty_index_has_no_rows),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
