/* A compiled grammar: a graph over bytes, one entry a rule. Made by compile.c, walked by automaton.c. */
#ifndef VENTURI_GRAMMAR_GRAPH_H
#define VENTURI_GRAMMAR_GRAPH_H

#include <stdatomic.h>

#include "grammar/grammar.h"

enum {
    VT__GRAPH_NODES = 1 << 19, /* at most: {m,n} makes copies */
    VT__GRAPH_STEPS = 1 << 23  /* expressions compiled, copies counted: those of nothing make no nodes */
};

enum { VT__NODE_RETURN, VT__NODE_DEAD, VT__NODE_BYTES, VT__NODE_CALL, VT__NODE_FORK };
enum { VT__AT_RETURN, VT__AT_DEAD, VT__N_FIXED }; /* nodes that every graph has: the end of any rule, and a place from which no text ends */

typedef struct vt__node {
    int32_t kind;
    int32_t next;  /* CALL: where to go on after it; FORK: one way */
    int32_t other; /* CALL: the rule; FORK: the other way; BYTES: first arc */
    int32_t count; /* BYTES: arcs, disjoint and ascending */
} vt__node;

typedef struct vt__arc {
    uint8_t low, high; /* bytes */
    int32_t to;
} vt__arc;

struct vt_grammar {
    atomic_int refs;
    vt_context *ctx;
    vt__node *nodes;
    int64_t n_nodes, cap_nodes;
    int64_t n_steps; /* while it is compiled */
    vt__arc *arcs;
    int64_t n_arcs, cap_arcs;
    int32_t *entry; /* [n_rules] */
    int64_t n_rules;
    int32_t root;           /* rule */
    uint8_t class_of[256];  /* bytes that no arc tells apart are one class */
    uint8_t byte_of[256];   /* [n_classes] one of them */
    int32_t n_classes;
};

#endif
