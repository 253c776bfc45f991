/* Faults in the family of reductions, softmax, norms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "torture_each.h"
#include "venturi/tensor.h"

/* Every allocation of a reduction, a softmax, a norm and their gradients fails in turn. */
static vt_status walk(vt_context *own) {
    static const char *const names[] = {"layer_norm", "softmax", "cumprod", "norm"};
    vt_tensor *x = NULL, *y = NULL, *out[VT_OP_MAX_OUTPUTS] = {0};
    int32_t op;
    vt_status st = vt_tensor_create(own, VT_DTYPE_F64, (const int64_t[]){3, 4}, 2, VT_DEVICE_CPU, &x);
    if (st == VT_OK) st = vt_tensor_set_requires_grad(x, 1);
    y = vt_tensor_retain(x);
    for (int i = 0; st == VT_OK && i < 4; i++) {
        st = vt_op_find(names[i], &op);
        if (st == VT_OK) st = vt_op_run(own, op, &y, 1, NULL, 0, out);
        if (st == VT_OK) vt_tensor_release(y), y = out[0];
    }
    if (st == VT_OK) st = vt_backward(own, &y, NULL, 1, 0);
    vt_tensor_release(x), vt_tensor_release(y);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(walk);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
