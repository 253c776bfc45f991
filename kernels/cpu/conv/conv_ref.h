/* The reference for one type. Included behind REAL, NAME(x), the functions' names, and FMA. */
static void NAME(gather)(const vtk_conv_gather *p) {
    const vtk_conv_piece *pieces = p->pieces;
    for (int64_t t = 0; t < p->n_taps; pieces += p->counts[t++])
        for (int64_t i = 0; i < p->n; i++)
            for (int64_t lane = 0; lane < VTK_CONV_LANES; lane++) {
                REAL *to = (REAL *)p->to + i * p->ld + t * p->ld_tap + lane;
                *to = 0;
                for (int32_t k = 0; k < p->counts[t]; k++)
                    if (pieces[k].lanes >> lane & 1) *to = ((const REAL *)p->x)[i * p->plane + pieces[k].at + lane * p->step];
            }
}

static void NAME(direct)(const vtk_conv_direct *p) {
    for (int64_t f = 0; f < p->n_filters; f++)
        for (int64_t y = 0; y < p->n_rows; y++)
            for (int64_t x = 0; x < p->n_columns; x++) {
                const REAL *in = (const REAL *)p->in + y * p->in_row + x, *w = (const REAL *)p->weights + f * p->ld_weights;
                REAL sum = p->bias ? ((const REAL *)p->bias)[f] : 0;
                for (int64_t t = 0; t < p->n_taps; t++) sum = FMA(w[t], in[p->at[t]], sum);
                ((REAL *)p->out)[f * p->out_plane + y * p->out_row + x] = sum;
            }
}

static void NAME(dots)(const vtk_conv_dots *p) {
    for (int64_t t = 0; t < p->n_taps; t++)
        for (int64_t y = 0; y < p->n_rows; y++)
            for (int64_t x = 0; x < p->n_columns; x++) {
                REAL *sum = (REAL *)p->sums + t * VTK_CONV_LANES + x % VTK_CONV_LANES;
                *sum = FMA(((const REAL *)p->g)[y * p->g_row + x], ((const REAL *)p->in)[p->at[t] + y * p->in_row + x], *sum);
            }
}
