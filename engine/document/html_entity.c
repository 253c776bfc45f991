#include "document/html_entity.h"

#include <gumbo.h>
#include <setjmp.h>
#include <string.h>
#include <utf8proc.h>

#include "core/error.h"
#include "core/memory.h"

/* The standard's 2,231 names are libgumbo's: it parses the name as a document. More of a document it does not get to see, for it stops the
 * process by assert on some that are misnested, frees recursively, and is quadratic on many. It never looks whether an allocation failed,
 * so memory comes from one block that is dropped as a whole, and a call for more leaves by longjmp. */
enum {
    NAME_MAX_LEN = 32,   /* of the longest name, CounterClockwiseContourIntegral */
    LOOKUPS_MAX = 4096,  /* in one document; past that, names not met before are text */
    ARENA_SIZE = 1 << 15 /* bytes; a document of one name takes about 3,000 */
};

typedef struct arena {
    char *block;
    size_t used;
    jmp_buf out;
} arena;

static void *arena_alloc(void *user, size_t size) {
    arena *a = user;
    if (size > ARENA_SIZE - a->used) longjmp(a->out, 1);
    void *p = a->block + a->used;
    a->used += (size + 15) & ~(size_t)15;
    if (a->used > ARENA_SIZE) a->used = ARENA_SIZE;
    return p;
}

static void arena_free(void *user, void *ptr) {
    (void)user;
    (void)ptr;
}

/* The first text in the tree. */
static const char *first_text(const GumboNode *node) {
    while (node && node->type == GUMBO_NODE_ELEMENT) { /* html, its body (the last child), its text */
        const GumboVector *kids = &node->v.element.children;
        node = kids->length > 0 ? kids->data[kids->length - 1] : NULL;
    }
    return node && node->type == GUMBO_NODE_TEXT ? node->v.text.text : NULL;
}

/* What the reference stands for; NULL: the arena was too small. */
static const char *parse(arena *a, const char *name, size_t len) {
    GumboOptions options = kGumboDefaultOptions;
    char document[NAME_MAX_LEN + 4] = "x"; /* a letter in front: a document of white space has no text */
    memcpy(document + 1, name, len);
    options.allocator = arena_alloc;
    options.deallocator = arena_free;
    options.userdata = a;
    options.max_errors = 0;
    if (setjmp(a->out) != 0) return NULL;
    const char *text = first_text(gumbo_parse_with_options(&options, document, len + 1)->root);
    return text ? text + 1 : NULL;
}

void vt__entities_init(vt__entities *e, vt_context *ctx) {
    *e = (vt__entities){.texts.ctx = ctx};
    vt__map_init(&e->known, ctx);
}

void vt__entities_free(vt__entities *e) {
    vt__map_free(&e->known);
    vt__bytes_free(&e->texts);
}

/* name: "&name" or "&name;", at most NAME_MAX_LEN + 2 bytes */
static vt_status look_up(vt__entities *e, const char *name, size_t len, const char **out) {
    int64_t at = vt__map_get(&e->known, name, len, -1);
    if (at < 0) {
        arena a = {.block = vt__alloc(e->known.ctx, ARENA_SIZE)};
        if (!a.block) return vt__fail_nomem("html", ARENA_SIZE);
        const char *text = parse(&a, name, len);
        at = e->texts.len;
        if (text) vt__bytes_append(&e->texts, text, strlen(text) + 1);
        vt__free(e->known.ctx, a.block);
        if (!text || e->texts.failed || vt__map_add(&e->known, name, len, at) < 0) return vt__fail_nomem("html", 0);
    }
    *out = e->texts.data + at;
    return VT_OK;
}

/* Numbers of the block 0x80 to 0x9F mean what Windows' Latin code page has there, says the standard. */
static int32_t meant(uint32_t c) {
    static const uint16_t windows[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                         0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                         0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
    if (c >= 0x80 && c <= 0x9F) return windows[c - 0x80];
    return c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0xFFFD : (int32_t)c;
}

static int digit_of(char b, int base) {
    if (b >= '0' && b <= '9') return b - '0';
    b |= 0x20;
    return base == 16 && b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* "&#233;" or "&#xe9;"; 0: no digits. */
static size_t decode_number(vt__entities *e, const char *text, size_t len) {
    int base = len > 2 && (text[2] | 0x20) == 'x' ? 16 : 10;
    size_t start = base == 16 ? 3 : 2, i = start;
    uint32_t c = 0;
    for (; i < len && digit_of(text[i], base) >= 0; i++)
        if (c <= 0x10FFFF) c = c * (uint32_t)base + (uint32_t)digit_of(text[i], base);
    if (i == start) return 0;
    e->number[utf8proc_encode_char(meant(c), (utf8proc_uint8_t *)e->number)] = '\0';
    return i < len && text[i] == ';' ? i + 1 : i;
}

static int is_alphanumeric(char b) { return (b >= '0' && b <= '9') || ((b | 0x20) >= 'a' && (b | 0x20) <= 'z'); }

vt_status vt__entity_decode(vt__entities *e, const char *text, size_t len, const char **out, size_t *used) {
    size_t n = 1;
    *out = "&";
    *used = 1;
    if (len > 1 && text[1] == '#') {
        n = decode_number(e, text, len);
        if (n == 0) return VT_OK;
        *out = e->number;
        *used = n;
        return VT_OK;
    }
    while (n < len && n <= NAME_MAX_LEN && is_alphanumeric(text[n])) n++;
    if (n == 1) return VT_OK;
    if (n < len && text[n] == ';') n++;
    if (e->known.count >= LOOKUPS_MAX && vt__map_find(&e->known, text, n) < 0) return VT_OK;
    *used = n;
    return look_up(e, text, n, out);
}
