/* Weights to tokens: model, cache pool, session, sampler; several sequences in one batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

static vt_status open_model(world *w, const char *name, vt_model **out) {
    const char *golden = getenv("VT_GOLDEN");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", golden ? golden : "tests/golden", name);
    return vt_model_open(w->ctx, path, NULL, out);
}

static vt_status draw(world *w, vt_session *session, vt_sampler *sampler, int n) {
    vt_status st = VT_OK;
    for (int i = 0; st == VT_OK && i < n; i++) {
        int32_t id;
        st = vt_session_next(session, sampler, &id);
        if (st == VT_OK) torture_note(w, "%d ", (int)id);
    }
    return st;
}

/* One sequence: fed in two parts, scored, trimmed, gone on with. */
static vt_status decode(world *w, vt_model *model, vt_kv *kv, uint32_t flags, vt_sampler *sampler) {
    static const int32_t ids[] = {31, 34, 49, 60, 5, 11, 53, 60, 18, 22, 56, 28, 1, 2, 3, 4, 5, 6, 7, 8};
    vt_session_options so = VT_STRUCT_INIT(vt_session_options);
    vt_session *session = NULL;
    double score[3];
    const float *logits;

    so.flags = flags;
    so.n_ctx = 48;
    so.kv = kv;
    vt_status st = vt_session_create(model, &so, &session);
    if (st == VT_OK) st = vt_session_feed(session, ids, 3);
    if (st == VT_OK) st = vt_session_feed(session, ids + 3, 17);
    if (st == VT_OK) st = vt_session_logits(session, &logits);
    if (st == VT_OK) torture_note(w, "%.6f ", (double)logits[0]);
    if (st == VT_OK) st = draw(w, session, sampler, 4);
    if (st == VT_OK) st = vt_session_trim(session, 10);
    if (st == VT_OK) st = vt_session_score(session, ids, 3, score);
    if (st == VT_OK) torture_note(w, "%.9f ", score[2]);
    if (st == VT_OK) st = draw(w, session, sampler, 3);
    vt_session_release(session);
    return st;
}

static vt_status chain(world *w) {
    vt_model *model = NULL;
    vt_kv *kv = NULL;
    vt_sampler *sampler = NULL;
    vt_kv_options ko = VT_STRUCT_INIT(vt_kv_options);
    vt_sampler_options po = VT_STRUCT_INIT(vt_sampler_options);

    ko.n_tokens = 64;
    ko.dtype = VT_DTYPE_F16;
    po.seed = 3;
    vt_status st = open_model(w, "tiny_llama_q8.gguf", &model);
    if (st == VT_OK) st = vt_kv_create(model, &ko, &kv);
    if (st == VT_OK) st = vt_sampler_create(w->ctx, &po, &sampler);
    if (st == VT_OK) st = vt_sampler_add_top_k(sampler, 20);
    if (st == VT_OK) st = vt_sampler_add_temperature(sampler, 0.8);
    if (st == VT_OK) st = decode(w, model, kv, 0, sampler);
    if (st == VT_OK) st = decode(w, model, NULL, VT_SESSION_EXACT, sampler);
    vt_sampler_release(sampler);
    vt_kv_release(kv);
    vt_model_release(model);
    return st;
}

enum { N_SEQUENCES = 3 };

/* Sequence i brings a prompt of its own in the first step and what it drew in the others; the second step is longer than a pass. */
static vt_status step(world *w, vt_batch *batch, vt_session *const sessions[N_SEQUENCES], vt_sampler *const samplers[N_SEQUENCES], int round) {
    static const int32_t ids[] = {31, 34, 49, 60, 5, 11, 53, 60, 18, 22, 56, 28};
    vt_status st = VT_OK;
    for (int i = 0; i < N_SEQUENCES && st == VT_OK; i++) {
        vt_batch_entry entry = VT_STRUCT_INIT(vt_batch_entry);
        entry.flags = i == 2 ? VT_BATCH_DRAW | VT_BATCH_LOGITS : VT_BATCH_DRAW;
        entry.ids = ids + i;
        entry.n = round == 0 ? 2 + 4 * i : round == 1 && i == 0 ? 9 : 0;
        if (entry.n == 0) entry.ids = NULL;
        entry.sampler = samplers[i];
        st = vt_batch_add(batch, sessions[i], &entry);
    }
    if (st == VT_OK) st = vt_batch_step(batch);
    for (int i = 0; i < N_SEQUENCES && st == VT_OK; i++) {
        vt_batch_result result = VT_STRUCT_INIT(vt_batch_result);
        st = vt_batch_get(batch, i, &result);
        if (st == VT_OK) st = result.status;
        if (st == VT_OK) torture_note(w, "%d ", (int)result.id);
    }
    return st;
}

static vt_status make_sampler(world *w, uint64_t seed, vt_sampler **out) {
    vt_sampler_options po = VT_STRUCT_INIT(vt_sampler_options);
    po.seed = seed;
    vt_status st = vt_sampler_create(w->ctx, &po, out);
    if (st == VT_OK) st = vt_sampler_add_top_p(*out, 0.9);
    return st == VT_OK ? vt_sampler_add_temperature(*out, 0.8) : st;
}

/* Two of the sequences share a pool, as in a server; one is greedy. */
static vt_status side_by_side(world *w) {
    vt_model *model = NULL;
    vt_kv *kv = NULL;
    vt_batch *batch = NULL;
    vt_session *sessions[N_SEQUENCES] = {NULL};
    vt_sampler *samplers[N_SEQUENCES] = {NULL};
    vt_kv_options ko = VT_STRUCT_INIT(vt_kv_options);
    vt_batch_options bo = VT_STRUCT_INIT(vt_batch_options);

    ko.n_tokens = 96;
    ko.dtype = VT_DTYPE_F16; /* as a session by itself */
    bo.max_rows = 8;
    vt_status st = open_model(w, "tiny_llama_q8.gguf", &model);
    if (st == VT_OK) st = vt_kv_create(model, &ko, &kv);
    for (int i = 0; i < N_SEQUENCES && st == VT_OK; i++) {
        vt_session_options so = VT_STRUCT_INIT(vt_session_options);
        so.n_ctx = 48;
        so.kv = i < 2 ? kv : NULL;
        st = vt_session_create(model, &so, &sessions[i]);
    }
    for (int i = 0; i < 2 && st == VT_OK; i++) st = make_sampler(w, 3 + (uint64_t)i, &samplers[i]);
    if (st == VT_OK) st = vt_batch_create(model, &bo, &batch);
    for (int round = 0; round < 4 && st == VT_OK; round++) st = step(w, batch, sessions, samplers, round);
    vt_batch_release(batch);
    for (int i = 0; i < N_SEQUENCES; i++) vt_session_release(sessions[i]);
    for (int i = 0; i < N_SEQUENCES; i++) vt_sampler_release(samplers[i]);
    vt_kv_release(kv);
    vt_model_release(model);
    return st;
}

int main(void) {
    static const torture_case cases[] = {
        {.name = "model", .run = chain, .faults = FAULT_MEMORY | FAULT_FILES},
        {.name = "batch", .run = side_by_side, .faults = FAULT_MEMORY | FAULT_FILES},
    };
    return torture_main(cases, sizeof cases / sizeof *cases);
}
