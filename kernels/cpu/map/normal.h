/* The error function and the normal distribution of float32 in vectors; a part of cpu/map/smooth.h, which says what is what. Everything static. */
#ifndef VENTURI_KERNELS_MAP_NORMAL_H
#define VENTURI_KERNELS_MAP_NORMAL_H

/* Polynomials of degree 6 in pieces: a column of terms each, that with the highest power last. d: distance from the middle of the piece. */
VTK_INLINE V pieces(const float (*terms)[8], I piece, V d) {
    V z = d * d;
    V y = v_fma(v_fma(v_pick(terms[6], piece), z, v_fma(v_pick(terms[5], piece), d, v_pick(terms[4], piece))), z,
                v_fma(v_pick(terms[3], piece), d, v_pick(terms[2], piece)));
    return v_fma(v_fma(y, d, v_pick(terms[1], piece)), d, v_pick(terms[0], piece));
}

/* erf(t) / t in [0, 4) by halves, interpolated at Chebyshev's nodes: relative error 9e-9. */
static const float erf_terms[7][8] = {
    {0x1.1af54ep+0f, 0x1.e57b74p-1f, 0x1.7a0518p-1f, 0x1.20ac04p-1f, 0x1.c67206p-2f, 0x1.74538p-2f, 0x1.3b1358p-2f, 0x1.11111p-2f},
    {-0x1.7306e4p-3f, -0x1.a0cddp-2f, -0x1.9b12e8p-2f, -0x1.2b07a8p-2f, -0x1.8d7348p-3f, -0x1.0e5896p-3f, -0x1.83bfap-4f, -0x1.234526p-4f},
    {-0x1.57664ap-2f, -0x1.9a7da8p-4f, 0x1.5aa536p-4f, 0x1.d354a4p-4f, 0x1.4408c8p-4f, 0x1.846d84p-5f, 0x1.dcc02ep-6f, 0x1.36ac76p-6f},
    {0x1.acd156p-4f, 0x1.5ac6aap-3f, 0x1.0fbc8p-4f, -0x1.c00b02p-7f, -0x1.a1ebap-6f, -0x1.0a1142p-6f, -0x1.23697cp-7f, -0x1.4b3ddcp-8f},
    {0x1.6ca6a8p-4f, -0x1.974f8p-6f, -0x1.db04cp-5f, -0x1.425b36p-6f, 0x1.760d86p-9f, 0x1.355e72p-8f, 0x1.5b1d6ep-9f, 0x1.605c0ep-10f},
    {-0x1.1e7a4ap-5f, -0x1.31523ap-5f, 0x1.08ec6ap-7f, 0x1.e6fe94p-7f, 0x1.d42fa2p-9f, -0x1.61b632p-11f, -0x1.77f9dap-11f, -0x1.74ef24p-12f},
    {-0x1.280db2p-6f, 0x1.d15e3ap-7f, 0x1.4a4d46p-7f, -0x1.b41cfep-9f, -0x1.72e972p-9f, -0x1.7a3a5ap-12f, 0x1.1eea82p-13f, 0x1.76da9ep-14f},
};

VTK_INLINE V erf_of(V x) {
    static const float middle[8] = {0.25f, 0.75f, 1.25f, 1.75f, 2.25f, 2.75f, 3.25f, 3.75f};
    V t = v_min(v_set1(3.99999f), v_abs(x)); /* from 3.92 on it is 1 */
    I piece = i_shift_right_20(v_bits(t + v_set1(4.0f)));
    V y = v_min(v_set1(1.0f), t * pieces(erf_terms, piece, t - v_pick(middle, piece)));
    return v_with_sign(y, x);
}

/* The normal distribution's tail behind t = |x|, h = exp(-t^2 / 2) m(t): m in 8 pieces between (2, 3, 4, 6, 8, ...) / 2 - 1 and 15, interpolated at Chebyshev's
 * nodes, relative error 3e-8. Farther out h is 0. *e: the exponential. */
static const float tail_terms[7][8] = {
    {0x1.a57056p-3f, 0x1.217252p-3f, 0x1.82b4bcp-4f, 0x1.095608p-4f, 0x1.66ccb8p-5f, 0x1.f3ddc2p-6f, 0x1.a7f808p-2f, 0x1.337024p-2f},
    {-0x1.71c07cp-4f, -0x1.75ab72p-5f, -0x1.5cfa1ep-6f, -0x1.5068dcp-7f, -0x1.3781ecp-8f, -0x1.3012c2p-9f, -0x1.2e8654p-2f, -0x1.63e074p-3f},
    {0x1.204052p-5f, 0x1.bf39aap-7f, 0x1.2dda78p-8f, 0x1.a0efp-10f, 0x1.0b6eaap-11f, 0x1.6fdc5ep-13f, 0x1.5c5676p-3f, 0x1.5bf7f4p-4f},
    {-0x1.99504ap-7f, -0x1.f60c34p-9f, -0x1.f60372p-11f, -0x1.f9999ep-13f, -0x1.c57214p-15f, -0x1.ba5f8ap-17f, -0x1.59485p-4f, -0x1.2c809ep-5f},
    {0x1.0d46d4p-8f, 0x1.0ab5d8p-10f, 0x1.93c8b4p-13f, 0x1.2c8f3ap-15f, 0x1.7d13e2p-18f, 0x1.08a91ap-20f, 0x1.3127ecp-5f, 0x1.d687ap-7f},
    {-0x1.57e42ep-10f, -0x1.14b094p-12f, -0x1.4edc66p-15f, -0x1.6b589ap-18f, -0x1.561056p-21f, -0x1.4774d2p-24f, -0x1.f27b36p-7f, -0x1.57a868p-8f},
    {0x1.8efd28p-12f, 0x1.0b8902p-14f, 0x1.f8fcc2p-18f, 0x1.9fa7aep-21f, 0x1.1950dcp-24f, 0x1.838124p-28f, 0x1.728b62p-8f, 0x1.ce5d12p-10f},
};

VTK_INLINE V tail_of(V t, V *e) {
    static const float middle[8] = {0x1.8p+0f, 0x1.4p+1f, 0x1p+2f, 0x1.8p+2f, 0x1.2p+3f, 0x1.ap+3f, 0x1p-2f, 0x1.8p-1f};
    I piece = i_shift_right_22(v_bits(t + v_set1(1.0f)));
    V m = pieces(tail_terms, piece, t - v_pick(middle, piece));
    *e = exp2_below(t * t * v_set1(-0x1.715476p-1f));
    return m * *e;
}

/* max(x, 0) - |x| h */
VTK_INLINE V gelu_of(V x) {
    V t = v_min(v_set1(14.9f), v_abs(x)), e, h = tail_of(t, &e);
    return v_fma(-t, h, v_max(v_set1(0), x));
}

VTK_INLINE V gelu_slope(V x) {
    V y = clamped(x, -14.9f, 14.9f), e, h = tail_of(v_abs(y), &e);
    V share = v_select(v_lt(y, v_set1(0)), h, v_set1(1.0f) - h);
    return v_fma(y * v_set1(0x1.988454p-2f), e, share);
}

#endif
