/* Rows out of packed weights (vtk_pack_panel), for who looks single ones up. */
#ifndef VENTURI_KERNELS_VTK_UNPACK_H
#define VENTURI_KERNELS_VTK_UNPACK_H

#include <stdint.h>

/* out: [k], row `lane` (0 to VTK_PANEL_ROWS - 1) of a panel of k columns, with the bits that decode[type] gives of the row that was packed. A type without a
 * packed form writes nothing. */
void vtk_unpack_row(int type, float *out, const void *panel, int64_t lane, int64_t k);

#endif
