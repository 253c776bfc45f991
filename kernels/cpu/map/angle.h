/* Sine, cosine and tangent of float32 in vectors; a part of cpu/map/smooth.h, which says what is what. Everything static. */
#ifndef VENTURI_KERNELS_MAP_ANGLE_H
#define VENTURI_KERNELS_MAP_ANGLE_H

/* sin and cos of r in [-pi/4, pi/4], in z = r^2 interpolated at Chebyshev's nodes: relative errors 1.4e-8 and 1.2e-9. */
VTK_INLINE V sin_part(V r) {
    V z = r * r, y = v_fma(v_set1(-0x1.9aae86p-13f), z, v_set1(0x1.110bf6p-7f));
    y = v_fma(y, z, v_set1(-0x1.555552p-3f));
    return v_fma(y * z, r, r);
}

VTK_INLINE V cos_part(V r) {
    V z = r * r, y = v_fma(v_set1(0x1.9bc2d4p-16f), z, v_set1(-0x1.6c12aap-10f));
    y = v_fma(y, z, v_set1(0x1.555554p-5f));
    y = v_fma(y, z, v_set1(-0.5f));
    return v_fma(y, z, v_set1(1.0f));
}

/* x = q pi/2 + r. Up to 1e5 with pi / 2 in three floats: the first product leaves whole multiples of 2^-23, fewer than 2^24, hence nothing is lost before
 * the second. Lanes with more are reduced in float64 (v_quadrant): right up to 2^30, what is larger is left to the C library. */
VTK_INLINE I quadrant(V x, V *r) {
    const V magic = v_set1(0x1.8p23f);
    V n = v_fma(x, v_set1(0x1.45f306p-1f), magic);
    I q = v_bits(n);
    n = n - magic;
    *r = v_fma(n, v_set1(-0x1.921fb6p+0f), x);
    *r = v_fma(n, v_set1(0x1.777a5cp-25f), *r);
    *r = v_fma(n, v_set1(0x1.ee59dap-50f), *r);
    M is_far = v_lt(v_set1(1e5f), v_abs(x));
    if (__builtin_expect(v_any(is_far), 0)) {
        V wide;
        I p = v_quadrant(x, &wide);
        *r = v_select(is_far, wide, *r);
        q = v_bits(v_select(is_far, v_of_bits(p), v_of_bits(q)));
    }
    return q;
}
VTK_INLINE V sin_of_quadrant(V x, int shift) {
    V r;
    I q = i_add(quadrant(x, &r), i_set1(shift));
    V y = v_select(i_has_bit_0(q), cos_part(r), sin_part(r));
    y = v_select(i_has_bit_1(q), v_set1(0) - y, y);
    return shift ? y : v_select(v_eq(x, v_set1(0)), x, y);
}
VTK_INLINE V sin_of(V x) { return sin_of_quadrant(x, 0); }
VTK_INLINE V cos_of(V x) { return sin_of_quadrant(x, 1); }

VTK_INLINE V tan_of(V x) {
    V r;
    M is_odd = i_has_bit_0(quadrant(x, &r));
    V s = sin_part(r), c = cos_part(r);
    V y = v_select(is_odd, v_set1(0) - c, s) / v_select(is_odd, s, c);
    return v_select(v_eq(x, v_set1(0)), x, y);
}

#endif
