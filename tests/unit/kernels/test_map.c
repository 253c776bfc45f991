/* Elementwise kernels: plain arithmetic and conversions are the reference's to the bit, functions within their ulps, for numbers of all sizes. */
#include "variants.h"
#include "vtk_map.h"

enum { N = 4096, LONGEST = 37 };

static const double specials[] = {0.0, -0.0, 1, -1, 0.5, -0.5, 2, 3, -3, 6, INFINITY, -INFINITY, NAN, 1e-45, -1e-45, 1e-40, 1.17549435e-38, 3.4028235e38, -3.4028235e38,
                                  88.7, 89, -87.3, -103.9, -104.1, 127.99, 128, -149.5, 1073741824.0, 1.5707964, 3.1415927, 1e10, -1e22, 1e38, 0.49999997, 2147483648.0, 9.2233720368547758e18};

/* Numbers of all sizes, then of those near 1, then small whole ones. */
static double number_at(int64_t i, uint64_t *state) {
    if (i < (int64_t)COUNT(specials)) return specials[i];
    double u = (double)random_float(state);
    switch (i % 4) {
    case 0: return copysign(pow(2, 150 * (double)random_float(state)), u);
    case 1: return 10 * u;
    case 2: return rint(8 * u);
    default: return u;
    }
}

static float f32[3][N];
static double f64[3][N];
static int64_t i64[3][N];

static void make_numbers(void) {
    uint64_t state = 7;
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < N; i++) {
            double x = number_at(k == 0 ? i : (i * 7 + k) % N, &state);
            f32[k][i] = (float)x;
            f64[k][i] = x;
            i64[k][i] = i % 3 == 0 ? (int64_t)(random_float(&state) * 9e18f) : (int64_t)(20 * random_float(&state));
        }
}

/* Numbers of floats between two, denormals of either sign being as near as they are. */
static int64_t ulps(float a, float b) {
    int32_t x, y;
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b) ? 0 : INT64_MAX;
    memcpy(&x, &a, 4);
    memcpy(&y, &b, 4);
    int64_t u = x < 0 ? INT32_MIN - (int64_t)x : x, v = y < 0 ? INT32_MIN - (int64_t)y : y;
    return u > v ? u - v : v - u;
}

#define NAME(name) [VTK_MAP_##name] = #name,
static const char *const names[VTK_N_MAP] = {
    VTK_MAP_PLAIN_UNARY(NAME) VTK_MAP_PLAIN_BINARY(NAME) VTK_MAP_PLAIN_TEST(NAME) VTK_MAP_PLAIN_COMPARE(NAME) VTK_MAP_PLAIN_TERNARY(NAME)
    VTK_MAP_SMOOTH(NAME) NAME(bitwise_and) NAME(bitwise_or) NAME(bitwise_xor) NAME(conj) NAME(real) NAME(imag) NAME(angle) NAME(complex)};

/* Bounds that are not 2. */
static int64_t allowed(int id) {
    switch (id) {
    case VTK_MAP_tan: case VTK_MAP_erf: case VTK_MAP_silu: return 3;
    case VTK_MAP_tanh: case VTK_MAP_mish: return 4;
    default: return 2;
    }
}
/* An exponent x^2 / 2, or beta x, that is rounded before exp. */
static double loss_of_exponent(int id, double x) {
    if (id == VTK_MAP_gelu || id == VTK_MAP_gelu_tanh) return 4e-7 * (1 + x * x);
    return id == VTK_MAP_softplus ? 2e-7 * (1 + fabs(x)) : 0;
}
static int is_gradient(int id) { return id == VTK_MAP_gelu_grad || id == VTK_MAP_gelu_tanh_grad || id == VTK_MAP_silu_grad; }

static const double parameters[2] = {0.75, 1.5};
static const int64_t ones[3] = {1, 1, 1};

static void check_smooth(const vtk_table *ref, const vtk_table *t) {
    static float got[N], want[N];
    const void *in[3] = {f32[0], f32[1], f32[2]};
#define ID(name) VTK_MAP_##name,
    static const int ids[] = {VTK_MAP_SMOOTH(ID)};
    for (size_t k = 0; k < COUNT(ids); k++) {
        int id = ids[k];
        ref->map->f32[id](want, in, ones, N, parameters);
        t->map->f32[id](got, in, ones, N, parameters);
        for (int64_t i = 0; i < N; i++) {
            if (ulps(got[i], want[i]) <= allowed(id) || is_close(got[i], want[i], 0)) continue;
            if (is_close(got[i], want[i], fabs((double)want[i]) * loss_of_exponent(id, (double)f32[0][i]) + (id == VTK_MAP_gelu_tanh ? 1e-37 : 0))) continue;
            if (is_gradient(id) && fabsf(got[i] - want[i]) <= 4e-7f * fabsf(f32[0][i])) continue;
            fail_msg("%s %s(%a, %a) = %a, want %a", t->isa, names[id], (double)f32[0][i], (double)f32[1][i], (double)got[i], (double)want[i]);
        }
    }
}

static void functions_are_within_their_ulps(void **state) {
    (void)state;
    make_numbers();
    for_each_variant(check_smooth);
}

static void compare_bytes(const char *what, const char *isa, const void *got, const void *want, size_t size, size_t width) {
    for (size_t i = 0; i < size; i += width) {
        const char *a = (const char *)got + i, *b = (const char *)want + i;
        double x = 0, y = 0;
        float u = 0, v = 0;
        if (memcmp(a, b, width) == 0) continue;
        if (width == 8) memcpy(&x, a, 8), memcpy(&y, b, 8);
        if (width == 4) memcpy(&u, a, 4), memcpy(&v, b, 4), x = (double)u, y = (double)v;
        if (width >= 4 && isnan(x) && isnan(y)) continue; /* which NaN is left open */
        fail_msg("%s %s: byte %zu differs", isa, what, i);
    }
}

/* Every length, every way to repeat, at the end of a page. */
static void check_steps(const vtk_table *ref, const vtk_table *t, int id, int n_in, vtk_map_fn fn, vtk_map_fn want_fn, const void *const *from, size_t width, size_t out_width) {
    char want[LONGEST * 16];
    for (int64_t n = 1; n <= LONGEST; n += n < 20 ? 1 : 5)
        for (int bits = 0; bits < (n_in == 1 ? 1 : 1 << n_in); bits++) {
            void *arrays[3], *out = guarded((size_t)n * out_width);
            const void *in[3];
            int64_t step[3];
            for (int k = 0; k < n_in; k++) {
                step[k] = n_in == 1 || !(bits >> k & 1);
                size_t size = (step[k] ? (size_t)n : 1) * width;
                in[k] = arrays[k] = guarded(size);
                memcpy(arrays[k], (const char *)from[k] + (size_t)(n * 5 + bits) * width, size);
            }
            fn(out, in, step, n, parameters);
            want_fn(want, in, step, n, parameters);
            compare_bytes(names[id], t->isa, out, want, (size_t)n * out_width, out_width);
            for (int k = 0; k < n_in; k++) guarded_free(arrays[k], (step[k] ? (size_t)n : 1) * width);
            guarded_free(out, (size_t)n * out_width);
        }
    (void)ref;
}

static void check_plain(const vtk_table *ref, const vtk_table *t) {
    const void *x32[] = {f32[0], f32[1], f32[2]}, *x64[] = {f64[0], f64[1], f64[2]}, *xi[] = {i64[0], i64[1], i64[2]};
    for (int id = 0; id < VTK_N_MAP; id++) {
        int n_in = id >= VTK_MAP_lerp && id <= VTK_MAP_addcmul ? 3 : (id >= VTK_MAP_add && id <= VTK_MAP_sigmoid_grad) || (id >= VTK_MAP_eq && id <= VTK_MAP_logical_xor) ? 2 : 1;
        size_t is_test = id >= VTK_MAP_isnan && id <= VTK_MAP_logical_xor;
        int is_plain = id <= VTK_MAP_addcmul;
        if (is_plain) check_steps(ref, t, id, n_in, t->map->f32[id], ref->map->f32[id], x32, 4, is_test ? 1 : 4);
        if (is_plain) check_steps(ref, t, id, n_in, t->map->f64[id], ref->map->f64[id], x64, 8, is_test ? 1 : 8);
        if (id >= VTK_MAP_pow && id <= VTK_MAP_floor_divide) n_in = 2;
        if (id >= VTK_MAP_bitwise_and && id <= VTK_MAP_bitwise_xor) n_in = 2;
        if (t->map->i64[id]) check_steps(ref, t, id, n_in, t->map->i64[id], ref->map->i64[id], xi, 8, is_test ? 1 : 8);
    }
}

static void check_pairs(const vtk_table *ref, const vtk_table *t) {
    static float pairs[3][2 * N];
    const void *x[] = {pairs[0], pairs[1], pairs[2]};
    for (int k = 0; k < 3; k++) random_floats(pairs[k], 2 * N, (uint64_t)k + 3);
    for (int id = 0; id < VTK_N_MAP; id++) {
        int n_in = id >= VTK_MAP_add && id <= VTK_MAP_mul ? 2 : 1;
        size_t out_width = id == VTK_MAP_real || id == VTK_MAP_imag ? 4 : 8;
        if (t->map->c64[id]) check_steps(ref, t, id, n_in, t->map->c64[id], ref->map->c64[id], x, 8, out_width);
        if (id == VTK_MAP_complex) check_steps(ref, t, id, 2, t->map->f32[id], ref->map->f32[id], x, 4, 8);
    }
}

static void check_optimizers(const vtk_table *ref, const vtk_table *t) {
    static double room[5][64], got[4][64], want[4][64];
    const vtk_step s = {0.1, 0.9, 0.99, 1e-8, 0.01, 0.98, 1.3, 1};
    const void *in[] = {room[0], room[1], room[2], room[3], room[4]};
    void *a[] = {got[0], got[1], got[2], got[3]}, *b[] = {want[0], want[1], want[2], want[3]};
    for (int wide = 0; wide < 2; wide++)
        for (int kind = 0; kind < VTK_N_STEPS; kind++) {
            for (int k = 0; k < 5; k++)
                for (int i = 0; i < 64; i++) {
                    if (wide) room[k][i] = fabs(f64[0][100 + 4 * i + 3] + k);
                    else ((float *)room[k])[i] = fabsf(f32[0][100 + 4 * i + 3] + (float)k);
                }
            ref->map->step[wide][kind](b, in, 61, &s);
            t->map->step[wide][kind](a, in, 61, &s);
            assert_memory_equal(got, want, sizeof got);
        }
}

static void arithmetic_is_the_same_to_the_bit(void **state) {
    (void)state;
    make_numbers();
    for_each_variant(check_plain);
    for_each_variant(check_pairs);
    for_each_variant(check_optimizers);
}

static const size_t sizes[VTK_N_T] = {1, 1, 1, 4, 8, 4, 8, 8, 16, 2, 2};

static void check_conversions(const vtk_table *ref, const vtk_table *t) {
    static _Alignas(16) char got[N * 16], want[N * 16], from[N * 16];
    make_numbers();
    for (int a = 0; a < VTK_N_T; a++)
        for (int b = 0; b < VTK_N_T; b++) {
            if (!ref->map->convert[a][b]) continue;
            for (int64_t i = 0; i < N * 16; i++) from[i] = (char)(i * 37 >> 3);
            if (a == VTK_T_F32 || a == VTK_T_C64) memcpy(from, f32[0], sizeof f32[0]);
            if (a == VTK_T_F64 || a == VTK_T_C128) memcpy(from, f64[0], sizeof f64[0]);
            int64_t n = (N - 5) / 2;
            ref->map->convert[a][b](want, from, n);
            t->map->convert[a][b](got, from, n);
            compare_bytes("convert", t->isa, got, want, (size_t)n * sizes[b], b == VTK_T_C64 ? 4 : b == VTK_T_C128 ? 8 : sizes[b]);
        }
}

static void conversions_agree_and_stay_in_range(void **state) {
    (void)state;
    vtk_table ref;
    const float x[] = {300.7f, -300.7f, NAN, INFINITY, -INFINITY, 2147483648.0f, -1.9f, 1e30f};
    const uint8_t u8[] = {255, 0, 0, 255, 0, 255, 0, 255};
    const int8_t i8[] = {127, -128, 0, 127, -128, 127, -1, 127};
    const int32_t i32[] = {300, -300, 0, INT32_MAX, INT32_MIN, INT32_MAX, -1, INT32_MAX};
    const int64_t i64_want[] = {300, -300, 0, INT64_MAX, INT64_MIN, 2147483648, -1, INT64_MAX};
    const int64_t wide[] = {-1, 256, 511, INT64_MIN};
    const uint8_t cut[] = {255, 0, 255, 0};
    int64_t room[8];
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    ref.map->convert[VTK_T_F32][VTK_T_U8](room, x, 8);
    assert_memory_equal(room, u8, sizeof u8);
    ref.map->convert[VTK_T_F32][VTK_T_I8](room, x, 8);
    assert_memory_equal(room, i8, sizeof i8);
    ref.map->convert[VTK_T_F32][VTK_T_I32](room, x, 8);
    assert_memory_equal(room, i32, sizeof i32);
    ref.map->convert[VTK_T_F32][VTK_T_I64](room, x, 8);
    assert_memory_equal(room, i64_want, sizeof i64_want);
    ref.map->convert[VTK_T_I64][VTK_T_U8](room, wide, 4);
    assert_memory_equal(room, cut, sizeof cut);
    for_each_variant(check_conversions);
}

static void check_choice(const vtk_table *ref, const vtk_table *t) {
    static _Alignas(16) char x[64 * 16], y[64 * 16], got[64 * 16], want[64 * 16];
    uint8_t mask[64];
    for (int i = 0; i < 64; i++) mask[i] = (uint8_t)(i % 3 == 0 ? 0 : i);
    for (int i = 0; i < 64 * 16; i++) x[i] = (char)i, y[i] = (char)(i >> 3);
    const void *in[] = {mask, x, y};
    for (int c = 0; c < 5; c++)
        for (int bits = 0; bits < 8; bits++) {
            int64_t step[3] = {bits & 1, bits >> 1 & 1, bits >> 2 & 1};
            ref->map->select[c](want, in, step, 61, parameters);
            t->map->select[c](got, in, step, 61, parameters);
            assert_memory_equal(got, want, (size_t)61 << c);
            for (int i = 0; i < 61; i++) {
                const char *from = mask[i * step[0]] ? x + ((i * step[1]) << c) : y + ((i * step[2]) << c);
                assert_memory_equal(want + ((size_t)i << c), from, (size_t)1 << c);
            }
        }
    for (int c = 0; c < 5; c++) {
        t->map->gather[c](got, x, 3, 20);
        t->map->scatter[c](want, 3, got, 20);
        for (int i = 0; i < 20; i++) assert_memory_equal(want + ((3 * i) << c), x + ((3 * i) << c), (size_t)1 << c);
    }
}

static void choices_and_moves(void **state) {
    (void)state;
    for_each_variant(check_choice);
}

/* Wherever an output begins in a line, and at the ends of pages. */
static void check_past(const vtk_table *ref, const vtk_table *t) {
    (void)ref;
    static const int64_t many[] = {0, 1, 2, 7, 15, 16, 17, 31, 33, 64, 65, 100, 300};
    float want[300];
    for (size_t l = 0; l < COUNT(many); l++)
        for (int shift = 0; shift < 18; shift++) {
            int64_t n = many[l];
            size_t size = (size_t)(n + shift) * sizeof(float);
            if (size == 0) continue;
            float *out = guarded(size);
            const void *in[] = {f32[0] + shift, f32[1] + 1};
            for (int id = 0; id < VTK_N_MAP; id++) {
                if (!t->map->past_f32[id]) continue;
                memset(out, 0x5a, size);
                t->map->past_f32[id](out + shift, in, ones, n, parameters);
                t->map->fence();
                t->map->f32[id](want, in, ones, n, parameters);
                for (int i = 0; i < shift * 4; i++) assert_int_equal(((const char *)out)[i], 0x5a);
                assert_memory_equal(out + shift, want, (size_t)n * sizeof(float));
            }
            memset(out, 0x5a, size);
            t->map->stream((char *)out + shift, (const char *)f32[2] + 3, (size_t)n * 4);
            t->map->fence();
            for (int i = 0; i < shift; i++) assert_int_equal(((const char *)out)[i], 0x5a);
            assert_memory_equal((const char *)out + shift, (const char *)f32[2] + 3, (size_t)n * 4);
            guarded_free(out, size);
        }
}

static void what_goes_past_the_caches_is_the_same(void **state) {
    (void)state;
    make_numbers();
    for_each_variant(check_past);
}

static void integers_divide_by_zero_and_wrap(void **state) {
    (void)state;
    const int64_t a[] = {7, -7, 7, INT64_MIN, INT64_MIN, 5, 0, -3}, b[] = {2, 2, -2, -1, 0, 0, -1, 3};
    const int64_t quotient[] = {3, -4, -4, INT64_MIN, 0, 0, 0, -1}, modulo[] = {1, 1, -1, 0, INT64_MIN, 5, 0, 0}, rest[] = {1, -1, 1, 0, INT64_MIN, 5, 0, 0};
    const int64_t power[] = {49, 49, 0, 0, 1, 1, 0, -27};
    const void *in[] = {a, b};
    int64_t z[8];
    vtk_get()->map->i64[VTK_MAP_floor_divide](z, in, ones, 8, parameters);
    assert_memory_equal(z, quotient, sizeof z);
    vtk_get()->map->i64[VTK_MAP_remainder](z, in, ones, 8, parameters);
    assert_memory_equal(z, modulo, sizeof z);
    vtk_get()->map->i64[VTK_MAP_fmod](z, in, ones, 8, parameters);
    assert_memory_equal(z, rest, sizeof z);
    vtk_get()->map->i64[VTK_MAP_pow](z, in, ones, 8, parameters);
    assert_memory_equal(z, power, sizeof z);
}

/* Sums of 1 to 12 arrays of every kind of number; the flag where an element is not finite, with it first, last or nowhere; over the first input too. */
static void check_blend(const vtk_table *ref, const vtk_table *t) {
    enum { MOST_IN = 12, ROOM = 301 };
    static const int64_t many[] = {1, 3, 5, 7, 9, 15, 17, 31, 33, 63, 65, 127, 300};
    static const double bad[] = {0, NAN, INFINITY, -INFINITY, 1e308}; /* 0: none; the last: finite, its product with 1e3 is not */
    static double from[MOST_IN][ROOM];
    static char want[ROOM * 8];
    for (int wide = 0; wide < 2; wide++)
        for (int32_t n_in = 1; n_in <= MOST_IN; n_in++)
            for (size_t l = 0; l < COUNT(many); l++)
                for (size_t kind = 0; kind < COUNT(bad) * 2 - 1; kind++) {
                    const size_t width = wide ? 8 : 4, size = (size_t)many[l] * width;
                    const void *in[MOST_IN], *in_place[MOST_IN];
                    double c[MOST_IN];
                    uint64_t state = (uint64_t)n_in * 64 + l + 1;
                    char *out = guarded(size);
                    for (int32_t k = 0; k < n_in; k++) {
                        c[k] = (double)random_float(&state);
                        for (int64_t i = 0; i < many[l]; i++) {
                            const double x = (double)random_float(&state) * (i % 5 == 0 ? 1e-30 : 1);
                            if (wide) from[k][i] = x;
                            else ((float *)from[k])[i] = (float)x;
                        }
                        in[k] = in_place[k] = from[k];
                    }
                    const double value = bad[(kind + 1) / 2];
                    const int64_t at = kind % 2 ? 0 : many[l] - 1;
                    if (kind) {
                        if (value > 0 && isfinite(value)) c[n_in - 1] = 1e3;
                        if (wide) from[n_in - 1][at] = value;
                        else ((float *)from[n_in - 1])[at] = isfinite(value) ? 3e38f : (float)value;
                    }
                    const int flag = ref->map->blend[wide](want, in, c, n_in, many[l]);
                    assert_int_equal(flag, kind != 0);
                    memset(out, 0x5a, size);
                    assert_int_equal(t->map->blend[wide](out, in, c, n_in, many[l]), flag);
                    compare_bytes("blend", t->isa, out, want, size, width);
                    in_place[0] = out;
                    memcpy(out, from[0], size);
                    assert_int_equal(t->map->blend[wide](out, in_place, c, n_in, many[l]), flag);
                    compare_bytes("blend in place", t->isa, out, want, size, width);
                    guarded_free(out, size);
                }
}

static void blends_are_the_same_to_the_bit(void **state) {
    (void)state;
    for_each_variant(check_blend);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_within_their_ulps),
        cmocka_unit_test(arithmetic_is_the_same_to_the_bit),
        cmocka_unit_test(conversions_agree_and_stay_in_range),
        cmocka_unit_test(choices_and_moves),
        cmocka_unit_test(what_goes_past_the_caches_is_the_same),
        cmocka_unit_test(blends_are_the_same_to_the_bit),
        cmocka_unit_test(integers_divide_by_zero_and_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
