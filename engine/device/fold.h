/* States of folds (kernels/vtk_fold.h) between a kernel's blocks and a reduction's results. */
#ifndef VENTURI_DEVICE_FOLD_H
#define VENTURI_DEVICE_FOLD_H

#include "tensor/backend.h"
#include "vtk_fold.h"

/* What a reduction does with its elements. */
struct vt__fold {
    int32_t kind, type; /* VTK_FOLD_... */
    int32_t compute;    /* the same as a vt_dtype */
    int32_t changes;    /* elements are changed before: float64 only */
    double power;       /* of their magnitudes; infinite: the magnitudes alone */
};

/* Of run->op; UNSUPPORTED where the type has none like it. */
vt_status vt__fold_choose(const struct vt__run *run, struct vt__fold *out);
/* States of no elements. */
void vt__fold_clear(const struct vt__fold *f, void *a, void *b, int64_t n);
/* Merges n states of n_b elements each into those of the n_a elements before them. */
void vt__fold_merge(const struct vt__fold *f, void *a, void *b, int64_t n_a, const void *a2, const void *b2, int64_t n_b, int64_t n);
/* Results of run->op from n states of n_elements each, into values [n] of the type that is returned (as vt__block_store takes it). */
int32_t vt__fold_finish(const struct vt__run *run, const struct vt__fold *f, const void *a, const void *b, int64_t n_elements, int64_t n, void *values);
/* Applies what f->changes says to n elements of float64. */
void vt__fold_change(const struct vt__fold *f, double *x, int64_t n);

#endif
