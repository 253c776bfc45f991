/* Packed weights of 16 bits: the numbers of the rows that they were packed from, the same bits on every instruction set and in every tile. */
#include "variants.h"

#include <stdlib.h>

enum { MAX_M = 31, MAX_ROWS = 150 };

typedef struct problem {
    int type;
    int64_t rows, k;
    size_t stride, panel, size, packed_size, x_stride;
    unsigned char *w, *packed, *x; /* x: MAX_M rows of activations */
} problem;

/* Bits of any kind: infinities, NaN and denormals among them. */
static void fill(unsigned char *out, size_t bytes, uint64_t seed, int any, int type, const vtk_table *ref) {
    for (size_t i = 0; i < bytes; i += 2) {
        float f = random_float(&seed);
        ref->encode[type](out + i, &f, 1);
        if (any && i % 22 == 0) out[i] = (unsigned char)(seed >> 40), out[i + 1] = (unsigned char)(seed >> 50);
    }
}

static problem make(const vtk_table *ref, const vtk_table *t, int type, int64_t rows, int64_t k, size_t gap, int any) {
    problem p = {.type = type, .rows = rows, .k = k, .stride = (size_t)k * 2 + gap, .panel = vtk_panel_size(type, k)};
    p.size = (size_t)rows * p.stride - gap;
    p.w = guarded(p.size);
    fill(p.w, p.size, 3, any, type, ref);
    p.packed_size = (size_t)((rows + VTK_PANEL_ROWS - 1) / VTK_PANEL_ROWS) * p.panel;
    p.packed = guarded(p.packed_size);
    for (int64_t r = 0; r < rows; r += VTK_PANEL_ROWS)
        vtk_pack_panel(type, p.packed + (size_t)(r / VTK_PANEL_ROWS) * p.panel, p.w + (size_t)r * p.stride, p.stride,
                       rows - r < VTK_PANEL_ROWS ? rows - r : VTK_PANEL_ROWS, k);
    p.x_stride = (size_t)k * (type == VTK_F16 ? 4 : 2);
    p.x = guarded(MAX_M * p.x_stride);
    float *floats = malloc((size_t)(MAX_M * k + 1) * 4);
    random_floats(floats, MAX_M * k, 9);
    if (any && k > 0) floats[0] = INFINITY, floats[k] = NAN, floats[2 * k] = 1e-40f, floats[3 * k] = 3e38f;
    if (type == VTK_F16) memcpy(p.x, floats, MAX_M * p.x_stride);
    else t->encode[VTK_BF16](p.x, floats, MAX_M * k);
    free(floats);
    return p;
}

static void drop(problem *p) {
    guarded_free(p->w, p->size);
    guarded_free(p->packed, p->packed_size);
    guarded_free(p->x, MAX_M * p->x_stride);
}

static void run(const vtk_table *t, const problem *p, float *out, int64_t first, int64_t m, int64_t row0, int64_t row1) {
    vtk_matmul a = {.out = out, .ld_out = p->rows, .w = p->packed, .w_stride = p->panel, .x = p->x + (size_t)first * p->x_stride, .x_stride = p->x_stride, .m = m, .k = p->k};
    t->matmul_packed[p->type](&a, row0, row1);
}

static const int types[] = {VTK_F16, VTK_BF16};

static void rows_come_out_with_the_bits_of_the_decoder(void **state) {
    static float got[64], want[64];
    vtk_table ref;
    (void)state;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    for (size_t i = 0; i < COUNT(types); i++) {
        problem p = make(&ref, &ref, types[i], 35, 62, 4, 0);
        for (int64_t r = 0; r < p.rows; r++) {
            ref.decode[types[i]](want, p.w + (size_t)r * p.stride, p.k);
            vtk_unpack_row(types[i], got, p.packed + (size_t)(r / VTK_PANEL_ROWS) * p.panel, r % VTK_PANEL_ROWS, p.k);
            assert_memory_equal(got, want, (size_t)p.k * sizeof *got);
        }
        drop(&p);
    }
}

static void products_are_those_of_the_weights_in_the_file(void **state) {
    static float got[3 * 35], w[700], x[700];
    vtk_table ref;
    (void)state;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    for (size_t i = 0; i < COUNT(types); i++)
        for (size_t gap = 0; gap <= 4; gap += 2) {
            problem p = make(&ref, &ref, types[i], 35, 270, gap, 0);
            run(&ref, &p, got, 0, 3, 0, 35);
            for (int64_t a = 0; a < 3; a++)
                for (int64_t r = 0; r < 35; r++) {
                    double want = 0.0, size = 0.0;
                    ref.decode[types[i]](w, p.w + (size_t)r * p.stride, p.k);
                    ref.decode[types[i] == VTK_F16 ? VTK_F32 : VTK_BF16](x, p.x + (size_t)a * p.x_stride, p.k);
                    for (int64_t c = 0; c < p.k; c++) want += (double)w[c] * (double)x[c], size += fabs((double)w[c] * (double)x[c]);
                    if (!is_close(got[a * 35 + r], (float)want, (double)FLT_EPSILON * (double)p.k * size)) fail_msg("type %d: %g, not %g", types[i], (double)got[a * 35 + r], want);
                }
            drop(&p);
        }
}

static void expect(const vtk_table *t, const problem *p, const float *got, const float *want, int64_t m) {
    for (int64_t i = 0; i < m * p->rows; i++)
        if (memcmp(got + i, want + i, 4) != 0 && !(isnan(got[i]) && isnan(want[i])))
            fail_msg("%s, type %d, k=%d, rows=%d, m=%d: [%d, %d] is %a, not %a", t->isa, p->type, (int)p->k, (int)p->rows, (int)m, (int)(i / p->rows),
                     (int)(i % p->rows), (double)got[i], (double)want[i]);
}

static void check_bodies(const vtk_table *ref, const vtk_table *t) {
    static const struct { int64_t rows, k; } shapes[] = {{1, 2}, {15, 30}, {16, 64}, {17, 0}, {33, 514}, {MAX_ROWS, 66}, {70, 1100}};
    static float want[MAX_M * MAX_ROWS], got[MAX_M * MAX_ROWS];
    for (size_t i = 0; i < COUNT(types); i++)
        for (size_t s = 0; s < COUNT(shapes); s++) {
            problem p = make(ref, t, types[i], shapes[s].rows, shapes[s].k, 0, s % 2 == 0);
            run(ref, &p, want, 0, MAX_M, 0, p.rows);
            for (int64_t m = 1; m <= MAX_M; m += m < 17 ? 1 : 7) { /* any number of rows together */
                memset(got, 0xff, sizeof got);
                for (int64_t first = 0; first < MAX_M; first += m) run(t, &p, got + first * p.rows, first, first + m <= MAX_M ? m : MAX_M - first, 0, p.rows);
                expect(t, &p, got, want, MAX_M);
            }
            for (int64_t step = VTK_PANEL_ROWS; step <= 3 * VTK_PANEL_ROWS; step += VTK_PANEL_ROWS) { /* any cut between panels */
                memset(got, 0xff, sizeof got);
                for (int64_t r = 0; r < p.rows; r += step) run(t, &p, got, 0, MAX_M, r, r + step < p.rows ? r + step : p.rows);
                expect(t, &p, got, want, MAX_M);
            }
            drop(&p);
        }
}

static void every_body_is_the_reference_to_the_bit(void **state) {
    (void)state;
    for_each_variant(check_bodies);
}

static void odd_rows_have_no_packed_form(void **state) {
    (void)state;
    assert_int_equal(vtk_panel_size(VTK_F16, 7), 0);
    assert_int_equal(vtk_panel_size(VTK_BF16, 7), 0);
    assert_int_equal(vtk_panel_size(VTK_F32, 8), 0);
    assert_int_equal(vtk_panel_size(VTK_BF16, 8), 8 * 2 * VTK_PANEL_ROWS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_with_the_bits_of_the_decoder),
        cmocka_unit_test(products_are_those_of_the_weights_in_the_file),
        cmocka_unit_test(every_body_is_the_reference_to_the_bit),
        cmocka_unit_test(odd_rows_have_no_packed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
