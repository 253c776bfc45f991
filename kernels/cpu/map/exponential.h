/* Exponentials of float32 in vectors; a part of cpu/map/smooth.h, which says what is what. Everything static. */
#ifndef VENTURI_KERNELS_MAP_EXPONENTIAL_H
#define VENTURI_KERNELS_MAP_EXPONENTIAL_H

/* x = n ln 2 + r, |r| <= ln(2) / 2; ln 2 in two parts. */
VTK_INLINE V v_reduce(V x, V *n) {
    *n = v_round(x * v_set1(0x1.715476p+0f));
    V r = v_fma(*n, v_set1(-0x1.62e430p-1f), x);
    return v_fma(*n, v_set1(0x1.05c610p-29f), r);
}

/* exp(r) - 1 = r + r^2 q(r): q of degree 4 (interpolated at Chebyshev's nodes), relative error 1.1e-8. */
VTK_INLINE V expm1_part(V r) {
    V z = r * r, q = v_fma(r, v_set1(0x1.12106cp-7f), v_set1(0x1.555516p-5f));
    q = v_fma(v_fma(z, v_set1(0x1.6d1606p-10f), q), z, v_fma(r, v_set1(0x1.5554d8p-3f), v_set1(0.5f)));
    return v_fma(q, z, r);
}

VTK_INLINE V exp_of(V x) {
    V n, r = v_reduce(clamped(x, -104.0f, 89.0f), &n);
    return v_scale(expm1_part(r) + v_set1(1.0f), n);
}

/* 2^x = 2^n 2^r, |r| <= 1/2, where the polynomial of degree 6 (as above, 1 at 0) is within 6e-9. */
VTK_INLINE V exp2_part(V r) {
    V z = r * r, q = v_fma(v_fma(r, v_set1(0x1.44138ap-13f), v_set1(0x1.5f0890p-10f)), z, v_fma(r, v_set1(0x1.3b2a54p-7f), v_set1(0x1.c6af6cp-5f)));
    q = v_fma(q, z, v_fma(r, v_set1(0x1.ebfbe0p-3f), v_set1(0x1.62e430p-1f)));
    return v_fma(q, r, v_set1(1.0f));
}
VTK_INLINE V exp2_of(V x) {
    V y = clamped(x, -151.0f, 129.0f), n = v_round(y);
    return v_scale(exp2_part(y - n), n);
}

/* With m = exp(2|x|) - 1 it is m / (m + 2); small arguments lose nothing in m. */
VTK_INLINE V tanh_of(V x) {
    V n, t = v_abs(x), r = v_reduce(v_min(v_set1(40.0f), t + t), &n), power = v_power_of_2(n);
    V m = v_fma(expm1_part(r), power, power - v_set1(1.0f));
    return v_with_sign(m / (m + v_set1(2.0f)), x);
}

/* exp(x) - 1 = 2^n (expm1(r) + 1) - 1 with the parts of exp_of; the power is halved because 2^128 is no float. */
VTK_INLINE V expm1_of(V x) {
    V y = clamped(x, -20.0f, 89.0f);
    V n, r = v_reduce(y, &n), e = expm1_part(r);
    V half_power = v_power_of_2(n - v_set1(1.0f));
    V half = v_fma(e, half_power, half_power - v_set1(0.5f));
    return v_select(v_eq(x, v_set1(0)), x, half + half); /* -0 stays */
}

/* exp(x) and 2^x of x <= 0 that is added to or multiplied by something near 1: denormal results are 0. The whole number that the power's exponent is made of
 * comes out of a sum's last bits, and is -127 at least, an exponent of 0. */
#define POWER_MAGIC v_set1(0x1.8p23f + 127)
VTK_INLINE V power_of_sum(V t) { return v_of_bits(i_shift_left_23(v_bits(t))); }
VTK_INLINE V exp_below(V x) {
    V y = v_max(v_set1(-88.0f), x), t = v_fma(y, v_set1(0x1.715476p+0f), POWER_MAGIC), n = t - POWER_MAGIC;
    V r = v_fma(n, v_set1(0x1.05c610p-29f), v_fma(n, v_set1(-0x1.62e430p-1f), y));
    return (expm1_part(r) + v_set1(1.0f)) * power_of_sum(t);
}
VTK_INLINE V exp2_below(V x) {
    V y = v_max(v_set1(-127.0f), x), t = y + POWER_MAGIC;
    return exp2_part(y - (t - POWER_MAGIC)) * power_of_sum(t);
}

#endif
