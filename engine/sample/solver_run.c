/* Programs over tensors: all operations between two evaluations go over a block of a row together, so that memory is passed through once. What a segment writes goes to
 * spare buffers, which take the place of the old ones when the whole segment has succeeded. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/rng.h"
#include "sample/brownian.h"
#include "sample/row.h"
#include "sample/solver_internal.h"
#include "vtk.h"
#include "vtk_map.h"

enum { BLOCK = 2048, SHARE = 8 * BLOCK };
/* Streams of a row: those of steps below it, Brownian paths from 2^31 on. */
#define FIXED_STREAM 0x40000000u

enum { BLEND, NOISE, CLIP, PASTE, N_BLOCKWISE, THRESHOLD = N_BLOCKWISE, RESCALE, HOOK };

/* One operation, resolved: where it reads and writes. Coefficients are in the classes' programs. Those from N_BLOCKWISE on need whole rows. */
struct pass {
    int32_t code;
    const struct vt__do *op; /* of class 0 */
    vt_tensor *tensor;       /* HOOK: what the caller sees */
    int32_t point;
    int32_t index;           /* in every class's program; -1: not in them */
    char *out;
    const char *in[VT__SLOTS];
    int32_t waits;   /* reads other rows' numbers of passes before it */
    const void *like; /* RESCALE: the conditional prediction */
    uint32_t stream; /* NOISE */
    const char *draw; /* NOISE: the caller's numbers */
};

struct segment {
    vt_solver *s;
    struct pass pass[4 * VT__MOST_OPS]; /* each operation may be followed by three */
    int32_t n;
    int64_t row_size;         /* of one row that is the batch, where rows need not be told apart */
    int64_t n_per_row;        /* chunks */
    size_t width;             /* of an element */
    int (*blend)(void *out, const void *const *in, const double *c, int32_t n_in, int64_t n);
    int32_t first, last;      /* passes of this round: from first to before last */
    atomic_int is_bad, is_full;
};

static char *data_of(const vt_tensor *t) { return (char *)t->storage->data + (size_t)t->offset * vt__dtype_size(t->dtype); }

static void draw_block(const struct segment *g, const struct pass *pass, int64_t row, int64_t first, int64_t n) {
    char *out = pass->out + (size_t)(row * g->row_size + first) * g->width;
    double z[BLOCK], scratch[BLOCK];
    if (pass->draw) {
        memcpy(out, pass->draw + (size_t)(row * g->row_size + first) * g->width, (size_t)n * g->width);
        return;
    }
    const struct vt__do *op = &g->s->classes[g->s->class_of[row]].program.op[pass->index];
    if (g->s->params.is_brownian && !(op->flags & VT__IS_FIXED)) vt__brownian_normal(g->s->seeds[row], (uint64_t)first, op->from, op->to, z, scratch, n);
    else vt__random_normal(g->s->seeds[row], pass->stream, (uint64_t)first, z, n);
    for (int64_t i = 0; i < n; i++) {
        if (g->width == sizeof(float)) ((float *)(void *)out)[i] = (float)z[i];
        else ((double *)(void *)out)[i] = z[i];
    }
}

static int blend_block(const struct segment *g, const struct pass *pass, int64_t row, int64_t first, int64_t n) {
    const vt_solver *s = g->s;
    const struct vt__do *op = &s->classes[s->class_of[row]].program.op[pass->index];
    const int64_t own = row * g->row_size + first, other = s->route ? s->route[row] * g->row_size + first : own;
    const void *in[2 * VT__SLOTS];
    double c[2 * VT__SLOTS];
    int32_t n_in = 0;
    for (int32_t k = 0; k < VT__SLOTS; k++) {
        if (op->coef[k] != 0) in[n_in] = pass->in[k] + (size_t)own * g->width, c[n_in++] = op->coef[k];
        if (op->routed[k] != 0) in[n_in] = pass->in[k] + (size_t)other * g->width, c[n_in++] = op->routed[k];
    }
    char *out = pass->out + (size_t)own * g->width;
    return g->blend(out, in, c, n_in, n);
}

/* Known parts over the state: share of known's noisy form, the rest the state's. */
static void paste_block(const struct segment *g, const struct pass *pass, int64_t row, int64_t first, int64_t n) {
    const vt_solver *s = g->s;
    const struct vt__do *op = &s->classes[s->class_of[row]].program.op[pass->index];
    const size_t at = (size_t)(row * g->row_size + first) * g->width;
    const char *mask = data_of(s->mask) + at, *known = data_of(s->known) + at, *x = (const char *)pass->in[VT__X] + at, *z = (const char *)pass->in[VT__Z + 1] + at;
    char *out = pass->out + at;
    for (int64_t i = 0; i < n; i++) {
        if (g->width == sizeof(float)) {
            const float m = ((const float *)(const void *)mask)[i];
            const float noisy = (float)op->from * ((const float *)(const void *)known)[i] + (float)op->to * ((const float *)(const void *)z)[i];
            ((float *)(void *)out)[i] = m * noisy + (1 - m) * ((const float *)(const void *)x)[i];
        } else {
            const double m = ((const double *)(const void *)mask)[i];
            const double noisy = op->from * ((const double *)(const void *)known)[i] + op->to * ((const double *)(const void *)z)[i];
            ((double *)(void *)out)[i] = m * noisy + (1 - m) * ((const double *)(const void *)x)[i];
        }
    }
}

static void clip_block(const struct segment *g, const struct pass *pass, int64_t row, int64_t first, int64_t n) {
    const double most = g->s->params.clip;
    char *at = pass->out + (size_t)(row * g->row_size + first) * g->width;
    for (int64_t i = 0; i < n; i++) {
        if (g->width == sizeof(float)) ((float *)(void *)at)[i] = fmaxf((float)-most, fminf((float)most, ((float *)(void *)at)[i]));
        else ((double *)(void *)at)[i] = fmax(-most, fmin(most, ((double *)(void *)at)[i]));
    }
}

static void run_chunk(void *user, int64_t chunk) {
    struct segment *g = user;
    const int64_t row = chunk / g->n_per_row, begin = chunk % g->n_per_row * SHARE;
    const int64_t end = begin + SHARE < g->row_size ? begin + SHARE : g->row_size;
    int bad = 0;
    for (int64_t at = begin; at < end; at += BLOCK) {
        const int64_t n = end - at < BLOCK ? end - at : BLOCK;
        for (int32_t i = g->first; i < g->last; i++) {
            const struct pass *pass = &g->pass[i];
            if (pass->code == NOISE) draw_block(g, pass, row, at, n);
            else if (pass->code == PASTE) paste_block(g, pass, row, at, n);
            else if (pass->code == CLIP) clip_block(g, pass, row, at, n);
            else bad |= blend_block(g, pass, row, at, n);
        }
    }
    if (bad) atomic_store_explicit(&g->is_bad, 1, memory_order_relaxed);
}

/* A pass that needs whole rows. */
static void run_row(void *user, int64_t row) {
    struct segment *g = user;
    const struct pass *pass = &g->pass[g->first];
    const struct vt__solver_params *o = &g->s->params;
    const size_t at = (size_t)(row * g->s->row_size) * g->width;
    const int64_t n = g->s->row_size;
    if (pass->code == RESCALE) {
        const struct vt__do *op = &g->s->classes[g->s->class_of[row]].program.op[pass->index];
        if (op->coef[VT__U] != 0) vt__row_rescale(pass->out + at, (const char *)pass->like + at, g->s->dtype, n, o->guidance_rescale);
        return;
    }
    double *scratch = vt__scratch_take2(g->s->ctx, n, 1, sizeof *scratch);
    if (!scratch) atomic_store(&g->is_full, 1);
    else vt__row_threshold(pass->out + at, g->s->dtype, n, o->quantile, o->quantile_floor, o->quantile_top, scratch);
    vt__scratch_give(g->s->ctx, scratch);
}

/* All passes: those that go block by block together, the others one by one. */
static vt_status run_passes(struct segment *g) {
    vt_solver *s = g->s;
    for (g->first = 0; g->first < g->n; g->first = g->last) {
        const int32_t code = g->pass[g->first].code;
        int is_plain = s->n_classes == 1 && !s->route;
        g->last = g->first + 1;
        if (code == HOOK) {
            vt_status st = vt__solver_tell(s, g->pass[g->first].point, g->pass[g->first].tensor);
            if (st != VT_OK) return st;
            continue;
        }
        if (code >= N_BLOCKWISE) {
            vt__parallel(s->ctx, s->n_rows, run_row, g);
            if (atomic_load(&g->is_full)) return vt__fail_nomem("solver", (size_t)s->row_size * sizeof(double));
            continue;
        }
        while (g->last < g->n && g->pass[g->last].code < N_BLOCKWISE && !g->pass[g->last].waits) g->last++;
        for (int32_t i = g->first; i < g->last; i++) is_plain &= g->pass[i].code != NOISE && g->pass[i].code != PASTE;
        g->row_size = is_plain ? s->row_size * s->n_rows : s->row_size;
        g->n_per_row = (g->row_size + SHARE - 1) / SHARE;
        vt__parallel(s->ctx, (is_plain ? 1 : s->n_rows) * g->n_per_row, run_chunk, g);
    }
    return VT_OK;
}

/* ---- resolving ---- */

/* Buffers while a segment runs: what slots will be, and what is free. */
struct buffers {
    vt_tensor *slot[VT__SLOTS], *free[VT__SPARES + VT__SLOTS];
    int32_t n_free;
    int32_t is_new[VT__SLOTS]; /* written in this segment */
    vt_tensor *replaced[VT__SLOTS * 2];
    int32_t n_replaced;
};

/* A buffer to write a slot to: never the one that holds the slot's old numbers. */
static vt_status renew(vt_solver *s, struct buffers *b, int32_t slot) {
    vt_tensor *t = NULL;
    if (b->is_new[slot]) return VT_OK;
    if (b->n_free) t = b->free[--b->n_free];
    else {
        vt_status st = vt__tensor_create(s->ctx, &vt__backend_cpu, &s->desc, &t);
        if (st != VT_OK) return st;
    }
    if (b->slot[slot] && slot < VT__Y) b->replaced[b->n_replaced++] = b->slot[slot];
    b->slot[slot] = t;
    b->is_new[slot] = 1;
    return VT_OK;
}

static vt_status push(vt_solver *s, struct buffers *b, int32_t ring) {
    int32_t depth = VT__RING;
    while (depth > 1 && !s->slot[ring + depth - 1]) depth--;
    vt_tensor *last = b->slot[ring + depth - 1];
    for (int32_t k = depth - 1; k > 0; k--) {
        b->slot[ring + k] = b->slot[ring + k - 1];
        b->is_new[ring + k] = b->is_new[ring + k - 1];
    }
    b->slot[ring] = last; /* renew puts it among the replaced */
    b->is_new[ring] = 0;
    return renew(s, b, ring);
}

/* The caller's draws, or the stream of the rows' own. */
static vt_status draw(vt_solver *s, struct pass *pass) {
    if (pass->op->flags & VT__IS_FIXED) return pass->stream = FIXED_STREAM, VT_OK;
    pass->stream = (uint32_t)(s->step * 16 + ++s->n_draws_of_step);
    if (!s->noise) return VT_OK;
    if (s->n_drawn >= s->noise->shape[0])
        return vt__fail(VT_ERR_STATE, "solver: step %lld needs noise %lld of %lld given", (long long)s->step, (long long)s->n_drawn + 1, (long long)s->noise->shape[0]);
    pass->draw = data_of(s->noise) + (size_t)(s->n_drawn++ * s->n_rows * s->row_size) * vt__dtype_size(s->dtype);
    return VT_OK;
}

static int reads(const vt_solver *s, int32_t index, int32_t slot) {
    for (int64_t c = 0; c < s->n_classes; c++) {
        const struct vt__do *op = &s->classes[c].program.op[index];
        if (op->coef[slot] != 0 || op->routed[slot] != 0) return 1;
    }
    return 0;
}

static int is_routed(const vt_solver *s, int32_t index, int32_t slot) {
    for (int64_t c = 0; c < s->n_classes; c++) {
        if (s->classes[c].program.op[index].routed[slot] != 0) return 1;
    }
    return 0;
}

static struct pass *append(struct segment *g, int32_t code, int32_t index, const struct vt__do *op) {
    struct pass *pass = &g->pass[g->n++];
    *pass = (struct pass){.code = code, .op = op, .index = index};
    return pass;
}

static void append_hook(struct segment *g, int32_t point, vt_tensor *tensor) {
    if (!g->s->hook) return;
    struct pass *pass = append(g, HOOK, -1, NULL);
    pass->point = point;
    pass->tensor = tensor;
}

/* What thresholds, guidance and hooks do to a combination that has just been made. */
static void append_followers(struct segment *g, struct buffers *b, int32_t index, const struct vt__do *op, const void *old) {
    const struct vt__solver_params *o = &g->s->params;
    if (op->flags & VT__IS_GUIDANCE) {
        if (o->guidance_rescale > 0 && reads(g->s, index, VT__U)) {
            struct pass *pass = append(g, RESCALE, index, op);
            pass->out = data_of(b->slot[VT__R]);
            pass->like = old;
        }
        append_hook(g, VT__HOOK_AFTER_GUIDANCE, b->slot[VT__R]);
    }
    if (op->flags & VT__IS_DATA) {
        if (vt__params_cut(o)) append(g, o->quantile > 0 ? THRESHOLD : CLIP, index, op)->out = data_of(b->slot[op->slot]);
        append_hook(g, VT__HOOK_AFTER_DATA, b->slot[op->slot]);
    }
}

static vt_status resolve(struct segment *g, struct buffers *b, int32_t index) {
    vt_solver *s = g->s;
    const struct vt__do *op = &s->classes[0].program.op[index];
    if (op->code == VT__DO_PUSH) return push(s, b, op->slot);
    if (op->flags & VT__IS_UPDATE) append_hook(g, VT__HOOK_BEFORE_UPDATE, b->slot[VT__X]);
    struct pass *pass = append(g, op->code == VT__DO_NOISE ? NOISE : op->code == VT__DO_PASTE ? PASTE : BLEND, index, op);
    const void *old = b->slot[op->slot] ? data_of(b->slot[op->slot]) : NULL;
    if (op->code == VT__DO_COMBINE) {
        for (int32_t k = 0; k < VT__SLOTS; k++) {
            if (!reads(s, index, k)) continue;
            if (!b->slot[k]) return vt__fail(VT_ERR_STATE, "solver: step %lld reads slot %d, which has nothing yet", (long long)s->step, (int)k);
            pass->in[k] = data_of(b->slot[k]);
            if (s->route && b->is_new[k] && is_routed(s, index, k)) pass->waits = 1;
        }
    }
    if (op->code == VT__DO_PASTE) pass->in[VT__X] = data_of(b->slot[VT__X]), pass->in[VT__Z + 1] = data_of(b->slot[VT__Z + 1]);
    vt_status st = renew(s, b, op->slot);
    if (st == VT_OK && op->code == VT__DO_NOISE) st = draw(s, pass);
    if (st != VT_OK) return st;
    pass->out = data_of(b->slot[op->slot]);
    append_followers(g, b, index, op, old);
    return VT_OK;
}

/* A buffer that the solver has done with. One that somebody else holds is left to them. */
static void give_up(vt_solver *s, vt_tensor *t) {
    if (s->n_spares < VT__SPARES && atomic_load(&t->refs) == 1) s->spare[s->n_spares++] = t;
    else vt__tensor_release(t);
}

/* Old buffers become spare, or, after a failure, new ones do. */
static void settle(vt_solver *s, struct buffers *b, int is_done) {
    s->n_spares = 0;
    for (int32_t i = 0; i < b->n_free; i++) s->spare[s->n_spares++] = b->free[i];
    for (int32_t i = 0; is_done && i < b->n_replaced; i++) give_up(s, b->replaced[i]);
    for (int32_t i = 0; i < VT__SLOTS; i++) {
        if (is_done && i < VT__Y) s->slot[i] = b->slot[i];
        else if (b->is_new[i]) give_up(s, b->slot[i]); /* guided predictions; after a failure everything */
    }
}

static int64_t bad_row(const vt_solver *s, const vt_tensor *t) {
    const char *data = data_of(t);
    for (int64_t i = 0; i < s->n_rows * s->row_size; i++) {
        const double v = s->dtype == VT_DTYPE_F32 ? (double)((const float *)(const void *)data)[i] : ((const double *)(const void *)data)[i];
        if (!isfinite(v)) return i / s->row_size;
    }
    return -1;
}

/* Why numbers are not finite: the model's answer, or what became of it. */
static vt_status complain(const vt_solver *s, vt_tensor *const *answers, int32_t n) {
    for (int32_t k = 0; k < n; k++) {
        const int64_t row = bad_row(s, answers[k]);
        if (row < 0) continue;
        return vt__fail(VT_ERR_NUMERIC, "solver: the model's prediction of row %lld at step %lld, time %g (alpha %g, sigma %g), is not finite", (long long)row,
                        (long long)s->step, s->facts[row], s->facts[s->n_rows + row], s->facts[2 * s->n_rows + row]);
    }
    return vt__fail(VT_ERR_NUMERIC, "solver: step %lld overflows", (long long)s->step);
}

vt_status vt__solver_run_segment(vt_solver *s, vt_tensor *const *answers, int32_t n) {
    struct segment g = {.s = s, .width = vt__dtype_size(s->dtype)};
    struct buffers b = {0};
    const struct vt__program *p = &s->classes[0].program;
    const int64_t n_drawn = s->n_drawn;
    const int32_t n_draws = s->n_draws_of_step;
    vt_status st = VT_OK;
    int32_t at = s->at;
    atomic_init(&g.is_bad, 0);
    atomic_init(&g.is_full, 0);
    g.blend = vtk_get()->map->blend[s->dtype == VT_DTYPE_F64];
    memcpy(b.slot, s->slot, sizeof b.slot);
    for (int32_t k = 0; k < n; k++) b.slot[VT__R + k] = answers[k];
    for (b.n_free = 0; b.n_free < s->n_spares; b.n_free++) b.free[b.n_free] = s->spare[b.n_free];
    for (; st == VT_OK && at < p->n && p->op[at].code != VT__DO_EVAL; at++) st = resolve(&g, &b, at);
    if (st == VT_OK) st = run_passes(&g);
    if (st == VT_OK && atomic_load(&g.is_bad)) st = complain(s, answers, n);
    settle(s, &b, st == VT_OK);
    if (st != VT_OK) {
        s->n_drawn = n_drawn;
        s->n_draws_of_step = n_draws;
        return st;
    }
    s->at = at;
    return VT_OK;
}
