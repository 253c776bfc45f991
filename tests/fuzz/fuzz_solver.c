/* Any bytes as a solver's snapshot, with the checksum and fingerprint that they should have; what is restored goes on for a few steps. */
#include <string.h>

#include "core/hash.h"
#include "venturi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 1 << 16, HASH = 8, FINGERPRINT_AT = 8, MOST_STEPS = 8 };

static vt_status predict(void *user, const vt_solver_request *r, vt_tensor **out) {
    if (r->n_evaluated > *(const int64_t *)user + MOST_STEPS) return VT_ERR_CANCELLED;
    *out = vt_tensor_retain(r->x);
    return VT_OK;
}

/* A solver that has begun, and its snapshot. */
static vt_status make(vt_context *ctx, vt_solver **solver, vt_buffer **own) {
    const int64_t shape[] = {2, 3};
    vt_solver_options o = VT_STRUCT_INIT(vt_solver_options);
    vt_schedule *schedule = NULL;
    vt_tensor *x = NULL;
    o.kind = VT_SOLVER_DPM;
    o.order = 3;
    o.eta = 1;
    o.n_steps = 10;
    vt_status st = vt_schedule_create(ctx, NULL, &schedule);
    if (st == VT_OK) st = vt_solver_create(ctx, schedule, &o, solver);
    if (st == VT_OK) st = vt_tensor_create(ctx, VT_DTYPE_F32, shape, 2, VT_DEVICE_CPU, &x);
    if (st == VT_OK) st = vt_solver_begin(*solver, x, NULL);
    if (st == VT_OK) st = vt_solver_save(*solver, own);
    vt_tensor_release(x);
    vt_schedule_release(schedule);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t bytes[MOST_BYTES];
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_solver *solver = NULL;
    vt_buffer *own = NULL;
    if (size < FINGERPRINT_AT + 2 * HASH || size > MOST_BYTES) return 0;
    co.memory_limit = 1 << 26;
    co.n_threads = 1;
    if (vt_context_create(&co, &ctx) != VT_OK) return 0;
    if (make(ctx, &solver, &own) == VT_OK) {
        memcpy(bytes, data, size);
        memcpy(bytes, vt_buffer_data(own), FINGERPRINT_AT + HASH);
        const uint64_t hash = vt__hash(bytes, size - HASH);
        memcpy(bytes + size - HASH, &hash, sizeof hash);
        if (vt_solver_restore(solver, bytes, size) == VT_OK && !vt_solver_is_done(solver)) {
            vt_solver_request r = VT_STRUCT_INIT(vt_solver_request);
            int64_t before = vt_solver_next(solver, &r) == VT_OK ? r.n_evaluated : 0;
            if (vt_solver_run(solver, predict, &before, NULL) != VT_OK) before = 0;
        }
    }
    vt_buffer_release(own);
    vt_solver_release(solver);
    vt_context_release(ctx);
    return 0;
}
