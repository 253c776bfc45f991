#include "grammar/automaton.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"

/* A call to return to. Frames are made once for the same content, so that equal lists of calls are the same number. */
typedef struct frame {
    int32_t node;  /* where to go on */
    int32_t below; /* frame, -1: none */
    int32_t depth;
} frame;

/* A place: node, and frame + 1 below it, so that a place is a number and a state a sorted list of them. */
typedef uint64_t place;
static place place_of(int32_t node, int32_t top) { return (uint64_t)(uint32_t)node << 32 | (uint32_t)(top + 1); }
static int32_t node_of(place p) { return (int32_t)(p >> 32); }
static int32_t top_of(place p) { return (int32_t)(uint32_t)p - 1; }

enum { SEEN_SLOTS = 4 * VT__STATE_PLACES };

/* Keys are kept in the order of their coming; slots are a table of their numbers. */
typedef struct intern {
    int32_t *slots; /* [n_slots], -1: free; a power of two, at most half full */
    int64_t n_slots;
} intern;

typedef struct state {
    int64_t first; /* in places[] */
    int32_t n;
    uint64_t hash;
} state;

struct vt__automaton {
    vt_context *ctx;
    vt_grammar *g;
    frame *frames;
    int64_t n_frames, cap_frames;
    intern frame_table;
    state *states;
    int64_t n_states, cap_states;
    place *places;
    int64_t n_places, cap_places;
    intern state_table;
    int32_t *rows; /* [n_states, n_classes] */
    int64_t cap_rows;
    /* scratch of one step */
    place *found; /* [2 * VT__STATE_PLACES]: results, and from the other end places to be looked at */
    int64_t n_found, n_open, n_seen;
    int64_t work; /* places opened so far */
    uint32_t round;
    struct {
        place p;
        uint32_t round;
    } *seen; /* [SEEN_SLOTS] places that this step has met */
};

/* ---- tables ---- */

static vt_status table_grow(vt_context *ctx, intern *t, int64_t count) {
    if (2 * (count + 1) <= t->n_slots) return VT_OK;
    int64_t n = t->n_slots ? t->n_slots * 2 : 256;
    int32_t *slots = vt__calloc2(ctx, n, 1, sizeof *slots);
    if (!slots) return vt__fail_nomem("grammar", (size_t)n * sizeof *slots);
    memset(slots, 0xFF, (size_t)n * sizeof *slots);
    vt__free(ctx, t->slots);
    t->slots = slots;
    t->n_slots = n;
    return VT_OK;
}

static uint64_t hash_frame(int32_t node, int32_t below) { return ((uint64_t)(uint32_t)node << 32 | (uint32_t)below) * 0x9E3779B97F4A7C15u; }

static int64_t slot_at(const intern *t, uint64_t hash, int64_t step) { return (int64_t)((hash >> 32) + (uint64_t)step) & (t->n_slots - 1); }

static void frame_enter(vt__automaton *a, int32_t i) {
    int64_t step = 0;
    while (a->frame_table.slots[slot_at(&a->frame_table, hash_frame(a->frames[i].node, a->frames[i].below), step)] >= 0) step++;
    a->frame_table.slots[slot_at(&a->frame_table, hash_frame(a->frames[i].node, a->frames[i].below), step)] = i;
}

static vt_status frame_of(vt__automaton *a, int32_t node, int32_t below, int32_t *out) {
    void *frames = a->frames;
    int64_t n_slots = a->frame_table.n_slots;
    for (int64_t step = 0; n_slots > 0; step++) {
        int32_t i = a->frame_table.slots[slot_at(&a->frame_table, hash_frame(node, below), step)];
        if (i < 0) break;
        if (a->frames[i].node == node && a->frames[i].below == below) {
            *out = i;
            return VT_OK;
        }
    }
    vt_status st = table_grow(a->ctx, &a->frame_table, a->n_frames);
    if (st != VT_OK) return st;
    for (int64_t i = 0; a->frame_table.n_slots != n_slots && i < a->n_frames; i++) frame_enter(a, (int32_t)i);
    if (vt__reserve(a->ctx, &frames, &a->cap_frames, a->n_frames + 1, sizeof *a->frames)) return vt__fail_nomem("grammar", sizeof *a->frames);
    a->frames = frames;
    a->frames[a->n_frames] = (frame){node, below, below < 0 ? 1 : a->frames[below].depth + 1};
    *out = (int32_t)a->n_frames++;
    frame_enter(a, *out);
    return VT_OK;
}

static void state_enter(vt__automaton *a, int32_t i) {
    int64_t step = 0;
    while (a->state_table.slots[slot_at(&a->state_table, a->states[i].hash, step)] >= 0) step++;
    a->state_table.slots[slot_at(&a->state_table, a->states[i].hash, step)] = i;
}

static vt_status reserve_state(vt__automaton *a, int64_t n_places) {
    void *states = a->states, *places = a->places, *rows = a->rows;
    int failed = vt__reserve(a->ctx, &states, &a->cap_states, a->n_states + 1, sizeof *a->states);
    a->states = states;
    failed |= vt__reserve(a->ctx, &places, &a->cap_places, a->n_places + n_places, sizeof *a->places);
    a->places = places;
    failed |= vt__reserve(a->ctx, &rows, &a->cap_rows, (a->n_states + 1) * a->g->n_classes, sizeof *a->rows);
    a->rows = rows;
    return failed ? vt__fail_nomem("grammar", 0) : VT_OK;
}

/* The state of a sorted list of places. */
static vt_status state_of(vt__automaton *a, const place *p, int64_t n, int32_t *out) {
    uint64_t hash = vt__hash(p, (size_t)n * sizeof *p);
    int64_t n_slots = a->state_table.n_slots;
    for (int64_t step = 0; n_slots > 0; step++) {
        int32_t i = a->state_table.slots[slot_at(&a->state_table, hash, step)];
        if (i < 0) break;
        if (a->states[i].hash == hash && a->states[i].n == n && memcmp(a->places + a->states[i].first, p, (size_t)n * sizeof *p) == 0) {
            *out = i;
            return VT_OK;
        }
    }
    vt_status st = table_grow(a->ctx, &a->state_table, a->n_states);
    if (st != VT_OK) return st;
    for (int64_t i = 0; a->state_table.n_slots != n_slots && i < a->n_states; i++) state_enter(a, (int32_t)i);
    st = reserve_state(a, n);
    if (st != VT_OK) return st;
    memcpy(a->places + a->n_places, p, (size_t)n * sizeof *p);
    a->states[a->n_states] = (state){a->n_places, (int32_t)n, hash};
    for (int32_t i = 0; i < a->g->n_classes; i++) a->rows[a->n_states * a->g->n_classes + i] = VT__UNKNOWN;
    a->n_places += n;
    *out = (int32_t)a->n_states++;
    state_enter(a, *out);
    return VT_OK;
}

/* ---- one step: the places that bytes can come to, through forks, calls and returns ---- */

static void begin_step(vt__automaton *a) {
    a->n_found = a->n_open = a->n_seen = 0;
    if (++a->round == 0) { /* the counter has gone round */
        memset(a->seen, 0, SEEN_SLOTS * sizeof *a->seen);
        a->round = 1;
    }
}

/* 1 when this step has met the place already. */
static int is_seen(vt__automaton *a, place p) {
    uint64_t i = (p * 0x9E3779B97F4A7C15u >> 40) % SEEN_SLOTS;
    for (; a->seen[i].round == a->round; i = (i + 1) % SEEN_SLOTS)
        if (a->seen[i].p == p) return 1;
    a->seen[i].p = p;
    a->seen[i].round = a->round;
    a->n_seen++;
    return 0;
}

static vt_status open_place(vt__automaton *a, int32_t node, int32_t top) {
    place p = place_of(node, top);
    a->work++;
    if (node == VT__AT_DEAD || is_seen(a, p)) return VT_OK;
    if (a->n_found + a->n_open >= VT__STATE_PLACES || a->n_seen >= SEEN_SLOTS / 2)
        return vt__fail(VT_ERR_LIMIT, "grammar: more than %d ways to read the same text; it is too ambiguous", VT__STATE_PLACES);
    a->found[VT__STATE_PLACES - ++a->n_open] = p;
    return VT_OK;
}

static vt_status open_call(vt__automaton *a, const vt__node *node, int32_t top) {
    int32_t pushed = top;
    if (node->next != VT__AT_RETURN) { /* a call at the very end needs nothing to return to */
        if (top >= 0 && a->frames[top].depth >= VT__CALL_DEPTH) return VT_OK;
        vt_status st = frame_of(a, node->next, top, &pushed);
        if (st != VT_OK) return st;
    }
    return open_place(a, a->g->entry[node->other], pushed);
}

static vt_status look_at(vt__automaton *a, place p) {
    const vt__node *node = &a->g->nodes[node_of(p)];
    int32_t top = top_of(p);
    vt_status st = VT_OK;
    switch (node->kind) {
    case VT__NODE_FORK:
        st = open_place(a, node->other, top);
        return st == VT_OK ? open_place(a, node->next, top) : st;
    case VT__NODE_CALL: return open_call(a, node, top);
    case VT__NODE_RETURN:
        if (top >= 0) return open_place(a, a->frames[top].node, a->frames[top].below);
        a->found[a->n_found++] = p; /* the end of the text */
        return VT_OK;
    default: a->found[a->n_found++] = p; return VT_OK;
    }
}

static void sort_places(place *p, int64_t n) {
    for (int64_t gap = n / 2; gap > 0; gap /= 2) /* Shell's: lists are short, and need no memory */
        for (int64_t i = gap; i < n; i++)
            for (int64_t j = i; j >= gap && p[j] < p[j - gap]; j -= gap) {
                place t = p[j];
                p[j] = p[j - gap];
                p[j - gap] = t;
            }
}

/* Looks at the open places until none is left; what was found is the state. */
static vt_status end_step(vt__automaton *a, int32_t *out) {
    vt_status st = VT_OK;
    while (a->n_open > 0 && st == VT_OK) st = look_at(a, a->found[VT__STATE_PLACES - a->n_open--]);
    if (st != VT_OK) return st;
    *out = VT__STATE_DEAD;
    if (a->n_found == 0) return VT_OK;
    sort_places(a->found, a->n_found);
    return state_of(a, a->found, a->n_found, out);
}

vt_status vt__automaton_start(vt__automaton *a, int32_t *out) {
    begin_step(a);
    vt_status st = open_place(a, a->g->entry[a->g->root], -1);
    return st == VT_OK ? end_step(a, out) : st;
}

static int32_t follow(const vt_grammar *g, int32_t node, uint8_t byte) {
    const vt__node *n = &g->nodes[node];
    for (int32_t i = 0; n->kind == VT__NODE_BYTES && i < n->count; i++) {
        vt__arc arc = g->arcs[n->other + i];
        if (byte >= arc.low && byte <= arc.high) return arc.to;
    }
    return VT__AT_DEAD;
}

vt_status vt__automaton_step(vt__automaton *a, int32_t s, uint8_t byte, int32_t *out) {
    int64_t cell = (int64_t)s * a->g->n_classes + a->g->class_of[byte];
    vt_status st = VT_OK;
    if (a->rows[cell] != VT__UNKNOWN) {
        *out = a->rows[cell];
        return VT_OK;
    }
    begin_step(a);
    for (int32_t i = 0; i < a->states[s].n && st == VT_OK; i++) {
        place p = a->places[a->states[s].first + i];
        st = open_place(a, follow(a->g, node_of(p), byte), top_of(p));
    }
    int32_t to;
    if (st == VT_OK) st = end_step(a, &to);
    if (st == VT_OK) *out = a->rows[cell] = to; /* rows may have moved: not before */
    return st;
}

int vt__automaton_is_end(const vt__automaton *a, int32_t s) { return a->states[s].n > 0 && a->places[a->states[s].first] == place_of(VT__AT_RETURN, -1); }

/* ---- lifecycle ---- */

static vt_status init(vt_grammar *g, vt__automaton **out) {
    vt__automaton *a = *out = vt__calloc(g->ctx, sizeof *a);
    if (!a) return vt__fail_nomem("grammar", sizeof *a);
    a->ctx = g->ctx;
    a->g = vt__grammar_retain(g);
    a->found = vt__calloc2(g->ctx, VT__STATE_PLACES, 1, sizeof *a->found);
    a->seen = vt__calloc2(g->ctx, SEEN_SLOTS, 1, sizeof *a->seen);
    return a->found && a->seen ? VT_OK : vt__fail_nomem("grammar", SEEN_SLOTS * sizeof *a->seen);
}

vt_status vt__automaton_create(vt_grammar *g, vt__automaton **out) {
    vt_status st = init(g, out);
    if (st == VT_OK) return VT_OK;
    vt__automaton_free(*out);
    *out = NULL;
    return st;
}

void vt__automaton_free(vt__automaton *a) {
    if (!a) return;
    vt_context *ctx = a->ctx;
    vt_grammar *g = a->g; /* keeps the context alive */
    vt__free(ctx, a->frames);
    vt__free(ctx, a->frame_table.slots);
    vt__free(ctx, a->states);
    vt__free(ctx, a->places);
    vt__free(ctx, a->state_table.slots);
    vt__free(ctx, a->rows);
    vt__free(ctx, a->found);
    vt__free(ctx, a->seen);
    vt__free(ctx, a);
    vt__grammar_release(g);
}

static vt_status import_frame(vt__automaton *a, const vt__automaton *from, int32_t top, int32_t *out) {
    int32_t stack[VT__CALL_DEPTH], n = 0, below = -1;
    vt_status st = VT_OK;
    for (; top >= 0 && n < VT__CALL_DEPTH; top = from->frames[top].below) stack[n++] = from->frames[top].node;
    while (n > 0 && st == VT_OK) st = frame_of(a, stack[--n], below, &below);
    *out = below;
    return st;
}

vt_status vt__automaton_import(vt__automaton *a, const vt__automaton *from, int32_t s, int32_t *out) {
    const state *src = &from->states[s];
    vt_status st = VT_OK;
    for (int32_t i = 0; i < src->n && st == VT_OK; i++) {
        place p = from->places[src->first + i];
        int32_t top;
        st = import_frame(a, from, top_of(p), &top);
        a->found[i] = place_of(node_of(p), top);
    }
    if (st != VT_OK) return st;
    sort_places(a->found, src->n);
    return state_of(a, a->found, src->n, out);
}

vt_status vt__automaton_shrink(vt__automaton *a, int32_t *keep, int64_t n) {
    vt__automaton *fresh;
    vt_status st = init(a->g, &fresh);
    for (int64_t i = 0; i < n && st == VT_OK; i++) {
        int32_t to;
        if (keep[i] >= 0) st = vt__automaton_import(fresh, a, keep[i], &to);
    }
    if (st == VT_OK) {
        for (int64_t i = 0; i < n; i++)
            if (keep[i] >= 0) st = vt__automaton_import(fresh, a, keep[i], &keep[i]); /* all there: asks for nothing */
        vt__automaton old = *a;
        fresh->work = a->work;
        *a = *fresh;
        *fresh = old;
    }
    vt__automaton_free(fresh);
    return st;
}

size_t vt__automaton_size(const vt__automaton *a) {
    return (size_t)a->n_states * (sizeof(state) + (size_t)a->g->n_classes * sizeof *a->rows) + (size_t)a->n_places * sizeof(place) +
           (size_t)a->n_frames * sizeof(frame);
}

int64_t vt__automaton_work(const vt__automaton *a) { return a->work; }
int64_t vt__automaton_count(const vt__automaton *a) { return a->n_states; }
const int32_t *vt__automaton_rows(const vt__automaton *a) { return a->rows; }
