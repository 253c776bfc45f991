#include "distance/panels.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"

static const vt__panels *panels_of(const vt_distance *distance) { return (const vt__panels *)(const void *)distance; }

static char *panel_at(const vt__panels *p, int64_t object) { return (char *)p->data + (size_t)(object / VTK_PANEL * p->depth * VTK_PANEL) * p->size; }

static void destroy(vt_distance *distance) { vt__free(distance->ctx, ((vt__panels *)(void *)distance)->data); }

/* n elements, `from_step` and `to_step` elements apart. */
static void copy_elements(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n, size_t size) {
    if (size == 4)
        for (int64_t k = 0; k < n; k++) memcpy(to + 4 * k * to_step, from + 4 * k * from_step, 4);
    else
        for (int64_t k = 0; k < n; k++) memcpy(to + 8 * k * to_step, from + 8 * k * from_step, 8);
}

/* One object's elements, next to each other. */
static void take_out(const vt__panels *p, int64_t object, char *to) {
    copy_elements(to, 1, panel_at(p, object) + (size_t)(object % VTK_PANEL) * p->size, VTK_PANEL, p->depth, p->size);
}

static size_t row_size(const vt__panels *p) { return (size_t)p->depth * p->size; }

static size_t load_scratch(const vt_distance *distance, int64_t n) { return (size_t)n * row_size(panels_of(distance)); }

static void prepare(const vt__load *load) {
    const vt__panels *p = panels_of(load->distance);
    for (int64_t i = 0; i < load->n; i++) take_out(p, load->objects[i], (char *)load->scratch + (size_t)i * row_size(p));
}

static void load(const vt__load *load, int64_t first, int64_t last) {
    const vt__panels *p = panels_of(load->distance);
    vtk_distance k = {.out = (char *)load->out + (size_t)first * vt__distance_size(load->distance), .ld = load->ld, .panels = panel_at(p, first),
                      .n_panels = (last - first + VTK_PANEL - 1) / VTK_PANEL, .centres = load->scratch, .n_centres = load->n, .dim = p->depth};
    p->kernel(&k);
}

/* Scratch of a block: rows taken out, panels of listed objects, a tile of distances. */
enum { TILE_SIZE = VT__BLOCK * VT__BLOCK * 8 };

static size_t block_scratch(const vt_distance *distance) { return TILE_SIZE + 2 * (size_t)VT__BLOCK * row_size(panels_of(distance)); }

/* The lanes of a block: panels as they are, or listed objects put into panels; VT__BLOCK divides `first`. */
static const char *lanes_of(const vt__panels *p, const int64_t *list, int64_t first, int64_t n, char *scratch) {
    if (!list) return panel_at(p, first);
    memset(scratch, 0, (size_t)VT__BLOCK * row_size(p));
    for (int64_t i = 0; i < n; i++)
        copy_elements(scratch + (size_t)(i / VTK_PANEL * VTK_PANEL) * row_size(p) + (size_t)(i % VTK_PANEL) * p->size, VTK_PANEL,
                      panel_at(p, list[i]) + (size_t)(list[i] % VTK_PANEL) * p->size, VTK_PANEL, p->depth, p->size);
    return scratch;
}

static void centres_of(const vt__panels *p, const vt__block *b, const int64_t *list, int64_t first, int64_t n, char *to) {
    for (int64_t i = 0; i < n; i++) {
        if (b->foreign) p->import(p, b->foreign, b->foreign_stride, first + i, to + (size_t)i * row_size(p));
        else take_out(p, vt__object(list, first, i), to + (size_t)i * row_size(p));
    }
}

/* Lanes are objects that lie side by side where one of the two lists is not there: taking rows out and putting them into panels costs as much as
 * a few distances each. */
static void block(const vt_distance *distance, const vt__block *b) {
    const vt__panels *p = panels_of(distance);
    size_t size = vt__distance_size(distance);
    char *tile = b->scratch, *centres = tile + TILE_SIZE, *packed = centres + (size_t)VT__BLOCK * row_size(p);
    int turned = !b->foreign && !b->rows && b->columns;
    int64_t n_lanes = turned ? b->n_rows : b->n_columns, n_centres = turned ? b->n_columns : b->n_rows;
    vtk_distance k = {.out = tile, .ld = VT__BLOCK, .n_panels = (n_lanes + VTK_PANEL - 1) / VTK_PANEL, .centres = centres, .n_centres = n_centres, .dim = p->depth};

    k.panels = turned ? lanes_of(p, NULL, b->first_row, n_lanes, packed) : lanes_of(p, b->columns, b->first_column, n_lanes, packed);
    if (turned) centres_of(p, b, b->columns, 0, n_centres, centres);
    else centres_of(p, b, b->rows, b->first_row, n_centres, centres);
    p->kernel(&k);
    for (int64_t r = 0; r < b->n_rows; r++) {
        char *to = (char *)b->out + (size_t)(r * b->ld) * size;
        if (turned) copy_elements(to, 1, tile + (size_t)r * size, VT__BLOCK, b->n_columns, size);
        else memcpy(to, tile + (size_t)(r * VT__BLOCK) * size, (size_t)b->n_columns * size);
    }
}

static const vt__distance_kind kind = {.destroy = destroy, .load_scratch = load_scratch, .prepare = prepare, .load = load,
                                       .block_scratch = block_scratch, .block = block};

const vt__panels *vt__panels_of(const vt_distance *distance) { return distance->kind == &kind ? panels_of(distance) : NULL; }

vt__panels *vt__panels_new(vt_context *ctx, int type, int64_t n, int64_t dim, int64_t depth, size_t size, int32_t metric) {
    vt__panels *p = vt__distance_new(ctx, &kind, sizeof *p, n, type);
    if (!p) return NULL;
    p->base.is_symmetric = 1;
    p->dim = dim;
    p->depth = depth;
    p->size = size;
    p->metric = metric;
    return p;
}

typedef struct filling {
    const vt__panels *p;
    const void *data;
    int64_t stride, n_panels, n_parts;
    char *rows; /* [n_parts, depth] */
} filling;

static void fill_part(void *user, int64_t part) {
    const filling *f = user;
    const vt__panels *p = f->p;
    char *one = f->rows + (size_t)part * row_size(p);
    int64_t first, last;

    vt__chunk_range(f->n_panels, 1, f->n_parts, part, &first, &last);
    for (int64_t i = first * VTK_PANEL; i < last * VTK_PANEL; i++) {
        char *to = panel_at(p, i) + (size_t)(i % VTK_PANEL) * p->size;
        if (i < p->base.n) p->import(p, f->data, f->stride, i, one);
        else memset(one, 0, row_size(p));
        copy_elements(to, VTK_PANEL, one, 1, p->depth, p->size);
    }
}

vt_status vt__panels_fill(vt__panels *p, const void *data, int64_t stride) {
    vt_context *ctx = p->base.ctx;
    filling f = {.p = p, .data = data, .stride = stride, .n_panels = (p->base.n + VTK_PANEL - 1) / VTK_PANEL};

    f.n_parts = f.n_panels < 16 ? f.n_panels : 16;
    p->data = vt__alloc64_2(ctx, f.n_panels * VTK_PANEL, p->depth, p->size);
    f.rows = vt__alloc64_2(ctx, f.n_parts, p->depth, p->size);
    if (!p->data || !f.rows) {
        vt__free(ctx, f.rows);
        return vt__fail_nomem("distance: rows", 0);
    }
    vt__parallel(ctx, f.n_parts, fill_part, &f);
    vt__free(ctx, f.rows);
    return VT_OK;
}
