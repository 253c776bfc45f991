/* Fails each allocation of a piece of work in turn. Includes nothing of cmocka's: its headers come before. */
#ifndef VENTURI_TORTURE_EACH_H
#define VENTURI_TORTURE_EACH_H

#include "torture.h"
#include "venturi.h"

/* Runs `work` on a context whose allocation k fails, for every k until it runs through, transient and from then on. `work` releases what it made,
 * and is the same at every run. */
static inline void torture_each(vt_status (*work)(vt_context *ctx)) {
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_context_options o = VT_STRUCT_INIT(vt_context_options);
            vt_context *ctx = NULL;
            o.alloc = torture_alloc;
            o.alloc_user = &t;
            vt_status st = vt_context_create(&o, &ctx);
            if (st == VT_OK) st = work(ctx);
            vt_context_release(ctx);
            assert_int_equal(t.live, 0);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
            assert_int_equal(st, VT_ERR_NOMEM);
        }
}

#endif
