#include "codec/table.h"

#include "vtk_entropy.h"

enum { RANS_ALL = 1 << VTK_RANS_BITS };
_Static_assert(VTK_RANS_LINE == 32, "vt__rans_lines");

int vt__cum_check(const uint32_t *cum, int64_t n) {
    if (n < 2 || n > VT__CUM_MOST_SYMBOLS || cum[0] != 0 || cum[n] != VT__CUM_ALL) return 0;
    for (int64_t i = 0; i < n; i++)
        if (cum[i] >= cum[i + 1]) return 0;
    return 1;
}

void vt__cum_from_counts(uint32_t *cum, const uint64_t *counts, int64_t n) {
    uint64_t total = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) total += counts[i];
    cum[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += counts[i];
        cum[i + 1] = (uint32_t)((uint64_t)(VT__CUM_ALL - n) * sum / total) + (uint32_t)i + 1;
    }
}

/* Rounded to the nearest, at least 1; what the sum then is too large or too small, the longest symbols make good, one unit at a time: a unit costs them
 * least. */
static void shorten(uint32_t *frequency, const uint32_t *cum, int64_t n) {
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t f = (cum[i + 1] - cum[i] + 8) >> (16 - VTK_RANS_BITS);
        frequency[i] = f ? f : 1;
        sum += frequency[i];
    }
    while (sum != RANS_ALL) {
        int64_t longest = 0;
        for (int64_t i = 1; i < n; i++)
            if (frequency[i] > frequency[longest]) longest = i;
        int64_t change = RANS_ALL - sum, most = frequency[longest] / 64 + 1;
        if (change > most) change = most;
        if (change < -most) change = -most;
        frequency[longest] = (uint32_t)((int64_t)frequency[longest] + change);
        sum += change;
    }
}

void vt__rans_table(uint16_t *table, int64_t lines, const uint32_t *cum, int64_t n) {
    uint32_t frequency[VT__CUM_MOST_SYMBOLS], begin = 0;
    shorten(frequency, cum, n);
    for (int64_t i = 0; i < lines * VTK_RANS_LINE; i++) {
        table[i] = (uint16_t)begin; /* 4096 behind the last */
        if (i < n) begin += frequency[i];
    }
}

int vt__rans_check(const uint16_t *table, int64_t n) {
    if (n < 2 || n > VT__CUM_MOST_SYMBOLS || table[0] != 0 || table[n - 1] >= RANS_ALL) return 0;
    for (int64_t i = 1; i < n; i++)
        if (table[i - 1] >= table[i]) return 0;
    return 1;
}
