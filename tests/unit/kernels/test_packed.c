/* Packed weights: the same numbers as the rows that they were packed from, on every instruction set. */
#include "variants.h"

#include "cpu/quant/q8_row.h"

#include <stdlib.h>

enum { MAX_M = 17, MAX_ROWS = 71 };

static const struct packed_type {
    int type;
    size_t block;     /* bytes of a block of the file */
    int64_t columns;  /* of a block */
    size_t halves[2]; /* where its scales are; the second, if there is none, where the first is */
} types[] = {
    {VTK_Q8_0, 34, 32, {0, 0}},     {VTK_Q4_0, 18, 32, {0, 0}},     {VTK_Q4_1, 20, 32, {0, 2}},      {VTK_Q5_0, 22, 32, {0, 0}},
    {VTK_Q5_1, 24, 32, {0, 2}},     {VTK_Q2_K, 84, 256, {80, 82}},  {VTK_Q3_K, 110, 256, {108, 108}}, {VTK_Q4_K, 144, 256, {0, 2}},
    {VTK_Q5_K, 176, 256, {0, 2}},   {VTK_Q6_K, 210, 256, {208, 208}},
};

/* Random blocks, all bits of them used, with scales of ordinary size; and what they are packed into. */
typedef struct problem {
    const struct packed_type *t;
    int64_t rows, k;
    size_t stride, size, panel, packed_size;
    unsigned char *w, *packed, *x; /* x: MAX_M rows of activations */
    float *floats;                 /* what x was made of */
} problem;

static uint64_t state = 7;
static unsigned char random_byte(void) { return (unsigned char)(fabsf(random_float(&state)) * 255.0f); }

/* Of three rows two have wide blocks, each its own: other ones, or all but the first. */
static void stand_out(float *x, int64_t k, int64_t row) {
    for (int64_t b = 0; b < k / VTK_BLOCK; b++) {
        if (row % 3 == 1 && (b + row) % 4 == 1) x[b * VTK_BLOCK + row] = 30.0f;
        if (row % 3 == 2 && b == row % 5) x[b * VTK_BLOCK + row] = -1000.0f;
    }
}

static void make(problem *p, const struct packed_type *t, int64_t rows, int64_t k) {
    vtk_table ref;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    *p = (problem){.t = t, .rows = rows, .k = k, .stride = (size_t)(k / t->columns) * t->block};
    p->size = (size_t)rows * p->stride;
    p->w = guarded(p->size);
    for (size_t i = 0; i < p->size; i++) p->w[i] = random_byte();
    for (size_t at = 0; at < p->size; at += t->block) {
        for (int i = 0; i < 2; i++) {
            float d = random_float(&state) * 0.1f;
            ref.encode[VTK_F16](p->w + at + t->halves[i], &d, 1);
        }
    }
    p->panel = vtk_panel_size(t->type, k);
    p->packed_size = p->panel * (size_t)((rows + VTK_PANEL_ROWS - 1) / VTK_PANEL_ROWS);
    p->packed = guarded(p->packed_size);
    for (int64_t r = 0; r < rows; r += VTK_PANEL_ROWS)
        vtk_pack_panel(t->type, p->packed + (size_t)(r / VTK_PANEL_ROWS) * p->panel, p->w + (size_t)r * p->stride, p->stride,
                       rows - r < VTK_PANEL_ROWS ? rows - r : VTK_PANEL_ROWS, k);
    p->floats = malloc((size_t)(MAX_M * k) * 4);
    random_floats(p->floats, MAX_M * k, 99);
    for (int64_t i = 0; i < MAX_M; i++) stand_out(p->floats + i * k, k, i);
    p->x = guarded(MAX_M * VTK_Q8_ROW_SIZE(k));
    for (int64_t i = 0; i < MAX_M; i++) ref.encode_q8_row(p->x + (size_t)i * VTK_Q8_ROW_SIZE(k), p->floats + i * k, k);
}

static void drop(problem *p) {
    guarded_free(p->w, p->size);
    guarded_free(p->packed, p->packed_size);
    guarded_free(p->x, MAX_M * VTK_Q8_ROW_SIZE(p->k));
    free(p->floats);
}

static void run(const vtk_table *t, const problem *p, float *out, int64_t first, int64_t m, int64_t row0, int64_t row1) {
    vtk_matmul a = {.out = out, .ld_out = p->rows, .w = p->packed, .w_stride = p->panel, .x = p->x + (size_t)first * VTK_Q8_ROW_SIZE(p->k),
                    .x_stride = VTK_Q8_ROW_SIZE(p->k), .m = m, .k = p->k};
    t->matmul_packed[p->t->type](&a, row0, row1);
}

/* ---- the reference means the file's weights ---- */

/* The product in double, of decoded weights and of activations as they were rounded. scale gets the sum of magnitudes. */
static double by_decoding(const problem *p, const float *w, int64_t i, double *scale) {
    const unsigned char *x = p->x + (size_t)i * VTK_Q8_ROW_SIZE(p->k);
    double sum = 0.0;
    *scale = 0.0;
    for (int64_t c = 0; c < p->k; c++) {
        float d;
        memcpy(&d, x + p->k + c / VTK_BLOCK * 4, 4);
        double v = (double)w[c] * (double)vtk_q8_integer(x, p->k, c) * (double)d;
        sum += v;
        *scale += fabs(v) + (vtk_q8_is_wide(x + vtk_q8_wide_at(p->k), c / VTK_BLOCK) ? 256 : 1) * 40 * fabs((double)d); /* what cancels: the offset's share */
    }
    return sum;
}

static void rows_come_out_with_the_bits_of_the_decoder(void **unused) {
    static float got[1024], want[1024];
    vtk_table ref;
    (void)unused;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    for (size_t i = 0; i < COUNT(types); i++) {
        problem p;
        make(&p, &types[i], 35, 2 * types[i].columns);
        for (int64_t r = 0; r < p.rows; r++) {
            ref.decode[types[i].type](want, p.w + (size_t)r * p.stride, p.k);
            vtk_unpack_row(types[i].type, got, p.packed + (size_t)(r / VTK_PANEL_ROWS) * p.panel, r % VTK_PANEL_ROWS, p.k);
            if (memcmp(got, want, (size_t)p.k * sizeof *got)) fail_msg("type %d, row %lld", types[i].type, (long long)r);
        }
        drop(&p);
    }
}

static void products_are_those_of_the_weights_in_the_file(void **unused) {
    static float out[MAX_ROWS * 3], w[1024];
    vtk_table ref;
    (void)unused;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    for (size_t i = 0; i < COUNT(types); i++) {
        problem p;
        make(&p, &types[i], 35, 2 * types[i].columns);
        run(&ref, &p, out, 0, 3, 0, p.rows);
        for (int64_t r = 0; r < p.rows; r++) {
            ref.decode[types[i].type](w, p.w + (size_t)r * p.stride, p.k);
            for (int64_t a = 0; a < 3; a++) {
                double scale, want = by_decoding(&p, w, a, &scale), got = (double)out[a * p.rows + r];
                if (!(fabs(got - want) <= 4.0 * (double)FLT_EPSILON * scale))
                    fail_msg("type %d: [%d, %d] is %a, not %a", types[i].type, (int)a, (int)r, got, want);
            }
        }
        drop(&p);
    }
}

/* ---- every body is the reference, to the bit ---- */

static void expect(const vtk_table *t, const problem *p, const float *got, const float *want, int64_t m) {
    for (int64_t i = 0; i < m * p->rows; i++) {
        if (memcmp(&got[i], &want[i], 4) == 0) continue;
        fail_msg("%s, type %d, k=%d, rows=%d, m=%d: [%d, %d] is %a, not %a", t->isa, p->t->type, (int)p->k, (int)p->rows, (int)m,
                 (int)(i / p->rows), (int)(i % p->rows), (double)got[i], (double)want[i]);
    }
}

static void check_bodies(const vtk_table *ref, const vtk_table *t) {
    static const struct { int64_t rows, blocks; } shapes[] = {{1, 1}, {15, 2}, {16, 3}, {17, 1}, {33, 19}, {48, 2}, {MAX_ROWS, 5}};
    static float want[MAX_M * MAX_ROWS], got[MAX_M * MAX_ROWS];
    for (size_t i = 0; i < COUNT(types); i++) {
        for (size_t s = 0; s < COUNT(shapes); s++) {
            problem p;
            make(&p, &types[i], shapes[s].rows, shapes[s].blocks * types[i].columns);
            run(ref, &p, want, 0, MAX_M, 0, p.rows);
            for (int64_t m = 1; m <= MAX_M; m++) { /* any number of rows together */
                memset(got, 0xff, sizeof got);
                for (int64_t first = 0; first < MAX_M; first += m)
                    run(t, &p, got + first * p.rows, first, first + m <= MAX_M ? m : MAX_M - first, 0, p.rows);
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
}

static void every_body_is_the_reference_to_the_bit(void **unused) {
    (void)unused;
    for_each_variant(check_bodies);
}

/* ---- mapped or packed makes no difference ---- */

static void check_mapped(const vtk_table *ref, const vtk_table *t) {
    static float packed[MAX_M * MAX_ROWS], mapped[MAX_M * MAX_ROWS];
    (void)ref;
    for (size_t i = 0; i < COUNT(types); i++) {
        problem p;
        if (!t->matmul_q8[types[i].type]) continue;
        make(&p, &types[i], MAX_ROWS, 20 * types[i].columns);
        vtk_matmul a = {.out = mapped, .ld_out = p.rows, .w = p.w, .w_stride = p.stride, .x = p.x, .x_stride = VTK_Q8_ROW_SIZE(p.k), .m = MAX_M, .k = p.k};
        t->matmul_q8[types[i].type](&a, 0, p.rows);
        run(t, &p, packed, 0, MAX_M, 0, p.rows);
        expect(t, &p, packed, mapped, MAX_M);
        drop(&p);
    }
}

static void packed_and_mapped_products_are_the_same(void **unused) {
    (void)unused;
    for_each_variant(check_mapped);
}

static void types_without_blocks_have_no_packed_form(void **unused) {
    (void)unused;
    assert_int_equal(vtk_panel_size(VTK_F32, 64), 0);
    assert_int_equal(vtk_panel_size(VTK_Q8_K, 256), 0);
    assert_int_equal(vtk_panel_size(VTK_Q4_1, 64), 16 * 2 * 20);
    for (size_t i = 0; i < COUNT(types); i++) { /* little more than the file's size */
        size_t file = 16 * types[i].block, packed = vtk_panel_size(types[i].type, types[i].columns);
        assert_true(packed >= file && packed <= file + file / 25);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_with_the_bits_of_the_decoder),
        cmocka_unit_test(products_are_those_of_the_weights_in_the_file),
        cmocka_unit_test(every_body_is_the_reference_to_the_bit),
        cmocka_unit_test(packed_and_mapped_products_are_the_same),
        cmocka_unit_test(types_without_blocks_have_no_packed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
