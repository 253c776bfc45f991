/* A mixture from inside, for the files of this room. */
#ifndef VENTURI_MIXTURE_MIXTURE_INTERNAL_H
#define VENTURI_MIXTURE_MIXTURE_INTERNAL_H

#include <stdatomic.h>

#include "mixture/mixture.h"

struct vt_mixture {
    atomic_int refs;
    vt_context *ctx;
    char *name;
    int64_t dim, n_modes;
    int32_t n_classes;
    double *numbers;  /* one block, owned: the arrays below */
    double *weight;   /* [n_modes] */
    double *log_weight;
    double *mean, *std, *var; /* [n_modes, dim] */
    int32_t *label;   /* [n_modes], -1: none; owned */
};

/* What depends on the level alone, and room for one row. */
typedef struct vt__mixture_level {
    double alpha, sigma;
    double *inv_var;  /* [n_modes, dim] 1 / V, V = alpha^2 std^2 + sigma^2 */
    double *half_det; /* [n_modes] half the sum of log V */
    double *share;    /* [n_modes] responsibilities */
} vt__mixture_level;

/* Doubles that vt__mixture_level_place needs; 0 on overflow. */
size_t vt__mixture_level_room(const vt_mixture *m);
void vt__mixture_level_place(const vt_mixture *m, double *room, vt__mixture_level *level);
void vt__mixture_level_set(const vt_mixture *m, vt__mixture_level *level, double alpha, double sigma);
/* Score and x0 of one row (each may be NULL) with the modes of a class (-1: all); answers the log density without the constant of 2 pi. NaN where the row
 * is not finite or too far off. */
double vt__mixture_row(const vt_mixture *m, vt__mixture_level *level, const double *x, int32_t label, double *score, double *x0);

vt_status vt__mixture_check_level(double alpha, double sigma);
vt_status vt__mixture_check_class(const vt_mixture *m, int32_t label);

#endif
