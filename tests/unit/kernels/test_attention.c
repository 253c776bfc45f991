#include "variants.h"

#include <stdlib.h>

/* A cache of blocks and the queries for it. Blocks hold keys, then values; the last block ends at the guard. */
typedef struct problem {
    vtk_attention a;
    unsigned char *blocks[16];
    size_t block_size;
    int n_blocks;
    float *q;
} problem;

static void make(problem *p, const vtk_table *ref, int64_t n_rows, int64_t dim, int64_t first, int64_t last, int f16, float scale) {
    int64_t per_block = 2 * VTK_KV_BLOCK * dim, ld = dim + 3;
    float *values = malloc((size_t)per_block * 4);
    *p = (problem){.block_size = (size_t)per_block * (f16 ? 2 : 4), .n_blocks = (int)((last + VTK_KV_BLOCK - 1) / VTK_KV_BLOCK)};
    p->q = malloc((size_t)(n_rows * ld) * 4);
    random_floats(p->q, n_rows * ld, 11);
    for (int b = 0; b < p->n_blocks; b++) {
        p->blocks[b] = guarded(p->block_size);
        random_floats(values, per_block, (uint64_t)b + 12);
        for (int64_t i = 0; i < per_block / 2; i++) values[i] *= scale; /* the keys */
        ref->encode[f16 ? VTK_F16 : VTK_F32](p->blocks[b], values, per_block);
    }
    p->a = (vtk_attention){.q = p->q, .ld = ld, .n_rows = n_rows, .dim = dim, .blocks = (const unsigned char *const *)p->blocks,
                           .v_offset = p->block_size / 2, .f16 = f16, .first = first, .last = last, .scale = 1.0f / sqrtf((float)dim)};
    free(values);
}

static void drop(problem *p) {
    for (int b = 0; b < p->n_blocks; b++) guarded_free(p->blocks[b], p->block_size);
    free(p->q);
}

/* out: [n_rows, ld]; what lies between rows must stay. */
static void run(const vtk_table *t, const problem *p, float *out, int64_t row, int64_t n_rows) {
    vtk_attention a = p->a;
    size_t scratch = (size_t)(n_rows * (a.last - a.first)) * 4;
    a.scratch = guarded(scratch);
    a.out = out + row * a.ld;
    a.q += row * a.ld;
    a.n_rows = n_rows;
    t->attention(&a);
    guarded_free(a.scratch, scratch);
}

/* Scores are off by eps times the additions of a dot product and times its magnitude, values by eps times the keys; |values| <= 1. */
static void compare(const vtk_table *ref, const vtk_table *t, const problem *p, float scale) {
    static float got[8 * 140], want[8 * 140];
    double dim = (double)p->a.dim, n = (double)(p->a.last - p->a.first);
    double tolerance = 2.0 * (double)FLT_EPSILON * ((dim / 8 + 4) * (1.0 + (double)scale * sqrt(dim)) + n);

    memset(got, 0, sizeof got);
    memset(want, 0, sizeof want);
    run(t, p, got, 0, p->a.n_rows);
    run(ref, p, want, 0, p->a.n_rows);
    for (int64_t i = 0; i < p->a.n_rows * p->a.ld; i++) {
        if (!is_close(got[i], want[i], tolerance))
            fail_msg("%s, dim %d, rows %d, keys %d..%d, f16 %d: %a, not %a", t->isa, (int)p->a.dim, (int)p->a.n_rows, (int)p->a.first,
                     (int)p->a.last, p->a.f16, (double)got[i], (double)want[i]);
    }
}

static void check_attention(const vtk_table *ref, const vtk_table *t) {
    static const int64_t dims[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80, 96, 128, 130};
    static const struct {
        int64_t first, last;
    } spans[] = {{0, 1}, {0, 2}, {0, 15}, {0, 16}, {0, 17}, {5, 6}, {15, 17}, {3, 50}, {31, 64}, {0, 99}};
    problem p;

    for (size_t d = 0; d < COUNT(dims); d++) {
        for (size_t s = 0; s < COUNT(spans); s++) {
            for (int f16 = 0; f16 < 2; f16++) {
                make(&p, ref, 1 + (int64_t)(d + s) % 7, dims[d], spans[s].first, spans[s].last, f16, 1.0f);
                compare(ref, t, &p, 1.0f);
                drop(&p);
            }
        }
    }
    make(&p, ref, 3, 64, 0, 40, 0, 100.0f); /* steep: most weights underflow */
    compare(ref, t, &p, 100.0f);
    drop(&p);
    make(&p, ref, 3, 64, 0, 40, 0, 1e-40f); /* flat */
    compare(ref, t, &p, 1.0f);
    drop(&p);
    for (float cap = 0.01f; cap < 1000; cap *= 3) {
        make(&p, ref, 3, 64, 0, 40, 0, 10.0f);
        p.a.softcap = cap;
        compare(ref, t, &p, 10.0f);
        drop(&p);
    }
}

static void results_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_attention);
}

static void check_bad_numbers(const vtk_table *ref, const vtk_table *t) {
    static const float special[] = {NAN, INFINITY, -INFINITY};
    problem p;

    for (size_t i = 0; i < COUNT(special); i++) { /* a bad query spoils its own row and no other */
        make(&p, ref, 5, 20, 0, 21, 0, 1.0f);
        p.q[2 * p.a.ld + 4] = special[i];
        compare(ref, t, &p, 1.0f);
        drop(&p);
        make(&p, ref, 5, 20, 0, 21, 0, 1.0f);
        memcpy(p.blocks[1] + p.a.v_offset, &special[i], 4); /* a bad value: its column */
        compare(ref, t, &p, 1.0f);
        drop(&p);
    }
}

static void bad_numbers_stay_where_they_belong(void **state) {
    (void)state;
    for_each_variant(check_bad_numbers);
}

static void check_rows(const vtk_table *ref, const vtk_table *t) {
    enum { ROWS = 7 };
    static float whole[ROWS * 90], part[ROWS * 90];
    problem p;
    for (int f16 = 0; f16 < 2; f16++) {
        make(&p, ref, ROWS, 84, 2, 77, f16, 3.0f);
        run(t, &p, whole, 0, ROWS);
        for (int64_t step = 1; step < ROWS; step++) {
            for (int64_t r = 0; r < ROWS; r += step) run(t, &p, part, r, r + step < ROWS ? step : ROWS - r);
            assert_memory_equal(part, whole, (size_t)(ROWS * p.a.ld) * 4);
        }
        drop(&p);
    }
}

static void a_row_is_the_same_alone_or_with_others(void **state) {
    vtk_table ref;
    (void)state;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    check_rows(&ref, &ref);
    for_each_variant(check_rows);
}

static void one_key_gives_its_value(void **state) {
    vtk_table t;
    problem p;
    float out[67];
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    make(&p, &t, 1, 64, 18, 19, 0, 1.0f);
    run(&t, &p, out, 0, 1);
    assert_memory_equal(out, p.blocks[1] + p.a.v_offset + 2 * 64 * 4, 64 * 4);
    drop(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_those_of_the_reference),
        cmocka_unit_test(bad_numbers_stay_where_they_belong),
        cmocka_unit_test(a_row_is_the_same_alone_or_with_others),
        cmocka_unit_test(one_key_gives_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
