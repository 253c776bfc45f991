#include "vtk.h"

void vtk_fill_ref(vtk_table *t) { t->isa = "ref"; }
