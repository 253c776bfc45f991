/* Tensors go through one after the other in slabs: decoded to floats, checked, encoded and checked again by the threads, then written. A matrix is
 * one run of elements here: its rows are whole blocks of either type, so that no block crosses a row's end. */
#include "formats/gguf_quantize.h"

#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "core/pool.h"
#include "formats/gguf_internal.h"
#include "formats/gguf_write.h"
#include "quant/block.h"
#include "vtk.h"

enum {
    CHUNK = 1 << 14, /* elements that one thread takes: whole blocks of every type */
    CHUNKS = 64,     /* of a slab */
    SLAB = CHUNK * CHUNKS,
    COPY = 1 << 22,  /* bytes that are copied between two looks at the cancel token */
    MAX_ALIGNMENT = 1 << 20,
    QUANTIZATION_VERSION = 2 /* of the block layouts: general.quantization_version */
};

/* Types that can be asked for, their number in general.file_type, and what takes their place where rows are no whole blocks. */
static const struct {
    int32_t dtype, file_type, instead;
    int is_small; /* smaller than Q6_K: the output matrix deserves more */
} targets[] = {
    {VT_DTYPE_F32, 0, VT_DTYPE_F32, 0},    {VT_DTYPE_F16, 1, VT_DTYPE_F16, 0},    {VT_DTYPE_BF16, 32, VT_DTYPE_BF16, 0}, {VT_DTYPE_Q4_0, 2, VT_DTYPE_F16, 1},
    {VT_DTYPE_Q4_1, 3, VT_DTYPE_F16, 1},   {VT_DTYPE_Q5_0, 8, VT_DTYPE_F16, 1},   {VT_DTYPE_Q5_1, 9, VT_DTYPE_F16, 1},   {VT_DTYPE_Q8_0, 7, VT_DTYPE_F16, 0},
    {VT_DTYPE_Q2_K, 10, VT_DTYPE_Q4_0, 1}, {VT_DTYPE_Q3_K, 11, VT_DTYPE_Q4_0, 1}, {VT_DTYPE_Q4_K, 14, VT_DTYPE_Q5_0, 1}, {VT_DTYPE_Q5_K, 16, VT_DTYPE_Q5_1, 1},
    {VT_DTYPE_Q6_K, 18, VT_DTYPE_Q8_0, 0},
};

static int find_target(int32_t dtype) {
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (targets[i].dtype == dtype) return (int)i;
    }
    return -1;
}

typedef struct run {
    vt_context *ctx;
    const vt__gguf *in;
    vt__gguf_writer *out;
    vt__watch *watch;
    int32_t dtype; /* asked for */
    int is_pure;
    uint64_t done, total; /* bytes of the input's tensors */
    float *floats;        /* [SLAB] */
    unsigned char *blocks; /* room for SLAB elements of any type */
} run;

/* ---- which type a tensor gets ---- */

static int has_text(const char *name, const char *text) { return strstr(name, text) != NULL; }

/* Vectors, norms, small tables that are added and the choice among experts stay as they are: they cost little and carry much. */
static int is_matrix(const vt__gguf_tensor *t) {
    const vt__block_type *type = vt__block_type_of(t->dtype);
    size_t len = strlen(t->name);
    if (t->ne[1] == 1 && t->ne[2] == 1 && t->ne[3] == 1) return 0;
    if (len < 6 || strcmp(t->name + len - 6, "weight") != 0 || type->kernel < 0) return 0;
    return !has_text(t->name, "_norm.weight") && !has_text(t->name, "position_embd.") && !has_text(t->name, "token_types.") &&
           !has_text(t->name, "ffn_gate_inp.");
}

/* The matrix that makes logits of the last layer; where it is missing, that of the embeddings does it. */
static int is_output(const vt__gguf *g, const char *name) {
    if (strcmp(name, "output.weight") == 0) return 1;
    return strcmp(name, "token_embd.weight") == 0 && !vt__gguf_tensor_find(g, "output.weight");
}

static int32_t choose_type(const run *r, const vt__gguf_tensor *t) {
    if (!is_matrix(t)) return t->dtype;
    int target = find_target(r->dtype);
    if (targets[target].is_small && !r->is_pure && is_output(r->in, t->name)) target = find_target(VT_DTYPE_Q6_K);
    while (t->ne[0] % vt__block_type_of(targets[target].dtype)->elems != 0) target = find_target(targets[target].instead);
    return targets[target].dtype;
}

/* ---- keys ---- */

static int starts_with(const char *key, const char *text) { return strncmp(key, text, strlen(text)) == 0; }

static vt_status put_keys(const run *r) {
    int target = find_target(r->dtype);
    int is_block = vt__block_type_of(r->dtype)->elems > 1;
    vt_status st = VT_OK;
    for (int64_t i = 0; i < vt__gguf_key_count(r->in) && st == VT_OK; i++) {
        const char *key = vt__gguf_key_at(r->in, i);
        if (starts_with(key, "split.") || strcmp(key, "general.alignment") == 0 || strcmp(key, "general.file_type") == 0 ||
            (is_block && strcmp(key, "general.quantization_version") == 0))
            continue;
        st = vt__gguf_put_copy(r->out, r->in, i);
    }
    if (st == VT_OK) st = vt__gguf_put_int(r->out, "general.file_type", VT__GGUF_U32, targets[target].file_type);
    if (st == VT_OK && is_block) st = vt__gguf_put_int(r->out, "general.quantization_version", VT__GGUF_U32, QUANTIZATION_VERSION);
    return st;
}

/* ---- tensors ---- */

/* Elements first..first+n-1 of a tensor, in r->floats and r->blocks. */
typedef struct slab {
    const run *r;
    const vt__block_type *from, *to;
    const unsigned char *src; /* of its first element */
    int64_t n;
    int32_t fault[CHUNKS]; /* what was found wrong */
} slab;

enum { FINE, NOT_FINITE, DOES_NOT_FIT };

static int all_finite(const float *x, int64_t n) {
    float sum = 0.0f; /* 0 as long as each difference is: an infinity minus itself is NaN */
    for (int64_t i = 0; i < n; i++) sum += x[i] - x[i];
    return sum == 0.0f;
}

static size_t bytes_of(const vt__block_type *type, int64_t n) { return (size_t)(n / type->elems) * type->size; }

static void convert_chunk(void *user, int64_t chunk) {
    slab *s = user;
    const vtk_table *k = vtk_get();
    int64_t at = chunk * CHUNK, n = s->n - at < CHUNK ? s->n - at : CHUNK;
    float *x = s->r->floats + at;
    unsigned char *blocks = s->r->blocks + bytes_of(s->to, at);

    k->decode[s->from->kernel](x, s->src + bytes_of(s->from, at), n);
    s->fault[chunk] = all_finite(x, n) ? FINE : NOT_FINITE;
    if (s->fault[chunk] != FINE) return;
    k->encode[s->to->kernel](blocks, x, n);
    k->decode[s->to->kernel](x, blocks, n);
    if (!all_finite(x, n)) s->fault[chunk] = DOES_NOT_FIT;
}

static vt_status report(const slab *s, const char *name, int64_t first) {
    int64_t n_chunks = (s->n + CHUNK - 1) / CHUNK;
    for (int64_t i = 0; i < n_chunks; i++) {
        long long from = (long long)(first + i * CHUNK), to = (long long)(first + (i + 1) * CHUNK < first + s->n ? first + (i + 1) * CHUNK : first + s->n) - 1;
        if (s->fault[i] == NOT_FINITE)
            return vt__fail(VT_ERR_NUMERIC, "quantize: tensor '%s' has a NaN or an infinity among elements %lld to %lld", name, from, to);
        if (s->fault[i] == DOES_NOT_FIT)
            return vt__fail(VT_ERR_NUMERIC, "quantize: tensor '%s': elements %lld to %lld are too large for %s", name, from, to, s->to->name);
    }
    return VT_OK;
}

static vt_status step(run *r, const char *name, size_t bytes) {
    r->done += bytes;
    return vt__watch_poll(r->watch, (double)r->done / (double)r->total, name);
}

static vt_status copy_tensor(run *r, const vt__gguf_tensor *t) {
    const unsigned char *p = t->data;
    vt_status st = VT_OK;
    for (size_t at = 0; at < t->size && st == VT_OK; at += COPY) {
        size_t n = t->size - at < COPY ? t->size - at : COPY;
        st = vt__gguf_write_data(r->out, p + at, n);
        if (st == VT_OK) st = step(r, t->name, n);
    }
    return st;
}

static vt_status convert_tensor(run *r, const vt__gguf_tensor *t, const vt__block_type *to) {
    slab s = {.r = r, .from = vt__block_type_of(t->dtype), .to = to, .src = t->data};
    int64_t total = (int64_t)(t->size / s.from->size) * s.from->elems;
    vt_status st = VT_OK;

    for (int64_t at = 0; at < total && st == VT_OK; at += s.n) {
        s.n = total - at < SLAB ? total - at : SLAB;
        vt__parallel(r->ctx, (s.n + CHUNK - 1) / CHUNK, convert_chunk, &s);
        st = report(&s, t->name, at);
        if (st == VT_OK) st = vt__gguf_write_data(r->out, r->blocks, bytes_of(to, s.n));
        if (st == VT_OK) st = step(r, t->name, bytes_of(s.from, s.n));
        s.src += bytes_of(s.from, s.n);
    }
    return st;
}

static vt_status write_tensors(run *r) {
    vt_status st = VT_OK;
    for (int64_t i = 0; i < vt__gguf_tensor_count(r->in) && st == VT_OK; i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(r->in, i);
        int32_t dtype = choose_type(r, t);
        st = dtype == t->dtype ? copy_tensor(r, t) : convert_tensor(r, t, vt__block_type_of(dtype));
    }
    return st;
}

static vt_status announce(run *r) {
    vt_status st = put_keys(r);
    for (int64_t i = 0; i < vt__gguf_tensor_count(r->in) && st == VT_OK; i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(r->in, i);
        r->total += t->size;
        st = vt__gguf_put_tensor(r->out, t->name, choose_type(r, t), t->n_dims, t->ne);
    }
    return st;
}

/* A model in one file may be replaced by its result; of one in several files a part may not: the others would be left without it. */
static vt_status check_output(vt_context *ctx, const vt__gguf *source, const char *out) {
    vt__mapping there;
    vt_status st = VT_OK;
    if (!source->n_parts || vt__map_file(ctx, out, &there) != VT_OK) return VT_OK; /* what cannot be written is the writer's to say */
    for (int64_t i = -1; st == VT_OK && i < source->n_parts; i++) {
        const vt__gguf *part = i < 0 ? source : source->parts[i];
        if (part->map.device == there.device && part->map.inode == there.inode)
            st = vt__fail(VT_ERR_INVALID, "quantize: '%s' is a part of the model that is read, which has %lld files", out, (long long)source->n_parts + 1);
    }
    vt__unmap_file(ctx, &there);
    return st;
}

vt_status vt__gguf_quantize(vt_context *ctx, const char *in, const char *out, int32_t dtype, int is_pure, vt__watch *watch) {
    run r = {.ctx = ctx, .watch = watch, .dtype = dtype, .is_pure = is_pure};
    vt__gguf *source = NULL;
    int64_t alignment = 0;

    if (find_target(dtype) < 0) return vt__fail(VT_ERR_DTYPE, "quantize: dtype %d is no type to quantise to", dtype);
    vt_status st = vt__gguf_open(ctx, in, &source);
    r.in = source;
    if (st == VT_OK && vt__gguf_has(source, "general.alignment")) st = vt__gguf_get_int(source, "general.alignment", 1, MAX_ALIGNMENT, &alignment);
    if (st == VT_OK) st = check_output(ctx, source, out);
    if (st == VT_OK) {
        r.floats = vt__alloc64_2(ctx, SLAB, 1, sizeof *r.floats);
        r.blocks = vt__alloc64_2(ctx, SLAB, 1, sizeof(float)); /* F32 is the widest */
        if (!r.floats || !r.blocks) st = vt__fail_nomem("quantize", (size_t)SLAB * sizeof *r.floats);
    }
    if (st == VT_OK) st = vt__gguf_writer_create(ctx, out, (size_t)alignment, &r.out);
    if (st == VT_OK) st = announce(&r);
    if (st == VT_OK) st = write_tensors(&r);
    if (st == VT_OK) st = vt__gguf_writer_finish(r.out);
    vt__gguf_writer_release(r.out);
    vt__free(ctx, r.floats);
    vt__free(ctx, r.blocks);
    vt__gguf_release(source);
    return st;
}
