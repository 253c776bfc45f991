/* Rows that differ from others: levels of single rows (and roles, solver.h), and the time-shift sampler that chooses them by the variance of the state. */
#ifndef VENTURI_SAMPLE_SHIFT_H
#define VENTURI_SAMPLE_SHIFT_H

#include "sample/solver.h"

/* The level at which the present step begins (which 0) or ends (1) becomes, for each row, that of a time of the schedule [n_rows]. Before the step's first prediction is
 * supplied; STATE afterwards. UNSUPPORTED for kinds whose steps have inner levels or do something before they ask. On failure nothing has changed. */
vt_status vt__solver_set_times(vt_solver *s, int32_t which, const double *times);
/* Back to the grid's. */
vt_status vt__solver_reset_times(vt_solver *s, int32_t which);
/* Unbiased variance of each row of the state over its elements, out [n_rows]. Rows of two elements at least. */
vt_status vt__solver_variances(const vt_solver *s, double *out);

/* Li et al. 2024: a row whose variance is that of another time within the window is taken to be at that time. */
struct vt__time_shift {
    double window, cutoff;  /* in the schedule's time: from window / 2 before to window / 2 after; no shifts at cutoff and below */
    double data_variance;   /* of clean data, where it is known to matter; 0: 1 - alpha^2 alone is compared */
    int32_t is_target;      /* the authors' repository: the end of the step is shifted, its beginning stays where the grid has it */
};
/* The time near `nominal` at which alpha^2 data_variance + sigma^2 is nearest to variance. Whole indices of discrete schedules, the smallest of equals. */
vt_status vt__time_shift_match(const vt_schedule *schedule, const struct vt__time_shift *o, double variance, double nominal, double *out);
/* Shifts the rows of the present step, but for the first, which begins where it is told. out [n_rows]: where they are now; may be NULL. */
vt_status vt__solver_time_shift(vt_solver *s, const struct vt__time_shift *o, double *out);

#endif
