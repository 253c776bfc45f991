#include "kv/cache.h"

#include <stdatomic.h>

#include "core/context.h"
#include "core/error.h"
#include "core/lock.h"
#include "core/memory.h"
#include "vtk.h"

/* Sits before the bytes that are handed out; 64 bytes, so that these stay aligned. */
typedef struct block {
    atomic_int refs;
    struct block *next; /* in the free list, or in the list of all */
    struct block *next_free;
} block;

enum { BLOCK_HEAD = 64 };
_Static_assert((int)VT__KV_BLOCK_TOKENS == (int)VTK_KV_BLOCK, "blocks are those of the kernels");
_Static_assert(sizeof(block) <= BLOCK_HEAD, "the head fits before an aligned block");

struct vt_kv {
    atomic_int refs;
    vt_context *ctx;
    vt__kv_params params;
    size_t head_size;  /* bytes of K of one head in a block */
    size_t block_size; /* bytes of a block, its head not counted */
    int64_t n_blocks;  /* most that may be in use */
    vt__lock lock;     /* guards what follows; n_used may be read without it */
    atomic_int_fast64_t n_used;
    block *all;  /* every block ever allocated: at most n_blocks */
    block *free; /* those not in use */
};

static vt_status check(const vt__kv_params *p) {
    if (p->dtype != VT_DTYPE_F32 && p->dtype != VT_DTYPE_F16 && p->dtype != VT_DTYPE_Q8_0)
        return vt__fail(VT_ERR_DTYPE, "kv: dtype %d, need VT_DTYPE_F32 (0), VT_DTYPE_F16 (1) or VT_DTYPE_Q8_0 (8)", p->dtype);
    if (p->dtype == VT_DTYPE_Q8_0 && p->head_dim % VTK_BLOCK)
        return vt__fail(VT_ERR_UNSUPPORTED, "kv: VT_DTYPE_Q8_0 needs heads of a multiple of %d elements, the model's have %lld", (int)VTK_BLOCK,
                        (long long)p->head_dim);
    if (p->n_tokens < 1 || p->n_tokens > INT64_MAX - VT__KV_BLOCK_TOKENS)
        return vt__fail(VT_ERR_INVALID, "kv: n_tokens=%lld, need at least 1", (long long)p->n_tokens);
    return VT_OK;
}

static vt_status measure(vt_kv *kv) {
    const vt__kv_params *p = &kv->params;
    size_t heads;
    kv->head_size = vtk_kv_size(vt__kv_type(kv), p->head_dim);
    if (vt__mul_size(p->head_dim, VT__KV_BLOCK_TOKENS * sizeof(float), &heads) ||
        vt__mul_size(2 * (int64_t)p->n_layers, p->n_kv_heads, &heads) || __builtin_mul_overflow(heads, kv->head_size, &kv->block_size) ||
        kv->block_size > SIZE_MAX - BLOCK_HEAD)
        return vt__fail(VT_ERR_INVALID, "kv: %d layers of %d heads of %lld are too large", p->n_layers, p->n_kv_heads, (long long)p->head_dim);
    kv->n_blocks = (p->n_tokens + VT__KV_BLOCK_TOKENS - 1) / VT__KV_BLOCK_TOKENS;
    return VT_OK;
}

vt_status vt__kv_create(vt_context *ctx, const vt__kv_params *params, vt_kv **out) {
    *out = NULL;
    vt_status st = check(params);
    vt_kv *kv = st == VT_OK ? vt__calloc(ctx, sizeof *kv) : NULL;
    if (!kv) {
        params->release_owner(params->owner);
        return st != VT_OK ? st : vt__fail_nomem("kv", sizeof *kv);
    }
    atomic_init(&kv->refs, 1);
    kv->ctx = vt__context_retain(ctx);
    kv->params = *params;
    vt__lock_init(&kv->lock);
    st = measure(kv);
    if (st != VT_OK) {
        vt__kv_release(kv);
        return st;
    }
    *out = kv;
    return VT_OK;
}

vt_kv *vt__kv_retain(vt_kv *kv) {
    if (kv) atomic_fetch_add(&kv->refs, 1);
    return kv;
}

void vt__kv_release(vt_kv *kv) {
    if (!kv || atomic_fetch_sub(&kv->refs, 1) != 1) return;
    vt_context *ctx = kv->ctx;
    for (block *b = kv->all, *next; b; b = next) {
        next = b->next;
        vt__free(ctx, b);
    }
    vt__lock_destroy(&kv->lock);
    kv->params.release_owner(kv->params.owner);
    vt__free(ctx, kv);
    vt__context_release(ctx);
}

const void *vt__kv_owner(const vt_kv *kv) { return kv->params.owner; }
int32_t vt__kv_dtype(const vt_kv *kv) { return kv->params.dtype; }
int32_t vt__kv_n_heads(const vt_kv *kv) { return kv->params.n_kv_heads; }
int64_t vt__kv_head_dim(const vt_kv *kv) { return kv->params.head_dim; }
int32_t vt__kv_type(const vt_kv *kv) {
    return kv->params.dtype == VT_DTYPE_F32 ? VTK_KV_F32 : kv->params.dtype == VT_DTYPE_F16 ? VTK_KV_F16 : VTK_KV_Q8_0;
}

int64_t vt__kv_block_count(const vt_kv *kv) { return kv->n_blocks; }
size_t vt__kv_block_size(const vt_kv *kv) { return kv->block_size; }

int64_t vt__kv_block_used(const vt_kv *kv) { return atomic_load(&kv->n_used); }

size_t vt__kv_k_offset(const vt_kv *kv, int32_t layer, int32_t head) {
    return (size_t)(2 * (int64_t)layer * kv->params.n_kv_heads + head) * kv->head_size;
}

size_t vt__kv_v_offset(const vt_kv *kv, int32_t layer, int32_t head) {
    return vt__kv_k_offset(kv, layer, head) + (size_t)kv->params.n_kv_heads * kv->head_size;
}

static block *head_of(unsigned char *bytes) { return (block *)(void *)(bytes - BLOCK_HEAD); }

/* The number in use is raised before the memory is asked for, so that the lock is not held meanwhile and the limit still holds. */
vt_status vt__kv_take_block(vt_kv *kv, unsigned char **out) {
    *out = NULL;
    vt__lock_take(&kv->lock);
    int full = kv->n_used == kv->n_blocks;
    if (!full) kv->n_used++;
    block *b = full ? NULL : kv->free;
    if (b) kv->free = b->next_free;
    vt__lock_give(&kv->lock);
    if (full)
        return vt__fail(VT_ERR_LIMIT, "kv: all %lld blocks of %d tokens are in use", (long long)kv->n_blocks, (int)VT__KV_BLOCK_TOKENS);

    if (!b) {
        b = vt__alloc64(kv->ctx, BLOCK_HEAD + kv->block_size);
        vt__lock_take(&kv->lock);
        if (b) {
            b->next = kv->all;
            kv->all = b;
        } else {
            kv->n_used--;
        }
        vt__lock_give(&kv->lock);
        if (!b) return vt__fail_nomem("kv", BLOCK_HEAD + kv->block_size);
    }
    atomic_init(&b->refs, 1);
    *out = (unsigned char *)b + BLOCK_HEAD;
    return VT_OK;
}

void vt__kv_share_block(vt_kv *kv, unsigned char *bytes) {
    (void)kv;
    atomic_fetch_add(&head_of(bytes)->refs, 1);
}

void vt__kv_give_block(vt_kv *kv, unsigned char *bytes) {
    block *b = head_of(bytes);
    if (atomic_fetch_sub(&b->refs, 1) != 1) return;
    vt__lock_take(&kv->lock);
    b->next_free = kv->free;
    kv->free = b;
    kv->n_used--;
    vt__lock_give(&kv->lock);
}
