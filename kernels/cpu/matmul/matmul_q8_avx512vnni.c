#include "cpu/matmul/matmul.h"
#include "cpu/matmul/q8_tile_avx512.h"

void vtk_matmul_q8_0_q8_avx512vnni(const vtk_matmul *p, int64_t row0, int64_t row1) { q8_rows(p, row0, row1, VTK_Q8_0); }
void vtk_matmul_q4_0_q8_avx512vnni(const vtk_matmul *p, int64_t row0, int64_t row1) { q8_rows(p, row0, row1, VTK_Q4_0); }
void vtk_matmul_q4_1_q8_avx512vnni(const vtk_matmul *p, int64_t row0, int64_t row1) { q8_rows(p, row0, row1, VTK_Q4_1); }
