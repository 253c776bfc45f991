#define FIT_VECTOR 64
#include "cpu/quant/superblock_encode.h"

VTK_SUPERBLOCK_ENCODERS(avx512)
