/* A run under way as bytes: counters, seeds, levels that rows have of their own, and every tensor that is alive. Options are not in it but a fingerprint of them. */
#include <math.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "sample/solver_internal.h"

static const char MAGIC[8] = {'V', 'T', 'S', 'O', 'L', 'V', '0', '1'};
enum { ORDER_MARK = 0x01020304, MOST_ROWS = 1 << 24 };

/* The head, as it lies in the bytes. */
struct head {
    char magic[8];
    uint64_t fingerprint;
    uint32_t mark, slots; /* byte order; bit k: slot k follows */
    int32_t dtype, ndim;
    int64_t shape[VT__MAX_DIMS];
    int64_t step, since, n_evaluated, n_classes;
    int32_t at, n_draws_of_step, has_route, reserved;
    struct vt__attempt attempt;
};

/* What a snapshot must have in common with the solver that it is restored into. */
static uint64_t fingerprint_of(const vt_solver *s) {
    const struct vt__solver_params *o = &s->params;
    const double facts[] = {o->kind, o->prediction, o->algorithm, o->order, o->form, o->variant, o->n_lower_final, o->euler_at_final, o->denoise_to_zero, o->momentum, o->beta,
        o->eta, o->noise_scale, o->sigma_data, o->churn, o->churn_min, o->churn_max, o->is_raw_noise, o->clip, o->quantile, o->quantile_floor, o->quantile_top, o->is_hooked,
        o->guidance, o->guidance_scale, o->guidance_rescale, o->guidance_from, o->guidance_to, o->is_brownian, s->dtype, (double)s->grid.n_levels, (double)s->grid.n_steps};
    return vt__hash(facts, sizeof facts) ^ vt__hash(s->grid.level, (size_t)s->grid.n_levels * sizeof *s->grid.level);
}

static size_t tensor_size(const vt_solver *s) { return (size_t)(s->n_rows * s->row_size) * vt__dtype_size(s->dtype); }

vt_status vt__solver_save(const vt_solver *s, vt_buffer **out) {
    struct head h;
    vt__bytes b;
    if (!s->n_rows) return vt__fail(VT_ERR_STATE, "solver: it has not begun");
    memset(&h, 0, sizeof h);
    memcpy(h.magic, MAGIC, sizeof h.magic);
    h.fingerprint = fingerprint_of(s);
    h.mark = ORDER_MARK, h.dtype = s->dtype, h.ndim = s->desc.ndim;
    memcpy(h.shape, s->desc.shape, (size_t)h.ndim * sizeof *h.shape);
    h.step = s->step, h.since = s->since, h.n_evaluated = s->n_evaluated, h.n_classes = s->n_classes;
    h.at = s->at, h.n_draws_of_step = s->n_draws_of_step, h.has_route = s->route != NULL, h.attempt = s->attempt;
    for (int32_t k = 0; k < VT__Y; k++) h.slots |= s->slot[k] ? 1u << k : 0;
    vt__bytes_init(&b, s->ctx);
    vt__bytes_append(&b, &h, sizeof h);
    vt__bytes_append(&b, s->seeds, (size_t)s->n_rows * sizeof *s->seeds);
    vt__bytes_append(&b, s->class_of, (size_t)s->n_rows * sizeof *s->class_of);
    if (s->route) vt__bytes_append(&b, s->route, (size_t)s->n_rows * sizeof *s->route);
    for (int64_t c = 0; c < s->n_classes; c++) {
        const int64_t facts[2] = {s->classes[c].role, s->classes[c].is_own};
        vt__bytes_append(&b, facts, sizeof facts);
        vt__bytes_append(&b, s->classes[c].level, (size_t)s->grid.n_levels * sizeof *s->classes[c].level);
    }
    for (int32_t k = 0; k < VT__Y; k++) {
        if (s->slot[k]) vt__bytes_append(&b, vt__tensor_to_view(s->slot[k]).data, tensor_size(s));
    }
    const uint64_t hash = vt__hash(b.data, (size_t)b.len);
    vt__bytes_append(&b, &hash, sizeof hash);
    return vt__bytes_finish(&b, "solver snapshot", out);
}

/* ---- back ---- */

struct reader {
    const char *at;
    size_t left;
};

static int take(struct reader *r, void *out, size_t size) {
    if (size > r->left) return 0;
    memcpy(out, r->at, size);
    r->at += size;
    r->left -= size;
    return 1;
}

static vt_status damaged(const char *what) { return vt__fail(VT_ERR_FORMAT, "solver snapshot: %s", what); }

static vt_status read_head(const vt_solver *s, struct reader *r, struct head *h) {
    uint64_t hash;
    if (r->left < sizeof *h + sizeof hash) return damaged("too short");
    memcpy(&hash, r->at + r->left - sizeof hash, sizeof hash);
    r->left -= sizeof hash;
    if (memcmp(r->at, MAGIC, sizeof MAGIC) != 0) return damaged("these bytes are none");
    if (hash != vt__hash(r->at, r->left)) return damaged("its checksum is wrong");
    (void)take(r, h, sizeof *h);
    if (h->mark != ORDER_MARK) return damaged("it comes from a machine of another byte order");
    if (h->fingerprint != fingerprint_of(s)) return vt__fail(VT_ERR_STATE, "solver snapshot: it is of a solver with other options or levels");
    if (h->dtype != s->dtype || h->ndim < 1 || h->ndim > VT__MAX_DIMS || h->shape[0] < 1 || h->shape[0] > MOST_ROWS || h->n_classes < 1 || h->n_classes > h->shape[0])
        return damaged("its extents are wrong");
    if (h->step < 0 || h->step > s->grid.n_steps || h->since < 0 || h->since > h->step || h->n_evaluated < 0 || h->at < 0 || h->at > VT__MOST_OPS || h->n_draws_of_step < 0 ||
        h->n_draws_of_step > VT__MOST_OPS || h->slots >> VT__Y || !(h->slots & 1))
        return damaged("its counters are wrong");
    return VT_OK;
}

static int is_level(const struct vt__level *l) { return isfinite(l->alpha) && isfinite(l->sigma) && l->alpha >= 0 && l->sigma >= 0 && !isnan(l->lambda); }

static vt_status read_classes(vt_solver *s, struct reader *r, const struct head *h) {
    const size_t size = (size_t)s->grid.n_levels * sizeof(struct vt__level);
    s->classes = vt__calloc2(s->ctx, h->n_classes, 1, sizeof *s->classes);
    if (!s->classes) return vt__fail_nomem("solver", (size_t)h->n_classes * sizeof *s->classes);
    s->n_classes = h->n_classes;
    for (int64_t c = 0; c < s->n_classes; c++) {
        int64_t facts[2];
        struct vt__row_class *k = &s->classes[c];
        if (!take(r, facts, sizeof facts) || r->left < size) return damaged("it ends early");
        k->level = vt__alloc(s->ctx, size);
        if (!k->level) return vt__fail_nomem("solver", size);
        k->is_own = 1;
        k->role = (int32_t)facts[0];
        (void)take(r, k->level, size);
        for (int64_t i = 0; i < s->grid.n_levels; i++) {
            if (!is_level(&k->level[i])) return damaged("a level is no level");
        }
        if (facts[1] == 0 && !s->kind->is_adaptive) { /* the grid's own */
            vt__free(s->ctx, k->level);
            k->level = s->grid.level;
            k->is_own = 0;
        }
    }
    return VT_OK;
}

static vt_status read_rows(vt_solver *s, struct reader *r, const struct head *h) {
    const size_t n = (size_t)s->n_rows;
    if (r->left / sizeof *s->seeds < n) return damaged("it ends early");
    s->seeds = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *s->seeds);
    s->class_of = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *s->class_of);
    s->facts = vt__calloc2(s->ctx, s->n_rows, 4, sizeof *s->facts);
    if (h->has_route) s->route = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *s->route);
    if (!s->seeds || !s->class_of || !s->facts || (h->has_route && !s->route)) return vt__fail_nomem("solver", n * sizeof *s->seeds);
    if (!take(r, s->seeds, n * sizeof *s->seeds) || !take(r, s->class_of, n * sizeof *s->class_of) || (s->route && !take(r, s->route, n * sizeof *s->route)))
        return damaged("it ends early");
    for (size_t i = 0; i < n; i++) {
        if (s->class_of[i] < 0 || s->class_of[i] >= h->n_classes || (s->route && (s->route[i] < 0 || s->route[i] >= s->n_rows))) return damaged("a row is of no class");
    }
    return read_classes(s, r, h);
}

static vt_status read_tensors(vt_solver *s, struct reader *r, const struct head *h) {
    for (int32_t k = 0; k < VT__Y; k++) {
        if (!(h->slots >> k & 1)) continue;
        if (r->left < tensor_size(s)) return damaged("it ends early");
        vt_status st = vt__tensor_create(s->ctx, &vt__backend_cpu, &s->desc, &s->slot[k]);
        if (st != VT_OK) return st;
        (void)take(r, vt__tensor_to_view(s->slot[k]).data, tensor_size(s));
    }
    return r->left ? damaged("it has bytes left") : VT_OK;
}

static vt_status restore(vt_solver *s, struct reader *r, const struct head *h) {
    int64_t count;
    s->desc = (struct vt__desc){.dtype = h->dtype, .ndim = h->ndim};
    memcpy(s->desc.shape, h->shape, sizeof h->shape);
    vt_status st = vt__desc_check("solver snapshot", &s->desc, &count);
    if (st != VT_OK) return st;
    if (count < 1 || (size_t)count > r->left / vt__dtype_size(s->dtype)) return damaged("its extents are more than its numbers");
    s->n_rows = h->shape[0];
    s->row_size = count / s->n_rows;
    st = read_rows(s, r, h);
    if (st == VT_OK) st = read_tensors(s, r, h);
    if (st != VT_OK) return st;
    s->step = h->step, s->since = h->since, s->n_evaluated = h->n_evaluated, s->attempt = h->attempt;
    if (s->step == s->grid.n_steps) return VT_OK;
    st = vt__solver_compile(s);
    if (st != VT_OK) return st;
    s->at = h->at, s->n_draws_of_step = h->n_draws_of_step;
    const struct vt__program *p = &s->classes[0].program;
    if (s->at >= p->n || p->op[s->at].code != VT__DO_EVAL || !s->slot[p->op[s->at].slot]) return damaged("it waits for no evaluation");
    return VT_OK;
}

vt_status vt__solver_restore(vt_solver *s, const void *data, size_t size) {
    struct reader r = {data, size};
    struct head h;
    vt_status st = read_head(s, &r, &h);
    if (st != VT_OK) return st;
    vt__solver_forget(s);
    st = restore(s, &r, &h);
    if (st != VT_OK) vt__solver_forget(s);
    return st;
}
