/* Public calls of venturi/context.h and the random block of venturi_experimental.h: check, normalise options, forward. */
#define VT_EXPERIMENTAL
#include "venturi/context.h"

#include "core/buffer.h"
#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/options.h"
#include "core/rng.h"
#include "venturi_experimental.h"
#include "vtk.h"

vt_status vt_context_create(const vt_context_options *user_opt, vt_context **out) {
    enum { FIRST_SIZE = 56 }; /* sizeof in the first release; stays when the struct grows */
    vt_context_options o;

    if (!out) return vt__fail(VT_ERR_INVALID, "context: out is NULL");
    *out = NULL;
    vt_status st = vt__options_read("context", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags) return vt__fail(VT_ERR_INVALID, "context: unknown flags 0x%x", o.flags);
    return vt__context_create(&(vt__context_params){o.alloc, o.alloc_user, o.log, o.log_user, o.log_level, o.n_threads, o.memory_limit}, out);
}

vt_context *vt_context_retain(vt_context *ctx) { return vt__context_retain(ctx); }
void vt_context_release(vt_context *ctx) { vt__context_release(ctx); }
int32_t vt_context_threads(const vt_context *ctx) { return ctx ? vt__context_threads(ctx) : 0; }
uint64_t vt_context_memory(const vt_context *ctx) { return ctx ? vt__context_memory(ctx) : 0; }
uint64_t vt_context_memory_peak(const vt_context *ctx) { return ctx ? vt__context_memory_peak(ctx) : 0; }

const char *vt_error_message(void) { return vt__error_message(); }
const char *vt_status_name(vt_status status) { return vt__status_name(status); }
const char *vt_version(void) { return VT_VERSION; }
int32_t vt_abi_version(void) { return 0; }
const char *vt_isa(void) { return vtk_get()->isa; }

vt_status vt_cancel_create(vt_context *ctx, vt_cancel **out) {
    if (out) *out = NULL;
    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "cancel: context or out is NULL");
    return vt__cancel_create(ctx, out);
}

vt_cancel *vt_cancel_retain(vt_cancel *cancel) { return vt__cancel_retain(cancel); }
void vt_cancel_release(vt_cancel *cancel) { vt__cancel_release(cancel); }
void vt_cancel_raise(vt_cancel *cancel) { vt__cancel_raise(cancel); }
void vt_cancel_reset(vt_cancel *cancel) { vt__cancel_reset(cancel); }
int32_t vt_cancel_is_raised(const vt_cancel *cancel) { return vt__cancel_is_raised(cancel); }

const void *vt_buffer_data(const vt_buffer *buffer) { return vt__buffer_data(buffer); }
size_t vt_buffer_size(const vt_buffer *buffer) { return vt__buffer_size(buffer); }
vt_buffer *vt_buffer_retain(vt_buffer *buffer) { return vt__buffer_retain(buffer); }
void vt_buffer_release(vt_buffer *buffer) { vt__buffer_release(buffer); }

static vt_status check_random(const void *out, int64_t n) {
    if (n < 0 || (n > 0 && !out)) return vt__fail(VT_ERR_INVALID, "random: n=%lld with out %p", (long long)n, out);
    return VT_OK;
}

vt_status vt_random_words(uint64_t seed, uint32_t stream, uint64_t first, uint32_t *out, int64_t n) {
    vt_status st = check_random(out, n);
    if (st == VT_OK) vt__random_words(seed, stream, first, out, n);
    return st;
}

vt_status vt_random_uniform(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n) {
    vt_status st = check_random(out, n);
    if (st == VT_OK) vt__random_uniform(seed, stream, first, out, n);
    return st;
}

vt_status vt_random_normal(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n) {
    vt_status st = check_random(out, n);
    if (st == VT_OK) vt__random_normal(seed, stream, first, out, n);
    return st;
}

uint64_t vt_hash(const void *data, size_t size) { return vt__hash(size ? data : "", size); }

void vt_philox_block(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]) { vt__philox_block(ctr, key, out); }
