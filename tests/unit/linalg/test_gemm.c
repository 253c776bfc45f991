/* Products of matrices against sums in float64, and the promise that their bits depend neither on threads nor on where the factors lie. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/memory.h"
#include "linalg/gemm.h"
#include "torture_each.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static vt_context *new_context(int32_t n_threads) {
    vt_context *ctx;
    assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = n_threads}, &ctx), VT_OK);
    return ctx;
}

static size_t size_of(int32_t dtype) { return dtype == VT_DTYPE_F64 ? 8 : dtype == VT_DTYPE_F32 ? 4 : 2; }

static double load(const void *x, int64_t i, int32_t dtype) {
    float f;
    if (dtype == VT_DTYPE_F64) return ((const double *)x)[i];
    if (dtype == VT_DTYPE_F32) return (double)((const float *)x)[i];
    uint32_t bits = (uint32_t)((const uint16_t *)x)[i] << 16;
    memcpy(&f, &bits, 4);
    return (double)f;
}

/* Of few digits, so that bfloat16 has them all. */
static void store(void *x, int64_t i, int32_t dtype, double v) {
    float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    if (dtype == VT_DTYPE_F64) ((double *)x)[i] = v;
    else if (dtype == VT_DTYPE_F32) ((float *)x)[i] = f;
    else ((uint16_t *)x)[i] = (uint16_t)(bits >> 16);
}

static double few_digits(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int8_t)(*state >> 56) / 64.0;
}

/* Where a factor of m rows and n columns lies in its memory. */
enum { PLAIN, TURNED, PADDED, TURNED_PADDED, SPARSE, BACKWARD, N_LAYOUTS };

static vt__gemm_factor lay_out(int layout, int64_t m, int64_t n) {
    switch (layout) {
    case PLAIN: return (vt__gemm_factor){NULL, n, 1};
    case TURNED: return (vt__gemm_factor){NULL, 1, m};
    case PADDED: return (vt__gemm_factor){NULL, n + 3, 1};
    case TURNED_PADDED: return (vt__gemm_factor){NULL, 1, m + 5};
    case SPARSE: return (vt__gemm_factor){NULL, 2 * n + 1, 2};
    default: return (vt__gemm_factor){NULL, -n, 1};
    }
}

static int64_t room_of(int64_t m, int64_t n) { return (m + 5) * (2 * n + 1) + (n + 5) * (m + 5); }

/* The numbers of `plain` where layout has them; the memory is the caller's to free. */
static void *fill(vt__gemm_factor *f, int layout, const double *plain, int64_t m, int64_t n, int32_t dtype) {
    void *memory = calloc((size_t)room_of(m, n), size_of(dtype));
    assert_non_null(memory);
    *f = lay_out(layout, m, n);
    int64_t first = layout == BACKWARD ? (m > 0 ? m - 1 : 0) * n : 0;
    f->data = (char *)memory + (size_t)first * size_of(dtype);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) store(memory, first + i * f->row + j * f->column, dtype, plain[i * n + j]);
    return memory;
}

static double *numbers(int64_t n, uint64_t seed) {
    double *x = malloc(((size_t)n + 1) * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++) x[i] = few_digits(&seed);
    return x;
}

typedef struct types {
    int32_t in, out;
} types;
static const types all_types[] = {{VT_DTYPE_F32, VT_DTYPE_F32}, {VT_DTYPE_F64, VT_DTYPE_F64}, {VT_DTYPE_BF16, VT_DTYPE_F32}, {VT_DTYPE_BF16, VT_DTYPE_BF16}};

/* C in memory with rows ld_c apart, before it the numbers of old. */
static void *product(vt_context *ctx, types t, int la, int lb, const double *a, const double *b, const double *old, int64_t m, int64_t n, int64_t k,
                     int64_t ld_c, double alpha, double beta) {
    vt__gemm_problem p = {.dtype = t.in, .out_dtype = t.out, .m = m, .n = n, .k = k, .ld_c = ld_c, .alpha = alpha, .beta = beta};
    void *ma = fill(&p.a, la, a, m, k, t.in), *mb = fill(&p.b, lb, b, k, n, t.in);
    p.c = calloc((size_t)(m * ld_c) + 1, size_of(t.out));
    assert_non_null(p.c);
    for (int64_t i = 0; i < m * ld_c; i++) store(p.c, i, t.out, i % ld_c < n ? old[i / ld_c * n + i % ld_c] : 7.0);
    assert_int_equal(vt__gemm(ctx, &p), VT_OK);
    free(ma);
    free(mb);
    return p.c;
}

static void compare(types t, const void *c, const double *a, const double *b, const double *old, int64_t m, int64_t n, int64_t k, int64_t ld_c, double alpha,
                    double beta) {
    double eps = t.in == VT_DTYPE_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < ld_c; j++) {
            double want = 0, size = 0, got = load(c, i * ld_c + j, t.out);
            for (int64_t l = 0; l < k && j < n; l++) want += a[i * k + l] * b[l * n + j], size += fabs(a[i * k + l] * b[l * n + j]);
            want = j < n ? alpha * want + beta * old[i * n + j] : 7.0;
            double tolerance = eps * (2.0 + (double)k) * (fabs(alpha) * size + fabs(beta) * 2.0) + (t.out == VT_DTYPE_BF16 ? fabs(want) / 256.0 : 0.0);
            if (!(fabs(got - want) <= tolerance))
                fail_msg("dtype %d to %d, %lld x %lld x %lld: element (%lld, %lld) is %g, not %g", (int)t.in, (int)t.out, (long long)m, (long long)n, (long long)k,
                         (long long)i, (long long)j, got, want);
        }
}

static const struct {
    int64_t m, n, k;
} shapes[] = {{1, 1, 1},   {1, 1, 0},    {3, 2, 1},    {1, 70, 33},   {70, 1, 33},  {13, 17, 5},  {14, 32, 16}, {15, 33, 31},
              {29, 47, 63}, {129, 15, 9}, {7, 65, 513}, {16, 16, 1025}, {40, 40, 257}, {2, 3, 1500}, {5, 130, 64}};

static void check_all(vt_context *ctx, types t, int la, int lb, size_t s) {
    static const double factors[][2] = {{1, 0}, {1, 1}, {-0.5, 2}, {0, 1}, {0, 0}, {2, 0}};
    int64_t m = shapes[s].m, n = shapes[s].n, k = shapes[s].k, ld_c = n + (int64_t)s % 3;
    double *a = numbers(m * k, s + 1), *b = numbers(k * n, s + 2), *old = numbers(m * n, s + 3);
    size_t f = ((size_t)la * 3 + (size_t)lb + s) % COUNT(factors);
    void *c = product(ctx, t, la, lb, a, b, old, m, n, k, ld_c, factors[f][0], factors[f][1]);
    compare(t, c, a, b, old, m, n, k, ld_c, factors[f][0], factors[f][1]);
    /* the same bits from plain factors */
    void *d = product(ctx, t, PLAIN, PLAIN, a, b, old, m, n, k, ld_c, factors[f][0], factors[f][1]);
    assert_memory_equal(c, d, (size_t)(m * ld_c) * size_of(t.out));
    free(c);
    free(d);
    free(a);
    free(b);
    free(old);
}

static void products_are_sums_of_products_in_every_layout(void **state) {
    vt_context *ctx = new_context(1);
    (void)state;
    for (size_t t = 0; t < COUNT(all_types); t++)
        for (size_t s = 0; s < COUNT(shapes); s++)
            for (int la = 0; la < N_LAYOUTS; la++)
                for (int lb = 0; lb < N_LAYOUTS; lb++) check_all(ctx, all_types[t], la, lb, s);
    vt__context_release(ctx);
}

static void bits_do_not_depend_on_threads(void **state) {
    static const int64_t sizes[][3] = {{300, 200, 600}, {20, 500, 1100}, {600, 40, 130}};
    vt_context *one = new_context(1), *three = new_context(3);
    (void)state;
    for (size_t t = 0; t < COUNT(all_types); t++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            double *a = numbers(m * k, 1), *b = numbers(k * n, 2), *old = numbers(m * n, 3);
            void *c = product(one, all_types[t], PLAIN, TURNED, a, b, old, m, n, k, n, 0.5, 1), *d = product(three, all_types[t], TURNED, PLAIN, a, b, old, m, n, k, n, 0.5, 1);
            assert_memory_equal(c, d, (size_t)(m * n) * size_of(all_types[t].out));
            free(c);
            free(d);
            free(a);
            free(b);
            free(old);
        }
    vt__context_release(one);
    vt__context_release(three);
}

/* Rows and columns of a larger product, one at a time. */
static void an_element_depends_on_its_row_and_column_only(void **state) {
    enum { M = 40, N = 70, K = 600 };
    vt_context *ctx = new_context(1);
    (void)state;
    for (size_t t = 0; t < COUNT(all_types); t++) {
        types of = all_types[t];
        size_t size = size_of(of.out);
        double *a = numbers((int64_t)M * K, 5), *b = numbers((int64_t)K * N, 6), *old = numbers((int64_t)M * N, 7);
        char *whole = product(ctx, of, PLAIN, PLAIN, a, b, old, M, N, K, N, 1, 0);
        vt__gemm_problem p = {.dtype = of.in, .out_dtype = of.out, .n = N, .k = K, .ld_c = N, .alpha = 1};
        vt__gemm_factor fa;
        void *ma = fill(&fa, PLAIN, a, M, K, of.in), *mb = fill(&p.b, PLAIN, b, K, N, of.in);
        p.a = fa;
        p.c = malloc((size_t)M * N * size);
        for (int64_t rows = 1; rows <= 9; rows++)
            for (int64_t i = 0; i < M; i += rows) {
                p.m = i + rows < M ? rows : M - i;
                p.a.data = (const char *)fa.data + (size_t)(i * K) * size_of(of.in);
                assert_int_equal(vt__gemm(ctx, &p), VT_OK);
                assert_memory_equal(p.c, whole + (size_t)(i * N) * size, (size_t)(p.m * N) * size);
            }
        free(p.c);
        free(ma);
        free(mb);
        free(whole);
        free(a);
        free(b);
        free(old);
    }
    vt__context_release(ctx);
}

/* Rows of A a multiple of the caches' size apart, which are moved, and the same rows side by side, which are not. */
static void rows_that_are_far_apart_are_the_same_rows(void **state) {
    enum { M = 20, N = 300, K = 40, FAR = 4096 };
    vt_context *ctx = new_context(1);
    float *far = calloc(M * FAR, 4), *near = calloc(M * K, 4), *b = calloc(K * N, 4), *got = calloc(M * N, 4), *want = calloc(M * N, 4);
    uint64_t seed = 11;
    (void)state;
    for (int i = 0; i < M * K; i++) near[i] = far[i / K * FAR + i % K] = (float)few_digits(&seed);
    for (int i = 0; i < K * N; i++) b[i] = (float)few_digits(&seed);
    vt__gemm_problem p = {.m = M, .n = N, .k = K, .a = {far, FAR, 1}, .b = {b, N, 1}, .c = got, .ld_c = N, .alpha = 1};
    assert_int_equal(vt__gemm(ctx, &p), VT_OK);
    p.a = (vt__gemm_factor){near, K, 1};
    p.c = want;
    assert_int_equal(vt__gemm(ctx, &p), VT_OK);
    assert_memory_equal(got, want, M * N * 4);
    p.a = (vt__gemm_factor){near, 0, 1}; /* one row again and again */
    assert_int_equal(vt__gemm(ctx, &p), VT_OK);
    for (int i = 1; i < M; i++) assert_memory_equal(want + i * N, want, N * 4);
    free(far);
    free(near);
    free(b);
    free(got);
    free(want);
    vt__context_release(ctx);
}

static void batches_are_single_products(void **state) {
    enum { BATCH = 7, M = 9, N = 33, K = 20 };
    static const int32_t n_threads[] = {1, 2, 9};
    (void)state;
    for (size_t th = 0; th < COUNT(n_threads); th++) {
        vt_context *ctx = new_context(n_threads[th]);
        float *a = calloc(BATCH * M * K, 4), *b = calloc(K * N, 4), *got = calloc(BATCH * M * N, 4), *want = calloc(M * N, 4);
        int64_t a_at[BATCH], c_at[BATCH];
        uint64_t seed = 3;
        for (int i = 0; i < BATCH * M * K; i++) a[i] = (float)few_digits(&seed);
        for (int i = 0; i < K * N; i++) b[i] = (float)few_digits(&seed);
        for (int i = 0; i < BATCH; i++) a_at[i] = (int64_t)(BATCH - 1 - i) * M * K, c_at[i] = (int64_t)i * M * N;
        vt__gemm_problem p = {.m = M, .n = N, .k = K, .a = {a, K, 1}, .b = {b, N, 1}, .c = got, .ld_c = N, .alpha = 1};
        assert_int_equal(vt__gemm_batch(ctx, &p, BATCH, a_at, NULL, c_at), VT_OK);
        for (int i = 0; i < BATCH; i++) {
            p.a.data = a + a_at[i];
            p.c = want;
            assert_int_equal(vt__gemm(ctx, &p), VT_OK);
            assert_memory_equal(got + c_at[i], want, M * N * 4);
        }
        assert_int_equal(vt__gemm_batch(ctx, &p, 0, a_at, NULL, c_at), VT_OK);
        assert_int_equal(vt__gemm_batch(ctx, &p, -1, a_at, NULL, c_at), VT_ERR_INVALID);
        free(a);
        free(b);
        free(got);
        free(want);
        vt__context_release(ctx);
    }
}

static void nan_and_infinity_go_where_they_should(void **state) {
    enum { N = 40 };
    vt_context *ctx = new_context(1);
    float a[N * N], b[N * N], c[N * N];
    (void)state;
    for (int i = 0; i < N * N; i++) a[i] = b[i] = 1.0f, c[i] = NAN;
    a[3 * N + 4] = NAN;
    a[5 * N + 6] = INFINITY;
    b[6 * N + 7] = 0.0f; /* infinity times zero */
    vt__gemm_problem p = {.m = N, .n = N, .k = N, .a = {a, N, 1}, .b = {b, N, 1}, .c = c, .ld_c = N, .alpha = 1};
    assert_int_equal(vt__gemm(ctx, &p), VT_OK);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            float y = c[i * N + j];
            if (i == 3 || (i == 5 && j == 7)) assert_true(isnan(y));
            else if (i == 5) assert_true(isinf(y));
            else assert_true(y == (j == 7 ? N - 1 : N));
        }
    p.alpha = 0; /* A and B are not read, and neither is C */
    c[0] = NAN;
    assert_int_equal(vt__gemm(ctx, &p), VT_OK);
    for (int i = 0; i < N * N; i++) assert_true(c[i] == 0.0f);
    vt__context_release(ctx);
}

static void refuses_wrong_problems(void **state) {
    static const struct {
        int32_t in, out;
        int64_t m, n, k, ld;
        vt_status want;
    } cases[] = {
        {VT_DTYPE_F32, VT_DTYPE_F64, 1, 1, 1, 1, VT_ERR_UNSUPPORTED}, {VT_DTYPE_I8, VT_DTYPE_I8, 1, 1, 1, 1, VT_ERR_UNSUPPORTED},
        {VT_DTYPE_F32, VT_DTYPE_BF16, 1, 1, 1, 1, VT_ERR_UNSUPPORTED}, {VT_DTYPE_F32, VT_DTYPE_F32, -1, 1, 1, 1, VT_ERR_INVALID},
        {VT_DTYPE_F32, VT_DTYPE_F32, 1, -1, 1, 1, VT_ERR_INVALID},    {VT_DTYPE_F32, VT_DTYPE_F32, 1, 1, -1, 1, VT_ERR_INVALID},
        {VT_DTYPE_F32, VT_DTYPE_F32, 1, 2, 1, 1, VT_ERR_INVALID},     {VT_DTYPE_F32, VT_DTYPE_F32, 0, 1, 1, 1, VT_OK},
        {VT_DTYPE_F32, VT_DTYPE_F32, 1, 0, 1, 0, VT_OK},
    };
    vt_context *ctx = new_context(1);
    float one = 1.0f, c = 0.0f;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        vt__gemm_problem p = {.dtype = cases[i].in, .out_dtype = cases[i].out, .m = cases[i].m, .n = cases[i].n, .k = cases[i].k,
                              .a = {&one, 1, 1}, .b = {&one, 1, 1}, .c = &c, .ld_c = cases[i].ld, .alpha = 1};
        assert_int_equal(vt__gemm(ctx, &p), cases[i].want);
        assert_true(c == 0.0f);
    }
    vt__context_release(ctx);
}

static vt_status one_product(vt_context *ctx) {
    static uint16_t a[600 * 20], b[600 * 40], c[20 * 40];
    static const int64_t at[4] = {0};
    vt__gemm_problem p = {.dtype = VT_DTYPE_BF16, .out_dtype = VT_DTYPE_BF16, .m = 20, .n = 40, .k = 600, .a = {a, 600, 1}, .b = {b, 40, 1}, .c = c, .ld_c = 40, .alpha = 1};
    vt_status st = vt__gemm(ctx, &p);
    return st == VT_OK ? vt__gemm_batch(ctx, &p, 1, at, at, at) : st;
}

static void survives_every_failed_allocation(void **state) {
    (void)state;
    torture_each(one_product);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_sums_of_products_in_every_layout),
        cmocka_unit_test(bits_do_not_depend_on_threads),
        cmocka_unit_test(an_element_depends_on_its_row_and_column_only),
        cmocka_unit_test(rows_that_are_far_apart_are_the_same_rows),
        cmocka_unit_test(batches_are_single_products),
        cmocka_unit_test(nan_and_infinity_go_where_they_should),
        cmocka_unit_test(refuses_wrong_problems),
        cmocka_unit_test(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
