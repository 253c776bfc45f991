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

#define LARGEST(type, word)                                                                                                    \
    static inline uint64_t largest_##type(const vtk_survey *s) {                                                               \
        word largest = 0;                                                                                                      \
        for (int64_t r = 0; r < s->n_rows; r++) {                                                                              \
            const char *row = (const char *)s->x + (size_t)(r * s->stride) * sizeof(word);                                     \
            if (s->next) fetch_row((const char *)s->next + (size_t)(r * s->stride) * sizeof(word), (size_t)s->edge * sizeof(word)); \
            if (s->copy) memcpy((char *)s->copy + (size_t)(r * s->edge) * sizeof(word), row, (size_t)s->n_columns * sizeof(word)); \
            for (int64_t c = 0; c < s->n_columns; c++) {                                                                       \
                word v;                                                                                                        \
                memcpy(&v, row + (size_t)c * sizeof v, sizeof v);                                                              \
                v = magnitude_##type(v);                                                                                       \
                largest = v > largest ? v : largest;                                                                           \
            }                                                                                                                  \
        }                                                                                                                      \
        return largest;                                                                                                        \
    }
LARGEST(f32, uint32_t)
LARGEST(f64, uint64_t)
LARGEST(i32, uint32_t)
LARGEST(i64, uint64_t)

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
