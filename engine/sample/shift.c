#include "sample/shift.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "sample/families.h"
#include "sample/solver_internal.h"

/* ---- classes of rows ---- */

/* Classes that rows are sorted into: an old class with a role and a level in place of its own. */
struct sorting {
    struct vt__row_class *classes;
    int32_t *class_of, *from; /* from: the old class of each */
    int64_t n;
    int64_t index; /* of the level that changes */
    const struct vt__level *levels; /* [n_rows]; NULL: levels stay */
    const int32_t *roles;           /* [n_rows]; NULL: roles stay */
};

static void give_up(vt_solver *s, struct sorting *to) {
    for (int64_t c = 0; to->classes && c < to->n; c++) {
        if (to->classes[c].is_own) vt__free(s->ctx, to->classes[c].level);
    }
    vt__free(s->ctx, to->classes);
    vt__free(s->ctx, to->class_of);
    vt__free(s->ctx, to->from);
    to->from = NULL;
}

static vt_status class_for(vt_solver *s, struct sorting *to, int64_t row) {
    const struct vt__row_class *old = &s->classes[s->class_of[row]];
    const struct vt__level *level = to->levels ? &to->levels[row] : &old->level[to->index];
    const int32_t role = to->roles ? to->roles[row] : old->role;
    const size_t size = (size_t)s->grid.n_levels * sizeof *level;
    for (int64_t c = 0; c < to->n; c++) {
        if (to->from[c] != s->class_of[row] || to->classes[c].role != role || memcmp(&to->classes[c].level[to->index], level, sizeof *level) != 0) continue;
        to->class_of[row] = (int32_t)c;
        return VT_OK;
    }
    struct vt__row_class *fresh = &to->classes[to->n];
    fresh->level = vt__alloc(s->ctx, size);
    if (!fresh->level) return vt__fail_nomem("solver", size);
    memcpy(fresh->level, old->level, size);
    fresh->level[to->index] = *level;
    fresh->role = role;
    fresh->is_own = 1;
    to->from[to->n] = s->class_of[row];
    to->class_of[row] = (int32_t)to->n++;
    return VT_OK;
}

/* Sorts the rows anew and compiles the present step for the classes that they make. On failure all is as before. */
static vt_status sort_rows(vt_solver *s, struct sorting *to) {
    struct sorting old = {.classes = s->classes, .class_of = s->class_of, .n = s->n_classes};
    vt_status st = VT_OK;
    to->classes = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *to->classes);
    to->class_of = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *to->class_of);
    to->from = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *to->from);
    if (!to->from || !to->classes || !to->class_of) st = vt__fail_nomem("solver", (size_t)s->n_rows * sizeof *to->classes);
    for (int64_t r = 0; st == VT_OK && r < s->n_rows; r++) st = class_for(s, to, r);
    if (st == VT_OK) {
        s->classes = to->classes, s->class_of = to->class_of, s->n_classes = to->n;
        st = vt__solver_compile(s);
    }
    if (st != VT_OK) {
        s->classes = old.classes, s->class_of = old.class_of, s->n_classes = old.n;
        give_up(s, to);
        return st;
    }
    vt__free(s->ctx, to->from);
    give_up(s, &old);
    return VT_OK;
}

static vt_status check_still(const vt_solver *s, int32_t which) {
    if (which < 0 || which > 1) return vt__fail(VT_ERR_INVALID, "solver: a step has a beginning (0) and an end (1), not %d", (int)which);
    if (!s->n_rows || s->step >= s->grid.n_steps) return vt__fail(VT_ERR_STATE, "solver: no step is waiting");
    if (s->at != 0) return vt__fail(VT_ERR_STATE, "solver: step %lld has begun; its levels stay", (long long)s->step);
    if (s->classes[0].program.op[0].code != VT__DO_EVAL || s->grid.n_levels != s->grid.n_steps + 1)
        return vt__fail(VT_ERR_UNSUPPORTED, "solver: rows of '%s' cannot have levels of their own", s->kind->name);
    return VT_OK;
}

static vt_status set_levels(vt_solver *s, int32_t which, const struct vt__level *levels) {
    struct sorting to = {.index = s->step + which, .levels = levels};
    return sort_rows(s, &to);
}

vt_status vt__solver_set_route(vt_solver *s, const int32_t *role, const int64_t *route) {
    struct sorting to = {.roles = role};
    int64_t *own = NULL;
    vt_status st = check_still(s, 0);
    for (int64_t r = 0; st == VT_OK && r < s->n_rows; r++) {
        if (route[r] < 0 || route[r] >= s->n_rows) st = vt__fail(VT_ERR_INVALID, "solver: row %lld has the partner %lld of %lld rows", (long long)r, (long long)route[r], (long long)s->n_rows);
        if (st == VT_OK && (role[r] < 0 || role[r] >= VT__ROLE_N)) st = vt__fail(VT_ERR_INVALID, "solver: row %lld has role %d", (long long)r, (int)role[r]);
    }
    if (st != VT_OK) return st;
    own = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *own);
    if (!own) return vt__fail_nomem("solver", (size_t)s->n_rows * sizeof *own);
    memcpy(own, route, (size_t)s->n_rows * sizeof *own);
    st = sort_rows(s, &to);
    if (st != VT_OK) {
        vt__free(s->ctx, own);
        return st;
    }
    vt__free(s->ctx, s->route);
    s->route = own;
    return VT_OK;
}

vt_status vt__solver_set_times(vt_solver *s, int32_t which, const double *times) {
    vt_status st = check_still(s, which);
    if (st != VT_OK) return st;
    struct vt__level *levels = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *levels);
    if (!levels) return vt__fail_nomem("solver", (size_t)s->n_rows * sizeof *levels);
    for (int64_t r = 0; st == VT_OK && r < s->n_rows; r++) st = vt__schedule_level(s->schedule, times[r], &levels[r]);
    if (st == VT_OK) st = set_levels(s, which, levels);
    vt__free(s->ctx, levels);
    return st;
}

vt_status vt__solver_reset_times(vt_solver *s, int32_t which) {
    vt_status st = check_still(s, which);
    if (st != VT_OK) return st;
    struct vt__level *levels = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *levels);
    if (!levels) return vt__fail_nomem("solver", (size_t)s->n_rows * sizeof *levels);
    for (int64_t r = 0; r < s->n_rows; r++) levels[r] = s->grid.level[s->step + which];
    st = set_levels(s, which, levels);
    vt__free(s->ctx, levels);
    return st;
}

/* ---- time shift ---- */

struct measuring {
    const vt_solver *s;
    double *out;
};

static double element(const vt_solver *s, int64_t i) {
    const vt_tensor *x = s->slot[VT__X];
    const void *data = (const char *)x->storage->data + (size_t)x->offset * vt__dtype_size(x->dtype);
    return s->dtype == VT_DTYPE_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void measure_row(void *user, int64_t row) {
    const struct measuring *m = user;
    const int64_t n = m->s->row_size, first = row * n;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) sum += element(m->s, first + i);
    const double mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double d = element(m->s, first + i) - mean;
        squares += d * d;
    }
    m->out[row] = squares / (double)(n - 1);
}

vt_status vt__solver_variances(const vt_solver *s, double *out) {
    if (!s->n_rows) return vt__fail(VT_ERR_STATE, "solver: it has not begun");
    if (s->row_size < 2) return vt__fail(VT_ERR_SHAPE, "solver: a row of one element has no variance");
    vt__parallel(s->ctx, s->n_rows, measure_row, &(struct measuring){s, out});
    return VT_OK;
}

/* Variance of a state at a time. */
static vt_status variance_at(const vt_schedule *schedule, const struct vt__time_shift *o, double t, double *out) {
    struct vt__level l;
    vt_status st = vt__schedule_level(schedule, t, &l);
    *out = l.sigma * l.sigma + l.alpha * l.alpha * o->data_variance;
    return st;
}

static vt_status match_index(const vt_schedule *schedule, const struct vt__time_shift *o, double variance, double nominal, double *out) {
    const double half = floor(o->window / 2), last = (double)vt__schedule_params_of(schedule)->n - 1;
    double best = INFINITY;
    for (double t = fmax(ceil(nominal - half), 0); t <= fmin(nominal + half, last); t++) {
        double at;
        vt_status st = variance_at(schedule, o, t, &at);
        if (st != VT_OK) return st;
        if (fabs(variance - at) < best) best = fabs(variance - at), *out = t;
    }
    return VT_OK;
}

/* The variance is monotone in time: the window is halved. */
static vt_status match_time(const vt_schedule *schedule, const struct vt__time_shift *o, double variance, double nominal, double *out) {
    double noisy, clean, at[2];
    vt__schedule_ends(schedule, &noisy, &clean);
    double low = fmax(nominal - o->window / 2, fmin(noisy, clean)), high = fmin(nominal + o->window / 2, fmax(noisy, clean));
    vt_status st = variance_at(schedule, o, low, &at[0]);
    if (st == VT_OK) st = variance_at(schedule, o, high, &at[1]);
    const int rises = at[1] >= at[0];
    if (st == VT_OK && (variance <= fmin(at[0], at[1]) || variance >= fmax(at[0], at[1]))) {
        *out = (variance <= at[0]) == rises ? low : high;
        return VT_OK;
    }
    for (int32_t k = 0; st == VT_OK && k < 60; k++) {
        const double middle = (low + high) / 2;
        st = variance_at(schedule, o, middle, &at[0]);
        if ((at[0] < variance) == rises) low = middle;
        else high = middle;
    }
    *out = (low + high) / 2;
    return st;
}

vt_status vt__time_shift_match(const vt_schedule *schedule, const struct vt__time_shift *o, double variance, double nominal, double *out) {
    *out = nominal;
    if (nominal <= o->cutoff || o->window <= 0) return VT_OK;
    return vt__schedule_is_discrete(schedule) ? match_index(schedule, o, variance, nominal, out) : match_time(schedule, o, variance, nominal, out);
}

/* Where each row goes: [n_rows] in time, which holds the variances before. */
static vt_status choose(const vt_solver *s, const struct vt__time_shift *o, int32_t which, double *time) {
    const double nominal = s->grid.level[s->step + which].t;
    vt_status st = vt__solver_variances(s, time);
    for (int64_t r = 0; st == VT_OK && r < s->n_rows; r++) st = vt__time_shift_match(s->schedule, o, time[r], nominal, &time[r]);
    return st;
}

vt_status vt__solver_time_shift(vt_solver *s, const struct vt__time_shift *o, double *out) {
    const int32_t which = o->is_target ? 1 : 0;
    vt_status st = check_still(s, which);
    if (st != VT_OK) return st;
    if (!(o->window >= 0) || !isfinite(o->cutoff) || !(o->data_variance >= 0))
        return vt__fail(VT_ERR_INVALID, "solver: a time shift with window %g, cutoff %g, variance of data %g", o->window, o->cutoff, o->data_variance);
    double *time = vt__calloc2(s->ctx, s->n_rows, 1, sizeof *time);
    if (!time) return vt__fail_nomem("solver", (size_t)s->n_rows * sizeof *time);
    if (o->is_target && s->step > 0) st = vt__solver_reset_times(s, 0); /* the step before ended somewhere else, but this one begins where the grid has it */
    if (s->step == 0 || s->grid.level[s->step + which].t <= o->cutoff || o->window == 0) { /* the grid's own levels, which may be none of the schedule's */
        for (int64_t r = 0; r < s->n_rows; r++) time[r] = s->grid.level[s->step + which].t;
    } else {
        if (st == VT_OK) st = choose(s, o, which, time);
        if (st == VT_OK) st = vt__solver_set_times(s, which, time);
    }
    if (st == VT_OK && out) memcpy(out, time, (size_t)s->n_rows * sizeof *out);
    vt__free(s->ctx, time);
    return st;
}
