/* A graph in words. */
#ifndef VENTURI_PLAN_REPORT_H
#define VENTURI_PLAN_REPORT_H

#include "plan/graph.h"

/* JSON: what a run costs, the inputs, results and variables, each step with its operation, extents, bytes and FLOPs, and where the temporaries lie and when
 * they live. */
vt_status vt__graph_report(const vt_graph *g, vt_buffer **out);

#endif
