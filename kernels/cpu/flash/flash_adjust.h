/* Scores that are more than products, in float32: behind the vectors of flash_body.h, and v_fnma v_abs v_tanh v_iota (0, 1, 2, ...). */

static void adjust(const vtk_flash_adjust *p) {
    V scale = v_set1((float)(p->softcap != 0 ? p->scale / p->softcap : p->scale)), cap = v_set1((float)p->softcap), slope = v_set1((float)p->slope), one = v_set1(1.0f);
    for (int64_t r = 0; r < p->n_rows; r++)
        for (int64_t c = 0; c < p->n; c += LANES) {
            int64_t i = r * p->ld + c, n = p->n - c;
            V s = v_mul(scale, v_load_n((float *)p->s + i, n));
            if (p->softcap != 0) {
                V t = v_tanh(s);
                s = v_mul(cap, t);
                if (p->bend) v_store_n((float *)p->bend + i, v_fnma(t, t, one), n);
            } else if (p->bend) {
                v_store_n((float *)p->bend + i, one, n);
            }
            if (p->slope != 0) s = v_fnma(slope, v_abs(v_sub(v_set1((float)(p->diagonal + r - c)), v_iota())), s);
            if (p->bias) s = v_add(s, v_load_n((const float *)p->bias + i, n));
            v_store_n((float *)p->s + i, s, n);
        }
}
