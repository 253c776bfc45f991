#include "media/loader.h"

#include <stdatomic.h>
#include <string.h>

#include "core/buffer.h"
#include "core/cancel.h"
#include "core/context.h"
#include "core/crew.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "tensor/tensor.h"

enum { POLL_MS = 20, MESSAGE = 480, FILE_MAX = 1 << 30 };

/* A batch. Under the loader's lock, but for the numbers in `out`, each of which one thread writes. */
typedef struct job {
    struct job *next;
    vt_tensor *out;
    int64_t n, taken, done;
    int64_t worst; /* lowest item that failed; n: none */
    vt_status status;
    uint32_t round;
    char message[MESSAGE];
    int64_t indices[];
} job;

struct vt_loader {
    atomic_int refs;
    vt_context *ctx; /* retained */
    vt__loader_params params;
    vt_tensor *pictures; /* retained; NULL: files */
    char **files;        /* [n_files], owned, cap_files */
    int64_t n_files, cap_files;
    vt__monitor monitor;
    vt__crew crew;
    int started, stop; /* under the monitor, as the next three */
    job *first, *last;
    int64_t n_jobs;
};

/* ---- one picture ---- */

static vt_status make_from_file(vt_loader *l, int64_t index, uint32_t round, void *to) {
    vt_buffer *pixels = NULL;
    char *data;
    size_t size;
    const char *path = l->files[index];
    vt__source from = {.channels = 4, .is_rgba = 1, .dtype = VT_DTYPE_U8};
    vt_status st = vt__read_file(l->ctx, path, FILE_MAX, &data, &size); /* not mapped: others may write to it while we read ahead */
    if (st != VT_OK) return st;                                          /* which names the file */
    st = vt__image_decode(l->ctx, (const unsigned char *)data, size, &l->params.limits, &from.width, &from.height, &pixels);
    vt__free(l->ctx, data);
    if (st == VT_OK) {
        from.data = vt__buffer_data(pixels);
        st = vt__augment_picture(l->ctx, &from, &l->params.target, l->params.is_augmented ? &l->params.augment : NULL, round, index, to);
    }
    vt__buffer_release(pixels);
    return st == VT_OK ? VT_OK : vt__fail_within(st, path);
}

static vt_status make_one(vt_loader *l, int64_t index, uint32_t round, void *to) {
    if (!l->pictures) return make_from_file(l, index, round, to);
    const struct vt__view v = vt__tensor_to_view(l->pictures);
    const int64_t *shape = l->pictures->shape;
    const size_t size = (size_t)(shape[1] * shape[2] * shape[3]) * (v.dtype == VT_DTYPE_F32 ? sizeof(float) : 1);
    vt__source from = {(const char *)v.data + (size_t)index * size, shape[3], shape[2], (int32_t)shape[1], 0, v.dtype};
    return vt__augment_picture(l->ctx, &from, &l->params.target, l->params.is_augmented ? &l->params.augment : NULL, round, index, to);
}

/* ---- the threads ---- */

static job *open_job(const vt_loader *l) {
    job *j = l->first;
    while (j && j->taken == j->n) j = j->next;
    return j;
}

/* Makes one picture of a batch; inside the monitor when called and when it returns. */
static void work_on(vt_loader *l, job *j) {
    const int64_t item = j->taken++;
    const vt__target *t = &l->params.target;
    const size_t size = (size_t)(t->width * t->height * t->channels) * (t->dtype == VT_DTYPE_F32 ? sizeof(float) : 1);
    vt_status st = VT_OK;
    if (item < j->worst) { /* behind a failure nobody looks */
        vt__monitor_leave(&l->monitor);
        st = make_one(l, j->indices[item], j->round, (char *)vt__tensor_to_view(j->out).data + (size_t)item * size);
        vt__monitor_enter(&l->monitor);
    }
    if (st != VT_OK && item < j->worst) {
        j->worst = item;
        j->status = st;
        strncpy(j->message, vt__error_message(), MESSAGE - 1);
    }
    if (++j->done == j->n) vt__monitor_wake_all(&l->monitor);
}

static void run(void *user) {
    vt_loader *l = user;
    vt__monitor_enter(&l->monitor);
    while (!l->stop) {
        job *j = open_job(l);
        if (j) work_on(l, j);
        else vt__monitor_wait(&l->monitor, 0);
    }
    vt__monitor_leave(&l->monitor);
}

/* ---- the handle ---- */

vt_status vt__loader_create(vt_context *ctx, const vt__loader_params *params, vt_tensor *pictures, vt_loader **out) {
    vt_loader *l = *out = vt__calloc(ctx, sizeof *l);
    if (!l) return vt__fail_nomem("loader", sizeof *l);
    atomic_init(&l->refs, 1);
    l->ctx = vt__context_retain(ctx);
    l->params = *params;
    l->pictures = vt__tensor_retain(pictures);
    vt__monitor_init(&l->monitor);
    return VT_OK;
}

vt_loader *vt__loader_retain(vt_loader *loader) {
    if (loader) atomic_fetch_add(&loader->refs, 1);
    return loader;
}

static void free_job(vt_loader *l, job *j) {
    vt__tensor_release(j->out);
    vt__free(l->ctx, j);
}

void vt__loader_release(vt_loader *l) {
    if (!l || atomic_fetch_sub(&l->refs, 1) != 1) return;
    vt_context *ctx = l->ctx;
    vt__monitor_enter(&l->monitor);
    l->stop = 1;
    vt__monitor_wake_all(&l->monitor);
    vt__monitor_leave(&l->monitor);
    vt__crew_join(ctx, &l->crew);
    for (job *j = l->first, *next; j; j = next) {
        next = j->next;
        free_job(l, j);
    }
    for (int64_t i = 0; i < l->n_files; i++) vt__free(ctx, l->files[i]);
    vt__free(ctx, l->files);
    vt__tensor_release(l->pictures);
    vt__monitor_destroy(&l->monitor);
    vt__free(ctx, l);
    vt__context_release(ctx);
}

vt_status vt__loader_add_file(vt_loader *l, const char *path) {
    const size_t size = strlen(path) + 1;
    if (l->pictures || l->started) return vt__fail(VT_ERR_STATE, "loader: files are added before the first batch, to a loader without a tensor");
    char *copy = vt__alloc(l->ctx, size);
    if (!copy || vt__reserve(l->ctx, (void **)&l->files, &l->cap_files, l->n_files + 1, sizeof *l->files) != 0) {
        vt__free(l->ctx, copy);
        return vt__fail_nomem("loader", size);
    }
    memcpy(copy, path, size);
    l->files[l->n_files++] = copy;
    return VT_OK;
}

int64_t vt__loader_count(const vt_loader *l) { return l->pictures ? l->pictures->shape[0] : l->n_files; }

static vt_status make_job(vt_loader *l, const int64_t *indices, int64_t n, uint32_t round, job **out) {
    const vt__target *t = &l->params.target;
    const struct vt__desc desc = {t->dtype, 4, {n, t->channels, t->height, t->width}};
    const int64_t count = vt__loader_count(l);
    size_t size;
    *out = NULL;
    for (int64_t i = 0; i < n; i++)
        if (indices[i] < 0 || indices[i] >= count)
            return vt__fail(VT_ERR_INVALID, "loader: index %lld of %lld pictures", (long long)indices[i], (long long)count);
    if (vt__mul_size(n, sizeof *indices, &size)) return vt__fail(VT_ERR_SHAPE, "loader: a batch of %lld", (long long)n);
    job *j = vt__calloc(l->ctx, sizeof *j + size);
    if (!j) return vt__fail_nomem("loader", size);
    memcpy(j->indices, indices, size);
    j->n = j->worst = n;
    j->round = round;
    vt_status st = vt__tensor_zeros(l->ctx, 0, &desc, &j->out);
    if (st == VT_OK) *out = j;
    else vt__free(l->ctx, j);
    return st;
}

vt_status vt__loader_submit(vt_loader *l, const int64_t *indices, int64_t n, uint32_t round) {
    job *j;
    if (l->n_jobs >= l->params.depth) return vt__fail(VT_ERR_STATE, "loader: %d batches are under way, the most it was made for", l->params.depth);
    vt_status st = l->started ? VT_OK : vt__crew_start(l->ctx, &l->crew, l->params.n_threads, run, l);
    if (st != VT_OK) return st;
    l->started = 1;
    st = make_job(l, indices, n, round, &j);
    if (st != VT_OK) return st;
    vt__monitor_enter(&l->monitor);
    if (l->last) l->last->next = j;
    else l->first = j;
    l->last = j;
    l->n_jobs++;
    vt__monitor_wake_all(&l->monitor);
    vt__monitor_leave(&l->monitor);
    return VT_OK;
}

/* Until the oldest batch is done. Where the system gave no thread the caller does the work. */
static vt_status wait_for(vt_loader *l, const vt_cancel *cancel) {
    vt_status st = VT_OK;
    while (l->first->done < l->first->n && (st = vt__cancel_poll(cancel, "loader")) == VT_OK) {
        if (l->crew.n == 0) work_on(l, l->first);
        else vt__monitor_wait(&l->monitor, POLL_MS);
    }
    return st;
}

vt_status vt__loader_next(vt_loader *l, const vt_cancel *cancel, vt_tensor **out) {
    *out = NULL;
    if (!l->first) return vt__fail(VT_ERR_STATE, "loader: no batch was submitted");
    vt__monitor_enter(&l->monitor);
    vt_status st = wait_for(l, cancel);
    job *j = l->first;
    if (st == VT_OK) {
        l->first = j->next;
        if (!l->first) l->last = NULL;
        l->n_jobs--;
    }
    vt__monitor_leave(&l->monitor);
    if (st != VT_OK) return st;
    if (j->status != VT_OK) {
        st = vt__fail(j->status, "%s", j->message);
    } else {
        *out = j->out;
        j->out = NULL;
    }
    free_job(l, j);
    return st;
}
