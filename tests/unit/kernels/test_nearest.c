#include "variants.h"

/* Objects, centres and columns around the sizes of panels, register tiles and vectors. */
static const struct {
    int64_t n_panels, k, dim;
} sizes[] = {{1, 1, 1}, {1, 6, 2}, {2, 7, 3}, {3, 5, 16}, {4, 12, 7}, {5, 13, 33}, {9, 18, 8}, {11, 40, 64}};

static double element(int is_f32, const void *x, int64_t i) { return is_f32 ? (double)((const float *)x)[i] : ((const double *)x)[i]; }

static void put(int is_f32, void *x, int64_t i, double v) {
    if (is_f32) ((float *)x)[i] = (float)v;
    else ((double *)x)[i] = v;
}

typedef struct problem {
    int is_f32;
    int64_t n, n_panels, k, dim;
    size_t panels_size, centres_size, norms_size;
    void *panels, *centres, *norms;
    vtk_nearest p;
} problem;

/* Elements in [-1, 1); with few distinct values many scores tie exactly. */
static problem make_problem(int is_f32, int64_t n_panels, int64_t k, int64_t dim, int few) {
    const int64_t n_groups = (k + VTK_CENTRES - 1) / VTK_CENTRES;
    const size_t size = is_f32 ? 4 : 8;
    problem q = {.is_f32 = is_f32, .n = n_panels * VTK_PANEL, .n_panels = n_panels, .k = k, .dim = dim};
    uint64_t state = (uint64_t)(n_panels * 1000 + k * 10 + dim);
    q.panels_size = (size_t)(q.n * dim) * size, q.centres_size = (size_t)(n_groups * dim * VTK_CENTRES) * size, q.norms_size = (size_t)(n_groups * VTK_CENTRES) * size;
    q.panels = guarded(q.panels_size), q.centres = guarded(q.centres_size), q.norms = guarded(q.norms_size);
    for (int64_t i = 0; i < q.n * dim; i++) put(is_f32, q.panels, i, few ? rint(2 * (double)random_float(&state)) : (double)random_float(&state));
    for (int64_t c = 0; c < n_groups * VTK_CENTRES; c++) {
        double norm = 0;
        for (int64_t d = 0; d < dim; d++) {
            double v = c >= k ? 0 : few ? rint(2 * (double)random_float(&state)) : (double)random_float(&state);
            put(is_f32, q.centres, (c / VTK_CENTRES * dim + d) * VTK_CENTRES + c % VTK_CENTRES, v);
            norm += v * v / 2;
        }
        put(is_f32, q.norms, c, c < k ? norm : (double)INFINITY);
    }
    q.p = (vtk_nearest){NULL, NULL, q.panels, q.centres, q.norms, n_groups, dim};
    return q;
}

static void free_problem(problem *q) {
    guarded_free(q->panels, q->panels_size);
    guarded_free(q->centres, q->centres_size);
    guarded_free(q->norms, q->norms_size);
}

static double score(const problem *q, int64_t o, int64_t c) {
    double sum = -element(q->is_f32, q->norms, c);
    for (int64_t d = 0; d < q->dim; d++)
        sum += element(q->is_f32, q->panels, (o / VTK_PANEL * q->dim + d) * VTK_PANEL + o % VTK_PANEL) *
               element(q->is_f32, q->centres, (c / VTK_CENTRES * q->dim + d) * VTK_CENTRES + c % VTK_CENTRES);
    return sum;
}

/* The label's score is the largest up to rounding, and the one that is told; whole numbers tie exactly, and the first wins. */
static void check_labels(const problem *q, const int32_t *labels, const void *scores, int few) {
    const double eps = 2 * (double)(q->dim + 2) * (double)q->dim * (q->is_f32 ? (double)FLT_EPSILON : DBL_EPSILON);
    for (int64_t o = 0; o < q->n; o++) {
        int64_t first = 0;
        assert_in_range(labels[o], 0, q->k - 1);
        for (int64_t c = 1; c < q->k; c++)
            if (score(q, o, c) > score(q, o, first)) first = c;
        assert_true(score(q, o, labels[o]) >= score(q, o, first) - eps);
        assert_true(fabs(element(q->is_f32, scores, o) - score(q, o, labels[o])) <= eps);
        if (few) assert_int_equal(labels[o], first);
    }
}

static void check_nearest(const vtk_table *t, int is_f32) {
    void (*nearest)(const vtk_nearest *, int64_t, int64_t) = is_f32 ? t->nearest_f32 : t->nearest_f64;
    const size_t size = is_f32 ? 4 : 8;
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (int few = 0; few < 2; few++) {
            problem q = make_problem(is_f32, sizes[s].n_panels, sizes[s].k, sizes[s].dim, few);
            const size_t labels_size = (size_t)q.n * 4, scores_size = (size_t)q.n * size;
            int32_t *labels = guarded(labels_size), *one = guarded(labels_size);
            void *scores = guarded(scores_size), *one_score = guarded(scores_size);
            q.p.labels = labels, q.p.scores = scores;
            nearest(&q.p, 0, q.n_panels);
            check_labels(&q, labels, scores, few);
            q.p.labels = one, q.p.scores = one_score; /* a panel by itself gives the same numbers */
            for (int64_t i = 0; i < q.n_panels; i++) nearest(&q.p, i, i + 1);
            assert_memory_equal(labels, one, labels_size);
            assert_memory_equal(scores, one_score, scores_size);
            guarded_free(labels, labels_size);
            guarded_free(one, labels_size);
            guarded_free(scores, scores_size);
            guarded_free(one_score, scores_size);
            free_problem(&q);
        }
}

static void check_both(const vtk_table *ref, const vtk_table *t) {
    for (int is_f32 = 0; is_f32 < 2; is_f32++) {
        check_nearest(ref, is_f32);
        check_nearest(t, is_f32);
    }
}

static void the_first_largest_score_wins(void **state) {
    (void)state;
    for_each_variant(check_both);
}

static void check_sums(const vtk_table *ref, const vtk_table *t) {
    enum { ROWS = 40, GAP = 3 };
    static const int32_t list[] = {3, 0, ~7, 39, 39, ~0, 12, 5, ~12, 20, 21, 22};
    for (int is_f32 = 0; is_f32 < 2; is_f32++)
        for (int64_t dim = 1; dim < 150; dim += dim < 40 ? 1 : 13)
            for (int64_t n = 0; n <= (int64_t)COUNT(list); n += 3) {
                const size_t size = (size_t)((ROWS - 1) * (dim + GAP) + dim) * (is_f32 ? 4 : 8), sum_size = (size_t)dim * 8;
                void *rows = guarded(size);
                double *sum = guarded(sum_size), *shift = guarded(sum_size), want[150], weights[ROWS];
                uint64_t state = (uint64_t)dim;
                for (int64_t i = 0; i < (ROWS - 1) * (dim + GAP) + dim; i++) put(is_f32, rows, i, (double)random_float(&state));
                for (int64_t d = 0; d < dim; d++) want[d] = sum[d] = (double)random_float(&state), shift[d] = (double)random_float(&state);
                for (int64_t i = 0; i < ROWS; i++) weights[i] = (double)random_float(&state) + 1;
                vtk_row_sum p = {sum, rows, dim + GAP, dim, shift, n % 2 ? weights : NULL, list, n};
                (is_f32 ? t->sum_rows_f32 : t->sum_rows_f64)(&p);
                p.sum = want;
                (is_f32 ? ref->sum_rows_f32 : ref->sum_rows_f64)(&p);
                for (int64_t d = 0; d < dim; d++)
                    if (fabs(sum[d] - want[d]) > 4 * (double)(n + 1) * (double)n * DBL_EPSILON) fail_msg("%s: column %lld of %lld: %.17g, not %.17g", t->isa, (long long)d, (long long)dim, sum[d], want[d]);
                guarded_free(rows, size);
                guarded_free(sum, sum_size);
                guarded_free(shift, sum_size);
            }
}

static void sums_of_rows_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_sums);
}

/* By hand: rows 0, 2 and 3 less row 1, of weights 1, 10, 100 and 1000. */
static void the_reference_is_right(void **state) {
    (void)state;
    vtk_table ref;
    const float rows[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const double shift[] = {1, 2}, weights[] = {1, 10, 100, 1000};
    const int32_t list[] = {0, 2, ~1, 3};
    double sum[] = {7, 0};
    vtk_row_sum p = {sum, rows, 2, 2, shift, weights, list, 4};
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    ref.sum_rows_f32(&p);
    assert_true(sum[0] == 7 + 0 + 400 - 20 + 6000 && sum[1] == 0 + 400 - 20 + 6000);
    p.weights = NULL;
    sum[0] = sum[1] = 0;
    ref.sum_rows_f32(&p);
    assert_true(sum[0] == 0 + 4 - 2 + 6 && sum[1] == 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_largest_score_wins), cmocka_unit_test(sums_of_rows_are_those_of_the_reference),
                                       cmocka_unit_test(the_reference_is_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
