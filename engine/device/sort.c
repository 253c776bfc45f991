/* Runners of sorting: keys whose unsigned order is the numbers' order, sorted by digits of 8 bits, which keeps equal ones in order. */
#include <stdatomic.h>
#include <string.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/rng.h"
#include "device/block.h"
#include "device/device.h"

enum { BETWEEN_LOOKS = 1 << 16 }; /* items between two questions whether to go on */

struct item {
    uint64_t key;
    int64_t index;
};

/* NaN is above infinity, whatever its sign; the two zeros are equal. */
static uint64_t key_of(double x) {
    uint64_t bits;
    if (x != x) return UINT64_MAX;
    if (x == 0) x = 0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static int is_left_at(int64_t i) { return i % BETWEEN_LOOKS == 0 && vt__cancel_is_left(); }

/* items and room [n]; answers which of them holds the result, NULL if the work is left. A digit that is the same everywhere costs one look. */
static struct item *sort_items(struct item *items, struct item *room, int64_t n) {
    for (int shift = 0; shift < 64; shift += 8) {
        int64_t count[256] = {0}, sum = 0;
        for (int64_t i = 0; i < n; i++) {
            if (is_left_at(i)) return NULL;
            count[items[i].key >> shift & 255]++;
        }
        if (n == 0 || count[items[0].key >> shift & 255] == n) continue;
        for (int d = 0; d < 256; d++) {
            int64_t c = count[d];
            count[d] = sum;
            sum += c;
        }
        for (int64_t i = 0; i < n; i++) {
            if (is_left_at(i)) return NULL;
            room[count[items[i].key >> shift & 255]++] = items[i];
        }
        struct item *other = items;
        items = room;
        room = other;
    }
    return items;
}

struct job {
    const struct vt__run *run;
    int64_t dim, n, n_out; /* extents at dim */
    int descending;
    atomic_int failed;
};

/* Vector number i along dim, as a view of its own. */
static struct vt__view vector_at(const struct vt__view *v, int64_t dim, int64_t i) {
    struct vt__view r = {.dtype = v->dtype, .ndim = 1};
    int64_t offset = 0;
    for (int32_t d = v->ndim - 1; d >= 0; d--) {
        if (d == dim) continue;
        offset += i % v->shape[d] * v->strides[d];
        i /= v->shape[d];
    }
    r.shape[0] = v->shape[dim];
    r.strides[0] = v->strides[dim];
    r.data = (char *)v->data + offset * (int64_t)vt__dtype_size(v->dtype);
    return r;
}

static void make_keys(const struct job *job, const struct vt__view *x, struct item *items) {
    int integer = vt__compute_type(x->dtype) == VT_DTYPE_I64;
    _Alignas(64) char row[VT__BLOCK * 8];
    for (int64_t at = 0; at < job->n && !vt__cancel_is_left(); at += VT__BLOCK) {
        int64_t n = job->n - at < VT__BLOCK ? job->n - at : VT__BLOCK;
        const void *values = vt__block_load(x, at, n, integer ? VT_DTYPE_I64 : VT_DTYPE_F64, row);
        for (int64_t i = 0; i < n; i++) {
            uint64_t key = integer ? (uint64_t)((const int64_t *)values)[i] ^ (uint64_t)1 << 63 : key_of(((const double *)values)[i]);
            items[at + i] = (struct item){job->descending ? ~key : key, at + i};
        }
    }
}

static void sort_one(void *user, int64_t i) {
    struct job *job = user;
    const struct vt__run *run = job->run;
    struct vt__view x = vector_at(&run->in[0], job->dim, i), values = vector_at(&run->out[0], job->dim, i), indices = vector_at(&run->out[1], job->dim, i);
    struct item *items = vt__scratch_take2(run->ctx, job->n, 2, sizeof *items);
    int64_t width = (int64_t)vt__dtype_size(x.dtype);
    if (!items) {
        atomic_store(&job->failed, 1);
        return;
    }
    make_keys(job, &x, items);
    const struct item *sorted = sort_items(items, items + job->n, job->n);
    for (int64_t k = 0; sorted && k < job->n_out && !is_left_at(k); k++) {
        memcpy((char *)values.data + k * values.strides[0] * width, (const char *)x.data + sorted[k].index * x.strides[0] * width, (size_t)width);
        vt__block_store(&indices, k, 1, VT_DTYPE_I64, &sorted[k].index);
    }
    vt__scratch_give(run->ctx, items);
}

vt_status vt__cpu_sort(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    int topk = run->op->id == VT__OP_topk;
    int64_t dim = run->attrs->a[topk].i[0];
    struct job job = {.run = run, .dim = dim < 0 ? dim + x->ndim : dim};
    job.n = x->shape[job.dim];
    job.n_out = run->out[0].shape[job.dim];
    job.descending = topk ? run->attrs->a[2].i[0] != 0 : run->attrs->a[1].i[0] != 0;
    int64_t count = vt__view_count(&run->out[0]);
    if (count) vt__parallel(run->ctx, count / job.n_out, sort_one, &job);
    return atomic_load(&job.failed) ? vt__fail_nomem(run->op->name, (size_t)job.n * 2 * sizeof(struct item)) : VT_OK;
}

vt_status vt__cpu_permutation(const struct vt__run *run) {
    const struct vt__attr *a = run->attrs->a;
    int64_t n = vt__view_count(&run->out[0]);
    struct item *items = vt__scratch_take2(run->ctx, n, 2, sizeof *items);
    uint32_t words[VT__BLOCK];
    if (!items) return vt__fail_nomem(run->op->name, (size_t)n * 2 * sizeof *items);
    for (int64_t at = 0; at < n; at += VT__BLOCK) {
        int64_t len = n - at < VT__BLOCK ? n - at : VT__BLOCK;
        vt__random_words((uint64_t)a[0].i[0], (uint32_t)a[1].i[0], (uint64_t)(a[2].i[0] + at), words, len);
        for (int64_t i = 0; i < len; i++) items[at + i] = (struct item){words[i], at + i};
    }
    const struct item *sorted = sort_items(items, items + n, n);
    for (int64_t i = 0; sorted && i < n && !is_left_at(i); i++) vt__block_store(&run->out[0], i, 1, VT_DTYPE_I64, &sorted[i].index);
    vt__scratch_give(run->ctx, items);
    return VT_OK;
}
