#include "cpu/distance/nearest.h"

#include <math.h>

typedef double (*element_fn)(const void *x, int64_t i);

static double element_f32(const void *x, int64_t i) { return (double)((const float *)x)[i]; }
static double element_f64(const void *x, int64_t i) { return ((const double *)x)[i]; }

static double score(const vtk_nearest *p, element_fn element, int64_t object, int64_t centre) {
    double sum = -element(p->norms, centre);
    for (int64_t k = 0; k < p->dim; k++)
        sum += element(p->panels, (object / VTK_PANEL * p->dim + k) * VTK_PANEL + object % VTK_PANEL) *
               element(p->centres, (centre / VTK_CENTRES * p->dim + k) * VTK_CENTRES + centre % VTK_CENTRES);
    return sum;
}

static double nearest(const vtk_nearest *p, element_fn element, int64_t object) {
    double best = -INFINITY;
    p->labels[object] = 0;
    for (int64_t c = 0; c < p->n_groups * VTK_CENTRES; c++) {
        double s = score(p, element, object, c);
        if (!(s > best)) continue;
        best = s;
        p->labels[object] = (int32_t)c;
    }
    return best;
}

void vtk_nearest_f32_ref(const vtk_nearest *p, int64_t panel0, int64_t panel1) {
    for (int64_t o = panel0 * VTK_PANEL; o < panel1 * VTK_PANEL; o++) ((float *)p->scores)[o] = (float)nearest(p, element_f32, o);
}

void vtk_nearest_f64_ref(const vtk_nearest *p, int64_t panel0, int64_t panel1) {
    for (int64_t o = panel0 * VTK_PANEL; o < panel1 * VTK_PANEL; o++) ((double *)p->scores)[o] = nearest(p, element_f64, o);
}

static void sum_rows(const vtk_row_sum *p, element_fn element) {
    for (int64_t i = 0; i < p->n; i++) {
        int64_t row = p->list[i] < 0 ? ~(int64_t)p->list[i] : p->list[i];
        double weight = (p->weights ? p->weights[row] : 1.0) * (p->list[i] < 0 ? -1.0 : 1.0);
        for (int64_t k = 0; k < p->dim; k++) p->sum[k] += weight * (element(p->rows, row * p->stride + k) - p->shift[k]);
    }
}

void vtk_sum_rows_f32_ref(const vtk_row_sum *p) { sum_rows(p, element_f32); }
void vtk_sum_rows_f64_ref(const vtk_row_sum *p) { sum_rows(p, element_f64); }
