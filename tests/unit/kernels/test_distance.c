/* Distance kernels of every instruction set against the reference. */
#include "variants.h"

enum { MAX_PANELS = 3, MAX_CENTRES = 9, MAX_DIM = 70, OBJECTS = MAX_PANELS * VTK_PANEL };

/* got is want within a relative error, or both are the same special value. */
static int is_near(double got, double want, double relative, double smallest) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got)) return want == got;
    return fabs(got - want) <= relative * want + smallest;
}

static double real_at(const void *x, int64_t i, int f64) { return f64 ? ((const double *)x)[i] : (double)((const float *)x)[i]; }

static void put_real(void *x, int64_t i, int f64, double v) {
    if (f64) ((double *)x)[i] = v;
    else ((float *)x)[i] = (float)v;
}

static void random_reals(void *x, int64_t n, int f64, uint64_t seed) {
    for (int64_t i = 0; i < n; i++) put_real(x, i, f64, (double)random_float(&seed) * 3.0);
}

/* No numbers whose squares overflow: callers see to that, and float32 sums would not be those of the reference in float64. */
static const double specials[] = {(double)NAN, (double)INFINITY, (double)-INFINITY, -0.0, 1e-40, 1e18, -1e18, 1e-310};

/* One shape and metric: all distances, and nothing written beside them. */
static void check_reals(const vtk_table *ref, const vtk_table *t, int f64, int metric, int64_t n_panels, int64_t n_centres, int64_t dim, int special) {
    size_t size = f64 ? 8 : 4, panels_size = (size_t)(n_panels * VTK_PANEL * dim) * size, centres_size = (size_t)(n_centres * dim) * size;
    void *panels = guarded(panels_size), *centres = guarded(centres_size);
    static double got[MAX_CENTRES * (OBJECTS + 1)], want[MAX_CENTRES * (OBJECTS + 1)];
    const double eps = f64 ? DBL_EPSILON : (double)FLT_EPSILON, smallest = f64 ? DBL_MIN : (double)FLT_MIN;
    int64_t ld = n_panels * VTK_PANEL + 1;
    vtk_distance p = {.out = got, .ld = ld, .panels = panels, .n_panels = n_panels, .centres = centres, .n_centres = n_centres, .dim = dim};

    random_reals(panels, n_panels * VTK_PANEL * dim, f64, 1);
    random_reals(centres, n_centres * dim, f64, 2);
    for (size_t i = 0; special && i < COUNT(specials); i++) {
        if (n_panels) put_real(panels, (int64_t)i * 5 % (VTK_PANEL * dim), f64, specials[i]);
        if (n_centres) put_real(centres, (int64_t)i % (n_centres * dim), f64, specials[i]);
    }
    memset(got, 0x55, sizeof got);
    memset(want, 0x55, sizeof want);
    (f64 ? t->distance_f64 : t->distance_f32)[metric](&p);
    p.out = want;
    (f64 ? ref->distance_f64 : ref->distance_f32)[metric](&p);
    for (int64_t i = 0; i < n_centres * ld; i++) {
        double g = real_at(got, i, f64), w = real_at(want, i, f64);
        if (i % ld == ld - 1) assert_true(g == w); /* the gap between two rows of out */
        else if (!is_near(g, w, (double)(dim + 4) * eps, smallest))
            fail_msg("%s f%d metric %d dim %lld: distance %lld of %lld x %lld is %.17g, not %.17g", t->isa, f64 ? 64 : 32, metric, (long long)dim, (long long)i,
                     (long long)n_centres, (long long)n_panels, g, w);
    }
    guarded_free(panels, panels_size);
    guarded_free(centres, centres_size);
}

static void check_shapes(const vtk_table *ref, const vtk_table *t) {
    static const int64_t centres[] = {0, 1, 2, 3, 4, 5, 8, 9};
    for (int f64 = 0; f64 < 2; f64++)
        for (int metric = 0; metric < VTK_N_METRICS; metric++) {
            for (int64_t dim = 1; dim <= MAX_DIM; dim++) check_reals(ref, t, f64, metric, 2, 5, dim, dim % 3 == 0);
            for (int64_t n_panels = 0; n_panels <= MAX_PANELS; n_panels++)
                for (size_t c = 0; c < COUNT(centres); c++)
                    for (int special = 0; special < 2; special++) check_reals(ref, t, f64, metric, n_panels, centres[c], 7, special);
        }
}

static void distances_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_shapes);
}

/* Each of 80 objects as centre and as lane, in ranges and groups of every size: always the same bits. */
static void check_one_number(const vtk_table *t, int f64, int metric) {
    enum { N = 80, DIM = 13 };
    static double rows[N * DIM], panels[N * DIM], all[N * N], part[N * N];
    size_t size = f64 ? 8 : 4;
    random_reals(rows, N * DIM, f64, 3);
    for (int64_t i = 0; i < N * DIM; i++) put_real(panels, (i / DIM / VTK_PANEL * DIM + i % DIM) * VTK_PANEL + i / DIM % VTK_PANEL, f64, real_at(rows, i, f64));
    vtk_distance p = {.out = all, .ld = N, .panels = panels, .n_panels = N / VTK_PANEL, .centres = rows, .n_centres = N, .dim = DIM};
    (f64 ? t->distance_f64 : t->distance_f32)[metric](&p);
    for (int64_t i = 0; i < N * N; i++) {
        assert_true(real_at(all, i, f64) == real_at(all, i % N * N + i / N, f64));
        if (i / N == i % N) assert_true(real_at(all, i, f64) == 0.0);
    }
    for (int64_t n_panels = 1; n_panels <= N / VTK_PANEL; n_panels++)
        for (int64_t n_centres = 1; n_centres < 10; n_centres++) {
            int64_t first = N / VTK_PANEL - n_panels, centre = N - n_centres;
            p = (vtk_distance){.out = part, .ld = N, .panels = (char *)panels + (size_t)(first * VTK_PANEL * DIM) * size, .n_panels = n_panels,
                               .centres = (char *)rows + (size_t)(centre * DIM) * size, .n_centres = n_centres, .dim = DIM};
            (f64 ? t->distance_f64 : t->distance_f32)[metric](&p);
            for (int64_t c = 0; c < n_centres; c++)
                assert_memory_equal((char *)part + (size_t)(c * N) * size, (char *)all + (size_t)((centre + c) * N + first * VTK_PANEL) * size,
                                    (size_t)(n_panels * VTK_PANEL) * size);
        }
}

static void a_distance_is_one_number(void **state) {
    static const char *const names[] = {"ref", "avx2", "avx512"};
    vtk_table t;
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        for (int f64 = 0; f64 < 2 && vtk_fill_isa(&t, names[i]); f64++)
            for (int metric = 0; metric < VTK_N_METRICS; metric++) check_one_number(&t, f64, metric);
}

static uint64_t next_bits(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ *state >> 29;
}

static void check_bits(const vtk_table *ref, const vtk_table *t) {
    static const int64_t dims[] = {1, 2, 30, 31, 32, 62, 63, 70};
    static int32_t got[MAX_CENTRES * OBJECTS], want[MAX_CENTRES * OBJECTS];
    for (size_t d = 0; d < COUNT(dims); d++)
        for (int64_t n_panels = 0; n_panels <= MAX_PANELS; n_panels++)
            for (int64_t n_centres = 0; n_centres <= 3; n_centres++) {
                size_t panels_size = (size_t)(n_panels * VTK_PANEL * dims[d]) * 8, centres_size = (size_t)(n_centres * dims[d]) * 8;
                uint64_t *panels = guarded(panels_size), *centres = guarded(centres_size), random = 9;
                for (size_t i = 0; i < panels_size / 8; i++) panels[i] = next_bits(&random) & next_bits(&random);
                for (size_t i = 0; i < centres_size / 8; i++) centres[i] = next_bits(&random);
                for (int64_t k = 0; k < dims[d] && n_panels && n_centres; k++)
                    panels[k * VTK_PANEL] = 0, panels[k * VTK_PANEL + 1] = UINT64_MAX, centres[k] = 0; /* 0 / 0, and all bits differ */
                vtk_distance p = {.ld = OBJECTS, .panels = panels, .n_panels = n_panels, .centres = centres, .n_centres = n_centres, .dim = dims[d]};
                for (int jaccard = 0; jaccard < 2; jaccard++) {
                    memset(got, 0, sizeof got);
                    memset(want, 0, sizeof want);
                    p.out = got;
                    (jaccard ? t->distance_jaccard : t->distance_hamming)(&p);
                    p.out = want;
                    (jaccard ? ref->distance_jaccard : ref->distance_hamming)(&p);
                    assert_memory_equal(got, want, sizeof got);
                }
                guarded_free(panels, panels_size);
                guarded_free(centres, centres_size);
            }
}

static void bits_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_bits);
}

static void check_sparse(const vtk_table *ref, const vtk_table *t) {
    enum { DIM = 40 };
    size_t size = sizeof(float) * DIM * VTK_SPARSE;
    float *dense = guarded(size), values[DIM];
    int32_t columns[DIM];
    for (int64_t n = 0; n <= DIM; n++) {
        random_floats(dense, DIM * VTK_SPARSE, 4);
        random_floats(values, DIM, 5);
        for (int64_t i = 0; i < DIM * VTK_SPARSE; i += 3) dense[i] = 0.0f;
        values[1] = 1e-40f, values[2] = 3e38f, dense[DIM * VTK_SPARSE - 1] = -3e38f;
        for (int64_t i = 0; i < n; i++) columns[i] = (int32_t)(DIM - n + i);
        double got[VTK_SPARSE], want[VTK_SPARSE];
        t->sparse_dot(got, dense, columns, values, n);
        ref->sparse_dot(want, dense, columns, values, n);
        assert_memory_equal(got, want, sizeof got);
        t->sparse_shared(got, dense, columns, values, n);
        ref->sparse_shared(want, dense, columns, values, n);
        assert_memory_equal(got, want, sizeof got);
    }
    guarded_free(dense, size);
}

static void sparse_sums_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_sparse);
}

static uint64_t survey(const vtk_table *t, int type, void *x, int64_t n_rows, int64_t n_columns, int64_t stride, void *copy, int64_t edge) {
    return t->largest[type](&(vtk_survey){.x = x, .n_rows = n_rows, .n_columns = n_columns, .stride = stride, .copy = copy, .edge = edge, .next = x});
}

static void check_largest(const vtk_table *ref, const vtk_table *t) {
    static const uint64_t words[] = {0, 1, 0x7f800000, 0xff800000, 0x7fc00000, 0x80000000, 0x7ff0000000000000u, 0xfff0000000000000u, 0x8000000000000000u, UINT64_MAX};
    enum { EDGE = 40 };
    static uint64_t copy[EDGE * EDGE];
    for (int type = 0; type < VTK_N_DISTANCES; type++)
        for (int64_t n = 0; n <= EDGE; n++)
            for (size_t w = 0; w < COUNT(words); w++) {
                size_t size = type == VTK_DISTANCE_F32 || type == VTK_DISTANCE_I32 ? 4 : 8, bytes = (size_t)(3 * (n + 2)) * size;
                unsigned char *x = guarded(bytes);
                for (size_t i = 0; i < bytes; i++) x[i] = (unsigned char)(i * 37 % 64);
                if (n) memcpy(x + (size_t)(n + 2 + n / 2) * size, &words[w], size);
                assert_true(survey(t, type, x, 3, n, n + 2, NULL, 0) == survey(ref, type, x, 3, n, n + 2, NULL, 0));
                memset(copy, 0, sizeof copy);
                (void)survey(t, type, x, 3, n, n + 2, copy, EDGE);
                for (int r = 0; r < 3 && n; r++) assert_memory_equal((char *)copy + (size_t)(r * EDGE) * size, x + (size_t)(r * (n + 2)) * size, (size_t)n * size);
                guarded_free(x, bytes);
            }
}

static void check_mirrors(const vtk_table *ref, const vtk_table *t) {
    enum { EDGE = 64 };
    static uint64_t a[EDGE * EDGE], b[EDGE * EDGE];
    static const int64_t shapes[][2] = {{0, 0}, {1, 1}, {1, 8}, {8, 8}, {7, 9}, {16, 8}, {24, 40}, {64, 64}, {64, 4}, {4, 12}, {63, 64}};
    for (int size = 4; size <= 8; size += 4)
        for (size_t s = 0; s < COUNT(shapes); s++) {
            int64_t n_rows = shapes[s][0], n_columns = shapes[s][1];
            memset(a, 0, sizeof a);
            memset(b, 1, sizeof b); /* what lies beside does not matter */
            for (int64_t i = 0; i < n_rows * n_columns; i++) {
                uint64_t v = (uint64_t)i * 0x9e3779b97f4a7c15u;
                memcpy((char *)a + (size_t)(i / n_columns * EDGE + i % n_columns) * (size_t)size, &v, (size_t)size);
                memcpy((char *)b + (size_t)(i % n_columns * EDGE + i / n_columns) * (size_t)size, &v, (size_t)size);
            }
            int (*is_mirrored)(const void *, const void *, int64_t, int64_t, int64_t) = size == 4 ? t->is_mirrored_32 : t->is_mirrored_64;
            int (*is_mirrored_ref)(const void *, const void *, int64_t, int64_t, int64_t) = size == 4 ? ref->is_mirrored_32 : ref->is_mirrored_64;
            assert_int_equal(is_mirrored(a, b, EDGE, n_rows, n_columns), 1);
            assert_int_equal(is_mirrored_ref(a, b, EDGE, n_rows, n_columns), 1);
            for (int64_t i = 0; i < n_rows * n_columns; i++) {
                unsigned char *x = (unsigned char *)a + (size_t)(i / n_columns * EDGE + i % n_columns) * (size_t)size + (size_t)(i % size);
                *x ^= 1;
                assert_int_equal(is_mirrored(a, b, EDGE, n_rows, n_columns), 0);
                *x ^= 1;
            }
        }
}

static void surveys_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_largest);
    for_each_variant(check_mirrors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_those_of_the_reference),   cmocka_unit_test(a_distance_is_one_number),
        cmocka_unit_test(bits_are_those_of_the_reference),        cmocka_unit_test(sparse_sums_are_those_of_the_reference),
        cmocka_unit_test(surveys_are_those_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
