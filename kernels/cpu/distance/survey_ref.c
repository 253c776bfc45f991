#include "cpu/distance/survey.h"

#include "cpu/distance/distance.h"

SURVEY(ref)

int vtk_is_mirrored_32_ref(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns) {
    return is_mirrored_32(a, b, edge, n_rows, n_columns);
}

int vtk_is_mirrored_64_ref(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns) {
    return is_mirrored_64(a, b, edge, n_rows, n_columns);
}
