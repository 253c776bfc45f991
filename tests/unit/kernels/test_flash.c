/* Tiles of attention: every instruction set against the reference, in arrays that end at a page that nobody may touch. */
#include "variants.h"

#include "vtk_flash.h"

enum { ROWS = 5, MOST = 70, LD = 70 };

typedef struct arrays {
    float *x, *y, *z; /* [ROWS, LD] */
    float a[ROWS], b[ROWS], c[ROWS], column[2][MOST];
    int64_t first[ROWS], last[ROWS];
} arrays;

static arrays make(int64_t n, uint64_t seed) {
    arrays r;
    size_t size = (size_t)((ROWS - 1) * LD + n) * sizeof(float);
    r.x = guarded(size), r.y = guarded(size), r.z = guarded(size);
    random_floats(r.x, (int64_t)(size / 4), seed), random_floats(r.y, (int64_t)(size / 4), seed + 1), random_floats(r.z, (int64_t)(size / 4), seed + 2);
    for (int i = 0; i < ROWS; i++) {
        r.a[i] = i == 1 ? -INFINITY : 0.3f * (float)i, r.b[i] = i == 1 ? 0.0f : 1.5f, r.c[i] = 0;
        r.first[i] = i == 0 ? 0 : n * (i - 1) / 8, r.last[i] = i == 0 ? n : i == 4 ? r.first[i] : n - n * i / 9;
    }
    for (int i = 0; i < MOST; i++) r.column[0][i] = i == 3 ? INFINITY : 0.1f * (float)(i % 7), r.column[1][i] = 0.2f * (float)(i % 5);
    return r;
}

static void drop(arrays *r, int64_t n) {
    size_t size = (size_t)((ROWS - 1) * LD + n) * sizeof(float);
    guarded_free(r->x, size), guarded_free(r->y, size), guarded_free(r->z, size);
}

static void same(const char *what, const float *got, const float *want, int64_t ld, int64_t rows, int64_t n, double tolerance) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < n; c++)
            if (!is_close(got[r * ld + c], want[r * ld + c], tolerance * (1 + (isfinite(want[r * ld + c]) ? fabs((double)want[r * ld + c]) : 0))))
                fail_msg("%s: n %d, row %d, column %d: %.9g, not %.9g", what, (int)n, (int)r, (int)c, (double)got[r * ld + c], (double)want[r * ld + c]);
}

static void run_weigh(const struct vtk_flash_type *t, arrays *r, int64_t n, int ranges) {
    t->weigh(&(vtk_flash_weigh){r->x, LD, ROWS, n, ranges ? r->first : NULL, ranges ? r->last : NULL, 3.7, r->a, r->b, r->c});
}

static void run_slopes(const struct vtk_flash_type *t, arrays *r, int64_t n, int ranges) {
    t->slopes(&(vtk_flash_slopes){r->x, r->y, LD, ROWS, n, ranges ? r->first : NULL, ranges ? r->last : NULL, 2.3, r->column[0], r->column[1]});
}

static void run_adjust(const struct vtk_flash_type *t, arrays *r, int64_t n, int kind) {
    t->adjust(&(vtk_flash_adjust){r->x, LD, ROWS, n, 1.3, kind & 1 ? 0.9 : 0, kind & 2 ? 0.25 : 0, -7, kind & 4 ? r->y : NULL, kind & 8 ? r->z : NULL});
}

static void run_rest(const struct vtk_flash_type *t, arrays *r, int64_t n) {
    t->dot(r->c, r->x, LD, r->y, LD, ROWS, n);
    t->sum_rows(r->z, r->column[1], r->x, LD, ROWS, n);
    t->shrink(r->x, LD, ROWS, n, r->b);
    t->multiply(r->y, LD, ROWS, n, 1.7, r->x);
    t->multiply(r->x, LD, ROWS, n, 0.3, NULL);
    t->finish(r->z, LD, ROWS, n, r->a, r->a, r->b);
}

static void compare(const char *what, const arrays *got, const arrays *want, int64_t n) {
    same(what, got->x, want->x, LD, ROWS, n, 1e-6);
    same(what, got->y, want->y, LD, ROWS, n, 1e-6);
    same(what, got->z, want->z, LD, ROWS, n, 1e-6);
    same(what, got->a, want->a, 1, ROWS, 1, 1e-6), same(what, got->b, want->b, 1, ROWS, 1, 2e-6), same(what, got->c, want->c, 1, ROWS, 1, 2e-6);
}

static void check(const vtk_table *ref, const vtk_table *t) {
    for (int64_t n = 1; n <= MOST; n++)
        for (int kind = 0; kind < 16; kind++) {
            for (int what = 0; what < 4; what++) {
                if (what && kind > 1) continue;
                arrays got = make(n, (uint64_t)n), want = make(n, (uint64_t)n);
                static const char *const names[] = {"adjust", "weigh", "slopes", "the rest"};
                for (int side = 0; side < 2; side++) {
                    const struct vtk_flash_type *f = side ? ref->flash->f32 : t->flash->f32;
                    arrays *r = side ? &want : &got;
                    if (what == 0) run_adjust(f, r, n, kind);
                    else if (what == 1) run_weigh(f, r, n, kind);
                    else if (what == 2) run_slopes(f, r, n, kind);
                    else run_rest(f, r, n);
                }
                compare(names[what], &got, &want, n);
                drop(&got, n), drop(&want, n);
            }
        }
}

static void every_body_computes_what_the_reference_does(void **state) {
    (void)state;
    for_each_variant(check);
}

/* ---- float64 ---- */

enum { RESULTS = 3 * (ROWS - 1) * LD + 3 * MOST + 4 * ROWS };

/* All of a type's functions but adjust, one after the other over the same arrays; everything they wrote to out [RESULTS]. */
static void run_f64(const struct vtk_flash_type *t, int64_t n, int ranges, double *out) {
    size_t count = (size_t)((ROWS - 1) * LD + n), size = count * sizeof(double);
    double *a[3], columns[2][MOST], rows[4][ROWS];
    arrays r = make(n, (uint64_t)n);
    const float *from[] = {r.x, r.y, r.z};
    for (int i = 0; i < 3; i++) {
        a[i] = guarded(size);
        for (size_t k = 0; k < count; k++) a[i][k] = (double)from[i][k];
    }
    for (int i = 0; i < MOST; i++) columns[0][i] = (double)r.column[0][i], columns[1][i] = (double)r.column[1][i];
    for (int i = 0; i < ROWS; i++) rows[0][i] = (double)r.a[i], rows[1][i] = (double)r.b[i], rows[2][i] = rows[3][i] = 0;
    const int64_t *first = ranges ? r.first : NULL, *last = ranges ? r.last : NULL;
    t->dot(rows[3], a[0], LD, a[1], LD, ROWS, n);
    t->sum_rows(a[2], columns[1], a[0], LD, ROWS, n);
    t->slopes(&(vtk_flash_slopes){a[2], a[1], LD, ROWS, n, first, last, 2.3, columns[0], columns[1]});
    t->weigh(&(vtk_flash_weigh){a[0], LD, ROWS, n, first, last, 3.7, rows[0], rows[1], rows[2]});
    t->shrink(a[1], LD, ROWS, n, rows[1]);
    t->multiply(a[2], LD, ROWS, n, 1.7, a[0]);
    t->finish(a[0], LD, ROWS, n, rows[2], rows[0], rows[1]);
    for (int i = 0; i < 3; i++) {
        memcpy(out + (size_t)i * count, a[i], size);
        guarded_free(a[i], size);
    }
    memcpy(out + 3 * count, rows, sizeof rows);
    drop(&r, n);
}

static void check_f64(const vtk_table *ref, const vtk_table *t) {
    static double got[RESULTS], want[RESULTS];
    for (int64_t n = 1; n <= MOST; n++)
        for (int ranges = 0; ranges < 2; ranges++) {
            run_f64(t->flash->f64, n, ranges, got);
            run_f64(ref->flash->f64, n, ranges, want);
            for (int64_t i = 0; i < 3 * ((ROWS - 1) * LD + n) + 4 * ROWS; i++)
                if (isfinite(want[i]) ? !(fabs(got[i] - want[i]) <= 1e-14 * (1 + fabs(want[i]))) : got[i] != want[i])
                    fail_msg("n %d, ranges %d, result %d: %.17g, not %.17g", (int)n, ranges, (int)i, got[i], want[i]);
        }
}

static void every_body_computes_what_the_reference_does_in_float64(void **state) {
    (void)state;
    for_each_variant(check_f64);
}

static void check_nan(const vtk_table *ref, const vtk_table *t) {
    (void)ref;
    arrays r = make(40, 1);
    r.x[LD + 20] = NAN, r.x[2 * LD] = -INFINITY;
    run_weigh(t->flash->f32, &r, 40, 0);
    assert_true(isnan(r.x[LD + 20]) && isnan(r.b[1]) && isfinite(r.b[0]) && r.x[2 * LD] == 0);
    drop(&r, 40);
}

static void a_score_that_is_no_number_is_seen_in_its_row(void **state) {
    (void)state;
    for_each_variant(check_nan);
    check_nan(NULL, &(vtk_table){.flash = &vtk_flash_ref});
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_body_computes_what_the_reference_does), cmocka_unit_test(every_body_computes_what_the_reference_does_in_float64),
                                      cmocka_unit_test(a_score_that_is_no_number_is_seen_in_its_row)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
