/* A GGUF file made to order: a small llama with known weights and a byte-level vocabulary, whole or broken in a chosen way. */
#ifndef VENTURI_TEST_CRAFT_H
#define VENTURI_TEST_CRAFT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define VT_EXPERIMENTAL
#include "venturi.h"
#include "venturi_experimental.h"

#include "craft_bytes.h"

enum { CRAFT_EMBD = 64, CRAFT_HEADS = 4, CRAFT_KV_HEADS = 2, CRAFT_FF = 32, CRAFT_LAYERS = 2, CRAFT_CTX = 300, CRAFT_VOCAB = 260, CRAFT_EOG = 257 };

typedef struct craft_key {
    const char *key;
    char type;       /* 'u', 'f', 's'; 0: remove the key */
    double number;
    const char *text;
} craft_key;

typedef struct craft_tensor {
    const char *name;
    int32_t dtype;
    int64_t cols, rows; /* rows 0: a vector */
} craft_tensor;

typedef struct craft {
    craft_key keys[4];       /* replace those of the same name, or are added */
    craft_tensor tensors[2]; /* the same for tensors; dtype -1: remove */
    const char *chain;       /* distinct bytes: each is followed by the next one, the last by CRAFT_EOG (the layers do nothing); NULL: random weights */
    int tied, no_vocab;
    int mixed;               /* 1: matrices of all types that have kernels, side by side; 2: of blocks only */
    int poisoned;            /* the output norm is NaN */
} craft;

/* ---- keys ---- */

static const craft_key craft_default_keys[] = {
    {"general.architecture", 's', 0, "llama"},
    {"general.name", 's', 0, "crafted"},
    {"llama.block_count", 'u', CRAFT_LAYERS, NULL},
    {"llama.context_length", 'u', CRAFT_CTX, NULL},
    {"llama.embedding_length", 'u', CRAFT_EMBD, NULL},
    {"llama.feed_forward_length", 'u', CRAFT_FF, NULL},
    {"llama.attention.head_count", 'u', CRAFT_HEADS, NULL},
    {"llama.attention.head_count_kv", 'u', CRAFT_KV_HEADS, NULL},
    {"llama.attention.layer_norm_rms_epsilon", 'f', 1e-5, NULL},
    {"llama.rope.freq_base", 'f', 10000, NULL},
    {"tokenizer.ggml.model", 's', 0, "gpt2"},
    {"tokenizer.ggml.pre", 's', 0, "gpt-2"},
    {"tokenizer.ggml.eos_token_id", 'u', CRAFT_EOG, NULL},
    {"tokenizer.ggml.bos_token_id", 'u', 256, NULL},
};
enum { CRAFT_N_KEYS = sizeof craft_default_keys / sizeof craft_default_keys[0] };

static inline void craft_put_key(craft_out *o, const craft_key *k, uint64_t *count) {
    float f = (float)k->number;
    if (!k->type) return;
    ++*count;
    craft_str(o, k->key, strlen(k->key));
    craft_u32(o, k->type == 'u' ? 4 : k->type == 'f' ? 6 : 8);
    if (k->type == 'u') craft_u32(o, (uint32_t)k->number);
    else if (k->type == 'f') craft_put(o, &f, 4);
    else craft_str(o, k->text, strlen(k->text));
}

/* The byte of token i in the alphabet of byte-level BPE: bytes that print stand for themselves, the others for 256, 257, ... in order. */
static inline size_t craft_byte_token(int byte, char out[2]) {
    int c = byte, n = 256;
    for (int b = 0; b < 256; b++) {
        int prints = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte && !prints) c = n;
        n += !prints;
    }
    if (c < 128) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = (char)(0xc0 | c >> 6);
    out[1] = (char)(0x80 | (c & 63));
    return 2;
}

static inline void craft_put_vocab(craft_out *o, uint64_t *count) {
    static const char *const special[] = {"<|im_start|>", "<|im_end|>", "<|pad|>", "qq"};
    craft_str(o, "tokenizer.ggml.tokens", 21);
    craft_u32(o, 9);
    craft_u32(o, 8);
    craft_u64(o, CRAFT_VOCAB);
    for (int i = 0; i < 256; i++) {
        char s[2];
        size_t n = craft_byte_token(i, s);
        craft_str(o, s, n);
    }
    for (int i = 0; i < 4; i++) craft_str(o, special[i], strlen(special[i]));
    craft_str(o, "tokenizer.ggml.token_type", 25);
    craft_u32(o, 9);
    craft_u32(o, 5);
    craft_u64(o, CRAFT_VOCAB);
    for (int i = 0; i < CRAFT_VOCAB; i++) craft_u32(o, i < 256 || i == 259 ? 1 : 3);
    craft_str(o, "tokenizer.ggml.merges", 21);
    craft_u32(o, 9);
    craft_u32(o, 8);
    craft_u64(o, 1);
    craft_str(o, "q q", 3);
    *count += 3;
}

/* ---- tensors ---- */

static const craft_tensor craft_default_tensors[] = {
    {"token_embd.weight", 0, CRAFT_EMBD, CRAFT_VOCAB},
    {"output_norm.weight", 0, CRAFT_EMBD, 0},
    {"output.weight", 0, CRAFT_EMBD, CRAFT_VOCAB},
    {"attn_norm.weight", 0, CRAFT_EMBD, 0},
    {"attn_q.weight", 0, CRAFT_EMBD, CRAFT_EMBD},
    {"attn_k.weight", 0, CRAFT_EMBD, CRAFT_EMBD / 2},
    {"attn_v.weight", 0, CRAFT_EMBD, CRAFT_EMBD / 2},
    {"attn_output.weight", 0, CRAFT_EMBD, CRAFT_EMBD},
    {"ffn_norm.weight", 0, CRAFT_EMBD, 0},
    {"ffn_gate.weight", 0, CRAFT_EMBD, CRAFT_FF},
    {"ffn_up.weight", 0, CRAFT_EMBD, CRAFT_FF},
    {"ffn_down.weight", 0, CRAFT_FF, CRAFT_EMBD},
};
enum { CRAFT_N_TENSORS = sizeof craft_default_tensors / sizeof craft_default_tensors[0], CRAFT_MAX_TENSORS = 64 };

typedef struct craft_list {
    craft_tensor t[CRAFT_MAX_TENSORS];
    char names[CRAFT_MAX_TENSORS][64];
    size_t offset[CRAFT_MAX_TENSORS];
    int n;
} craft_list;

static inline void craft_add_tensor(const craft *c, craft_list *l, const craft_tensor *t, const char *name) {
    craft_tensor use = *t;
    for (int i = 0; i < 2; i++)
        if (c->tensors[i].name && strcmp(c->tensors[i].name, name) == 0) use = c->tensors[i];
    static const int32_t mix[] = {VT_DTYPE_Q4_1, VT_DTYPE_Q8_0, VT_DTYPE_F16, VT_DTYPE_Q4_0, VT_DTYPE_BF16, VT_DTYPE_Q4_1, VT_DTYPE_F32};
    if (c->mixed && use.rows) use.dtype = mix[l->n % 7];
    if (c->mixed == 2 && (use.dtype == VT_DTYPE_F16 || use.dtype == VT_DTYPE_BF16)) use.dtype = VT_DTYPE_Q8_0;
    if (use.dtype < 0 || (c->tied && strcmp(name, "output.weight") == 0)) return;
    snprintf(l->names[l->n], sizeof l->names[0], "%s", name);
    use.name = l->names[l->n];
    l->t[l->n++] = use;
}

static inline size_t craft_row_size(const craft_tensor *t) {
    int64_t elems;
    size_t size;
    assert_int_equal(vt_quant_block(t->dtype, &elems, &size), VT_OK);
    return (size_t)(t->cols / elems) * size;
}

static inline size_t craft_size(const craft_tensor *t) { return craft_row_size(t) * (size_t)(t->rows ? t->rows : 1); }

static inline void craft_list_tensors(const craft *c, craft_list *l) {
    char name[64];
    size_t at = 0;
    l->n = 0;
    for (int i = 0; i < 3; i++) craft_add_tensor(c, l, &craft_default_tensors[i], craft_default_tensors[i].name);
    for (int layer = 0; layer < CRAFT_LAYERS; layer++)
        for (int i = 3; i < CRAFT_N_TENSORS; i++) {
            snprintf(name, sizeof name, "blk.%d.%s", layer, craft_default_tensors[i].name);
            craft_add_tensor(c, l, &craft_default_tensors[i], name);
        }
    for (int i = 0; i < 2; i++) {
        int known = !c->tensors[i].name || c->tensors[i].dtype < 0;
        for (int j = 0; j < l->n; j++) known |= c->tensors[i].name && strcmp(l->names[j], c->tensors[i].name) == 0;
        if (!known) craft_add_tensor(c, l, &c->tensors[i], c->tensors[i].name);
    }
    for (int i = 0; i < l->n; i++) {
        l->offset[i] = at;
        at += (craft_size(&l->t[i]) + 31) / 32 * 32;
    }
}

/* Numbers from a hash, so that a weight depends on its place alone. */
static inline uint32_t craft_hash(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    return x ^ x >> 16;
}

/* The token before id in the chain; one of its own that occurs nowhere else when id is not in it. */
static inline int64_t craft_before(const char *chain, int64_t id) {
    size_t n = strlen(chain);
    for (size_t i = 1; i < n; i++)
        if ((unsigned char)chain[i] == id) return (unsigned char)chain[i - 1];
    return id == CRAFT_EOG ? (unsigned char)chain[n - 1] : id + 100000;
}

static inline float craft_weight(const craft *c, const char *name, int64_t row, int64_t col) {
    int64_t id = strcmp(name, "output.weight") == 0 && c->chain ? craft_before(c->chain, row) : row;
    uint32_t h = craft_hash((uint32_t)(id * 4096 + col));
    if (c->poisoned && strcmp(name, "output_norm.weight") == 0) return NAN;
    if (strstr(name, "norm")) return 1;
    if (strncmp(name, "rope", 4) == 0) return 2;
    if (strncmp(name, "token", 5) == 0 || strncmp(name, "output", 6) == 0) return h & 1 ? 1.0F : -1.0F;
    if (c->chain) return 0;
    for (const char *p = name; *p; p++) h = craft_hash(h + (unsigned char)*p);
    return ((float)(h % 2001) - 1000) / 6000;
}

static inline void craft_put_row(craft_out *o, const craft *c, const craft_tensor *t, int64_t row) {
    float x[CRAFT_EMBD];
    unsigned char packed[4 * CRAFT_EMBD] = {0};
    for (int64_t k = 0; k < t->cols && k < CRAFT_EMBD; k++) x[k] = craft_weight(c, t->name, row, k);
    if (t->dtype != VT_DTYPE_I8) assert_int_equal(vt_quant_encode(t->dtype, x, t->cols, packed, craft_row_size(t)), VT_OK);
    craft_put(o, packed, craft_row_size(t));
}

static inline void craft_put_data(craft_out *o, const craft *c, const craft_list *l) {
    static const unsigned char zeros[32];
    size_t begin = o->len;
    for (int i = 0; i < l->n; i++) {
        craft_put(o, zeros, begin + l->offset[i] - o->len);
        for (int64_t r = 0; r < (l->t[i].rows ? l->t[i].rows : 1); r++) craft_put_row(o, c, &l->t[i], r);
    }
    craft_put(o, zeros, (32 - (o->len - begin) % 32) % 32);
}

/* ---- file ---- */

static inline void craft_put_keys(craft_out *o, const craft *c, uint64_t *count) {
    for (int i = 0; i < CRAFT_N_KEYS; i++) {
        const craft_key *k = &craft_default_keys[i];
        if (c->no_vocab && strncmp(k->key, "tokenizer", 9) == 0) continue;
        for (int j = 0; j < 4; j++)
            if (c->keys[j].key && strcmp(c->keys[j].key, k->key) == 0) k = &c->keys[j];
        craft_put_key(o, k, count);
    }
    for (int j = 0; j < 4; j++) {
        int known = !c->keys[j].key;
        for (int i = 0; i < CRAFT_N_KEYS && !known; i++) known = strcmp(c->keys[j].key, craft_default_keys[i].key) == 0;
        if (!known) craft_put_key(o, &c->keys[j], count);
    }
    if (!c->no_vocab) craft_put_vocab(o, count);
}

static size_t craft_header_size; /* bytes before the tensors of the file written last */

/* Writes the file and returns its path, good until the next call. */
static inline const char *craft_write(const craft *c) {
    static char path[64];
    static craft_list l;
    craft_out o = {NULL, 0, 0}, keys = {NULL, 0, 0};
    uint64_t n_keys = 0;
    craft_list_tensors(c, &l);
    craft_put_keys(&keys, c, &n_keys);
    craft_put(&o, "GGUF", 4);
    craft_u32(&o, 3);
    craft_u64(&o, (uint64_t)l.n);
    craft_u64(&o, n_keys);
    craft_put(&o, keys.data, keys.len);
    for (int i = 0; i < l.n; i++) {
        craft_str(&o, l.names[i], strlen(l.names[i]));
        craft_u32(&o, l.t[i].rows ? 2 : 1);
        craft_u64(&o, (uint64_t)l.t[i].cols);
        if (l.t[i].rows) craft_u64(&o, (uint64_t)l.t[i].rows);
        craft_u32(&o, (uint32_t)l.t[i].dtype);
        craft_u64(&o, l.offset[i]);
    }
    while (o.len % 32) craft_put(&o, "", 1);
    craft_header_size = o.len;
    craft_put_data(&o, c, &l);
    snprintf(path, sizeof path, "/tmp/vt-craft-%ld.gguf", (long)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(o.data, 1, o.len, f), o.len);
    fclose(f);
    free(o.data);
    free(keys.data);
    return path;
}

/* Teardown of a program that has written files. */
static inline int craft_remove(void **state) {
    (void)state;
    remove(craft_write(&(craft){0}));
    return 0;
}

#endif
