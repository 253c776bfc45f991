/* BM25 (Robertson and Zaragoza 2009, section 3) as one way of making term weights: the passage's part and the query's part. */
#ifndef VENTURI_RETRIEVE_BM25_H
#define VENTURI_RETRIEVE_BM25_H

#include "venturi/types.h"

/* Passage's part: tf (k1 + 1) / (tf + k1 (1 - b + b len / mean_len)); tf >= 1 occurrences of the term among len words. */
double vt__bm25_weight(double tf, double len, double mean_len, double k1, double b);

/* Query's part: ln(1 + (n - df + 0.5) / (df + 0.5)), n passages of which df have the term. Always > 0; largest for a term that nobody has. */
double vt__bm25_idf(int64_t n, int64_t df);

#endif
