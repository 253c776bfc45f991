#include "cpu/gemm/gemm.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/quant/half.h"

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

static void put(const vtk_gemm *p, int64_t i, int64_t r, double y) {
    float *out = (float *)p->out + i * p->ld_out + r;
    if (p->add) y += (double)p->add[i * p->ld_out + r];
    if (p->finish == VTK_GEMM_SCALE) {
        float z = (float)p->alpha * (float)y;
        *out = p->beta != 0 ? fmaf((float)p->beta, *out, z) : z;
    } else if (p->finish == VTK_GEMM_MAX) {
        out = (float *)p->out + r;
        *out = fmaxf(*out, (float)y);
    } else {
        *out = (float)finish(y, p->finish);
    }
}

void vtk_gemm_f32_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t last = panel1 * PANEL < p->n ? panel1 * PANEL : p->n;
    for (int64_t i = row0; i < row1; i++)
        for (int64_t r = panel0 * PANEL; r < last; r++) {
            const float *x = (const float *)p->x + i * p->ld_x, *w = (const float *)p->panels + r / PANEL * PANEL * p->k + r % PANEL;
            double y = 0.0;
            for (int64_t c = 0; c < p->k; c++) y += (double)x[c] * (double)w[c * PANEL];
            if (p->bias) y += (double)p->bias[r];
            put(p, i, r, y);
        }
}

/* ---- float64 ---- */

void vtk_gemm_f64_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t width = VTK_GEMM_PANEL_F64, last = panel1 * width < p->n ? panel1 * width : p->n;
    for (int64_t i = row0; i < row1; i++)
        for (int64_t r = panel0 * width; r < last; r++) {
            const double *x = (const double *)p->x + i * p->ld_x, *w = (const double *)p->panels + r / width * width * p->k + r % width;
            double *out = (double *)p->out + i * p->ld_out + r, y = 0.0;
            for (int64_t c = 0; c < p->k; c++) y += x[c] * w[c * width];
            if (p->finish == VTK_GEMM_SCALE) y = p->beta != 0 ? fma(p->beta, *out, p->alpha * y) : p->alpha * y;
            *out = y;
        }
}

/* ---- bfloat16 ---- */

static float flush(float x) { return fabsf(x) < FLT_MIN ? copysignf(0.0f, x) : x; }

static float number_of(uint16_t bfloat) { return flush(vtk_bf16_to_float(bfloat)); }

void vtk_gemm_bf16_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t last = panel1 * PANEL < p->n ? panel1 * PANEL : p->n, k2 = (p->k + 1) / 2;
    for (int64_t i = row0; i < row1; i++)
        for (int64_t r = panel0 * PANEL; r < last; r++) {
            const uint16_t *x = (const uint16_t *)p->x + i * p->ld_x, *w = (const uint16_t *)p->panels + (r / PANEL * PANEL * k2 + r % PANEL) * 2;
            float y = 0.0f;
            for (int64_t c = 0; c < k2; c++, x += 2, w += 2 * PANEL) {
                y = flush(fmaf(number_of(x[1]), number_of(w[1]), y));
                y = flush(fmaf(number_of(x[0]), number_of(w[0]), y));
            }
            put(p, i, r, (double)y);
        }
}

/* ---- transposing ---- */

void vtk_transpose_32_ref(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns) {
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t c = 0; c < n_columns; c++) memcpy((uint32_t *)out + c * ld_out + r, (const uint32_t *)in + r * ld_in + c, 4);
}

void vtk_transpose_64_ref(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns) {
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t c = 0; c < n_columns; c++) memcpy((uint64_t *)out + c * ld_out + r, (const uint64_t *)in + r * ld_in + c, 8);
}

void vtk_zip_16_ref(void *out, const void *a, const void *b, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        memcpy((uint16_t *)out + 2 * i, (const uint16_t *)a + i, 2);
        memcpy((uint16_t *)out + 2 * i + 1, (const uint16_t *)b + i, 2);
    }
}

/* ---- 8-bit integers ---- */

static void pack_row(unsigned char *panel, const float *w, int64_t place, int64_t k) {
    int64_t k4 = VTK_GEMM_Q8_K(k);
    float most = 0.0f;
    int32_t sum = 0;
    for (int64_t c = 0; c < k; c++) most = fmaxf(most, fabsf(w[c]));
    float scale = most / 127.0f, inverse = most > 0 ? 127.0f / most : 0.0f;
    for (int64_t c = 0; c < k; c++) {
        float r = nearbyintf(w[c] * inverse); /* denormal weights can overflow their inverse */
        int32_t q = r >= 127.0f ? 127 : r >= -127.0f ? (int32_t)r : -127;
        panel[(c / 4 * PANEL + place) * 4 + c % 4] = (unsigned char)(q + 128);
        sum += q;
    }
    memcpy(panel + PANEL * k4 + place * 4, &scale, sizeof scale);
    memcpy(panel + PANEL * (k4 + 4) + place * 4, &sum, sizeof sum);
}

void vtk_gemm_q8_pack_ref(unsigned char *panels, const float *w, int64_t ld, int64_t n, int64_t k) {
    int64_t k4 = VTK_GEMM_Q8_K(k);
    for (int64_t r0 = 0; r0 < n; r0 += PANEL, panels += VTK_GEMM_Q8_PANEL(k)) {
        memset(panels, 128, (size_t)(PANEL * k4));
        memset(panels + PANEL * k4, 0, PANEL * 8);
        for (int64_t r = r0; r < r0 + PANEL && r < n; r++) pack_row(panels, w + r * ld, r - r0, k);
    }
}

/* As the instructions of the SIMD bodies round; what fits no integer becomes the least one. */
static int32_t to_integer(float x) {
    float r = nearbyintf(x);
    return r >= -0x1p31f && r < 0x1p31f ? (int32_t)r : INT32_MIN;
}

/* 256 steps from the smallest to the largest element, 0 among them. */
void vtk_gemm_q8_row_ref(unsigned char *row, const float *x, int64_t k) {
    int64_t k4 = VTK_GEMM_Q8_K(k);
    float low = 0.0f, high = 0.0f;
    int32_t sum = 0;
    for (int64_t c = 0; c < k; c++) low = x[c] < low ? x[c] : low, high = x[c] > high ? x[c] : high;
    float range = high - low, scale = range * (1.0f / 255.0f), inverse = range > 0 ? 255.0f / range : 0.0f;
    int32_t zero = (int32_t)((uint32_t)to_integer(-low * inverse) - 128u);
    for (int64_t c = 0; c < k4; c++) {
        int32_t q = c < k ? (int32_t)((uint32_t)to_integer(x[c] * inverse) + (uint32_t)zero) : 0;
        q = q < -128 ? -128 : q > 127 ? 127 : q;
        row[c] = (unsigned char)(q & 255);
        sum += q;
    }
    memcpy(row + k4, &scale, sizeof scale);
    memcpy(row + k4 + 4, &zero, sizeof zero);
    memcpy(row + k4 + 8, &sum, sizeof sum);
}

void vtk_gemm_q8_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t last = panel1 * PANEL < p->n ? panel1 * PANEL : p->n, k4 = VTK_GEMM_Q8_K(p->k);
    for (int64_t i = row0; i < row1; i++)
        for (int64_t r = panel0 * PANEL; r < last; r++) {
            const unsigned char *x = (const unsigned char *)p->x + i * p->ld_x, *w = (const unsigned char *)p->panels + r / PANEL * VTK_GEMM_Q8_PANEL(p->k);
            float scale_x, scale_w;
            int32_t zero;
            int64_t sum = 0;
            memcpy(&scale_x, x + k4, sizeof scale_x);
            memcpy(&zero, x + k4 + 4, sizeof zero);
            memcpy(&scale_w, w + PANEL * k4 + r % PANEL * 4, sizeof scale_w);
            for (int64_t c = 0; c < p->k; c++) sum += ((int8_t)x[c] - (int64_t)zero) * (w[(c / 4 * PANEL + r % PANEL) * 4 + c % 4] - 128);
            float y = (float)(int32_t)(uint32_t)(uint64_t)sum * scale_x * scale_w;
            if (p->bias) y += p->bias[r];
            put(p, i, r, (double)y);
        }
}
