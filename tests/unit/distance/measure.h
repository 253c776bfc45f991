/* For tests of distances: a context, random numbers, and the check that windows, gather and compute all give the same wanted matrix. */
#ifndef VENTURI_TEST_MEASURE_H
#define VENTURI_TEST_MEASURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/error.h"
#include "distance/distance.h"
#include "distance/window.h"
#include "torture.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static inline vt_context *new_context(int32_t n_threads, torture *t) {
    vt_context *ctx = NULL;
    vt__context_params params = {.n_threads = n_threads, .alloc = t ? torture_alloc : NULL, .alloc_user = t};
    assert_int_equal(vt__context_create(&params, &ctx), VT_OK);
    return ctx;
}

/* Deterministic words, and numbers in [-1, 1). */
static inline uint32_t next_word(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}
static inline double next_number(uint64_t *state) { return (double)(int32_t)next_word(state) * 0x1p-31; }

static inline double value_of(int type, const void *values, int64_t i) {
    switch (type) {
    case VT__DISTANCE_F32: return (double)((const float *)values)[i];
    case VT__DISTANCE_F64: return ((const double *)values)[i];
    case VT__DISTANCE_I32: return (double)((const int32_t *)values)[i];
    default: return (double)((const int64_t *)values)[i];
    }
}

static inline void put_value(int type, void *values, int64_t i, double v) {
    switch (type) {
    case VT__DISTANCE_F32: ((float *)values)[i] = (float)v; break;
    case VT__DISTANCE_F64: ((double *)values)[i] = v; break;
    case VT__DISTANCE_I32: ((int32_t *)values)[i] = (int32_t)v; break;
    default: ((int64_t *)values)[i] = (int64_t)v; break;
    }
}

static inline void assert_near(double got, double want, double tolerance, int64_t i, int64_t j) {
    if (got == want || fabs(got - want) <= tolerance) return;
    fail_msg("D(%lld, %lld) is %.17g, not %.17g", (long long)i, (long long)j, got, want);
}

/* What searches see of D(i, j) = v. */
static inline double searched(const vt_distance *d, double v, int64_t i, int64_t j) { return i == j ? 0 : v == (double)INFINITY ? vt__distance_far(d) : v; }

/* Objects in an order that is neither ascending nor without repetition. */
static inline void pick(int64_t *list, int64_t n_list, int64_t n, uint64_t *state) {
    for (int64_t i = 0; i < n_list; i++) list[i] = (int64_t)(next_word(state) % (uint32_t)n);
}

static inline void check_window(const vt_distance *d, const double *want, double tolerance, int64_t capacity) {
    int64_t n = vt__distance_count(d), objects[64];
    uint64_t state = 5;
    vt__window w;
    assert_int_equal(vt__window_init(&w, d, capacity), VT_OK);
    assert_true(w.capacity >= 1 && w.capacity <= 64);
    for (int round = 0; round < 4; round++) {
        int64_t n_list = round % 2 ? w.capacity : (w.capacity + 1) / 2;
        pick(objects, n_list, n, &state);
        assert_int_equal((round < 2 ? vt__window_load : vt__window_load_rows)(&w, objects, n_list), VT_OK);
        for (int64_t i = 0; i < n_list; i++)
            for (int64_t o = 0; o < n; o++) {
                double wanted = round < 2 ? want[o * n + objects[i]] : want[objects[i] * n + o];
                assert_near(value_of(vt__distance_type(d), w.columns[i], o), searched(d, wanted, o, objects[i]), tolerance, o, objects[i]);
            }
    }
    vt__window_free(&w);
}

static inline void check_blocks(const vt_distance *d, const double *want, double tolerance) {
    int64_t n = vt__distance_count(d), rows[70], columns[3];
    int type = vt__distance_type(d);
    uint64_t state = 6;
    void *out = malloc((size_t)(n > 70 ? n : 70) * (size_t)(n > 3 ? n : 3) * 8);
    assert_non_null(out);
    assert_int_equal(vt__distance_compute(d, NULL, n, NULL, n, NULL, out), VT_OK);
    for (int64_t i = 0; i < n * n; i++) assert_near(value_of(type, out, i), want[i], tolerance, i / n, i % n);
    pick(rows, 70, n, &state);
    pick(columns, 3, n, &state);
    assert_int_equal(vt__distance_gather(d, rows, 70, columns, 3, out), VT_OK);
    for (int64_t i = 0; i < 210; i++) {
        double wanted = want[rows[i / 3] * n + columns[i % 3]];
        assert_near(value_of(type, out, i), searched(d, wanted, rows[i / 3], columns[i % 3]), tolerance, rows[i / 3], columns[i % 3]);
    }
    assert_int_equal(vt__distance_compute(d, rows, 70, NULL, n, NULL, out), VT_OK);
    for (int64_t i = 0; i < 70 * n; i++) assert_near(value_of(type, out, i), want[rows[i / n] * n + i % n], tolerance, rows[i / n], i % n);
    assert_int_equal(vt__distance_compute(d, NULL, n, columns, 3, NULL, out), VT_OK);
    for (int64_t i = 0; i < n * 3; i++) assert_near(value_of(type, out, i), want[i / 3 * n + columns[i % 3]], tolerance, i / 3, columns[i % 3]);
    free(out);
}

/* want: [n, n]. */
static inline void check_distance(const vt_distance *d, const double *want, double tolerance) {
    static const int64_t capacities[] = {0, 1, 2, 7, 64};
    for (size_t i = 0; i < COUNT(capacities); i++) check_window(d, want, tolerance, capacities[i]);
    check_blocks(d, want, tolerance);
}

/* Windows and blocks of a distance, for check_torture. */
static inline vt_status use_distance(const vt_distance *d) {
    vt__window w = {0};
    const int64_t object = vt__distance_count(d) - 1;
    double out[64];
    vt_status st = vt__window_init(&w, d, 0);
    assert_in_range(vt__distance_count(d), 1, 8);
    if (st == VT_OK) st = vt__window_load(&w, &object, 1);
    if (st == VT_OK) st = vt__distance_gather(d, NULL, vt__distance_count(d), &object, 1, out);
    if (st == VT_OK) st = vt__distance_compute(d, NULL, vt__distance_count(d), NULL, vt__distance_count(d), NULL, out);
    vt__window_free(&w);
    return st;
}

/* Makes a distance, which on VT_OK is used and released here, with each allocation failing in turn: out of memory, and nothing is left. */
static inline void check_torture(vt_status (*make)(vt_context *ctx, const void *how, vt_distance **out), const void *how) {
    for (long k = 1, done = 0; !done; k++) {
        torture t = {0};
        vt_context *ctx = new_context(1, &t);
        vt_distance *d = NULL;
        t.fail_at = t.calls + k;
        vt_status st = make(ctx, how, &d);
        if (st == VT_OK) st = use_distance(d);
        done = t.calls < t.fail_at;
        assert_int_equal(st, done ? VT_OK : VT_ERR_NOMEM);
        vt__distance_release(d);
        vt__context_release(ctx);
        assert_int_equal(t.live, 0);
    }
}

#endif
