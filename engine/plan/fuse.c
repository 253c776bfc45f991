#include "plan/fuse.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "plan/arena.h"
#include "plan/step.h"

enum {
    MOST_STEPS = 24, /* of a group */
    BLOCK = 8192,    /* elements of a block, about: a few of them stay in the caches that a core has for itself */
    ALIGN = 64
};

static const struct vt__operand *operands_of(const struct vt__program *p, int64_t step) { return p->operands + p->steps[step].operands; }
static const struct vt__operand *output_of(const struct vt__program *p, int64_t step) { return operands_of(p, step) + p->steps[step].n_in; }

/* Some know where in a matrix an element is, or have several outputs: they go alone. */
static int can_join(const struct vt__program *p, int64_t step) {
    const struct vt__step *s = &p->steps[step];
    return (s->op->flags & VT__OP_ELEMENTWISE) && s->n_out == 1 && s->op->id != VT__OP_tril && s->op->id != VT__OP_triu && vt__operand_count(output_of(p, step)) > 0;
}

/* ---- extents ---- */

/* Cumulative products of extents from the last dimension on, 1 first; dimensions of 1 add none. */
static int32_t products(const int64_t *shape, int32_t ndim, int64_t *out) {
    int32_t n = 0;
    out[n++] = 1;
    for (int32_t d = ndim - 1; d >= 0; d--)
        if (shape[d] != 1) out[n] = out[n - 1] * shape[d], n++;
    return n;
}

/* Cuts the group's dimensions further, so that those of o's extents are runs of them: [4096, 512] and [16, 256, 512] are both seen as the latter. 0: it
 * cannot be, or in too many dimensions. */
static int refine(struct vt__group *g, const struct vt__desc *desc) {
    int64_t a[VT__MAX_DIMS + 1], b[VT__MAX_DIMS + 1], all[2 * VT__MAX_DIMS + 2];
    int32_t n_a = products(g->shape, g->ndim, a), n_b = products(desc->shape, desc->ndim, b), i = 0, k = 0, n = 0;
    if (a[n_a - 1] != b[n_b - 1]) return 0;
    while (i < n_a || k < n_b) {
        int64_t next = k == n_b || (i < n_a && a[i] <= b[k]) ? a[i] : b[k];
        if (n && next % all[n - 1]) return 0;
        all[n++] = next;
        i += i < n_a && a[i] == next;
        k += k < n_b && b[k] == next;
    }
    if (n - 1 > VT__MAX_DIMS) return 0;
    g->ndim = n - 1;
    for (int32_t d = 0; d < g->ndim; d++) g->shape[g->ndim - 1 - d] = all[d + 1] / all[d];
    return 1;
}

/* How an operand of a step whose output is `like` lies over the group's dimensions, which are finer than the output's. */
static void spread(const struct vt__group *g, const struct vt__operand *o, const struct vt__desc *like, int64_t *strides) {
    int32_t at = g->ndim - 1, extra = like->ndim - o->desc.ndim;
    memset(strides, 0, VT__MAX_DIMS * sizeof *strides);
    if (o->value < 0) return;
    for (int32_t d = like->ndim - 1; d >= 0; d--) {
        int is_there = d >= extra && o->desc.shape[d - extra] != 1;
        for (int64_t inside = 1; inside < like->shape[d]; inside *= g->shape[at], at--) strides[at] = is_there ? o->strides[d - extra] * inside : 0;
    }
}

/* Can step `next` be done block by block with the steps from `first` on, over the extents of g, which are cut further where that helps? Memory that one
 * of them writes must be seen by all in one way, element by element. */
static int fits(const struct vt__program *p, int64_t first, int64_t next, struct vt__group *g) {
    struct vt__group finer = *g;
    const struct vt__operand *mine = operands_of(p, next);
    int32_t n_mine = p->steps[next].n_in + 1;
    if (!can_join(p, next) || !refine(&finer, &output_of(p, next)->desc)) return 0;
    for (int64_t s = first; s < next; s++) {
        const struct vt__operand *other = operands_of(p, s);
        for (int32_t i = 0; i <= p->steps[s].n_in; i++)
            for (int32_t k = 0; k < n_mine; k++) {
                int64_t a[VT__MAX_DIMS], b[VT__MAX_DIMS];
                int is_write = i == p->steps[s].n_in || k == n_mine - 1;
                int is_read = (i == p->steps[s].n_in || vt__step_reads(&p->steps[s], i)) && (k == n_mine - 1 || vt__step_reads(&p->steps[next], k));
                if (!is_write || !is_read || other[i].value < 0 || other[i].value != mine[k].value) continue;
                spread(&finer, &other[i], &output_of(p, s)->desc, a);
                spread(&finer, &mine[k], &output_of(p, next)->desc, b);
                if (other[i].offset != mine[k].offset || other[i].desc.dtype != mine[k].desc.dtype || memcmp(a, b, sizeof a) != 0) return 0;
            }
    }
    *g = finer;
    return 1;
}

static void drop_dim(struct vt__group *g, int32_t n, int32_t at) {
    g->ndim--;
    for (int32_t d = at; d < g->ndim; d++) {
        g->shape[d] = g->shape[d + 1];
        for (int32_t i = 0; i < n; i++) g->operands[i].strides[d] = g->operands[i].strides[d + 1];
    }
}

static void collapse(struct vt__group *g, int32_t n) {
    for (int32_t d = g->ndim - 1; d >= 0; d--)
        if (g->shape[d] == 1) drop_dim(g, n, d);
    for (int32_t d = g->ndim - 2; d >= 0; d--) {
        int can_merge = 1;
        for (int32_t i = 0; can_merge && i < n; i++) can_merge = g->operands[i].strides[d] == g->operands[i].strides[d + 1] * g->shape[d + 1];
        if (!can_merge) continue;
        g->shape[d + 1] *= g->shape[d];
        drop_dim(g, n, d);
    }
    if (g->ndim > 0) return;
    g->ndim = 1, g->shape[0] = 1;
}

/* Blocks of whole rows of the dimensions behind axis. */
static void cut(struct vt__group *g) {
    int64_t inner = 1, count = 1;
    for (g->axis = g->ndim - 1; g->axis > 0 && inner * g->shape[g->axis] < BLOCK; g->axis--) inner *= g->shape[g->axis];
    g->length = inner >= BLOCK ? 1 : BLOCK / inner;
    if (g->length > g->shape[g->axis]) g->length = g->shape[g->axis];
    g->blocks_a_row = (g->shape[g->axis] + g->length - 1) / g->length;
    for (int32_t d = 0; d < g->axis; d++) count *= g->shape[d];
    g->n_blocks = count * g->blocks_a_row;
}

static int64_t block_count(const struct vt__group *g) {
    int64_t n = g->length;
    for (int32_t d = g->axis + 1; d < g->ndim; d++) n *= g->shape[d];
    return n;
}

/* ---- values of the group alone ---- */

/* First and last step that sees each value: found once for the program. */
struct touch {
    int64_t first, last;
    int32_t is_written_first; /* as a whole */
};

static void find_touches(const struct vt__program *p, struct touch *touches) {
    for (int64_t i = 0; i < p->n_values; i++) touches[i] = (struct touch){-1, -1, 0};
    for (int64_t s = 0; s < p->n_steps; s++) {
        const struct vt__step *step = &p->steps[s];
        const struct vt__operand *o = operands_of(p, s);
        for (int32_t i = 0; i < step->n_in + step->n_out; i++) {
            if (o[i].value < 0 || (i < step->n_in && !vt__step_reads(step, i))) continue;
            struct touch *t = &touches[o[i].value];
            if (t->first < 0) t->first = s, t->is_written_first = i >= step->n_in && vt__operand_covers(&o[i], p->values[o[i].value].size);
            t->last = s;
        }
    }
}

/* Places in a thread's room for the values that nobody sees outside of steps first to first + n. */
static vt_status place_locals(const struct vt__program *p, const struct touch *touches, struct vt__unit *u, char *is_local) {
    struct vt__span spans[MOST_STEPS];
    size_t offsets[MOST_STEPS], least;
    int64_t values[MOST_STEPS], n = 0, count = block_count(&u->group);
    for (int64_t s = u->first; s < u->first + u->n_steps; s++) {
        const struct vt__operand *o = output_of(p, s);
        const struct touch *t = &touches[o->value];
        int is_inside = t->first == s && t->last < u->first + u->n_steps && t->is_written_first;
        if (p->values[o->value].kind != VT__VALUE_TEMPORARY || !is_inside) continue;
        values[n] = o->value;
        spans[n++] = (struct vt__span){s, t->last, ((size_t)count * vt__dtype_size(o->desc.dtype) + ALIGN - 1) / ALIGN * ALIGN};
        is_local[o->value] = 1;
    }
    vt_status st = vt__arena_plan(p->ctx, spans, n, offsets, &u->group.room, &least);
    struct vt__group_operand *to = u->group.operands;
    for (int64_t s = u->first; st == VT_OK && s < u->first + u->n_steps; s++)
        for (int32_t i = 0; i <= p->steps[s].n_in; i++, to++)
            for (int64_t k = 0; k < n; k++)
                if (operands_of(p, s)[i].value == values[k]) to->local = (int64_t)offsets[k];
    return st;
}

static vt_status make_group(const struct vt__program *p, const struct touch *touches, struct vt__unit *u, char *is_local) {
    struct vt__group *g = &u->group;
    int32_t n = 0;
    for (int64_t s = u->first; s < u->first + u->n_steps; s++) n += p->steps[s].n_in + 1;
    g->operands = vt__calloc2(p->ctx, n, 1, sizeof *g->operands);
    if (!g->operands) return vt__fail_nomem("graph", (size_t)n * sizeof *g->operands);
    n = 0;
    for (int64_t s = u->first; s < u->first + u->n_steps; s++)
        for (int32_t i = 0; i <= p->steps[s].n_in; i++, n++) {
            g->operands[n].local = -1;
            spread(g, &operands_of(p, s)[i], &output_of(p, s)->desc, g->operands[n].strides);
        }
    collapse(g, n);
    cut(g);
    return place_locals(p, touches, u, is_local);
}

vt_status vt__fuse(const struct vt__program *p, struct vt__unit **out, int64_t *n_out, char *is_local) {
    struct touch *touches = vt__calloc2(p->ctx, p->n_values, 1, sizeof *touches);
    struct vt__unit *units = vt__calloc2(p->ctx, p->n_steps, 1, sizeof *units);
    vt_status st = touches && units ? VT_OK : vt__fail_nomem("graph", (size_t)p->n_steps * sizeof *units);
    int64_t n = 0;
    *out = NULL;
    *n_out = 0;
    if (st == VT_OK) find_touches(p, touches);
    for (int64_t s = 0; st == VT_OK && s < p->n_steps; s += units[n++].n_steps) {
        struct vt__unit *u = &units[n];
        *u = (struct vt__unit){.first = s, .n_steps = 1};
        if (!can_join(p, s)) continue;
        const struct vt__desc *desc = &output_of(p, s)->desc;
        u->group.ndim = desc->ndim;
        memcpy(u->group.shape, desc->shape, sizeof u->group.shape);
        while (s + u->n_steps < p->n_steps && u->n_steps < MOST_STEPS && fits(p, s, s + u->n_steps, &u->group)) u->n_steps++;
        if (u->n_steps > 1) st = make_group(p, touches, u, is_local);
    }
    vt__free(p->ctx, touches);
    if (st == VT_OK) *out = units, *n_out = n;
    else vt__units_free(p->ctx, units, n);
    return st;
}

void vt__units_free(vt_context *ctx, struct vt__unit *units, int64_t n) {
    for (int64_t i = 0; units && i < n; i++) vt__free(ctx, units[i].group.operands);
    vt__free(ctx, units);
}
