/* Convolutions: every instruction set has the reference's bits, and reads and writes no element that is not its. */
#include "variants.h"
#include "vtk_conv.h"

enum { MOST = 4096 };

static float x32[MOST], got32[MOST], want32[MOST];
static double x64[MOST], got64[MOST], want64[MOST];

static void fill(void) {
    uint64_t seed = 9;
    for (int i = 0; i < MOST; i++) x64[i] = (double)(x32[i] = random_float(&seed));
}

/* Results begin as what is in both arrays, so that stray writes are seen. */
static void reset(void) {
    memset(got32, 7, sizeof got32), memset(want32, 7, sizeof want32);
    memset(got64, 7, sizeof got64), memset(want64, 7, sizeof want64);
}

static void check_gather(const vtk_table *ref, const vtk_table *t) {
    static const vtk_conv_piece pieces[] = {{0, 0xffff}, {5, 0x0ff0}, {-1, 0xfffe}, {-3, 0x00f8}, {40, 0xff00}, {0, 0x0001}, {9, 0x7ffe}, {77, 0x8000}};
    static const int32_t counts[] = {1, 1, 0, 1, 2, 3};
    for (int64_t step = 1; step < 4; step++)
        for (int64_t n_taps = 0; n_taps <= (int64_t)COUNT(counts); n_taps++) {
            vtk_conv_gather p = {.ld = 150, .ld_tap = 21, .plane = 131, .n = 7, .step = step, .pieces = pieces, .counts = counts, .n_taps = n_taps};
            reset();
            p.x = x32 + 64;
            p.to = want32 + 16, ref->conv->gather_f32(&p);
            p.to = got32 + 16, t->conv->gather_f32(&p);
            assert_memory_equal(got32, want32, sizeof got32);
            p.x = x64 + 64;
            p.to = want64 + 16, ref->conv->gather_f64(&p);
            p.to = got64 + 16, t->conv->gather_f64(&p);
            assert_memory_equal(got64, want64, sizeof got64);
        }
}

/* A plane whose last element is the last before a page that cannot be touched: lanes that are not asked for are not read. */
static void check_edges(const vtk_table *ref, const vtk_table *t) {
    const int64_t n = 19;
    float *plane = guarded((size_t)n * sizeof *plane), want[VTK_CONV_LANES], got[VTK_CONV_LANES];
    random_floats(plane, n, 3);
    for (int64_t step = 1; step < 4; step++)
        for (int64_t at = 0; at < n; at++) {
            vtk_conv_piece piece = {at, 0};
            for (int64_t i = 0; i < VTK_CONV_LANES; i++) piece.lanes |= (uint32_t)(at + i * step < n) << i;
            const int32_t count = 1;
            vtk_conv_gather p = {.to = want, .x = plane, .n = 1, .step = step, .pieces = &piece, .counts = &count, .n_taps = 1};
            ref->conv->gather_f32(&p);
            p.to = got, t->conv->gather_f32(&p);
            assert_memory_equal(got, want, sizeof got);
        }
    guarded_free(plane, (size_t)n * sizeof *plane);
}

static void check_direct(const vtk_table *ref, const vtk_table *t) {
    static const int64_t columns[] = {1, 4, 8, 15, 16, 17, 33, 70}, taps[] = {0, 1, 9, 25};
    int64_t at[25];
    for (int64_t i = 0; i < 25; i++) at[i] = i * 37 % 101;
    for (size_t k = 0; k < COUNT(columns) * COUNT(taps) * 2; k++)
        for (int64_t n_filters = 1; n_filters <= VTK_CONV_FILTERS; n_filters++) {
            vtk_conv_direct p = {.out_plane = 900, .out_row = 75, .in_row = 80, .at = at, .ld_weights = 25, .n_filters = n_filters, .n_rows = 1 + (int64_t)k % 11,
                .n_taps = taps[k / 2 % COUNT(taps)], .n_columns = columns[k / 2 / COUNT(taps)]};
            reset();
            p.in = x32, p.weights = x32 + 1000, p.bias = k % 2 ? x32 + 7 : NULL;
            p.out = want32, ref->conv->direct_f32(&p);
            p.out = got32, t->conv->direct_f32(&p);
            assert_memory_equal(got32, want32, sizeof got32);
            p.in = x64, p.weights = x64 + 1000, p.bias = k % 2 ? x64 + 7 : NULL;
            p.out = want64, ref->conv->direct_f64(&p);
            p.out = got64, t->conv->direct_f64(&p);
            assert_memory_equal(got64, want64, sizeof got64);
        }
}

static void check_dots(const vtk_table *ref, const vtk_table *t) {
    static const int64_t columns[] = {1, 7, 8, 16, 30, 65};
    int64_t at[49];
    for (int64_t i = 0; i < 49; i++) at[i] = i * 37 % 101;
    for (size_t k = 0; k < COUNT(columns); k++)
        for (int64_t n_taps = 1; n_taps <= 49; n_taps += n_taps < 26 ? 1 : 23) {
            vtk_conv_dots p = {.g_row = 67, .in_row = 80, .at = at, .n_taps = n_taps, .n_rows = 1 + n_taps % 5, .n_columns = columns[k]};
            memcpy(got32, x32 + 2000, sizeof got32 / 2), memcpy(want32, x32 + 2000, sizeof got32 / 2);
            p.in = x32, p.g = x32 + 900;
            p.sums = want32, ref->conv->dots_f32(&p);
            p.sums = got32, t->conv->dots_f32(&p);
            assert_memory_equal(got32, want32, sizeof got32);
            memcpy(got64, x64 + 2000, sizeof got64 / 2), memcpy(want64, x64 + 2000, sizeof got64 / 2);
            p.in = x64, p.g = x64 + 900;
            p.sums = want64, ref->conv->dots_f64(&p);
            p.sums = got64, t->conv->dots_f64(&p);
            assert_memory_equal(got64, want64, sizeof got64);
        }
}

static void gathered_vectors_are_the_references(void **state) { (void)state, fill(), for_each_variant(check_gather); }
static void lanes_that_are_not_asked_for_are_not_read(void **state) { (void)state, for_each_variant(check_edges); }
static void direct_sums_are_the_references(void **state) { (void)state, fill(), for_each_variant(check_direct); }
static void dots_are_the_references(void **state) { (void)state, fill(), for_each_variant(check_dots); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(gathered_vectors_are_the_references), cmocka_unit_test(lanes_that_are_not_asked_for_are_not_read),
        cmocka_unit_test(direct_sums_are_the_references), cmocka_unit_test(dots_are_the_references)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
