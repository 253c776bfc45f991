/* Folds, softmax and norms by every instruction set against the reference. Tolerances are in roundings of float32 beside a sum in float64. */
#include "variants.h"
#include "vtk_fold.h"

enum { COLUMNS_MOST = 70, ROWS_MOST = 20 };

static const int64_t lengths[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100, 1023, 4096};
static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, FLT_MAX};

/* Ordinary rows, and rows with odd numbers in them: variant 0 none, then each of `odd` at one place, then minus infinity all over. */
enum { VARIANTS = 9 };
static void fill(float *x, int64_t n, int variant) {
    random_floats(x, n, (uint64_t)(n * 31 + variant));
    for (int64_t i = 0; i < n; i++) x[i] = variant == VARIANTS - 1 ? -INFINITY : x[i] * 8;
    if (variant > 0 && variant < VARIANTS - 1) x[n / 2] = odd[variant - 1], x[n - 1] = variant % 2 ? x[n - 1] : x[n / 2];
}

static int is_near(double got, double want, double size, double eps) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got)) return want == got;
    return fabs(got - want) <= eps * (fabs(size) + fabs(want)) + (double)FLT_MIN;
}

/* What a kind's second state number is, where it has one. */
static int has_second(int kind) { return kind == VTK_FOLD_ARGMAX || kind == VTK_FOLD_ARGMIN || kind == VTK_FOLD_MOMENTS || kind == VTK_FOLD_LSE; }
static double eps_of(int kind) { return kind == VTK_FOLD_LSE ? 4 * (double)FLT_EPSILON : 1e-13; }

static void check_folds(const vtk_table *ref, const vtk_table *t) {
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (int variant = 0; variant < VARIANTS; variant++) {
            int64_t n = lengths[l];
            float *x = guarded((size_t)n * 4);
            fill(x, n, variant);
            double size = 0;
            for (int64_t i = 0; i < n; i++) size += fabs((double)x[i]);
            if (!isfinite(size)) size = 0;
            for (int kind = 0; kind < VTK_N_FOLDS; kind++) {
                double want[2] = {0, 0}, got[2] = {0, 0};
                ref->fold->row[VTK_FOLD_F32][kind](want, x, n);
                t->fold->row[VTK_FOLD_F32][kind](got, x, n);
                if (!is_near(got[0], want[0], size, eps_of(kind)) || (has_second(kind) && !is_near(got[1], want[1], size, eps_of(kind))))
                    fail_msg("%s: kind %d, n %d, variant %d: %g %g, not %g %g", t->fold->isa, kind, (int)n, variant, got[0], got[1], want[0], want[1]);
            }
            guarded_free(x, (size_t)n * 4);
        }
}

static void check_columns(const vtk_table *ref, const vtk_table *t) {
    static const int64_t widths[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 33, 64, COLUMNS_MOST};
    for (size_t w = 0; w < COUNT(widths); w++)
        for (int variant = 0; variant < VARIANTS; variant++) {
            int64_t n = widths[w], ld = n + 3, n_rows = 1 + (int64_t)w;
            size_t size = (size_t)((n_rows - 1) * ld + n) * 4;
            float *x = guarded(size);
            random_floats(x, (n_rows - 1) * ld + n, (uint64_t)n);
            for (int64_t r = 0; r < n_rows; r++)
                for (int64_t j = 0; j < n; j++)
                    if (variant == VARIANTS - 1) x[r * ld + j] = -INFINITY;
                    else if (variant && r == n_rows / 2) x[r * ld + j] = odd[(variant - 1 + j) % 7];
            for (int kind = 0; kind < VTK_N_FOLDS; kind++) {
                double a[COLUMNS_MOST], b[COLUMNS_MOST], *p = guarded((size_t)n * 8), *q = guarded((size_t)n * 8);
                ref->fold->columns[VTK_FOLD_F32][kind](a, b, x, ld, n_rows, n);
                t->fold->columns[VTK_FOLD_F32][kind](p, q, x, ld, n_rows, n);
                for (int64_t j = 0; j < n; j++)
                    if (!is_near(p[j], a[j], 8, eps_of(kind)) || (has_second(kind) && !is_near(q[j], b[j], 8, eps_of(kind))))
                        fail_msg("%s: kind %d, %d columns, variant %d, column %d: %g, not %g", t->fold->isa, kind, (int)n, variant, (int)j, p[j], a[j]);
                guarded_free(p, (size_t)n * 8), guarded_free(q, (size_t)n * 8);
            }
            guarded_free(x, size);
        }
}

static void near_all(const char *what, const float *got, const float *want, int64_t n, double size, double eps) {
    for (int64_t i = 0; i < n; i++)
        if (!is_near((double)got[i], (double)want[i], size, eps)) fail_msg("%s of %d: element %d is %g, not %g", what, (int)n, (int)i, (double)got[i], (double)want[i]);
}

static void check_rows(const vtk_table *ref, const vtk_table *t) {
    static const int64_t long_ones[] = {4097, 9000};
    const struct vtk_fold *a = ref->fold, *b = t->fold;
    for (size_t l = 0; l < COUNT(lengths) + COUNT(long_ones); l++)
        for (int variant = 0; variant < VARIANTS; variant++) {
            int64_t n = l < COUNT(lengths) ? lengths[l] : long_ones[l - COUNT(lengths)];
            size_t size = (size_t)n * 4;
            const double eps = 8 * (double)FLT_EPSILON;
            float *x = guarded(size), *g = guarded(size), *w = guarded(size), *y = guarded(size), *z = guarded(size), *v = guarded(size), *u = guarded(size);
            fill(x, n, variant);
            random_floats(g, n, 5), random_floats(w, n, 6);
            for (int stream = 0; stream < 2; stream++) {
                a->softmax_f32(y, x, n, 0), b->softmax_f32(z, x, n, stream), near_all("softmax", z, y, n, 0, eps);
                a->softmax_grad_f32(v, g, y, n, 0), b->softmax_grad_f32(u, g, y, n, stream), near_all("softmax_grad", u, v, n, 1, eps);
                a->log_softmax_f32(y, x, n, 0), b->log_softmax_f32(z, x, n, stream), near_all("log_softmax", z, y, n, 16, eps);
                a->log_softmax_grad_f32(v, g, y, n, 0), b->log_softmax_grad_f32(u, g, y, n, stream), near_all("log_softmax_grad", u, v, n, 8, eps);
                if (variant == 7) continue; /* squares of the largest number are no float32's business */
                a->layer_norm_f32(y, x, w, g, n, 1e-5, 0), b->layer_norm_f32(z, x, w, g, n, 1e-5, stream), near_all("layer_norm", z, y, n, 8, eps);
                a->layer_norm_f32(y, x, NULL, NULL, n, 1e-5, 0), b->layer_norm_f32(z, x, NULL, NULL, n, 1e-5, stream), near_all("layer_norm", z, y, n, 8, eps);
                a->rms_norm_f32(y, x, w, n, 1e-5, 0), b->rms_norm_f32(z, x, w, n, 1e-5, stream), near_all("rms_norm", z, y, n, 1, eps);
                a->affine_f32(y, x, n, 0.7, 1.3, -2, 0), b->affine_f32(z, x, n, 0.7, 1.3, -2, stream), near_all("affine", z, y, n, 8, eps);
            }
            if (variant != 7) {
                float *dw = guarded(size), *db = guarded(size), *ew = guarded(size), *eb = guarded(size);
                memset(dw, 0, size), memset(db, 0, size), memset(ew, 0, size), memset(eb, 0, size);
                a->layer_norm_grad_f32(y, dw, db, g, x, w, n, 1e-2, 0), b->layer_norm_grad_f32(z, ew, eb, g, x, w, n, 1e-2, variant % 2);
                near_all("layer_norm_grad", z, y, n, 20, eps), near_all("dw", ew, dw, n, 20, eps), near_all("db", eb, db, n, 1, eps);
                a->rms_norm_grad_f32(y, dw, g, x, NULL, n, 1e-2, 0), b->rms_norm_grad_f32(z, ew, g, x, NULL, n, 1e-2, variant % 2);
                near_all("rms_norm_grad", z, y, n, 20, eps), near_all("dw", ew, dw, n, 20, eps);
                double s[2], q[2];
                a->dots_f32(s, g, x, n, 0.3), b->dots_f32(q, g, x, n, 0.3);
                assert_true(is_near(q[0], s[0], (double)n, 0x1p-21) && is_near(q[1], s[1], 10 * (double)n, 0x1p-21));
                a->moments_f32(s, x, n), b->moments_f32(q, x, n);
                assert_true(is_near(q[0], s[0], 8, 0x1p-20) && is_near(q[1], s[1], 0, 0x1p-20));
                a->affine_grad_f32(y, g, x, n, 0.5, 0.3, -1.5, 0.1, 0), b->affine_grad_f32(z, g, x, n, 0.5, 0.3, -1.5, 0.1, variant % 2), near_all("affine_grad", z, y, n, 16, eps);
                a->exp_shift_f32(y, x, n, 9.25, 2, 0.5), b->exp_shift_f32(z, x, n, 9.25, 2, 0.5), near_all("exp_shift", z, y, n, 1, eps);
                guarded_free(dw, size), guarded_free(db, size), guarded_free(ew, size), guarded_free(eb, size);
            }
            guarded_free(x, size), guarded_free(g, size), guarded_free(w, size), guarded_free(y, size), guarded_free(z, size), guarded_free(v, size), guarded_free(u, size);
        }
}

/* Far from 0, around an odd first number, and with squares that float32 does not hold. */
static void check_moments(const vtk_table *ref, const vtk_table *t) {
    static const struct {
        float scale, shift, first;
    } rows[] = {{1, 1e4f, 1e4f}, {1, 0, 1000}, {1e25f, 0, 0}, {1e25f, 1e27f, 0}, {1e-25f, 0, 0}, {0, 3, 3}, {1e-3f, -1e3f, 2e3f}};
    for (size_t k = 0; k < COUNT(rows); k++)
        for (size_t l = 0; l < COUNT(lengths); l++) {
            int64_t n = lengths[l];
            float *x = guarded((size_t)n * 4), *y = guarded((size_t)n * 4), *z = guarded((size_t)n * 4);
            double want[2], got[2];
            random_floats(x, n, (uint64_t)n);
            for (int64_t i = 0; i < n; i++) x[i] = i ? x[i] * rows[k].scale + rows[k].shift : rows[k].first;
            ref->fold->moments_f32(want, x, n), t->fold->moments_f32(got, x, n);
            double deviation = sqrt(want[1] / (double)n);
            assert_true(fabs(got[0] - want[0]) <= 0x1p-20 * sqrt((double)n) * deviation + 1e-15 * fabs(want[0]));
            assert_true(fabs(got[1] - want[1]) <= 0x1p-19 * want[1] + 1e-24 * want[0] * want[0]);
            ref->fold->rms_norm_f32(y, x, NULL, n, 0, 0), t->fold->rms_norm_f32(z, x, NULL, n, 0, 0);
            near_all("rms_norm", z, y, n, 0, 8 * (double)FLT_EPSILON);
            guarded_free(x, (size_t)n * 4), guarded_free(y, (size_t)n * 4), guarded_free(z, (size_t)n * 4);
        }
}

static void moments_of_norms_lose_little(void **state) {
    (void)state;
    for_each_variant(check_moments);
}

static void folds_of_rows_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_folds);
}

static void folds_of_columns_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_columns);
}

static void softmax_and_norms_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(folds_of_rows_are_those_of_the_reference), cmocka_unit_test(folds_of_columns_are_those_of_the_reference),
        cmocka_unit_test(softmax_and_norms_are_those_of_the_reference), cmocka_unit_test(moments_of_norms_lose_little)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
