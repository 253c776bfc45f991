#include "cpu/gemm/gemm.h"

#include <math.h>

enum { PANEL = VTK_GEMM_PANEL };

void vtk_gemm_pack_ref(float *panels, const float *w, int64_t ld, int64_t n, int64_t k) {
    for (int64_t r0 = 0; r0 < n; r0 += PANEL)
        for (int64_t c = 0; c < k; c++)
            for (int64_t r = r0; r < r0 + PANEL; r++) *panels++ = r < n ? w[r * ld + c] : 0.0f;
}

static double finish(double y, int32_t how) {
    if (how == VTK_GEMM_GELU) return 0.5 * y * erfc(-y / sqrt(2.0));
    if (how == VTK_GEMM_GELU_TANH) return 0.5 * y * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (y + 0.044715 * y * y * y)));
    return y;
}

void vtk_gemm_f32_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t last = panel1 * PANEL < p->n ? panel1 * PANEL : p->n;
    for (int64_t i = row0; i < row1; i++)
        for (int64_t r = panel0 * PANEL; r < last; r++) {
            const float *w = p->panels + r / PANEL * PANEL * p->k + r % PANEL;
            double y = 0.0;
            for (int64_t c = 0; c < p->k; c++) y += (double)p->x[i * p->ld_x + c] * (double)w[c * PANEL];
            if (p->bias) y += (double)p->bias[r];
            if (p->add) y += (double)p->add[i * p->ld_out + r];
            if (p->finish == VTK_GEMM_MAX) p->out[r] = fmaxf(p->out[r], (float)y);
            else p->out[i * p->ld_out + r] = (float)finish(y, p->finish);
        }
}
