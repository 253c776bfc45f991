/* Every allocation of a training step and of an exchange of files fails once: NOMEM, and nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "file_folder.h"
#include "torture_each.h"
#include "tensor/dlpack.h"

#define SHAPE(...) (const int64_t[]){__VA_ARGS__}, (int32_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* Handles of one piece of work, released together. */
struct made {
    vt_tensor *t[64];
    int n;
};

static vt_status put(struct made *m, vt_status st, vt_tensor **t, int n) {
    for (int i = 0; i < n; i++)
        if (t[i]) m->t[m->n++] = t[i];
    return st;
}

static void release_all(struct made *m) {
    while (m->n) vt_tensor_release(m->t[--m->n]);
}

/* *out = op(in ...); remembered. */
static vt_status run(vt_context *where, struct made *m, const char *name, vt_tensor **in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs, vt_tensor **out) {
    vt_tensor *all[VT_OP_MAX_OUTPUTS] = {0};
    int32_t op;
    vt_status st = vt_op_find(name, &op);
    if (st == VT_OK) st = vt_op_run(where, op, in, n_in, attrs, n_attrs, all);
    *out = all[0];
    return put(m, st, all, VT_OP_MAX_OUTPUTS);
}

static vt_status make(vt_context *where, struct made *m, const int64_t *shape, int32_t n_dims, int grad, vt_tensor **out) {
    vt_status st = vt_tensor_create(where, VT_DTYPE_F32, shape, n_dims, VT_DEVICE_CPU, out);
    if (st == VT_OK && grad) st = vt_tensor_set_requires_grad(*out, 1);
    return put(m, st, out, 1);
}

#define THEN(call) if (st == VT_OK) st = (call)

static vt_status training_step(vt_context *where) {
    struct made m = {{0}, 0};
    vt_tensor *x, *w, *f, *y, *z, *row, *g = NULL;
    vt_attr pad = {.name = "padding", .i = 1}, flat = {.name = "shape", .list = (const int64_t[]){2, 48}, .n_list = 2}, dim = {.name = "dim", .i = 1};
    vt_status st = make(where, &m, SHAPE(2, 2, 4, 4), 0, &x);
    THEN(make(where, &m, SHAPE(3, 2, 3, 3), 1, &f));
    THEN(make(where, &m, SHAPE(5, 48), 1, &w));
    THEN(run(where, &m, "conv2d", (vt_tensor *[]){x, f}, 2, &pad, 1, &y));
    THEN(run(where, &m, "exp", &y, 1, NULL, 0, &y));
    THEN(run(where, &m, "reshape", &y, 1, &flat, 1, &y));
    THEN(run(where, &m, "linear", (vt_tensor *[]){y, w}, 2, NULL, 0, &z));
    THEN(run(where, &m, "sort", &z, 1, NULL, 0, &row));
    THEN(run(where, &m, "cat", (vt_tensor *[]){z, row, z}, 3, &dim, 1, &z));
    THEN(run(where, &m, "mul", (vt_tensor *[]){z, z}, 2, NULL, 0, &z));
    THEN(run(where, &m, "sum", &z, 1, NULL, 0, &z));
    THEN(vt_backward(where, &z, NULL, 1, VT_BACKWARD_KEEP));
    THEN(put(&m, vt_gradients(where, &z, NULL, 1, &w, 1, VT_BACKWARD_CREATE, &g), &g, 1));
    release_all(&m);
    return st;
}

static vt_status exchange(vt_context *where) {
    struct made m = {{0}, 0};
    const char *names[] = {"a", "b"};
    vt_tensor *a, *b, *back = NULL;
    vt_tensor_file *file = NULL;
    struct vt__dl_managed *managed = NULL;
    vt_status st = make(where, &m, SHAPE(3, 2), 0, &a);
    THEN(run(where, &m, "transpose", &a, 1, NULL, 0, &b));
    THEN(vt_tensor_save_npy(b, in_folder("t.npy")));
    THEN(put(&m, vt_tensor_open_npy(where, in_folder("t.npy"), &back), &back, 1));
    THEN(vt_tensors_save(where, in_folder("t.safetensors"), names, (vt_tensor *[]){a, b}, 2));
    THEN(vt_tensor_file_open(where, in_folder("t.safetensors"), &file));
    back = NULL;
    THEN(put(&m, vt_tensor_file_get(file, "b", &back), &back, 1));
    vt_tensor_file_release(file);
    back = NULL;
    THEN(vt_tensor_to_dlpack(b, 0, (void **)&managed));
    if (st == VT_OK) {
        st = vt_tensor_from_dlpack(where, managed, 0, &back);
        if (st != VT_OK) managed->deleter(managed);
        st = put(&m, st, &back, 1);
    }
    release_all(&m);
    return st;
}

static void a_training_step_gives_everything_back(void **state) {
    (void)state;
    torture_each(training_step);
}

static void an_exchange_of_files_gives_everything_back(void **state) {
    (void)state;
    torture_each(exchange);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_training_step_gives_everything_back), cmocka_unit_test(an_exchange_of_files_gives_everything_back)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
