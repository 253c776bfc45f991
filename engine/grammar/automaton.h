/* The states of a grammar while text is read, made when they are needed and kept. A state is a set of places in the graph, each with the calls
 * that it has to return to; states have numbers, and where a byte leads from one is looked up after the first time. */
#ifndef VENTURI_GRAMMAR_AUTOMATON_H
#define VENTURI_GRAMMAR_AUTOMATON_H

#include "grammar/graph.h"

enum {
    VT__STATE_DEAD = -1,   /* no text goes on */
    VT__CALL_DEPTH = 512,  /* a text that needs deeper calls does not go on */
    VT__STATE_PLACES = 4096
};

typedef struct vt__automaton vt__automaton;

vt_status vt__automaton_create(vt_grammar *g, vt__automaton **out); /* keeps a reference of g */
void vt__automaton_free(vt__automaton *a);

/* The state at the beginning. Errors: LIMIT (too ambiguous), NOMEM. */
vt_status vt__automaton_start(vt__automaton *a, int32_t *out);
/* A state of another automaton of the same grammar. */
vt_status vt__automaton_import(vt__automaton *a, const vt__automaton *from, int32_t state, int32_t *out);
/* Where a byte leads, VT__STATE_DEAD: nowhere. */
vt_status vt__automaton_step(vt__automaton *a, int32_t state, uint8_t byte, int32_t *out);
/* 1 when the text may end here. */
int vt__automaton_is_end(const vt__automaton *a, int32_t state);

/* Bytes in use. */
size_t vt__automaton_size(const vt__automaton *a);
int64_t vt__automaton_count(const vt__automaton *a); /* states 0..count-1 */
int64_t vt__automaton_work(const vt__automaton *a);  /* places of the grammar opened so far */
/* Forgets all states but keep[0..n), whose numbers change. On failure (NOMEM) nothing changes. */
vt_status vt__automaton_shrink(vt__automaton *a, int32_t *keep, int64_t n);

/* For loops over many bytes: rows of n_classes states, VT__UNKNOWN where the step has not been made yet. Borrowed until the next step. */
enum { VT__UNKNOWN = -2 };
const int32_t *vt__automaton_rows(const vt__automaton *a);

#endif
