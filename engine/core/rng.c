#include "core/rng.h"

#include <math.h>

void vt__philox_block(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = ctr[0], c1 = ctr[1], c2 = ctr[2], c3 = ctr[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void block_at(uint64_t seed, uint32_t stream, uint64_t block, uint32_t out[4]) {
    const uint32_t ctr[4] = {(uint32_t)block, (uint32_t)(block >> 32), stream, 0};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    vt__philox_block(ctr, key, out);
}

void vt__random_words(uint64_t seed, uint32_t stream, uint64_t first, uint32_t *out, int64_t n) {
    uint32_t w[4];
    for (int64_t i = 0; i < n; i++) {
        uint64_t j = first + (uint64_t)i;
        if (i == 0 || j % 4 == 0) block_at(seed, stream, j / 4, w);
        out[i] = w[j % 4];
    }
}

void vt__random_uniform(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n) {
    uint32_t w[4];
    for (int64_t i = 0; i < n; i++) {
        uint64_t j = first + (uint64_t)i;
        if (i == 0 || j % 4 == 0) block_at(seed, stream, j / 4, w);
        out[i] = (double)(w[j % 4] >> 8) * 0x1p-24;
    }
}

void vt__random_normal(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n) {
    const double two_pi = 6.283185307179586476925286766559;
    uint32_t w[4];
    for (int64_t i = 0; i < n; i++) {
        uint64_t j = first + (uint64_t)i;
        if (i == 0 || j % 4 == 0) block_at(seed, stream, j / 4, w);
        const uint32_t *pair = w + (j % 4 & 2u);
        double u1 = (double)((pair[0] >> 8) + 1) * 0x1p-24, u2 = (double)(pair[1] >> 8) * 0x1p-24;
        double r = sqrt(-2.0 * log(u1));
        out[i] = r * (j & 1 ? sin(two_pi * u2) : cos(two_pi * u2));
    }
}
