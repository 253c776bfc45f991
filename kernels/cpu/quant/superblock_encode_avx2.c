#define FIT_VECTOR 32
#include "cpu/quant/superblock_encode.h"

VTK_SUPERBLOCK_ENCODERS(avx2)
