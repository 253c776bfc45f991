/* Slot attention of vtk_table. */
#ifndef VENTURI_KERNELS_ATTENTION_H
#define VENTURI_KERNELS_ATTENTION_H

#include "vtk.h"

void vtk_attention_ref(const vtk_attention *p);

#endif
