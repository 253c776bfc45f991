/* A graph in words. */
#ifndef VENTURI_PLAN_REPORT_H
#define VENTURI_PLAN_REPORT_H

#include "plan/graph.h"

/* JSON: what a run costs, the inputs, results and variables, each step with its operation, the unit that it is done in, extents, bytes and FLOPs, and where the
 * temporaries lie, from which unit to which. */
vt_status vt__graph_report(const vt_graph *g, vt_buffer **out);

#endif
