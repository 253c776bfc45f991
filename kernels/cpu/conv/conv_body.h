/* One body for both types and all vectors. Included behind
 *
 *     REAL, NAME(x)       float or double, the functions' names
 *     V, W                a vector, its lanes
 *     ZERO, SET1(a), LOADU(p), STOREU(p, v), OR(a, b), FMADD(a, b, c)
 *     FIRST(p, n), STORE_FIRST(p, n, v)   the first n lanes, from 0 to W and beyond: the others are 0, and are neither read nor written
 *     PICK(v, p, bits)    v with the lanes of bits loaded
 *     STEPS(p, step, bits)  lane i from p[i * step], 0 where its bit is not set
 *     ONE, FEW            vectors at a time of one filter, of several
 *     TAPS                of which sums are kept at a time, at most 12 */

/* n_pieces and step are constants where this is called for the usual cases: their masks stay in registers. */
VTK_INLINE void NAME(gather_pieces)(REAL *to, int64_t ld, const REAL *x, int64_t plane, int64_t n, const vtk_conv_piece *pieces, int64_t n_pieces, int64_t step) {
    for (int v = 0; v < VTK_CONV_LANES; v += W)
        for (int64_t i = 0; i < n; i++) {
            V lanes = ZERO;
            for (int64_t p = 0; p < n_pieces; p++) {
                const REAL *from = x + i * plane + pieces[p].at + v * step;
                uint32_t bits = pieces[p].lanes >> v & ((1u << W) - 1);
                if (step == 1) lanes = PICK(lanes, from, bits);
                else lanes = OR(lanes, STEPS(from, step, bits));
            }
            STOREU(to + i * ld + v, lanes);
        }
}

static void NAME(gather_tap)(REAL *to, int64_t ld, const REAL *x, int64_t plane, int64_t n, const vtk_conv_piece *pieces, int64_t n_pieces, int64_t step) {
    const vtk_conv_piece one[1] = {n_pieces ? pieces[0] : (vtk_conv_piece){0, 0}};
    if (step == 1 && n_pieces == 1 && one->lanes == (1u << VTK_CONV_LANES) - 1) {
        x += one->at;
        for (int64_t i = 0; i < n; i++, to += ld, x += plane)
            for (int v = 0; v < VTK_CONV_LANES; v += W) STOREU(to + v, LOADU(x + v));
    } else if (step == 1 && n_pieces == 1) {
        NAME(gather_pieces)(to, ld, x, plane, n, one, 1, 1);
    } else if (step == 1 && n_pieces == 2) {
        const vtk_conv_piece two[2] = {pieces[0], pieces[1]};
        NAME(gather_pieces)(to, ld, x, plane, n, two, 2, 1);
    } else if (step == 1) {
        NAME(gather_pieces)(to, ld, x, plane, n, pieces, n_pieces, 1);
    } else if (step == 2 && n_pieces == 1) {
        NAME(gather_pieces)(to, ld, x, plane, n, one, 1, 2);
    } else if (step == 2) {
        NAME(gather_pieces)(to, ld, x, plane, n, pieces, n_pieces, 2);
    } else {
        NAME(gather_pieces)(to, ld, x, plane, n, pieces, n_pieces, step);
    }
}

static void NAME(gather)(const vtk_conv_gather *p) {
    const vtk_conv_piece *pieces = p->pieces;
    for (int64_t t = 0; t < p->n_taps; pieces += p->counts[t++])
        NAME(gather_tap)((REAL *)p->to + t * p->ld_tap, p->ld, p->x, p->plane, p->n, pieces, p->counts[t], p->step);
}

/* Vectors of a result, row after row; in and out are where they begin in a filter's plane, n their lanes. */
typedef struct NAME(places) {
    int64_t in[ONE], out[ONE], n[ONE];
} NAME(places);

VTK_INLINE void NAME(direct_tile)(const vtk_conv_direct *p, const NAME(places) *at, int n_filters, int n_vectors) {
    V sum[VTK_CONV_FILTERS][ONE];
    const REAL *in = p->in, *w = p->weights;
#pragma GCC unroll 4
    for (int f = 0; f < n_filters; f++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vectors; v++) sum[f][v] = p->bias ? SET1(((const REAL *)p->bias)[f]) : ZERO;
    for (int64_t t = 0; t < p->n_taps; t++) {
        const REAL *from = in + p->at[t];
        V x[ONE];
#pragma GCC unroll 8
        for (int v = 0; v < n_vectors; v++) x[v] = LOADU(from + at->in[v]);
#pragma GCC unroll 4
        for (int f = 0; f < n_filters; f++) {
            V weight = SET1(w[f * p->ld_weights + t]);
#pragma GCC unroll 8
            for (int v = 0; v < n_vectors; v++) sum[f][v] = FMADD(weight, x[v], sum[f][v]);
        }
    }
#pragma GCC unroll 4
    for (int f = 0; f < n_filters; f++)
#pragma GCC unroll 8
        for (int v = 0; v < n_vectors; v++) STORE_FIRST((REAL *)p->out + f * p->out_plane + at->out[v], at->n[v], sum[f][v]);
}

VTK_INLINE void NAME(direct_filters)(const vtk_conv_direct *p, int n_filters, int n_vectors) {
    NAME(places) at;
    int have = 0;
    for (int64_t y = 0; y < p->n_rows; y++)
        for (int64_t x = 0; x < p->n_columns; x += W) {
            at.in[have] = y * p->in_row + x;
            at.out[have] = y * p->out_row + x;
            at.n[have] = p->n_columns - x;
            if (++have == n_vectors) NAME(direct_tile)(p, &at, n_filters, n_vectors), have = 0;
        }
    if (!have) return;
    for (int v = have; v < n_vectors; v++) at.in[v] = at.in[0], at.out[v] = at.out[0], at.n[v] = 0;
    NAME(direct_tile)(p, &at, n_filters, n_vectors);
}

static void NAME(direct)(const vtk_conv_direct *p) {
    switch (p->n_filters) {
    case 1: NAME(direct_filters)(p, 1, ONE); break;
    case 2: NAME(direct_filters)(p, 2, FEW); break;
    case 3: NAME(direct_filters)(p, 3, FEW); break;
    default: NAME(direct_filters)(p, 4, FEW); break;
    }
}

VTK_INLINE void NAME(dots_taps)(const vtk_conv_dots *p, int64_t t0, int n_taps) {
    enum { VECTORS = VTK_CONV_LANES / W };
    REAL *sums = (REAL *)p->sums + t0 * VTK_CONV_LANES;
    V sum[TAPS][VECTORS];
#pragma GCC unroll 12
    for (int t = 0; t < n_taps; t++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) sum[t][v] = LOADU(sums + t * VTK_CONV_LANES + v * W);
    for (int64_t y = 0; y < p->n_rows; y++) {
        const REAL *g = (const REAL *)p->g + y * p->g_row, *in = (const REAL *)p->in + y * p->in_row;
        int64_t x = 0;
        for (; x + VTK_CONV_LANES <= p->n_columns; x += VTK_CONV_LANES)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                V gv = LOADU(g + x + v * W);
#pragma GCC unroll 12
                for (int t = 0; t < n_taps; t++) sum[t][v] = FMADD(gv, LOADU(in + p->at[t0 + t] + x + v * W), sum[t][v]);
            }
        if (x == p->n_columns) continue;
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            int64_t n = p->n_columns - x - v * W > 0 ? p->n_columns - x - v * W : 0;
            V gv = FIRST(g + x + v * W, n);
#pragma GCC unroll 12
            for (int t = 0; t < n_taps; t++) sum[t][v] = FMADD(gv, FIRST(in + p->at[t0 + t] + x + v * W, n), sum[t][v]);
        }
    }
#pragma GCC unroll 12
    for (int t = 0; t < n_taps; t++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) STOREU(sums + t * VTK_CONV_LANES + v * W, sum[t][v]);
}

#define DOTS_CASE(n) case n: NAME(dots_taps)(p, t, n <= TAPS ? n : TAPS); break
static void NAME(dots)(const vtk_conv_dots *p) {
    int64_t n_blocks = (p->n_taps + TAPS - 1) / TAPS;
    for (int64_t i = 0, t = 0, next; i < n_blocks; i++, t = next) { /* of even sizes */
        next = (i + 1) * p->n_taps / n_blocks;
        switch (next - t) {
            DOTS_CASE(1); DOTS_CASE(2); DOTS_CASE(3); DOTS_CASE(4); DOTS_CASE(5); DOTS_CASE(6);
            DOTS_CASE(7); DOTS_CASE(8); DOTS_CASE(9); DOTS_CASE(10); DOTS_CASE(11); DOTS_CASE(12);
        }
    }
}
#undef DOTS_CASE
