/* Masks are made by one walk of the vocabulary's trie with the grammar's states, and kept by state: inside a string, or between the items of a
 * list, the next mask is the last one. Caches have limits; what does not fit is made again. */
#include "grammar/matcher.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "grammar/automaton.h"
#include "text/token_trie.h"

enum {
    STATE_BYTES = 8 << 20,  /* of states, from one token to the next */
    WALK_BYTES = 32 << 20,  /* of states, during a walk */
    MASK_BYTES = 8 << 20,
    MASK_WORK = 1 << 26, /* places of the grammar that one mask may open: seconds; grammars that people write open thousands */
    ENDED = -3 /* an end-of-answer token was taken */
};

struct vt__matcher {
    vt_context *ctx;
    vt_grammar *g;
    vt_tokenizer *tok;
    const vt__token_trie *trie;
    vt__automaton *automaton;
    int32_t state;
    int32_t *path; /* [max_depth + 1] states of a walk */
    int32_t *ends; /* [n_ends] end-of-answer tokens */
    int32_t n_ends;
    int64_t n_words;
    uint64_t *masks; /* [n_masks, n_words] */
    int64_t n_masks, cap_masks;
    int32_t *mask_of; /* [cap_mask_of] of states, -1: not made */
    int64_t cap_mask_of;
};

/* ---- lifecycle ---- */

static vt_status find_ends(vt__matcher *m) {
    int64_t n = vt__tokenizer_count(m->tok);
    for (int64_t i = 0; i < n; i++) m->n_ends += vt__tokenizer_is_eog(m->tok, (int32_t)i);
    m->ends = vt__calloc2(m->ctx, m->n_ends, 1, sizeof *m->ends);
    if (!m->ends) return vt__fail_nomem("grammar", (size_t)m->n_ends * sizeof *m->ends);
    int32_t at = 0;
    for (int64_t i = 0; i < n; i++)
        if (vt__tokenizer_is_eog(m->tok, (int32_t)i)) m->ends[at++] = (int32_t)i;
    return VT_OK;
}

static vt_status init(vt__matcher *m) {
    vt_status st = vt__tokenizer_trie(m->tok, &m->trie);
    if (st == VT_OK) st = vt__automaton_create(m->g, &m->automaton);
    if (st == VT_OK) st = find_ends(m);
    if (st != VT_OK) return st;
    m->n_words = (m->trie->count + 63) / 64;
    m->path = vt__calloc2(m->ctx, m->trie->max_depth + 1, 1, sizeof *m->path);
    return m->path ? VT_OK : vt__fail_nomem("grammar", (size_t)m->trie->max_depth * sizeof *m->path);
}

/* Without a state. */
static vt_status create(vt_grammar *g, vt_tokenizer *tok, vt__matcher **out) {
    vt_context *ctx = vt__tokenizer_context(tok);
    vt__matcher *m = *out = vt__calloc(ctx, sizeof *m);
    if (!m) return vt__fail_nomem("grammar", sizeof *m);
    m->ctx = vt__context_retain(ctx);
    m->g = vt__grammar_retain(g);
    m->tok = vt__tokenizer_retain(tok);
    vt_status st = init(m);
    if (st == VT_OK) return VT_OK;
    vt__matcher_free(m);
    *out = NULL;
    return st;
}

vt_status vt__matcher_create(vt_grammar *g, vt_tokenizer *tok, vt__matcher **out) {
    vt_status st = create(g, tok, out);
    if (st == VT_OK) st = vt__automaton_start((*out)->automaton, &(*out)->state);
    if (st == VT_OK) return VT_OK;
    vt__matcher_free(*out);
    *out = NULL;
    return st;
}

vt_status vt__matcher_copy(const vt__matcher *m, vt__matcher **out) {
    vt_status st = create(m->g, m->tok, out);
    if (st != VT_OK) return st;
    (*out)->state = m->state;
    if (m->state >= 0) st = vt__automaton_import((*out)->automaton, m->automaton, m->state, &(*out)->state);
    if (st == VT_OK) return VT_OK;
    vt__matcher_free(*out);
    *out = NULL;
    return st;
}

void vt__matcher_free(vt__matcher *m) {
    if (!m) return;
    vt_context *ctx = m->ctx;
    vt__automaton_free(m->automaton);
    vt__free(ctx, m->path);
    vt__free(ctx, m->ends);
    vt__free(ctx, m->masks);
    vt__free(ctx, m->mask_of);
    vt__tokenizer_release(m->tok);
    vt__grammar_release(m->g);
    vt__free(ctx, m);
    vt__context_release(ctx);
}

/* The state at the beginning may have been forgotten, and is made again then. */
vt_status vt__matcher_reset(vt__matcher *m) {
    m->state = VT__STATE_DEAD;
    return vt__automaton_start(m->automaton, &m->state);
}

/* ---- caches ---- */

static void forget_masks(vt__matcher *m) {
    m->n_masks = 0;
    for (int64_t i = 0; i < m->cap_mask_of; i++) m->mask_of[i] = -1;
}

static vt_status shrink(vt__matcher *m, int32_t *keep, int64_t n) {
    vt_status st = vt__automaton_shrink(m->automaton, keep, n);
    if (st == VT_OK) forget_masks(m);
    return st;
}

/* Room for one mask, and for a number for each state. */
static vt_status reserve_mask(vt__matcher *m) {
    void *masks = m->masks, *mask_of = m->mask_of;
    int64_t had = m->cap_mask_of;
    if ((m->n_masks + 1) * m->n_words * 8 > MASK_BYTES) forget_masks(m);
    int failed = vt__reserve(m->ctx, &masks, &m->cap_masks, (m->n_masks + 1) * m->n_words, sizeof *m->masks);
    m->masks = masks;
    failed |= vt__reserve(m->ctx, &mask_of, &m->cap_mask_of, vt__automaton_count(m->automaton), sizeof *m->mask_of);
    m->mask_of = mask_of;
    for (int64_t i = had; i < m->cap_mask_of; i++) m->mask_of[i] = -1;
    return failed ? vt__fail_nomem("grammar", (size_t)m->n_words * 8) : VT_OK;
}

/* ---- masks ---- */

static void set_bit(uint64_t *mask, int32_t id) { mask[id / 64] |= (uint64_t)1 << (id % 64); }
static void clear_bit(uint64_t *mask, int32_t id) { mask[id / 64] &= ~((uint64_t)1 << (id % 64)); }

/* A step that has not been made before. The states of the path to here are all that the walk still needs. */
static vt_status new_step(vt__matcher *m, int32_t depth, uint8_t byte, int64_t most_work, int32_t *out) {
    vt_status st = VT_OK;
    if (vt__automaton_work(m->automaton) > most_work)
        return vt__fail(VT_ERR_LIMIT, "grammar: more than %d steps to tell which tokens can follow; it is too ambiguous", MASK_WORK);
    if (vt__automaton_size(m->automaton) > WALK_BYTES) st = shrink(m, m->path, depth);
    return st == VT_OK ? vt__automaton_step(m->automaton, m->path[depth - 1], byte, out) : st;
}

/* path[0] is the state that the mask is of, and stays it if the numbers change. */
static vt_status walk(vt__matcher *m, uint64_t *mask) {
    const vt__token_trie *t = m->trie;
    const int32_t *rows = vt__automaton_rows(m->automaton);
    const int64_t n_classes = m->g->n_classes, most_work = vt__automaton_work(m->automaton) + MASK_WORK;
    m->path[0] = m->state;
    for (int32_t i = 0; i < t->n_nodes;) {
        vt__trie_node node = t->nodes[i];
        int32_t to = rows[m->path[node.depth - 1] * n_classes + m->g->class_of[node.byte]];
        if (to == VT__UNKNOWN) {
            vt_status st = new_step(m, node.depth, node.byte, most_work, &to);
            if (st != VT_OK) return st;
            rows = vt__automaton_rows(m->automaton);
        }
        if (to == VT__STATE_DEAD) {
            i = node.skip;
            continue;
        }
        m->path[node.depth] = to;
        i++;
        for (int32_t k = node.token; k < t->nodes[i].token; k++) set_bit(mask, t->ids[k]);
    }
    return VT_OK;
}

static int is_empty(const uint64_t *mask, int64_t n_words) {
    for (int64_t i = 0; i < n_words; i++)
        if (mask[i]) return 0;
    return 1;
}

static vt_status make_mask(vt__matcher *m, uint64_t *mask) {
    int is_end = m->state == ENDED;
    vt_status st = VT_OK;
    memset(mask, 0, (size_t)m->n_words * 8);
    if (m->state >= 0) {
        st = walk(m, mask);
        m->state = m->path[0];
        is_end = vt__automaton_is_end(m->automaton, m->state);
    }
    if (st != VT_OK) return st;
    for (int32_t i = 0; i < m->n_ends; i++) {
        clear_bit(mask, m->ends[i]); /* its text does not count */
        if (is_end) set_bit(mask, m->ends[i]);
    }
    if (!is_empty(mask, m->n_words)) return VT_OK;
    return vt__fail(VT_ERR_STATE, is_end ? "grammar: only the end can follow, and the vocabulary has no end-of-answer token"
                                         : "grammar: no token of the vocabulary can follow");
}

vt_status vt__matcher_mask(vt__matcher *m, const uint64_t **out, int64_t *n_tokens) {
    vt_status st = VT_OK;
    if (m->state >= 0 && m->state < m->cap_mask_of && m->mask_of[m->state] >= 0) {
        *out = m->masks + m->mask_of[m->state] * m->n_words;
        *n_tokens = m->trie->count;
        return VT_OK;
    }
    if (m->state >= 0 && vt__automaton_size(m->automaton) > STATE_BYTES) st = shrink(m, &m->state, 1);
    if (st == VT_OK) st = reserve_mask(m);
    if (st != VT_OK) return st;
    uint64_t *made = m->masks + m->n_masks * m->n_words;
    st = make_mask(m, made);
    if (st != VT_OK) return st;
    uint64_t *mask = m->masks + m->n_masks * m->n_words;
    if (mask != made) memcpy(mask, made, (size_t)m->n_words * 8); /* the walk has forgotten the masks before it */
    if (m->state >= 0 && m->state < m->cap_mask_of) m->mask_of[m->state] = (int32_t)m->n_masks++;
    *out = mask;
    *n_tokens = m->trie->count;
    return VT_OK;
}

/* ---- taking a token ---- */

static vt_status refuse(const vt__matcher *m, int32_t id) {
    const char *text = vt__tokenizer_token(m->tok, id);
    return vt__fail(VT_ERR_INVALID, "grammar: token %d ('%.40s') cannot follow", id, text ? text : "not of the vocabulary");
}

vt_status vt__matcher_accept(vt__matcher *m, int32_t id) {
    const vt__token_trie *t = m->trie;
    vt_status st = VT_OK;
    /* Whoever accepts without drawing never asks for a mask, which would forget old states. */
    if (m->state >= 0 && vt__automaton_size(m->automaton) > WALK_BYTES) st = shrink(m, &m->state, 1);
    if (st != VT_OK) return st;
    int32_t state = m->state;
    if (vt__tokenizer_is_eog(m->tok, id)) {
        if (state != ENDED && (state < 0 || !vt__automaton_is_end(m->automaton, state))) return refuse(m, id);
        m->state = ENDED;
        return VT_OK;
    }
    if (id < 0 || id >= t->count || state < 0 || t->start[id] == t->start[id + 1]) return refuse(m, id);
    for (int64_t i = t->start[id]; i < t->start[id + 1] && state >= 0 && st == VT_OK; i++)
        st = vt__automaton_step(m->automaton, state, (uint8_t)t->bytes[i], &state);
    if (st != VT_OK) return st;
    if (state < 0) return refuse(m, id);
    m->state = state;
    return VT_OK;
}

/* ---- texts ---- */

vt_status vt__grammar_check(vt_grammar *g, const char *text, size_t len, int32_t *out) {
    vt__automaton *a;
    int32_t state = VT__STATE_DEAD;
    vt_status st = vt__automaton_create(g, &a);
    if (st == VT_OK) st = vt__automaton_start(a, &state);
    for (size_t i = 0; i < len && state >= 0 && st == VT_OK; i++) {
        if (vt__automaton_size(a) > STATE_BYTES) st = vt__automaton_shrink(a, &state, 1);
        if (st == VT_OK) st = vt__automaton_step(a, state, (uint8_t)text[i], &state);
    }
    if (st == VT_OK) *out = state < 0 ? VT__GRAMMAR_MISMATCH : vt__automaton_is_end(a, state) ? VT__GRAMMAR_MATCH : VT__GRAMMAR_BEGINNING;
    vt__automaton_free(a);
    return st;
}
