/* Any bytes as tables and streams of entropy coders. The first byte is the number of symbols, then come their counts; what follows is decoded by both
 * coders, by every instruction set alike, and encoded and decoded again. */
#include <stdlib.h>
#include <string.h>

#include "codec/arith.h"
#include "codec/rans.h"
#include "codec/table.h"
#include "core/context.h"
#include "vtk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 9, ROWS = 4, N = COLUMNS * ROWS, MOST_LINES = 8 };

static int decode(const char *isa, uint8_t *out, const uint8_t *data, size_t size, const uint16_t *tables, int64_t lines) {
    vtk_table t;
    vtk_rans r;
    int ok = 1;
    if (!vtk_fill_isa(&t, isa)) return -1;
    if (!vt__rans_open(&r, data, size)) return 0;
    for (int row = 0; row < ROWS && ok; row++) ok = t.entropy->rans_decode(out + row * COLUMNS, &r, tables, lines, COLUMNS);
    return ok;
}

static void round_trip(vt_context *ctx, const uint8_t *symbols, const uint16_t *tables, int64_t lines) {
    uint16_t room[N + 1];
    uint8_t again[N];
    vt__rans_encoder e;
    vt__bytes out;
    vt__bytes_init(&out, ctx);
    vt__rans_begin(&e, room, N);
    for (int row = ROWS; row-- > 0;) vt__rans_put(&e, symbols + row * COLUMNS, tables, lines, COLUMNS);
    vt__rans_end(&e, &out);
    if (!out.failed && (decode("ref", again, (const uint8_t *)out.data, (size_t)out.len, tables, lines) != 1 || memcmp(again, symbols, N) != 0)) abort();
    vt__bytes_free(&out);
}

static void run(vt_context *ctx, const uint8_t *data, size_t size, const uint32_t *cum, int64_t n) {
    static uint16_t tables[COLUMNS * MOST_LINES * 32 + 1];
    uint8_t first[N], other[N];
    int64_t lines = vt__rans_lines(n);
    for (int c = 0; c < COLUMNS; c++) vt__rans_table(tables + c * lines * 32, lines, cum, n);
    if (!vt__rans_check(tables, n)) abort();
    tables[COLUMNS * lines * 32] = 4096;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return;
    if (size) memcpy(copy, data, size);
    int want = decode("ref", first, copy, size, tables, lines);
    static const char *const isas[] = {"avx2", "avx512"};
    for (int i = 0; i < 2; i++) {
        int got = decode(isas[i], other, copy, size, tables, lines);
        if (got >= 0 && (got != want || (want && memcmp(first, other, N) != 0))) abort();
    }
    if (want) round_trip(ctx, first, tables, lines);
    vt__arith_decoder d;
    vt__arith_open(&d, copy, size);
    for (int i = 0; i < N; i++) {
        int32_t k = vt__arith_get(&d, cum, n);
        if (k < 0 || k >= n) abort();
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx = NULL;
    uint32_t cum[257];
    uint64_t counts[256];
    int64_t n = size ? data[0] : 0;
    if (n < 2 || (size_t)n + 1 > size) return 0;
    for (int64_t i = 0; i < n; i++) counts[i] = 1 + (uint64_t)data[1 + i] * data[1 + i];
    vt__cum_from_counts(cum, counts, n);
    if (!vt__cum_check(cum, n)) abort();
    if (vt__context_create(&(vt__context_params){.n_threads = 1}, &ctx) != VT_OK) return 0;
    run(ctx, data + 1 + n, size - 1 - (size_t)n, cum, n);
    vt__context_release(ctx);
    return 0;
}
