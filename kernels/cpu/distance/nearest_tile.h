/* Walks of k-means, the same for every instruction set and type: objects over centres, and rows into a sum. Each file includes it behind its own
 *   real, vec, LANES, ints                 an element, a vector of them, how many it has, and as many integers of an element's size
 *   load spread store multiply_add         of vectors; multiply_add(a, b, s) is a * b + s with one rounding
 *   keep(best, label, score, c)            score and c go where score > best
 *   spread_label store_labels              of ints; stored as int32
 *   wide, WIDE, load_wide load_wide_tail   a vector of float64, how many it has, and as many elements as float64; the tail: the first n, the rest zero
 *   spread_wide subtract_wide add_wide multiply_add_wide load_sums load_sums_tail store_sums store_sums_tail
 *   VECS                                   VECS * VTK_CENTRES sums stay in registers */
#ifndef VENTURI_KERNELS_NEAREST_TILE_H
#define VENTURI_KERNELS_NEAREST_TILE_H

enum { PANEL_VECS = VTK_PANEL / LANES };

/* n_vecs is a constant wherever this is put in. The products of an object with a centre are one chain over the elements, whatever the tile. */
VTK_INLINE void nearest_of(const vtk_nearest *p, int64_t first, int n_vecs) {
    const real *x[VECS], *y = p->centres, *norms = p->norms;
    vec best[VECS], a[VECS], sum[VTK_CENTRES][VECS];
    ints label[VECS];

    for (int v = 0; v < n_vecs; v++) {
        x[v] = (const real *)p->panels + (first + v) / PANEL_VECS * p->dim * VTK_PANEL + (first + v) % PANEL_VECS * LANES;
        best[v] = spread((real)-INFINITY);
        label[v] = spread_label(0);
    }
    for (int64_t group = 0; group < p->n_groups; group++, norms += VTK_CENTRES) {
#pragma GCC unroll 8
        for (int c = 0; c < VTK_CENTRES; c++)
#pragma GCC unroll 8
            for (int v = 0; v < n_vecs; v++) sum[c][v] = spread(-norms[c]);
        for (int64_t k = 0; k < p->dim; k++, y += VTK_CENTRES) {
#pragma GCC unroll 8
            for (int v = 0; v < n_vecs; v++) a[v] = load(x[v] + k * VTK_PANEL);
#pragma GCC unroll 8
            for (int c = 0; c < VTK_CENTRES; c++) {
                const vec b = spread(y[c]);
#pragma GCC unroll 8
                for (int v = 0; v < n_vecs; v++) sum[c][v] = multiply_add(a[v], b, sum[c][v]);
            }
        }
#pragma GCC unroll 8
        for (int c = 0; c < VTK_CENTRES; c++)
#pragma GCC unroll 8
            for (int v = 0; v < n_vecs; v++) keep(&best[v], &label[v], sum[c][v], (int32_t)(group * VTK_CENTRES + c));
    }
    for (int v = 0; v < n_vecs; v++) {
        store((real *)p->scores + (first + v) * LANES, best[v]);
        store_labels(p->labels + (first + v) * LANES, label[v]);
    }
}

/* A group of vectors stays in the nearest cache while all centres go over it. */
VTK_INLINE void nearest(const vtk_nearest *p, int64_t panel0, int64_t panel1) {
    int64_t v = panel0 * PANEL_VECS, end = panel1 * PANEL_VECS;
    for (; v + VECS <= end; v += VECS) nearest_of(p, v, VECS);
    for (; v < end; v++) nearest_of(p, v, 1);
}

enum { ROWS_AHEAD = 8 };                                /* rows come in no order that the machine could guess */
enum { VECS_A_LINE = 64 / (WIDE * (int)sizeof(real)) }; /* of the rows, in cache lines */

/* Columns k..k + n_wide * WIDE - 1, or the tail of n < WIDE columns where n_wide is 0. n_wide is a constant wherever this is put in. */
VTK_INLINE void sum_columns(const vtk_row_sum *p, int64_t k, int n_wide, int64_t n) {
    wide sum[8], shift[8];
    const int is_tail = n_wide == 0, n_vecs = is_tail ? 1 : n_wide;
#pragma GCC unroll 8
    for (int v = 0; v < n_vecs; v++) {
        sum[v] = is_tail ? load_sums_tail(p->sum + k, n) : load_sums(p->sum + k + v * WIDE);
        shift[v] = is_tail ? load_sums_tail(p->shift + k, n) : load_sums(p->shift + k + v * WIDE);
    }
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t sign = p->list[i] < 0 ? -1 : 1, row = sign < 0 ? ~p->list[i] : p->list[i];
        const real *x = (const real *)p->rows + row * p->stride + k;
        const wide weight = spread_wide((p->weights ? p->weights[row] : 1.0) * (double)sign);
        if (i + ROWS_AHEAD < p->n) {
            const int64_t ahead = p->list[i + ROWS_AHEAD];
            const real *next = (const real *)p->rows + (ahead < 0 ? ~ahead : ahead) * p->stride + k;
#pragma GCC unroll 8
            for (int v = 0; v < n_vecs; v += VECS_A_LINE) _mm_prefetch((const void *)(next + v * WIDE), _MM_HINT_T0);
        }
#pragma GCC unroll 8
        for (int v = 0; v < n_vecs; v++) {
            const wide a = is_tail ? load_wide_tail(x, n) : load_wide(x + v * WIDE);
            sum[v] = multiply_add_wide(weight, subtract_wide(a, shift[v]), sum[v]);
        }
    }
#pragma GCC unroll 8
    for (int v = 0; v < n_vecs; v++) {
        if (is_tail) store_sums_tail(p->sum + k, sum[v], n);
        else store_sums(p->sum + k + v * WIDE, sum[v]);
    }
}

/* The sums of some columns stay in registers while all rows go over them. */
VTK_INLINE void sum_rows(const vtk_row_sum *p) {
    int64_t k = 0;
    for (; k + 8 * WIDE <= p->dim; k += 8 * WIDE) sum_columns(p, k, 8, 0);
    for (; k + 2 * WIDE <= p->dim; k += 2 * WIDE) sum_columns(p, k, 2, 0);
    for (; k + WIDE <= p->dim; k += WIDE) sum_columns(p, k, 1, 0);
    if (k < p->dim) sum_columns(p, k, 0, p->dim - k);
}

#endif
