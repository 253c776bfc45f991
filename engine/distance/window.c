#include "distance/window.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/distance_internal.h"

/* Rows are read from memory once for all columns of a load: many columns save more than what is lost when they leave the caches before they are
 * walked over (100,000 x 64 float32: 15 s for all columns by 8, 8 s by 32, 7 s by 64). CHUNK: objects of one piece of parallel work. */
enum { MAX_BYTES = 1 << 25, MIN_CAPACITY = 16, MAX_CAPACITY = 64, CHUNK = 512 };

/* Rows lie in memory as they are wanted. */
static int has_views(const vt_distance *d) { return d->kind->row && d->far == 0.0 && !d->has_diagonal; }

static int64_t column_stride(const vt_distance *d) {
    int64_t grains = (d->n + VT__LOAD_GRAIN - 1) / VT__LOAD_GRAIN;
    return (grains | 1) * VT__LOAD_GRAIN; /* odd: columns do not fall on the same lines of a cache */
}

static int64_t good_capacity(const vt_distance *d) {
    int64_t fit = MAX_CAPACITY;
    while (fit > MIN_CAPACITY && fit * (int64_t)vt__distance_size(d) * d->n > MAX_BYTES) fit--;
    while (fit > 8 && d->kind->load_scratch && d->kind->load_scratch(d, fit) > MAX_BYTES) fit -= 8;
    return fit;
}

vt_status vt__window_init(vt__window *w, const vt_distance *distance, int64_t capacity) {
    vt_context *ctx = distance->ctx;
    size_t size = vt__distance_size(distance), scratch = 0;

    *w = (vt__window){.distance = distance, .capacity = capacity > 0 ? capacity : good_capacity(distance)};
    w->columns = vt__calloc2(ctx, w->capacity, 1, sizeof *w->columns);
    if (!w->columns) return vt__fail_nomem("distance: window", (size_t)w->capacity * sizeof *w->columns);
    if (vt__window_would_be_view(distance)) return VT_OK;
    if (distance->kind->load_scratch) scratch = distance->kind->load_scratch(distance, w->capacity);
    w->buffer = vt__alloc64_2(ctx, w->capacity, column_stride(distance), size);
    w->scratch = scratch ? vt__alloc64(ctx, scratch) : NULL;
    if (w->scratch) memset(w->scratch, 0, scratch);
    if (w->buffer && (w->scratch || !scratch)) return VT_OK;
    vt__window_free(w);
    return vt__fail_nomem("distance: window", 0);
}

void vt__window_free(vt__window *w) {
    if (!w->distance) return;
    vt__free(w->distance->ctx, w->columns);
    vt__free(w->distance->ctx, w->buffer);
    vt__free(w->distance->ctx, w->scratch);
    *w = (vt__window){0};
}

int vt__window_is_view(const vt__window *w) { return !w->buffer; }
int vt__window_would_be_view(const vt_distance *distance) { return has_views(distance) && distance->is_symmetric; }
const void *vt__window_view(const vt_distance *distance, int64_t object) { return distance->kind->row(distance, object); }

static void load_chunk(void *user, int64_t chunk) {
    const vt__load *load = user;
    const vt_distance *d = load->distance;
    int64_t first = chunk * CHUNK, last = first + CHUNK < d->n ? first + CHUNK : d->n;
    size_t size = vt__distance_size(d);

    if (atomic_load_explicit(&load->fault->status, memory_order_relaxed) != VT_OK) return;
    d->kind->load(load, first, last);
    for (int64_t i = 0; d->far != 0.0 && i < load->n; i++)
        vt__distance_replace_infinity(d, (char *)load->out + (size_t)(i * load->ld + first) * size, last - first);
    for (int64_t i = 0; d->has_diagonal && i < load->n; i++)
        if (load->objects[i] >= first && load->objects[i] < last) memset((char *)load->out + (size_t)(i * load->ld + load->objects[i]) * size, 0, size);
}

static vt_status load_columns(vt__window *w, const int64_t *objects, int64_t n, int by_rows) {
    const vt_distance *d = w->distance;
    vt__fault fault = {.status = VT_OK};
    vt__load load = {.distance = d, .objects = objects, .n = n, .capacity = w->capacity, .by_rows = by_rows, .scratch = w->scratch,
                     .out = w->buffer, .ld = column_stride(d), .fault = &fault};
    int64_t n_chunks = (d->n + CHUNK - 1) / CHUNK;

    if ((by_rows || d->is_symmetric) && has_views(d)) {
        for (int64_t i = 0; i < n; i++) w->columns[i] = d->kind->row(d, objects[i]);
        return VT_OK;
    }
    if (d->kind->prepare) d->kind->prepare(&load);
    if (d->is_serial) {
        for (int64_t i = 0; i < n_chunks; i++) load_chunk(&load, i);
    } else {
        vt__parallel(d->ctx, n_chunks, load_chunk, &load);
    }
    for (int64_t i = 0; i < n; i++) w->columns[i] = (char *)w->buffer + (size_t)(i * load.ld) * vt__distance_size(d);
    return vt__fault_report(&fault);
}

vt_status vt__window_load(vt__window *w, const int64_t *objects, int64_t n) { return load_columns(w, objects, n, 0); }
vt_status vt__window_load_rows(vt__window *w, const int64_t *objects, int64_t n) { return load_columns(w, objects, n, 1); }
