/* What is to be known of a grammar before it is compiled: which rules can be empty, which can end, and that none begins with itself. */
#include "grammar/syntax.h"

#include "core/error.h"
#include "core/memory.h"

typedef enum property { NULLABLE, FINITE } property;

/* Whether an expression has the property, by what is known of the rules so far. As deep as parentheses are nested. */
static int holds(vt__syntax *s, int32_t at, property which) {
    const vt__expr *e = &s->exprs[at];
    s->work++;
    switch (e->kind) {
    case VT__EXPR_CHARS: return which == FINITE;
    case VT__EXPR_RULE: return which == FINITE ? s->rules[e->first].finite : s->rules[e->first].nullable;
    case VT__EXPR_SEQUENCE:
        for (int32_t c = e->first; c >= 0; c = s->exprs[c].sibling)
            if (!holds(s, c, which)) return 0;
        return 1;
    case VT__EXPR_CHOICE:
        for (int32_t c = e->first; c >= 0; c = s->exprs[c].sibling)
            if (holds(s, c, which)) return 1;
        return 0;
    default: return e->count == 0 || holds(s, e->first, which);
    }
}

/* The least fixed point. Passes go both ways in turn, so that chains of rules need few; there are never more than rules, but that may be too many. */
static vt_status settle(vt__syntax *s, property which) {
    int changed = 1;
    for (int pass = 0; changed; pass++) {
        changed = 0;
        for (int64_t k = 0; k < s->n_rules; k++) {
            vt__rule *r = &s->rules[pass % 2 ? k : s->n_rules - 1 - k];
            uint8_t *flag = which == FINITE ? &r->finite : &r->nullable;
            if (s->work > VT__GBNF_WORK) return vt__fail(VT_ERR_LIMIT, "grammar: its %lld rules are too entangled", (long long)s->n_rules);
            if (*flag || !holds(s, r->body, which)) continue;
            *flag = 1;
            changed = 1;
        }
    }
    return VT_OK;
}

/* ---- left recursion: rules that a rule can reach before the first character ---- */

typedef struct edge {
    int32_t to, next; /* next edge of the same rule, -1: none */
} edge;

typedef struct graph {
    vt__syntax *s;
    edge *edges;
    int64_t n_edges, cap_edges;
    int32_t *first; /* [n_rules] */
    int32_t *seen;  /* [n_rules] the rule that had an edge there last */
    int32_t *stack; /* [n_rules] */
    uint8_t *state; /* [n_rules] 0 new, 1 on the stack, 2 done */
} graph;

static vt_status add_edge(graph *g, int32_t from, int32_t to) {
    void *edges = g->edges;
    if (g->seen[to] == from + 1) return VT_OK;
    g->seen[to] = from + 1;
    if (vt__reserve(g->s->ctx, &edges, &g->cap_edges, g->n_edges + 1, sizeof *g->edges)) return vt__fail_nomem("grammar", sizeof *g->edges);
    g->edges = edges;
    g->edges[g->n_edges] = (edge){to, g->first[from]};
    g->first[from] = (int32_t)g->n_edges++;
    return VT_OK;
}

static vt_status add_left_edges(graph *g, int32_t from, int32_t at) {
    const vt__expr *e = &g->s->exprs[at];
    vt_status st = VT_OK;
    if (e->kind == VT__EXPR_CHARS) return VT_OK;
    if (e->kind == VT__EXPR_RULE) return add_edge(g, from, e->first);
    for (int32_t c = e->first; c >= 0 && st == VT_OK; c = g->s->exprs[c].sibling) {
        st = add_left_edges(g, from, c);
        if (e->kind == VT__EXPR_SEQUENCE && !holds(g->s, c, NULLABLE)) break;
        if (e->kind == VT__EXPR_REPEAT) break;
    }
    return st;
}

/* Depth first from one rule; first[] is used up, so that no edge is looked at twice. */
static vt_status walk(graph *g, int32_t from) {
    int64_t depth = 0;
    g->stack[depth++] = from;
    g->state[from] = 1;
    while (depth > 0) {
        int32_t rule = g->stack[depth - 1], at = g->first[rule];
        if (at < 0) {
            g->state[rule] = 2;
            depth--;
            continue;
        }
        int32_t to = g->edges[at].to;
        g->first[rule] = g->edges[at].next;
        if (g->state[to] == 1) {
            size_t n;
            return vt__fail(VT_ERR_FORMAT, "grammar: line %d: rule '%.80s' begins with itself (left recursion)", g->s->rules[to].line,
                            vt__map_key(&g->s->names, to, &n));
        }
        if (g->state[to] == 0) {
            g->state[to] = 1;
            g->stack[depth++] = to;
        }
    }
    return VT_OK;
}

static vt_status refuse_left_recursion(vt__syntax *s) {
    graph g = {.s = s};
    vt_status st = VT_OK;
    g.first = vt__calloc2(s->ctx, s->n_rules, 1, sizeof *g.first);
    g.seen = vt__calloc2(s->ctx, s->n_rules, 1, sizeof *g.seen);
    g.stack = vt__calloc2(s->ctx, s->n_rules, 1, sizeof *g.stack);
    g.state = vt__calloc2(s->ctx, s->n_rules, 1, sizeof *g.state);
    if (!g.first || !g.seen || !g.stack || !g.state) st = vt__fail_nomem("grammar", 0);
    for (int64_t i = 0; i < s->n_rules && st == VT_OK; i++) g.first[i] = -1;
    for (int64_t i = 0; i < s->n_rules && st == VT_OK; i++) st = add_left_edges(&g, (int32_t)i, s->rules[i].body);
    for (int64_t i = 0; i < s->n_rules && st == VT_OK; i++)
        if (g.state[i] == 0) st = walk(&g, (int32_t)i);
    vt__free(s->ctx, g.edges);
    vt__free(s->ctx, g.first);
    vt__free(s->ctx, g.seen);
    vt__free(s->ctx, g.stack);
    vt__free(s->ctx, g.state);
    return st;
}

vt_status vt__syntax_judge(vt__syntax *s) {
    vt_status st = settle(s, NULLABLE);
    if (st == VT_OK) st = settle(s, FINITE);
    if (st == VT_OK) st = refuse_left_recursion(s);
    if (st == VT_OK && !s->rules[s->root].finite) st = vt__fail(VT_ERR_FORMAT, "grammar: no text comes to an end of rule 'root'");
    return st;
}
