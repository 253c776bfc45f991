/* A function of the caller's as distance. */
#include <float.h>
#include <math.h>

#include "core/error.h"
#include "distance/distance_internal.h"

typedef struct callback {
    vt_distance base;
    vt__distance_fn fn;
    void *user;
    double most;    /* a larger magnitude lets sums over all objects overflow */
    int is_storing; /* any number is fine, infinities too: the matrix will judge them */
} callback;

static void set_fault(vt__fault *fault, vt_status status, int64_t i, int64_t j, double value) {
    int free_to_set = VT_OK;
    if (!atomic_compare_exchange_strong(&fault->claimed, &free_to_set, 1)) return;
    fault->row = i;
    fault->column = j;
    fault->value = value;
    atomic_store(&fault->status, status);
}

/* D(i, j), of a symmetric function always asked for with the larger object first. 1: it could not be had. */
static int ask(const callback *d, vt__fault *fault, int64_t i, int64_t j, double *out) {
    double v = 0.0;
    vt_status st = VT_OK;

    if (d->base.is_symmetric && i < j) {
        int64_t smaller = i;
        i = j;
        j = smaller;
    }
    if (i != j) st = d->fn(d->user, i, j, &v);
    if (st == VT_OK && !(fabs(v) <= d->most) && !(d->is_storing && v > -(double)INFINITY)) st = VT_ERR_NUMERIC;
    if (st != VT_OK) set_fault(fault, st, i, j, v);
    *out = v;
    return st != VT_OK;
}

static int is_stopped(const vt__fault *fault) { return atomic_load_explicit(&fault->status, memory_order_relaxed) != VT_OK; }

static void load(const vt__load *load, int64_t first, int64_t last) {
    const callback *d = (const callback *)(const void *)load->distance;
    for (int64_t i = 0; i < load->n; i++) {
        double *out = (double *)load->out + i * load->ld;
        int64_t object = load->objects[i];
        for (int64_t o = first; o < last; o++)
            if (is_stopped(load->fault) || ask(d, load->fault, load->by_rows ? object : o, load->by_rows ? o : object, &out[o])) return;
    }
}

static void block(const vt_distance *distance, const vt__block *b) {
    const callback *d = (const callback *)(const void *)distance;
    int is_diagonal = distance->is_symmetric && !b->rows && !b->columns && b->first_row == b->first_column && b->n_rows == b->n_columns;

    for (int64_t r = 0; r < b->n_rows; r++) {
        double *out = (double *)b->out + r * b->ld;
        int64_t i = vt__object(b->rows, b->first_row, r);
        for (int64_t c = 0; c < (is_diagonal ? r + 1 : b->n_columns); c++) {
            if (is_stopped(b->fault) || ask(d, b->fault, i, vt__object(b->columns, b->first_column, c), &out[c])) return;
            if (is_diagonal) ((double *)b->out)[c * b->ld + r] = out[c];
        }
    }
}

static const vt__distance_kind kind = {.load = load, .block = block};

vt_status vt__distance_from_callback(vt_context *ctx, int64_t n, vt__distance_fn fn, void *user, int is_symmetric, int is_thread_safe, int store, vt_distance **out) {
    callback *d = vt__distance_new(ctx, &kind, sizeof *d, n, VT__DISTANCE_F64);

    *out = NULL;
    if (!d) return VT_ERR_NOMEM;
    d->base.is_symmetric = is_symmetric;
    d->base.is_serial = !is_thread_safe;
    d->fn = fn;
    d->user = user;
    d->most = DBL_MAX / 2.0 / (double)n;
    d->is_storing = store;
    *out = &d->base;
    return store ? vt__distance_store(*out, out) : VT_OK;
}
