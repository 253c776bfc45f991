#include "cpu/medoid/medoid.h"
#include "cpu/medoid/list_avx512.h"

#define ISA avx512
#define BODY "cpu/medoid/medoid_body.h"
#include "cpu/medoid/medoid_types.h"
