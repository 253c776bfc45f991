/* The only file that asks the CPU what it can do. */
#include <pthread.h> /* not <threads.h>: ThreadSanitizer does not see C11 call_once */
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "vtk.h"

static int has_ref(void) { return 1; }

#if defined(__x86_64__)
/* The compilers' names for CPU features lack this one in part. */
static int has_f16c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c(); }

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static int has_avx512vnni(void) { return __builtin_cpu_supports("avx512vnni"); }
static int has_avx512bf16(void) { return __builtin_cpu_supports("avx512bf16"); }
#endif

/* Lowest first. Each needs those before it: its fill overwrites only what it improves. */
static const struct level {
    const char *isa;
    int (*has)(void);
    void (*fill)(vtk_table *t);
} levels[] = {
    {"ref", has_ref, vtk_fill_ref},
#if defined(__x86_64__)
    {"avx2", has_avx2, vtk_fill_avx2},
    {"avx512", has_avx512, vtk_fill_avx512},
    {"avx512vnni", has_avx512vnni, vtk_fill_avx512vnni},
    {"avx512bf16", has_avx512bf16, vtk_fill_avx512bf16},
#endif
};
enum { N_LEVELS = sizeof levels / sizeof levels[0] };

/* -1 for a name that this machine's architecture does not know. */
static int find(const char *isa) {
    for (int i = 0; i < N_LEVELS; i++) {
        if (strcmp(levels[i].isa, isa) == 0) return i;
    }
    return -1;
}

/* Fills from ref up to level `top`, or to the last one before it that the CPU has, which is returned. */
static int fill_up_to(vtk_table *t, int top) {
    int i = 0;
    vtk_fill_ref(t);
    while (i < top && i + 1 < N_LEVELS && levels[i + 1].has()) levels[++i].fill(t);
    return i;
}

int vtk_fill_isa(vtk_table *t, const char *isa) {
    int level = find(isa);
    return level >= 0 && fill_up_to(t, level) == level;
}

static vtk_table table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void pick(void) {
    const char *cap = getenv("VT_ISA");
    int top = cap && *cap ? find(cap) : N_LEVELS - 1; /* set but empty: not set */
    fill_up_to(&table, top < 0 ? 0 : top);
}

const vtk_table *vtk_get(void) {
    pthread_once(&once, pick);
    return &table;
}
