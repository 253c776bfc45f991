/* Slot attention of vtk_table. */
#ifndef VENTURI_KERNELS_ATTENTION_H
#define VENTURI_KERNELS_ATTENTION_H

#include "vtk.h"

void vtk_attention_ref(const vtk_attention *p);

#if defined(__x86_64__)
void vtk_attention_avx2(const vtk_attention *p);
void vtk_attention_avx512(const vtk_attention *p);
#endif

#endif
