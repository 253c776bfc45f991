/* Transforms: every instruction set has the reference's bits; the reference has the sums written out. */
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

static const vtk_fft_plan plans[] = {{1, 0, {0}, NULL, NULL}, {2, 1, {2}, NULL, NULL}, {3, 1, {3}, NULL, NULL}, {4, 1, {4}, NULL, NULL}, {60, 3, {4, 3, 5}, NULL, NULL}, {62, 2, {2, 31}, NULL, NULL},
    {64, 3, {4, 4, 4}, NULL, NULL}, {105, 3, {3, 5, 7}, NULL, NULL}, {512, 5, {4, 4, 4, 4, 2}, NULL, NULL}, {27, 3, {3, 3, 3}, NULL, NULL}};
enum { N_PLANS = sizeof plans / sizeof plans[0], MOST = 512 };

static double next_number(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(*seed >> 11) / (double)((int64_t)1 << 52) - 1;
}

#define TEST(T, LANES, FIELD, NAME, BOUND) \
    static void NAME(void **state) { \
        (void)state; \
        T *roots = aligned_alloc(64, 2 * MOST * sizeof(T)), *a = aligned_alloc(64, 128 * MOST), *b = aligned_alloc(64, 128 * MOST), *x = malloc(128 * MOST), \
          *first = malloc(128 * MOST); \
        for (int i = 0; i < N_PLANS; i++) \
            for (int inverse = 0; inverse < 2; inverse++) { \
                vtk_fft_plan plan = plans[i]; \
                int64_t n = plan.n; \
                uint64_t seed = 5; \
                for (int64_t k = 0; k < n; k++) roots[2 * k] = (T)cos(2 * M_PI * (double)k / (double)n), roots[2 * k + 1] = (T)-sin(2 * M_PI * (double)k / (double)n); \
                plan.roots = roots; \
                for (int64_t k = 0; k < 2 * LANES * n; k++) x[k] = (T)next_number(&seed); \
                static const char *const sets[] = {"ref", "avx2", "avx512"}; \
                for (int s = 0; s < 3; s++) { \
                    vtk_table t; \
                    if (!vtk_fill_isa(&t, sets[s])) continue; \
                    memcpy(a, x, (size_t)(2 * LANES * n) * sizeof(T)); \
                    const T *y = t.fft->FIELD(&plan, a, b, inverse); \
                    if (s == 0) memcpy(first, y, (size_t)(2 * LANES * n) * sizeof(T)); \
                    else assert_memory_equal(first, y, (size_t)(2 * LANES * n) * sizeof(T)); \
                } \
                for (int64_t k = 0; k < n; k++) \
                    for (int l = 0; l < LANES; l += LANES - 1) { \
                        double re = 0, im = 0; \
                        for (int64_t j = 0; j < n; j++) { \
                            double angle = (inverse ? 2 : -2) * M_PI * (double)(j * k % n) / (double)n, u = (double)x[2 * LANES * j + l], v = (double)x[2 * LANES * j + LANES + l]; \
                            re += u * cos(angle) - v * sin(angle); \
                            im += u * sin(angle) + v * cos(angle); \
                        } \
                        assert_true(fabs((double)first[2 * LANES * k + l] - re) < BOUND && fabs((double)first[2 * LANES * k + LANES + l] - im) < BOUND); \
                    } \
            } \
        free(roots), free(a), free(b), free(x), free(first); \
    }
TEST(float, 16, f32, transforms_of_f32, 2e-5)
TEST(double, 8, f64, transforms_of_f64, 2e-13)

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(transforms_of_f32), cmocka_unit_test(transforms_of_f64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
