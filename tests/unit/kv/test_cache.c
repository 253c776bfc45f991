/* The pool of cache blocks: capacity, reuse, sharing, layout, faults. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/error.h"
#include "core/pool.h"
#include "kv/cache.h"
#include "torture.h"

static int owners; /* owner references alive */

static void release_owner(void *owner) {
    (void)owner;
    owners--;
}

static vt__kv_params params_of(int64_t n_tokens, int32_t dtype) {
    owners++;
    return (vt__kv_params){.n_layers = 3, .n_kv_heads = 2, .head_dim = 8, .dtype = dtype, .n_tokens = n_tokens, .owner = &owners, .release_owner = release_owner};
}

static vt_context *new_context(void) {
    vt_context *ctx;
    assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = 4}, &ctx), VT_OK);
    return ctx;
}

static vt_kv *new_kv(vt_context *ctx, int64_t n_tokens, int32_t dtype) {
    vt__kv_params p = params_of(n_tokens, dtype);
    vt_kv *kv;
    assert_int_equal(vt__kv_create(ctx, &p, &kv), VT_OK);
    return kv;
}

static void refuses_wrong_parameters(void **state) {
    static const struct {
        int64_t n_tokens;
        int32_t dtype;
        int64_t head_dim;
        vt_status want;
    } cases[] = {
        {0, VT_DTYPE_F32, 8, VT_ERR_INVALID},
        {-1, VT_DTYPE_F32, 8, VT_ERR_INVALID},
        {INT64_MAX, VT_DTYPE_F32, 8, VT_ERR_INVALID},
        {16, VT_DTYPE_Q8_0, 8, VT_ERR_UNSUPPORTED},
        {16, VT_DTYPE_BF16, 8, VT_ERR_DTYPE},
        {16, VT_DTYPE_F32, INT64_MAX / 64, VT_ERR_INVALID},
        {16, VT_DTYPE_F32, -1, VT_ERR_INVALID},
    };
    vt_context *ctx = new_context();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt__kv_params p = params_of(cases[i].n_tokens, cases[i].dtype);
        vt_kv *kv;
        p.head_dim = cases[i].head_dim;
        assert_int_equal(vt__kv_create(ctx, &p, &kv), cases[i].want);
        assert_null(kv);
    }
    assert_int_equal(owners, 0);
    vt__context_release(ctx);
}

static void hands_out_capacity_and_no_more(void **state) {
    vt_context *ctx = new_context();
    vt_kv *kv = new_kv(ctx, 33, VT_DTYPE_F32); /* three blocks, rounded up */
    unsigned char *b[3], *more;
    (void)state;
    assert_int_equal(vt__kv_block_count(kv), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vt__kv_take_block(kv, &b[i]), VT_OK);
        assert_int_equal((uintptr_t)b[i] % 64, 0);
        memset(b[i], i, vt__kv_block_size(kv));
    }
    assert_int_equal(vt__kv_block_used(kv), 3);
    assert_int_equal(vt__kv_take_block(kv, &more), VT_ERR_LIMIT);
    assert_null(more);
    assert_non_null(strstr(vt__error_message(), "3 blocks"));
    uint64_t before = vt__context_memory(ctx);
    vt__kv_give_block(kv, b[1]);
    assert_int_equal(vt__kv_block_used(kv), 2);
    assert_int_equal(vt__kv_take_block(kv, &more), VT_OK);
    assert_ptr_equal(more, b[1]); /* from the free list */
    assert_int_equal(vt__context_memory(ctx), before);
    vt__kv_release(kv); /* blocks in use go with the pool */
    assert_int_equal(owners, 0);
    vt__context_release(ctx);
}

static void shared_block_is_freed_by_its_last_holder(void **state) {
    vt_context *ctx = new_context();
    vt_kv *kv = new_kv(ctx, 16, VT_DTYPE_F16);
    unsigned char *b, *other;
    (void)state;
    assert_int_equal(vt__kv_take_block(kv, &b), VT_OK);
    vt__kv_share_block(kv, b);
    vt__kv_give_block(kv, b);
    assert_int_equal(vt__kv_take_block(kv, &other), VT_ERR_LIMIT);
    vt__kv_give_block(kv, b);
    assert_int_equal(vt__kv_block_used(kv), 0);
    assert_int_equal(vt__kv_take_block(kv, &other), VT_OK);
    vt__kv_release(kv);
    vt__context_release(ctx);
}

/* K of all heads, then V of all heads, layer by layer; the block is exactly filled. */
static void layout_has_no_gap_and_no_overlap(void **state) {
    vt_context *ctx = new_context();
    (void)state;
    for (int half = 0; half < 2; half++) {
        vt_kv *kv = new_kv(ctx, 16, half ? VT_DTYPE_F16 : VT_DTYPE_F32);
        size_t piece = (size_t)VT__KV_BLOCK_TOKENS * 8 * (half ? 2 : 4), at = 0;
        for (int32_t layer = 0; layer < 3; layer++) {
            for (int32_t h = 0; h < 2; h++, at += piece) assert_int_equal(vt__kv_k_offset(kv, layer, h), at);
            for (int32_t h = 0; h < 2; h++, at += piece) assert_int_equal(vt__kv_v_offset(kv, layer, h), at);
        }
        assert_int_equal(vt__kv_block_size(kv), at);
        vt__kv_release(kv);
    }
    vt__context_release(ctx);
}

static void take_and_give(void *user, int64_t chunk) {
    vt_kv *kv = user;
    unsigned char *b[4];
    for (int round = 0; round < 200; round++) {
        int n = 0;
        while (n < 4 && vt__kv_take_block(kv, &b[n]) == VT_OK) {
            memset(b[n], (int)chunk, vt__kv_block_size(kv)); /* a block in two hands would be a race */
            n++;
        }
        while (n > 0) vt__kv_give_block(kv, b[--n]);
    }
}

static void threads_share_one_pool(void **state) {
    vt_context *ctx = new_context();
    vt_kv *kv = new_kv(ctx, 10 * 16, VT_DTYPE_F32);
    (void)state;
    vt__parallel(ctx, 4, take_and_give, kv);
    assert_int_equal(vt__kv_block_used(kv), 0);
    vt__kv_release(kv);
    vt__context_release(ctx);
}

static vt_status scenario(torture *t) {
    vt_context *ctx;
    vt_kv *kv = NULL;
    unsigned char *b = NULL;
    vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = t, .n_threads = 1}, &ctx);
    if (st != VT_OK) return st;
    vt__kv_params p = params_of(64, VT_DTYPE_F32);
    st = vt__kv_create(ctx, &p, &kv);
    for (int i = 0; i < 4 && st == VT_OK; i++) st = vt__kv_take_block(kv, &b);
    if (st == VT_OK) vt__kv_give_block(kv, b);
    vt__kv_release(kv);
    vt__context_release(ctx);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = scenario(&t);
            assert_int_equal(t.live, 0);
            assert_int_equal(owners, 0);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
            assert_int_equal(st, VT_ERR_NOMEM);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_wrong_parameters), cmocka_unit_test(hands_out_capacity_and_no_more),
        cmocka_unit_test(shared_block_is_freed_by_its_last_holder), cmocka_unit_test(layout_has_no_gap_and_no_overlap),
        cmocka_unit_test(threads_share_one_pool), cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
