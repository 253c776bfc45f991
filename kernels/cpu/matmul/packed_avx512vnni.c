#include "cpu/matmul/packed_avx512.h"

VTK_PACKED_DEFINE(avx512vnni, packed_rows)
