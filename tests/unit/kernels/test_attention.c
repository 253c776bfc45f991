#include "attention_problem.h"

enum { MAX_OUT = 1 << 17 };
static float got[MAX_OUT], want[MAX_OUT];

static size_t out_size(const problem *p) {
    assert_true(p->a.n_pos * p->a.ld <= MAX_OUT);
    return (size_t)(p->a.n_pos * p->a.ld) * 4;
}

/* Scores are off by eps times the additions of a dot product and times its magnitude, values by eps times the keys of a group; |values| <= 1. */
static void compare(const vtk_table *ref, const vtk_table *t, const problem *p, float scale) {
    double dim = (double)p->a.dim, n = (double)(p->a.n_keys < VTK_KEYS ? p->a.n_keys : VTK_KEYS);
    double tolerance = 2.0 * (double)FLT_EPSILON * ((dim / 8 + 4) * (1.0 + (double)scale * sqrt(dim)) + n);
    size_t size = out_size(p);

    memset(got, 0, size);
    memset(want, 0, size);
    problem_run(t, p, got, 0, p->a.n_pos);
    problem_run(ref, p, want, 0, p->a.n_pos);
    for (int64_t i = 0; i < p->a.n_pos * p->a.ld; i++) {
        if (!is_close(got[i], want[i], tolerance))
            fail_msg("%s, dim %d, %d x %d rows from %d, %d keys, type %d, left %lld: at %d: %a, not %a", t->isa, (int)p->a.dim,
                     (int)p->a.n_pos, (int)p->a.n_shared, (int)p->a.pos, (int)p->a.n_keys, p->a.type, (long long)p->a.left, (int)i,
                     (double)got[i], (double)want[i]);
    }
}

static vtk_attention shape(int64_t dim, int32_t type, int64_t n_keys, int64_t n_pos, int64_t n_shared) {
    return (vtk_attention){.dim = dim, .type = type, .n_keys = n_keys, .n_pos = n_pos, .n_shared = n_shared, .pos = n_keys - n_pos, .left = VTK_ALL};
}

static void check_attention(const vtk_table *ref, const vtk_table *t) {
    static const int64_t dims[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80, 96, 128, 130, 256};
    static const struct {
        int64_t n_keys, n_pos, left;
    } spans[] = {{1, 1, VTK_ALL}, {2, 1, VTK_ALL}, {16, 1, VTK_ALL},   {17, 17, VTK_ALL}, {6, 1, 0},
                 {17, 3, 1},      {50, 13, 4},     {140, 20, VTK_ALL}, {300, 2, VTK_ALL}, {300, 5, 140}};
    problem p;

    for (size_t d = 0; d < COUNT(dims); d++) {
        for (size_t s = 0; s < COUNT(spans); s++) {
            for (int32_t type = 0; type < VTK_N_KV; type++) {
                if (type == VTK_KV_Q8_0 && dims[d] % 32) continue;
                vtk_attention a = shape(dims[d], type, spans[s].n_keys, spans[s].n_pos, 1 + (int64_t)(d + s) % 9);
                a.left = spans[s].left;
                if (s % 3 == 2) a.right = VTK_ALL;
                problem_make(&p, a, 1.0f);
                compare(ref, t, &p, 1.0f);
                problem_drop(&p);
            }
        }
    }
    problem_make(&p, shape(64, VTK_KV_F32, 40, 5, 3), 100.0f); /* steep: most weights underflow */
    compare(ref, t, &p, 100.0f);
    problem_drop(&p);
    problem_make(&p, shape(64, VTK_KV_F32, 40, 5, 3), 1e-40f); /* flat */
    compare(ref, t, &p, 1.0f);
    problem_drop(&p);
}

static void results_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_attention);
}

static void check_cap(const vtk_table *ref, const vtk_table *t) {
    problem p;
    for (float cap = 0.01f; cap < 1000; cap *= 3) {
        vtk_attention a = shape(64, VTK_KV_F32, 150, 5, 3);
        a.softcap = cap;
        problem_make(&p, a, 10.0f);
        compare(ref, t, &p, 10.0f);
        problem_drop(&p);
    }
}

static void scores_are_capped(void **state) {
    (void)state;
    for_each_variant(check_cap);
}

static void check_bad_numbers(const vtk_table *ref, const vtk_table *t) {
    static const float special[] = {NAN, INFINITY, -INFINITY};
    float key[20] = {0}, value[20] = {0};
    problem p;

    for (size_t i = 0; i < COUNT(special); i++) { /* a bad query spoils its own row and no other */
        problem_make(&p, shape(20, VTK_KV_F32, 150, 5, 3), 1.0f);
        p.q[2 * p.a.ld + 4] = special[i];
        compare(ref, t, &p, 1.0f);
        problem_drop(&p);
        for (int late = 0; late < 2; late++) { /* a bad value: its column, of those that see it; a bad key: those that see it */
            problem_make(&p, shape(20, VTK_KV_F32, 150, 5, 3), 1.0f);
            value[3] = special[i];
            problem_put(&p, late ? 148 : 17, key, value);
            compare(ref, t, &p, 1.0f);
            assert_true(isfinite(got[3]) == late);
            key[5] = special[i];
            problem_put(&p, late ? 148 : 17, key, value);
            compare(ref, t, &p, 1.0f);
            problem_drop(&p);
            key[5] = 0.0f;
        }
    }
}

static void bad_numbers_stay_where_they_belong(void **state) {
    (void)state;
    for_each_variant(check_bad_numbers);
}

/* In one piece, in pieces of several sizes, and by parts. */
static void check_rows(const vtk_table *ref, const vtk_table *t) {
    static const struct {
        int64_t n_keys, n_pos, n_shared, left, right;
    } cases[] = {{300, 67, 3, VTK_ALL, 0}, {300, 67, 1, 130, 0}, {140, 140, 1, VTK_ALL, 0}, {90, 90, 2, VTK_ALL, VTK_ALL}, {200, 31, 7, 20, 5}};
    problem p;
    (void)ref;
    for (size_t c = 0; c < COUNT(cases); c++) {
        for (int32_t type = 0; type < VTK_N_KV; type++) {
            vtk_attention a = shape(type == VTK_KV_Q8_0 ? 64 : 84, type, cases[c].n_keys, cases[c].n_pos, cases[c].n_shared);
            a.left = cases[c].left;
            a.right = cases[c].right;
            problem_make(&p, a, 3.0f);
            size_t size = out_size(&p);
            memset(want, 0, size);
            memset(got, 0, size);
            problem_run(t, &p, want, 0, a.n_pos);
            for (int64_t step = 1; step < a.n_pos; step = 2 * step + 1) {
                memset(got, 0, size);
                for (int64_t r = 0; r < a.n_pos; r += step) problem_run(t, &p, got, r, r + step < a.n_pos ? step : a.n_pos - r);
                assert_memory_equal(got, want, size);
            }
            problem_drop(&p);
        }
    }
}

static void a_row_is_the_same_alone_or_with_others(void **state) {
    vtk_table ref;
    (void)state;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    check_rows(&ref, &ref);
    for_each_variant(check_rows);
}

static void check_parts(const vtk_table *ref, const vtk_table *t) {
    static const struct {
        int64_t n_pos, left;
    } cases[] = {{1, VTK_ALL}, {3, 200}, {40, VTK_ALL}, {40, 60}};
    (void)ref;
    for (size_t c = 0; c < COUNT(cases); c++) {
        problem p;
        vtk_attention a = shape(72, VTK_KV_F16, 600, cases[c].n_pos, 3);
        int64_t n_groups = (a.n_keys + VTK_KEYS - 1) / VTK_KEYS;
        size_t group = (size_t)(a.n_pos * a.n_shared) * VTK_PART_SIZE(a.dim), size = (size_t)n_groups * group * 4, scratch = VTK_ATTENTION_SCRATCH(a.dim) * 4;
        float *parts = guarded(size);
        a.left = cases[c].left;
        problem_make(&p, a, 2.0f);
        memset(want, 0, out_size(&p));
        memset(got, 0, out_size(&p));
        memset(parts, 0xff, size);
        problem_run(t, &p, want, 0, a.n_pos);
        p.a.scratch = guarded(scratch);
        p.a.out = got;
        for (int64_t g = n_groups - 1; g >= 0; g -= 2) t->attention_parts(&p.a, g > 0 ? g - 1 : 0, g + 1, parts + (size_t)(g > 0 ? g - 1 : 0) * group);
        t->attention_merge(&p.a, parts, 0, n_groups);
        assert_memory_equal(got, want, out_size(&p));
        guarded_free(p.a.scratch, scratch);
        guarded_free(parts, size);
        problem_drop(&p);
    }
}

static void parts_merge_to_the_whole(void **state) {
    vtk_table ref;
    (void)state;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    check_parts(&ref, &ref);
    for_each_variant(check_parts);
}

static void instruction_sets_agree_bit_for_bit(void **state) {
    vtk_table a, b;
    (void)state;
    if (!vtk_fill_isa(&a, "avx2") || !vtk_fill_isa(&b, "avx512")) return; /* cmocka's skip() is a failure to TAP readers */
    for (int32_t type = 0; type < VTK_N_KV; type++) {
        for (int64_t dim = type == VTK_KV_Q8_0 ? 32 : 20; dim < 100; dim += type == VTK_KV_Q8_0 ? 32 : 13) {
            for (float cap = 0.0f; cap < 31; cap += 30) {
                problem p;
                vtk_attention s = shape(dim, type, 300, 41, 4);
                s.softcap = cap;
                s.left = 170;
                problem_make(&p, s, 9.0f);
                memset(want, 0, out_size(&p));
                memset(got, 0, out_size(&p));
                problem_run(&a, &p, want, 0, s.n_pos);
                problem_run(&b, &p, got, 0, s.n_pos);
                assert_memory_equal(got, want, out_size(&p));
                problem_drop(&p);
            }
        }
    }
}

static void one_key_gives_its_value(void **state) {
    static const char *const names[] = {"ref", "avx2", "avx512"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        vtk_table t;
        problem p;
        if (!vtk_fill_isa(&t, names[i])) continue;
        vtk_attention a = shape(64, VTK_KV_F32, 19, 1, 1);
        a.left = 0;
        problem_make(&p, a, 1.0f);
        problem_run(&t, &p, got, 0, 1);
        assert_memory_equal(got, p.blocks[1] + p.a.v_offset + 2 * 64 * 4, 64 * 4);
        problem_drop(&p);
    }
}

static void a_query_that_sees_no_key_gives_zeros(void **state) {
    static const char *const names[] = {"ref", "avx2", "avx512"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        vtk_table t;
        problem p;
        if (!vtk_fill_isa(&t, names[i])) continue;
        problem_make(&p, shape(20, VTK_KV_F32, 6, 13, 2), 1.0f);
        memset(got, 0xff, out_size(&p));
        problem_run(&t, &p, got, 0, 13);
        for (int64_t r = 0; r < 13; r++) {
            for (int64_t j = 0; j < 40; j++) assert_true((got[r * p.a.ld + j] == 0.0f) == (r < 7));
        }
        problem_drop(&p);
    }
}

static void check_put(const vtk_table *ref, const vtk_table *t) {
    float key[96], value[96];
    random_floats(key, 96, 1);
    random_floats(value, 96, 2);
    key[3] = NAN, key[4] = INFINITY, value[5] = 1e-7f, value[6] = 70000.0f;
    for (int32_t type = 0; type < VTK_N_KV; type++) {
        for (int64_t dim = type == VTK_KV_Q8_0 ? 32 : 1; dim <= 96; dim += type == VTK_KV_Q8_0 ? 32 : 5) {
            size_t size = vtk_kv_size(type, dim);
            unsigned char *k = guarded(size), *v = guarded(size), *want_k = malloc(size), *want_v = malloc(size);
            memset(k, 7, size), memset(v, 7, size), memset(want_k, 7, size), memset(want_v, 7, size);
            for (int64_t slot = 0; slot < VTK_KV_BLOCK; slot += 3) {
                ref->kv_put[type](want_k, want_v, slot, key, value, dim);
                t->kv_put[type](k, v, slot, key, value, dim);
            }
            assert_memory_equal(k, want_k, size);
            assert_memory_equal(v, want_v, size);
            guarded_free(k, size);
            guarded_free(v, size);
            free(want_k);
            free(want_v);
        }
    }
}

static void tokens_are_stored_as_the_reference_does(void **state) {
    (void)state;
    for_each_variant(check_put);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_those_of_the_reference),
        cmocka_unit_test(scores_are_capped),
        cmocka_unit_test(bad_numbers_stay_where_they_belong),
        cmocka_unit_test(a_row_is_the_same_alone_or_with_others),
        cmocka_unit_test(parts_merge_to_the_whole),
        cmocka_unit_test(instruction_sets_agree_bit_for_bit),
        cmocka_unit_test(one_key_gives_its_value),
        cmocka_unit_test(a_query_that_sees_no_key_gives_zeros),
        cmocka_unit_test(tokens_are_stored_as_the_reference_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
