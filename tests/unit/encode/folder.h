/* A model folder made from tiny_bert.gguf: the same weights under the names of the other format. */
#ifndef VENTURI_TEST_ENCODE_FOLDER_H
#define VENTURI_TEST_ENCODE_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/context.h"
#include "formats/gguf.h"

static const struct { const char *gguf, *hf; } tensor_names[] = {
    {"token_embd.weight", "embeddings.word_embeddings.weight"}, {"token_types.weight", "embeddings.token_type_embeddings.weight"},
    {"position_embd.weight", "embeddings.position_embeddings.weight"}, {"token_embd_norm.", "embeddings.LayerNorm."},
    {"attn_q.", "attention.self.query."}, {"attn_k.", "attention.self.key."}, {"attn_v.", "attention.self.value."},
    {"attn_output.", "attention.output.dense."}, {"attn_output_norm.", "attention.output.LayerNorm."}, {"ffn_up.", "intermediate.dense."},
    {"ffn_down.", "output.dense."}, {"layer_output_norm.", "output.LayerNorm."},
};

/* older: the names "bert.", "gamma" and "beta" of the format's first years. */
static inline void hf_name(char out[200], const char *gguf, int older) {
    char tail[200] = "", block[40] = "";
    if (strncmp(gguf, "blk.", 4) == 0) (void)snprintf(block, sizeof block, "encoder.layer.%c.", gguf[4]);
    const char *rest = block[0] ? gguf + 6 : gguf;
    for (size_t i = 0; i < sizeof tensor_names / sizeof *tensor_names; i++) {
        size_t n = strlen(tensor_names[i].gguf);
        if (strncmp(rest, tensor_names[i].gguf, n) == 0) (void)snprintf(tail, sizeof tail, "%s%s", tensor_names[i].hf, rest + n);
    }
    assert_true(tail[0] != 0);
    char *kind = strstr(tail, "LayerNorm.");
    if (older && kind) strcpy(kind + 10, strcmp(kind + 10, "weight") == 0 ? "gamma" : "beta");
    (void)snprintf(out, 200, "%s%s%s", older ? "bert." : "", block, tail);
}

typedef struct writer {
    char header[20000];
    size_t header_size;
    unsigned char blob[200000];
    size_t blob_size;
} writer;

static inline void put_tensor(writer *w, const char *name, const void *data, int64_t rows, int64_t cols) {
    size_t size = (size_t)(rows * cols) * 4;
    char shape[60];
    if (rows > 1) (void)snprintf(shape, sizeof shape, "%lld,%lld", (long long)rows, (long long)cols);
    else (void)snprintf(shape, sizeof shape, "%lld", (long long)cols);
    w->header_size += (size_t)snprintf(w->header + w->header_size, sizeof w->header - w->header_size,
                                       "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", w->header_size ? "," : "{", name, shape,
                                       w->blob_size, w->blob_size + size);
    assert_true(w->header_size < sizeof w->header && w->blob_size + size <= sizeof w->blob);
    memcpy(w->blob + w->blob_size, data, size);
    w->blob_size += size;
}

static inline void put_file(const char *folder, const char *name, const void *data, size_t size) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static inline void put_text(const char *folder, const char *name, const char *text) { put_file(folder, name, text, strlen(text)); }

static inline void put_weights(const char *folder, const writer *w) {
    static char all[230000];
    size_t n = w->header_size + 1;
    for (int i = 0; i < 8; i++) all[i] = (char)(n >> (8 * i));
    memcpy(all + 8, w->header, w->header_size);
    all[8 + w->header_size] = '}';
    memcpy(all + 8 + n, w->blob, w->blob_size);
    put_file(folder, "model.safetensors", all, 8 + n + w->blob_size);
}

#define TINY_CONFIG(act) \
    "{\"model_type\":\"bert\",\"hidden_act\":\"" act "\",\"hidden_size\":32,\"intermediate_size\":48,\"layer_norm_eps\":1e-12," \
    "\"max_position_embeddings\":64,\"num_attention_heads\":4,\"num_hidden_layers\":2,\"vocab_size\":64}"

/* Path of a file of tests/golden. */
static inline const char *golden(char out[600], const char *name) {
    const char *dir = getenv("VT_GOLDEN");
    assert_non_null(dir);
    (void)snprintf(out, 600, "%s/%s", dir, name);
    return out;
}

/* A new folder with the weights of tiny_bert.gguf, and for SPARSE a head that is made up. */
static inline void make_folder(char out[64], int older, int with_head) {
    static writer w;
    vt_context *ctx;
    vt__gguf *g;
    char path[600], name[200];
    strcpy(out, "/tmp/venturi_encode_XXXXXX");
    assert_non_null(mkdtemp(out));
    w.header_size = w.blob_size = 0;
    assert_int_equal(vt__context_create(&(vt__context_params){0}, &ctx), VT_OK);
    assert_int_equal(vt__gguf_open(ctx, golden(path, "tiny_bert.gguf"), &g), VT_OK);
    for (int64_t i = 0; i < vt__gguf_tensor_count(g); i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        hf_name(name, t->name, older);
        put_tensor(&w, name, t->data, t->ne[1], t->ne[0]);
    }
    if (with_head) {
        const vt__gguf_tensor *dense = vt__gguf_tensor_find(g, "blk.1.attn_q.weight"), *norm = vt__gguf_tensor_find(g, "token_embd_norm.weight");
        float bias[64];
        for (int i = 0; i < 64; i++) bias[i] = (float)(i - 32) / 16.0f;
        put_tensor(&w, "cls.predictions.transform.dense.weight", dense->data, 32, 32);
        put_tensor(&w, "cls.predictions.transform.dense.bias", bias, 1, 32);
        put_tensor(&w, "cls.predictions.transform.LayerNorm.gamma", norm->data, 1, 32);
        put_tensor(&w, "cls.predictions.transform.LayerNorm.beta", bias + 16, 1, 32);
        put_tensor(&w, "cls.predictions.bias", bias, 1, 64);
    }
    put_weights(out, &w);
    put_text(out, "config.json", TINY_CONFIG("gelu_new"));
    vt__gguf_release(g);
    vt__context_release(ctx);
}

static inline void remove_folder(const char *folder) {
    static const char *const names[] = {"model.safetensors", "config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json",
                                        "sentence_bert_config.json", "1_Pooling/config.json"};
    char path[600];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/1_Pooling", folder);
    (void)rmdir(path);
    assert_int_equal(rmdir(folder), 0);
}

#endif
