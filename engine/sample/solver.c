#include "sample/solver.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "sample/families.h"
#include "sample/solver_internal.h"

static struct vt__plan plan_of(const vt_solver *s, const struct vt__row_class *c) {
    return (struct vt__plan){s->schedule, &s->params, c->level, s->grid.first, s->grid.n_levels, s->grid.n_steps, s->since, c->role, NULL};
}

/* ---- life ---- */

static vt_status make_grid(vt_solver *s, const struct vt__grid_params *wanted) {
    struct vt__grid_params p = *wanted;
    if (s->kind->is_adaptive && (p.spacing == VT__SPACING_TIMES || p.spacing == VT__SPACING_SIGMAS || p.spacing == VT__SPACING_LEVELS))
        return vt__fail(VT_ERR_INVALID, "solver: %s finds its own steps; it takes start and end", s->kind->name);
    if (s->kind->is_adaptive) p.spacing = VT__SPACING_LOG_SNR;
    if (!s->kind->orders) return vt__grid_create(s->ctx, s->schedule, &p, NULL, 0, &s->grid);
    int32_t *order = vt__calloc2(s->ctx, p.n, 1, sizeof *order);
    if (!order) return vt__fail_nomem("solver", (size_t)p.n * sizeof *order);
    const int64_t n_steps = s->kind->orders(&s->params, p.n, order);
    vt_status st = n_steps > 0 ? VT_OK : vt__fail(VT_ERR_INVALID, "solver: %lld evaluations are too few for a step of %s", (long long)p.n, s->kind->name);
    for (int64_t i = p.n = 0; i < n_steps; i++) p.n += order[i];
    if (st == VT_OK) st = vt__grid_create(s->ctx, s->schedule, &p, order, n_steps, &s->grid);
    vt__free(s->ctx, order);
    return st;
}

/* The params' text and table become the solver's own. */
static vt_status own_params(vt_solver *s) {
    const struct vt__solver_params *p = &s->params;
    const size_t text = p->steps ? strlen(p->steps) + 1 : 0, width = p->kind == VT__SOLVER_USF ? sizeof(struct vt__usf_step) : p->kind == VT__SOLVER_CUSTOM ? sizeof(struct vt__custom) : 0;
    if (text) {
        s->steps = vt__alloc(s->ctx, text);
        if (!s->steps) return vt__fail_nomem("solver", text);
        memcpy(s->steps, p->steps, text);
    }
    if (width && p->n_table > 0) {
        s->table = vt__calloc2(s->ctx, p->n_table, 1, width);
        if (!s->table) return vt__fail_nomem("solver", (size_t)p->n_table * width);
        memcpy(s->table, p->table, (size_t)p->n_table * width);
    }
    s->params.steps = s->steps;
    s->params.table = s->table;
    return VT_OK;
}

vt_status vt__solver_create(vt_context *ctx, vt_schedule *schedule, const struct vt__solver_setup *setup, vt_solver **out) {
    vt_solver *s = *out = vt__calloc(ctx, sizeof *s);
    if (!s) return vt__fail_nomem("solver", sizeof *s);
    atomic_init(&s->refs, 1);
    s->ctx = vt__context_retain(ctx);
    s->schedule = vt__schedule_retain(schedule);
    s->params = setup->params;
    s->dtype = setup->dtype;
    s->seed = setup->seed;
    s->kind = vt__solver_kind_get(s->params.kind);
    vt_status st = VT_OK;
    if (!s->kind) st = vt__fail(VT_ERR_UNSUPPORTED, "solver: kind %d is not here", s->params.kind);
    if (st == VT_OK) st = own_params(s);
    if (st == VT_OK) st = make_grid(s, &setup->grid);
    if (st == VT_OK && s->kind->check) {
        const struct vt__row_class shared = {.level = s->grid.level};
        const struct vt__plan plan = plan_of(s, &shared);
        st = s->kind->check(&plan);
    }
    if (st == VT_OK) return VT_OK;
    vt__solver_release(s);
    *out = NULL;
    return st;
}

vt_solver *vt__solver_retain(vt_solver *s) {
    if (s) atomic_fetch_add(&s->refs, 1);
    return s;
}

void vt__solver_forget(vt_solver *s) {
    for (int32_t i = 0; i < VT__SLOTS; i++) {
        if (i >= VT__Y && i < VT__R) continue; /* the caller's own stay */
        vt__tensor_release(s->slot[i]);
        s->slot[i] = NULL;
    }
    while (s->n_spares) vt__tensor_release(s->spare[--s->n_spares]);
    for (int64_t c = 0; c < s->n_classes; c++) {
        if (s->classes[c].is_own) vt__free(s->ctx, s->classes[c].level);
    }
    vt__free(s->ctx, s->classes);
    vt__free(s->ctx, s->class_of);
    vt__free(s->ctx, s->seeds);
    vt__free(s->ctx, s->route);
    vt__free(s->ctx, s->facts);
    s->classes = NULL, s->class_of = NULL, s->seeds = NULL, s->route = NULL, s->facts = NULL;
    s->n_classes = s->n_rows = 0;
    vt__tensor_release(s->noise);
    vt__tensor_release(s->mask);
    vt__tensor_release(s->known);
    s->noise = s->mask = s->known = NULL;
    s->step = s->since = s->n_evaluated = s->n_drawn = 0;
    s->at = s->n_draws_of_step = 0;
}

void vt__solver_release(vt_solver *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    vt_context *ctx = s->ctx;
    vt__solver_forget(s);
    for (int32_t i = VT__Y; i < VT__R; i++) vt__tensor_release(s->slot[i]);
    vt__grid_free(ctx, &s->grid);
    vt__free(ctx, s->steps);
    vt__free(ctx, s->table);
    vt__schedule_release(s->schedule);
    vt__free(ctx, s);
    vt__context_release(ctx);
}

/* ---- programs ---- */

/* Same operations on the same slots? */
static int is_alike(const struct vt__program *a, const struct vt__program *b) {
    if (a->n != b->n) return 0;
    for (int32_t i = 0; i < a->n; i++) {
        const struct vt__do *x = &a->op[i], *y = &b->op[i];
        if (x->code != y->code || x->slot != y->slot || x->model != y->model || x->extra != y->extra || x->flags != y->flags) return 0;
    }
    return 1;
}

/* The known parts of a picture, at the level where step i ends. */
static void put_paste(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    struct vt__level to = *vt__plan_to(plan, i);
    if (plan->params->denoise_to_zero && i == plan->n_steps - 1) to = vt__schedule_data(plan->schedule);
    vt__put_noise(p, VT__Z + 1, &to, &to);
    p->op[p->n - 1].flags = VT__IS_FIXED;
    struct vt__do *op = vt__put_combine(p, VT__X);
    op->code = VT__DO_PASTE;
    op->from = to.alpha;
    op->to = to.sigma;
}

vt_status vt__solver_compile(vt_solver *s) {
    for (int64_t c = 0; c < s->n_classes; c++) {
        struct vt__row_class *k = &s->classes[c];
        const struct vt__plan plan = plan_of(s, k);
        k->program.n = k->program.is_full = 0;
        vt_status st = s->kind->compile(&plan, s->step, &k->program);
        if (st == VT_OK) st = vt__momentum_apply(&plan, s->step, &k->program);
        if (st == VT_OK) st = vt__program_finish(&plan, s->step, &k->program);
        if (st == VT_OK && s->mask) put_paste(&plan, s->step, &k->program);
        if (st != VT_OK) return st;
        if (k->program.is_full) return vt__fail(VT_ERR_INTERNAL, "solver: step %lld of %s has no program", (long long)s->step, s->kind->name);
        if (!is_alike(&k->program, &s->classes[0].program))
            return vt__fail(VT_ERR_UNSUPPORTED, "solver: step %lld of %s differs between rows in more than its coefficients", (long long)s->step, s->kind->name);
    }
    s->at = s->n_draws_of_step = 0;
    return VT_OK;
}

vt_status vt__solver_tell(vt_solver *s, int32_t point, vt_tensor *tensor) {
    if (!s->hook) return VT_OK;
    const struct vt__solver_event event = {point, s->step, s->n_evaluated, tensor};
    return s->hook(s->hook_inner, s->hook_user, &event);
}

/* To the next evaluation, over ends of steps. */
static vt_status go_on(vt_solver *s) {
    while (s->step < s->grid.n_steps && s->at == s->classes[0].program.n) {
        int is_end = 1;
        vt_status told = s->kind->is_adaptive ? vt__adaptive_decide(s, &is_end) : VT_OK;
        if (told == VT_OK) told = vt__solver_tell(s, VT__HOOK_AFTER_STEP, s->slot[VT__X]);
        if (told != VT_OK) return told;
        s->step += is_end;
        if (s->step == s->grid.n_steps) return VT_OK;
        vt_status st = vt__solver_compile(s);
        if (st == VT_OK) st = vt__solver_run_segment(s, NULL, 0);
        if (st != VT_OK) return st;
    }
    return vt__solver_tell(s, VT__HOOK_BEFORE_EVAL, s->slot[s->classes[0].program.op[s->at].slot]);
}

/* Memory of every slot that some step writes. */
static vt_status reserve(vt_solver *s) {
    int used[VT__SLOTS] = {[VT__X] = 1};
    vt_status st = VT_OK;
    for (s->step = 0; st == VT_OK && s->step < s->grid.n_steps; s->step++) {
        st = vt__solver_compile(s);
        const struct vt__program *p = &s->classes[0].program;
        for (int32_t i = 0; st == VT_OK && i < p->n; i++) {
            const struct vt__do *op = &p->op[i];
            if (op->code == VT__DO_COMBINE || op->code == VT__DO_NOISE || op->code == VT__DO_PUSH) used[op->slot] = 1;
            for (int32_t k = 0; op->code == VT__DO_COMBINE && k < VT__Y; k++) {
                if (op->coef[k] != 0 || op->routed[k] != 0) used[k] = 1;
            }
        }
    }
    s->step = 0;
    for (int32_t i = 0; st == VT_OK && i < VT__Y; i++) {
        if (!used[i]) continue;
        st = vt__tensor_create(s->ctx, &vt__backend_cpu, &s->desc, &s->slot[i]);
        if (st == VT_OK) memset(vt__tensor_to_view(s->slot[i]).data, 0, (size_t)(s->n_rows * s->row_size) * vt__dtype_size(s->dtype)); /* a snapshot has all of it */
    }
    return st;
}

static vt_status prepare(vt_solver *s, const vt_tensor *x, const uint64_t *seeds) {
    s->desc = vt__tensor_desc(x);
    s->desc.dtype = s->dtype;
    s->n_rows = x->shape[0];
    s->row_size = vt__tensor_count(x) / s->n_rows;
    s->seeds = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *s->seeds);
    s->class_of = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *s->class_of);
    s->facts = vt__calloc2(s->ctx, s->n_rows, 4, sizeof *s->facts);
    s->classes = vt__calloc2(s->ctx, 1, 1, sizeof *s->classes);
    if (!s->seeds || !s->class_of || !s->facts || !s->classes) return vt__fail_nomem("solver", (size_t)s->n_rows * sizeof *s->seeds);
    s->n_classes = 1;
    s->classes[0].level = s->grid.level;
    if (s->kind->is_adaptive) {
        s->classes[0].level = vt__calloc2(s->ctx, s->grid.n_levels, 1, sizeof *s->classes[0].level);
        if (!s->classes[0].level) return vt__fail_nomem("solver", 0);
        s->classes[0].is_own = 1;
        memcpy(s->classes[0].level, s->grid.level, (size_t)s->grid.n_levels * sizeof *s->grid.level);
    }
    for (int64_t r = 0; r < s->n_rows; r++) s->seeds[r] = seeds ? seeds[r] : s->seed + (uint64_t)r;
    return reserve(s);
}

vt_status vt__solver_begin(vt_solver *s, vt_tensor *x, const uint64_t *seeds) {
    if (x->dtype != s->dtype) return vt__fail(VT_ERR_DTYPE, "solver: a state of dtype %d, need %d", x->dtype, s->dtype);
    if (x->ndim < 1 || vt__tensor_count(x) < 1) return vt__fail(VT_ERR_SHAPE, "solver: a state must be [rows, ...] and not empty");
    vt__solver_forget(s);
    vt_status st = prepare(s, x, seeds);
    if (st == VT_OK) st = vt__tensor_read(x, s->slot[VT__X]->storage->data, (size_t)vt__tensor_count(x) * vt__dtype_size(s->dtype));
    if (st == VT_OK && s->kind->is_adaptive) st = vt__adaptive_begin(s);
    if (st == VT_OK) st = vt__solver_compile(s);
    if (st == VT_OK) st = vt__solver_run_segment(s, NULL, 0);
    if (st == VT_OK) st = go_on(s);
    if (st != VT_OK) vt__solver_forget(s);
    return st;
}

/* ---- requests ---- */

int vt__solver_is_done(const vt_solver *s) { return s->n_rows > 0 && s->step == s->grid.n_steps; }
vt_tensor *vt__solver_state(const vt_solver *s) { return s->slot[VT__X]; }
int64_t vt__solver_step(const vt_solver *s) { return s->step; }
int64_t vt__solver_evaluations(const vt_solver *s) { return s->n_evaluated; }
const struct vt__grid *vt__solver_grid(const vt_solver *s) { return &s->grid; }

/* A step whose beginning failed (the caller's noise was used up) is begun again. */
static vt_status need_request(vt_solver *s) {
    if (!s->n_rows) return vt__fail(VT_ERR_STATE, "solver: it has not begun");
    if (vt__solver_is_done(s)) return vt__fail(VT_ERR_STATE, "solver: all %lld steps are done", (long long)s->grid.n_steps);
    const struct vt__program *p = &s->classes[0].program;
    if (s->at < p->n && p->op[s->at].code == VT__DO_EVAL) return VT_OK;
    return s->at < p->n ? vt__solver_run_segment(s, NULL, 0) : go_on(s);
}

/* Does guidance need the unconditional prediction, of any row? */
static int asked_twice(const vt_solver *s) {
    for (int64_t c = 0; c < s->n_classes; c++) {
        const struct vt__program *p = &s->classes[c].program;
        if (s->at + 1 < p->n && p->op[s->at + 1].flags & VT__IS_GUIDANCE && p->op[s->at + 1].coef[VT__U] != 0) return 1;
    }
    return 0;
}

vt_status vt__solver_request(vt_solver *s, struct vt__solver_request *out) {
    vt_status st = need_request(s);
    if (st != VT_OK) return st;
    const struct vt__do *op = &s->classes[0].program.op[s->at];
    double *time = s->facts, *alpha = time + s->n_rows, *sigma = alpha + s->n_rows, *lambda = sigma + s->n_rows;
    for (int64_t r = 0; r < s->n_rows; r++) {
        const struct vt__level *l = &s->classes[s->class_of[r]].program.op[s->at].level;
        time[r] = l->time, alpha[r] = l->alpha, sigma[r] = l->sigma, lambda[r] = l->lambda;
    }
    *out = (struct vt__solver_request){s->slot[op->slot], op->extra >= 0 ? s->slot[op->extra] : NULL, time, alpha, sigma, lambda, s->step, s->grid.n_steps,
                                       s->n_evaluated, op->model, asked_twice(s) ? 2 : 1};
    return VT_OK;
}

static vt_status check_answer(const vt_solver *s, const vt_tensor *t) {
    if (!t) return vt__fail(VT_ERR_INVALID, "solver: a prediction is missing");
    if (t->dtype != s->dtype) return vt__fail(VT_ERR_DTYPE, "solver: a prediction of dtype %d, the state has %d", t->dtype, s->dtype);
    if (t->ndim != s->desc.ndim || memcmp(t->shape, s->desc.shape, (size_t)t->ndim * sizeof *t->shape) != 0)
        return vt__fail(VT_ERR_SHAPE, "solver: a prediction must have the state's extents");
    if (!vt__tensor_is_dense(t) || !t->storage || !t->storage->backend->host_readable)
        return vt__fail(VT_ERR_INVALID, "solver: a prediction must be dense and in host memory");
    return VT_OK;
}

vt_status vt__solver_supply(vt_solver *s, vt_tensor *const *predictions, int32_t n) {
    struct vt__solver_request request;
    vt_status st = vt__solver_request(s, &request);
    if (st == VT_OK && n != request.n_predictions) st = vt__fail(VT_ERR_INVALID, "solver: %d predictions, need %d", n, request.n_predictions);
    for (int32_t k = 0; st == VT_OK && k < n; k++) st = check_answer(s, predictions[k]);
    if (st != VT_OK) return st;
    const int32_t at = s->at++;
    st = vt__solver_run_segment(s, predictions, n);
    if (st != VT_OK) {
        s->at = at;
        return st;
    }
    s->n_evaluated++;
    return go_on(s);
}

vt_status vt__solver_set_noise(vt_solver *s, vt_tensor *noise) {
    if (!s->n_rows) return vt__fail(VT_ERR_STATE, "solver: it has not begun");
    if (noise && (noise->dtype != s->dtype || noise->ndim != s->desc.ndim + 1 || !vt__tensor_is_dense(noise) ||
                  memcmp(noise->shape + 1, s->desc.shape, (size_t)s->desc.ndim * sizeof *noise->shape) != 0))
        return vt__fail(VT_ERR_SHAPE, "solver: noise must be [draws, and the state's extents], dense and of the state's type");
    vt__tensor_release(s->noise);
    s->noise = vt__tensor_retain(noise);
    s->n_drawn = 0;
    return VT_OK;
}

vt_status vt__solver_set_hook(vt_solver *s, vt__solver_hook_fn hook, void (*inner)(void), void *user) {
    if (s->n_rows && !vt__solver_is_done(s)) return vt__fail(VT_ERR_STATE, "solver: a hook comes before begin");
    s->hook = hook;
    s->hook_inner = inner;
    s->hook_user = user;
    s->params.is_hooked = hook != NULL;
    return VT_OK;
}

/* Is no evaluation of the present step answered yet? */
static vt_status need_between(vt_solver *s) {
    vt_status st = need_request(s);
    if (st != VT_OK) return st;
    for (int32_t i = 0; i < s->at; i++) {
        if (s->classes[0].program.op[i].code == VT__DO_EVAL) return vt__fail(VT_ERR_STATE, "solver: step %lld is under way", (long long)s->step);
    }
    return VT_OK;
}

static vt_status check_like(const vt_solver *s, const vt_tensor *t, const char *what) {
    if (t->ndim == s->desc.ndim && memcmp(t->shape, s->desc.shape, (size_t)t->ndim * sizeof *t->shape) == 0 && t->dtype == s->dtype) return VT_OK;
    return vt__fail(VT_ERR_SHAPE, "solver: %s must have the state's type and extents", what);
}

vt_status vt__solver_set_state(vt_solver *s, vt_tensor *x, int keep_history) {
    vt_status st = need_between(s);
    if (st == VT_OK) st = check_like(s, x, "another state");
    if (st == VT_OK) st = vt__tensor_read(x, vt__tensor_to_view(s->slot[VT__X]).data, (size_t)vt__tensor_count(x) * vt__dtype_size(s->dtype));
    if (st != VT_OK) return st;
    if (!keep_history) s->since = s->step;
    st = vt__solver_compile(s);
    return st == VT_OK ? vt__solver_run_segment(s, NULL, 0) : st;
}

vt_status vt__solver_set_mask(vt_solver *s, vt_tensor *mask, vt_tensor *known) {
    vt_status st = need_between(s);
    if (st == VT_OK && s->kind->is_adaptive) st = vt__fail(VT_ERR_UNSUPPORTED, "solver: %s has no masks", s->kind->name);
    if (st == VT_OK && mask) st = check_like(s, mask, "a mask");
    if (st == VT_OK && mask) st = check_like(s, known, "a known picture");
    if (st == VT_OK && mask && (!vt__tensor_is_dense(mask) || !vt__tensor_is_dense(known))) st = vt__fail(VT_ERR_INVALID, "solver: mask and picture must be dense");
    if (st != VT_OK) return st;
    vt_tensor *old[2] = {s->mask, s->known};
    const int32_t at = s->at, n_draws = s->n_draws_of_step;
    s->mask = vt__tensor_retain(mask);
    s->known = mask ? vt__tensor_retain(known) : NULL;
    vt__tensor_release(old[0]);
    vt__tensor_release(old[1]);
    st = vt__solver_compile(s);
    s->at = at;
    s->n_draws_of_step = n_draws;
    return st;
}

vt_status vt__solver_set_extra(vt_solver *s, int32_t k, vt_tensor *t) {
    vt_tensor *old = s->slot[VT__Y + k];
    if (t && (t->dtype != s->dtype || !vt__tensor_is_dense(t))) return vt__fail(VT_ERR_DTYPE, "solver: an extra tensor must be dense and of the state's type");
    s->slot[VT__Y + k] = vt__tensor_retain(t);
    vt__tensor_release(old);
    return VT_OK;
}
