#include "cpu/medoid/medoid.h"
#include "cpu/medoid/list_ref.h"

#define ISA ref
#define BODY "cpu/medoid/medoid_body.h"
#include "cpu/medoid/medoid_types.h"
