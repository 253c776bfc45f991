/* Speed of our language-model runtime, one case a run:   llm_speed MODEL pp|tg|batch N THREADS
 * Prints tokens per second. pp: one prompt of N tokens; tg: N tokens one at a time from an empty context; batch: 32 tokens of each of N
 * sequences together, after prompts of 128. One warm-up of the same kind, as the peer does; the ids are arbitrary, their values do not
 * matter to the time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "venturi.h"

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static vt_status prompt(vt_session *session, const int32_t *ids, int64_t n) {
    vt_status st = vt_session_trim(session, 0);
    return st == VT_OK ? vt_session_feed(session, ids, n) : st;
}

static vt_status generate(vt_session *session, const int32_t *ids, int64_t n) {
    vt_status st = vt_session_trim(session, 0);
    for (int64_t i = 0; i < n && st == VT_OK; i++) st = vt_session_feed(session, ids + i, 1);
    return st;
}

static vt_status measure(vt_context *ctx, const char *path, const char *mode, int64_t n, double *rate) {
    vt_model *model = NULL;
    vt_session *session = NULL;
    vt_session_options opt = VT_STRUCT_INIT(vt_session_options);
    int32_t *ids = calloc((size_t)n, sizeof *ids);
    vt_status (*run)(vt_session *, const int32_t *, int64_t) = strcmp(mode, "pp") == 0 ? prompt : generate;

    opt.n_ctx = n + 1;
    vt_status st = ids ? vt_model_open(ctx, path, NULL, &model) : VT_ERR_NOMEM;
    if (st == VT_OK) st = vt_session_create(model, &opt, &session);
    for (int64_t i = 0; ids && i < n; i++) ids[i] = (int32_t)(3 + i * 37 % 40);
    if (st == VT_OK) st = run(session, ids, n);
    double t0 = seconds();
    if (st == VT_OK) st = run(session, ids, n);
    *rate = (double)n / (seconds() - t0);
    vt_session_release(session);
    vt_model_release(model);
    free(ids);
    return st;
}

enum { BATCH_PROMPT = 128, BATCH_STEPS = 32 };

static vt_status step_all(vt_batch *batch, vt_session **sessions, int64_t n, const vt_batch_entry *entry) {
    vt_status st = VT_OK;
    for (int64_t i = 0; i < n && st == VT_OK; i++) st = vt_batch_add(batch, sessions[i], entry);
    return st == VT_OK ? vt_batch_step(batch) : st;
}

/* Prompts are not timed; the first round warms up. Drawing goes without a test for ends: those are tokens like others here. */
static vt_status decode_together(vt_batch *batch, vt_session **sessions, int64_t n, double *rate) {
    int32_t ids[BATCH_PROMPT];
    vt_batch_entry entry = VT_STRUCT_INIT(vt_batch_entry);
    vt_status st = VT_OK;
    for (int i = 0; i < BATCH_PROMPT; i++) ids[i] = 3 + i * 37 % 40;
    for (int round = 0; round < 2 && st == VT_OK; round++) {
        for (int64_t i = 0; i < n && st == VT_OK; i++) st = vt_session_trim(sessions[i], 0);
        entry.flags = VT_BATCH_DRAW;
        entry.ids = ids;
        entry.n = BATCH_PROMPT;
        if (st == VT_OK) st = step_all(batch, sessions, n, &entry);
        entry.n = 0;
        double t0 = seconds();
        for (int k = 0; k < BATCH_STEPS && st == VT_OK; k++) st = step_all(batch, sessions, n, &entry);
        *rate = (double)(n * BATCH_STEPS) / (seconds() - t0);
    }
    return st;
}

static vt_status measure_batch(vt_context *ctx, const char *path, int64_t n, double *rate) {
    vt_model *model = NULL;
    vt_batch *batch = NULL;
    vt_session **sessions = calloc((size_t)n, sizeof(vt_session *));
    vt_session_options opt = VT_STRUCT_INIT(vt_session_options);
    opt.n_ctx = BATCH_PROMPT + BATCH_STEPS + 2;
    vt_status st = sessions ? vt_model_open(ctx, path, NULL, &model) : VT_ERR_NOMEM;
    if (st == VT_OK) st = vt_batch_create(model, NULL, &batch);
    for (int64_t i = 0; i < n && st == VT_OK; i++) st = vt_session_create(model, &opt, &sessions[i]);
    if (st == VT_OK) st = decode_together(batch, sessions, n, rate);
    vt_batch_release(batch);
    for (int64_t i = 0; sessions && i < n; i++) vt_session_release(sessions[i]);
    vt_model_release(model);
    free(sessions);
    return st;
}

int main(int argc, char **argv) {
    long n = argc == 5 ? strtol(argv[3], NULL, 10) : 0, threads = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
    int is_batch = argc == 5 && strcmp(argv[2], "batch") == 0;
    if (n < 1 || threads < 1 || (!is_batch && strcmp(argv[2], "pp") != 0 && strcmp(argv[2], "tg") != 0)) {
        fprintf(stderr, "usage: llm_speed MODEL pp|tg|batch N THREADS\n");
        return 2;
    }
    vt_context *ctx = NULL;
    vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
    double rate = 0.0;
    opt.n_threads = (int32_t)threads;
    vt_status st = vt_context_create(&opt, &ctx);
    if (st == VT_OK) st = is_batch ? measure_batch(ctx, argv[1], n, &rate) : measure(ctx, argv[1], argv[2], n, &rate);
    vt_context_release(ctx);
    if (st != VT_OK) {
        fprintf(stderr, "llm_speed: %s: %s\n", vt_status_name(st), vt_error_message());
        return 1;
    }
    printf("%.3f %s\n", rate, vt_isa());
    return 0;
}
