/* Transforms of a handful of points in registers, a vector of transforms at once: re[r], im[r] in, the result in order. Included once a type by fft_body.h.
 * Radix 8 and 16 are two rounds of smaller ones, Cooley and Tukey 1965: with r = 4 b,
 *
 *     X[j + 4 i] = sum over k < b of exp(-2 pi i k i / b) exp(-2 pi i k j / r) (sum over l < 4 of x[b l + k] exp(-2 pi i l j / 4)) */

FFT_INLINE void NAME(dft2)(V *re, V *im, int a, int b) {
    V r = re[a] - re[b], i = im[a] - im[b];
    re[a] += re[b], im[a] += im[b];
    re[b] = r, im[b] = i;
}

FFT_INLINE void NAME(dft4)(V *re, V *im, int a, int b, int c, int d) {
    V ac_re = re[a] + re[c], ac_im = im[a] + im[c], am_re = re[a] - re[c], am_im = im[a] - im[c];
    V bd_re = re[b] + re[d], bd_im = im[b] + im[d], bm_re = re[b] - re[d], bm_im = im[b] - im[d];
    re[a] = ac_re + bd_re, im[a] = ac_im + bd_im;
    re[b] = am_re + bm_im, im[b] = am_im - bm_re;
    re[c] = ac_re - bd_re, im[c] = ac_im - bd_im;
    re[d] = am_re - bm_im, im[d] = am_im + bm_re;
}

FFT_INLINE void NAME(dft3)(V *re, V *im) {
    const V half = SPLAT((REAL)0.5), sine = SPLAT((REAL)0.86602540378443864676);
    V sum_re = re[1] + re[2], sum_im = im[1] + im[2], dif_re = (im[1] - im[2]) * sine, dif_im = (re[2] - re[1]) * sine;
    V mid_re = FNMA(sum_re, half, re[0]), mid_im = FNMA(sum_im, half, im[0]);
    re[0] += sum_re, im[0] += sum_im;
    re[1] = mid_re + dif_re, im[1] = mid_im + dif_im;
    re[2] = mid_re - dif_re, im[2] = mid_im - dif_im;
}

FFT_INLINE void NAME(dft5)(V *re, V *im) {
    const V c1 = SPLAT((REAL)0.30901699437494742410), c2 = SPLAT((REAL)-0.80901699437494742410); /* cosines and sines of a fifth of a turn and of two */
    const V s1 = SPLAT((REAL)0.95105651629515357212), s2 = SPLAT((REAL)0.58778525229247312917);
    V p_re = re[1] + re[4], p_im = im[1] + im[4], q_re = re[2] + re[3], q_im = im[2] + im[3];
    V u_re = re[1] - re[4], u_im = im[1] - im[4], v_re = re[2] - re[3], v_im = im[2] - im[3];
    V a_re = FMA(c2, q_re, FMA(c1, p_re, re[0])), a_im = FMA(c2, q_im, FMA(c1, p_im, im[0]));
    V b_re = FMA(c1, q_re, FMA(c2, p_re, re[0])), b_im = FMA(c1, q_im, FMA(c2, p_im, im[0]));
    V d_re = FMA(s2, v_re, s1 * u_re), d_im = FMA(s2, v_im, s1 * u_im), e_re = FNMA(s1, v_re, s2 * u_re), e_im = FNMA(s1, v_im, s2 * u_im);
    re[0] += p_re + q_re, im[0] += p_im + q_im;
    re[1] = a_re + d_im, im[1] = a_im - d_re;
    re[4] = a_re - d_im, im[4] = a_im + d_re;
    re[2] = b_re + e_im, im[2] = b_im - e_re;
    re[3] = b_re - e_im, im[3] = b_im + e_re;
}

/* Times exp(-i angle), of which these are cosine and sine. */
FFT_INLINE void NAME(turn)(V *re, V *im, int a, double cosine, double sine) {
    V c = SPLAT((REAL)cosine), s = SPLAT((REAL)sine), r = FMA(im[a], s, re[a] * c);
    im[a] = FNMA(re[a], s, im[a] * c);
    re[a] = r;
}

/* Times exp(-i pi / 4), and exp(-3 i pi / 4). */
FFT_INLINE void NAME(turn_eighth)(V *re, V *im, int a) {
    const V h = SPLAT((REAL)0.70710678118654752440);
    V r = (re[a] + im[a]) * h;
    im[a] = (im[a] - re[a]) * h;
    re[a] = r;
}

FFT_INLINE void NAME(turn_three_eighths)(V *re, V *im, int a) {
    const V h = SPLAT((REAL)0.70710678118654752440), minus = SPLAT((REAL)-0.70710678118654752440);
    V r = (im[a] - re[a]) * h;
    im[a] = (re[a] + im[a]) * minus;
    re[a] = r;
}

FFT_INLINE void NAME(turn_quarter)(V *re, V *im, int a) {
    V r = im[a];
    im[a] = -re[a];
    re[a] = r;
}

FFT_INLINE void NAME(dft8)(V *re, V *im) {
    NAME(dft4)(re, im, 0, 2, 4, 6);
    NAME(dft4)(re, im, 1, 3, 5, 7);
    NAME(turn_eighth)(re, im, 3);
    NAME(turn_quarter)(re, im, 5);
    NAME(turn_three_eighths)(re, im, 7);
    const V r[8] = {re[0], re[1], re[2], re[3], re[4], re[5], re[6], re[7]}, i[8] = {im[0], im[1], im[2], im[3], im[4], im[5], im[6], im[7]};
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        re[j] = r[2 * j] + r[2 * j + 1], im[j] = i[2 * j] + i[2 * j + 1];
        re[j + 4] = r[2 * j] - r[2 * j + 1], im[j + 4] = i[2 * j] - i[2 * j + 1];
    }
}

FFT_INLINE void NAME(dft16)(V *re, V *im) {
    const double c = 0.92387953251128675613, s = 0.38268343236508977173; /* of a sixteenth of a turn */
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) NAME(dft4)(re, im, k, k + 4, k + 8, k + 12);
    NAME(dft4)(re, im, 0, 1, 2, 3); /* element [j][k] is at 4 j + k */
    NAME(turn)(re, im, 5, c, s);
    NAME(turn_eighth)(re, im, 6);
    NAME(turn)(re, im, 7, s, c);
    NAME(dft4)(re, im, 4, 5, 6, 7);
    NAME(turn_eighth)(re, im, 9);
    NAME(turn_quarter)(re, im, 10);
    NAME(turn_three_eighths)(re, im, 11);
    NAME(dft4)(re, im, 8, 9, 10, 11);
    NAME(turn)(re, im, 13, s, c);
    NAME(turn_three_eighths)(re, im, 14);
    NAME(turn)(re, im, 15, -c, -s);
    NAME(dft4)(re, im, 12, 13, 14, 15);
    /* The result j + 4 i is at 4 j + i. */
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
#pragma GCC unroll 4
        for (int i = j + 1; i < 4; i++) {
            V r = re[4 * j + i], q = im[4 * j + i];
            re[4 * j + i] = re[4 * i + j], im[4 * j + i] = im[4 * i + j];
            re[4 * i + j] = r, im[4 * i + j] = q;
        }
}

FFT_INLINE void NAME(dft)(int radix, V *re, V *im) {
    switch (radix) {
    case 2: NAME(dft2)(re, im, 0, 1); break;
    case 3: NAME(dft3)(re, im); break;
    case 4: NAME(dft4)(re, im, 0, 1, 2, 3); break;
    case 5: NAME(dft5)(re, im); break;
    case 8: NAME(dft8)(re, im); break;
    case 16: NAME(dft16)(re, im); break;
    default: break; /* 1 */
    }
}
