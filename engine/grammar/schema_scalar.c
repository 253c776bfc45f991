/* Strings and integers. */
#include <math.h>

#include "core/error.h"
#include "grammar/schema_internal.h"

/* ---- strings ---- */

#define DAY "(\"0\" [1-9] | [12] [0-9]"
#define DATE                                                                                                                                       \
    "([0-9]{4} \"-\" ((\"0\" [13578] | \"1\" [02]) \"-\" " DAY " | \"3\" [01]) | (\"0\" [469] | \"11\") \"-\" " DAY " | \"30\") | \"02-\" (\"0\" [1-9] | \"1\" [0-9] | " \
    "\"2\" [0-8])) | ([0-9]{2} (\"0\" [48] | [2468] [048] | [13579] [26]) | ([02468] [048] | [13579] [26]) \"00\") \"-02-29\")"
#define CLOCK "([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9]"
#define TIME CLOCK " \":\" [0-5] [0-9] (\".\" [0-9]{1,9})? (\"Z\" | [+-] " CLOCK ")"
#define BYTE "(\"25\" [0-5] | \"2\" [0-4] [0-9] | \"1\" [0-9] [0-9] | [1-9]? [0-9])"

/* The 29th of February comes with leap years only; no leap seconds. */
static const struct {
    const char *name, *text;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE " \"T\" " TIME},
    {"uuid", "hex{8} \"-\" hex{4} \"-\" hex{4} \"-\" hex{4} \"-\" hex{12}"},
    {"ipv4", BYTE " (\".\" " BYTE "){3}"},
};

static vt_status write_format(vt__bytes *out, vt__value v) {
    vt__msgpack_item item = vt__value_item(v, NULL);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (vt__value_is_text(v, formats[i].name)) {
            vt__schema_text(out, formats[i].text);
            return VT_OK;
        }
    if (item.kind != VT__MSGPACK_STR) return vt__fail(VT_ERR_FORMAT, "schema: 'format' must be a string");
    return vt__fail(VT_ERR_UNSUPPORTED, "schema: format '%.*s' is not supported", item.size < 80 ? (int)item.size : 80, (const char *)item.data);
}

static vt_status write_lengths(vt__bytes *out, const vt__keys *k) {
    int64_t least, most;
    vt_status st = vt__schema_count(k->of[VT__KEY_MIN_LENGTH], "minLength", 0, &least);
    if (st == VT_OK) st = vt__schema_count(k->of[VT__KEY_MAX_LENGTH], "maxLength", -1, &most);
    if (st != VT_OK) return st;
    if (most >= 0 && most < least) return vt__fail(VT_ERR_FORMAT, "schema: 'maxLength' is %lld, below 'minLength'", (long long)most);
    vt__schema_text(out, "char");
    vt__schema_repeat(out, least, most);
    return VT_OK;
}

vt_status vt__schema_string(vt__schema *s, const vt__keys *k) {
    int has_length = k->of[VT__KEY_MIN_LENGTH].at || k->of[VT__KEY_MAX_LENGTH].at;
    vt__value pattern = k->of[VT__KEY_PATTERN], format = k->of[VT__KEY_FORMAT];
    if (!!pattern.at + !!format.at + has_length > 1)
        return vt__fail(VT_ERR_UNSUPPORTED, "schema: 'pattern', 'format' and bounds of the length are supported one at a time");
    vt_status st = VT_OK;
    vt__schema_text(&s->out, "\"\\\"\" ");
    if (pattern.at) {
        vt__msgpack_item item = vt__value_item(pattern, NULL);
        if (item.kind != VT__MSGPACK_STR) return vt__fail(VT_ERR_FORMAT, "schema: 'pattern' must be a string");
        st = vt__schema_regex(&s->out, (const char *)item.data, item.size);
    } else if (format.at) {
        st = write_format(&s->out, format);
    } else {
        st = write_lengths(&s->out, k);
    }
    vt__schema_text(&s->out, " \"\\\"\"");
    return st;
}

/* ---- integers ---- */

enum { DIGITS = 16 };
static const int64_t MOST = 9999999999999999; /* of so many digits */

static void write_char(vt__bytes *out, char c) {
    char text[4] = {'"', c, '"', ' '};
    vt__bytes_append(out, text, sizeof text);
}

static void write_digits(vt__bytes *out, char from, char to, int64_t rest) {
    char text[6] = {'[', from, '-', to, ']', ' '};
    vt__bytes_append(out, text, sizeof text);
    if (rest == 0) return;
    vt__schema_text(out, "[0-9]");
    vt__schema_repeat(out, rest, rest);
}

static int all_are(const char *digits, int64_t n, char c) {
    for (int64_t i = 0; i < n; i++)
        if (digits[i] != c) return 0;
    return 1;
}

/* Numbers of n digits from a to b. As deep as there are digits. */
static void write_same_length(vt__bytes *out, const char *a, const char *b, int64_t n) {
    static const char zeros[] = "0000000000000000", nines[] = "9999999999999999";
    if (n == 0) {
        vt__schema_text(out, "\"\"");
        return;
    }
    char from = a[0], to = b[0];
    int64_t rest = n - 1;
    if (from == to) {
        write_char(out, from);
        vt__schema_text(out, "(");
        write_same_length(out, a + 1, b + 1, rest);
        vt__schema_text(out, ")");
        return;
    }
    int below = !all_are(a + 1, rest, '0'), above = !all_are(b + 1, rest, '9');
    if (below) {
        write_char(out, from++);
        vt__schema_text(out, "(");
        write_same_length(out, a + 1, nines, rest);
        vt__schema_text(out, ")");
    }
    if (above) to--;
    if (from <= to) {
        if (below) vt__schema_text(out, " | ");
        write_digits(out, from, to, rest);
    }
    if (!above) return;
    if (below || from <= to) vt__schema_text(out, " | ");
    write_char(out, b[0]);
    vt__schema_text(out, "(");
    write_same_length(out, zeros, b + 1, rest);
    vt__schema_text(out, ")");
}

static int64_t digits_of(int64_t x, char out[DIGITS]) {
    int64_t n = 1;
    for (int64_t y = x; y >= 10; y /= 10) n++;
    for (int64_t i = n; i-- > 0; x /= 10) out[i] = (char)('0' + x % 10);
    return n;
}

/* 0 <= low <= high: one part for each number of digits. */
static void write_range(vt__bytes *out, int64_t low, int64_t high) {
    char a[DIGITS], b[DIGITS];
    for (int64_t n = 1, end = 9; n <= DIGITS; n++, end = end * 10 + 9) {
        if (end < low) continue;
        int64_t until = high < end ? high : end;
        vt__schema_text(out, "(");
        digits_of(low, a);
        digits_of(until, b);
        write_same_length(out, a, b, n);
        vt__schema_text(out, ")");
        if (high <= end) return;
        vt__schema_text(out, " | ");
        low = end + 1;
    }
}

/* A bound as the integer that is just inside. sign 1: a lower one. */
static vt_status read_bound(const vt__keys *k, int key, int exclusive, int sign, int64_t *out) {
    vt__msgpack_item item = vt__value_item(k->of[key], NULL);
    int64_t x;
    if (!k->of[key].at) return VT_OK;
    if (item.kind == VT__MSGPACK_INT || item.kind == VT__MSGPACK_UINT) {
        x = item.kind == VT__MSGPACK_UINT || item.i > MOST ? MOST + 1 : item.i < -MOST ? -MOST - 1 : item.i;
        x += exclusive ? sign : 0;
    } else if (item.kind == VT__MSGPACK_FLOAT) {
        double f = item.f > 1e16 ? 1e16 : item.f < -1e16 ? -1e16 : item.f, inside = sign > 0 ? ceil(f) : floor(f);
        x = (int64_t)inside + (exclusive && !(inside < f) && !(inside > f) ? sign : 0);
    } else {
        return vt__fail(VT_ERR_FORMAT, "schema: '%s' must be a number", vt__key_name(key));
    }
    if (sign > 0 ? x > *out : x < *out) *out = x;
    return VT_OK;
}

vt_status vt__schema_integer(vt__schema *s, const vt__keys *k) {
    int64_t low = -MOST, high = MOST;
    vt_status st = read_bound(k, VT__KEY_MINIMUM, 0, 1, &low);
    if (st == VT_OK) st = read_bound(k, VT__KEY_EXCLUSIVE_MINIMUM, 1, 1, &low);
    if (st == VT_OK) st = read_bound(k, VT__KEY_MAXIMUM, 0, -1, &high);
    if (st == VT_OK) st = read_bound(k, VT__KEY_EXCLUSIVE_MAXIMUM, 1, -1, &high);
    if (st != VT_OK) return st;
    if (low > high) return vt__fail(VT_ERR_FORMAT, "schema: no integer of at most %d digits lies within the bounds", (int)DIGITS);
    if (low < 0) {
        vt__schema_text(&s->out, "\"-\" (");
        write_range(&s->out, high < 0 ? -high : 1, -low);
        vt__schema_text(&s->out, high < 0 ? ")" : ") | ");
    }
    if (high >= 0) write_range(&s->out, low > 0 ? low : 0, high);
    return VT_OK;
}
