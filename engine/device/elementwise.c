/* Runners of elementwise operations: a kernel over rows of elements of the type that is computed in. Where memory has that type and lies in a row the
 * kernel reads and writes it in place, repeated elements are read once; everything else goes through blocks of elements in the first cache. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/pool.h"
#include "device/block.h"
#include "device/device.h"
#include "vtk.h"
#include "vtk_map.h"

enum {
    MAX_IN = 3,
    LONG_ROW = 256,       /* from so many elements on a kernel's call is paid for by a row */
    CHUNK = 16,           /* blocks that a thread takes at a time */
    STREAM_CHUNK = 64,    /* the same of outputs that go past the caches: their end is waited for */
    FETCHED = 4096,       /* bytes of the inputs of a piece that is computed, then written past the caches, while the next is fetched */
    ALONE = 32768,        /* elements below which waking a thread costs more than it does */
    TILE_ROWS = 32,        /* of an operand that lies across */
    TILE_COLUMNS = 128,
    TILE_LEAST = 8         /* rows from which on tiles are worth it */
};

struct operand {
    struct vt__view v;
    int32_t type;   /* of the row that the kernel sees */
    int32_t period; /* 0, or the elements after which it repeats */
    int32_t is_across; /* neighbours in memory are neighbours along the last dimension but one */
};

struct job {
    vtk_map_fn fn;   /* NULL: the only input's row is the output */
    vtk_map_fn past; /* the same past the caches, NULL if there is none */
    double p[2];
    struct operand out, in[MAX_IN];
    int64_t count, block; /* block: elements of a piece that goes through buffers */
    int64_t piece;        /* elements of a piece of an output that is computed in the cache and then goes past it; 0 if it does not */
    int32_t n_in, is_direct, is_tiled, is_past; /* past: an output goes past the caches, by fn itself or in pieces */
};

struct buffers {
    _Alignas(64) char row[MAX_IN + 1][VT__BLOCK * VT__WIDEST];
    _Alignas(64) char raw[VT__BLOCK * VT__WIDEST];
};

static char *address(const struct vt__view *v, int64_t offset) { return (char *)v->data + offset * (int64_t)vt__dtype_size(v->dtype); }

/* m elements along the last dimension from an offset on. Answers where they are, and the step of the kernel. */
static const void *fetch(const struct operand *o, int64_t offset, int64_t m, char *row, char *raw, int32_t may_repeat, int64_t *step) {
    const struct vtk_map *map = vtk_get()->map;
    const char *p = address(&o->v, offset);
    int64_t stride = o->v.strides[o->v.ndim - 1];
    int class = vt__size_class(o->v.dtype);
    *step = stride != 0 || !may_repeat;
    if (stride == 0 && may_repeat) m = 1;
    if (o->v.dtype == o->type) {
        if (stride == 1 || m == 1) return p;
        if (stride == 0) map->fill[class](row, p, m);
        else map->gather[class](row, p, stride, m);
        return row;
    }
    if (stride != 1 && m > 1) {
        map->gather[class](raw, p, stride, m);
        p = raw;
    }
    vt__convert(o->type, row, o->v.dtype, p, m);
    return row;
}

static void put(const struct job *job, int64_t offset, int64_t m, const void *values, char *raw) {
    const struct vtk_map *map = vtk_get()->map;
    const struct vt__view *v = &job->out.v;
    int64_t stride = v->strides[v->ndim - 1];
    char *p = address(v, offset);
    if (stride == 1 && job->piece) {
        if (v->dtype != job->out.type) vt__convert(v->dtype, raw, job->out.type, values, m), values = raw;
        map->stream(p, values, (size_t)m * vt__dtype_size(v->dtype));
    } else if (stride == 1) {
        if (values != p) vt__convert(v->dtype, p, job->out.type, values, m);
    } else {
        if (v->dtype != job->out.type) vt__convert(v->dtype, raw, job->out.type, values, m), values = raw;
        map->scatter[vt__size_class(v->dtype)](p, stride, values, m);
    }
}

/* Elements that lie ready in the operand's own type. */
static const void *convert_ready(const struct operand *o, const void *ready, int64_t m, char *row) {
    if (o->v.dtype == o->type) return ready;
    vt__convert(o->type, row, o->v.dtype, ready, m);
    return row;
}

/* m elements of a row that begins at each operand's offset; ready[i]: those of operand i, NULL where they are still to be fetched. */
static void run_row(const struct job *job, const int64_t *offset, const void *const *ready, int64_t m, struct buffers *b) {
    const struct operand *out = &job->out;
    int is_in_place = out->v.dtype == out->type && out->v.strides[out->v.ndim - 1] == 1 && !job->piece;
    char *to = is_in_place ? address(&out->v, offset[MAX_IN]) : b->row[MAX_IN];
    const void *in[MAX_IN];
    int64_t step[MAX_IN];
    for (int32_t i = 0; i < job->n_in; i++) {
        char *row = job->fn ? b->row[i] : to;
        step[i] = 1;
        in[i] = ready[i] ? convert_ready(&job->in[i], ready[i], m, row) : fetch(&job->in[i], offset[i], m, row, b->raw, job->n_in > 1, &step[i]);
    }
    if (job->fn) job->fn(to, in, step, m, job->p);
    put(job, offset[MAX_IN], m, job->fn ? to : in[0], b->raw);
}

/* What comes behind a piece of rows that lie in memory one after the other is fetched, across the ends of pages, which the processor does not do by itself. */
static void fetch_ahead(const struct job *job, const int64_t *offset, int64_t m) {
    for (int32_t i = 0; i < job->n_in; i++) {
        const struct vt__view *v = &job->in[i].v;
        const char *p = address(v, offset[i] + m);
        size_t bytes = (size_t)m * vt__dtype_size(v->dtype);
        if (v->strides[v->ndim - 1] != 1 || v->strides[0] == 0) continue;
        for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(p + at);
    }
}

/* Row after row: the last dimension is long. */
static void run_rows(const struct job *job, int64_t first, int64_t end, struct buffers *b) {
    const struct vt__view *out = &job->out.v;
    int64_t at[VT__MAX_DIMS], offset[MAX_IN + 1] = {0}, rest = first;
    const void *none[MAX_IN] = {0};
    const struct vt__view *v[MAX_IN + 1] = {&job->in[0].v, &job->in[1].v, &job->in[2].v, out};
    int32_t last = out->ndim - 1;
    for (int32_t d = last; d >= 0; d--) {
        at[d] = rest % out->shape[d];
        rest /= out->shape[d];
    }
    while (first < end) {
        int64_t m = out->shape[last] - at[last];
        if (m > end - first) m = end - first;
        if (!job->is_direct && m > VT__BLOCK) m = VT__BLOCK;
        if (job->piece && m > job->piece) m = job->piece;
        for (int32_t i = 0; i <= MAX_IN; i++) {
            if (i >= job->n_in && i < MAX_IN) continue;
            offset[i] = 0;
            for (int32_t d = 0; d <= last; d++) offset[i] += at[d] * v[i]->strides[d];
        }
        if (job->piece) fetch_ahead(job, offset, m);
        run_row(job, offset, none, m, b);
        first += m;
        at[last] += m;
        for (int32_t d = last; d > 0 && at[d] == out->shape[d]; d--) at[d] = 0, at[d - 1]++;
    }
}

/* Blocks of whole rows: the last dimension is short. */
static void run_blocks(const struct job *job, int64_t first, int64_t end, struct buffers *b) {
    const struct operand *out = &job->out;
    const void *in[MAX_IN], *repeated[MAX_IN] = {0};
    int64_t step[MAX_IN] = {1, 1, 1};
    int is_in_place = out->v.dtype == out->type && vt__view_is_dense(&out->v);
    for (int64_t n; first < end; first += n) {
        n = end - first < job->block ? end - first : job->block;
        char *to = is_in_place ? address(&out->v, first) : b->row[MAX_IN];
        for (int32_t i = 0; i < job->n_in; i++) {
            const struct operand *o = &job->in[i];
            /* Blocks begin where a period does, and the last is no longer than the others. */
            if (!repeated[i]) in[i] = vt__block_load(&o->v, first, n, o->type, job->fn ? b->row[i] : to);
            if (o->period) repeated[i] = in[i];
            step[i] = o->period != 1 || job->n_in == 1;
        }
        if (job->fn) job->fn(to, in, step, n, job->p);
        const void *values = job->fn ? to : in[0];
        if (!is_in_place || values != to) vt__block_store(&out->v, first, n, out->type, values);
    }
}

static void transpose(int class, void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns) {
    (class == 2 ? vtk_get()->transpose_32 : vtk_get()->transpose_64)(out, ld_out, in, ld_in, n_rows, n_columns);
}

/* The rows from each operand's offset on, in tiles that what lies across is turned into. */
static void run_tiles(const struct job *job, const int64_t *offset, int64_t rows, struct buffers *b) {
    _Alignas(64) char tile[MAX_IN][TILE_ROWS * TILE_COLUMNS * 8];
    const struct vt__view *out = &job->out.v;
    int32_t last = out->ndim - 1;
    int is_turned_only = !job->fn && out->dtype == job->out.type && job->in[0].v.dtype == out->dtype && out->strides[last] == 1;
    for (int64_t c = 0, m; c < out->shape[last]; c += m) {
        m = out->shape[last] - c < TILE_COLUMNS ? out->shape[last] - c : TILE_COLUMNS;
        for (int32_t i = 0; i < job->n_in; i++) {
            const struct vt__view *v = &job->in[i].v;
            if (!job->in[i].is_across) continue;
            void *to = is_turned_only ? address(out, offset[MAX_IN] + c) : tile[i];
            transpose(vt__size_class(v->dtype), to, is_turned_only ? out->strides[last - 1] : TILE_COLUMNS, address(v, offset[i] + c * v->strides[last]),
                      v->strides[last], m, rows);
        }
        for (int64_t r = 0; r < rows && !is_turned_only; r++) {
            int64_t from[MAX_IN + 1] = {0};
            const void *ready[MAX_IN] = {0};
            for (int32_t i = 0; i < job->n_in; i++) {
                const struct vt__view *v = &job->in[i].v;
                from[i] = offset[i] + r * v->strides[last - 1] + c * v->strides[last];
                if (job->in[i].is_across) ready[i] = tile[i] + (size_t)(r * TILE_COLUMNS) * vt__dtype_size(v->dtype);
            }
            from[MAX_IN] = offset[MAX_IN] + r * out->strides[last - 1] + c * out->strides[last];
            run_row(job, from, ready, m, b);
        }
    }
}

/* A chunk is a group of rows. */
static void work_tiles(void *user, int64_t chunk) {
    const struct job *job = user;
    struct buffers b;
    const struct vt__view *out = &job->out.v;
    int32_t last = out->ndim - 1;
    int64_t groups = (out->shape[last - 1] + TILE_ROWS - 1) / TILE_ROWS, row = chunk % groups * TILE_ROWS, rest = chunk / groups;
    int64_t rows = out->shape[last - 1] - row < TILE_ROWS ? out->shape[last - 1] - row : TILE_ROWS, offset[MAX_IN + 1] = {0};
    for (int32_t d = last - 1; d >= 0; d--) {
        int64_t at = d == last - 1 ? row : rest % out->shape[d];
        if (d < last - 1) rest /= out->shape[d];
        for (int32_t i = 0; i < job->n_in; i++) offset[i] += at * job->in[i].v.strides[d];
        offset[MAX_IN] += at * out->strides[d];
    }
    run_tiles(job, offset, rows, &b);
}

static void work(void *user, int64_t chunk) {
    const struct job *job = user;
    struct buffers b;
    int64_t size = job->block * (job->is_past ? STREAM_CHUNK : CHUNK), first = chunk * size, end = first + size < job->count ? first + size : job->count;
    if (job->out.v.shape[job->out.v.ndim - 1] >= LONG_ROW) run_rows(job, first, end, &b);
    else run_blocks(job, first, end, &b);
    if (job->is_past) vtk_get()->map->fence();
}

/* ---- the plan ---- */

/* All operands of a job in turn, the output last. */
static struct operand *operand(struct job *job, int32_t i) { return i < job->n_in ? &job->in[i] : &job->out; }

static void swap_dims(struct job *job, int32_t a, int32_t b) {
    for (int32_t i = 0; i <= job->n_in; i++) {
        struct vt__view *v = &operand(job, i)->v;
        int64_t shape = v->shape[a], stride = v->strides[a];
        v->shape[a] = v->shape[b], v->strides[a] = v->strides[b];
        v->shape[b] = shape, v->strides[b] = stride;
    }
}

static void drop_dim(struct job *job, int32_t at) {
    for (int32_t i = 0; i <= job->n_in; i++) {
        struct vt__view *v = &operand(job, i)->v;
        v->ndim--;
        for (int32_t d = at; d < v->ndim; d++) v->shape[d] = v->shape[d + 1], v->strides[d] = v->strides[d + 1];
    }
}

static int can_merge(struct job *job, int32_t d) {
    for (int32_t i = 0; i <= job->n_in; i++) {
        const struct vt__view *v = &operand(job, i)->v;
        if (v->strides[d] != v->strides[d + 1] * v->shape[d + 1]) return 0;
    }
    return 1;
}

/* As few dimensions as will do, in the order in which the output lies in memory: no element depends on another. */
static void collapse(struct job *job) {
    struct vt__view *out = &job->out.v;
    for (int32_t i = 0; i < job->n_in; i++) job->in[i].v = vt__view_broadcast(&job->in[i].v, out);
    for (int32_t d = out->ndim - 1; d >= 0; d--)
        if (out->shape[d] == 1) drop_dim(job, d);
    for (int32_t d = 1; d < out->ndim; d++)
        for (int32_t k = d; k > 0 && out->strides[k] > out->strides[k - 1]; k--) swap_dims(job, k, k - 1);
    for (int32_t d = out->ndim - 2; d >= 0; d--) {
        if (!can_merge(job, d)) continue;
        for (int32_t i = 0; i <= job->n_in; i++) operand(job, i)->v.shape[d + 1] *= operand(job, i)->v.shape[d];
        drop_dim(job, d);
    }
    if (out->ndim > 0) return;
    for (int32_t i = 0; i <= job->n_in; i++) { /* one element */
        struct vt__view *v = &operand(job, i)->v;
        v->ndim = 1;
        v->shape[0] = v->strides[0] = 1;
    }
}

/* Elements after which v begins again: the product of the dimensions behind the last outer one that it does not move along; 0: none, or too many. */
static int32_t period_of(const struct vt__view *v) {
    int64_t period = 1;
    int32_t outer = 0;
    while (outer < v->ndim && v->strides[outer] == 0) outer++;
    if (outer == 0) return 0;
    for (int32_t d = outer; d < v->ndim; d++) period *= v->shape[d];
    return period <= VT__BLOCK / 2 ? (int32_t)period : 0;
}

static int64_t least_common_multiple(int64_t a, int64_t b) {
    int64_t x = a, y = b;
    while (y) {
        int64_t t = x % y;
        x = y, y = t;
    }
    return a / x * b;
}

static void choose_blocks(struct job *job) {
    int64_t period = 1;
    for (int32_t i = 0; i < job->n_in; i++) {
        int32_t mine = period_of(&job->in[i].v);
        int64_t both = mine ? least_common_multiple(period, mine) : 0;
        if (both == 0 || both > VT__BLOCK) continue;
        job->in[i].period = mine;
        period = both;
    }
    job->block = VT__BLOCK / period * period;
}

/* Operands that lie across the output's rows, of elements that can be turned by vectors. Short rows only where nothing else is done to them. */
static void find_across(struct job *job) {
    const struct vt__view *out = &job->out.v;
    int32_t last = out->ndim - 1;
    if (last < 1 || out->shape[last - 1] < TILE_LEAST || (job->fn && out->shape[last] < TILE_ROWS)) return;
    for (int32_t i = 0; i < job->n_in; i++) {
        struct operand *o = &job->in[i];
        int class = vt__size_class(o->v.dtype);
        o->is_across = (class == 2 || class == 3) && o->v.strides[last - 1] == 1 && o->v.strides[last] != 1 && o->v.strides[last] != 0;
        job->is_tiled |= o->is_across;
    }
}

static int is_row_direct(const struct operand *o, int may_repeat) {
    int64_t stride = o->v.strides[o->v.ndim - 1];
    return o->v.dtype == o->type && (stride == 1 || (stride == 0 && may_repeat));
}

/* An output that is an input too is in the cache when it is written. */
static void choose_piece(struct job *job) {
    const struct vt__view *out = &job->out.v;
    int32_t last = out->ndim - 1, are_dense = job->is_direct;
    int64_t fetched = 0;
    if (job->count < VT__STREAM / (int64_t)vt__dtype_size(out->dtype) || out->strides[last] != 1) return;
    for (int32_t i = 0; i < job->n_in; i++) {
        const struct vt__view *v = &job->in[i].v;
        if (v->data == out->data) return;
        are_dense &= v->strides[last] == 1;
        fetched += v->strides[0] ? (int64_t)vt__dtype_size(v->dtype) : 0;
    }
    job->is_past = 1;
    if (job->past && are_dense) job->fn = job->past;
    else job->piece = fetched > FETCHED / VT__BLOCK ? FETCHED / fetched / 64 * 64 : VT__BLOCK;
}

static void choose_way(struct job *job) {
    job->block = VT__BLOCK;
    if (job->out.v.shape[job->out.v.ndim - 1] < LONG_ROW) {
        choose_blocks(job);
        return;
    }
    job->is_direct = is_row_direct(&job->out, 0) && job->fn;
    for (int32_t i = 0; i < job->n_in; i++) job->is_direct &= is_row_direct(&job->in[i], job->n_in > 1);
    choose_piece(job);
}

static vt_status start(const struct vt__run *run, struct job *job) {
    job->count = vt__view_count(&job->out.v);
    if (job->count == 0) return VT_OK;
    collapse(job);
    int64_t chunks;
    find_across(job);
    if (job->is_tiled) {
        int64_t rows = job->out.v.shape[job->out.v.ndim - 2];
        chunks = job->count / (rows * job->out.v.shape[job->out.v.ndim - 1]) * ((rows + TILE_ROWS - 1) / TILE_ROWS);
    } else {
        choose_way(job);
        int64_t size = job->block * (job->is_past ? STREAM_CHUNK : CHUNK);
        chunks = (job->count + size - 1) / size;
    }
    vt__chunk_fn fn = job->is_tiled ? work_tiles : work;
    if (job->count >= ALONE) vt__parallel(run->ctx, chunks, fn, job);
    else
        for (int64_t i = 0; i < chunks; i++) fn(job, i);
    return VT_OK;
}

/* ---- the operations ---- */

enum result { SAME, TRUTH, COMPLEX };

struct entry {
    int16_t kernel, result;
};
#define SAME_AS(name) [VT__OP_##name] = {VTK_MAP_##name, SAME},
#define TRUTH_OF(name) [VT__OP_##name] = {VTK_MAP_##name, TRUTH},
static const struct entry entries[VT__OP_COUNT] = {
    VTK_MAP_PLAIN_UNARY(SAME_AS) VTK_MAP_PLAIN_BINARY(SAME_AS) VTK_MAP_PLAIN_TEST(TRUTH_OF) VTK_MAP_PLAIN_COMPARE(TRUTH_OF)
    VTK_MAP_PLAIN_TERNARY(SAME_AS) VTK_MAP_SMOOTH_UNARY(SAME_AS) VTK_MAP_SMOOTH_BINARY(SAME_AS)
    SAME_AS(bitwise_and) SAME_AS(bitwise_or) SAME_AS(bitwise_xor) SAME_AS(conj) SAME_AS(real) SAME_AS(imag) SAME_AS(angle)
    [VT__OP_round_ste] = {VTK_MAP_round, SAME},
    [VT__OP_complex] = {VTK_MAP_complex, COMPLEX},
};

static vtk_map_fn kernel_of(int32_t type, int32_t id) {
    const struct vtk_map *map = vtk_get()->map;
    switch (type) {
    case VT_DTYPE_F32: return map->f32[id];
    case VT_DTYPE_F64: return map->f64[id];
    case VT_DTYPE_I64: return map->i64[id];
    case VT_DTYPE_C64: return map->c64[id];
    default: return map->c128[id];
    }
}

static int32_t kernel_id(const struct vt__run *run) {
    int is_tanh = (run->op->id == VT__OP_gelu || run->op->id == VT__OP_gelu_grad) && run->attrs->a[0].i[0] == 1;
    if (is_tanh) return run->op->id == VT__OP_gelu ? VTK_MAP_gelu_tanh : VTK_MAP_gelu_tanh_grad;
    return entries[run->op->id].kernel;
}

/* Parameters are the first two attributes; a bound that is absent is no bound. */
static void set_parameters(const struct vt__run *run, double *p) {
    int is_clamp = run->op->id == VT__OP_clamp;
    for (int32_t i = 0; i < 2; i++) p[i] = run->attrs->a[i].given ? run->attrs->a[i].f : is_clamp ? (i ? (double)INFINITY : -(double)INFINITY) : 0;
    if (is_clamp && p[0] > p[1]) p[0] = p[1];
}

vt_status vt__cpu_map(const struct vt__run *run) {
    struct job job = {.n_in = run->n_in, .out.v = run->out[0]};
    const struct entry *entry = &entries[run->op->id];
    int32_t id = kernel_id(run), type = run->in[0].dtype;
    for (int32_t i = 1; i < run->n_in; i++) type = vt__dtype_promote(type, run->in[i].dtype);
    int is_of_complex = id == VTK_MAP_real || id == VTK_MAP_imag || id == VTK_MAP_abs || id == VTK_MAP_angle;
    if (entry->result == SAME && !is_of_complex) type = vt__dtype_promote(type, run->out[0].dtype);
    int is_real = vt__dtype_kind(type) != VT__KIND_COMPLEX;
    if ((id == VTK_MAP_real || id == VTK_MAP_conj) && is_real) return vt__cpu_cast(run);
    if ((id == VTK_MAP_imag || id == VTK_MAP_angle) && is_real) type = VT_DTYPE_C128;
    if (entry->result == COMPLEX) type = run->out[0].dtype == VT_DTYPE_C64 ? VT_DTYPE_F32 : VT_DTYPE_F64;
    else if (type != VT_DTYPE_C64 || !kernel_of(VT_DTYPE_C64, id)) type = vt__compute_type(type);
    job.fn = kernel_of(type, id);
    job.past = type == VT_DTYPE_F32 ? vtk_get()->map->past_f32[id] : NULL;
    if (!job.fn) return vt__fail(VT_ERR_UNSUPPORTED, "%s: not for elements of type %s", run->op->name, vt__dtype_name(type));
    for (int32_t i = 0; i < run->n_in; i++) job.in[i] = (struct operand){.v = run->in[i], .type = type};
    job.out.type = entry->result == TRUTH ? VT_DTYPE_BOOL : entry->result == COMPLEX ? vt__dtype_complex(type) : type;
    if (is_of_complex) job.out.type = vt__dtype_real(type);
    set_parameters(run, job.p);
    return start(run, &job);
}

/* Chooses by the bits; other types only if they differ. */
static vt_status choose(const struct vt__run *run, const struct vt__view *mask, const struct vt__view *a, const struct vt__view *b) {
    struct job job = {.n_in = 3, .out.v = run->out[0]};
    int32_t type = run->out[0].dtype;
    if (a->dtype != type || b->dtype != type) type = vt__compute_type(vt__dtype_promote(type, vt__dtype_promote(a->dtype, b->dtype)));
    job.fn = vtk_get()->map->select[vt__size_class(type)];
    job.in[0] = (struct operand){.v = *mask, .type = VT_DTYPE_BOOL};
    job.in[1] = (struct operand){.v = *a, .type = type};
    job.in[2] = (struct operand){.v = *b, .type = type};
    job.out.type = type;
    return start(run, &job);
}

vt_status vt__cpu_where(const struct vt__run *run) { return choose(run, &run->in[0], &run->in[1], &run->in[2]); }

/* One number of the output's type. */
static struct vt__view number(const struct vt__run *run, double value, void *room) {
    vt__convert(run->out[0].dtype, room, VT_DTYPE_F64, &value, 1);
    return (struct vt__view){.data = room, .dtype = run->out[0].dtype};
}

vt_status vt__cpu_masked_fill(const struct vt__run *run) {
    _Alignas(16) char room[VT__WIDEST];
    struct vt__view value = number(run, run->attrs->a[0].f, room);
    return choose(run, &run->in[1], &value, &run->in[0]);
}

vt_status vt__cpu_cast(const struct vt__run *run) {
    struct job job = {.n_in = 1, .out = {.v = run->out[0], .type = run->out[0].dtype}, .in = {{.v = run->in[0], .type = run->out[0].dtype}}};
    return start(run, &job);
}

vt_status vt__cpu_fill(const struct vt__run *run) {
    _Alignas(16) char room[VT__WIDEST];
    struct vt__view value = number(run, run->attrs->a[0].f, room);
    struct job job = {.n_in = 1, .out = {.v = run->out[0], .type = run->out[0].dtype}, .in = {{.v = value, .type = run->out[0].dtype}}};
    return start(run, &job);
}
