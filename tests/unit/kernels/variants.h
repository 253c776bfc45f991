/* For tests that compare every instruction set of this machine with the reference: the tables, random numbers, arrays that end at a page
 * that nobody may touch, and closeness that knows NaN and infinity. */
#ifndef VENTURI_TEST_VARIANTS_H
#define VENTURI_TEST_VARIANTS_H

#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "vtk.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Runs check for each instruction set above ref that the machine has. */
static inline void for_each_variant(void (*check)(const vtk_table *ref, const vtk_table *t)) {
    static const char *const names[] = {"avx2", "avx512", "avx512vnni", "avx512bf16"};
    vtk_table ref, t;
    assert_int_equal(vtk_fill_isa(&ref, "ref"), 1);
    for (size_t i = 0; i < COUNT(names); i++) {
        if (vtk_fill_isa(&t, names[i])) check(&ref, &t);
    }
}

/* Deterministic numbers in [-1, 1). */
static inline float random_float(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(uint32_t)(*state >> 32) * 0x1p-31f;
}

static inline void random_floats(float *x, int64_t n, uint64_t seed) {
    for (int64_t i = 0; i < n; i++) x[i] = random_float(&seed);
}

/* size bytes whose end is the end of a page; the next page cannot be touched. Lengths that are no multiple of a vector so start unaligned. */
static inline void *guarded(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page * page;
    char *p = mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + pages, page, PROT_NONE), 0);
    return p + pages - size;
}

static inline void guarded_free(void *ptr, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page * page;
    munmap((char *)ptr + size - pages, pages + page);
}

/* got is want within tolerance, or both are NaN, or the same infinity. */
static inline int is_close(float got, float want, double tolerance) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got)) return want == got;
    return fabs((double)got - (double)want) <= tolerance + (double)FLT_MIN;
}

#endif
