#include "kv/plane.h"

#include <math.h>
#include <string.h>

#include "codec/table.h"
#include "core/memory.h"
#include "cpu/quant/half.h"
#include "kv/delta.h"
#include "vtk.h"

enum { LINE = VTK_RANS_LINE, BESIDE = 8 /* bytes of a value beside */ };
#define MOST_HALF 65504.0f
#define NEAREST 12582912.0f /* added and taken off again it leaves the nearest integer, ties to even, of what is below 2^22 */

static int64_t width_of(const vt__kv_coding *c) { return c->n_channels / c->n_groups; }
static int64_t anchors_of(const vt__kv_coding *c, int64_t n_tokens) { return (n_tokens + c->group_tokens - 1) / c->group_tokens; }
static int is_anchor(const vt__kv_coding *c, int64_t token) { return token % c->group_tokens == 0; }

/* ---- scratch ---- */

/* Of a plane that is coded. Symbols lie as rows of all channels; an anchor's are those of the DELTA groups in its row. */
struct room {
    uint8_t *symbols;   /* [n_tokens, n_channels] */
    uint8_t *codes;     /* [n_tokens, n_groups] of scales */
    uint16_t *words;    /* for the rANS encoder */
    float *y;           /* [n_channels]: anchors as decoded */
    float *ones, *zeros; /* [n_channels] */
    float *restored;    /* [n_channels] */
    float *scales;      /* [n_groups, anchors]: of DELTA groups */
    double *steps;      /* [n_channels] */
    int8_t *anchors, *deltas; /* [anchors, width], [n_tokens, width] of one group */
};

static size_t grow(size_t *at, int64_t n, int64_t m, size_t elem) {
    size_t bytes, begin = *at;
    if (vt__mul_size(n, m, &bytes) || __builtin_mul_overflow(bytes, elem, &bytes) || bytes > SIZE_MAX - 64 || __builtin_add_overflow(begin, (bytes + 63) / 64 * 64, at))
        *at = SIZE_MAX;
    return *at == SIZE_MAX ? 0 : begin;
}

static struct room divide(const vt__kv_coding *c, int64_t n_tokens, unsigned char *base, size_t *size) {
    int64_t n = c->n_channels, width = width_of(c), n_anchors = anchors_of(c, n_tokens);
    size_t at = 0, o[11];
    o[0] = grow(&at, n_tokens, n, 1);
    o[1] = grow(&at, n_tokens, c->n_groups, 1);
    o[2] = grow(&at, n_tokens, n + c->n_groups + 1, sizeof(uint16_t));
    o[3] = grow(&at, n, 1, sizeof(float));
    o[4] = grow(&at, n, 1, sizeof(float));
    o[5] = grow(&at, n, 1, sizeof(float));
    o[6] = grow(&at, n_anchors, c->n_groups, sizeof(float));
    o[7] = grow(&at, n, 1, sizeof(double));
    o[8] = grow(&at, n_anchors, width, 1);
    o[9] = grow(&at, n_tokens, width, 1);
    o[10] = grow(&at, n, 1, sizeof(float));
    *size = at;
    if (!base) return (struct room){0};
    return (struct room){base + o[0], base + o[1], (uint16_t *)(void *)(base + o[2]), (float *)(void *)(base + o[3]), (float *)(void *)(base + o[4]),
                         (float *)(void *)(base + o[5]), (float *)(void *)(base + o[10]), (float *)(void *)(base + o[6]), (double *)(void *)(base + o[7]), (int8_t *)(base + o[8]), (int8_t *)(base + o[9])};
}

size_t vt__plane_scratch(const vt__kv_coding *c, int64_t n_tokens) {
    size_t size;
    (void)divide(c, n_tokens, NULL, &size);
    return size;
}

static void fill(float *x, int64_t n, float v) {
    for (int64_t i = 0; i < n; i++) x[i] = v;
}

/* ---- values to symbols ---- */

/* n values by base and steps, to the nearest within -most..most. */
static void quantise(uint8_t *q, const float *x, const float *base, const float *step, int32_t most, float scale, int64_t n) {
    const float limit = (float)most;
    for (int64_t i = 0; i < n; i++) {
        float v = (x[i] - base[i]) / (step[i] * scale);
        v = v > limit ? limit : v < -limit ? -limit : v;
        q[i] = (uint8_t)((int32_t)((v + NEAREST) - NEAREST) + most);
    }
}

static float largest_of(const float *x, const float *base, const float *step, int64_t n) {
    float most = 0;
    for (int64_t i = 0; i < n; i++) {
        float v = fabsf(x[i] - base[i]) / step[i];
        most = v > most ? v : most;
    }
    return most;
}

/* Differences of a group from its anchors, by the reference's quantiser. */
static void quantise_delta(const vt__kv_coding *c, int32_t g, const float *x, int64_t n_tokens, const struct room *room) {
    int64_t width = width_of(c), first = g * width;
    const vt__kv_group *group = &c->plane->groups[g];
    for (int64_t i = 0; i < width; i++) room->steps[i] = (double)c->plane->step[first + i];
    vt__delta d = {n_tokens, width, c->group_tokens, room->steps, group->most};
    (void)vt__delta_quantise(&d, x + first, c->n_channels, room->scales + g * anchors_of(c, n_tokens), room->anchors, room->deltas);
    for (int64_t t = 0; t < n_tokens; t++) {
        uint8_t *q = room->symbols + t * c->n_channels + first;
        const int8_t *anchor = room->anchors + t / c->group_tokens * width, *delta = room->deltas + t * width;
        for (int64_t i = 0; i < width; i++) q[i] = (uint8_t)(is_anchor(c, t) ? anchor[i] + VT__ANCHOR_MOST : delta[i] + group->most);
    }
}

/* All groups of a row but DELTA ones. */
static void quantise_row(const vt__kv_coding *c, const float *x, uint8_t *symbols, uint8_t *codes) {
    int64_t width = width_of(c);
    for (int32_t g = 0; g < c->n_groups; g++, x += width, symbols += width) {
        const vt__kv_group *group = &c->plane->groups[g];
        const float *base = c->plane->base + g * width, *step = c->plane->step + g * width;
        codes[g] = 0;
        if (group->mode == VT__KV_DELTA) continue;
        if (group->mode == VT__KV_TOKEN) codes[g] = (uint8_t)vt__kv_scale_code(largest_of(x, base, step, width) / (float)group->most);
        quantise(symbols, x, base, step, group->most, group->mode == VT__KV_TOKEN ? vt__kv_scale(codes[g]) : 1, width);
    }
}

/* ---- symbols to values ---- */

/* One row of one group. scale: of the token or of the anchor; anchors: those of the group, which an anchor replaces. */
static void restore(const vt__kv_coding *c, int32_t g, int anchor, const uint8_t *symbols, float scale, float *anchors, const float *zeros, const float *ones,
                     float *y) {
    const struct vtk_entropy *k = vtk_get()->entropy;
    int64_t width = width_of(c);
    const vt__kv_group *group = &c->plane->groups[g];
    const float *base = c->plane->base + g * width, *step = c->plane->step + g * width;
    if (group->mode != VT__KV_DELTA) {
        k->dequantise(y, symbols, base, step, group->most, group->mode == VT__KV_TOKEN ? scale : 1, width);
    } else if (anchor) {
        k->dequantise(y, symbols, zeros, ones, VT__ANCHOR_MOST, scale, width);
        memcpy(anchors, y, (size_t)width * sizeof *y);
    } else {
        k->dequantise(y, symbols, anchors, step, group->most, 1, width);
    }
}

/* What the symbols do not come near goes beside: farther than a step away, which rounding never is. */
static void compare(const float *x, const float *y, const float *step, float scale, uint32_t at, int64_t n, vt__bytes *out, vt__kv_count *count) {
    for (int64_t i = 0; i < n; i++) {
        float d = fabsf(x[i] - y[i]);
        if (!(d > step[i] * scale)) {
            count->error += (double)d * (double)d;
            continue;
        }
        uint32_t place = at + (uint32_t)i;
        vt__bytes_append(out, &place, sizeof place);
        vt__bytes_append(out, &x[i], sizeof x[i]);
        count->beside++;
    }
}

static void put_beside(const vt__kv_coding *c, const float *x, int64_t n_tokens, const struct room *room, vt__bytes *out, vt__kv_count *count) {
    int64_t width = width_of(c), n = c->n_channels, before = count->beside, place = out->len;
    uint32_t n_beside = 0;
    float *y = room->restored;
    vt__bytes_append(out, &n_beside, sizeof n_beside);
    for (int64_t t = 0; t < n_tokens; t++)
        for (int32_t g = 0; g < c->n_groups; g++) {
            int delta = c->plane->groups[g].mode == VT__KV_DELTA, anchor = delta && is_anchor(c, t);
            float scale = !delta ? vt__kv_scale(room->codes[t * c->n_groups + g]) : room->scales[g * anchors_of(c, n_tokens) + t / c->group_tokens];
            restore(c, g, anchor, room->symbols + t * n + g * width, scale, room->y + g * width, room->zeros, room->ones, y);
            if (c->plane->groups[g].mode == VT__KV_DIRECT || (delta && !anchor)) scale = 1;
            compare(x + t * n + g * width, y, anchor ? room->ones : c->plane->step + g * width, scale, (uint32_t)(t * n + g * width), width, out, count);
        }
    n_beside = (uint32_t)(count->beside - before);
    if (!out->failed) memcpy(out->data + place, &n_beside, sizeof n_beside);
}

/* ---- symbols to bytes ---- */

static const uint16_t *tables_of(const vt__kv_group *group, int anchor, int64_t *lines) {
    *lines = anchor ? VT__KV_WIDE_LINES : group->lines;
    return anchor ? group->aside : group->tables;
}

static void put_rans(const vt__kv_coding *c, int64_t n_tokens, const struct room *room, vt__bytes *out) {
    int64_t width = width_of(c), lines;
    vt__rans_encoder e;
    vt__rans_begin(&e, room->words, n_tokens * (c->n_channels + c->n_groups));
    for (int64_t t = n_tokens; t-- > 0;)
        for (int32_t g = c->n_groups; g-- > 0;) {
            const vt__kv_group *group = &c->plane->groups[g];
            const uint16_t *tables = tables_of(group, group->mode == VT__KV_DELTA && is_anchor(c, t), &lines);
            vt__rans_put(&e, room->symbols + t * c->n_channels + g * width, tables, lines, width);
            if (group->mode == VT__KV_TOKEN) vt__rans_put(&e, room->codes + t * c->n_groups + g, group->aside, VT__KV_WIDE_LINES, 1);
        }
    vt__rans_end(&e, out);
}

static void arith_put(vt__arith_encoder *e, const uint8_t *symbols, const uint16_t *tables, int64_t lines, int64_t n) {
    enum { SHIFT = 16 - VTK_RANS_BITS, ALL = 1 << VTK_RANS_BITS };
    for (int64_t i = 0; i < n; i++) {
        const uint16_t *t = tables + i * lines * LINE + symbols[i];
        vt__arith_put(e, (uint32_t)t[0] << SHIFT, (uint32_t)(t[1] ? t[1] : ALL) << SHIFT);
    }
}

static void put_arith(const vt__kv_coding *c, int64_t n_tokens, const struct room *room, vt__bytes *out) {
    int64_t width = width_of(c), lines;
    vt__arith_encoder e;
    vt__arith_begin(&e, out);
    for (int64_t t = 0; t < n_tokens; t++)
        for (int32_t g = 0; g < c->n_groups; g++) {
            const vt__kv_group *group = &c->plane->groups[g];
            if (group->mode == VT__KV_TOKEN) arith_put(&e, room->codes + t * c->n_groups + g, group->aside, VT__KV_WIDE_LINES, 1);
            const uint16_t *tables = tables_of(group, group->mode == VT__KV_DELTA && is_anchor(c, t), &lines);
            arith_put(&e, room->symbols + t * c->n_channels + g * width, tables, lines, width);
        }
    vt__arith_end(&e);
    if (out->len % 2) vt__bytes_append_byte(out, 0);
}

void vt__plane_quantise(const vt__kv_coding *c, const float *x, int64_t n_tokens, void *scratch, vt__bytes *out, vt__kv_count *count, const uint8_t **symbols,
                        const uint8_t **codes) {
    size_t size;
    struct room room = divide(c, n_tokens, scratch, &size);
    fill(room.ones, c->n_channels, 1);
    fill(room.zeros, c->n_channels, 0);
    for (int64_t t = 0; t < n_tokens; t++) quantise_row(c, x + t * c->n_channels, room.symbols + t * c->n_channels, room.codes + t * c->n_groups);
    for (int32_t g = 0; g < c->n_groups; g++)
        if (c->plane->groups[g].mode == VT__KV_DELTA) quantise_delta(c, g, x, n_tokens, &room);
    put_beside(c, x, n_tokens, &room, out, count);
    *symbols = room.symbols;
    *codes = room.codes;
}

static void put_lossy(const vt__kv_coding *c, const float *x, int64_t n_tokens, void *scratch, vt__bytes *out, vt__kv_count *count) {
    size_t size;
    const uint8_t *symbols, *codes;
    struct room room = divide(c, n_tokens, scratch, &size);
    vt__plane_quantise(c, x, n_tokens, scratch, out, count, &symbols, &codes);
    for (int32_t g = 0; g < c->n_groups; g++)
        for (int64_t i = 0; c->plane->groups[g].mode == VT__KV_DELTA && i < anchors_of(c, n_tokens); i++) {
            uint16_t half = vtk_float_to_half(room.scales[g * anchors_of(c, n_tokens) + i]);
            vt__bytes_append(out, &half, sizeof half);
        }
    if (c->coder == VT__KV_RANS) put_rans(c, n_tokens, &room, out);
    else put_arith(c, n_tokens, &room, out);
}

/* ---- fixed and raw ---- */

static int32_t most_of(int32_t coder) { return coder == VT__KV_INT8 ? 127 : 7; }
static int64_t row_bytes(const vt__kv_coding *c) {
    switch (c->coder) {
    case VT__KV_INT8: return c->n_channels;
    case VT__KV_INT4: return (c->n_channels + 1) / 2;
    case VT__KV_F16: return c->n_channels * 2;
    default: return c->n_channels * 4;
    }
}

/* The scale of a row: a half above 0 that holds the largest magnitude, as nearly as halves do. */
static uint16_t half_scale(const float *x, int64_t n, int32_t most) {
    float largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    uint16_t half = vtk_float_to_half(largest / (float)most);
    return half == 0 ? 1 : half >= 0x7c00 ? 0x7bff : half;
}

static void put_fixed(const vt__kv_coding *c, const float *x, int64_t n_tokens, vt__bytes *out, vt__kv_count *count) {
    int64_t n = c->n_channels;
    int32_t most = most_of(c->coder);
    for (int64_t t = 0; t < n_tokens; t++) {
        uint16_t half = half_scale(x + t * n, n, most);
        vt__bytes_append(out, &half, sizeof half);
    }
    for (int64_t t = 0; t < n_tokens; t++) {
        float scale = vtk_half_to_float(half_scale(x + t * n, n, most));
        int32_t low = 0;
        for (int64_t i = 0; i < n; i++) {
            float v = x[t * n + i] / scale;
            v = v > (float)most ? (float)most : v < -(float)most ? -(float)most : v;
            int32_t q = (int32_t)((v + NEAREST) - NEAREST);
            double d = (double)x[t * n + i] - (double)((float)q * scale);
            count->error += d * d;
            if (c->coder == VT__KV_INT8) vt__bytes_append_byte(out, (char)q);
            else if (i % 2) vt__bytes_append_byte(out, (char)(low | (q + 8) << 4));
            else low = q + 8;
        }
        if (c->coder == VT__KV_INT4 && n % 2) vt__bytes_append_byte(out, (char)(low | 8 << 4));
    }
    if (out->len % 2) vt__bytes_append_byte(out, 0);
}

static void put_raw(const vt__kv_coding *c, const float *x, int64_t n_tokens, vt__bytes *out) {
    for (int64_t i = 0; i < n_tokens * c->n_channels; i++) {
        uint16_t half = vtk_float_to_half(x[i]);
        if (c->coder == VT__KV_F16) vt__bytes_append(out, &half, sizeof half);
        else vt__bytes_append(out, &x[i], sizeof x[i]);
    }
}

/* What is kept, as far as halves go. */
static void put_kept(const vt__kv_coding *c, const float *x, vt__bytes *out) {
    for (int64_t i = 0; i < c->n_kept * c->n_channels; i++) {
        float v = x[i] > MOST_HALF ? MOST_HALF : x[i] < -MOST_HALF ? -MOST_HALF : x[i];
        uint16_t half = vtk_float_to_half(v);
        vt__bytes_append(out, &half, sizeof half);
    }
}

void vt__plane_encode(const vt__kv_coding *c, const float *x, int64_t n_tokens, void *scratch, vt__bytes *out, vt__kv_count *count) {
    count->values += n_tokens * c->n_channels;
    if (vt__kv_is_lossy(c->coder)) put_kept(c, x, out), put_lossy(c, x + c->n_kept * c->n_channels, n_tokens - c->n_kept, scratch, out, count);
    else if (c->coder == VT__KV_INT8 || c->coder == VT__KV_INT4) put_fixed(c, x, n_tokens, out, count);
    else put_raw(c, x, n_tokens, out);
}

/* ---- reading ---- */

static int open_lossy(vt__plane_reader *r, const unsigned char *data, size_t size) {
    const vt__kv_coding *c = &r->coding;
    uint32_t n_beside;
    int64_t n_scales = 0;
    size_t kept = (size_t)(c->n_kept * c->n_channels) * sizeof(uint16_t);
    if (size < kept || size - kept < sizeof n_beside) return 0;
    r->rows = data;
    data += kept;
    size -= kept;
    memcpy(&n_beside, data, sizeof n_beside);
    size -= sizeof n_beside;
    data += sizeof n_beside;
    if (n_beside > size / BESIDE) return 0;
    r->beside = data;
    r->beside_end = r->scales = data + (size_t)n_beside * BESIDE;
    size -= (size_t)n_beside * BESIDE;
    for (int32_t g = 0; g < c->n_groups; g++) n_scales += c->plane->groups[g].mode == VT__KV_DELTA ? anchors_of(c, r->n_tokens) : 0;
    if ((uint64_t)n_scales > size / 2) return 0;
    data = r->scales + 2 * n_scales;
    size -= 2 * (size_t)n_scales;
    if (c->coder == VT__KV_RANS) return vt__rans_open(&r->rans, data, size);
    vt__arith_open(&r->arith, data, size);
    return 1;
}

int vt__plane_open(vt__plane_reader *r, const vt__kv_coding *c, const void *data, size_t size, int64_t n_tokens, void *scratch) {
    size_t room_size;
    struct room room = divide(c, 1, scratch, &room_size);
    *r = (vt__plane_reader){.coding = *c, .n_tokens = n_tokens - c->n_kept, .n_kept = c->n_kept, .anchors = room.y, .ones = room.ones, .zeros = room.zeros, .symbols = room.symbols};
    if (vt__kv_is_lossy(c->coder)) {
        fill(r->ones, c->n_channels, 1);
        fill(r->zeros, c->n_channels, 0);
        return open_lossy(r, data, size);
    }
    int fixed = c->coder == VT__KV_INT8 || c->coder == VT__KV_INT4;
    size_t want = (size_t)(n_tokens * (row_bytes(c) + (fixed ? 2 : 0)));
    r->scales = data;
    r->rows = r->scales + (fixed ? 2 * n_tokens : 0);
    return size == want + want % 2;
}

static int get(vt__plane_reader *r, uint8_t *out, const uint16_t *tables, int64_t lines, int64_t n) {
    if (r->coding.coder == VT__KV_RANS) return vtk_get()->entropy->rans_decode(out, &r->rans, tables, lines, n);
    for (int64_t i = 0; i < n; i++) out[i] = (uint8_t)vt__arith_get_short(&r->arith, tables + i * lines * LINE, lines * LINE);
    return 1;
}

static float half_at(const unsigned char *p) {
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return vtk_half_to_float(half);
}

/* 0: a stream that ends, or a scale that is none. */
static int lossy_row(vt__plane_reader *r, float *x) {
    const vt__kv_coding *c = &r->coding;
    int64_t width = width_of(c), lines, n_anchors = anchors_of(c, r->n_tokens);
    const unsigned char *scales = r->scales;
    for (int32_t g = 0; g < c->n_groups; g++) {
        const vt__kv_group *group = &c->plane->groups[g];
        int anchor = group->mode == VT__KV_DELTA && is_anchor(c, r->at);
        float scale = 1;
        uint8_t code;
        if (group->mode == VT__KV_TOKEN) {
            if (!get(r, &code, group->aside, VT__KV_WIDE_LINES, 1)) return 0;
            scale = vt__kv_scale(code);
        }
        if (anchor) scale = half_at(scales + 2 * (r->at / c->group_tokens));
        if (group->mode == VT__KV_DELTA) scales += 2 * n_anchors;
        const uint16_t *tables = tables_of(group, anchor, &lines);
        if (!isfinite(scale) || !get(r, r->symbols, tables, lines, width)) return 0;
        restore(c, g, anchor, r->symbols, scale, r->anchors + g * width, r->zeros, r->ones, x + g * width);
    }
    return 1;
}

/* 0: places out of order, or values that are none. */
static int take_beside(vt__plane_reader *r, float *x) {
    int64_t first = r->at * r->coding.n_channels, before = first - 1;
    for (; r->beside < r->beside_end; r->beside += BESIDE) {
        uint32_t place;
        float value;
        memcpy(&place, r->beside, sizeof place);
        memcpy(&value, r->beside + sizeof place, sizeof value);
        if (place >= first + r->coding.n_channels) break;
        if (place <= before || !isfinite(value)) return 0;
        x[place - first] = value;
        before = place;
    }
    return 1;
}

static void fixed_row(vt__plane_reader *r, float *x) {
    float scale = half_at(r->scales);
    int64_t n = r->coding.n_channels;
    r->scales += 2;
    for (int64_t i = 0; i < n; i++) {
        int32_t q = r->coding.coder == VT__KV_INT8 ? (int8_t)r->rows[i] : (r->rows[i / 2] >> (4 * (i % 2)) & 15) - 8;
        x[i] = (float)q * scale;
    }
}

static int next_row(vt__plane_reader *r, float *x) {
    const vt__kv_coding *c = &r->coding;
    if (r->n_kept > 0) {
        vtk_get()->decode[VTK_F16](x, r->rows, c->n_channels);
        r->rows += 2 * c->n_channels;
        r->n_kept--;
        return 1;
    }
    if (vt__kv_is_lossy(c->coder)) {
        int ok = lossy_row(r, x) && take_beside(r, x);
        r->at++;
        return ok;
    }
    r->at++;
    switch (c->coder) {
    case VT__KV_F16: vtk_get()->decode[VTK_F16](x, r->rows, c->n_channels); break;
    case VT__KV_F32: memcpy(x, r->rows, (size_t)c->n_channels * sizeof *x); break;
    default: fixed_row(r, x);
    }
    r->rows += row_bytes(c);
    return 1;
}

int vt__plane_next(vt__plane_reader *r, float *x, int64_t ld, int64_t n) {
    for (int64_t t = 0; t < n; t++)
        if (!next_row(r, x + t * ld)) return 0;
    if (r->at < r->n_tokens || !vt__kv_is_lossy(r->coding.coder)) return 1;
    if (r->beside != r->beside_end) return 0;
    return r->coding.coder != VT__KV_RANS || vt__rans_is_done(&r->rans);
}
