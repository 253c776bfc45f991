#include "cpu/distance/distance.h"

#include <math.h>

typedef double (*element_fn)(const void *x, int64_t i);

static double element_f32(const void *x, int64_t i) { return (double)((const float *)x)[i]; }
static double element_f64(const void *x, int64_t i) { return ((const double *)x)[i]; }

static double between(const vtk_distance *p, element_fn element, int metric, int64_t object, int64_t centre) {
    double sum = 0.0;
    for (int64_t k = 0; k < p->dim; k++) {
        double d = element(p->panels, (object / VTK_PANEL * p->dim + k) * VTK_PANEL + object % VTK_PANEL) - element(p->centres, centre * p->dim + k);
        sum += metric == VTK_L1 ? fabs(d) : d * d;
    }
    return metric == VTK_L2 ? sqrt(sum) : metric == VTK_COSINE ? sum / 2.0 : sum;
}

static void distances_f32(const vtk_distance *p, int metric) {
    for (int64_t c = 0; c < p->n_centres; c++)
        for (int64_t o = 0; o < p->n_panels * VTK_PANEL; o++) ((float *)p->out)[c * p->ld + o] = (float)between(p, element_f32, metric, o, c);
}

static void distances_f64(const vtk_distance *p, int metric) {
    for (int64_t c = 0; c < p->n_centres; c++)
        for (int64_t o = 0; o < p->n_panels * VTK_PANEL; o++) ((double *)p->out)[c * p->ld + o] = between(p, element_f64, metric, o, c);
}

void vtk_l2_f32_ref(const vtk_distance *p) { distances_f32(p, VTK_L2); }
void vtk_l2_squared_f32_ref(const vtk_distance *p) { distances_f32(p, VTK_L2_SQUARED); }
void vtk_l1_f32_ref(const vtk_distance *p) { distances_f32(p, VTK_L1); }
void vtk_cosine_f32_ref(const vtk_distance *p) { distances_f32(p, VTK_COSINE); }
void vtk_l2_f64_ref(const vtk_distance *p) { distances_f64(p, VTK_L2); }
void vtk_l2_squared_f64_ref(const vtk_distance *p) { distances_f64(p, VTK_L2_SQUARED); }
void vtk_l1_f64_ref(const vtk_distance *p) { distances_f64(p, VTK_L1); }
void vtk_cosine_f64_ref(const vtk_distance *p) { distances_f64(p, VTK_COSINE); }
