/* Tensors to and from others: .npy, safetensors, DLPack. Round trips of every type, what is refused, memory that is shared and given back. */
#include "tensor_cases.h"

#include "file_folder.h"
#include "tensor/dlpack.h"
#include "venturi/tensor_file.h"

static vt_tensor *make_bytes(int32_t dtype, const int64_t *shape, int32_t n_dims) {
    unsigned char bytes[512];
    vt_tensor *t = NULL;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(dtype == VT_DTYPE_BOOL ? i % 2 : i * 7 % 120);
    assert_int_equal(vt_tensor_create(ctx, dtype, shape, n_dims, VT_DEVICE_CPU, &t), VT_OK);
    assert_int_equal(vt_tensor_write(t, bytes, (size_t)vt_tensor_count(t) * vt_dtype_size(dtype)), VT_OK);
    return t;
}

static void expect_same(vt_tensor *a, vt_tensor *b) {
    unsigned char x[512], y[512];
    size_t size = (size_t)vt_tensor_count(a) * vt_dtype_size(vt_tensor_dtype(a));
    assert_int_equal(vt_tensor_dtype(a), vt_tensor_dtype(b));
    assert_int_equal(vt_tensor_n_dims(a), vt_tensor_n_dims(b));
    for (int32_t d = 0; d < vt_tensor_n_dims(a); d++) assert_int_equal(vt_tensor_shape(a)[d], vt_tensor_shape(b)[d]);
    assert_int_equal(vt_tensor_read(a, x, size), VT_OK);
    assert_int_equal(vt_tensor_read(b, y, size), VT_OK);
    assert_memory_equal(x, y, size);
}

static const int32_t types[] = {VT_DTYPE_BOOL, VT_DTYPE_U8, VT_DTYPE_I8, VT_DTYPE_I32, VT_DTYPE_I64, VT_DTYPE_F16, VT_DTYPE_BF16, VT_DTYPE_F32, VT_DTYPE_F64,
    VT_DTYPE_C64, VT_DTYPE_C128};
enum { N_TYPES = sizeof types / sizeof types[0] };

static void npy_files_keep_every_type_and_extent(void **state) {
    (void)state;
    static const struct {
        int64_t shape[8];
        int32_t n_dims;
    } shapes[] = {{{0}, 0}, {{5}, 1}, {{2, 3}, 2}, {{2, 0, 3}, 3}, {{1, 2, 1, 2, 1, 2, 1, 2}, 8}};
    for (int i = 0; i < N_TYPES; i++)
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            vt_tensor *t = make_bytes(types[i], shapes[s].shape, shapes[s].n_dims), *back = NULL;
            if (types[i] == VT_DTYPE_BF16) {
                assert_int_equal(vt_tensor_save_npy(t, in_folder("file")), VT_ERR_DTYPE);
            } else {
                assert_int_equal(vt_tensor_save_npy(t, in_folder("file")), VT_OK);
                assert_int_equal(vt_tensor_open_npy(ctx, in_folder("file"), &back), VT_OK);
                expect_same(t, back);
            }
            vt_tensor_release(t), vt_tensor_release(back);
        }
}

static void a_transposed_tensor_is_saved_in_its_own_order(void **state) {
    (void)state;
    vt_tensor *t = make_f64(SHAPE(2, 3), (const double[]){1, 2, 3, 4, 5, 6}), *u = run_op("transpose", t, NULL, NULL, 0), *back = NULL;
    assert_int_equal(vt_tensor_save_npy(u, in_folder("file")), VT_OK);
    assert_int_equal(vt_tensor_open_npy(ctx, in_folder("file"), &back), VT_OK);
    expect_f64(back, (const double[]){1, 4, 2, 5, 3, 6}, 6);
    assert_int_equal(vt_tensor_write(back, (const double[]){0, 0, 0, 0, 0, 0}, 48), VT_ERR_STATE); /* mapped */
    vt_tensor_release(t), vt_tensor_release(u), vt_tensor_release(back);
}

static void safetensors_keep_names_types_and_order(void **state) {
    (void)state;
    const char *names[N_TYPES] = {"a", "b.weight", "quo\"te\\", "a b", "\xc3\xa9", "f16", "bf16", "f32", "f64"};
    vt_tensor *in[N_TYPES], *back = NULL;
    vt_tensor_file *file = NULL;
    for (int i = 0; i < 9; i++) in[i] = make_bytes(types[i], SHAPE(3, 5));
    assert_int_equal(vt_tensors_save(ctx, in_folder("file"), names, in, 9), VT_OK);
    if (vt_tensor_file_open(ctx, in_folder("file"), &file) != VT_OK) fail_msg("%s", vt_error_message());
    assert_int_equal(vt_tensor_file_count(file), 9);
    for (int i = 0; i < 9; i++) {
        assert_string_equal(vt_tensor_file_name(file, i), names[i]);
        assert_int_equal(vt_tensor_file_get(file, names[i], &back), VT_OK);
        expect_same(in[i], back);
        vt_tensor_release(back);
    }
    assert_int_equal(vt_tensor_file_get(file, "c", &back), VT_ERR_NOT_FOUND);
    assert_int_equal(vt_tensor_file_get(file, "f32", &back), VT_OK);
    vt_tensor_file_release(file); /* the tensor lives on */
    expect_same(in[7], back);
    vt_tensor_release(back);

    static const char *const wrong[] = {"", "a", "__metadata__", "\xff", "line\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(vt_tensors_save(ctx, in_folder("file"), (const char *[]){"a", wrong[i]}, in, 2), VT_ERR_INVALID);
    assert_int_equal(vt_tensors_save(ctx, in_folder("file"), names, in, 0), VT_OK); /* none */
    assert_int_equal(vt_tensor_file_open(ctx, in_folder("file"), &file), VT_OK);
    assert_int_equal(vt_tensor_file_count(file), 0);
    vt_tensor_file_release(file);
    for (int i = 0; i < 9; i++) vt_tensor_release(in[i]);
}

static void dlpack_shares_memory_both_ways(void **state) {
    (void)state;
    for (int i = 0; i < 2 * N_TYPES; i++) {
        vt_tensor *t = make_bytes(types[i / 2], SHAPE(4, 3)), *u = run_op("transpose", t, NULL, NULL, 0), *back = NULL;
        void *managed = NULL;
        assert_int_equal(vt_tensor_to_dlpack(u, i % 2, &managed), VT_OK);
        assert_int_equal(vt_tensor_from_dlpack(ctx, managed, i % 2, &back), VT_OK);
        assert_ptr_equal(vt_tensor_data(back), vt_tensor_data(t));
        expect_same(u, back);
        vt_tensor_release(t), vt_tensor_release(u);
        vt_tensor_release(back); /* its deleter lets go of the storage: the group's leak check sees it */
    }
}

static void dlpack_with_negative_strides_and_strange_structs(void **state) {
    (void)state;
    double values[4] = {1, 2, 3, 4};
    int64_t shape[1] = {4}, strides[1] = {-1};
    struct vt__dl_managed m = {.tensor = {.data = values + 3, .device = {1, 0}, .ndim = 1, .dtype = {2, 64, 1}, .shape = shape, .strides = strides}};
    vt_tensor *t = NULL;
    assert_int_equal(vt_tensor_from_dlpack(ctx, &m, 0, &t), VT_OK);
    expect_f64(t, (const double[]){4, 3, 2, 1}, 4);
    vt_tensor_release(t);
    m.tensor.device.type = 2;
    assert_int_equal(vt_tensor_from_dlpack(ctx, &m, 0, &t), VT_ERR_DEVICE);
    m.tensor.device.type = 1, m.tensor.dtype.lanes = 2;
    assert_int_equal(vt_tensor_from_dlpack(ctx, &m, 0, &t), VT_ERR_DTYPE);
    m.tensor.dtype.lanes = 1, m.tensor.ndim = 9;
    assert_int_equal(vt_tensor_from_dlpack(ctx, &m, 0, &t), VT_ERR_SHAPE);
    m.tensor.ndim = 1, shape[0] = INT64_MAX;
    assert_int_equal(vt_tensor_from_dlpack(ctx, &m, 0, &t), VT_ERR_SHAPE);
    shape[0] = 4, strides[0] = INT64_MIN;
    assert_int_equal(vt_tensor_from_dlpack(ctx, &m, 0, &t), VT_ERR_SHAPE);
    strides[0] = 1, m.tensor.data = (char *)values + 1;
    assert_int_equal(vt_tensor_from_dlpack(ctx, &m, 0, &t), VT_ERR_INVALID);
}

static int make_all(void **state) { return folder_make(state) || make_context(state); }
static int drop_all(void **state) { return drop_context(state) || folder_remove(state); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(npy_files_keep_every_type_and_extent), cmocka_unit_test(a_transposed_tensor_is_saved_in_its_own_order),
        cmocka_unit_test(safetensors_keep_names_types_and_order), cmocka_unit_test(dlpack_shares_memory_both_ways),
        cmocka_unit_test(dlpack_with_negative_strides_and_strange_structs)};
    return cmocka_run_group_tests(tests, make_all, drop_all);
}
