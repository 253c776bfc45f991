#include "variants.h"

#include "cpu/quant/q8_row.h"

static uint32_t bits(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static float of_bits(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}

/* The reference, against numbers worked out by hand. */

static void halves_round_to_nearest_even(void **state) {
    static const struct {
        float x;
        uint16_t h;
    } cases[] = {
        {0.0f, 0x0000},       {-0.0f, 0x8000},           {1.0f, 0x3c00},        {-2.0f, 0xc000},        {65504.0f, 0x7bff},
        {65519.996f, 0x7bff}, {65520.0f, 0x7c00},        {1e30f, 0x7c00},       {-INFINITY, 0xfc00},    {0x1p-14f, 0x0400},
        {0x1p-24f, 0x0001},   {0x1p-25f, 0x0000},        {0x1.000002p-25f, 1},  {0x1.8p-24f, 0x0002},   {0x1.ff8p-15f, 0x03ff},
        {0x1.ffcp-15f, 0x0400}, {1e-40f, 0x0000},        {0x1.002p+0f, 0x3c00}, {0x1.006p+0f, 0x3c02},  {0x1.002002p+0f, 0x3c01},
    };
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint16_t h;
        t.encode[VTK_F16](&h, &cases[i].x, 1);
        if (h != cases[i].h) fail_msg("%a gives 0x%04x, not 0x%04x", (double)cases[i].x, h, cases[i].h);
    }
    for (uint32_t u = 0; u < 0x10000; u++) { /* every half comes back; a NaN quiet */
        uint16_t h = (uint16_t)u, back;
        float f;
        t.decode[VTK_F16](&f, &h, 1);
        t.encode[VTK_F16](&back, &f, 1);
        if ((h & 0x7fff) > 0x7c00) h |= 0x200;
        assert_int_equal(back, h);
    }
}

static void bfloats_round_to_nearest_even(void **state) {
    static const struct {
        uint32_t x;
        uint16_t b;
    } cases[] = {
        {0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81}, {0x3f818000, 0x3f82}, {0x80000000, 0x8000}, {0x00008000, 0x0000},
        {0x00018000, 0x0002}, {0x7f7fffff, 0x7f80}, {0xff800000, 0xff80}, {0x7f800001, 0x7fc0}, {0xffc12345, 0xffc1},
    };
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        float x = of_bits(cases[i].x), back;
        uint16_t b;
        t.encode[VTK_BF16](&b, &x, 1);
        if (b != cases[i].b) fail_msg("0x%08x gives 0x%04x, not 0x%04x", cases[i].x, b, cases[i].b);
        t.decode[VTK_BF16](&back, &b, 1);
        assert_int_equal(bits(back), (uint32_t)b << 16);
    }
}

static void blocks_decode_as_the_format_says(void **state) {
    /* d = 0.5 (0x3800), m = -1 (0xbc00); byte j holds nibbles j (low) and 15 - j (high) */
    unsigned char q4_0[18] = {0x00, 0x38}, q4_1[20] = {0x00, 0x38, 0x00, 0xbc}, q8_0[34] = {0x00, 0x38};
    float y[32];
    vtk_table t;
    (void)state;
    for (int j = 0; j < 16; j++) q4_0[2 + j] = q4_1[4 + j] = (unsigned char)(j | (15 - j) << 4);
    for (int j = 0; j < 32; j++) q8_0[2 + j] = (unsigned char)(8 * j - 128);
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    t.decode[VTK_Q4_0](y, q4_0, 32);
    for (int j = 0; j < 16; j++) assert_true(y[j] == 0.5f * (float)(j - 8) && y[j + 16] == 0.5f * (float)(7 - j));
    t.decode[VTK_Q4_1](y, q4_1, 32);
    for (int j = 0; j < 16; j++) assert_true(y[j] == 0.5f * (float)j - 1.0f && y[j + 16] == 0.5f * (float)(15 - j) - 1.0f);
    t.decode[VTK_Q8_0](y, q8_0, 32);
    for (int j = 0; j < 32; j++) assert_true(y[j] == 0.5f * (float)(8 * j - 128));
}

static void scales_follow_the_extremes(void **state) {
    float x[32] = {0};
    unsigned char b[34];
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    x[3] = -127.0f; /* d = 1: halves go away from zero */
    x[4] = 2.5f;
    x[5] = -2.5f;
    x[6] = 2.4999998f;
    t.encode[VTK_Q8_0](b, x, 32);
    assert_int_equal(b[0] | b[1] << 8, 0x3c00);
    assert_int_equal((int8_t)b[5], -127);
    assert_int_equal((int8_t)b[6], 3);
    assert_int_equal((int8_t)b[7], -3);
    assert_int_equal((int8_t)b[8], 2);

    memset(x, 0, sizeof x);
    x[0] = 4.0f; /* the peak becomes -8, so d = -0.5; 0 is 8; -4 would be 16 and is cut to 15 */
    x[16] = -4.0f;
    t.encode[VTK_Q4_0](b, x, 32);
    assert_int_equal(b[0] | b[1] << 8, 0xb800);
    assert_int_equal(b[2], 0xf0);
    assert_int_equal(b[3], 0x88);

    for (int i = 0; i < 32; i++) x[i] = -1.0f;
    x[31] = 14.0f; /* d = 1, m = -1 */
    t.encode[VTK_Q4_1](b, x, 32);
    assert_int_equal(b[0] | b[1] << 8, 0x3c00);
    assert_int_equal(b[2] | b[3] << 8, 0xbc00);
    assert_int_equal(b[4], 0x00);
    assert_int_equal(b[19], 0xf0);
}

static void non_finite_values_are_defined(void **state) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    unsigned char b[512];
    float x[256], y[256], d;
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    for (size_t i = 0; i < COUNT(bad); i++) {
        random_floats(x, 256, i);
        x[7] = bad[i];
        for (int type = VTK_Q5_0; type < VTK_N_TYPES; type++) {
            t.encode[type](b, x, 256);
            t.decode[type](y, b, 256);
            assert_false(type >= VTK_Q2_K && isfinite(y[7])); /* superblocks do not lose it */
        }
        t.encode[VTK_Q8_0](b, x, 32);
        t.encode[VTK_Q4_0](b, x, 32);
        t.encode[VTK_Q4_1](b, x, 32);
        t.encode_q8_row(b, x, 32);
        memcpy(&d, b + 32, 4);
        assert_true(isnan(d) || isinf(d)); /* not silently lost: every product with the row is NaN */
    }
}

/* Every instruction set does the same, to the bit. */

static const size_t block_size[VTK_N_TYPES] = {4, 2, 2, 34, 18, 20, 22, 24, 84, 110, 144, 176, 210, 292};

static void check_decode(const vtk_table *ref, const vtk_table *t) {
    uint64_t seed = 5;
    for (int type = 0; type < VTK_N_TYPES; type++) {
        int64_t unit = type >= VTK_Q2_K ? 256 : type >= VTK_Q8_0 ? 32 : 1;
        for (int64_t n = 0; n <= 49 * 32 && n <= 49 * unit; n += unit) {
            size_t size = (size_t)(n / unit) * block_size[type];
            unsigned char *in = guarded(size);
            float *out = guarded((size_t)n * 4), want[49 * 32];
            for (size_t i = 0; i < size; i++) in[i] = (unsigned char)(int)(random_float(&seed) * 128.0f);
            t->decode[type](out, in, n);
            ref->decode[type](want, in, n);
            for (int64_t i = 0; i < n; i++) {
                if (!(isnan(out[i]) && isnan(want[i])) && bits(out[i]) != bits(want[i]))
                    fail_msg("%s, type %d, n=%d: %a, not %a", t->isa, type, (int)n, (double)out[i], (double)want[i]);
            }
            guarded_free(in, size);
            guarded_free(out, (size_t)n * 4);
        }
    }
}

static void decoded_values_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_decode);
}

static void check_encode_halves(const vtk_table *ref, const vtk_table *t, int type) {
    uint64_t seed = 6;
    float x[1024];
    uint16_t got[1024], want[1024];
    for (int round = 0; round < 200; round++) { /* any bit pattern: NaN, infinities, denormals */
        for (int i = 0; i < 1024; i++) x[i] = of_bits((uint32_t)(int32_t)(random_float(&seed) * 0x1p31f) ^ (uint32_t)i);
        for (int i = 0; i < 512; i++) x[2 * i] = random_float(&seed) * ldexpf(1.0f, i % 48 - 30); /* and many within range */
        t->encode[type](got, x, 1024);
        ref->encode[type](want, x, 1024);
        assert_memory_equal(got, want, sizeof got);
    }
    for (int64_t n = 0; n <= 49; n++) {
        float *in = guarded((size_t)n * 4);
        uint16_t *out = guarded((size_t)n * 2);
        random_floats(in, n, (uint64_t)n);
        t->encode[type](out, in, n);
        ref->encode[type](want, in, n);
        if (n) assert_memory_equal(out, want, (size_t)n * 2);
        guarded_free(in, (size_t)n * 4);
        guarded_free(out, (size_t)n * 2);
    }
}

static void check_encode_16_bits(const vtk_table *ref, const vtk_table *t) {
    check_encode_halves(ref, t, VTK_F16);
    check_encode_halves(ref, t, VTK_BF16);
}

static void encoded_halves_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_encode_16_bits);
}

static void fill_hard(float *x, int64_t n, int kind) {
    uint64_t seed = (uint64_t)kind * 977 + 1;
    random_floats(x, n, seed);
    for (int64_t i = 0; i < n; i++) {
        if (kind == 1) x[i] = (float)(i % 255 - 127) * 0.5f; /* ties, once the scale is a power of two */
        if (kind == 1 && i % 32 == 0) x[i] = 63.5f;
        if (kind == 2) x[i] *= 1e-40f; /* denormal */
        if (kind == 3) x[i] *= 3e38f;  /* huge */
        if (kind == 4) x[i] = 0.0f;
        if (kind == 5 && i % 37 == 5) x[i] = NAN;
        if (kind == 6 && i % 41 == 3) x[i] = i % 2 ? INFINITY : -INFINITY;
        if (kind == 7) x[i] *= 1e-45f; /* scale underflows */
        if (kind == 8 && i % 131 == 7) x[i] *= 60.0f; /* blocks that stand out */
        if (kind == 9) x[i] *= i < 32 ? 3e38f : 1e-38f;
        if (kind == 10 && i >= 32 && i < 64) x[i] = (float)(i % 2 ? 127 * 256 - i : i - 63) + 0.5f; /* ties of 16 bits, against ones of 8 */
    }
}

static void check_encode(const vtk_table *ref, const vtk_table *t) {
    enum { N = 1024 };
    static float x[N];
    static unsigned char want[N * 4];
    for (int type = VTK_Q8_0; type < VTK_N_TYPES; type++) {
        size_t unit = type >= VTK_Q2_K ? 256 : 32, size = N / unit * block_size[type];
        for (int kind = 0; kind < 8; kind++) {
            unsigned char *got = guarded(size);
            fill_hard(x, N, kind);
            t->encode[type](got, x, N);
            ref->encode[type](want, x, N);
            if (memcmp(got, want, size) != 0) fail_msg("%s, type %d, kind %d: other bytes", t->isa, type, kind);
            guarded_free(got, size);
        }
    }
}

static void encoded_blocks_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_encode);
}

/* Sum of squares of the error over that of x. */
static double relative_error(const vtk_table *t, int type, const float *x, int64_t n) {
    static unsigned char bytes[16384];
    static float y[4096];
    double error = 0.0, total = 0.0;
    t->encode[type](bytes, x, n);
    t->decode[type](y, bytes, n);
    for (int64_t i = 0; i < n; i++) {
        error += ((double)y[i] - (double)x[i]) * ((double)y[i] - (double)x[i]);
        total += (double)x[i] * (double)x[i];
    }
    return sqrt(error / total);
}

/* What a type of so many bits loses of rows as they come, of one sign, with one peak, and far from 1 in magnitude. */
static void quantisers_lose_no_more_than_their_bits(void **state) {
    enum { N = 4096 };
    static const struct {
        int type;
        double even, skew; /* bounds for rows around 0, for rows of one sign */
    } cases[] = {
        {VTK_Q8_0, 0.006, 0.006}, {VTK_Q4_0, 0.09, 0.07},  {VTK_Q4_1, 0.075, 0.04}, {VTK_Q5_0, 0.045, 0.035}, {VTK_Q5_1, 0.037, 0.02},
        {VTK_Q2_K, 0.27, 0.16},   {VTK_Q3_K, 0.15, 0.12},  {VTK_Q4_K, 0.066, 0.05}, {VTK_Q5_K, 0.032, 0.025}, {VTK_Q6_K, 0.018, 0.015},
        {VTK_Q8_K, 0.007, 0.006},
    };
    static float x[N], y[N];
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    for (size_t c = 0; c < COUNT(cases); c++) {
        random_floats(x, N, 31);
        double even = relative_error(&t, cases[c].type, x, N);
        if (!(even <= cases[c].even)) fail_msg("type %d loses %g", cases[c].type, even);
        for (int i = -12; i <= 12; i += 6) { /* the scale is a half with its rounding, or a denormal one */
            for (int j = 0; j < N; j++) y[j] = ldexpf(x[j], i);
            double error = relative_error(&t, cases[c].type, y, N);
            if (!(error <= even * 1.2 + (i < 0 ? 0.04 : 0.0))) fail_msg("type %d loses %g of 2^%d times the row, %g of the row", cases[c].type, error, i, even);
        }
        for (int sign = -1; sign <= 1; sign += 2) {
            for (int j = 0; j < N; j++) y[j] = (float)sign * fabsf(x[j]);
            double skew = relative_error(&t, cases[c].type, y, N);
            if (!(skew <= cases[c].skew)) fail_msg("type %d loses %g of rows of sign %d", cases[c].type, skew, sign);
        }
        for (int j = 0; j < N; j++) y[j] = j % 256 == 77 ? 50.0f : x[j]; /* the rest of the block has what the peak leaves it */
        assert_true(relative_error(&t, cases[c].type, y, N) < 0.2);
    }
}

static void what_a_type_can_say_it_says(void **state) {
    static const float values[] = {0.0f, 1.0f, -1.0f};
    unsigned char bytes[1024];
    float x[256], y[256];
    vtk_table t;
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    for (int type = VTK_Q8_0; type < VTK_N_TYPES; type++) {
        for (size_t v = 0; v < COUNT(values); v++) { /* rows of one value: to the scale's rounding */
            for (int i = 0; i < 256; i++) x[i] = values[v];
            memset(bytes, 0xff, sizeof bytes);
            t.encode[type](bytes, x, 256);
            t.decode[type](y, bytes, 256);
            for (int i = 0; i < 256; i++) {
                if (!(fabsf(y[i] - x[i]) <= 0x1p-10f * fabsf(x[i]))) fail_msg("type %d: %g comes back as %g", type, (double)x[i], (double)y[i]);
            }
        }
    }
}

static void check_encode_q8_row(const vtk_table *ref, const vtk_table *t) {
    for (int kind = 0; kind < 11; kind++) {
        for (int64_t n = 0; n <= 320; n += 32) {
            float *x = guarded((size_t)n * 4);
            unsigned char *got = guarded(VTK_Q8_ROW_SIZE(n)), want[VTK_Q8_ROW_SIZE(320)];
            fill_hard(x, n, kind);
            t->encode_q8_row(got, x, n);
            ref->encode_q8_row(want, x, n);
            if (n && kind != 5) assert_memory_equal(got, want, VTK_Q8_ROW_SIZE(n)); /* which NaN is not promised */
            if (n) assert_memory_equal(got, want, (size_t)n);
            guarded_free(x, (size_t)n * 4);
            guarded_free(got, VTK_Q8_ROW_SIZE(n));
        }
    }
}

static void activations_are_those_of_the_reference(void **state) {
    (void)state;
    for_each_variant(check_encode_q8_row);
}

/* Sum of squares of the error of a row of 8-bit or wider integers, over that of x. */
static double row_error(const unsigned char *row, const float *x, int64_t n) {
    double error = 0.0, total = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double v = (double)vtk_load_f32(row + n + i / 32 * 4) * vtk_q8_integer(row, n, i) - (double)x[i];
        error += v * v;
        total += (double)x[i] * (double)x[i];
    }
    return error / total;
}

/* One outlier in 16 blocks: with 8 bits for all, nearly all of the error would be its neighbours'. */
static void blocks_that_stand_out_do_not_spoil_a_row(void **state) {
    enum { N = 512 };
    vtk_table t;
    float x[N];
    unsigned char row[VTK_Q8_ROW_SIZE(N)], alone[VTK_Q8_ROW_SIZE(32)];
    (void)state;
    assert_int_equal(vtk_fill_isa(&t, "ref"), 1);
    random_floats(x, N, 3);
    t.encode_q8_row(row, x, N);
    for (int64_t b = 0; b < N / 32; b++) assert_false(vtk_q8_is_wide(row + vtk_q8_wide_at(N), b)); /* alike: none stands out */
    assert_true(row_error(row, x, N) < 3e-5);
    x[100] = 40.0f;
    t.encode_q8_row(alone, x + 96, 32); /* alone it stands out of nothing: 8 bits */
    assert_false(vtk_q8_is_wide(alone + vtk_q8_wide_at(32), 0));
    double narrow = row_error(alone, x + 96, 32);
    t.encode_q8_row(row, x, N);
    for (int64_t b = 0; b < N / 32; b++) assert_int_equal(vtk_q8_is_wide(row + vtk_q8_wide_at(N), b), b == 3);
    double wide = 0.0, total = 0.0;
    for (int64_t i = 96; i < 128; i++) {
        double v = (double)vtk_load_f32(row + N + 12) * vtk_q8_integer(row, N, i) - (double)x[i];
        wide += v * v;
        total += (double)x[i] * (double)x[i];
    }
    assert_true(wide / total * 250 * 250 < 2 * narrow); /* 256 times as fine */
    assert_true(wide / total * 250 * 250 > narrow / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_round_to_nearest_even),
        cmocka_unit_test(bfloats_round_to_nearest_even),
        cmocka_unit_test(blocks_decode_as_the_format_says),
        cmocka_unit_test(scales_follow_the_extremes),
        cmocka_unit_test(non_finite_values_are_defined),
        cmocka_unit_test(decoded_values_are_those_of_the_reference),
        cmocka_unit_test(encoded_halves_are_those_of_the_reference),
        cmocka_unit_test(encoded_blocks_are_those_of_the_reference),
        cmocka_unit_test(quantisers_lose_no_more_than_their_bits),
        cmocka_unit_test(what_a_type_can_say_it_says),
        cmocka_unit_test(activations_are_those_of_the_reference),
        cmocka_unit_test(blocks_that_stand_out_do_not_spoil_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
