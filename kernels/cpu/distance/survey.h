/* Loops of the survey of matrices: plain C that the compiler turns into vectors, for each instruction set that includes them. */
#ifndef VENTURI_KERNELS_DISTANCE_SURVEY_H
#define VENTURI_KERNELS_DISTANCE_SURVEY_H

#include <stdint.h>
#include <string.h>

#include "vtk.h"

/* Bits of a float without the sign are ordered like magnitudes, infinity after all numbers and NaN after that. */
static inline uint32_t magnitude_f32(uint32_t v) { return v & 0x7fffffffu; }
static inline uint64_t magnitude_f64(uint64_t v) { return v & 0x7fffffffffffffffu; }
/* Unsigned, so that the smallest integer has one too. */
static inline uint32_t magnitude_i32(uint32_t v) { return (v ^ (0u - (v >> 31))) + (v >> 31); }
static inline uint64_t magnitude_i64(uint64_t v) { return (v ^ (0u - (v >> 63))) + (v >> 63); }

/* Rows of a tile are too short for the machine to see that it will want the next ones. */
static inline void fetch_row(const char *row, size_t size) {
    for (size_t i = 0; i < size; i += 64) __builtin_prefetch(row + i);
}

#define LARGEST(type, word)                                                                                                         \
    static inline word largest_of_row_##type(const char *x, char *restrict copy, int64_t n) {                                       \
        word largest = 0; /* of this row alone: rows do not wait for each other */                                                \
        for (int64_t c = 0; c < n; c++) {                                                                                           \
            word v, m;                                                                                                              \
            memcpy(&v, x + (size_t)c * sizeof v, sizeof v);                                                                         \
            if (copy) memcpy(copy + (size_t)c * sizeof v, &v, sizeof v);                                                            \
            m = magnitude_##type(v);                                                                                                \
            largest = m > largest ? m : largest;                                                                                    \
        }                                                                                                                           \
        return largest;                                                                                                             \
    }                                                                                                                               \
    static inline uint64_t largest_##type(const vtk_survey *s) {                                                                    \
        const char *x = s->x, *next = s->next;                                                                                      \
        char *copy = s->copy;                                                                                                       \
        size_t step = (size_t)s->stride * sizeof(word), copy_step = (size_t)s->edge * sizeof(word);                                 \
        word largest = 0;                                                                                                           \
        for (int64_t r = 0; r < s->n_rows; r++, x += step) {                                                                        \
            if (next) fetch_row(next + (size_t)r * step, copy_step);                                                                \
            word m = copy ? largest_of_row_##type(x, copy + (size_t)r * copy_step, s->n_columns) : largest_of_row_##type(x, NULL, s->n_columns); \
            largest = m > largest ? m : largest;                                                                                    \
        }                                                                                                                           \
        return largest;                                                                                                             \
    }
LARGEST(f32, uint32_t)
LARGEST(f64, uint64_t)
LARGEST(i32, uint32_t)
LARGEST(i64, uint64_t)

/* The table's functions, for one instruction set. */
#define SURVEY(isa)                                                                         \
    uint64_t vtk_largest_f32_##isa(const vtk_survey *s) { return largest_f32(s); } \
    uint64_t vtk_largest_f64_##isa(const vtk_survey *s) { return largest_f64(s); } \
    uint64_t vtk_largest_i32_##isa(const vtk_survey *s) { return largest_i32(s); } \
    uint64_t vtk_largest_i64_##isa(const vtk_survey *s) { return largest_i64(s); }

static inline int is_mirrored_32(const uint32_t *a, const uint32_t *b, int64_t edge, int64_t n_rows, int64_t n_columns) {
    uint32_t differ = 0;
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t c = 0; c < n_columns; c++) differ |= a[r * edge + c] ^ b[c * edge + r];
    return !differ;
}

static inline int is_mirrored_64(const uint64_t *a, const uint64_t *b, int64_t edge, int64_t n_rows, int64_t n_columns) {
    uint64_t differ = 0;
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t c = 0; c < n_columns; c++) differ |= a[r * edge + c] ^ b[c * edge + r];
    return !differ;
}

#endif
