/* Models in several files: one set of tensors from any of them, and every disagreement by name. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/error.h"
#include "failing_io.h"
#include "file_folder.h"
#include "formats/gguf_write.h"
#include "gguf_build.h"
#include "torture_each.h"
#include "one_context.h" /* behind the above, whose variables it would shadow */
#include "venturi/llm.h"

static int setup(void **state) { return make_context(state) || folder_make(state); }
static int teardown(void **state) { return drop_context(state) || folder_remove(state); }

/* What a part says of itself; n_keys of the three. */
typedef struct part {
    uint16_t number, count;
    int32_t n_tensors;
    int n_keys;
    const char *tensor; /* its one tensor; NULL: none */
} part;

static void build(gguf_build *b, const part *p) {
    gguf_begin(b, 3, p->tensor != NULL, p->n_keys + 1);
    gguf_key_str(b, "general.name", p->number == 0 ? "the first" : "another");
    if (p->n_keys > 0) gguf_key(b, "split.count", VT__GGUF_U16), gguf_uint(b, p->count, 2);
    if (p->n_keys > 1) gguf_key(b, "split.no", VT__GGUF_U16), gguf_uint(b, p->number, 2);
    if (p->n_keys > 2) gguf_key(b, "split.tensors.count", VT__GGUF_I32), gguf_u32(b, (uint32_t)p->n_tensors);
    if (p->tensor) gguf_tensor(b, p->tensor, VT_DTYPE_F32, 8, 1, 0), gguf_blob(b, 32, 32), b->data[b->len - 32] = (unsigned char)(p->number + 1);
}

static void write_part(const char *name, const part *p) {
    gguf_build b;
    build(&b, p);
    write_file(name, b.data, b.len);
}

static const char *const names[3] = {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"};
static const part good[3] = {{0, 3, 3, 3, "a"}, {1, 3, 3, 3, "b"}, {2, 3, 3, 3, "c"}};

static void write_set(const part parts[3]) {
    for (int i = 0; i < 3; i++) write_part(names[i], &parts[i]);
}

static void any_file_opens_the_set(void **state) {
    (void)state;
    write_set(good);
    for (int i = 0; i < 3; i++) {
        vt__gguf *g;
        vt__gguf_str name;
        assert_int_equal(vt__gguf_open(ctx, in_folder(names[i]), &g), VT_OK);
        assert_int_equal(vt__gguf_tensor_count(g), 3);
        for (int j = 0; j < 3; j++) {
            const vt__gguf_tensor *t = vt__gguf_tensor_at(g, j);
            assert_string_equal(t->name, good[j].tensor);
            assert_ptr_equal(vt__gguf_tensor_find(g, good[j].tensor), t);
            assert_int_equal(*(const unsigned char *)t->data, j + 1);
        }
        assert_int_equal(vt__gguf_get_str(g, "general.name", &name), VT_OK); /* the keys of the first */
        assert_memory_equal(name.data, "the first", 9);
        assert_non_null(strstr(vt__gguf_name(g), names[0]));
        vt__gguf_release(g);
    }
}

static void the_first_file_may_have_no_tensor_and_a_set_of_one_is_a_file(void **state) {
    static const part keys_first[3] = {{0, 3, 2, 3, NULL}, {1, 3, 2, 3, "b"}, {2, 3, 2, 2, "c"}}, alone = {0, 1, 1, 3, "x"};
    vt__gguf *g;
    (void)state;
    write_set(keys_first);
    assert_int_equal(vt__gguf_open(ctx, in_folder(names[0]), &g), VT_OK);
    assert_int_equal(vt__gguf_tensor_count(g), 2);
    vt__gguf_release(g);
    write_part("alone.gguf", &alone);
    assert_int_equal(vt__gguf_open(ctx, in_folder("alone.gguf"), &g), VT_OK);
    assert_int_equal(vt__gguf_tensor_count(g), 1);
    vt__gguf_release(g);
}

static void every_disagreement_is_named(void **state) {
    static const struct {
        const char *name;
        part parts[3];
        vt_status want;
        const char *words;
    } cases[] = {
        {"another count", {{0, 3, 3, 3, "a"}, {1, 4, 3, 3, "b"}, {2, 3, 3, 3, "c"}}, VT_ERR_FORMAT, "m-00002-of-00003.gguf: part of 4 files"},
        {"another number", {{0, 3, 3, 3, "a"}, {2, 3, 3, 3, "b"}, {2, 3, 3, 3, "c"}}, VT_ERR_FORMAT, "'split.no' is 2, where 1 is needed"},
        {"number too large", {{0, 3, 3, 3, "a"}, {1, 3, 3, 3, "b"}, {3, 3, 3, 3, "c"}}, VT_ERR_FORMAT, "key 'split.no' is 3, 0 to 2 are allowed"},
        {"number missing", {{0, 3, 3, 3, "a"}, {1, 3, 3, 1, "b"}, {2, 3, 3, 3, "c"}}, VT_ERR_FORMAT, "m-00002-of-00003.gguf: key 'split.no' is missing"},
        {"not a part", {{0, 3, 3, 3, "a"}, {1, 3, 3, 0, "b"}, {2, 3, 3, 3, "c"}}, VT_ERR_FORMAT, "m-00002-of-00003.gguf: part of 1 files"},
        {"tensor twice", {{0, 3, 3, 3, "a"}, {1, 3, 3, 3, "b"}, {2, 3, 3, 3, "a"}}, VT_ERR_FORMAT, "tensor 'a' is there twice"},
        {"tensor missing", {{0, 3, 3, 3, "a"}, {1, 3, 3, 3, NULL}, {2, 3, 3, 3, "c"}}, VT_ERR_FORMAT, "'split.tensors.count' is 3, the 3 files have 2"},
        {"other total", {{0, 3, 3, 3, "a"}, {1, 3, 9, 3, "b"}, {2, 3, 3, 3, "c"}}, VT_ERR_FORMAT, "'split.tensors.count' is 9"},
        {"first opened is not the first", {{1, 3, 3, 3, "a"}, {1, 3, 3, 3, "b"}, {2, 3, 3, 3, "c"}}, VT_ERR_FORMAT, "part 2 of a model in 3 files, whose name must end in -00002-of-00003.gguf"},
    };
    vt__gguf *g;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_set(cases[i].parts);
        vt_status st = vt__gguf_open(ctx, in_folder(names[0]), &g);
        assert_null(g);
        if (st != cases[i].want || !strstr(vt__error_message(), cases[i].words))
            fail_msg("%s: %s, %s", cases[i].name, vt__status_name(st), vt__error_message());
    }
    write_set(good);
    assert_int_equal(remove(in_folder(names[1])), 0);
    assert_int_equal(vt__gguf_open(ctx, in_folder(names[0]), &g), VT_ERR_NOT_FOUND);
    assert_non_null(strstr(vt__error_message(), names[1]));
    assert_int_equal(vt__gguf_open(ctx, in_folder(names[2]), &g), VT_ERR_NOT_FOUND);
    write_file(names[1], "GGUF", 4);
    assert_int_equal(vt__gguf_open(ctx, in_folder(names[0]), &g), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), names[1]));
    write_part("m.gguf", &good[0]); /* a name from which the others do not follow */
    assert_int_equal(vt__gguf_open(ctx, in_folder("m.gguf"), &g), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), "must end in -00001-of-00003.gguf"));
    assert_null(g);
}

static void no_part_is_replaced_by_the_whole(void **state) {
    (void)state;
    write_set(good);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vt_model_quantize(ctx, in_folder(names[0]), in_folder(names[i]), VT_DTYPE_F16, NULL), VT_ERR_INVALID);
        assert_non_null(strstr(vt__error_message(), "a part of the model"));
    }
    assert_int_equal(vt_model_quantize(ctx, in_folder(names[0]), in_folder("whole.gguf"), VT_DTYPE_F16, NULL), VT_OK);
}

static void bytes_of_parts_are_joined_and_alone_refused(void **state) {
    gguf_build b[3];
    const void *data[3];
    size_t sizes[3];
    vt__gguf *g;
    (void)state;
    for (int i = 0; i < 3; i++) {
        build(&b[i], &good[i]);
        data[i] = b[i].data;
        sizes[i] = b[i].len;
    }
    assert_int_equal(vt__gguf_parse_parts(ctx, "set", data, sizes, 3, &g), VT_OK);
    assert_int_equal(vt__gguf_tensor_count(g), 3);
    vt__gguf_release(g);
    assert_int_equal(vt__gguf_parse_parts(ctx, "set", data, sizes, 2, &g), VT_ERR_FORMAT);
    assert_null(g);
    data[1] = data[2], sizes[1] = sizes[2];
    assert_int_equal(vt__gguf_parse_parts(ctx, "set", data, sizes, 3, &g), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), "set (part 2)"));
    assert_int_equal(vt__gguf_parse(ctx, "one", data[0], sizes[0], &g), VT_ERR_UNSUPPORTED);
    assert_null(g);
}

/* Every second tensor of a model, with all keys in the first file. */
static void write_half(const vt__gguf *g, const char *name, int64_t half) {
    vt__gguf_writer *w;
    assert_int_equal(vt__gguf_writer_create(ctx, in_folder(name), 0, &w), VT_OK);
    for (int64_t i = 0; half == 0 && i < vt__gguf_key_count(g); i++) assert_int_equal(vt__gguf_put_copy(w, g, i), VT_OK);
    assert_int_equal(vt__gguf_put_int(w, "split.no", VT__GGUF_U16, half), VT_OK);
    assert_int_equal(vt__gguf_put_int(w, "split.count", VT__GGUF_U16, 2), VT_OK);
    assert_int_equal(vt__gguf_put_int(w, "split.tensors.count", VT__GGUF_I32, vt__gguf_tensor_count(g)), VT_OK);
    for (int64_t i = half; i < vt__gguf_tensor_count(g); i += 2) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        assert_int_equal(vt__gguf_put_tensor(w, t->name, t->dtype, t->n_dims, t->ne), VT_OK);
    }
    for (int64_t i = half; i < vt__gguf_tensor_count(g); i += 2) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        assert_int_equal(vt__gguf_write_data(w, t->data, t->size), VT_OK);
    }
    assert_int_equal(vt__gguf_writer_finish(w), VT_OK);
    vt__gguf_writer_release(w);
}

static void logits_after(const char *path, float out[64]) {
    static const int32_t ids[] = {1, 2, 3, 5, 8};
    vt_model *model;
    vt_session *session;
    const float *logits;
    assert_int_equal(vt_model_open(ctx, path, NULL, &model), VT_OK);
    assert_int_equal(vt_session_create(model, NULL, &session), VT_OK);
    assert_int_equal(vt_session_feed(session, ids, 5), VT_OK);
    assert_int_equal(vt_session_logits(session, &logits), VT_OK);
    memcpy(out, logits, 64 * sizeof *out);
    vt_session_release(session);
    vt_model_release(model);
}

static void a_model_in_two_files_is_the_same_model(void **state) {
    char path[1024];
    float whole[64], split[64];
    vt__gguf *g;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/tiny_llama.gguf", getenv("VT_GOLDEN") ? getenv("VT_GOLDEN") : "tests/golden");
    assert_int_equal(vt__gguf_open(ctx, path, &g), VT_OK);
    write_half(g, "tiny-00001-of-00002.gguf", 0);
    write_half(g, "tiny-00002-of-00002.gguf", 1);
    vt__gguf_release(g);
    logits_after(path, whole);
    logits_after(in_folder("tiny-00001-of-00002.gguf"), split);
    assert_memory_equal(split, whole, sizeof whole);
    assert_int_equal(vt_model_quantize(ctx, in_folder("tiny-00002-of-00002.gguf"), in_folder("tiny.gguf"), VT_DTYPE_F32, NULL), VT_OK);
    logits_after(in_folder("tiny.gguf"), split); /* one file again */
    assert_memory_equal(split, whole, sizeof whole);
}

static vt_status open_set(vt_context *c) {
    vt__gguf *g;
    vt_status st = vt__gguf_open(c, in_folder(names[2]), &g);
    vt__gguf_release(g);
    return st;
}

static void survives_every_failing_allocation(void **state) {
    (void)state;
    write_set(good);
    torture_each(open_set);
}

static void every_failing_file_operation_is_reported(void **state) {
    (void)state;
    write_set(good);
    for (long k = 1;; k++) {
        vt_context *c;
        failing_io io;
        failing_io_init(&io);
        io.fail_at = k;
        assert_int_equal(vt__context_create(&(vt__context_params){0}, &c), VT_OK);
        vt__context_set_io(c, &io.table);
        vt_status st = open_set(c);
        vt__context_release(c);
        assert_int_equal(io.open_files, 0);
        assert_int_equal(io.live_maps, 0);
        if (io.calls < k) break;
        int harmless = !strcmp(io.failed, "close") || !strcmp(io.failed, "unmap");
        assert_int_equal(st, harmless ? VT_OK : VT_ERR_IO);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_file_opens_the_set),
        cmocka_unit_test(the_first_file_may_have_no_tensor_and_a_set_of_one_is_a_file),
        cmocka_unit_test(every_disagreement_is_named),
        cmocka_unit_test(no_part_is_replaced_by_the_whole), cmocka_unit_test(bytes_of_parts_are_joined_and_alone_refused),
        cmocka_unit_test(a_model_in_two_files_is_the_same_model),
        cmocka_unit_test(survives_every_failing_allocation),
        cmocka_unit_test(every_failing_file_operation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
