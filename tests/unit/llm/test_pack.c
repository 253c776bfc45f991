/* Packed weights: the same logits as mapped ones, the file's pages given back, and an opening that can be broken off or starved. */
#define _DEFAULT_SOURCE /* madvise */
#include "craft.h"
#include "tiny.h"

#include "core/context.h"
#include "failing_io.h"
#include "llm/model_internal.h"
#include "torture.h"
#include "vtk.h"

enum { N_IDS = 40 };

static void feed(vt_context *ctx, const char *path, uint32_t flags, float *logits) {
    vt_model_options opt = VT_STRUCT_INIT(vt_model_options);
    int32_t ids[N_IDS];
    vt_model *m;
    opt.flags = flags;
    for (int i = 0; i < N_IDS; i++) ids[i] = (i * 37 + 11) % CRAFT_VOCAB;
    assert_int_equal(vt_model_open(ctx, path, &opt, &m), VT_OK);
    vt_session *s = tiny_session(m, 0, NULL, NULL);
    assert_int_equal(vt_session_feed_logits(s, ids, N_IDS, logits), VT_OK);
    vt_session_release(s);
    vt_model_release(m);
}

/* Packed weights of 16 bits are summed in another order, and those of BF16 multiply activations of BF16. */
static void packed_and_mapped_weights_give_the_same_logits(void **state) {
    static float packed[N_IDS * CRAFT_VOCAB], mapped[N_IDS * CRAFT_VOCAB];
    (void)state;
    for (int mixed = 1; mixed <= 2; mixed++) {
        const char *path = craft_write(&(craft){.mixed = mixed});
        int same_bits = mixed == 2 && strcmp(vtk_get()->isa, "ref") != 0; /* the reference sums mapped rows in double */
        for (int32_t threads = 1; threads <= 3; threads++) {
            vt_context *ctx = tiny_context(threads);
            feed(ctx, path, 0, packed);
            feed(ctx, path, VT_MODEL_MAPPED, mapped);
            vt_context_release(ctx);
            if (same_bits) assert_memory_equal(packed, mapped, sizeof packed);
            for (int i = 0; i < N_IDS * CRAFT_VOCAB; i++) assert_true(fabsf(packed[i] - mapped[i]) <= (mixed == 2 ? 1e-2f : 4e-2f));
        }
    }
}

/* Remembers what was given back. */
typedef struct watcher {
    vt__io table;
    const unsigned char *data[64];
    size_t size[64];
    int n, fails;
} watcher;

static int watch_advice(void *user, void *data, size_t size, int advice) {
    watcher *w = user;
    if (advice == MADV_DONTNEED) {
        assert_true(w->n < 64);
        w->data[w->n] = data;
        w->size[w->n++] = size;
    }
    return w->fails ? -1 : vt__io_system()->advise(NULL, data, size, advice);
}

static vt_context *watched_context(watcher *w) {
    vt_context *ctx = tiny_context(2);
    *w = (watcher){.table = *vt__io_system()};
    w->table.user = w;
    w->table.advise = watch_advice;
    vt__context_set_io(ctx, &w->table);
    return ctx;
}

static int is_given_back(const watcher *w, const void *data, size_t size) {
    const unsigned char *p = data;
    for (int i = 0; i < w->n; i++)
        if (p >= w->data[i] && p + size <= w->data[i] + w->size[i]) return 1;
    return 0;
}

static void pages_of_packed_weights_are_given_back(void **state) {
    const char *path = craft_write(&(craft){.mixed = 1});
    watcher w;
    vt_context *ctx = watched_context(&w);
    vt__matrix *list[64];
    vt_model *m;
    int n_packed = 0;
    (void)state;
    assert_int_equal(vt_model_open(ctx, path, NULL, &m), VT_OK);
    int64_t n = m->arch->products(m, NULL);
    assert_in_range(n, 1, 64);
    assert_int_equal(m->arch->products(m, list), n);
    for (int64_t i = 0; i < n; i++) {
        int has_panels = vtk_panel_size(list[i]->kernel, list[i]->cols) > 0;
        assert_int_equal(list[i]->packed != NULL, has_panels);
        if (!has_panels) continue;
        assert_true(is_given_back(&w, list[i]->data, (size_t)list[i]->rows * list[i]->stride));
        n_packed++;
    }
    assert_int_equal(w.n, n_packed + 2); /* and the whole file before and after: norms were copied, the system maps more around a page */
    assert_true(n_packed > 4);
    vt_model_release(m);

    vt_model_options mapped = VT_STRUCT_INIT(vt_model_options);
    mapped.flags = VT_MODEL_MAPPED;
    w.n = 0;
    assert_int_equal(vt_model_open(ctx, path, &mapped, &m), VT_OK);
    assert_int_equal(w.n, 0);
    assert_null(m->packed);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void refused_advice_changes_nothing(void **state) {
    static float with[N_IDS * CRAFT_VOCAB], without[N_IDS * CRAFT_VOCAB];
    const char *path = craft_write(&(craft){.mixed = 1});
    watcher w;
    vt_context *ctx = watched_context(&w);
    (void)state;
    feed(ctx, path, 0, with);
    w.fails = 1;
    w.n = 0;
    feed(ctx, path, 0, without);
    assert_memory_equal(with, without, sizeof with);
    vt_context_release(ctx);
}

/* ---- breaking off, starving ---- */

static int32_t stop_at_packing(void *user, double fraction, const char *message) {
    int *calls = user;
    assert_true(fraction >= 0.0 && fraction <= 1.0);
    *calls += strstr(message, "packing") != NULL;
    return *calls > 0;
}

static void packing_can_be_cancelled(void **state) {
    torture t = {0};
    vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
    vt_model_options with = VT_STRUCT_INIT(vt_model_options);
    vt_context *ctx;
    vt_model *m;
    int calls = 0;
    (void)state;
    opt.alloc = torture_alloc;
    opt.alloc_user = &t;
    opt.n_threads = 2;
    with.progress = stop_at_packing;
    with.progress_user = &calls;
    assert_int_equal(vt_context_create(&opt, &ctx), VT_OK);
    assert_int_equal(vt_model_open(ctx, craft_write(&(craft){.mixed = 1}), &with, &m), VT_ERR_CANCELLED);
    assert_null(m);
    assert_int_equal(calls, 1);
    vt_context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void starved_packing_leaks_nothing(void **state) {
    const char *path = craft_write(&(craft){.mixed = 1, .no_vocab = 1});
    (void)state;
    for (long k = 1;; k++) {
        torture t = {.fail_at = k};
        vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
        vt_context *ctx = NULL;
        vt_model *m = NULL;
        opt.alloc = torture_alloc;
        opt.alloc_user = &t;
        opt.n_threads = 1;
        vt_status st = vt_context_create(&opt, &ctx);
        if (st == VT_OK) st = vt_model_open(ctx, path, NULL, &m);
        vt_model_release(m);
        vt_context_release(ctx);
        assert_int_equal(t.live, 0);
        assert_int_equal(st, t.calls < k ? VT_OK : VT_ERR_NOMEM);
        if (st == VT_OK) break;
    }
}

/* ---- what it is for ---- */

/* A line "NAME: n kB" of a file of /proc; -1: not there. */
static long read_kb(const char *path, const char *name) {
    char line[256];
    long kb = -1;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0) sscanf(line + strlen(name), ": %ld", &kb);
    if (f) fclose(f);
    return kb;
}

/* A sanitizer's own memory would be in the figures. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define UNDER_SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

static void a_packed_model_takes_little_more_than_its_file(void **state) {
    char path[4096];
    const char *folder = getenv("VENTURI_MODELS"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    vt_context *ctx = tiny_context(2);
    vt_model *m;
    (void)state;
    snprintf(path, sizeof path, "%s%s/SmolLM2-135M-Instruct.Q4_1.gguf", folder ? folder : cache ? cache : home ? home : "",
             folder ? "" : cache ? "/venturi/models" : "/.cache/venturi/models");
    long before = read_kb("/proc/self/status", "VmRSS");
    if (UNDER_SANITIZER || before < 0 || vt_model_open(ctx, path, NULL, &m) != VT_OK) {
        vt_context_release(ctx);
        print_message("no SmolLM2 in the model cache, or no /proc, or a sanitizer: skipped\n");
        return; /* cmocka's skip() is a failure to TAP readers */
    }
    long file = (long)(m->size / 1024), grown = read_kb("/proc/self/status", "VmRSS") - before, peak = read_kb("/proc/self/status", "VmHWM") - before;
    if (grown > file + 30 * 1024 || peak > file + 60 * 1024)
        fail_msg("a file of %ld kB takes %ld kB, %ld kB while it was opened", file, grown, peak);
    vt_model_release(m);
    vt_context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_and_mapped_weights_give_the_same_logits), cmocka_unit_test(pages_of_packed_weights_are_given_back),
        cmocka_unit_test(refused_advice_changes_nothing), cmocka_unit_test(packing_can_be_cancelled),
        cmocka_unit_test(starved_packing_leaks_nothing), cmocka_unit_test(a_packed_model_takes_little_more_than_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, craft_remove);
}
