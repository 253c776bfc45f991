#include "sample/history.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* ---- the window ---- */

vt_status vt__history_widen(vt_context *ctx, vt__history *h, int64_t window) {
    if (window <= h->window) return VT_OK;
    int32_t *ids = vt__calloc2(ctx, window, 2, sizeof *ids);
    if (!ids) return vt__fail_nomem("sampler", (size_t)window * 2 * sizeof *ids);
    if (h->len > 0) memcpy(ids, h->ids, (size_t)h->len * sizeof *ids);
    vt__free(ctx, h->ids);
    h->ids = ids;
    h->window = window;
    return VT_OK;
}

void vt__history_add(vt__history *h, int32_t id) {
    if (h->window == 0) return;
    if (h->len == 2 * h->window) {
        memmove(h->ids, h->ids + h->window, (size_t)h->window * sizeof *h->ids);
        h->len = h->window;
    }
    h->ids[h->len++] = id;
}

/* The last at most `most` tokens. */
static const int32_t *last_of(const vt__history *h, int64_t most, int64_t *n) {
    *n = h->len < most ? h->len : most;
    return h->ids + (h->len - *n);
}

/* ---- tallies ---- */

vt_status vt__tally_init(vt_context *ctx, vt__tally *t, int64_t most) {
    int64_t n = 4;
    while (n < 2 * most) n *= 2;
    t->slots = vt__calloc2(ctx, n, 1, sizeof *t->slots);
    if (!t->slots) return vt__fail_nomem("sampler", (size_t)n * sizeof *t->slots);
    t->n_slots = n;
    return VT_OK;
}

static void clear(vt__tally *t) { memset(t->slots, 0xFF, (size_t)t->n_slots * sizeof *t->slots); }

/* The id's slot, or the free one where it would be. */
static struct vt__tally_slot *slot_of(const vt__tally *t, int32_t id) {
    int64_t i = (int64_t)((uint32_t)id * 2654435761u) & (t->n_slots - 1);
    while (t->slots[i].id >= 0 && t->slots[i].id != id) i = (i + 1) & (t->n_slots - 1);
    return &t->slots[i];
}

static struct vt__tally_slot *enter(vt__tally *t, int32_t id) {
    struct vt__tally_slot *s = slot_of(t, id);
    if (s->id < 0) *s = (struct vt__tally_slot){id, 0};
    return s;
}

static float bounded(double x) { return x > (double)FLT_MAX ? FLT_MAX : x < -(double)FLT_MAX ? -FLT_MAX : (float)x; }

typedef float (*change_fn)(const void *how, float logit, int32_t value);

/* Changes the logit of each candidate that is in the tally. */
static void change_all(const vt__tally *t, vt__candidates *c, change_fn change, const void *how) {
    if (c->row) {
        for (int64_t i = 0; i < t->n_slots; i++) {
            struct vt__tally_slot s = t->slots[i];
            if (s.id >= 0 && s.id < c->n && c->own[s.id] >= -FLT_MAX) c->own[s.id] = change(how, c->own[s.id], s.value);
        }
        return;
    }
    for (int64_t i = 0; i < c->n; i++) {
        const struct vt__tally_slot *s = slot_of(t, c->set[i].id);
        if (s->id >= 0) c->set[i].logit = change(how, c->set[i].logit, s->value);
    }
    c->sorted = 0;
}

/* ---- penalties ---- */

static float penalised(const void *how, float logit, int32_t count) {
    const vt__penalties *p = how;
    float x = logit > 0 ? bounded((double)logit / p->repeat) : bounded((double)logit * p->repeat);
    return bounded((double)x - ((double)count * p->frequency + p->presence));
}

void vt__history_penalise(const vt__history *h, int64_t last_n, const vt__penalties *p, vt__tally *tally, vt__candidates *c) {
    int64_t n;
    const int32_t *ids = last_of(h, last_n, &n);
    clear(tally);
    for (int64_t i = 0; i < n; i++) enter(tally, ids[i])->value++;
    if (n > 0) change_all(tally, c, penalised, p);
}

/* ---- repetitions ---- */

static int is_breaker(const vt__dry *d, int32_t id) {
    for (int64_t i = 0; i < d->n_breakers; i++)
        if (d->breakers[i] == id) return 1;
    return 0;
}

static float repeated(const void *how, float logit, int32_t length) {
    const vt__dry *d = how;
    return bounded((double)logit - d->multiplier * pow(d->base, (double)(length - d->allowed_length)));
}

/* z[i], i >= 1: how many tokens before the end equal those before position n - i, at most `limit` counted. The Z function of the reversed text. */
static void match_lengths(const int32_t *ids, int64_t n, int64_t limit, int32_t *z) {
    const int32_t *last = ids + n - 1; /* last[-i] is token i of the reversed text */
    for (int64_t i = 1, left = 0, right = 0; i < n; i++) {
        int64_t k = i < right ? (z[i - left] < right - i ? z[i - left] : right - i) : 0;
        while (i + k < n && last[-k] == last[-(i + k)]) k++;
        z[i] = (int32_t)k;
        if (i + k > right) left = i, right = i + k;
    }
    for (int64_t i = 1; i < n; i++)
        if (z[i] > limit) z[i] = (int32_t)limit;
}

void vt__history_dry(const vt__history *h, int64_t last_n, const vt__dry *d, vt__tally *tally, vt__candidates *c) {
    int64_t n, limit = 0;
    const int32_t *ids = last_of(h, last_n, &n);
    while (limit < n && !is_breaker(d, ids[n - 1 - limit])) limit++;
    if (limit < d->allowed_length || n < 2) return;
    clear(tally);
    match_lengths(ids, n, limit, d->z);
    for (int64_t i = 1; i < n; i++) {
        int32_t next = ids[n - i];
        if (d->z[i] < d->allowed_length || is_breaker(d, next)) continue;
        struct vt__tally_slot *s = enter(tally, next);
        if (d->z[i] > s->value) s->value = d->z[i];
    }
    change_all(tally, c, repeated, d);
}
