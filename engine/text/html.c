#include "text/html.h"

#include <gumbo.h>
#include <setjmp.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/memory.h"
#include "text/utf8.h"

/* The parser is given memory from an arena, for three reasons: it never looks whether an allocation failed, so failing must not return
 * (longjmp out of it, then drop the arena); its own clean-up recurses, so a deep document would overflow the stack; and its calls for memory
 * are the one place where we can look at what it is doing. Much of HTML's tree building is quadratic on input made for that: depth is looked
 * at by walking down the last children, every so many calls; the rest (a tag with a million attributes, say) is left to a limit on the
 * thread's time, which a real document does not come near: it is parsed at some 20 MB/s. */
enum {
    CHUNK_FIRST = 1 << 14,
    CHUNK_MOST = 1 << 22,
    ALIGN = 16,
    LOOK_EVERY = 128, /* allocations; a level costs at least one */
    MAX_DEPTH = 1024
};
static const uint64_t MEMORY_BASE = 64u << 20, MEMORY_A_BYTE = 32; /* what parsing may take: about 10 are usual */
static const int64_t TIME_BASE_NS = 1000000000, TIME_A_BYTE_NS = 500;

typedef struct chunk {
    struct chunk *next;
    size_t size, used; /* bytes of the whole chunk, and taken; the head counts */
} chunk;

typedef struct arena {
    vt_context *ctx;
    chunk *chunks;
    uint64_t total, most; /* bytes asked of the context, and allowed */
    int64_t cpu_end;      /* ns */
    int calls;
    const GumboOutput *output; /* the parser's first allocation; its tree grows below */
    jmp_buf out;
    vt_status status; /* why we jumped */
} arena;

static _Noreturn void give_up(arena *a, vt_status status) {
    a->status = status;
    longjmp(a->out, 1);
}

/* Elements on the way down the last children. Misses what is put in front of a table for being misplaced in it. */
static int open_depth(const GumboNode *node) {
    int depth = 0;
    while (node && depth <= MAX_DEPTH) {
        const GumboVector *kids = node->type == GUMBO_NODE_DOCUMENT ? &node->v.document.children : &node->v.element.children;
        int holds = node->type == GUMBO_NODE_DOCUMENT || node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE;
        node = holds && kids->length > 0 ? kids->data[kids->length - 1] : NULL;
        depth++;
    }
    return depth;
}

static void look(arena *a) {
    if (a->output && open_depth(a->output->document) > MAX_DEPTH)
        give_up(a, vt__fail(VT_ERR_LIMIT, "html: elements nested more than %d deep", (int)MAX_DEPTH));
    if (vt__clock_thread_cpu() > a->cpu_end) give_up(a, vt__fail(VT_ERR_LIMIT, "html: too tangled to be parsed in reasonable time"));
}

static chunk *add_chunk(arena *a, size_t need) {
    size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_FIRST;
    if (size > CHUNK_MOST) size = CHUNK_MOST;
    if (size < need + sizeof(chunk) + ALIGN) size = need + sizeof(chunk) + ALIGN;
    a->total += size;
    if (a->total > a->most) give_up(a, vt__fail(VT_ERR_LIMIT, "html: parsing takes more than %llu bytes of memory", (unsigned long long)a->most));
    chunk *c = vt__calloc(a->ctx, size); /* zeroed: look() meets half-made objects */
    if (!c) give_up(a, vt__fail_nomem("html", size));
    *c = (chunk){.next = a->chunks, .size = size, .used = (sizeof(chunk) + ALIGN - 1) / ALIGN * ALIGN};
    return a->chunks = c;
}

static void *arena_alloc(void *user, size_t size) {
    arena *a = user;
    chunk *c = a->chunks;
    if (++a->calls % LOOK_EVERY == 0) look(a);
    if (size > SIZE_MAX / 2) give_up(a, vt__fail_nomem("html", size));
    size_t rounded = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (!c || c->size - c->used < rounded) c = add_chunk(a, rounded);
    void *p = (char *)c + c->used;
    c->used += rounded;
    if (a->calls == 1) a->output = p;
    return p;
}

static void arena_free(void *user, void *ptr) { /* all at once, at the end */
    (void)user;
    (void)ptr;
}

static void arena_drop(arena *a) {
    while (a->chunks) {
        chunk *c = a->chunks;
        a->chunks = c->next;
        vt__free(a->ctx, c);
    }
}

/* ---- the tree into text ---- */

typedef struct place {
    const GumboNode *node;
    unsigned next; /* child to visit */
} place;

typedef struct walk {
    vt__cutter *c;
    place *path; /* stack: trees are as deep as their authors like */
    int64_t n, cap;
    int pre, head, headings; /* <pre>, <head> and heading elements that we are in */
    char **title;
} walk;

typedef enum kind { INLINE, BLOCK, LINE, CELL, HEADING, PRE, SKIPPED } kind;

static kind kind_of(GumboTag tag) {
    switch (tag) {
    case GUMBO_TAG_H1: case GUMBO_TAG_H2: case GUMBO_TAG_H3: case GUMBO_TAG_H4: case GUMBO_TAG_H5: case GUMBO_TAG_H6: return HEADING;
    case GUMBO_TAG_PRE: case GUMBO_TAG_LISTING: case GUMBO_TAG_XMP: case GUMBO_TAG_PLAINTEXT: return PRE;
    case GUMBO_TAG_BR: case GUMBO_TAG_LI: case GUMBO_TAG_TR: case GUMBO_TAG_DT: case GUMBO_TAG_DD: return LINE;
    case GUMBO_TAG_TD: case GUMBO_TAG_TH: return CELL;
    case GUMBO_TAG_P: case GUMBO_TAG_DIV: case GUMBO_TAG_UL: case GUMBO_TAG_OL: case GUMBO_TAG_DL: case GUMBO_TAG_TABLE: case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_BLOCKQUOTE: case GUMBO_TAG_SECTION: case GUMBO_TAG_ARTICLE: case GUMBO_TAG_ASIDE: case GUMBO_TAG_HEADER: case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_MAIN: case GUMBO_TAG_FIGURE: case GUMBO_TAG_FIGCAPTION: case GUMBO_TAG_ADDRESS: case GUMBO_TAG_HR: case GUMBO_TAG_FORM:
    case GUMBO_TAG_FIELDSET: case GUMBO_TAG_DETAILS: case GUMBO_TAG_SUMMARY: case GUMBO_TAG_CENTER: case GUMBO_TAG_DIR: case GUMBO_TAG_MENU:
    case GUMBO_TAG_HGROUP: case GUMBO_TAG_BODY: case GUMBO_TAG_THEAD: case GUMBO_TAG_TBODY: case GUMBO_TAG_TFOOT: return BLOCK;
    case GUMBO_TAG_HEAD: case GUMBO_TAG_SCRIPT: case GUMBO_TAG_STYLE: case GUMBO_TAG_NAV: case GUMBO_TAG_TEMPLATE: case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_SVG: case GUMBO_TAG_MATH: case GUMBO_TAG_IFRAME: case GUMBO_TAG_OBJECT: case GUMBO_TAG_CANVAS: case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO: case GUMBO_TAG_TEXTAREA: case GUMBO_TAG_SELECT: case GUMBO_TAG_BUTTON: case GUMBO_TAG_TITLE: return SKIPPED;
    default: return INLINE;
    }
}

/* Whether one of the words of an attribute's value is in the list. */
static int has_word(const GumboElement *e, const char *attribute, const char *const *words, size_t n_words) {
    const GumboAttribute *a = gumbo_get_attribute(&e->attributes, attribute);
    for (const char *p = a ? a->value : ""; *p;) {
        size_t len = strcspn(p, " \t\r\n\f");
        for (size_t i = 0; i < n_words; i++)
            if (strlen(words[i]) == len && memcmp(words[i], p, len) == 0) return 1;
        p += len;
        p += strspn(p, " \t\r\n\f");
    }
    return 0;
}

/* Ways through documents that are no <nav>: the roles of WAI-ARIA, and the classes that DocBook, Sphinx, Doxygen and the like write. */
static int is_navigation(const GumboElement *e) {
    static const char *const roles[] = {"navigation", "search"};
    static const char *const classes[] = {"nav", "navbar", "navheader", "navfooter", "navigation", "toc", "breadcrumb", "breadcrumbs", "headerlink"};
    return has_word(e, "role", roles, sizeof roles / sizeof *roles) || has_word(e, "class", classes, sizeof classes / sizeof *classes) ||
           gumbo_get_attribute(&e->attributes, "hidden") != NULL;
}

/* Gumbo's text, with U+FFFD for what is no UTF-8: a character reference that overflows (&#x800000ff;) comes out as stray bytes. */
static void say_clean(vt__cutter *c, void (*say)(vt__cutter *, const char *, size_t), const char *text) {
    size_t len = strlen(text), from = 0, n;
    for (size_t i = 0; i < len; i += n) {
        if (vt__utf8_step(text + i, len - i, &n) == VT__UTF8_VALID) continue;
        n = 1;
        say(c, text + from, i - from);
        say(c, "\xEF\xBF\xBD", 3);
        from = i + 1;
    }
    say(c, text + from, len - from);
}

static void keep_title(walk *w, const GumboElement *e) {
    vt__cutter line; /* a title is a heading: one line, white space collapsed */
    if (*w->title || e->tag_namespace != GUMBO_NAMESPACE_HTML) return;
    vt__cutter_init(&line, w->c->ctx);
    vt__cutter_heading_begin(&line);
    for (unsigned i = 0; i < e->children.length; i++) {
        const GumboNode *kid = e->children.data[i];
        if (kid->type == GUMBO_NODE_TEXT) say_clean(&line, vt__cutter_text, kid->v.text.text);
    }
    vt__bytes_append_byte(&line.heading, '\0');
    if (line.heading.failed) w->c->failed = 1;
    *w->title = line.heading.data;
    line.heading.data = NULL;
    vt__cutter_free(&line);
}

/* The head is walked for its title, in silence. */
static int enter(walk *w, const GumboNode *node) {
    const GumboElement *e = &node->v.element;
    kind k = kind_of(e->tag);
    if (e->tag == GUMBO_TAG_TITLE) keep_title(w, e);
    if ((k == SKIPPED && e->tag != GUMBO_TAG_HEAD) || is_navigation(e)) return 0;
    if (vt__reserve(w->c->ctx, (void **)&w->path, &w->cap, w->n + 1, sizeof *w->path)) {
        w->c->failed = 1;
        return 0;
    }
    w->path[w->n++] = (place){.node = node};
    if (k == HEADING && w->headings++ == 0) vt__cutter_heading_begin(w->c);
    if (k == LINE) vt__cutter_lines(w->c, 1);
    if (k == BLOCK || k == PRE) vt__cutter_lines(w->c, 2);
    if (k == CELL) vt__cutter_gap(w->c, '\t');
    w->pre += k == PRE;
    w->head += e->tag == GUMBO_TAG_HEAD;
    return 1;
}

static void leave(walk *w, const GumboNode *node) {
    GumboTag tag = node->v.element.tag;
    kind k = kind_of(tag);
    if (k == LINE) vt__cutter_lines(w->c, 1);
    if (k == BLOCK || k == PRE) vt__cutter_lines(w->c, 2);
    w->pre -= k == PRE;
    w->head -= tag == GUMBO_TAG_HEAD;
    /* A heading inside of a heading belongs to it. */
    if (k == HEADING && --w->headings == 0) vt__cutter_heading_end(w->c, (int32_t)(tag - GUMBO_TAG_H1) + 1);
}

static void say(walk *w, const GumboNode *node) {
    if (!w->head) say_clean(w->c, w->pre ? vt__cutter_verbatim : vt__cutter_text, node->v.text.text);
}

static void walk_tree(walk *w, const GumboNode *root) {
    if (!enter(w, root)) return;
    while (w->n > 0 && !w->c->failed) {
        place *p = &w->path[w->n - 1];
        const GumboVector *kids = &p->node->v.element.children;
        if (p->next == kids->length) {
            const GumboNode *done = p->node;
            w->n--;
            leave(w, done);
            continue;
        }
        const GumboNode *kid = kids->data[p->next++];
        if (kid->type == GUMBO_NODE_ELEMENT) (void)enter(w, kid);
        if (kid->type == GUMBO_NODE_TEXT || kid->type == GUMBO_NODE_WHITESPACE || kid->type == GUMBO_NODE_CDATA) say(w, kid);
    }
}

/* In a function of its own: what the caller has is not touched by the jump. */
static const GumboOutput *parse(arena *a, const char *text, size_t len) {
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = arena_alloc;
    options.deallocator = arena_free;
    options.userdata = a;
    options.max_errors = 0;
    if (setjmp(a->out) != 0) return NULL;
    return gumbo_parse_with_options(&options, text, len);
}

vt_status vt__html_cut(vt__cutter *c, const char *text, size_t len, char **out_title) {
    arena a = {.ctx = c->ctx, .most = MEMORY_BASE + MEMORY_A_BYTE * len, .status = VT_OK};
    walk w = {.c = c, .title = out_title};

    *out_title = NULL;
    a.cpu_end = vt__clock_thread_cpu() + TIME_BASE_NS + TIME_A_BYTE_NS * (int64_t)len;
    const GumboOutput *tree = parse(&a, text, len);
    if (tree && tree->root) walk_tree(&w, tree->root);
    vt__free(c->ctx, w.path);
    arena_drop(&a);
    return a.status;
}
