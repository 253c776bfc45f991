/* Transforms by rows and by columns: every instruction set has the sums written out. */
#define _XOPEN_SOURCE 700 /* M_PI */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vtk.h"
#include "vtk_fft.h"

static const int64_t lengths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 21, 31, 32, 60, 62, 64, 105, 128, 256, 512, 768, 1024, 1280, 1792, 2048};
enum { N_LENGTHS = sizeof lengths / sizeof lengths[0], MOST = 2048, MOST_LANES = 16 };

static double next_number(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(*seed >> 11) / (double)((int64_t)1 << 52) - 1;
}

static double get(const void *x, int type, int64_t at) { return type == VTK_FFT_F64 ? ((const double *)x)[at] : (double)((const float *)x)[at]; }

typedef struct room {
    double roots[2 * MOST];
    void *table, *x, *y, *scratch;
} room;

/* Results k and the last lane against the sums; every seventh of long ones. */
static void compare(const room *r, const vtk_fft_plan *plan, int type, int64_t lanes, int inverse) {
    int64_t n = plan->n;
    double bound = (type == VTK_FFT_F64 ? 0x1p-52 : 0x1p-23) * sqrt((double)n) * (log2((double)n) + 2) * (n % 31 && n % 7 ? 1 : 4);
    for (int64_t k = 0; k < n; k += n > 64 ? 7 : 1) {
        double re = 0, im = 0;
        for (int64_t j = 0; j < n; j++) {
            const double *w = r->roots + 2 * (j * k % n);
            double u = get(r->x, type, 2 * (j * lanes + lanes - 1)), v = get(r->x, type, 2 * (j * lanes + lanes - 1) + 1), s = inverse ? -w[1] : w[1];
            re += u * w[0] - v * s;
            im += u * s + v * w[0];
        }
        double a = get(r->y, type, 2 * (k * lanes + lanes - 1)), b = get(r->y, type, 2 * (k * lanes + lanes - 1) + 1);
        if (hypot(a - re / 2, b - im / 2) > bound) fail_msg("n %lld, type %d, rows %d, k %lld: off by %g", (long long)n, type, plan->is_rows, (long long)k, hypot(a - re / 2, b - im / 2));
    }
}

static void check(const struct vtk_fft *f, room *r, int64_t n, int type, int is_rows) {
    vtk_fft_plan plan;
    uint64_t seed = (uint64_t)n;
    if (!vtk_fft_plan_init(f, type, is_rows, n, &plan)) {
        assert_true(is_rows && n % (f->first * f->lanes[type]));
        return;
    }
    int64_t lanes = is_rows ? 1 : f->lanes[type];
    for (int64_t k = 0; k < n; k++) r->roots[2 * k] = cos(2 * M_PI * (double)k / (double)n), r->roots[2 * k + 1] = -sin(2 * M_PI * (double)k / (double)n);
    assert_true(plan.n_roots <= 4 * MOST);
    vtk_fft_plan_fill(f, type, &plan, r->roots, r->table);
    for (int64_t i = 0; i < 2 * n * lanes; i++) {
        if (type == VTK_FFT_F64) ((double *)r->x)[i] = next_number(&seed);
        else ((float *)r->x)[i] = (float)next_number(&seed);
    }
    for (int inverse = 0; inverse < 2; inverse++) {
        f->run[type](&plan, &(vtk_fft_call){.x = r->x, .y = r->y, .x_step = lanes, .y_step = lanes, .scratch = r->scratch, .scale = 0.5, .inverse = inverse});
        compare(r, &plan, type, lanes, inverse);
    }
}

static void check_all(const char *set) {
    vtk_table t;
    if (!vtk_fill_isa(&t, set)) return;
    size_t bytes = (size_t)MOST * MOST_LANES * 16;
    room r = {.table = aligned_alloc(64, (size_t)MOST * 64), .x = aligned_alloc(64, bytes), .y = aligned_alloc(64, bytes), .scratch = aligned_alloc(64, 2 * bytes)};
    for (int i = 0; i < N_LENGTHS; i++)
        for (int type = 0; type < VTK_FFT_N_TYPES; type++)
            for (int is_rows = 0; is_rows < 2; is_rows++) check(t.fft, &r, lengths[i], type, is_rows);
    free(r.table), free(r.x), free(r.y), free(r.scratch);
}

static void reference_has_the_sums(void **state) { (void)state, check_all("ref"); }
static void avx2_has_the_sums(void **state) { (void)state, check_all("avx2"); }
static void avx512_has_the_sums(void **state) { (void)state, check_all("avx512"); }

static void large_primes_have_no_plan(void **state) {
    vtk_fft_plan plan;
    (void)state;
    assert_int_equal(vtk_fft_plan_init(&vtk_fft_ref, VTK_FFT_F32, 0, 37, &plan), 0);
    assert_int_equal(vtk_fft_plan_init(&vtk_fft_ref, VTK_FFT_F32, 0, 1024 * 41, &plan), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reference_has_the_sums), cmocka_unit_test(avx2_has_the_sums), cmocka_unit_test(avx512_has_the_sums),
                                       cmocka_unit_test(large_primes_have_no_plan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
