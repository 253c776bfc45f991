#include "retrieve/bm25.h"

#include <math.h>

double vt__bm25_weight(double tf, double len, double mean_len, double k1, double b) {
    return tf * (k1 + 1) / (tf + k1 * (1 - b + b * len / mean_len));
}

double vt__bm25_idf(int64_t n, int64_t df) { return log1p(((double)(n - df) + 0.5) / ((double)df + 0.5)); }
