#include "variants.h"

#include <stdlib.h>

static const size_t unit_size[VTK_N_TYPES] = {4, 2, 2, 34, 18, 20, 22, 24, 84, 110, 144, 176, 210, 292};
static int64_t unit_of(int type) { return type >= VTK_Q2_K ? VTK_K_BLOCK : type >= VTK_Q8_0 ? VTK_BLOCK : 1; }

/* The least number of whole blocks that holds n elements. */
static int64_t whole_blocks(int type, int64_t n) { return (n + unit_of(type) - 1) / unit_of(type) * unit_of(type); }
static size_t row_size(int type, int64_t k) { return (size_t)(k / unit_of(type)) * unit_size[type]; }

/* Weights and activations of one product; rows have odd bytes between them, so that nothing is aligned by luck. */
typedef struct problem {
    int type, q8;
    int64_t rows, m, k;
    unsigned char *w, *x;
    size_t w_stride, x_stride, w_size, x_size;
    float *floats; /* [m, k]: the activations before quantisation */
} problem;

static void make(problem *p, const vtk_table *ref, int type, int q8, int64_t rows, int64_t m, int64_t k, float scale) {
    size_t x_row = q8 ? VTK_Q8_ROW_SIZE(k) : (size_t)k * 4;
    float *row = malloc((size_t)k * 4 + 4);
    *p = (problem){.type = type, .q8 = q8, .rows = rows, .m = m, .k = k, .w_stride = row_size(type, k) + 2, .x_stride = x_row + 4};
    p->w_size = (size_t)(rows - 1) * p->w_stride + row_size(type, k);
    p->x_size = (size_t)(m - 1) * p->x_stride + x_row;
    p->w = guarded(p->w_size);
    p->x = guarded(p->x_size);
    p->floats = malloc((size_t)(m * k) * 4 + 4);
    for (int64_t r = 0; r < rows; r++) {
        random_floats(row, k, (uint64_t)(r * 31 + k));
        ref->encode[type](p->w + (size_t)r * p->w_stride, row, k);
    }
    random_floats(p->floats, m * k, 99);
    for (int64_t i = 0; i < m; i++) p->floats[i * k + i * 37 % k] *= i % 3 ? 40.0f : 1.0f; /* blocks that stand out have more bits */
    for (int64_t i = 0; i < m * k; i++) p->floats[i] *= scale;
    free(row);
}

static void load_activations(problem *p, const vtk_table *ref) {
    for (int64_t i = 0; i < p->m; i++) {
        unsigned char *x = p->x + (size_t)i * p->x_stride;
        if (p->q8) ref->encode_q8_row(x, p->floats + i * p->k, p->k);
        else memcpy(x, p->floats + i * p->k, (size_t)p->k * 4);
    }
}

static void drop(problem *p) {
    guarded_free(p->w, p->w_size);
    guarded_free(p->x, p->x_size);
    free(p->floats);
}

static void run(const vtk_table *t, const problem *p, float *out, int64_t ld, int64_t first, int64_t m, int64_t row0, int64_t row1) {
    vtk_matmul a = {.out = out, .ld_out = ld, .w = p->w, .w_stride = p->w_stride, .x = p->x + (size_t)first * p->x_stride, .x_stride = p->x_stride,
                    .m = m, .k = p->k};
    (p->q8 ? t->matmul_q8 : t->matmul_f32)[p->type](&a, row0, row1);
}

/* The sum of |x| of an activation row: weights are within [-1, 1], or a step beyond. */
static double magnitude(const problem *p, int64_t i) {
    double sum = 0.0;
    for (int64_t j = 0; j < p->k; j++) sum += fabs((double)p->floats[i * p->k + j]);
    return sum;
}

/* a * eps * n, n the longest chain of additions: a lane's share of a float row, or a row's blocks; of the sum of magnitudes. */
static void compare(const vtk_table *ref, const vtk_table *t, const problem *p) {
    double n = p->q8 ? (double)p->k / VTK_BLOCK + 2 : (double)p->k / 8 + 4;
    float *got = malloc((size_t)(p->rows * p->m) * 4 + 4), *want = malloc((size_t)(p->rows * p->m) * 4 + 4);

    run(t, p, got, p->rows, 0, p->m, 0, p->rows);
    run(ref, p, want, p->rows, 0, p->m, 0, p->rows);
    for (int64_t i = 0; i < p->m; i++) {
        double tolerance = 3.0 * (double)FLT_EPSILON * n * magnitude(p, i);
        for (int64_t r = 0; r < p->rows; r++) {
            float a = got[i * p->rows + r], b = want[i * p->rows + r];
            if (!is_close(a, b, tolerance))
                fail_msg("%s, type %d, q8 %d, k=%d, rows=%d, m=%d: [%d, %d] is %a, not %a", t->isa, p->type, p->q8, (int)p->k, (int)p->rows,
                         (int)p->m, (int)i, (int)r, (double)a, (double)b);
        }
    }
    free(got);
    free(want);
}

static void compare_one(const vtk_table *ref, const vtk_table *t, int type, int q8, int64_t rows, int64_t m, int64_t k, float scale) {
    problem p;
    make(&p, ref, type, q8, rows, m, k, scale);
    load_activations(&p, ref);
    compare(ref, t, &p);
    drop(&p);
}

static void check_products(const vtk_table *ref, const vtk_table *t) {
    for (int type = 0; type < VTK_N_TYPES; type++) {
        int64_t unit = unit_of(type), max = type >= VTK_Q2_K ? 9 : 49;
        for (int64_t k = unit; k <= max * unit; k += unit) compare_one(ref, t, type, 0, 5, 3, k, 1.0f);
        for (int64_t rows = 1; rows <= 9; rows++) compare_one(ref, t, type, 0, rows, 10 - rows, whole_blocks(type, 64), 1.0f);
        compare_one(ref, t, type, 0, 3, 2, whole_blocks(type, 2208), 1.0f); /* more than two pieces of a row */
        if (!t->matmul_q8[type]) continue;
        for (int64_t k = unit; k <= max * unit; k += unit) compare_one(ref, t, type, 1, 5, 3, k, 1.0f);
        for (int64_t rows = 1; rows <= 67; rows++) compare_one(ref, t, type, 1, rows, 1 + rows % 7, whole_blocks(type, 96), 1.0f);
    }
}

static void products_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_products);
}

static void check_extremes(const vtk_table *ref, const vtk_table *t) {
    static const float special[] = {NAN, INFINITY, -INFINITY};
    for (int type = 0; type < VTK_N_TYPES; type++) {
        for (int q8 = 0; q8 <= (t->matmul_q8[type] != NULL); q8++) {
            compare_one(ref, t, type, q8, 18, 5, whole_blocks(type, 96), 1e30f);
            compare_one(ref, t, type, q8, 18, 5, whole_blocks(type, 96), 1e-30f);
            compare_one(ref, t, type, q8, 18, 5, whole_blocks(type, 96), 1e-40f);
            for (size_t i = 0; i < COUNT(special); i++) { /* one bad activation row spoils its own results and no others */
                problem p;
                make(&p, ref, type, q8, 18, 5, whole_blocks(type, 96), 1.0f);
                p.floats[2 * p.k + 40] = special[i];
                load_activations(&p, ref);
                compare(ref, t, &p);
                drop(&p);
            }
        }
    }
}

static void extremes_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_extremes);
}

/* Float rounding would tell sums apart that run in another order: any m, any cut of the rows must give the same bits. */
static void check_tiles(const vtk_table *ref, const vtk_table *t) {
    enum { ROWS = 71, M = 12 };
    static const int64_t lengths[] = {96, 576, 1088}, steps[] = {1, 3, 8, 15, 16, 17, 24, 31, 32, 33, 48, 70};
    static float whole[ROWS * M], part[ROWS * M];
    problem p;

    for (int type = 0; type < VTK_N_TYPES; type++) {
        for (int q8 = 0; q8 <= (t->matmul_q8[type] != NULL); q8++) {
            for (size_t i = 0; i < (t == ref ? 1 : COUNT(lengths)); i++) { /* the reference is slow, and has one loop for all */
                make(&p, ref, type, q8, ROWS, M, whole_blocks(type, lengths[i]), 1.0f);
                load_activations(&p, ref);
                run(t, &p, whole, ROWS, 0, M, 0, ROWS);
                for (int64_t m = 1; m <= M; m++) {
                    memset(part, 0xff, sizeof part);
                    for (int64_t first = 0; first < M; first += m) run(t, &p, part + first * ROWS, ROWS, first, first + m <= M ? m : M - first, 0, ROWS);
                    assert_memory_equal(part, whole, sizeof whole);
                }
                for (size_t j = 0; j < COUNT(steps); j++) {
                    int64_t step = steps[j];
                    memset(part, 0xff, sizeof part);
                    for (int64_t r = 0; r < ROWS; r += step) run(t, &p, part, ROWS, 0, M, r, r + step < ROWS ? r + step : ROWS);
                    assert_memory_equal(part, whole, sizeof whole);
                }
                drop(&p);
            }
        }
    }
}

static void an_element_is_the_same_in_every_tile(void **state) {
    vtk_table ref;
    (void)state;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    check_tiles(&ref, &ref);
    for_each_variant(check_tiles);
}

static void integer_products_agree_on_every_vector_machine(void **state) {
    static const char *const names[] = {"avx2", "avx512", "avx512vnni"};
    static float first[40 * 5], other[40 * 5];
    vtk_table ref, t;
    problem p;
    (void)state;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    for (int type = VTK_Q8_0; type <= VTK_Q4_1; type++) {
        make(&p, &ref, type, 1, 40, 5, 1536, 1.0f);
        load_activations(&p, &ref);
        for (size_t i = 0; i < COUNT(names); i++) {
            if (!vtk_fill_isa(&t, names[i])) continue;
            run(&t, &p, i ? other : first, 40, 0, 5, 0, 40);
            if (i) assert_memory_equal(other, first, sizeof first);
        }
        drop(&p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_the_reference),
        cmocka_unit_test(extremes_are_those_of_the_reference),
        cmocka_unit_test(an_element_is_the_same_in_every_tile),
        cmocka_unit_test(integer_products_agree_on_every_vector_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
