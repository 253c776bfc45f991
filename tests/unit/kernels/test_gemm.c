/* Products with packed weights: every instruction set against the reference, and the promise that a row's numbers depend on no other row. */
#include "variants.h"

#include <stdlib.h>

enum { PANEL = VTK_GEMM_PANEL };

static float *floats(int64_t n, uint64_t seed) {
    float *x = aligned_alloc(64, ((size_t)n * 4 + 127) / 64 * 64);
    assert_non_null(x);
    random_floats(x, n, seed);
    return x;
}

/* One product in memory that ends where it may not be read on. */
typedef struct product {
    vtk_gemm g;
    int64_t m, n_panels;
    float *x, *w, *panels, *bias, *add, *out, *want;
} product;

static product make(const vtk_table *t, int64_t m, int64_t n, int64_t k) {
    product p = {.m = m, .n_panels = (n + PANEL - 1) / PANEL};
    p.x = guarded((size_t)(m * k) * 4);
    p.w = guarded((size_t)(n * k) * 4);
    p.bias = guarded((size_t)n * 4);
    p.add = guarded((size_t)(m * n) * 4);
    p.out = guarded((size_t)(m * n) * 4);
    p.want = floats(m * n, 0);
    p.panels = floats(p.n_panels * PANEL * k, 0);
    random_floats(p.x, m * k, 1);
    random_floats(p.w, n * k, 2);
    random_floats(p.bias, n, 3);
    random_floats(p.add, m * n, 4);
    t->gemm_pack(p.panels, p.w, k, n, k);
    p.g = (vtk_gemm){.out = p.out, .ld_out = n, .x = p.x, .ld_x = k, .panels = p.panels, .n = n, .k = k};
    return p;
}

static void discard(product *p) {
    int64_t m = p->m, n = p->g.n, k = p->g.k;
    guarded_free(p->x, (size_t)(m * k) * 4);
    guarded_free(p->w, (size_t)(n * k) * 4);
    guarded_free(p->bias, (size_t)n * 4);
    guarded_free(p->add, (size_t)(m * n) * 4);
    guarded_free(p->out, (size_t)(m * n) * 4);
    free(p->want);
    free(p->panels);
}

static void compare(const vtk_table *ref, const vtk_table *t, product *p) {
    int64_t cells = p->g.finish == VTK_GEMM_MAX ? p->g.n : p->m * p->g.n;
    vtk_gemm g = p->g;
    for (int64_t i = 0; i < p->m * p->g.n; i++) p->out[i] = p->want[i] = -0.5f;
    t->gemm_f32(&g, 0, p->m, 0, p->n_panels);
    g.out = p->want;
    ref->gemm_f32(&g, 0, p->m, 0, p->n_panels);
    for (int64_t i = 0; i < cells; i++)
        if (!is_close(p->out[i], p->want[i], (double)FLT_EPSILON * (4.0 + (double)g.k)))
            fail_msg("%s: m %lld n %lld k %lld finish %d: element %lld is %g, not %g", t->isa, (long long)p->m, (long long)g.n, (long long)g.k,
                     g.finish, (long long)i, (double)p->out[i], (double)p->want[i]);
}

static void check_sizes(const vtk_table *ref, const vtk_table *t) {
    static const int64_t ns[] = {1, 15, 16, 17, 31, 32, 33, 48, 64, 65, 100}, ks[] = {1, 2, 8, 33};
    for (int64_t m = 1; m <= 31; m++)
        for (size_t i = 0; i < COUNT(ns); i++)
            for (size_t j = 0; j < COUNT(ks); j++) {
                product p = make(t, m, ns[i], ks[j]);
                compare(ref, t, &p);
                p.g.bias = p.bias;
                p.g.finish = (int32_t)((m + (int64_t)i + (int64_t)j) % 4);
                compare(ref, t, &p);
                p.g.add = p.add;
                compare(ref, t, &p);
                discard(&p);
            }
}

static void products_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_sizes);
}

static void check_packing(const vtk_table *ref, const vtk_table *t) {
    for (int64_t n = 1; n <= 70; n += 3)
        for (int64_t k = 1; k <= 40; k++) {
            int64_t size = (n + PANEL - 1) / PANEL * PANEL * k;
            float *w = guarded((size_t)(n * k) * 4), *got = guarded((size_t)size * 4), *want = floats(size, 0);
            random_floats(w, n * k, 9);
            ref->gemm_pack(want, w, k, n, k);
            t->gemm_pack(got, w, k, n, k);
            assert_memory_equal(got, want, (size_t)size * 4);
            guarded_free(w, (size_t)(n * k) * 4);
            guarded_free(got, (size_t)size * 4);
            free(want);
        }
}

static void panels_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_packing);
}

/* x Phi(x) from -inf to inf through a product with the number 1. */
static void check_gelu(const vtk_table *ref, const vtk_table *t) {
    enum { N = 4001 };
    static float x[N], got[N], want[N], one[PANEL] = {1.0f};
    const float special[] = {NAN, INFINITY, 0.0f, -0.0f, 1e-40f, -1e-40f, 3e38f, -3e38f, -14.0f, 6.0f};
    for (int i = 0; i < N; i++) x[i] = (float)(i - 2000) / 150.0f; /* -13.3 .. 13.3 */
    memcpy(x, special, sizeof special);
    for (int32_t finish = VTK_GEMM_GELU; finish <= VTK_GEMM_GELU_TANH; finish++) {
        vtk_gemm g = {.out = got, .ld_out = 1, .x = x, .ld_x = 1, .panels = one, .n = 1, .k = 1, .finish = finish};
        double tail = finish == VTK_GEMM_GELU ? 0.0 : 2e-6; /* 1 + tanh loses its digits in the left tail, in the reference as well */
        t->gemm_f32(&g, 0, N, 0, 1);
        g.out = want;
        ref->gemm_f32(&g, 0, N, 0, 1);
        for (int i = 0; i < N; i++) /* the exponent x^2 / 2 is rounded: its error grows with x^2 */
            if (!is_close(got[i], want[i], tail + (double)FLT_EPSILON * (4.0 + (double)x[i] * (double)x[i]) * fabs((double)want[i])))
                fail_msg("%s: gelu %d of %a is %a, not %a", t->isa, finish, (double)x[i], (double)got[i], (double)want[i]);
    }
}

static void gelu_keeps_its_digits_in_the_tail(void **state) {
    (void)state;
    for_each_variant(check_gelu);
}

/* Any rows and panels that are asked for, in any pieces. */
static void check_pieces(const vtk_table *ref, const vtk_table *t) {
    product p = make(t, 29, 80, 48);
    (void)ref;
    p.g.bias = p.bias;
    p.g.finish = VTK_GEMM_GELU;
    t->gemm_f32(&p.g, 0, 29, 0, 3);
    memcpy(p.want, p.out, (size_t)(29 * 80) * 4);
    for (int64_t rows = 1; rows <= 29; rows++)
        for (int64_t panels = 1; panels <= 2; panels++) {
            for (int64_t i = 0; i < 29 * 80; i++) p.out[i] = NAN;
            for (int64_t r = 0; r < 29; r += rows)
                for (int64_t c = 0; c < 3; c += panels) t->gemm_f32(&p.g, r, r + rows < 29 ? r + rows : 29, c, c + panels < 3 ? c + panels : 3);
            assert_memory_equal(p.out, p.want, (size_t)(29 * 80) * 4);
        }
    discard(&p);
}

static void a_row_does_not_depend_on_its_neighbours(void **state) {
    (void)state;
    for_each_variant(check_pieces);
}

/* ---- 8-bit integers ---- */

typedef struct q8_product {
    vtk_gemm g;
    int64_t m;
    float *x, *w, *bias, *out, *want;
    unsigned char *rows, *panels;
} q8_product;

static q8_product make_q8(const vtk_table *t, int64_t m, int64_t n, int64_t k) {
    int64_t n_panels = (n + PANEL - 1) / PANEL;
    q8_product p = {.m = m};
    p.x = guarded((size_t)(m * k) * 4);
    p.w = floats(n * k, 12);
    p.bias = guarded((size_t)n * 4);
    p.out = guarded((size_t)(m * n) * 4);
    p.want = floats(m * n, 0);
    p.rows = guarded((size_t)(m * VTK_GEMM_Q8_ROW(k)));
    p.panels = guarded((size_t)(n_panels * VTK_GEMM_Q8_PANEL(k)));
    random_floats(p.x, m * k, 11);
    random_floats(p.bias, n, 13);
    t->gemm_q8_pack(p.panels, p.w, k, n, k);
    for (int64_t i = 0; i < m; i++) t->gemm_q8_row(p.rows + i * VTK_GEMM_Q8_ROW(k), p.x + i * k, k);
    p.g = (vtk_gemm){.out = p.out, .ld_out = n, .x = p.rows, .ld_x = VTK_GEMM_Q8_ROW(k), .panels = p.panels, .n = n, .k = k, .bias = p.bias};
    return p;
}

static void discard_q8(q8_product *p) {
    int64_t n = p->g.n, k = p->g.k;
    guarded_free(p->x, (size_t)(p->m * k) * 4);
    guarded_free(p->bias, (size_t)n * 4);
    guarded_free(p->out, (size_t)(p->m * n) * 4);
    guarded_free(p->rows, (size_t)(p->m * VTK_GEMM_Q8_ROW(k)));
    guarded_free(p->panels, (size_t)((n + PANEL - 1) / PANEL * VTK_GEMM_Q8_PANEL(k)));
    free(p->w);
    free(p->want);
}

/* The same bits, and near the product of the floats. */
static void check_q8(const vtk_table *ref, const vtk_table *t) {
    static const int64_t ns[] = {1, 16, 31, 32, 33, 70}, ks[] = {1, 3, 4, 7, 32, 37};
    for (int64_t m = 1; m <= 29; m += m < 5 ? 1 : 6)
        for (size_t i = 0; i < COUNT(ns); i++)
            for (size_t j = 0; j < COUNT(ks); j++) {
                q8_product p = make_q8(t, m, ns[i], ks[j]);
                vtk_gemm g = p.g;
                t->gemm_q8(&g, 0, m, 0, (g.n + PANEL - 1) / PANEL);
                g.out = p.want;
                ref->gemm_q8(&g, 0, m, 0, (g.n + PANEL - 1) / PANEL);
                assert_memory_equal(p.out, p.want, (size_t)(m * g.n) * 4);
                for (int64_t at = 0; at < m * g.n; at++) {
                    double y = (double)p.bias[at % g.n];
                    for (int64_t c = 0; c < g.k; c++) y += (double)p.x[at / g.n * g.k + c] * (double)p.w[at % g.n * g.k + c];
                    if (!is_close(p.out[at], (float)y, 0.02 * sqrt((double)g.k))) fail_msg("%s: %g, floats give %g", t->isa, (double)p.out[at], y);
                }
                for (int32_t finish = VTK_GEMM_GELU; finish <= VTK_GEMM_MAX; finish++) {
                    g.finish = finish;
                    for (int64_t at = 0; at < m * g.n; at++) p.out[at] = p.want[at] = -0.5f;
                    ref->gemm_q8(&g, 0, m, 0, (g.n + PANEL - 1) / PANEL);
                    g.out = p.out;
                    t->gemm_q8(&g, 0, m, 0, (g.n + PANEL - 1) / PANEL);
                    g.out = p.want;
                    for (int64_t at = 0; at < m * g.n; at++) assert_true(is_close(p.out[at], p.want[at], 1e-5));
                }
                discard_q8(&p);
            }
}

static void integer_products_agree_bit_for_bit(void **state) {
    (void)state;
    for_each_variant(check_q8);
}

static void check_q8_rows(const vtk_table *ref, const vtk_table *t) {
    for (int64_t k = 1; k <= 70; k++)
        for (int kind = 0; kind < 5; kind++) {
            size_t size = (size_t)VTK_GEMM_Q8_ROW(k);
            float *x = guarded((size_t)k * 4);
            unsigned char *got = guarded(size), want[VTK_GEMM_Q8_ROW(70)];
            random_floats(x, k, (uint64_t)k);
            for (int64_t i = 0; i < k; i++) x[i] = kind == 0 ? x[i] : kind == 1 ? 0.0f : kind == 2 ? fabsf(x[i]) * 1e30f : kind == 3 ? -fabsf(x[i]) - 1.0f : x[i] * 1e-39f;
            ref->gemm_q8_row(want, x, k);
            t->gemm_q8_row(got, x, k);
            if (memcmp(got, want, size) != 0) fail_msg("%s: row of %lld, kind %d", t->isa, (long long)k, kind);
            guarded_free(x, (size_t)k * 4);
            guarded_free(got, size);
        }
}

static void integer_rows_agree_bit_for_bit(void **state) {
    (void)state;
    for_each_variant(check_q8_rows);
}

/* ---- float64, bfloat16 ---- */

static void check_f64(const vtk_table *ref, const vtk_table *t) {
    static const int64_t ns[] = {1, 7, 8, 9, 15, 16, 17, 40}, ks[] = {0, 1, 2, 33};
    for (int64_t m = 1; m <= 16; m++)
        for (size_t i = 0; i < COUNT(ns); i++)
            for (size_t j = 0; j < COUNT(ks); j++) {
                int64_t n = ns[i], k = ks[j], width = VTK_GEMM_PANEL_F64, n_panels = (n + width - 1) / width;
                double *x = guarded((size_t)(m * k) * 8), *out = guarded((size_t)(m * n) * 8), *w = guarded((size_t)(n_panels * width * k) * 8), want[16 * 40];
                uint64_t seed = 5;
                for (int64_t at = 0; at < m * k; at++) x[at] = (double)random_float(&seed);
                for (int64_t at = 0; at < n_panels * width * k; at++) w[at] = (double)random_float(&seed);
                vtk_gemm g = {.ld_out = n, .x = x, .ld_x = k, .panels = w, .n = n, .k = k, .alpha = -0.5};
                for (int way = 0; way < 3; way++) {
                    g.finish = way ? VTK_GEMM_SCALE : VTK_GEMM_STORE;
                    g.beta = way == 2 ? 2.0 : 0.0;
                    for (int64_t at = 0; at < m * n; at++) out[at] = want[at] = way == 2 ? 1.0 : (double)NAN;
                    g.out = out, t->gemm_f64(&g, 0, m, 0, n_panels);
                    g.out = want, ref->gemm_f64(&g, 0, m, 0, n_panels);
                    for (int64_t at = 0; at < m * n; at++)
                        if (!(fabs(out[at] - want[at]) <= DBL_EPSILON * (4.0 + (double)k))) fail_msg("%s: %g, not %g", t->isa, out[at], want[at]);
                }
                guarded_free(x, (size_t)(m * k) * 8);
                guarded_free(out, (size_t)(m * n) * 8);
                guarded_free(w, (size_t)(n_panels * width * k) * 8);
            }
}

static void products_of_doubles_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_f64);
}

/* Numbers of every size, infinities, NaN and denormals among them, where bits are any. */
static void random_bfloats(uint16_t *x, int64_t n, uint64_t seed, int any) {
    for (int64_t i = 0; i < n; i++) {
        float f = random_float(&seed);
        uint32_t bits;
        memcpy(&bits, &f, 4);
        x[i] = (uint16_t)(any && i % 5 == 0 ? seed >> 40 : any ? (bits >> 16 & 0x807fu) | ((seed >> 50 & 63u) + 30u) << 7 : bits >> 16);
    }
}

static int same_or_nan(const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, 4) != 0 && !(isnan(a[i]) && isnan(b[i]))) return 0;
    return 1;
}

static void check_bf16(const vtk_table *ref, const vtk_table *t) {
    static const int64_t ns[] = {1, 15, 16, 17, 32, 33, 70}, ks[] = {0, 1, 2, 7, 64};
    for (int64_t m = 1; m <= 16; m += m < 8 ? 1 : 4)
        for (size_t i = 0; i < COUNT(ns); i++)
            for (size_t j = 0; j < COUNT(ks); j++) {
                int64_t n = ns[i], k = ks[j], k2 = (k + 1) / 2, n_panels = (n + PANEL - 1) / PANEL;
                uint16_t *x = guarded((size_t)(m * k2) * 4), *w = guarded((size_t)(n_panels * PANEL * k2) * 4);
                float *out = guarded((size_t)(m * n) * 4), want[16 * 70];
                for (int way = 0; way < 4; way++) {
                    random_bfloats(x, m * k2 * 2, 7, way % 2);
                    random_bfloats(w, n_panels * PANEL * k2 * 2, 8, way % 2);
                    vtk_gemm g = {.ld_out = n, .x = x, .ld_x = 2 * k2, .panels = w, .n = n, .k = k, .finish = way < 2 ? VTK_GEMM_STORE : VTK_GEMM_SCALE, .alpha = 0x1p-20, .beta = 0.75};
                    for (int64_t at = 0; at < m * n; at++) out[at] = want[at] = 0x1p-125f;
                    g.out = out, t->gemm_bf16(&g, 0, m, 0, n_panels);
                    g.out = want, ref->gemm_bf16(&g, 0, m, 0, n_panels);
                    if (!same_or_nan(out, want, m * n)) fail_msg("%s: m %lld n %lld k %lld, way %d", t->isa, (long long)m, (long long)n, (long long)k, way);
                }
                guarded_free(x, (size_t)(m * k2) * 4);
                guarded_free(w, (size_t)(n_panels * PANEL * k2) * 4);
                guarded_free(out, (size_t)(m * n) * 4);
            }
}

static void products_of_bfloats_agree_bit_for_bit(void **state) {
    (void)state;
    for_each_variant(check_bf16);
}

static void check_transposing(const vtk_table *ref, const vtk_table *t) {
    for (int64_t rows = 0; rows <= 35; rows++)
        for (int64_t columns = 0; columns <= 35; columns += 1 + columns / 5) {
            size_t size = (size_t)(rows * columns) * 8;
            unsigned char *in = guarded(size), *out = guarded(size), want[35 * 35 * 8];
            for (size_t i = 0; i < size; i++) in[i] = (unsigned char)(i * 7 + i / 256);
            ref->transpose_64(want, rows, in, columns, rows, columns);
            t->transpose_64(out, rows, in, columns, rows, columns);
            assert_memory_equal(out, want, size);
            ref->transpose_32(want, rows, in + size / 2, columns, rows, columns);
            t->transpose_32(out + size / 2, rows, in + size / 2, columns, rows, columns);
            assert_memory_equal(out + size / 2, want, size / 2);
            ref->zip_16(want, in, in + size / 2, rows * columns / 4);
            t->zip_16(out, in, in + size / 2, rows * columns / 4);
            assert_memory_equal(out, want, (size_t)(rows * columns / 4) * 4);
            guarded_free(in, size);
            guarded_free(out, size);
        }
}

static void transposing_is_that_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_transposing);
}

/* Sums that are scaled and added to what was there. */
static void check_scaling(const vtk_table *ref, const vtk_table *t) {
    product p = make(t, 17, 45, 12);
    for (int way = 0; way < 2; way++) {
        p.g.finish = VTK_GEMM_SCALE;
        p.g.alpha = 3.0;
        p.g.beta = way;
        compare(ref, t, &p);
    }
    discard(&p);
}

static void scaled_products_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_scaling);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_the_reference),
        cmocka_unit_test(panels_are_those_of_the_reference),
        cmocka_unit_test(gelu_keeps_its_digits_in_the_tail),
        cmocka_unit_test(a_row_does_not_depend_on_its_neighbours),
        cmocka_unit_test(integer_products_agree_bit_for_bit),
        cmocka_unit_test(integer_rows_agree_bit_for_bit),
        cmocka_unit_test(products_of_doubles_are_those_of_the_reference),
        cmocka_unit_test(products_of_bfloats_agree_bit_for_bit),
        cmocka_unit_test(transposing_is_that_of_the_reference),
        cmocka_unit_test(scaled_products_are_those_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
