/* The table of one instruction set: float32 by the bodies above, the rest by the reference. */
#define TABLE(isa) TABLE_(isa)
#define TABLE_(isa) vtk_fold_##isa
#define TEXT(isa) TEXT_(isa)
#define TEXT_(isa) #isa
#define ROWS_OF(isa, suffix) ROWS_OF_(isa, suffix)
#define ROWS_OF_(isa, suffix) VTK_FOLD_ROWS_OF(isa, suffix)

const struct vtk_fold TABLE(ISA) = {
    .isa = TEXT(ISA),
    .row = {[VTK_FOLD_F32] = {[VTK_FOLD_SUM] = sum_row, [VTK_FOLD_ABS] = abs_row, [VTK_FOLD_SQUARES] = squares_row, [VTK_FOLD_PROD] = vtk_fold_prod_f32_row,
                              [VTK_FOLD_MAX] = max_row, [VTK_FOLD_MIN] = min_row, [VTK_FOLD_ARGMAX] = argmax_row, [VTK_FOLD_ARGMIN] = argmin_row,
                              [VTK_FOLD_NONZERO] = vtk_fold_nonzero_f32_row, [VTK_FOLD_MOMENTS] = moments_row, [VTK_FOLD_LSE] = lse_row},
            VTK_FOLD_OTHER_ROWS},
    .columns = {[VTK_FOLD_F32] = {[VTK_FOLD_SUM] = sum_columns, [VTK_FOLD_ABS] = abs_columns, [VTK_FOLD_SQUARES] = squares_columns, [VTK_FOLD_PROD] = prod_columns,
                                  [VTK_FOLD_MAX] = max_columns, [VTK_FOLD_MIN] = min_columns, [VTK_FOLD_ARGMAX] = argmax_columns,
                                  [VTK_FOLD_ARGMIN] = argmin_columns, [VTK_FOLD_NONZERO] = vtk_fold_nonzero_f32_columns,
                                  [VTK_FOLD_MOMENTS] = moments_columns, [VTK_FOLD_LSE] = lse_columns},
                VTK_FOLD_OTHER_COLUMNS},
    ROWS_OF(ISA, f32),
    VTK_FOLD_ROWS_OF(ref, f64),
};
