/* The tiny models of tests/golden and their reference logits, for the tests of this room. */
#ifndef VENTURI_TEST_TINY_H
#define VENTURI_TEST_TINY_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "venturi.h"

enum { TINY_IDS = 12, TINY_VOCAB = 64, TINY_CTX = 64 };

static const char *const tiny_names[] = {"tiny_llama", "tiny_llama_freqs", "tiny_llama_q8", "tiny_qwen2", "tiny_gemma3", "tiny_gemma3_cap"};
enum { N_TINY = sizeof tiny_names / sizeof tiny_names[0] };

typedef struct tiny {
    int32_t ids[TINY_IDS];
    double logits[TINY_IDS][TINY_VOCAB];
    double tolerance;
} tiny;

static inline const char *tiny_path(const char *name, const char *suffix) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", getenv("VT_GOLDEN"), name, suffix);
    return path;
}

static inline void tiny_read(const char *name, tiny *t) {
    json_t *doc = json_load_file(tiny_path(name, "json"), 0, NULL);
    assert_non_null(doc);
    t->tolerance = json_number_value(json_object_get(doc, "tolerance_abs_fp32_engine"));
    assert_true(t->tolerance > 0);
    for (size_t i = 0; i < TINY_IDS; i++) {
        const json_t *row = json_array_get(json_object_get(doc, "logits"), i);
        assert_int_equal(json_array_size(row), TINY_VOCAB);
        t->ids[i] = (int32_t)json_integer_value(json_array_get(json_object_get(doc, "ids"), i));
        for (size_t j = 0; j < TINY_VOCAB; j++) t->logits[i][j] = json_number_value(json_array_get(row, j));
    }
    json_decref(doc);
}

static inline vt_context *tiny_context(int32_t n_threads) {
    vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx;
    opt.n_threads = n_threads;
    assert_int_equal(vt_context_create(&opt, &ctx), VT_OK);
    return ctx;
}

static inline vt_model *tiny_open(vt_context *ctx, const char *name) {
    vt_model *m;
    assert_int_equal(vt_model_open(ctx, tiny_path(name, "gguf"), NULL, &m), VT_OK);
    return m;
}

static inline vt_session *tiny_session(vt_model *m, uint32_t flags, vt_kv *kv, vt_cancel *cancel) {
    vt_session_options opt = VT_STRUCT_INIT(vt_session_options);
    vt_session *s;
    opt.flags = flags;
    opt.kv = kv;
    opt.cancel = cancel;
    assert_int_equal(vt_session_create(m, &opt, &s), VT_OK);
    return s;
}

#endif
