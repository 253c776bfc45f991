/* The medoid silhouette kernels of one type, included by medoid_types.h once a type with T, NAME and LIST as medoid_body.h has them. The instruction
 * set's file has defined gains() and two_ratios(), which know nothing of T. No include guard: that is the point. */

/* Distances below 0 count as 0; the candidate is at 0 from itself. */
static inline double NAME(distance)(const T *column, int64_t o, int64_t own) {
    double d = (double)column[o];
    return o == own || d < 0 ? 0 : d;
}

void NAME(vtk_msc_judge)(double *gain, int32_t *slot, double *scratch, const vtk_msc *m, const double *removal, const void *column, const void *next,
                          int64_t own) {
    const T *d = column, *limits = m->limits;
    double shared = 0, distances[TILE + 16];
    int32_t hits[TILE + 16];

    memcpy(scratch, removal, (size_t)m->k * sizeof *scratch);
    for (int64_t o = 0; o < m->n; o += TILE) {
        int64_t n = LIST(hits, d + o, limits + o, (int32_t)o, m->n - o < TILE ? m->n - o : TILE, ahead_of(d, next, o, m->n, sizeof *d));
        for (int64_t h = 0; h < n; h++) distances[h] = NAME(distance)(d, hits[h], own);
        shared = gains(scratch, shared, m->objects, hits, distances, n);
    }
    if (!(d[own] < limits[own]) && limits[own] > 0) { /* a diagonal that is not 0 kept it off the list */
        hits[0] = (int32_t)own;
        distances[0] = 0;
        shared = gains(scratch, shared, m->objects, hits, distances, 1);
    }
    *slot = largest(scratch, m->k);
    *gain = scratch[*slot] + shared;
}

void NAME(vtk_msc_judge_two)(double *losses, const vtk_msc *m, const void *column, int64_t own) {
    const T *d = column;
    double distances[TILE];

    losses[0] = losses[1] = 0;
    for (int64_t o = 0; o < m->n; o += TILE) {
        int64_t n = m->n - o < TILE ? m->n - o : TILE;
        for (int64_t i = 0; i < n; i++) {
            double v = NAME(distance)(d, o + i, own);
            distances[i] = v >= m->far ? (double)INFINITY : v;
        }
        two_ratios(losses, distances, m->to[0] + o, m->to[1] + o, n);
    }
}

/* The smallest in lanes first, then its first place: no branch but the last depends on the data. */
static inline int32_t NAME(smallest)(const T *row, int64_t k) {
    enum { LANES = 64 / sizeof(T) };
    T lanes[LANES];
    int64_t i = 0;
    int32_t slot = 0;
    for (int l = 0; l < LANES; l++) lanes[l] = row[0];
    for (; i + LANES <= k; i += LANES)
        for (int l = 0; l < LANES; l++) lanes[l] = row[i + l] < lanes[l] ? row[i + l] : lanes[l];
    for (; i < k; i++) lanes[0] = row[i] < lanes[0] ? row[i] : lanes[0];
    for (int l = 1; l < LANES; l++) lanes[0] = lanes[l] < lanes[0] ? lanes[l] : lanes[0];
    while (lanes[0] < row[slot]) slot++;
    return slot;
}

void NAME(vtk_msc_third)(vtk_near3 *object, void *row, int64_t k, double far) {
    T *d = row;
    const int32_t others[3] = {object->slot1, object->slot2, object->slot3 < 0 ? object->slot1 : object->slot3};
    int32_t slot = 0;
    while (slot == others[0] || slot == others[1] || slot == others[2]) slot++;
    if (slot >= k) return;
    for (int i = 0; i < 3; i++) /* out of the way: behind an equal one */
        if (others[i] > slot) d[others[i]] = d[slot];
    slot += NAME(smallest)(d + slot, k - slot);
    double best = (double)d[slot];
    best = best >= far ? (double)INFINITY : best > 0 ? best : 0;
    if (object->slot3 >= 0 && !(best < object->d3)) return;
    object->d3 = best;
    object->slot3 = slot;
}

#undef T
#undef T_MAX
#undef S
#undef NAME
#undef LIST
#undef LIST_TOUCHED
