/* Rules to a graph, from the back to the front: an expression is compiled to the node where it begins, given the node where it goes on.
 * What cannot come to an end is not compiled, so that a walk never enters it. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "grammar/graph.h"
#include "grammar/syntax.h"

/* ---- nodes ---- */

static vt_status add_node(vt_grammar *g, vt__node node, int32_t *out) {
    void *nodes = g->nodes;
    if (g->n_nodes == VT__GRAPH_NODES) return vt__fail(VT_ERR_LIMIT, "grammar: more than %d nodes; repetitions {m,n} multiply", VT__GRAPH_NODES);
    if (vt__reserve(g->ctx, &nodes, &g->cap_nodes, g->n_nodes + 1, sizeof node)) return vt__fail_nomem("grammar", sizeof node);
    g->nodes = nodes;
    *out = (int32_t)g->n_nodes;
    g->nodes[g->n_nodes++] = node;
    return VT_OK;
}

static vt_status add_fork(vt_grammar *g, int32_t a, int32_t b, int32_t *out) {
    if (a == VT__AT_DEAD || b == VT__AT_DEAD || a == b) {
        *out = a == VT__AT_DEAD ? b : a;
        return VT_OK;
    }
    return add_node(g, (vt__node){VT__NODE_FORK, a, b, 0}, out);
}

static vt_status add_bytes(vt_grammar *g, const vt__arc *arcs, int32_t n, int32_t *out) {
    void *all = g->arcs;
    if (vt__reserve(g->ctx, &all, &g->cap_arcs, g->n_arcs + n, sizeof *arcs)) return vt__fail_nomem("grammar", (size_t)n * sizeof *arcs);
    g->arcs = all;
    memcpy(g->arcs + g->n_arcs, arcs, (size_t)n * sizeof *arcs);
    g->n_arcs += n;
    return add_node(g, (vt__node){VT__NODE_BYTES, 0, (int32_t)(g->n_arcs - n), n}, out);
}

/* ---- classes: ranges of code points to bytes of UTF-8 ---- */

typedef struct utf8_class {
    vt_grammar *g;
    int32_t next;    /* after the character */
    int32_t full[4]; /* [k] the node that takes any k continuation bytes; -1: not made yet */
} utf8_class;

static vt_status full_node(utf8_class *u, int k, int32_t *out) {
    vt_status st = VT_OK;
    u->full[0] = u->next;
    for (int i = 1; i <= k && st == VT_OK; i++)
        if (u->full[i] < 0) st = add_bytes(u->g, &(vt__arc){0x80, 0xBF, u->full[i - 1]}, 1, &u->full[i]);
    *out = u->full[k];
    return st;
}

/* Arcs of one byte, with `rest` continuation bytes behind it, for the parts of the ranges r[0..n) in [low, high], of which all bytes before
 * are the same. The byte is the top of the code point and `mark`. As deep as a character has bytes. */
static vt_status byte_arcs(utf8_class *u, const vt__char_range *r, int32_t n, vt__char_range in, int rest, uint32_t mark, vt__arc *arcs, int32_t *n_arcs) {
    uint32_t span = 1u << (6 * rest), mask = mark == 0x80 ? 0x3F : 0xFF;
    vt_status st = VT_OK;
    for (int32_t i = 0; i < n && r[i].low <= in.high && st == VT_OK;) {
        uint32_t low = r[i].low > in.low ? r[i].low : in.low, high = r[i].high < in.high ? r[i].high : in.high, first = low / span, last = first;
        int32_t to = -1;
        if (low <= high && low % span == 0 && high - low >= span - 1) { /* a run of bytes behind which everything is taken */
            last = (high + 1) / span - 1;
            st = full_node(u, rest, &to);
        } else if (low <= high) {
            vt__arc below[256];
            int32_t n_below = 0;
            st = byte_arcs(u, r + i, n - i, (vt__char_range){low, first * span + (span - 1) < in.high ? first * span + (span - 1) : in.high}, rest - 1, 0x80, below, &n_below);
            if (st == VT_OK) st = add_bytes(u->g, below, n_below, &to);
        }
        if (low <= high) arcs[(*n_arcs)++] = (vt__arc){(uint8_t)(mark + (first & mask)), (uint8_t)(mark + (last & mask)), to};
        in.low = (last + 1) * span;
        while (i < n && r[i].high < in.low) i++;
    }
    return st;
}

static vt_status compile_chars(vt_grammar *g, const vt__char_range *r, int32_t n, int32_t next, int32_t *out) {
    static const struct {
        vt__char_range in;
        uint32_t mark;
    } lengths[4] = {{{0, 0x7F}, 0}, {{0x80, 0x7FF}, 0xC0}, {{0x800, 0xFFFF}, 0xE0}, {{0x10000, 0x10FFFF}, 0xF0}};
    utf8_class u = {g, next, {-1, -1, -1, -1}};
    vt__arc arcs[256];
    int32_t n_arcs = 0, from = 0;
    vt_status st = VT_OK;
    for (int k = 0; k < 4 && st == VT_OK; k++) {
        while (from < n && r[from].high < lengths[k].in.low) from++;
        st = byte_arcs(&u, r + from, n - from, lengths[k].in, k, lengths[k].mark, arcs, &n_arcs);
    }
    return st == VT_OK ? add_bytes(g, arcs, n_arcs, out) : st;
}

/* ---- expressions ---- */

static vt_status compile_expr(vt_grammar *g, const vt__syntax *s, int32_t at, int32_t next, int32_t *out);

/* Children from the last to the first: the list is turned around in place while it is walked, and turned back. */
static vt_status compile_sequence(vt_grammar *g, vt__expr *exprs, const vt__syntax *s, int32_t first, int32_t next, int32_t *out) {
    int32_t previous = -1, at = first;
    vt_status st = VT_OK;
    while (at >= 0) {
        int32_t following = exprs[at].sibling;
        exprs[at].sibling = previous;
        previous = at;
        at = following;
    }
    *out = next;
    for (at = previous, previous = -1; at >= 0;) {
        int32_t before = exprs[at].sibling;
        exprs[at].sibling = previous;
        previous = at;
        if (st == VT_OK) st = compile_expr(g, s, at, *out, out);
        at = before;
    }
    return st;
}

/* least copies, then a loop or copies that may be left out. */
static vt_status compile_repeat(vt_grammar *g, const vt__syntax *s, const vt__expr *e, int32_t next, int32_t *out) {
    vt_status st = VT_OK;
    int32_t node = next, body;
    if (e->most < 0) {
        int32_t loop;
        st = add_node(g, (vt__node){VT__NODE_FORK, VT__AT_DEAD, next, 0}, &loop); /* one way, until the other is known */
        if (st == VT_OK) st = compile_expr(g, s, e->first, loop, &body);
        if (st == VT_OK) g->nodes[loop].next = body;
        node = loop;
    }
    for (int32_t i = e->count; i < e->most && st == VT_OK; i++) {
        st = compile_expr(g, s, e->first, node, &body);
        if (st == VT_OK) st = add_fork(g, body, next, &node);
    }
    for (int32_t i = 0; i < e->count && st == VT_OK; i++) st = compile_expr(g, s, e->first, node, &node);
    *out = node;
    return st;
}

static vt_status compile_expr(vt_grammar *g, const vt__syntax *s, int32_t at, int32_t next, int32_t *out) {
    const vt__expr *e = &s->exprs[at];
    vt_status st = VT_OK;
    int32_t node = VT__AT_DEAD, way;
    if (++g->n_steps > VT__GRAPH_STEPS) return vt__fail(VT_ERR_LIMIT, "grammar: more than %d steps to compile it; repetitions {m,n} multiply", VT__GRAPH_STEPS);
    switch (next == VT__AT_DEAD ? -1 : e->kind) {
    case -1: break;
    case VT__EXPR_CHARS: return compile_chars(g, s->ranges + e->first, e->count, next, out);
    case VT__EXPR_RULE:
        if (!s->rules[e->first].finite) break;
        return add_node(g, (vt__node){VT__NODE_CALL, next, e->first, 0}, out);
    case VT__EXPR_SEQUENCE: return compile_sequence(g, s->exprs, s, e->first, next, out);
    case VT__EXPR_CHOICE:
        for (int32_t c = e->first; c >= 0 && st == VT_OK; c = s->exprs[c].sibling) {
            st = compile_expr(g, s, c, next, &way);
            if (st == VT_OK) st = add_fork(g, node, way, &node);
        }
        break;
    default: return compile_repeat(g, s, e, next, out);
    }
    *out = node;
    return st;
}

/* Bytes at which some arc begins, or behind which one ends, begin a new class. */
static void find_classes(vt_grammar *g) {
    uint8_t begins[257] = {1};
    for (int64_t i = 0; i < g->n_arcs; i++) begins[g->arcs[i].low] = begins[g->arcs[i].high + 1] = 1;
    for (int b = 0; b < 256; b++) {
        if (begins[b]) g->byte_of[g->n_classes++] = (uint8_t)b;
        g->class_of[b] = (uint8_t)(g->n_classes - 1);
    }
}

static vt_status compile(vt_grammar *g, vt__syntax *s) {
    int32_t node;
    g->n_rules = s->n_rules;
    g->root = s->root;
    g->entry = vt__calloc2(g->ctx, s->n_rules, 1, sizeof *g->entry);
    if (!g->entry) return vt__fail_nomem("grammar", (size_t)s->n_rules * sizeof *g->entry);
    vt_status st = add_node(g, (vt__node){.kind = VT__NODE_RETURN}, &node);
    if (st == VT_OK) st = add_node(g, (vt__node){.kind = VT__NODE_DEAD}, &node);
    for (int64_t i = 0; i < s->n_rules && st == VT_OK; i++) {
        g->entry[i] = VT__AT_DEAD;
        if (s->rules[i].finite) st = compile_expr(g, s, s->rules[i].body, VT__AT_RETURN, &g->entry[i]);
    }
    find_classes(g);
    return st;
}

/* ---- lifecycle ---- */

vt_status vt__grammar_create(vt_context *ctx, const char *gbnf, size_t len, vt_grammar **out) {
    vt__syntax s;
    *out = NULL;
    vt_grammar *g = vt__calloc(ctx, sizeof *g);
    if (!g) return vt__fail_nomem("grammar", sizeof *g);
    atomic_init(&g->refs, 1);
    g->ctx = vt__context_retain(ctx);
    vt_status st = vt__syntax_parse(ctx, gbnf, len, &s);
    if (st == VT_OK) st = vt__syntax_judge(&s);
    if (st == VT_OK) st = compile(g, &s);
    vt__syntax_free(&s);
    if (st != VT_OK) {
        vt__grammar_release(g);
        return st;
    }
    *out = g;
    return VT_OK;
}

vt_grammar *vt__grammar_retain(vt_grammar *g) {
    if (g) atomic_fetch_add(&g->refs, 1);
    return g;
}

void vt__grammar_release(vt_grammar *g) {
    if (!g || atomic_fetch_sub(&g->refs, 1) != 1) return;
    vt_context *ctx = g->ctx;
    vt__free(ctx, g->nodes);
    vt__free(ctx, g->arcs);
    vt__free(ctx, g->entry);
    vt__free(ctx, g);
    vt__context_release(ctx);
}
