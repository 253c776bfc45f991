/* Texts to vectors: an encoder from a folder and one from a GGUF file, dense and sparse, in float32 and in bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "faults.h"
#include "unit/encode/folder.h"

static char dense_folder[64], sparse_folder[64];

/* The first and last numbers of a result. */
static void note(world *w, const vt_buffer *values) {
    const float *x = vt_buffer_data(values);
    size_t n = vt_buffer_size(values) / sizeof *x;
    if (n > 0) torture_note(w, "%zu: %.6f %.6f ", n, (double)x[0], (double)x[n - 1]);
}

static vt_status encode_texts(world *w, vt_encoder *enc, int32_t pooling) {
    static const char *const texts[] = {"ab c", "hello", "", "a b c a b c a b c a b c"};
    static const size_t sizes[] = {4, 5, 0, 23};
    vt_encode_options eo = VT_STRUCT_INIT(vt_encode_options);
    vt_buffer *values = NULL, *places = NULL;

    eo.pooling = pooling;
    eo.batch_tokens = 8; /* several batches */
    vt_status st = vt_encode_texts(enc, texts, sizes, 4, &eo, &values, &places);
    if (st == VT_OK) note(w, values);
    vt_buffer_release(values);
    vt_buffer_release(places);
    return st;
}

static vt_status encode_ids(world *w, vt_encoder *enc) {
    static const int32_t ids[] = {7, 36, 1, 30, 59, 24, 53, 18, 47, 12};
    static const int64_t offsets[] = {0, 1, 4, 10};
    vt_buffer *values = NULL, *places = NULL;
    vt_status st = vt_encode_ids(enc, ids, offsets, 3, NULL, &values, &places);
    if (st == VT_OK) note(w, values);
    vt_buffer_release(values);
    vt_buffer_release(places);
    return st;
}

static vt_status open_encoder(world *w, const char *path, int32_t numerics, vt_encoder **out) {
    vt_encoder_options oo = VT_STRUCT_INIT(vt_encoder_options);
    oo.numerics = numerics;
    return vt_encoder_open(w->ctx, path, &oo, out);
}

static vt_status from_folders(world *w) {
    static const struct { const char *folder; int32_t numerics, pooling; } kinds[] = {
        {dense_folder, VT_ENCODER_F32, VT_POOL_MEAN}, {dense_folder, VT_ENCODER_INT8, VT_POOL_TOKENS}, {sparse_folder, VT_ENCODER_F32, VT_POOL_MODEL},
    };
    vt_status st = VT_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && st == VT_OK; i++) {
        vt_encoder *enc = NULL;
        st = open_encoder(w, kinds[i].folder, kinds[i].numerics, &enc);
        if (st == VT_OK) st = encode_texts(w, enc, kinds[i].pooling);
        vt_encoder_release(enc);
    }
    return st;
}

static vt_status from_gguf(world *w) {
    char path[600];
    vt_encoder *enc = NULL;
    vt_status st = open_encoder(w, golden(path, "tiny_bert.gguf"), VT_ENCODER_F32, &enc);
    if (st == VT_OK) st = encode_ids(w, enc);
    vt_encoder_release(enc);
    return st;
}

/* As many words as the model has rows. */
static void put_vocabulary(const char *folder) {
    char text[1000] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (int i = 5; i < 64; i++) (void)snprintf(text + strlen(text), 12, i < 31 ? "%c\n" : "##%c\n", 'a' + (i < 31 ? i - 5 : (i - 31) % 26));
    put_text(folder, "vocab.txt", text);
}

int main(void) {
    static const torture_case cases[] = {
        {.name = "folders", .run = from_folders, .faults = FAULT_MEMORY | FAULT_FILES},
        {.name = "gguf", .run = from_gguf, .faults = FAULT_MEMORY},
        /* The question whether the path is a folder may fail: then it is taken for a file. */
        {.name = "gguf_file", .run = from_gguf, .faults = FAULT_FILES, .economies = 1},
    };
    make_folder(dense_folder, 0, 0);
    make_folder(sparse_folder, 0, 1);
    put_vocabulary(dense_folder);
    put_vocabulary(sparse_folder);
    int code = torture_main(cases, sizeof cases / sizeof *cases);
    remove_folder(dense_folder);
    remove_folder(sparse_folder);
    return code;
}
