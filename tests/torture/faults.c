/* The driver behind faults.h. */
#define _XOPEN_SOURCE 700
#include "faults.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "torture.h"

/* With TORTURE_OUTSIDE the program is linked with the shared library, as hosts are, and leaves the files alone: their table is no public
 * thing. */
#ifndef TORTURE_OUTSIDE
#include "core/context.h"
#include "failing_io.h"
#endif

enum { MOST = 150 };

#ifdef TORTURE_OUTSIDE
typedef struct failing_io {
    long calls, fail_at, open_files, live_maps;
    int sticky;
    const char *failed;
} failing_io;

static void failing_io_init(failing_io *f) { *f = (failing_io){0}; }
static void use_files(vt_context *ctx, failing_io *f) {
    (void)ctx;
    (void)f;
}
#else
_Thread_local library_faults torture_libraries;
long torture_libraries_live(void) { return 0; }
static void use_files(vt_context *ctx, failing_io *f) { vt__context_set_io(ctx, &f->table); }
#endif

typedef struct point {
    const char *name; /* of the case */
    int kind;
    long k;
    int sticky;
} point;

static const char *kind_name(int kind) { return kind == FAULT_MEMORY ? "memory" : kind == FAULT_FILES ? "files" : "libraries"; }

void torture_note(world *w, const char *fmt, ...) {
    size_t used = strlen(w->answer);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(w->answer + used, sizeof w->answer - used, fmt, args);
    va_end(args);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* What one run did. */
typedef struct outcome {
    vt_status status;
    long calls, leaks; /* operations of the kind that may fail; things still alive at the end */
    const char *failed; /* file operation that failed first */
    char message[600], answer[4096];
} outcome;

/* The context's allocator: its blocks are not the libraries'. */
static void *allocate(void *user, void *ptr, size_t old_size, size_t new_size) {
    int armed = torture_libraries.armed;
    torture_libraries.armed = 0;
    void *p = torture_alloc(user, ptr, old_size, new_size);
    torture_libraries.armed = armed;
    return p;
}

static outcome run_once(const torture_case *c, const point *p, const char *folder) {
    torture memory = {0};
    failing_io files;
    world w = {.folder = folder};
    outcome o = {0};
    long alive = torture_libraries_live();

    failing_io_init(&files);
    torture_libraries = (library_faults){0};
    if (p && p->kind == FAULT_MEMORY) memory.fail_at = p->k, memory.sticky = p->sticky;
    if (p && p->kind == FAULT_FILES) files.fail_at = p->k, files.sticky = p->sticky;
    if (p && p->kind == FAULT_LIBRARIES) torture_libraries.fail_at = p->k, torture_libraries.sticky = p->sticky;

    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    co.alloc = allocate;
    co.alloc_user = &memory;
    co.n_threads = 2;
    o.status = vt_context_create(&co, &w.ctx);
    if (o.status == VT_OK) {
        use_files(w.ctx, &files);
        torture_libraries.armed = 1;
        o.status = c->run(&w);
        torture_libraries.armed = 0;
        vt_context_release(w.ctx);
    }
    (void)snprintf(o.message, sizeof o.message, "%s", vt_error_message());
    memcpy(o.answer, w.answer, sizeof o.answer);
    o.calls = c->faults == 0 || !p ? 0 : p->kind == FAULT_MEMORY ? memory.calls : p->kind == FAULT_FILES ? files.calls : torture_libraries.calls;
    o.leaks = memory.live + files.open_files + files.live_maps + torture_libraries_live() - alive;
    o.failed = files.failed;
    return o;
}

/* A failing close of a file that was read, a failing unmap or the failing removal of a temporary file lose nothing: the run may go on. */
static int may_pass(const point *p, const char *failed) {
    return p->kind == FAULT_FILES && failed && (!strcmp(failed, "close") || !strcmp(failed, "unmap") || !strcmp(failed, "unlink"));
}

static int complain(const point *p, const char *what, const outcome *o) {
    printf("# %s; status %s (%s); repeat: VT_TORTURE=\"%s %s %ld %d\"\n", what, vt_status_name(o->status), o->message, p->name, kind_name(p->kind), p->k,
           p->sticky);
    return 1;
}

/* 1 when something is wrong. *through: the run never reached operation k. */
static int run_point(const torture_case *c, const point *p, const char *want, int *through) {
    char folder[] = "/tmp/vt-torture-XXXXXX";
    int bad = 0;

    if (!mkdtemp(folder)) return complain(p, "no temporary folder", &(outcome){0});
    outcome o = run_once(c, p, folder);
    vt_status right = p->kind == FAULT_FILES ? VT_ERR_IO : VT_ERR_NOMEM;
    *through = o.calls < p->k;
    if (*through || (o.status == VT_OK && (c->economies || may_pass(p, o.failed)))) {
        if (o.status != VT_OK || strcmp(o.answer, want) != 0) bad |= complain(p, "another answer", &o);
    } else if (o.status != right) {
        bad |= complain(p, "another status than the fault's", &o);
    }
    if (o.leaks != 0) bad |= complain(p, "something leaked or was released twice", &o);
    outcome again = run_once(c, NULL, folder);
    if (again.status != VT_OK || strcmp(again.answer, want) != 0) bad |= complain(p, "the run after the fault does not recover", &again);
    if (again.leaks != 0) bad |= complain(p, "the run after the fault leaks", &again);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return bad;
}

/* Points 1..n, or MOST of them by the seed's draw: the first and last always. */
static int run_kind(const torture_case *c, int kind, uint64_t seed, const char *want, long n) {
    int bad = 0;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long i = 0; i < (n > MOST ? MOST : n) && bad < 10; i++) {
            uint32_t word;
            int through;
            if (vt_random_words(seed, (uint32_t)sticky, (uint64_t)i, &word, 1) != VT_OK) return 1;
            long k = n <= MOST ? i + 1 : i == 0 ? 1 : i == 1 ? n : 1 + (long)(word % (unsigned long)n);
            bad += run_point(c, &(point){c->name, kind, k, sticky}, want, &through);
        }
    return bad;
}

static int undisturbed(const torture_case *c, int kind, char want[4096], long *n) {
    char folder[] = "/tmp/vt-torture-XXXXXX";
    point none = {c->name, kind, 0, 0};
    if (!mkdtemp(folder)) return complain(&none, "no temporary folder", &(outcome){0});
    (void)run_once(c, NULL, folder); /* what a process loads or caches once is not the scenario's */
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (mkdir(folder, 0700) != 0) return complain(&none, "no temporary folder", &(outcome){0});
    outcome o = run_once(c, &none, folder);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    memcpy(want, o.answer, sizeof o.answer);
    *n = o.calls;
    if (o.status != VT_OK || o.leaks != 0 || !want[0]) return complain(&none, "the undisturbed run fails", &o);
    return 0;
}

static int run_case(const torture_case *c, int kind, uint64_t seed, const char *only) {
    char want[4096], name[64] = "", kind_wanted[16] = "";
    long n = 0, k = 0;
    int sticky = 0, bad;

    if (only && (sscanf(only, "%63s %15s %ld %d", name, kind_wanted, &k, &sticky) != 4 || strcmp(name, c->name) || strcmp(kind_wanted, kind_name(kind))))
        return -1;
    bad = undisturbed(c, kind, want, &n);
    if (!bad && n == 0) bad = complain(&(point){c->name, kind, 0, 0}, "nothing to fail", &(outcome){0});
    if (!bad && only) bad = run_point(c, &(point){c->name, kind, k, sticky}, want, &sticky);
    if (!bad && !only) bad = run_kind(c, kind, seed, want, n);
    printf("# %s %s: %ld operations, %s, seed %llu\n", c->name, kind_name(kind), n, n > MOST ? "a sample" : "each", (unsigned long long)seed);
    return bad;
}

int torture_main(const torture_case *cases, int n) {
    const char *only = getenv("VT_TORTURE"), *seed_text = getenv("VT_TORTURE_SEED");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 1;
    int test = 0, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < n; i++)
        for (int kind = FAULT_MEMORY; kind <= FAULT_LIBRARIES; kind *= 2) {
            if (!(cases[i].faults & kind)) continue;
            int bad = run_case(&cases[i], kind, seed, only);
            if (bad < 0) continue;
            printf("%sok %d - %s survives failing %s\n", bad ? "not " : "", ++test, cases[i].name, kind_name(kind));
            failed += bad != 0;
        }
    printf("1..%d\n", test);
    return failed != 0;
}
