/* Philox4x32-10: random numbers as a pure function of (seed, stream, position). Source: Salmon et al. 2011, section 3. */
#ifndef VENTURI_CORE_RNG_H
#define VENTURI_CORE_RNG_H

#include "venturi/types.h"

void vt__philox_block(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]);
void vt__random_words(uint64_t seed, uint32_t stream, uint64_t first, uint32_t *out, int64_t n);
/* (word >> 8) * 2^-24 in [0, 1). */
void vt__random_uniform(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n);
/* Box-Muller on the word pairs (2i, 2i+1). */
void vt__random_normal(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n);

#endif
