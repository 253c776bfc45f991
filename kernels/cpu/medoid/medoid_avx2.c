#include "cpu/medoid/medoid.h"
#include "cpu/medoid/list_avx2.h"

#define ISA avx2
#define BODY "cpu/medoid/medoid_body.h"
#include "cpu/medoid/medoid_types.h"
