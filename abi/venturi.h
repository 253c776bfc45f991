/* Copyright (c) 2026 The Venturi authors. MIT licence. Umbrella header: the whole stable API. */
#ifndef VENTURI_H
#define VENTURI_H

#include "venturi/cluster.h"
#include "venturi/context.h"
#include "venturi/distance.h"
#include "venturi/document.h"
#include "venturi/encode.h"
#include "venturi/folder.h"
#include "venturi/format.h"
#include "venturi/graph.h"
#include "venturi/kv.h"
#include "venturi/llm.h"
#include "venturi/loader.h"
#include "venturi/media.h"
#include "venturi/mixture.h"
#include "venturi/ot.h"
#include "venturi/profile.h"
#include "venturi/retrieve.h"
#include "venturi/sample.h"
#include "venturi/script.h"
#include "venturi/solver.h"
#include "venturi/tensor.h"
#include "venturi/tensor_file.h"
#include "venturi/text.h"
#include "venturi/types.h"

#endif
