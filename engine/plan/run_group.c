/* Doing the steps of a group block by block. */
#include "core/error.h"
#include "core/pool.h"
#include "plan/graph_internal.h"

enum { ALONE = 32768, MOST_IN = 3 };

struct job {
    vt_graph *g;
    const struct vt__unit *unit;
    atomic_int status; /* the first failure */
};

/* A thread's room, for as long as a block takes. There are as many as there are threads, so one is always free. */
static char *take_room(vt_graph *g, size_t *number) {
    for (size_t i = 0;; i = i + 1 < g->n_rooms ? i + 1 : 0) {
        int free = 0;
        if (!atomic_compare_exchange_strong(&g->room_taken[i], &free, 1)) continue;
        *number = i;
        return (char *)g->rooms->data + i * g->room_size;
    }
}

/* The part of a view that a block sees: offset in elements from its first element, or a place in the room. */
static struct vt__view part(const struct vt__group *group, const struct vt__group_operand *o, const struct vt__view *all, const int64_t *at, int64_t length, char *room) {
    struct vt__view v = {.data = all->data, .dtype = all->dtype, .ndim = group->ndim - group->axis};
    int64_t offset = 0;
    for (int32_t d = 0; d <= group->axis; d++) offset += at[d] * o->strides[d];
    if (o->local >= 0) v.data = room + o->local;
    else if (all->dtype >= 0) v.data = (char *)all->data + offset * (int64_t)vt__dtype_size(all->dtype);
    for (int32_t d = 0; d < v.ndim; d++) {
        v.strides[d] = o->strides[group->axis + d];
        v.shape[d] = v.strides[d] == 0 ? 1 : d == 0 ? length : group->shape[group->axis + d];
    }
    return v;
}

static void run_block(void *user, int64_t block) {
    struct job *job = user;
    vt_graph *g = job->g;
    const struct vt__group *group = &job->unit->group;
    const struct vt__group_operand *o = group->operands;
    int64_t at[VT__MAX_DIMS] = {0}, row = block / group->blocks_a_row;
    size_t number = 0;
    if (atomic_load_explicit(&job->status, memory_order_relaxed) != VT_OK) return;
    at[group->axis] = block % group->blocks_a_row * group->length;
    for (int32_t d = group->axis - 1; d >= 0; d--) {
        at[d] = row % group->shape[d];
        row /= group->shape[d];
    }
    int64_t left = group->shape[group->axis] - at[group->axis], length = left < group->length ? left : group->length;
    char *room = group->room ? take_room(g, &number) : NULL;
    vt_status st = VT_OK;
    for (int64_t s = job->unit->first; st == VT_OK && s < job->unit->first + job->unit->n_steps; s++) {
        struct vt__view in[MOST_IN], out;
        struct vt__run run = g->runs[s];
        for (int32_t i = 0; i < run.n_in; i++) in[i] = part(group, o++, &run.in[i], at, length, room);
        out = part(group, o++, &run.out[0], at, length, room);
        /* Outputs have all extents, also where one of them is 1. */
        for (int32_t d = 0; d < out.ndim; d++) out.shape[d] = d == 0 ? length : group->shape[group->axis + d];
        run.in = in;
        run.out = &out;
        st = g->p.backend->run(&run);
    }
    if (room) atomic_store(&g->room_taken[number], 0);
    if (st != VT_OK) atomic_store(&job->status, st);
}

vt_status vt__group_run(vt_graph *g, const struct vt__unit *unit) {
    struct job job = {.g = g, .unit = unit};
    int64_t count = 1;
    atomic_init(&job.status, VT_OK);
    for (int32_t d = 0; d < unit->group.ndim; d++) count *= unit->group.shape[d];
    if (count >= ALONE) vt__parallel(g->p.ctx, unit->group.n_blocks, run_block, &job);
    else
        for (int64_t i = 0; i < unit->group.n_blocks; i++) run_block(&job, i);
    vt_status st = atomic_load(&job.status);
    return st == VT_OK ? VT_OK : vt__fail(st, "graph: steps %lld to %lld failed", (long long)unit->first + 1, (long long)(unit->first + unit->n_steps));
}
